//! Who comes, goes and comes back; and what Okta does not say.

use serde_json::{Value, json};

use super::{group_lookup, jane, lookup, okta, relays};
use crate::{
    bodies::{created, group, id, patch, total},
    relay::Relay,
};

/// An activation or deactivation by an app of the catalogue.
fn set_active(active: bool) -> Value {
    patch(json!([{ "op": "replace", "value": { "active": active } }]))
}

/// What a custom app PUTs: our last answer with another `active`.
async fn with_active(relay: &Relay, path: &str, active: bool) -> Value {
    let mut merged = okta(relay, "GET", path, None).await.body;
    merged["active"] = active.into();
    merged
}

async fn is_active_in_file(mut relay: Relay) -> Vec<bool> {
    let file = relay.delivered().await;
    file["users"].as_array().unwrap().iter().map(|user| user["active"].as_bool().unwrap()).collect()
}

#[tokio::test]
async fn ok_09_a_deactivation_without_a_path_deactivates() {
    for relay in relays().await {
        let user = created(&relay, "/Users", &jane()).await;
        let path = format!("/Users/{}", id(&user));
        let response = okta(&relay, "PATCH", &path, Some(&set_active(false))).await;
        assert_eq!((response.status, &response.body["active"]), (200, &json!(false)));
        let mut stored = relay.get(&path).await.body;
        assert_eq!(stored["active"], false);
        stored["active"] = true.into();
        stored["meta"] = user["meta"].clone();
        assert_eq!(stored, user, "and does nothing else");
        assert_eq!(is_active_in_file(relay).await, [false]);
    }
}

#[tokio::test]
async fn ok_10_a_put_deactivates() {
    for relay in relays().await {
        let user = created(&relay, "/Users", &jane()).await;
        let path = format!("/Users/{}", id(&user));
        let body = with_active(&relay, &path, false).await;
        let response = okta(&relay, "PUT", &path, Some(&body)).await;
        assert_eq!((response.status, &response.body["active"]), (200, &json!(false)));
        assert_eq!(relay.get(&path).await.body["active"], false);
        assert_eq!(is_active_in_file(relay).await, [false]);
    }
}

/// Okta takes no account away: what becomes of a leaver downstream is decided by the deactivation, at once, and the
/// user stays here for the day that it comes back.
#[tokio::test]
async fn ok_11_a_deactivation_is_all_that_is_said_of_a_leaver() {
    for relay in relays().await {
        let user = created(&relay, "/Users", &jane()).await;
        let path = format!("/Users/{}", id(&user));
        assert_eq!(okta(&relay, "PATCH", &path, Some(&set_active(false))).await.status, 200);
        assert_eq!(relay.get(&path).await.status, 200);
        assert_eq!(total(&relay.get("/Users").await), 1);
        assert_eq!(is_active_in_file(relay).await, [false], "delivered without waiting for a DELETE");
    }
}

#[tokio::test]
async fn ok_12_a_reactivated_user_keeps_its_id() {
    for relay in relays().await {
        let user = created(&relay, "/Users", &jane()).await;
        let path = format!("/Users/{}", id(&user));
        for by_put in [false, true] {
            assert_eq!(okta(&relay, "PATCH", &path, Some(&set_active(false))).await.status, 200);
            let found = okta(&relay, "GET", &lookup("jane.doe@acme.example"), None).await;
            assert_eq!(total(&found), 1, "who left is still found");
            assert_eq!(
                (&found.body["Resources"][0]["id"], &found.body["Resources"][0]["active"]),
                (&user["id"], &json!(false))
            );
            let response = if by_put {
                okta(&relay, "PUT", &path, Some(&with_active(&relay, &path, true).await)).await
            } else {
                okta(&relay, "PATCH", &path, Some(&set_active(true))).await
            };
            assert_eq!((response.status, &response.body["active"]), (200, &json!(true)));
            assert_eq!(relay.get(&path).await.body["id"], user["id"]);
        }
        assert_eq!(is_active_in_file(relay).await, [true], "one account, enabled again");
    }
}

/// Nothing is concluded from silence, neither that a user was suspended nor that it was deleted: only what is said
/// changes a resource. Reading, as an import does, says nothing.
#[tokio::test]
async fn ok_13_silence_and_reading_change_nothing() {
    for mut relay in relays().await {
        let active = created(&relay, "/Users", &jane()).await;
        let mut raj = jane();
        raj["userName"] = "raj@acme.example".into();
        let left = created(&relay, "/Users", &raj).await;
        let path = format!("/Users/{}", id(&left));
        let left = okta(&relay, "PATCH", &path, Some(&set_active(false))).await.body;
        for url in [
            "/Users?startIndex=1&count=2",
            "/Users?startIndex=1&count=100",
            "/Groups?startIndex=1&count=100",
            &lookup("raj@acme.example"),
            &path,
        ] {
            assert_eq!(okta(&relay, "GET", url, None).await.status, 200, "{url}");
        }
        assert_eq!(relay.get("/Users").await.body["Resources"], json!([active, left]), "versions included");
        let file = relay.delivered().await;
        assert_eq!(file["users"].as_array().map(Vec::len), Some(2));
    }
}

/// An import shows everybody as they are. That Okta does not import inactive users, and deactivates its own user where
/// we are the profile's source, are both decisions that it takes by our `active`.
#[tokio::test]
async fn ok_30_an_import_shows_inactive_users_as_such() {
    for relay in relays().await {
        let user = created(&relay, "/Users", &jane()).await;
        let path = format!("/Users/{}", id(&user));
        assert_eq!(okta(&relay, "PATCH", &path, Some(&set_active(false))).await.status, 200);
        let page = okta(&relay, "GET", "/Users?startIndex=1&count=100", None).await;
        assert_eq!(total(&page), 1);
        assert_eq!(
            (&page.body["Resources"][0]["id"], &page.body["Resources"][0]["active"]),
            (&user["id"], &json!(false))
        );
    }
}

/// Okta hangs up after a minute and may ask again. The answer waits for the disk alone, never for a downstream system;
/// and what is asked twice is done once.
#[tokio::test]
async fn ok_40_the_answer_waits_for_no_downstream_system() {
    for relay in relays().await {
        relay.break_downstream();
        let user = created(&relay, "/Users", &jane()).await;
        let path = format!("/Users/{}", id(&user));
        assert_eq!(okta(&relay, "POST", "/Users", Some(&jane())).await.status, 409, "asked again: no second user");
        let off = okta(&relay, "PATCH", &path, Some(&set_active(false))).await.body;
        assert_eq!(okta(&relay, "PATCH", &path, Some(&set_active(false))).await.body, off, "the version included");
        let group = created(&relay, "/Groups", &group("Team", &[id(&user)])).await;
        assert_eq!(relay.pending().await, 2, "all of it acknowledged, none of it delivered");
        let rename = patch(json!([{ "op": "replace", "value": { "id": id(&group), "displayName": "Team EU" } }]));
        for _ in 0..2 {
            assert_eq!(okta(&relay, "PATCH", &format!("/Groups/{}", id(&group)), Some(&rename)).await.status, 200);
        }
        assert_eq!(total(&relay.get(&group_lookup("Team%20EU")).await), 1);
    }
    assert!(
        scim_relay::http::Limits::default().request_seconds < 60,
        "what takes long is answered before Okta hangs up"
    );
}

/// Okta never reads `/ServiceProviderConfig`: an app is set up for PUT or for PATCH, so both are there for both types,
/// whatever was read before.
#[tokio::test]
async fn ok_42_nothing_is_negotiated() {
    for relay in relays().await {
        let user = created(&relay, "/Users", &jane()).await;
        let team = created(&relay, "/Groups", &group("Team", &[])).await;
        let (user, team) = (format!("/Users/{}", id(&user)), format!("/Groups/{}", id(&team)));
        let body = with_active(&relay, &user, false).await;
        assert_eq!(okta(&relay, "PUT", &user, Some(&body)).await.body["active"], false);
        assert_eq!(okta(&relay, "PATCH", &user, Some(&set_active(true))).await.body["active"], true);
        assert_eq!(okta(&relay, "PUT", &team, Some(&group("Crew", &[]))).await.body["displayName"], "Crew");
        let rename = patch(json!([{ "op": "replace", "value": { "displayName": "Team" } }]));
        assert_eq!(okta(&relay, "PATCH", &team, Some(&rename)).await.body["displayName"], "Team");
    }
}
