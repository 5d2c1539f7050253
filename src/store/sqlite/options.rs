//! How a store is opened.

use std::{path::PathBuf, sync::Arc};

use scim_connector::Secret;

use crate::{metrics::Metrics, time::Clock};

/// The most resources of a sorted list that have an index, unless told otherwise.
pub const SORTED_MAX: usize = 100_000;

/// How a store is opened.
pub struct Options {
    /// Where the files are; made if missing.
    pub data_dir: PathBuf,
    /// The source of time.
    pub clock: Clock,
    /// Where transactions are counted.
    pub metrics: Arc<Metrics>,
    /// What passwords are sealed with; without it none are kept.
    pub sealing_key: Option<Secret>,
    /// Connections for reading that stay open, and the most long reads at once.
    pub read_connections: usize,
    /// The most writes that wait; one more is [`Error::Busy`](crate::store::Error::Busy).
    pub queue_max: usize,
    /// The most resources of a sorted list that have an index: a page by index that lies beyond is `tooMany`. At most
    /// twice as many sort keys are kept for a page.
    pub sorted_max: usize,
    /// Works on the runtime that opens it instead of on threads of its own, for a runtime of one thread: what a
    /// simulation does can then be repeated.
    pub on_runtime: bool,
}

impl Options {
    /// The usual ones, without passwords.
    pub fn new(data_dir: PathBuf, clock: Clock, metrics: Arc<Metrics>) -> Self {
        Self {
            data_dir,
            clock,
            metrics,
            sealing_key: None,
            read_connections: 8,
            queue_max: 4_096,
            sorted_max: SORTED_MAX,
            on_runtime: false,
        }
    }
}
