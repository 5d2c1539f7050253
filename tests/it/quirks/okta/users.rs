//! Users: how they are found, created and updated.

use serde_json::{Value, json};

use super::{HEADERS, jane, lookup, okta, relays};
use crate::{
    bodies::{USER_URN, created, group, id, patch, total},
    relay::Relay,
};

#[tokio::test]
async fn ok_01_a_user_is_matched_by_user_name_with_paging() {
    for relay in relays().await {
        assert_eq!(okta(&relay, "GET", &lookup("jane.doe@acme.example"), None).await.body, empty_list());
        let user = created(&relay, "/Users", &jane()).await;
        let mut other = jane();
        other["userName"] = "jane+doe@acme.example".into();
        let tagged = created(&relay, "/Users", &other).await;

        for (user_name, found) in [("jane.doe@acme.example", &user), ("jane+doe@acme.example", &tagged)] {
            let page = okta(&relay, "GET", &lookup(user_name), None).await;
            assert_eq!(total(&page), 1, "{user_name}");
            assert_eq!(page.body["Resources"][0]["id"], found["id"]);
        }
        let with_plus = "/Users?filter=userName+eq+%22jane%2Bdoe%40acme.example%22&startIndex=1&count=100";
        assert_eq!(relay.get(with_plus).await.body["Resources"][0]["id"], tagged["id"], "a space may be a plus");
    }
}

/// What an empty search must look like: 200, never 404.
fn empty_list() -> Value {
    json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:ListResponse"],
        "totalResults": 0, "startIndex": 1, "itemsPerPage": 0, "Resources": [],
    })
}

#[tokio::test]
async fn ok_02_user_name_with_an_email_finds_one_user_at_most() {
    for relay in Relay::both("okta", "unique-id = \"emails.value\"").await {
        let body = |name: &str, email: &str| json!({ "schemas": [USER_URN], "userName": name, "emails": [{ "value": email }] });
        let jane = created(&relay, "/Users", &body("jdoe", "jane@acme.example")).await;
        let found = okta(&relay, "GET", &lookup("JANE@acme.example"), None).await;
        assert_eq!(total(&found), 1);
        assert_eq!(found.body["Resources"][0]["id"], jane["id"], "the operand is an e-mail address");

        let named = created(&relay, "/Users", &body("jane@acme.example", "other@acme.example")).await;
        let found = okta(&relay, "GET", &lookup("jane@acme.example"), None).await;
        assert_eq!(total(&found), 1);
        assert_eq!(found.body["Resources"][0]["id"], named["id"], "who has it as a name comes first");
        for page in ["&cursor=&count=10", "&cursor=&count=1", "&startIndex=1&count=1"] {
            let found = relay.get(&format!("/Users?filter=userName%20eq%20%22jane@acme.example%22{page}")).await;
            assert_eq!(found.body["Resources"].as_array().unwrap().len(), 1, "{page}");
            assert_eq!(found.body["Resources"][0]["id"], named["id"], "{page}");
            assert_eq!(found.body.get("nextCursor"), None, "{page}");
        }
        for filter in ["email", "emails", "emails.value", "emails%5Btype%20eq%20%22work%22%5D.value"] {
            let found = relay.get(&format!("/Users?filter={filter}%20eq%20%22jane@acme.example%22")).await;
            let expected = u64::from(!filter.contains("work"));
            assert_eq!(total(&found), expected, "{filter}: the address has no type");
        }
    }
}

#[tokio::test]
async fn ok_03_groups_in_a_body_are_ignored() {
    for relay in relays().await {
        let response = okta(&relay, "POST", "/Users", Some(&jane())).await;
        assert_eq!(response.status, 201, "{}", response.body);
        let user = response.body;
        let staff = created(&relay, "/Groups", &group("Staff", &[id(&user)])).await;
        let path = format!("/Users/{}", id(&user));
        for groups in [json!([]), json!([{ "value": "0198c0de-0000-7000-8000-000000000001" }]), Value::Null] {
            let mut body = jane();
            body["groups"] = groups;
            let response = okta(&relay, "PUT", &path, Some(&body)).await;
            assert_eq!(response.status, 200, "{}", response.body);
            let stored = relay.get(&path).await.body;
            assert_eq!(stored["groups"].as_array().map(Vec::len), Some(1));
            assert_eq!(stored["groups"][0]["value"], staff["id"]);
        }
    }
}

#[tokio::test]
async fn ok_04_the_random_password_is_accepted_and_never_shown() {
    for provisioning in ["", "[tenants.acme.provisioning]\npasswords = true"] {
        for mut relay in Relay::both("okta", provisioning).await {
            let response = okta(&relay, "POST", "/Users", Some(&jane())).await;
            assert_eq!((response.status, response.body.get("password")), (201, None));
            let path = format!("/Users/{}", id(&response.body));
            for query in ["", "?attributes=password", "?attributes=password,userName"] {
                let stored = relay.get(&format!("{path}{query}")).await;
                assert_eq!((stored.status, stored.body.get("password")), (200, None), "{query}");
            }
            assert_eq!(relay.get("/Users?filter=password%20eq%20%221mz050nq%22").await.status, 400);
            let file = relay.delivered().await.to_string();
            assert!(file.contains("jane.doe@acme.example") && !file.contains("1mz050nq"), "{file}");
        }
    }
}

#[tokio::test]
async fn ok_05_an_external_id_is_scoped_to_its_tenant() {
    let other = "unique-id = \"externalId\"\n[tenants.other]\nbase-path = \"/other/scim\"\nunique-id = \"externalId\"";
    for relay in Relay::both("okta", other).await {
        created(&relay, "/Users", &jane()).await;
        let mut namesake = jane();
        namesake["userName"] = "another@acme.example".into();
        assert_eq!(relay.post("/Users", &namesake).await.status, 409, "within the tenant it identifies");
        let key = format!("Bearer {}", relay.key_of("other").await);
        let body = jane().to_string();
        let response = relay.request("POST", "/other/scim/Users", Some(&key), &HEADERS, Some(body.as_bytes())).await;
        assert_eq!((response.status, &response.body["externalId"]), (201, &jane()["externalId"]));
    }
}

#[tokio::test]
async fn ok_06_our_own_read_only_data_comes_back_with_a_put() {
    for relay in relays().await {
        let user = created(&relay, "/Users", &jane()).await;
        let path = format!("/Users/{}", id(&user));
        let mut echo = user.clone();
        echo["meta"]["created"] = "2024-01-02T03:04:05Z".into();
        echo["meta"]["location"] = "https://elsewhere.example/Users/1".into();
        echo["nickName"] = "janie".into();
        let response = okta(&relay, "PUT", &path, Some(&echo)).await;
        assert_eq!(response.status, 200, "{}", response.body);
        let stored = relay.get(&path).await.body;
        assert_eq!(stored["nickName"], "janie");
        assert_eq!(stored["meta"]["created"], user["meta"]["created"], "meta is ours");
        assert_eq!(stored["meta"]["location"], user["meta"]["location"]);

        echo["id"] = "another".into();
        echo["nickName"] = "jd".into();
        let response = okta(&relay, "PUT", &path, Some(&echo)).await;
        assert_eq!((response.status, &response.body["scimType"]), (400, &json!("mutability")));
        assert_eq!(relay.get(&path).await.body, stored);
    }
}

#[tokio::test]
async fn ok_07_a_stale_formatted_name_is_recomputed() {
    for relay in relays().await {
        let mut body = jane();
        body["name"] = json!({ "formatted": "Jane Smith", "givenName": "Jane", "familyName": "Smith" });
        let user = created(&relay, "/Users", &body).await;
        let path = format!("/Users/{}", id(&user));
        let mut merged = relay.get(&path).await.body;
        assert_eq!(merged["name"]["formatted"], "Jane Smith");
        merged["name"]["familyName"] = "Doe".into();
        assert_eq!(okta(&relay, "PUT", &path, Some(&merged)).await.status, 200);
        let name = json!({ "formatted": "Jane Doe", "givenName": "Jane", "familyName": "Doe" });
        assert_eq!(relay.get(&path).await.body["name"], name);
    }
}

#[tokio::test]
async fn ok_08_a_put_is_the_only_update_of_a_custom_app() {
    for relay in relays().await {
        let mut body = jane();
        body["nickName"] = "janie".into();
        let user = created(&relay, "/Users", &body).await;
        let path = format!("/Users/{}", id(&user));
        let team = created(&relay, "/Groups", &group("Team", &[id(&user)])).await;

        let mut merged = okta(&relay, "GET", &path, None).await.body;
        merged.as_object_mut().unwrap().remove("nickName");
        merged["displayName"] = "Jane D.".into();
        merged["password"] = "N3w-secret".into();
        let response = okta(&relay, "PUT", &path, Some(&merged)).await;
        assert_eq!(response.status, 200, "{}", response.body);
        let stored = relay.get(&path).await.body;
        assert_eq!(response.body, stored, "answered with the whole resource");
        assert_eq!(stored["displayName"], "Jane D.");
        assert_eq!(stored.get("nickName"), None, "what is left out is cleared");
        assert_eq!((&stored["id"], &stored["meta"]["created"]), (&user["id"], &user["meta"]["created"]));
        assert_eq!(stored["groups"][0]["value"], team["id"], "what a PUT cannot write stays");
    }
}

#[tokio::test]
async fn ok_14_a_password_is_set_without_a_path() {
    let set = patch(json!([{ "op": "replace", "value": { "password": "N3w-secret" } }]));
    for provisioning in ["", "[tenants.acme.provisioning]\npasswords = true"] {
        for mut relay in Relay::both("okta", provisioning).await {
            let user = created(&relay, "/Users", &jane()).await;
            let path = format!("/Users/{}", id(&user));
            let response = okta(&relay, "PATCH", &path, Some(&set)).await;
            assert_eq!((response.status, response.body.get("password")), (200, None), "{}", response.body);
            assert_eq!(relay.get(&path).await.body, user, "no part of the resource, and nothing else is touched");
            assert!(!relay.delivered().await.to_string().contains("N3w-secret"), "this system takes no passwords");
        }
    }
}

#[tokio::test]
async fn ok_41_a_created_user_is_always_answered_with_a_body() {
    for relay in relays().await {
        let response = okta(&relay, "POST", "/Users", Some(&jane())).await;
        assert_eq!(response.status, 201);
        let user = response.body.clone();
        assert!(!id(&user).is_empty() && !id(&user).contains("bulkId"));
        for attribute in ["externalId", "userName", "name", "emails", "displayName", "locale", "active"] {
            assert_eq!(user[attribute], jane()[attribute], "{attribute}");
        }
        assert_eq!(response.header("location"), user["meta"]["location"].as_str());
        assert_eq!(relay.get(&format!("/Users/{}", id(&user))).await.body, user);
        let group = relay.post("/Groups", &group("Team", &[])).await;
        assert_eq!((group.status, &group.body["displayName"]), (201, &json!("Team")));
    }
}

/// Resource types for entitlements and roles are not declared here, so Okta discovers none. What it writes of them to a
/// user is taken: values as values, and its URNs as schemas that this type does not have.
#[tokio::test]
async fn ok_43_entitlements_and_roles_are_taken_with_oktas_urns() {
    let entitlement = "urn:okta:scim:schemas:core:1.0:Entitlement";
    let role = "urn:okta:scim:schemas:core:1.0:Role";
    for relay in relays().await {
        let mut body = jane();
        body["schemas"] = json!([USER_URN, entitlement, role, "urn:okta:acme_1:1.0:user:custom"]);
        body["entitlements"] = json!([{ "value": "e1", "display": "License", "type": "license" }]);
        body["roles"] = json!([{ "value": "r1", "display": "Admin" }]);
        body["urn:okta:acme_1:1.0:user:custom"] = json!({ "badge": "B7" });
        let user = created(&relay, "/Users", &body).await;
        let path = format!("/Users/{}", id(&user));
        let stored = relay.get(&path).await.body;
        assert_eq!(stored["entitlements"], body["entitlements"]);
        assert_eq!(stored["roles"], body["roles"]);
        assert_eq!(stored["schemas"], json!([USER_URN]), "an answer lists what it has");
        assert_eq!(stored.get("urn:okta:acme_1:1.0:user:custom"), None);

        let set = patch(json!([{ "op": "replace", "value": { "entitlements": [{ "value": "e2" }] } }]));
        assert_eq!(okta(&relay, "PATCH", &path, Some(&set)).await.status, 200);
        assert_eq!(relay.get(&path).await.body["entitlements"], json!([{ "value": "e2" }]));

        for url in ["/ResourceTypes", "/Schemas"] {
            let listed = relay.get(url).await.body.to_string();
            assert!(!listed.contains("urn:okta:"), "{url} promises only what there is");
        }
        assert_eq!(relay.get("/Entitlements?startIndex=1&count=100").await.status, 404);
    }
}

#[tokio::test]
async fn ok_45_the_primary_email_comes_first() {
    let home = json!({ "value": "jane@home.example", "type": "home" });
    let work = json!({ "value": "jane.doe@acme.example", "type": "work", "primary": true });
    for relay in relays().await {
        let mut body = jane();
        body["emails"] = json!([home, work]);
        let user = created(&relay, "/Users", &body).await;
        let path = format!("/Users/{}", id(&user));
        let found = okta(&relay, "GET", &lookup("jane.doe@acme.example"), None).await;
        assert_eq!(found.body["Resources"][0]["emails"], json!([work, home]));

        body["emails"] = json!([{ "value": "first@acme.example" }, work, home]);
        let response = okta(&relay, "PUT", &path, Some(&body)).await;
        let emails = json!([work, { "value": "first@acme.example" }, home]);
        assert_eq!((response.status, &response.body["emails"]), (200, &emails), "the others keep their order");
        assert_eq!(relay.get(&path).await.body["emails"], emails);
    }
}

#[tokio::test]
async fn ok_46_a_user_is_looked_up_in_any_letter_case() {
    for relay in relays().await {
        let user = created(&relay, "/Users", &jane()).await;
        for spelling in ["JANE.DOE@ACME.EXAMPLE", "Jane.Doe@acme.example"] {
            let found = okta(&relay, "GET", &lookup(spelling), None).await;
            assert_eq!(total(&found), 1, "{spelling}");
            assert_eq!(found.body["Resources"][0], user, "in the spelling that it came in");
            let mut again = jane();
            again["userName"] = spelling.into();
            let response = okta(&relay, "POST", "/Users", Some(&again)).await;
            assert_eq!((response.status, &response.body["scimType"]), (409, &json!("uniqueness")), "{spelling}");
        }
        assert_eq!(total(&relay.get("/Users").await), 1);
    }
}

#[tokio::test]
async fn ok_47_empty_texts_are_unassigned() {
    for relay in relays().await {
        let mut body = jane();
        body["name"]["middleName"] = "Q".into();
        body["title"] = "Engineer".into();
        let user = created(&relay, "/Users", &body).await;
        let path = format!("/Users/{}", id(&user));
        body["name"]["middleName"] = "".into();
        body["title"] = "".into();
        body["phoneNumbers"] = json!([{ "value": "", "type": "work" }]);
        let response = okta(&relay, "PUT", &path, Some(&body)).await;
        assert_eq!(response.status, 200, "{}", response.body);
        let stored = relay.get(&path).await.body;
        assert_eq!(stored["name"], json!({ "givenName": "Jane", "familyName": "Doe" }));
        assert_eq!(stored.get("title"), None);
        assert_eq!(stored.get("phoneNumbers"), None);
        assert_eq!(total(&relay.get("/Users?filter=title%20pr%20or%20phoneNumbers%20pr").await), 0);
    }
}
