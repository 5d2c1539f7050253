//! SCIM over HTTP against a whole relay in this process: real sockets, real store.

use serde_json::{Value, json};

use crate::{
    bodies::{ENTERPRISE_URN, ann, created, id, patch, total},
    relay::{Relay, Response},
};

#[tokio::test]
async fn a_user_is_created_read_replaced_patched_and_deleted() {
    let relay = Relay::start("").await;
    let response = relay.post("/Users", &ann()).await;
    assert_eq!(response.status, 201);
    let user = response.body.clone();
    let path = format!("/Users/{}", id(&user));
    assert_eq!(user["meta"]["location"], format!("{}{path}", relay.base));
    assert_eq!(response.header("location"), user["meta"]["location"].as_str());
    assert_eq!(response.header("etag"), user["meta"]["version"].as_str());
    assert_eq!(response.header("content-type"), Some("application/scim+json"));
    assert_eq!(user["meta"]["created"], user["meta"]["lastModified"]);
    assert_eq!(relay.get(&path).await.body, user);

    let mut replaced = ann();
    replaced["title"] = "Engineer".into();
    replaced.as_object_mut().unwrap().remove("externalId");
    let response = relay.put(&path, &replaced).await;
    assert_eq!((response.status, &response.body["title"]), (200, &json!("Engineer")));
    assert_eq!(response.body.get("externalId"), None, "what a PUT leaves out is cleared");

    let response = relay.patch(&path, &patch(json!([{ "op": "replace", "path": "active", "value": false }]))).await;
    assert_eq!((response.status, &response.body["active"]), (200, &json!(false)));
    assert_eq!(total(&relay.get("/Users?filter=userName%20eq%20%22ann@acme.EXAMPLE%22").await), 1);

    assert_eq!(relay.delete(&path).await.status, 204);
    for response in [relay.get(&path).await, relay.delete(&path).await, relay.put(&path, &ann()).await] {
        assert_eq!((response.status, &response.body["status"]), (404, &json!("404")));
    }
    assert_eq!(total(&relay.get("/Users").await), 0);
    created(&relay, "/Users", &ann()).await;
}

#[tokio::test]
async fn the_unique_identifier_may_be_user_name_email_or_external_id() {
    for (unique_id, finds, taken) in [
        ("userName", r#"userName eq "ann@acme.example""#, json!({ "userName": "ANN@acme.example" })),
        (
            "emails.value",
            r#"userName eq "ANN@mail.example""#,
            json!({ "userName": "other", "emails": [{ "value": "ANN@MAIL.example" }] }),
        ),
        ("emails.value", r#"email eq "ann@mail.example""#, json!({ "userName": "ann@ACME.example" })),
        (
            "emails.value",
            r#"emails[type eq "work"].value eq "ann@mail.example""#,
            json!({ "userName": "ann@ACME.example" }),
        ),
        ("externalId", r#"externalId eq "00u1""#, json!({ "userName": "other", "externalId": "00u1" })),
    ] {
        let relay = Relay::start(&format!("unique-id = \"{unique_id}\"")).await;
        let user = created(&relay, "/Users", &ann()).await;
        let found = relay.get(&format!("/Users?filter={}", percent(finds))).await;
        assert_eq!(total(&found), 1, "{unique_id}: {finds}");
        assert_eq!(found.body["Resources"][0]["id"], user["id"]);
        let response = relay.post("/Users", &taken).await;
        assert_eq!((response.status, &response.body["scimType"]), (409, &json!("uniqueness")), "{unique_id}: {taken}");
    }
}

#[tokio::test]
async fn external_ids_may_repeat_and_change_unless_they_identify() {
    let relay = Relay::start("").await;
    created(&relay, "/Users", &ann()).await;
    created(&relay, "/Users", &json!({ "userName": "ben", "externalId": "00u1" })).await;
    assert_eq!(total(&relay.get(&format!("/Users?filter={}", percent(r#"externalId eq "00u1""#))).await), 2);
    assert_eq!(total(&relay.get(&format!("/Users?filter={}", percent(r#"externalId eq "00U1""#))).await), 0);
}

#[tokio::test]
async fn each_switch_answers_as_an_administrator_expects() {
    let relay = Relay::start("[tenants.acme.provisioning]\nenabled = false").await;
    let response = relay.get("/Users").await;
    assert_eq!(response.status, 503);
    assert!(response.header("retry-after").unwrap().parse::<u32>().is_ok());

    let relay = Relay::start("[tenants.acme.provisioning]\ncreate = false").await;
    assert_refused(&relay.post("/Users", &ann()).await, 403, "create");

    let relay = Relay::start("[tenants.acme.provisioning]\nupdate = false").await;
    let path = format!("/Users/{}", id(&created(&relay, "/Users", &ann()).await));
    let title = patch(json!([{ "op": "replace", "path": "title", "value": "x" }]));
    let off = patch(json!([{ "op": "replace", "path": "active", "value": false }]));
    assert_refused(&relay.patch(&path, &title).await, 403, "update");
    assert_eq!(relay.patch(&path, &off).await.status, 200, "a deactivation is no update");

    let relay = Relay::start("[tenants.acme.provisioning]\ndeactivate = false").await;
    let path = format!("/Users/{}", id(&created(&relay, "/Users", &ann()).await));
    assert_refused(&relay.patch(&path, &off).await, 403, "deactivate");
    assert_refused(&relay.delete(&path).await, 403, "deactivate");
    assert_eq!(relay.patch(&path, &title).await.status, 200);

    let relay = Relay::start("[tenants.acme.provisioning]\ngroups = false").await;
    assert_eq!(relay.get("/Groups").await.status, 501);
    let types = relay.get("/ResourceTypes").await;
    assert!(types.body["Resources"].as_array().unwrap().iter().all(|entry| entry["id"] != "Group"));

    let relay = Relay::start("[tenants.acme.provisioning]\nimport = false").await;
    let path = format!("/Users/{}", id(&created(&relay, "/Users", &ann()).await));
    assert_eq!(total(&relay.get("/Users").await), 0);
    assert_eq!(total(&relay.get("/Users?filter=meta.resourceType%20eq%20%22User%22").await), 0, "as good as no filter");
    assert_eq!(total(&relay.get("/Users?filter=userName%20eq%20%22ann@acme.example%22").await), 1);
    assert_eq!(relay.get(&path).await.status, 200);
}

fn assert_refused(response: &Response, status: u16, named: &str) {
    assert_eq!(response.status, status, "{}", response.body);
    assert!(response.body["detail"].as_str().unwrap().contains(named), "{}", response.body);
}

#[tokio::test]
async fn a_rehired_user_comes_back_under_its_id_where_configured() {
    for (rule, same_external_id, expected) in
        [("conflict", true, 409), ("reactivate", true, 201), ("reactivate", false, 409)]
    {
        let relay = Relay::start(&format!("on-rehire = \"{rule}\"")).await;
        let user = created(&relay, "/Users", &ann()).await;
        let again = relay.post("/Users", &ann()).await;
        assert_eq!(again.status, 409, "an active user is never taken over");
        let off = patch(json!([{ "op": "replace", "value": { "active": false } }]));
        assert_eq!(relay.patch(&format!("/Users/{}", id(&user)), &off).await.status, 200);
        let mut body = ann();
        if !same_external_id {
            body["externalId"] = "00u2".into();
        }
        let response = relay.post("/Users", &body).await;
        assert_eq!(response.status, expected, "{rule}: {}", response.body);
        if expected == 201 {
            assert_eq!((&response.body["id"], &response.body["active"]), (&user["id"], &json!(true)));
        }
    }
}

#[tokio::test]
async fn groups_hold_members_that_exist_and_members_that_come_later() {
    let relay = Relay::start("").await;
    let user = created(&relay, "/Users", &ann()).await;
    let unknown = "0198c0de-0000-7000-8000-000000000001";
    let group = created(
        &relay,
        "/Groups",
        &json!({ "displayName": "Staff", "members": [{ "value": id(&user) }, { "value": unknown }] }),
    )
    .await;
    let path = format!("/Groups/{}", id(&group));
    let members = relay.get(&path).await.body["members"].clone();
    let known = members.as_array().unwrap().iter().find(|member| member["value"] == user["id"]).unwrap();
    assert_eq!(known["type"], "User");
    assert_eq!(known["$ref"], format!("{}/Users/{}", relay.base, id(&user)));
    let pending = members.as_array().unwrap().iter().find(|member| member["value"] == unknown).unwrap();
    assert_eq!(pending.get("$ref"), None);
    let of_user = relay.get(&format!("/Users/{}", id(&user))).await.body["groups"].clone();
    assert_eq!((&of_user[0]["value"], &of_user[0]["display"]), (&group["id"], &json!("Staff")));

    let check = format!(r#"id eq "{}" and members eq "{}""#, id(&group), id(&user));
    assert_eq!(total(&relay.get(&format!("/Groups?filter={}&attributes=id", percent(&check))).await), 1);
    assert_eq!(relay.get(&format!("{path}?excludedAttributes=members")).await.body.get("members"), None);

    let remove = patch(json!([{ "op": "remove", "path": format!("members[value eq \"{}\"]", id(&user)) }]));
    assert_eq!(relay.patch(&path, &remove).await.status, 200);
    let left = relay.get(&path).await.body["members"].clone();
    assert_eq!(left.as_array().unwrap().len(), 1);
    assert_eq!(relay.get(&format!("/Users/{}", id(&user))).await.body.get("groups"), None);
}

#[tokio::test]
async fn a_deleted_user_leaves_its_groups() {
    let relay = Relay::start("").await;
    let user = created(&relay, "/Users", &ann()).await;
    let group =
        created(&relay, "/Groups", &json!({ "displayName": "Staff", "members": [{ "value": id(&user) }] })).await;
    assert_eq!(relay.delete(&format!("/Users/{}", id(&user))).await.status, 204);
    assert_eq!(relay.get(&format!("/Groups/{}", id(&group))).await.body["members"], json!([]));
}

#[tokio::test]
async fn lists_are_paged_sorted_and_filtered() {
    let relay = Relay::start("").await;
    for index in 0..12 {
        let body = json!({
            "userName": format!("user{index:02}"),
            "title": if index % 2 == 0 { "even" } else { "odd" },
            ENTERPRISE_URN: { "department": format!("D{}", 11 - index) },
        });
        created(&relay, "/Users", &body).await;
    }
    for (query, total_results, start, names) in [
        ("startIndex=1&count=2", 12, 1, vec!["user00", "user01"]),
        ("startIndex=12&count=5", 12, 12, vec!["user11"]),
        ("startIndex=101&count=100", 12, 101, vec![]),
        ("startIndex=0&count=1", 12, 1, vec!["user00"]),
        ("count=0", 12, 1, vec![]),
        ("count=-1", 12, 1, vec![]),
        ("filter=title%20eq%20%22odd%22&count=2&startIndex=2", 6, 2, vec!["user03", "user05"]),
        ("sortBy=userName&sortOrder=descending&count=2", 12, 1, vec!["user11", "user10"]),
        (
            "filter=urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department%20eq%20%22d3%22",
            1,
            1,
            vec!["user08"],
        ),
        ("filter=userName+sw+%22USER1%22", 2, 1, vec!["user10", "user11"]),
    ] {
        let page = relay.get(&format!("/Users?{query}")).await;
        assert_eq!(total(&page), total_results, "{query}");
        assert_eq!(page.body["startIndex"], start, "{query}");
        assert_eq!(page.body["itemsPerPage"], names.len(), "{query}");
        let found: Vec<_> =
            page.body["Resources"].as_array().unwrap().iter().map(|user| user["userName"].as_str().unwrap()).collect();
        assert_eq!(found, names, "{query}");
    }
    let searched = relay
        .post(
            "/Users/.search",
            &json!({
                "schemas": ["urn:ietf:params:scim:api:messages:2.0:SearchRequest"],
                "filter": "title eq \"odd\"", "count": 1, "attributes": ["userName"],
            }),
        )
        .await;
    assert_eq!(total(&searched), 6);
}

#[tokio::test]
async fn e3_50_every_failure_is_a_scim_error() {
    let relay = Relay::start("").await;
    for (method, path, headers, body, status) in [
        ("GET", "/Nothing", vec![], None, 404),
        ("GET", "/Users/00919288221112222", vec![], None, 404),
        ("DELETE", "/Users", vec![], None, 405),
        ("PUT", "/ServiceProviderConfig", vec![], Some("{}"), 405),
        ("GET", "/Me", vec![], None, 501),
        ("POST", "/Bulk", vec![], Some("{}"), 400),
        ("POST", "/Users", vec![], Some("{"), 400),
        ("POST", "/Users", vec![], Some(r#"{"userName":"a","userName":"b"}"#), 400),
        ("POST", "/Users", vec![], Some(r#"{"displayName":"no name"}"#), 400),
        ("POST", "/Users", vec![("content-type", "text/xml")], Some("<a/>"), 415),
        ("POST", "/Users", vec![("content-encoding", "gzip")], Some("{}"), 415),
        ("GET", "/Users?filter=userName+regex+%22a%22", vec![], None, 400),
        ("GET", "/Users?count=many", vec![], None, 400),
        ("GET", "/Schemas?filter=id+eq+%22a%22", vec![], None, 403),
    ] {
        let response = relay.raw(method, path, &headers, body.map(str::as_bytes)).await;
        assert_eq!(response.status, status, "{method} {path}: {}", response.body);
        assert_eq!(response.body["status"], status.to_string(), "{method} {path}");
        assert_eq!(response.body["schemas"], json!(["urn:ietf:params:scim:api:messages:2.0:Error"]));
        assert!(!response.body["detail"].as_str().unwrap().is_empty());
        assert_eq!(response.header("content-type"), Some("application/scim+json"), "{method} {path}");
        assert!(status != 405 || response.header("allow").is_some());
    }
    let unauthenticated = relay.anonymous("GET", "/Users").await;
    assert_eq!((unauthenticated.status, &unauthenticated.body["status"]), (401, &json!("401")));
    assert!(unauthenticated.header("www-authenticate").is_some());
}

#[tokio::test]
async fn discovery_documents_say_what_is_on() {
    let relay = Relay::start("").await;
    let config = relay.get("/ServiceProviderConfig").await.body;
    assert_eq!((&config["patch"]["supported"], &config["bulk"]["supported"]), (&json!(true), &json!(true)));
    assert_eq!((&config["etag"]["supported"], &config["sort"]["supported"]), (&json!(true), &json!(true)));
    let schemas = relay.get("/Schemas").await;
    assert_eq!(total(&schemas), 3);
    for schema in schemas.body["Resources"].as_array().unwrap() {
        assert_eq!(relay.get(&format!("/Schemas/{}", id(schema))).await.body, *schema);
    }
    assert_eq!(relay.get("/ResourceTypes/User").await.body["endpoint"], "/Users");
    assert_eq!(relay.get("/Schemas/urn:nothing").await.status, 404);
}

#[tokio::test]
async fn g12_a_key_opens_its_own_tenant_only() {
    let relay = Relay::start("[tenants.other]\nbase-path = \"/other/scim\"").await;
    let user = created(&relay, "/Users", &ann()).await;
    let foreign = relay.elsewhere("GET", &format!("/other/scim/Users/{}", id(&user))).await;
    let nowhere = relay.elsewhere("GET", "/other/scim/Users/none").await;
    assert_eq!(foreign.status, 401);
    assert_eq!(foreign.body, nowhere.body);
}

#[tokio::test]
async fn a_patch_of_unknown_attributes_alone_is_no_success() {
    let relay = Relay::start("").await;
    let user = created(&relay, "/Users", &ann()).await;
    let path = format!("/Users/{}", id(&user));
    for value in [
        json!({ "acive": false }),
        json!({ "name.shoeSize": 7 }),
        json!({ ENTERPRISE_URN: { "shoeSize": 7 } }),
        json!({ "manager": "b7c1" }),
    ] {
        let response = relay.patch(&path, &patch(json!([{ "op": "replace", "value": value }]))).await;
        assert_eq!((response.status, &response.body["scimType"]), (400, &json!("invalidPath")), "{value}");
    }
    let some = json!([{ "op": "replace", "value": { "acive": false, "title": "Engineer" } }]);
    assert_eq!(relay.patch(&path, &patch(some)).await.body["title"], "Engineer");
    let echo = json!([{ "op": "replace", "value": { "id": id(&user), "meta": {} } }]);
    assert_eq!(relay.patch(&path, &patch(echo)).await.status, 200, "what is ignored on purpose is not lost");
}

#[tokio::test]
async fn members_that_name_nobody_never_empty_a_group() {
    for dialect in ["auto", "rfc"] {
        let relay = Relay::start(&format!("dialect = \"{dialect}\"")).await;
        let user = created(&relay, "/Users", &ann()).await;
        let members = json!([{ "value": id(&user) }]);
        let group = created(&relay, "/Groups", &json!({ "displayName": "Staff", "members": members })).await;
        let path = format!("/Groups/{}", id(&group));
        for nobody in [json!([{ "value": "" }]), json!([{}]), json!([null]), json!([{ "value": null }]), json!("")] {
            for response in [
                relay.patch(&path, &patch(json!([{ "op": "replace", "path": "members", "value": nobody }]))).await,
                relay.patch(&path, &patch(json!([{ "op": "replace", "value": { "members": nobody } }]))).await,
                relay.put(&path, &json!({ "displayName": "Staff", "members": nobody })).await,
            ] {
                assert_eq!(response.status, 400, "{dialect}: {nobody}: {}", response.body);
            }
        }
        assert_eq!(relay.get(&path).await.body["members"].as_array().map(Vec::len), Some(1));
        let clear = patch(json!([{ "op": "replace", "path": "members", "value": [] }]));
        assert_eq!(relay.patch(&path, &clear).await.status, 200, "an empty list says so");
    }
}

#[tokio::test]
async fn schemas_say_what_is_unique_in_the_tenant() {
    let relay = Relay::start("unique-id = \"emails.value\"").await;
    let attribute = |schema: &Value, name: &str| {
        schema["attributes"].as_array().unwrap().iter().find(|found| found["name"] == name).unwrap().clone()
    };
    let group = relay.get("/Schemas/urn:ietf:params:scim:schemas:core:2.0:Group").await.body;
    assert_eq!(attribute(&group, "displayName")["uniqueness"], "server");
    let user = relay.get("/Schemas/urn:ietf:params:scim:schemas:core:2.0:User").await.body;
    let emails = attribute(&user, "emails");
    let value = emails["subAttributes"].as_array().unwrap().iter().find(|found| found["name"] == "value").unwrap();
    assert_eq!(value["uniqueness"], "server");
}

pub(crate) fn percent(text: &str) -> String {
    percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
}
