//! Questions by POST (RFC 7644 §3.4.3).

use serde_json::json;

use super::{BOTH, SEARCH_URN, assert_error, relay_with, user_names};
use crate::bodies::{ENTERPRISE_URN, created, group, total};

#[tokio::test]
async fn e3_26_search_requests_are_understood_at_every_endpoint() {
    for dialect in BOTH {
        let mut ann = json!({ "title": "Boss", "nickName": "A" });
        ann[ENTERPRISE_URN] = json!({ "department": "D" });
        let relay = relay_with(
            dialect,
            &[("ann", ann), ("ben", json!({ "title": "Boss" })), ("cai", json!({ "title": "Cook" }))],
        )
        .await;
        created(&relay, "/Groups", &group("Staff", &[])).await;

        let all = json!({
            "schemas": [SEARCH_URN], "filter": "title eq \"boss\"", "sortBy": "userName", "sortOrder": "descending",
            "startIndex": 1, "count": 1, "attributes": ["userName", format!("{ENTERPRISE_URN}:department")],
        });
        let page = relay.post("/Users/.search", &all).await;
        assert_eq!((total(&page), user_names(&page)), (2, vec!["ben"]));
        assert_eq!(page.body["Resources"][0].get("title"), None);

        let second = json!({
            "schemas": [SEARCH_URN], "filter": "title eq \"boss\"", "sortBy": "userName", "sortOrder": "descending",
            "startIndex": 2, "excludedAttributes": ["nickName"],
        });
        let page = relay.post("/Users/.search", &second).await;
        assert_eq!((page.body["startIndex"].clone(), user_names(&page)), (json!(2), vec!["ann"]));
        assert_eq!(page.body["Resources"][0]["title"], "Boss");
        assert_eq!(page.body["Resources"][0].get("nickName"), None);

        let groups =
            relay.post("/Groups/.search", &json!({ "schemas": [SEARCH_URN], "filter": "displayName pr" })).await;
        assert_eq!(total(&groups), 1);
        assert_eq!(total(&relay.post("/Users/.search", &json!({ "schemas": [SEARCH_URN], "count": 0 })).await), 3);
    }
}

#[tokio::test]
async fn a_search_request_that_makes_no_sense_is_refused() {
    for dialect in BOTH {
        let relay = relay_with(dialect, &[("ann", json!({}))]).await;
        for (body, scim_type) in [
            (json!([]), "invalidSyntax"),
            (json!({ "schemas": [SEARCH_URN], "filter": { "a": 1 } }), "invalidSyntax"),
            (json!({ "schemas": [SEARCH_URN], "filter": "userName" }), "invalidFilter"),
            (json!({ "schemas": [SEARCH_URN], "count": "many" }), "invalidValue"),
            (json!({ "schemas": [SEARCH_URN], "attributes": [1] }), "invalidSyntax"),
            (json!({ "schemas": [SEARCH_URN], "attributes": ["a"], "excludedAttributes": ["b"] }), "invalidSyntax"),
            (json!({ "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "count": 1 }), "invalidSyntax"),
        ] {
            let response = relay.post("/Users/.search", &body).await;
            assert_eq!(response.status, 400, "{body}: {}", response.body);
            assert_error(&response, 400, Some(scim_type));
        }
        assert_error(&relay.get("/Users/.search").await, 405, None);
    }
}
