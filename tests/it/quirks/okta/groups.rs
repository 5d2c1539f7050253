//! Push Groups.

use serde_json::{Value, json};

use super::{group_lookup, okta, relays};
use crate::{
    bodies::{GROUP_URN, created, group, id, patch, total, user},
    relay::Relay,
};

/// Jane, Raj and Zoe, and a group of the first two.
struct Pushed {
    people: [String; 3],
    path: String,
    id: String,
}

impl Pushed {
    async fn to(relay: &Relay) -> Self {
        let mut people = Vec::new();
        for name in ["jane@acme.example", "raj@acme.example", "zoe@acme.example"] {
            people.push(id(&created(relay, "/Users", &user(name)).await).to_owned());
        }
        let people: [String; 3] = people.try_into().unwrap();
        let group = created(relay, "/Groups", &group("Engineering", &[&people[0], &people[1]])).await;
        Self { people, path: format!("/Groups/{}", id(&group)), id: id(&group).to_owned() }
    }

    async fn patched(&self, relay: &Relay, operations: Value) -> Value {
        let response = okta(relay, "PATCH", &self.path, Some(&patch(operations))).await;
        assert_eq!(response.status, 200, "{}", response.body);
        relay.get(&self.path).await.body
    }
}

fn members(group: &Value) -> Vec<&str> {
    let mut members: Vec<&str> =
        group["members"].as_array().unwrap().iter().map(|member| member["value"].as_str().unwrap()).collect();
    members.sort_unstable();
    members
}

/// The members of the one group in the file.
async fn delivered(mut relay: Relay) -> (Value, Vec<String>) {
    let file = relay.delivered().await;
    let group = &file["groups"][0];
    let mut members: Vec<String> =
        group["members"].as_array().unwrap().iter().map(|id| id.as_str().unwrap().to_owned()).collect();
    members.sort_unstable();
    (group["displayName"].clone(), members)
}

#[tokio::test]
async fn ok_15_the_id_inside_a_value_is_no_change_of_it() {
    for relay in relays().await {
        let pushed = Pushed::to(&relay).await;
        let rename = json!([{ "op": "replace", "value": { "id": pushed.id, "displayName": "Engineering EU" } }]);
        let stored = pushed.patched(&relay, rename).await;
        assert_eq!((&stored["id"], &stored["displayName"]), (&json!(pushed.id), &json!("Engineering EU")));

        let other = patch(json!([{ "op": "replace", "value": { "id": "another", "displayName": "X" } }]));
        let response = okta(&relay, "PATCH", &pushed.path, Some(&other)).await;
        assert_eq!((response.status, &response.body["scimType"]), (400, &json!("mutability")));
        assert_eq!(relay.get(&pushed.path).await.body, stored);
    }
}

#[tokio::test]
async fn ok_16_a_rename_to_the_same_name_is_no_change() {
    for relay in relays().await {
        let pushed = Pushed::to(&relay).await;
        let before = relay.get(&pushed.path).await.body;
        let name = json!({ "op": "replace", "value": { "id": pushed.id, "displayName": "Engineering" } });
        assert_eq!(pushed.patched(&relay, json!([name])).await, before, "right after it was created");
        let joins = json!({ "op": "add", "path": "members", "value": [{ "value": pushed.people[2] }] });
        let stored = pushed.patched(&relay, json!([name, joins])).await;
        assert_eq!((members(&stored).len(), &stored["displayName"]), (3, &json!("Engineering")));
    }
}

#[tokio::test]
async fn ok_17_members_are_replaced_without_a_path() {
    for relay in relays().await {
        let pushed = Pushed::to(&relay).await;
        let replace = json!([{ "op": "replace", "value": { "members": [{ "value": pushed.people[2] }] } }]);
        assert_eq!(members(&pushed.patched(&relay, replace).await), [&pushed.people[2]]);
        assert_eq!(delivered(relay).await.1, [pushed.people[2].clone()]);
    }
}

#[tokio::test]
async fn ok_18_a_rename_keeps_the_members() {
    for relay in relays().await {
        let pushed = Pushed::to(&relay).await;
        let rename = json!([{ "op": "replace", "value": { "id": pushed.id, "displayName": "Engineering EU" } }]);
        assert_eq!(members(&pushed.patched(&relay, rename).await), [&pushed.people[0], &pushed.people[1]]);
        let mut put = json!({ "schemas": [GROUP_URN], "id": pushed.id, "displayName": "Engineering" });
        assert_eq!(okta(&relay, "PUT", &pushed.path, Some(&put)).await.status, 200);
        put["displayName"] = "Engineering UK".into();
        assert_eq!(okta(&relay, "PUT", &pushed.path, Some(&put)).await.status, 200);
        let (name, members) = delivered(relay).await;
        assert_eq!(name, "Engineering UK");
        assert_eq!(members, pushed.people[..2]);
    }
}

#[tokio::test]
async fn ok_19_a_removal_by_filter_and_an_addition_are_done_in_order() {
    for relay in relays().await {
        let pushed = Pushed::to(&relay).await;
        let by_filter = |id: &str| json!({ "op": "remove", "path": format!("members[value eq \"{id}\"]") });
        let add = |id: &str| json!({ "op": "add", "path": "members", "value": [{ "value": id, "display": "a@b.c" }] });
        let [jane, raj, zoe] = &pushed.people;
        let stored = pushed.patched(&relay, json!([by_filter(jane), add(zoe)])).await;
        assert_eq!(members(&stored), [raj, zoe]);
        let stored = pushed.patched(&relay, json!([add(jane), by_filter(jane)])).await;
        assert_eq!(members(&stored), [raj, zoe], "the last one wins");
        let stored = pushed.patched(&relay, json!([by_filter(zoe), add(zoe)])).await;
        assert_eq!(members(&stored), [raj, zoe]);
        let stored = pushed.patched(&relay, json!([by_filter(jane)])).await;
        assert_eq!(members(&stored), [raj, zoe], "who is not there is gone already");
    }
}

#[tokio::test]
async fn ok_20_a_full_push_replaces_the_members() {
    for relay in relays().await {
        let pushed = Pushed::to(&relay).await;
        let push = json!([{ "op": "replace", "path": "members", "value": [
            { "value": pushed.people[1], "display": "raj@acme.example" },
            { "value": pushed.people[2], "display": "zoe@acme.example" },
        ] }]);
        let stored = pushed.patched(&relay, push.clone()).await;
        assert_eq!(members(&stored), [&pushed.people[1], &pushed.people[2]]);
        assert_eq!(pushed.patched(&relay, push).await, stored, "pushed again: no change");
        assert_eq!(delivered(relay).await.1, pushed.people[1..]);
    }
}

/// A large push comes as one `replace` and then `add`s in requests of their own. Each is one transaction on the group's
/// rows, so that those which overlap lose nothing.
#[tokio::test]
async fn ok_21_a_push_in_many_requests_loses_nobody() {
    for relay in relays().await {
        let pushed = Pushed::to(&relay).await;
        let mut people = Vec::new();
        for index in 0..40 {
            people.push(id(&created(&relay, "/Users", &user(&format!("user{index:02}"))).await).to_owned());
        }
        let batches: Vec<Value> =
            people.chunks(5).map(|chunk| chunk.iter().map(|id| json!({ "value": id })).collect::<Value>()).collect();
        let first = json!([{ "op": "replace", "path": "members", "value": batches[0] }]);
        pushed.patched(&relay, first).await;
        let adds = batches[1..]
            .iter()
            .map(|batch| pushed.patched(&relay, json!([{ "op": "add", "path": "members", "value": batch }])));
        futures_util::future::join_all(adds).await;
        let stored = relay.get(&pushed.path).await.body;
        assert_eq!(members(&stored), people);
        assert_eq!(delivered(relay).await.1, people);
    }
}

#[tokio::test]
async fn ok_22_a_custom_app_puts_the_whole_group() {
    for relay in relays().await {
        let pushed = Pushed::to(&relay).await;
        let mut whole = okta(&relay, "GET", &pushed.path, None).await.body;
        assert_eq!(members(&whole).len(), 2, "members are shown: what is missing would be taken out by the PUT");
        whole["displayName"] = "Engineering EU".into();
        whole["members"] = json!([{ "value": pushed.people[2], "display": "zoe@acme.example" }]);
        let response = okta(&relay, "PUT", &pushed.path, Some(&whole)).await;
        assert_eq!(response.status, 200, "{}", response.body);
        assert_eq!(response.body, relay.get(&pushed.path).await.body);
        let (name, members) = delivered(relay).await;
        assert_eq!(name, "Engineering EU");
        assert_eq!(members, pushed.people[2..]);
    }
}

#[tokio::test]
async fn ok_23_a_members_display_may_be_null() {
    for relay in relays().await {
        let pushed = Pushed::to(&relay).await;
        let body = json!({
            "schemas": [GROUP_URN], "id": pushed.id, "displayName": "Engineering",
            "members": [{ "value": pushed.people[0], "display": null }, { "value": pushed.people[1], "display": "raj" }],
        });
        assert_eq!(okta(&relay, "PUT", &pushed.path, Some(&body)).await.status, 200);
        let stored = relay.get(&pushed.path).await.body;
        let of = |id: &str| {
            stored["members"].as_array().unwrap().iter().find(|member| member["value"] == id).unwrap().clone()
        };
        assert_eq!(of(&pushed.people[0]).get("display"), None);
        assert_eq!(of(&pushed.people[1])["display"], "raj");
    }
}

#[tokio::test]
async fn ok_24_members_need_neither_type_nor_reference() {
    for relay in relays().await {
        let pushed = Pushed::to(&relay).await;
        for member in relay.get(&pushed.path).await.body["members"].as_array().unwrap() {
            let id = member["value"].as_str().unwrap();
            assert_eq!(member["type"], "User");
            assert_eq!(member["$ref"], format!("{}/Users/{id}", relay.base));
        }
    }
}

#[tokio::test]
async fn ok_25_a_group_may_have_no_members() {
    for relay in relays().await {
        let body = json!({ "schemas": [GROUP_URN], "displayName": "Empty", "members": [] });
        let response = okta(&relay, "POST", "/Groups", Some(&body)).await;
        assert_eq!((response.status, &response.body["members"]), (201, &json!([])));
        let pushed = Pushed::to(&relay).await;
        let body = json!({ "schemas": [GROUP_URN], "displayName": "Engineering", "members": [] });
        assert_eq!(okta(&relay, "PUT", &pushed.path, Some(&body)).await.status, 200);
        assert_eq!(relay.get(&pushed.path).await.body["members"], json!([]), "an empty list says so");
    }
}

#[tokio::test]
async fn ok_26_a_group_is_known_by_its_name() {
    for relay in relays().await {
        assert_eq!(total(&okta(&relay, "GET", &group_lookup("Engineering"), None).await), 0);
        let pushed = Pushed::to(&relay).await;
        for name in ["Engineering", "engineering"] {
            let found = okta(&relay, "GET", &group_lookup(name), None).await;
            assert_eq!(total(&found), 1, "{name}");
            assert_eq!(found.body["Resources"][0]["id"], pushed.id);
            assert_eq!(found.body["Resources"][0].get("externalId"), None);
        }
        let again = okta(&relay, "POST", "/Groups", Some(&group("ENGINEERING", &[]))).await;
        assert_eq!((again.status, &again.body["scimType"]), (409, &json!("uniqueness")));
    }
}
