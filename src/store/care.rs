//! Care for the store as a whole: backups, whether it is sound, the audit chain, and what is kept for how long.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::ConnectorName;
use crate::time::Timestamp;

/// A backup that was made.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Backup {
    /// Its file.
    pub file: PathBuf,
    /// Its size.
    pub bytes: u64,
    /// The store is in it as it was then, or a little later.
    pub at: Timestamp,
}

/// What a restored store holds.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Restored {
    /// When the backup was made.
    pub at: Timestamp,
    /// How many resources there are.
    pub resources: u64,
    /// The connectors, paused.
    pub connectors: Vec<ConnectorName>,
}

/// A contradiction within the store.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Flaw {
    /// What does not hold, as a sentence.
    pub rule: String,
    /// Where: ids and numbers, nothing of a person.
    pub place: String,
}

/// An audit chain that holds.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct AuditReport {
    /// How many entries were removed for their age; the chain is checked from the last of them on.
    pub removed: u64,
    /// How many entries there are.
    pub entries: u64,
    /// The hash of the newest entry, in hexadecimal. Kept elsewhere, it shows later that nothing before it was changed.
    pub head: String,
}

/// What is too old to be kept.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Retention {
    /// Audit entries from before then; `None` keeps all.
    pub audit_before: Option<Timestamp>,
    /// Unknown shapes that were last seen before then; `None` keeps all.
    pub unknown_before: Option<Timestamp>,
}
