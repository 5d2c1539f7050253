//! The dispatcher with the real store, a clock that the test moves and a connector whose every answer the test gives.

mod replace;

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use scim_connector::{
    Applied, Change, Connector, ConnectorError, Desired, Effect, ErrorClass, Limits, Members, Plan, Reader,
    RemoteState, ResourceId, ResourceKind,
};
use scim_relay::{
    dispatch::{Dispatcher, Settings, Target},
    metrics::Metrics,
    operator::ConnectorControl,
    store::{ConnectorName, ConnectorState, OnRemoval, Policy, QueueClass, QueueSelection, Scope},
    time::{Clock, Timestamp},
};
use serde_json::json;
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use crate::harness::{self, TestStore, group, user};

type Answer = Vec<Result<Applied, ConnectorError>>;

/// A call that waits for the test's answer.
struct Call {
    changes: Vec<Change>,
    answer: oneshot::Sender<Answer>,
}

impl Call {
    /// Confirms every change, as a connector that keeps nothing but "it is there" would.
    fn confirm(self) {
        let answer = self
            .changes
            .iter()
            .map(|change| {
                let gone = matches!(change.desired, Desired::Absent);
                Ok(Applied {
                    effect: if gone { Effect::Removed } else { Effect::Updated },
                    remote: (!gone).then(|| RemoteState(json!({ "entry": change.resource.id }))),
                })
            })
            .collect();
        self.answer.send(answer).unwrap();
    }

    fn fail(self, class: &ErrorClass) {
        let answer = self.changes.iter().map(|_| Err(ConnectorError::new(class.clone(), "entry refused"))).collect();
        self.answer.send(answer).unwrap();
    }

    fn one(&self) -> &Change {
        assert_eq!(self.changes.len(), 1, "one change in the call");
        &self.changes[0]
    }
}

struct Scripted {
    calls: mpsc::Sender<Call>,
    limits: Limits,
}

#[async_trait]
impl Connector for Scripted {
    async fn apply(&self, batch: &[Change]) -> Answer {
        let (answer, answered) = oneshot::channel();
        self.calls.send(Call { changes: batch.to_vec(), answer }).await.unwrap();
        answered.await.unwrap()
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
        self.limits
    }
}

struct Relay {
    store: TestStore,
    clock: Clock,
    dispatcher: Arc<Dispatcher>,
    calls: mpsc::Receiver<Call>,
    stop: CancellationToken,
    running: tokio::task::JoinHandle<()>,
}

impl Relay {
    async fn start(limits: Limits) -> Self {
        Self::with(limits, OnRemoval::Disable, OnRemoval::Disable).await
    }

    async fn with(limits: Limits, on_deactivate: OnRemoval, on_delete: OnRemoval) -> Self {
        let clock = Clock::manual(Timestamp(1_790_000_000_000));
        let store = TestStore::open(clock.clone()).await;
        let (sender, calls) = mpsc::channel(16);
        let dispatcher = Arc::new(Dispatcher::new(
            store.store.clone(),
            clock.clone(),
            Arc::new(Metrics::new().unwrap()),
            Settings { attempts_max: 3, ..Settings::default() },
            vec![Target {
                name: connector(),
                connector: Box::new(Scripted { calls: sender, limits }),
                types: harness::identity_mappings(),
                policy: Arc::new(Policy { scope: Scope::default(), on_deactivate, on_delete }),
                fingerprint: Arc::default(),
                stamp: Arc::default(),
            }],
        ));
        let stop = CancellationToken::new();
        let running = tokio::spawn({
            let (dispatcher, stop) = (dispatcher.clone(), stop.clone());
            async move { dispatcher.run(stop).await }
        });
        Self { store, clock, dispatcher, calls, stop, running }
    }

    async fn call(&mut self) -> Call {
        tokio::time::timeout(Duration::from_secs(10), self.calls.recv()).await.expect("a call in time").unwrap()
    }

    /// The next call after moving the clock as far as it takes.
    async fn call_later(&mut self) -> Call {
        for _ in 0..600 {
            if let Ok(Some(call)) = tokio::time::timeout(Duration::from_millis(20), self.calls.recv()).await {
                return call;
            }
            self.clock.advance(Duration::from_secs(1));
        }
        panic!("no call within ten minutes of the test's clock");
    }

    async fn classes(&self) -> Vec<QueueClass> {
        let queue = self.store.store.queue(&QueueSelection::default(), self.clock.now(), 100).await.unwrap();
        queue.into_iter().map(|entry| entry.class).collect()
    }

    /// Waits until the queue has these classes.
    async fn settled(&self, classes: &[QueueClass]) {
        harness::eventually(|| async { self.classes().await == classes }).await;
    }

    async fn state(&self) -> ConnectorState {
        self.store.store.connectors().await.unwrap().remove(0).state
    }
}

fn connector() -> ConnectorName {
    harness::connector()
}

const ONE: Limits = Limits { batch_max: 1, in_flight_max: 1, linger_ms: 0 };
const FOUR: Limits = Limits { batch_max: 1, in_flight_max: 4, linger_ms: 0 };

#[tokio::test]
async fn a_committed_user_is_told_to_the_connector_once() {
    let mut relay = Relay::start(ONE).await;
    let id = relay.store.create(user("ann")).await;
    let call = relay.call().await;
    let change = call.one();
    assert_eq!((change.resource.id, change.version), (id, 1));
    let Desired::Present { active: true, attributes, members: Members::Unchanged } = &change.desired else {
        panic!("{:?}", change.desired)
    };
    assert!(attributes.contains_key("userName"));
    call.confirm();
    relay.settled(&[]).await;
    assert!(relay.calls.try_recv().is_err());
}

#[tokio::test]
async fn changes_made_during_a_call_are_told_after_it_as_one() {
    let mut relay = Relay::start(FOUR).await;
    let id = relay.store.create(user("ann")).await;
    let first = relay.call().await;
    for title in ["Engineer", "Manager", "Director"] {
        relay.store.set(id, "title", title).await;
    }
    first.confirm();
    let second = relay.call().await;
    assert_eq!(second.one().version, 4);
    assert_eq!(second.one().remote, Some(RemoteState(json!({ "entry": id }))));
    second.confirm();
    relay.settled(&[]).await;
}

#[tokio::test]
async fn an_outage_is_waited_out_without_dead_letters() {
    let mut relay = Relay::start(FOUR).await;
    for name in ["ann", "ben", "cem"] {
        relay.store.create(user(name)).await;
    }
    for _ in 0..12 {
        relay.call_later().await.fail(&ErrorClass::Transient);
    }
    assert!(!relay.classes().await.contains(&QueueClass::Dead));
    for _ in 0..3 {
        relay.call_later().await.confirm();
    }
    relay.settled(&[]).await;
}

#[tokio::test]
async fn g18_a_connector_that_comes_back_is_probed_by_one_delivery_and_taken_up_gently() {
    let mut relay = Relay::start(FOUR).await;
    let under_way = async |relay: &mut Relay, count| {
        let mut calls = Vec::new();
        for _ in 0..count {
            calls.push(relay.call().await);
        }
        assert!(tokio::time::timeout(Duration::from_millis(50), relay.calls.recv()).await.is_err(), "{count} at once");
        calls
    };
    for number in 0..11 {
        relay.store.create(user(&format!("user-{number}"))).await;
    }
    for call in under_way(&mut relay, 4).await {
        call.fail(&ErrorClass::Transient);
    }
    relay.call_later().await.fail(&ErrorClass::Transient);
    harness::eventually(|| async { relay.dispatcher.failing_until(&connector()).is_some() }).await;
    let probe = relay.call_later().await;
    assert!(relay.calls.try_recv().is_err());
    // What has failed waits for its time; with that passed only the circuit bounds what is under way.
    relay.clock.advance(Duration::from_secs(600));
    probe.confirm();
    for count in [2, 4, 4] {
        for call in under_way(&mut relay, count).await {
            call.confirm();
        }
        assert_eq!(relay.dispatcher.failing_until(&connector()), None);
    }
    relay.settled(&[]).await;
}

#[tokio::test]
async fn an_operator_closes_the_circuit_of_a_connector_that_fails() {
    let mut relay = Relay::start(FOUR).await;
    for name in ["ann", "ben", "cem"] {
        relay.store.create(user(name)).await;
    }
    for _ in 0..8 {
        let call = relay.call_later().await;
        let (failed, now) = (call.one().resource.id.to_string(), relay.clock.now());
        call.fail(&ErrorClass::Transient);
        harness::eventually(|| async {
            let queue = relay.store.store.queue(&QueueSelection::default(), now, 10).await.unwrap();
            queue.iter().any(|entry| entry.resource == failed && entry.not_before > Some(now))
        })
        .await;
    }
    assert!(relay.dispatcher.failing_until(&connector()) > Some(relay.clock.now()));
    relay.store.store.queue_retry(&QueueSelection::default(), relay.clock.now()).await.unwrap();
    relay.dispatcher.wake(&connector());
    let calls = [relay.call().await, relay.call().await, relay.call().await];
    assert_eq!(relay.dispatcher.failing_until(&connector()), None);
    calls.into_iter().for_each(Call::confirm);
    relay.settled(&[]).await;
}

#[tokio::test]
async fn a_delivery_that_fails_while_others_succeed_becomes_a_dead_letter() {
    let mut relay = Relay::start(ONE).await;
    let poison = relay.store.create(user("poison")).await;
    let mut failures = 0;
    while !relay.classes().await.contains(&QueueClass::Dead) {
        let call = relay.call_later().await;
        if call.one().resource.id == poison {
            failures += 1;
            call.fail(&ErrorClass::Transient);
            // The connector works: another delivery succeeds before the poisonous one is tried again.
            relay.store.create(user(&format!("user{failures}"))).await;
        } else {
            call.confirm();
        }
        assert!(failures <= 20, "it goes on without end");
        tokio::task::yield_now().await;
    }
    // A failure right after another of the connector does not count, so there may have been more.
    assert!(failures >= 3, "attempts-max is 3, and {failures} were enough");
}

#[tokio::test]
async fn g11_a_refused_resource_is_a_dead_letter_and_its_next_version_is_tried_again() {
    let mut relay = Relay::start(ONE).await;
    let id = relay.store.create(user("ann")).await;
    relay.call().await.fail(&ErrorClass::Rejected);
    relay.settled(&[QueueClass::Dead]).await;
    relay.store.create(user("ben")).await;
    relay.call().await.confirm();
    relay.store.set(id, "title", "Engineer").await;
    let call = relay.call().await;
    assert_eq!((call.one().resource.id, call.one().version), (id, 2));
    call.confirm();
    relay.settled(&[]).await;
}

#[tokio::test]
async fn a_misconfigured_connector_is_suspended_until_it_is_resumed() {
    let mut relay = Relay::start(ONE).await;
    relay.store.create(user("ann")).await;
    relay.call().await.fail(&ErrorClass::Misconfigured);
    harness::eventually(|| async { matches!(relay.state().await, ConnectorState::Suspended { .. }) }).await;
    relay.store.create(user("ben")).await;
    relay.clock.advance(Duration::from_secs(3_600));
    assert!(tokio::time::timeout(Duration::from_millis(100), relay.calls.recv()).await.is_err(), "it is suspended");
    relay.store.store.set_connector_state(&connector(), ConnectorState::Active).await.unwrap();
    relay.dispatcher.wake(&connector());
    relay.call_later().await.confirm();
    relay.call_later().await.confirm();
    relay.settled(&[]).await;
}

#[tokio::test]
async fn a_throttled_connector_is_left_alone_as_long_as_it_asks() {
    let mut relay = Relay::start(ONE).await;
    relay.store.create(user("ann")).await;
    relay.call().await.fail(&ErrorClass::Throttled { retry_after: Duration::from_secs(30) });
    relay.settled(&[QueueClass::Retrying]).await;
    relay.clock.advance(Duration::from_secs(29));
    assert!(tokio::time::timeout(Duration::from_millis(100), relay.calls.recv()).await.is_err(), "not yet");
    relay.clock.advance(Duration::from_secs(1));
    relay.call().await.confirm();
    relay.settled(&[]).await;
}

#[tokio::test]
async fn a_member_is_told_when_its_own_create_is_confirmed() {
    let mut relay = Relay::start(FOUR).await;
    let ann = relay.store.create(user("ann")).await;
    let ben = relay.store.create(user("ben")).await;
    let staff = relay.store.create(group("Staff", &[ann, ben])).await;
    let mut held = None;
    let mut members = Vec::<ResourceId>::new();
    // Ann is confirmed, Ben is not: the group goes with Ann alone.
    while members.is_empty() {
        let call = relay.call().await;
        let change = call.one();
        if change.resource.id == ben {
            held = Some(call);
            continue;
        }
        members.extend(added(change));
        call.confirm();
    }
    assert_eq!(members, [ann]);
    held.take().expect("Ben's create is under way").confirm();
    let call = relay.call().await;
    assert_eq!(call.one().resource.id, staff);
    assert_eq!(added(call.one()), [ben]);
    call.confirm();
    relay.settled(&[]).await;
}

fn added(change: &Change) -> Vec<ResourceId> {
    match &change.desired {
        Desired::Present { members: Members::Delta { add, .. }, .. } => {
            add.iter().map(|member| member.resource.id).collect()
        }
        _ => Vec::new(),
    }
}

#[tokio::test]
async fn policies_decide_what_a_deactivation_and_a_deletion_become() {
    for (on_deactivate, on_delete, deactivated, deleted) in [
        (OnRemoval::Disable, OnRemoval::Disable, "present, inactive", "disabled"),
        // What a deactivation removed is not there to be deleted.
        (OnRemoval::Delete, OnRemoval::Delete, "absent", ""),
        (OnRemoval::Ignore, OnRemoval::Delete, "", "absent"),
        (OnRemoval::Move, OnRemoval::Delete, "aside", "absent"),
        (OnRemoval::Disable, OnRemoval::Move, "present, inactive", "aside"),
    ] {
        let mut relay = Relay::with(ONE, on_deactivate, on_delete).await;
        let id = relay.store.create(user("ann")).await;
        relay.call().await.confirm();
        relay.settled(&[]).await;
        relay.store.set(id, "active", false).await;
        if !deactivated.is_empty() {
            let call = relay.call().await;
            assert_eq!(described(call.one()), deactivated);
            call.confirm();
        }
        relay.settled(&[]).await;
        relay.store.delete(&ResourceKind::new("User"), id).await;
        if !deleted.is_empty() {
            let call = relay.call().await;
            assert_eq!(described(call.one()), deleted);
            call.confirm();
        }
        relay.settled(&[]).await;
        assert!(relay.calls.try_recv().is_err());
    }
}

fn described(change: &Change) -> &'static str {
    match &change.desired {
        Desired::Present { active: true, .. } => "present, active",
        Desired::Present { active: false, .. } => "present, inactive",
        Desired::Disabled => "disabled",
        Desired::Aside => "aside",
        Desired::Absent => "absent",
    }
}

#[tokio::test]
async fn g14_stopping_finishes_the_call_under_way() {
    let mut relay = Relay::start(ONE).await;
    relay.store.create(user("ann")).await;
    relay.store.create(user("ben")).await;
    let call = relay.call().await;
    relay.stop.cancel();
    call.confirm();
    relay.running.await.unwrap();
    assert!(relay.calls.try_recv().is_err(), "nothing is begun after the stop");
    let queue = relay.store.store.queue(&QueueSelection::default(), relay.clock.now(), 10).await.unwrap();
    assert_eq!(queue.len(), 1, "the confirmed delivery is settled, the other still owed");
}

#[tokio::test]
async fn g05_a_resource_is_never_under_way_twice() {
    let mut relay = Relay::start(FOUR).await;
    let id = relay.store.create(user("ann")).await;
    let first = relay.call().await;
    // Its delivery is dropped while it is under way, and a change makes another one; a third user shows that those that
    // may go have gone.
    relay.store.store.queue_discard(&QueueSelection::default(), relay.clock.now()).await.unwrap();
    relay.store.set(id, "title", "Engineer").await;
    let ben = relay.store.create(user("ben")).await;
    let beside = relay.call().await;
    assert_eq!(beside.one().resource.id, ben);
    beside.confirm();
    relay.settled(&[QueueClass::Pending]).await;
    assert!(relay.calls.try_recv().is_err());
    first.confirm();
    let second = relay.call().await;
    assert_eq!((second.one().resource.id, second.one().version), (id, 2));
    second.confirm();
    relay.settled(&[]).await;
}
