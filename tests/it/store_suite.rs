//! What every store must do. Each function is one test; `sqlite_store` runs them all.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use futures_util::future::join_all;
use scim_connector::{Effect, MemberRef, ResourceId, ResourceKind};
use scim_relay::{
    store::{
        Connector, ConnectorName, ConnectorState, Credential, Delivery, DeliveryId, IfMatch, OnRehire, Operation,
        Outcome, OwedState, QueueClass, QueueSelection, TenantName, UniqueId, WriteEffect,
    },
    time::Timestamp,
};
use serde_json::json;

use crate::store_bench::{Bench, START, connector, group, minutes, retry_at, shown, status, tenant, user};

pub(crate) async fn a_write_is_read_back(bench: Bench) {
    let body = json!({ "userName": "Ada", "name": { "familyName": "Lovelace" }, "externalId": "7" });
    let created = bench.try_create("User", body).await.unwrap();
    assert_eq!(created.effect(), WriteEffect::Created);
    let id = created.stored().id;
    let stored = bench.get("User", id).await.unwrap();
    assert_eq!(&stored, created.stored());
    assert_eq!((stored.version, stored.created, stored.modified), (1, START, START));

    bench.clock.advance(Duration::from_secs(1));
    let replaced = bench.replace("User", id, json!({ "userName": "ada", "title": "Countess" })).await.unwrap();
    assert_eq!(replaced.effect(), WriteEffect::Updated);
    let stored = bench.get("User", id).await.unwrap();
    assert_eq!((stored.version, stored.created, stored.modified), (2, START, START.after(Duration::from_secs(1))));
    assert_eq!(&*stored.attributes, r#"{"title":"Countess","userName":"ada"}"#);

    let operations = json!([{ "op": "replace", "path": "title", "value": "Analyst" }]);
    let patched = bench.patch("User", id, operations.clone()).await.unwrap();
    assert_eq!((patched.effect(), patched.stored().version), (WriteEffect::Updated, 3));
    let same = bench.patch("User", id, operations).await.unwrap();
    assert_eq!((same.effect(), same.stored().version), (WriteEffect::Unchanged, 3));

    let deleted = bench.delete("User", id).await.unwrap();
    assert_eq!(deleted.effect(), WriteEffect::Deleted);
    assert_eq!(bench.get("User", id).await, None);
    assert_eq!(status(bench.delete("User", id).await), 404);
    assert_eq!(status(bench.replace("User", id, user("ada")).await), 404);
}

pub(crate) async fn a_type_and_a_tenant_see_only_their_own(mut bench: Bench) {
    let id = bench.create("User", user("ada")).await;
    assert_eq!(bench.get("Group", id).await, None);
    let both = vec![tenant("acme", vec![]), tenant("umbrella", vec![])];
    bench.store.configure(both).await.unwrap();
    bench.tenant = TenantName("umbrella".into());
    assert_eq!(bench.get("User", id).await, None);
    assert_eq!(status(bench.delete("User", id).await), 404);
    assert_eq!(bench.find("User", None, None, (1, 10)).await.total, 0);
    assert_eq!(bench.found("User", &format!("id eq \"{id}\"")).await, []);
    let other = bench.create("User", user("ada")).await;
    let team = bench.create("Group", group("team", &[id, other])).await;
    let members = bench.store.members(&bench.tenant, team, None, 10).await.unwrap();
    let kinds: Vec<bool> = members.iter().map(|member| member.kind.is_some()).collect();
    assert_eq!(kinds, [false, true], "another tenant's id names nothing");
}

pub(crate) async fn g08_of_concurrent_creates_of_one_name_one_wins(bench: Bench) {
    let spellings = ["ada", "ADA", "Ada", "aDa", "adA", "ada", "ADa", "aDA"];
    let results = join_all(spellings.map(|name| bench.try_create("User", user(name)))).await;
    let (won, lost): (Vec<_>, Vec<_>) = results.into_iter().partition(Result::is_ok);
    assert_eq!((won.len(), lost.len()), (1, 7));
    assert!(lost.into_iter().all(|result| status(result) == 409));
    assert_eq!(bench.find("User", None, None, (1, 10)).await.total, 1);
}

pub(crate) async fn g08_concurrent_members_are_all_there(bench: Bench) {
    let team = bench.create("Group", group("team", &[])).await;
    let names: Vec<String> = (0..200).map(|number| format!("member-{number:03}")).collect();
    let added = join_all(names.iter().map(|name| bench.add_member(team, name))).await;
    let mut versions: Vec<u64> = added.iter().map(|committed| committed.stored().version).collect();
    versions.sort_unstable();
    assert_eq!(versions, (2..=201).collect::<Vec<_>>());
    assert_eq!(bench.member_values(team).await, names);
}

pub(crate) async fn g08_a_wrong_if_match_changes_nothing(bench: Bench) {
    let id = bench.create("User", user("ada")).await;
    let replace = |versions: Vec<u64>| {
        let operation = Operation::Replace(id, bench.draft("User", user("eve")));
        bench.store.commit(bench.write("User", operation, Some(IfMatch(versions))))
    };
    assert_eq!(status(replace(vec![2, 3]).await), 412);
    assert_eq!(bench.get("User", id).await.unwrap().version, 1);
    assert_eq!(replace(vec![7, 1]).await.unwrap().stored().version, 2);
    let delete = Operation::Delete(id);
    bench.store.commit(bench.write("User", delete, Some(IfMatch(vec![])))).await.unwrap();
    assert_eq!(status(replace(vec![9]).await), 404, "what is not there has no version");
}

pub(crate) async fn unique_values_are_unique_and_free_again(bench: Bench) {
    let ada = bench.create("User", json!({ "userName": "ada", "externalId": "1" })).await;
    let eve = bench.create("User", json!({ "userName": "eve", "externalId": "1" })).await;
    assert_eq!(status(bench.replace("User", eve, user("ADA")).await), 409);
    assert_eq!(bench.get("User", eve).await.unwrap().version, 1);
    bench.replace("User", ada, user("Ada")).await.unwrap();
    bench.delete("User", ada).await.unwrap();
    bench.replace("User", eve, user("ada")).await.unwrap();
    bench.create("Group", group("Team", &[])).await;
    assert_eq!(status(bench.try_create("Group", group("team", &[])).await), 409);

    let by_external_id = tenant("acme", vec![]);
    bench.configure(scim_relay::store::Tenant { unique_id: UniqueId::ExternalId, ..by_external_id }).await;
    bench.create("User", json!({ "userName": "u1", "externalId": "x" })).await;
    bench.create("User", json!({ "userName": "u2", "externalId": "X" })).await;
    assert_eq!(status(bench.try_create("User", json!({ "userName": "u3", "externalId": "x" })).await), 409);
}

pub(crate) async fn a_rehire_needs_the_switch_and_the_external_id(bench: Bench) {
    let inactive = json!({ "userName": "ada", "externalId": "7", "active": false });
    let id = bench.create("User", inactive).await;
    let back = json!({ "userName": "ada", "externalId": "7", "active": true });
    assert_eq!(status(bench.try_create("User", back.clone()).await), 409);
    bench.configure(scim_relay::store::Tenant { on_rehire: OnRehire::Reactivate, ..tenant("acme", vec![]) }).await;
    let other = json!({ "userName": "ada", "externalId": "8", "active": true });
    assert_eq!(status(bench.try_create("User", other).await), 409);
    let committed = bench.try_create("User", back.clone()).await.unwrap();
    assert_eq!((committed.effect(), committed.stored().id), (WriteEffect::Reactivated, id));
    assert_eq!(status(bench.try_create("User", back).await), 409, "an active one collides");
}

pub(crate) async fn a_switch_forbids_deactivation(bench: Bench) {
    let id = bench.create("User", user("ada")).await;
    bench.configure(scim_relay::store::Tenant { may_deactivate: false, ..tenant("acme", vec![]) }).await;
    assert_eq!(status(bench.delete("User", id).await), 403);
    assert_eq!(status(bench.replace("User", id, json!({ "userName": "ada", "active": false })).await), 403);
    bench.replace("User", id, json!({ "userName": "eve", "active": true })).await.unwrap();
}

pub(crate) async fn pages_keep_order_and_total_after_deletions(bench: Bench) {
    let mut ids: Vec<ResourceId> = Vec::new();
    for number in 0..1200 {
        ids.push(bench.create("User", user(&format!("user-{number}"))).await);
    }
    assert!(ids.is_sorted());
    let mut number = 0;
    for id in ids
        .extract_if(.., |_| {
            number += 1;
            number % 3 == 0
        })
        .collect::<Vec<_>>()
    {
        bench.delete("User", id).await.unwrap();
    }
    let (mut listed, mut start_index) = (Vec::new(), 1);
    loop {
        let page = bench.find("User", None, None, (start_index, 97)).await;
        assert_eq!(page.total, ids.len());
        if page.resources.is_empty() {
            break;
        }
        start_index += page.resources.len();
        listed.extend(page.resources.into_iter().map(|resource| resource.id));
    }
    assert_eq!(listed, ids);
    assert_eq!(bench.find("User", None, None, (1, 0)).await.resources, []);
}

pub(crate) async fn filters_and_sorting_find_what_they_should(bench: Bench) {
    let ada = bench
        .create(
            "User",
            json!({ "userName": "Ada", "externalId": "A", "displayName": "Ada L", "title": "x",
                    "emails": [{ "value": "ada@example.com", "type": "work" }] }),
        )
        .await;
    let bob = bench.create("User", json!({ "userName": "bob", "title": "y", "active": false })).await;
    let team = bench.create("Group", group("team", &[ada])).await;
    let crew = bench.create("Group", group("crew", &[ada, bob])).await;
    let none: [ResourceId; 0] = [];
    for (kind, filter, expected) in [
        ("User", r#"userName eq "ADA""#.to_owned(), &[ada][..]),
        ("User", r#"externalId eq "a""#.to_owned(), &none),
        ("User", r#"emails eq "ADA@example.com""#.to_owned(), &[ada]),
        ("User", r#"emails[type eq "work" and value eq "ada@example.com"]"#.to_owned(), &[ada]),
        ("User", r#"emails[type eq "home" and value eq "ada@example.com"]"#.to_owned(), &none),
        ("User", r#"displayName eq "ada l" and title eq "y""#.to_owned(), &none),
        ("User", r#"userName eq "bob" or userName eq "ada""#.to_owned(), &[ada, bob]),
        ("User", "title pr".to_owned(), &[ada, bob]),
        ("User", r#"not (title eq "x")"#.to_owned(), &[bob]),
        ("User", "active eq false".to_owned(), &[bob]),
        ("User", format!(r#"id eq "{bob}""#), &[bob]),
        ("User", format!(r#"groups.value eq "{team}""#), &[ada]),
        ("User", format!(r#"groups eq "{crew}" and userName sw "b""#), &[bob]),
        ("Group", format!(r#"members eq "{ada}""#), &[team, crew]),
        ("Group", format!(r#"members[value eq "{bob}"]"#), &[crew]),
        ("Group", format!(r#"displayName eq "team" and members.value eq "{bob}""#), &none),
        ("Group", format!(r#"not (members.value eq "{bob}")"#), &[team]),
        ("Group", r#"members[type eq "Group"]"#.to_owned(), &none),
        ("Group", r#"members[type eq "user"]"#.to_owned(), &[team, crew]),
        ("Group", format!(r#"members.type eq "User" and members eq "{bob}""#), &[crew]),
        ("Group", format!(r#"meta.lastModified ge "{}""#, START.rfc3339()), &[team, crew]),
    ] {
        assert_eq!(bench.found(kind, &filter).await, expected, "{filter}");
    }
    let names = |page: scim_relay::store::Page| -> Vec<ResourceId> {
        page.resources.into_iter().map(|resource| resource.id).collect()
    };
    assert_eq!(names(bench.find("User", None, Some("-userName"), (1, 10)).await), [bob, ada]);
    let second = bench.find("User", None, Some("userName"), (2, 1)).await;
    assert_eq!((second.total, names(second)), (2, vec![bob]));
}

pub(crate) async fn a_refused_patch_of_a_group_leaves_nothing(bench: Bench) {
    bench.create("Group", group("taken", &[])).await;
    let ada = bench.create("User", user("ada")).await;
    let team = bench.create("Group", group("team", &[ada])).await;
    let operations = json!([
        { "op": "add", "path": "members", "value": [{ "value": "new" }] },
        { "op": "replace", "path": "displayName", "value": "taken" },
    ]);
    assert_eq!(status(bench.patch("Group", team, operations).await), 409);
    assert_eq!(bench.member_values(team).await, [ada.to_string()]);
    assert_eq!(bench.get("Group", team).await.unwrap().version, 1);
    let again = bench.add_member(team, &ada.to_string()).await;
    assert_eq!(again.effect(), WriteEffect::Unchanged, "a member that is there");
}

pub(crate) async fn a_deleted_member_leaves_its_groups(bench: Bench) {
    let ada = bench.create("User", user("ada")).await;
    let team = bench.create("Group", group("team", &[ada])).await;
    let groups = bench.store.groups_of(&bench.tenant, &[ada, team]).await.unwrap();
    assert_eq!((groups[0][0].id, groups[0][0].display.as_deref()), (team, Some("team")));
    assert_eq!(groups[1], []);
    bench.drain("ldap").await;
    bench.delete("User", ada).await.unwrap();
    assert_eq!(bench.member_values(team).await, [""; 0]);
    assert_eq!(bench.get("Group", team).await.unwrap().version, 2);
    let due = bench.due("ldap").await;
    let group_delivery = due.iter().find(|delivery| delivery.resource == team).unwrap();
    let OwedState::Present { members: Some(delta), .. } = &group_delivery.state else { panic!("{due:?}") };
    assert_eq!(delta.remove.iter().map(|member| member.resource.id).collect::<Vec<_>>(), [ada]);
    assert!(delta.remove[0].remote.is_some(), "the connector is told which entry");
    bench.drain("ldap").await;
    assert_eq!(bench.queued().await, 0);
}

pub(crate) async fn g05_changes_of_one_resource_fold(bench: Bench) {
    let id = bench.create("User", user("ada")).await;
    bench.replace("User", id, user("eve")).await.unwrap();
    let due = bench.due("ldap").await;
    assert_eq!(due.len(), 1);
    assert_eq!((due[0].version, due[0].confirmed_version, due[0].attempts), (2, 0, 0));
    assert_eq!(shown(&due[0])["userName"], "eve");
    assert_eq!(bench.due_beside("ldap", &[due[0].id]).await.len(), 0);

    bench.replace("User", id, user("zoe")).await.unwrap();
    bench.apply("ldap", &due[0]).await;
    let newer = bench.due("ldap").await;
    assert_eq!((newer[0].id, newer[0].version, newer[0].confirmed_version), (due[0].id, 3, 2));
    assert!(newer[0].remote.is_some());
    bench.apply("ldap", &newer[0]).await;
    assert_eq!(bench.queued().await, 0);
}

pub(crate) async fn g05_a_swap_of_names_is_delivered_in_order(bench: Bench) {
    let (a, b) = (bench.create("User", user("x")).await, bench.create("User", user("y")).await);
    bench.drain("ldap").await;
    bench.replace("User", a, user("t")).await.unwrap();
    bench.replace("User", b, user("x")).await.unwrap();
    bench.replace("User", a, user("y")).await.unwrap();
    let mut seen = Vec::new();
    loop {
        let due = bench.due("ldap").await;
        assert!(due.len() <= 1, "each waits for the one before");
        let Some(delivery) = due.first() else { break };
        seen.push((delivery.resource, shown(delivery)["userName"].clone()));
        bench.apply("ldap", delivery).await;
    }
    assert_eq!(seen, [(a, json!("t")), (b, json!("x")), (a, json!("y"))]);
}

pub(crate) async fn a_freed_name_is_taken_after_it_is_free(bench: Bench) {
    let old = bench.create("User", user("ada")).await;
    bench.drain("ldap").await;
    bench.delete("User", old).await.unwrap();
    let new = bench.create("User", user("ada")).await;
    let due = bench.due("ldap").await;
    assert_eq!(due.iter().map(|delivery| delivery.resource).collect::<Vec<_>>(), [old]);
    assert_eq!(due[0].state, OwedState::Deleted);
    let entries = bench.store.queue(&QueueSelection::default(), START, 10).await.unwrap();
    assert_eq!(entries[1].waits_for, Some(due[0].id));
    bench.settle("ldap", &due[0], Outcome::Dead { message: "protected".to_owned() }).await;
    assert_eq!(bench.due("ldap").await[0].resource, new, "a dead letter blocks nobody");
}

pub(crate) async fn removals_go_first(bench: Bench) {
    let mut ids = Vec::new();
    for name in ["a", "b", "c", "d"] {
        ids.push(bench.create("User", user(name)).await);
    }
    bench.drain("ldap").await;
    bench.replace("User", ids[0], json!({ "userName": "a", "active": true, "title": "x" })).await.unwrap();
    bench.replace("User", ids[1], json!({ "userName": "b", "active": false })).await.unwrap();
    bench.delete("User", ids[2]).await.unwrap();
    let order: Vec<ResourceId> = bench.due("ldap").await.iter().map(|delivery| delivery.resource).collect();
    assert_eq!(order, [ids[1], ids[2], ids[0]]);
}

pub(crate) async fn members_wait_until_they_are_confirmed(bench: Bench) {
    let (ada, bob) = (bench.create("User", user("ada")).await, bench.create("User", user("bob")).await);
    let team = bench.create("Group", group("team", &[ada, bob])).await;
    bench.add_member(team, "nobody").await;
    let due = bench.due("ldap").await;
    let of = |id: ResourceId| due.iter().find(|delivery| delivery.resource == id).unwrap();
    let OwedState::Present { members: Some(delta), .. } = &of(team).state else { panic!("{due:?}") };
    assert_eq!((delta.add.len(), delta.waiting.len()), (0, 3));

    // One is confirmed between the reading and the settling of the group, the other after it.
    bench.apply("ldap", of(ada)).await;
    bench.apply("ldap", of(team)).await;
    let due = bench.due_beside("ldap", &[of(bob).id]).await;
    let OwedState::Present { members: Some(delta), .. } = &due[0].state else { panic!("{due:?}") };
    assert_eq!(delta.add[0].resource.id, ada);
    assert!(delta.add[0].remote.is_some());
    bench.drain("ldap").await;
    let status = bench.store.connectors().await.unwrap();
    assert_eq!((status[0].pending, status[0].confirmed, status[0].waiting_members), (0, 3, 1));
}

pub(crate) async fn g06_a_dead_letter_is_revived_by_a_newer_change(bench: Bench) {
    let id = bench.create("User", user("ada")).await;
    let due = bench.due("ldap").await;
    bench.settle("ldap", &due[0], Outcome::Dead { message: "constraint".to_owned() }).await;
    assert_eq!(bench.due("ldap").await.len(), 0);
    let dead = QueueSelection { class: Some(QueueClass::Dead), ..QueueSelection::default() };
    let entries = bench.store.queue(&dead, START, 10).await.unwrap();
    assert_eq!((entries[0].error.as_deref(), entries[0].attempts), (Some("constraint"), 1));
    bench.replace("User", id, user("eve")).await.unwrap();
    let due = bench.due("ldap").await;
    assert_eq!((due.len(), due[0].attempts, shown(&due[0])["userName"].as_str()), (1, 0, Some("eve")));
    bench.apply("ldap", &due[0]).await;
    assert_eq!(bench.queued().await, 0);
}

pub(crate) async fn a_retry_waits_for_its_time_or_an_operator(bench: Bench) {
    let ldap = ConnectorName("ldap".into());
    bench.create("User", user("ada")).await;
    let due = bench.due("ldap").await;
    let later = START.after(minutes(5));
    bench.settle("ldap", &due[0], retry_at(later)).await;
    assert_eq!(bench.due("ldap").await.len(), 0);
    assert_eq!(bench.store.next_delivery_at(&ldap, START).await.unwrap(), Some(later));
    bench.clock.advance(minutes(5));
    let due = bench.due("ldap").await;
    assert_eq!(due[0].attempts, 1);
    bench.settle("ldap", &due[0], retry_at(later.after(minutes(5)))).await;
    assert_eq!(bench.store.queue_retry(&QueueSelection::default(), later).await.unwrap(), 1);
    assert_eq!(bench.due("ldap").await.len(), 1);
    let other = QueueSelection { connector: Some(ConnectorName("x".into())), ..QueueSelection::default() };
    assert_eq!(bench.store.queue_discard(&other, later).await.unwrap(), 0);
    assert_eq!(bench.store.queue_discard(&QueueSelection::default(), later).await.unwrap(), 1);
    assert_eq!(bench.due("ldap").await.len(), 0);
}

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

/// What a group's delivery asks of its members, by their ids: to add, to remove.
fn asked(due: &[Delivery], group: ResourceId) -> (Vec<ResourceId>, Vec<ResourceId>) {
    let delivery = due.iter().find(|delivery| delivery.resource == group).unwrap();
    let OwedState::Present { members: Some(delta), .. } = &delivery.state else { panic!("{due:?}") };
    let ids = |members: &[MemberRef]| members.iter().map(|member| member.resource.id).collect();
    (ids(&delta.add), ids(&delta.remove))
}

/// The connector removed what it was told to deactivate.
fn removed() -> Outcome {
    Outcome::Applied { effect: Effect::Removed, remote: None, waiting: Vec::new() }
}

pub(crate) async fn members_can_be_removed_by_type(bench: Bench) {
    let ada = bench.create("User", user("ada")).await;
    let inner = bench.create("Group", group("inner", &[])).await;
    let outer = bench.create("Group", group("outer", &[ada, inner])).await;
    let operations = json!([{ "op": "remove", "path": "members[type eq \"Group\"]" }]);
    bench.patch("Group", outer, operations).await.unwrap();
    assert_eq!(bench.member_values(outer).await, [ada.to_string()]);
}

pub(crate) async fn g06_a_member_lost_while_its_group_is_under_way_is_added_again(bench: Bench) {
    let ada = bench.create("User", user("ada")).await;
    let team = bench.create("Group", group("team", &[ada])).await;
    bench.drain("ldap").await;
    let active = |active: bool| json!({ "userName": "ada", "active": active });
    for comes_back_at_once in [false, true] {
        bench.add_member(team, &format!("somebody-{comes_back_at_once}")).await;
        let under_way = bench.due("ldap").await;
        assert_eq!(under_way.len(), 1);
        let beside = [under_way[0].id];
        bench.replace("User", ada, active(false)).await.unwrap();
        bench.settle("ldap", &bench.due_beside("ldap", &beside).await[0], removed()).await;
        if comes_back_at_once {
            bench.replace("User", ada, active(true)).await.unwrap();
            bench.apply("ldap", &bench.due_beside("ldap", &beside).await[0]).await;
        }
        bench.apply("ldap", &under_way[0]).await;
        if !comes_back_at_once {
            assert_eq!(bench.due("ldap").await.len(), 0);
            bench.replace("User", ada, active(true)).await.unwrap();
            bench.apply("ldap", &bench.due("ldap").await[0]).await;
        }
        assert_eq!(asked(&bench.due("ldap").await, team), (vec![ada], vec![]));
        bench.drain("ldap").await;
    }
    assert_eq!(bench.queued().await, 0);
}

pub(crate) async fn a_connector_without_groups_waits_for_no_members(bench: Bench) {
    let users_only = Connector { kinds: vec![ResourceKind::new("User")], ..connector("users") };
    bench.configure(tenant("acme", vec![users_only])).await;
    let ada = bench.create("User", user("ada")).await;
    bench.create("Group", group("team", &[ada])).await;
    bench.drain("users").await;
    bench.replace("User", ada, json!({ "userName": "ada", "active": false })).await.unwrap();
    bench.settle("users", &bench.due("users").await[0], removed()).await;
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
        for which in ["changed", "same", "deleted", "left"] {
            ids.push(bench.create("User", user(&name(which))).await);
        }
        let [changed, same, deleted, left] = ids[..] else { unreachable!() };
        let team = bench.create("Group", group(&name("team"), &[same, deleted, left])).await;
        bench.drain("ldap").await;

        bench.configure(tenant("acme", vec![])).await;
        bench.replace("User", changed, user(&name("renamed"))).await.unwrap();
        bench.remove_member(team, left).await;
        bench.delete("User", deleted).await.unwrap();
        let new = bench.create("User", user(&name("new"))).await;

        bench.configure(tenant("acme", vec![ldap()])).await;
        backfill(&bench, "ldap").await;
        let due = bench.due("ldap").await;
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
        let mut expected = BTreeSet::from([changed, deleted, team]);
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

pub(crate) async fn g20_what_took_effect_after_a_discard_is_recorded(bench: Bench) {
    let confirmed = || async { bench.store.connectors().await.unwrap()[0].confirmed };
    let ada = bench.create("User", user("ada")).await;
    let under_way = bench.due("ldap").await;
    bench.store.queue_discard(&QueueSelection::default(), START).await.unwrap();
    bench.apply("ldap", &under_way[0]).await;
    assert_eq!(confirmed().await, 1);
    bench.apply("ldap", &under_way[0]).await;
    bench.delete("User", ada).await.unwrap();
    assert!(bench.due("ldap").await[0].remote.is_some());
    bench.drain("ldap").await;
    assert_eq!(confirmed().await, 0);
}

pub(crate) async fn what_may_have_taken_effect_is_removed_after_a_discard(bench: Bench) {
    for is_known_before_the_deletion in [true, false] {
        let ada = bench.create("User", user("ada")).await;
        let under_way = bench.due("ldap").await;
        if is_known_before_the_deletion {
            bench.settle("ldap", &under_way[0], retry_at(START)).await;
        }
        bench.store.queue_discard(&QueueSelection::default(), START).await.unwrap();
        bench.delete("User", ada).await.unwrap();
        if !is_known_before_the_deletion {
            bench.apply("ldap", &under_way[0]).await;
        }
        let due = bench.due("ldap").await;
        assert_eq!((due.len(), &due[0].state), (1, &OwedState::Deleted));
        assert_eq!(due[0].remote.is_some(), !is_known_before_the_deletion);
        bench.drain("ldap").await;
        assert_eq!(bench.store.connectors().await.unwrap()[0].confirmed, 0);
    }
}

pub(crate) async fn g05_a_member_is_deleted_after_its_group_let_go_of_it(bench: Bench) {
    let ada = bench.create("User", user("ada")).await;
    let team = bench.create("Group", group("team", &[ada])).await;
    bench.drain("ldap").await;
    bench.replace("User", ada, json!({ "userName": "ada", "active": true, "title": "x" })).await.unwrap();
    bench.delete("User", ada).await.unwrap();
    let mut order = Vec::new();
    loop {
        let due = bench.due("ldap").await;
        let Some(delivery) = due.first() else { break };
        order.push((delivery.resource, delivery.state == OwedState::Deleted));
        bench.apply("ldap", delivery).await;
    }
    assert_eq!(order, [(ada, false), (team, false), (ada, true)]);
}

pub(crate) async fn a_retry_of_an_old_version_does_not_delay_a_newer(bench: Bench) {
    let later = START.after(minutes(5));
    for (class, counted, goes_at_once) in [
        ("transient", true, true),
        ("waiting", false, true),
        ("transient", false, false),
        ("throttled", false, false),
        ("misconfigured", false, false),
    ] {
        let name = format!("{class}-{counted}");
        let id = bench.create("User", user(&name)).await;
        let due = bench.due("ldap").await;
        bench.replace("User", id, json!({ "userName": name, "active": true, "title": "x" })).await.unwrap();
        let outcome = Outcome::RetryAt { at: later, counted, class, message: "no".to_owned() };
        bench.settle("ldap", &due[0], outcome).await;
        assert_eq!(bench.due("ldap").await.len(), usize::from(goes_at_once), "{class} {counted}");
        bench.store.queue_retry(&QueueSelection::default(), START).await.unwrap();
        bench.drain("ldap").await;
    }
}

pub(crate) async fn deliveries_under_way_do_not_count_towards_the_limit(bench: Bench) {
    for number in 0..6 {
        bench.create("User", user(&format!("user-{number}"))).await;
    }
    let names: Vec<DeliveryId> = bench.due("ldap").await.iter().map(|delivery| delivery.id).collect();
    let ldap = ConnectorName("ldap".into());
    let due = bench.store.deliveries(&ldap, START, 2, &names[..3]).await.unwrap();
    assert_eq!(due.iter().map(|delivery| delivery.id).collect::<Vec<_>>(), names[3..5]);
}

pub(crate) async fn credentials_are_kept_used_and_revoked(bench: Bench) {
    let credential = Credential {
        id: "k1".into(),
        tenant: bench.tenant.clone(),
        name: "okta".to_owned(),
        hash: [7; 32],
        created: START,
        expires: Some(Timestamp(START.0 + 1)),
        last_used: None,
        revoked: None,
    };
    bench.store.add_credential(credential.clone()).await.unwrap();
    assert_eq!(bench.store.credentials().await.unwrap(), std::slice::from_ref(&credential));
    bench.store.credentials_used(vec![("k1".into(), START)]).await.unwrap();
    assert!(!bench.store.revoke_credential(&TenantName("other".into()), "okta", START).await.unwrap());
    assert!(bench.store.revoke_credential(&bench.tenant, "okta", START).await.unwrap());
    assert!(!bench.store.revoke_credential(&bench.tenant, "k1", START).await.unwrap());
    let revoked = Credential { last_used: Some(START), revoked: Some(START), ..credential };
    assert_eq!(bench.store.credentials().await.unwrap(), [revoked]);
}

pub(crate) async fn a_closed_store_says_so(bench: Bench) {
    bench.store.ready().await.unwrap();
    let mut woken = bench.store.deliverable();
    woken.mark_unchanged();
    bench.create("User", user("ada")).await;
    woken.changed().await.unwrap();
    let store: Arc<dyn scim_relay::store::Store> = bench.store.clone();
    store.close().await;
    assert!(store.ready().await.is_err());
    assert!(store.credentials().await.is_err());
}
