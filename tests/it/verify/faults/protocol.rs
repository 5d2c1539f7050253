//! Faults of errors, discovery, projection and versions; and whole dialects that are not the client's.

use std::sync::atomic::Ordering;

use http::{HeaderValue, header};
use scim_relay::verify::As;
use serde_json::{Value, json};

use super::{CLOCK, Fault, answers, requests, speaks};
use crate::verify::proxy::Answered;

pub(super) static FAULTS: &[Fault] = &[
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
        "If-Match is ignored",
        As::Rfc,
        |asked| {
            asked.headers.remove(header::IF_MATCH);
            None
        },
        &["etag"],
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
    requests(
        "there is no .search",
        As::Rfc,
        |asked| asked.path.contains("/.search").then(|| Answered::error(404)),
        &["search"],
    ),
    answers(
        "resource types are a bare array",
        As::Rfc,
        |asked, answered| {
            if asked.path == "/ResourceTypes" {
                answered.edit(|body| *body = body["Resources"].take());
            }
        },
        &["resource-types"],
    ),
    answers(
        "answers are text",
        As::Okta,
        |_, answered| _ = answered.headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain")),
        &["content-type"],
    ),
    answers(
        "schemas have those of messages",
        As::Rfc,
        |asked, answered| {
            if asked.path == "/Schemas" {
                answered.edit(|body| {
                    if let Some(schemas) = body.get_mut("Resources").and_then(Value::as_array_mut) {
                        schemas.push(json!({ "id": "urn:ietf:params:scim:api:messages:2.0:Error" }));
                    }
                });
            }
        },
        &["schemas-messages"],
    ),
];
