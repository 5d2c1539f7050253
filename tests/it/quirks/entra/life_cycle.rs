//! What happens to a person over time, and to a job whose answers are not what it needs.

use serde_json::{Value, json};

use super::{bare, engineering, jane, people};
use crate::{
    bodies::{ENTERPRISE_URN, created, id},
    relay::Relay,
    steps::{assert_error, found, members, patched, path, read},
};

const BY_NAME: &str = r#"userName eq "jane.doe@acme.example""#;

fn active(active: Value) -> Value {
    json!([{ "op": "Replace", "path": "active", "value": active }])
}

#[tokio::test]
async fn en_47_a_disabled_user_is_found_and_enabled_again_under_the_same_id() {
    for mut relay in Relay::both("entra", "").await {
        let user = created(&relay, "/Users", &jane()).await;
        let user_path = path("/Users", &user);
        patched(&relay, &user_path, active(json!("False"))).await;
        let matched = found(&relay, "/Users", BY_NAME).await;
        assert_eq!(matched, [read(&relay, &user_path).await]);
        assert_eq!((&matched[0]["active"], &matched[0]["id"]), (&json!(false), &user["id"]));
        patched(&relay, &user_path, active(json!("True"))).await;
        let delivered = relay.delivered().await;
        assert_eq!(delivered["users"].as_array().map(Vec::len), Some(1));
        assert_eq!((&delivered["users"][0]["id"], &delivered["users"][0]["active"]), (&user["id"], &json!(true)));
    }
}

/// Who was unassigned and is deleted later is out of Entra's sight by then: no DELETE comes. Deactivation is the last
/// word, so the account must be out of use after it, downstream too, and still be there for whoever looks for orphans.
#[tokio::test]
async fn en_48_an_unassigned_user_stays_disabled_here_and_downstream() {
    for mut relay in Relay::both("entra", "").await {
        let user = created(&relay, "/Users", &jane()).await;
        let after = patched(&relay, &path("/Users", &user), active(json!("False"))).await;
        assert_eq!((&after["active"], &after["displayName"]), (&json!(false), &json!("Jane Doe")));
        assert_eq!(found(&relay, "/Users", "active eq false").await.len(), 1);
        let delivered = relay.delivered().await;
        assert_eq!((&delivered["users"][0]["id"], &delivered["users"][0]["active"]), (&user["id"], &json!(false)));
    }
}

#[tokio::test]
async fn en_49_a_purged_user_is_deleted_from_everywhere() {
    for mut relay in Relay::both("entra", "").await {
        let user = created(&relay, "/Users", &jane()).await;
        let group = path("/Groups", &created(&relay, "/Groups", &engineering()).await);
        let add = json!([{ "op": "Add", "path": "members", "value": [{ "$ref": null, "value": id(&user) }] }]);
        patched(&relay, &group, add).await;
        patched(&relay, &path("/Users", &user), active(json!("False"))).await;
        let response = relay.delete(&path("/Users", &user)).await;
        assert_eq!((response.status, &response.body), (204, &Value::Null));
        assert_error(&relay.get(&path("/Users", &user)).await, 404, None);
        assert!(found(&relay, "/Users", BY_NAME).await.is_empty());
        assert!(members(&read(&relay, &group).await).is_empty());
        assert_eq!(relay.delivered().await["users"], json!([]));
    }
}

#[tokio::test]
async fn en_50_a_second_delete_is_not_found() {
    for relay in Relay::both("entra", "").await {
        let user = path("/Users", &created(&relay, "/Users", &jane()).await);
        let group = path("/Groups", &created(&relay, "/Groups", &engineering()).await);
        for path in [user, group] {
            assert_eq!(relay.delete(&path).await.status, 204);
            assert_error(&relay.delete(&path).await, 404, None);
        }
    }
}

#[tokio::test]
async fn en_51_a_conflict_says_so_and_the_next_query_finds_who_is_there() {
    for relay in Relay::both("entra", "").await {
        let user = created(&relay, "/Users", &jane()).await;
        let mut again = jane();
        again["userName"] = "Jane.DOE@acme.example".into();
        again["externalId"] = "another".into();
        for _ in 0..2 {
            let response = relay.post("/Users", &again).await;
            assert_error(&response, 409, Some("uniqueness"));
            assert!(response.body["detail"].as_str().unwrap().contains("userName"), "{}", response.body);
        }
        assert_eq!(found(&relay, "/Users", BY_NAME).await, [user]);
        created(&relay, "/Groups", &engineering()).await;
        assert_error(&relay.post("/Groups", &engineering()).await, 409, Some("uniqueness"));
    }
}

/// Entra compares what it reads with what it would write, every 40 minutes. A value that we trimmed, folded or formatted
/// would be written again forever. So values stay as they came, and a PATCH that changes nothing makes no new version.
#[tokio::test]
async fn en_52_values_stay_verbatim_and_a_repeated_patch_changes_nothing() {
    for relay in Relay::both("entra", "").await {
        let [boss] = people(&relay, ["boss"]).await;
        let user = path("/Users", &created(&relay, "/Users", &bare("Raj.RAO@Acme.Example")).await);
        let operations = json!([
            { "op": "Replace", "path": "displayName", "value": " Raj  Rao " },
            { "op": "Replace", "path": "title", "value": "Straßenbau I\u{0307}stanbul e\u{0301}" },
            { "op": "Replace", "path": "emails[type eq \"work\"].value", "value": "Raj.RAO@Acme.Example" },
            { "op": "Add", "path": "phoneNumbers[type eq \"mobile\"].value", "value": "+1 (425) 555-0100 x7" },
            { "op": "Add", "path": "addresses[type eq \"work\"].formatted", "value": "One Way\r\nRedmond, WA\t98052" },
            { "op": "Add", "path": format!("{ENTERPRISE_URN}:department"), "value": "R&D <Retail>" },
            { "op": "Add", "path": format!("{ENTERPRISE_URN}:manager"), "value": boss },
            { "op": "Add", "path": "roles", "value": [{ "value": r#"{"id":"1","value":"Admin","displayName":"A"}"# }] },
            { "op": "Replace", "path": "active", "value": "False" },
        ]);
        let first = patched(&relay, &user, operations.clone()).await;
        assert_eq!(first["userName"], "Raj.RAO@Acme.Example");
        assert_eq!((&first["displayName"], &first["title"]), (&operations[0]["value"], &operations[1]["value"]));
        assert_eq!(first["emails"][0]["value"], operations[2]["value"]);
        assert_eq!(first["phoneNumbers"][0]["value"], operations[3]["value"]);
        assert_eq!(first["addresses"][0]["formatted"], operations[4]["value"]);
        assert_eq!(first[ENTERPRISE_URN]["department"], operations[5]["value"]);
        assert_eq!(patched(&relay, &user, operations).await, first, "version and lastModified too");

        let group = path("/Groups", &created(&relay, "/Groups", &engineering()).await);
        let add = json!([{ "op": "Add", "path": "members", "value": [{ "$ref": null, "value": boss }] }]);
        let first = patched(&relay, &group, add.clone()).await;
        assert_eq!(patched(&relay, &group, add).await, first);
    }
}

/// A 404 for a user that Entra knows is `InvalidAnchor`: broken until a person restarts the job. So what a downstream
/// system does is never seen in an answer: requests are answered from what was committed, and a connector that is down is
/// owed the rest.
#[tokio::test]
async fn en_60_a_connector_that_is_down_is_in_no_answer() {
    for relay in Relay::both("entra", "").await {
        relay.break_downstream();
        let user = created(&relay, "/Users", &jane()).await;
        let user_path = path("/Users", &user);
        assert_eq!(read(&relay, &user_path).await, user);
        assert_eq!(found(&relay, "/Users", BY_NAME).await, [user]);
        assert_eq!(patched(&relay, &user_path, active(json!("False"))).await["active"], false);
        created(&relay, "/Groups", &engineering()).await;
        assert_eq!(relay.pending().await, 2, "it is owed the user and the group");
        assert_eq!(relay.delete(&user_path).await.status, 204);
    }
}

/// How Entra reads a 429 or a `Retry-After` is documented nowhere; what it surely does is to come again with its next
/// cycle. So where a request must come later, we say 503 with whole seconds, few enough to cost no more than that cycle.
#[tokio::test]
async fn en_70_come_back_later_is_said_in_whole_seconds() {
    for relay in Relay::both("entra", "[tenants.acme.provisioning]\nenabled = false").await {
        for (method, path) in
            [("GET", "/Users?filter=userName+eq+%22a%22"), ("DELETE", "/Users/1"), ("GET", "/Schemas")]
        {
            let response = relay.send(method, path, &[], None).await;
            assert_error(&response, 503, None);
            let seconds: u64 = response.header("retry-after").unwrap().parse().unwrap();
            assert!((1..=60).contains(&seconds), "{seconds}");
        }
    }
}
