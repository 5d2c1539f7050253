//! authentik as a client.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::Instant;

use crate::{
    bodies::{GROUP_URN, created, group, id, patch, total, user},
    relay::Relay,
};

async fn relays() -> [Relay; 2] {
    Relay::both("authentik", "").await
}

/// So many users; their ids.
async fn people(relay: &Relay, count: usize) -> Vec<String> {
    let mut people = Vec::with_capacity(count);
    for index in 0..count {
        people.push(id(&created(relay, "/Users", &user(&format!("user{index:04}"))).await).to_owned());
    }
    people
}

fn members(group: &Value) -> Vec<&str> {
    group["members"].as_array().unwrap().iter().map(|member| member["value"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn ot_19_the_configuration_says_truly_that_patch_is_supported() {
    for relay in relays().await {
        assert_eq!(relay.get("/ServiceProviderConfig").await.body["patch"], json!({ "supported": true }));
        let jane = created(&relay, "/Users", &user("jane@acme.example")).await;
        let title = patch(json!([{ "op": "replace", "path": "title", "value": "Engineer" }]));
        let response = relay.patch(&format!("/Users/{}", id(&jane)), &title).await;
        assert_eq!((response.status, &response.body["title"]), (200, &json!("Engineer")));
    }
}

#[tokio::test]
async fn ot_20_a_patch_may_have_an_operation_for_each_of_many_members() {
    for mut relay in relays().await {
        let people = people(&relay, 20).await;
        let team = created(&relay, "/Groups", &group("Team", &[])).await;
        let path = format!("/Groups/{}", id(&team));
        let pending = |index: usize| format!("0198c0de-0000-7000-8000-{index:012}");
        let everybody: Vec<String> = people.iter().cloned().chain((20..1_000).map(pending)).collect();
        let operations = |op: &str, people: &[String]| -> Value {
            patch(people.iter().map(|id| json!({ "op": op, "path": "members", "value": [{ "value": id }] })).collect())
        };
        assert_eq!(relay.patch(&path, &operations("add", &everybody)).await.status, 200);
        let mut found: Vec<String> = members(&relay.get(&path).await.body).into_iter().map(str::to_owned).collect();
        found.sort_unstable();
        let mut expected = everybody.clone();
        expected.sort_unstable();
        assert_eq!(found, expected);

        assert_eq!(relay.patch(&path, &operations("remove", &everybody[1..])).await.status, 200);
        assert_eq!(members(&relay.get(&path).await.body), [&people[0]]);
        assert_eq!(relay.delivered().await["groups"][0]["members"], json!([people[0]]));
    }
}

/// Eight times as many operations may take eight times as long, and some more, but not sixty-four times.
#[tokio::test]
async fn ot_20_an_operation_a_member_costs_the_same_however_many_there_are() {
    let relay = Relay::start("dialect = \"authentik\"").await;
    let mut took = Vec::new();
    for count in [1_000, 8_000] {
        let mut best = Duration::MAX;
        for attempt in 0..3 {
            let team = created(&relay, "/Groups", &group(&format!("Team {count} {attempt}"), &[])).await;
            let operations = (0..count).map(|index| {
                json!({ "op": "add", "path": "members", "value": [{ "value": format!("0198c0de-0000-7000-8000-{index:012}") }] })
            });
            let body = patch(operations.collect());
            let started = Instant::now();
            let response = relay.patch(&format!("/Groups/{}", id(&team)), &body).await;
            best = best.min(started.elapsed());
            assert!(matches!(response.status, 200 | 204), "{}", response.body);
        }
        took.push(best);
    }
    assert!(took[1] < took[0] * 32, "{took:?}");
}

#[tokio::test]
async fn ot_21_a_group_shows_all_its_members() {
    for relay in relays().await {
        let pending: Vec<String> = (0..1_200).map(|index| format!("0198c0de-0000-7000-8000-{index:012}")).collect();
        let ids: Vec<&str> = pending.iter().map(String::as_str).collect();
        let team = created(&relay, "/Groups", &group("Team", &ids)).await;
        let shown = relay.get(&format!("/Groups/{}", id(&team))).await.body;
        assert_eq!(members(&shown), ids);
        let listed = relay.get("/Groups?filter=displayName%20eq%20%22Team%22").await.body;
        assert_eq!(members(&listed["Resources"][0]), ids);
    }
}

#[tokio::test]
async fn ot_22_a_conflict_leads_to_the_group_of_that_name() {
    for relay in relays().await {
        let there = created(&relay, "/Groups", &group("Team", &[])).await;
        created(&relay, "/Groups", &group("Team A", &[])).await;
        let body = json!({ "schemas": [GROUP_URN], "externalId": "a1", "displayName": "Team" });
        let conflict = relay.post("/Groups", &body).await;
        assert_eq!((conflict.status, &conflict.body["scimType"]), (409, &json!("uniqueness")));
        let found = relay.get("/Groups?filter=displayName%20eq%20%22Team%22").await;
        assert_eq!(total(&found), 1, "that name, not one that begins so");
        assert_eq!(found.body["Resources"][0]["id"], there["id"]);
        let replace = patch(json!([{ "op": "replace", "value": {
            "schemas": [GROUP_URN], "id": id(&there), "externalId": "a1", "displayName": "Team",
        } }]));
        assert_eq!(relay.patch(&format!("/Groups/{}", id(&there)), &replace).await.status, 200);
        assert_eq!(relay.get(&format!("/Groups/{}", id(&there))).await.body["externalId"], "a1", "adopted");
    }
}

#[tokio::test]
async fn ot_23_a_whole_group_is_replaced_without_a_path() {
    for relay in relays().await {
        let people = people(&relay, 1).await;
        let team = created(&relay, "/Groups", &group("Team", &[&people[0]])).await;
        let path = format!("/Groups/{}", id(&team));
        let value = json!({
            "schemas": [GROUP_URN], "id": id(&team), "externalId": "a1", "displayName": "Crew",
            "meta": { "resourceType": "Group", "version": "W/\"99\"" },
        });
        let response = relay.patch(&path, &patch(json!([{ "op": "replace", "value": value }]))).await;
        assert_eq!(response.status, 200, "{}", response.body);
        let stored = relay.get(&path).await.body;
        assert_eq!((&stored["externalId"], &stored["displayName"]), (&json!("a1"), &json!("Crew")));
        assert_eq!(members(&stored), [&people[0]], "what is not named stays");
        assert_eq!((&stored["id"], &stored["meta"]["created"]), (&team["id"], &team["meta"]["created"]));
    }
}

#[tokio::test]
async fn ot_24_a_list_may_be_read_without_a_count() {
    for relay in relays().await {
        people(&relay, 150).await;
        let mut names = Vec::new();
        loop {
            let page = relay.get(&format!("/Users?startIndex={}", names.len() + 1)).await;
            assert_eq!(total(&page), 150);
            let users = page.body["Resources"].as_array().unwrap();
            assert_eq!(page.body["itemsPerPage"], users.len());
            names.extend(users.iter().map(|user| user["userName"].as_str().unwrap().to_owned()));
            if users.is_empty() {
                break;
            }
        }
        assert_eq!(names, (0..150).map(|index| format!("user{index:04}")).collect::<Vec<_>>());
    }
}
