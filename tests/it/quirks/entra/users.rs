//! Bodies of new users, and of the PUT that Microsoft's own collections of requests send.

use serde_json::{Value, json};

use super::{bare, jane};
use crate::{
    bodies::{ENTERPRISE_URN, USER_URN, created, id},
    relay::Relay,
    steps::{found, patched, path, read},
};

/// Creates a user; the answer and what a GET shows must be one and the same.
async fn stored(relay: &Relay, body: &Value) -> Value {
    let answered = created(relay, "/Users", body).await;
    assert_eq!(read(relay, &path("/Users", &answered)).await, answered);
    answered
}

#[tokio::test]
async fn b_5_a_user_of_the_default_mappings_is_stored_as_sent() {
    for relay in Relay::both("entra", "").await {
        let user = stored(&relay, &jane()).await;
        let mut expected = jane();
        for only_ours in ["meta", "id"] {
            expected[only_ours] = user[only_ours].clone();
        }
        expected.as_object_mut().unwrap().remove("roles");
        assert_eq!(user, expected);
        assert_eq!(user["meta"]["location"], format!("{}/Users/{}", relay.base, id(&user)));
    }
}

#[tokio::test]
async fn en_31_the_enterprise_schema_may_be_listed_without_an_attribute() {
    for relay in Relay::both("entra", "").await {
        let user = stored(&relay, &bare("raj")).await;
        assert_eq!(user["schemas"], json!([USER_URN]), "schemas lists what the resource has");
        assert_eq!(user.get(ENTERPRISE_URN), None);
    }
}

/// An extension is known by its object; so is one that a configuration declares.
#[tokio::test]
async fn en_32_an_extension_that_is_not_listed_is_kept() {
    for relay in Relay::both("entra", "").await {
        let mut user = bare("raj");
        user["schemas"] = json!([USER_URN]);
        user[ENTERPRISE_URN] = json!({ "department": "Retail" });
        let user = stored(&relay, &user).await;
        assert_eq!(user[ENTERPRISE_URN], json!({ "department": "Retail" }));
        assert_eq!(user["schemas"], json!([USER_URN, ENTERPRISE_URN]));
    }
}

#[tokio::test]
async fn en_33_the_misspelt_enterprise_urn_is_understood_everywhere() {
    let misspelt = "urn:ietf:params:scim:schemas:extension:enterprise:2.0User";
    for relay in Relay::both("entra", "").await {
        let mut body = bare("raj");
        body["schemas"] = json!([USER_URN, misspelt]);
        body[misspelt] = json!({ "department": "Retail" });
        let user = stored(&relay, &body).await;
        assert_eq!(user["schemas"], json!([USER_URN, ENTERPRISE_URN]));
        assert_eq!((&user[ENTERPRISE_URN], user.get(misspelt)), (&json!({ "department": "Retail" }), None));
        let replace = json!([{ "op": "Replace", "path": format!("{misspelt}:department"), "value": "R&D" }]);
        let user = patched(&relay, &path("/Users", &user), replace).await;
        assert_eq!(user[ENTERPRISE_URN], json!({ "department": "R&D" }));
    }
}

#[tokio::test]
async fn en_35_meta_of_a_client_is_ignored() {
    for relay in Relay::both("entra", "").await {
        let mut body = bare("raj");
        body["meta"] = json!({
            "resourceType": "User", "created": "1999-01-01T00:00:00Z", "location": "https://evil.example/",
            "version": "W/\"99\"",
        });
        let user = stored(&relay, &body).await;
        assert_eq!(user["meta"]["location"], format!("{}/Users/{}", relay.base, id(&user)));
        assert_eq!(user["meta"]["created"], user["meta"]["lastModified"]);
        assert!(user["meta"]["created"].as_str() > Some("2000"));
        assert_ne!(user["meta"]["version"], "W/\"99\"");
    }
}

#[tokio::test]
async fn en_36_nulls_of_a_new_user_are_no_values() {
    for relay in Relay::both("entra", "").await {
        let mut body = bare("raj");
        for name in ["addresses", "title", "emails", "phoneNumbers", "name", "externalId", "preferredLanguage"] {
            body[name] = Value::Null;
        }
        body[ENTERPRISE_URN] = json!({ "department": "Retail", "manager": null, "costCenter": null });
        let user = stored(&relay, &body).await;
        let keys: Vec<&String> = user.as_object().unwrap().keys().collect();
        assert_eq!(keys, ["active", "id", "meta", "schemas", ENTERPRISE_URN, "userName"]);
        assert_eq!(user[ENTERPRISE_URN], json!({ "department": "Retail" }));
    }
}

#[tokio::test]
async fn en_65_keys_in_another_case_are_stored_in_the_schemas() {
    for relay in Relay::both("entra", "").await {
        let body = json!({
            "Schemas": [USER_URN, ENTERPRISE_URN],
            "UserName": "raj",
            "Active": true,
            "ExternalId": "e1",
            "Name": { "FamilyName": "Rao" },
            "Emails": [{ "Primary": true, "Type": "work", "Value": "raj@acme.example" }],
            ENTERPRISE_URN: { "Department": "Retail", "Manager": { "Value": "b7c1" } },
        });
        let user = stored(&relay, &body).await;
        assert_eq!(
            (&user["userName"], &user["externalId"], &user["active"]),
            (&json!("raj"), &json!("e1"), &json!(true))
        );
        assert_eq!(user["name"], json!({ "familyName": "Rao" }));
        assert_eq!(user["emails"], json!([{ "primary": true, "type": "work", "value": "raj@acme.example" }]));
        assert_eq!(user[ENTERPRISE_URN]["department"], "Retail");
        assert_eq!(user[ENTERPRISE_URN]["manager"]["value"], "b7c1");
        let replace = json!([{ "op": "Replace", "value": { "DisplayName": "Raj", "Name": { "GivenName": "Raj" } } }]);
        let user = patched(&relay, &path("/Users", &user), replace).await;
        assert_eq!(user["displayName"], "Raj");
        assert_eq!(user["name"], json!({ "familyName": "Rao", "givenName": "Raj" }));
    }
}

#[tokio::test]
async fn en_66_an_unknown_attribute_of_a_put_is_dropped_and_the_rest_stored() {
    for relay in Relay::both("entra", "").await {
        let user = stored(&relay, &jane()).await;
        let mut body = jane();
        body["adreses"] = json!([{ "locality": "Bonn" }]);
        body["title"] = "Director".into();
        body.as_object_mut().unwrap().remove("addresses");
        let response = relay.put(&path("/Users", &user), &body).await;
        assert_eq!(response.status, 200, "{}", response.body);
        let after = read(&relay, &path("/Users", &user)).await;
        assert_eq!(response.body, after);
        assert_eq!((after.get("adreses"), after.get("addresses"), &after["title"]), (None, None, &json!("Director")));
    }
}

/// A custom application maps `mailNickname` to `externalId`, which may be given twice, and change. The id that we made is
/// what stays.
#[tokio::test]
async fn en_71_an_external_id_may_repeat_and_change() {
    for relay in Relay::both("entra", "").await {
        let mut first = jane();
        first["externalId"] = "jane.doe".into();
        let first = stored(&relay, &first).await;
        let mut second = bare("jane.doe@other.example");
        second["externalId"] = "jane.doe".into();
        stored(&relay, &second).await;
        assert_eq!(found(&relay, "/Users", r#"externalId eq "jane.doe""#).await.len(), 2, "Entra is shown both");
        let renamed = json!([{ "op": "Replace", "path": "externalId", "value": "0a21f0f2-8d2a" }]);
        let renamed = patched(&relay, &path("/Users", &first), renamed).await;
        assert_eq!((&renamed["externalId"], &renamed["id"]), (&json!("0a21f0f2-8d2a"), &first["id"]));
        assert_eq!(found(&relay, "/Users", r#"externalId eq "0a21f0f2-8d2a""#).await, [renamed]);
    }
}
