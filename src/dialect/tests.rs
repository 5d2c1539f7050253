#![expect(clippy::unwrap_used, reason = "tests")]

mod entra;
mod entra_bodies;
mod laws;
mod okta;
mod others;
mod policy;
mod queries;

use serde_json::{Value, json};

use super::{Dialect, Quirks};
use crate::scim::{
    patch::PATCH_URN,
    schema::{ENTERPRISE_URN, GROUP_URN, ResourceType, ResourceTypes, USER_URN},
};

const ID: &str = "2819c223";

fn resource_type(endpoint: &str) -> ResourceType {
    ResourceType::clone(ResourceTypes::core().by_endpoint(endpoint).unwrap())
}

/// The body of a user with these attributes.
fn user(attributes: Value) -> Value {
    with_schemas(&[USER_URN], attributes)
}

/// The same with the enterprise extension listed.
fn enterprise_user(attributes: Value) -> Value {
    with_schemas(&[USER_URN, ENTERPRISE_URN], attributes)
}

fn group(attributes: Value) -> Value {
    with_schemas(&[GROUP_URN], attributes)
}

fn with_schemas(schemas: &[&str], mut attributes: Value) -> Value {
    attributes["schemas"] = json!(schemas);
    attributes
}

#[track_caller]
fn check_resource(dialect: &str, endpoint: &str, body: Value, canonical: Value, quirks: &[&str]) {
    let dialect = Dialect::named(dialect).unwrap();
    let mut met = Quirks::default();
    let rewritten = dialect.resource(&resource_type(endpoint), body, &mut met).unwrap();
    assert_eq!(rewritten, canonical);
    assert_eq!(met.ids(), quirks);
}

fn tolerant_dialects() -> impl Iterator<Item = &'static str> {
    Dialect::all().iter().filter(|dialect| dialect.tolerant).map(|dialect| dialect.name)
}

/// A body that every tolerant dialect rewrites alike.
#[track_caller]
fn check_everywhere(endpoint: &str, body: Value, canonical: Value, quirks: &[&str]) {
    for dialect in tolerant_dialects() {
        check_resource(dialect, endpoint, body.clone(), canonical.clone(), quirks);
    }
}

#[track_caller]
fn check_patch(dialect: &str, endpoint: &str, operations: Value, canonical: Value, quirks: &[&str]) {
    let dialect = Dialect::named(dialect).unwrap();
    let mut met = Quirks::default();
    let body = json!({"schemas": [PATCH_URN], "Operations": operations});
    let mut rewritten = dialect.patch(&resource_type(endpoint), ID, body, &mut met).unwrap();
    // Which operation of the client's each was made of is `errors_name_the_operation_as_the_client_counts`'s to check.
    for operation in rewritten["Operations"].as_array_mut().unwrap() {
        operation.as_object_mut().map(|operation| operation.remove("index"));
    }
    assert_eq!(rewritten, json!({"schemas": [PATCH_URN], "Operations": canonical}));
    assert_eq!(met.ids(), quirks);
}

/// Operations that every tolerant dialect rewrites alike.
#[track_caller]
fn check_patch_everywhere(endpoint: &str, operations: Value, canonical: Value, quirks: &[&str]) {
    for dialect in tolerant_dialects() {
        check_patch(dialect, endpoint, operations.clone(), canonical.clone(), quirks);
    }
}

#[track_caller]
fn check_patch_refused(dialect: &str, endpoint: &str, operations: Value, scim_type: &str, place: &str) {
    let dialect = Dialect::named(dialect).unwrap();
    let body = json!({"schemas": [PATCH_URN], "Operations": operations});
    let error = dialect.patch(&resource_type(endpoint), ID, body, &mut Quirks::default()).unwrap_err();
    assert_eq!(error.http_status(), 400);
    assert_eq!(error.scim_type().unwrap().as_str(), scim_type);
    assert!(error.detail().starts_with(place), "{}", error.detail());
}

#[track_caller]
fn check_query(endpoint: &str, unique_id: &str, parameter: (&str, &str), canonical: &str, quirks: &[&str]) {
    let mut met = Quirks::default();
    let parameters = vec![(parameter.0.to_owned(), parameter.1.to_owned())];
    let rewritten = Dialect::named("auto").unwrap().query(&resource_type(endpoint), unique_id, parameters, &mut met);
    assert_eq!(rewritten, [(parameter.0.to_owned(), canonical.to_owned())]);
    assert_eq!(met.ids(), quirks);
}

/// A user with these attributes of the enterprise extension.
fn extended(enterprise: Value) -> Value {
    enterprise_user(json!({"userName": "a", ENTERPRISE_URN: enterprise}))
}
