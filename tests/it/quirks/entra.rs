//! What Microsoft Entra ID sends, without and with its `aadOptscim062020` flag, in its own dialect and in the one that
//! guesses.

mod doors;
mod groups;
mod life_cycle;
mod matching;
mod patches;
mod roles_and_manager;
mod users;

use serde_json::{Value, json};

use crate::{
    bodies::{ENTERPRISE_URN, GROUP_URN, USER_URN, created},
    relay::Relay,
};

/// What Entra lists in the `schemas` of groups: it is a URL, and nobody declares it.
const ADSCIM_GROUP: &str = "http://schemas.microsoft.com/2006/11/ResourceManagement/ADSCIM/2.0/Group";

/// A user as Entra's default mappings create one.
fn jane() -> Value {
    json!({
        "schemas": [USER_URN, ENTERPRISE_URN],
        "externalId": "0a21f0f2-8d2a-4f8e-bf98-7363c4aed4ef",
        "userName": "jane.doe@acme.example",
        "active": true,
        "displayName": "Jane Doe",
        "title": "Engineer",
        "emails": [{ "primary": true, "type": "work", "value": "jane.doe@acme.example" }],
        "phoneNumbers": [{ "type": "mobile", "value": "+1 425 555 0100" }],
        "addresses": [{ "type": "work", "formatted": "18/2111", "locality": "Redmond", "primary": false }],
        "meta": { "resourceType": "User" },
        "name": { "formatted": "Jane Doe", "familyName": "Doe", "givenName": "Jane" },
        "roles": [],
        ENTERPRISE_URN: { "employeeNumber": "1234", "department": "R&D" },
    })
}

/// A user of whom Entra knows a name alone.
fn bare(user_name: &str) -> Value {
    json!({
        "schemas": [USER_URN, ENTERPRISE_URN],
        "externalId": user_name,
        "userName": user_name,
        "active": true,
        "meta": { "resourceType": "User" },
        "roles": [],
    })
}

/// A group as Entra creates it: empty, members follow.
fn engineering() -> Value {
    json!({
        "schemas": [GROUP_URN, ADSCIM_GROUP],
        "externalId": "60f1bb27-2e1e-402d-bcc4-ec999564a194",
        "displayName": "Engineering",
        "meta": { "resourceType": "Group" },
    })
}

/// Creates users of those names and gives their ids.
async fn people<const COUNT: usize>(relay: &Relay, names: [&str; COUNT]) -> [String; COUNT] {
    let mut ids = [const { String::new() }; COUNT];
    for (id, name) in ids.iter_mut().zip(names) {
        *id = crate::bodies::id(&created(relay, "/Users", &bare(name)).await).to_owned();
    }
    ids
}
