//! What is shown of a request, and that nothing of a person is.

use std::sync::Arc;

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::scim::schema::ResourceTypes;

fn user() -> Arc<ResourceType> {
    ResourceTypes::core().by_endpoint("Users").unwrap().clone()
}

#[test]
fn a_shape_shows_names_and_types_and_no_value() {
    let enterprise = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
    for (message, body, shape) in [
        (
            Message::Patch,
            json!({
                "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
                "Operations": [
                    { "op": "Add", "path": "emails[type eq \"work\"].value", "value": "ann@acme.example" },
                    { "op": "upsert", "path": "emails[value eq \"ann@acme.example\"]", "value": { "acive": true } },
                    { "op": "replace", "value": { "ann@acme.example": 1, enterprise: { "shoeSize": 38.5 } } },
                ],
            }),
            json!({
                "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
                "Operations": [
                    { "op": "Add", "path": "emails[type eq \"work\"].value", "value": "string(16)" },
                    { "op": "upsert", "path": "emails[value eq \"string(16)\"]", "value": { "acive": true } },
                    { "op": "replace", "value": { "name(16)": "number", enterprise: { "shoeSize": "number" } } },
                ],
            }),
        ),
        (
            Message::Resource,
            json!({
                "userName": "Ann", "active": null, "path": "Ann", "filter": "Ann",
                "members": [{ "value": "a" }, { "value": "bc" }, { "value": "def" }, "x"],
            }),
            json!({
                "userName": "string(3)", "active": null, "path": "string(3)", "filter": "string(3)",
                "members": [{ "value": "string(1)" }, "string(1)", "elements(4)"],
            }),
        ),
        (
            Message::Search,
            json!({ "filter": "userName eq ann and (acive eq True", "count": "many", "attributes": "id,Ann Boss" }),
            json!({
                "filter": "userName eq string(3) and (acive eq True",
                "count": "string(4)", "attributes": "id,Ann word(4)",
            }),
        ),
        (Message::Patch, json!("Ann"), json!("string(3)")),
    ] {
        assert_eq!(of_body(&user(), message, &body), shape);
    }
}

#[test]
fn paths_and_filters_lose_their_operands_also_where_they_do_not_parse() {
    let user = user();
    let masker = Masker::new(&user);
    for (text, shown) in [
        ("name.givenName", "name.givenName"),
        (
            r#"emails[type eq "work" and value eq "a@b.c"].display"#,
            r#"emails[type eq "work" and value eq "string(5)"].display"#,
        ),
        (r#"userName EQ "a \" b"#, r#"userName EQ "string(6)""#),
        ("userName eq eq", "userName eq string(2)"),
        ("age gt 7 or not (x sw ann)", "age gt number or not (x sw string(3))"),
        ("userName like ann", "userName word(4) word(3)"),
        ("emails[type eq work]value", "emails[type eq work]value"),
        ("emails[type eq work]ann", "emails[type eq work]word(3)"),
        ("\"ann\" \"boss\"", "\"string(3)\" \"string(4)\""),
        ("+49 30 1234", "name(3) word(2) word(4)"),
        ("displayName eq Smith, John", "displayName eq string(5), word(4)"),
        ("displayName eq Anna (Miller)", "displayName eq string(4) (word(6))"),
        ("displayName eq Anna and Miller", "displayName eq string(4) and word(6)"),
        ("displayName eq \"O\"Brien, Anna", "displayName eq \"string(1)\"word(5), word(4)"),
    ] {
        assert_eq!(masker.expression(text), shown);
    }
}

#[test]
fn shapes_that_differ_in_lengths_alone_fold() {
    for (one, other, alike) in [
        ("string(3)", "string(12)", true),
        (r#"["string(1)","elements(4)"]"#, r#"["string(2)","elements(9)"]"#, true),
        ("(a eq number)", "(b eq number)", false),
        ("string(3", "string(4", false),
    ] {
        assert_eq!(without_lengths(one) == without_lengths(other), alike, "{one} {other}");
    }
}

/// Bodies of any form around texts of a kind.
fn bodies(text: &'static str) -> impl Strategy<Value = Value> {
    let key = prop_oneof![
        text,
        proptest::sample::select(vec![
            "Operations",
            "op",
            "path",
            "value",
            "schemas",
            "filter",
            "emails",
            "attributes"
        ])
        .prop_map(str::to_owned),
    ];
    let leaf = prop_oneof![Just(json!(null)), any::<bool>().prop_map(Value::from), text.prop_map(Value::from)];
    leaf.prop_recursive(5, 200, 20, move |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..12).prop_map(Value::from),
            proptest::collection::vec((key.clone(), inner), 0..12)
                .prop_map(|entries| Value::Object(entries.into_iter().collect())),
        ]
    })
}

proptest! {
    /// Also where a name belongs, a text longer than a name is not shown, and never one that is no name.
    #[test]
    fn no_long_text_is_shown(body in bodies("[a-zA-Z.@é]{65,80}")) {
        for message in [Message::Resource, Message::Patch, Message::Search] {
            let shape = of_body(&user(), message, &body).to_string();
            let longest = shape.split(|char: char| !char.is_alphanumeric() && !".@".contains(char)).map(str::len).max();
            prop_assert!(longest.unwrap_or(0) <= NAME_SHOWN_MAX, "{}", shape);
        }
    }

    #[test]
    fn no_value_is_shown(secret in "[a-z]{1,9}[A-Z0-9]{2,20}x9", quoted in any::<bool>()) {
        let operand = if quoted { format!("\"{secret}\"") } else { secret.clone() };
        let body = json!({
            "Operations": [
                { "op": "add", "path": format!("emails[value eq {operand}].type"), "value": secret },
                { "op": "add", "path": format!("userName eq {operand} or"), "value": [[secret], { "a": secret }] },
            ],
            "filter": format!("userName sw {operand} and emails[value co {operand}"),
            "anything": { "path": secret, "op": secret },
        });
        for message in [Message::Patch, Message::Search] {
            let shape = of_body(&user(), message, &body).to_string();
            prop_assert!(!shape.contains(&secret), "{}", shape);
        }
    }

    #[test]
    fn every_shape_is_bounded(body in bodies("[a-z\"\\[ ]{1,70}")) {
        let body = Value::from(vec![body; 30]);
        for message in [Message::Resource, Message::Patch, Message::Search] {
            let shape = of_body(&user(), message, &json!({ "Operations": body, "schemas": body }));
            prop_assert!(shape.to_string().len() <= SHAPE_BYTES_MAX);
        }
    }
}
