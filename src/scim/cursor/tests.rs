#![expect(clippy::unwrap_used, reason = "tests")]

use std::sync::LazyLock;

use proptest::prelude::*;

use super::*;
use crate::scim::schema::ResourceTypes;

static TYPES: LazyLock<ResourceTypes> = LazyLock::new(ResourceTypes::core);

fn query(parameters: &[(&str, &str)], types: usize) -> Query {
    let owned: Vec<_> = parameters.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect();
    let asked: Vec<_> = TYPES.iter().take(types).map(|kind| (kind.clone(), owned.clone())).collect();
    Query::parse("acme", &asked).unwrap()
}

fn refusal(result: Result<Position, Error>) -> ScimType {
    result.unwrap_err().scim_type().unwrap()
}

fn key() -> impl Strategy<Value = SortKey> {
    prop_oneof![
        any::<f64>().prop_filter("JSON has no such number", |number| !number.is_nan()).prop_map(SortKey::Number),
        ".{0,256}".prop_map(SortKey::Text),
        Just(SortKey::Absent),
    ]
}

proptest! {
    #[test]
    fn a_cursor_reads_back_as_the_position_that_it_was_made_of(key in key(), number in any::<i64>()) {
        let (by_age, by_name) = (query(&[], 1), query(&[("sortBy", "userName")], 1));
        for (query, key) in [(by_age, None), (by_name, Some(key))] {
            let position = Position { key, number };
            let cursor = position.write("acme", &query);
            prop_assert!(cursor.len() <= LENGTH_MAX);
            prop_assert!(cursor.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte)));
            prop_assert_eq!(Position::read(&cursor, "acme", &query).unwrap(), position);
        }
    }

    #[test]
    fn a_cursor_with_any_character_changed_is_refused(at in 0..64_usize, other in "[A-Za-z0-9_-]") {
        let query = query(&[], 1);
        let cursor = Position { key: None, number: 7 }.write("acme", &query);
        let at = at % cursor.len();
        let mut changed = cursor.clone();
        changed.replace_range(at..=at, &other);
        prop_assume!(changed != cursor);
        prop_assert_eq!(refusal(Position::read(&changed, "acme", &query)), ScimType::InvalidCursor);
    }

    #[test]
    fn any_other_text_is_refused(text in ".{1,80}") {
        prop_assert_eq!(refusal(Position::read(&text, "acme", &query(&[], 1))), ScimType::InvalidCursor);
    }
}

#[test]
fn a_cursor_belongs_to_its_tenant_types_filter_and_order() {
    let parameters = [("filter", "title pr"), ("sortBy", "title"), ("count", "5")];
    let made_for = query(&parameters, 2);
    let position = Position { key: Some(SortKey::Text("x".to_owned())), number: 7 };
    let cursor = position.write("acme", &made_for);
    assert_eq!(Position::read(&cursor, "acme", &made_for).unwrap(), position);
    assert_eq!(refusal(Position::read(&cursor, "umbrella", &made_for)), ScimType::InvalidCursor);
    let [filter, sort, count] = parameters;
    for (other, types) in [
        (vec![("filter", "title eq \"x\""), sort, count], 2),
        (vec![sort, count], 2),
        (vec![filter, count], 2),
        (vec![filter, ("sortBy", "userName"), count], 2),
        (vec![filter, sort, ("sortOrder", "descending"), count], 2),
    ] {
        assert_eq!(refusal(Position::read(&cursor, "acme", &query(&other, types))), ScimType::InvalidCursor);
    }
    let of_users = Position { key: None, number: 7 }.write("acme", &query(&[], 1));
    assert_eq!(refusal(Position::read(&of_users, "acme", &query(&[], 2))), ScimType::InvalidCursor);
    let with_choice = query(&[filter, sort, count, ("attributes", "title")], 2);
    assert!(Position::read(&cursor, "acme", &with_choice).is_ok(), "which attributes are shown changes no order");
}

#[test]
fn another_count_is_an_error_of_its_own() {
    let cursor = Position { key: None, number: 7 }.write("acme", &query(&[("count", "5")], 1));
    for (count, is_same) in [("5", true), ("6", false), ("0", false)] {
        let read = Position::read(&cursor, "acme", &query(&[("count", count)], 1));
        assert_eq!(read.is_ok(), is_same, "{count}");
        assert!(is_same || refusal(read) == ScimType::InvalidCount);
    }
}

#[test]
fn a_made_up_cursor_has_a_key_exactly_where_the_list_is_sorted() {
    let (by_age, by_name) = (query(&[], 1), query(&[("sortBy", "userName")], 1));
    let (bare, keyed) = (Position { key: None, number: 7 }, Position { key: Some(SortKey::Number(1.0)), number: 7 });
    assert_eq!(refusal(Position::read(&bare.write("acme", &by_name), "acme", &by_name)), ScimType::InvalidCursor);
    assert_eq!(refusal(Position::read(&keyed.write("acme", &by_age), "acme", &by_age)), ScimType::InvalidCursor);
    let nan = Position { key: Some(SortKey::Number(f64::NAN)), number: 7 };
    assert_eq!(refusal(Position::read(&nan.write("acme", &by_name), "acme", &by_name)), ScimType::InvalidCursor);
}
