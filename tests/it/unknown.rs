//! Requests that are not understood: answered 400 with the reason, without effect, and kept as shapes for an operator.

use scim_relay::{
    operator::Command,
    store::{NotUnderstood, TenantName, UnknownShape},
};
use serde_json::{Value, json};

use crate::{
    bodies::{ann, created, id, patch},
    harness::eventually,
    relay::Relay,
};

/// The shapes kept, once there are so many.
async fn kept(relay: &Relay, count: usize) -> Vec<UnknownShape> {
    let shapes = async || relay.store().unknown_shapes(None, 100).await.unwrap();
    eventually(async || shapes().await.len() >= count).await;
    let kept = shapes().await;
    assert_eq!(kept.len(), count, "{kept:#?}");
    kept
}

#[tokio::test]
async fn an_operation_of_a_bulk_request_that_is_not_understood_is_kept_too() {
    let relay = Relay::start("").await;
    let user = created(&relay, "/Users", &ann()).await;
    let misspelt = patch(json!([{ "op": "replace", "path": "tilte", "value": "x" }]));
    let bulk = json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"],
        "Operations": [
            { "method": "PATCH", "path": format!("/Users/{}", id(&user)), "data": misspelt },
            { "method": "POST", "path": "/Users", "bulkId": "a", "data": { "userName": 7 } },
        ],
    });
    let answer = relay.post("/Bulk", &bulk).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    let mut kept: Vec<_> =
        kept(&relay, 2).await.into_iter().map(|shape| (shape.latest.operation, shape.latest.error)).collect();
    kept.sort();
    assert_eq!(
        kept,
        [("create", "invalidValue"), ("patch", "invalidPath")].map(|(one, other)| (one.to_owned(), other.to_owned()))
    );
}

#[tokio::test]
async fn a_patch_that_is_not_understood_names_its_operation_and_changes_nothing() {
    let relay = Relay::start("").await;
    let user = created(&relay, "/Users", &ann()).await;
    let path = format!("/Users/{}", id(&user));
    for (operation, scim_type) in [
        (json!({ "op": "upsert", "path": "title", "value": "x" }), "invalidSyntax"),
        (json!({ "op": "replace", "path": "tilte", "value": "x" }), "invalidPath"),
        (json!({ "op": "replace", "path": "emails[type eq", "value": "x" }), "invalidPath"),
        (json!({ "op": "replace", "path": "emails", "value": 7 }), "invalidValue"),
        (json!({ "op": "replace", "path": "emails[type eq \"fax\"].value", "value": "x" }), "noTarget"),
        (json!({ "op": "remove" }), "noTarget"),
    ] {
        // The first becomes three: the client's own count is what its administrator can read.
        let first =
            json!({ "op": "replace", "value": { "displayName": "A", "name.givenName": "B", "name.familyName": "C" } });
        let response = relay.patch(&path, &patch(json!([first, operation]))).await;
        assert_eq!((response.status, &response.body["scimType"]), (400, &json!(scim_type)), "{operation}");
        let detail = response.body["detail"].as_str().unwrap();
        assert!(detail.starts_with("operations[1]: "), "{operation}: {detail}");
        assert_eq!(relay.get(&path).await.body, user, "{operation}");
    }
}

#[tokio::test]
async fn what_is_not_understood_is_kept_as_a_shape_without_values() {
    let relay = Relay::start("").await;
    let user = created(&relay, "/Users", &ann()).await;
    let path = format!("/Users/{}", id(&user));
    let wrong = |value: &str| patch(json!([{ "op": "Replace", "path": "tilte", "value": value }]));
    let refused = relay.patch(&path, &wrong("Ann Boss")).await;
    let [UnknownShape { count: 1, latest, .. }] = &kept(&relay, 1).await[..] else { panic!("one of one") };
    assert_eq!(
        latest,
        &NotUnderstood {
            tenant: TenantName("acme".into()),
            operation: "patch".to_owned(),
            resource_type: "User".to_owned(),
            dialect: "auto".to_owned(),
            error: "invalidPath".to_owned(),
            detail: refused.body["detail"].as_str().unwrap().to_owned(),
            shape: json!({ "body": {
                "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
                "Operations": [{ "op": "Replace", "path": "tilte", "value": "string(8)" }],
            } }),
            request_id: refused.header("x-request-id").unwrap().to_owned(),
            credential: latest.credential.clone(),
        }
    );
    assert!(!latest.credential.is_empty() && !relay.key().ends_with(&latest.credential), "{}", latest.credential);

    // Of another person the same is no news.
    relay.patch(&path, &wrong("Ben")).await;
    eventually(async || relay.store().unknown_shape(1).await.unwrap().unwrap().count == 2).await;
    let answer = relay.operate(Command::UnknownList { tenant: None, limit: 10 }).await.unwrap();
    assert_eq!((&answer["shapes"][0]["count"], answer["shapes"].as_array().unwrap().len()), (&json!(2), 1));
    let answer = relay.operate(Command::UnknownShow { id: 1 }).await.unwrap();
    assert_eq!(answer["shape"]["shape"]["body"]["Operations"][0]["value"], "string(3)");
    assert!(relay.operate(Command::UnknownShow { id: 2 }).await.unwrap_err().contains("unknown shape 2"));
}

#[tokio::test]
async fn filters_and_bodies_that_are_not_understood_are_kept_and_ordinary_refusals_are_not() {
    let relay = Relay::start("").await;
    let user = created(&relay, "/Users", &ann()).await;
    let path = format!("/Users/{}", id(&user));
    // Ordinary: taken, not there, of another version, read-only, not allowed.
    let read_only = patch(json!([{ "op": "replace", "path": "meta.created", "value": "x" }]));
    for (response, status) in [
        (relay.post("/Users", &ann()).await, 409),
        (relay.get("/Users/none").await, 404),
        (relay.send("DELETE", &path, &[("if-match", "W/\"9\"")], None).await, 412),
        (relay.patch(&path, &read_only).await, 400),
        (relay.get("/Schemas?filter=a").await, 403),
    ] {
        assert_eq!(response.status, status, "{}", response.body);
    }
    let queries = ["/Users?filter=userName%20regex%20%22ann%22&count=2", "/Groups?sortBy=nothing"];
    for query in queries {
        assert_eq!(relay.get(query).await.status, 400, "{query}");
    }
    assert_eq!(relay.post("/Users", &json!({ "displayName": "Ann Boss" })).await.status, 400);
    assert_eq!(relay.put(&path, &json!({ "userName": ["ann"] })).await.status, 400);
    assert_eq!(relay.raw("POST", "/Groups", &[], Some(b"ann boss")).await.status, 400);

    let mut kept: Vec<(String, Value)> = kept(&relay, 5)
        .await
        .into_iter()
        .map(|shape| (format!("{} {}", shape.latest.operation, shape.latest.resource_type), shape.latest.shape))
        .collect();
    kept.sort_by(|one, other| one.0.cmp(&other.0));
    assert_eq!(
        kept,
        [
            ("create Group".to_owned(), json!({ "body": "not JSON" })),
            ("create User".to_owned(), json!({ "body": { "displayName": "string(8)" } })),
            ("list Group".to_owned(), json!({ "parameters": { "sortBy": "nothing" } })),
            (
                "list User".to_owned(),
                json!({ "parameters": { "filter": "userName word(5) \"string(3)\"", "count": "string(1)" } })
            ),
            ("replace User".to_owned(), json!({ "body": { "userName": ["string(3)"] } })),
        ]
    );
    let metrics = relay.metrics().await;
    for line in [
        r#"scim_relay_unknown_shapes_total{operation="create",tenant="acme"} 2"#,
        r#"scim_relay_unknown_shapes_total{operation="list",tenant="acme"} 2"#,
        r#"scim_relay_unknown_shapes_total{operation="replace",tenant="acme"} 1"#,
    ] {
        assert!(metrics.contains(line), "{line}\n{metrics}");
    }
    assert!(!metrics.contains(r#"unknown_shapes_total{operation="patch""#), "{metrics}");
}
