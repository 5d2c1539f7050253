//! What every store must do. Each function is one test; `sqlite_store` runs them all.

mod connectors;
mod deliveries;
mod leavers;
mod references;
mod schemas;

use std::{sync::Arc, time::Duration};

use futures_util::future::join_all;
use scim_connector::ResourceId;
use scim_relay::{
    store::{Credential, IfMatch, OnRehire, Operation, OwedState, TenantName, UniqueId, WriteEffect},
    time::Timestamp,
};
use serde_json::json;

pub(crate) use self::{connectors::*, deliveries::*, leavers::*, references::*, schemas::*};
use crate::store_bench::{Bench, START, group, status, tenant, user};

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

pub(crate) async fn a_reserved_id_is_the_id_of_what_is_created_as_it(bench: Bench) {
    let reserved = bench.store.reserve_ids(2).await.unwrap();
    let other = bench.create("User", user("other")).await;
    assert!(reserved[0] != reserved[1] && !reserved.contains(&other));
    let create = |body| {
        let operation = Operation::CreateAs(reserved[1], bench.draft("User", body));
        bench.store.commit(bench.write("User", operation, None))
    };
    assert_eq!(status(create(user("other")).await), 409);
    assert_eq!(create(user("ada")).await.unwrap().stored().id, reserved[1]);
    assert_eq!(&*bench.get("User", reserved[1]).await.unwrap().attributes, r#"{"active":true,"userName":"ada"}"#);
}

pub(crate) async fn writes_done_together_are_all_done_or_none(bench: Bench) {
    let create = |name: &str| bench.write("User", Operation::Create(bench.draft("User", user(name))), None);
    let together = |names: [&str; 3]| bench.store.commit_together(names.map(create).into());
    let (index, refusal) = together(["ada", "bea", "ADA"]).await.unwrap().unwrap_err();
    assert_eq!((index, refusal.http_status()), (2, 409));
    assert_eq!(bench.find("User", None, None, (1, 10)).await.total, Some(0));
    let created = together(["ada", "bea", "eve"]).await.unwrap().unwrap();
    assert!(created.iter().all(|committed| committed.effect() == WriteEffect::Created));
    bench.create("User", user("after")).await;
    assert_eq!(bench.find("User", None, None, (1, 10)).await.total, Some(4));
}

pub(crate) async fn writes_are_done_in_the_order_in_which_they_are_begun(bench: Bench) {
    let id = bench.create("User", user("ada")).await;
    let rename = |number: u32| bench.replace("User", id, user(&format!("ada-{number}")));
    let versions = join_all((0..25).map(rename)).await.into_iter().map(|committed| committed.unwrap().stored().version);
    assert!(versions.eq(2..27));
}

pub(crate) async fn a_type_and_a_tenant_see_only_their_own(mut bench: Bench) {
    let id = bench.create("User", user("ada")).await;
    assert_eq!(bench.get("Group", id).await, None);
    let both = vec![tenant("acme", vec![]), tenant("umbrella", vec![])];
    bench.store.configure(both).await.unwrap();
    bench.tenant = TenantName("umbrella".into());
    assert_eq!(bench.get("User", id).await, None);
    assert_eq!(status(bench.delete("User", id).await), 404);
    assert_eq!(bench.find("User", None, None, (1, 10)).await.total, Some(0));
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
    assert_eq!(bench.find("User", None, None, (1, 10)).await.total, Some(1));
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

/// All users by pages. The last page, an empty one, must tell how many there were.
async fn all_pages(bench: &Bench) -> Vec<ResourceId> {
    let mut listed = Vec::new();
    loop {
        let page = bench.find("User", None, None, (listed.len() + 1, 97)).await;
        listed.extend(page.resources.iter().map(|resource| resource.id));
        if page.resources.is_empty() {
            assert_eq!(page.total, Some(listed.len()));
            return listed;
        }
    }
}

pub(crate) async fn pages_keep_order_and_total_after_deletions(bench: Bench) {
    let mut ids: Vec<ResourceId> = Vec::new();
    for number in 0..1200 {
        ids.push(bench.create("User", user(&format!("user-{number}"))).await);
    }
    assert!(ids.is_sorted());
    // Without gaps a page's place is computed, with gaps it is counted.
    assert_eq!(all_pages(&bench).await, ids);
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
    assert_eq!(all_pages(&bench).await, ids);
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
    assert_eq!((second.total, names(second)), (Some(2), vec![bob]));
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

pub(crate) async fn members_can_be_removed_by_type(bench: Bench) {
    let ada = bench.create("User", user("ada")).await;
    let inner = bench.create("Group", group("inner", &[])).await;
    let outer = bench.create("Group", group("outer", &[ada, inner])).await;
    let operations = json!([{ "op": "remove", "path": "members[type eq \"Group\"]" }]);
    bench.patch("Group", outer, operations).await.unwrap();
    assert_eq!(bench.member_values(outer).await, [ada.to_string()]);
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
