//! The contract's suite against the system, and the system's faults as the connector tells of them.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::time::Duration;

use async_trait::async_trait;
use scim_connector::{
    BuildContext, Connector, ConnectorError, ConnectorKind, ErrorClass, Members, ResourceRef,
    testkit::{self, FixedMembers, Fixture, Found},
};
use scim_connector_test_http::{
    Settings, TestHttp,
    server::{Fault, Server},
};
use serde_json::json;

struct System(Server);

impl System {
    fn connect_with(&self, answer_ms_max: u64) -> Box<dyn Connector> {
        let url = format!("http://{}", self.0.address());
        let settings: Settings = serde_json::from_value(json!({ "url": url, "answer-ms-max": answer_ms_max })).unwrap();
        TestHttp::build(settings, BuildContext { name: "test".into(), base_dir: ".".into() }).unwrap()
    }
}

#[async_trait]
impl Fixture for System {
    fn connect(&self) -> Box<dyn Connector> {
        self.connect_with(5_000)
    }

    async fn read(&self, resource: &ResourceRef) -> Option<Found> {
        let entry = self.0.entries(resource.kind.as_str()).remove(&resource.id)?;
        Some(Found { attributes: entry.attributes, active: entry.active, members: entry.members })
    }
}

#[tokio::test]
async fn the_connector_keeps_the_contract() {
    let system = System(Server::start().unwrap());
    testkit::run(&system).await;
    let counts = system.0.counts();
    assert!(counts.changes > 20 && counts.repeats > 0, "{counts:?}");
}

#[tokio::test]
async fn each_fault_of_the_system_is_told_by_its_class() {
    let throttled = ErrorClass::Throttled { retry_after: Duration::from_secs(7) };
    let faults = [
        (Fault::Answer(500), ErrorClass::Transient, false),
        (Fault::Answer(503), ErrorClass::Transient, false),
        (Fault::Answer(400), ErrorClass::Rejected, false),
        (Fault::Answer(401), ErrorClass::Misconfigured, false),
        (Fault::Throttle(7), throttled, false),
        (Fault::Drop, ErrorClass::Transient, false),
        (Fault::DoThenDrop, ErrorClass::Transient, true),
        (Fault::DoThenGarble, ErrorClass::Transient, true),
        (Fault::Slow(Duration::from_secs(2)), ErrorClass::Transient, false),
    ];
    for (number, (fault, class, is_done)) in (1..).zip(faults) {
        let system = System(Server::start().unwrap());
        let connector = system.connect_with(500);
        let ada = testkit::user(number);
        let change = testkit::change(&ada, 1, testkit::present(system.required(&ada.kind, ada.id), Members::Unchanged));
        system.0.fail(move |_, _| fault);
        let error: ConnectorError = connector.apply(std::slice::from_ref(&change)).await.remove(0).unwrap_err();
        assert_eq!(*error.class(), class, "{fault:?}: {error}");
        assert_eq!(system.read(&ada).await.is_some(), is_done, "{fault:?}");

        system.0.heal();
        connector.apply(&[change]).await.remove(0).unwrap();
        assert!(system.read(&ada).await.is_some(), "{fault:?}: once more, and it is there");
    }
}

#[tokio::test]
async fn what_comes_late_changes_nothing_and_is_told() {
    let system = System(Server::start().unwrap());
    let connector = system.connect();
    let ada = testkit::user(1);
    let at = |version| testkit::change(&ada, version, testkit::present([].into(), Members::Unchanged));
    connector.apply(&[testkit::gone(&ada, 3)]).await.remove(0).unwrap();
    assert!(system.0.violations().is_empty());
    let late = connector.apply(&[at(2)]).await.remove(0).unwrap();
    assert_eq!((late.remote, system.read(&ada).await), (None, None));
    assert_eq!(system.0.violations().len(), 1);
    connector.apply(&[at(2)]).await.remove(0).unwrap();
    assert_eq!(system.0.violations().len(), 1, "a repetition is none");
}

#[tokio::test]
async fn a_member_without_an_entry_is_waited_for() {
    let system = System(Server::start().unwrap());
    let connector = system.connect();
    let (ada, staff) = (testkit::user(1), testkit::group(2));
    let member = scim_connector::MemberRef { resource: ada.clone(), remote: None };
    let joins = Members::Delta { add: vec![member.clone()], remove: vec![] };
    let change = testkit::change(&staff, 1, testkit::present([].into(), joins));
    let error = connector.apply(std::slice::from_ref(&change)).await.remove(0).unwrap_err();
    assert_eq!(*error.class(), ErrorClass::Waiting { on: vec![ada.clone()] });

    let new = testkit::change(&ada, 1, testkit::present([].into(), Members::Unchanged));
    connector.apply(&[new]).await.remove(0).unwrap();
    connector.apply(&[change]).await.remove(0).unwrap();
    assert_eq!(system.read(&staff).await.unwrap().members, [ada.id].into());
    let all = Members::Full(std::sync::Arc::new(FixedMembers(vec![])));
    connector.apply(&[testkit::change(&staff, 2, testkit::present([].into(), all))]).await.remove(0).unwrap();
    assert!(system.read(&staff).await.unwrap().members.is_empty());
}
