//! What an operator can ask of a relay, whether it runs or not: keys, connectors, the queue, leavers, what was not
//! understood. The command line and the control socket execute the same [`Command`]s.

mod brake;
#[cfg(test)]
mod tests;

use std::{path::PathBuf, sync::Arc, time::Duration};

use async_trait::async_trait;
use scim_connector::ResourceId;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::{
    credentials::{self, Credentials},
    store::{
        self, ConnectorName, ConnectorState, ConnectorStatus, DeliveryId, Flaw, LeaverSelection, QueueEntry,
        QueueSelection, StagedSelection, Store, TenantName,
    },
    time::{Clock, Timestamp},
};

/// The most queue entries, or leavers, in one answer.
pub const QUEUE_ENTRIES_MAX: usize = 10_000;

const SECONDS_PER_DAY: u64 = 86_400;

/// One command.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(tag = "command", rename_all = "kebab-case", rename_all_fields = "kebab-case", deny_unknown_fields)]
pub enum Command {
    /// Makes a bearer key.
    KeysCreate {
        /// The tenant that it opens.
        tenant: TenantName,
        /// A label, unique among the tenant's keys that are good.
        name: String,
        /// After how many days it ends by itself; `None` for never.
        expires_days: Option<u32>,
    },
    /// Lists keys, without the keys themselves.
    KeysList {
        /// Only of this tenant.
        tenant: Option<TenantName>,
    },
    /// Revokes a key at once.
    KeysRevoke {
        /// Its tenant.
        tenant: TenantName,
        /// Its public id or its label.
        key: String,
    },
    /// Shows the store and every connector.
    Status,
    /// Copies the store, without passwords, into a file that does not exist.
    Backup {
        /// The file, as an absolute path.
        file: PathBuf,
    },
    /// Looks for contradictions within the store.
    StoreCheck,
    /// Recomputes the audit chain.
    AuditVerify,
    /// Lists connectors.
    ConnectorList,
    /// Holds a connector; its deliveries queue.
    ConnectorPause {
        /// Which.
        connector: ConnectorName,
    },
    /// Lets a paused or suspended connector deliver.
    ConnectorResume {
        /// Which.
        connector: ConnectorName,
    },
    /// Asks a connector whether its downstream system is reachable and accepts our credentials.
    ConnectorCheck {
        /// Which.
        connector: ConnectorName,
    },
    /// Has a connector forget what it has confirmed, queue and all: every resource is owed again, at the system that the
    /// configuration names now.
    ConnectorReset {
        /// Which.
        connector: ConnectorName,
    },
    /// Forgets a connector that is configured no more.
    ConnectorDiscard {
        /// Which.
        connector: ConnectorName,
    },
    /// Reads the configuration again.
    Reload,
    /// Lists queued deliveries, oldest first; at most [`QUEUE_ENTRIES_MAX`].
    QueueList {
        /// Which.
        selection: QueueSelection,
        /// At most so many.
        limit: usize,
    },
    /// Shows one delivery.
    QueueShow {
        /// Which.
        id: DeliveryId,
    },
    /// Makes deliveries go now, dead letters included.
    QueueRetry {
        /// Which.
        selection: QueueSelection,
    },
    /// Drops deliveries.
    QueueDiscard {
        /// Which.
        selection: QueueSelection,
    },
    /// Lists leavers who may still have access, the longest first; at most [`QUEUE_ENTRIES_MAX`].
    LeaversList {
        /// Which.
        selection: LeaverSelection,
        /// At most so many.
        limit: usize,
    },
    /// Stops a leaver's clock at a connector: a person says that access ended there.
    LeaversClose {
        /// Where.
        connector: ConnectorName,
        /// Whose.
        resource: ResourceId,
    },
    /// Lists removals that a brake withholds, the oldest first; at most [`QUEUE_ENTRIES_MAX`].
    BrakeShow {
        /// Which.
        selection: StagedSelection,
        /// At most so many.
        limit: usize,
    },
    /// Lets withheld removals go.
    BrakeRelease {
        /// Which.
        selection: StagedSelection,
    },
    /// Forgets withheld removals.
    BrakeDiscard {
        /// Which.
        selection: StagedSelection,
    },
    /// Lists the shapes of requests that were not understood, the latest first.
    UnknownList {
        /// Only of this tenant.
        tenant: Option<TenantName>,
        /// At most so many.
        limit: usize,
    },
    /// Shows one shape.
    UnknownShow {
        /// Which.
        id: u64,
    },
}

/// Why a command did nothing.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no such thing.
    #[error("there is no {kind} {name}")]
    Unknown {
        /// `connector`, `tenant`, `key`, `delivery`, `leaver` or `unknown shape`.
        kind: &'static str,
        /// As the operator named it.
        name: String,
    },
    /// Only a running relay can do that.
    #[error("the relay does not run; start it with scim-relay serve, then try again")]
    NotRunning,
    /// The connector says that it cannot deliver, in its own words.
    #[error("connector {}: {reason}", connector.0)]
    CheckFailed {
        /// Which.
        connector: ConnectorName,
        /// Its own words.
        reason: String,
    },
    /// It is in the configuration.
    #[error("connector {} is configured; take it out of the configuration first", .0.0)]
    Configured(ConnectorName),
    /// Another configuration is not used, and the one before stays.
    #[error("the configuration is not used, the one before stays:\n{0}")]
    NotApplied(String),
    /// The store contradicts itself.
    #[error("the store is damaged; keep its files, and restore a backup:{}", lines(.0))]
    Flawed(Vec<Flaw>),
    /// A key could not be made.
    #[error(transparent)]
    Credentials(#[from] credentials::Error),
    /// The store could not.
    #[error(transparent)]
    Store(#[from] store::Error),
}

/// What the running dispatcher lends to an operator.
#[async_trait]
pub trait ConnectorControl: Send + Sync {
    /// Asks the connector's `check`.
    ///
    /// # Errors
    /// The connector's own words.
    async fn check(&self, connector: &ConnectorName) -> Result<(), String>;

    /// Has the connector look at its state and queue at once.
    fn wake(&self, connector: &ConnectorName);

    /// Until when a connector that fails as a whole is left alone; from then on it is probed, one delivery at a time.
    /// `None` where it works.
    fn failing_until(&self, connector: &ConnectorName) -> Option<Timestamp>;
}

/// What the running relay lends to an operator for its configuration.
#[async_trait]
pub trait Reconfigure: Send + Sync {
    /// Reads the configuration again and applies it as a whole, or not at all. `reset` forgets what it has confirmed.
    ///
    /// # Errors
    /// Why it was not applied, for a person to read.
    async fn reconfigure(&self, reset: Option<ConnectorName>) -> Result<(), String>;
}

/// What a running relay lends to an operator.
#[derive(Clone)]
pub struct Lent {
    /// Its dispatcher.
    pub connectors: Arc<dyn ConnectorControl>,
    /// What applies configurations.
    pub configuration: Arc<dyn Reconfigure>,
}

/// A connector's numbers, and what only a running relay knows of it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ConnectorReport {
    /// What the store knows.
    #[serde(flatten)]
    pub status: ConnectorStatus,
    /// Until when a connector that fails as a whole is left alone.
    pub failing_until: Option<Timestamp>,
}

/// Executes commands on a store.
pub struct Operator {
    store: Arc<dyn Store>,
    credentials: Arc<Credentials>,
    lent: Option<Lent>,
    clock: Clock,
}

impl Operator {
    /// An operator of that store; nothing is lent where no relay runs.
    pub fn new(store: Arc<dyn Store>, credentials: Arc<Credentials>, lent: Option<Lent>, clock: Clock) -> Self {
        Self { store, credentials, lent, clock }
    }

    /// Executes a command and says what came of it, as JSON.
    ///
    /// # Errors
    /// Nothing was done.
    pub async fn execute(&self, command: Command) -> Result<Value, Error> {
        match command {
            Command::KeysCreate { tenant, name, expires_days } => self.create_key(tenant, name, expires_days).await,
            Command::KeysList { tenant } => {
                let keys = self.credentials.list().await?;
                let keys: Vec<_> =
                    keys.into_iter().filter(|key| tenant.as_ref().is_none_or(|tenant| key.tenant == *tenant)).collect();
                Ok(json!({ "keys": keys }))
            }
            Command::KeysRevoke { tenant, key } => {
                if !self.credentials.revoke(&tenant, &key).await? {
                    return Err(Error::Unknown { kind: "key", name: key });
                }
                Ok(json!({ "revoked": key }))
            }
            Command::Status => {
                let store = match self.store.ready().await {
                    Ok(()) => "ready".to_owned(),
                    Err(error) => error.to_string(),
                };
                Ok(json!({
                    "running": self.lent.is_some(),
                    "store": store,
                    "connectors": self.reports().await?,
                    "pending_references": self.store.pending_references().await?,
                }))
            }
            Command::Backup { file } => Ok(json!({ "backup": self.store.backup(file).await? })),
            Command::StoreCheck => match self.store.check().await? {
                flaws if flaws.is_empty() => Ok(json!({ "flaws": [] })),
                flaws => Err(Error::Flawed(flaws)),
            },
            Command::AuditVerify => Ok(json!({ "audit": self.store.verify_audit().await? })),
            Command::ConnectorList => Ok(json!({ "connectors": self.reports().await? })),
            Command::ConnectorPause { connector } => self.set_state(&connector, ConnectorState::Paused).await,
            Command::ConnectorResume { connector } => self.set_state(&connector, ConnectorState::Active).await,
            Command::ConnectorCheck { connector } => {
                self.known(&connector).await?;
                let lent = self.lent.as_ref().ok_or(Error::NotRunning)?;
                match lent.connectors.check(&connector).await {
                    Ok(()) => Ok(json!({ "connector": connector, "check": "ok" })),
                    Err(reason) => Err(Error::CheckFailed { connector, reason }),
                }
            }
            Command::ConnectorReset { connector } => {
                self.known(&connector).await?;
                self.reconfigure(Some(connector.clone())).await?;
                Ok(json!({ "reset": connector }))
            }
            Command::ConnectorDiscard { connector } => {
                if self.known(&connector).await?.configured {
                    return Err(Error::Configured(connector));
                }
                self.store.discard_connector(&connector).await?;
                Ok(json!({ "discarded": connector }))
            }
            Command::Reload => {
                self.reconfigure(None).await?;
                Ok(json!({ "reloaded": true }))
            }
            Command::QueueList { selection, limit } => {
                let limit = limit.min(QUEUE_ENTRIES_MAX);
                let mut entries = self.queue(&selection, limit.saturating_add(1)).await?;
                let more = entries.len() > limit;
                entries.truncate(limit);
                Ok(json!({ "deliveries": entries, "more": more }))
            }
            Command::QueueShow { id } => {
                let selection = QueueSelection { id: Some(id), ..QueueSelection::default() };
                let entry = self.queue(&selection, 1).await?.into_iter().next();
                let entry = entry.ok_or_else(|| Error::Unknown { kind: "delivery", name: id.0.to_string() })?;
                Ok(json!({ "delivery": entry }))
            }
            Command::QueueRetry { selection } => {
                self.known_in(&selection).await?;
                let retried = self.store.queue_retry(&selection, self.clock.now()).await?;
                self.wake(selection.connector.as_ref()).await?;
                Ok(json!({ "retried": retried }))
            }
            Command::QueueDiscard { selection } => {
                self.known_in(&selection).await?;
                let discarded = self.store.queue_discard(&selection, self.clock.now()).await?;
                Ok(json!({ "discarded": discarded }))
            }
            Command::LeaversList { selection, limit } => {
                if let Some(connector) = &selection.connector {
                    self.known(connector).await?;
                }
                let limit = limit.min(QUEUE_ENTRIES_MAX);
                let mut leavers = self.store.leavers(&selection, limit.saturating_add(1)).await?;
                let more = leavers.len() > limit;
                leavers.truncate(limit);
                Ok(json!({ "leavers": leavers, "more": more }))
            }
            Command::LeaversClose { connector, resource } => {
                self.known(&connector).await?;
                let selection = LeaverSelection {
                    connector: Some(connector.clone()),
                    resource: Some(resource),
                    ..LeaverSelection::default()
                };
                match self.store.close_leavers(&selection).await? {
                    0 => Err(Error::Unknown { kind: "leaver", name: format!("{resource} at {}", connector.0) }),
                    _ => Ok(json!({ "closed": resource, "connector": connector })),
                }
            }
            Command::BrakeShow { selection, limit } => self.staged(&selection, limit.min(QUEUE_ENTRIES_MAX)).await,
            Command::BrakeRelease { selection } => {
                self.known_staged(&selection).await?;
                let released = self.store.release_staged(&selection).await?;
                self.wake(selection.connector.as_ref()).await?;
                Ok(json!({ "released": released }))
            }
            Command::BrakeDiscard { selection } => {
                self.known_staged(&selection).await?;
                Ok(json!({ "discarded": self.store.discard_staged(&selection).await? }))
            }
            Command::UnknownList { tenant, limit } => {
                Ok(json!({ "shapes": self.store.unknown_shapes(tenant.as_ref(), limit).await? }))
            }
            Command::UnknownShow { id } => {
                let shape = self.store.unknown_shape(id).await?;
                let shape = shape.ok_or_else(|| Error::Unknown { kind: "unknown shape", name: id.to_string() })?;
                Ok(json!({ "shape": shape }))
            }
        }
    }

    /// Executes a command as the control socket gets it. Texts for the operator, both ways.
    ///
    /// # Errors
    /// Nothing was done; what was wrong, with its causes.
    pub async fn execute_json(&self, command: Value) -> Result<Value, String> {
        let command = serde_json::from_value(command).map_err(|error| {
            format!("the relay that runs does not know this command, it may be of another version: {error}")
        })?;
        self.execute(command).await.map_err(|error| with_causes(&error))
    }

    async fn create_key(&self, tenant: TenantName, name: String, expires_days: Option<u32>) -> Result<Value, Error> {
        let lifetime = expires_days.map(|days| Duration::from_secs(u64::from(days) * SECONDS_PER_DAY));
        let expires = lifetime.map(|lifetime| self.clock.now().after(lifetime));
        let (key, credential) = self.credentials.create(tenant, name, expires).await?;
        let mut answer = json!({ "key": String::from_utf8_lossy(key.expose()) });
        if let (Some(answer), Ok(Value::Object(credential))) =
            (answer.as_object_mut(), serde_json::to_value(credential))
        {
            answer.extend(credential);
        }
        Ok(answer)
    }

    async fn reconfigure(&self, reset: Option<ConnectorName>) -> Result<(), Error> {
        let lent = self.lent.as_ref().ok_or(Error::NotRunning)?;
        lent.configuration.reconfigure(reset).await.map_err(Error::NotApplied)
    }

    async fn set_state(&self, connector: &ConnectorName, state: ConnectorState) -> Result<Value, Error> {
        self.known(connector).await?;
        self.store.set_connector_state(connector, state).await?;
        self.wake(Some(connector)).await?;
        let report = self.report(self.known(connector).await?);
        Ok(json!({ "connectors": [report] }))
    }

    async fn queue(&self, selection: &QueueSelection, limit: usize) -> Result<Vec<QueueEntry>, Error> {
        self.known_in(selection).await?;
        Ok(self.store.queue(selection, self.clock.now(), limit).await?)
    }

    async fn reports(&self) -> Result<Vec<ConnectorReport>, Error> {
        Ok(self.store.connectors().await?.into_iter().map(|status| self.report(status)).collect())
    }

    fn report(&self, status: ConnectorStatus) -> ConnectorReport {
        let failing_until = self.lent.as_ref().and_then(|lent| lent.connectors.failing_until(&status.name));
        ConnectorReport { status, failing_until }
    }

    /// The connector's status: a misspelt name must not look like one with an empty queue.
    async fn known(&self, connector: &ConnectorName) -> Result<ConnectorStatus, Error> {
        let status = self.store.connectors().await?.into_iter().find(|status| status.name == *connector);
        status.ok_or_else(|| Error::Unknown { kind: "connector", name: connector.0.to_string() })
    }

    async fn known_in(&self, selection: &QueueSelection) -> Result<(), Error> {
        if let Some(connector) = &selection.connector {
            self.known(connector).await?;
        }
        Ok(())
    }

    /// Wakes one connector, or all.
    async fn wake(&self, connector: Option<&ConnectorName>) -> Result<(), Error> {
        let Some(Lent { connectors: control, .. }) = &self.lent else { return Ok(()) };
        match connector {
            Some(connector) => control.wake(connector),
            None => self.store.connectors().await?.iter().for_each(|status| control.wake(&status.name)),
        }
        Ok(())
    }
}

fn lines(flaws: &[Flaw]) -> String {
    flaws.iter().map(|Flaw { rule, place }| format!("\n  {place}: it does not hold that {rule}")).collect()
}

/// The error and what caused it: `the store failed: reading keys: disk I/O error`.
pub(crate) fn with_causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}
