//! What is wrong with a configuration, for the operator who has to mend it.

use std::fmt;

use serde::Serialize;

use super::{key::Key, source::Source};

/// One thing that is wrong, where it was set, and what would be right. Never holds the value that was found: it may be
/// a secret in the wrong place.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Problem {
    /// What sort of problem it is; `docs/errors/configuration.md` explains each.
    pub code: Code,
    /// The key, as in TOML: `tenants.acme.base-path`. Empty for the file as a whole.
    pub key: String,
    /// The file or the environment variable that set it.
    pub source: String,
    /// What is wrong.
    pub message: String,
    /// What would be right.
    pub remedy: String,
}

/// The sorts of problems.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize)]
pub enum Code {
    /// The configuration file cannot be read, or is not TOML.
    #[serde(rename = "SR-C01")]
    Unreadable,
    /// A key that nobody reads, most often misspelt.
    #[serde(rename = "SR-C02")]
    UnknownKey,
    /// A value of the wrong type, or one that is not possible there.
    #[serde(rename = "SR-C03")]
    WrongValue,
    /// A key that must be set and is not.
    #[serde(rename = "SR-C04")]
    Missing,
    /// Two settings, each right by itself, that exclude one another.
    #[serde(rename = "SR-C05")]
    Conflict,
    /// A file, folder or variable that a setting names cannot be used.
    #[serde(rename = "SR-C06")]
    Reference,
    /// It would work, and be dangerous.
    #[serde(rename = "SR-C07")]
    Unsafe,
    /// A schema or resource type that a file declares is not right.
    #[serde(rename = "SR-C08")]
    Schema,
}

impl Code {
    /// The code as operators meet it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unreadable => "SR-C01",
            Self::UnknownKey => "SR-C02",
            Self::WrongValue => "SR-C03",
            Self::Missing => "SR-C04",
            Self::Conflict => "SR-C05",
            Self::Reference => "SR-C06",
            Self::Unsafe => "SR-C07",
            Self::Schema => "SR-C08",
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.code.as_str(), self.source)?;
        if !self.key.is_empty() {
            write!(f, ": {}", self.key)?;
        }
        write!(f, ": {}\n       {}", self.message, self.remedy)
    }
}

/// Collects problems, each with the place that set its key.
pub(super) struct Problems<'a> {
    source: &'a Source,
    found: Vec<(Key, Problem)>,
}

impl<'a> Problems<'a> {
    pub(super) fn new(source: &'a Source) -> Self {
        Self { source, found: Vec::new() }
    }

    /// Notes a problem, unless the key, or the table it is in, was found wrong before: what follows from a first
    /// problem would only send the reader astray.
    pub(super) fn report(&mut self, code: Code, key: &Key, message: impl Into<String>, remedy: impl Into<String>) {
        if self.is_reported(key) {
            return;
        }
        self.found.push((
            key.clone(),
            Problem {
                code,
                key: key.to_string(),
                source: self.source.of(key),
                message: message.into(),
                remedy: remedy.into(),
            },
        ));
    }

    /// Whether this key, or a table it is in, was found wrong.
    pub(super) fn is_reported(&self, key: &Key) -> bool {
        self.found.iter().any(|(reported, _)| key.starts_with(reported))
    }

    /// Whether something in this table was found wrong.
    pub(super) fn is_reported_within(&self, table: &Key) -> bool {
        self.found.iter().any(|(reported, _)| reported.starts_with(table))
    }

    /// Whether nothing was found.
    pub(super) fn is_empty(&self) -> bool {
        self.found.is_empty()
    }

    /// All problems, by key.
    pub(super) fn into_vec(mut self) -> Vec<Problem> {
        self.found.sort_by(|(left, _), (right, _)| left.cmp(right));
        self.found.into_iter().map(|(_, problem)| problem).collect()
    }
}
