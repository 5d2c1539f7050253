//! Groups: created empty, filled and emptied member by member.

use serde_json::{Value, json};

use super::{ADSCIM_GROUP, engineering, people};
use crate::{
    bodies::{GROUP_URN, created, id, patch},
    relay::Relay,
    steps::{members, patched, path, read, refused, speaking},
};

/// A group that those are members of.
async fn group_of(relay: &Relay, ids: &[&str]) -> String {
    let group = path("/Groups", &created(relay, "/Groups", &engineering()).await);
    if !ids.is_empty() {
        assert_eq!(members(&patched(relay, &group, json!([add(ids)])).await), sorted(ids));
    }
    group
}

/// An operation on members, as Entra writes it without the flag.
fn operation(op: &str, ids: &[&str]) -> Value {
    let value: Vec<Value> = ids.iter().map(|id| json!({ "$ref": null, "value": id })).collect();
    json!({ "op": op, "path": "members", "value": value })
}

fn add(ids: &[&str]) -> Value {
    operation("Add", ids)
}

fn sorted<'a>(ids: &[&'a str]) -> Vec<&'a str> {
    let mut ids = ids.to_vec();
    ids.sort_unstable();
    ids
}

/// The row that loses data elsewhere: whoever ignores `value` empties the group.
#[tokio::test]
async fn en_12_members_removed_by_value_array_are_only_those() {
    for mut relay in Relay::both("entra", "").await {
        let [a, b, c, d] = people(&relay, ["a", "b", "c", "d"]).await;
        let group = group_of(&relay, &[&a, &b, &c]).await;
        let after = patched(&relay, &group, json!([operation("Remove", &[&a])])).await;
        assert_eq!(members(&after), sorted(&[&b, &c]));
        let after = patched(&relay, &group, json!([operation("Remove", &[&a, &d])])).await;
        assert_eq!(members(&after), sorted(&[&b, &c]), "who is no member cannot leave");
        let after = patched(&relay, &group, json!([operation("Remove", &[])])).await;
        assert_eq!(members(&after), sorted(&[&b, &c]), "an empty list removes nobody");
        refused(&relay, &group, json!([{ "op": "Remove", "path": "members" }]), "noTarget").await;
        let flagged = json!([{ "op": "remove", "path": format!("members[value eq \"{b}\"]") }]);
        assert_eq!(members(&patched(&relay, &group, flagged).await), [&c]);
        assert_eq!(relay.delivered().await["groups"][0]["members"], json!([c]));
    }
}

#[tokio::test]
async fn en_13_a_null_reference_of_a_member_is_none() {
    for relay in Relay::both("entra", "").await {
        let [a] = people(&relay, ["a"]).await;
        let group = group_of(&relay, &[]).await;
        let add = json!([{ "op": "Add", "path": "members", "value": [{ "$ref": null, "value": a }] }]);
        let after = patched(&relay, &group, add).await;
        let reference = format!("{}/Users/{a}", relay.base);
        assert_eq!(after["members"], json!([{ "value": a, "$ref": reference, "type": "User" }]));
    }
}

#[tokio::test]
async fn en_14_a_member_may_be_a_text() {
    for relay in Relay::both("entra", "").await {
        let [a, b] = people(&relay, ["a", "b"]).await;
        let group = group_of(&relay, &[]).await;
        for member in [&a, &b] {
            patched(&relay, &group, json!([{ "op": "add", "path": "members", "value": member }])).await;
        }
        assert_eq!(members(&read(&relay, &group).await), sorted(&[&a, &b]));
        let remove = json!([{ "op": "Remove", "path": "members", "value": a }]);
        assert_eq!(members(&patched(&relay, &group, remove).await), [&b]);
    }
}

#[tokio::test]
async fn en_15_other_keys_of_an_operation_are_ignored() {
    for relay in Relay::both("entra", "").await {
        let [a] = people(&relay, ["a"]).await;
        let group = group_of(&relay, &[]).await;
        let add = json!([{ "name": "addMember", "op": "add", "path": "members", "value": [{ "value": a }] }]);
        assert_eq!(members(&patched(&relay, &group, add).await), [&a]);
    }
}

#[tokio::test]
async fn en_16_a_members_display_name_is_its_display() {
    for relay in Relay::both("entra", "").await {
        let [a] = people(&relay, ["a"]).await;
        let group = group_of(&relay, &[]).await;
        let add = json!([{ "op": "add", "path": "members", "value": [{ "displayName": "Ann", "value": a }] }]);
        let after = patched(&relay, &group, add).await;
        assert_eq!((&after["members"][0]["display"], after["members"][0].get("displayName")), (&json!("Ann"), None));
    }
}

#[tokio::test]
async fn en_17_an_id_beside_the_operations_is_ignored() {
    for relay in Relay::both("entra", "").await {
        let [a] = people(&relay, ["a"]).await;
        let group = group_of(&relay, &[]).await;
        let mut body = patch(json!([{ "op": "add", "path": "members", "value": [{ "value": a }] }]));
        body["id"] = "another-id".into();
        let response = relay.patch(&group, &body).await;
        assert!(matches!(response.status, 200 | 204), "{}", response.body);
        assert_eq!(members(&read(&relay, &group).await), [&a]);
    }
}

#[tokio::test]
async fn en_34_the_undeclared_schema_of_a_group_is_neither_refused_nor_echoed() {
    for relay in Relay::both("entra", "").await {
        let group = created(&relay, "/Groups", &engineering()).await;
        assert_eq!(group["schemas"], json!([GROUP_URN]));
        let group = read(&relay, &path("/Groups", &group)).await;
        assert!(!group.to_string().contains(ADSCIM_GROUP));
        assert_eq!((&group["displayName"], &group["members"]), (&json!("Engineering"), &json!([])));
        assert_eq!(group["externalId"], "60f1bb27-2e1e-402d-bcc4-ec999564a194");
    }
}

#[tokio::test]
async fn en_55_a_member_added_and_removed_in_one_patch_is_none() {
    for relay in Relay::both("entra", "").await {
        let [a, b] = people(&relay, ["a", "b"]).await;
        let group = group_of(&relay, &[&b]).await;
        let after = patched(&relay, &group, json!([add(&[&a]), operation("Remove", &[&a])])).await;
        assert_eq!(members(&after), [&b]);
        let after = patched(&relay, &group, json!([operation("Remove", &[&b]), add(&[&b, &a])])).await;
        assert_eq!(members(&after), sorted(&[&a, &b]), "in order: the last word counts");
    }
}

/// On demand Entra sends five members of a group at most. They are added; to take them for the whole group would remove
/// everybody else.
#[tokio::test]
async fn en_58_five_members_on_demand_do_not_replace_the_others() {
    for relay in Relay::both("entra", "").await {
        let ids = people(&relay, ["a", "b", "c", "d", "e", "f", "g", "h"]).await;
        let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
        let group = group_of(&relay, &ids[..4]).await;
        let after = patched(&relay, &group, json!([add(&ids[3..])])).await;
        assert_eq!(members(&after), sorted(&ids));
    }
}

#[tokio::test]
async fn en_59_a_group_may_be_a_member() {
    for mut relay in Relay::both("entra", "").await {
        let parent = group_of(&relay, &[]).await;
        let mut child = engineering();
        child["displayName"] = "Compilers".into();
        let child = created(&relay, "/Groups", &child).await;
        let after = patched(&relay, &parent, json!([add(&[id(&child)])])).await;
        let reference = format!("{}/Groups/{}", relay.base, id(&child));
        assert_eq!(after["members"], json!([{ "value": id(&child), "$ref": reference, "type": "Group" }]));
        let delivered = relay.delivered().await;
        let groups = delivered["groups"].as_array().unwrap();
        let parent = groups.iter().find(|group| group["displayName"] == "Engineering").unwrap();
        assert_eq!(parent["members"], json!([id(&child)]));
    }
}

#[tokio::test]
async fn b_10_a_member_who_is_there_may_be_added_and_one_who_is_not_removed() {
    for relay in Relay::both("entra", "").await {
        let [a, b] = people(&relay, ["a", "b"]).await;
        let group = group_of(&relay, &[&a]).await;
        let before = read(&relay, &group).await;
        for operation in [add(&[&a]), operation("Remove", &[&b])] {
            assert_eq!(patched(&relay, &group, json!([operation])).await, before, "not even a new version");
        }
        for rename in [
            json!({ "op": "Replace", "path": "displayName", "value": "Engineering EU" }),
            json!({ "op": "replace", "value": { "displayName": "Engineering EU", "externalId": "e2" } }),
        ] {
            let after = patched(&relay, &group, json!([rename])).await;
            assert_eq!((&after["displayName"], members(&after)), (&json!("Engineering EU"), vec![&*a]));
        }
    }
}

/// Microsoft advises 204 for groups. A client that names attributes wants to see them, and gets 200.
#[tokio::test]
async fn b_10_the_patch_of_a_group_is_answered_without_a_body_in_its_own_dialect() {
    for (dialect, status) in [("entra", 204), ("auto", 200)] {
        let relay = speaking(dialect).await;
        let [a] = people(&relay, ["a"]).await;
        let group = group_of(&relay, &[]).await;
        let response = relay.patch(&group, &patch(json!([add(&[&a])]))).await;
        assert_eq!(response.status, status, "{dialect}");
        assert_eq!(response.body.is_null(), status == 204);
        let named =
            relay.patch(&format!("{group}?attributes=displayName"), &patch(json!([operation("Remove", &[&a])]))).await;
        assert_eq!((named.status, &named.body["displayName"]), (200, &json!("Engineering")));
        assert_eq!(named.body.get("members"), None);
    }
}

#[tokio::test]
async fn b_10_the_patch_of_a_group_of_more_than_a_thousand_is_answered_without_a_body() {
    for relay in Relay::both("entra", "").await {
        let group = group_of(&relay, &[]).await;
        let ids: Vec<String> = (0..1_001).map(|index| format!("0198c0de-0000-7000-8000-{index:012}")).collect();
        let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
        let response = relay.patch(&group, &patch(json!([add(&ids)]))).await;
        assert_eq!((response.status, &response.body), (204, &Value::Null));
        let read = read(&relay, &group).await;
        assert_eq!(members(&read), ids, "a read shows them all");
        assert_eq!(response.header("etag"), read["meta"]["version"].as_str());
    }
}
