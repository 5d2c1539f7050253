#![expect(clippy::unwrap_used, reason = "tests")]

use std::sync::Arc;

use scim_connector::ResourceKind;
use serde_json::json;

use super::*;
use crate::scim::schema::{ENTERPRISE_URN, GROUP_URN, ResourceTypes, Schema, USER_URN};

fn resource_type(name: &str) -> Arc<ResourceType> {
    ResourceTypes::core().get(&ResourceKind::new(name)).unwrap().clone()
}

fn user() -> Value {
    json!({
        "schemas": [USER_URN, ENTERPRISE_URN],
        "id": "u1",
        "externalId": "e1",
        "userName": "jane",
        "password": "leaked",
        "name": {"familyName": "Doe", "givenName": "Jane"},
        "emails": [{"value": "a@b.example", "type": "work"}, {"type": "home"}],
        "meta": {"resourceType": "User", "version": "W/\"1\""},
        ENTERPRISE_URN: {"department": "Sales", "manager": {"value": "m1", "displayName": "Boss"}},
    })
}

fn applied(resource_type: &ResourceType, attributes: Option<&str>, excluded: Option<&str>, resource: Value) -> Value {
    let Value::Object(mut resource) = resource else { unreachable!() };
    Projection::parse(resource_type, attributes, excluded).unwrap().apply(resource_type, &mut resource);
    resource.into()
}

fn only(attributes: &str) -> Value {
    applied(&resource_type("User"), Some(attributes), None, user())
}

fn without(excluded: &str) -> Value {
    applied(&resource_type("User"), None, Some(excluded), user())
}

/// The user without these top-level attributes, and without the password, which is never returned.
fn user_less(names: &[&str]) -> Value {
    let mut user = user();
    let parts = user.as_object_mut().unwrap();
    parts.retain(|name, _| name != "password" && !names.contains(&name.as_str()));
    user
}

fn minimum_with(more: Value) -> Value {
    let mut expected = json!({"schemas": [USER_URN, ENTERPRISE_URN], "id": "u1"});
    expected.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    expected
}

#[test]
fn by_default_all_but_what_is_never_returned() {
    assert_eq!(applied(&resource_type("User"), None, None, user()), user_less(&[]));
    assert_eq!(applied(&resource_type("User"), Some(""), Some(" "), user()), user_less(&[]));
}

#[test]
fn attributes_leave_the_minimum_and_what_they_name() {
    for (attributes, expected) in [
        ("userName", json!({"userName": "jane"})),
        ("USERNAME,username, unknown,,a b", json!({"userName": "jane"})),
        ("unknown", json!({})),
        ("password", json!({})),
        ("name.familyName", json!({"name": {"familyName": "Doe"}})),
        ("name.familyName,name.givenName", json!({"name": {"familyName": "Doe", "givenName": "Jane"}})),
        ("name.familyName,name", json!({"name": {"familyName": "Doe", "givenName": "Jane"}})),
        ("name.middleName", json!({})),
        ("emails.value", json!({"emails": [{"value": "a@b.example"}]})),
        ("emails.display", json!({})),
        ("meta.version", json!({"meta": {"version": "W/\"1\""}})),
        ("meta,externalId", json!({"meta": {"resourceType": "User", "version": "W/\"1\""}, "externalId": "e1"})),
        (&format!("{USER_URN}:userName"), json!({"userName": "jane"})),
        (
            ENTERPRISE_URN,
            json!({ENTERPRISE_URN: {"department": "Sales", "manager": {"value": "m1", "displayName": "Boss"}}}),
        ),
        (&format!("{ENTERPRISE_URN}:department"), json!({ENTERPRISE_URN: {"department": "Sales"}})),
        (&format!("{ENTERPRISE_URN}:Manager.Value"), json!({ENTERPRISE_URN: {"manager": {"value": "m1"}}})),
    ] {
        assert_eq!(only(attributes), minimum_with(expected), "{attributes}");
    }
}

#[test]
fn en_40_attributes_id_leaves_the_minimum_and_needs_no_members() {
    assert_eq!(only("id"), minimum_with(json!({})));
    let group = resource_type("Group");
    let projection = Projection::parse(&group, Some("id"), None).unwrap();
    assert!(!projection.includes(&group, "members"));
    assert!(projection.includes(&group, "id"));
}

#[test]
fn en_41_excluded_members_are_neither_read_nor_returned() {
    let group = resource_type("Group");
    let projection = Projection::parse(&group, None, Some("Members")).unwrap();
    assert!(!projection.includes(&group, "members"));
    assert!(projection.includes(&group, "displayName"));
    let resource = json!({"schemas": [GROUP_URN], "id": "g1", "displayName": "Staff", "members": [{"value": "u1"}]});
    let expected = json!({"schemas": [GROUP_URN], "id": "g1", "displayName": "Staff"});
    assert_eq!(applied(&group, None, Some("Members"), resource), expected);
}

#[test]
fn en_44_value_filter_in_attributes_asks_for_the_attribute() {
    let emails = minimum_with(json!({"emails": user()["emails"].clone()}));
    assert_eq!(only("emails[type eq \"work\"]"), emails);
    assert_eq!(only("emails[type eq \"a,]b\\\",\"],unknown"), emails);
    let both = minimum_with(json!({"emails": user()["emails"].clone(), "userName": "jane"}));
    assert_eq!(only("emails[type eq \"work\"],userName"), both);
}

#[test]
fn excluded_attributes_leave_all_else() {
    assert_eq!(without("userName,unknown"), user_less(&["userName"]));
    assert_eq!(without("meta"), user_less(&["meta"]));
    assert_eq!(without(ENTERPRISE_URN), user_less(&[ENTERPRISE_URN]));
    assert_eq!(without("name.familyName,NAME.givenName"), user_less(&["name"]));

    let mut expected = user_less(&[]);
    expected["emails"] = json!([{"value": "a@b.example"}]);
    expected[ENTERPRISE_URN] = json!({"department": "Sales"});
    assert_eq!(without(&format!("emails.type,{ENTERPRISE_URN}:manager")), expected);
}

#[test]
fn id_and_schemas_cannot_be_excluded() {
    assert_eq!(without("id,schemas,ID"), user_less(&[]));
}

#[test]
fn both_lists_at_once_are_refused() {
    let error = Projection::parse(&resource_type("User"), Some("userName"), Some("members")).unwrap_err();
    assert_eq!((error.http_status(), error.scim_type()), (400, Some(ScimType::InvalidSyntax)));
}

/// A type whose `always` and `request` attributes the core schemas do not have.
fn with_returned(changes: &[(&str, Option<&str>, Returned)]) -> ResourceType {
    let mut resource_type = (*resource_type("User")).clone();
    let mut schema: Schema = (*resource_type.schema).clone();
    for (name, part, returned) in changes {
        let attribute = schema.attributes.iter_mut().find(|attribute| attribute.name == *name).unwrap();
        match part {
            None => attribute.returned = *returned,
            Some(part) => {
                let part = attribute.sub_attributes.iter_mut().find(|attribute| attribute.name == *part).unwrap();
                part.returned = *returned;
            }
        }
    }
    resource_type.schema = Arc::new(schema);
    resource_type
}

#[test]
fn always_request_and_never_are_honoured() {
    let resource_type = with_returned(&[
        ("userName", None, Returned::Always),
        ("emails", None, Returned::Request),
        ("name", Some("givenName"), Returned::Request),
        ("name", Some("familyName"), Returned::Always),
    ]);
    let shown = |attributes: Option<&str>, excluded: Option<&str>| {
        let mut shown = applied(&resource_type, attributes, excluded, user());
        shown.as_object_mut().unwrap().retain(|name, _| ["userName", "emails", "name"].contains(&name.as_str()));
        shown
    };
    let emails = user()["emails"].clone();
    for (attributes, excluded, expected) in [
        (None, None, json!({"userName": "jane", "name": {"familyName": "Doe"}})),
        (Some("id"), None, json!({"userName": "jane"})),
        (Some("emails"), None, json!({"userName": "jane", "emails": emails})),
        (Some("name"), None, json!({"userName": "jane", "name": {"familyName": "Doe"}})),
        (Some("name.givenName"), None, json!({"userName": "jane", "name": {"familyName": "Doe", "givenName": "Jane"}})),
        (None, Some("userName,name.familyName,title"), json!({"userName": "jane", "name": {"familyName": "Doe"}})),
    ] {
        assert_eq!(shown(attributes, excluded), expected, "{attributes:?} {excluded:?}");
    }
    assert!(!Projection::Default.includes(&resource_type, "emails"));
    assert!(Projection::parse(&resource_type, Some("id"), None).unwrap().includes(&resource_type, "username"));
}

#[test]
fn a_list_without_end_is_no_work_without_end() {
    let list = "userName,NAME.familyName,".repeat(10_000);
    let Projection::Only(paths) = Projection::parse(&resource_type("User"), Some(&list), None).unwrap() else {
        panic!("no list");
    };
    assert_eq!(paths.len(), 2);
}

#[test]
fn schemas_are_the_core_and_the_extensions_in_use() {
    let user_type = resource_type("User");
    let Value::Object(mut user) = user() else { unreachable!() };
    assert_eq!(schemas(&user_type, &user), [USER_URN, ENTERPRISE_URN]);
    user.remove(ENTERPRISE_URN);
    assert_eq!(schemas(&user_type, &user), [USER_URN]);
}
