//! Those checks of the gallery's validation that are plain requests.

use serde_json::{Value, json};

use super::{full_user, group, verbose_updates};
use crate::{
    bodies::{ENTERPRISE_URN, GROUP_URN, created, id, total, user},
    relay::Relay,
    steps::{found, listed, patched, path, read},
};

/// Everything that the schemas let a client address, in lower case: attributes, sub-attributes, elements by their
/// canonical types, and the same of extensions.
fn addressable(schemas: &[Value]) -> Vec<String> {
    let mut found = Vec::new();
    for schema in schemas {
        let prefix = if id(schema).contains(":extension:") { format!("{}:", id(schema)) } else { String::new() };
        for attribute in schema["attributes"].as_array().unwrap() {
            let name = format!("{prefix}{}", attribute["name"].as_str().unwrap());
            let parts = attribute["subAttributes"].as_array().cloned().unwrap_or_default();
            let kinds = parts.iter().filter(|part| part["name"] == "type");
            let kinds: Vec<Value> =
                kinds.filter_map(|kind| kind["canonicalValues"].as_array()).flatten().cloned().collect();
            for part in &parts {
                let part = part["name"].as_str().unwrap();
                found.push(format!("{name}.{part}").to_lowercase());
                found.extend(kinds.iter().map(|kind| format!("{name}[type eq {kind}].{part}").to_lowercase()));
            }
            found.push(name.to_lowercase());
        }
    }
    found
}

#[tokio::test]
async fn gallery_15_every_mapped_attribute_is_discoverable() {
    for relay in Relay::both("entra", "").await {
        let schemas = listed(relay.get("/Schemas").await);
        assert!(schemas.iter().any(|schema| id(schema) == GROUP_URN), "without it all group checks fail");
        let addressable = addressable(&schemas);
        let mapped = ["userName", "active", "members", "emails[type eq \"other\"].value", "name.formatted"];
        let updates = verbose_updates();
        for path in updates.iter().map(|(path, _, _)| &**path).chain(mapped) {
            assert!(addressable.contains(&path.to_lowercase()), "{path}");
        }
        assert!(addressable.contains(&format!("{ENTERPRISE_URN}:manager").to_lowercase()));
    }
}

#[tokio::test]
async fn gallery_16_null_update_clears_each_optional_attribute_both_ways() {
    for relay in Relay::both("entra", "").await {
        for (index, nothing) in [json!(""), Value::Null].into_iter().enumerate() {
            let user = path("/Users", &created(&relay, "/Users", &full_user(&format!("user{index}"))).await);
            let operations: Vec<Value> = verbose_updates()
                .iter()
                .map(|(path, _, _)| json!({ "op": "replace", "path": path, "value": nothing }))
                .collect();
            let after = patched(&relay, &user, json!(operations)).await;
            for (path, _, pointer) in verbose_updates() {
                assert_eq!(after.pointer(&pointer), None, "{path}: {after}");
            }
            // Once more, the other way, on attributes that are gone.
            let again: Vec<Value> = verbose_updates()
                .iter()
                .map(|(path, _, _)| json!({ "op": "replace", "path": path, "value": null }))
                .collect();
            assert_eq!(patched(&relay, &user, json!(again)).await, after);
            assert_eq!((&after["userName"], &after["active"]), (&json!(format!("user{index}")), &json!(true)));
        }
    }
}

#[tokio::test]
async fn gallery_17_a_user_is_created_and_read_back() {
    for relay in Relay::both("entra", "").await {
        let user = created(&relay, "/Users", &user("new@acme.example")).await;
        assert_eq!(user["userName"], "new@acme.example");
        assert_eq!(found(&relay, "/Users", r#"userName eq "new@acme.example""#).await, [user]);
    }
}

#[tokio::test]
async fn gallery_18_single_valued_attributes_are_updated() {
    for relay in Relay::both("entra", "").await {
        let user = path("/Users", &created(&relay, "/Users", &full_user("user")).await);
        let single = verbose_updates().into_iter().filter(|(path, _, _)| !path.contains('['));
        for (path, value, pointer) in single {
            for op in ["Add", "Replace", "replace"] {
                let value = format!("{value} {op}");
                let after = patched(&relay, &user, json!([{ "op": op, "path": path, "value": value }])).await;
                assert_eq!(after.pointer(&pointer), Some(&json!(value)), "{op} {path}");
            }
        }
    }
}

#[tokio::test]
async fn gallery_19_20_a_group_is_created_and_updated() {
    for relay in Relay::both("entra", "").await {
        let created = created(&relay, "/Groups", &group("Staff")).await;
        assert_eq!(created["displayName"], "Staff");
        let group = path("/Groups", &created);
        for (op, name) in [("Replace", "Crew"), ("replace", "Team"), ("Add", "Squad")] {
            let after = patched(&relay, &group, json!([{ "op": op, "path": "displayName", "value": name }])).await;
            assert_eq!((&after["displayName"], &after["id"]), (&json!(name), &created["id"]));
        }
    }
}

/// Reads pages of five; every resource must be on one of them, and each page say where it begins.
async fn paged(relay: &Relay, endpoint: &str, count: usize) {
    let mut ids = Vec::new();
    for page in 0..4 {
        let start = page * 5 + 1;
        let response = relay.get(&format!("{endpoint}?startIndex={start}&count=5")).await;
        assert_eq!(total(&response), count as u64);
        let resources = response.body["Resources"].as_array().unwrap();
        assert_eq!(
            (&response.body["startIndex"], &response.body["itemsPerPage"]),
            (&json!(start), &json!(resources.len()))
        );
        assert_eq!(resources.len(), count.saturating_sub(page * 5).min(5));
        ids.extend(resources.iter().map(|resource| id(resource).to_owned()));
    }
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), count);
}

#[tokio::test]
async fn gallery_23_24_users_and_groups_are_paged() {
    for relay in Relay::both("entra", "").await {
        for index in 0..12 {
            created(&relay, "/Users", &user(&format!("user{index}"))).await;
            created(&relay, "/Groups", &group(&format!("group{index}"))).await;
        }
        paged(&relay, "/Users", 12).await;
        paged(&relay, "/Groups", 12).await;
    }
}

#[tokio::test]
async fn gallery_25_a_manager_is_set_changed_and_unset() {
    for relay in Relay::both("entra", "").await {
        let managers = [created(&relay, "/Users", &user("m1")).await, created(&relay, "/Users", &user("m2")).await];
        let user = path("/Users", &created(&relay, "/Users", &user("ann")).await);
        let manager = format!("{ENTERPRISE_URN}:manager");
        for (op, value) in [("Add", &managers[0]["id"]), ("replace", &managers[1]["id"])] {
            patched(&relay, &user, json!([{ "op": op, "path": manager, "value": value }])).await;
            assert_eq!(read(&relay, &user).await[ENTERPRISE_URN]["manager"]["value"], *value);
        }
        let after = patched(&relay, &user, json!([{ "op": "replace", "path": manager, "value": "" }])).await;
        assert_eq!(after.get(ENTERPRISE_URN), None, "nothing is left of the extension");
    }
}
