//! What is owed to a connector, and what came of it.

use std::sync::Arc;

use scim_connector::{Effect, MemberRef, RemoteState, ResourceId, ResourceKind, Secret};
use serde::{Deserialize, Serialize};

use super::Standing;
use crate::time::Timestamp;

/// Names one delivery. Smaller is earlier.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct DeliveryId(pub u64);

/// A delivery that may go now, with all that the dispatcher needs to make the change.
#[derive(Clone, Debug)]
pub struct Delivery {
    /// Its name.
    pub id: DeliveryId,
    /// Whose state is owed.
    pub resource: ResourceId,
    /// The resource's type.
    pub kind: ResourceKind,
    /// The version that `state` shows.
    pub version: u64,
    /// The state owed.
    pub state: OwedState,
    /// How the entry is to be kept, whatever `state` says, where a brake withholds its removal.
    pub held: Option<Standing>,
    /// What the connector kept, if it confirmed the resource before.
    pub remote: Option<RemoteState>,
    /// The version that the connector confirmed last; 0 for none.
    pub confirmed_version: u64,
    /// Attempts made so far.
    pub attempts: u32,
    /// When the oldest change that it carries was committed.
    pub queued: Timestamp,
    /// The id of the request that caused it last.
    pub request_id: Arc<str>,
    /// A sealed password, opened.
    pub password: Option<Secret>,
    /// The connector's configuration that it was read under ([`super::Connector::fingerprint`]).
    pub fingerprint: Arc<str>,
}

/// The state owed to a connector.
#[derive(Clone, PartialEq, Debug)]
pub enum OwedState {
    /// The canonical attributes, and for a group the members that changed since the confirmed version.
    Present {
        /// As JSON text.
        attributes: Arc<str>,
        /// The change of members; `None` for types without.
        members: Option<MemberDelta>,
    },
    /// The resource was deleted.
    Deleted,
}

/// What changed of a group's members since a connector's confirmed version.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct MemberDelta {
    /// Whether those to add are all members that the group shall have, and any other is to go.
    pub whole: bool,
    /// To add: members that this connector has confirmed.
    pub add: Vec<MemberRef>,
    /// To remove.
    pub remove: Vec<MemberRef>,
    /// Not yet: pending references and members that the connector has not confirmed. They are owed when it has.
    pub waiting: Vec<String>,
}

/// What came of a delivery.
#[derive(Clone, Debug)]
pub struct Settlement {
    /// Which.
    pub id: DeliveryId,
    /// Whose state was sent: what came of it is recorded although the delivery was discarded meanwhile.
    pub resource: ResourceId,
    /// The version that was sent. A newer one committed meanwhile keeps the delivery pending.
    pub version: u64,
    /// The configuration that it was sent under. Where the connector has another by now, the resource is owed again.
    pub fingerprint: Arc<str>,
    /// What came of it.
    pub outcome: Outcome,
}

/// What came of a delivery.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// Confirmed.
    Applied {
        /// What happened downstream.
        effect: Effect,
        /// What the connector keeps; `None` forgets the ledger row.
        remote: Option<RemoteState>,
        /// Whether the entry is in use now: there, and neither switched off nor out of scope.
        live: bool,
        /// Members that were left out; owed when they are confirmed.
        waiting: Vec<String>,
    },
    /// To be tried again then.
    RetryAt {
        /// Not before.
        at: Timestamp,
        /// Whether it counts as an attempt of this delivery.
        counted: bool,
        /// `transient`, `throttled`, `waiting` or `misconfigured`, for the queue listing.
        class: &'static str,
        /// The connector's words.
        message: String,
    },
    /// Refused for good.
    Dead {
        /// The connector's words.
        message: String,
    },
}
