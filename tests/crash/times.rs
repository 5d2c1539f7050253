//! How long things took.

use std::{fmt, time::Duration};

/// Times of one kind.
#[derive(Default)]
pub(crate) struct Times(Vec<Duration>);

impl Times {
    pub(crate) fn add(&mut self, time: Duration) {
        self.0.push(time);
    }
}

impl fmt::Display for Times {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut sorted = self.0.clone();
        sorted.sort_unstable();
        let millis = |time: Option<&Duration>| time.map_or(0, Duration::as_millis);
        let (median, max) = (millis(sorted.get(sorted.len() / 2)), millis(sorted.last()));
        write!(f, "median {median} ms, max {max} ms ({} times)", sorted.len())
    }
}
