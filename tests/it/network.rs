//! Faults of the network between the relay and a system downstream: real sockets, the real dispatcher and store.

mod proxy;

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use proxy::{Fault, Proxy};
use scim_connector::{BuildContext, ConnectorKind, ResourceId, ResourceKind};
use scim_connector_test_http::{Entry, TestHttp, server::Server};
use scim_relay::{
    dispatch::{Dispatcher, Settings, Target},
    metrics::Metrics,
    store::{ConnectorName, OnRemoval, Policy, QueueSelection},
    time::Clock,
};
use serde_json::{Value, json};
use tokio::{task::JoinHandle, time::Instant};
use tokio_util::sync::CancellationToken;

use crate::harness::{self, TestStore, group, user};

const USERS: usize = 12;
/// Rounds of changes while the fault lasts.
const ROUNDS: usize = 12;
/// How long a change may take to the healthy system, whatever happens to the other: milliseconds, but for a busy machine.
const HEALTHY_MAX: Duration = Duration::from_secs(3);
/// How long what is awaited may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);
/// How long one answer may take.
const ANSWER_MS_MAX: u64 = 250;
/// Calls at once to one system.
const IN_FLIGHT_MAX: usize = 3;
/// The longest back-off, in seconds.
const DELAY_SECONDS_MAX: u64 = 1;

/// Two systems that get the same; the network to one of them has faults.
struct Bed {
    store: TestStore,
    healthy: Server,
    faulty: Server,
    proxy: Proxy,
    stop: CancellationToken,
    running: JoinHandle<()>,
}

impl Bed {
    async fn start() -> Self {
        let clock = Clock::system();
        let store = TestStore::feeding(clock.clone(), &["healthy", "faulty"]).await;
        let (healthy, faulty) = (Server::start().unwrap(), Server::start().unwrap());
        let proxy = Proxy::to(faulty.address()).await;
        let targets = vec![target("healthy", healthy.address()), target("faulty", proxy.address)];
        let settings = Settings {
            delay_ms_min: 50,
            delay_seconds_max: DELAY_SECONDS_MAX,
            call_seconds_max: 2,
            ..Settings::default()
        };
        let metrics = Arc::new(Metrics::new().unwrap());
        let dispatcher = Dispatcher::new(store.store.clone(), clock, metrics, settings, targets);
        let stop = CancellationToken::new();
        let stopped = stop.clone();
        let running = tokio::spawn(async move { dispatcher.run(stopped).await });
        Self { store, healthy, faulty, proxy, stop, running }
    }

    /// Deliveries owed to the system beyond the fault.
    async fn owed(&self) -> usize {
        let selection = QueueSelection { connector: Some(name("faulty")), ..QueueSelection::default() };
        self.store.store.queue(&selection, Clock::system().now(), 1000).await.unwrap().len()
    }

    /// Sets a title; how long it took to the healthy system.
    async fn set(&self, id: ResourceId, title: &str) -> Duration {
        let started = Instant::now();
        self.store.set(id, "title", title).await;
        eventually(|| async {
            self.healthy
                .entries("User")
                .get(&id)
                .is_some_and(|entry| entry.attributes.get("title") == Some(&json!(title)))
        })
        .await;
        started.elapsed()
    }

    async fn end(self) {
        self.stop.cancel();
        self.running.await.unwrap();
    }
}

fn name(name: &str) -> ConnectorName {
    ConnectorName(name.into())
}

fn target(of: &str, address: std::net::SocketAddr) -> Target {
    let settings = json!({
        "url": format!("http://{address}"), "answer-ms-max": ANSWER_MS_MAX, "in-flight-max": IN_FLIGHT_MAX,
        "batch-max": 1,
    });
    let context = BuildContext { name: of.to_owned(), base_dir: ".".into() };
    Target {
        name: name(of),
        connector: TestHttp::build(serde_json::from_value(settings).unwrap(), context).unwrap(),
        types: harness::identity_mappings(),
        policy: Arc::new(Policy { on_delete: OnRemoval::Delete, ..Policy::default() }),
        fingerprint: Arc::default(),
        stamp: Arc::default(),
    }
}

/// Waits until a condition holds.
async fn eventually<F: Future<Output = bool>>(mut condition: impl FnMut() -> F) {
    let started = Instant::now();
    while !condition().await {
        assert!(started.elapsed() < PATIENCE, "the condition does not come true");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

/// What a system holds, without the versions that it has been told of: a version that changes nothing may be folded.
fn held(server: &Server) -> BTreeMap<(String, ResourceId), Entry> {
    let of_kind = |kind: &str| {
        let kind = kind.to_owned();
        server.entries(&kind).into_iter().map(move |(id, entry)| ((kind.clone(), id), Entry { version: 0, ..entry }))
    };
    of_kind("User").chain(of_kind("Group")).collect()
}

/// Writes while the network has the fault, mends it, and compares. Whether deliveries failed meanwhile is told.
async fn outlive(fault: Fault) -> bool {
    let bed = Bed::start().await;
    let mut ids = Vec::new();
    for number in 0..USERS {
        ids.push(bed.store.create(user(&format!("user-{number}"))).await);
    }
    bed.store.create(group("all", &ids)).await;
    eventually(|| async { bed.owed().await == 0 }).await;

    bed.proxy.set(fault);
    let (started, connections) = (Instant::now(), bed.proxy.connections());
    let mut expected = BTreeMap::new();
    let (mut slowest, mut owed_most) = (Duration::ZERO, 0);
    for round in 0..ROUNDS {
        for (number, id) in ids.iter().enumerate().filter(|(number, _)| number % 3 == round % 3) {
            let title = format!("title {number} of round {round}");
            slowest = slowest.max(bed.set(*id, &title).await);
            expected.insert(*id, title);
        }
        let new = bed.store.create(user(&format!("new-{round}"))).await;
        bed.store.create(group(&format!("group-{round}"), &[new, ids[0]])).await;
        if round % 4 == 3 {
            bed.store.delete(&ResourceKind::new("User"), new).await;
        }
        owed_most = owed_most.max(bed.owed().await);
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let failed = bed.owed().await > 0;
    let (lasted, made) = (started.elapsed(), bed.proxy.connections() - connections);

    bed.proxy.set(Fault::None);
    eventually(|| async { bed.owed().await == 0 }).await;
    let recovered = started.elapsed() - lasted;
    assert!(slowest < HEALTHY_MAX, "{fault:?}: the healthy system had to wait {slowest:?}");
    // Of each resource one delivery, however often it changed; but a deletion is not folded into a creation that a group
    // stands behind.
    assert!(owed_most <= USERS + 2 * ROUNDS + ROUNDS / 4, "{fault:?}: {owed_most} owed");
    // What is under way at first, then one probe at a time, each after a back-off whose mean is half of the longest.
    let probes = usize::try_from(lasted.as_millis()).unwrap() / 100;
    assert!(!failed || made <= IN_FLIGHT_MAX + probes, "{fault:?}: {made} connections in {lasted:?}");
    assert!(recovered < Duration::from_secs(DELAY_SECONDS_MAX * 2 + 15), "{fault:?}: {recovered:?}");
    // What the network kept back arrives in the end, and must not be obeyed.
    eventually(|| async { bed.proxy.on_their_way() == 0 }).await;
    let late = bed.faulty.violations().len();
    assert!(late > 0 || !matches!(fault, Fault::SlowDrip(_)), "nothing came late, which proves nothing");
    let (healthy, faulty) = (held(&bed.healthy), held(&bed.faulty));
    assert_eq!(faulty, healthy, "{fault:?}: the systems differ");
    let titles: BTreeMap<_, _> = ids.iter().map(|id| (*id, title(&healthy, *id))).collect();
    assert!(expected.iter().all(|(id, title)| titles[id] == **title), "{fault:?}: {titles:?} instead of {expected:?}");
    assert_eq!(healthy.keys().filter(|(kind, _)| kind == "User").count(), USERS + ROUNDS - ROUNDS / 4);
    bed.end().await;
    failed
}

fn title(held: &BTreeMap<(String, ResourceId), Entry>, id: ResourceId) -> Value {
    held[&("User".to_owned(), id)].attributes.get("title").cloned().unwrap_or_default()
}

#[tokio::test]
async fn g06_g10_g18_latency_delays_one_system_and_fails_nothing() {
    outlive(Fault::Latency(Duration::from_millis(60))).await;
}

#[tokio::test]
async fn g06_g10_g18_answers_lost_to_resets_are_asked_for_again_and_done_once() {
    assert!(outlive(Fault::Reset).await, "nothing failed, which proves nothing");
}

#[tokio::test]
async fn g06_g10_g18_a_black_hole_is_noticed_by_time_and_outlived() {
    assert!(outlive(Fault::BlackHole).await, "nothing failed, which proves nothing");
}

#[tokio::test]
async fn g06_g10_g18_answers_that_break_off_in_the_middle_are_no_answers() {
    assert!(outlive(Fault::HalfClose).await, "nothing failed, which proves nothing");
}

#[tokio::test]
async fn g05_g10_g18_requests_that_drip_in_after_newer_ones_change_nothing() {
    assert!(outlive(Fault::SlowDrip(Duration::from_millis(8))).await, "nothing failed, which proves nothing");
}
