//! What connectors are owed that are new, were away or are configured otherwise.

use std::collections::BTreeSet;

use scim_connector::{ResourceId, ResourceKind};
use scim_relay::store::{Connector, ConnectorName, ConnectorState, ConnectorStatus, Outcome, OwedState};
use serde_json::json;

use crate::store_bench::{Bench, applied, asked, connector, group, lost, tenant, user};

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

fn configured(fingerprint: &str, system: &str) -> Connector {
    Connector { fingerprint: fingerprint.into(), system: system.into(), ..connector("ldap") }
}

async fn statuses(bench: &Bench) -> Vec<ConnectorStatus> {
    bench.store.connectors().await.unwrap()
}

pub(crate) async fn g15_what_came_of_a_call_is_recorded_under_the_configuration_that_it_was_made_under(bench: Bench) {
    let refused = || Outcome::Dead { message: "no such attribute".to_owned() };
    for (fingerprint, name, other) in [("b", "ada", None), ("c", "ben", Some(refused()))] {
        let user = bench.create("User", user(name)).await;
        let under_way = bench.due("ldap").await.remove(0);
        bench.configure(tenant("acme", vec![configured(fingerprint, "there")])).await;
        // The walk over what was confirmed has passed by.
        backfill(&bench, "ldap").await;
        bench.settle("ldap", &under_way, other.unwrap_or_else(|| applied(&under_way))).await;
        let due = bench.due("ldap").await;
        assert!(due.iter().any(|delivery| delivery.resource == user), "{name} is owed under the new one: {due:?}");
        assert!(due.iter().all(|delivery| &*delivery.fingerprint == fingerprint));
        bench.drain("ldap").await;
        backfill(&bench, "ldap").await;
        assert_eq!(bench.due("ldap").await.len(), 0);
    }
    assert_eq!((statuses(&bench).await[0].confirmed, statuses(&bench).await[0].dead), (2, 0));
}

pub(crate) async fn another_configuration_lets_a_suspended_connector_deliver(bench: Bench) {
    let ldap = ConnectorName("ldap".into());
    for (state, expected) in [
        (ConnectorState::Suspended { reason: "bind refused".to_owned() }, ConnectorState::Active),
        (ConnectorState::Paused, ConnectorState::Paused),
    ] {
        bench.store.set_connector_state(&ldap, state.clone()).await.unwrap();
        bench.configure(tenant("acme", vec![configured("same", "there")])).await;
        bench.store.set_connector_state(&ldap, state.clone()).await.unwrap();
        bench.configure(tenant("acme", vec![configured("same", "there")])).await;
        assert_eq!(statuses(&bench).await[0].state, state);
        bench.configure(tenant("acme", vec![configured("other", "there")])).await;
        assert_eq!(statuses(&bench).await[0].state, expected);
    }
}

pub(crate) async fn what_is_known_of_a_removed_connector_is_kept_until_it_is_discarded(bench: Bench) {
    let ldap = ConnectorName("ldap".into());
    let ada = bench.create("User", user("ada")).await;
    bench.drain("ldap").await;
    bench.create("User", user("ben")).await;
    let under_way = bench.due("ldap").await.remove(0);
    assert!(!bench.store.discard_connector(&ldap).await.unwrap(), "it is configured");

    bench.configure(tenant("acme", vec![])).await;
    bench.apply("ldap", &under_way).await;
    bench.delete("User", ada).await.unwrap();
    let status = statuses(&bench).await.remove(0);
    assert_eq!((status.configured, status.confirmed, status.pending), (false, 2, 1));
    assert_eq!(bench.due("ldap").await.len(), 0, "nothing goes to it");

    assert!(bench.store.discard_connector(&ldap).await.unwrap());
    assert!(!bench.store.discard_connector(&ldap).await.unwrap(), "it is gone");
    assert_eq!((statuses(&bench).await, bench.queued().await), (vec![], 0));
    bench.apply("ldap", &under_way).await;
    bench.create("User", user("cleo")).await;
    assert_eq!(bench.queued().await, 0);

    // The name is free, for another tenant too.
    bench.store.configure(vec![tenant("acme", vec![]), tenant("umbrella", vec![connector("ldap")])]).await.unwrap();
    assert_eq!((statuses(&bench).await[0].confirmed, bench.queued().await), (0, 0));
}

pub(crate) async fn a_connector_is_not_pointed_at_another_system_before_it_is_reset(bench: Bench) {
    let ldap = ConnectorName("ldap".into());
    let there = |system| vec![tenant("acme", vec![configured("", system)])];
    bench.configure(tenant("acme", vec![configured("", "misspelt")])).await;
    bench.configure(tenant("acme", vec![configured("", "old")])).await;
    let ada = bench.create("User", user("ada")).await;
    let team = bench.create("Group", group("team", &[ada])).await;
    bench.drain("ldap").await;
    bench.create("User", user("ben")).await;
    let under_way = bench.due("ldap").await.remove(0);

    let conflicts = bench.store.conflicts(there("new")).await.unwrap();
    assert_eq!((conflicts.len(), conflicts[0].key), (1, "settings"));
    assert_eq!(conflicts[0].message, "points at new, but what it has confirmed is at old");
    let error = bench.store.configure(there("new")).await.unwrap_err().to_string();
    assert!(error.contains("scim-relay connector reset ldap"), "{error}");
    assert_eq!(statuses(&bench).await[0].confirmed, 2);
    bench.store.configure(there("old")).await.unwrap();

    bench.store.reset_connector(&ldap, there("new")).await.unwrap();
    bench.apply("ldap", &under_way).await;
    assert_eq!((statuses(&bench).await[0].confirmed, bench.queued().await), (0, 0));
    backfill(&bench, "ldap").await;
    assert!(bench.due("ldap").await.iter().all(|delivery| delivery.remote.is_none()));
    bench.drain("ldap").await;
    assert_eq!(statuses(&bench).await[0].confirmed, 3);
    bench.delete("Group", team).await.unwrap();
    assert_eq!(bench.drain("ldap").await, 1);
    bench.store.configure(there("old")).await.unwrap_err();
    bench.store.configure(there("new")).await.unwrap();
}
