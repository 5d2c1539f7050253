//! Faults of filters, lists and pages.

use scim_relay::verify::As;
use serde_json::{Value, json};

use super::{Fault, answers, as_asked, is_list, requests, rewritten};
use crate::verify::proxy::Answered;

pub(super) static FAULTS: &[Fault] = &[
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
        "externalId is compared without case",
        As::Rfc,
        |asked| {
            if asked.parameter("filter").is_some_and(|filter| filter.starts_with("externalId")) {
                asked.path = asked.path.replace("SCIM-RELAY-VERIFY", "scim-relay-verify").to_lowercase();
                asked.path = asked.path.replace("/users", "/Users").replace("/groups", "/Groups");
            }
            None
        },
        &["filter-case-exact"],
    ),
    requests(
        "a startIndex of 0 is refused",
        As::Rfc,
        |asked| asked.path.contains("startIndex=0").then(|| Answered::error(400)),
        &["page-odd-numbers"],
    ),
    requests(
        "sorting is descending",
        As::Rfc,
        |asked| {
            if asked.parameter("sortBy").is_some() {
                asked.path.push_str("&sortOrder=descending");
            }
            None
        },
        &["sort-ascending"],
    ),
    requests(
        "the flag in the URL is refused",
        As::EntraFlagged,
        |asked| asked.path.contains("aadOptscim062020").then(|| Answered::error(400)),
        &["connection-flag"],
    ),
    answers(
        "lists have no schemas",
        As::Rfc,
        |_, answered| {
            answered.edit(|body| {
                if is_list(body) {
                    body["schemas"] = json!([]);
                }
            });
        },
        &["connection-list", "match-none", "group-match", "page-past-end", "search", "schemas", "resource-types"],
    ),
    requests(
        "attribute names are compared with case",
        As::Rfc,
        |asked| rewritten(asked, "TITLE", "nickName"),
        &["filter-names-case"],
    ),
    requests(
        "or binds as and does, from left to right",
        As::Rfc,
        |asked| {
            rewritten(
                asked,
                "title%20eq%20%22Alpha%22%20or%20title%20eq%20%22Beta%22%20and",
                "(title%20eq%20%22Alpha%22%20or%20title%20eq%20%22Beta%22)%20and",
            )
        },
        &["filter-precedence"],
    ),
    requests("gt is ge", As::Rfc, |asked| rewritten(asked, "title%20gt%20", "title%20ge%20"), &["filter-operators"]),
    requests(
        "a bracket matches across elements",
        As::Rfc,
        |asked| {
            rewritten(
                asked,
                "emails%5Btype%20eq%20%22work%22%20and%20value",
                "emails.type%20eq%20%22work%22%20and%20emails%5Bvalue",
            )
        },
        &["filter-one-element"],
    ),
    requests(
        "escapes are not decoded",
        As::Rfc,
        |asked| rewritten(asked, "%5Cu00e9", "%5C%5Cu00e9"),
        &["filter-escapes"],
    ),
    requests(
        "moments are compared as text",
        As::Rfc,
        |asked| rewritten(asked, "%2B12%3A00", "Z"),
        &["filter-date-time"],
    ),
    requests(
        "pr is true of an empty list",
        As::Rfc,
        |asked| rewritten(asked, "phoneNumbers%20pr", "not%20(phoneNumbers%20pr)"),
        &["filter-present"],
    ),
];
