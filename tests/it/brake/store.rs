//! The brake and deliveries that are under way, dead or frozen, and other configurations.

use std::sync::Arc;

use scim_relay::{
    store::{
        Brake, Connector, OnRemoval, Outcome, OwedState, Policy, QueueSelection, RemovalState, StagedSelection,
        Standing,
    },
    time::Clock,
};
use serde_json::json;

use crate::{
    sqlite_store::open,
    store_bench::{Bench, START, asked, connector, group, shown, tenant, user},
};

fn braked(limits: Brake) -> Connector {
    let policy = Policy { on_delete: OnRemoval::Delete, ..Policy::default() };
    Connector { brake: limits, policy: Arc::new(policy), ..connector("ldap") }
}

/// No removal goes.
const NONE: Brake = Brake { removals_min: 0, percent: 0, window_seconds: 3_600 };

async fn bench(folder: &tempfile::TempDir) -> Bench {
    let clock = Clock::manual(START);
    let bench = Bench::new(open(folder.path(), clock.clone()).unwrap(), clock).await;
    bench.configure(tenant("acme", vec![braked(NONE)])).await;
    bench
}

async fn release(bench: &Bench) -> u64 {
    bench.store.release_staged(&StagedSelection::default()).await.unwrap()
}

#[tokio::test]
async fn t21_a_removal_released_while_a_delivery_without_it_is_under_way_goes_after_it() {
    let folder = tempfile::tempdir().unwrap();
    let bench = bench(&folder).await;
    let ada = bench.create("User", user("ada")).await;
    let staff = bench.create("Group", group("staff", &[ada])).await;
    bench.drain("ldap").await;
    bench.patch("User", ada, json!([{ "op": "replace", "path": "active", "value": false }])).await.unwrap();
    bench.remove_member(staff, ada).await;
    let due = bench.due("ldap").await;
    assert_eq!(due.len(), 2);
    assert_eq!(due[0].held, Some(Standing::Live));
    assert_eq!(asked(&due, staff), (vec![], vec![]));
    assert_eq!(release(&bench).await, 2);
    for delivery in &due {
        bench.apply("ldap", delivery).await;
    }
    let due = bench.due("ldap").await;
    let of_ada = due.iter().find(|delivery| delivery.resource == ada).unwrap();
    assert_eq!((of_ada.held, shown(of_ada)["active"].as_bool()), (None, Some(false)));
    assert_eq!(asked(&due, staff), (vec![], vec![ada]));
    bench.drain("ldap").await;
    assert_eq!(bench.queued().await, 0);
    bench.patch("Group", staff, json!([{ "op": "replace", "path": "displayName", "value": "all" }])).await.unwrap();
    assert_eq!(asked(&bench.due("ldap").await, staff), (vec![], vec![]), "told once");
}

#[tokio::test]
async fn t21_what_is_queued_of_a_user_whose_deletion_is_withheld_is_never_read_as_the_deletion() {
    let folder = tempfile::tempdir().unwrap();
    let bench = bench(&folder).await;
    let (ada, bob) = (bench.create("User", user("ada")).await, bench.create("User", user("bob")).await);
    bench.drain("ldap").await;
    for id in [ada, bob] {
        bench.patch("User", id, json!([{ "op": "add", "path": "title", "value": "Countess" }])).await.unwrap();
    }
    let due = bench.due("ldap").await;
    let of_bob = due.iter().find(|delivery| delivery.resource == bob).unwrap();
    bench.settle("ldap", of_bob, Outcome::Dead { message: "no".to_owned() }).await;
    bench.delete("User", ada).await.unwrap();
    bench.delete("User", bob).await.unwrap();
    bench.store.queue_retry(&QueueSelection::default(), START).await.unwrap();
    let due = bench.due("ldap").await;
    assert_eq!(due.len(), 2);
    for delivery in &due {
        assert_eq!(shown(delivery)["title"], "Countess");
        bench.apply("ldap", delivery).await;
    }
    assert_eq!(bench.queued().await, 0);
    let leavers = bench.store.leavers(&Default::default(), 10).await.unwrap();
    assert_eq!(leavers.iter().map(|leaver| leaver.removal).collect::<Vec<_>>(), [RemovalState::Withheld; 2]);

    assert_eq!(release(&bench).await, 2);
    let due = bench.due("ldap").await;
    assert!(due.iter().all(|delivery| delivery.state == OwedState::Deleted && delivery.remote.is_some()), "{due:?}");
    bench.drain("ldap").await;
    assert_eq!(bench.store.leavers(&Default::default(), 10).await.unwrap(), []);
    assert_eq!(bench.store.connectors().await.unwrap()[0].confirmed, 0);
}

#[tokio::test]
async fn t21_another_configuration_removes_under_the_brake() {
    let folder = tempfile::tempdir().unwrap();
    let bench = bench(&folder).await;
    let ignores = |on_deactivate, fingerprint: &str| {
        let policy = Arc::new(Policy { on_deactivate, ..Policy::default() });
        let one = Brake { removals_min: 1, ..NONE };
        tenant("acme", vec![Connector { policy, fingerprint: fingerprint.into(), brake: one, ..connector("ldap") }])
    };
    bench.configure(ignores(OnRemoval::Ignore, "1")).await;
    for name in ["ada", "bob", "cyd"] {
        let id = bench.create("User", user(name)).await;
        bench.drain("ldap").await;
        bench.replace("User", id, json!({ "userName": name, "active": false })).await.unwrap();
        // The connector leaves it in use.
        for delivery in bench.due("ldap").await {
            let Outcome::Applied { effect, remote, waiting, .. } = crate::store_bench::applied(&delivery) else {
                return;
            };
            bench.settle("ldap", &delivery, Outcome::Applied { effect, remote, waiting, live: true }).await;
        }
    }
    bench.configure(ignores(OnRemoval::Disable, "2")).await;
    while bench.store.backfill(&braked(NONE).name, 10).await.unwrap() {}
    let staged = bench.store.staged(&StagedSelection::default(), 10).await.unwrap();
    assert_eq!(staged.len(), 2, "one may go");
    let due = bench.due("ldap").await;
    assert_eq!(due.iter().filter(|delivery| delivery.held.is_none()).count(), 1);
    assert_eq!(due.len(), 3, "the others are told all but that");
}

#[tokio::test]
async fn t21_what_a_connector_never_had_is_not_withheld_from_it() {
    let folder = tempfile::tempdir().unwrap();
    let bench = bench(&folder).await;
    let ada = bench.create("User", user("ada")).await;
    let due = bench.due("ldap").await;
    bench.delete("User", ada).await.unwrap();
    assert_eq!(bench.store.staged(&StagedSelection::default(), 10).await.unwrap(), []);
    bench.apply("ldap", &due[0]).await;
    let due = bench.due("ldap").await;
    assert_eq!(due[0].state, OwedState::Deleted, "it was under way, and goes again");
}

#[tokio::test]
async fn t21_a_restored_store_withholds_what_it_withheld_and_releases_it() {
    let folder = tempfile::tempdir().unwrap();
    let bench = bench(&folder).await;
    let (ada, bob) = (bench.create("User", user("ada")).await, bench.create("User", user("bob")).await);
    let staff = bench.create("Group", group("staff", &[ada, bob])).await;
    bench.drain("ldap").await;
    bench.remove_member(staff, ada).await;
    bench.delete("User", bob).await.unwrap();
    let backup = bench.store.backup(folder.path().join("backup.db")).await.unwrap().file;
    let data_dir = folder.path().join("restored");
    scim_relay::store::sqlite::restore(&data_dir, &backup, START).unwrap();

    let clock = Clock::manual(START);
    let bench = Bench::new(open(&data_dir, clock.clone()).unwrap(), clock).await;
    bench.configure(tenant("acme", vec![braked(NONE)])).await;
    while bench.store.backfill(&braked(NONE).name, 10).await.unwrap() {}
    let mut members = asked(&bench.due("ldap").await, staff).0;
    members.sort();
    assert_eq!(members, [ada, bob], "the group that is told whole has those who are kept in it");
    bench.drain("ldap").await;
    assert_eq!(bench.store.check().await.unwrap(), []);
    assert_eq!(release(&bench).await, 3);
    assert_eq!(asked(&bench.due("ldap").await, staff).1.len(), 2);
    bench.drain("ldap").await;
    assert_eq!(bench.store.leavers(&Default::default(), 10).await.unwrap(), []);
}
