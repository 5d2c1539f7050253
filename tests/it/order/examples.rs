//! Cases of order that are worth a name.

use scim_connector::ResourceId;
use scim_relay::{
    store::{Delivery, Outcome, OwedState, QueueClass, QueueSelection},
    time::Clock,
};
use serde_json::json;
use tempfile::TempDir;

use super::directory::Directory;
use crate::{
    sqlite_store::open,
    store_bench::{Bench, START, asked, connector, group, shown, tenant, user},
};

async fn bench() -> (Bench, TempDir) {
    let directory = tempfile::tempdir().unwrap();
    let clock = Clock::manual(START);
    (Bench::new(open(directory.path(), clock.clone()).unwrap(), clock).await, directory)
}

async fn rename(bench: &Bench, id: ResourceId, name: &str) {
    bench.patch("User", id, json!([{ "op": "replace", "path": "userName", "value": name }])).await.unwrap();
}

/// Delivers everything to a directory that minds; fails where it does not drain.
async fn drain(bench: &Bench, ids: &[ResourceId], directory: &mut Directory) {
    for _ in 0..100 {
        let due = bench.due("ldap").await;
        for delivery in &due {
            directory.land(ids, delivery);
            bench.apply("ldap", delivery).await;
        }
        if due.is_empty() {
            break;
        }
    }
    assert_eq!(bench.queued().await, 0, "everything drains");
}

fn of(due: &[Delivery], id: ResourceId) -> Option<&Delivery> {
    due.iter().find(|delivery| delivery.resource == id)
}

#[tokio::test]
async fn a_delivery_waits_for_those_in_conflict_and_not_for_what_they_wait_for() {
    let (bench, _folder) = bench().await;
    let mut ids = Vec::new();
    for name in ["a", "b", "c", "d"] {
        ids.push(bench.create("User", user(name)).await);
    }
    bench.drain("ldap").await;
    rename(&bench, ids[0], "a2").await;
    rename(&bench, ids[1], "a").await;
    rename(&bench, ids[2], "b").await;
    rename(&bench, ids[3], "d2").await;
    let free = |due: Vec<Delivery>| due.iter().map(|delivery| delivery.resource).collect::<Vec<_>>();
    let due = bench.due("ldap").await;
    assert_eq!(free(due.clone()), [ids[0], ids[3]], "who has nothing to do with it goes at once");
    let queue = bench.store.queue(&QueueSelection::default(), START, 10).await.unwrap();
    assert_eq!(queue[1].waits_for, Some(queue[0].id));
    assert_eq!(queue[2].waits_for, Some(queue[1].id), "for the one that frees its name, and for no other");
    bench.apply("ldap", of(&due, ids[0]).unwrap()).await;
    assert_eq!(free(bench.due_beside("ldap", &[of(&due, ids[3]).unwrap().resource]).await), [ids[1]]);
}

#[tokio::test]
async fn three_users_whose_names_go_round_are_renamed_in_an_order_that_works() {
    let (bench, _folder) = bench().await;
    let mut ids = Vec::new();
    for name in ["x", "y", "z"] {
        ids.push(bench.create("User", user(name)).await);
    }
    let mut directory = Directory::default();
    drain(&bench, &ids, &mut directory).await;
    for _ in 0..3 {
        let names: Vec<String> =
            directory.entries.values().map(|entry| super::directory::name(&entry.attributes).1.to_owned()).collect();
        rename(&bench, ids[0], "between").await;
        rename(&bench, ids[1], &names[0]).await;
        rename(&bench, ids[2], &names[1]).await;
        rename(&bench, ids[0], &names[2]).await;
        drain(&bench, &ids, &mut directory).await;
    }
}

#[tokio::test]
async fn groups_before_their_members_in_circles_and_in_themselves_drain() {
    let (bench, _folder) = bench().await;
    let (one, other) =
        (bench.create("Group", group("one", &[])).await, bench.create("Group", group("other", &[])).await);
    let ada = bench.create("User", user("ada")).await;
    let ids = [one, other, ada];
    for (holder, member) in [(one, other), (other, one), (one, one), (one, ada), (other, ada)] {
        bench.add_member(holder, &member.to_string()).await;
    }
    let mut directory = Directory::default();
    drain(&bench, &ids, &mut directory).await;
    assert_eq!(directory.entries[&0].members.len() + directory.entries[&1].members.len(), 5);
    for (number, kind) in [(0, "Group"), (2, "User"), (1, "Group")] {
        bench.delete(kind, ids[number]).await.unwrap();
        directory.leaving.insert(number);
    }
    drain(&bench, &ids, &mut directory).await;
    assert!(directory.entries.is_empty());
}

#[tokio::test]
async fn a_group_in_itself_is_deleted_after_the_others_let_go_of_it() {
    let (bench, _folder) = bench().await;
    let (own, outer) =
        (bench.create("Group", group("own", &[])).await, bench.create("Group", group("outer", &[])).await);
    bench.add_member(own, &own.to_string()).await;
    bench.add_member(outer, &own.to_string()).await;
    let mut directory = Directory::default();
    drain(&bench, &[own, outer], &mut directory).await;
    // Both are pending when the group goes, its own change as the later one.
    bench.patch("Group", outer, json!([{ "op": "replace", "path": "displayName", "value": "outer 2" }])).await.unwrap();
    bench.remove_member(own, own).await;
    bench.delete("Group", own).await.unwrap();
    directory.leaving.insert(0);
    let due = bench.due("ldap").await;
    assert_eq!(due.iter().map(|delivery| delivery.resource).collect::<Vec<_>>(), [outer]);
    drain(&bench, &[own, outer], &mut directory).await;
}

#[tokio::test]
async fn managers_in_a_circle_drain() {
    let (bench, _folder) = bench().await;
    let urn = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
    let (ada, bob) = (bench.create("User", user("ada")).await, bench.create("User", user("bob")).await);
    for (name, id, manager) in [("ada", ada, bob), ("bob", bob, ada)] {
        let body = json!({ "userName": name, urn: { "manager": { "value": manager.to_string() } } });
        bench.replace("User", id, body).await.unwrap();
    }
    let mut directory = Directory::default();
    drain(&bench, &[ada, bob], &mut directory).await;
    for (number, id) in [ada, bob].into_iter().enumerate() {
        bench.delete("User", id).await.unwrap();
        directory.leaving.insert(number);
    }
    drain(&bench, &[ada, bob], &mut directory).await;
}

#[tokio::test]
async fn a_disable_folds_into_the_pending_create_and_goes_first() {
    let (bench, _folder) = bench().await;
    bench.create("User", user("before")).await;
    let ada = bench.create("User", user("ada")).await;
    bench.patch("User", ada, json!([{ "op": "replace", "path": "active", "value": false }])).await.unwrap();
    let due = bench.due("ldap").await;
    assert_eq!(due.len(), 2);
    assert_eq!((due[0].resource, due[0].version, &shown(&due[0])["active"]), (ada, 2, &json!(false)));
}

#[tokio::test]
async fn g09_what_an_outage_owes_does_not_grow_with_the_changes() {
    let (bench, _folder) = bench().await;
    let mut ids = Vec::new();
    for number in 0..5 {
        ids.push(bench.create("User", user(&format!("user-{number}"))).await);
    }
    let team = bench.create("Group", group("team", &ids)).await;
    for number in 0..40 {
        let id = ids[number % ids.len()];
        rename(&bench, id, &format!("renamed-{number}")).await;
        let active = number % 3 == 0;
        bench.patch("User", id, json!([{ "op": "replace", "path": "active", "value": active }])).await.unwrap();
        bench.remove_member(team, id).await;
        bench.add_member(team, &id.to_string()).await;
        assert_eq!(bench.queued().await, 6, "one row a resource");
    }
    bench.drain("ldap").await;
    assert_eq!(bench.queued().await, 0);
}

#[tokio::test]
async fn a_retried_dead_letter_takes_its_turn_behind_those_that_passed_it() {
    let (bench, _folder) = bench().await;
    let (ada, bob) = (bench.create("User", user("x")).await, bench.create("User", user("y")).await);
    bench.drain("ldap").await;
    rename(&bench, ada, "z").await;
    let due = bench.due("ldap").await;
    bench.settle("ldap", &due[0], Outcome::Dead { message: "refused".to_owned() }).await;
    rename(&bench, bob, "x").await;
    let under_way = bench.due("ldap").await;
    assert_eq!(under_way[0].resource, bob);
    let dead = QueueSelection { class: Some(QueueClass::Dead), ..QueueSelection::default() };
    assert_eq!(bench.store.queue_retry(&dead, START).await.unwrap(), 1);
    let beside = bench.due_beside("ldap", &[under_way[0].resource]).await;
    assert!(beside.is_empty(), "two that conflict are never under way together: {beside:?}");
    bench.apply("ldap", &under_way[0]).await;
    assert_eq!(bench.due("ldap").await[0].resource, ada);
}

#[tokio::test]
async fn a_retried_dead_letter_of_a_group_holds_its_members_as_it_did() {
    let (bench, _folder) = bench().await;
    let ada = bench.create("User", user("ada")).await;
    let groups =
        [bench.create("Group", group("one", &[ada])).await, bench.create("Group", group("other", &[ada])).await];
    bench.drain("ldap").await;
    // Each group's delivery holds the member whom it lets go.
    bench.delete("User", ada).await.unwrap();
    for delivery in bench.due("ldap").await {
        bench.settle("ldap", &delivery, Outcome::Dead { message: "refused".to_owned() }).await;
    }
    bench.drain("ldap").await;
    let dead = QueueSelection { class: Some(QueueClass::Dead), ..QueueSelection::default() };
    assert_eq!(bench.store.queue_retry(&dead, START).await.unwrap(), 2);
    let due = bench.due("ldap").await;
    assert!(groups.iter().all(|group| of(&due, *group).is_some()), "they go together: {due:?}");
}

#[tokio::test]
async fn tombstones_stay_while_a_connector_may_hold_what_was_discarded() {
    let (bench, _folder) = bench().await;
    bench.configure(tenant("acme", vec![connector("ldap"), connector("sql")])).await;
    let ada = bench.create("User", user("ada")).await;
    bench.drain("ldap").await;
    bench.drain("sql").await;
    let team = bench.create("Group", group("team", &[ada])).await;
    bench.drain("sql").await;
    // It may have taken effect when it was discarded.
    bench.store.queue_discard(&QueueSelection::default(), START).await.unwrap();
    bench.configure(tenant("acme", vec![connector("sql")])).await;
    bench.remove_member(team, ada).await;
    bench.drain("sql").await;
    bench.configure(tenant("acme", vec![connector("ldap"), connector("sql")])).await;
    bench.patch("Group", team, json!([{ "op": "replace", "path": "displayName", "value": "team 2" }])).await.unwrap();
    assert_eq!(asked(&bench.due("ldap").await, team), (vec![], vec![ada]));
}

#[tokio::test]
async fn deleting_the_members_of_a_pending_group_costs_the_same_for_each() {
    let (bench, folder) = bench().await;
    let mut ids = Vec::new();
    for number in 0..40 {
        ids.push(bench.create("User", user(&format!("user-{number}"))).await);
    }
    bench.create("Group", group("team", &ids)).await;
    bench.drain("ldap").await;
    for id in ids {
        bench.delete("User", id).await.unwrap();
    }
    // A row that grew with each member would be written again with each.
    let file = rusqlite::Connection::open(folder.path().join("relay.db")).unwrap();
    let longest: i64 = file.query_row("SELECT max(length(keys)) FROM deliveries", [], |row| row.get(0)).unwrap();
    assert!(longest <= 64, "{longest} bytes of keys in one row");
    bench.drain("ldap").await;
    let left: i64 = file.query_row("SELECT count(*) FROM delivery_keys", [], |row| row.get(0)).unwrap();
    assert_eq!((bench.queued().await, left), (0, 0));
}

#[tokio::test]
async fn what_may_go_is_offered_at_once_however_much_there_is() {
    let (bench, _folder) = bench().await;
    for number in 0..60 {
        bench.create("User", user(&format!("user-{number}"))).await;
    }
    let due = bench.due("ldap").await;
    assert_eq!(due.len(), 60, "deliveries without a conflict go in parallel");
    assert!(due.iter().all(|delivery| matches!(delivery.state, OwedState::Present { .. })));
}
