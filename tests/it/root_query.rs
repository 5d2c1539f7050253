//! Queries over all resource types, at the base URI (RFC 7644 §3.4.2.1, §3.4.3), and filters as clients write them.

use serde_json::{Value, json};

use crate::{
    bodies::{ENTERPRISE_URN, USER_URN, ann, created, group, id, total, user},
    relay::{Relay, Response},
};

/// Ann, Bob, and a group of both that is called as Ann is shown.
async fn filled(extra: &str) -> Relay {
    let relay = Relay::start(extra).await;
    let mut body = ann();
    body["displayName"] = "Crew".into();
    body[ENTERPRISE_URN] = json!({ "department": "Sales" });
    let ann = created(&relay, "/Users", &body).await;
    let bob = created(&relay, "/Users", &user("bob")).await;
    if !extra.contains("groups = false") {
        created(&relay, "/Groups", &group("Crew", &[id(&ann), id(&bob)])).await;
    }
    relay
}

fn encoded(filter: &str) -> String {
    filter.replace(' ', "%20").replace('"', "%22").replace('+', "%2B")
}

/// The names of what a page shows.
fn names(page: &Response) -> Vec<&str> {
    assert_eq!(page.status, 200, "{}", page.body);
    let name = |resource: &'_ Value| resource.get("userName").is_some();
    let resources = page.body["Resources"].as_array().unwrap();
    let shown = |resource| -> &str {
        let resource: &Value = resource;
        let key = if name(resource) { "userName" } else { "displayName" };
        resource[key].as_str().unwrap()
    };
    resources.iter().map(shown).collect()
}

#[tokio::test]
async fn e3_21_a_filter_is_asked_of_every_type() {
    let relay = filled("").await;
    let ann = "Ann@Acme.example";
    for (filter, expected) in [
        (r#"displayName eq "crew""#, vec![ann, "Crew"]),
        (r#"userName eq "BOB""#, vec!["bob"]),
        (r#"userName eq "bob" or displayName eq "crew""#, vec![ann, "bob", "Crew"]),
        (r#"not (userName pr)"#, vec!["Crew"]),
        (r#"members pr"#, vec!["Crew"]),
        (r#"meta.resourceType eq "User""#, vec![ann, "bob"]),
        (r#"meta.resourceType eq "Group" and displayName pr"#, vec!["Crew"]),
        (r#"meta.resourceType eq "Device""#, vec![]),
        (r#"emails[type eq "work" and value ew "mail.example"]"#, vec![ann]),
        (r#"email eq "ann@mail.example""#, vec![ann]),
        ("urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department eq sales", vec![ann]),
        (r#"id eq "nobody""#, vec![]),
    ] {
        let page = relay.get(&format!("?filter={}", encoded(filter))).await;
        assert_eq!((names(&page), total(&page)), (expected.clone(), expected.len() as u64), "{filter}");
        let body = json!({ "schemas": ["urn:ietf:params:scim:api:messages:2.0:SearchRequest"], "filter": filter });
        assert_eq!(names(&relay.post("/.search", &body).await), expected, "{filter}");
    }
    for filter in [r#"colour eq "red""#, r#"userName eq "bob" or colour pr"#, "active gt true", "userName regex x"] {
        let refused = relay.get(&format!("?filter={}", encoded(filter))).await;
        assert_eq!((refused.status, &refused.body["scimType"]), (400, &json!("invalidFilter")), "{filter}");
    }
}

#[tokio::test]
async fn each_resource_is_shown_as_its_own_type_shows_it() {
    let relay = filled("").await;
    let page = relay.get("/").await;
    assert_eq!((total(&page), &page.body["startIndex"]), (3, &json!(1)));
    for resource in page.body["Resources"].as_array().unwrap() {
        let location = resource["meta"]["location"].as_str().unwrap();
        let path = location.strip_prefix(&relay.base).unwrap();
        assert_eq!(relay.get(path).await.body, *resource, "{path}");
    }
    let page = relay.get("?attributes=members.value,userName,displayName").await;
    let [ann, bob, crew] = page.body["Resources"].as_array().unwrap().as_slice() else { panic!("{}", page.body) };
    assert_eq!((&ann["displayName"], &bob["userName"], ann.get("emails")), (&json!("Crew"), &json!("bob"), None));
    let members: Vec<_> = crew["members"].as_array().unwrap().iter().map(|member| &member["value"]).collect();
    assert_eq!(members, [&ann["id"], &bob["id"]]);
    let page = relay.get("?excludedAttributes=members,groups").await;
    for resource in page.body["Resources"].as_array().unwrap() {
        assert!(resource.get("members").is_none() && resource.get("groups").is_none(), "{resource}");
        assert!(resource.get("meta").is_some());
    }
}

#[tokio::test]
async fn pages_and_orders_go_over_all_types() {
    let relay = filled("").await;
    let ann = "Ann@Acme.example";
    for (query, expected) in [
        ("startIndex=2&count=2", vec!["bob", "Crew"]),
        ("startIndex=3", vec!["Crew"]),
        ("startIndex=4", vec![]),
        ("count=0", vec![]),
        ("sortBy=userName", vec![ann, "bob", "Crew"]),
        ("sortBy=userName&sortOrder=descending", vec!["Crew", "bob", ann]),
        ("sortBy=displayName&startIndex=2&count=1", vec!["Crew"]),
    ] {
        let page = relay.get(&format!("?{query}")).await;
        assert_eq!((names(&page), total(&page)), (expected, 3), "{query}");
    }
    let refused = relay.get("?sortBy=colour").await;
    assert_eq!((refused.status, &refused.body["scimType"]), (400, &json!("invalidPath")));
}

#[tokio::test]
async fn the_switches_hold_for_all_types() {
    let relay = filled("[tenants.acme.provisioning]\nimport = false").await;
    assert_eq!(total(&relay.get("").await), 0);
    assert_eq!(total(&relay.get("?cursor&count=5").await), 0);
    assert_eq!(names(&relay.get("?filter=userName%20eq%20%22bob%22").await), ["bob"]);
    let relay = filled("[tenants.acme.provisioning]\ngroups = false").await;
    assert_eq!(total(&relay.get("").await), 2);
    assert_eq!(total(&relay.get("?filter=displayName%20eq%20%22crew%22").await), 1);
    let relay = filled("dialect = \"rfc\"").await;
    assert_eq!(relay.get("?filter=email%20eq%20%22ann@mail.example%22").await.status, 400, "a habit of other dialects");
}

#[tokio::test]
async fn a_wrong_method_at_the_root_names_the_right_one() {
    let relay = Relay::start("").await;
    for (method, path, allow) in [("POST", "", "GET, HEAD"), ("GET", "/.search", "POST")] {
        let response = relay.send(method, path, &[], None).await;
        assert_eq!((response.status, response.header("allow")), (405, Some(allow)), "{method} {path}");
    }
}

#[tokio::test]
async fn en_44_en_67_en_68_filters_and_attributes_as_clients_write_them() {
    let relay = Relay::start("").await;
    let body = json!({
        "schemas": [USER_URN], "userName": "kim", "title": "x", "name": { "familyName": "Employee" },
        "emails": [{ "value": "kim@mail.example", "type": "work" }, { "value": "k@home.example", "type": "home" }],
    });
    created(&relay, "/Users", &body).await;
    created(&relay, "/Users", &user("lee")).await;
    for (filter, expected) in [
        ("name.FamilyName eq Employee and (userName co k or userName co zz)", vec!["kim"]),
        ("name.FamilyName eq Employee and (userName co zz or title co zz)", vec![]),
        ("meta.Created gt 2015-01-01T00:00:00Z", vec!["kim", "lee"]),
        ("meta.Created lt 2015-01-01T00:00:00+02:00", vec![]),
        ("userName EQ KIM", vec!["kim"]),
        (r#"userName eq "\u006bim""#, vec!["kim"]),
        (r#"title eq "x" or title eq "y" and userName eq "lee""#, vec!["kim"]),
        (r#"emails[type eq "work" and value sw "k@"]"#, vec![]),
        (r#"emails.type eq "work" and emails.value sw "k@""#, vec!["kim"]),
        (r#"emails co "HOME""#, vec!["kim"]),
    ] {
        assert_eq!(names(&relay.get(&format!("/Users?filter={}", encoded(filter))).await), expected, "{filter}");
    }
    let attributes = encoded(r#"userName,emails[type eq "work"]"#);
    let page = relay.get(&format!("/Users?filter=title%20pr&attributes={attributes}")).await;
    let kim = &page.body["Resources"][0];
    assert_eq!((&kim["userName"], &kim["emails"], kim.get("name")), (&json!("kim"), &body["emails"], None));
}

#[tokio::test]
async fn ok_02_a_client_that_asks_for_two_users_gets_two() {
    let relay = filled("").await;
    let filter = r#"email eq "ann@mail.example" or userName eq "bob""#;
    for path in ["/Users", ""] {
        let page = relay.get(&format!("{path}?filter={}", encoded(filter))).await;
        assert_eq!((names(&page), total(&page)), (vec!["Ann@Acme.example", "bob"], 2), "{path}");
    }
}
