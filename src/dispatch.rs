//! Brings each connector to the states it is owed: order is the store's, retry and suspension are decided here, and
//! nowhere else.
//!
//! One `task::ConnectorTask` runs a connector. None waits for another: a dead downstream system costs the others
//! nothing.

mod circuit;
mod desired;
mod retry;
mod task;

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use schemars::JsonSchema;
use scim_connector::{Connector, ResourceKind};
use serde::{Deserialize, Serialize};
use tokio::sync::Notify;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use self::circuit::Circuit;
use crate::{
    mapping::Mapping,
    metrics::Metrics,
    operator::ConnectorControl,
    scim::schema::ResourceType,
    store::{ConnectorName, Policy, Store},
    time::{Clock, Timestamp},
};

/// `[delivery]`: how failed deliveries are tried again.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Settings {
    /// Upper bound of the first delay, in milliseconds; each further one doubles it. Delays are drawn between 0 and
    /// their bound.
    pub delay_ms_min: u64,
    /// The longest delay, in seconds.
    pub delay_seconds_max: u64,
    /// A delivery that failed so many times while others of its connector succeeded becomes a dead letter.
    pub attempts_max: u32,
    /// How long one call to a downstream system may take, in seconds.
    pub call_seconds_max: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Self { delay_ms_min: 500, delay_seconds_max: 300, attempts_max: 20, call_seconds_max: 60 }
    }
}

/// A connector with all that delivering to it needs.
pub struct Target {
    /// Its name.
    pub name: ConnectorName,
    /// The connector.
    pub connector: Box<dyn Connector>,
    /// The types it is owed, each with its mapping.
    pub types: BTreeMap<ResourceKind, (Arc<ResourceType>, Arc<Mapping>)>,
    /// Which resources it wants, and what becomes of those that leave.
    pub policy: Arc<Policy>,
}

/// Runs the delivery of all connectors.
pub struct Dispatcher {
    store: Arc<dyn Store>,
    clock: Clock,
    metrics: Arc<Metrics>,
    settings: Settings,
    targets: BTreeMap<ConnectorName, Arc<Running>>,
}

/// A target, the bell that wakes its task, and whether it works.
struct Running {
    target: Target,
    bell: Notify,
    /// Held for a look or a change, never while anything is waited for.
    circuit: Mutex<Circuit>,
}

impl Running {
    fn new(target: Target) -> Self {
        Self { target, bell: Notify::new(), circuit: Mutex::default() }
    }

    fn circuit(&self) -> MutexGuard<'_, Circuit> {
        self.circuit.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Dispatcher {
    /// A dispatcher to these targets.
    pub fn new(
        store: Arc<dyn Store>,
        clock: Clock,
        metrics: Arc<Metrics>,
        settings: Settings,
        targets: Vec<Target>,
    ) -> Self {
        let targets = targets.into_iter().map(|target| (target.name.clone(), Arc::new(Running::new(target)))).collect();
        Self { store, clock, metrics, settings, targets }
    }

    /// Delivers until `stop`, then finishes the calls under way.
    pub async fn run(&self, stop: CancellationToken) {
        let tasks = TaskTracker::new();
        for running in self.targets.values() {
            tasks.spawn(task::ConnectorTask::new(self, running.clone(), stop.clone()).run());
            tasks.spawn(backfill(self.store.clone(), self.clock.clone(), running.target.name.clone(), stop.clone()));
        }
        tasks.close();
        tasks.wait().await;
    }
}

#[async_trait]
impl ConnectorControl for Dispatcher {
    async fn check(&self, name: &ConnectorName) -> Result<(), String> {
        let running = self.targets.get(name).ok_or_else(|| format!("no connector is named {}", name.0))?;
        running.target.connector.check().await.map_err(|error| error.message().to_owned())
    }

    fn wake(&self, name: &ConnectorName) {
        if let Some(running) = self.targets.get(name) {
            running.bell.notify_one();
        }
    }

    fn failing_until(&self, name: &ConnectorName) -> Option<Timestamp> {
        self.targets.get(name)?.circuit().failing_until()
    }
}

/// Resources owed in one step of a backfill: small, so that writes of clients come between.
const BACKFILL_STEP: usize = 500;

/// How long to wait before the store is tried again.
const STORE_RETRY: Duration = Duration::from_secs(1);

async fn backfill(store: Arc<dyn Store>, clock: Clock, connector: ConnectorName, stop: CancellationToken) {
    loop {
        match store.backfill(&connector, BACKFILL_STEP).await {
            Ok(true) if !stop.is_cancelled() => {}
            Ok(_) => return,
            Err(error) => {
                tracing::warn!(connector = &*connector.0, error = %error, "backfill waits for the store");
                tokio::select! {
                    () = stop.cancelled() => return,
                    () = clock.sleep_until(clock.now().after(STORE_RETRY)) => {}
                }
            }
        }
    }
}
