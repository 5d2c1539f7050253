//! The way in: base URIs with a flag, credentials, and what is read before anything is written.

use serde_json::{Value, json};

use super::jane;
use crate::{
    bodies::{ENTERPRISE_URN, GROUP_URN, USER_URN, created, id, patch},
    relay::{Relay, Response},
    steps::{assert_error, found, listed, read},
};

/// A token as Entra sends it when the secret token is left empty: signed by Microsoft for all the world.
const ENTRA_TOKEN: &str = "eyJ0eXAiOiJKV1QiLCJhbGciOiJSUzI1NiJ9.\
    eyJhdWQiOiI4YWRmOGU2ZS02N2IyLTRjZjItYTI1OS1lM2RjNTQ3NmM2MjEiLCJpc3MiOiJodHRwczovL3N0cy53aW5kb3dzLm5ldC8xLyJ9.\
    c2lnbmVkLWJ5LW1pY3Jvc29mdA";

/// The administrator appends the flag to the base URI; where the client puts it then is documented nowhere.
#[tokio::test]
async fn en_45_the_flag_in_the_base_uri_is_ignored_wherever_it_stands() {
    for relay in Relay::both("entra", "").await {
        let user = created(&relay, "/Users", &jane()).await;
        let filter = "filter=userName+eq+%22jane.doe%40acme.example%22";
        for flag in ["aadOptscim062020", "aadOptscim062020=true", "AADOPTSCIM062020", "AzureAdScimPatch2017"] {
            for target in [
                format!("/Users?{flag}&{filter}"),
                format!("/Users?{filter}&{flag}"),
                format!("?{flag}/Users?{filter}"),
                format!("?{flag}/Users&{filter}"),
            ] {
                let users = listed(relay.get(&target).await);
                assert_eq!(users, std::slice::from_ref(&user), "{target}");
            }
            for target in [format!("/Users/{}?{flag}", id(&user)), format!("?{flag}/Users/{}", id(&user))] {
                assert_eq!(read(&relay, &target).await, user, "{target}");
                let body = patch(json!([{ "op": "replace", "value": { "displayName": "Jane Doe" } }]));
                assert_eq!(relay.patch(&target, &body).await.body, user, "{target}");
            }
        }
        assert_error(&relay.get("?aadOptscim062021/Users").await, 404, None);
    }
}

fn assert_unknown_credential(response: &Response) {
    assert_error(response, 401, None);
    assert!(response.header("www-authenticate").unwrap().starts_with("Bearer"));
}

/// Tokens that Entra signs itself are not accepted yet, so none opens anything: not with the right audience either, since
/// every tenant of Entra can have such a one. When they are, the tenant within must be compared with the configured one.
#[tokio::test]
async fn en_61_a_token_of_entras_own_opens_nothing() {
    for relay in Relay::both("entra", "").await {
        let user = created(&relay, "/Users", &jane()).await;
        let long = format!("{ENTRA_TOKEN}.{}", "A".repeat(4_000));
        for token in [ENTRA_TOKEN, &long] {
            let bearer = format!("Bearer {token}");
            let body = super::bare("intruder").to_string();
            let user = format!("/scim/v2/Users/{}", id(&user));
            for (method, path, body) in [
                ("GET", "/scim/v2/Users", None),
                ("GET", &*user, None),
                ("DELETE", &*user, None),
                ("POST", "/scim/v2/Users", Some(body.as_bytes())),
                ("GET", "/scim/v2/Schemas", None),
            ] {
                let response = relay.request(method, path, Some(&bearer), &[], body).await;
                assert_unknown_credential(&response);
                assert!(!response.body.to_string().contains("eyJ"), "the token is not repeated");
            }
        }
        assert_eq!(found(&relay, "/Users", r#"userName eq "intruder""#).await.len(), 0);
        assert_eq!(read(&relay, &format!("/Users/{}", id(&user))).await, user, "no request reached the tenant");
    }
}

/// What would be sent to a token endpoint, to every place where one may be looked for.
async fn asked_for_a_token(relay: &Relay, form: &str) {
    let headers = [("content-type", "application/x-www-form-urlencoded")];
    let key = format!("Bearer {}", relay.key_of("acme").await);
    for path in ["/oauth2/token", "/scim/v2/oauth2/token", "/scim/v2/Token", "/scim/v2/token"] {
        let stranger = relay.request("POST", path, None, &headers, Some(form.as_bytes())).await;
        assert_unknown_credential(&stranger);
        let client = relay.request("POST", path, Some(&key), &headers, Some(form.as_bytes())).await;
        assert_error(&client, 404, None);
    }
}

/// There is no token endpoint yet: a client assertion is answered as a SCIM error, and buys nothing.
#[tokio::test]
async fn en_62_a_client_assertion_finds_no_token_endpoint() {
    for relay in Relay::both("entra", "").await {
        let form = format!(
            "grant_type=client_credentials&client_id=tenant-42&client_assertion_type=\
             urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer&client_assertion={ENTRA_TOKEN}&scope=scim"
        );
        asked_for_a_token(&relay, &form).await;
    }
}

/// There is no token endpoint yet, so no life of tokens that a validator could find too short: a key lives as long as its
/// operator says, and is good for every request of a cycle.
#[tokio::test]
async fn en_69_client_credentials_find_no_token_endpoint_and_a_key_outlives_a_cycle() {
    for relay in Relay::both("entra", "").await {
        asked_for_a_token(&relay, "grant_type=client_credentials&client_id=tenant-42&client_secret=s3cret").await;
        for _ in 0..3 {
            assert_eq!(relay.get("/Users").await.status, 200);
        }
    }
}

#[tokio::test]
async fn en_72_a_scheme_typed_into_the_token_box_is_no_part_of_the_key() {
    for relay in Relay::both("entra", "").await {
        let key = relay.key_of("acme").await;
        for authorization in [format!("Bearer Bearer {key}"), format!("Bearer bearer {key}"), format!("bearer {key}")] {
            let response = relay.request("GET", "/scim/v2/Users", Some(&authorization), &[], None).await;
            assert_eq!(response.status, 200, "{}", response.body);
        }
        let twice = format!("Bearer {key} {key}");
        assert_unknown_credential(&relay.request("GET", "/scim/v2/Users", Some(&twice), &[], None).await);
    }
}

/// Whether a document holds null anywhere. Documents of ours are a few levels deep.
fn has_null(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(elements) => elements.iter().any(has_null),
        Value::Object(object) => object.values().any(has_null),
        _ => false,
    }
}

#[tokio::test]
async fn en_63_schemas_are_complete_in_camel_case_and_without_nulls() {
    for relay in Relay::both("entra", "").await {
        let schemas = listed(relay.get("/Schemas").await);
        let urns: Vec<&str> = schemas.iter().map(id).collect();
        assert_eq!(urns, [USER_URN, ENTERPRISE_URN, GROUP_URN]);
        for schema in &schemas {
            assert!(!has_null(schema), "{}", id(schema));
            for attribute in all_attributes(schema) {
                let name = attribute["name"].as_str().unwrap();
                assert!(name.starts_with(|first: char| first.is_ascii_lowercase() || first == '$'), "{name}");
                for key in ["type", "multiValued", "required", "mutability", "returned", "description"] {
                    assert!(attribute.get(key).is_some(), "{name}: {key}");
                }
                let is_complex = attribute["type"] == "complex";
                assert_eq!(attribute.get("subAttributes").is_some(), is_complex, "{name}");
                assert_eq!(attribute.get("caseExact").is_some(), !is_complex, "{name}");
            }
        }
    }
}

/// Attributes and sub-attributes of a schema.
fn all_attributes(schema: &Value) -> Vec<&Value> {
    let attributes = schema["attributes"].as_array().unwrap();
    let parts = attributes.iter().filter_map(|attribute| attribute["subAttributes"].as_array()).flatten();
    attributes.iter().chain(parts).collect()
}

/// What the default mappings of an application write, which the gallery's validation wants to find in `/Schemas`: an
/// element's type among the canonical values.
#[tokio::test]
async fn en_64_every_default_mapping_can_be_derived_from_the_schemas() {
    let part = |attributes: &Value, name: &str| {
        let attributes = attributes.as_array().unwrap();
        attributes.iter().find(|attribute| attribute["name"] == name).unwrap_or_else(|| panic!("{name}")).clone()
    };
    for relay in Relay::both("entra", "").await {
        let user = read(&relay, &format!("/Schemas/{USER_URN}")).await;
        let extension = read(&relay, &format!("/Schemas/{ENTERPRISE_URN}")).await;
        for name in ["userName", "active", "displayName", "title", "preferredLanguage", "nickName", "userType"] {
            part(&user["attributes"], name);
        }
        for name in ["employeeNumber", "department", "manager", "costCenter", "division", "organization"] {
            part(&extension["attributes"], name);
        }
        let name = part(&user["attributes"], "name");
        for sub_attribute in ["givenName", "familyName", "formatted"] {
            part(&name["subAttributes"], sub_attribute);
        }
        for (attribute, kind, sub_attributes) in [
            ("emails", "work", &["value", "primary"][..]),
            ("phoneNumbers", "work", &["value"]),
            ("phoneNumbers", "mobile", &["value"]),
            ("phoneNumbers", "fax", &["value"]),
            ("addresses", "work", &["formatted", "streetAddress", "locality", "region", "postalCode", "country"]),
        ] {
            let attribute = part(&user["attributes"], attribute);
            let kinds = part(&attribute["subAttributes"], "type")["canonicalValues"].clone();
            assert!(kinds.as_array().unwrap().contains(&json!(kind)), "{kind}: {kinds}");
            for name in sub_attributes {
                part(&attribute["subAttributes"], name);
            }
        }
    }
}
