//! The dialect `strict-interop`: what draft-zollner-scim-interop-profile-02 asks for that can be seen from outside.

use serde_json::json;

use super::{assert_error, assert_finds, assert_patch_refused, filtered, patched, relay, relay_with, relay_with_ann};
use crate::bodies::{ENTERPRISE_URN, USER_URN, ann, created, group, id, total, user};

const STRICT: &str = "strict-interop";

#[tokio::test]
async fn strict_interop_4_says_that_it_keeps_to_the_profile() {
    let relay = relay(STRICT).await;
    assert_eq!(relay.get("/ServiceProviderConfig").await.body["interopProfileConformant"], true);
}

#[tokio::test]
async fn strict_interop_5_1_a_resource_types_id_is_its_name() {
    let relay = relay(STRICT).await;
    for kind in relay.get("/ResourceTypes").await.body["Resources"].as_array().unwrap() {
        assert_eq!(kind["id"], kind["name"]);
        assert_eq!(relay.get(&format!("/Schemas/{}", kind["schema"].as_str().unwrap())).await.status, 200);
    }
}

#[tokio::test]
async fn strict_interop_5_2_case_counts_alike_in_filters_and_for_uniqueness() {
    let relay = relay(STRICT).await;
    let user = created(&relay, "/Users", &json!({ "userName": "JSmith", "externalId": "ABC-123" })).await;
    assert_finds(&relay, r#"userName eq "jsmith""#, &["JSmith"]).await;
    assert_error(&relay.post("/Users", &json!({ "userName": "jsmith" })).await, 409, Some("uniqueness"));
    assert_finds(&relay, r#"externalId eq "abc-123""#, &[]).await;
    assert_finds(&relay, &format!("id eq \"{}X\"", id(&user)), &[]).await;
    let shouted = id(&user).to_uppercase();
    if shouted != id(&user) {
        assert_error(&relay.get(&format!("/Users/{shouted}")).await, 404, None);
    }
}

#[tokio::test]
async fn strict_interop_5_3_what_the_schema_does_not_define_is_refused() {
    let (relay, path) = relay_with_ann(STRICT).await;
    let before = relay.get(&path).await.body;
    for body in [
        json!({ "userName": "x", "shoeSize": 7 }),
        json!({ "userName": "x", "name": { "nick": "X" } }),
        json!({ "userName": "x", "emails": [{ "value": "x@a.example", "colour": "red" }] }),
        json!({ "userName": "x", ENTERPRISE_URN: { "shoeSize": 7 } }),
        json!({ "userName": "x", "urn:example:2.0:User": { "a": 1 } }),
        json!({ "schemas": [USER_URN, "urn:example:2.0:User"], "userName": "x" }),
    ] {
        let response = relay.post("/Users", &body).await;
        assert_eq!(response.status, 400, "{body}: {}", response.body);
        assert_error(&response, 400, Some("invalidSyntax"));
    }
    for operation in [
        json!({ "op": "add", "path": "shoeSize", "value": 7 }),
        json!({ "op": "remove", "path": "shoeSize" }),
        json!({ "op": "add", "path": "name.nick", "value": "A" }),
        json!({ "op": "add", "path": "name", "value": { "nick": "A" } }),
        json!({ "op": "add", "path": "emails", "value": [{ "colour": "red" }] }),
        json!({ "op": "add", "path": "urn:example:2.0:User:a", "value": 1 }),
        json!({ "op": "add", "path": ENTERPRISE_URN, "value": { "shoeSize": 7 } }),
    ] {
        let known = json!({ "op": "add", "path": "title", "value": "x" });
        assert_patch_refused(&relay, &path, json!([known, operation]), "invalidSyntax").await;
    }
    assert_eq!(relay.get(&path).await.body, before);
    assert_eq!(total(&relay.get("/Users").await), 1);
}

#[tokio::test]
async fn strict_interop_5_4_types_of_values_are_declared() {
    let relay = relay(STRICT).await;
    let schema = relay.get(&format!("/Schemas/{USER_URN}")).await.body;
    for attribute in schema["attributes"].as_array().unwrap() {
        let name = attribute["name"].as_str().unwrap();
        let parts = attribute["subAttributes"].as_array();
        let kind = parts.and_then(|parts| parts.iter().find(|part| part["name"] == "type"));
        if let Some(kind) = kind.filter(|_| ["emails", "phoneNumbers", "ims", "addresses", "photos"].contains(&name)) {
            assert!(!kind["canonicalValues"].as_array().unwrap().is_empty(), "{name}");
        }
    }
}

#[tokio::test]
async fn strict_interop_6_3_filters_have_eq_and_and_alone() {
    let relay = relay_with(
        STRICT,
        &[("ann", json!({ "title": "Boss", "emails": [{ "value": "a@a.example", "type": "work" }] }))],
    )
    .await;
    for filter in [
        r#"userName eq "ann""#.to_owned(),
        r#"userName eq "ANN" and title eq "boss""#.to_owned(),
        r#"(userName eq "ann") and emails[type eq "work" and value eq "a@a.example"]"#.to_owned(),
        r#"emails.value eq "a@a.example""#.to_owned(),
        format!(r#"{USER_URN}:userName eq "ann""#),
        r#"meta.resourceType eq "User""#.to_owned(),
    ] {
        assert_finds(&relay, &filter, &["ann"]).await;
    }
    for filter in [
        r#"userName ne "ann""#,
        r#"userName co "ann""#,
        r#"userName sw "ann""#,
        r#"userName ew "ann""#,
        "userName pr",
        r#"meta.created gt "2020-01-01T00:00:00Z""#,
        r#"userName eq "ann" or title eq "boss""#,
        r#"not (userName eq "ann")"#,
        r#"userName eq "ann" and title pr"#,
        r#"emails[type eq "work" or type eq "home"]"#,
        r#"emails[value sw "a"]"#,
        // Undefined attributes.
        r#"shoeSize eq "7""#,
        r#"userName eq "ann" and shoeSize eq "7""#,
        r#"name.nick eq "A""#,
        r#"emails[colour eq "red"]"#,
        r#"shoes[size eq "7"]"#,
        r#"urn:example:2.0:User:a eq "1""#,
    ] {
        let response = filtered(&relay, filter).await;
        assert_eq!(response.status, 400, "{filter}: {}", response.body);
        assert_error(&response, 400, Some("invalidFilter"));
        let search = relay.post("/Users/.search", &json!({ "schemas": [super::SEARCH_URN], "filter": filter })).await;
        assert_error(&search, 400, Some("invalidFilter"));
        let of_all_types = relay.post("/.search", &json!({ "schemas": [super::SEARCH_URN], "filter": filter })).await;
        assert_error(&of_all_types, 400, Some("invalidFilter"));
    }
}

#[tokio::test]
async fn strict_interop_6_4_a_page_holds_a_hundred() {
    let relay = relay(STRICT).await;
    let config = relay.get("/ServiceProviderConfig").await.body;
    assert!(config["filter"]["maxResults"].as_u64().unwrap() >= 100);
    for index in 0..101 {
        created(&relay, "/Users", &user(&format!("u{index:03}"))).await;
    }
    for (query, items) in [("", 100), ("?count=100", 100), ("?count=101", 101), ("?startIndex=101", 1)] {
        let page = relay.get(&format!("/Users{query}")).await;
        assert_eq!((total(&page), page.body["itemsPerPage"].as_u64()), (101, Some(items)), "{query}");
    }
}

#[tokio::test]
async fn strict_interop_6_5_resources_are_patched_and_never_put() {
    let (relay, path) = relay_with_ann(STRICT).await;
    let before = relay.get(&path).await.body;
    let response = relay.put(&path, &ann()).await;
    assert_error(&response, 405, None);
    assert_eq!(response.header("allow"), Some("GET, HEAD, PATCH, DELETE"));
    assert_eq!(relay.get(&path).await.body, before);
}

#[tokio::test]
async fn strict_interop_6_5_1_every_operation_has_a_path() {
    let (relay, path) = relay_with_ann(STRICT).await;
    for operation in [
        json!({ "op": "replace", "value": { "active": false } }),
        json!({ "op": "add", "value": { "title": "x" } }),
        json!({ "op": "add", "path": null, "value": { "title": "x" } }),
        json!({ "op": "remove" }),
    ] {
        let known = json!({ "op": "add", "path": "title", "value": "x" });
        assert_patch_refused(&relay, &path, json!([known, operation]), "invalidSyntax").await;
    }
    let user = patched(&relay, &path, json!([{ "op": "replace", "path": "active", "value": false }])).await;
    assert_eq!(user["active"], false);
}

#[tokio::test]
async fn strict_interop_6_5_2_1_add_merges_and_replace_replaces_a_complex_attribute() {
    let (relay, path) = relay_with_ann(STRICT).await;
    let merged = json!([{ "op": "add", "path": "name", "value": { "givenName": "Anna" } }]);
    assert_eq!(patched(&relay, &path, merged).await["name"], json!({ "givenName": "Anna", "familyName": "Boss" }));
    let replaced = json!([{ "op": "replace", "path": "NAME", "value": { "GivenName": "Annie" } }]);
    assert_eq!(patched(&relay, &path, replaced).await["name"], json!({ "givenName": "Annie" }));
    let part = json!([{ "op": "replace", "path": "name.familyName", "value": "B" }]);
    assert_eq!(patched(&relay, &path, part).await["name"], json!({ "givenName": "Annie", "familyName": "B" }));
    let manager = format!("{ENTERPRISE_URN}:manager");
    patched(&relay, &path, json!([{ "op": "add", "path": manager, "value": { "value": "7", "$ref": "../Users/7" } }]))
        .await;
    let user = patched(&relay, &path, json!([{ "op": "replace", "path": manager, "value": { "value": "8" } }])).await;
    assert_eq!(user[ENTERPRISE_URN]["manager"]["value"], "8");
    assert_ne!(user[ENTERPRISE_URN]["manager"]["$ref"], "../Users/7");
    for op in ["add", "replace"] {
        let simple = json!([{ "op": op, "path": "title", "value": op }]);
        assert_eq!(patched(&relay, &path, simple).await["title"], op);
    }
}

#[tokio::test]
async fn strict_interop_6_5_2_2_collections_take_arrays_and_brackets_a_sub_attribute() {
    let (relay, path) = relay_with_ann(STRICT).await;
    let second = json!({ "value": "h@a.example", "type": "home" });
    for op in ["add", "replace"] {
        let bare = json!([{ "op": op, "path": "emails", "value": second }]);
        assert_patch_refused(&relay, &path, bare, "invalidValue").await;
        let whole = json!([{ "op": op, "path": "emails[type eq \"work\"]", "value": second }]);
        assert_patch_refused(&relay, &path, whole, "invalidPath").await;
        let pattern = json!([{ "op": op, "path": "emails[value sw \"a\"].value", "value": "x" }]);
        assert_patch_refused(&relay, &path, pattern, "invalidSyntax").await;
        let nobody = json!([{ "op": op, "path": "emails[type eq \"fax\"].value", "value": "x" }]);
        assert_patch_refused(&relay, &path, nobody, "noTarget").await;
        let colour = json!([{ "op": op, "path": "emails[colour eq \"red\"].value", "value": "x" }]);
        assert_patch_refused(&relay, &path, colour, "invalidFilter").await;
    }
    let added = patched(&relay, &path, json!([{ "op": "add", "path": "emails", "value": [second] }])).await;
    assert_eq!(added["emails"].as_array().unwrap().len(), 2);
    let part = json!([{ "op": "replace", "path": "emails[type eq \"home\"].value", "value": "n@a.example" }]);
    assert_eq!(patched(&relay, &path, part).await["emails"][1]["value"], "n@a.example");
    let replaced = patched(&relay, &path, json!([{ "op": "replace", "path": "emails", "value": [second] }])).await;
    assert_eq!(replaced["emails"], json!([second]));
}

#[tokio::test]
async fn strict_interop_6_5_2_2_one_member_can_be_removed() {
    // Read to the letter, the profile has no way to take one element out of a collection.
    let (relay, path) = relay_with_ann(STRICT).await;
    let ann = path.rsplit('/').next().unwrap();
    let ben = created(&relay, "/Users", &user("ben")).await;
    let staff = created(&relay, "/Groups", &group("Staff", &[ann, id(&ben)])).await;
    let path = format!("/Groups/{}", id(&staff));
    let removed = json!([{ "op": "remove", "path": format!("members[value eq \"{ann}\"]") }]);
    let members = patched(&relay, &path, removed).await["members"].clone();
    assert_eq!((members.as_array().unwrap().len(), &members[0]["value"]), (1, &ben["id"]));
}

#[tokio::test]
async fn strict_interop_6_6_delete_deletes_and_frees_the_name() {
    let (relay, path) = relay_with_ann(STRICT).await;
    let off = patched(&relay, &path, json!([{ "op": "replace", "path": "active", "value": false }])).await;
    assert_eq!(relay.get(&path).await.body, off, "a PATCH never deletes");
    assert_eq!(relay.delete(&path).await.status, 204);
    assert_error(&relay.get(&path).await, 404, None);
    assert_eq!(total(&relay.get("/Users").await), 0);
    created(&relay, "/Users", &ann()).await;
}

#[tokio::test]
async fn strict_interop_6_9_a_patch_that_collides_is_a_conflict() {
    let (relay, path) = relay_with_ann(STRICT).await;
    created(&relay, "/Users", &user("ben")).await;
    let before = relay.get(&path).await.body;
    let taken = crate::bodies::patch(json!([{ "op": "replace", "path": "userName", "value": "BEN" }]));
    assert_error(&relay.patch(&path, &taken).await, 409, Some("uniqueness"));
    assert_eq!(relay.get(&path).await.body, before);
}

#[tokio::test]
async fn strict_interop_takes_no_spelling_beyond_the_rfc() {
    let (relay, path) = relay_with_ann(STRICT).await;
    for (path_of, value) in [("active", json!("False")), ("emails", json!(["x@a.example"])), ("name", json!("Ann"))] {
        let operations = json!([{ "op": "replace", "path": path_of, "value": value }]);
        assert_patch_refused(&relay, &path, operations, "invalidValue").await;
    }
}
