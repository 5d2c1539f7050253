//! G10: whatever one connector does, the others are delivered to at the very moments at which they would be without it.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use scim_connector::{Applied, Change, Connector, ConnectorError, Desired, Effect, Limits, Plan, Reader, RemoteState};
use scim_relay::{
    dispatch::{Dispatcher, Settings, Target},
    metrics::Metrics,
    store::ConnectorName,
    time::{Clock, Timestamp},
};
use serde_json::json;
use tokio_util::sync::CancellationToken;

use crate::harness::{self, TestStore, user};

/// What a connector does.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Behaviour {
    Works,
    /// Answers only after the deadline of a call.
    Slow,
    /// Cannot be reached.
    Dead,
    /// Answers for none of its changes.
    Forgets,
    Panics,
    /// Works and fails in turns.
    Flaps,
    /// Refuses our credentials.
    Misconfigured,
}

/// Who was delivered, in which version, and when.
type Deliveries = Arc<Mutex<Vec<(String, u64, Timestamp)>>>;

struct Scripted {
    behaviour: Behaviour,
    clock: Clock,
    calls: Arc<AtomicUsize>,
    delivered: Deliveries,
}

#[async_trait]
impl Connector for Scripted {
    async fn apply(&self, batch: &[Change]) -> Vec<Result<Applied, ConnectorError>> {
        let call = self.calls.fetch_add(1, Ordering::Relaxed);
        match self.behaviour {
            Behaviour::Slow => std::future::pending().await,
            Behaviour::Forgets => return Vec::new(),
            Behaviour::Panics => panic!("as the test wants it"),
            Behaviour::Dead => return batch.iter().map(|_| Err(ConnectorError::transient("unreachable"))).collect(),
            Behaviour::Flaps if call.is_multiple_of(2) => {
                return batch.iter().map(|_| Err(ConnectorError::transient("unreachable"))).collect();
            }
            Behaviour::Misconfigured => {
                return batch.iter().map(|_| Err(ConnectorError::misconfigured("wrong password"))).collect();
            }
            Behaviour::Works | Behaviour::Flaps => {}
        }
        let now = self.clock.now();
        let apply = |change: &Change| {
            let Desired::Present { attributes, .. } = &change.desired else { panic!("{change:?}") };
            let name = format!("{:?}", attributes["userName"].value);
            self.delivered.lock().unwrap().push((name, change.version, now));
            Ok(Applied { effect: Effect::Updated, remote: Some(RemoteState(json!({}))) })
        };
        batch.iter().map(apply).collect()
    }

    async fn check(&self) -> Result<(), ConnectorError> {
        Ok(())
    }

    async fn plan(&self, _: &Change) -> Result<Plan, ConnectorError> {
        Err(ConnectorError::rejected("no plan in this test"))
    }

    fn reader(&self) -> Option<&dyn Reader> {
        None
    }

    fn limits(&self) -> Limits {
        Limits { batch_max: 1, in_flight_max: 2, linger_ms: 0 }
    }
}

/// Writes for a minute of the test's clock, and what the healthy connector got of it when; how often a neighbour with
/// that behaviour was called.
async fn deliveries_beside(neighbour: Option<Behaviour>) -> (Vec<(String, u64, Timestamp)>, usize) {
    let clock = Clock::manual(Timestamp(1_790_000_000_000));
    let names = if neighbour.is_some() { &["healthy", "faulty"][..] } else { &["healthy"] };
    let store = TestStore::feeding(clock.clone(), names).await;
    let (delivered, calls) = (Deliveries::default(), Arc::new(AtomicUsize::new(0)));
    let target = |name: &str, behaviour, calls: &Arc<AtomicUsize>, delivered: &Deliveries| Target {
        name: ConnectorName(name.into()),
        connector: Box::new(Scripted {
            behaviour,
            clock: clock.clone(),
            calls: calls.clone(),
            delivered: delivered.clone(),
        }),
        types: harness::identity_mappings(),
        policy: Arc::default(),
        fingerprint: Arc::default(),
        stamp: Arc::default(),
    };
    let mut targets = vec![target("healthy", Behaviour::Works, &Arc::default(), &delivered)];
    targets.extend(neighbour.map(|behaviour| target("faulty", behaviour, &calls, &Deliveries::default())));
    let dispatcher = Arc::new(Dispatcher::new(
        store.store.clone(),
        clock.clone(),
        Arc::new(Metrics::new().unwrap()),
        Settings { call_seconds_max: 1, ..Settings::default() },
        targets,
    ));
    let stop = CancellationToken::new();
    let running = tokio::spawn({
        let (dispatcher, stop) = (dispatcher.clone(), stop.clone());
        async move { dispatcher.run(stop).await }
    });
    let got = async |count| harness::eventually(|| async { delivered.lock().unwrap().len() == count }).await;
    for number in 0..6 {
        let id = store.create(user(&format!("user-{number}"))).await;
        got(2 * number + 1).await;
        store.set(id, "title", "Engineer").await;
        got(2 * number + 2).await;
        if neighbour.is_some() {
            // The fault goes on: its next call is made, or the connector is suspended.
            harness::eventually(|| async { calls.load(Ordering::Relaxed) > 0 }).await;
        }
        clock.advance(Duration::from_secs(10));
    }
    stop.cancel();
    running.await.unwrap();
    let delivered = delivered.lock().unwrap().clone();
    (delivered, calls.load(Ordering::Relaxed))
}

#[tokio::test]
async fn g10_a_connector_that_is_dead_slow_lying_or_flapping_costs_the_others_nothing() {
    let (alone, _) = deliveries_beside(None).await;
    assert_eq!(alone.len(), 12);
    for behaviour in [
        Behaviour::Slow,
        Behaviour::Dead,
        Behaviour::Forgets,
        Behaviour::Panics,
        Behaviour::Flaps,
        Behaviour::Misconfigured,
        Behaviour::Works,
    ] {
        let (beside, calls) = deliveries_beside(Some(behaviour)).await;
        assert!(calls > 0, "{behaviour:?}: the fault never happened, which proves nothing");
        assert_eq!(beside, alone, "beside a connector that is {behaviour:?}");
    }
}
