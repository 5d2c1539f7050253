//! A group's members, which are rows and never a value.

use serde_json::json;

use super::*;

#[test]
fn members_are_added_replaced_and_removed() {
    let one_two = json!([{"value": "1"}, {"value": "2", "display": "Two"}]);
    for (before, operation, after, changed) in [
        (&["1"][..], json!({"op": "add", "path": "members", "value": one_two}), &["1", "2"][..], true),
        (&["1"], json!({"op": "add", "path": "members", "value": [{"value": "1"}]}), &["1"], false),
        (&["3"], json!({"op": "replace", "path": "members", "value": one_two}), &["1", "2"], true),
        (&["3"], json!({"op": "replace", "value": {"members": one_two}}), &["1", "2"], true),
        (&["3"], json!({"op": "add", "value": {"members": one_two}}), &["1", "2", "3"], true),
        (&["1"], json!({"op": "replace", "path": "members", "value": []}), &[], true),
        (&["1", "2"], json!({"op": "remove", "path": "members[value eq \"1\"]"}), &["2"], true),
        (&["1", "2"], json!({"op": "remove", "path": "members[value eq \"9\"]"}), &["1", "2"], false),
        (&["1", "2"], json!({"op": "remove", "path": "members[value ne \"1\"]"}), &["1"], true),
        (&["1", "2"], json!({"op": "remove", "path": "members"}), &[], true),
        (&[], json!({"op": "remove", "path": "members"}), &[], false),
        (&["1"], json!({"op": "add", "path": "members", "value": null}), &["1"], false),
    ] {
        let (members, has_changed) = grouped(before, &json!([operation])).unwrap();
        assert_eq!((&*members, has_changed), (&*after.iter().map(|m| (*m).to_owned()).collect::<Vec<_>>(), changed));
    }
}

#[test]
fn a_part_of_a_member_is_immutable() {
    for operation in [
        json!({"op": "replace", "path": "members[value eq \"1\"].display", "value": "x"}),
        json!({"op": "replace", "path": "members[value eq \"1\"]", "value": {"value": "2"}}),
        json!({"op": "remove", "path": "members.value"}),
    ] {
        let error = grouped(&["1"], &json!([operation])).unwrap_err();
        assert_eq!(error.scim_type(), Some(ScimType::Mutability), "{error}");
    }
}

#[test]
fn a_long_add_finds_each_element_once() {
    let emails = |from: usize, to: usize| -> Value {
        (from..to).map(|index| json!({"value": format!("{index}@a.example"), "type": "work"})).collect()
    };
    let before = json!({"emails": emails(0, 600)});
    let add = json!([{"op": "add", "path": "emails", "value": emails(300, 900)}, {"op": "add", "path": "emails", "value": {
        "value": "7@a.example", "type": "work", "primary": true,
    }}]);
    let (after, _) = patched(before, &add).unwrap();
    let mut expected = emails(0, 900);
    expected[7]["primary"] = json!(true);
    assert_eq!(after["emails"], expected, "appended in order, marked in place");
}
