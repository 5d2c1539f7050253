//! Exchanges in the words of identity providers, built to the shapes that their makers document and captures show: what
//! they say, what the dialect makes of it, what they must be answered.

#![expect(clippy::unwrap_used, reason = "tests")]

use std::{fs, path::Path, sync::Arc};

use scim_relay::{
    demo::exchange::{Exchange, Statuses},
    dialect::{Dialect, Quirks},
    scim::{
        patch::Patch,
        resource,
        schema::{ResourceType, ResourceTypes},
    },
};
use serde_json::Value;

/// The dialects that a file is played in, and the file.
const FIXTURES: [(&str, &str); 9] = [
    ("okta", "okta/aiw-put.json"),
    ("okta", "okta/oin-patch.json"),
    ("entra", "entra/default.json"),
    ("entra", "entra/flagged.json"),
    ("onelogin", "onelogin/life.json"),
    ("jumpcloud", "jumpcloud/life.json"),
    ("ping", "ping/life.json"),
    ("sailpoint", "sailpoint/life.json"),
    ("authentik", "authentik/life.json"),
];

/// What a dialect makes of an exchange's body.
fn rewritten(
    dialect: &Dialect,
    types: &ResourceTypes,
    exchange: &Exchange,
    quirks: &mut Quirks,
) -> (Arc<ResourceType>, Value) {
    let mut segments = exchange.path.trim_start_matches('/').split('/');
    let resource_type = types.by_endpoint(segments.next().unwrap()).unwrap();
    let body = exchange.body.clone().unwrap();
    let rewritten = match &*exchange.method {
        "PATCH" => dialect.patch(resource_type, segments.next().unwrap(), body, quirks),
        _ => dialect.resource(resource_type, body, quirks),
    };
    (resource_type.clone(), rewritten.unwrap())
}

fn exchanges(file: &str) -> Vec<Exchange> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/dialects").join(file);
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

#[test]
fn every_recorded_body_becomes_its_canonical_form() {
    let types = ResourceTypes::core();
    for (name, file) in FIXTURES {
        let dialect = Dialect::named(name).unwrap();
        for exchange in exchanges(file) {
            let Some(canonical) = &exchange.canonical else { continue };
            let place = format!("{file}: {}", exchange.name);
            let mut quirks = Quirks::default();
            let (_, mut rewritten) = rewritten(dialect, &types, &exchange, &mut quirks);
            // Which operation of the client's each was made of is for errors alone.
            let operations = rewritten.get_mut("Operations").and_then(Value::as_array_mut);
            for operation in operations.into_iter().flatten() {
                operation.as_object_mut().unwrap().remove("index");
            }
            assert_eq!(&rewritten, canonical, "{place}");
            assert_eq!(quirks.ids(), exchange.quirks, "{place}");
        }
    }
}

#[test]
fn the_parsers_take_every_recorded_body_that_succeeds() {
    let types = ResourceTypes::core();
    for (name, file) in FIXTURES {
        for dialect in [name, "auto"].map(|name| Dialect::named(name).unwrap()) {
            for exchange in exchanges(file) {
                if exchange.expect.status == Statuses::One(400) || exchange.body.is_none() {
                    continue;
                }
                let (resource_type, body) = rewritten(dialect, &types, &exchange, &mut Quirks::default());
                let mut dropped = Vec::new();
                let parsed = match &*exchange.method {
                    "PATCH" => Patch::parse(&resource_type, body, dialect.unknown, &mut dropped).map(|_| ()),
                    _ => resource::parse(&resource_type, body, dialect.unknown, &mut dropped).map(|_| ()),
                };
                assert!(parsed.is_ok(), "{file}: {}: {parsed:?}", exchange.name);
                assert!(dropped.is_empty(), "{file}: {}: {dropped:?}", exchange.name);
            }
        }
    }
}
