//! Why a change was not applied, sorted by what happens next.

use std::{error::Error, fmt, time::Duration};

use crate::ResourceRef;

/// A change that was not applied.
///
/// The message names the step and the thing, in lower case without a full stop, and holds no value of a person's
/// attribute: it goes to logs, dead letters and, with `acknowledge = "applied"`, to the client.
#[derive(Debug)]
pub struct ConnectorError {
    class: ErrorClass,
    message: String,
    source: Option<Box<dyn Error + Send + Sync>>,
}

/// What the dispatcher does with the failed change.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ErrorClass {
    /// Try again with exponential back-off; the outcome of a write may be unknown.
    Transient,
    /// Try again after this time, as the downstream system asked.
    Throttled {
        /// How long to wait.
        retry_after: Duration,
    },
    /// Try again when these resources have been delivered.
    Waiting {
        /// The resources missing downstream.
        on: Vec<ResourceRef>,
    },
    /// Refused for good: a dead letter, until a newer version of the resource or a person tries again.
    Rejected,
    /// The connector cannot work at all (credentials, TLS, a missing table): suspend it and alarm.
    Misconfigured,
}

impl ConnectorError {
    /// An error of that class.
    pub fn new(class: ErrorClass, message: impl Into<String>) -> Self {
        Self { class, message: message.into(), source: None }
    }

    /// [`ErrorClass::Transient`].
    pub fn transient(message: impl Into<String>) -> Self {
        Self::new(ErrorClass::Transient, message)
    }

    /// [`ErrorClass::Rejected`].
    pub fn rejected(message: impl Into<String>) -> Self {
        Self::new(ErrorClass::Rejected, message)
    }

    /// [`ErrorClass::Misconfigured`].
    pub fn misconfigured(message: impl Into<String>) -> Self {
        Self::new(ErrorClass::Misconfigured, message)
    }

    /// The same error with what caused it, for the log.
    #[must_use]
    pub fn caused_by(mut self, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// What happens next.
    pub fn class(&self) -> &ErrorClass {
        &self.class
    }

    /// The step and the thing, without values.
    pub fn message(&self) -> &str {
        &self.message
    }
}

impl fmt::Display for ConnectorError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl Error for ConnectorError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source.as_deref().map(|source| source as &(dyn Error + 'static))
    }
}
