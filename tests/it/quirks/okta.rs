//! What Okta sends: custom apps, which GET, merge and PUT, and apps of its catalogue, which PATCH.

mod errors;
mod groups;
mod life;
mod lists;
mod transport;
mod users;

use serde_json::{Value, json};

use crate::{
    bodies::USER_URN,
    relay::{Relay, Response},
};

/// The headers of Okta's requests.
const HEADERS: [(&str, &str); 5] = [
    ("accept", "application/scim+json"),
    ("accept-charset", "utf-8"),
    ("accept-encoding", "gzip,deflate"),
    ("user-agent", "Okta SCIM Client 1.0.0"),
    ("connection", "close"),
];

async fn relays() -> [Relay; 2] {
    Relay::both("okta", "").await
}

/// A request as Okta makes it.
async fn okta(relay: &Relay, method: &str, path: &str, body: Option<&Value>) -> Response {
    relay.send(method, path, &HEADERS, body).await
}

/// The query that looks for a user, as Okta encodes it.
fn lookup(user_name: &str) -> String {
    let encoded = percent_encoding::utf8_percent_encode(user_name, percent_encoding::NON_ALPHANUMERIC);
    format!("/Users?filter=userName%20eq%20%22{encoded}%22&startIndex=1&count=100")
}

/// The query that looks for a group.
fn group_lookup(display_name: &str) -> String {
    format!("/Groups?filter=displayName%20eq%20%22{display_name}%22&startIndex=1&count=100")
}

/// What Okta creates a user with.
fn jane() -> Value {
    json!({
        "schemas": [USER_URN],
        "userName": "jane.doe@acme.example",
        "name": { "givenName": "Jane", "familyName": "Doe" },
        "emails": [{ "primary": true, "value": "jane.doe@acme.example", "type": "work" }],
        "displayName": "Jane Doe",
        "locale": "en-US",
        "externalId": "00ujl29u0le5T6Aj10h7",
        "groups": [],
        "password": "1mz050nq",
        "active": true,
    })
}
