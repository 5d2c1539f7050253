//! Faults of groups and members.

use scim_relay::verify::As;
use serde_json::{Value, json};

use super::{Fault, answers, asks, op_is, operations, requests};
use crate::verify::proxy::Answered;

pub(super) static FAULTS: &[Fault] = &[
    requests(
        "an id in the value is refused",
        As::Okta,
        |asked| {
            asks(asked).iter().any(|operation| operation["value"].get("id").is_some()).then(|| Answered::error(400))
        },
        &["group-rename"],
    ),
    requests(
        "a list of members to remove removes all",
        As::Entra,
        |asked| {
            operations(asked, |operation| {
                if op_is(operation, "remove") && operation["path"] == "members" {
                    *operation = json!({ "op": "replace", "path": "members", "value": [] });
                }
            });
            None
        },
        &["group-remove-member", "group-remove-nobody", "group-remove-then-add"],
    ),
    requests(
        "a filtered removal of members removes all",
        As::Okta,
        |asked| {
            operations(asked, |operation| {
                if operation["path"].as_str().is_some_and(|path| path.starts_with("members[")) {
                    *operation = json!({ "op": "replace", "path": "members", "value": [] });
                }
            });
            None
        },
        &["group-remove-member", "group-remove-nobody", "group-remove-then-add"],
    ),
    requests(
        "a rename drops the members",
        As::Okta,
        |asked| {
            if asked.is("PATCH", "/Groups") {
                operations(asked, |operation| {
                    if operation["value"].get("displayName").is_some() {
                        operation["value"]["members"] = json!([]);
                    }
                });
            }
            None
        },
        &["group-rename"],
    ),
    requests(
        "a replace of members adds",
        As::Okta,
        |asked| {
            operations(asked, |operation| {
                if operation["path"] == "members" {
                    operation["op"] = json!("add");
                }
            });
            None
        },
        &["group-push"],
    ),
    requests(
        "an add of members replaces",
        As::EntraFlagged,
        |asked| {
            operations(asked, |operation| {
                if operation["path"] == "members" {
                    operation["op"] = json!("replace");
                }
            });
            None
        },
        &["group-add-member", "group-remove-member", "group-remove-then-add", "group-push"],
    ),
    requests(
        "only the first operation is applied",
        As::EntraFlagged,
        |asked| {
            if asked.method == "PATCH" {
                asked.edit(|body| {
                    if let Some(operations) = body.get_mut("Operations").and_then(Value::as_array_mut) {
                        operations.truncate(1);
                    }
                });
            }
            None
        },
        &[
            "patch-value-path-add",
            "patch-value-path-replace",
            "patch-clear-empty",
            "patch-clear-null",
            "patch-several",
            "group-remove-then-add",
        ],
    ),
    requests(
        "excludedAttributes is ignored",
        As::Entra,
        |asked| {
            asked.without("excludedAttributes");
            None
        },
        &["group-without-members"],
    ),
    requests(
        "excludedAttributes is ignored, for a client by the RFC",
        As::Rfc,
        |asked| {
            asked.without("excludedAttributes");
            None
        },
        &["group-without-members", "excluded-attributes"],
    ),
    answers(
        "a user's groups are not shown",
        As::Rfc,
        |_, answered| {
            answered.each(|user| {
                if let Some(user) = user.as_object_mut() {
                    user.remove("groups");
                }
            });
        },
        &["group-of-user"],
    ),
];
