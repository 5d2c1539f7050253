#![expect(clippy::unwrap_used, reason = "tests")]

use std::sync::Arc;

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::scim::schema::ResourceTypes;

const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";

fn resource_type(endpoint: &str) -> Arc<ResourceType> {
    ResourceTypes::core().by_endpoint(endpoint).unwrap().clone()
}

fn user(body: Value) -> Result<Draft, Error> {
    parse(&resource_type("Users"), body, Unknown::Drop, &mut Vec::new())
}

/// A user with these attributes besides `userName`.
fn user_with(attributes: Value) -> Result<Draft, Error> {
    let mut body = attributes;
    body["userName"] = json!("jane");
    user(body)
}

#[track_caller]
fn check_canonical(attributes: Value, expected: Value) {
    let mut expected = expected;
    expected["userName"] = json!("jane");
    assert_eq!(Value::Object(user_with(attributes).unwrap().attributes), expected);
}

#[track_caller]
fn check_refused(outcome: Result<Draft, Error>, scim_type: ScimType, detail: &str) {
    let error = outcome.unwrap_err();
    assert_eq!(error.scim_type(), Some(scim_type), "{error}");
    assert!(error.detail().starts_with(detail), "{error}");
}

#[test]
fn e3_64_names_take_the_schemas_spelling() {
    check_canonical(
        json!({
            "NAME": {"FamilyName": "Doe"},
            "Emails": [{"VALUE": "j@x.example", "Type": "work"}],
            "EXTERNALID": "7",
            "urn:ietf:params:scim:schemas:extension:ENTERPRISE:2.0:User": {"Department": "Retail"},
        }),
        json!({
            "name": {"familyName": "Doe"},
            "emails": [{"value": "j@x.example", "type": "work"}],
            "externalId": "7",
            ENTERPRISE: {"department": "Retail"},
        }),
    );
}

#[test]
fn e3_67_null_and_empty_are_absent() {
    check_canonical(
        json!({
            "title": null,
            "nickName": "",
            "emails": [],
            "phoneNumbers": [{}, null, {"value": ""}],
            "name": {"givenName": null},
            ENTERPRISE: {"manager": {"value": ""}},
        }),
        json!({}),
    );
}

#[test]
fn e3_03_read_only_attributes_are_ignored() {
    let draft = user_with(json!({
        "id": "7",
        "meta": {"created": 3},
        "groups": "whatever",
        ENTERPRISE: {"manager": {"value": "8", "displayName": "Boss"}},
    }))
    .unwrap();
    assert_eq!(draft.id.as_deref(), Some("7"));
    assert_eq!(Value::Object(draft.attributes), json!({"userName": "jane", ENTERPRISE: {"manager": {"value": "8"}}}));
}

#[test]
fn equal_elements_collapse_and_values_stay_as_they_came() {
    check_canonical(
        json!({
            "displayName": "  Jané\u{1F600} ",
            "active": false,
            "emails": [{"value": "a", "primary": false}, {"value": "b"}, {"primary": false, "value": "a"}],
        }),
        json!({
            "displayName": "  Jané\u{1F600} ",
            "active": false,
            "emails": [{"value": "a", "primary": false}, {"value": "b"}],
        }),
    );
}

#[test]
fn a_wrong_type_is_refused_with_its_place_and_without_its_value() {
    for (attributes, detail) in [
        (json!({"active": "True"}), "active: expected true or false"),
        (json!({"title": 7}), "title: expected a string"),
        (json!({"name": "Jane"}), "name: expected an object"),
        (json!({"emails": {"value": "secret"}}), "emails: expected an array"),
        (json!({"emails": ["secret"]}), "emails[0]: expected an object"),
        (json!({"emails": [{"value": "secret"}, {"type": ["work"]}]}), "emails[1].type: expected a string"),
        (json!({"x509Certificates": [{"value": "not base64!"}]}), "x509Certificates[0].value: expected a string in b"),
        (json!({ENTERPRISE: "secret"}), "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User: expected"),
        (json!({ENTERPRISE: {"manager": 1}}), "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager: e"),
        (json!({"title": "a\u{0}b"}), "title: contains the character U+0000"),
        (json!({"emails": [{"value": "a", "primary": true}, {"value": "b", "primary": true}]}), "emails: more than"),
    ] {
        let outcome = user_with(attributes);
        assert!(!outcome.as_ref().unwrap_err().detail().contains("secret"));
        check_refused(outcome, ScimType::InvalidValue, detail);
    }
}

#[test]
fn e3_65_simple_types_have_their_form() {
    let attribute = |kind| Attribute { kind, ..resource_type("Users").attribute("title").unwrap().clone() };
    let read = |kind, value: &Value| {
        let mut reader = Reader { unknown: Unknown::Drop, dropped: &mut Vec::new(), absent: Absent::Omit };
        reader.element(&attribute(kind), value.clone(), &Place::Root).is_ok()
    };
    use crate::scim::schema::AttributeType::{Binary, DateTime, Decimal, Integer};
    for (kind, value, is_ok) in [
        (Integer, json!(7), true),
        (Integer, json!(-7), true),
        (Integer, json!(7.5), false),
        (Integer, json!("7"), false),
        (Decimal, json!(7.5), true),
        (DateTime, json!("2026-01-31T09:30:00Z"), true),
        (DateTime, json!("2026-01-31T09:30:00.123+02:00"), true),
        (DateTime, json!("2026-01-31T09:30:00"), false),
        (DateTime, json!("2026-01-31"), false),
        (DateTime, json!("2026-02-31T09:30:00Z"), false),
        (Binary, json!("+/8="), true),
        (Binary, json!("-_8"), true),
        (Binary, json!("+_8="), false),
    ] {
        assert_eq!(read(kind, &value), is_ok, "{kind:?} {value}");
    }
}

#[test]
fn e3_30_a_required_attribute_is_missed() {
    check_refused(user(json!({"title": "x"})), ScimType::InvalidValue, "userName: required");
    check_refused(user(json!({"userName": ""})), ScimType::InvalidValue, "userName: required");
    let group = parse(&resource_type("Groups"), json!({}), Unknown::Drop, &mut Vec::new());
    check_refused(group, ScimType::InvalidValue, "displayName: required");
}

#[test]
fn a_name_given_twice_is_refused() {
    check_refused(user_with(json!({"title": "a", "Title": "b"})), ScimType::InvalidSyntax, "title: given twice");
    check_refused(
        user_with(json!({"name": {"givenName": "a", "GIVENNAME": "b"}})),
        ScimType::InvalidSyntax,
        "name.givenName: given twice",
    );
}

#[test]
fn schemas_must_be_an_array_of_strings_with_the_core_urn() {
    const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
    for (schemas, detail) in [
        (json!([USER]), None),
        (json!([ENTERPRISE, USER, "urn:unknown"]), None),
        (json!([ENTERPRISE]), Some("schemas: expected urn")),
        (json!([]), Some("schemas: expected urn")),
        (json!([7]), Some("schemas[0]: expected a string")),
        (json!(USER), Some("schemas: expected an array")),
    ] {
        let outcome = user_with(json!({"schemas": schemas}));
        match detail {
            None => assert!(outcome.is_ok()),
            Some(detail) => check_refused(outcome, ScimType::InvalidSyntax, detail),
        }
    }
    let body = json!({"userName": "jane", "schemas": [USER, "urn:unknown"]});
    let outcome = parse(&resource_type("Users"), body, Unknown::Refuse, &mut Vec::new());
    check_refused(outcome, ScimType::InvalidSyntax, "schemas[1]: no schema");
}

#[test]
fn unknown_attributes_are_dropped_and_reported_or_refused() {
    let body = json!({"userName": "jane", "shoeSize": 43, "name": {"nick": 1}, "emails": [{"value": "a", "x": 1}]});
    let mut dropped = Vec::new();
    let draft = parse(&resource_type("Users"), body.clone(), Unknown::Drop, &mut dropped).unwrap();
    dropped.sort();
    assert_eq!(dropped, ["emails[0].x", "name.nick", "shoeSize"]);
    assert_eq!(Value::Object(draft.attributes), json!({"userName": "jane", "emails": [{"value": "a"}]}));
    let outcome = parse(&resource_type("Users"), body, Unknown::Refuse, &mut Vec::new());
    assert_eq!(outcome.unwrap_err().scim_type(), Some(ScimType::InvalidSyntax));

    let many = (0..10_000).map(|index| (format!("x{index}"), json!(1))).collect();
    let mut dropped = Vec::new();
    let _ = parse(&resource_type("Users"), Value::Object(many), Unknown::Drop, &mut dropped);
    assert!(dropped.len() <= 50);
}

#[test]
fn e3_73_the_password_is_no_part_of_the_resource() {
    let draft = user_with(json!({"password": "t1meMa$heen"})).unwrap();
    assert_eq!(draft.password.unwrap().expose(), b"t1meMa$heen");
    assert!(!draft.attributes.contains_key("password"));
}

#[test]
fn members_are_apart_from_the_attributes() {
    let group = |members: Option<Value>| {
        let mut body = json!({"displayName": "Staff"});
        if let Some(members) = members {
            body["Members"] = members;
        }
        parse(&resource_type("Groups"), body, Unknown::Drop, &mut Vec::new())
    };
    let member =
        |value: &str, display: Option<&str>| Member { value: value.to_owned(), display: display.map(str::to_owned) };
    assert_eq!(group(None).unwrap().members, None);
    assert_eq!(group(Some(json!([]))).unwrap().members, Some(Vec::new()));
    assert_eq!(group(Some(Value::Null)).unwrap().members, Some(Vec::new()));
    let draft = group(Some(json!([
        {"value": "1", "$ref": "../Users/1", "type": "User"},
        {"value": "2", "display": "Two"},
        {"value": "1", "display": "One"},
    ])))
    .unwrap();
    assert_eq!(draft.members, Some(vec![member("1", Some("One")), member("2", Some("Two"))]));
    assert!(!draft.attributes.contains_key("members"));
    check_refused(group(Some(json!([{"display": "x"}]))), ScimType::InvalidValue, "members[0].value: expected the id");
}

#[test]
fn e3_29_an_immutable_value_neither_changes_nor_goes() {
    let mut schema = (*resource_type("Users").schema).clone();
    schema.attributes.iter_mut().find(|attribute| attribute.name == "title").unwrap().mutability =
        Mutability::Immutable;
    let immutable_title = ResourceType { schema: Arc::new(schema), ..(*resource_type("Users")).clone() };
    let object = |value: Value| value.as_object().unwrap().clone();
    for (before, after, is_ok) in [
        (json!({}), json!({"title": "a"}), true),
        (json!({"title": "a"}), json!({"title": "a", "nickName": "n"}), true),
        (json!({"title": "a"}), json!({"title": "b"}), false),
        (json!({"title": "a"}), json!({}), false),
    ] {
        let outcome = check_immutable(&immutable_title, &object(before), &object(after));
        assert_eq!(outcome.is_ok(), is_ok);
    }
}

fn text() -> impl Strategy<Value = Value> {
    prop_oneof![Just(Value::Null), Just(json!("")), "[a-c]{1,2}".prop_map(Value::from)]
}

fn loose_user() -> impl Strategy<Value = Value> {
    let email = (text(), text(), any::<bool>()).prop_map(|(value, kind, has_primary)| {
        let mut email = json!({"Value": value, "type": kind});
        if has_primary {
            email["primary"] = json!(false);
        }
        email
    });
    (text(), text(), text(), proptest::collection::vec(email, 0..5)).prop_map(|(title, family, department, emails)| {
        json!({
            "userName": "jane",
            "TITLE": title,
            "name": {"familyName": family},
            "emails": emails,
            ENTERPRISE: {"department": department},
        })
    })
}

proptest! {
    #[test]
    fn canonical_of_canonical_is_the_same(body in loose_user()) {
        let once = user(body).unwrap().attributes;
        let twice = user(Value::Object(once.clone())).unwrap().attributes;
        prop_assert_eq!(once, twice);
    }
}
