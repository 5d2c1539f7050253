//! `/Bulk` (RFC 7644 §3.7) over HTTP, and what of it reaches a downstream system.

use std::{sync::Arc, time::Duration};

use scim_relay::{
    dialect::Dialect,
    metrics::Metrics,
    provider::{Answer, BulkLimits, Caller, Provider, Switches, Tenant},
    scim::schema::ResourceTypes,
    store::UniqueId,
    time::Clock,
};
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::{
    bodies::{ENTERPRISE_URN, PATCH_URN, created, group, id, patch, total, user},
    harness::{TestStore, tenant},
    relay::{Relay, Response},
};

const REQUEST_URN: &str = "urn:ietf:params:scim:api:messages:2.0:BulkRequest";
const RESPONSE_URN: &str = "urn:ietf:params:scim:api:messages:2.0:BulkResponse";

fn request(operations: Value) -> Value {
    json!({ "schemas": [REQUEST_URN], "Operations": operations })
}

fn post(bulk_id: &str, path: &str, data: Value) -> Value {
    json!({ "method": "POST", "path": path, "bulkId": bulk_id, "data": data })
}

fn operation(method: &str, path: &str, data: Value) -> Value {
    json!({ "method": method, "path": path, "data": data })
}

/// The results of a bulk request that was answered 200.
async fn results(relay: &Relay, body: &Value) -> Vec<Value> {
    let response = relay.post("/Bulk", body).await;
    assert_eq!((response.status, &response.body["schemas"]), (200, &json!([RESPONSE_URN])), "{}", response.body);
    response.body["Operations"].as_array().unwrap().clone()
}

fn statuses(results: &[Value]) -> Vec<&str> {
    results.iter().map(|result| result["status"].as_str().expect("status is a string")).collect()
}

/// The resource that a result's location names.
async fn located(relay: &Relay, result: &Value) -> Value {
    let location = result["location"].as_str().unwrap_or_else(|| panic!("no location: {result}"));
    let response = relay.get(location.strip_prefix(&relay.base).unwrap()).await;
    assert_eq!(response.status, 200, "{}", response.body);
    response.body
}

fn members(group: &Value) -> Vec<&str> {
    group["members"].as_array().unwrap().iter().map(|member| member["value"].as_str().unwrap()).collect()
}

fn refusal(response: &Response, status: u16, named: &str) {
    assert_eq!(response.status, status, "{}", response.body);
    assert!(response.body["detail"].as_str().unwrap().contains(named), "{}", response.body);
}

#[tokio::test]
async fn the_rfcs_example_creates_replaces_patches_and_deletes() {
    let mut relay = Relay::start("").await;
    let mut before = Vec::new();
    for name in ["bob", "dave", "gone"] {
        before.push(created(&relay, "/Users", &user(name)).await);
    }
    let path = |index: usize| format!("/Users/{}", id(&before[index]));
    let version = |index: usize| before[index]["meta"]["version"].clone();
    let results = results(
        &relay,
        &json!({
            "schemas": [REQUEST_URN],
            "failOnErrors": 1,
            "Operations": [
                { "method": "POST", "path": "/Users", "bulkId": "qwerty", "data": user("Alice") },
                { "method": "PUT", "path": path(0), "version": version(0), "data": {
                    "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "id": id(&before[0]), "userName": "Bob",
                } },
                { "method": "PATCH", "path": path(1), "version": version(1), "data": [
                    { "op": "remove", "path": "nickName" },
                    { "op": "add", "path": "userName", "value": "Dave2" },
                ] },
                { "method": "DELETE", "path": path(2), "version": version(2) },
            ],
        }),
    )
    .await;
    assert_eq!(statuses(&results), ["201", "200", "200", "204"]);
    let alice = located(&relay, &results[0]).await;
    assert_eq!(
        results[0],
        json!({
            "method": "POST", "bulkId": "qwerty", "status": "201",
            "version": alice["meta"]["version"], "location": alice["meta"]["location"],
        })
    );
    for (index, method, version) in
        [(0, "PUT", Some("W/\"2\"")), (1, "PATCH", Some("W/\"2\"")), (2, "DELETE", None::<&str>)]
    {
        let result = &results[index + 1];
        assert_eq!(result["method"], method);
        assert_eq!(result["location"], format!("{}{}", relay.base, path(index)));
        assert_eq!(result.get("version").map(|version| version.as_str().unwrap()), version, "{method}");
    }
    assert_eq!(relay.get(&path(2)).await.status, 404);
    let file = relay.delivered().await;
    let mut names: Vec<&str> =
        file["users"].as_array().unwrap().iter().map(|user| user["userName"].as_str().unwrap()).collect();
    names.sort_unstable();
    assert_eq!(names, ["Alice", "Bob", "Dave2"]);
}

#[tokio::test]
async fn a_reference_holds_before_and_after_the_post_that_it_names() {
    let mut relay = Relay::start("").await;
    let report = json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User", ENTERPRISE_URN],
        "userName": "report", ENTERPRISE_URN: { "manager": { "value": "bulkId:boss" } },
    });
    let results = results(
        &relay,
        &request(json!([
            post("report", "/Users", report),
            post("team", "/Groups", group("Team", &["bulkId:boss", "bulkId:report"])),
            operation(
                "PATCH",
                "/Users/bulkId:boss",
                patch(json!([
                    { "op": "replace", "path": "title", "value": "Boss" },
                ]))
            ),
            post("boss", "/Users", user("boss")),
        ])),
    )
    .await;
    assert_eq!(statuses(&results), ["201", "201", "200", "201"]);
    let boss = located(&relay, &results[3]).await;
    assert_eq!((&boss["title"], &results[2]["location"]), (&json!("Boss"), &boss["meta"]["location"]));
    let report = located(&relay, &results[0]).await;
    assert_eq!(report[ENTERPRISE_URN]["manager"]["value"], boss["id"]);
    let team = located(&relay, &results[1]).await;
    let mut expected = [id(&boss), id(&report)];
    expected.sort_unstable();
    assert_eq!(members(&team), expected);
    let file = relay.delivered().await;
    assert_eq!(file["groups"][0]["members"].as_array().unwrap().len(), 2, "{file}");
}

#[tokio::test]
async fn circular_references_hold_both_ways() {
    let mut relay = Relay::start("").await;
    let results = results(
        &relay,
        &request(json!([
            post("a", "/Groups", group("A", &["bulkId:b"])),
            post("b", "/Groups", group("B", &["bulkId:a"])),
            post("self", "/Groups", group("Self", &["bulkId:self"])),
        ])),
    )
    .await;
    assert_eq!(statuses(&results), ["201", "201", "201"]);
    let mut groups = Vec::new();
    for result in &results {
        groups.push(located(&relay, result).await);
    }
    assert_eq!(members(&groups[0]), [id(&groups[1])]);
    assert_eq!(members(&groups[1]), [id(&groups[0])]);
    assert_eq!(members(&groups[2]), [id(&groups[2])]);
    assert_eq!(relay.delivered().await["groups"].as_array().unwrap().len(), 3);
}

#[tokio::test]
async fn whoever_has_an_id_already_is_no_part_of_a_circle() {
    let relay = Relay::start("on-rehire = \"reactivate\"").await;
    let person = |name: &str, manager: &str| {
        json!({
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User", ENTERPRISE_URN],
            "userName": name, "externalId": name, "active": true,
            ENTERPRISE_URN: { "manager": { "value": format!("bulkId:{manager}") } },
        })
    };
    let mut left = user("back");
    left["externalId"] = "back".into();
    left["active"] = false.into();
    let left = created(&relay, "/Users", &left).await;
    let alone = json!([post("new", "/Users", user("new")), post("back", "/Users", person("back", "new"))]);
    let circle =
        json!([post("back", "/Users", person("back", "peer")), post("peer", "/Users", person("peer", "back"))]);
    assert_eq!(statuses(&results(&relay, &request(circle)).await), ["409", "409"]);
    assert_eq!(total(&relay.get("/Users").await), 1, "a circle is done as a whole or not at all");
    let results = results(&relay, &request(alone)).await;
    assert_eq!(statuses(&results), ["201", "201"]);
    assert_eq!(located(&relay, &results[1]).await["id"], left["id"]);
}

#[tokio::test]
async fn an_operation_that_refers_to_what_was_not_done_is_not_done() {
    let relay = Relay::start("").await;
    created(&relay, "/Users", &user("taken")).await;
    let results = results(
        &relay,
        &request(json!([
            post("team", "/Groups", group("Team", &["bulkId:taken"])),
            post("taken", "/Users", user("Taken")),
            operation("DELETE", "/Users/bulkId:taken", json!(null)),
            post("lost", "/Groups", group("Lost", &["bulkId:nobody"])),
            post("good", "/Users", user("good")),
        ])),
    )
    .await;
    assert_eq!(statuses(&results), ["409", "409", "409", "400", "201"]);
    assert_eq!(results[1]["response"]["scimType"], "uniqueness");
    assert_eq!(results[1].get("location"), None, "a POST that failed has none");
    assert_eq!(results[2]["location"], format!("{}/Users/bulkId:taken", relay.base));
    for index in [0, 2] {
        let detail = results[index]["response"]["detail"].as_str().unwrap();
        assert!(detail.starts_with("Operations[1], which this one refers to"), "{detail}");
        assert_eq!(results[index]["response"].get("scimType"), None);
    }
    assert_eq!(results[3]["response"]["scimType"], "invalidValue");
    assert_eq!(results[3]["response"]["status"], "400");
    assert_eq!(total(&relay.get("/Groups").await), 0);
}

#[tokio::test]
async fn after_so_many_errors_the_rest_is_neither_done_nor_answered() {
    let relay = Relay::start("").await;
    let missing = || operation("DELETE", "/Users/019a0000-0000-7000-8000-000000000000", json!(null));
    let operations = json!([
        post("a", "/Users", user("a")),
        missing(),
        post("b", "/Users", user("b")),
        missing(),
        post("c", "/Users", user("c"))
    ]);
    let mut body = request(operations);
    for (max, expected) in [
        (json!(1), vec!["201", "404"]),
        (json!(2), vec!["409", "404"]),
        (json!(3), vec!["409", "404", "201", "404"]),
        (json!(null), vec!["409", "404", "409", "404", "201"]),
    ] {
        body["failOnErrors"] = max;
        assert_eq!(statuses(&results(&relay, &body).await), expected, "{}", body["failOnErrors"]);
    }
    assert_eq!(total(&relay.get("/Users").await), 3);
}

#[tokio::test]
async fn operations_on_the_same_things_keep_their_order() {
    let relay = Relay::start("").await;
    let path = format!("/Users/{}", id(&created(&relay, "/Users", &user("name-0")).await));
    let mut operations: Vec<Value> = (0..100)
        .map(|index| {
            let rename = json!({ "op": "replace", "path": "userName", "value": format!("name-{}", index + 1) });
            operation("PATCH", &path, patch(json!([rename])))
        })
        .collect();
    // Each name is free again, but not the last.
    operations.push(post("again", "/Users", user("name-99")));
    operations.push(post("taken", "/Users", user("name-100")));
    operations.push(operation("DELETE", &path, json!(null)));
    operations.push(post("free", "/Users", user("name-100")));
    let results = results(&relay, &request(operations.into())).await;
    let statuses = statuses(&results);
    assert!(statuses[..100].iter().all(|status| *status == "200"), "{statuses:?}");
    assert_eq!(statuses[100..], ["201", "409", "204", "201"]);
    assert_eq!(results[99]["version"], "W/\"101\"");
}

#[tokio::test]
async fn an_operation_has_its_precondition_switches_and_errors_to_itself() {
    let relay = Relay::start("[tenants.acme.provisioning]\ncreate = false\ngroups = false").await;
    let missing = "/Users/019a0000-0000-7000-8000-000000000000";
    let results = results(
        &relay,
        &request(json!([
            post("a", "/Users", user("a")),
            post("b", "/Groups", group("B", &[])),
            post("c", "/Bulk", request(json!([]))),
            post("d", "/Nothing", json!({})),
            post("e", missing, user("e")),
            operation("PUT", missing, user("f")),
            operation("PUT", "/Users", user("g")),
            operation("PATCH", missing, json!({ "schemas": [PATCH_URN], "Operations": [] })),
        ])),
    )
    .await;
    assert_eq!(statuses(&results), ["403", "501", "400", "404", "400", "404", "400", "400"]);
    for (index, named) in [(0, "create"), (1, "groups"), (2, "no other"), (4, "POST"), (6, "/Users/ID")] {
        let detail = results[index]["response"]["detail"].as_str().unwrap();
        assert!(detail.contains(named), "{detail}");
    }

    let relay = Relay::start("").await;
    let path = format!("/Users/{}", id(&created(&relay, "/Users", &user("ann")).await));
    let title = patch(json!([{ "op": "replace", "path": "title", "value": "x" }]));
    let at_version = |version: &str| {
        let mut operation = operation("PATCH", &path, title.clone());
        operation["version"] = version.into();
        operation
    };
    let body = request(json!([at_version("W/\"1\""), at_version("W/\"1\""), at_version("W/\"2\"")]));
    assert_eq!(statuses(&self::results(&relay, &body).await), ["200", "412", "200"]);
}

#[tokio::test]
async fn en_and_ok_quirks_are_understood_inside_a_bulk_request() {
    let relay = Relay::start("dialect = \"entra\"").await;
    let results = results(
        &relay,
        &request(json!([
            post(
                "ann",
                "/Users",
                json!({
                    "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": "ann", "active": "True",
                })
            ),
            operation(
                "PATCH",
                "/Users/bulkId:ann",
                json!({
                    "schemas": [PATCH_URN],
                    "Operations": [{ "op": "Replace", "path": "active", "value": "False" }],
                })
            ),
        ])),
    )
    .await;
    assert_eq!(statuses(&results), ["201", "200"]);
    assert_eq!(located(&relay, &results[1]).await["active"], json!(false));
}

#[tokio::test]
async fn e3_54_limits_are_told_in_discovery_and_in_the_refusal() {
    let relay =
        Relay::start("[server.limits]\nbulk-operations-max = 2\nbody-bytes-max = 1024\ngroup-body-bytes-max = 2048")
            .await;
    let config = relay.get("/ServiceProviderConfig").await.body;
    assert_eq!(config["bulk"], json!({ "supported": true, "maxOperations": 2, "maxPayloadSize": 2048 }));

    let users = |count: usize, padding: usize| {
        let operation = |index: usize| {
            let mut user = user(&format!("user-{index}"));
            user["title"] = "x".repeat(padding).into();
            post(&index.to_string(), "/Users", user)
        };
        request((0..count).map(operation).collect())
    };
    refusal(&relay.post("/Bulk", &users(3, 1)).await, 413, "more than 2 (bulk-operations-max)");
    refusal(&relay.post("/Bulk", &users(1, 2048)).await, 413, "2048 bytes (group-body-bytes-max)");
    assert_eq!(total(&relay.get("/Users").await), 0, "nothing is done of what is refused");
    let results = results(&relay, &users(2, 700)).await;
    assert_eq!(statuses(&results), ["201", "201"], "only the whole has a limit");
}

#[tokio::test]
async fn what_is_no_bulk_request_is_refused_before_anything_is_done() {
    let relay = Relay::start("").await;
    let good = post("a", "/Users", user("a"));
    for (operations, named) in [
        (json!([good, post("a", "/Users", user("b"))]), "Operations[1]: bulkId"),
        (json!([good, operation("POST", "/Users", user("b"))]), "Operations[1]: bulkId"),
        (json!([good, operation("GET", "/Users", json!({}))]), "Operations[1]: method"),
    ] {
        refusal(&relay.post("/Bulk", &request(operations)).await, 400, named);
    }
    assert_eq!(relay.get("/Bulk").await.header("allow"), Some("POST"));
    assert_eq!(total(&relay.get("/Users").await), 0);
}

#[tokio::test]
async fn what_there_is_no_time_for_is_told_for_each_operation() {
    let world = TestStore::open(Clock::system()).await;
    let limits = BulkLimits { operations_max: 10, payload_bytes_max: 10_000 };
    let provider = Provider::new(world.store.clone(), Arc::new(Metrics::new().unwrap()), Clock::system(), limits);
    let caller = Caller {
        tenant: Arc::new(Tenant {
            name: tenant(),
            base_path: "/scim/v2".to_owned(),
            dialect: Dialect::named("auto").unwrap(),
            unique_id: UniqueId::default(),
            switches: Switches::default(),
            types: ResourceTypes::core(),
        }),
        actor: "key".into(),
        subject: None,
        request_id: "request".into(),
        base_uri: "https://scim.example/scim/v2".into(),
    };
    let body = request(json!([post("a", "/Users", user("a")), post("team", "/Groups", group("Team", &["bulkId:a"])),]));
    let body = body.to_string().into_bytes();
    let statuses = async |deadline: Instant| {
        let Answer::Bulk(results) = provider.bulk(&caller, &body, deadline).await.unwrap() else { panic!() };
        let status = |error: scim_relay::scim::Error| (error.http_status(), error.detail().contains("request-seconds"));
        results.into_iter().map(|result| result.outcome.map_err(status).err()).collect::<Vec<_>>()
    };
    assert_eq!(statuses(Instant::now()).await, [Some((503, true)), Some((503, true))]);
    assert_eq!(statuses(Instant::now() + Duration::from_secs(60)).await, [None, None], "nothing was done before");
}
