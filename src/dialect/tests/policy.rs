use serde_json::json;

use super::{Dialect, ID, check_patch, check_patch_refused, resource_type};
use crate::{
    dialect::Quirks,
    scim::{
        patch::{PATCH_URN, Patch},
        resource::Unknown,
    },
};

const WORK_EMAIL: &str = "emails[type eq \"work\"].value";

#[test]
fn dialects_have_distinct_names_and_are_found_by_them() {
    for dialect in Dialect::all() {
        assert!(std::ptr::eq(Dialect::named(dialect.name).unwrap(), dialect));
    }
    assert!(Dialect::named("Auto").is_none());
}

#[test]
fn a_missing_element_is_created_as_dialect_and_spelling_say() {
    for (dialect, op, creates) in [
        ("rfc", "add", false),
        ("rfc", "replace", false),
        ("okta", "Add", true),
        ("okta", "Replace", false),
        ("auto", "add", true),
        ("auto", "replace", false),
        ("auto", "REPLACE", false),
        ("auto", "Replace", true),
        ("entra", "replace", true),
    ] {
        let body = json!({"schemas": [PATCH_URN], "Operations": [{"op": op, "path": WORK_EMAIL, "value": "a@b.c"}]});
        let dialect = Dialect::named(dialect).unwrap();
        let rewritten = dialect.patch(&resource_type("Users"), ID, body, &mut Quirks::default()).unwrap();
        let marked = rewritten["Operations"][0].get("createMissing").is_some();
        assert_eq!(marked, creates, "{} {op}", dialect.name);
    }
}

#[test]
fn ot_25_the_id_as_external_id_keeps_the_stored_one() {
    for dialect in Dialect::all() {
        let mut met = Quirks::default();
        assert_eq!(dialect.keeps_external_id(&json!(ID), ID, &mut met), dialect.tolerant, "{}", dialect.name);
        assert_eq!(met.ids().len(), usize::from(dialect.tolerant));
        assert!(!dialect.keeps_external_id(&json!("00u1"), ID, &mut met));
    }
}

#[test]
fn a_client_cannot_ask_a_strict_dialect_to_create() {
    check_patch(
        "rfc",
        "Users",
        json!([{"op": "add", "path": WORK_EMAIL, "value": "a@b.c", "createMissing": true}]),
        json!([{"op": "add", "path": WORK_EMAIL, "value": "a@b.c"}]),
        &[],
    );
}

#[test]
fn a_remove_of_members_without_a_value_is_refused_by_tolerant_dialects_alone() {
    for dialect in ["auto", "okta", "entra"] {
        let operations =
            json!([{"op": "add", "path": "displayName", "value": "A"}, {"op": "remove", "path": "members"}]);
        check_patch_refused(dialect, "Groups", operations, "noTarget", "operations[1]: ");
    }
    let all = json!([{"op": "remove", "path": "members"}]);
    check_patch("rfc", "Groups", all.clone(), all, &[]);
}

#[test]
fn a_remove_of_listed_members_removes_no_more_in_every_dialect() {
    check_patch(
        "rfc",
        "Groups",
        json!([{"op": "Remove", "path": "members", "value": [{"value": "u1"}]}]),
        json!([{"op": "remove", "path": "members[value eq \"u1\"]"}]),
        &["EN-12"],
    );
}

#[test]
fn a_strict_dialect_leaves_everything_else_to_the_parser() {
    let operations = json!([{"op": "Replace", "value": {"name.givenName": "J", "active": "False"}, "name": "x"}]);
    check_patch("rfc", "Users", operations.clone(), operations, &[]);
}

#[test]
fn a_removal_that_lists_an_element_without_value_is_refused() {
    for value in [json!([{"display": "Ann"}]), json!([7]), json!([""]), json!("")] {
        let operations = json!([{"op": "Remove", "path": "members", "value": value}]);
        check_patch_refused("auto", "Groups", operations, "invalidValue", "operations[0]: ");
    }
}

#[test]
fn members_that_name_nobody_do_not_empty_a_group() {
    for nobody in
        [json!(""), json!([""]), json!([null]), json!({"value": ""}), json!([{"value": "u1"}, {"display": "U"}])]
    {
        for operation in [
            json!({"op": "replace", "path": "members", "value": nobody}),
            json!({"op": "replace", "value": {"Members": nobody}}),
        ] {
            check_patch_refused("auto", "Groups", json!([operation]), "invalidValue", "operations[0]: ");
        }
        let body = json!({"displayName": "E", "members": nobody});
        let dialect = Dialect::named("auto").unwrap();
        assert!(dialect.resource(&resource_type("Groups"), body, &mut Quirks::default()).is_err());
    }
}

#[test]
fn a_patch_that_asks_nothing_becomes_an_operation_without_effect() {
    let nothing = json!([{"op": "add", "value": {}}]);
    let removes_none = json!([{"op": "Remove", "path": "members", "value": []}]);
    check_patch("auto", "Groups", removes_none, nothing.clone(), &["EN-02", "EN-12"]);
    let names_itself = json!([{"op": "replace", "value": {"id": ID}}]);
    check_patch("auto", "Groups", names_itself, nothing, &["OK-15"]);
    check_patch("auto", "Groups", json!([]), json!([]), &[]);
}

#[test]
fn what_is_no_operation_is_left_for_the_parser_to_refuse() {
    for operations in [
        json!([7]),
        json!([{"path": "active", "value": true}]),
        json!([{"op": "move", "path": "active"}]),
        json!([{"op": "add", "path": 7, "value": 1}]),
        json!([{"op": "add", "path": "nothing", "value": 1}]),
        json!([{"op": "replace", "path": "emails[", "value": 1}]),
        json!([{"op": "replace", "value": "x"}]),
        json!([{"op": "replace", "path": "active"}]),
        json!([{"op": "remove"}]),
        json!([{"op": "remove", "path": "nothing"}]),
    ] {
        check_patch("auto", "Users", operations.clone(), operations, &[]);
    }
}

#[test]
fn errors_name_the_operation_as_the_client_counts() {
    let members = json!([{"value": "u1"}, {"value": "u2"}]);
    let operations = json!([
        {"op": "Remove", "path": "members", "value": members},
        {"op": "Replace", "path": "displayName", "value": "Staff"},
        {"op": "Remove", "path": "members", "value": members},
    ]);
    let body = json!({"schemas": [PATCH_URN], "Operations": operations});
    for dialect in Dialect::all() {
        let body = dialect.patch(&resource_type("Groups"), ID, body.clone(), &mut Quirks::default()).unwrap();
        let patch = Patch::parse(&resource_type("Groups"), body, Unknown::Drop, &mut Vec::new()).unwrap();
        assert_eq!(patch.indexes, [0, 0, 1, 2, 2], "{}", dialect.name);
    }
}
