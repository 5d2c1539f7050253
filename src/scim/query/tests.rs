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
    Query::parse("acme", &[(user(), owned)])
}

/// Parses a query of all types.
fn parse_all(parameters: &[(&str, &str)]) -> Result<Query, Error> {
    let owned: Vec<_> = parameters.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect();
    let asked: Vec<_> = ResourceTypes::core().iter().map(|kind| (kind.clone(), owned.clone())).collect();
    Query::parse("acme", &asked)
}

#[test]
fn without_parameters_the_first_page_in_order_of_id() {
    let query = parse(&[("unknown", "x"), ("api-version", "2")]).unwrap();
    assert_eq!((query.sort, query.start, query.count), (None, Start::Index(1), COUNT_DEFAULT));
    let selection = Selection { resource_type: user(), filter: None, projection: Projection::Default };
    assert_eq!(query.selections, [selection]);
}

#[test]
fn en_43_start_index_below_one_is_one_and_names_have_no_case() {
    for (text, start_index) in [("0", 1), ("-5", 1), ("1", 1), ("7", 7), (" 7 ", 7)] {
        assert_eq!(parse(&[("startindex", text)]).unwrap().start, Start::Index(start_index), "{text}");
        assert_eq!(parse(&[("STARTINDEX", text)]).unwrap().start, Start::Index(start_index), "{text}");
    }
    let far = parse(&[("startIndex", "99999999999999999999999")]).unwrap();
    assert_eq!(far.start, Start::Index(usize::MAX));
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
    let selection = &query.selections[0];
    assert_eq!(selection.filter.as_ref().unwrap().to_string(), "userName eq \"jane\"");
    let sort = query.sort.as_ref().unwrap();
    assert_eq!((sort.by.to_string().as_str(), sort.descending), ("name.FamilyName", true));
    assert!(matches!(&selection.projection, Projection::Only(paths) if paths.len() == 1));
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

#[test]
fn an_empty_cursor_begins_and_excludes_an_index() {
    assert_eq!(parse(&[("cursor", "")]).unwrap().start, Start::After(None));
    assert_eq!(parse(&[("Cursor", ""), ("count", "2")]).unwrap().start, Start::After(None));
    for (parameters, scim_type) in [
        (&[("cursor", ""), ("startIndex", "1")][..], ScimType::InvalidValue),
        (&[("cursor", "none of ours")], ScimType::InvalidCursor),
        (&[("cursor", " ")], ScimType::InvalidCursor),
    ] {
        assert_eq!(parse(parameters).unwrap_err().scim_type(), Some(scim_type), "{parameters:?}");
    }
}

/// The filters that are left for users and for groups; empty where the type is left out.
fn check_narrowed(filter: &str, user: &str, group: &str) {
    let query = parse_all(&[("filter", filter)]).unwrap();
    let left = |kind: &str| {
        let of_kind = query.selections.iter().find(|selection| selection.resource_type.kind.as_str() == kind);
        of_kind.map_or(String::new(), |selection| {
            selection.filter.as_ref().map_or_else(|| "true".to_owned(), ToString::to_string)
        })
    };
    assert_eq!((left("User").as_str(), left("Group").as_str()), (user, group), "{filter}");
}

#[test]
fn e3_21_an_attribute_that_a_type_does_not_have_has_no_value_there() {
    let by_name = r#"displayName eq "x""#;
    check_narrowed(by_name, by_name, by_name);
    check_narrowed(r#"userName eq "x""#, r#"userName eq "x""#, "");
    check_narrowed(r#"emails[type eq "work"]"#, r#"emails[type eq "work"]"#, "");
    check_narrowed(r#"not (userName eq "x")"#, r#"not (userName eq "x")"#, "true");
    check_narrowed("members pr or userName pr", "userName pr", "members pr");
    check_narrowed(r#"META.resourcetype eq "user" and displayName pr"#, "", "");
    check_narrowed(r#"META.resourcetype eq "User" and displayName pr"#, "displayName pr", "");
    check_narrowed(r#"meta.resourceType eq "Group""#, "", "true");
    check_narrowed(r#"meta.resourceType ne "Group""#, "true", "");
    check_narrowed(r#"meta.resourceType pr and id eq "7""#, r#"id eq "7""#, r#"id eq "7""#);
    let department = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department pr";
    check_narrowed(department, department, "");
}

#[test]
fn what_no_type_has_or_allows_is_refused_of_all_types() {
    for filter in [r#"colour eq "x""#, r#"userName pr or colour eq "x""#, "emails.colour pr", "active gt true"] {
        let error = parse_all(&[("filter", filter)]).unwrap_err();
        assert_eq!(error.scim_type(), Some(ScimType::InvalidFilter), "{filter}");
    }
    assert!(parse_all(&[("sortBy", "userName")]).is_ok());
    for by in ["colour", "name", "password"] {
        let error = parse_all(&[("sortBy", by)]).unwrap_err();
        assert_eq!(error.scim_type(), Some(ScimType::InvalidPath), "{by}");
    }
}

#[test]
fn texts_are_sorted_by_their_beginning() {
    let long = "ß".repeat(400);
    let SortKey::Text(key) = key("userName", json!({ "userName": long })) else { panic!("a text") };
    assert_eq!(key, "s".repeat(256));
}
