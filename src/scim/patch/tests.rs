#![expect(clippy::unwrap_used, reason = "tests")]

mod laws;
mod members;

use std::{collections::BTreeMap, sync::Arc};

use serde_json::json;

use super::*;
use crate::scim::{ScimType, schema::ResourceTypes};

const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";

/// Members in memory.
#[derive(Clone, PartialEq, Default, Debug)]
struct MemberSet(BTreeMap<String, Option<String>>);

impl Members for MemberSet {
    fn add(&mut self, member: Member) -> Result<bool, Error> {
        match self.0.get_mut(&member.value) {
            Some(display) if member.display.is_some() && *display != member.display => {
                *display = member.display;
                Ok(true)
            }
            Some(_) => Ok(false),
            None => Ok(self.0.insert(member.value, member.display).is_none()),
        }
    }

    fn remove(&mut self, value: &str) -> Result<bool, Error> {
        Ok(self.0.remove(value).is_some())
    }

    fn remove_matching(&mut self, filter: Option<&Filter>) -> Result<bool, Error> {
        let group = resource_type("Groups");
        let attribute = group.attribute("members").unwrap();
        let before = self.0.len();
        self.0.retain(|value, display| {
            let element = json!({"value": value, "display": display});
            filter.is_some_and(|filter| !filter.matches_element(attribute, &element))
        });
        Ok(self.0.len() != before)
    }

    fn replace(&mut self, members: Vec<Member>) -> Result<bool, Error> {
        let after = members.into_iter().map(|member| (member.value, member.display)).collect();
        let changed = self.0 != after;
        self.0 = after;
        Ok(changed)
    }
}

fn resource_type(endpoint: &str) -> Arc<ResourceType> {
    ResourceTypes::core().by_endpoint(endpoint).unwrap().clone()
}

fn object(value: Value) -> Object {
    value.as_object().unwrap().clone()
}

fn parsed(endpoint: &str, operations: &Value) -> Result<Patch, Error> {
    let body = json!({"schemas": [PATCH_URN], "Operations": operations});
    Patch::parse(&resource_type(endpoint), body, Unknown::Drop, &mut Vec::new())
}

/// Applies operations to a user of whom `before` says all but the name; gives the same of the result.
fn patched(before: Value, operations: &Value) -> Result<(Value, Effect), Error> {
    let mut attributes = object(before);
    attributes.insert("userName".to_owned(), json!("jane"));
    let patch = parsed("Users", operations)?;
    let effect = apply(&resource_type("Users"), &mut attributes, &mut MemberSet::default(), &patch)?;
    attributes.remove("userName");
    Ok((Value::Object(attributes), effect))
}

#[track_caller]
fn check(before: Value, operations: Value, after: Value) {
    let (result, effect) = patched(before.clone(), &operations).unwrap();
    assert_eq!(result, after);
    assert_eq!(effect.changed, before != after);
}

#[track_caller]
fn check_refused(before: Value, operations: Value, scim_type: ScimType, detail: &str) {
    let error = patched(before, &operations).unwrap_err();
    assert_eq!(error.scim_type(), Some(scim_type), "{error}");
    assert!(error.detail().starts_with(detail), "{error}");
}

fn two_emails() -> Value {
    json!({"emails": [
        {"value": "w@x.example", "type": "work", "primary": true},
        {"value": "h@x.example", "type": "home"},
    ]})
}

#[test]
fn e3_38_add_appends_to_a_multi_valued_attribute() {
    let added = json!([{"op": "add", "path": "emails", "value": [{"value": "o@x.example"}]}]);
    let mut after = two_emails();
    after["emails"].as_array_mut().unwrap().push(json!({"value": "o@x.example"}));
    check(two_emails(), added, after);
}

#[test]
fn e3_39_add_of_an_existing_value_changes_nothing() {
    for value in [
        json!([{"type": "home", "value": "h@x.example"}]),
        json!({"type": "home", "value": "h@x.example"}),
        json!([{"type": "work", "value": "w@x.example"}]),
    ] {
        check(two_emails(), json!([{"op": "add", "path": "emails", "value": value}]), two_emails());
    }
    check(json!({"title": "x"}), json!([{"op": "add", "value": {"title": "x"}}]), json!({"title": "x"}));
}

#[test]
fn e3_35_a_new_primary_demotes_the_others() {
    let home_primary = json!({"emails": [
        {"value": "w@x.example", "type": "work", "primary": false},
        {"value": "h@x.example", "type": "home", "primary": true},
    ]});
    for operation in [
        json!({"op": "add", "path": "emails", "value": [{"value": "h@x.example", "type": "home", "primary": true}]}),
        json!({"op": "replace", "path": "emails[type eq \"home\"].primary", "value": true}),
        json!({"op": "add", "path": "emails[type eq \"home\"]", "value": {"primary": true}}),
    ] {
        check(two_emails(), json!([operation]), home_primary.clone());
    }
}

#[test]
fn e3_40_remove_without_a_path_has_no_target() {
    check_refused(two_emails(), json!([{"op": "remove"}]), ScimType::NoTarget, "operations[0]: path");
}

#[test]
fn e3_41_a_filtered_remove_removes_only_what_matches() {
    check(
        two_emails(),
        json!([{"op": "Remove", "path": "emails[type eq \"work\"]"}]),
        json!({"emails": [{"value": "h@x.example", "type": "home"}]}),
    );
    check(two_emails(), json!([{"op": "remove", "path": "emails[type eq \"other\"]"}]), two_emails());
}

#[test]
fn a_remove_of_values_without_a_filter_never_removes_all() {
    check_refused(
        two_emails(),
        json!([{"op": "remove", "path": "emails", "value": [{"value": "h@x.example"}]}]),
        ScimType::InvalidValue,
        "operations[0]: value",
    );
}

#[test]
fn e3_43_the_last_element_gone_leaves_the_attribute_unassigned() {
    for path in ["emails", "emails[value pr]", "emails[type eq \"work\" or type eq \"home\"]"] {
        check(two_emails(), json!([{"op": "remove", "path": path}]), json!({}));
    }
}

#[test]
fn e3_44_required_and_read_only_attributes_stay() {
    for operation in [
        json!({"op": "remove", "path": "userName"}),
        json!({"op": "replace", "path": "userName", "value": ""}),
        json!({"op": "replace", "value": {"userName": null}}),
        json!({"op": "remove", "path": "id"}),
        json!({"op": "replace", "path": "meta.created", "value": "2026-01-31T09:30:00Z"}),
        json!({"op": "add", "path": "schemas", "value": ["urn:x"]}),
        json!({"op": "add", "path": "groups", "value": [{"value": "1"}]}),
        json!({"op": "replace", "path": format!("{ENTERPRISE}:manager.displayName"), "value": "x"}),
    ] {
        check_refused(json!({}), json!([operation]), ScimType::Mutability, "operations[0]: ");
    }
}

#[test]
fn read_only_attributes_in_a_value_object_are_ignored() {
    check(
        json!({}),
        json!([{"op": "replace", "value": {
            "id": "7", "schemas": ["urn:x"], "meta": {}, "groups": [{"value": "1"}], "title": "x",
        }}]),
        json!({"title": "x"}),
    );
}

#[test]
fn e3_45_replace_of_an_absent_attribute_adds_it() {
    check(
        json!({}),
        json!([{"op": "replace", "path": "name.givenName", "value": "J"}]),
        json!({"name": {"givenName": "J"}}),
    );
}

#[test]
fn e3_46_replace_of_complex_keeps_other_sub_attributes() {
    let before = json!({"name": {"givenName": "J", "familyName": "D", "middleName": "M"}});
    let after = json!({"name": {"givenName": "Jane", "familyName": "D"}});
    let value = json!({"givenName": "Jane", "middleName": null});
    check(before.clone(), json!([{"op": "replace", "path": "name", "value": value}]), after.clone());
    check(before.clone(), json!([{"op": "replace", "value": {"name": value}}]), after);
    check(before.clone(), json!([{"op": "replace", "path": "name", "value": {}}]), before);
}

#[test]
fn e3_47_a_value_path_replaces_all_that_match_and_leaves_the_others() {
    let before = json!({"emails": [
        {"value": "1", "type": "work"}, {"value": "2", "type": "home", "display": "H"}, {"value": "3", "type": "work"},
    ]});
    check(
        before.clone(),
        json!([{"op": "replace", "path": "emails[type eq \"work\"].display", "value": "W"}]),
        json!({"emails": [
            {"value": "1", "type": "work", "display": "W"},
            {"value": "2", "type": "home", "display": "H"},
            {"value": "3", "type": "work", "display": "W"},
        ]}),
    );
    check(
        before.clone(),
        json!([{"op": "replace", "path": "emails[type eq \"home\"]", "value": {"value": "9"}}]),
        json!({"emails": [
            {"value": "1", "type": "work"}, {"value": "9", "type": "home"}, {"value": "3", "type": "work"},
        ]}),
    );
    check(
        before,
        json!([{"op": "replace", "path": "emails", "value": [{"value": "9"}]}]),
        json!({"emails": [{"value": "9"}]}),
    );
}

#[test]
fn e3_48_a_filter_that_selects_nothing_has_no_target() {
    for operation in ["add", "replace"] {
        let operations = json!([
            {"op": "replace", "path": "title", "value": "x"},
            {"op": operation, "path": "emails[type eq \"other\"].value", "value": "o"},
        ]);
        check_refused(two_emails(), operations, ScimType::NoTarget, "operations[1]: emails");
    }
}

#[test]
fn en_05_a_missing_element_is_created_with_what_the_filter_says() {
    check(
        json!({}),
        json!([{
            "op": "replace", "path": "emails[type eq \"work\" and primary eq \"True\"].value", "value": "w",
            "createMissing": true,
        }]),
        json!({"emails": [{"type": "work", "primary": true, "value": "w"}]}),
    );
    for filter in ["type ne \"work\"", "type eq \"a\" or type eq \"b\"", "type eq \"a\" and type eq \"b\""] {
        let path = format!("emails[{filter}].value");
        let operations = json!([{"op": "add", "path": path, "value": "w", "createMissing": true}]);
        check_refused(json!({}), operations, ScimType::NoTarget, "operations[0]: ");
    }
}

#[test]
fn en_07_parts_of_a_missing_address_make_one_element() {
    let operation = |sub: &str, value: &str| {
        json!({
            "op": "add", "path": format!("addresses[type eq \"work\"].{sub}"), "value": value, "createMissing": true,
        })
    };
    check(
        json!({}),
        json!([operation("Formatted", "1 Road"), operation("locality", "Town")]),
        json!({"addresses": [{"type": "work", "formatted": "1 Road", "locality": "Town"}]}),
    );
}

#[test]
fn b_12_an_element_with_nothing_but_its_label_goes() {
    let home = json!({"emails": [{"value": "h@x.example", "type": "home"}]});
    for operation in [
        json!({"op": "remove", "path": "emails[type eq \"work\"].value"}),
        json!({"op": "replace", "path": "emails[type eq \"work\"].value", "value": ""}),
        json!({"op": "replace", "path": "emails[type eq \"work\"].value", "value": null}),
        json!({"op": "remove", "path": "emails[type eq \"work\"].value", "value": "ignored"}),
    ] {
        check(two_emails(), json!([operation]), home.clone());
    }
    let address = json!({"addresses": [{"type": "work", "locality": "Town", "region": "R"}]});
    check(
        address,
        json!([{"op": "remove", "path": "addresses[type eq \"work\"].region"}]),
        json!({"addresses": [{"type": "work", "locality": "Town"}]}),
    );
}

#[test]
fn b_12_null_and_empty_text_clear_in_replace_and_add_nothing_in_add() {
    for value in [Value::Null, json!("")] {
        check(json!({"title": "x"}), json!([{"op": "replace", "path": "title", "value": value}]), json!({}));
        check(json!({"title": "x"}), json!([{"op": "replace", "value": {"title": value}}]), json!({}));
        check(two_emails(), json!([{"op": "replace", "path": "emails", "value": value}]), json!({}));
        check(json!({"title": "x"}), json!([{"op": "add", "path": "title", "value": value}]), json!({"title": "x"}));
        check(two_emails(), json!([{"op": "add", "value": {"emails": value}}]), two_emails());
    }
}

#[test]
fn e3_34_operations_apply_in_order() {
    check(
        json!({"title": "a"}),
        json!([
            {"op": "remove", "path": "title"},
            {"op": "add", "path": "title", "value": "b"},
            {"op": "replace", "path": "title", "value": "c"},
        ]),
        json!({"title": "c"}),
    );
    let (_, effect) = patched(
        json!({"title": "a"}),
        &json!([
            {"op": "replace", "path": "title", "value": "b"},
            {"op": "replace", "path": "title", "value": "a"},
        ]),
    )
    .unwrap();
    assert!(!effect.changed);
}

#[test]
fn e3_37_attributes_of_an_extension_by_path_key_and_object() {
    let after = json!({ENTERPRISE: {"department": "Retail", "manager": {"value": "8"}}});
    for operations in [
        json!([
            {"op": "add", "path": format!("{ENTERPRISE}:department"), "value": "Retail"},
            {"op": "add", "path": format!("{ENTERPRISE}:manager"), "value": {"value": "8"}},
        ]),
        json!([{"op": "add", "path": ENTERPRISE, "value": {"Department": "Retail", "manager": {"value": "8"}}}]),
        json!([{"op": "add", "value": {ENTERPRISE: {"department": "Retail", "manager": {"value": "8"}}}}]),
        json!([{"op": "replace", "value": {
            format!("{ENTERPRISE}:department"): "Retail",
            format!("{ENTERPRISE}:manager.value"): "8",
        }}]),
    ] {
        check(json!({}), operations, after.clone());
    }
    check(after.clone(), json!([{"op": "remove", "path": ENTERPRISE}]), json!({}));
    check(
        after,
        json!([
            {"op": "remove", "path": format!("{ENTERPRISE}:department")},
            {"op": "replace", "path": format!("{ENTERPRISE}:manager"), "value": ""},
        ]),
        json!({}),
    );
}

#[test]
fn what_cannot_be_understood_is_refused() {
    for (operation, scim_type) in [
        (json!({"op": "move", "path": "title"}), ScimType::InvalidSyntax),
        (json!({"path": "title", "value": "x"}), ScimType::InvalidSyntax),
        (json!("add"), ScimType::InvalidSyntax),
        (json!({"op": "add", "OP": "add", "value": {}}), ScimType::InvalidSyntax),
        (json!({"op": "add", "path": "title"}), ScimType::InvalidValue),
        (json!({"op": "add", "value": "x"}), ScimType::InvalidValue),
        (json!({"op": "replace", "path": "title", "value": 7}), ScimType::InvalidValue),
        (json!({"op": "replace", "path": "active", "value": "False"}), ScimType::InvalidValue),
        (json!({"op": "replace", "path": "shoeSize", "value": 43}), ScimType::InvalidPath),
        (json!({"op": "replace", "path": "title.x", "value": "x"}), ScimType::InvalidPath),
        (json!({"op": "replace", "path": "name[givenName eq \"x\"]", "value": {}}), ScimType::InvalidPath),
        (json!({"op": "replace", "path": 7, "value": "x"}), ScimType::InvalidPath),
    ] {
        check_refused(json!({}), json!([{"op": "add", "value": {}}, operation]), scim_type, "operations[1]: ");
    }
}

#[test]
fn e3_32_the_body_is_a_patch() {
    let parse = |body| Patch::parse(&resource_type("Users"), body, Unknown::Drop, &mut Vec::new());
    let operation = json!({"op": "remove", "path": "title"});
    assert!(parse(json!({"Schemas": [PATCH_URN], "operations": [operation]})).is_ok());
    for body in [
        json!({"Operations": [operation]}),
        json!({"schemas": ["urn:other"], "Operations": [operation]}),
        json!({"schemas": [PATCH_URN], "Operations": []}),
        json!({"schemas": [PATCH_URN]}),
        json!([]),
    ] {
        assert_eq!(parse(body).unwrap_err().scim_type(), Some(ScimType::InvalidSyntax));
    }
    let too_many = vec![operation; OPERATIONS_MAX + 1];
    assert_eq!(parse(json!({"schemas": [PATCH_URN], "Operations": too_many})).unwrap_err().http_status(), 413);
}

#[test]
fn unknown_attributes_of_a_value_object_are_dropped_and_reported() {
    let body = json!({"schemas": [PATCH_URN], "Operations": [{"op": "add", "value": {"shoeSize": 43, "title": "x"}}]});
    let mut dropped = Vec::new();
    let patch = Patch::parse(&resource_type("Users"), body.clone(), Unknown::Drop, &mut dropped).unwrap();
    assert_eq!(dropped, ["shoeSize"]);
    assert_eq!(
        patch.operations,
        [Operation::Add { path: None, value: json!({"title": "x"}), no_target: NoTarget::Refuse }]
    );
    let error = Patch::parse(&resource_type("Users"), body, Unknown::Refuse, &mut Vec::new()).unwrap_err();
    assert_eq!(error.scim_type(), Some(ScimType::InvalidSyntax));
}

#[test]
fn e3_73_a_password_is_handed_over_and_not_kept() {
    for operation in [
        json!({"op": "replace", "path": "password", "value": "s3cret"}),
        json!({"op": "replace", "value": {"password": "s3cret"}}),
    ] {
        let (after, effect) = patched(json!({}), &json!([operation])).unwrap();
        assert_eq!(after, json!({}));
        assert!(!effect.changed);
        assert_eq!(effect.password.unwrap().expose(), b"s3cret");
    }
}

#[test]
fn two_elements_made_primary_at_once_are_refused() {
    check_refused(
        two_emails(),
        json!([{"op": "replace", "path": "emails[value pr].primary", "value": true}]),
        ScimType::InvalidValue,
        "emails: more than one",
    );
}

#[test]
fn the_number_of_values_is_bounded_but_for_members() {
    let values = |prefix: &str, count: usize| -> Value {
        (0..count).map(|index| json!({"value": format!("{prefix}{index}")})).collect()
    };
    let add = |prefix, count| json!({"op": "add", "path": "emails", "value": values(prefix, count)});
    assert!(patched(json!({}), &json!([add("a", 1_000)])).is_ok());
    for operations in [json!([add("a", 1_001)]), json!([add("a", 600), add("b", 600)])] {
        let error = patched(json!({}), &operations).unwrap_err();
        assert!(error.detail().ends_with("emails: more than 1000 values"), "{error}");
    }
    let members = json!([{"op": "add", "path": "members", "value": values("m", 1_001)}]);
    assert_eq!(grouped(&[], &members).unwrap().0.len(), 1_001);
}

#[test]
fn an_operation_is_shown_without_its_value() {
    let patch = parsed("Users", &json!([{"op": "add", "path": "password", "value": "s3cret"}])).unwrap();
    assert_eq!(format!("{patch:?}"), r#"Patch { operations: [Add(Some("password"))], indexes: [0] }"#);
}

/// Applies operations to a group with these members; who is in it then, and whether anything changed.
fn grouped(members: &[&str], operations: &Value) -> Result<(Vec<String>, bool), Error> {
    let mut set = MemberSet(members.iter().map(|member| ((*member).to_owned(), None)).collect());
    let mut attributes = object(json!({"displayName": "Staff"}));
    let patch = parsed("Groups", operations)?;
    let effect = apply(&resource_type("Groups"), &mut attributes, &mut set, &patch)?;
    assert_eq!(Value::Object(attributes), json!({"displayName": "Staff"}));
    Ok((set.0.into_keys().collect(), effect.changed))
}
