//! Faults of creating, changing and removing users.

use std::sync::atomic::Ordering;

use http::header;
use scim_relay::verify::As;
use serde_json::{Value, json};

use super::{CLOCK, Fault, answers, as_asked, asks, booleans_as_text, op_is, operations, requests};
use crate::verify::proxy::Answered;

pub(super) static FAULTS: &[Fault] = &[
    answers(
        "booleans are text",
        As::Entra,
        |_, answered| answered.each(booleans_as_text),
        &["match-user-name", "create-answer", "create-boolean-text", "deactivate", "reactivate"],
    ),
    answers(
        "a POST is 200 with an empty body",
        As::Okta,
        |asked, answered| {
            if asked.method == "POST" && answered.status == 201 {
                (answered.status, answered.body) = (200, "".into());
            }
        },
        &["create-answer", "create-json", "create-password", "create-read-only", "create-verbatim", "group-create"],
    ),
    answers(
        "there is no Location",
        As::Entra,
        |_, answered| _ = answered.headers.remove(header::LOCATION),
        &["create-location"],
    ),
    answers(
        "a duplicate is 500",
        As::Okta,
        |_, answered| {
            if answered.status == 409 {
                *answered = Answered::error(500);
            }
        },
        &["create-duplicate"],
    ),
    answers(
        "a duplicate has no scimType",
        As::Rfc,
        |_, answered| {
            if answered.status == 409 {
                *answered = Answered::error(409);
            }
        },
        &["create-duplicate"],
    ),
    Fault {
        name: "the password is returned",
        who: As::OktaAiw,
        dialect: "okta",
        before: as_asked,
        after: |asked, answered| {
            let password = asked.json()["password"].clone();
            if asked.method == "POST" && password.is_string() {
                answered.each(|user| user["password"] = password.clone());
            }
        },
        fails: &["create-password"],
    },
    requests(
        "meta in a body is refused",
        As::OktaAiw,
        |asked| (asked.method != "GET" && asked.json().get("meta").is_some()).then(|| Answered::error(400)),
        &[
            "create-read-only",
            "put-echo",
            "put-stale-formatted",
            "put-unknown-attribute",
            "put-empty-text",
            "deactivate",
            "deactivated-found",
            "reactivate",
            "group-add-member",
        ],
    ),
    answers(
        "userName is returned in lower case",
        As::Entra,
        |_, answered| {
            answered.each(|user| {
                if let Some(name) = user["userName"].as_str() {
                    user["userName"] = json!(name.to_lowercase());
                }
            });
        },
        &["create-verbatim"],
    ),
    answers(
        "a manager is bare text",
        As::Entra,
        |_, answered| {
            answered.each(|user| {
                if let Some(manager) =
                    user.pointer_mut("/urn:ietf:params:scim:schemas:extension:enterprise:2.0:User/manager")
                {
                    *manager = manager["value"].take();
                }
            });
        },
        &["create-manager-text", "patch-manager"],
    ),
    requests(
        "an operation without path is refused",
        As::Okta,
        |asked| asks(asked).iter().any(|operation| operation.get("path").is_none()).then(|| Answered::error(400)),
        &[
            "patch-path-less",
            "patch-password",
            "patch-user-name",
            "deactivate",
            "deactivated-found",
            "reactivate",
            "group-push-path-less",
            "group-rename",
        ],
    ),
    requests(
        "op is compared with case",
        As::Entra,
        |asked| {
            let is_lower = |operation: &Value| operation["op"].as_str().is_some_and(|op| op == op.to_lowercase());
            (!asks(asked).iter().all(is_lower)).then(|| Answered::error(400))
        },
        &[
            "patch-capitalised",
            "patch-value-path",
            "patch-value-path-add",
            "patch-value-path-replace",
            "patch-names-case",
            "patch-extension",
            "patch-manager",
            "patch-manager-clear",
            "patch-clear-empty",
            "patch-clear-null",
            "patch-several",
            "patch-roles",
            "deactivate",
            "deactivated-found",
            "reactivate",
            "group-add-member",
            "group-external-id",
        ],
    ),
    answers(
        "the extension's URN is not in schemas",
        As::EntraFlagged,
        |_, answered| {
            answered.each(|resource| {
                if let Some(schemas) = resource.get_mut("schemas").and_then(Value::as_array_mut) {
                    schemas.retain(|urn| !urn.as_str().is_some_and(|urn| urn.contains(":extension:")));
                }
            });
        },
        &["patch-extension"],
    ),
    answers(
        "inactive users are hidden",
        As::OktaAiw,
        |asked, answered| {
            if asked.method != "GET" {
                return;
            }
            if answered.json()["active"] == false {
                *answered = Answered::error(404);
            }
            answered.edit(|body| {
                if let Some(resources) = body.get_mut("Resources").and_then(Value::as_array_mut) {
                    resources.retain(|user| user["active"] != false);
                    let length = resources.len();
                    body["itemsPerPage"] = json!(length);
                }
            });
        },
        &["deactivate", "deactivated-found", "reactivate", "page-hundred"],
    ),
    answers(
        "a deactivation is not applied",
        As::Entra,
        |_, answered| {
            answered.each(|user| {
                if user.get("active").is_some() {
                    user["active"] = json!(true);
                }
            });
        },
        &["deactivate"],
    ),
    answers(
        "a second DELETE is 204",
        As::Entra,
        |asked, answered| {
            if asked.method == "DELETE" && answered.status == 404 {
                *answered = Answered { status: 204, ..Answered::default() };
            }
        },
        &["delete-again", "group-delete"],
    ),
    requests(
        "PUT creates",
        As::Rfc,
        |asked| {
            if asked.is("PUT", "/Users/00919288221112222") {
                asked.method = "POST".to_owned();
                asked.path = "/Users".to_owned();
            }
            None
        },
        &["put-unknown-id"],
    ),
    answers(
        "a PATCH that failed is 204",
        As::Rfc,
        |asked, answered| {
            if asked.method == "PATCH" && answered.status == 400 {
                *answered = Answered { status: 204, ..Answered::default() };
            }
        },
        &[
            "rfc-patch-atomic",
            "rfc-patch-not-understood",
            "rfc-patch-remove-nothing",
            "rfc-patch-remove-required",
            "rfc-patch-read-only",
            "rfc-patch-no-target",
        ],
    ),
    requests(
        "a removal that is filtered removes all",
        As::Rfc,
        |asked| {
            operations(asked, |operation| {
                if let Some((attribute, _)) = operation["path"].as_str().and_then(|path| path.split_once('['))
                    && op_is(operation, "remove")
                {
                    operation["path"] = json!(attribute.to_owned());
                }
            });
            None
        },
        &["rfc-patch-remove", "group-remove-member", "group-remove-nobody", "group-remove-then-add"],
    ),
    requests(
        "null is refused",
        As::Entra,
        |asked| (asked.json().get("title") == Some(&Value::Null)).then(|| Answered::error(400)),
        &["create-null"],
    ),
    requests(
        "an unknown attribute is refused",
        As::OktaAiw,
        |asked| asked.json().get("verifyUnknown").is_some().then(|| Answered::error(400)),
        &["put-unknown-attribute"],
    ),
    requests(
        "empty text is refused",
        As::OktaAiw,
        |asked| (asked.json()["name"]["middleName"] == "").then(|| Answered::error(400)),
        &["put-empty-text"],
    ),
    requests(
        "a part of a name that is replaced clears the others",
        As::Okta,
        |asked| {
            operations(asked, |operation| {
                if operation["value"].get("name").is_some() {
                    operation["value"]["name"]["givenName"] = Value::Null;
                }
            });
            None
        },
        &["patch-path-less"],
    ),
    requests(
        "a name is made up where there is none",
        As::Rfc,
        |asked| {
            if asked.json().get("userName") == Some(&Value::Null) {
                let name = format!("made-up-{}", CLOCK.fetch_add(1, Ordering::Relaxed));
                asked.edit(|user| user["userName"] = json!(name));
            }
            None
        },
        &["create-user-name-required", "put-user-name-required"],
    ),
    requests(
        "operations are applied from the last to the first",
        As::Rfc,
        |asked| {
            if asked.method == "PATCH" {
                asked.edit(|body| {
                    if let Some(operations) = body.get_mut("Operations").and_then(Value::as_array_mut) {
                        operations.reverse();
                    }
                });
            }
            None
        },
        &["rfc-patch-order", "group-remove-then-add"],
    ),
    answers(
        "every address is the primary one",
        As::Rfc,
        |_, answered| {
            answered.each(|user| {
                if let Some(emails) = user.get_mut("emails").and_then(Value::as_array_mut) {
                    emails.iter_mut().for_each(|email| email["primary"] = json!(true));
                }
            });
        },
        &["rfc-patch-primary"],
    ),
    requests(
        "a replace of a complex attribute clears what it does not name",
        As::Rfc,
        |asked| {
            operations(asked, |operation| {
                if operation["path"] == "name" {
                    operation["value"]["givenName"] = Value::Null;
                }
            });
            None
        },
        &["rfc-patch-replace"],
    ),
    requests(
        "a path with the core schema's URN is refused",
        As::Rfc,
        |asked| {
            let has_urn = |operation: &Value| operation["path"].as_str().is_some_and(|path| path.starts_with("URN:"));
            asks(asked).iter().any(has_urn).then(|| Answered::error(400))
        },
        &["rfc-patch-names"],
    ),
    requests(
        "a PUT of null keeps the value",
        As::Rfc,
        |asked| {
            if asked.method == "PUT" && asked.json().get("title") == Some(&Value::Null) {
                asked.edit(|user| user["title"] = json!("Old"));
            }
            None
        },
        &["put-clears"],
    ),
    requests(
        "two primary addresses are kept",
        As::Rfc,
        |asked| {
            let mut user = asked.json();
            let emails = user["emails"].as_array().map(Vec::as_slice).unwrap_or_default();
            let primary = emails.iter().filter(|email| email["primary"] == true).count();
            (primary > 1).then(|| {
                user["id"] = json!("kept");
                Answered { status: 201, body: user.to_string().into(), ..Answered::default() }
            })
        },
        &["create-one-primary"],
    ),
];
