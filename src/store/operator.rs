//! What an operator sees of connectors and their queues.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{ConnectorName, DeliveryId, TenantName};
use crate::time::Timestamp;

/// A connector's state, kept over restarts.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "state")]
pub enum ConnectorState {
    /// Delivering.
    Active,
    /// Held by an operator.
    Paused,
    /// Held because it is misconfigured, with the connector's words.
    Suspended {
        /// The connector's words.
        reason: String,
    },
}

/// A connector's numbers.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ConnectorStatus {
    /// Its name.
    pub name: ConnectorName,
    /// Its tenant.
    pub tenant: TenantName,
    /// Whether the configuration has it. What is known of one that was removed is kept until it is discarded.
    pub configured: bool,
    /// Its state.
    #[serde(flatten)]
    pub state: ConnectorState,
    /// Deliveries owed.
    pub pending: u64,
    /// Dead letters.
    pub dead: u64,
    /// Removals that a brake withholds.
    pub staged: u64,
    /// Members of groups whose removal a brake withholds.
    pub staged_members: u64,
    /// When the oldest pending delivery was queued.
    pub oldest: Option<Timestamp>,
    /// Resources confirmed.
    pub confirmed: u64,
    /// Memberships that wait for their member.
    pub waiting_members: u64,
    /// Leavers who may still have access there.
    pub leavers: u64,
    /// Since when the first of them is.
    pub oldest_leaver: Option<Timestamp>,
    /// Whether a backfill is under way.
    pub backfilling: bool,
}

/// Which deliveries a queue command means; all conditions hold.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct QueueSelection {
    /// Of this connector.
    pub connector: Option<ConnectorName>,
    /// With this name.
    pub id: Option<DeliveryId>,
    /// Of this class: `pending` (never tried), `retrying`, `dead`.
    pub class: Option<QueueClass>,
    /// Queued at least so long ago.
    pub older_than: Option<Duration>,
}

/// Classes of queued deliveries.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum QueueClass {
    /// Not tried yet.
    Pending,
    /// Tried, and to be tried again.
    Retrying,
    /// Refused for good.
    Dead,
}

/// A delivery as an operator sees it. No personal data.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[expect(
    missing_docs,
    reason = "the names say it; `waits_for` names an earlier delivery in conflict, `leaver_since` when its user left"
)]
pub struct QueueEntry {
    pub id: DeliveryId,
    pub connector: ConnectorName,
    pub resource: String,
    pub kind: String,
    pub version: u64,
    pub removal: bool,
    pub class: QueueClass,
    pub attempts: u32,
    pub queued: Timestamp,
    pub not_before: Option<Timestamp>,
    pub waits_for: Option<DeliveryId>,
    pub leaver_since: Option<Timestamp>,
    pub error_class: Option<String>,
    pub error: Option<String>,
    pub request_id: String,
}

/// How many references of a tenant name nobody.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct PendingReferences {
    /// The tenant.
    pub tenant: TenantName,
    /// Which references.
    pub attribute: ReferenceAttribute,
    /// How many are pending.
    pub count: u64,
    /// Since when the oldest is.
    pub oldest: Option<Timestamp>,
}

/// An attribute that names other resources.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ReferenceAttribute {
    /// A group's `members.value`.
    Members,
    /// The enterprise extension's `manager.value`.
    Manager,
}

impl ReferenceAttribute {
    /// The name in metrics and tables.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Members => "members",
            Self::Manager => "manager",
        }
    }
}

/// The most unknown shapes that are kept of one tenant; beyond that the one seen least recently goes.
pub const UNKNOWN_SHAPES_MAX: usize = 200;

/// A request that was not understood. No personal data.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct NotUnderstood {
    /// Whose client sent it.
    pub tenant: TenantName,
    /// What it asked for, as in metrics: `patch`, `create`, `list`.
    pub operation: String,
    /// The resource type's name, `User`.
    pub resource_type: String,
    /// The dialect that it was read in.
    pub dialect: String,
    /// The `scimType` of the answer.
    pub error: String,
    /// The reason that the client was told.
    pub detail: String,
    /// Names and types of the request (`scim::shape`).
    pub shape: Value,
    /// The request's id.
    pub request_id: String,
    /// The public id of the credential.
    pub credential: String,
}

/// Requests that were not understood and have one shape.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct UnknownShape {
    /// Its number.
    pub id: u64,
    /// How many there were.
    pub count: u64,
    /// When the first came.
    pub first: Timestamp,
    /// When the latest came.
    pub last: Timestamp,
    /// The latest.
    #[serde(flatten)]
    pub latest: NotUnderstood,
}
