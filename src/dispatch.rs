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
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use arc_swap::ArcSwap;
use async_trait::async_trait;
use schemars::JsonSchema;
use scim_connector::{Connector, ResourceKind};
use serde::{Deserialize, Serialize};
use tokio::sync::Notify;
use tokio_util::{
    sync::{CancellationToken, DropGuard},
    task::TaskTracker,
};

use self::circuit::Circuit;
use crate::{
    mapping::Mapping,
    metrics::Metrics,
    operator::ConnectorControl,
    scim::schema::ResourceType,
    store::{self, ConnectorName, ConnectorState, ConnectorStatus, Policy, Store},
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
    /// The fingerprint that the store knows it by. A delivery with another one is not for this target.
    pub fingerprint: Arc<str>,
    /// Stands for all of this: a target with the same one does the same.
    pub stamp: Arc<str>,
}

/// Runs the delivery of all connectors.
pub struct Dispatcher {
    store: Arc<dyn Store>,
    clock: Clock,
    metrics: Arc<Metrics>,
    targets: ArcSwap<Targets>,
    /// When the one that was started last under each name is gone, while it is not.
    gone: Mutex<BTreeMap<ConnectorName, CancellationToken>>,
    tasks: TaskTracker,
    /// From then on nothing begins.
    stop: CancellationToken,
}

type Targets = BTreeMap<ConnectorName, Arc<Running>>;

/// A target, the bell that wakes its task, and whether it works.
struct Running {
    target: Target,
    settings: Settings,
    bell: Notify,
    /// Held for a look or a change, never while anything is waited for.
    circuit: Mutex<Circuit>,
    /// From then on no call begins.
    stop: CancellationToken,
    /// Whether it is configured no more, and nothing replaces it.
    is_removed: AtomicBool,
    /// Says so when nobody uses the connector any more: dropped after it.
    gone: DropGuard,
}

impl Running {
    fn new(target: Target, settings: Settings, stop: &CancellationToken) -> Self {
        Self {
            target,
            settings,
            bell: Notify::new(),
            circuit: Mutex::default(),
            stop: stop.child_token(),
            is_removed: AtomicBool::new(false),
            gone: CancellationToken::new().drop_guard(),
        }
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
        let stop = CancellationToken::new();
        let targets = targets
            .into_iter()
            .map(|target| (target.name.clone(), Arc::new(Running::new(target, settings.clone(), &stop))))
            .collect();
        Self {
            store,
            clock,
            metrics,
            targets: ArcSwap::from_pointee(targets),
            gone: Mutex::default(),
            tasks: TaskTracker::new(),
            stop,
        }
    }

    /// Delivers until `stop`, then finishes the calls under way.
    pub async fn run(&self, stop: CancellationToken) {
        for running in self.targets.load().values() {
            self.start(running, false);
        }
        stop.cancelled().await;
        self.stop.cancel();
        self.tasks.close();
        self.tasks.wait().await;
    }

    /// Delivers to those targets from now on, to those that are still the same without a pause. A target that is another
    /// one by now begins when the calls of the one before have ended; one that is gone ends. The store knows the
    /// configuration that they are of.
    pub fn replace(&self, settings: &Settings, targets: Vec<Target>) {
        let before = self.targets.load_full();
        let mut after = Targets::new();
        for target in targets {
            let name = target.name.clone();
            let running = match before.get(&name) {
                Some(running) if running.target.stamp == target.stamp && running.settings == *settings => {
                    // It may be owed what it was not.
                    self.tasks.spawn(backfill(self.store.clone(), self.clock.clone(), running.clone()));
                    running.clone()
                }
                replaced => {
                    let is_other = replaced.is_some_and(|replaced| replaced.target.stamp != target.stamp);
                    if let Some(replaced) = replaced {
                        replaced.stop.cancel();
                    }
                    let running = Arc::new(Running::new(target, settings.clone(), &self.stop));
                    self.start(&running, is_other);
                    running
                }
            };
            after.insert(name, running);
        }
        for (_, removed) in before.iter().filter(|(name, _)| !after.contains_key(*name)) {
            removed.is_removed.store(true, Ordering::Relaxed);
            removed.stop.cancel();
        }
        self.targets.store(Arc::new(after));
    }

    fn running(&self, name: &ConnectorName) -> Option<Arc<Running>> {
        self.targets.load().get(name).cloned()
    }

    /// Starts a connector's task once the one before it under that name is gone, and the backfill that it may be owed. Two
    /// at once would contend for the downstream system, and could bring it the older state last. Where it `is_other`, what
    /// the one before was suspended for may be mended.
    fn start(&self, running: &Arc<Running>, is_other: bool) {
        let before = {
            let mut gone = self.gone.lock().unwrap_or_else(PoisonError::into_inner);
            gone.retain(|_, gone| !gone.is_cancelled());
            gone.insert(running.target.name.clone(), running.gone.token().clone())
        };
        let task = task::ConnectorTask::new(self, running.clone());
        let filled = backfill(self.store.clone(), self.clock.clone(), running.clone());
        let (store, clock, metrics, running) =
            (self.store.clone(), self.clock.clone(), self.metrics.clone(), running.clone());
        self.tasks.spawn(async move {
            if let Some(before) = before {
                before.cancelled().await;
            }
            if is_other {
                resume(&*store, &clock, &running).await;
            }
            tokio::join!(task.run(), filled);
            if running.is_removed.load(Ordering::Relaxed) {
                metrics.connector_removed(&running.target.name.0);
            }
        });
    }
}

#[async_trait]
impl ConnectorControl for Dispatcher {
    async fn check(&self, name: &ConnectorName) -> Result<(), String> {
        let running = self.running(name).ok_or_else(|| format!("no connector is named {}", name.0))?;
        running.target.connector.check().await.map_err(|error| error.message().to_owned())
    }

    fn wake(&self, name: &ConnectorName) {
        if let Some(running) = self.running(name) {
            running.bell.notify_one();
        }
    }

    fn failing_until(&self, name: &ConnectorName) -> Option<Timestamp> {
        self.running(name)?.circuit().failing_until()
    }
}

/// Resources owed in one step of a backfill: small, so that writes of clients come between.
const BACKFILL_STEP: usize = 500;

/// How long to wait before the store is tried again.
const STORE_RETRY: Duration = Duration::from_secs(1);

/// Lets a connector deliver again that was suspended as it was configured before, also by a call that ended only now:
/// what it was suspended for may be mended.
async fn resume(store: &dyn Store, clock: &Clock, running: &Running) {
    let (connector, stop) = (&running.target.name, &running.stop);
    let resumed = async || {
        let is_suspended = |status: &ConnectorStatus| {
            status.name == *connector && matches!(status.state, ConnectorState::Suspended { .. })
        };
        if store.connectors().await?.iter().any(is_suspended) {
            store.set_connector_state(connector, ConnectorState::Active).await?;
        }
        Ok::<_, store::Error>(())
    };
    while let Err(error) = resumed().await {
        tracing::warn!(connector = &*connector.0, error = %error, "whether it is suspended waits for the store");
        tokio::select! {
            () = stop.cancelled() => return,
            () = clock.sleep_until(clock.now().after(STORE_RETRY)) => {}
        }
    }
}

async fn backfill(store: Arc<dyn Store>, clock: Clock, running: Arc<Running>) {
    let (connector, stop) = (&running.target.name, &running.stop);
    loop {
        match store.backfill(connector, BACKFILL_STEP).await {
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
