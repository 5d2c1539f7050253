use serde_json::json;

use super::{ENTERPRISE_URN, ID, USER_URN, check_everywhere, check_patch, check_patch_everywhere, extended, user};
use crate::{
    dialect::{Dialect, Quirks},
    scim::patch::PATCH_URN,
};

fn manager_path() -> String {
    format!("{ENTERPRISE_URN}:manager")
}

#[test]
fn en_02_operations_are_spelt_in_lower_case() {
    check_patch_everywhere(
        "Users",
        json!([
            {"op": "Add", "path": "displayName", "value": "Jane"},
            {"op": "Replace", "path": "displayName", "value": "Jo"},
            {"op": "REMOVE", "path": "displayName"},
        ]),
        json!([
            {"op": "add", "path": "displayName", "value": "Jane"},
            {"op": "replace", "path": "displayName", "value": "Jo"},
            {"op": "remove", "path": "displayName"},
        ]),
        &["EN-02"],
    );
}

#[test]
fn en_03_booleans_as_text_are_booleans() {
    check_patch_everywhere(
        "Users",
        json!([{"op": "replace", "path": "active", "value": "False"}]),
        json!([{"op": "replace", "path": "active", "value": false}]),
        &["EN-03"],
    );
    check_everywhere("Users", user(json!({"active": "True"})), user(json!({"active": true})), &["EN-03"]);
    // Text stays text.
    check_everywhere("Users", user(json!({"title": "True"})), user(json!({"title": "True"})), &[]);
}

#[test]
fn en_04_booleans_in_any_letter_case_are_booleans() {
    for (text, boolean) in [("true", true), ("TRUE", true), ("fALSE", false)] {
        check_patch_everywhere(
            "Users",
            json!([{"op": "replace", "value": {"active": text}}]),
            json!([{"op": "replace", "value": {"active": boolean}}]),
            &["EN-04"],
        );
    }
    let no_boolean = json!([{"op": "replace", "path": "active", "value": "yes"}]);
    check_patch_everywhere("Users", no_boolean.clone(), no_boolean, &[]);
}

#[test]
fn en_05_a_missing_element_may_be_created() {
    check_patch(
        "auto",
        "Users",
        json!([{"op": "Replace", "path": "emails[type eq \"work\"].value", "value": "a@b.c"}]),
        json!([
            {"op": "replace", "path": "emails[type eq \"work\"].value", "value": "a@b.c", "createMissing": true},
        ]),
        &["EN-02", "EN-05"],
    );
}

#[test]
fn en_06_a_missing_phone_number_may_be_created() {
    let path = "phoneNumbers[type eq \"mobile\"].value";
    check_patch_everywhere(
        "Users",
        json!([{"op": "add", "path": path, "value": "+1 425 555 0100"}]),
        json!([{"op": "add", "path": path, "value": "+1 425 555 0100", "createMissing": true}]),
        &["EN-06"],
    );
}

#[test]
fn en_07_address_parts_stay_one_operation_each() {
    let at = |part: &str| format!("addresses[type eq \"work\"].{part}");
    check_patch_everywhere(
        "Users",
        json!([
            {"op": "add", "path": at("formatted"), "value": "18/2111"},
            {"op": "add", "path": at("locality"), "value": "Bonn"},
        ]),
        json!([
            {"op": "add", "path": at("formatted"), "value": "18/2111", "createMissing": true},
            {"op": "add", "path": at("locality"), "value": "Bonn", "createMissing": true},
        ]),
        &["EN-07"],
    );
}

#[test]
fn en_08_paths_take_the_schemas_spelling() {
    for (written, canonical) in [
        ("Name.familyName", "name.familyName"),
        ("NAME.FAMILYNAME", "name.familyName"),
        ("emails.Value", "emails.value"),
    ] {
        check_patch_everywhere(
            "Users",
            json!([{"op": "replace", "path": written, "value": "x"}]),
            json!([{"op": "replace", "path": canonical, "value": "x"}]),
            &["EN-08"],
        );
    }
    check_patch_everywhere(
        "Users",
        json!([{"op": "add", "path": "emails[type eq \"other\"].Value", "value": "x"}]),
        json!([{"op": "add", "path": "emails[type eq \"other\"].value", "value": "x", "createMissing": true}]),
        &["EN-08", "EN-05"],
    );
}

#[test]
fn en_09_dotted_keys_become_operations_with_paths() {
    check_patch_everywhere(
        "Users",
        json!([{"op": "replace", "value": {"displayName": "J", "name.givenName": "J", "name.familyName": "D"}}]),
        json!([
            {"op": "replace", "value": {"displayName": "J"}},
            {"op": "replace", "path": "name.familyName", "value": "D"},
            {"op": "replace", "path": "name.givenName", "value": "J"},
        ]),
        &["EN-09"],
    );
    // A dotted key that names nothing is left for the parser to drop and report.
    let unknown = json!([{"op": "replace", "value": {"name.shoeSize": "43"}}]);
    check_patch_everywhere("Users", unknown.clone(), unknown, &[]);
}

#[test]
fn en_10_urn_keys_become_operations_with_paths() {
    let department = format!("{ENTERPRISE_URN}:department");
    let user_name = format!("{USER_URN}:userName");
    check_patch_everywhere(
        "Users",
        json!([{"op": "replace", "value": {&department: "Retail", &user_name: "j", manager_path(): "m1"}}]),
        json!([
            {"op": "replace", "path": user_name, "value": "j"},
            {"op": "replace", "path": department, "value": "Retail"},
            {"op": "replace", "path": manager_path(), "value": {"value": "m1"}},
        ]),
        &["EN-10", "EN-18"],
    );
}

#[test]
fn en_11_an_extension_object_in_a_value_stays_and_its_values_are_read() {
    let plain = json!([{"op": "replace", "value": {ENTERPRISE_URN: {"department": "R"}}}]);
    check_patch_everywhere("Users", plain.clone(), plain, &[]);
    check_patch_everywhere(
        "Users",
        json!([{"op": "replace", "value": {ENTERPRISE_URN: {"department": "", "manager": "m1"}}}]),
        json!([
            {"op": "replace", "value": {ENTERPRISE_URN: {"manager": {"value": "m1"}}}},
            {"op": "remove", "path": format!("{ENTERPRISE_URN}:department")},
        ]),
        &["EN-53", "EN-18"],
    );
}

#[test]
fn en_12_members_removed_by_value_array() {
    check_patch_everywhere(
        "Groups",
        json!([{"op": "Remove", "path": "members", "value": [{"$ref": null, "value": "u1"}, {"value": "u\"2"}]}]),
        json!([
            {"op": "remove", "path": "members[value eq \"u1\"]"},
            {"op": "remove", "path": "members[value eq \"u\\\"2\"]"},
        ]),
        &["EN-02", "EN-12"],
    );
    for one in [json!("u1"), json!({"value": "u1"}), json!(["u1"]), json!([{"Value": "u1", "display": "U"}])] {
        check_patch_everywhere(
            "Groups",
            json!([{"op": "remove", "path": "members", "value": one}]),
            json!([{"op": "remove", "path": "members[value eq \"u1\"]"}]),
            &["EN-12"],
        );
    }
    check_patch_everywhere(
        "Users",
        json!([{"op": "remove", "path": "emails", "value": [{"type": "work", "value": "a@b.c", "primary": true}]}]),
        json!([{"op": "remove", "path": "emails[type eq \"work\" and value eq \"a@b.c\"]"}]),
        &["EN-12"],
    );
}

#[test]
fn en_13_a_null_ref_in_a_member_is_none() {
    check_patch_everywhere(
        "Groups",
        json!([{"op": "add", "path": "members", "value": [{"$ref": null, "value": "u1"}]}]),
        json!([{"op": "add", "path": "members", "value": [{"value": "u1"}]}]),
        &["EN-13"],
    );
}

#[test]
fn en_14_a_member_as_text_is_its_value() {
    for value in [json!("u1"), json!(["u1"])] {
        check_patch_everywhere(
            "Groups",
            json!([{"op": "add", "path": "members", "value": value}]),
            json!([{"op": "add", "path": "members", "value": [{"value": "u1"}]}]),
            &["EN-14"],
        );
    }
}

#[test]
fn en_15_other_keys_of_an_operation_are_ignored() {
    check_patch_everywhere(
        "Groups",
        json!([{"op": "add", "name": "addMember", "path": "members", "value": [{"value": "u1"}]}]),
        json!([{"op": "add", "path": "members", "value": [{"value": "u1"}]}]),
        &["EN-15"],
    );
}

#[test]
fn en_16_a_members_display_name_is_its_display() {
    check_patch_everywhere(
        "Groups",
        json!([{"op": "add", "path": "members", "value": [{"displayName": "n", "value": "u1"}]}]),
        json!([{"op": "add", "path": "members", "value": [{"display": "n", "value": "u1"}]}]),
        &["EN-16"],
    );
}

#[test]
fn en_17_other_keys_of_a_patch_are_ignored() {
    let operations = json!([{"op": "replace", "path": "displayName", "value": "E"}]);
    let body = json!({"schemas": [PATCH_URN], "id": "g1", "operations": operations});
    let mut quirks = Quirks::default();
    let dialect = Dialect::named("auto").unwrap();
    let rewritten = dialect.patch(&super::resource_type("Groups"), ID, body, &mut quirks).unwrap();
    assert_eq!(rewritten, json!({"schemas": [PATCH_URN], "Operations": operations}));
    assert_eq!(quirks.ids(), ["EN-65", "EN-17"]);
}

#[test]
fn en_18_a_manager_as_text_is_its_value() {
    check_patch_everywhere(
        "Users",
        json!([{"op": "add", "path": manager_path(), "value": "b7c1"}]),
        json!([{"op": "add", "path": manager_path(), "value": {"value": "b7c1"}}]),
        &["EN-18"],
    );
}

#[test]
fn en_19_a_manager_as_array_is_its_only_element() {
    check_patch_everywhere(
        "Users",
        json!([{"op": "add", "path": manager_path(), "value": [{"$ref": null, "value": "b7"}]}]),
        json!([{"op": "add", "path": manager_path(), "value": {"value": "b7"}}]),
        &["EN-19", "EN-13"],
    );
}

#[test]
fn en_20_an_empty_manager_is_removed() {
    for value in [json!(""), json!({"value": ""}), json!([{"$ref": null, "value": ""}])] {
        let operations = json!([{"op": "replace", "path": manager_path(), "value": value}]);
        let quirks: &[&str] = if value.is_array() { &["EN-19", "EN-20"] } else { &["EN-20"] };
        check_patch_everywhere("Users", operations, json!([{"op": "remove", "path": manager_path()}]), quirks);
    }
}

#[test]
fn en_22_a_manager_as_text_in_a_body_is_its_value() {
    let canonical = extended(json!({"manager": {"value": "b7"}}));
    check_everywhere("Users", extended(json!({"manager": "b7"})), canonical.clone(), &["EN-22"]);
    check_everywhere("Users", extended(json!({"manager": [{"value": "b7"}]})), canonical, &["EN-19"]);
}

#[test]
fn en_23_a_manager_by_other_paths_is_the_same_manager() {
    for path in [format!("{ENTERPRISE_URN}.manager"), "manager".to_owned()] {
        check_patch_everywhere(
            "Users",
            json!([{"op": "add", "path": path, "value": "b7"}]),
            json!([{"op": "add", "path": manager_path(), "value": {"value": "b7"}}]),
            &["EN-23", "EN-18"],
        );
        check_patch_everywhere(
            "Users",
            json!([{"op": "remove", "path": path}]),
            json!([{"op": "remove", "path": manager_path()}]),
            &["EN-23"],
        );
    }
}

#[test]
fn en_25_a_role_in_json_text_is_taken_out() {
    let text = json!({"id": "06b0", "value": "Admin", "displayName": "Administrator"}).to_string();
    let role = json!([{"value": "Admin", "display": "Administrator"}]);
    check_patch_everywhere(
        "Users",
        json!([{"op": "replace", "path": "roles", "value": [{"value": text}]}]),
        json!([{"op": "replace", "path": "roles", "value": role}]),
        &["EN-25"],
    );
    check_everywhere("Users", user(json!({"roles": [{"value": text}]})), user(json!({"roles": role})), &["EN-25"]);
    for other in ["{}", "{\"value\": 1}", "{no json", "[1]"] {
        let kept = user(json!({"roles": [{"value": other}]}));
        check_everywhere("Users", kept.clone(), kept, &[]);
    }
}

#[test]
fn en_26_a_boolean_compared_as_text_is_a_boolean() {
    check_patch_everywhere(
        "Users",
        json!([{"op": "add", "path": "roles[primary eq \"True\"].value", "value": "Admin"}]),
        json!([{"op": "add", "path": "roles[primary eq true].value", "value": "Admin", "createMissing": true}]),
        &["EN-26", "EN-05"],
    );
}

#[test]
fn en_27_booleans_of_roles_as_text_are_booleans() {
    check_everywhere(
        "Users",
        user(json!({"roles": [{"primary": "True", "value": "Admin"}]})),
        user(json!({"roles": [{"primary": true, "value": "Admin"}]})),
        &["EN-27"],
    );
}

#[test]
fn en_28_a_described_role_is_added_by_its_value() {
    let text = |value: &str| json!({"id": "06b0", "value": value, "displayName": "D"}).to_string();
    let by_value = |value: &str, path: &str| {
        json!({"op": "add", "path": path, "value": {"value": value, "display": "D"},
        "createMissing": true})
    };
    check_patch_everywhere(
        "Users",
        json!([{"op": "add", "path": "roles", "value": [{"value": text("Admin")}, {"value": text("a\"b")}]}]),
        json!([by_value("Admin", "roles[value eq \"Admin\"]"), by_value("a\"b", "roles[value eq \"a\\\"b\"]")]),
        &["EN-25"],
    );
}

#[test]
fn en_28_en_29_roles_are_added_or_replaced_as_asked() {
    for op in ["add", "replace"] {
        let operations = json!([{"op": op, "path": "roles", "value": [{"value": "Admin", "primary": false}]}]);
        check_patch_everywhere("Users", operations.clone(), operations, &[]);
    }
}

#[test]
fn en_30_a_roles_display_name_is_its_display() {
    check_patch_everywhere(
        "Users",
        json!([{"op": "add", "path": "roles", "value": [{"displayName": "Admin", "value": "Admin"}]}]),
        json!([{"op": "add", "path": "roles", "value": [{"display": "Admin", "value": "Admin"}]}]),
        &["EN-30"],
    );
}
