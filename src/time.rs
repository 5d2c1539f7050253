//! The one place that reads a clock.

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use serde::{Deserialize, Serialize};
use tokio::{sync::watch, time::Instant};

/// A moment, in milliseconds since 1970-01-01T00:00:00Z. Orders log entries and schedules retries; never orders
/// changes (versions do).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(pub i64);

impl Timestamp {
    /// The moment that much later.
    #[must_use]
    pub fn after(self, delay: Duration) -> Self {
        Self(self.0.saturating_add(i64::try_from(delay.as_millis()).unwrap_or(i64::MAX)))
    }

    /// The moment that much earlier.
    #[must_use]
    pub fn before(self, age: Duration) -> Self {
        Self(self.0.saturating_sub(i64::try_from(age.as_millis()).unwrap_or(i64::MAX)))
    }

    /// How long from `earlier` to `self`; zero if `earlier` is later.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }

    /// Seconds since 1970, the unit of metrics.
    #[expect(clippy::cast_precision_loss, reason = "milliseconds since 1970 fit")]
    pub fn seconds(self) -> f64 {
        self.0 as f64 / 1_000.0
    }

    /// As RFC 3339 in UTC with milliseconds: `2026-11-24T09:30:00.000Z`, the form of SCIM's `dateTime`.
    pub fn rfc3339(self) -> String {
        match jiff::Timestamp::from_millisecond(self.0) {
            Ok(moment) => format!("{moment:.3}"),
            Err(_) => "9999-12-31T23:59:59.999Z".to_owned(),
        }
    }
}

/// A source of time: the system's, one that a test moves, or the runtime's.
#[derive(Clone)]
pub struct Clock(Arc<Source>);

enum Source {
    System,
    Manual(watch::Sender<Timestamp>),
    /// The wall clock at the start, moved by its jumps, and when that was.
    Runtime(AtomicI64, Instant),
}

impl Clock {
    /// The system's clock.
    pub fn system() -> Self {
        Self(Arc::new(Source::System))
    }

    /// A clock that stands at `start` until [`Clock::advance`] moves it.
    pub fn manual(start: Timestamp) -> Self {
        Self(Arc::new(Source::Manual(watch::Sender::new(start))))
    }

    /// A clock that goes with the runtime's, which a test may have paused, from `start` on.
    pub fn of_runtime(start: Timestamp) -> Self {
        Self(Arc::new(Source::Runtime(AtomicI64::new(start.0), Instant::now())))
    }

    /// Sets the clock of a runtime forward or back, as somebody does to a machine's: who sleeps does not notice.
    pub fn jump(&self, by_ms: i64) {
        if let Source::Runtime(start, _) = &*self.0 {
            start.fetch_add(by_ms, Ordering::Relaxed);
        }
    }

    /// The present moment.
    pub fn now(&self) -> Timestamp {
        match &*self.0 {
            Source::System => Timestamp(jiff::Timestamp::now().as_millisecond()),
            Source::Manual(now) => *now.borrow(),
            Source::Runtime(start, began) => Timestamp(start.load(Ordering::Relaxed)).after(began.elapsed()),
        }
    }

    /// Moves a manual clock; does nothing to the system's.
    pub fn advance(&self, by: Duration) {
        if let Source::Manual(now) = &*self.0 {
            now.send_modify(|moment| *moment = moment.after(by));
        }
    }

    /// Waits until the clock shows `moment` or later.
    pub async fn sleep_until(&self, moment: Timestamp) {
        match &*self.0 {
            Source::System | Source::Runtime(..) => tokio::time::sleep(moment.since(self.now())).await,
            Source::Manual(now) => {
                // The sender lives as long as `self`, so waiting cannot fail.
                let _ = now.subscribe().wait_for(|now| *now >= moment).await;
            }
        }
    }
}
