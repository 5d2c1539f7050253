//! JumpCloud, which tries a service provider out before it trusts it.

use serde_json::json;

use crate::{
    bodies::{created, group, id, patch, total, user},
    relay::Relay,
};

async fn relays() -> [Relay; 2] {
    Relay::both("jumpcloud", "").await
}

/// Activation creates and removes a user and a group, and may do so again and again: no limit and no approval is in the
/// way, and nothing is left over.
#[tokio::test]
async fn ot_07_test_objects_come_and_go() {
    for mut relay in relays().await {
        for by_delete in [true, false, true] {
            let response = relay.post("/Users", &user("scim.test@acme.example")).await;
            let path = if response.status == 409 {
                let found = relay.get("/Users?filter=userName%20eq%20%22scim.test@acme.example%22").await;
                assert_eq!(found.body["Resources"][0]["active"], false, "only who was deactivated is still there");
                format!("/Users/{}", id(&found.body["Resources"][0]))
            } else {
                assert_eq!(response.status, 201, "{}", response.body);
                format!("/Users/{}", id(&response.body))
            };
            let team = created(&relay, "/Groups", &group("SCIM test", &[])).await;
            assert_eq!(relay.delete(&format!("/Groups/{}", id(&team))).await.status, 204);
            if by_delete {
                assert_eq!(relay.delete(&path).await.status, 204);
                assert_eq!(relay.get(&path).await.status, 404);
            } else {
                let off = patch(json!([{ "op": "replace", "path": "active", "value": false }]));
                assert_eq!(relay.patch(&path, &off).await.body["active"], false);
            }
        }
        assert_eq!(total(&relay.get("/Groups").await), 0);
        let file = relay.delivered().await;
        assert_eq!((&file["users"], &file["groups"]), (&json!([]), &json!([])));
    }
}

#[tokio::test]
async fn ot_08_a_group_of_the_same_name_is_adopted() {
    for relay in relays().await {
        let jane = created(&relay, "/Users", &user("jane@acme.example")).await;
        let there = created(&relay, "/Groups", &group("Engineering", &[id(&jane)])).await;
        let found = relay.get("/Groups?filter=displayName%20eq%20%22engineering%22").await;
        assert_eq!(total(&found), 1);
        assert_eq!(found.body["Resources"][0], there, "with the members that it has");
        let second = relay.post("/Groups", &group("ENGINEERING", &[])).await;
        assert_eq!((second.status, &second.body["scimType"]), (409, &json!("uniqueness")));
        assert_eq!(total(&relay.get("/Groups").await), 1);
        assert_eq!(relay.get(&format!("/Groups/{}", id(&there))).await.body, there);
    }
}

#[tokio::test]
async fn ot_09_removal_disables_the_members_and_keeps_the_group() {
    for mut relay in relays().await {
        let mut people = Vec::new();
        for name in ["jane@acme.example", "raj@acme.example"] {
            people.push(id(&created(&relay, "/Users", &user(name)).await).to_owned());
        }
        let team = created(&relay, "/Groups", &group("Team", &[&people[0], &people[1]])).await;
        let path = format!("/Groups/{}", id(&team));
        let remove = patch(json!([{ "op": "remove", "path": "members", "value": [{ "value": people[0] }] }]));
        assert_eq!(relay.patch(&path, &remove).await.status, 200);
        let left = relay.get(&path).await.body["members"].clone();
        assert_eq!(left.as_array().map(Vec::len), Some(1), "only who is listed goes");
        assert_eq!(left[0]["value"], json!(people[1]));
        let off = patch(json!([{ "op": "replace", "path": "active", "value": false }]));
        assert_eq!(relay.patch(&format!("/Users/{}", people[0]), &off).await.body["active"], false);
        let file = relay.delivered().await;
        assert_eq!(
            (file["groups"][0]["displayName"].as_str(), &file["groups"][0]["members"]),
            (Some("Team"), &json!([people[1]]))
        );
        let active: Vec<_> = file["users"].as_array().unwrap().iter().map(|user| user["active"].clone()).collect();
        assert_eq!(active.iter().filter(|active| **active == false).count(), 1);
    }
}
