//! From creation to the end of a resource: what collides, what comes back, and that what is gone is gone.

use serde_json::{Value, json};

use crate::{
    bodies::{ann, created, group, id, patch, total, user},
    relay::{Relay, Response},
    scim::percent,
};

fn assert_taken(response: &Response, what: &str) {
    assert_eq!((response.status, &response.body["scimType"]), (409, &json!("uniqueness")), "{what}: {}", response.body);
    assert!(!response.body["detail"].as_str().unwrap().is_empty(), "{what}");
}

fn replace(path: &str, value: impl Into<Value>) -> Value {
    patch(json!([{ "op": "replace", "path": path, "value": value.into() }]))
}

#[tokio::test]
async fn e3_1_a_unique_value_that_is_taken_is_a_409_for_every_verb() {
    for unique_id in ["userName", "externalId", "emails.value"] {
        let relay = Relay::start(&format!("unique-id = \"{unique_id}\"")).await;
        created(&relay, "/Users", &ann()).await;
        assert_taken(&relay.post("/Users", &ann()).await, "an identical POST");
        let ben = created(&relay, "/Users", &json!({ "userName": "ben" })).await;
        let path = format!("/Users/{}", id(&ben));
        let (attribute, value) = match unique_id {
            "emails.value" => ("emails", json!([{ "value": "ANN@mail.example" }])),
            "externalId" => ("externalId", json!("00u1")),
            _ => ("userName", json!("ann@acme.EXAMPLE")),
        };
        let mut taken = json!({ "userName": "ben" });
        taken[attribute] = value.clone();
        assert_taken(&relay.put(&path, &taken).await, unique_id);
        assert_taken(&relay.patch(&path, &replace(attribute, value)).await, unique_id);
        assert_taken(&relay.patch(&path, &replace("userName", "ann@ACME.example")).await, "userName always");
        assert_eq!(relay.get(&path).await.body, ben, "nothing changed");
        created(&relay, "/Groups", &group("Staff", &[])).await;
        assert_taken(&relay.post("/Groups", &group("STAFF", &[])).await, "group");
        let crew = created(&relay, "/Groups", &group("Crew", &[])).await;
        let path = format!("/Groups/{}", id(&crew));
        assert_taken(&relay.put(&path, &group("staff", &[])).await, "group");
        assert_taken(&relay.patch(&path, &replace("displayName", "sTAFF")).await, "group");
        // Another spelling of its own name is no collision.
        assert_eq!(relay.patch(&path, &replace("displayName", "CREW")).await.body["displayName"], "CREW");
    }
}

#[tokio::test]
async fn e3_63_look_up_and_uniqueness_fold_names_alike_and_values_stay() {
    let relay = Relay::start("").await;
    for (stored, same, other) in [
        ("Ann", "Ａｎｎ", "Anne"),
        ("ｂｅｎ＠acme.example", "BEN@acme.example", "ben.acme.example"),
        ("straße", "STRASSE", "strase"),
        ("Ὀδυσσεύς", "ὈΔΥΣΣΕΎΣ", "Οδυσσεύς"),
        ("ıldız", "ıLDıZ", "ildiz"),
        ("Zo\u{eb}", "zoe\u{308}", "zoe"),
        ("ｶﾞｸ", "ガク", "カク"),
    ] {
        let user = created(&relay, "/Users", &user(stored)).await;
        assert_eq!(user["userName"], stored);
        assert_taken(&relay.post("/Users", &crate::bodies::user(same)).await, same);
        for operator in ["eq", "sw"] {
            let filter = |name: &str| format!("/Users?filter={}", percent(&format!("userName {operator} \"{name}\"")));
            let found = relay.get(&filter(same)).await;
            assert_eq!((total(&found), &found.body["Resources"][0]["userName"]), (1, &json!(stored)), "{same}");
        }
        let none = relay.get(&format!("/Users?filter={}", percent(&format!("userName eq \"{other}\"")))).await;
        assert_eq!(total(&none), 0, "{other}");
        created(&relay, "/Users", &crate::bodies::user(other)).await;
        let path = format!("/Users/{}", id(&user));
        assert_eq!(relay.patch(&path, &replace("userName", same)).await.body["userName"], same, "as it came");
    }
    // `externalId` compares exactly.
    created(&relay, "/Users", &json!({ "userName": "x", "externalId": "Ａ1" })).await;
    assert_eq!(total(&relay.get(&format!("/Users?filter={}", percent("externalId eq \"A1\""))).await), 0);
}

#[tokio::test]
async fn a_rehire_is_told_by_user_name_and_external_id() {
    for (rule, external_id, expected) in
        [("reactivate", "00u1", 201), ("reactivate", "00u2", 409), ("conflict", "00u1", 409)]
    {
        let mut relay = Relay::start(&format!("on-rehire = \"{rule}\"")).await;
        let gone = created(&relay, "/Users", &ann()).await;
        let path = format!("/Users/{}", id(&gone));
        assert_eq!(relay.patch(&path, &replace("active", false)).await.status, 200);
        let mut back = ann();
        back["externalId"] = external_id.into();
        back["title"] = "Consultant".into();
        let response = relay.post("/Users", &back).await;
        if expected == 409 {
            assert_taken(&response, rule);
            assert_eq!(relay.get(&path).await.body["active"], false);
            continue;
        }
        assert_eq!((response.status, &response.body["id"]), (201, &gone["id"]));
        assert_eq!(response.header("location"), gone["meta"]["location"].as_str());
        assert_eq!((&response.body["active"], &response.body["title"]), (&json!(true), &json!("Consultant")));
        assert_taken(&relay.post("/Users", &back).await, "an active one");
        assert_eq!(total(&relay.get("/Users").await), 1);
        let file = relay.delivered().await;
        assert_eq!((file["users"].as_array().map(Vec::len), &file["users"][0]["active"]), (Some(1), &json!(true)));
    }
}

#[tokio::test]
async fn e3_49_what_was_deleted_is_gone_everywhere_and_its_names_are_free() {
    let relay = Relay::start("").await;
    let gone = created(&relay, "/Users", &ann()).await;
    let staff = created(&relay, "/Groups", &group("Staff", &[id(&gone)])).await;
    let crew = created(&relay, "/Groups", &group("Crew", &[id(&staff)])).await;
    for (endpoint, resource, name, again) in
        [("/Users", &gone, "userName", ann()), ("/Groups", &staff, "displayName", group("Staff", &[]))]
    {
        let path = format!("{endpoint}/{}", id(resource));
        assert_eq!(relay.delete(&path).await.status, 204);
        for response in [
            relay.get(&path).await,
            relay.put(&path, &again).await,
            relay.patch(&path, &replace(name, "x")).await,
            relay.delete(&path).await,
        ] {
            assert_eq!((response.status, &response.body["status"]), (404, &json!("404")), "{path}");
        }
        let value = again[name].as_str().unwrap();
        for filter in
            [format!("id eq \"{}\"", id(resource)), format!("{name} eq \"{value}\""), format!("{name} sw \"{value}\"")]
        {
            let found = relay.get(&format!("{endpoint}?filter={}", percent(&filter))).await;
            assert_eq!(total(&found), 0, "{filter}");
        }
        let listed = relay.get(endpoint).await.body["Resources"].clone();
        assert!(listed.as_array().unwrap().iter().all(|other| other["id"] != resource["id"]), "{listed}");
        let new = created(&relay, endpoint, &again).await;
        assert_ne!(new["id"], resource["id"], "an id is never given twice");
    }
    let members = relay.get(&format!("/Groups/{}", id(&crew))).await.body["members"].clone();
    assert_eq!(members, json!([]), "a deleted group is nobody's member");
}

#[tokio::test]
async fn e3_70_external_ids_are_the_tenants_own() {
    let relay = Relay::start(
        "unique-id = \"externalId\"\n[tenants.other]\nbase-path = \"/other/scim\"\nunique-id = \"externalId\"",
    )
    .await;
    let ours = created(&relay, "/Users", &ann()).await;
    let key = format!("Bearer {}", relay.key_of("other").await);
    let body = ann().to_string().into_bytes();
    let theirs = relay.request("POST", "/other/scim/Users", Some(&key), &[], Some(&body)).await;
    assert_eq!(theirs.status, 201, "{}", theirs.body);
    assert_ne!(theirs.body["id"], ours["id"]);
    let filter = percent("externalId eq \"00u1\"");
    let found = relay.get(&format!("/Users?filter={filter}")).await;
    assert_eq!((total(&found), &found.body["Resources"][0]["id"]), (1, &ours["id"]));
    let found = relay.request("GET", &format!("/other/scim/Users?filter={filter}"), Some(&key), &[], None).await;
    assert_eq!((total(&found), &found.body["Resources"][0]["id"]), (1, &theirs.body["id"]));
}
