//! Steps that many tests take over HTTP. Each checks on the way what must hold whoever asks.

use serde_json::Value;

use crate::{
    bodies,
    relay::{Relay, Response},
};

/// A relay whose tenant speaks that dialect.
pub(crate) async fn speaking(dialect: &str) -> Relay {
    Relay::start(&format!("dialect = \"{dialect}\"")).await
}

/// A text as form encoding has it, spaces as `+`.
pub(crate) fn form_encoded(text: &str) -> String {
    percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string().replace("%20", "+")
}

/// What a list with that filter answers. The list itself must be in order.
pub(crate) async fn found(relay: &Relay, endpoint: &str, filter: &str) -> Vec<Value> {
    listed(relay.get(&format!("{endpoint}?filter={}", form_encoded(filter))).await)
}

/// The resources of a ListResponse that holds them all.
pub(crate) fn listed(response: Response) -> Vec<Value> {
    let total = bodies::total(&response);
    assert_eq!(response.header("content-type"), Some("application/scim+json"));
    assert_eq!(response.body["schemas"], serde_json::json!(["urn:ietf:params:scim:api:messages:2.0:ListResponse"]));
    let resources = response.body["Resources"].as_array().expect("Resources is an array, even when empty").clone();
    assert_eq!(response.body["itemsPerPage"], resources.len());
    assert_eq!(resources.len() as u64, total);
    resources
}

/// The path of a resource below the base URI.
pub(crate) fn path(endpoint: &str, resource: &Value) -> String {
    format!("{endpoint}/{}", bodies::id(resource))
}

/// What a GET answers.
pub(crate) async fn read(relay: &Relay, path: &str) -> Value {
    let response = relay.get(path).await;
    assert_eq!(response.status, 200, "{}", response.body);
    response.body
}

/// Sends a PATCH that must succeed, and reads what it left. An answer with a body must show just that.
pub(crate) async fn patched(relay: &Relay, path: &str, operations: Value) -> Value {
    let response = relay.patch(path, &bodies::patch(operations.clone())).await;
    let after = read(relay, path).await;
    match response.status {
        200 => assert_eq!(response.body, after, "{operations}"),
        204 => assert_eq!(response.body, Value::Null),
        _ => panic!("{operations}: {}", response.body),
    }
    assert_eq!(response.header("etag"), after["meta"]["version"].as_str());
    after
}

/// Sends a PATCH that must be refused with that `scimType`, and change nothing.
pub(crate) async fn refused(relay: &Relay, path: &str, operations: Value, scim_type: &str) {
    let before = read(relay, path).await;
    let response = relay.patch(path, &bodies::patch(operations.clone())).await;
    assert_error(&response, 400, Some(scim_type));
    assert_eq!(read(relay, path).await, before, "{operations}");
}

/// A SCIM error in the RFC's form (RFC 7644 §3.12): `status` is text, `detail` says something.
pub(crate) fn assert_error(response: &Response, status: u16, scim_type: Option<&str>) {
    assert_eq!(response.status, status, "{}", response.body);
    assert_eq!(response.header("content-type"), Some("application/scim+json"));
    assert_eq!(response.body["schemas"], serde_json::json!(["urn:ietf:params:scim:api:messages:2.0:Error"]));
    assert_eq!(response.body["status"], status.to_string());
    assert_eq!(response.body.get("scimType").and_then(Value::as_str), scim_type, "{}", response.body);
    assert!(response.body["detail"].as_str().is_some_and(|detail| !detail.is_empty()));
}

/// The ids of a group's members, in order.
pub(crate) fn members(group: &Value) -> Vec<&str> {
    let members = group["members"].as_array().expect("members is an array");
    let mut ids: Vec<&str> = members.iter().map(|member| member["value"].as_str().expect("a member's value")).collect();
    ids.sort_unstable();
    ids
}
