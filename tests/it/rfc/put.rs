//! PUT of a resource (RFC 7644 §3.5.1).

use serde_json::json;

use super::{BOTH, assert_error, relay, relay_with_ann};
use crate::bodies::{ENTERPRISE_URN, ann, created, group, id, total};

#[tokio::test]
async fn e3_27_a_put_creates_nothing() {
    for dialect in BOTH {
        let relay = relay(dialect).await;
        for unknown in ["0198c0de-0000-7000-8000-000000000001", "none", "ann"] {
            assert_error(&relay.put(&format!("/Users/{unknown}"), &ann()).await, 404, None);
        }
        assert_eq!(total(&relay.get("/Users").await), 0, "{dialect}");
    }
}

#[tokio::test]
async fn e3_28_read_only_attributes_are_ignored() {
    for dialect in BOTH {
        let (relay, path) = relay_with_ann(dialect).await;
        let before = relay.get(&path).await.body;
        let mut echo = before.clone();
        echo["title"] = json!("Boss");
        echo["meta"]["created"] = json!("2001-01-01T00:00:00Z");
        echo["meta"]["resourceType"] = json!("Device");
        echo["groups"] = json!([{ "value": "admins" }]);
        let response = relay.put(&path, &echo).await;
        assert_eq!((response.status, &response.body["title"]), (200, &json!("Boss")), "{dialect}");
        assert_eq!(response.body["meta"]["created"], before["meta"]["created"]);
        assert_eq!(response.body["meta"]["resourceType"], "User");
        assert_eq!(response.body.get("groups"), None);
    }
}

#[tokio::test]
async fn e3_29_what_may_not_change_must_be_as_it_was() {
    for dialect in BOTH {
        let (relay, path) = relay_with_ann(dialect).await;
        let before = relay.get(&path).await.body;
        let mut other = ann();
        other["id"] = json!("0198c0de-0000-7000-8000-000000000001");
        other["title"] = json!("x");
        assert_error(&relay.put(&path, &other).await, 400, Some("mutability"));
        assert_eq!(relay.get(&path).await.body, before, "{dialect}");
        other["id"] = before["id"].clone();
        assert_eq!(relay.put(&path, &other).await.status, 200);
    }
}

#[tokio::test]
async fn e3_30_a_required_attribute_must_be_there() {
    for dialect in BOTH {
        let (relay, path) = relay_with_ann(dialect).await;
        let before = relay.get(&path).await.body;
        let mut body = ann();
        body.as_object_mut().unwrap().remove("userName");
        assert_error(&relay.put(&path, &body).await, 400, Some("invalidValue"));
        assert_eq!(relay.get(&path).await.body, before, "{dialect}");
    }
}

#[tokio::test]
async fn e3_31_what_is_given_replaces_and_nothing_clears() {
    for dialect in BOTH {
        let relay = relay(dialect).await;
        let mut body = ann();
        body["emails"] =
            json!([{ "value": "a@a.example", "type": "work" }, { "value": "b@a.example", "type": "home" }]);
        body["nickName"] = json!("A");
        body["title"] = json!("Boss");
        body[ENTERPRISE_URN] = json!({ "department": "D", "employeeNumber": "7" });
        let path = format!("/Users/{}", id(&created(&relay, "/Users", &body).await));
        body["emails"] = json!([{ "value": "c@a.example", "type": "other", "primary": true }]);
        body["nickName"] = json!(null);
        body["name"] = json!({ "familyName": "Boss-Jones" });
        body[ENTERPRISE_URN] = json!({ "department": "E" });
        body.as_object_mut().unwrap().remove("title");
        let response = relay.put(&path, &body).await;
        assert_eq!(response.status, 200, "{}", response.body);
        let user = relay.get(&path).await.body;
        assert_eq!(response.body, user);
        assert_eq!(user["emails"], json!([{ "value": "c@a.example", "type": "other", "primary": true }]), "{dialect}");
        assert_eq!((user.get("nickName"), user.get("title")), (None, None));
        assert_eq!(user["name"], json!({ "familyName": "Boss-Jones" }));
        assert_eq!(user[ENTERPRISE_URN], json!({ "department": "E" }));
        body["emails"] = json!([]);
        assert_eq!(relay.put(&path, &body).await.body.get("emails"), None);
    }
}

#[tokio::test]
async fn a_put_that_collides_is_a_conflict_and_changes_nothing() {
    for dialect in BOTH {
        let (relay, path) = relay_with_ann(dialect).await;
        created(&relay, "/Users", &json!({ "userName": "ben" })).await;
        let before = relay.get(&path).await.body;
        assert_error(&relay.put(&path, &json!({ "userName": "BEN" })).await, 409, Some("uniqueness"));
        assert_eq!(relay.get(&path).await.body, before);
    }
}

/// Clients of the field leave members out of a PUT that renames a group; the RFC reads that as clearing them.
#[tokio::test]
async fn e3_31_members_left_out_are_cleared_by_the_rfc_and_kept_by_auto() {
    for (dialect, left) in [("rfc", 0), ("auto", 1)] {
        let (relay, path) = relay_with_ann(dialect).await;
        let ann = path.rsplit('/').next().unwrap();
        let staff = created(&relay, "/Groups", &group("Staff", &[ann])).await;
        let path = format!("/Groups/{}", id(&staff));
        assert_eq!(relay.put(&path, &json!({ "displayName": "Crew" })).await.status, 200);
        assert_eq!(relay.get(&path).await.body["members"].as_array().map(Vec::len), Some(left), "{dialect}");
        assert_eq!(relay.put(&path, &group("Crew", &[])).await.body["members"], json!([]), "{dialect}");
    }
}
