#![expect(clippy::unwrap_used, reason = "tests")]

use proptest::prelude::*;
use scim_connector::{ResourceKind, testkit};
use serde_json::{Value, json};

use super::*;
use crate::scim::schema::{ENTERPRISE_URN, ResourceTypes};

fn user_type() -> ResourceType {
    ResourceTypes::core().get(&ResourceKind::new("User")).unwrap().as_ref().clone()
}

fn ada() -> Object {
    let resource = json!({
        "userName": "ada",
        "externalId": "7",
        "active": true,
        "name": { "givenName": "Ada", "familyName": "Lovelace" },
        "emails": [
            { "value": "ada@home.example", "type": "home" },
            { "value": "ada@work.example", "type": "work", "primary": true },
        ],
        "phoneNumbers": [{ "value": "1", "type": "work" }, { "value": "2", "type": "work" }, { "value": "1" }],
        ENTERPRISE_URN: { "department": "Engines", "manager": { "value": "m-1" } },
    });
    resource.as_object().unwrap().clone()
}

fn settings(source: Value) -> Settings {
    serde_json::from_value(json!({ "x": source })).unwrap()
}

fn map(source: Value) -> Result<MappedValue, Error> {
    let mapping = Mapping::new(&user_type(), &settings(source)).unwrap();
    mapping.apply(testkit::id(1), &ada()).map(|mut mapped| mapped.remove("x").unwrap().value)
}

fn single(value: impl Into<Value>) -> MappedValue {
    MappedValue::Single(value.into())
}

#[test]
fn sources_give_their_values() {
    let department = format!("{ENTERPRISE_URN}:department");
    let manager = format!("{ENTERPRISE_URN}:manager.value");
    let engines = format!("{{{{ extension[\"{ENTERPRISE_URN}\"].department | lower }}}}");
    let cases = [
        (json!("userName"), single("ada")),
        (json!("USERNAME"), single("ada")),
        (json!("id"), single(testkit::id(1).to_string())),
        (json!("externalId"), single("7")),
        (json!("active"), single(true)),
        (json!("name.familyName"), single("Lovelace")),
        (json!("name"), single(json!({ "givenName": "Ada", "familyName": "Lovelace" }))),
        (json!("nickName"), MappedValue::Absent),
        (json!("emails.value"), single("ada@work.example")),
        (json!("emails[type eq \"home\"].value"), single("ada@home.example")),
        (json!("emails[type eq \"other\"].value"), MappedValue::Absent),
        (json!("phoneNumbers.value"), single("1")),
        (json!({ "path": "phoneNumbers.value", "multi": true }), MappedValue::Multi(vec!["1".into(), "2".into()])),
        (json!({ "path": "photos.value", "multi": true }), MappedValue::Absent),
        (json!({ "path": "photos.value", "multi": true, "default": "none" }), MappedValue::Multi(vec!["none".into()])),
        (json!(department), single("Engines")),
        (json!(manager), single("m-1")),
        (json!({ "constant": 512 }), single(512)),
        (json!({ "constant": ["top", "person", "top"] }), MappedValue::Multi(vec!["top".into(), "person".into()])),
        (json!({ "template": "{{ name.givenName }} {{ name.familyName }}" }), single("Ada Lovelace")),
        (json!({ "template": "{{ name.middleName | default('') }}" }), MappedValue::Absent),
        (json!({ "template": "{{ nickName }}", "default": "none" }), single("none")),
        (json!({ "template": "<{{ emails[0].value }}>" }), single("<ada@home.example>")),
        (json!({ "template": engines }), single("engines")),
        (json!({ "path": "userName", "when": "active eq true" }), single("ada")),
        (json!({ "path": "userName", "when": "active eq false" }), MappedValue::Absent),
        (json!({ "constant": "in", "when": "active eq false", "default": "out" }), single("out")),
        (json!({ "path": "userName", "when": format!("id eq \"{}\"", testkit::id(1)) }), single("ada")),
    ];
    for (source, expected) in cases {
        assert_eq!(map(source.clone()), Ok(expected), "{source}");
    }
}

#[test]
fn a_template_that_fails_names_the_attribute_and_no_value() {
    for template in ["{{ nickName }}", "{{ userName + 1 }}", "{% for i in range(90000) %}{{ i }}{% endfor %}"] {
        let error = map(json!({ "template": template })).unwrap_err();
        assert_eq!(error.attribute, "x");
        assert!(!error.to_string().contains("ada"), "{error}");
    }
}

#[test]
fn every_problem_is_reported_with_its_key() {
    let cases = [
        (json!("nothing"), vec!["x"]),
        (json!("emails[kind eq \"work\"].value"), vec!["x"]),
        (json!("emails[type eq"), vec!["x"]),
        (json!("members"), vec!["x"]),
        (json!("password"), vec!["x"]),
        (json!("name[familyName eq \"x\"]"), vec!["x"]),
        (json!({}), vec!["x"]),
        (json!({ "path": "userName", "constant": 1 }), vec!["x"]),
        (json!({ "path": "userName", "multi": true }), vec!["x.path"]),
        (json!({ "constant": 1, "multi": true }), vec!["x.multi"]),
        (json!({ "constant": {} }), vec!["x.constant"]),
        (json!({ "constant": [] }), vec!["x.constant"]),
        (json!({ "template": "{{ userName" }), vec!["x.template"]),
        (json!({ "template": "{{ username }}" }), vec!["x.template"]),
        (json!({ "template": "{{ name.surname }}" }), vec!["x.template"]),
        (json!({ "path": "nothing", "when": "active gt true", "default": {} }), vec!["x.path", "x.when", "x.default"]),
        (json!({ "path": "userName", "when": "groups pr" }), vec!["x.when"]),
        (json!({ "path": "userName", "default": ["a", "b"] }), vec!["x.default"]),
    ];
    for (source, expected) in cases {
        let problems = Mapping::new(&user_type(), &settings(source.clone())).unwrap_err();
        let keys: Vec<_> = problems.iter().map(|problem| &*problem.key).collect();
        assert_eq!(keys, expected, "{source}: {problems:?}");
    }
}

#[test]
fn a_slip_in_a_table_is_named() {
    let error = serde_json::from_value::<Settings>(json!({ "x": { "pth": "userName" } })).unwrap_err().to_string();
    assert!(error.contains("pth"), "{error}");
    let error = serde_json::from_value::<Settings>(json!({ "x": 7 })).unwrap_err().to_string();
    assert!(error.contains("a SCIM path as text"), "{error}");
}

#[test]
fn the_write_rule_goes_with_the_attribute() {
    let source = json!({ "constant": "new", "write": "on-create" });
    let mapped = Mapping::new(&user_type(), &settings(source)).unwrap().apply(testkit::id(1), &ada()).unwrap();
    assert_eq!(mapped.get("x").unwrap().write, WriteRule::OnCreate);
}

#[test]
fn the_identity_shows_every_attribute_by_scims_names() {
    let mapped = Mapping::identity(&user_type()).apply(testkit::id(1), &ada()).unwrap();
    for (name, value) in ada() {
        let expected = match value {
            Value::Array(values) => MappedValue::Multi(values),
            value => MappedValue::Single(value),
        };
        assert_eq!(mapped.get(&name).map(|attribute| &attribute.value), Some(&expected), "{name}");
    }
    assert_eq!(mapped.get("nickName").unwrap().value, MappedValue::Absent);
    for unseen in ["id", "meta", "groups", "password", "schemas"] {
        assert!(!mapped.contains_key(unseen), "{unseen}");
    }
}

proptest! {
    #[test]
    fn the_same_resource_is_mapped_the_same_way_and_sets_have_no_duplicates(
        values in prop::collection::vec(("[a-c]{1,2}", prop::option::of("work|home"), any::<bool>()), 0..6),
        name in prop::option::of("[a-z]{1,3}"),
    ) {
        let emails: Vec<_> = values.iter().map(|(value, kind, primary)| json!({ "value": value, "type": kind, "primary": primary })).collect();
        let resource = json!({ "emails": emails, "name": { "givenName": name } }).as_object().unwrap().clone();
        let settings: Settings = serde_json::from_value(json!({
            "mail": "emails[type eq \"work\"].value",
            "all": { "path": "emails.value", "multi": true },
            "greeting": { "template": "Hello {{ name.givenName }}{{ emails | length }}" },
        })).unwrap();
        let mapping = Mapping::new(&user_type(), &settings).unwrap();
        let mapped = mapping.apply(testkit::id(1), &resource).unwrap();
        prop_assert_eq!(&mapping.apply(testkit::id(1), &resource).unwrap(), &mapped);
        if let MappedValue::Multi(all) = &mapped["all"].value {
            let distinct: std::collections::BTreeSet<_> = all.iter().map(Value::to_string).collect();
            prop_assert_eq!(distinct.len(), all.len());
            prop_assert_eq!(distinct.len(), values.iter().map(|(value, ..)| value).collect::<std::collections::BTreeSet<_>>().len());
        } else {
            prop_assert!(values.is_empty());
        }
    }
}
