use serde_json::json;

use super::{
    Dialect, ENTERPRISE_URN, ID, Quirks, USER_URN, check_everywhere, check_patch_everywhere, check_patch_refused,
    check_resource, enterprise_user, group, resource_type, user, with_schemas,
};
use crate::scim::ScimType;

#[test]
fn ot_01_the_urns_of_scim_1_1_are_those_of_2_0() {
    let old = "urn:scim:schemas:extension:enterprise:1.0";
    check_everywhere(
        "Users",
        with_schemas(&["urn:scim:schemas:core:1.0", USER_URN, old], json!({"userName": "a", old: {"department": "R"}})),
        enterprise_user(json!({"userName": "a", ENTERPRISE_URN: {"department": "R"}})),
        &["OT-01"],
    );
    check_everywhere(
        "Groups",
        with_schemas(&["urn:scim:schemas:core:1.0"], json!({"displayName": "E"})),
        group(json!({"displayName": "E"})),
        &["OT-01"],
    );
}

#[test]
fn ot_02_active_as_text_is_a_boolean() {
    check_everywhere("Users", user(json!({"active": "true"})), user(json!({"active": true})), &["OT-02"]);
}

#[test]
fn ot_03_a_null_id_is_none() {
    check_everywhere("Users", user(json!({"id": null, "userName": "a"})), user(json!({"userName": "a"})), &["OT-03"]);
}

#[test]
fn ot_04_a_single_object_is_an_array_of_one() {
    let email = json!({"value": "a@b.c", "type": "work", "primary": true});
    check_everywhere("Users", user(json!({"emails": email})), user(json!({"emails": [email]})), &["OT-04"]);
    check_patch_everywhere(
        "Users",
        json!([{"op": "add", "path": "emails", "value": email}]),
        json!([{"op": "add", "path": "emails", "value": [email]}]),
        &["OT-04"],
    );
}

#[test]
fn ot_05_a_manager_id_is_the_managers_value() {
    check_everywhere(
        "Users",
        enterprise_user(json!({ENTERPRISE_URN: {"manager": {"managerId": "b7", "displayName": "Ann Boss"}}})),
        enterprise_user(json!({ENTERPRISE_URN: {"manager": {"value": "b7", "displayName": "Ann Boss"}}})),
        &["OT-05"],
    );
}

#[test]
fn ot_06_a_sole_email_is_the_primary_one() {
    check_everywhere(
        "Users",
        user(json!({"emails": [{"value": "a@b.c"}]})),
        user(json!({"emails": [{"value": "a@b.c", "primary": true}]})),
        &["OT-06"],
    );
    for meant in
        [json!([{"value": "a@b.c", "primary": false}]), json!([{"value": "a@b.c"}, {"value": "d@e.f"}]), json!([])]
    {
        let body = user(json!({"emails": meant}));
        check_everywhere("Users", body.clone(), body, &[]);
    }
}

#[test]
fn ot_16_a_path_less_add_stays() {
    let operations = json!([{"op": "add", "value": {"active": false}}]);
    check_patch_everywhere("Users", operations.clone(), operations, &[]);
}

#[test]
fn ot_17_groups_of_a_user_are_ignored_in_a_patch() {
    check_patch_everywhere(
        "Users",
        json!([
            {"op": "add", "path": "groups", "value": [{"value": "g1"}]},
            {"op": "remove", "path": "groups[value eq \"g2\"]"},
            {"op": "replace", "value": {"groups": [], "title": "x"}},
        ]),
        json!([{"op": "replace", "value": {"title": "x"}}]),
        &["OT-17"],
    );
}

#[test]
fn ot_20_one_operation_a_member_stays() {
    let add = |member: &str| json!({"op": "add", "path": "members", "value": [{"value": member}]});
    let operations = json!([add("u1"), add("u2"), add("u3")]);
    check_patch_everywhere("Groups", operations.clone(), operations, &[]);
}

#[test]
fn ot_23_a_whole_object_replaced_without_a_path_names_itself_in_vain() {
    check_patch_everywhere(
        "Groups",
        json!([{"op": "replace", "value": {
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"], "id": ID, "meta": {"version": "1"},
            "externalId": "e1", "displayName": "E",
        }}]),
        json!([{"op": "replace", "value": {"externalId": "e1", "displayName": "E"}}]),
        &["OK-15", "OT-23"],
    );
}

#[test]
fn ot_01_a_long_list_of_schemas_is_corrected_in_one_walk() {
    let old = "urn:scim:schemas:core:1.0";
    let distinct: Vec<String> = (0..40_000).map(|index| format!("urn:example:{index}")).collect();
    let sent = distinct.iter().flat_map(|urn| [urn.as_str(), old, urn]).collect::<Vec<_>>();
    let mut canonical = vec![distinct[0].as_str(), USER_URN];
    canonical.extend(distinct.iter().skip(1).map(String::as_str));
    check_resource("auto", "Users", with_schemas(&sent, json!({})), with_schemas(&canonical, json!({})), &["OT-01"]);
}

#[test]
fn an_extension_by_two_spellings_is_refused() {
    let misspelt = "urn:ietf:params:scim:schemas:extension:enterprise:2.0User";
    for other in [misspelt.to_owned(), ENTERPRISE_URN.to_uppercase()] {
        let mut body = json!({ENTERPRISE_URN: {"department": "R"}});
        body[&other] = json!({"employeeNumber": "7"});
        check_patch_refused(
            "auto",
            "Users",
            json!([{"op": "replace", "value": body}]),
            "invalidSyntax",
            "operations[0]",
        );
        let dialect = Dialect::named("auto").unwrap();
        let error = dialect.resource(&resource_type("Users"), body, &mut Quirks::default()).unwrap_err();
        assert_eq!(error.scim_type(), Some(ScimType::InvalidSyntax));
    }
}
