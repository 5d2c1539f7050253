//! Routes, authentication and limits.

use http::Request;
use scim_relay::provider::Switches;

use crate::{
    client::{Reply, request, send, send_raw},
    relay::{Relay, tenant},
};

const BASE: &str = "/acme/scim/v2";

async fn get(relay: &Relay, path: &str) -> Reply {
    send(relay.address, request("GET", path, &relay.key).body("").unwrap()).await
}

#[tokio::test]
async fn whoever_has_no_good_key_learns_nothing() {
    let relay = Relay::start().await;
    let strangers = [
        None,
        Some("Bearer srk_0123456789abcdef_0".to_owned()),
        Some("Basic dTpw".to_owned()),
        Some(format!("Bearer {}x", relay.key)),
        Some(format!("Bearer {}", relay.key.split_at(relay.key.len() - 1).0)),
        Some(format!("Bearer {} x", relay.key)),
        Some(format!("Bearer {}", relay.other_key)),
    ];
    let mut bodies = Vec::new();
    for authorization in &strangers {
        for path in ["/Users", "/Users/019a0000-0000-7000-8000-000000000000", "/ServiceProviderConfig", "/nothing"] {
            let mut request = Request::get(format!("{BASE}{path}")).header("host", "scim.example");
            if let Some(authorization) = authorization {
                request = request.header("authorization", authorization);
            }
            let reply = send(relay.address, request.body("").unwrap()).await;
            reply.refusal(401, path);
            assert_eq!(reply.header("www-authenticate"), Some("Bearer realm=\"scim\""));
            bodies.push(reply.body);
        }
    }
    assert!(bodies.windows(2).all(|pair| pair[0] == pair[1]), "{bodies:?}");
    relay.end().await;
}

#[tokio::test]
async fn a_stranger_gets_401_for_paths_that_do_not_exist() {
    let relay = Relay::start().await;
    for path in ["/", "/v1/Users", "/healthz", "/metrics"] {
        let reply = send(relay.address, request("GET", path, "srk_a_b").body("").unwrap()).await;
        reply.refusal(401, path);
    }
    relay.end().await;
}

#[tokio::test]
async fn ok_37_a_401_has_an_error_body() {
    let relay = Relay::start().await;
    let reply = send(relay.address, Request::get(format!("{BASE}/Users")).body("").unwrap()).await;
    assert!(!reply.refusal(401, "no key").is_empty());
    relay.end().await;
}

#[tokio::test]
async fn a_key_counts_in_one_authorization_header_only() {
    let relay = Relay::start().await;
    let key = &relay.key;
    let path = format!("{BASE}/nothing");
    for (what, name, values, status) in [
        ("once", "authorization", vec![format!("Bearer {key}")], 404),
        ("ok_34 bare", "authorization", vec![key.clone()], 404),
        ("ok_35 en_72 twice the scheme", "authorization", vec![format!("Bearer bearer {key}")], 404),
        ("lower case", "authorization", vec![format!("bearer {key}")], 404),
        ("two headers", "authorization", vec![format!("Bearer {key}"), format!("Bearer {key}")], 401),
        ("cookie", "cookie", vec![format!("access_token={key}")], 401),
        ("proxy", "proxy-authorization", vec![format!("Bearer {key}")], 401),
    ] {
        let mut request = Request::get(format!("{path}?access_token={key}")).header("host", "h");
        for value in values {
            request = request.header(name, value);
        }
        send(relay.address, request.body("").unwrap()).await.refusal(status, what);
    }
    relay.end().await;
}

#[tokio::test]
async fn a_revoked_key_is_refused_at_once() {
    let relay = Relay::start().await;
    get(&relay, "/acme/scim/v2/nothing").await.refusal(404, "before");
    let tenant = scim_relay::store::TenantName("acme".into());
    assert!(relay.credentials.revoke(&tenant, "key").await.unwrap());
    get(&relay, "/acme/scim/v2/nothing").await.refusal(401, "after");
    relay.end().await;
}

#[tokio::test]
async fn paths_that_name_nothing_are_scim_errors() {
    let relay = Relay::start().await;
    for (path, status) in [
        ("/", 404),
        ("/v1/Users", 404),
        ("/acme/scim/v1/Users", 404),
        ("/acme/scim/v22/Users", 404),
        ("/acme/scim/v2/users", 404),
        ("/acme/scim/v2/Nothing", 404),
        ("/acme/scim/v2/Users/a/b", 404),
        ("/acme/scim/v2/ServiceProviderConfig/x", 404),
        ("/acme/scim/v2/Me", 501),
        ("/acme/scim/v2/Bulk", 405),
        ("/acme/scim/v2/.search", 405),
        ("/acme/scim/v2/.search/x", 404),
        ("/umbra/scim/v2/Users", 401),
        ("/acme/scim/v2/Users/%FF", 400),
        ("/acme/scim/v2/Users?filter=%FF", 400),
        ("/acme/scim/v2?aadOptscim062020/Nothing", 404),
    ] {
        get(&relay, path).await.refusal(status, path);
    }
    relay.end().await;
}

#[tokio::test]
async fn paths_that_name_something_reach_it() {
    let relay = Relay::start().await;
    // The store behind panics, and that is a 500: whatever else would have been an answer of the router's.
    for path in [
        "/acme/scim/v2",
        "/acme/scim/v2/",
        "/acme/scim/v2/Users",
        "/acme/scim/v2/Users/",
        "/acme/scim/v2//Users",
        "/acme/scim/v2/Groups",
        "/acme/scim/v2/Users/019a0000-0000-7000-8000-000000000000",
        "/acme/scim/v2/Users/019a0000-0000-7000-8000-000000000000?aadOptscim062020",
        "/acme/scim/v2?aadOptscim062020/Users/019a0000-0000-7000-8000-000000000000",
        "/acme/scim/v2/?aadOptscim062020/Users?count=1",
    ] {
        get(&relay, path).await.refusal(500, path);
    }
    let metrics = String::from_utf8(relay.metrics.text()).unwrap();
    assert!(metrics.contains(r#"scim_relay_quirks_applied_total{id="EN-45",tenant="acme"} 3"#), "{metrics}");
    assert!(metrics.contains(r#"scim_relay_panics_total{place="http"} 10"#), "{metrics}");
    assert!(
        metrics.contains(r#"scim_relay_requests_total{operation="get",status="500",tenant="acme"} 3"#),
        "{metrics}"
    );
    relay.end().await;
}

#[tokio::test]
async fn a_wrong_method_names_the_right_ones() {
    let relay = Relay::start().await;
    for (method, path, allow) in [
        ("PUT", "/Users", "GET, HEAD, POST"),
        ("OPTIONS", "/Users", "GET, HEAD, POST"),
        ("POST", "/Users/1", "GET, HEAD, PUT, PATCH, DELETE"),
        ("GET", "/Users/.search", "POST"),
        ("GET", "/.search", "POST"),
        ("POST", "", "GET, HEAD"),
        ("POST", "/Schemas", "GET, HEAD"),
        ("DELETE", "/ResourceTypes/User", "GET, HEAD"),
    ] {
        let request = request(method, &format!("{BASE}{path}"), &relay.key).body("").unwrap();
        let reply = send(relay.address, request).await;
        reply.refusal(405, path);
        assert_eq!(reply.header("allow"), Some(allow), "{method} {path}");
    }
    relay.end().await;
}

#[tokio::test]
async fn head_is_get_without_the_body() {
    let relay = Relay::start().await;
    let got = get(&relay, "/acme/scim/v2/Nothing").await;
    let head = send(relay.address, request("HEAD", "/acme/scim/v2/Nothing", &relay.key).body("").unwrap()).await;
    assert_eq!((head.status, head.body.len()), (got.status, 0));
    assert_eq!(head.header("content-length"), got.header("content-length"));
    relay.end().await;
}

#[tokio::test]
async fn every_answer_has_an_id_of_its_own() {
    let relay = Relay::start().await;
    let mut ids = Vec::new();
    for _ in 0..2 {
        let request = request("GET", "/acme/scim/v2/Nothing", &relay.key).header("x-request-id", "mine");
        let reply = send(relay.address, request.body("").unwrap()).await;
        ids.push(reply.header("x-request-id").unwrap().to_owned());
    }
    assert!(ids[0] != ids[1] && ids.iter().all(|id| id.len() == 32), "{ids:?}");
    relay.end().await;
}

#[tokio::test]
async fn a_tenant_that_is_switched_off_is_503() {
    let relay = Relay::start().await;
    relay.router.replace_tenants(vec![tenant("acme", Switches { enabled: false, ..Switches::default() })], None);
    let reply = get(&relay, "/acme/scim/v2/Users").await;
    assert!(reply.refusal(503, "off").contains("enabled"));
    assert_eq!(reply.header("retry-after"), Some("30"), "ok_39: whole seconds");
    relay.end().await;
}

#[tokio::test]
async fn bodies_are_json_uncompressed_and_within_their_limit() {
    let relay = Relay::start_with(|settings| {
        settings.limits.body_bytes_max = 1024;
        settings.limits.group_body_bytes_max = 2048;
    })
    .await;
    let large = format!("{{\"a\":\"{}\"}}", "x".repeat(1500));
    let larger = format!("{{\"a\":\"{}\"}}", "x".repeat(2500));
    for (what, path, headers, body, status) in [
        ("no type", "/Users", vec![], "{}", 400),
        ("ok_33 plain JSON", "/Users", vec![("content-type", "application/json")], "{}", 400),
        ("parameters", "/Users", vec![("content-type", "Application/SCIM+json; charset=utf-8")], "{}", 400),
        ("a form", "/Users", vec![("content-type", "application/x-www-form-urlencoded")], "a=b", 415),
        ("text", "/Users", vec![("content-type", "text/json")], "{}", 415),
        ("compressed", "/Users", vec![("content-encoding", "gzip")], "{}", 415),
        ("not compressed", "/Users", vec![("content-encoding", "identity")], "{}", 400),
        ("large user", "/Users", vec![], &*large, 413),
        ("large group", "/Groups", vec![], &*large, 400),
        ("larger group", "/Groups", vec![], &*larger, 413),
    ] {
        let mut request = request("POST", &format!("{BASE}{path}"), &relay.key);
        for (name, value) in headers {
            request = request.header(name, value);
        }
        let detail = send(relay.address, request.body(body).unwrap()).await.refusal(status, what);
        assert_eq!(detail.contains("body-bytes-max"), status == 413, "{what}: {detail}");
    }
    relay.end().await;
}

#[tokio::test]
async fn a_chunked_body_is_counted() {
    let relay = Relay::start_with(|settings| settings.limits.body_bytes_max = 1024).await;
    let head =
        format!("POST {BASE}/Users HTTP/1.1\r\nhost: h\r\nauthorization: {}\r\nconnection: close\r\n", relay.key);
    let chunk = format!("400\r\n{}\r\n", "x".repeat(1024));
    let answer =
        send_raw(relay.address, &format!("{head}transfer-encoding: chunked\r\n\r\n{chunk}{chunk}0\r\n\r\n")).await;
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
    relay.end().await;
}

#[tokio::test]
async fn ok_32_the_type_of_a_body_that_is_not_there_does_not_matter() {
    let relay = Relay::start().await;
    let request = request("GET", "/acme/scim/v2/Nothing", &relay.key).header("content-type", "text/plain");
    send(relay.address, request.body("").unwrap()).await.refusal(404, "GET with a type");
    relay.end().await;
}

#[tokio::test]
async fn a_uri_over_the_limit_is_414() {
    let relay = Relay::start().await;
    let path = format!("{BASE}/Users?filter={}", "x".repeat(8 * 1024));
    assert!(get(&relay, &path).await.refusal(414, "long").contains("uri-bytes-max"));
    relay.end().await;
}

#[tokio::test]
async fn a_body_that_does_not_come_is_408() {
    let relay = Relay::start_with(|settings| settings.limits.body_read_seconds = 1).await;
    let head =
        format!("POST {BASE}/Users HTTP/1.1\r\nhost: h\r\nauthorization: {}\r\ncontent-length: 9\r\n\r\n{{", relay.key);
    let answer = send_raw(relay.address, &head).await;
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
    relay.end().await;
}

#[tokio::test]
async fn the_host_must_be_one() {
    let relay = Relay::start().await;
    for host in ["", "host: \r\n", "host: a b\r\n", "host: user@h\r\n", "host: h/path\r\n"] {
        let path = format!("{BASE}/Users/019a0000-0000-7000-8000-000000000000");
        let raw = format!("GET {path} HTTP/1.1\r\n{host}authorization: {}\r\nconnection: close\r\n\r\n", relay.key);
        let answer = send_raw(relay.address, &raw).await;
        assert!(answer.starts_with("HTTP/1.1 400 "), "{host:?}: {answer}");
    }
    relay.end().await;
}

#[tokio::test]
async fn a_flood_of_requests_that_are_not_understood_is_answered_and_counted() {
    let relay = Relay::start().await;
    // Nobody writes their shapes here: what would wait for that is dropped, and no request is.
    for _ in 0..200 {
        let reply = get(&relay, &format!("{BASE}/Users?filter=userName+regex+%22a%22")).await;
        assert!(reply.refusal(400, "filter").starts_with("filter"));
    }
    let metrics = String::from_utf8(relay.metrics.text()).unwrap();
    let counted = r#"scim_relay_unknown_shapes_total{operation="list",tenant="acme"} 200"#;
    assert!(metrics.contains(counted), "{metrics}");
    relay.end().await;
}
