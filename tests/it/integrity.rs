//! What `store check` finds. That it finds nothing in a sound store, the suite and the model of the store show.

use scim_connector::{Effect, RemoteState};
use scim_relay::{
    store::{Flaw, Outcome, QueueSelection, Store as _},
    time::Clock,
};

use crate::{
    sqlite_store::open,
    store_bench::{Bench, START, connector, group, tenant, user},
};

#[tokio::test]
async fn contradictions_within_the_store_are_found() {
    for (damage, rule, place) in [
        ("UPDATE rank_blocks SET count = count + 1", "a block of numbers counts its resources", "block"),
        ("DELETE FROM rank_blocks", "a block of numbers counts its resources", "block"),
        ("UPDATE counters SET reserved = 1 WHERE name > 0", "a resource's number was reserved", "partition"),
        ("DELETE FROM counters WHERE name = 0", "a delivery's number was reserved", "delivery"),
        ("UPDATE resources SET no = no + (50 << 40) WHERE members > 0", "a resource is of a known type", "resource"),
        ("UPDATE resources SET members = members + 1 WHERE members > 0", "a group counts its members", "group"),
        ("DELETE FROM memberships", "a group counts its members", "group"),
        ("DELETE FROM resources WHERE members > 0", "a membership is of a group that is there", "group"),
        ("DELETE FROM resources WHERE members > 0", "an indexed value is of a resource that is there", "resource"),
        ("DELETE FROM indexed_values WHERE attribute = 1", "a value is indexed", "userName of resource"),
        (
            "INSERT INTO indexed_values (partition, attribute, value, resource)
             SELECT no >> 40, 2, 'x', no FROM resources LIMIT 1",
            "no other value is indexed than those of resources",
            "partition",
        ),
        ("UPDATE resources SET body = 'no JSON'", "a resource's attributes can be read", "resource"),
        ("UPDATE deliveries SET lane = 1", "a delivery waits for an earlier one", "delivery"),
        ("UPDATE deliveries SET waits_on = seq + 1", "a delivery waits for an earlier one", "delivery"),
        ("DELETE FROM delivery_keys", "a delivery in the order holds its keys", "delivery"),
        ("DELETE FROM deliveries", "a key is held by a delivery that is queued", "delivery"),
        ("DELETE FROM deliveries", "a connector has a resource or is owed it", "at ldap"),
        ("UPDATE resources SET version = version + 1", "a connector has a resource or is owed it", "at ldap"),
        (
            "DELETE FROM resources WHERE no IN (SELECT resource FROM ledger)",
            "what a connector holds of a deleted resource is owed its removal",
            "resource",
        ),
        ("UPDATE ledger SET connector = 77", "a delivery, a ledger and a leaver are of a known connector", "77"),
        ("DELETE FROM audit WHERE seq = 2", "the audit chain holds", "audit entry 3"),
        (
            "PRAGMA writable_schema = ON; UPDATE sqlite_schema SET rootpage = 3 WHERE name = 'memberships_by_version'",
            "the file is sound",
            "memberships_by_version",
        ),
    ] {
        let directory = tempfile::tempdir().unwrap();
        let clock = Clock::manual(START);
        {
            let bench = Bench::new(open(directory.path(), clock.clone()).unwrap(), clock.clone()).await;
            bench.configure(tenant("acme", vec![connector("ldap")])).await;
            let ada = bench.create("User", user("ada")).await;
            bench.create("Group", group("team", &[ada])).await;
            bench.drain("ldap").await;
            bench.create("User", user("zoe")).await;
            assert_eq!(bench.store.check().await.unwrap(), []);
        }
        let sql = rusqlite::Connection::open(directory.path().join("relay.db")).unwrap();
        sql.execute_batch(damage).unwrap();
        drop(sql);

        let store = open(directory.path(), clock.clone()).unwrap();
        let bench = Bench::new(store.clone(), clock).await;
        bench.configure(tenant("acme", vec![connector("ldap")])).await;
        let flaws = store.check().await.unwrap();
        let found = |Flaw { rule: broken, place: at }: &Flaw| broken.starts_with(rule) && at.contains(place);
        assert!(flaws.iter().any(found), "{damage}: {flaws:#?}");
        assert!(flaws.len() <= 100);
    }
}

#[tokio::test]
async fn an_entry_that_stays_behind_switched_off_is_no_contradiction() {
    let directory = tempfile::tempdir().unwrap();
    let clock = Clock::manual(START);
    let bench = Bench::new(open(directory.path(), clock.clone()).unwrap(), clock).await;
    let ada = bench.create("User", user("ada")).await;
    bench.drain("ldap").await;
    bench.delete("User", ada).await.unwrap();
    let due = bench.due("ldap").await;
    let remote = Some(RemoteState(serde_json::json!({ "entry": "ada" })));
    let disabled = Outcome::Applied { effect: Effect::Updated, remote, live: false, waiting: Vec::new() };
    bench.settle("ldap", &due[0], disabled).await;
    assert_eq!(bench.store.check().await.unwrap(), []);
    assert_eq!(bench.store.connectors().await.unwrap()[0].confirmed, 0, "nothing is kept of it");
}

#[tokio::test]
async fn an_entry_whose_deletion_was_discarded_is_no_contradiction() {
    let directory = tempfile::tempdir().unwrap();
    let clock = Clock::manual(START);
    let bench = Bench::new(open(directory.path(), clock.clone()).unwrap(), clock).await;
    let ada = bench.create("User", user("ada")).await;
    let under_way = bench.due("ldap").await;
    bench.delete("User", ada).await.unwrap();
    bench.store.queue_discard(&QueueSelection::default(), START).await.unwrap();
    bench.apply("ldap", &under_way[0]).await;
    assert_eq!(bench.store.check().await.unwrap(), []);
}
