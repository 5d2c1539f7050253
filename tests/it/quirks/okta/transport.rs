//! Connections, media types and credentials.

use serde_json::json;

use super::{HEADERS, jane, okta, relays};
use crate::bodies::{created, id, total};

/// Okta closes a connection after each request, so nothing is counted by connection or address: the next one is
/// accepted like the first, and ours is closed as it asked.
#[tokio::test]
async fn ok_31_a_connection_for_each_request_is_served() {
    for relay in relays().await {
        let user = created(&relay, "/Users", &jane()).await;
        for _ in 0..100 {
            let response = okta(&relay, "GET", &format!("/Users/{}", id(&user)), None).await;
            assert_eq!((response.status, response.header("connection")), (200, Some("close")));
        }
    }
}

#[tokio::test]
async fn ok_32_a_get_may_have_a_content_type() {
    for relay in relays().await {
        for media_type in ["application/scim+json", "application/json; charset=utf-8", "text/plain"] {
            let response =
                relay.send("GET", "/Users?startIndex=1&count=2", &[("content-type", media_type)], None).await;
            assert_eq!((response.status, response.header("content-type")), (200, Some("application/scim+json")));
        }
    }
}

#[tokio::test]
async fn ok_33_a_body_may_be_plain_json() {
    for relay in relays().await {
        for (index, media_type) in [
            "application/json",
            "application/json; charset=utf-8",
            "application/scim+json",
            "application/scim+json; charset=utf-8",
            "Application/SCIM+JSON;charset=UTF-8",
        ]
        .into_iter()
        .enumerate()
        {
            let mut body = jane();
            body["userName"] = format!("user{index}").into();
            let response = relay.send("POST", "/Users", &[("content-type", media_type)], Some(&body)).await;
            assert_eq!((response.status, response.header("content-type")), (201, Some("application/scim+json")));
        }
        assert_eq!(total(&relay.get("/Users").await), 5);
    }
}

#[tokio::test]
async fn ok_34_a_bare_token_is_a_token() {
    for relay in relays().await {
        let key = relay.key_of("acme").await;
        let page = relay.request("GET", "/scim/v2/Users?startIndex=1&count=2", Some(&key), &HEADERS, None).await;
        assert_eq!(total(&page), 0);
        let body = jane().to_string();
        let response = relay.request("POST", "/scim/v2/Users", Some(&key), &HEADERS, Some(body.as_bytes())).await;
        assert_eq!(response.status, 201);
        for wrong in [format!("{key}x"), format!("{key} {key}"), String::new()] {
            let response = relay.request("GET", "/scim/v2/Users", Some(&wrong), &HEADERS, None).await;
            assert_eq!((response.status, &response.body["status"]), (401, &json!("401")));
        }
    }
}

#[tokio::test]
async fn ok_35_a_token_may_be_pasted_with_its_scheme() {
    for relay in relays().await {
        let key = relay.key_of("acme").await;
        for (authorization, status) in [
            (format!("Bearer {key}"), 200),
            (format!("bearer {key}"), 200),
            (format!("Bearer Bearer {key}"), 200),
            (format!("Bearer bearer {key}"), 200),
            (format!("Bearer Bearer Bearer {key}"), 401),
            (format!("Basic {key}"), 401),
            ("Bearer Bearer".to_owned(), 401),
        ] {
            let response = relay.request("GET", "/scim/v2/Users", Some(&authorization), &HEADERS, None).await;
            assert_eq!(response.status, status, "{}", authorization.replace(&key, "KEY"));
        }
    }
}
