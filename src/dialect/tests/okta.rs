use serde_json::json;

use super::{ID, check_everywhere, check_patch_everywhere, check_patch_refused, check_resource, group, user};

#[test]
fn ok_03_groups_of_a_user_are_ignored() {
    let canonical = user(json!({"userName": "a"}));
    check_everywhere("Users", user(json!({"userName": "a", "groups": []})), canonical.clone(), &["OK-03"]);
    check_everywhere("Users", user(json!({"userName": "a", "groups": [{"value": "g"}]})), canonical, &["OK-03"]);
}

#[test]
fn ok_06_an_echo_of_our_answer_keeps_only_its_id() {
    check_everywhere(
        "Users",
        user(json!({"id": ID, "userName": "a", "meta": {"resourceType": "User", "location": "x"}})),
        user(json!({"id": ID, "userName": "a"})),
        &["OK-06"],
    );
}

#[test]
fn ok_07_a_stale_formatted_name_is_derived() {
    let name = |formatted: &str| json!({"formatted": formatted, "givenName": "Jane", "familyName": "Doe"});
    let echo = |name| user(json!({"id": ID, "userName": "a", "name": name, "meta": {"resourceType": "User"}}));
    let kept = |name| user(json!({"id": ID, "userName": "a", "name": name}));
    for dialect in ["okta", "auto"] {
        let canonical = kept(name("Jane Doe"));
        check_resource(dialect, "Users", echo(name("Jane Smith")), canonical, &["OK-06", "OK-07"]);
    }
    check_resource("entra", "Users", echo(name("Jane Smith")), kept(name("Jane Smith")), &["OK-06"]);
    // Only a tenant that says `okta` derives a name that may be meant.
    for meant in ["Dr. Doe-Ray", "Doe, Jane"] {
        check_resource("auto", "Users", echo(name(meant)), kept(name(meant)), &["OK-06"]);
        check_resource("okta", "Users", kept(name(meant)), kept(name("Jane Doe")), &["OK-07"]);
    }
    check_resource("auto", "Users", kept(name("Jane Smith")), kept(name("Jane Smith")), &[]);
    check_resource(
        "okta",
        "Users",
        user(json!({"name": {"formatted": "J", "givenName": "Jane", "middleName": "Q", "familyName": "Doe"}})),
        user(json!({"name": {"formatted": "Jane Q Doe", "givenName": "Jane", "middleName": "Q", "familyName": "Doe"}})),
        &["OK-07"],
    );
}

#[test]
fn ok_09_ok_14_ok_17_path_less_operations_stay() {
    for value in [json!({"active": false}), json!({"password": "N3w-secret"})] {
        let operations = json!([{"op": "replace", "value": value}]);
        check_patch_everywhere("Users", operations.clone(), operations, &[]);
    }
    let members = json!([{"op": "replace", "value": {"members": [{"value": "u1"}]}}]);
    check_patch_everywhere("Groups", members.clone(), members, &[]);
}

#[test]
fn ok_15_the_id_inside_a_value_is_ignored_when_equal() {
    check_patch_everywhere(
        "Groups",
        json!([{"op": "replace", "value": {"id": ID, "displayName": "Engineering EU"}}]),
        json!([{"op": "replace", "value": {"displayName": "Engineering EU"}}]),
        &["OK-15"],
    );
    let other = json!([{"op": "replace", "value": {"id": "another", "displayName": "X"}}]);
    check_patch_refused("okta", "Groups", other, "mutability", "operations[0]: ");
}

#[test]
fn ok_19_removal_by_filter_and_addition_stay_in_order() {
    let operations = json!([
        {"op": "remove", "path": "members[value eq \"u2\"]"},
        {"op": "add", "path": "members", "value": [{"value": "u1", "display": "a@b.c"}]},
    ]);
    check_patch_everywhere("Groups", operations.clone(), operations, &[]);
}

#[test]
fn ok_20_a_full_push_stays() {
    for value in [json!([{"value": "u1"}]), json!([])] {
        let operations = json!([{"op": "replace", "path": "members", "value": value}]);
        check_patch_everywhere("Groups", operations.clone(), operations, &[]);
    }
}

#[test]
fn ok_23_a_null_display_is_none() {
    check_everywhere(
        "Groups",
        group(json!({"displayName": "E", "members": [{"value": "u1", "display": null}]})),
        group(json!({"displayName": "E", "members": [{"value": "u1"}]})),
        &["OK-23"],
    );
}

#[test]
fn ok_25_no_members_are_no_members() {
    let empty = group(json!({"displayName": "E", "members": []}));
    check_everywhere("Groups", empty.clone(), empty.clone(), &[]);
    check_everywhere("Groups", group(json!({"displayName": "E", "members": null})), empty, &["EN-36"]);
}

#[test]
fn ok_45_the_primary_email_comes_first() {
    let [a, b] = ["a@b.c", "d@e.f"].map(|value| json!({"value": value}));
    let primary = json!({"value": "g@h.i", "primary": true});
    check_everywhere(
        "Users",
        user(json!({"emails": [a, b, primary]})),
        user(json!({"emails": [primary, a, b]})),
        &["OK-45"],
    );
    let first = user(json!({"emails": [primary, a, b]}));
    check_everywhere("Users", first.clone(), first, &[]);
}

#[test]
fn ok_47_empty_texts_are_none() {
    check_everywhere(
        "Users",
        user(json!({"userName": "a", "title": "", "name": {"givenName": "J", "middleName": ""}})),
        user(json!({"userName": "a", "name": {"givenName": "J"}})),
        &["OK-47"],
    );
    for (nothing, quirk) in [(json!(""), "OK-47"), (json!(null), "EN-36")] {
        check_everywhere(
            "Users",
            user(json!({"phoneNumbers": [{"value": "1", "type": "home"}, {"value": nothing, "type": "work"}]})),
            user(json!({"phoneNumbers": [{"value": "1", "type": "home"}]})),
            &[quirk],
        );
    }
}
