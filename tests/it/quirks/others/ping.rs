//! PingFederate and PingOne.

use serde_json::json;

use crate::{
    bodies::{created, group, id, patch, user},
    relay::Relay,
};

async fn relays() -> [Relay; 2] {
    Relay::both("ping", "").await
}

#[tokio::test]
async fn ot_10_users_are_changed_by_put_alone() {
    for mut relay in relays().await {
        let mut body = user("jane@acme.example");
        body["title"] = "Engineer".into();
        let jane = created(&relay, "/Users", &body).await;
        let path = format!("/Users/{}", id(&jane));
        body.as_object_mut().unwrap().remove("title");
        body["nickName"] = "janie".into();
        body["active"] = false.into();
        let response = relay.put(&path, &body).await;
        assert_eq!(response.status, 200, "{}", response.body);
        let stored = relay.get(&path).await.body;
        assert_eq!(
            (&stored["nickName"], &stored["active"], stored.get("title")),
            (&json!("janie"), &json!(false), None)
        );
        assert_eq!(stored["id"], jane["id"]);
        assert_eq!(relay.delivered().await["users"][0]["active"], false);
    }
}

/// It finds a group by reading all of them and comparing names by itself: each comes once, in an order that stays.
#[tokio::test]
async fn ot_11_all_groups_are_listed_to_find_one() {
    for relay in relays().await {
        let jane = created(&relay, "/Users", &user("jane@acme.example")).await;
        for index in 0..150 {
            created(&relay, "/Groups", &group(&format!("group{index:03}"), &[id(&jane)])).await;
        }
        let mut names = Vec::new();
        while names.len() < 150 {
            let page = relay.get(&format!("/Groups?startIndex={}&count=40", names.len() + 1)).await;
            assert_eq!((page.status, &page.body["totalResults"]), (200, &json!(150)));
            let groups = page.body["Resources"].as_array().unwrap();
            assert!(!groups.is_empty(), "a page before the end is not empty");
            assert!(groups.iter().all(|group| group["members"][0]["value"] == jane["id"]));
            names.extend(groups.iter().map(|group| group["displayName"].as_str().unwrap().to_owned()));
        }
        assert_eq!(names, (0..150).map(|index| format!("group{index:03}")).collect::<Vec<_>>());
        let found = relay.get("/Groups?startIndex=141&count=40").await.body["Resources"][0].clone();
        let rename = patch(json!([{ "op": "replace", "path": "displayName", "value": "renamed" }]));
        assert_eq!(relay.patch(&format!("/Groups/{}", id(&found)), &rename).await.body["displayName"], "renamed");
    }
}

#[tokio::test]
async fn ot_12_a_user_may_be_created_disabled() {
    for mut relay in relays().await {
        let mut body = user("jane@acme.example");
        body["active"] = false.into();
        let jane = created(&relay, "/Users", &body).await;
        assert_eq!(relay.get(&format!("/Users/{}", id(&jane))).await.body["active"], false);
        let file = relay.delivered().await;
        assert_eq!(file["users"].as_array().map(Vec::len), Some(1));
        assert_eq!((&file["users"][0]["active"], &file["users"][0]["version"]), (&json!(false), &json!(1)));
    }
}
