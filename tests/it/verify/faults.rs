//! What servers of the field do wrong, each as a change of what the relay does right, and who finds it.

use std::sync::atomic::{AtomicU32, Ordering};

use http::{HeaderValue, header};
use scim_relay::verify::As;
use serde_json::{Value, json};

use super::proxy::{Answered, Asked};

/// A fault: how requests are changed, or answered in place of the relay, and how its answers are.
pub(crate) struct Fault {
    pub(crate) name: &'static str,
    pub(crate) who: As,
    pub(crate) dialect: &'static str,
    pub(crate) before: fn(&mut Asked) -> Option<Answered>,
    pub(crate) after: fn(&Asked, &mut Answered),
    /// The checks that fail, in their order.
    pub(crate) fails: &'static [&'static str],
}

const fn as_asked(_: &mut Asked) -> Option<Answered> {
    None
}

const fn as_answered(_: &Asked, _: &mut Answered) {}

/// A fault of answers.
const fn answers(
    name: &'static str,
    who: As,
    after: fn(&Asked, &mut Answered),
    fails: &'static [&'static str],
) -> Fault {
    Fault { name, who, dialect: dialect(who), before: as_asked, after, fails }
}

/// A fault of how requests are understood.
const fn requests(
    name: &'static str,
    who: As,
    before: fn(&mut Asked) -> Option<Answered>,
    fails: &'static [&'static str],
) -> Fault {
    Fault { name, who, dialect: dialect(who), before, after: as_answered, fails }
}

/// A server that speaks another dialect than the client.
const fn speaks(name: &'static str, who: As, dialect: &'static str, fails: &'static [&'static str]) -> Fault {
    Fault { name, who, dialect, before: as_asked, after: as_answered, fails }
}

const fn dialect(who: As) -> &'static str {
    match who {
        As::Okta | As::OktaAiw => "okta",
        As::Entra | As::EntraFlagged => "entra",
        As::Rfc => "rfc",
    }
}

fn is_list(body: &Value) -> bool {
    body.get("Resources").is_some()
}

/// Edits each operation of a PATCH.
fn operations(asked: &mut Asked, edit: impl FnMut(&mut Value)) {
    if asked.method == "PATCH" {
        asked.edit(|body| {
            if let Some(operations) = body.get_mut("Operations").and_then(Value::as_array_mut) {
                operations.iter_mut().for_each(edit);
            }
        });
    }
}

/// The operations of a PATCH.
fn asks(asked: &Asked) -> Vec<Value> {
    match asked.method.as_str() {
        "PATCH" => asked.json()["Operations"].as_array().cloned().unwrap_or_default(),
        _ => Vec::new(),
    }
}

fn op_is(operation: &Value, op: &str) -> bool {
    operation["op"].as_str().is_some_and(|found| found.eq_ignore_ascii_case(op))
}

/// Booleans as text, one level into lists.
fn booleans_as_text(resource: &mut Value) {
    if let Some(active) = resource["active"].as_bool() {
        resource["active"] = json!(if active { "True" } else { "False" });
    }
}

static CLOCK: AtomicU32 = AtomicU32::new(0);

pub(crate) static FAULTS: &[Fault] = &[
    answers(
        "no match is 404",
        As::Entra,
        |asked, answered| {
            if asked.parameter("filter").is_some() && answered.json()["totalResults"] == 0 {
                *answered = Answered::error(404);
            }
        },
        &[
            "connection-probe",
            "match-none",
            "match-manager",
            "patch-user-name",
            "delete-user",
            "group-match",
            "group-member-query",
        ],
    ),
    answers(
        "no match has Resources null",
        As::Okta,
        |_, answered| {
            answered.edit(|body| {
                if body["Resources"] == json!([]) {
                    body["Resources"] = Value::Null;
                }
            });
        },
        &["connection-test", "match-none", "group-match", "page-past-end"],
    ),
    requests(
        "the filter is ignored",
        As::Entra,
        |asked| {
            asked.without("filter");
            None
        },
        &[
            "match-none",
            "match-user-name",
            "match-case",
            "match-plus",
            "match-unquoted",
            "match-external-id",
            "match-work-mail",
            "match-employee-number",
            "match-manager",
            "patch-user-name",
            "deactivated-found",
            "delete-user",
            "group-match",
            "group-external-id",
            "group-without-members",
            "group-member-query",
            "attributes",
        ],
    ),
    answers(
        "userName is compared with case",
        As::OktaAiw,
        |asked, answered| {
            let Some(filter) = asked.parameter("filter") else { return };
            let mut body = answered.json();
            let differs = |user: &Value| user["userName"].as_str().is_some_and(|name| !filter.contains(name));
            if filter.starts_with("userName eq")
                && body["Resources"].as_array().is_some_and(|all| all.iter().any(differs))
            {
                body["Resources"] = json!([]);
                body["totalResults"] = json!(0);
                body["itemsPerPage"] = json!(0);
                answered.body = body.to_string().into();
            }
        },
        &["match-case"],
    ),
    requests(
        "a plus is a plus",
        As::Entra,
        |asked| {
            asked.path = asked.path.replace('+', "%2B");
            None
        },
        &["connection-probe", "match-plus"],
    ),
    requests(
        "an operand needs quotes",
        As::EntraFlagged,
        |asked| asked.parameter("filter").filter(|filter| !filter.contains('"')).map(|_| Answered::error(400)),
        &["match-unquoted"],
    ),
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
        "an id in the value is refused",
        As::Okta,
        |asked| {
            asks(asked).iter().any(|operation| operation["value"].get("id").is_some()).then(|| Answered::error(400))
        },
        &["group-rename"],
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
        "a page has 50 at most",
        As::Okta,
        |asked| {
            asked.path = asked.path.replace("count=100", "count=50");
            None
        },
        &["page-hundred"],
    ),
    requests(
        "count is ignored",
        As::EntraFlagged,
        |asked| {
            asked.without("count");
            None
        },
        &["page-one", "page-walk"],
    ),
    requests(
        "startIndex is ignored",
        As::Entra,
        |asked| {
            asked.without("startIndex");
            None
        },
        &["page-past-end", "page-walk"],
    ),
    answers(
        "totalResults is the size of the page",
        As::OktaAiw,
        |_, answered| {
            answered.edit(|body| {
                if let Some(length) = body["Resources"].as_array().map(Vec::len) {
                    body["totalResults"] = json!(length);
                }
            });
        },
        &["page-total"],
    ),
    answers(
        "numbers of lists are text",
        As::Okta,
        |_, answered| {
            answered.edit(|body| {
                for name in ["totalResults", "startIndex", "itemsPerPage"] {
                    if is_list(body) {
                        body[name] = json!(body[name].to_string());
                    }
                }
            });
        },
        &[
            "connection-test",
            "match-none",
            "match-user-name",
            "group-match",
            "page-past-end",
            "page-one",
            "page-hundred",
            "page-walk",
            "page-total",
        ],
    ),
    Fault {
        name: "itemsPerPage is what was asked",
        who: As::Entra,
        dialect: "entra",
        before: as_asked,
        after: |asked, answered| {
            let Some(count) = asked.parameter("count").and_then(|count| count.parse::<u32>().ok()) else { return };
            answered.edit(|body| body["itemsPerPage"] = json!(count));
        },
        fails: &["page-past-end"],
    },
    answers(
        "a list is a bare array",
        As::Entra,
        |_, answered| {
            answered.edit(|body| {
                if is_list(body) {
                    *body = body["Resources"].take();
                }
            });
        },
        &[
            "connection-probe",
            "match-none",
            "match-user-name",
            "match-case",
            "match-plus",
            "match-unquoted",
            "match-external-id",
            "match-work-mail",
            "match-employee-number",
            "match-manager",
            "patch-user-name",
            "deactivated-found",
            "delete-user",
            "group-match",
            "group-external-id",
            "group-without-members",
            "group-member-query",
            "page-past-end",
            "page-one",
            "page-walk",
            "page-total",
            "attributes",
            "schemas",
            "schemas-names",
            "schemas-derivable",
        ],
    ),
    answers(
        "there is no WWW-Authenticate",
        As::Okta,
        |_, answered| _ = answered.headers.remove(header::WWW_AUTHENTICATE),
        &["error-www-authenticate"],
    ),
    answers(
        "errors are HTML",
        As::OktaAiw,
        |_, answered| {
            if answered.status >= 400 {
                answered.headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html"));
                answered.body = "<html>no</html>".into();
            }
        },
        &[
            "create-duplicate",
            "put-unknown-id",
            "group-delete",
            "error-unauthorized",
            "error-unknown-id",
            "error-unknown-route",
            "error-malformed",
            "content-type",
        ],
    ),
    answers(
        "the status of errors is a number",
        As::Entra,
        |_, answered| {
            let status = answered.status;
            if status >= 400 {
                answered.edit(|body| body["status"] = json!(status));
            }
        },
        &["error-status-text"],
    ),
    requests(
        "malformed JSON is 500",
        As::EntraFlagged,
        |asked| (asked.method == "POST" && asked.json().is_null()).then(|| Answered::error(500)),
        &["error-malformed"],
    ),
    requests(
        "a GET with a Content-Type is 415",
        As::Okta,
        |asked| {
            (asked.method == "GET" && asked.headers.contains_key(header::CONTENT_TYPE)).then(|| Answered::error(415))
        },
        &["get-content-type"],
    ),
    requests(
        "application/json is 415",
        As::Rfc,
        |asked| {
            let is_json = asked.headers.get(header::CONTENT_TYPE).is_some_and(|value| value == "application/json");
            is_json.then(|| Answered::error(415))
        },
        &["create-json"],
    ),
    answers(
        "schemas have null",
        As::Entra,
        |asked, answered| {
            if asked.path == "/Schemas" {
                answered.each(|schema| schema["attributes"][0]["canonicalValues"] = Value::Null);
            }
        },
        &["schemas"],
    ),
    answers(
        "schemas have no canonical values",
        As::EntraFlagged,
        |asked, answered| {
            if asked.path == "/Schemas" {
                let text = answered.json().to_string().replace("\"canonicalValues\"", "\"values\"");
                answered.body = text.into();
            }
        },
        &["schemas-derivable"],
    ),
    answers(
        "attributes are PascalCase in schemas",
        As::Rfc,
        |asked, answered| {
            if asked.path == "/Schemas" {
                let text = answered.json().to_string().replace("\"userName\"", "\"UserName\"");
                answered.body = text.into();
            }
        },
        &["schemas-names"],
    ),
    answers(
        "the configuration is a list",
        As::Rfc,
        |asked, answered| {
            if asked.path == "/ServiceProviderConfig" {
                answered.edit(|body| *body = json!({ "Resources": [body.take()], "totalResults": 1 }));
            }
        },
        &["service-provider-config"],
    ),
    requests(
        "attributes is ignored",
        As::Rfc,
        |asked| {
            asked.without("attributes");
            None
        },
        &["attributes", "attributes-of-writes"],
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
        "If-Match is ignored",
        As::Rfc,
        |asked| {
            asked.headers.remove(header::IF_MATCH);
            None
        },
        &["etag"],
    ),
    requests(
        "a filter that is not understood is ignored",
        As::Rfc,
        |asked| {
            if asked.parameter("filter").is_some_and(|filter| filter.contains("regex") || filter.contains("gt true")) {
                asked.without("filter");
            }
            None
        },
        &["filter-unknown-operator", "filter-order-boolean"],
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
        "lastModified is the time of the answer",
        As::Rfc,
        |_, answered| {
            answered.each(|resource| {
                if resource["meta"].get("lastModified").is_some() {
                    let second = CLOCK.fetch_add(1, Ordering::Relaxed) % 60;
                    resource["meta"]["lastModified"] = json!(format!("2026-11-24T09:00:{second:02}Z"));
                }
            });
        },
        &["rfc-patch-add"],
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
    speaks(
        "a server of the RFC alone, for Entra",
        As::Entra,
        "rfc",
        &[
            "match-manager",
            "create-boolean-text",
            "create-manager-text",
            "patch-value-path-add",
            "patch-value-path-replace",
            "patch-manager",
            "patch-roles",
            "deactivate",
            "deactivated-found",
            "reactivate",
            "group-duplicate",
        ],
    ),
    speaks(
        "a server of the RFC alone, for Entra with its flag",
        As::EntraFlagged,
        "rfc",
        &[
            "match-manager",
            "create-boolean-text",
            "create-manager-text",
            "patch-path-less",
            "patch-value-path-add",
            "patch-value-path-replace",
            "patch-keys",
            "patch-manager",
            "group-duplicate",
        ],
    ),
    speaks("a server that makes what a value path does not find", As::Rfc, "entra", &["rfc-patch-no-target"]),
];
