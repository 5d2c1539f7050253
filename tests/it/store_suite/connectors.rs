//! What connectors are owed that are new, were away or are configured otherwise.

use std::collections::BTreeSet;

use scim_connector::{ResourceId, ResourceKind};
use scim_relay::store::{Connector, ConnectorName, ConnectorState, Outcome, OwedState};
use serde_json::json;

use crate::store_bench::{Bench, asked, connector, group, lost, tenant, user};

pub(crate) async fn a_new_connector_is_owed_what_was_there(bench: Bench) {
    for number in 0..25 {
        bench.create("User", user(&format!("user-{number}"))).await;
    }
    bench.create("Group", group("team", &[])).await;
    let sql = ConnectorName("sql".into());
    bench.configure(tenant("acme", vec![connector("ldap"), connector("sql")])).await;
    let status = bench.store.connectors().await.unwrap();
    assert_eq!(status.iter().map(|status| status.backfilling).collect::<Vec<_>>(), [false, true]);
    let mut parts = 0;
    while bench.store.backfill(&sql, 10).await.unwrap() {
        parts += 1;
    }
    assert!(parts >= 3);
    assert_eq!(bench.drain("sql").await, 26);
    assert!(!bench.store.backfill(&sql, 10).await.unwrap());
    let state = ConnectorState::Suspended { reason: "bind refused".to_owned() };
    bench.store.set_connector_state(&sql, state.clone()).await.unwrap();
    let status = bench.store.connectors().await.unwrap();
    assert_eq!((status[1].state.clone(), status[1].confirmed, status[1].backfilling), (state, 26, false));
}

pub(crate) async fn a_connector_without_groups_waits_for_no_members(bench: Bench) {
    let users_only = Connector { kinds: vec![ResourceKind::new("User")], ..connector("users") };
    bench.configure(tenant("acme", vec![users_only])).await;
    let ada = bench.create("User", user("ada")).await;
    bench.create("Group", group("team", &[ada])).await;
    bench.drain("users").await;
    bench.replace("User", ada, json!({ "userName": "ada", "active": false })).await.unwrap();
    bench.settle("users", &bench.due("users").await[0], lost()).await;
    bench.replace("User", ada, user("ada")).await.unwrap();
    assert_eq!(bench.drain("users").await, 1);
    let status = bench.store.connectors().await.unwrap();
    assert_eq!(status.iter().map(|status| status.waiting_members).collect::<Vec<_>>(), [0, 0]);
}

async fn backfill(bench: &Bench, name: &str) {
    while bench.store.backfill(&ConnectorName(name.into()), 2).await.unwrap() {}
}

pub(crate) async fn a_connector_that_comes_back_is_owed_what_it_missed(bench: Bench) {
    for backfills in [true, false] {
        let ldap = || Connector { backfill: backfills, ..connector("ldap") };
        let name = |name: &str| format!("{name}-{backfills}");
        let mut ids = Vec::new();
        for which in ["changed", "same", "leaver", "deleted", "left"] {
            ids.push(bench.create("User", user(&name(which))).await);
        }
        let [changed, same, leaver, deleted, left] = ids[..] else { unreachable!() };
        let team = bench.create("Group", group(&name("team"), &[same, deleted, left])).await;
        bench.drain("ldap").await;

        bench.configure(tenant("acme", vec![])).await;
        bench.replace("User", changed, user(&name("renamed"))).await.unwrap();
        bench.remove_member(team, left).await;
        bench.replace("User", leaver, json!({ "userName": name("leaver"), "active": false })).await.unwrap();
        bench.delete("User", deleted).await.unwrap();
        let new = bench.create("User", user(&name("new"))).await;

        bench.configure(tenant("acme", vec![ldap()])).await;
        backfill(&bench, "ldap").await;
        let due = bench.due("ldap").await;
        assert_eq!(due[0].resource, leaver, "removals go first");
        let (added, mut gone) = asked(&due, team);
        gone.sort();
        assert_eq!((added, gone), (vec![], vec![deleted, left]));
        let mut delivered = BTreeSet::new();
        loop {
            let due = bench.due("ldap").await;
            if due.is_empty() {
                break;
            }
            for delivery in due {
                assert_eq!(delivery.state == OwedState::Deleted, delivery.resource == deleted);
                delivered.insert(delivery.resource);
                bench.apply("ldap", &delivery).await;
            }
        }
        let mut expected = BTreeSet::from([changed, leaver, deleted, team]);
        if backfills {
            expected.insert(new);
        }
        assert_eq!(delivered, expected);
        bench.configure(tenant("acme", vec![ldap()])).await;
        assert!(!bench.store.connectors().await.unwrap()[0].backfilling, "it was not away");
    }
}

pub(crate) async fn a_connector_that_takes_more_types_is_owed_them(bench: Bench) {
    let users_only = Connector { kinds: vec![ResourceKind::new("User")], ..connector("ldap") };
    bench.configure(tenant("acme", vec![users_only])).await;
    let ada = bench.create("User", user("ada")).await;
    let team = bench.create("Group", group("team", &[ada])).await;
    assert_eq!(bench.drain("ldap").await, 1);
    bench.configure(tenant("acme", vec![connector("ldap")])).await;
    backfill(&bench, "ldap").await;
    assert_eq!(asked(&bench.due("ldap").await, team), (vec![ada], vec![]));
    assert_eq!(bench.drain("ldap").await, 1);
}

pub(crate) async fn a_connector_is_one_tenants_for_ever(bench: Bench) {
    let tenants = vec![tenant("acme", vec![]), tenant("umbrella", vec![connector("ldap")])];
    let error = bench.store.configure(tenants).await.unwrap_err().to_string();
    assert!(error.contains("connector ldap belongs to tenant acme"), "{error}");
}

pub(crate) async fn another_fingerprint_owes_what_was_confirmed_again(bench: Bench) {
    let ada = bench.create("User", user("ada")).await;
    let team = bench.create("Group", group("team", &[ada])).await;
    bench.drain("ldap").await;
    bench.create("User", user("never confirmed")).await;
    bench.settle("ldap", &bench.due("ldap").await[0], Outcome::Dead { message: "no".to_owned() }).await;
    for (fingerprint, is_other) in [("a", true), ("a", false), ("b", true)] {
        let ldap = Connector { fingerprint: fingerprint.into(), ..connector("ldap") };
        bench.configure(tenant("acme", vec![ldap])).await;
        backfill(&bench, "ldap").await;
        let due = bench.due("ldap").await;
        let owed: Vec<ResourceId> = due.iter().map(|delivery| delivery.resource).collect();
        if is_other {
            assert_eq!(owed, [ada, team]);
            assert_eq!(asked(&due, team), (vec![ada], vec![]), "members may be written otherwise, too");
        } else {
            assert_eq!(owed, []);
        }
        bench.drain("ldap").await;
    }
}
