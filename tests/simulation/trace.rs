//! What happened, in words that are the same in every run of a seed.

use std::{collections::BTreeMap, sync::Mutex};

use scim_connector::ResourceId;

/// What happened so far.
#[derive(Default)]
pub(crate) struct Trace {
    lines: Mutex<Vec<String>>,
    /// Resources in the order in which they were first heard of: their ids have bits of chance that no seed gives, and
    /// on which no order depends.
    ids: Mutex<BTreeMap<ResourceId, usize>>,
    is_quiet: bool,
}

impl Trace {
    /// One that keeps nothing, for what is long.
    pub(crate) fn quiet() -> Self {
        Self { is_quiet: true, ..Self::default() }
    }

    pub(crate) fn push(&self, line: String) {
        if !self.is_quiet {
            self.lines.lock().unwrap().push(line);
        }
    }

    /// The resource's name in the trace.
    pub(crate) fn nth(&self, id: ResourceId) -> String {
        let mut ids = self.ids.lock().unwrap();
        let next = ids.len();
        let place = *ids.entry(id).or_insert(next);
        format!("#{place}")
    }

    pub(crate) fn lines(&self) -> Vec<String> {
        self.lines.lock().unwrap().clone()
    }
}
