//! Order, retry, dead letters: brings each connector to what it is owed.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// `[delivery]`: how deliveries are retried.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Settings {
    /// The shortest wait before a retry, in milliseconds; doubles with each attempt.
    pub delay_ms_min: u64,
    /// The longest wait before a retry, in seconds.
    pub delay_seconds_max: u64,
    /// A delivery that failed so often while others of its connector succeeded becomes a dead letter.
    pub attempts_max: u32,
}

impl Default for Settings {
    fn default() -> Self {
        Self { delay_ms_min: 500, delay_seconds_max: 300, attempts_max: 20 }
    }
}

/// What becomes of an entry downstream whose resource was deactivated or deleted.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum OnRemoval {
    /// It stays, switched off.
    Disable,
    /// It goes.
    Delete,
    /// It stays as it is.
    Ignore,
}
