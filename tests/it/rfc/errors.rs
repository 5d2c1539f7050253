//! Errors and what HTTP asks for (RFC 7644 §2, §3.8, §3.12, §3.13).

use serde_json::json;

use super::{BOTH, assert_error, relay, relay_with_ann};
use crate::bodies::{ann, created, total};

#[tokio::test]
async fn e3_50_every_status_has_a_scim_body() {
    for dialect in BOTH {
        let (relay, path) = relay_with_ann(dialect).await;
        assert_error(&relay.get("/Users?filter=x").await, 400, Some("invalidFilter"));
        assert_error(&relay.anonymous("GET", &path).await, 401, None);
        assert_error(&relay.get("/Schemas?filter=id+pr").await, 403, None);
        for nowhere in ["/Nothing", "/users", "/Users/a/b/c", "/Users/none"] {
            assert_error(&relay.get(nowhere).await, 404, None);
        }
        assert_error(&relay.elsewhere("GET", "/").await, 404, None);
        assert_error(&relay.elsewhere("GET", "/favicon.ico").await, 404, None);
        assert_error(&relay.delete("/Users").await, 405, None);
        assert_error(&relay.post("/Users", &ann()).await, 409, Some("uniqueness"));
        let stale = relay.send("DELETE", &path, &[("if-match", "W/\"99\"")], None).await;
        assert_error(&stale, 412, None);
        let xml = relay.raw("POST", "/Users", &[("content-type", "text/xml")], Some(b"<user/>")).await;
        assert_error(&xml, 415, None);
        assert_error(&relay.get(&format!("/Users?x={}", "x".repeat(9000))).await, 414, None);
        let large = vec![b' '; 1024 * 1024 + 1];
        assert_error(&relay.raw("POST", "/Users", &[], Some(&large)).await, 413, None);
    }
}

#[tokio::test]
async fn e3_51_401_says_how_to_authenticate() {
    let relay = relay("rfc").await;
    for path in ["/Users", "/Users/none", "/Nothing", "/Schemas", "/Me", "/Bulk"] {
        let response = relay.anonymous("GET", path).await;
        assert_error(&response, 401, None);
        assert!(response.header("www-authenticate").is_some_and(|challenge| challenge.contains("realm")), "{path}");
    }
    let wrong = relay.request("GET", "/scim/v2/Users", Some("Bearer wrong"), &[], None).await;
    assert_error(&wrong, 401, None);
}

#[tokio::test]
async fn e3_52_scim_json_and_json_are_taken_and_scim_json_is_given() {
    for dialect in BOTH {
        let relay = relay(dialect).await;
        for (index, media_type) in [
            "application/scim+json",
            "application/json",
            "application/scim+json; charset=utf-8",
            "APPLICATION/SCIM+JSON",
            "application/json;charset=UTF-8",
        ]
        .into_iter()
        .enumerate()
        {
            let body = json!({ "userName": format!("Zoë{index}"), "title": "naïve ☕" }).to_string();
            let headers = [("content-type", media_type)];
            let response = relay.raw("POST", "/Users", &headers, Some(body.as_bytes())).await;
            assert_eq!((response.status, &response.body["title"]), (201, &json!("naïve ☕")), "{media_type}");
            assert_eq!(response.header("content-type"), Some("application/scim+json"));
        }
        for accept in ["application/scim+json", "application/json", "*/*", "text/html", "application/xml;q=1, */*;q=0"]
        {
            let response = relay.send("GET", "/Users", &[("accept", accept)], None).await;
            assert_eq!(
                (total(&response), response.header("content-type")),
                (5, Some("application/scim+json")),
                "{accept}"
            );
        }
        let not_utf8 = relay.raw("POST", "/Users", &[], Some(b"{\"userName\":\"\xff\"}")).await;
        assert_error(&not_utf8, 400, Some("invalidSyntax"));
        for charset in ["text/json", "application/scim", "multipart/form-data"] {
            let response = relay.raw("POST", "/Users", &[("content-type", charset)], Some(b"{}")).await;
            assert_error(&response, 415, None);
        }
    }
}

#[tokio::test]
async fn e3_57_another_version_in_the_uri_is_nowhere() {
    for dialect in BOTH {
        let (relay, _) = relay_with_ann(dialect).await;
        for path in ["/v1/Users", "/v2/Users", "/v3/Users", "/v1", "/v1/ServiceProviderConfig"] {
            assert_error(&relay.get(path).await, 404, None);
        }
        for path in ["/scim/v1/Users", "/scim/Users", "/scim/v20/Users", "/v2/Users", "/Users"] {
            assert_error(&relay.elsewhere("GET", path).await, 404, None);
        }
        assert_eq!(total(&relay.get("/Users").await), 1);
    }
}

#[tokio::test]
async fn a_method_that_does_not_apply_is_405_with_those_that_do() {
    let (relay, path) = relay_with_ann("rfc").await;
    let resources = "GET, HEAD, POST";
    let resource = "GET, HEAD, PUT, PATCH, DELETE";
    for (path, refused, allow) in [
        ("/Users", ["PUT", "PATCH", "DELETE", "OPTIONS"], resources),
        ("/Groups", ["PUT", "PATCH", "DELETE", "TRACE"], resources),
        (&*path, ["POST", "OPTIONS", "TRACE", "PROPFIND"], resource),
        ("/Users/.search", ["GET", "PUT", "PATCH", "DELETE"], "POST"),
        ("/Groups/.search", ["GET", "PUT", "PATCH", "DELETE"], "POST"),
        ("/ServiceProviderConfig", ["POST", "PUT", "PATCH", "DELETE"], "GET, HEAD"),
        ("/Schemas", ["POST", "PUT", "PATCH", "DELETE"], "GET, HEAD"),
        ("/ResourceTypes", ["POST", "PUT", "PATCH", "DELETE"], "GET, HEAD"),
        ("/ResourceTypes/User", ["POST", "PUT", "PATCH", "DELETE"], "GET, HEAD"),
    ] {
        for method in refused {
            let response = relay.send(method, path, &[], None).await;
            assert_error(&response, 405, None);
            assert_eq!(response.header("allow"), Some(allow), "{method} {path}");
        }
    }
}

#[tokio::test]
async fn head_is_get_without_the_body() {
    let (relay, path) = relay_with_ann("rfc").await;
    for path in [&*path, "/Users", "/Groups", "/Schemas", "/ServiceProviderConfig", "/ResourceTypes/User"] {
        let (get, head) = (relay.get(path).await, relay.send("HEAD", path, &[], None).await);
        assert_eq!((head.status, &head.body), (200, &json!(null)), "{path}");
        for name in ["content-type", "etag"] {
            assert_eq!(head.header(name), get.header(name), "{path} {name}");
        }
        assert_eq!(head.header("content-length"), Some(&*get.body.to_string().len().to_string()), "{path}");
    }
    let missing = relay.send("HEAD", "/Users/none", &[], None).await;
    assert_eq!((missing.status, missing.body), (404, json!(null)));
}

#[tokio::test]
async fn a_slash_too_many_is_no_other_place() {
    for dialect in BOTH {
        let (relay, path) = relay_with_ann(dialect).await;
        for path in ["/Users/", "//Users", &format!("{path}/"), "/ServiceProviderConfig/", "/Schemas/"] {
            assert_eq!(relay.get(path).await.status, 200, "{path}");
        }
        created(&relay, "/Users/", &json!({ "userName": "ben" })).await;
    }
}
