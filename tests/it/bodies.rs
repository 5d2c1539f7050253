//! Bodies that many tests send, and what they read from answers.

use serde_json::{Value, json};

use crate::relay::{Relay, Response};

pub(crate) const PATCH_URN: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";
pub(crate) const USER_URN: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
pub(crate) const GROUP_URN: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";
pub(crate) const ENTERPRISE_URN: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";

/// A PATCH of those operations.
pub(crate) fn patch(operations: Value) -> Value {
    json!({ "schemas": [PATCH_URN], "Operations": operations })
}

/// A user with every part that the usual tests look at.
pub(crate) fn ann() -> Value {
    json!({
        "schemas": [USER_URN],
        "userName": "Ann@Acme.example",
        "externalId": "00u1",
        "name": { "givenName": "Ann", "familyName": "Boss" },
        "emails": [{ "value": "ann@mail.example", "type": "work", "primary": true }],
        "active": true,
    })
}

/// The least of a user.
pub(crate) fn user(user_name: &str) -> Value {
    json!({ "schemas": [USER_URN], "userName": user_name, "active": true })
}

/// A group with those members.
pub(crate) fn group(display_name: &str, members: &[&str]) -> Value {
    let members: Vec<Value> = members.iter().map(|id| json!({ "value": id })).collect();
    json!({ "schemas": [GROUP_URN], "displayName": display_name, "members": members })
}

/// Creates a resource and gives it as answered.
pub(crate) async fn created(relay: &Relay, endpoint: &str, body: &Value) -> Value {
    let response = relay.post(endpoint, body).await;
    assert_eq!(response.status, 201, "{}", response.body);
    response.body
}

pub(crate) fn id(resource: &Value) -> &str {
    resource["id"].as_str().expect("an id")
}

pub(crate) fn total(response: &Response) -> u64 {
    assert_eq!(response.status, 200, "{}", response.body);
    response.body["totalResults"].as_u64().expect("totalResults is a number")
}
