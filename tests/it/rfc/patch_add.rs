//! PATCH in general, and its `add` (RFC 7644 §3.5.2, §3.5.2.1).

use serde_json::json;

use super::{BOTH, assert_error, assert_patch_refused, patched, relay_with_ann};
use crate::bodies::{ENTERPRISE_URN, PATCH_URN, USER_URN, created, group, id, patch};

#[tokio::test]
async fn e3_32_a_patch_is_what_the_rfc_calls_one() {
    let op = json!({ "op": "add", "path": "title", "value": "x" });
    for dialect in BOTH {
        let (relay, path) = relay_with_ann(dialect).await;
        let before = relay.get(&path).await.body;
        for body in [
            json!({ "Operations": [op] }),
            json!({ "schemas": [], "Operations": [op] }),
            json!({ "schemas": [USER_URN], "Operations": [op] }),
            json!({ "schemas": [PATCH_URN] }),
            json!({ "schemas": [PATCH_URN], "Operations": [] }),
            json!({ "schemas": [PATCH_URN], "Operations": "add" }),
            json!({ "schemas": [PATCH_URN], "Operations": [{ "path": "title", "value": "x" }] }),
            json!({ "schemas": [PATCH_URN], "Operations": [{ "op": "move", "path": "title", "value": "x" }] }),
            json!({ "schemas": [PATCH_URN], "Operations": [{ "op": ["add"], "path": "title", "value": "x" }] }),
            json!({ "schemas": [PATCH_URN], "Operations": ["add"] }),
            json!([op]),
        ] {
            let response = relay.patch(&path, &body).await;
            assert_eq!(response.status, 400, "{dialect} {body}: {}", response.body);
            assert_error(&response, 400, Some("invalidSyntax"));
        }
        for without_value in [json!({ "op": "add", "path": "title" }), json!({ "op": "replace", "path": "title" })] {
            assert_patch_refused(&relay, &path, json!([without_value]), "invalidValue").await;
        }
        assert_eq!(relay.get(&path).await.body, before);
    }
}

#[tokio::test]
async fn e3_33_a_patch_is_applied_as_a_whole_or_not_at_all() {
    for dialect in BOTH {
        let (relay, path) = relay_with_ann(dialect).await;
        let ann = path.rsplit('/').next().unwrap();
        let staff = created(&relay, "/Groups", &group("Staff", &[])).await;
        let group_path = format!("/Groups/{}", id(&staff));
        let half = patch(json!([
            { "op": "add", "path": "members", "value": [{ "value": ann }] },
            { "op": "replace", "path": "displayName", "value": "Crew" },
            { "op": "replace", "path": "nonsense", "value": 1 },
        ]));
        let response = relay.patch(&group_path, &half).await;
        assert_error(&response, 400, Some("invalidPath"));
        assert!(response.body["detail"].as_str().unwrap().contains("operations[2]"), "{}", response.body);
        assert_eq!(relay.get(&group_path).await.body, staff, "{dialect}");
        for bad in [
            json!({ "op": "remove", "path": "userName" }),
            json!({ "op": "replace", "path": "emails[type eq \"fax\"].value", "value": "x" }),
            json!({ "op": "replace", "path": "active", "value": "perhaps" }),
        ] {
            let operations = json!([{ "op": "add", "path": "title", "value": "x" }, bad]);
            let before = relay.get(&path).await.body;
            assert_eq!(relay.patch(&path, &patch(operations)).await.status, 400, "{dialect} {bad}");
            assert_eq!(relay.get(&path).await.body, before);
        }
    }
}

#[tokio::test]
async fn e3_34_operations_apply_in_order_to_the_running_result() {
    for dialect in BOTH {
        let (relay, path) = relay_with_ann(dialect).await;
        let user = patched(
            &relay,
            &path,
            json!([
                { "op": "remove", "path": "emails" },
                { "op": "add", "path": "emails", "value": [{ "value": "n@a.example", "type": "other" }] },
                { "op": "replace", "path": "emails[type eq \"other\"].type", "value": "home" },
                { "op": "add", "path": "title", "value": "one" },
                { "op": "replace", "path": "title", "value": "two" },
                { "op": "add", "path": "nickName", "value": "n" },
                { "op": "remove", "path": "nickName" },
            ]),
        )
        .await;
        assert_eq!((&user["emails"][0]["value"], &user["emails"][0]["type"]), (&json!("n@a.example"), &json!("home")));
        assert_eq!((&user["title"], user.get("nickName")), (&json!("two"), None), "{dialect}");
    }
}

#[tokio::test]
async fn e3_35_a_new_primary_takes_the_mark_from_the_others() {
    for dialect in BOTH {
        let (relay, path) = relay_with_ann(dialect).await;
        let primaries = |user: &serde_json::Value| -> Vec<String> {
            let emails = user["emails"].as_array().unwrap().iter();
            emails.filter(|email| email["primary"] == true).map(|email| email["value"].to_string()).collect()
        };
        let added = json!([{ "op": "add", "path": "emails", "value": [{ "value": "n@a.example", "type": "home", "primary": true }] }]);
        let user = patched(&relay, &path, added).await;
        assert_eq!(
            (user["emails"].as_array().unwrap().len(), primaries(&user)),
            (2, vec!["\"n@a.example\"".to_owned()])
        );
        let back = json!([{ "op": "replace", "path": "emails[type eq \"work\"].primary", "value": true }]);
        assert_eq!(primaries(&patched(&relay, &path, back).await), ["\"ann@mail.example\""], "{dialect}");
    }
}

#[tokio::test]
async fn e3_36_success_has_the_whole_resource_or_the_attributes_asked_for() {
    for dialect in BOTH {
        let (relay, path) = relay_with_ann(dialect).await;
        let whole = patched(&relay, &path, json!([{ "op": "add", "path": "title", "value": "x" }])).await;
        assert_eq!(whole["userName"], "Ann@Acme.example");
        let change = patch(json!([{ "op": "add", "path": "title", "value": "y" }]));
        let response = relay.patch(&format!("{path}?attributes=title"), &change).await;
        assert_eq!((response.status, &response.body["title"]), (200, &json!("y")), "{dialect}");
        assert_eq!(response.body.get("userName"), None);
    }
}

#[tokio::test]
async fn e3_37_an_attribute_of_an_extension_brings_its_schema() {
    for dialect in BOTH {
        let (relay, path) = relay_with_ann(dialect).await;
        let schemas = |user: &serde_json::Value| user["schemas"].as_array().unwrap().clone();
        let set = json!([{ "op": "add", "path": format!("{ENTERPRISE_URN}:department"), "value": "D" }]);
        let user = patched(&relay, &path, set).await;
        assert!(schemas(&user).contains(&json!(ENTERPRISE_URN)), "{dialect}");
        assert_eq!(user[ENTERPRISE_URN], json!({ "department": "D" }));
        let cleared = json!([{ "op": "remove", "path": format!("{ENTERPRISE_URN}:department") }]);
        assert_eq!(schemas(&patched(&relay, &path, cleared).await), [json!(USER_URN)], "and takes it away");
        for value in
            [json!({ ENTERPRISE_URN: { "department": "E" } }), json!({ (format!("{ENTERPRISE_URN}:department")): "E" })]
        {
            let user = patched(&relay, &path, json!([{ "op": "replace", "value": value }])).await;
            assert_eq!(user[ENTERPRISE_URN]["department"], "E", "{dialect} {value}");
        }
        let whole = json!([{ "op": "add", "path": ENTERPRISE_URN, "value": { "employeeNumber": "7" } }]);
        let user = patched(&relay, &path, whole).await;
        assert_eq!(user[ENTERPRISE_URN], json!({ "department": "E", "employeeNumber": "7" }));
        let user = patched(&relay, &path, json!([{ "op": "remove", "path": ENTERPRISE_URN }])).await;
        assert_eq!(user.get(ENTERPRISE_URN), None);
    }
}

#[tokio::test]
async fn e3_38_add_appends() {
    for dialect in BOTH {
        let (relay, path) = relay_with_ann(dialect).await;
        for (value, count) in [
            (json!([{ "value": "2@a.example", "type": "home" }]), 2),
            (json!({ "value": "3@a.example", "type": "other" }), 3),
            (json!([{ "value": "4@a.example" }, { "value": "5@a.example" }]), 5),
        ] {
            let user = patched(&relay, &path, json!([{ "op": "add", "path": "emails", "value": value }])).await;
            assert_eq!(user["emails"].as_array().unwrap().len(), count, "{dialect}");
            assert_eq!(user["emails"][0]["value"], "ann@mail.example", "what was there stays");
        }
        let pathless = json!([{ "op": "add", "value": { "emails": [{ "value": "6@a.example" }], "nickName": "A" } }]);
        let user = patched(&relay, &path, pathless).await;
        assert_eq!((user["emails"].as_array().unwrap().len(), &user["nickName"]), (6, &json!("A")));
        let merged = json!([{ "op": "add", "path": "name", "value": { "middleName": "M" } }]);
        let name = patched(&relay, &path, merged).await["name"].clone();
        assert_eq!((&name["middleName"], &name["familyName"]), (&json!("M"), &json!("Boss")));
    }
}

#[tokio::test]
async fn e3_39_adding_what_is_there_changes_nothing() {
    for dialect in BOTH {
        let (relay, path) = relay_with_ann(dialect).await;
        let before = relay.get(&path).await.body;
        let ann = path.rsplit('/').next().unwrap();
        let email = before["emails"][0].clone();
        for same in [
            json!({ "op": "add", "path": "emails", "value": [email] }),
            json!({ "op": "add", "path": "userName", "value": "Ann@Acme.example" }),
            json!({ "op": "add", "value": { "active": true, "emails": [email] } }),
            json!({ "op": "replace", "path": "name.givenName", "value": "Ann" }),
        ] {
            assert_eq!(patched(&relay, &path, json!([same])).await, before, "{dialect} {same}");
        }
        let staff = created(&relay, "/Groups", &group("Staff", &[ann])).await;
        let path = format!("/Groups/{}", id(&staff));
        let again = json!([{ "op": "add", "path": "members", "value": [{ "value": ann }, { "value": ann }] }]);
        let after = patched(&relay, &path, again).await;
        assert_eq!(after, relay.get(&path).await.body);
        assert_eq!(after["meta"], staff["meta"], "{dialect}: neither version nor lastModified moved");
        assert_eq!(after["members"].as_array().unwrap().len(), 1);
    }
}
