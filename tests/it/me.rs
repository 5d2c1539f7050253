//! `/Me` (RFC 7644 §3.11): the user whom Basic authentication names, with a key as the password.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use crate::{
    bodies::{ann, created, id, patch},
    relay::{Relay, Response},
};

/// A request as that subject with the tenant's key.
async fn send(
    relay: &Relay,
    subject: &str,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: Option<&Value>,
) -> Response {
    let authorization = format!("Basic {}", STANDARD.encode(format!("{subject}:{}", relay.key())));
    let body = body.map(|body| body.to_string().into_bytes());
    relay.request(method, &format!("/scim/v2{path}"), Some(&authorization), headers, body.as_deref()).await
}

#[tokio::test]
async fn e3_56_me_is_the_user_whom_the_credential_names() {
    let mut relay = Relay::start("").await;
    let user = created(&relay, "/Users", &ann()).await;
    let location = user["meta"]["location"].as_str().unwrap().to_owned();
    // As uniqueness has it, without case.
    let me = "ANN@acme.example";
    let check = |response: &Response, status: u16| {
        assert_eq!(response.status, status, "{}", response.body);
        assert_eq!(response.header("location"), Some(&*location), "the permanent location goes with every answer");
        assert_eq!(response.header("content-location"), Some(&*location));
    };

    let response = send(&relay, me, "GET", "/Me", &[], None).await;
    check(&response, 200);
    assert_eq!((&response.body, response.header("etag")), (&user, user["meta"]["version"].as_str()));
    let response = send(&relay, me, "GET", "/Me?attributes=userName", &[], None).await;
    check(&response, 200);
    assert_eq!(response.body.get("emails"), None);
    let response = send(&relay, me, "HEAD", "/Me", &[], None).await;
    check(&response, 200);
    assert_eq!(response.body, Value::Null);
    check(&send(&relay, me, "GET", "/Me", &[("if-none-match", "W/\"1\"")], None).await, 304);

    let off = patch(json!([{ "op": "Replace", "path": "active", "value": "False" }]));
    let response = send(&relay, me, "PATCH", "/Me", &[("if-match", "W/\"1\"")], Some(&off)).await;
    check(&response, 200);
    assert_eq!(response.body["active"], json!(false));
    let mut body = ann();
    body["title"] = "Boss".into();
    check(&send(&relay, me, "PUT", "/Me", &[], Some(&body)).await, 200);
    let stored = relay.get(&format!("/Users/{}", id(&user))).await.body;
    assert_eq!((&stored["title"], &stored["active"]), (&json!("Boss"), &json!(true)));

    check(&send(&relay, me, "PUT", "/Me", &[], Some(&json!({}))).await, 400);
    check(&send(&relay, me, "POST", "/Me", &[], Some(&ann())).await, 405);
    assert_eq!(send(&relay, me, "GET", "/Me/x", &[], None).await.status, 404);
    check(&send(&relay, me, "DELETE", "/Me", &[], None).await, 204);
    let response = send(&relay, me, "GET", "/Me", &[], None).await;
    assert_eq!((response.status, response.header("location")), (501, None), "there is no such user any more");
    assert_eq!(relay.delivered().await["users"].as_array().map(Vec::len), Some(0));
}

#[tokio::test]
async fn e3_56_without_a_subject_that_is_a_user_there_is_no_me() {
    let relay = Relay::start("").await;
    created(&relay, "/Users", &ann()).await;
    for method in ["GET", "POST", "DELETE"] {
        let response = relay.send(method, "/Me", &[], None).await;
        assert_eq!((response.status, &response.body["status"]), (501, &json!("501")), "a bearer key names nobody");
    }
    for subject in ["nobody", "", "\" or userName pr or userName eq \"", "\u{1}"] {
        assert_eq!(send(&relay, subject, "GET", "/Me", &[], None).await.status, 501, "{subject:?}");
        assert_eq!(send(&relay, subject, "GET", "/Users", &[], None).await.status, 200, "the key is good: {subject:?}");
    }
}

#[tokio::test]
async fn basic_needs_a_good_key_as_its_password() {
    let relay = Relay::start("").await;
    created(&relay, "/Users", &ann()).await;
    for credentials in [
        "ann@acme.example:".to_owned(),
        "ann@acme.example:secret".to_owned(),
        format!("{}:ann@acme.example", relay.key()),
        relay.key().to_owned(),
        format!("ann@acme.example:{}x", relay.key()),
    ] {
        let authorization = format!("Basic {}", STANDARD.encode(&credentials));
        let response = relay.request("GET", "/scim/v2/Me", Some(&authorization), &[], None).await;
        assert_eq!((response.status, &response.body["status"]), (401, &json!("401")), "{credentials}");
        assert!(response.header("www-authenticate").is_some());
    }
    let schemes = relay.get("/ServiceProviderConfig").await.body["authenticationSchemes"].clone();
    assert_eq!((&schemes[0]["type"], &schemes[1]["type"]), (&json!("oauthbearertoken"), &json!("httpbasic")));
}
