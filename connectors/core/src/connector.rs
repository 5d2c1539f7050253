//! The trait every connector implements.

use async_trait::async_trait;
use serde_json::Value;

use crate::{Applied, Change, ConnectorError, RemoteState, ResourceKind};

/// A downstream system that can be brought to a desired state.
///
/// `apply` is idempotent: the same change twice leaves the same state and is not an error; "already there" and
/// "already gone" are successes. The dispatcher keeps conflicting changes in order and never has two of them under
/// way. Dropping a future at any await loses nothing that a retry does not repair. No implementation retries on its
/// own, and none logs: it returns errors without values of people's attributes.
#[async_trait]
pub trait Connector: Send + Sync + 'static {
    /// Applies independent changes, at most [`Limits::batch_max`] of them; one outcome each, in the same order.
    async fn apply(&self, batch: &[Change]) -> Vec<Result<Applied, ConnectorError>>;

    /// Proves that the downstream system is reachable and accepts our credentials, without writing.
    async fn check(&self) -> Result<(), ConnectorError>;

    /// What `apply` would send, as text (LDIF, SQL, JSON). Writes nothing; secrets are masked.
    async fn plan(&self, change: &Change) -> Result<Plan, ConnectorError>;

    /// The read side, or `None` where the downstream system cannot be read.
    fn reader(&self) -> Option<&dyn Reader>;

    /// How much the connector takes at once.
    fn limits(&self) -> Limits;
}

/// How much a connector takes at once.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Limits {
    /// Changes in one call of `apply`; at least 1.
    pub batch_max: usize,
    /// Calls of `apply` under way at once; at least 1.
    pub in_flight_max: usize,
    /// How long the dispatcher waits for more changes before it calls with fewer than `batch_max`, in milliseconds.
    pub linger_ms: u64,
}

/// What a change would do, for a person to read.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Plan {
    /// The text's language, as a media type: `text/ldif`, `application/sql`, `application/json`.
    pub media_type: &'static str,
    /// The text.
    pub text: String,
}

/// Reads what is there, for adoption, reconciliation and import.
#[async_trait]
pub trait Reader: Send + Sync {
    /// The entry that `remote` names, or `None` when it is gone.
    async fn get(&self, kind: &ResourceKind, remote: &RemoteState) -> Result<Option<RemoteEntry>, ConnectorError>;

    /// Entries whose attribute, by the downstream system's name, equals the value: at most `limit`.
    async fn find(
        &self,
        kind: &ResourceKind,
        attribute: &str,
        value: &Value,
        limit: usize,
    ) -> Result<Vec<RemoteEntry>, ConnectorError>;

    /// All entries in pages. `cursor` is `None` for the first page, else what the page before gave.
    async fn list(&self, kind: &ResourceKind, cursor: Option<&str>) -> Result<RemotePage, ConnectorError>;
}

/// One entry of a downstream system.
#[derive(Clone, PartialEq, Debug)]
pub struct RemoteEntry {
    /// What names the entry, as a change would carry it.
    pub remote: RemoteState,
    /// Its attributes by the downstream system's names: each a JSON value, or an array of them.
    pub attributes: serde_json::Map<String, Value>,
}

/// A page of entries.
#[derive(Clone, PartialEq, Debug)]
pub struct RemotePage {
    /// The entries.
    pub entries: Vec<RemoteEntry>,
    /// Where the next page starts; `None` after the last.
    pub next: Option<String>,
}
