//! What the collection of requests beside Microsoft's reference implementation expects.

use serde_json::{Value, json};

use super::full_user;
use crate::{
    bodies::{created, group, id, patch, total, user},
    relay::Relay,
    steps::{assert_error, form_encoded, found, listed, members, patched, path, read, refused},
};

#[tokio::test]
async fn postman_active_as_text_is_a_boolean() {
    for relay in Relay::both("entra", "").await {
        let mut body = full_user("ann");
        body["active"] = json!("True");
        assert_eq!(created(&relay, "/Users", &body).await["active"], json!(true));
    }
}

#[tokio::test]
async fn postman_a_user_without_a_name_is_refused() {
    for relay in Relay::both("entra", "").await {
        let mut body = full_user("ann");
        let name = body.as_object_mut().unwrap().remove("userName").unwrap();
        assert_error(&relay.post("/Users", &body).await, 400, Some("invalidValue"));
        let user = path("/Users", &created(&relay, "/Users", &full_user("ann")).await);
        let before = read(&relay, &user).await;
        body["userame"] = name;
        assert_error(&relay.put(&user, &body).await, 400, Some("invalidValue"));
        assert_eq!(read(&relay, &user).await, before);
    }
}

#[tokio::test]
async fn postman_malformed_json_is_refused() {
    for relay in Relay::both("entra", "").await {
        for body in ["{\"userName\": \"ann\", }", "{\"userName\"", "", "[]"] {
            assert_error(&relay.raw("POST", "/Users", &[], Some(body.as_bytes())).await, 400, Some("invalidSyntax"));
        }
        assert!(listed(relay.get("/Users").await).is_empty());
    }
}

#[tokio::test]
async fn postman_a_user_posted_again_is_a_conflict_each_time() {
    for relay in Relay::both("entra", "").await {
        created(&relay, "/Users", &full_user("ann")).await;
        for _ in 0..3 {
            assert_error(&relay.post("/Users", &full_user("ann")).await, 409, Some("uniqueness"));
        }
    }
}

#[tokio::test]
async fn postman_a_misspelt_attribute_of_a_put_is_not_stored() {
    for relay in Relay::both("entra", "").await {
        let user = path("/Users", &created(&relay, "/Users", &full_user("ann")).await);
        let mut body = full_user("ann");
        body["adreses"] = body.as_object_mut().unwrap().remove("addresses").unwrap();
        let response = relay.put(&user, &body).await;
        assert_eq!(response.status, 200, "{}", response.body);
        assert_eq!((response.body.get("adreses"), response.body.get("addresses")), (None, None));
    }
}

#[tokio::test]
async fn postman_name_and_state_of_a_user_are_replaced() {
    for relay in Relay::both("entra", "").await {
        let user = path("/Users", &created(&relay, "/Users", &full_user("ann")).await);
        let after = patched(&relay, &user, json!([{ "op": "Replace", "path": "userName", "value": "ann.new" }])).await;
        assert_eq!(after["userName"], "ann.new");
        let after = patched(&relay, &user, json!([{ "op": "Replace", "path": "active", "value": false }])).await;
        assert_eq!(after["active"], json!(false));
    }
}

#[tokio::test]
async fn postman_a_page_says_how_many_there_are() {
    for relay in Relay::both("entra", "").await {
        for index in 0..5 {
            created(&relay, "/Users", &user(&format!("user{index}"))).await;
        }
        let page = relay.get("/Users?startIndex=1&count=2").await;
        assert_eq!((total(&page), &page.body["itemsPerPage"]), (5, &json!(2)));
        assert_eq!(page.body["Resources"].as_array().map(Vec::len), Some(2));
    }
}

#[tokio::test]
async fn postman_only_the_attributes_asked_for_are_answered() {
    for relay in Relay::both("entra", "").await {
        created(&relay, "/Users", &full_user("ann")).await;
        for (attributes, keys) in [
            ("userName", &["id", "schemas", "userName"][..]),
            ("userName,emails", &["emails", "id", "schemas", "userName"]),
            ("emails[type eq \"work\"]", &["emails", "id", "schemas"]),
        ] {
            let users = listed(relay.get(&format!("/Users?attributes={}", form_encoded(attributes))).await);
            assert_eq!(users[0].as_object().unwrap().keys().collect::<Vec<_>>(), keys, "{attributes}");
        }
    }
}

/// Creates users by name, family name and e-mail address.
async fn employees(relay: &Relay) {
    for (name, family_name, email) in [
        ("OMalley", "Employee", "o@example.com"),
        ("Bob", "Employee", "b@example.org"),
        ("Carol", "Employee", "c@example.com"),
        ("Dave", "Employee", "d@example.org"),
        ("Eve", "Contractor", "e@example.com"),
    ] {
        let mut body = full_user(name);
        body["name"]["familyName"] = json!(family_name);
        body["displayName"] = json!(format!("{name}IsAmazing"));
        body["emails"] = json!([{ "type": "work", "value": email }]);
        created(relay, "/Users", &body).await;
    }
}

#[tokio::test]
async fn postman_filters_in_any_case_without_quotes_and_by_date() {
    for relay in Relay::both("entra", "").await {
        employees(&relay).await;
        for (filter, count) in [
            ("DisplayName eq \"BobIsAmazing\"", 1),
            ("name.FamilyName eq Employee and (emails.Value co example.com or emails.Value co example.org)", 4),
            ("userName sw O", 1),
            ("meta.Created gt 2015-10-10T14:38:21.8617979-07:00", 5),
        ] {
            assert_eq!(found(&relay, "/Users", filter).await.len(), count, "{filter}");
        }
    }
}

#[tokio::test]
async fn postman_members_are_added_as_texts_and_under_other_names() {
    for relay in Relay::both("entra", "").await {
        let group = path("/Groups", &created(&relay, "/Groups", &group("Staff", &[])).await);
        for member in ["string id 1", "string id 2"] {
            patched(&relay, &group, json!([{ "op": "add", "path": "members", "value": member }])).await;
        }
        let named = json!([{
            "name": "addMember", "op": "add", "path": "members", "value": [{ "displayName": "new", "value": "id 3" }],
        }]);
        let after = patched(&relay, &group, named).await;
        assert_eq!(members(&after), ["id 3", "string id 1", "string id 2"]);
    }
}

/// The collection also removes `members` without saying which, and expects an empty group. Where a client means a list and
/// forgets it, that loses every member; so it is refused, and a group is emptied by an empty list.
#[tokio::test]
async fn postman_members_are_removed_one_by_one_and_never_all_by_omission() {
    for relay in Relay::both("entra", "").await {
        let group = path("/Groups", &created(&relay, "/Groups", &group("Staff", &["a", "b"])).await);
        let one = json!([{ "op": "remove", "path": "members[value eq \"a\"]" }]);
        assert_eq!(members(&patched(&relay, &group, one).await), ["b"]);
        refused(&relay, &group, json!([{ "op": "remove", "path": "members" }]), "noTarget").await;
        let none = json!([{ "op": "replace", "path": "members", "value": [] }]);
        assert!(members(&patched(&relay, &group, none).await).is_empty());
    }
}

#[tokio::test]
async fn postman_a_group_is_read_without_members_and_replaced() {
    for relay in Relay::both("entra", "").await {
        let created = created(&relay, "/Groups", &group("Staff", &[])).await;
        let read = relay.get(&format!("/Groups/{}?excludedAttributes=members", id(&created))).await;
        assert_eq!((read.status, read.body.get("members")), (200, None));
        let response = relay.put(&path("/Groups", &created), &group("Crew", &[])).await;
        assert_eq!((response.status, &response.body["displayName"]), (200, &json!("Crew")));
    }
}

#[tokio::test]
async fn postman_when_everything_is_deleted_lists_are_empty_arrays() {
    for relay in Relay::both("entra", "").await {
        employees(&relay).await;
        created(&relay, "/Groups", &group("Staff", &[])).await;
        for endpoint in ["/Users", "/Groups"] {
            for resource in listed(relay.get(endpoint).await) {
                let response = relay.delete(&path(endpoint, &resource)).await;
                assert_eq!((response.status, response.body), (204, Value::Null));
            }
            let list = relay.get(endpoint).await;
            assert_eq!((total(&list), &list.body["Resources"]), (0, &json!([])));
        }
        let gone = relay.patch("/Groups/gone", &patch(json!([{ "op": "remove", "path": "externalId" }]))).await;
        assert_error(&gone, 404, None);
    }
}
