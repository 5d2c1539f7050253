//! Users, of the classic validator.

use serde_json::{Value, json};

use super::{full_user, verbose_updates};
use crate::{
    bodies::{ENTERPRISE_URN, USER_URN, created, id, user},
    relay::Relay,
    steps::{assert_error, found, listed, patched, path, read},
};

const NAME: &str = "MiXed.case@acme.example";
const UNKNOWN: &str = "01980000-0000-7000-8000-000000000000";

async fn new_user(relay: &Relay) -> String {
    path("/Users", &created(relay, "/Users", &full_user(NAME)).await)
}

/// A value for an attribute as `/Schemas` describes it; `None` for one that a client neither writes nor reads.
fn generated(attribute: &Value) -> Option<Value> {
    let name = attribute["name"].as_str().unwrap();
    if attribute["mutability"] == "readOnly" || attribute["returned"] == "never" {
        return None;
    }
    let value = match (attribute["type"].as_str().unwrap(), attribute["canonicalValues"].get(0)) {
        (_, Some(canonical)) => canonical.clone(),
        ("boolean", _) => json!(true),
        ("reference", _) => json!(format!("https://acme.example/{name}")),
        ("binary", _) => json!("Z2VuZXJhdGVk"),
        ("complex", _) => generated_object(&attribute["subAttributes"]),
        ("string", _) => json!(format!("generated {name}")),
        (other, _) => panic!("no value for type {other}"),
    };
    Some(if attribute["multiValued"] == true { json!([value]) } else { value })
}

fn generated_object(attributes: &Value) -> Value {
    let attributes = attributes.as_array().unwrap().iter();
    attributes.filter_map(|attribute| Some((attribute["name"].as_str()?.to_owned(), generated(attribute)?))).collect()
}

#[tokio::test]
async fn u1_a_user_with_every_attribute_of_the_schemas_is_created_and_found() {
    for relay in Relay::both("entra", "").await {
        let schemas = listed(relay.get("/Schemas").await);
        let attributes = |urn: &str| &schemas.iter().find(|schema| id(schema) == urn).unwrap()["attributes"];
        let mut sent = generated_object(attributes(USER_URN));
        sent["schemas"] = json!([USER_URN, ENTERPRISE_URN]);
        sent["externalId"] = json!("generated");
        sent["userName"] = json!(NAME);
        sent[ENTERPRISE_URN] = generated_object(attributes(ENTERPRISE_URN));
        let mut written = sent.clone();
        written["roles"][0]["primary"] = json!("True");
        let response = relay.post("/Users", &written).await;
        assert_eq!(response.status, 201, "{}", response.body);
        assert_eq!(response.header("location"), response.body["meta"]["location"].as_str());
        assert!(sent.as_object().unwrap().len() > 20, "the schemas were read: {sent}");
        let found = found(&relay, "/Users", &format!("userName eq \"{NAME}\"")).await;
        assert_eq!(found, [response.body]);
        for (name, value) in sent.as_object().unwrap() {
            assert_eq!(&found[0][name], value, "{name}");
        }
        assert_eq!((&found[0]["active"], &found[0]["roles"][0]["primary"]), (&json!(true), &json!(true)));
    }
}

#[tokio::test]
async fn u2_a_duplicate_user_is_a_conflict() {
    for relay in Relay::both("entra", "").await {
        new_user(&relay).await;
        assert_error(&relay.post("/Users", &full_user(NAME)).await, 409, Some("uniqueness"));
        assert_eq!(listed(relay.get("/Users").await).len(), 1);
    }
}

#[tokio::test]
async fn u3_u4_u5_a_filter_finds_a_user_in_any_case_and_nobody_else() {
    for relay in Relay::both("entra", "").await {
        let user = read(&relay, &new_user(&relay).await).await;
        created(&relay, "/Users", &full_user("other@acme.example")).await;
        for name in [NAME.to_owned(), NAME.to_uppercase(), NAME.to_lowercase()] {
            let users = found(&relay, "/Users", &format!("userName eq \"{name}\"")).await;
            assert_eq!(users, std::slice::from_ref(&user), "{name}");
        }
        assert!(found(&relay, "/Users", &format!("userName eq \"{UNKNOWN}\"")).await.is_empty());
    }
}

#[tokio::test]
async fn u6_attributes_are_replaced_one_operation_each() {
    for relay in Relay::both("entra", "").await {
        let user = new_user(&relay).await;
        updated(&relay, &user, "replace").await;
    }
}

#[tokio::test]
async fn u7_attributes_are_added_one_operation_each_where_there_are_none() {
    for relay in Relay::both("entra", "").await {
        let user = path("/Users", &created(&relay, "/Users", &user(NAME)).await);
        let after = updated(&relay, &user, "add").await;
        let address = json!([{ "type": "work", "streetAddress": "New Street 2", "locality": "Newtown" }]);
        assert_eq!(after["addresses"], address);
        assert_eq!(after["emails"], json!([{ "type": "work", "value": "new@acme.example" }]));
        assert_eq!(after["phoneNumbers"], json!([{ "type": "mobile", "value": "2-222-222-2222" }]));
    }
}

/// Sends the verbose updates and reads every value back.
async fn updated(relay: &Relay, user: &str, op: &str) -> Value {
    let updates = verbose_updates();
    let operations: Vec<Value> =
        updates.iter().map(|(path, value, _)| json!({ "op": op, "path": path, "value": value })).collect();
    let after = patched(relay, user, json!(operations)).await;
    for (path, value, pointer) in updates {
        // A URN holds no slash, so a pointer may name it as it is.
        assert_eq!(after.pointer(&pointer), Some(&json!(value)), "{path}");
    }
    after
}

#[tokio::test]
async fn u8_a_user_name_is_updated_and_found_by() {
    for relay in Relay::both("entra", "").await {
        let user = new_user(&relay).await;
        let replace = json!([{ "op": "replace", "value": { "userName": "new.name@acme.example" } }]);
        let after = patched(&relay, &user, replace).await;
        assert_eq!(found(&relay, "/Users", "userName eq \"new.name@acme.example\"").await, [after]);
        assert!(found(&relay, "/Users", &format!("userName eq \"{NAME}\"")).await.is_empty());
    }
}

#[tokio::test]
async fn u9_a_disabled_user_is_still_there() {
    for relay in Relay::both("entra", "").await {
        let user = new_user(&relay).await;
        let after = patched(&relay, &user, json!([{ "op": "replace", "path": "active", "value": false }])).await;
        assert_eq!(after["active"], json!(false));
        assert_eq!(found(&relay, "/Users", &format!("userName eq \"{NAME}\"")).await, [after]);
    }
}

#[tokio::test]
async fn u10_u11_u12_a_manager_is_added_replaced_and_removed() {
    for relay in Relay::both("entra", "").await {
        let user = new_user(&relay).await;
        let first = created(&relay, "/Users", &full_user("first")).await;
        let second = created(&relay, "/Users", &full_user("second")).await;
        let path = format!("{ENTERPRISE_URN}:manager");
        for (op, manager) in [("add", &first), ("replace", &second)] {
            let operations = json!([{ "op": op, "path": path, "value": id(manager) }]);
            let after = patched(&relay, &user, operations).await;
            assert_eq!(after[ENTERPRISE_URN]["manager"]["value"], manager["id"], "{op}");
        }
        let after = patched(&relay, &user, json!([{ "op": "replace", "path": path, "value": "" }])).await;
        assert_eq!(after[ENTERPRISE_URN].get("manager"), None);
        assert_eq!(after[ENTERPRISE_URN]["department"], "Old");
    }
}

#[tokio::test]
async fn u13_p3_p4_a_deleted_user_is_gone_and_one_who_is_gone_cannot_be_deleted() {
    for relay in Relay::both("entra", "").await {
        let user = new_user(&relay).await;
        let response = relay.delete(&user).await;
        assert_eq!((response.status, response.body), (204, Value::Null));
        assert_error(&relay.get(&user).await, 404, None);
        assert_error(&relay.delete(&user).await, 404, None);
        assert_error(&relay.delete(&format!("/Users/{UNKNOWN}")).await, 404, None);
        assert_error(&relay.delete("/Users/no-id-of-ours").await, 404, None);
        assert!(listed(relay.get("/Users").await).is_empty());
    }
}

#[tokio::test]
async fn p1_several_operations_on_several_attributes_all_take_effect() {
    for relay in Relay::both("entra", "").await {
        let user = new_user(&relay).await;
        let operations = json!([
            { "op": "remove", "path": "title" },
            { "op": "add", "path": "nickName", "value": "Nick" },
            { "op": "replace", "path": "displayName", "value": "New" },
            { "op": "remove", "path": "phoneNumbers[type eq \"mobile\"]" },
        ]);
        let after = patched(&relay, &user, operations).await;
        assert_eq!((after.get("title"), after.get("phoneNumbers")), (None, None));
        assert_eq!((&after["nickName"], &after["displayName"]), (&json!("Nick"), &json!("New")));
    }
}

#[tokio::test]
async fn p2_of_several_operations_on_one_attribute_the_last_stands() {
    for relay in Relay::both("entra", "").await {
        let user = new_user(&relay).await;
        for path in ["title", "emails[type eq \"work\"].value"] {
            let operations = json!([
                { "op": "remove", "path": path },
                { "op": "add", "path": path, "value": "first" },
                { "op": "replace", "path": path, "value": "last" },
            ]);
            let after = patched(&relay, &user, operations).await;
            let pointer = if path == "title" { "/title" } else { "/emails/0/value" };
            assert_eq!(after.pointer(pointer), Some(&json!("last")), "{after}");
        }
    }
}
