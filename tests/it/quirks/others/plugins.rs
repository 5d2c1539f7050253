//! Google, Rippling, a Keycloak plug-in, and what breaks more than one client.

use serde_json::json;

use crate::{
    bodies::{created, group, id, total, user},
    relay::Relay,
};

/// These clients have no dialect of their own, so it is `auto` that must understand them; any other that is tolerant
/// does as well.
async fn relays() -> [Relay; 2] {
    Relay::both("okta", "").await
}

#[tokio::test]
async fn ot_13_the_probe_for_one_user_needs_no_filter() {
    for relay in relays().await {
        assert_eq!(total(&relay.get("/Users?count=1").await), 0);
        for name in ["jane@acme.example", "raj@acme.example"] {
            created(&relay, "/Users", &user(name)).await;
        }
        let page = relay.get("/Users?count=1").await;
        assert_eq!((total(&page), &page.body["itemsPerPage"]), (2, &json!(1)));
    }
}

/// The probe has the token that its administrator entered, and is answered. Without one there is a 401 as on every path,
/// never a 404: what the relay is, it tells nobody who has no key.
#[tokio::test]
async fn ot_14_the_probe_for_the_configuration_is_answered() {
    for relay in relays().await {
        let probe = relay.get("/ServiceProviderConfig").await;
        assert_eq!(probe.status, 200);
        assert_eq!(probe.body["patch"]["supported"], true);
        let stranger = relay.anonymous("GET", "/ServiceProviderConfig").await;
        assert_eq!((stranger.status, &stranger.body["status"]), (401, &json!("401")));
    }
}

#[tokio::test]
async fn ot_15_a_repeated_post_is_a_conflict() {
    for mut relay in relays().await {
        let jane = created(&relay, "/Users", &user("jane@acme.example")).await;
        for _ in 0..2 {
            let again = relay.post("/Users", &user("jane@acme.example")).await;
            assert_eq!((again.status, &again.body["scimType"]), (409, &json!("uniqueness")));
        }
        assert_eq!(relay.get(&format!("/Users/{}", id(&jane))).await.body, jane);
        assert_eq!(relay.delivered().await["users"].as_array().map(Vec::len), Some(1));
    }
}

#[tokio::test]
async fn ot_25_our_id_as_external_id_keeps_the_stored_one() {
    for relay in Relay::both("okta", "unique-id = \"externalId\"").await {
        let mut body = user("jane@acme.example");
        body["externalId"] = "kc-1".into();
        let jane = created(&relay, "/Users", &body).await;
        let path = format!("/Users/{}", id(&jane));
        body["externalId"] = jane["id"].clone();
        body["title"] = "Engineer".into();
        let response = relay.put(&path, &body).await;
        assert_eq!((response.status, &response.body["externalId"]), (200, &json!("kc-1")));
        let stored = relay.get(&path).await.body;
        assert_eq!((&stored["externalId"], &stored["title"]), (&json!("kc-1"), &json!("Engineer")));
        assert_eq!(total(&relay.get("/Users?filter=externalId%20eq%20%22kc-1%22").await), 1, "the key still finds it");

        let raj = created(&relay, "/Users", &user("raj@acme.example")).await;
        let mut body = user("raj@acme.example");
        body["externalId"] = raj["id"].clone();
        let response = relay.put(&format!("/Users/{}", id(&raj)), &body).await;
        assert_eq!((response.status, response.body.get("externalId")), (200, None), "there was none to keep");
    }
}

#[tokio::test]
async fn ot_26_answers_have_empty_lists_and_no_nulls() {
    for relay in relays().await {
        let team = created(&relay, "/Groups", &group("Team", &[])).await;
        created(&relay, "/Users", &user("jane@acme.example")).await;
        for url in [
            "/Users?filter=userName%20eq%20%22nobody%22",
            "/Users?startIndex=9",
            "/Users?count=0",
            "/Groups",
            "/Groups?attributes=members",
            &format!("/Groups/{}", id(&team)),
            "/Users",
            "/Schemas",
            "/ResourceTypes",
        ] {
            let answer = relay.get(url).await;
            assert_eq!(answer.status, 200, "{url}");
            assert!(!answer.body.to_string().contains(":null"), "{url}: {}", answer.body);
        }
        assert_eq!(relay.get("/Users?count=0").await.body["Resources"], json!([]));
        assert_eq!(relay.get("/Groups").await.body["Resources"][0]["members"], json!([]));
    }
}
