//! References to what is not there yet: kept, shown, counted, and resolved when it comes.

use scim_relay::store::ReferenceAttribute;
use serde_json::{Value, json};

use crate::{
    bodies::{ENTERPRISE_URN, created, group, id, patch, user},
    relay::Relay,
};

const NOBODY: &str = "0198c0de-0000-7000-8000-000000000001";

/// How many members and managers are pending.
async fn pending(relay: &Relay) -> (u64, u64) {
    let references = relay.store().pending_references().await.unwrap();
    let of = |attribute| {
        let found = references.iter().find(|entry| entry.attribute == attribute).unwrap();
        assert_eq!(found.oldest.is_some(), found.count > 0);
        found.count
    };
    (of(ReferenceAttribute::Members), of(ReferenceAttribute::Manager))
}

fn managed(user_name: &str, manager: &str) -> Value {
    let mut user = user(user_name);
    user[ENTERPRISE_URN] = json!({ "department": "R", "manager": { "value": manager } });
    user
}

#[tokio::test]
async fn en_24_a_manager_who_is_not_there_is_kept_and_the_rest_is_applied() {
    let relay = Relay::start("").await;
    let ann = created(&relay, "/Users", &managed("ann", NOBODY)).await;
    assert_eq!(ann[ENTERPRISE_URN], json!({ "department": "R", "manager": { "value": NOBODY } }));
    let path = format!("/Users/{}", id(&ann));
    let set = patch(json!([
        { "op": "Add", "path": format!("{ENTERPRISE_URN}:manager"), "value": "b7c1d2e3" },
        { "op": "Replace", "path": "title", "value": "Engineer" },
    ]));
    let patched = relay.patch(&path, &set).await.body;
    assert_eq!(
        (&patched["title"], &patched[ENTERPRISE_URN]["manager"]),
        (&json!("Engineer"), &json!({ "value": "b7c1d2e3" }))
    );
    assert_eq!(pending(&relay).await, (0, 1));
    let unset = patch(json!([{ "op": "Remove", "path": "manager" }]));
    assert_eq!(relay.patch(&path, &unset).await.body[ENTERPRISE_URN], json!({ "department": "R" }));
    assert_eq!(pending(&relay).await, (0, 0));
}

#[tokio::test]
async fn what_follows_from_a_manager_is_shown_while_there_is_one() {
    let relay = Relay::start("").await;
    let mut boss = user("boss");
    boss["displayName"] = "The \"Boss\"".into();
    let boss = created(&relay, "/Users", &boss).await;
    let manager = json!({
        "value": id(&boss), "$ref": format!("{}/Users/{}", relay.base, id(&boss)), "displayName": "The \"Boss\"",
    });
    let ann = created(&relay, "/Users", &managed("ann", id(&boss))).await;
    created(&relay, "/Users", &managed("ben", id(&boss))).await;
    assert_eq!(ann[ENTERPRISE_URN], json!({ "department": "R", "manager": manager }));
    let path = format!("/Users/{}", id(&ann));
    assert_eq!(relay.get(&path).await.body, ann);
    let listed = relay.get("/Users").await.body["Resources"].clone();
    assert_eq!([&listed[1], &listed[2][ENTERPRISE_URN]["manager"]], [&ann, &manager]);
    let attributes = format!("{path}?attributes={ENTERPRISE_URN}:manager.displayName");
    assert_eq!(
        relay.get(&attributes).await.body[ENTERPRISE_URN],
        json!({ "manager": { "displayName": "The \"Boss\"" } })
    );
    // An echo of the answer changes nothing: what follows is not stored.
    assert_eq!(relay.put(&path, &ann).await.body[ENTERPRISE_URN]["manager"], manager);
    let renamed = patch(json!([{ "op": "replace", "path": "displayName", "value": "Eve" }]));
    relay.patch(&format!("/Users/{}", id(&boss)), &renamed).await;
    assert_eq!(relay.get(&path).await.body[ENTERPRISE_URN]["manager"]["displayName"], "Eve");
    assert_eq!(pending(&relay).await, (0, 0));

    assert_eq!(relay.delete(&format!("/Users/{}", id(&boss))).await.status, 204);
    let left = relay.get(&path).await.body[ENTERPRISE_URN]["manager"].clone();
    assert_eq!((&left["value"], left.get("displayName")), (&boss["id"], None), "{left}");
    assert_eq!(pending(&relay).await, (0, 2), "both name nobody now");
    assert_eq!(relay.delete(&path).await.status, 204);
    assert_eq!(pending(&relay).await, (0, 1));
}

#[tokio::test]
async fn members_that_are_not_there_are_counted_until_they_are_taken_out() {
    let relay = Relay::start("").await;
    let ann = created(&relay, "/Users", &user("ann")).await;
    let staff = created(&relay, "/Groups", &group("Staff", &[id(&ann), NOBODY, "b7c1"])).await;
    assert_eq!(pending(&relay).await, (2, 0));
    let path = format!("/Groups/{}", id(&staff));
    let remove = patch(json!([{ "op": "Remove", "path": "members", "value": [{ "value": "b7c1" }] }]));
    assert_eq!(relay.patch(&path, &remove).await.status, 200);
    assert_eq!(pending(&relay).await, (1, 0));
    let metrics = relay.metrics().await;
    for line in [
        r#"scim_relay_pending_references{attribute="members",tenant="acme"} 1"#,
        r#"scim_relay_pending_references{attribute="manager",tenant="acme"} 0"#,
        r#"scim_relay_oldest_pending_reference_seconds{attribute="manager",tenant="acme"} 0"#,
    ] {
        assert!(metrics.contains(line), "{line}\n{metrics}");
    }
    // A refused PATCH leaves none behind.
    let half = patch(json!([
        { "op": "add", "path": "members", "value": [{ "value": "c8" }] },
        { "op": "replace", "path": "nothing", "value": 1 },
    ]));
    assert_eq!(relay.patch(&path, &half).await.status, 400);
    assert_eq!(pending(&relay).await, (1, 0));
    assert_eq!(relay.delete(&path).await.status, 204);
    assert_eq!(pending(&relay).await, (0, 0));
}
