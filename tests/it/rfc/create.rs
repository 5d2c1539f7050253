//! POST of a resource (RFC 7644 §3.3).

use serde_json::json;

use super::{BOTH, assert_error, relay, relay_with_ann};
use crate::bodies::{USER_URN, ann, created, id, total};

#[tokio::test]
async fn e3_01_a_duplicate_is_a_conflict() {
    for dialect in BOTH {
        let (relay, path) = relay_with_ann(dialect).await;
        let before = relay.get(&path).await.body;
        let mut again = ann();
        again["userName"] = json!("ANN@acme.example");
        again["title"] = json!("Impostor");
        assert_error(&relay.post("/Users", &again).await, 409, Some("uniqueness"));
        assert_eq!(total(&relay.get("/Users").await), 1, "{dialect}");
        assert_eq!(relay.get(&path).await.body, before, "{dialect}: nothing was changed in passing");
    }
}

#[tokio::test]
async fn e3_02_a_created_resource_has_its_location() {
    for dialect in BOTH {
        let relay = relay(dialect).await;
        let response = relay.post("/Users", &ann()).await;
        assert_eq!(response.status, 201);
        let location = format!("{}/Users/{}", relay.base, id(&response.body));
        assert_eq!(response.header("location"), Some(&*location));
        assert_eq!(response.body["meta"]["location"], location);
        assert_eq!(response.body["meta"]["resourceType"], "User");
    }
}

#[tokio::test]
async fn e3_03_read_only_attributes_are_ignored() {
    for dialect in BOTH {
        let relay = relay(dialect).await;
        let mut body = ann();
        body["id"] = json!("chosen-by-the-client");
        body["meta"] = json!({ "created": "2001-01-01T00:00:00Z", "resourceType": "Device", "version": "W/\"77\"" });
        body["groups"] = json!([{ "value": "admins" }]);
        let user = created(&relay, "/Users", &body).await;
        assert_ne!(user["id"], "chosen-by-the-client", "{dialect}");
        assert_eq!(user["meta"]["resourceType"], "User");
        assert_ne!(user["meta"]["created"], "2001-01-01T00:00:00Z");
        assert_ne!(user["meta"]["version"], "W/\"77\"");
        assert_eq!(user.get("groups"), None);
    }
}

#[tokio::test]
async fn e3_66_at_most_one_element_is_primary() {
    for dialect in BOTH {
        let relay = relay(dialect).await;
        let two = json!({
            "schemas": [USER_URN], "userName": "two",
            "emails": [{ "value": "a@acme.example", "primary": true }, { "value": "b@acme.example", "primary": true }],
        });
        assert_error(&relay.post("/Users", &two).await, 400, Some("invalidValue"));
        assert_eq!(total(&relay.get("/Users").await), 0, "{dialect}");
    }
}

#[tokio::test]
async fn a_required_attribute_may_be_neither_missing_nor_empty() {
    for dialect in BOTH {
        let relay = relay(dialect).await;
        for body in [
            json!({ "schemas": [USER_URN], "displayName": "Ann" }),
            json!({ "schemas": [USER_URN], "userName": null }),
            json!({ "schemas": [USER_URN], "userName": "" }),
        ] {
            assert_error(&relay.post("/Users", &body).await, 400, Some("invalidValue"));
        }
        // Erratum 5368 of RFC 7643: a group has a name.
        let nameless = json!({ "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"], "members": [] });
        assert_error(&relay.post("/Groups", &nameless).await, 400, Some("invalidValue"));
    }
}

#[tokio::test]
async fn a_body_that_is_no_object_is_refused() {
    for dialect in BOTH {
        let relay = relay(dialect).await;
        for body in ["[]", "\"user\"", "null", "7"] {
            let response = relay.raw("POST", "/Users", &[], Some(body.as_bytes())).await;
            assert_error(&response, 400, Some("invalidSyntax"));
        }
    }
}

#[tokio::test]
async fn names_given_twice_in_different_case_are_refused() {
    for dialect in BOTH {
        let relay = relay(dialect).await;
        let body = r#"{"userName":"ann","USERNAME":"ben"}"#;
        assert_error(&relay.raw("POST", "/Users", &[], Some(body.as_bytes())).await, 400, Some("invalidSyntax"));
    }
}
