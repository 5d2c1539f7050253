//! Exchanges in the words of identity providers, built to the shapes that their makers document and captures show: what
//! they say, what the dialect makes of it, what they must be answered.

#![expect(clippy::unwrap_used, reason = "tests")]

mod player;

use std::{fs, path::Path, sync::Arc};

use scim_relay::{
    dialect::{Dialect, Quirks},
    scim::{
        patch::Patch,
        resource,
        schema::{ResourceType, ResourceTypes},
    },
};
use serde_json::{Value, json};

/// The dialects that a file is played in, and the file.
const FIXTURES: [(&str, &str); 4] = [
    ("okta", "okta/aiw-put.json"),
    ("okta", "okta/oin-patch.json"),
    ("entra", "entra/default.json"),
    ("entra", "entra/flagged.json"),
];

/// What a dialect makes of an exchange's body.
fn rewritten(
    dialect: &Dialect,
    types: &ResourceTypes,
    exchange: &Value,
    quirks: &mut Quirks,
) -> (Arc<ResourceType>, Value) {
    let mut segments = exchange["path"].as_str().unwrap().trim_start_matches('/').split('/');
    let resource_type = types.by_endpoint(segments.next().unwrap()).unwrap();
    let body = exchange["body"].clone();
    let rewritten = match exchange["method"].as_str().unwrap() {
        "PATCH" => dialect.patch(resource_type, segments.next().unwrap(), body, quirks),
        _ => dialect.resource(resource_type, body, quirks),
    };
    (resource_type.clone(), rewritten.unwrap())
}

fn exchanges(file: &str) -> Vec<Value> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/dialects").join(file);
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

#[test]
fn every_recorded_body_becomes_its_canonical_form() {
    let types = ResourceTypes::core();
    for (name, file) in FIXTURES {
        let dialect = Dialect::named(name).unwrap();
        for exchange in exchanges(file) {
            let Some(canonical) = exchange.get("canonical") else { continue };
            let place = format!("{file}: {}", exchange["name"]);
            let mut quirks = Quirks::default();
            let (_, rewritten) = rewritten(dialect, &types, &exchange, &mut quirks);
            assert_eq!(&rewritten, canonical, "{place}");
            assert_eq!(json!(quirks.ids()), exchange["quirks"], "{place}");
        }
    }
}

#[test]
fn the_parsers_take_every_recorded_body_that_succeeds() {
    let types = ResourceTypes::core();
    for (name, file) in FIXTURES {
        for dialect in [name, "auto"].map(|name| Dialect::named(name).unwrap()) {
            for exchange in exchanges(file) {
                let succeeds = exchange["expect"]["status"] != json!(400);
                if !succeeds || exchange.get("body").is_none() {
                    continue;
                }
                let (resource_type, body) = rewritten(dialect, &types, &exchange, &mut Quirks::default());
                let mut dropped = Vec::new();
                let parsed = match exchange["method"].as_str().unwrap() {
                    "PATCH" => Patch::parse(&resource_type, body, dialect.unknown, &mut dropped).map(|_| ()),
                    _ => resource::parse(&resource_type, body, dialect.unknown, &mut dropped).map(|_| ()),
                };
                assert!(parsed.is_ok(), "{file}: {}: {parsed:?}", exchange["name"]);
                assert!(dropped.is_empty(), "{file}: {}: {dropped:?}", exchange["name"]);
            }
        }
    }
}

#[test]
fn every_exchange_says_what_it_sends_and_expects() {
    for (_, file) in FIXTURES {
        for exchange in exchanges(file) {
            for key in ["/name", "/method", "/path", "/expect/status"] {
                assert!(exchange.pointer(key).is_some(), "{file}: {exchange} has no {key}");
            }
        }
    }
}

#[test]
fn the_player_fills_in_what_it_saved_and_finds_differences() {
    let list = [
        json!({
            "name": "a", "method": "POST", "path": "/Users", "body": {"x": 1},
            "expect": {"status": 201}, "save": {"u": "id"},
        }),
        json!({
            "name": "b", "method": "GET", "path": "/Users/{u}",
            "expect": {
                "status": [200, 204],
                "body-contains": {"id": "{u}", "emails": [{"v": 2}]},
                "body-lacks": ["urn:x.y#z"],
            },
        }),
    ];
    let answer = |body: Value| {
        move |method: &str, path: &str, _: &[(String, String)], _: &[u8]| {
            let headers = vec![("content-type".to_owned(), "application/scim+json".to_owned())];
            match (method, path) {
                ("POST", "/Users") => (201, headers, br#"{"id": "7"}"#.to_vec()),
                ("GET", "/Users/7") => (200, headers, body.to_string().into_bytes()),
                _ => (404, headers, Vec::new()),
            }
        }
    };
    player::play(&list, answer(json!({"id": "7", "emails": [{"v": 1}, {"v": 2, "w": 3}]}))).unwrap();
    for other in [
        json!({"id": "8", "emails": [{"v": 2}]}),
        json!({"id": "7", "emails": []}),
        json!({"id": "7", "emails": [{"v": 2}], "urn:x.y": {"z": 1}}),
    ] {
        assert!(player::play(&list, answer(other)).unwrap_err().starts_with("b: "));
    }
}
