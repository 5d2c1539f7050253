//! Groups, of the classic validator.

use serde_json::{Value, json};

use super::{full_user, group};
use crate::{
    bodies::{created, id, patch},
    relay::Relay,
    steps::{assert_error, form_encoded, found, listed, members, patched, path, read},
};

const UNKNOWN: &str = "01980000-0000-7000-8000-000000000000";

async fn new_group(relay: &Relay) -> String {
    path("/Groups", &created(relay, "/Groups", &group("Staff")).await)
}

async fn new_member(relay: &Relay, group: &str, name: &str) -> String {
    let user = created(relay, "/Users", &full_user(name)).await;
    let add = json!([{ "op": "add", "path": "members", "value": [{ "value": id(&user) }] }]);
    patched(relay, group, add).await;
    id(&user).to_owned()
}

#[tokio::test]
async fn g1_a_group_is_created_with_id_and_location() {
    for relay in Relay::both("entra", "").await {
        let response = relay.post("/Groups", &group("Staff")).await;
        assert_eq!(response.status, 201, "{}", response.body);
        let location = format!("{}/Groups/{}", relay.base, id(&response.body));
        assert_eq!(response.header("location"), Some(&*location));
        assert_eq!(response.body["meta"]["location"], location);
        assert_eq!(response.body["displayName"], "Staff");
        assert_eq!(read(&relay, &path("/Groups", &response.body)).await, response.body);
    }
}

#[tokio::test]
async fn g2_a_duplicate_group_is_a_conflict() {
    for relay in Relay::both("entra", "").await {
        new_group(&relay).await;
        assert_error(&relay.post("/Groups", &group("STAFF")).await, 409, Some("uniqueness"));
        assert_eq!(listed(relay.get("/Groups").await).len(), 1);
    }
}

#[tokio::test]
async fn g3_g4_members_are_excluded_from_a_group_and_from_a_list() {
    for relay in Relay::both("entra", "").await {
        let group = new_group(&relay).await;
        new_member(&relay, &group, "ann").await;
        let single = relay.get(&format!("{group}?excludedAttributes=members")).await;
        assert_eq!((single.status, single.body.get("members")), (200, None));
        let filter = form_encoded(r#"displayName eq "Staff""#);
        let list = listed(relay.get(&format!("/Groups?excludedAttributes=members&filter={filter}")).await);
        assert_eq!(list, [single.body]);
    }
}

#[tokio::test]
async fn g5_g6_g7_a_filter_finds_a_group_by_name_in_any_case_and_by_external_id_exactly() {
    for relay in Relay::both("entra", "").await {
        let staff = read(&relay, &new_group(&relay).await).await;
        for (filter, is_found) in [
            (r#"displayName eq "Staff""#.to_owned(), true),
            (r#"displayName eq "sTAFF""#.to_owned(), true),
            (r#"externalId eq "External-Staff""#.to_owned(), true),
            (r#"externalId eq "external-staff""#.to_owned(), false),
            (format!("displayName eq \"{UNKNOWN}\""), false),
        ] {
            let expected: Vec<Value> = is_found.then(|| staff.clone()).into_iter().collect();
            assert_eq!(found(&relay, "/Groups", &filter).await, expected, "{filter}");
        }
    }
}

#[tokio::test]
async fn g8_g9_external_id_and_name_of_a_group_are_replaced() {
    for relay in Relay::both("entra", "").await {
        let group = new_group(&relay).await;
        let member = new_member(&relay, &group, "ann").await;
        for (name, value) in [("externalId", "another"), ("displayName", "Crew")] {
            let after = patched(&relay, &group, json!([{ "op": "replace", "value": { name: value } }])).await;
            assert_eq!((&after[name], members(&after)), (&json!(value), vec![&*member]));
        }
        assert_eq!(found(&relay, "/Groups", r#"displayName eq "Crew""#).await.len(), 1);
        assert!(found(&relay, "/Groups", r#"displayName eq "Staff""#).await.is_empty());
    }
}

#[tokio::test]
async fn g10_g11_a_member_is_set_and_removed() {
    for relay in Relay::both("entra", "").await {
        let group = new_group(&relay).await;
        let old = new_member(&relay, &group, "old").await;
        let new = created(&relay, "/Users", &full_user("new")).await;
        let set = json!([{ "op": "replace", "path": "members", "value": [{ "value": id(&new) }] }]);
        let after = patched(&relay, &group, set).await;
        assert_eq!(members(&after), [id(&new)], "{old} is no longer a member");
        let remove = json!([{ "op": "remove", "path": format!("members[value eq \"{}\"]", id(&new)) }]);
        assert!(members(&patched(&relay, &group, remove).await).is_empty());
    }
}

#[tokio::test]
async fn g12_p6_p7_a_deleted_group_is_gone_and_one_that_is_gone_cannot_be_deleted() {
    for relay in Relay::both("entra", "").await {
        let group = new_group(&relay).await;
        assert_eq!(relay.delete(&group).await.status, 204);
        assert_error(&relay.get(&group).await, 404, None);
        assert_error(&relay.delete(&group).await, 404, None);
        assert_error(&relay.delete(&format!("/Groups/{UNKNOWN}")).await, 404, None);
        assert_error(&relay.patch(&group, &patch(json!([{ "op": "remove", "path": "externalId" }]))).await, 404, None);
    }
}

#[tokio::test]
async fn p5_a_member_added_and_removed_in_one_patch_is_none() {
    for relay in Relay::both("entra", "").await {
        let group = new_group(&relay).await;
        let stays = new_member(&relay, &group, "stays").await;
        let user = created(&relay, "/Users", &full_user("ann")).await;
        let operations = json!([
            { "op": "add", "path": "members", "value": [{ "value": id(&user) }] },
            { "op": "remove", "path": format!("members[value eq \"{}\"]", id(&user)) },
        ]);
        assert_eq!(members(&patched(&relay, &group, operations).await), [&*stays]);
    }
}
