//! The lists by which Microsoft checks a service provider, each check a test named by its number: its classic validator
//! (`u`, `g`, and `p` for preview), those checks of its gallery's validation that are plain requests (`gallery`), and its
//! collection of requests (`postman`). What is asserted is the RFC's form, not all that those tools let pass.

mod gallery;
mod groups;
mod postman;
mod users;

use serde_json::{Value, json};

use crate::bodies::{ENTERPRISE_URN, GROUP_URN, USER_URN};

/// A user with the elements that the validator updates.
fn full_user(user_name: &str) -> Value {
    json!({
        "schemas": [USER_URN, ENTERPRISE_URN],
        "userName": user_name,
        "externalId": format!("external-{user_name}"),
        "active": true,
        "displayName": "Display",
        "title": "Title",
        "name": { "givenName": "Given", "familyName": "Family" },
        "emails": [{ "type": "work", "primary": true, "value": "old@acme.example" }],
        "phoneNumbers": [{ "type": "mobile", "value": "1-111-111-1111" }],
        "addresses": [{ "type": "work", "streetAddress": "Old Street 1", "locality": "Oldtown" }],
        ENTERPRISE_URN: { "department": "Old", "employeeNumber": "1" },
    })
}

fn group(display_name: &str) -> Value {
    json!({ "schemas": [GROUP_URN], "displayName": display_name, "externalId": format!("External-{display_name}") })
}

/// Paths, new values, and where the values are read afterwards.
fn verbose_updates() -> Vec<(String, &'static str, String)> {
    let pointer = |name: &str| format!("/{ENTERPRISE_URN}/{name}");
    let of_extension = |name: &str| format!("{ENTERPRISE_URN}:{name}");
    vec![
        ("displayName".into(), "New Display", "/displayName".into()),
        ("title".into(), "New Title", "/title".into()),
        ("preferredLanguage".into(), "en-GB", "/preferredLanguage".into()),
        ("name.givenName".into(), "Newgiven", "/name/givenName".into()),
        ("name.familyName".into(), "Newfamily", "/name/familyName".into()),
        ("emails[type eq \"work\"].value".into(), "new@acme.example", "/emails/0/value".into()),
        ("phoneNumbers[type eq \"mobile\"].value".into(), "2-222-222-2222", "/phoneNumbers/0/value".into()),
        ("addresses[type eq \"work\"].streetAddress".into(), "New Street 2", "/addresses/0/streetAddress".into()),
        ("addresses[type eq \"work\"].locality".into(), "Newtown", "/addresses/0/locality".into()),
        (of_extension("department"), "New", pointer("department")),
        (of_extension("employeeNumber"), "2", pointer("employeeNumber")),
        (of_extension("costCenter"), "C2", pointer("costCenter")),
    ]
}
