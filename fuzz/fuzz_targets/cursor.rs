//! A cursor is refused, or is the one text of the position that it stands for; and every position has one.

#![no_main]

use libfuzzer_sys::fuzz_target;
use scim_relay::scim::{
    cursor::Position,
    query::{Query, SortKey},
    schema::ResourceTypes,
};
use std::sync::LazyLock;

/// Users by age, and users by name.
static QUERIES: LazyLock<[Query; 2]> = LazyLock::new(|| {
    let types = ResourceTypes::core();
    let users = types.by_endpoint("Users").expect("users are a core type");
    let query = |parameters: &[(&str, &str)]| {
        let owned = parameters.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect();
        Query::parse("acme", &[(users.clone(), owned)]).expect("a valid query")
    };
    [query(&[]), query(&[("sortBy", "userName")])]
});

fuzz_target!(|text: &str| {
    let [by_age, by_name] = &*QUERIES;
    for query in [by_age, by_name] {
        if let Ok(position) = Position::read(text, "acme", query) {
            assert_eq!(position.write("acme", query), text);
        }
    }
    // As long as the keys of a sort are.
    let key = text.chars().take(256).collect();
    let position = Position { key: Some(SortKey::Text(key)), number: i64::from(u32::MAX) };
    let cursor = position.write("acme", by_name);
    assert_eq!(Position::read(&cursor, "acme", by_name).expect("our own cursor"), position);
    assert!(Position::read(&cursor, "umbrella", by_name).is_err());
});
