#![expect(clippy::unwrap_used, reason = "tests")]

use std::sync::Arc;

use scim_connector::ResourceKind;
use serde_json::json;

use super::*;
use crate::scim::schema::ResourceTypes;

fn user() -> Arc<ResourceType> {
    ResourceTypes::core().get(&ResourceKind::new("User")).unwrap().clone()
}

fn parse(parameters: &[(&str, &str)]) -> Result<Query, Error> {
    let owned: Vec<_> = parameters.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect();
    Query::parse(&user(), &owned)
}

#[test]
fn without_parameters_the_first_page_in_order_of_id() {
    let query = parse(&[("unknown", "x"), ("api-version", "2")]).unwrap();
    assert_eq!((query.filter, query.sort, query.start_index, query.count), (None, None, 1, COUNT_DEFAULT));
    assert_eq!(query.projection, Projection::Default);
}

#[test]
fn en_43_start_index_below_one_is_one_and_names_have_no_case() {
    for (text, start_index) in [("0", 1), ("-5", 1), ("1", 1), ("7", 7), (" 7 ", 7)] {
        assert_eq!(parse(&[("startindex", text)]).unwrap().start_index, start_index, "{text}");
        assert_eq!(parse(&[("STARTINDEX", text)]).unwrap().start_index, start_index, "{text}");
    }
    assert_eq!(parse(&[("startIndex", "99999999999999999999999")]).unwrap().start_index, usize::MAX);
}

#[test]
fn a_count_is_between_zero_and_the_limit() {
    for (text, count) in
        [("0", 0), ("-1", 0), ("1", 1), ("1000", 1000), ("1001", COUNT_MAX), ("9".repeat(40).as_str(), COUNT_MAX)]
    {
        assert_eq!(parse(&[("Count", text)]).unwrap().count, count, "{text}");
    }
}

#[test]
fn what_cannot_be_understood_is_refused_with_its_kind() {
    for (name, text, scim_type) in [
        ("count", "ten", ScimType::InvalidValue),
        ("count", "", ScimType::InvalidValue),
        ("count", "1.5", ScimType::InvalidValue),
        ("startIndex", "-", ScimType::InvalidValue),
        ("startIndex", "0x1", ScimType::InvalidValue),
        ("sortOrder", "up", ScimType::InvalidValue),
        ("sortBy", "unknown", ScimType::InvalidPath),
        ("sortBy", "a b", ScimType::InvalidPath),
        ("sortBy", "name", ScimType::InvalidPath),
        ("sortBy", "password", ScimType::InvalidPath),
        ("sortBy", "emails[type eq \"work\"].value", ScimType::InvalidPath),
        ("sortBy", "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User", ScimType::InvalidPath),
        ("filter", "", ScimType::InvalidFilter),
        ("filter", "userName regex \"x\"", ScimType::InvalidFilter),
        ("filter", "active gt true", ScimType::InvalidFilter),
        ("filter", "password eq \"x\"", ScimType::InvalidFilter),
    ] {
        let error = parse(&[(name, text)]).unwrap_err();
        assert_eq!((error.http_status(), error.scim_type()), (400, Some(scim_type)), "{name}={text}");
    }
    let both = parse(&[("attributes", "userName"), ("excludedAttributes", "name")]).unwrap_err();
    assert_eq!(both.scim_type(), Some(ScimType::InvalidSyntax));
}

#[test]
fn the_filter_and_the_order_are_parsed() {
    let query = parse(&[
        ("Filter", "userName eq jane"),
        ("sortby", "name.FamilyName"),
        ("sortorder", "Descending"),
        ("attributes", "username"),
    ])
    .unwrap();
    assert_eq!(query.filter.unwrap().to_string(), "userName eq \"jane\"");
    let sort = query.sort.unwrap();
    assert_eq!((sort.by.to_string().as_str(), sort.descending), ("name.FamilyName", true));
    assert!(matches!(query.projection, Projection::Only(paths) if paths.len() == 1));
    assert_eq!(parse(&[("sortOrder", "descending")]).unwrap().sort, None);
    assert!(!parse(&[("sortBy", "userName")]).unwrap().sort.unwrap().descending);
}

fn key(by: &str, resource: Value) -> SortKey {
    let sort = parse(&[("sortBy", by)]).unwrap().sort.unwrap();
    sort.key(&user(), resource.as_object().unwrap())
}

#[test]
fn keys_follow_the_type_and_case_exact() {
    for (by, resource, expected) in [
        ("userName", json!({"userName": "Jane"}), SortKey::Text("jane".to_owned())),
        ("externalId", json!({"externalId": "Jane"}), SortKey::Text("Jane".to_owned())),
        ("NAME.FAMILYNAME", json!({"name": {"familyName": "Ö"}}), SortKey::Text("ö".to_owned())),
        ("active", json!({"active": true}), SortKey::Number(1.0)),
        ("meta.created", json!({"meta": {"created": "1970-01-01T02:00:01+02:00"}}), SortKey::Number(1e9)),
        ("emails", json!({"emails": [{"value": "b"}, {"value": "a", "primary": true}]}), SortKey::Text("a".to_owned())),
        ("emails.value", json!({"emails": [{"value": "b"}, {"value": "a"}]}), SortKey::Text("b".to_owned())),
        ("userName", json!({}), SortKey::Absent),
        ("emails.type", json!({"emails": [{"value": "b"}]}), SortKey::Absent),
        ("meta.created", json!({"meta": {"created": "never"}}), SortKey::Absent),
    ] {
        assert_eq!(key(by, resource.clone()), expected, "{by} {resource}");
    }
}

#[test]
fn resources_without_a_value_come_after_all_others() {
    let (text, number) = (SortKey::Text("zzz".to_owned()), SortKey::Number(f64::MAX));
    assert!(number < SortKey::Absent && text < SortKey::Absent);
}
