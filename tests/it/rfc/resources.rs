//! What a resource is (RFC 7643, RFC 7644 §3.10).

use serde_json::{Value, json};

use super::{BOTH, assert_error, assert_finds, assert_patch_refused, filtered, patched, relay, relay_with_ann};
use crate::{
    bodies::{ENTERPRISE_URN, USER_URN, ann, created, group, id, patch, total, user},
    relay::Relay,
};

#[tokio::test]
async fn e3_53_names_compare_without_case_and_the_core_urn_may_be_left_out() {
    for dialect in BOTH {
        let (relay, path) = relay_with_ann(dialect).await;
        for (spelling, name) in [
            ("TITLE".to_owned(), "title"),
            (format!("{USER_URN}:nickName"), "nickName"),
            (format!("{}:LOCALE", USER_URN.to_uppercase()), "locale"),
        ] {
            let user = patched(&relay, &path, json!([{ "op": "add", "path": spelling, "value": "x" }])).await;
            assert_eq!(user[name], "x", "{dialect} {spelling}");
        }
        let user = patched(
            &relay,
            &path,
            json!([
                { "op": "replace", "path": format!("{USER_URN}:Name.FamilyName"), "value": "B" },
                { "op": "replace", "path": "EMAILS[TYPE eq \"work\"].VALUE", "value": "n@a.example" },
                { "op": "add", "path": format!("{}:DEPARTMENT", ENTERPRISE_URN.to_uppercase()), "value": "D" },
            ]),
        )
        .await;
        assert_eq!((&user["name"]["familyName"], &user["emails"][0]["value"]), (&json!("B"), &json!("n@a.example")));
        assert_eq!(user[ENTERPRISE_URN]["department"], "D");
        let odd = json!({ "USERNAME": "odd", "Name": { "GIVENNAME": "O" }, (ENTERPRISE_URN.to_uppercase()): { "Department": "E" } });
        let odd = created(&relay, "/Users", &odd).await;
        assert_eq!((&odd["userName"], &odd["name"]["givenName"]), (&json!("odd"), &json!("O")), "{dialect}");
        assert_eq!(odd[ENTERPRISE_URN]["department"], "E");
    }
}

#[tokio::test]
async fn e3_64_ref_is_a_name_too() {
    // Erratum 8924: the grammar of names has no `$`, and the schema has `$ref`.
    for dialect in BOTH {
        let relay = relay(dialect).await;
        let manager = json!({ "value": "7", "$ref": "../Users/7" });
        let ann =
            created(&relay, "/Users", &json!({ "userName": "ann", ENTERPRISE_URN: { "manager": manager } })).await;
        let path = format!("/Users/{}", id(&ann));
        // It follows from the value, and this one names nobody.
        assert_eq!(ann[ENTERPRISE_URN]["manager"], json!({ "value": "7" }), "{dialect}");
        assert_finds(&relay, &format!("{ENTERPRISE_URN}:manager.$ref pr"), &[]).await;
        let changed =
            json!([{ "op": "replace", "path": format!("{ENTERPRISE_URN}:manager.$ref"), "value": "../Users/8" }]);
        let refused = relay.patch(&path, &patch(changed)).await;
        assert_eq!((refused.status, &refused.body["scimType"]), (400, &json!("mutability")), "{dialect}");
        for name in ["a-b", "a_b", "user name", "na%me"] {
            let filter = filtered(&relay, &format!("{name} pr")).await;
            assert_eq!(filter.status, if name.contains([' ', '%']) { 400 } else { 200 }, "{name}");
        }
    }
}

#[tokio::test]
async fn e3_65_values_have_the_types_of_their_schema() {
    for dialect in BOTH {
        let relay = relay(dialect).await;
        for (name, value) in [
            ("active", json!(1)),
            ("active", json!("perhaps")),
            ("userName", json!(5)),
            ("title", json!({ "value": "x" })),
            ("emails", json!([{ "value": 5 }])),
            ("emails", json!([{ "value": "a@b.example", "primary": 1 }])),
            ("x509Certificates", json!([{ "value": "not base64!" }])),
            ("name", json!(true)),
        ] {
            let mut body = user("ann");
            body[name] = value.clone();
            let response = relay.post("/Users", &body).await;
            assert_eq!(response.status, 400, "{dialect} {name} {value}: {}", response.body);
            assert_error(&response, 400, Some("invalidValue"));
        }
        // Errata 5606 and 8435: either alphabet, with or without padding.
        for (index, certificate) in ["MIIC", "+/8=", "-_8", "MII="].into_iter().enumerate() {
            let mut body = user(&format!("u{index}"));
            body["x509Certificates"] = json!([{ "value": certificate }]);
            assert_eq!(created(&relay, "/Users", &body).await["x509Certificates"][0]["value"], certificate);
        }
        let created = relay.get("/Users").await.body["Resources"][0]["meta"]["created"].as_str().unwrap().to_owned();
        assert!(created.parse::<jiff::Timestamp>().is_ok() && created.ends_with('Z'), "{created}");
    }
}

#[tokio::test]
async fn e3_67_null_and_the_empty_list_are_absent() {
    for dialect in BOTH {
        let relay = relay(dialect).await;
        let bare = json!({ "userName": "ann" });
        let ann = created(&relay, "/Users", &bare).await;
        let path = format!("/Users/{}", id(&ann));
        for nothing in [Value::Null, json!([])] {
            let mut same = bare.clone();
            same["emails"] = nothing.clone();
            let response = relay.put(&path, &same).await;
            assert_eq!((response.status, &response.body), (200, &ann), "{dialect} {nothing}: same version too");
        }
        let same = relay.put(&path, &json!({ "userName": "ann", "title": null, "name": { "givenName": null } })).await;
        assert_eq!(same.body, ann, "{dialect}");
        assert_finds(&relay, "emails eq null and not (emails pr) and title eq null", &["ann"]).await;
    }
}

#[tokio::test]
async fn e3_68_schemas_are_declared_ones_in_any_order() {
    for dialect in BOTH {
        let relay = relay(dialect).await;
        for (index, schemas) in [
            json!([USER_URN, ENTERPRISE_URN]),
            json!([ENTERPRISE_URN, USER_URN]),
            json!([USER_URN, USER_URN, ENTERPRISE_URN]),
        ]
        .into_iter()
        .enumerate()
        {
            let body =
                json!({ "schemas": schemas, "userName": format!("u{index}"), ENTERPRISE_URN: { "department": "D" } });
            let listed = created(&relay, "/Users", &body).await["schemas"].clone();
            assert_eq!(listed, json!([USER_URN, ENTERPRISE_URN]), "{dialect}: each once");
        }
        let bare =
            created(&relay, "/Users", &json!({ "schemas": [USER_URN, ENTERPRISE_URN], "userName": "bare" })).await;
        assert_eq!(bare["schemas"], json!([USER_URN]), "what has no attributes is not there");
        for schemas in [json!([ENTERPRISE_URN]), json!([7]), json!({ "a": 1 })] {
            let response = relay.post("/Users", &json!({ "schemas": schemas, "userName": "wrong" })).await;
            assert_eq!(response.status, 400, "{schemas}: {}", response.body);
        }
    }
}

#[tokio::test]
async fn e3_69_an_id_is_ours_stable_and_never_bulk_id() {
    for dialect in BOTH {
        let relay = relay(dialect).await;
        let mut ids = std::collections::BTreeSet::new();
        for name in ["ann", "ben", "bulkId"] {
            let mut body = user(name);
            body["id"] = json!("bulkId");
            let user = created(&relay, "/Users", &body).await;
            assert!(!id(&user).is_empty() && !id(&user).contains("bulkId") && id(&user) != name);
            assert!(ids.insert(id(&user).to_owned()), "{dialect}");
        }
        let one = ids.first().unwrap();
        let path = format!("/Users/{one}");
        relay.put(&path, &user("renamed")).await;
        assert_eq!(relay.get(&path).await.body["userName"], "renamed", "the name changes, the id stays");
        assert_error(&relay.get(&format!("/Groups/{one}")).await, 404, None);
        assert_error(&relay.get("/Users/renamed").await, 404, None);
    }
}

#[tokio::test]
async fn e3_70_external_ids_are_the_clients_and_of_its_tenant() {
    for dialect in BOTH {
        let relay = Relay::start(&format!(
            "dialect = \"{dialect}\"\n[tenants.other]\nbase-path = \"/other/scim\"\ndialect = \"{dialect}\""
        ))
        .await;
        let first = created(&relay, "/Users", &ann()).await;
        assert_eq!(first["externalId"], "00u1");
        let mut second = ann();
        second["userName"] = json!("second");
        second["externalId"] = json!("00U1");
        created(&relay, "/Users", &second).await;
        assert_finds(&relay, r#"externalId eq "00u1""#, &["Ann@Acme.example"]).await;
        assert_finds(&relay, r#"externalId eq "00U1""#, &["second"]).await;
        assert_error(&relay.elsewhere("GET", "/other/scim/Users").await, 401, None);
    }
}

#[tokio::test]
async fn e3_71_meta_is_ours() {
    for dialect in BOTH {
        let relay = relay(dialect).await;
        let mut body = ann();
        body["meta"] = json!({ "lastModified": "2001-01-01T00:00:00Z", "location": "https://evil.example" });
        let response = relay.post("/Users", &body).await;
        let meta = &response.body["meta"];
        assert_eq!(meta["created"], meta["lastModified"], "{dialect}");
        assert_eq!(response.header("location"), meta["location"].as_str());
        assert_ne!(meta["location"], "https://evil.example");
        let path = format!("/Users/{}", id(&response.body));
        let title = crate::bodies::patch(json!([{ "op": "add", "path": "nickName", "value": "x" }]));
        for answer in [
            &response,
            &relay.get(&path).await,
            &relay.get(&format!("{path}?attributes=userName")).await,
            &relay.patch(&path, &title).await,
            &relay.send("GET", &path, &[("if-none-match", "*")], None).await,
        ] {
            assert_eq!(answer.header("content-location"), meta["location"].as_str(), "{dialect} {}", answer.status);
        }
        assert_eq!(relay.get("/Users").await.header("content-location"), None);
        let refused = json!([{ "op": "replace", "path": "meta.created", "value": "2001-01-01T00:00:00Z" }]);
        assert_patch_refused(&relay, &path, refused, "mutability").await;
        let changed = patched(&relay, &path, json!([{ "op": "add", "path": "title", "value": "x" }])).await;
        assert_eq!(changed["meta"]["created"], meta["created"]);
        assert!(changed["meta"]["lastModified"].as_str() >= meta["created"].as_str());
    }
}

#[tokio::test]
async fn e3_72_attributes_of_an_extension_are_in_its_object() {
    for dialect in BOTH {
        let relay = relay(dialect).await;
        let body = json!({
            "schemas": [USER_URN, ENTERPRISE_URN], "userName": "ann",
            ENTERPRISE_URN: { "department": "D", "manager": { "value": "7" } },
        });
        let user = created(&relay, "/Users", &body).await;
        assert_eq!(user[ENTERPRISE_URN]["department"], "D", "{dialect}");
        assert_eq!((user.get("department"), user.get("manager")), (None, None));
    }
    // Flattened, it is an attribute that the core schema does not know.
    let relay = relay("rfc").await;
    let flat = created(&relay, "/Users", &json!({ "userName": "flat", "department": "D" })).await;
    assert_eq!((flat.get("department"), flat.get(ENTERPRISE_URN)), (None, None));
}

#[tokio::test]
async fn e3_73_a_password_is_written_and_never_read() {
    for dialect in BOTH {
        let relay = Relay::start(&format!("dialect = \"{dialect}\"")).await;
        let mut body = ann();
        body["password"] = json!("t0p-s3cret");
        let response = relay.post("/Users?attributes=password,userName", &body).await;
        assert_eq!(response.status, 201);
        let path = format!("/Users/{}", id(&response.body));
        let set = crate::bodies::patch(json!([{ "op": "replace", "path": "password", "value": "n3w-s3cret" }]));
        for response in [
            response,
            relay.get(&path).await,
            relay.get(&format!("{path}?attributes=password")).await,
            relay.patch(&path, &set).await,
            relay.put(&path, &body).await,
            relay.get("/Users?attributes=password").await,
            filtered(&relay, r#"password eq "t0p-s3cret""#).await,
            relay.get("/Users?sortBy=password").await,
        ] {
            let text = response.body.to_string();
            assert!(!text.contains("s3cret"), "{dialect}: {text}");
        }
    }
}

/// Even where a validator of the field expects to read back what it wrote.
#[tokio::test]
async fn e3_76_what_is_write_only_is_in_no_answer_and_changes_none() {
    for dialect in BOTH {
        let (relay, path) = relay_with_ann(dialect).await;
        let before = relay.get(&path).await.body;
        for operation in [
            json!({ "op": "add", "path": "password", "value": "n3w" }),
            json!({ "op": "replace", "value": { "password": "n3wer" } }),
            json!({ "op": "remove", "path": "password" }),
        ] {
            assert_eq!(patched(&relay, &path, json!([operation])).await, before, "{dialect} {operation}");
        }
        let schema = relay.get(&format!("/Schemas/{USER_URN}")).await.body;
        let attributes = schema["attributes"].as_array().unwrap();
        let password = attributes.iter().find(|attribute| attribute["name"] == "password").unwrap();
        assert_eq!((&password["mutability"], &password["returned"]), (&json!("writeOnly"), &json!("never")));
    }
}

#[tokio::test]
async fn e3_74_groups_of_a_user_follow_from_the_groups() {
    for dialect in BOTH {
        let (relay, path) = relay_with_ann(dialect).await;
        let ann = path.rsplit('/').next().unwrap();
        let staff = created(&relay, "/Groups", &group("Staff", &[ann])).await;
        let mut body = relay.get(&path).await.body;
        assert_eq!(body["groups"][0]["value"], staff["id"]);
        assert_eq!(body["groups"][0]["display"], "Staff");
        body["groups"] = json!([]);
        let after = relay.put(&path, &body).await;
        assert_eq!((after.status, &after.body["groups"][0]["value"]), (200, &staff["id"]), "{dialect}");
    }
    let (relay, path) = relay_with_ann("rfc").await;
    let join = json!([{ "op": "add", "path": "groups", "value": [{ "value": "admins" }] }]);
    assert_patch_refused(&relay, &path, join, "mutability").await;
}

#[tokio::test]
async fn e3_75_values_keep_their_spelling() {
    for dialect in BOTH {
        let relay = relay(dialect).await;
        let body = json!({
            "userName": "ÄNN@Acme.Example", "externalId": "AbC-dEf", "title": "  Boss  ", "locale": "en-US",
            "phoneNumbers": [{ "value": "tel:+1 (555) 0100", "type": "Work" }],
            "addresses": [{ "country": "US", "type": "work", "streetAddress": "1 Main St\nFloor 2" }],
        });
        let user = created(&relay, "/Users", &body).await;
        for (name, value) in body.as_object().unwrap() {
            assert_eq!(&user[name], value, "{dialect} {name}");
        }
        assert_error(&relay.post("/Users", &json!({ "userName": "änn@acme.EXAMPLE" })).await, 409, Some("uniqueness"));
        assert_eq!(total(&filtered(&relay, r#"userName eq "änn@acme.example""#).await), 1);
    }
}
