//! The two suites by which Okta checks a service provider, each check a test named by its number: the one that asks us
//! (`spec`), and the one that drives an Okta org and then reads what has arrived here (`crud`). The org is played, as an
//! application of one's own (GET, merge, PUT) and as one of the catalogue (PATCH).

use serde_json::{Value, json};

use crate::{
    bodies::{GROUP_URN, USER_URN, created, id, patch, total},
    relay::{Relay, Response},
    steps::{assert_error, form_encoded, found, listed, members, patched, read},
};

const EMAIL: &str = "jane.doe@acme.example";
const NOBODY: &str = "abcdefgh@efghijkl.com";
/// What the first suite sends with every GET.
const HEADERS: [(&str, &str); 4] = [
    ("accept", "application/scim+json"),
    ("accept-charset", "utf-8"),
    ("content-type", "application/scim+json; charset=utf-8"),
    ("user-agent", "OKTA SCIM Integration"),
];

fn new_user(email: &str) -> Value {
    json!({
        "schemas": [USER_URN],
        "userName": email,
        "name": { "givenName": "Jane", "familyName": "Doe" },
        "emails": [{ "primary": true, "value": email, "type": "work" }],
        "displayName": "Jane Doe",
        "active": true,
    })
}

async fn get(relay: &Relay, path: &str) -> Response {
    relay.send("GET", path, &HEADERS, None).await
}

/// What the suite wants filled in of a user.
fn assert_complete(user: &Value) {
    for pointer in ["/id", "/name/familyName", "/name/givenName", "/userName", "/emails/0/value"] {
        let value = user.pointer(pointer).and_then(Value::as_str);
        assert!(value.is_some_and(|value| !value.is_empty()), "{pointer}: {user}");
    }
    assert!(user["active"].is_boolean());
}

#[tokio::test]
async fn spec_01_02_the_first_user_is_complete_in_the_list_and_alone() {
    for relay in Relay::both("okta", "").await {
        created(&relay, "/Users", &new_user("seed@acme.example")).await;
        created(&relay, "/Users", &new_user("second@acme.example")).await;
        let page = get(&relay, "/Users?count=1&startIndex=1").await;
        assert_eq!((total(&page), &page.body["startIndex"], &page.body["itemsPerPage"]), (2, &json!(1), &json!(1)));
        assert_eq!(page.body["schemas"], json!(["urn:ietf:params:scim:api:messages:2.0:ListResponse"]));
        let first = &page.body["Resources"][0];
        assert_complete(first);
        let alone = get(&relay, &format!("/Users/{}", id(first))).await;
        assert_eq!((alone.status, &alone.body), (200, first));
    }
}

#[tokio::test]
async fn spec_03_05_a_user_who_is_not_there_is_an_empty_list() {
    for relay in Relay::both("okta", "").await {
        created(&relay, "/Users", &new_user(EMAIL)).await;
        for filter in [format!("userName eq \"{NOBODY}\""), "userName eq \"random@acme.example\"".to_owned()] {
            let list = get(&relay, &format!("/Users?filter={}", form_encoded(&filter).replace('+', "%20"))).await;
            assert!(listed(list).is_empty());
        }
    }
}

#[tokio::test]
async fn spec_04_12_an_unknown_id_is_not_found() {
    for relay in Relay::both("okta", "").await {
        for unknown in ["0", "00919288221112222", "01980000-0000-7000-8000-000000000000"] {
            assert_error(&get(&relay, &format!("/Users/{unknown}")).await, 404, None);
        }
    }
}

#[tokio::test]
async fn spec_06_07_08_a_user_is_created_read_and_not_created_twice() {
    for relay in Relay::both("okta", "").await {
        let plain = [("content-type", "application/json")];
        let response = relay.send("POST", "/Users", &plain, Some(&new_user(EMAIL))).await;
        assert_eq!(response.status, 201, "{}", response.body);
        let user = response.body;
        assert_complete(&user);
        assert_eq!((&user["active"], &user["userName"]), (&json!(true), &json!(EMAIL)));
        assert_eq!(user["name"], json!({ "givenName": "Jane", "familyName": "Doe" }));
        assert_eq!(user["schemas"], json!([USER_URN]));
        assert_eq!(get(&relay, &format!("/Users/{}", id(&user))).await.body, user);
        let again = relay.send("POST", "/Users", &plain, Some(&new_user(EMAIL))).await;
        assert_error(&again, 409, Some("uniqueness"));
    }
}

#[tokio::test]
async fn spec_09_a_name_in_capitals_finds_the_user_whose_name_keeps_its_case() {
    for relay in Relay::both("okta", "").await {
        created(&relay, "/Users", &new_user("Jane.Doe@acme.example")).await;
        let users = found(&relay, "/Users", &format!("userName eq \"{}\"", EMAIL.to_uppercase())).await;
        assert_eq!((users.len(), &users[0]["userName"]), (1, &json!("Jane.Doe@acme.example")));
    }
}

#[tokio::test]
async fn spec_10_groups_are_a_list() {
    for relay in Relay::both("okta", "").await {
        assert!(listed(get(&relay, "/Groups").await).is_empty());
    }
}

#[tokio::test]
async fn spec_11_a_wrong_credential_is_a_scim_error() {
    for relay in Relay::both("okta", "").await {
        created(&relay, "/Users", &new_user(EMAIL)).await;
        let path = format!("/scim/v2/Users?filter=userName%20eq%20%22{}%22", EMAIL.to_uppercase());
        for authorization in [Some("non_token"), Some("Bearer non_token"), Some("Basic bm86b25l"), None] {
            let response = relay.request("GET", &path, authorization, &HEADERS, None).await;
            assert_error(&response, 401, None);
            assert!(response.header("www-authenticate").is_some());
        }
    }
}

/// An Okta org, as far as it acts on one user of one application.
struct Org<'a> {
    relay: &'a Relay,
    /// Whether the application is one of the catalogue, which (de)activates by PATCH.
    patches: bool,
}

impl Org<'_> {
    /// Assigns the application: looks for the user, creates or links, and gives the path.
    async fn assign(&self) -> String {
        let filter = form_encoded(&format!("userName eq \"{EMAIL}\"")).replace('+', "%20");
        let matches = listed(self.relay.get(&format!("/Users?filter={filter}&startIndex=1&count=100")).await);
        if let [user] = &*matches {
            let path = format!("/Users/{}", id(user));
            self.set_active(&path, true).await;
            return path;
        }
        let mut body = new_user(EMAIL);
        body["externalId"] = json!("00ujl29u0le5T6Aj10h7");
        body["locale"] = json!("en-US");
        body["groups"] = json!([]);
        body["password"] = json!("1mz050nq");
        format!("/Users/{}", id(&created(self.relay, "/Users", &body).await))
    }

    /// Reads the user, merges values over what was read, and puts the whole.
    async fn merge(&self, path: &str, values: &Value) {
        let mut body = read(self.relay, path).await;
        body["groups"] = json!([]);
        body.as_object_mut().unwrap().extend(values.as_object().unwrap().clone());
        let response = self.relay.put(path, &body).await;
        assert_eq!(response.status, 200, "{}", response.body);
        assert_eq!(response.body, read(self.relay, path).await);
    }

    async fn set_active(&self, path: &str, active: bool) {
        if self.patches {
            patched(self.relay, path, json!([{ "op": "replace", "value": { "active": active } }])).await;
        } else {
            self.merge(path, &json!({ "active": active })).await;
        }
    }
}

#[tokio::test]
async fn crud_02_03_an_assigned_user_is_found() {
    for relay in Relay::both("okta", "").await {
        let org = Org { relay: &relay, patches: false };
        org.assign().await;
        let users = found(&relay, "/Users", &format!("userName eq \"{EMAIL}\"")).await;
        assert_eq!(users.len(), 1);
        assert_eq!((&users[0]["userName"], &users[0]["emails"][0]["value"]), (&json!(EMAIL), &json!(EMAIL)));
        assert_eq!(users[0]["name"], json!({ "givenName": "Jane", "familyName": "Doe" }));
        assert_eq!(users[0].get("password"), None);
    }
}

#[tokio::test]
async fn crud_04_a_changed_first_name_arrives() {
    for relay in Relay::both("okta", "").await {
        let org = Org { relay: &relay, patches: false };
        let user = org.assign().await;
        let before = read(&relay, &user).await;
        org.merge(&user, &json!({ "name": { "givenName": "Joan", "familyName": "Doe" } })).await;
        let after = read(&relay, &user).await;
        assert_eq!(after["name"], json!({ "givenName": "Joan", "familyName": "Doe" }));
        for kept in ["id", "userName", "emails", "externalId", "locale", "active"] {
            assert_eq!(after[kept], before[kept], "{kept}");
        }
    }
}

#[tokio::test]
async fn crud_05_06_07_a_user_is_deactivated_activated_and_unassigned_under_one_id() {
    for patches in [false, true] {
        for mut relay in Relay::both("okta", "").await {
            let org = Org { relay: &relay, patches };
            let user = org.assign().await;
            for _ in 0..2 {
                org.set_active(&user, false).await;
                let after = read(&relay, &user).await;
                assert_eq!((&after["active"], &after["userName"]), (&json!(false), &json!(EMAIL)));
                assert_eq!(org.assign().await, user, "the same id");
                assert_eq!(read(&relay, &user).await["active"], json!(true));
            }
            org.set_active(&user, false).await;
            assert_eq!(read(&relay, &user).await["active"], json!(false));
            let delivered = relay.delivered().await;
            assert_eq!(delivered["users"].as_array().map(Vec::len), Some(1));
            assert_eq!(delivered["users"][0]["active"], json!(false));
        }
    }
}

/// A pushed group: looked for, created, renamed with its id in the value, changed by single members, and pushed as a whole.
#[tokio::test]
async fn crud_a_group_is_pushed_renamed_and_filled() {
    for relay in Relay::both("okta", "").await {
        let jane = created(&relay, "/Users", &new_user(EMAIL)).await;
        let raj = created(&relay, "/Users", &new_user("raj@acme.example")).await;
        assert!(found(&relay, "/Groups", r#"displayName eq "Engineering""#).await.is_empty());
        let body = json!({ "schemas": [GROUP_URN], "displayName": "Engineering", "members": [] });
        let group = created(&relay, "/Groups", &body).await;
        let group_path = format!("/Groups/{}", id(&group));
        let rename = json!([{ "op": "replace", "value": { "id": id(&group), "displayName": "Engineering EU" } }]);
        assert_eq!(patched(&relay, &group_path, rename).await["displayName"], "Engineering EU");
        let one = json!([{ "op": "add", "path": "members", "value": [{ "value": id(&raj), "display": "raj" }] }]);
        assert_eq!(members(&patched(&relay, &group_path, one).await), [id(&raj)]);
        let other = json!([
            { "op": "remove", "path": format!("members[value eq \"{}\"]", id(&raj)) },
            { "op": "add", "path": "members", "value": [{ "value": id(&jane), "display": EMAIL }] },
        ]);
        assert_eq!(members(&patched(&relay, &group_path, other).await), [id(&jane)]);
        let all = json!([{
            "op": "replace", "path": "members",
            "value": [{ "value": id(&jane), "display": EMAIL }, { "value": id(&raj), "display": null }],
        }]);
        assert_eq!(relay.patch(&group_path, &patch(all)).await.status, 200);
        let whole = json!({
            "schemas": [GROUP_URN], "id": id(&group), "displayName": "Engineering",
            "members": [{ "value": id(&raj), "display": null }],
        });
        assert_eq!(relay.put(&group_path, &whole).await.status, 200);
        let after = read(&relay, &group_path).await;
        assert_eq!((&after["displayName"], members(&after)), (&json!("Engineering"), vec![id(&raj)]));
        assert_eq!(relay.delete(&group_path).await.status, 204);
        assert_error(&relay.get(&group_path).await, 404, None);
    }
}
