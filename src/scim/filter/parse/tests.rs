#![expect(clippy::unwrap_used, reason = "tests")]

use proptest::{
    collection::vec,
    prelude::{Just, Strategy, any, prop_oneof, proptest},
    prop_assert_eq,
};

use super::*;
use crate::scim::{ScimType, schema::ENTERPRISE_URN, schema::USER_URN};

const URNS: [&str; 2] = [USER_URN, ENTERPRISE_URN];

/// What a filter means, in canonical text.
fn canonical(text: &str) -> String {
    let filter = Filter::parse(text, &URNS).unwrap_or_else(|error| panic!("{text}: {error}"));
    let printed = filter.to_string();
    assert_eq!(Filter::parse(&printed, &URNS).unwrap(), filter, "{text} printed as {printed}");
    printed
}

fn means(text: &str, expected: &str) {
    assert_eq!(canonical(text), expected, "{text}");
}

fn operand(text: &str) -> Value {
    match Filter::parse(&format!("a eq {text}"), &URNS).unwrap() {
        Filter::Compare { value, .. } => value,
        other => panic!("{text}: {other:?}"),
    }
}

fn refused(text: &str, place: usize, reason: &str) {
    let error = Filter::parse(text, &URNS).unwrap_err();
    assert_eq!(error.scim_type(), Some(ScimType::InvalidFilter), "{text}");
    let expected = format!("filter, at byte {place}: {reason}");
    assert!(error.detail().starts_with(&expected), "{text}: {} is not {expected}", error.detail());
}

#[test]
fn the_examples_of_rfc_7644_parse() {
    for text in [
        r#"userName eq "bjensen""#,
        r#"name.familyName co "O'Malley""#,
        r#"urn:ietf:params:scim:schemas:core:2.0:User:userName sw "J""#,
        "title pr",
        r#"meta.lastModified gt "2011-05-13T04:42:34Z""#,
        r#"title pr and userType eq "Employee""#,
        r#"title pr or userType eq "Intern""#,
        r#"schemas eq "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User""#,
        r#"userType eq "Employee" and (emails co "example.com" or emails.value co "example.org")"#,
        r#"userType ne "Employee" and not (emails co "example.com" or emails.value co "example.org")"#,
        r#"userType eq "Employee" and emails[type eq "work" and value co "@example.com"]"#,
        r#"emails[type eq "work" and value co "@example.com"] or ims[type eq "xmpp" and value co "@foo.com"]"#,
    ] {
        means(text, text);
    }
    means(
        r#"userType eq "Employee" and (emails.type eq "work")"#,
        r#"userType eq "Employee" and emails.type eq "work""#,
    );
}

#[test]
fn keywords_and_operators_have_no_case() {
    means(r#"a EQ "x" AND NOT (b Pr) oR c Sw "y""#, r#"a eq "x" and not (b pr) or c sw "y""#);
}

#[test]
fn not_binds_before_and_binds_before_or() {
    means("a pr or b pr and c pr", "a pr or b pr and c pr");
    means("(a pr or b pr) and c pr", "(a pr or b pr) and c pr");
    means("not (a pr) and b pr or c pr", "not (a pr) and b pr or c pr");
    means("not (not (a pr or b pr))", "not (not (a pr or b pr))");
    let Filter::Or(alternatives) = Filter::parse("a pr or b pr and c pr", &URNS).unwrap() else { panic!("no or") };
    assert!(matches!(alternatives.as_slice(), [Filter::Compare { .. }, Filter::And(_)]));
}

#[test]
fn nested_ands_and_ors_are_flat() {
    means("a pr and (b pr and (c pr and d pr))", "a pr and b pr and c pr and d pr");
    means("((a pr or b pr) or c pr) or (d pr)", "a pr or b pr or c pr or d pr");
}

#[test]
fn not_may_touch_its_parenthesis_and_names_may_be_keywords() {
    means("not(a pr)", "not (a pr)");
    means("not  \t( a pr )", "not (a pr)");
    means("not pr and and pr or or pr", "not pr and and pr or or pr");
    means("notes pr", "notes pr");
}

#[test]
fn blanks_around_and_between_do_not_matter() {
    means("  a   eq\t\"x\"  and(b pr)or\tc pr ", r#"a eq "x" and b pr or c pr"#);
    means(r#"emails[ type eq "work" ]"#, r#"emails[type eq "work"]"#);
}

#[test]
fn en_08_names_keep_their_case_for_the_schema_to_compare() {
    means(r#"emails[Type eq "other"].Value eq "x""#, r#"emails[Type eq "other" and Value eq "x"]"#);
}

#[test]
fn en_37_operand_without_quotes_is_text() {
    means("externalId eq jyoung", r#"externalId eq "jyoung""#);
    means("userName eq jane.doe@acme.example and a pr", r#"userName eq "jane.doe@acme.example" and a pr"#);
    means("(userName sw O)", r#"userName sw "O""#);
    means("emails[value eq a@b.example]", r#"emails[value eq "a@b.example"]"#);
}

#[test]
fn en_38_value_path_with_operator() {
    means(r#"emails[type eq "work"].value eq "x""#, r#"emails[type eq "work" and value eq "x"]"#);
    means(r#"emails[type eq "work"].value pr"#, r#"emails[type eq "work" and value pr]"#);
    means(
        r#"emails[type eq "work" or primary eq true].value eq "x" and a pr"#,
        r#"emails[(type eq "work" or primary eq true) and value eq "x"] and a pr"#,
    );
}

#[test]
fn en_67_the_whole_grammar_with_bare_operands() {
    means(
        "name.FamilyName eq Employee and (emails.Value co example.com or emails.Value co example.org)",
        r#"name.FamilyName eq "Employee" and (emails.Value co "example.com" or emails.Value co "example.org")"#,
    );
}

#[test]
fn en_68_date_without_quotes() {
    means(
        "meta.Created gt 2015-10-10T14:38:21.8617979-07:00",
        r#"meta.Created gt "2015-10-10T14:38:21.8617979-07:00""#,
    );
}

#[test]
fn ot_18_starts_with() {
    means(r#"userName sw "a""#, r#"userName sw "a""#);
}

#[test]
fn operands_are_json() {
    for (text, value) in [
        (r#""""#, Value::from("")),
        (r#""a \"b\" \\ \/ \b\f\n\r\t""#, Value::from("a \"b\" \\ / \u{8}\u{c}\n\r\t")),
        (r#""caf\u00e9""#, Value::from("café")),
        (r#""\ud83d\ude00""#, Value::from("😀")),
        (r#""a) or (b pr] and""#, Value::from("a) or (b pr] and")),
        ("true", Value::Bool(true)),
        ("False", Value::Bool(false)),
        ("NULL", Value::Null),
        ("42", Value::from(42)),
        ("-7", Value::from(-7)),
        ("1.5", Value::from(1.5)),
        ("007", Value::from("007")),
        ("1.50", Value::from("1.50")),
        ("1e3", Value::from("1e3")),
        ("123456789012345678901234567890", Value::from("123456789012345678901234567890")),
        ("2026-01-01", Value::from("2026-01-01")),
    ] {
        assert_eq!(operand(text), value, "{text}");
        canonical(&format!("a eq {text}"));
    }
}

#[test]
fn errors_say_where_and_what_was_expected() {
    for (text, place, reason) in [
        ("", 0, "expected an attribute"),
        ("   ", 3, "expected an attribute"),
        (r#""x" eq a"#, 0, "expected an attribute"),
        ("userName", 8, "expected one of the operators"),
        ("userName regex \"x\"", 9, "expected one of the operators"),
        ("userName eq", 11, "expected a quoted string, a number"),
        ("userName eq ", 12, "expected a quoted string, a number"),
        ("userName eq [1]", 12, "expected a quoted string, a number"),
        ("userName eq a\"b", 12, "expected a quoted string, a number"),
        ("userName eq \"x", 12, "expected a closing quote"),
        ("userName eq \"x\\\"", 12, "expected a closing quote"),
        ("userName eq \"\\q\"", 12, "expected a JSON string"),
        ("userName eq \"\\ud83d\"", 12, "expected a JSON string"),
        ("userName eq \"é\" x", 17, "expected `and`, `or` or the end"),
        ("userName eq John Smith", 17, "expected `and`, `or` or the end"),
        ("a pr)", 4, "expected `and`, `or` or the end"),
        ("a pr and", 8, "expected an attribute"),
        ("a pr or or", 10, "expected one of the operators"),
        ("(a pr", 5, "expected `and`, `or` or `)`"),
        ("(a pr]", 5, "expected `and`, `or` or `)`"),
        ("emails[type pr", 14, "expected `and`, `or` or `]`"),
        ("emails[]", 7, "expected a sub-attribute"),
        ("emails[a[b pr]]", 8, "expected one of the operators"),
        ("emails[type pr].value", 21, "expected one of the operators"),
        ("emails[type pr].", 16, "expected a sub-attribute"),
        ("name. eq 1", 5, "expected a sub-attribute"),
        ("a.b.c pr", 3, "expected one of the operators"),
        ("user:name pr", 4, "expected one of the operators"),
        ("urn:x:y: pr", 8, "expected an attribute"),
        ("1a pr", 0, "expected an attribute"),
    ] {
        refused(text, place, reason);
    }
}

#[test]
fn errors_never_quote_the_text() {
    let error = Filter::parse("userName eq secret@acme.example x", &URNS).unwrap_err();
    assert!(!error.detail().contains("secret"));
}

#[test]
fn a_urn_is_never_split_at_its_version() {
    for (text, urn, attribute, sub) in [
        (&*format!("{ENTERPRISE_URN}:department"), Some(ENTERPRISE_URN), "department", None),
        (&format!("{ENTERPRISE_URN}.department"), Some(ENTERPRISE_URN), "department", None),
        (&format!("{ENTERPRISE_URN}:manager.value"), Some(ENTERPRISE_URN), "manager", Some("value")),
        (&format!("{ENTERPRISE_URN}:manager.$ref"), Some(ENTERPRISE_URN), "manager", Some("$ref")),
        (&format!("{USER_URN}:name.familyName"), Some(USER_URN), "name", Some("familyName")),
        (ENTERPRISE_URN, Some(ENTERPRISE_URN), "", None),
        ("urn:acme:scim:2.0:User:badge.number", Some("urn:acme:scim:2.0:User"), "badge", Some("number")),
        ("urn:acme:scim:2.0:badge", Some("urn:acme:scim:2.0"), "badge", None),
        ("userName", None, "userName", None),
        ("$ref", None, "$ref", None),
        ("x-y_z1", None, "x-y_z1", None),
        (" name.givenName ", None, "name", Some("givenName")),
    ] {
        let path = AttributePath::parse(text, &URNS).unwrap();
        let found = (path.urn.as_deref(), &*path.attribute, path.sub_attribute.as_deref());
        assert_eq!(found, (urn, attribute, sub), "{text}");
        assert_eq!(AttributePath::parse(&path.to_string(), &URNS).unwrap(), path, "{text}");
    }
}

#[test]
fn a_known_urn_has_no_case_and_a_longer_one_is_another() {
    let upper = ENTERPRISE_URN.to_uppercase();
    let path = AttributePath::parse(&format!("{upper}:department"), &URNS).unwrap();
    assert_eq!((path.urn.as_deref(), &*path.attribute), (Some(&*upper), "department"));

    let path = AttributePath::parse(&format!("{USER_URN}:more:x"), &URNS).unwrap();
    assert_eq!((path.urn.unwrap(), &*path.attribute), (format!("{USER_URN}:more"), "x"));
    let path = AttributePath::parse(&format!("{USER_URN}Type:x"), &URNS).unwrap();
    assert_eq!((path.urn.unwrap(), &*path.attribute), (format!("{USER_URN}Type"), "x"));
}

#[test]
fn value_paths_take_a_sub_attribute_or_none() {
    for text in [
        r#"emails[type eq "work"]"#,
        r#"emails[type eq "work"].value"#,
        r#"members[value eq "2819c223-7f76-453a-919d-413861904646"]"#,
        r#"urn:acme:2.0:User:phones[type eq "a.b:c" and (value pr or primary eq true)].value"#,
    ] {
        assert_eq!(AttributePath::parse(text, &URNS).unwrap().to_string(), text);
    }
}

#[test]
fn bad_paths_are_invalid_path_with_the_place() {
    for (text, place) in [
        ("", 0),
        ("emails[", 7),
        ("emails[]", 7),
        ("emails[type eq \"work\"", 21),
        ("emails[type eq \"work\"].", 23),
        ("emails[type eq \"work\"]value", 22),
        ("emails.value[type pr]", 12),
        ("a.b.c", 3),
        ("userName x", 9),
        ("a,b", 1),
        ("ä", 0),
    ] {
        let error = AttributePath::parse(text, &URNS).unwrap_err();
        assert_eq!(error.scim_type(), Some(ScimType::InvalidPath), "{text}");
        let place = format!("path, at byte {place}: expected");
        assert!(error.detail().starts_with(&place), "{text}: {} is not {place}", error.detail());
    }
}

#[test]
fn limits_hold_before_any_recursion() {
    let nested = |open: &str, close: &str, depth: usize| format!("{}a pr{}", open.repeat(depth), close.repeat(depth));
    for (open, close) in [("(", ")"), ("not (", ")"), ("not(", ")")] {
        assert!(Filter::parse(&nested(open, close, DEPTH_MAX), &URNS).is_ok(), "{open}");
        for depth in [DEPTH_MAX + 1, 150, 1000] {
            refused(&nested(open, close, depth), open.len() * DEPTH_MAX + open.len() - 1, "nested deeper than 32");
            refused(&nested(open, "]", depth), open.len() * DEPTH_MAX + open.len() - 1, "nested deeper than 32");
        }
    }
    for bomb in ["(", "not (", "[", ".", "a[", "a.", "a pr or ", "a pr and ", "\"", "urn:"] {
        let text = bomb.repeat(150_000);
        refused(&text, LENGTH_MAX, "longer than");
        let text: String = text.chars().take(LENGTH_MAX).collect();
        assert!(Filter::parse(&text, &URNS).is_err(), "{bomb}");
        assert!(AttributePath::parse(&text, &URNS).is_err(), "{bomb}");
    }
}

#[test]
fn brackets_count_towards_the_depth() {
    let inside = |outer: usize, inner: &str| format!("{}a[{inner}]{}", "(".repeat(outer), ")".repeat(outer));
    assert!(Filter::parse(&inside(DEPTH_MAX - 1, "b pr"), &URNS).is_ok());
    assert!(Filter::parse(&inside(DEPTH_MAX - 1, "(b pr)"), &URNS).is_err());
    assert!(Filter::parse(&inside(DEPTH_MAX, "b pr"), &URNS).is_err());

    // The rewritten value path needs one level more when it is printed.
    let rewritten = |outer: usize| format!("{}a[b pr or c pr].d pr{}", "not (".repeat(outer), ")".repeat(outer));
    canonical(&rewritten(DEPTH_MAX - 2));
    assert!(Filter::parse(&rewritten(DEPTH_MAX - 1), &URNS).is_err());
}

#[test]
fn terms_are_counted_in_and_outside_brackets() {
    for joint in [" or ", " and "] {
        let chain = |terms: usize| vec!["a pr"; terms].join(joint);
        assert!(Filter::parse(&chain(TERMS_MAX), &URNS).is_ok());
        let error = Filter::parse(&chain(TERMS_MAX + 1), &URNS).unwrap_err();
        assert!(error.detail().ends_with("more than 200 comparisons"), "{error}");
        assert!(Filter::parse(&format!("e[{}]", chain(TERMS_MAX)), &URNS).is_err());
        // What stands behind brackets is counted as it is printed: within them.
        let behind = |pairs: usize| vec!["e[a pr].b pr"; pairs].join(" and ");
        let most = Filter::parse(&behind(TERMS_MAX / 3), &URNS).unwrap();
        assert_eq!(Filter::parse(&most.to_string(), &URNS).unwrap(), most);
        assert!(Filter::parse(&behind(TERMS_MAX / 3 + 1), &URNS).is_err());
    }
}

fn name() -> impl Strategy<Value = String> {
    "[a-zA-Z$_][a-zA-Z0-9$_-]{0,8}"
}

fn urn() -> impl Strategy<Value = Option<String>> {
    prop_oneof![
        3 => Just(None),
        1 => Just(Some(ENTERPRISE_URN.to_owned())),
        1 => Just(Some(USER_URN.to_uppercase())),
        1 => Just(Some("urn:acme:Things:1.5".to_owned())),
    ]
}

fn plain_path() -> impl Strategy<Value = AttributePath> {
    (urn(), name(), proptest::option::of(name())).prop_map(|(urn, attribute, sub_attribute)| AttributePath {
        urn,
        attribute,
        filter: None,
        sub_attribute,
    })
}

fn comparison(path: impl Strategy<Value = AttributePath>) -> impl Strategy<Value = Filter> {
    let operand = prop_oneof![
        any::<String>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<bool>().prop_map(Value::from),
        (-1000..1000_i32).prop_map(|eighths| Value::from(f64::from(eighths) / 8.0)),
        Just(Value::Null),
    ];
    (path, proptest::sample::select(Operator::ALL.as_slice()), operand).prop_map(|(path, operator, value)| {
        let value = if operator == Operator::Pr { Value::Null } else { value };
        Filter::Compare { path, operator, value }
    })
}

fn joined(leaf: impl Strategy<Value = Filter> + 'static) -> impl Strategy<Value = Filter> {
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            vec(inner.clone(), 1..4).prop_map(Filter::all),
            vec(inner.clone(), 1..4).prop_map(Filter::any),
            inner.prop_map(|filter| Filter::Not(Box::new(filter))),
        ]
    })
}

fn of_element() -> impl Strategy<Value = Filter> {
    joined(comparison(name().prop_map(|attribute| AttributePath {
        urn: None,
        attribute,
        filter: None,
        sub_attribute: None,
    })))
}

fn filter() -> impl Strategy<Value = Filter> {
    let value_path = (urn(), name(), of_element()).prop_map(|(urn, attribute, filter)| Filter::ValuePath {
        path: AttributePath { urn, attribute, filter: None, sub_attribute: None },
        filter: Box::new(filter),
    });
    joined(prop_oneof![3 => comparison(plain_path()), 1 => value_path])
}

proptest! {
    #[test]
    fn printing_and_parsing_a_filter_gives_it_back(filter in filter()) {
        let text = filter.to_string();
        if text.len() <= LENGTH_MAX {
            prop_assert_eq!(Filter::parse(&text, &URNS).unwrap(), filter, "{}", text);
        }
    }

    #[test]
    fn printing_and_parsing_a_path_gives_it_back(path in plain_path(), filter in proptest::option::of(of_element())) {
        let path = match filter {
            Some(filter) => AttributePath { filter: Some(Box::new(filter)), ..path },
            None => path,
        };
        let text = path.to_string();
        if text.len() <= LENGTH_MAX {
            prop_assert_eq!(AttributePath::parse(&text, &URNS).unwrap(), path, "{}", text);
        }
    }

    #[test]
    fn any_text_is_parsed_or_refused_and_what_parses_prints_the_same(
        text in r#"([a-z."\[\]()$: ]|urn:|not \(| and | or | eq | pr|true|\\u|\PC){0,40}"#,
    ) {
        if let Ok(filter) = Filter::parse(&text, &URNS) {
            let printed = filter.to_string();
            prop_assert_eq!(Filter::parse(&printed, &URNS).unwrap(), filter, "{}", printed);
        }
        if let Ok(path) = AttributePath::parse(&text, &URNS) {
            prop_assert_eq!(AttributePath::parse(&path.to_string(), &URNS).unwrap(), path);
        }
    }
}
