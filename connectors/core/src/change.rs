//! What a connector is told: a resource's desired state as of a version.

use std::{collections::BTreeMap, fmt, str::FromStr, sync::Arc};

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use crate::{ConnectorError, Secret};

/// A SCIM resource's `id` (RFC 7643 §3.1): given by the relay, never derived from what a client sent, never reused.
///
/// It is a UUIDv7, so that ids sort by creation.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ResourceId(Uuid);

impl ResourceId {
    /// Wraps a UUID made by the relay.
    pub const fn new(uuid: Uuid) -> Self {
        Self(uuid)
    }

    /// The id's sixteen bytes.
    pub const fn as_bytes(&self) -> &[u8; 16] {
        self.0.as_bytes()
    }

    /// The id back from its sixteen bytes.
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(Uuid::from_bytes(bytes))
    }
}

impl fmt::Display for ResourceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.as_hyphenated().fmt(f)
    }
}

impl fmt::Debug for ResourceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for ResourceId {
    type Err = uuid::Error;

    /// Parses the canonical form only: 36 characters, lower case. Another spelling is another id, and names nothing.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let id = Self(Uuid::try_parse(text)?);
        if text.len() == 36 && !text.bytes().any(|byte| byte.is_ascii_uppercase()) {
            Ok(id)
        } else {
            // The shortest way to an error of that type: the empty text is no UUID.
            Uuid::try_parse("").map(Self)
        }
    }
}

/// Which of SCIM's resource types a resource has, as its name in `/ResourceTypes`: `User`, `Group`, or a declared one.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ResourceKind(Arc<str>);

impl ResourceKind {
    /// The name of a resource type.
    pub fn new(name: &str) -> Self {
        Self(name.into())
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether this is SCIM's `Group`, the one type with members.
    pub fn is_group(&self) -> bool {
        &*self.0 == "Group"
    }
}

impl fmt::Display for ResourceKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A resource named by id and type.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct ResourceRef {
    /// The resource's id.
    pub id: ResourceId,
    /// The resource's type.
    pub kind: ResourceKind,
}

/// Names one change to one connector. The same through retries and restarts: the idempotency key for calls downstream.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct ChangeId(Arc<str>);

impl ChangeId {
    /// An id without a full stop or white space, as webhook signatures need it.
    pub fn new(text: &str) -> Self {
        debug_assert!(text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_'));
        Self(text.into())
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ChangeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What a connector keeps about its entry for a resource: stable id, last DN, created or adopted, digests.
///
/// Opaque to the relay, which stores it with the confirmation and hands it back with the next change.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RemoteState(pub Value);

/// One change: bring this resource to this state.
#[derive(Clone, Debug)]
pub struct Change {
    /// The idempotency key.
    pub id: ChangeId,
    /// Whose state this is.
    pub resource: ResourceRef,
    /// The resource's version that `desired` shows. Rises by one with each committed write of the resource.
    pub version: u64,
    /// What the last confirmed change left; `None` when this connector has confirmed nothing for the resource.
    pub remote: Option<RemoteState>,
    /// The state to reach.
    pub desired: Desired,
    /// A password to set; the only value that is not state.
    pub password: Option<Secret>,
}

/// The state a downstream system should have for one resource.
#[derive(Clone, Debug)]
pub enum Desired {
    /// There, with these attributes.
    Present {
        /// Whether the resource may be used: SCIM's `active`; `true` for types that have none.
        active: bool,
        /// The attributes as the connector's mapping names them. Never holds `members`.
        attributes: MappedAttributes,
        /// A group's members.
        members: Members,
    },
    /// Still there, but switched off: the relay no longer has the resource and the connector's `on-delete` keeps it.
    Disabled,
    /// Still there and switched off, but where the downstream system keeps those who have left, out of the way of those in
    /// use; `Present` brings it back from there. Its memberships stay. Asked only of kinds that have such a place
    /// ([`crate::ConnectorKind::moves`]).
    Aside,
    /// Not there.
    Absent,
}

/// Attributes by the downstream system's names, in a fixed order.
pub type MappedAttributes = BTreeMap<String, MappedAttribute>;

/// One attribute of the downstream system.
#[derive(Clone, PartialEq, Debug)]
pub struct MappedAttribute {
    /// What it should hold.
    pub value: MappedValue,
    /// When it may be written.
    pub write: WriteRule,
}

/// What an attribute should hold. Values are JSON scalars or, where the downstream system has them, JSON objects.
#[derive(Clone, PartialEq, Debug)]
pub enum MappedValue {
    /// Nothing: removes the attribute downstream.
    Absent,
    /// Exactly one value.
    Single(Value),
    /// A set of values, without duplicates; never empty (that is `Absent`).
    Multi(Vec<Value>),
}

/// When an attribute may be written.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum WriteRule {
    /// With every change.
    #[default]
    Always,
    /// Only while the downstream system holds no value.
    Once,
    /// Only when the entry is created.
    OnCreate,
}

/// A group's members, as far as this change touches them.
#[derive(Clone)]
pub enum Members {
    /// Not a group, or nothing to do.
    Unchanged,
    /// Add and remove these, leave all others. No member is in both.
    Delta {
        /// Members to add; one that is there already is a success.
        add: Vec<MemberRef>,
        /// Members to remove; one that is not there is a success.
        remove: Vec<MemberRef>,
    },
    /// Exactly these, read in pages because a group may have any number of members.
    Full(Arc<dyn MemberSource>),
}

impl fmt::Debug for Members {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unchanged => f.write_str("Unchanged"),
            Self::Delta { add, remove } => {
                f.debug_struct("Delta").field("add", &add.len()).field("remove", &remove.len()).finish()
            }
            Self::Full(_) => f.write_str("Full(..)"),
        }
    }
}

/// A member of a group, with what this connector keeps about it.
#[derive(Clone, PartialEq, Debug)]
pub struct MemberRef {
    /// The member.
    pub resource: ResourceRef,
    /// What the member's own last confirmed change left at this connector.
    pub remote: Option<RemoteState>,
}

/// All members of a group, in pages ordered by id. May be read again from the start: a retry does.
#[async_trait]
pub trait MemberSource: Send + Sync {
    /// The next page after `after`, in ascending order of id; empty when there are no more.
    async fn page(&self, after: Option<ResourceId>) -> Result<Vec<MemberRef>, ConnectorError>;
}

/// A confirmed change.
#[derive(Clone, PartialEq, Debug)]
pub struct Applied {
    /// What happened downstream.
    pub effect: Effect,
    /// What to keep for the next change of the resource; `None` once the entry is gone.
    pub remote: Option<RemoteState>,
}

/// What a confirmed change did downstream.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Effect {
    /// A new entry.
    Created,
    /// An entry that was there before and is ours from now on.
    Adopted,
    /// An entry changed.
    Updated,
    /// Nothing: the state was reached already.
    Unchanged,
    /// The entry is gone.
    Removed,
}
