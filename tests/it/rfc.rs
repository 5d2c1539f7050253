//! Requirements of RFC 7643 and 7644 that servers break, each a test named by its row (`e3_12_…`) over HTTP: in the dialect
//! `rfc`, and in `auto` wherever the answer must be the same.

mod create;
mod delete;
mod discovery;
mod elsewhere;
mod errors;
mod filter_grammar;
mod filters;
mod lists;
mod patch_add;
mod patch_remove;
mod patch_replace;
mod projection;
mod put;
mod resources;
mod search;
mod sorting;
mod strict_interop;
mod versions;

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

use crate::{
    bodies::{ann, created, id, patch, total},
    relay::{Relay, Response},
};

/// The dialects in which what the RFC says holds, unless a client's habits contradict it.
const BOTH: [&str; 2] = ["rfc", "auto"];

const ERROR_URN: &str = "urn:ietf:params:scim:api:messages:2.0:Error";
const LIST_URN: &str = "urn:ietf:params:scim:api:messages:2.0:ListResponse";
const SEARCH_URN: &str = "urn:ietf:params:scim:api:messages:2.0:SearchRequest";

/// A relay whose tenant speaks that dialect.
async fn relay(dialect: &str) -> Relay {
    Relay::start(&format!("dialect = \"{dialect}\"")).await
}

/// A relay with the user of most tests, and the path of that user.
async fn relay_with_ann(dialect: &str) -> (Relay, String) {
    let relay = relay(dialect).await;
    let path = format!("/Users/{}", id(&created(&relay, "/Users", &ann()).await));
    (relay, path)
}

/// A relay with users of those names and further attributes.
async fn relay_with(dialect: &str, users: &[(&str, Value)]) -> Relay {
    let relay = relay(dialect).await;
    for (user_name, attributes) in users {
        let mut body = attributes.clone();
        body["userName"] = json!(user_name);
        created(&relay, "/Users", &body).await;
    }
    relay
}

fn percent(text: &str) -> String {
    utf8_percent_encode(text, NON_ALPHANUMERIC).to_string()
}

/// The answer to a list of users with that filter.
async fn filtered(relay: &Relay, filter: &str) -> Response {
    relay.get(&format!("/Users?filter={}", percent(filter))).await
}

/// The names of the users in a list response, in its order.
fn user_names(response: &Response) -> Vec<&str> {
    let resources = response.body["Resources"].as_array().expect("Resources");
    assert_eq!(response.body["itemsPerPage"], resources.len());
    resources.iter().map(|user| user["userName"].as_str().expect("a name")).collect()
}

/// Checks which users a filter finds.
async fn assert_finds(relay: &Relay, filter: &str, expected: &[&str]) {
    let response = filtered(relay, filter).await;
    assert_eq!(total(&response), u64::try_from(expected.len()).unwrap(), "{filter}: {}", response.body);
    assert_eq!(user_names(&response), expected, "{filter}");
}

/// Checks that an answer is a SCIM error of that status and type.
#[track_caller]
fn assert_error(response: &Response, status: u16, scim_type: Option<&str>) {
    assert_eq!(response.status, status, "{}", response.body);
    assert_eq!(response.body["schemas"], json!([ERROR_URN]));
    assert_eq!(response.body["status"], status.to_string());
    assert_eq!(response.body.get("scimType").and_then(Value::as_str), scim_type, "{}", response.body);
    assert!(!response.body["detail"].as_str().expect("a detail").is_empty());
    assert_eq!(response.header("content-type"), Some("application/scim+json"));
}

/// Patches and gives the resource as it is read afterwards, which the answer must be.
async fn patched(relay: &Relay, path: &str, operations: Value) -> Value {
    let response = relay.patch(path, &patch(operations.clone())).await;
    assert_eq!(response.status, 200, "{operations}: {}", response.body);
    let read = relay.get(path).await.body;
    assert_eq!(response.body, read, "{operations}");
    read
}

/// Checks that a PATCH is refused with 400 and that type, names its operation, and leaves the resource as it was.
async fn assert_patch_refused(relay: &Relay, path: &str, operations: Value, scim_type: &str) {
    let before = relay.get(path).await.body;
    let response = relay.patch(path, &patch(operations.clone())).await;
    assert_eq!(response.status, 400, "{operations}: {}", response.body);
    assert_error(&response, 400, Some(scim_type));
    assert_eq!(relay.get(path).await.body, before, "{operations}");
}
