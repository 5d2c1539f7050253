//! PATCH's `replace` (RFC 7644 §3.5.2.3).

use serde_json::json;

use super::{BOTH, assert_patch_refused, patched, relay_with_ann};
use crate::bodies::{created, group, id};

#[tokio::test]
async fn e3_45_replacing_what_is_absent_adds_it() {
    for dialect in BOTH {
        let (relay, path) = relay_with_ann(dialect).await;
        let user = patched(
            &relay,
            &path,
            json!([
                { "op": "replace", "path": "title", "value": "Boss" },
                { "op": "replace", "path": "phoneNumbers", "value": [{ "value": "1", "type": "work" }] },
                { "op": "replace", "path": "name.middleName", "value": "M" },
            ]),
        )
        .await;
        assert_eq!((&user["title"], &user["name"]["middleName"]), (&json!("Boss"), &json!("M")), "{dialect}");
        assert_eq!(user["phoneNumbers"][0]["value"], "1");
    }
}

#[tokio::test]
async fn e3_46_sub_attributes_that_are_not_named_stay() {
    for dialect in BOTH {
        let (relay, path) = relay_with_ann(dialect).await;
        for (operation, given) in [
            (json!({ "op": "replace", "path": "name", "value": { "givenName": "Anna" } }), "Anna"),
            (json!({ "op": "replace", "value": { "name": { "givenName": "Annie" } } }), "Annie"),
            (json!({ "op": "replace", "path": "name.givenName", "value": "Nan" }), "Nan"),
        ] {
            let user = patched(&relay, &path, json!([operation])).await;
            assert_eq!(user["name"], json!({ "givenName": given, "familyName": "Boss" }), "{dialect}");
        }
    }
}

#[tokio::test]
async fn e3_47_a_value_path_replaces_all_that_match_and_leaves_the_others() {
    for dialect in BOTH {
        let (relay, path) = relay_with_ann(dialect).await;
        let three = json!([
            { "value": "1@a.example", "type": "home" }, { "value": "2@a.example", "type": "home" },
            { "value": "3@a.example", "type": "work", "primary": true },
        ]);
        patched(&relay, &path, json!([{ "op": "replace", "path": "emails", "value": three }])).await;
        let display = json!([{ "op": "replace", "path": "emails[type eq \"home\"].display", "value": "Home" }]);
        let emails = patched(&relay, &path, display).await["emails"].clone();
        let displays: Vec<_> = emails.as_array().unwrap().iter().map(|email| email["display"].as_str()).collect();
        assert_eq!(displays, [Some("Home"), Some("Home"), None], "{dialect}");
        let whole = json!([{
            "op": "replace", "path": "emails[value eq \"1@a.example\"]", "value": { "value": "9@a.example", "type": "other" },
        }]);
        let emails = patched(&relay, &path, whole).await["emails"].clone();
        assert_eq!(emails[0], json!({ "value": "9@a.example", "type": "other" }), "the record is replaced whole");
        assert_eq!(emails.as_array().unwrap().len(), 3);
    }
}

/// The RFC refuses; clients of the field need the element created (EN-05).
#[tokio::test]
async fn e3_48_a_value_path_that_selects_nothing_is_refused_to_the_letter() {
    let operation = |op: &str| json!([{ "op": op, "path": "emails[type eq \"home\"].value", "value": "h@a.example" }]);
    let (relay, path) = relay_with_ann("rfc").await;
    for op in ["replace", "Replace", "add"] {
        assert_patch_refused(&relay, &path, operation(op), "noTarget").await;
    }
    let (relay, path) = relay_with_ann("auto").await;
    assert_patch_refused(&relay, &path, operation("replace"), "noTarget").await;
    let user = patched(&relay, &path, operation("Replace")).await;
    assert_eq!(user["emails"][1], json!({ "value": "h@a.example", "type": "home" }));
}

#[tokio::test]
async fn null_and_empty_lists_clear() {
    for dialect in BOTH {
        let (relay, path) = relay_with_ann(dialect).await;
        let user = patched(
            &relay,
            &path,
            json!([
                { "op": "replace", "path": "emails", "value": [] },
                { "op": "replace", "path": "externalId", "value": null },
                { "op": "replace", "value": { "name": null } },
            ]),
        )
        .await;
        for cleared in ["emails", "externalId", "name"] {
            assert_eq!(user.get(cleared), None, "{dialect} {cleared}");
        }
        assert_patch_refused(
            &relay,
            &path,
            json!([{ "op": "replace", "path": "userName", "value": null }]),
            "mutability",
        )
        .await;
    }
}

#[tokio::test]
async fn e3_29_a_part_of_a_member_is_immutable() {
    for dialect in BOTH {
        let (relay, path) = relay_with_ann(dialect).await;
        let ann = path.rsplit('/').next().unwrap();
        let staff = created(&relay, "/Groups", &group("Staff", &[ann])).await;
        let path = format!("/Groups/{}", id(&staff));
        let part = json!([{ "op": "replace", "path": format!("members[value eq \"{ann}\"].value"), "value": "other" }]);
        assert_patch_refused(&relay, &path, part, "mutability").await;
        let other = json!([{ "op": "replace", "path": "id", "value": "other" }]);
        assert_patch_refused(&relay, &path, other, "mutability").await;
    }
}

#[tokio::test]
async fn values_of_another_type_are_refused() {
    for dialect in BOTH {
        let (relay, path) = relay_with_ann(dialect).await;
        for (path_of, value) in [
            ("active", json!(7)),
            ("active", json!("perhaps")),
            ("userName", json!(7)),
            ("userName", json!(["ann"])),
            ("name", json!(true)),
            ("name.givenName", json!({ "a": 1 })),
            ("emails", json!([7])),
            ("emails[type eq \"work\"].primary", json!("perhaps")),
        ] {
            let operations = json!([{ "op": "replace", "path": path_of, "value": value }]);
            assert_patch_refused(&relay, &path, operations, "invalidValue").await;
        }
    }
}
