use serde_json::json;

use super::{
    ENTERPRISE_URN, GROUP_URN, USER_URN, check_everywhere, check_patch_everywhere, enterprise_user, extended, group,
    user, with_schemas,
};

#[test]
fn en_31_the_enterprise_urn_may_be_listed_without_its_object() {
    let body = enterprise_user(json!({"userName": "a"}));
    check_everywhere("Users", body.clone(), body, &[]);
}

#[test]
fn en_32_an_extension_is_listed_when_it_has_an_object() {
    check_everywhere(
        "Users",
        user(json!({"userName": "a", ENTERPRISE_URN: {"department": "R"}})),
        extended(json!({"department": "R"})),
        &["EN-32"],
    );
}

#[test]
fn en_33_the_misspelt_enterprise_urn_is_the_enterprise_urn() {
    let misspelt = "urn:ietf:params:scim:schemas:extension:enterprise:2.0User";
    check_everywhere(
        "Users",
        with_schemas(&[USER_URN, misspelt], json!({"userName": "a", misspelt: {"department": "R"}})),
        extended(json!({"department": "R"})),
        &["EN-33"],
    );
    check_patch_everywhere(
        "Users",
        json!([{"op": "replace", "path": format!("{misspelt}:department"), "value": "R"}]),
        json!([{"op": "replace", "path": format!("{ENTERPRISE_URN}:department"), "value": "R"}]),
        &["EN-33"],
    );
}

#[test]
fn en_34_the_undeclared_group_schema_is_ignored() {
    let undeclared = "http://schemas.microsoft.com/2006/11/ResourceManagement/ADSCIM/2.0/Group";
    check_everywhere(
        "Groups",
        with_schemas(&[GROUP_URN, undeclared], json!({"displayName": "E"})),
        group(json!({"displayName": "E"})),
        &["EN-34"],
    );
}

#[test]
fn en_35_meta_of_a_new_resource_is_ignored() {
    let canonical = user(json!({"userName": "a"}));
    check_everywhere("Users", user(json!({"userName": "a", "meta": {"resourceType": "User"}})), canonical, &["EN-35"]);
}

#[test]
fn en_36_nulls_are_none() {
    check_everywhere(
        "Users",
        enterprise_user(json!({"userName": "a", "title": null, "addresses": null, "externalId": null,
            ENTERPRISE_URN: {"manager": null, "department": "R"}})),
        extended(json!({"department": "R"})),
        &["EN-36"],
    );
}

#[test]
fn en_53_an_empty_text_clears() {
    check_patch_everywhere(
        "Users",
        json!([
            {"op": "replace", "path": "title", "value": ""},
            {"op": "replace", "path": "phoneNumbers[type eq \"mobile\"].value", "value": ""},
            {"op": "replace", "value": {"displayName": "J", "nickName": ""}},
        ]),
        json!([
            {"op": "remove", "path": "title"},
            {"op": "remove", "path": "phoneNumbers[type eq \"mobile\"].value"},
            {"op": "replace", "value": {"displayName": "J"}},
            {"op": "remove", "path": "nickName"},
        ]),
        &["EN-53"],
    );
}

#[test]
fn en_54_null_clears() {
    check_patch_everywhere(
        "Users",
        json!([
            {"op": "replace", "path": "nickName", "value": null},
            {"op": "replace", "value": {"title": null, "name.middleName": null}},
            {"op": "add", "path": "locale", "value": null},
        ]),
        json!([
            {"op": "remove", "path": "nickName"},
            {"op": "remove", "path": "title"},
            {"op": "remove", "path": "name.middleName"},
        ]),
        &["EN-54", "EN-09"],
    );
    // Within a complex value null stays, or the sub-attribute would be kept: it is the RFC's own word, and no quirk.
    check_patch_everywhere(
        "Users",
        json!([
            {"op": "replace", "path": "name", "value": {"givenName": "J", "middleName": null}},
            {"op": "replace", "value": {"name": {"middleName": ""}}},
        ]),
        json!([
            {"op": "replace", "path": "name", "value": {"givenName": "J", "middleName": null}},
            {"op": "replace", "value": {"name": {"middleName": null}}},
        ]),
        &["EN-53"],
    );
}

#[test]
fn en_55_en_56_operations_keep_their_order() {
    let operations = json!([
        {"op": "remove", "path": "title"},
        {"op": "add", "path": "title", "value": "A"},
        {"op": "replace", "path": "title", "value": "B"},
    ]);
    check_patch_everywhere("Users", operations.clone(), operations, &[]);
    let operations = json!([
        {"op": "add", "path": "members", "value": [{"value": "u1"}]},
        {"op": "remove", "path": "members[value eq \"u1\"]"},
    ]);
    check_patch_everywhere("Groups", operations.clone(), operations, &[]);
}

#[test]
fn en_57_a_removal_at_a_value_path_ignores_its_value() {
    check_patch_everywhere(
        "Users",
        json!([{"op": "Remove", "path": "emails[type eq \"work\"].value", "value": "updated@example.org"}]),
        json!([{"op": "remove", "path": "emails[type eq \"work\"].value"}]),
        &["EN-02", "EN-57"],
    );
}

#[test]
fn en_65_keys_take_the_schemas_spelling() {
    check_everywhere(
        "Users",
        enterprise_user(json!({"UserName": "a", "Emails": [{"Value": "x", "Primary": true}],
            ENTERPRISE_URN: {"Department": "R", "Manager": {"Value": "m1"}}})),
        enterprise_user(json!({"userName": "a", "emails": [{"value": "x", "primary": true}],
            ENTERPRISE_URN: {"department": "R", "manager": {"value": "m1"}}})),
        &["EN-65"],
    );
    // Two spellings of one name are the parser's to refuse.
    let twice = user(json!({"userName": "a", "Title": "x", "title": null}));
    check_everywhere("Users", twice.clone(), twice, &[]);
}

#[test]
fn en_66_unknown_attributes_are_left_for_the_parser_to_drop() {
    let body = user(json!({"userName": "a", "adreses": [{"locality": null}]}));
    check_everywhere("Users", body.clone(), body, &[]);
}
