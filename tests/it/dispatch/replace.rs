//! Targets that are replaced while the dispatcher runs.

use super::*;

/// How long a call that must not be made is waited for.
const PATIENCE: Duration = Duration::from_millis(100);

/// A target with that fingerprint, and the calls that it gets.
fn target(fingerprint: &str) -> (Target, mpsc::Receiver<Call>) {
    let (sender, calls) = mpsc::channel(16);
    let target = Target {
        name: connector(),
        connector: Box::new(Scripted { calls: sender, limits: ONE }),
        types: harness::identity_mappings(),
        policy: Arc::default(),
        fingerprint: fingerprint.into(),
        stamp: fingerprint.into(),
    };
    (target, calls)
}

/// What the dispatchers of these tests are started with.
fn settings() -> Settings {
    Settings { attempts_max: 3, ..Settings::default() }
}

impl Relay {
    /// Has the store know the connector by that fingerprint.
    async fn configure(&self, fingerprint: &str) {
        self.store.store.configure(vec![harness::feeds(&[&connector().0], fingerprint)]).await.unwrap();
    }

    /// Whether the target that the relay was started with is not called.
    async fn is_left_alone(&mut self) -> bool {
        // Its channel closes with it.
        !matches!(tokio::time::timeout(PATIENCE, self.calls.recv()).await, Ok(Some(_)))
    }
}

#[tokio::test]
async fn g15_nothing_is_told_to_a_target_once_the_store_has_another_configuration() {
    let mut relay = Relay::start(ONE).await;
    relay.configure("other").await;
    let id = relay.store.create(user("ann")).await;
    assert!(relay.is_left_alone().await, "it would be told what is recorded as the other configuration's");

    let (other, calls) = target("other");
    relay.dispatcher.replace(&settings(), vec![other]);
    relay.calls = calls;
    let call = relay.call().await;
    assert_eq!(call.one().resource.id, id);
    call.confirm();
    relay.settled(&[]).await;
}

#[tokio::test]
async fn g15_a_target_begins_when_the_calls_of_the_one_before_have_ended() {
    let mut relay = Relay::start(ONE).await;
    relay.store.create(user("ann")).await;
    let under_way = relay.call().await;
    relay.configure("other").await;
    let (other, mut calls) = target("other");
    relay.dispatcher.replace(&settings(), vec![other]);
    relay.store.create(user("ben")).await;
    assert!(tokio::time::timeout(PATIENCE, calls.recv()).await.is_err(), "two calls to one system");

    under_way.confirm();
    relay.calls = calls;
    for _ in 0..2 {
        relay.call().await.confirm();
    }
    relay.settled(&[]).await;
}

#[tokio::test]
async fn g15_a_call_that_ends_late_does_not_suspend_the_connector_that_was_mended_meanwhile() {
    let mut relay = Relay::start(ONE).await;
    relay.store.create(user("ann")).await;
    let under_way = relay.call().await;
    relay.configure("mended").await;
    let (mended, calls) = target("mended");
    relay.dispatcher.replace(&settings(), vec![mended]);
    under_way.fail(&ErrorClass::Misconfigured);

    relay.calls = calls;
    relay.call_later().await.confirm();
    relay.settled(&[]).await;
    assert_eq!(relay.state().await, ConnectorState::Active);
}

#[tokio::test]
async fn g15_a_connector_that_is_reset_is_owed_everything_though_nothing_else_is_different() {
    let mut relay = Relay::start(ONE).await;
    let id = relay.store.create(user("ann")).await;
    relay.call().await.confirm();
    relay.settled(&[]).await;

    let tenants = vec![harness::feeds(&[&connector().0], "")];
    relay.store.store.reset_connector(&connector(), tenants).await.unwrap();
    relay.dispatcher.replace(&settings(), vec![target("").0]);
    let call = relay.call().await;
    assert_eq!((call.one().resource.id, &call.one().remote), (id, &None));
    call.confirm();
    relay.settled(&[]).await;
}
