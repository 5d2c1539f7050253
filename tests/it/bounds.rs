//! Every bound on what a client may send, each by a request beyond it: status, SCIM error that names it, and nothing
//! applied. `docs/limits.md` lists them.

use std::collections::BTreeMap;

use scim_relay::{
    http::Limits,
    scim::{
        cursor, filter, json, patch,
        query::{COUNT_DEFAULT, COUNT_MAX},
        resource,
    },
    store::sqlite::{MEMBERS_WALKED_MAX, SORTED_MAX},
};
use serde_json::{Value, json};

use crate::{
    bodies::{ENTERPRISE_URN, created, group, id, patch, total, user},
    relay::{Relay, Response},
};

#[track_caller]
fn assert_refused(response: &Response, status: u16, scim_type: Option<&str>, named: impl ToString) {
    assert_eq!(response.status, status, "{}", response.body);
    assert_eq!(response.body["status"], status.to_string());
    assert_eq!(response.body.get("scimType").and_then(Value::as_str), scim_type, "{}", response.body);
    let detail = response.body["detail"].as_str().unwrap();
    assert!(detail.contains(&named.to_string()), "{detail}");
    assert_eq!(response.header("content-type"), Some("application/scim+json"));
}

async fn ann(relay: &Relay) -> String {
    format!("/Users/{}", id(&created(relay, "/Users", &user("ann")).await))
}

/// Runs SQL on the relay's store, to make more than a test has time to send. Readers see it from the relay's own next
/// commit on.
async fn fill(relay: &Relay, sql: &str) {
    let store = relay.folder().join("data").join("relay.db");
    rusqlite::Connection::open(store).unwrap().execute_batch(sql).unwrap();
    let commit = created(relay, "/Groups", &group("commit", &[])).await;
    assert_eq!(relay.delete(&format!("/Groups/{}", id(&commit))).await.status, 204);
}

fn nested(levels: usize) -> String {
    format!(r#"{{"userName":"deep","x":{}1{}}}"#, "[".repeat(levels - 1), "]".repeat(levels - 1))
}

#[tokio::test]
async fn bodies_are_bounded_in_size_and_depth() {
    let relay = Relay::start("[server.limits]\nbody-bytes-max = 2048\ngroup-body-bytes-max = 4096").await;
    let padded = |length: usize| format!("{:length$}", r#"{"userName":"padded","displayName":"padded"}"#);
    let post = async |path: &str, body: String| relay.raw("POST", path, &[], Some(body.as_bytes())).await;
    assert_eq!(post("/Users", padded(2048)).await.status, 201);
    assert_refused(&post("/Users", padded(2049)).await, 413, None, "2048 bytes (body-bytes-max)");
    assert_eq!(post("/Groups", padded(4096)).await.status, 201);
    assert_refused(&post("/Groups", padded(4097)).await, 413, None, "4096 bytes (group-body-bytes-max)");
    assert_eq!(post("/Users", nested(json::DEPTH_MAX)).await.status, 201);
    let deep = post("/Users", nested(json::DEPTH_MAX + 1)).await;
    assert_refused(&deep, 400, Some("invalidSyntax"), format!("{} levels", json::DEPTH_MAX));
}

#[tokio::test]
async fn the_head_is_bounded_in_size_and_fields() {
    let relay = Relay::start("[server.limits]\nuri-bytes-max = 1000\nheaders-max = 20").await;
    let uri = |length: usize| format!("/Users?x={}", "x".repeat(length - "/scim/v2/Users?x=".len()));
    assert_eq!(relay.get(&uri(1000)).await.status, 200);
    assert_refused(&relay.get(&uri(1001)).await, 414, None, "1000 bytes (uri-bytes-max)");
    let many: Vec<(String, &str)> = (0..21).map(|index| (format!("x-{index}"), "1")).collect();
    let many: Vec<(&str, &str)> = many.iter().map(|(name, value)| (name.as_str(), *value)).collect();
    assert_eq!(relay.send("GET", "/Users", &many, None).await.status, 431);
    let large = "x".repeat(17 * 1024);
    assert_eq!(relay.send("GET", "/Users", &[("x-large", &large)], None).await.status, 431);
}

#[tokio::test]
async fn an_attribute_has_so_many_values() {
    let relay = Relay::start("dialect = \"rfc\"").await;
    let emails = |from: usize, count: usize| -> Vec<Value> {
        (from..from + count).map(|index| json!({ "value": format!("{index}@a.example") })).collect()
    };
    let mut body = user("many");
    body["emails"] = json!(emails(0, resource::VALUES_MAX + 1));
    let named = format!("more than {} values", resource::VALUES_MAX);
    assert_refused(&relay.post("/Users", &body).await, 400, Some("invalidValue"), &named);
    body["emails"] = json!(emails(0, resource::VALUES_MAX));
    let many = created(&relay, "/Users", &body).await;
    let path = format!("/Users/{}", id(&many));
    let one_more = patch(json!([{ "op": "add", "path": "emails", "value": emails(5000, 1) }]));
    assert_refused(&relay.patch(&path, &one_more).await, 400, Some("invalidValue"), &named);
    let again = patch(json!([{ "op": "add", "path": "emails", "value": emails(0, resource::VALUES_MAX) }]));
    assert_eq!(relay.patch(&path, &again).await.body, many, "what is there already is no more");
}

#[tokio::test]
async fn a_resource_does_not_grow_beyond_its_size_by_small_changes() {
    let relay = Relay::start("").await;
    let path = ann(&relay).await;
    let half = "x".repeat(resource::BYTES_MAX / 2);
    let set = |path: &str| patch(json!([{ "op": "add", "path": path, "value": half }]));
    assert_eq!(relay.patch(&path, &set("title")).await.status, 200);
    let before = relay.get(&path).await.body;
    assert_refused(&relay.patch(&path, &set("nickName")).await, 413, None, resource::BYTES_MAX);
    assert_refused(
        &relay.patch(&path, &set(&format!("{ENTERPRISE_URN}:division"))).await,
        413,
        None,
        resource::BYTES_MAX,
    );
    assert_eq!(relay.get(&path).await.body, before);
}

#[tokio::test]
async fn a_group_that_is_too_large_keeps_its_members_and_is_not_counted() {
    let relay = Relay::start("").await;
    let member = created(&relay, "/Users", &user("ann")).await;
    let staff = created(&relay, "/Groups", &group("Staff", &[id(&member)])).await;
    let path = format!("/Groups/{}", id(&staff));
    let large = group(&"x".repeat(resource::BYTES_MAX), &[]);
    // Its body may be larger than a user's, for the sake of the members.
    assert_refused(&relay.put(&path, &large).await, 413, None, resource::BYTES_MAX);
    assert_refused(&relay.post("/Groups", &large).await, 413, None, resource::BYTES_MAX);
    assert_eq!(relay.get(&path).await.body, staff);
    assert_eq!(total(&relay.get("/Groups").await), 1);
}

#[tokio::test]
async fn a_patch_has_so_many_operations() {
    let relay = Relay::start("").await;
    let path = ann(&relay).await;
    let operations = |count: usize| patch(json!(vec![json!({ "op": "add", "path": "title", "value": "x" }); count]));
    let refused = relay.patch(&path, &operations(patch::OPERATIONS_MAX + 1)).await;
    assert_refused(&refused, 413, None, patch::OPERATIONS_MAX);
    assert_eq!(relay.get(&path).await.body.get("title"), None);
    assert_eq!(relay.patch(&path, &operations(patch::OPERATIONS_MAX)).await.body["title"], "x");
}

#[tokio::test]
async fn operations_walk_over_so_much_in_all() {
    let relay = Relay::start("dialect = \"rfc\"").await;
    let mut body = user("large");
    let display = "x".repeat(800);
    body["emails"] = (0..1000).map(|index| json!({ "value": format!("{index}"), "display": display })).collect();
    let path = format!("/Users/{}", id(&created(&relay, "/Users", &body).await));
    let mark = json!({ "op": "replace", "path": "emails[display co \"y\" or value eq \"7\"].type", "value": "work" });
    let before = relay.get(&path).await.body;
    assert_refused(&relay.patch(&path, &patch(json!(vec![&mark; 200]))).await, 413, None, patch::WORK_MAX);
    assert_eq!(relay.get(&path).await.body, before);
    assert_eq!(relay.patch(&path, &patch(json!(vec![&mark; 10]))).await.status, 200);
}

#[tokio::test]
async fn filters_are_bounded_in_length_depth_and_terms() {
    let relay = Relay::start("").await;
    let search = async |filter: String| relay.post("/Users/.search", &json!({ "filter": filter })).await;
    let long = |length: usize| format!("title eq \"{}\"", "x".repeat(length - "title eq \"\"".len()));
    let terms = |count: usize| vec!["title pr"; count].join(" and ");
    let deep = |depth: usize| format!("{}title pr{}", "(".repeat(depth), ")".repeat(depth));
    for (fits, beyond, named) in [
        (long(filter::LENGTH_MAX), long(filter::LENGTH_MAX + 1), filter::LENGTH_MAX),
        (terms(filter::TERMS_MAX), terms(filter::TERMS_MAX + 1), filter::TERMS_MAX),
        (deep(filter::DEPTH_MAX), deep(filter::DEPTH_MAX + 1), filter::DEPTH_MAX),
    ] {
        assert_eq!(total(&search(fits).await), 0);
        assert_refused(&search(beyond).await, 400, Some("invalidFilter"), named);
    }
    let path = ann(&relay).await;
    let long = json!([{ "op": "add", "path": "x".repeat(filter::LENGTH_MAX + 1), "value": "x" }]);
    assert_refused(&relay.patch(&path, &patch(long)).await, 400, Some("invalidPath"), filter::LENGTH_MAX);
}

#[tokio::test]
async fn lists_are_bounded_in_page_and_in_what_is_sorted() {
    let relay = Relay::start("").await;
    ann(&relay).await;
    fill(
        &relay,
        &format!(
            "WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < {SORTED_MAX})
             INSERT INTO resources (no, id, version, created, modified, body, members)
             SELECT no + i, randomblob(16), version, created, modified, body, members
             FROM n, resources"
        ),
    )
    .await;
    let page = relay.get(&format!("/Users?attributes=id&filter=active+eq+true&count={}", COUNT_MAX + 500)).await;
    assert_eq!(total(&page), u64::try_from(SORTED_MAX + 1).unwrap());
    assert_eq!(page.body["itemsPerPage"], COUNT_MAX);
    let sorted = async |index: usize| {
        relay.get(&format!("/Users?attributes=id&sortBy=userName&count=1&startIndex={index}")).await
    };
    assert_eq!(sorted(SORTED_MAX).await.body["itemsPerPage"], 1);
    let refused = sorted(SORTED_MAX + 1).await;
    assert_refused(&refused, 400, Some("tooMany"), SORTED_MAX);
}

#[tokio::test]
async fn a_patch_reads_all_members_of_a_large_group_once() {
    let relay = Relay::start("").await;
    let user = created(&relay, "/Users", &user("ann")).await;
    let staff = created(&relay, "/Groups", &group("Staff", &[id(&user)])).await;
    let path = format!("/Groups/{}?excludedAttributes=members", id(&staff));
    fill(
        &relay,
        &format!(
            "WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < {MEMBERS_WALKED_MAX})
             INSERT INTO memberships (in_group, member, version, present, display)
             SELECT in_group, 'm' || i, version, 1, 'one' FROM n, (SELECT in_group, version FROM memberships LIMIT 1)"
        ),
    )
    .await;
    let named = |name: &str| json!({ "op": "remove", "path": format!("members[display eq \"{name}\"]") });
    let refused = relay.patch(&path, &patch(json!([named("two"), named("three")]))).await;
    assert_refused(&refused, 413, None, MEMBERS_WALKED_MAX);
    assert_eq!(relay.patch(&path, &patch(json!([named("two")]))).await.status, 200);
    let by_value: Vec<Value> =
        (1..=100).map(|index| json!({ "op": "remove", "path": format!("members[value eq \"m{index}\"]") })).collect();
    assert_eq!(relay.patch(&path, &patch(json!(by_value))).await.status, 200, "a member by its value is no walk");
}

/// The rows of the table, by their key, or by what they limit where they are fixed.
fn documented() -> BTreeMap<String, String> {
    let text = include_str!("../../docs/limits.md");
    let rows = text.lines().filter(|line| line.starts_with("| ")).skip(1);
    rows.map(|row| {
        let cells: Vec<&str> = row.trim_matches('|').split('|').map(str::trim).collect();
        let [limit, default, key, _] = cells[..] else { panic!("{row}") };
        let name = if key == "fixed" { limit } else { key.trim_matches('`') };
        (name.to_owned(), default.to_owned())
    })
    .collect()
}

#[test]
fn the_table_of_limits_says_what_the_code_does() {
    let fixed = [
        ("nesting of a JSON body, levels", json::DEPTH_MAX),
        ("values of one attribute, members apart", resource::VALUES_MAX),
        ("attributes of one resource, members apart, bytes of JSON", resource::BYTES_MAX),
        ("operations of a PATCH", patch::OPERATIONS_MAX),
        ("values that the operations of a PATCH walk over, bytes times comparisons", patch::WORK_MAX),
        ("members read by a PATCH before one more operation reads the whole group", MEMBERS_WALKED_MAX),
        ("filter or path, bytes", filter::LENGTH_MAX),
        ("nesting of a filter, levels", filter::DEPTH_MAX),
        ("comparisons of a filter", filter::TERMS_MAX),
        ("cursor, bytes", cursor::LENGTH_MAX),
        ("results on a page, where the client does not say", COUNT_DEFAULT),
        ("results on a page", COUNT_MAX),
        ("resources of a sorted list that have an index; those behind them are reached by cursor", SORTED_MAX),
    ];
    let configured = serde_json::to_value(Limits::default()).unwrap();
    let configured = configured.as_object().unwrap().iter().map(|(key, value)| (key.clone(), value.to_string()));
    let expected: BTreeMap<String, String> =
        fixed.map(|(name, value)| (name.to_owned(), value.to_string())).into_iter().chain(configured).collect();
    assert_eq!(documented(), expected);
}
