//! How a command reaches a relay: over its control socket, or, where none runs, by the same code on the store itself.

use serde_json::Value;

use crate::{config::Config, operator::Command};

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    /// The relay, or the operator's code here, said no.
    #[error("{0}")]
    Refused(String),
    /// Nobody could be asked.
    #[error("{0}")]
    Unreachable(String),
}

/// Executes a command where the state is.
pub(super) async fn execute(_config: &Config, _command: &Command) -> Result<Value, Failure> {
    todo!()
}
