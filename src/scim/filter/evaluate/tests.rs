#![expect(clippy::unwrap_used, reason = "tests")]

use std::sync::Arc;

use proptest::prelude::*;
use scim_connector::ResourceKind;
use serde_json::json;

use super::*;
use crate::scim::schema::ResourceTypes;

fn resource_type(name: &str) -> Arc<ResourceType> {
    ResourceTypes::core().get(&ResourceKind::new(name)).unwrap().clone()
}

fn user() -> Object {
    let Value::Object(user) = json!({
        "id": "018f-A",
        "externalId": "Ext-1",
        "userName": "Jane.Doe@acme.example",
        "name": {"familyName": "Müller", "givenName": "Jane"},
        "title": "007",
        "active": true,
        "emails": [
            {"value": "jane@work.example", "type": "work", "primary": true},
            {"value": "jane@home.example", "type": "home"},
            {"value": "jane@else.example"},
        ],
        "groups": [{"value": "g1", "display": "Staff"}],
        "meta": {
            "resourceType": "User",
            "created": "2026-01-31T12:00:00Z",
            "lastModified": "2026-02-01T00:30:00.5Z",
            "version": "W/\"3\"",
            "location": "https://relay.example/scim/v2/Users/018f-A",
        },
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": {
            "employeeNumber": "42",
            "manager": {"value": "M-1", "displayName": "Boss"},
        },
    }) else {
        unreachable!()
    };
    user
}

fn matches(resource_type: &ResourceType, resource: &Object, text: &str) -> bool {
    Filter::parse(text, &resource_type.urns()).unwrap().matches(resource_type, resource)
}

#[track_caller]
fn check(cases: &[(&str, bool)]) {
    let (resource_type, user) = (resource_type("User"), user());
    for (text, expected) in cases {
        assert_eq!(matches(&resource_type, &user, text), *expected, "{text}");
    }
}

#[test]
fn every_operator_compares_text() {
    check(&[
        ("userName eq \"jane.doe@acme.example\"", true),
        ("userName eq \"jane\"", false),
        ("userName ne \"jane\"", true),
        ("userName ne \"JANE.DOE@ACME.EXAMPLE\"", false),
        ("userName co \"DOE\"", true),
        ("userName co \"\"", true),
        ("userName sw \"jane\"", true),
        ("userName sw \"doe\"", false),
        ("userName ew \".EXAMPLE\"", true),
        ("userName ew \"jane\"", false),
        ("userName gt \"Ja\"", true),
        ("userName lt \"K\"", true),
        ("userName gt \"K\"", false),
        ("userName ge \"jane.doe@acme.example\"", true),
        ("userName le \"jane.doe@acme.example\"", true),
        ("userName gt \"jane.doe@acme.example\"", false),
        ("userName pr", true),
    ]);
}

#[test]
fn ot_18_starts_with_has_no_case_where_the_attribute_has_none() {
    check(&[("userName sw J", true), ("userName sw O", false)]);
}

#[test]
fn text_compares_by_case_exact() {
    check(&[
        ("externalId eq \"Ext-1\"", true),
        ("externalId eq \"ext-1\"", false),
        ("externalId sw \"ext\"", false),
        ("externalId co \"xt\"", true),
        ("id eq \"018f-A\"", true),
        ("id eq \"018f-a\"", false),
        ("name.familyName eq \"MÜLLER\"", true),
        ("name.familyName co \"Ü\"", true),
    ]);
}

#[test]
fn names_have_no_case_and_the_core_urn_is_optional() {
    check(&[
        ("USERNAME sw \"jane\"", true),
        ("name.FamilyName pr", true),
        ("Emails[Type eq \"work\"].Value sw \"jane@work\"", true),
        ("urn:ietf:params:scim:schemas:core:2.0:User:userName sw \"jane\"", true),
        ("URN:IETF:params:scim:schemas:CORE:2.0:user:username sw \"jane\"", true),
        ("urn:ietf:params:scim:schemas:core:2.0:User:name.familyName pr", true),
    ]);
}

#[test]
fn extension_attributes_live_under_their_urn() {
    let urn = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
    check(&[
        (&format!("{urn}:employeeNumber eq \"42\""), true),
        (&format!("{urn}:employeeNumber eq 42"), true),
        (&format!("{urn}.employeeNumber eq \"42\""), true),
        (&format!("{urn}:manager eq \"M-1\""), true),
        (&format!("{urn}:manager.value eq \"M-1\""), true),
        (&format!("{urn}:manager.displayName eq \"boss\""), true),
        (&format!("{urn}:manager[value eq \"M-1\"]"), true),
        (&format!("{urn}:department pr"), false),
        (&format!("{urn} pr"), true),
        (&format!("{urn} eq null"), false),
    ]);
}

#[test]
fn any_element_may_match_but_brackets_ask_one_for_all() {
    check(&[
        ("emails.value eq \"jane@home.example\"", true),
        ("emails.type eq \"work\" and emails.value eq \"jane@home.example\"", true),
        ("emails[type eq \"work\" and value eq \"jane@home.example\"]", false),
        ("emails[type eq \"work\" and value eq \"jane@work.example\"]", true),
        ("emails[type eq \"home\" and not (primary eq true)]", true),
        ("emails[primary eq \"True\"]", true),
        ("emails[type eq \"other\"]", false),
        ("not (emails[type eq \"other\"])", true),
        ("emails[(type eq \"home\" or type eq \"other\") and value co \"home\"]", true),
        ("addresses[type eq \"work\"]", false),
        ("phoneNumbers[type ne \"work\"]", false),
        ("name[familyName eq \"müller\"]", true),
    ]);
}

#[test]
fn en_38_value_path_with_operator_asks_one_element() {
    check(&[
        ("emails[type eq \"work\"].value eq \"jane@work.example\"", true),
        ("emails[type eq \"work\"].value eq \"jane@home.example\"", false),
    ]);
}

#[test]
fn en_39_complex_attribute_stands_for_its_value() {
    check(&[
        ("emails co \"home.example\"", true),
        ("emails eq \"JANE@home.example\"", true),
        ("emails eq \"Staff\"", false),
        ("groups eq \"g1\"", true),
        ("id eq \"018f-A\" and groups eq \"g2\"", false),
    ]);
    let group_type = resource_type("Group");
    let Value::Object(group) = json!({
        "id": "g1", "displayName": "Staff", "members": [{"value": "u1"}, {"value": "u2", "type": "User"}],
    }) else {
        unreachable!()
    };
    for (text, expected) in [
        ("id eq \"g1\" and members eq \"u2\"", true),
        ("id eq \"g1\" and members eq \"u3\"", false),
        ("id eq \"g2\" and members eq \"u2\"", false),
        ("members.value eq \"u1\"", true),
        ("members[value eq \"u1\" and type eq \"User\"]", false),
        ("members pr", true),
    ] {
        assert_eq!(matches(&group_type, &group, text), expected, "{text}");
    }
}

#[test]
fn what_has_no_value_equals_only_null() {
    check(&[
        ("nickName pr", false),
        ("nickName eq null", true),
        ("nickName ne null", false),
        ("nickName eq \"x\"", false),
        ("nickName eq \"\"", false),
        ("nickName ne \"x\"", true),
        ("nickName co \"\"", false),
        ("nickName gt \"\"", false),
        ("not (nickName eq \"x\")", true),
        ("userName eq null", false),
        ("userName ne null", true),
        ("unknown pr", false),
        ("unknown.part eq \"x\"", false),
        ("unknown eq null", true),
        ("unknown[a eq 1]", false),
        ("urn:acme:2.0:User:badge eq \"x\"", false),
        ("emails[type eq null]", true),
        ("emails.type eq null", true),
        ("emails.unknown pr", false),
    ]);
}

#[test]
fn of_many_values_ne_asks_for_one_that_differs() {
    check(&[("emails.type ne \"work\"", true), ("not (emails.type eq \"work\")", false), ("groups ne \"g1\"", false)]);
}

#[test]
fn pr_needs_something_in_it() {
    let resource_type = resource_type("User");
    for empty in [json!(null), json!(""), json!([]), json!({})] {
        for name in ["nickName", "emails", "name"] {
            let resource = Object::from_iter([(name.to_owned(), empty.clone())]);
            assert!(!matches(&resource_type, &resource, &format!("{name} pr")), "{name} {empty}");
            assert!(matches(&resource_type, &resource, &format!("{name} eq null")), "{name} {empty}");
        }
    }
    check(&[("emails pr", true), ("name pr", true), ("name.middleName pr", false), ("active pr", true)]);
}

#[test]
fn booleans_compare_with_their_text() {
    check(&[
        ("active eq true", true),
        ("active eq True", true),
        ("active eq \"True\"", true),
        ("active eq \"false\"", false),
        ("active ne false", true),
    ]);
}

#[test]
fn operands_without_quotes_are_text_for_text() {
    check(&[("title eq 007", true), ("title eq \"007\"", true), ("title eq 7", false), ("userName eq true", false)]);
}

#[test]
fn en_68_date_times_compare_as_instants() {
    check(&[
        ("meta.created eq \"2026-01-31T12:00:00Z\"", true),
        ("meta.created eq \"2026-01-31T14:00:00+02:00\"", true),
        ("meta.created eq \"2026-01-31T12:00:00.000000000000Z\"", true),
        ("meta.created eq \"2026-01-31T12:00:00\"", true),
        ("meta.created gt \"2026-01-31T13:30:00+02:00\"", true),
        ("meta.created gt \"2026-01-31T11:30:00-02:00\"", false),
        ("meta.Created gt 2015-10-10T14:38:21.8617979-07:00", true),
        ("meta.created gt 2026-01-31", true),
        ("meta.created lt 2026-02-01", true),
        ("meta.lastModified le \"2026-02-01T00:30:00.500Z\"", true),
        ("meta.lastModified gt \"2026-02-01T00:30:00.4999999999Z\"", true),
        ("meta.lastModified sw \"2026-02\"", true),
        ("meta.lastModified gt \"yesterday\"", false),
    ]);
}

#[test]
fn common_attributes_are_known_to_every_type() {
    check(&[
        ("meta.resourceType eq \"User\"", true),
        ("meta.version eq \"W/\\\"3\\\"\"", true),
        ("meta.location ew \"/Users/018f-A\"", true),
        ("schemas eq \"urn:ietf:params:scim:schemas:core:2.0:User\"", true),
        ("schemas eq \"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User\"", true),
        ("schemas eq \"urn:ietf:params:scim:schemas:core:2.0:Group\"", false),
        ("schemas pr", true),
    ]);
}

#[test]
fn numbers_compare_as_numbers() {
    let attribute = |kind| Attribute { kind, ..resource_type("User").schema.attributes[0].clone() };
    let decimal = attribute(AttributeType::Decimal);
    for (value, operand, expected) in [
        (json!(10), json!(9), Ordering::Greater),
        (json!(1.5), json!("1.50"), Ordering::Equal),
        (json!(1000), json!("1e3"), Ordering::Equal),
        (json!(-1), json!(0.5), Ordering::Less),
        (json!(9_007_199_254_740_993_i64), json!(9_007_199_254_740_992_i64), Ordering::Greater),
    ] {
        assert_eq!(order(&decimal, &value, &operand), Some(expected), "{value} {operand}");
    }
    assert_eq!(order(&decimal, &json!(1), &json!("one")), None);
}

#[test]
fn constants_and_decisions_simplify() {
    let decided = |text: &str| {
        let filter = Filter::parse(text, &[]).unwrap();
        filter
            .decided(&mut |filter| match filter.to_string().as_str() {
                "yes pr" | "e[yes pr]" => Some(true),
                "no pr" => Some(false),
                _ => None,
            })
            .to_string()
    };
    for (text, expected) in [
        ("yes pr and a pr", "a pr"),
        ("no pr and a pr", "false"),
        ("yes pr or a pr", "true"),
        ("no pr or a pr", "a pr"),
        ("not (no pr)", "true"),
        ("not (yes pr and a pr)", "not (a pr)"),
        ("e[yes pr] and yes pr", "true"),
        ("(no pr or a pr) and (b pr or c pr)", "a pr and (b pr or c pr)"),
        ("a pr or (yes pr and (b pr or c pr))", "a pr or b pr or c pr"),
    ] {
        assert_eq!(decided(text), expected, "{text}");
    }
    check(&[]);
    assert!(Filter::Constant(true).matches(&resource_type("User"), &user()));
}

#[test]
fn mentions_looks_everywhere_but_in_brackets() {
    let mentions = |text: &str| Filter::parse(text, &[]).unwrap().mentions("members");
    assert!(mentions("a pr and not (b pr or Members.value eq \"x\")"));
    assert!(mentions("members[value eq \"x\"]"));
    assert!(!mentions("a[members eq \"x\"] and b.members pr"));
}

/// Values of a type as they are stored, and as clients write them in filters.
fn values(kind: AttributeType) -> BoxedStrategy<(Value, Value)> {
    let text = || prop::sample::select(vec!["a", "A", "ß", "SS", "Straße", "7", "é", ""]).prop_map(Value::from);
    let instant = || {
        let texts =
            ["2026-01-31T12:00:00Z", "2026-01-31T13:00:00+01:00", "2026-01-31T12:00:00.000Z", "2026-01-31T12:00:01Z"];
        prop::sample::select(texts.to_vec()).prop_map(Value::from)
    };
    let number = || (-3_i64..3).prop_map(Value::from);
    let written = prop_oneof![
        number(),
        number().prop_map(|number| Value::from(number.to_string())),
        number().prop_map(|number| Value::from(format!("{number}.0"))),
        number().prop_map(|number| Value::from(number.as_i64().map_or(0.5, |number| number as f64 + 0.5))),
        text(),
    ];
    match kind {
        AttributeType::Integer => (number(), written).boxed(),
        AttributeType::DateTime => (instant(), instant()).boxed(),
        _ => (text(), prop_oneof![text(), Just(json!(7)), Just(json!(true))]).boxed(),
    }
}

proptest! {
    #[test]
    fn values_are_equal_exactly_if_their_keys_are(
        (kind, (value, operand)) in prop::sample::select(vec![
            AttributeType::String,
            AttributeType::Reference,
            AttributeType::Binary,
            AttributeType::Integer,
            AttributeType::DateTime,
        ]).prop_flat_map(|kind| (Just(kind), values(kind))),
        case_exact in any::<bool>(),
    ) {
        let core = resource_type("User");
        let attribute = Attribute { kind, case_exact, ..core.attribute("userName").unwrap().clone() };
        let key = equality_key(&attribute, &value);
        prop_assert!(key.is_some(), "what is stored has a key");
        prop_assert_eq!(
            key == equality_key(&attribute, &operand),
            order(&attribute, &value, &operand) == Some(Ordering::Equal)
        );
    }
}
