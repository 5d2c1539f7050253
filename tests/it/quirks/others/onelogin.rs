//! OneLogin, whose administrator writes the body as a template, by an example of SCIM 1.1.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::{
    bodies::{ENTERPRISE_URN, GROUP_URN, USER_URN, created, id, patch, total},
    relay::Relay,
};

const CORE_1_1: &str = "urn:scim:schemas:core:1.0";

async fn relays() -> [Relay; 2] {
    Relay::both("onelogin", "").await
}

/// The template with everything odd in it.
fn template() -> Value {
    json!({
        "schemas": [CORE_1_1, ENTERPRISE_URN],
        "id": null,
        "userName": "jane.doe@acme.example",
        "active": "true",
        "name": { "givenName": "Jane", "familyName": "Doe", "formatted": "Dr. Jane Doe" },
        "emails": { "value": "jane.doe@acme.example", "type": "work", "primary": true },
        "addresses": [{ "locality": "Bonn" }],
        ENTERPRISE_URN: { "manager": { "managerId": "b7c1d2e3", "displayName": "Ann Boss" } },
    })
}

/// Creates the template's user, and gives it as it is stored.
async fn stored(relay: &Relay, body: &Value) -> Value {
    let user = created(relay, "/Users", body).await;
    relay.get(&format!("/Users/{}", id(&user))).await.body
}

#[tokio::test]
async fn ot_01_the_urn_of_scim_1_1_is_that_of_2_0() {
    for relay in relays().await {
        let user = stored(&relay, &template()).await;
        assert_eq!(user["schemas"], json!([USER_URN, ENTERPRISE_URN]));
        let path = format!("/Users/{}", id(&user));
        let mut body = template();
        body["title"] = "Engineer".into();
        assert_eq!(relay.put(&path, &body).await.status, 200);
        assert_eq!(relay.get(&path).await.body["title"], "Engineer");
        let group = json!({ "schemas": [CORE_1_1], "displayName": "Staff" });
        let group = created(&relay, "/Groups", &group).await;
        assert_eq!(group["schemas"], json!([GROUP_URN]));
    }
}

#[tokio::test]
async fn ot_01_to_ot_05_are_counted_once_a_request() {
    for relay in relays().await {
        let user = created(&relay, "/Users", &template()).await;
        assert_eq!(relay.put(&format!("/Users/{}", id(&user)), &template()).await.status, 200);
        let expected: BTreeMap<String, u64> = (1..=5).map(|row| (format!("OT-{row:02}"), 2)).collect();
        assert_eq!(relay.quirks().await, expected);
    }
}

/// Parameters without a value leave empty texts in the template.
#[tokio::test]
async fn ok_47_empty_parameters_clear_what_they_stand_for() {
    for relay in relays().await {
        let mut body = template();
        body["title"] = "Engineer".into();
        body["phoneNumbers"] = json!("+49 228 1");
        let user = stored(&relay, &body).await;
        assert_eq!(user["phoneNumbers"], json!([{ "value": "+49 228 1" }]));
        body["title"] = "".into();
        body["phoneNumbers"] = json!({ "value": "", "type": "work" });
        body["externalId"] = "".into();
        body["addresses"] = json!([{ "locality": "" }]);
        body[ENTERPRISE_URN] = json!({ "department": "", "manager": { "managerId": "", "displayName": " " } });
        body["meta"] = json!({ "resourceType": "User" });
        let response = relay.put(&format!("/Users/{}", id(&user)), &body).await;
        assert_eq!(response.status, 200, "{}", response.body);
        let now = relay.get(&format!("/Users/{}", id(&user))).await.body;
        for cleared in ["title", "phoneNumbers", "externalId", "addresses", ENTERPRISE_URN] {
            assert_eq!(now.get(cleared), None, "{cleared}: {now}");
        }
        assert_eq!(now["name"]["formatted"], "Dr. Jane Doe", "the template's own");
    }
}

#[tokio::test]
async fn ot_02_active_as_text_is_a_boolean() {
    for mut relay in relays().await {
        let user = stored(&relay, &template()).await;
        assert_eq!(user["active"], true);
        let path = format!("/Users/{}", id(&user));
        let mut body = template();
        body["active"] = "false".into();
        assert_eq!(relay.put(&path, &body).await.body["active"], false);
        assert_eq!(total(&relay.get("/Users?filter=active%20eq%20false").await), 1);
        let on = patch(json!([{ "op": "replace", "path": "active", "value": "true" }]));
        assert_eq!(relay.patch(&path, &on).await.body["active"], true);
        assert_eq!(relay.put(&path, &body).await.status, 200);
        assert_eq!(relay.delivered().await["users"][0]["active"], false);
    }
}

#[tokio::test]
async fn ot_03_a_null_id_is_none() {
    for relay in relays().await {
        let user = stored(&relay, &template()).await;
        assert!(!id(&user).is_empty());
        let path = format!("/Users/{}", id(&user));
        let response = relay.put(&path, &template()).await;
        assert_eq!((response.status, &response.body["id"]), (200, &user["id"]), "null differs from no id");
    }
}

#[tokio::test]
async fn ot_04_a_single_object_is_an_array_of_one() {
    let emails = json!([{ "value": "jane.doe@acme.example", "type": "work", "primary": true }]);
    for relay in relays().await {
        let user = stored(&relay, &template()).await;
        assert_eq!(user["emails"], emails);
        assert_eq!(total(&relay.get("/Users?filter=emails.value%20eq%20%22jane.doe@acme.example%22").await), 1);
        let path = format!("/Users/{}", id(&user));
        let phone = json!({ "value": "+49 228 1", "type": "work" });
        let add = patch(json!([{ "op": "add", "path": "phoneNumbers", "value": phone }]));
        assert_eq!(relay.patch(&path, &add).await.status, 200);
        assert_eq!(relay.get(&path).await.body["phoneNumbers"], json!([phone]));
    }
}

/// The manager may come later, so an id that nobody has is kept and shown.
#[tokio::test]
async fn ot_05_a_manager_id_is_the_managers_value() {
    for relay in relays().await {
        let user = stored(&relay, &template()).await;
        assert_eq!(user[ENTERPRISE_URN]["manager"]["value"], "b7c1d2e3");
        assert_eq!(user[ENTERPRISE_URN]["manager"].get("managerId"), None);

        let boss = json!({ "schemas": [USER_URN], "userName": "ann.boss@acme.example" });
        let boss = created(&relay, "/Users", &boss).await;
        let mut body = template();
        body[ENTERPRISE_URN]["manager"] = json!({ "managerId": id(&boss) });
        let path = format!("/Users/{}", id(&user));
        assert_eq!(relay.put(&path, &body).await.status, 200);
        assert_eq!(relay.get(&path).await.body[ENTERPRISE_URN]["manager"]["value"], boss["id"]);
    }
}

#[tokio::test]
async fn ot_06_a_sole_email_is_the_primary_one() {
    for relay in relays().await {
        let mut body = template();
        body["emails"] = json!([{ "value": "jane@home.example" }]);
        let user = stored(&relay, &body).await;
        assert_eq!(user["emails"], json!([{ "value": "jane@home.example", "primary": true }]));
        body["emails"] = json!([{ "value": "a@acme.example" }, { "value": "b@acme.example" }]);
        let response = relay.put(&format!("/Users/{}", id(&user)), &body).await;
        assert_eq!(response.body["emails"], body["emails"], "of two nobody has said which");
    }
}
