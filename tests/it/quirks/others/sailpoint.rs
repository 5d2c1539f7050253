//! SailPoint.

use serde_json::json;

use crate::{
    bodies::{created, group, id, patch, total, user},
    relay::Relay,
};

async fn relays() -> [Relay; 2] {
    Relay::both("sailpoint", "").await
}

#[tokio::test]
async fn ot_16_an_add_without_a_path_sets_values() {
    for mut relay in relays().await {
        let jane = created(&relay, "/Users", &user("jane@acme.example")).await;
        let path = format!("/Users/{}", id(&jane));
        let off = patch(json!([{ "op": "add", "value": { "active": false, "title": "Engineer" } }]));
        let response = relay.patch(&path, &off).await;
        assert_eq!(response.status, 200, "{}", response.body);
        let stored = relay.get(&path).await.body;
        assert_eq!((&stored["active"], &stored["title"]), (&json!(false), &json!("Engineer")));
        assert_eq!(relay.delivered().await["users"][0]["active"], false);
    }
}

/// With `updateGroupsViaUsers` SailPoint writes a user's `groups`, which the RFC makes read-only: they are ignored, so
/// that the rest of the request is applied. Memberships are written to the groups; the option must be off.
#[tokio::test]
async fn ot_17_a_users_groups_are_ignored() {
    for relay in relays().await {
        let jane = created(&relay, "/Users", &user("jane@acme.example")).await;
        let team = created(&relay, "/Groups", &group("Team", &[id(&jane)])).await;
        let crew = created(&relay, "/Groups", &group("Crew", &[])).await;
        let path = format!("/Users/{}", id(&jane));
        for operation in [
            json!({ "op": "add", "path": "groups", "value": [{ "value": id(&crew) }] }),
            json!({ "op": "replace", "path": "groups", "value": [] }),
            json!({ "op": "remove", "path": "groups" }),
            json!({ "op": "remove", "path": format!("groups[value eq \"{}\"]", id(&team)) }),
            json!({ "op": "add", "value": { "groups": [{ "value": id(&crew) }] } }),
        ] {
            let title = json!({ "op": "add", "value": { "title": operation.to_string() } });
            let response = relay.patch(&path, &patch(json!([operation, title]))).await;
            assert_eq!(response.status, 200, "{operation}: {}", response.body);
            let stored = relay.get(&path).await.body;
            assert_eq!(stored["title"], operation.to_string(), "the rest is applied");
            assert_eq!(stored["groups"].as_array().map(Vec::len), Some(1), "{operation}");
            assert_eq!(stored["groups"][0]["value"], team["id"]);
        }
        assert_eq!(relay.get(&format!("/Groups/{}", id(&crew))).await.body, crew);
    }
}

#[tokio::test]
async fn ot_18_users_are_found_by_the_start_of_a_name() {
    for relay in relays().await {
        for name in ["anna@acme.example", "Andy@acme.example", "jane@acme.example"] {
            created(&relay, "/Users", &user(name)).await;
        }
        for (filter, expected) in
            [("userName%20sw%20%22an%22", 2), ("userName%20sw%20%22AN%22", 2), ("userName%20sw%20%22na%22", 0)]
        {
            assert_eq!(total(&relay.get(&format!("/Users?filter={filter}")).await), expected, "{filter}");
        }
    }
}
