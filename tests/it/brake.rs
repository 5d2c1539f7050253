//! What is removed beyond a limit waits for a person; the client does not notice. Over HTTP, to a JSON file.

mod laws;
mod members;
mod store;

use std::{collections::BTreeMap, time::Duration};

use scim_relay::{
    operator::Command,
    store::{ConnectorName, StagedSelection},
    time::Clock,
};
use serde_json::{Value, json};

use crate::{
    bodies::{id, patch, user},
    harness::eventually,
    relay::Relay,
    store_bench::{START, minutes},
};

const BULK_URN: &str = "urn:ietf:params:scim:api:messages:2.0:BulkRequest";

/// Two removals an hour at the connector, however many there are, and all at the entrance.
pub(crate) const TIGHT: &str = "
    [tenants.acme.brake]
    removals-min = 1000000
    [connectors.people.brake]
    removals-min = 2
    percent = 0
";

pub(crate) fn all() -> StagedSelection {
    StagedSelection::default()
}

pub(crate) fn of(resource: &str) -> StagedSelection {
    StagedSelection { resource: Some(resource.parse().unwrap()), ..all() }
}

/// What the connector's file has under a name.
pub(crate) fn held(relay: &Relay, section: &str) -> Vec<Value> {
    let file: Value = serde_json::from_slice(&std::fs::read(relay.folder().join("people.json")).unwrap()).unwrap();
    file[section].as_array().unwrap().clone()
}

/// The users in the file, by name: whether they are active.
fn active(relay: &Relay) -> BTreeMap<String, bool> {
    let users = held(relay, "users");
    users.iter().map(|user| (user["userName"].as_str().unwrap().to_owned(), user["active"] == true)).collect()
}

/// The names of those in the file who are active.
fn in_use(relay: &Relay) -> Vec<String> {
    active(relay).into_iter().filter(|(_, active)| *active).map(|(name, _)| name).collect()
}

/// A number of the metrics.
pub(crate) async fn metric(relay: &Relay, line: &str) -> f64 {
    let text = relay.metrics().await;
    text.lines().find_map(|found| found.strip_prefix(line)?.trim().parse().ok()).unwrap_or_else(|| panic!("{text}"))
}

const STAGED: &str = r#"scim_relay_brake_staged{connector="people",of="resources"}"#;
const LEAVERS: &str = r#"scim_relay_leavers{connector="people",tenant="acme"}"#;

/// Does operations a thousand at a time; their locations.
async fn bulk(relay: &Relay, operations: &[Value]) -> Vec<String> {
    let mut locations = Vec::new();
    for part in operations.chunks(1_000) {
        let answer = relay.post("/Bulk", &json!({ "schemas": [BULK_URN], "Operations": part })).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        for result in answer.body["Operations"].as_array().unwrap() {
            assert!(result["status"].as_str().unwrap().starts_with('2'), "{result}");
            let location = result["location"].as_str().unwrap_or_default();
            locations.push(location.trim_start_matches(&*relay.base).to_owned());
        }
    }
    locations
}

/// Waits until every delivery is done, by a clock that stands otherwise: a connector collects changes for some of its time.
async fn settled_by(relay: &Relay, clock: &Clock) {
    eventually(|| async {
        clock.advance(Duration::from_millis(10));
        relay.pending().await == 0
    })
    .await;
}

/// The paths of so many new users, delivered.
async fn people(relay: &Relay, count: usize) -> Vec<String> {
    let create = |number| {
        let data = user(&format!("u{number:05}"));
        json!({ "method": "POST", "path": "/Users", "bulkId": format!("b{number}"), "data": data })
    };
    let paths = bulk(relay, &(0..count).map(create).collect::<Vec<_>>()).await;
    relay.settled().await;
    paths
}

fn disable() -> Value {
    patch(json!([{ "op": "replace", "path": "active", "value": false }]))
}

fn enable() -> Value {
    patch(json!([{ "op": "replace", "path": "active", "value": true }]))
}

async fn patched(relay: &Relay, path: &str, body: &Value) {
    let answer = relay.patch(path, body).await;
    assert!(matches!(answer.status, 200 | 204), "{}", answer.body);
}

#[tokio::test(flavor = "multi_thread")]
async fn t21_an_emptied_assignment_of_10000_users_leaves_all_but_the_allowed_number_in_use() {
    let relay = Relay::start("").await;
    let paths = people(&relay, 10_000).await;
    let disable = |path: &String| json!({ "method": "PATCH", "path": path, "data": disable() });
    bulk(&relay, &paths.iter().map(disable).collect::<Vec<_>>()).await;
    relay.settled().await;

    assert_eq!(in_use(&relay).len(), 9_500, "five in a hundred of 10,000 were let go");
    assert_eq!(relay.get(&paths[9_999]).await.body["active"], false, "the client is answered as usual");
    assert_eq!(metric(&relay, STAGED).await, 9_500.0);
    assert_eq!(metric(&relay, LEAVERS).await, 9_500.0, "the clock of those who were kept runs");
    let shown = relay.operate(Command::BrakeShow { selection: all(), limit: 10 }).await.unwrap();
    assert_eq!((shown["removals"].as_array().unwrap().len(), &shown["more"]), (10, &json!(true)));
    assert_eq!(shown["connectors"][0]["staged"], 9_500);

    let released = relay.operate(Command::BrakeRelease { selection: all() }).await.unwrap();
    assert_eq!(released["released"], 9_500);
    relay.settled().await;
    assert_eq!(in_use(&relay).len(), 0);
    assert_eq!((metric(&relay, STAGED).await, metric(&relay, LEAVERS).await), (0.0, 0.0));
    relay.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn t21_10000_deletes_leave_all_but_the_allowed_number_until_a_person_decides() {
    let relay = Relay::start("").await;
    let paths = people(&relay, 10_000).await;
    let delete = |path: &String| json!({ "method": "DELETE", "path": path });
    bulk(&relay, &paths.iter().map(delete).collect::<Vec<_>>()).await;
    relay.settled().await;

    assert_eq!(relay.get(&paths[9_999]).await.status, 404, "the client is answered as usual");
    assert_eq!(in_use(&relay).len(), 9_500);
    assert_eq!((metric(&relay, STAGED).await, metric(&relay, LEAVERS).await), (9_500.0, 9_500.0));

    // One is released, the others are not.
    let one = paths[9_999].trim_start_matches("/Users/");
    assert_eq!(relay.operate(Command::BrakeRelease { selection: of(one) }).await.unwrap()["released"], 1);
    relay.settled().await;
    assert_eq!(in_use(&relay).len(), 9_499);
    assert!(!in_use(&relay).contains(&"u09999".to_owned()));

    let discarded = relay.operate(Command::BrakeDiscard { selection: all() }).await.unwrap();
    assert_eq!(discarded["discarded"], 9_499);
    relay.settled().await;
    assert_eq!(in_use(&relay).len(), 9_499, "what was discarded stays");
    assert_eq!(metric(&relay, STAGED).await, 0.0, "and wakes nobody");
    assert_eq!(metric(&relay, LEAVERS).await, 9_499.0, "but may still have access");
    relay.stop().await;
}

#[tokio::test]
async fn t21_everything_else_of_a_withheld_resource_goes_and_an_opposite_change_ends_it() {
    let relay = Relay::start(TIGHT).await;
    let paths = people(&relay, 4).await;
    for path in &paths {
        patched(&relay, path, &disable()).await;
    }
    relay.settled().await;
    assert_eq!(in_use(&relay), ["u00002", "u00003"]);

    let title = patch(json!([{ "op": "add", "path": "title", "value": "Countess" }]));
    patched(&relay, &paths[2], &title).await;
    relay.settled().await;
    let users = held(&relay, "users");
    let ada = users.iter().find(|user| user["userName"] == "u00002").unwrap();
    assert_eq!((&ada["title"], &ada["active"]), (&json!("Countess"), &json!(true)));

    patched(&relay, &paths[2], &enable()).await;
    relay.settled().await;
    assert_eq!(metric(&relay, STAGED).await, 1.0, "who is enabled again is withheld no more");
    assert_eq!(metric(&relay, LEAVERS).await, 1.0);
    let released = relay.operate(Command::BrakeRelease { selection: all() }).await.unwrap();
    assert_eq!(released["released"], 1);
    relay.settled().await;
    assert_eq!(in_use(&relay), ["u00002"], "a cancelled removal is not released");

    // What a person released counts for nothing; two are still all that may go by themselves.
    patched(&relay, &paths[2], &disable()).await;
    relay.settled().await;
    assert_eq!(in_use(&relay), ["u00002"]);
    relay.stop().await;
}

#[tokio::test]
async fn t21_what_is_withheld_and_what_counts_outlives_a_restart_and_the_window_slides() {
    let clock = Clock::manual(START);
    let relay = Relay::start_at(clock.clone(), TIGHT).await;
    let create =
        |number| json!({ "method": "POST", "path": "/Users", "bulkId": "b", "data": user(&format!("u{number}")) });
    let mut paths = Vec::new();
    for number in 0..8 {
        paths.extend(bulk(&relay, &[create(number)]).await);
    }
    settled_by(&relay, &clock).await;
    patched(&relay, &paths[0], &disable()).await;
    clock.advance(minutes(30));
    patched(&relay, &paths[1], &disable()).await;
    patched(&relay, &paths[2], &disable()).await;
    settled_by(&relay, &clock).await;
    assert_eq!(in_use(&relay).len(), 6);

    let relay = relay.restarted(clock.clone()).await;
    assert_eq!(metric(&relay, STAGED).await, 1.0);
    patched(&relay, &paths[3], &disable()).await;
    settled_by(&relay, &clock).await;
    assert_eq!(in_use(&relay).len(), 6, "two have gone within the hour");

    clock.advance(minutes(31));
    patched(&relay, &paths[4], &disable()).await;
    patched(&relay, &paths[5], &disable()).await;
    settled_by(&relay, &clock).await;
    assert_eq!(in_use(&relay), ["u2", "u3", "u5", "u6", "u7"], "the first counts no more");
    assert_eq!(metric(&relay, STAGED).await, 3.0, "nothing that is withheld goes by itself");
    relay.operate(Command::BrakeRelease { selection: all() }).await.unwrap();
    settled_by(&relay, &clock).await;
    assert_eq!(in_use(&relay), ["u6", "u7"]);
    relay.stop().await;
}

#[tokio::test]
async fn t21_a_discarded_removal_is_withheld_until_the_client_changes_its_mind() {
    let relay = Relay::start(TIGHT).await;
    let paths = people(&relay, 4).await;
    for path in &paths {
        patched(&relay, path, &disable()).await;
    }
    let discard = relay.operate(Command::BrakeDiscard { selection: all() }).await.unwrap();
    assert_eq!(discard["discarded"], 2);
    let title = patch(json!([{ "op": "add", "path": "title", "value": "Countess" }]));
    patched(&relay, &paths[2], &title).await;
    relay.settled().await;
    assert_eq!(in_use(&relay), ["u00002", "u00003"], "another change does not bring it back");
    let leavers = relay.operate(Command::LeaversList { selection: Default::default(), limit: 10 }).await.unwrap();
    assert_eq!(leavers["leavers"][0]["removal"], "discarded");

    // Deleting is another removal, and as much too many.
    assert_eq!(relay.delete(&paths[3]).await.status, 204);
    relay.settled().await;
    assert_eq!(in_use(&relay), ["u00002", "u00003"]);
    let shown = relay.operate(Command::BrakeShow { selection: all(), limit: 10 }).await.unwrap();
    assert_eq!(shown["removals"][0]["removal"], "deleted");
    assert_eq!(shown["removals"].as_array().unwrap().len(), 1);
    relay.stop().await;
}

#[tokio::test]
async fn t21_the_entrance_withholds_from_every_connector_and_leaves_other_tenants_alone() {
    let relay = Relay::start(
        r#"
        brake = { removals-min = 1, percent = 0 }
        [tenants.other]
        base-path = "/other/v2"
        [connectors.second]
        kind = "json-file"
        tenant = "acme"
        settings.path = "second.json"
        [connectors.others]
        kind = "json-file"
        tenant = "other"
        settings.path = "others.json"
        "#,
    )
    .await;
    let paths = people(&relay, 3).await;
    for path in &paths {
        patched(&relay, path, &disable()).await;
    }
    relay.settled().await;
    assert_eq!(in_use(&relay), ["u00001", "u00002"]);
    let shown = relay.operate(Command::BrakeShow { selection: all(), limit: 10 }).await.unwrap();
    let removals = shown["removals"].as_array().unwrap();
    assert_eq!(removals.len(), 4, "two at each of the tenant's connectors: {shown}");
    assert!(removals.iter().all(|removal| removal["brake"] == "tenant"));

    let second = StagedSelection { connector: Some(ConnectorName("second".into())), ..all() };
    assert_eq!(relay.operate(Command::BrakeRelease { selection: second }).await.unwrap()["released"], 2);
    relay.settled().await;
    assert_eq!(in_use(&relay), ["u00001", "u00002"], "released at the other connector alone");
    let unknown = StagedSelection { connector: Some(ConnectorName("secnod".into())), ..all() };
    assert!(relay.operate(Command::BrakeRelease { selection: unknown }).await.is_err());
    let left = relay.operate(Command::BrakeShow { selection: of(id_of(&paths[2])), limit: 10 }).await.unwrap();
    assert_eq!(left["removals"][0]["connector"], "people");
    relay.stop().await;
}

fn id_of(path: &str) -> &str {
    path.trim_start_matches("/Users/")
}

#[tokio::test]
async fn t21_who_leaves_the_scope_is_withheld_too_and_comes_back_without_a_trace() {
    let relay = Relay::start(&format!(
        "{TIGHT}
        [connectors.people.scope]
        user = 'userType eq \"Employee\"'"
    ))
    .await;
    let mut paths = Vec::new();
    for name in ["ada", "bob", "cyd", "dan"] {
        let mut body = user(name);
        body["userType"] = "Employee".into();
        paths.push(format!("/Users/{}", id(&relay.post("/Users", &body).await.body)));
    }
    relay.settled().await;
    let become_one = |value: &str| patch(json!([{ "op": "replace", "path": "userType", "value": value }]));
    for path in &paths {
        patched(&relay, path, &become_one("Alumna")).await;
    }
    relay.settled().await;
    assert_eq!(in_use(&relay), ["cyd", "dan"]);
    assert_eq!(held(&relay, "users")[0]["userType"], "Alumna", "it is told of the change all the same");
    patched(&relay, &paths[2], &become_one("Employee")).await;
    relay.operate(Command::BrakeRelease { selection: all() }).await.unwrap();
    relay.settled().await;
    assert_eq!(active(&relay), BTreeMap::from([("cyd".to_owned(), true)]));
    relay.stop().await;
}
