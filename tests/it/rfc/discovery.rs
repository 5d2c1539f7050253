//! Discovery (RFC 7644 §4, RFC 7643 §5–7).

use serde_json::{Value, json};

use super::{BOTH, assert_error, relay};
use crate::bodies::{created, id, total, user};

#[tokio::test]
async fn discovery_documents_have_versions_too() {
    let relay = relay("rfc").await;
    let user = "/Schemas/urn:ietf:params:scim:schemas:core:2.0:User";
    for path in ["/ServiceProviderConfig", "/ResourceTypes", "/Schemas", user, "/ResourceTypes/Group"] {
        let document = relay.get(path).await;
        let version = document.header("etag").unwrap();
        let again = relay.send("GET", path, &[("if-none-match", version)], None).await;
        assert_eq!((again.status, again.header("etag"), &again.body), (304, Some(version), &Value::Null), "{path}");
        let other = relay.send("GET", path, &[("if-none-match", "W/\"1\"")], None).await;
        assert_eq!((other.status, &other.body), (200, &document.body), "{path}");
    }
}

#[tokio::test]
async fn e3_59_the_configuration_is_one_object() {
    for dialect in BOTH {
        let relay = relay(dialect).await;
        let config = relay.get("/ServiceProviderConfig").await.body;
        assert_eq!(config["schemas"], json!(["urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig"]));
        assert_eq!(config.get("Resources"), None);
        for feature in ["patch", "bulk", "filter", "changePassword", "sort", "etag"] {
            assert!(config[feature]["supported"].is_boolean(), "{feature}");
        }
        assert!(!config["authenticationSchemes"].as_array().unwrap().is_empty());
        assert_eq!(config["meta"]["location"], format!("{}/ServiceProviderConfig", relay.base));
        assert_eq!(config.get("interopProfileConformant"), None, "{dialect} does not follow that profile");
        assert_error(&relay.get("/ServiceProviderConfig/x").await, 404, None);
    }
}

#[tokio::test]
async fn e3_60_schemas_and_types_are_lists_and_take_neither_page_nor_filter() {
    for dialect in BOTH {
        let relay = relay(dialect).await;
        for path in ["/Schemas", "/ResourceTypes"] {
            let list = relay.get(path).await;
            assert!(total(&list) > 0);
            assert_eq!(list.body["itemsPerPage"], list.body["totalResults"]);
            for ignored in ["count=1", "startIndex=2", "count=0", "sortBy=id", "cursor="] {
                assert_eq!(relay.get(&format!("{path}?{ignored}")).await.body, list.body, "{path}?{ignored}");
            }
            for filter in ["filter=id+pr", "filter=", "FILTER=x"] {
                assert_error(&relay.get(&format!("{path}?{filter}")).await, 403, None);
            }
            for entry in list.body["Resources"].as_array().unwrap() {
                assert_eq!(relay.get(&format!("{path}/{}", id(entry))).await.body, *entry);
                assert_eq!(entry["meta"]["location"], format!("{}{path}/{}", relay.base, id(entry)));
            }
            assert_error(&relay.get(&format!("{path}/nothing")).await, 404, None);
        }
        assert_error(&relay.get("/ServiceProviderConfig?filter=patch+pr").await, 403, None);
    }
}

#[tokio::test]
async fn e3_61_schemas_of_messages_are_not_listed() {
    for dialect in BOTH {
        let schemas = relay(dialect).await.get("/Schemas").await.body;
        let ids: Vec<&str> = schemas["Resources"].as_array().unwrap().iter().map(id).collect();
        assert!(ids.iter().all(|id| !id.contains(":api:messages:")), "{ids:?}");
    }
}

#[tokio::test]
async fn e3_62_locations_are_the_base_uri_and_no_query() {
    for dialect in BOTH {
        let relay = relay(dialect).await;
        let response = relay.post("/Users?attributes=meta&x=1", &user("ann")).await;
        let location = response.body["meta"]["location"].as_str().unwrap().to_owned();
        assert_eq!(location, format!("{}/Users/{}", relay.base, id(&response.body)));
        assert_eq!(response.header("location"), Some(&*location));
    }
    let relay = relay("auto").await;
    let flagged = relay.request("GET", "/scim/v2?aadOptscim062020/Schemas", None, &[], None).await;
    assert_error(&flagged, 401, None);
    let user = created(&relay, "/Users?aadOptscim062020", &user("ann")).await;
    assert_eq!(user["meta"]["location"], format!("{}/Users/{}", relay.base, id(&user)));
}

#[tokio::test]
async fn every_schema_that_a_type_names_is_there() {
    let relay = relay("rfc").await;
    for kind in relay.get("/ResourceTypes").await.body["Resources"].as_array().unwrap() {
        let extensions = kind["schemaExtensions"].as_array().unwrap().iter().map(|extension| &extension["schema"]);
        for urn in std::iter::once(&kind["schema"]).chain(extensions).map(|urn| urn.as_str().unwrap()) {
            assert_eq!(relay.get(&format!("/Schemas/{urn}")).await.body["id"], urn);
        }
        assert_eq!(relay.get(kind["endpoint"].as_str().unwrap()).await.status, 200);
    }
}

fn attribute<'a>(schema: &'a Value, name: &str) -> &'a Value {
    let mut attributes = schema["attributes"].as_array().unwrap().iter();
    attributes.find(|attribute| attribute["name"] == name).unwrap()
}

#[tokio::test]
async fn e3_errata_5368_6004_6011_7522_8415_8472_are_in_the_schemas() {
    let relay = relay("rfc").await;
    let schemas = relay.get("/Schemas").await.body["Resources"].as_array().unwrap().clone();
    for schema in &schemas {
        for attribute in schema["attributes"].as_array().unwrap() {
            if attribute["type"] == "complex" {
                assert_eq!(attribute.get("uniqueness"), None, "6004: {}", attribute["name"]);
                let parts = attribute["subAttributes"].as_array().unwrap();
                assert!(parts.iter().all(|part| part["type"] != "complex"), "8415: {}", attribute["name"]);
            }
        }
    }
    let schema = |urn: &str| schemas.iter().find(|schema| schema["id"] == urn).unwrap();
    assert_eq!(attribute(schema(crate::bodies::GROUP_URN), "displayName")["required"], true, "5368");
    let manager = attribute(schema(crate::bodies::ENTERPRISE_URN), "manager");
    let value = manager["subAttributes"].as_array().unwrap().iter().find(|part| part["name"] == "value").unwrap();
    assert_eq!(value["caseExact"], true, "8472");
    let members = attribute(schema(crate::bodies::GROUP_URN), "members");
    let display = members["subAttributes"].as_array().unwrap().iter().find(|part| part["name"] == "display");
    assert!(display.is_some(), "6011");
    let kind = relay.get("/ResourceTypes/User").await.body;
    assert!(kind["schemaExtensions"].is_array(), "7522");
}
