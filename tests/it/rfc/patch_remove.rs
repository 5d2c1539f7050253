//! PATCH's `remove` (RFC 7644 §3.5.2.2).

use serde_json::{Value, json};

use super::{BOTH, assert_finds, assert_patch_refused, patched, relay, relay_with_ann};
use crate::{
    bodies::{created, group, id, user},
    relay::Relay,
};

/// A group of three users; their ids, and the group's path.
async fn staff(dialect: &str) -> (Relay, Vec<String>, String) {
    let relay = relay(dialect).await;
    let mut ids = Vec::new();
    for name in ["ann", "ben", "cai"] {
        ids.push(id(&created(&relay, "/Users", &user(name)).await).to_owned());
    }
    let members: Vec<&str> = ids.iter().map(String::as_str).collect();
    let path = format!("/Groups/{}", id(&created(&relay, "/Groups", &group("Staff", &members)).await));
    (relay, ids, path)
}

fn members(group: &Value) -> Vec<&str> {
    group["members"].as_array().unwrap().iter().map(|member| member["value"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn e3_40_a_remove_needs_a_path() {
    for dialect in BOTH {
        let (relay, path) = relay_with_ann(dialect).await;
        for operation in [
            json!({ "op": "remove" }),
            json!({ "op": "remove", "path": null }),
            json!({ "op": "remove", "value": { "title": "x" } }),
        ] {
            assert_patch_refused(&relay, &path, json!([operation]), "noTarget").await;
        }
    }
}

#[tokio::test]
async fn e3_41_a_filtered_remove_removes_what_matches_alone() {
    for dialect in BOTH {
        let (relay, ids, path) = staff(dialect).await;
        let one = json!([{ "op": "remove", "path": format!("members[value eq \"{}\"]", ids[0]) }]);
        assert_eq!(members(&patched(&relay, &path, one).await), [&*ids[1], &*ids[2]], "{dialect}");
        let two = format!("members[value eq \"{}\" or value eq \"{}\"]", ids[0], ids[2]);
        let left = patched(&relay, &path, json!([{ "op": "remove", "path": two }])).await;
        assert_eq!(members(&left), [&*ids[1]]);

        let (relay, path) = relay_with_ann(dialect).await;
        let more = json!([{ "value": "h@a.example", "type": "home" }, { "value": "o@a.example", "type": "other" }]);
        patched(&relay, &path, json!([{ "op": "add", "path": "emails", "value": more }])).await;
        let removed = json!([{ "op": "remove", "path": "emails[type eq \"home\" or value sw \"o@\"]" }]);
        let user = patched(&relay, &path, removed).await;
        assert_eq!(user["emails"].as_array().unwrap().len(), 1);
        assert_eq!(user["emails"][0]["value"], "ann@mail.example");
    }
}

#[tokio::test]
async fn e3_41_a_remove_with_a_list_of_values_removes_that_list_alone() {
    for dialect in BOTH {
        let (relay, ids, path) = staff(dialect).await;
        let listed = json!([{ "op": "remove", "path": "members", "value": [{ "value": ids[1] }] }]);
        assert_eq!(members(&patched(&relay, &path, listed).await), [&*ids[0], &*ids[2]], "{dialect}");
        let none = json!([{ "op": "remove", "path": "members", "value": [] }]);
        assert_eq!(members(&patched(&relay, &path, none).await).len(), 2, "{dialect}: an empty list removes nobody");
    }
}

#[tokio::test]
async fn e3_41_a_remove_of_all_members_is_the_rfcs_alone() {
    let (relay, _, path) = staff("rfc").await;
    let all = json!([{ "op": "remove", "path": "members" }]);
    assert!(members(&patched(&relay, &path, all.clone()).await).is_empty());
    let (relay, _, path) = staff("auto").await;
    assert_patch_refused(&relay, &path, all, "noTarget").await;
}

#[tokio::test]
async fn e3_42_removing_an_absent_member_is_a_success_without_a_change() {
    for dialect in BOTH {
        let (relay, ids, path) = staff(dialect).await;
        let before = relay.get(&path).await.body;
        let gone = format!("members[value eq \"{}\"]", ids[0].replace('0', "1"));
        for operation in [json!({ "op": "remove", "path": gone }), json!({ "op": "remove", "path": "externalId" })] {
            assert_eq!(patched(&relay, &path, json!([operation])).await, before, "{dialect} {operation}");
        }
        let (relay, path) = relay_with_ann(dialect).await;
        let before = relay.get(&path).await.body;
        for absent in ["nickName", "phoneNumbers", "emails[type eq \"fax\"]", "name.middleName"] {
            let operations = json!([{ "op": "remove", "path": absent }]);
            assert_eq!(patched(&relay, &path, operations).await, before, "{dialect} {absent}");
        }
    }
}

#[tokio::test]
async fn e3_43_with_its_last_element_an_attribute_is_unassigned() {
    for dialect in BOTH {
        let (relay, path) = relay_with_ann(dialect).await;
        let user = patched(&relay, &path, json!([{ "op": "remove", "path": "emails[type eq \"work\"]" }])).await;
        assert_eq!(user.get("emails"), None, "{dialect}");
        assert_finds(&relay, "emails pr", &[]).await;
        let user = patched(
            &relay,
            &path,
            json!([{ "op": "remove", "path": "name.givenName" }, { "op": "remove", "path": "name.familyName" }]),
        )
        .await;
        assert_eq!(user.get("name"), None);
        assert_finds(&relay, "name pr", &[]).await;
    }
}

#[tokio::test]
async fn e3_44_what_is_required_or_read_only_cannot_be_removed() {
    for dialect in BOTH {
        let (relay, path) = relay_with_ann(dialect).await;
        for fixed in ["userName", "id", "meta", "meta.created"] {
            assert_patch_refused(&relay, &path, json!([{ "op": "remove", "path": fixed }]), "mutability").await;
        }
        let (relay, _, path) = staff(dialect).await;
        assert_patch_refused(&relay, &path, json!([{ "op": "remove", "path": "displayName" }]), "mutability").await;
    }
    // A user's groups are ignored where clients send them, and read-only to the letter.
    let (relay, path) = relay_with_ann("rfc").await;
    assert_patch_refused(&relay, &path, json!([{ "op": "remove", "path": "groups" }]), "mutability").await;
}

#[tokio::test]
async fn a_path_that_means_nothing_is_refused() {
    for dialect in BOTH {
        let (relay, path) = relay_with_ann(dialect).await;
        for nonsense in
            ["nothing", "emails.nothing", "emails[type eq]", "emails[", "name[givenName eq \"Ann\"]", "[x pr]"]
        {
            for operation in [
                json!({ "op": "remove", "path": nonsense }),
                json!({ "op": "replace", "path": nonsense, "value": "x" }),
            ] {
                assert_patch_refused(&relay, &path, json!([operation]), "invalidPath").await;
            }
        }
    }
}
