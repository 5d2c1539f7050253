//! What becomes downstream of who leaves, and of what was there before.

use serde_json::{Value, json};

use crate::{
    bodies::{group, id, patch, user},
    relay::Relay,
};

const MOVES: &str = r#"
    [connectors.leavers]
    kind = "json-file"
    tenant = "acme"
    on-deactivate = "move"
    on-delete = "move"
    [connectors.leavers.settings]
    path = "leavers.json"
    linger-ms = 5
"#;

#[tokio::test]
async fn a_leaver_is_moved_aside_and_comes_back_with_the_memberships() {
    let relay = Relay::start(MOVES).await;
    let ada = id(&relay.post("/Users", &user("ada")).await.body).to_owned();
    relay.post("/Groups", &group("staff", &[&ada])).await;
    relay.settled().await;
    assert_eq!(names(&relay, "users"), ["ada"]);

    let active = |value: bool| patch(json!([{ "op": "replace", "path": "active", "value": value }]));
    assert_eq!(relay.patch(&format!("/Users/{ada}"), &active(false)).await.status, 200);
    relay.settled().await;
    assert_eq!((names(&relay, "users"), names(&relay, "users-aside")), (vec![], vec!["ada".to_owned()]));
    assert_eq!(entries(&relay, "users-aside")[0]["active"], false);

    relay.patch(&format!("/Users/{ada}"), &active(true)).await;
    relay.settled().await;
    assert_eq!((names(&relay, "users"), names(&relay, "users-aside")), (vec!["ada".to_owned()], vec![]));
    assert_eq!(entries(&relay, "users")[0]["active"], true);
    assert_eq!(entries(&relay, "groups")[0]["members"], json!([ada]));

    assert_eq!(relay.delete(&format!("/Users/{ada}")).await.status, 204);
    relay.settled().await;
    assert_eq!((names(&relay, "users"), names(&relay, "users-aside")), (vec![], vec!["ada".to_owned()]));
    relay.stop().await;
}

fn entries(relay: &Relay, section: &str) -> Vec<Value> {
    let file: Value = serde_json::from_slice(&std::fs::read(relay.folder().join("leavers.json")).unwrap()).unwrap();
    file[section].as_array().cloned().unwrap_or_default()
}

fn names(relay: &Relay, section: &str) -> Vec<String> {
    let entries = entries(relay, section);
    entries.iter().map(|entry| entry["userName"].as_str().unwrap().to_owned()).collect()
}
