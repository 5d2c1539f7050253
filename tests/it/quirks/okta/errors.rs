//! What Okta is told when something does not go: it shows an administrator the `detail`, if it can read the body.

use serde_json::json;

use super::{HEADERS, jane, okta, relays};
use crate::{
    bodies::{created, group, id, patch},
    relay::{Relay, Response},
};

fn assert_scim_error(response: &Response, status: u16) {
    assert_eq!(response.status, status, "{}", response.body);
    assert_eq!(response.body["schemas"], json!(["urn:ietf:params:scim:api:messages:2.0:Error"]));
    assert_eq!(response.body["status"], status.to_string());
    assert!(!response.body["detail"].as_str().unwrap().is_empty());
    assert_eq!(response.header("content-type"), Some("application/scim+json"));
}

#[tokio::test]
async fn ok_36_every_error_is_scim_json() {
    for relay in relays().await {
        let user = created(&relay, "/Users", &jane()).await;
        let team = created(&relay, "/Groups", &group("Team", &[])).await;
        let team = format!("/Groups/{}", id(&team));
        for (path, scim_type) in [
            ("nonsense", "invalidPath"),
            ("members[value eq", "invalidPath"),
            ("id", "mutability"),
            ("displayName[value eq \"x\"]", "invalidPath"),
        ] {
            let response =
                okta(&relay, "PATCH", &team, Some(&patch(json!([{ "op": "replace", "path": path, "value": "x" }]))))
                    .await;
            assert_scim_error(&response, 400);
            assert_eq!(response.body["scimType"], scim_type, "{path}");
        }
        for (method, path, body, status) in [
            ("POST", "/Users", Some("{"), 400),
            ("POST", "/Users", Some("<user/>"), 400),
            ("POST", "/Users", Some(""), 400),
            ("GET", "/Users?filter=userName%20is%20%22a%22", None, 400),
            ("GET", "/Nothing/7", None, 404),
            ("DELETE", "/Users", None, 405),
        ] {
            assert_scim_error(&relay.raw(method, path, &HEADERS, body.map(str::as_bytes)).await, status);
        }
        let xml = relay.raw("POST", "/Users", &[("content-type", "text/xml")], Some(b"<user/>")).await;
        assert_scim_error(&xml, 415);
        let duplicate = okta(&relay, "POST", "/Users", Some(&jane())).await;
        assert_scim_error(&duplicate, 409);
        assert!(duplicate.body["detail"].as_str().unwrap().contains("userName"), "{}", duplicate.body);
        assert_eq!(relay.get(&format!("/Users/{}", id(&user))).await.body, user);
    }
}

#[tokio::test]
async fn ok_37_a_401_has_an_error_body_and_a_challenge() {
    for relay in relays().await {
        for authorization in [None, Some(""), Some("Bearer wrong"), Some("wrong"), Some("Basic dTpw")] {
            for path in ["/scim/v2/Users?startIndex=1&count=2", "/scim/v2/Users/7", "/scim/v2/Nothing"] {
                let response = relay.request("GET", path, authorization, &HEADERS, None).await;
                assert_scim_error(&response, 401);
                assert!(response.header("www-authenticate").unwrap().starts_with("Bearer"));
            }
        }
    }
}

#[tokio::test]
async fn ok_38_an_unknown_id_is_a_404_that_says_so() {
    for relay in relays().await {
        let unknown = "0198c0de-0000-7000-8000-000000000001";
        let off = patch(json!([{ "op": "replace", "value": { "active": false } }]));
        for id in [unknown, "010101001010101011001010101011", "not%20an%20id"] {
            let path = format!("/Users/{id}");
            for response in [
                okta(&relay, "GET", &path, None).await,
                okta(&relay, "PATCH", &path, Some(&off)).await,
                okta(&relay, "DELETE", &path, None).await,
            ] {
                assert_scim_error(&response, 404);
                assert!(response.body["detail"].as_str().unwrap().contains("User"), "{}", response.body);
            }
        }
        assert_scim_error(&okta(&relay, "GET", &format!("/Groups/{unknown}"), None).await, 404);
    }
}

/// There is no rate limit, so no 429. Whatever asks to come back later says when in whole seconds, few of them: Okta
/// waits five minutes on a date, and doubles that ten times.
#[tokio::test]
async fn ok_39_retry_after_is_a_small_number_of_seconds() {
    for relay in Relay::both("okta", "[tenants.acme.provisioning]\nenabled = false").await {
        for (method, path, body) in [
            ("GET", "/Users?startIndex=1&count=2", None),
            ("POST", "/Users", Some(jane())),
            ("PATCH", "/Users/7", Some(patch(json!([])))),
            ("PUT", "/Groups/7", Some(group("Team", &[]))),
            ("DELETE", "/Groups/7", None),
            ("GET", "/ServiceProviderConfig", None),
        ] {
            let response = okta(&relay, method, path, body.as_ref()).await;
            assert_scim_error(&response, 503);
            let seconds: u32 = response.header("retry-after").unwrap().parse().unwrap();
            assert!((1..=30).contains(&seconds), "{method} {path}: {seconds}");
        }
    }
}
