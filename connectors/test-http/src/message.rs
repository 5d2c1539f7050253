//! What connector and system say to each other.

use std::collections::{BTreeMap, BTreeSet};

use scim_connector::{MappedValue, ResourceId, WriteRule};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// What the system keeps of a resource.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct Entry {
    /// The newest version that it was told.
    pub version: u64,
    /// Whether it may be used.
    pub active: bool,
    /// Its attributes.
    pub attributes: Map<String, Value>,
    /// A group's members.
    pub members: BTreeSet<ResourceId>,
}

/// A request that writes.
#[derive(Clone, PartialEq, Debug)]
pub enum Write {
    /// Makes or changes an entry.
    Put(Put),
    /// Switches an entry off.
    Disable,
    /// Changes members.
    Members(MemberChange),
    /// Takes an entry away.
    Delete,
}

/// An entry's state, without members.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Put {
    /// Whether it may be used.
    pub active: bool,
    /// What each attribute should hold; others stay.
    pub attributes: BTreeMap<String, Attribute>,
}

/// What one attribute should hold.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Attribute {
    /// A value, an array of them, or null for nothing.
    pub value: Value,
    /// When it may be written.
    pub write: WriteRule,
}

/// A change of a group's members.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MemberChange {
    /// Adds and removes some.
    Delta {
        /// To add.
        add: Vec<ResourceId>,
        /// To remove.
        remove: Vec<ResourceId>,
    },
    /// Exactly these.
    Exactly(BTreeSet<ResourceId>),
}

/// What a write did.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Effect {
    Created,
    Updated,
    Unchanged,
    Removed,
}

/// The answer to a write: 200, 409 with `Unchanged` when it was too old.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub(crate) struct Done {
    pub(crate) effect: Effect,
    /// Whether there is an entry now.
    pub(crate) is_there: bool,
}

/// The answer 422: members that have no entry.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub(crate) struct Missing {
    pub(crate) missing: Vec<ResourceId>,
}

impl Write {
    /// The method, and what follows the entry's path.
    pub(crate) fn request(&self) -> (http::Method, &'static str) {
        match self {
            Self::Put(_) => (http::Method::PUT, ""),
            Self::Disable => (http::Method::POST, "/disable"),
            Self::Members(_) => (http::Method::POST, "/members"),
            Self::Delete => (http::Method::DELETE, ""),
        }
    }

    /// The body, and a name for a person.
    pub(crate) fn body(&self) -> Value {
        match self {
            Self::Put(put) => serde_json::json!(put),
            Self::Members(members) => serde_json::json!(members),
            Self::Disable | Self::Delete => Value::Null,
        }
    }

    /// The write that a request asks for.
    pub(crate) fn read(method: &str, suffix: Option<&str>, body: Value) -> Result<Self, String> {
        match (method, suffix) {
            ("PUT", None) => serde_json::from_value(body).map(Self::Put).map_err(|error| error.to_string()),
            ("POST", Some("members")) => {
                serde_json::from_value(body).map(Self::Members).map_err(|error| error.to_string())
            }
            ("POST", Some("disable")) => Ok(Self::Disable),
            ("DELETE", None) => Ok(Self::Delete),
            _ => Err(format!("no such request: {method}")),
        }
    }
}

/// The value as it stands in a message.
pub(crate) fn json(value: &MappedValue) -> Value {
    match value {
        MappedValue::Absent => Value::Null,
        MappedValue::Single(value) => value.clone(),
        MappedValue::Multi(values) => Value::Array(values.clone()),
    }
}
