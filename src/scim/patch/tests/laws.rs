//! What holds for every PATCH.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::{patched, resource_type};
use crate::scim::resource::{self, Unknown};

fn email() -> impl Strategy<Value = Value> {
    ("[ab]", prop_oneof![Just("work"), Just("home")], any::<Option<bool>>()).prop_map(|(value, kind, primary)| {
        let mut email = json!({"value": value, "type": kind});
        if let Some(primary) = primary {
            email["primary"] = primary.into();
        }
        email
    })
}

fn emails() -> impl Strategy<Value = Value> {
    proptest::collection::vec(email(), 1..5).prop_map(|mut emails| {
        let mut seen = Vec::new();
        let mut has_primary = false;
        emails.retain(|email| {
            let one_too_many = has_primary && email["primary"] == true;
            has_primary |= email["primary"] == true;
            let is_new = !seen.contains(&email["value"]);
            seen.push(email["value"].clone());
            is_new && !one_too_many
        });
        json!({"emails": emails})
    })
}

fn operation() -> impl Strategy<Value = Value> {
    let path = prop_oneof![
        Just("emails[type eq \"work\"]"),
        Just("emails[type eq \"home\"].value"),
        Just("emails[value eq \"a\"].type"),
        Just("emails"),
    ];
    prop_oneof![
        path.prop_map(|path| json!({"op": "remove", "path": path})),
        email().prop_map(|email| json!({"op": "add", "path": "emails", "value": [email]})),
        email().prop_map(|email| json!({"op": "replace", "path": "emails", "value": [email]})),
        "[ab]?".prop_map(|value| json!({
            "op": "replace", "path": "emails[type eq \"work\"].value", "value": value, "createMissing": true,
        })),
    ]
}

proptest! {
    #[test]
    fn the_same_add_twice_is_once(before in emails(), email in email()) {
        let add = json!({"op": "add", "path": "emails", "value": [email]});
        let once = patched(before, &json!([add])).unwrap().0;
        let (twice, effect) = patched(once.clone(), &json!([add])).unwrap();
        prop_assert_eq!(once, twice);
        prop_assert!(!effect.changed);
    }

    #[test]
    fn an_add_removes_no_value(before in emails(), email in email()) {
        let add = json!([{"op": "add", "path": "emails", "value": [email]}]);
        let after = patched(before.clone(), &add).unwrap().0;
        for kept in before["emails"].as_array().unwrap() {
            let is_kept = |other: &Value| other["value"] == kept["value"] && other["type"] == kept["type"];
            prop_assert!(after["emails"].as_array().unwrap().iter().any(is_kept));
        }
    }

    #[test]
    fn a_remove_removes_only_what_it_names(before in emails()) {
        let remove = json!([{"op": "remove", "path": "emails[type eq \"work\"]"}]);
        let after = patched(before.clone(), &remove).unwrap().0;
        let mut kept = before["emails"].as_array().unwrap().clone();
        kept.retain(|email| email["type"] != "work");
        prop_assert_eq!(after.get("emails").cloned().unwrap_or(json!([])), json!(kept));
    }

    #[test]
    fn the_result_is_canonical_and_the_same_every_time(
        before in emails(),
        operations in proptest::collection::vec(operation(), 1..6),
    ) {
        let operations = json!(operations);
        let first = patched(before.clone(), &operations).unwrap().0;
        prop_assert_eq!(&first, &patched(before, &operations).unwrap().0);
        let mut body = first.clone();
        body["userName"] = json!("jane");
        let mut draft = resource::parse(
            &resource_type("Users"), body, Unknown::Refuse, &mut Vec::new(),
        ).unwrap();
        draft.attributes.remove("userName");
        prop_assert_eq!(Value::Object(draft.attributes), first);
    }
}
