//! The same intentions in each client's words.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Map, Value, json};

use super::As;

pub(super) const PATCH_URN: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";
pub(super) const LIST_URN: &str = "urn:ietf:params:scim:api:messages:2.0:ListResponse";
pub(super) const USER_URN: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
pub(super) const GROUP_URN: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";
pub(super) const ENTERPRISE_URN: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
/// Not declared by anybody, and sent with every group.
const ENTRA_GROUP_URN: &str = "http://schemas.microsoft.com/2006/11/ResourceManagement/ADSCIM/2.0/Group";

/// Left as they are in a query: unreserved characters (RFC 3986 §2.3).
const QUERY: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// A value in a query.
pub(super) fn encoded(text: &str) -> String {
    utf8_percent_encode(text, QUERY).to_string()
}

/// A list's path with a filter.
pub(super) fn filtered(endpoint: &str, filter: &str) -> String {
    format!("{endpoint}?filter={}", encoded(filter))
}

/// A user as the client creates it.
pub(super) fn user(who: As, user_name: &str, external_id: &str) -> Value {
    let mut user = json!({
        "schemas": [USER_URN],
        "userName": user_name,
        "externalId": external_id,
        "name": { "givenName": "Vera", "familyName": "Fied" },
        "displayName": "Vera Fied",
        "emails": [{ "primary": true, "value": user_name, "type": "work" }],
        "active": true,
    });
    match who {
        As::Okta | As::OktaAiw => {
            user["locale"] = json!("en-US");
            user["groups"] = json!([]);
            user["password"] = json!("1mz050nq-Verify");
        }
        As::Entra | As::EntraFlagged => {
            user["schemas"] = json!([USER_URN, ENTERPRISE_URN]);
            user["meta"] = json!({ "resourceType": "User" });
            user["roles"] = json!([]);
            user[ENTERPRISE_URN] = json!({ "department": "R&D" });
        }
        As::Rfc => {}
    }
    user
}

/// A group as the client creates it. Entra's groups come without members.
pub(super) fn group(who: As, display_name: &str, external_id: &str) -> Value {
    match who {
        As::Okta | As::OktaAiw => json!({ "schemas": [GROUP_URN], "displayName": display_name, "members": [] }),
        As::Entra | As::EntraFlagged => json!({
            "schemas": [GROUP_URN, ENTRA_GROUP_URN],
            "externalId": external_id,
            "displayName": display_name,
            "meta": { "resourceType": "Group" },
        }),
        As::Rfc => json!({ "schemas": [GROUP_URN], "externalId": external_id, "displayName": display_name }),
    }
}

/// The operations that set attributes, each by its path.
pub(super) fn set(who: As, changes: &[(&str, Value)]) -> Value {
    match who {
        // Without the flag booleans are text, and each attribute has an operation.
        As::Entra => changes
            .iter()
            .map(|(path, value)| match value {
                Value::Bool(true) => json!({ "op": "Replace", "path": path, "value": "True" }),
                Value::Bool(false) => json!({ "op": "Replace", "path": path, "value": "False" }),
                value => json!({ "op": "Replace", "path": path, "value": value }),
            })
            .collect(),
        As::Rfc => {
            changes.iter().map(|(path, value)| json!({ "op": "replace", "path": path, "value": value })).collect()
        }
        As::Okta | As::OktaAiw | As::EntraFlagged => {
            let value: Map<_, _> = changes.iter().map(|(path, value)| ((*path).to_owned(), value.clone())).collect();
            json!([{ "op": "replace", "value": value }])
        }
    }
}

/// The operations that add a member.
pub(super) fn add_member(who: As, member: &str) -> Value {
    match who {
        As::Entra => json!([{ "op": "Add", "path": "members", "value": [{ "$ref": null, "value": member }] }]),
        As::Okta | As::OktaAiw => {
            json!([{ "op": "add", "path": "members", "value": [{ "value": member, "display": "Vera Fied" }] }])
        }
        As::EntraFlagged | As::Rfc => json!([{ "op": "add", "path": "members", "value": [{ "value": member }] }]),
    }
}

/// The operations that remove a member.
pub(super) fn remove_member(who: As, member: &str) -> Value {
    match who {
        As::Entra => json!([{ "op": "Remove", "path": "members", "value": [{ "$ref": null, "value": member }] }]),
        As::Okta | As::OktaAiw | As::EntraFlagged | As::Rfc => {
            json!([{ "op": "remove", "path": format!("members[value eq \"{member}\"]") }])
        }
    }
}

/// A PATCH body.
pub(super) fn patch(operations: Value) -> Value {
    json!({ "schemas": [PATCH_URN], "Operations": operations })
}
