//! Sorted lists (RFC 7644 §3.4.2.3).

use serde_json::{Value, json};

use super::{BOTH, assert_error, relay_with, user_names};
use crate::relay::{Relay, Response};

async fn sorted(relay: &Relay, query: &str) -> Response {
    relay.get(&format!("/Users?{query}")).await
}

#[tokio::test]
async fn e3_22_order_is_ascending_and_follows_type_and_case_exact() {
    let mail = |primary: &str, other: &str| json!([{ "value": other }, { "value": primary, "primary": true }]);
    for dialect in BOTH {
        let relay = relay_with(
            dialect,
            &[
                ("b", json!({ "externalId": "b", "title": "Émile", "active": true, "emails": mail("1@x.example", "9@x.example") })),
                ("C", json!({ "externalId": "C", "title": "emile", "emails": mail("3@x.example", "0@x.example") })),
                ("a", json!({ "externalId": "a", "active": false, "emails": mail("2@x.example", "5@x.example") })),
            ],
        )
        .await;
        for (query, expected) in [
            ("sortBy=userName", ["a", "b", "C"]),
            ("sortBy=USERNAME&sortOrder=ascending", ["a", "b", "C"]),
            ("sortBy=userName&sortOrder=descending", ["C", "b", "a"]),
            // Case exact: upper case comes first.
            ("sortBy=externalId", ["C", "a", "b"]),
            // The primary value, or the first one; who has none comes last, or first when descending.
            ("sortBy=emails", ["b", "a", "C"]),
            ("sortBy=emails.value&sortOrder=Descending", ["C", "a", "b"]),
            ("sortBy=active", ["a", "b", "C"]),
            ("sortBy=active&sortOrder=descending", ["C", "b", "a"]),
            ("sortBy=meta.created", ["b", "C", "a"]),
            ("sortBy=name.familyName", ["b", "C", "a"]),
            ("sortBy=title", ["C", "b", "a"]),
            // Without sortBy the order means nothing.
            ("sortOrder=descending", ["b", "C", "a"]),
        ] {
            assert_eq!(user_names(&sorted(&relay, query).await), expected, "{dialect} {query}");
        }
    }
}

#[tokio::test]
async fn pages_of_a_sorted_list_do_not_overlap() {
    let users: Vec<(String, Value)> =
        (0..7).map(|index| (format!("u{index}"), json!({ "title": if index % 2 == 0 { "x" } else { "y" } }))).collect();
    let users: Vec<(&str, Value)> = users.iter().map(|(name, body)| (name.as_str(), body.clone())).collect();
    let relay = relay_with("rfc", &users).await;
    let mut seen: Vec<String> = Vec::new();
    for start in [1, 4, 7] {
        let page = sorted(&relay, &format!("sortBy=title&count=3&startIndex={start}&filter=userName+pr")).await;
        seen.extend(user_names(&page).into_iter().map(str::to_owned));
    }
    assert_eq!(seen, ["u0", "u2", "u4", "u6", "u1", "u3", "u5"]);
}

#[tokio::test]
async fn what_cannot_be_sorted_by_is_refused() {
    for dialect in BOTH {
        let relay = relay_with(dialect, &[]).await;
        for (query, scim_type) in [
            ("sortBy=nothing", "invalidPath"),
            ("sortBy=name", "invalidPath"),
            ("sortBy=password", "invalidPath"),
            ("sortBy=emails%5Btype+eq+%22work%22%5D.value", "invalidPath"),
            ("sortBy=userName,title", "invalidPath"),
            ("sortBy=userName&sortOrder=up", "invalidValue"),
        ] {
            assert_error(&sorted(&relay, query).await, 400, Some(scim_type));
        }
    }
}
