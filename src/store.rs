//! The only durable state: resources and memberships, credentials, the audit chain, and what is owed to and confirmed
//! by each connector. [`Store`] is what a database has to offer; `sqlite` is the embedded one. One test-suite
//! (`tests/it/store_suite`) holds for every implementation.
//!
//! A write is one transaction of [`Store::commit`]: in it the current version is read, the precondition checked, the
//! pure `scim::patch` run on it, and resource, memberships, audit entry and one delivery per connector written. Its
//! receipt leaves after the commit is on disk.

mod brake;
mod care;
mod configuration;
mod delivery;
mod leavers;
mod operator;
mod policy;
pub mod sqlite;

use std::{path::PathBuf, sync::Arc};

use async_trait::async_trait;
use scim_connector::{ResourceId, ResourceKind};
use serde::{Deserialize, Serialize};
use tokio::sync::watch;

use crate::{
    scim::{
        self,
        cursor::Position,
        patch::Patch,
        query::Query,
        resource::{Draft, Member},
        schema::ResourceType,
    },
    time::Timestamp,
};

pub use brake::{Brake, BrakeOwner, Removal, StagedRemoval, StagedRemovals, StagedSelection};
pub use care::{AuditReport, Backup, Flaw, Restored, Retention};
pub use configuration::{Conflict, Connector, OnRehire, Tenant, UniqueId};
pub use delivery::{Delivery, DeliveryId, MemberDelta, Outcome, OwedState, Settlement};
pub use leavers::{Leaver, LeaverSelection, RemovalState};
pub use operator::{
    ConnectorState, ConnectorStatus, NotUnderstood, PendingReferences, QueueClass, QueueEntry, QueueSelection,
    ReferenceAttribute, UNKNOWN_SHAPES_MAX, UnknownShape,
};
pub(in crate::store) use policy::Keeps;
pub use policy::{OnRemoval, Policy, Scope, Standing};

/// A tenant's name in configuration: `[a-z0-9-]`, at most 63 characters.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TenantName(pub Arc<str>);

/// A connector's name in configuration: `[a-z0-9-]`, at most 63 characters. Its identity.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ConnectorName(pub Arc<str>);

/// One acknowledged or refused write.
#[derive(Debug)]
pub struct Write {
    /// The tenant, from the credential.
    pub tenant: TenantName,
    /// The resource's type.
    pub resource_type: Arc<ResourceType>,
    /// What to do.
    pub operation: Operation,
    /// Versions the client will accept; `None` for any.
    pub if_match: Option<IfMatch>,
    /// The credential's id, for the audit entry.
    pub actor: Arc<str>,
    /// The request's id, which reaches the delivery.
    pub request_id: Arc<str>,
}

/// `If-Match`: any of these versions; empty means `*`, that is any existing resource.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct IfMatch(pub Vec<u64>);

/// What a write does.
#[derive(Debug)]
pub enum Operation {
    /// POST.
    Create(Draft),
    /// POST of a resource whose id was reserved, because others refer to it.
    CreateAs(ResourceId, Draft),
    /// PUT. Attributes that are absent are cleared; members that are `None` are kept or cleared as the provider
    /// decided by filling them in.
    Replace(ResourceId, Draft),
    /// PATCH.
    Patch(ResourceId, Patch),
    /// DELETE.
    Delete(ResourceId),
}

/// A resource as stored.
#[derive(Clone, PartialEq, Debug)]
pub struct Stored {
    /// Its id.
    pub id: ResourceId,
    /// Its type.
    pub kind: ResourceKind,
    /// Rises by one with each change; `meta.version` is `W/"version"`.
    pub version: u64,
    /// `meta.created`.
    pub created: Timestamp,
    /// `meta.lastModified`.
    pub modified: Timestamp,
    /// The canonical attributes as JSON text, `{…}` without white space around it.
    pub attributes: Arc<str>,
    /// How many members a group has; 0 for other types.
    pub members: u64,
}

/// The receipt of a durable write. Only a store makes one, and only it makes a success status (`http`).
#[derive(Debug)]
pub struct Committed {
    pub(in crate::store) stored: Stored,
    pub(in crate::store) effect: WriteEffect,
}

impl Committed {
    /// The resource after the write; of a deletion, before it.
    pub fn stored(&self) -> &Stored {
        &self.stored
    }

    /// What the write did.
    pub fn effect(&self) -> WriteEffect {
        self.effect
    }
}

/// What a write did.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum WriteEffect {
    /// A new resource.
    Created,
    /// An inactive user came back under its id (`on-rehire`).
    Reactivated,
    /// A new version.
    Updated,
    /// Nothing changed: no new version, nothing to deliver.
    Unchanged,
    /// The resource is gone.
    Deleted,
}

/// Why a write was not acknowledged.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// Refused; nothing changed.
    #[error(transparent)]
    Refused(#[from] scim::Error),
    /// The store could not; nothing is known to have changed.
    #[error(transparent)]
    Store(#[from] Error),
}

/// Why the store could not.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Too many writes wait; try again.
    #[error("the store has too many writes waiting")]
    Busy,
    /// No space, or read-only.
    #[error("the store's disk is full or read-only: {step}")]
    Full {
        /// What was tried.
        step: &'static str,
    },
    /// Reading or writing failed.
    #[error("the store failed: {step}")]
    Io {
        /// What was tried.
        step: &'static str,
        /// Why.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// What was read cannot be.
    #[error("the store is damaged: {place}")]
    Corrupt {
        /// Where.
        place: String,
    },
    /// Another process has it.
    #[error("another process uses the store at {path} (lock file {path}/lock)")]
    Locked {
        /// The data directory.
        path: PathBuf,
    },
    /// The configuration cannot be used with what is stored.
    #[error("{reason}")]
    Unusable {
        /// Why, and what to do.
        reason: String,
    },
    /// The store was stopped.
    #[error("the store is closed")]
    Closed,
}

/// A page of resources.
#[derive(Clone, PartialEq, Debug)]
pub struct Page {
    /// How many match in all. `None` where a page by cursor would have to look at every resource to tell.
    pub total: Option<usize>,
    /// Those on the page.
    pub resources: Vec<Stored>,
    /// After which resource the next page begins: on pages by cursor, but for the last one.
    pub next: Option<Position>,
}

impl Page {
    /// The page of a list without resources.
    pub const EMPTY: Self = Self { total: Some(0), resources: Vec::new(), next: None };
}

/// A stored membership.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Membership {
    /// The member as the client named it.
    pub member: Member,
    /// The member's type, once it exists; `None` for a pending reference.
    pub kind: Option<ResourceKind>,
}

/// A group that a resource is a direct member of.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct GroupOf {
    /// The group's id.
    pub id: ResourceId,
    /// The group's `displayName`.
    pub display: Option<Arc<str>>,
}

/// A bearer key as stored. The key itself is never stored.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Credential {
    /// The public part of the key.
    pub id: Arc<str>,
    /// The tenant it opens.
    pub tenant: TenantName,
    /// The label an operator gave it.
    pub name: String,
    /// SHA-256 of the whole key.
    #[serde(skip)]
    pub hash: [u8; 32],
    /// When it was made.
    pub created: Timestamp,
    /// When it ends by itself.
    pub expires: Option<Timestamp>,
    /// When it was last used, to the minute.
    pub last_used: Option<Timestamp>,
    /// When it was revoked.
    pub revoked: Option<Timestamp>,
}

/// What a database has to offer. Every method but `commit` and `settle` that changes something is also durable when it
/// returns.
#[async_trait]
pub trait Store: StagedRemovals + Send + Sync + 'static {
    /// Makes the tenants and connectors of the configuration known, once before anything else and at each reload, while
    /// others write: each commit sees the one before or this one. New connectors with `backfill` start theirs; those that
    /// come back, or take more types, are owed what they missed. A [`Conflict`] is an error, and so are schemas that stored
    /// resources do not do justice to: then everything stays as it was.
    async fn configure(&self, tenants: Vec<Tenant>) -> Result<(), Error>;

    /// As [`Store::configure`], with a connector that forgets what it has confirmed, queue and all, and is owed every
    /// resource again: at the system that the configuration names now, whichever it was before. Audited.
    async fn reset_connector(&self, connector: &ConnectorName, tenants: Vec<Tenant>) -> Result<(), Error>;

    /// Forgets a connector that is configured no more, with its queue and all that it has confirmed. Audited. `false`
    /// where there is none of that name, or it is configured.
    async fn discard_connector(&self, connector: &ConnectorName) -> Result<bool, Error>;

    /// Why this configuration could not be used with what is known of its connectors; nothing is changed.
    async fn conflicts(&self, tenants: Vec<Tenant>) -> Result<Vec<Conflict>, Error>;

    /// Does a write, durably. Writes are done in the order in which their futures are first polled; who needs an order
    /// need not wait for one receipt before the next write.
    async fn commit(&self, write: Write) -> Result<Committed, WriteError>;

    /// Does all of these writes, durably, or none where one is refused: its index and why.
    async fn commit_together(&self, writes: Vec<Write>) -> Result<Result<Vec<Committed>, (usize, scim::Error)>, Error>;

    /// Ids that no resource has and none will be given, for [`Operation::CreateAs`].
    async fn reserve_ids(&self, count: usize) -> Result<Vec<ResourceId>, Error>;

    /// A resource by id.
    async fn get(&self, tenant: &TenantName, kind: &ResourceKind, id: ResourceId) -> Result<Option<Stored>, Error>;

    /// A page of the resources that match, in order. `tooMany` where a sort would not fit in memory.
    async fn find(&self, tenant: &TenantName, query: &Query) -> Result<Page, WriteError>;

    /// A group's members after `after`, ordered by value; at most `limit`.
    async fn members(
        &self,
        tenant: &TenantName,
        group: ResourceId,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<Membership>, Error>;

    /// The direct groups of each of these resources, in their order.
    async fn groups_of(&self, tenant: &TenantName, members: &[ResourceId]) -> Result<Vec<Vec<GroupOf>>, Error>;

    /// Adds a credential.
    async fn add_credential(&self, credential: Credential) -> Result<(), Error>;

    /// Revokes a credential. `false` when there is none of that tenant and id or name.
    async fn revoke_credential(&self, tenant: &TenantName, id_or_name: &str, at: Timestamp) -> Result<bool, Error>;

    /// All credentials.
    async fn credentials(&self) -> Result<Vec<Credential>, Error>;

    /// Notes when credentials were last used.
    async fn credentials_used(&self, used: Vec<(Arc<str>, Timestamp)>) -> Result<(), Error>;

    /// Rises whenever something may have become deliverable to any connector.
    fn deliverable(&self) -> watch::Receiver<u64>;

    /// Deliveries of a connector that may go now, at most `limit`: not before their time, and no earlier unconfirmed
    /// delivery of the connector conflicts. Deactivations and deletions first, then by age. None of a resource that is
    /// `under_way`: its delivery may be another one by now, because the first was discarded.
    async fn deliveries(
        &self,
        connector: &ConnectorName,
        now: Timestamp,
        limit: usize,
        under_way: &[ResourceId],
    ) -> Result<Vec<Delivery>, Error>;

    /// When the next delivery that waits for its time may go.
    async fn next_delivery_at(&self, connector: &ConnectorName, after: Timestamp) -> Result<Option<Timestamp>, Error>;

    /// Records what came of deliveries of one connector, with the audit entries of final outcomes.
    async fn settle(&self, connector: &ConnectorName, settlements: Vec<Settlement>) -> Result<(), Error>;

    /// Owes the next part of a backfill; `true` while there is more.
    async fn backfill(&self, connector: &ConnectorName, limit: usize) -> Result<bool, Error>;

    /// A connector's state.
    async fn set_connector_state(&self, connector: &ConnectorName, state: ConnectorState) -> Result<(), Error>;

    /// All connectors' numbers.
    async fn connectors(&self) -> Result<Vec<ConnectorStatus>, Error>;

    /// Queued deliveries, oldest first, at most `limit`.
    async fn queue(&self, selection: &QueueSelection, now: Timestamp, limit: usize) -> Result<Vec<QueueEntry>, Error>;

    /// Makes the selected deliveries go now, dead letters included. How many.
    async fn queue_retry(&self, selection: &QueueSelection, now: Timestamp) -> Result<u64, Error>;

    /// Drops the selected deliveries: what they owed is owed no more until the resource changes again. Audited. How
    /// many.
    async fn queue_discard(&self, selection: &QueueSelection, now: Timestamp) -> Result<u64, Error>;

    /// Leavers who may still have access, the longest first, at most `limit`.
    async fn leavers(&self, selection: &LeaverSelection, limit: usize) -> Result<Vec<Leaver>, Error>;

    /// Stops the selected leavers' clocks, because a person says that their access ended. Audited. How many.
    async fn close_leavers(&self, selection: &LeaverSelection) -> Result<u64, Error>;

    /// How many references of each tenant name nobody: two entries a tenant, zeros included.
    async fn pending_references(&self) -> Result<Vec<PendingReferences>, Error>;

    /// Keeps requests that were not understood; those of one shape as one, at most [`UNKNOWN_SHAPES_MAX`] a tenant.
    async fn keep_unknown(&self, requests: Vec<NotUnderstood>) -> Result<(), Error>;

    /// Unknown shapes of a tenant or of all, the latest first, at most `limit`.
    async fn unknown_shapes(&self, tenant: Option<&TenantName>, limit: usize) -> Result<Vec<UnknownShape>, Error>;

    /// The unknown shape with that number.
    async fn unknown_shape(&self, id: u64) -> Result<Option<UnknownShape>, Error>;

    /// Copies the store, as it is at one moment and without passwords, into a file that must not exist. Audited.
    async fn backup(&self, to: PathBuf) -> Result<Backup, Error>;

    /// Looks for contradictions within the store.
    async fn check(&self) -> Result<Vec<Flaw>, Error>;

    /// Recomputes the audit chain. [`Error::Corrupt`] names the first entry that was changed, or what is missing.
    async fn verify_audit(&self) -> Result<AuditReport, Error>;

    /// Removes what is too old to be kept, at most `limit` rows of a kind; `true` while there is more.
    async fn retain(&self, retention: &Retention, limit: usize) -> Result<bool, Error>;

    /// Whether the store can be read and written, for `/readyz`.
    async fn ready(&self) -> Result<(), Error>;

    /// Waits for writes under way and closes; later calls answer [`Error::Closed`].
    async fn close(&self);
}
