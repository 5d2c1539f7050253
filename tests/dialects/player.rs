//! Plays lists of exchanges against anything that answers HTTP requests.
//!
//! A file is a list of exchanges, played in order against an endpoint without resources:
//!
//! - `name`, `method`, `path` (after the base URI, percent-encoded), `headers`, `body`: what the client sends.
//! - `expect.status`: one status or several.
//! - `expect.body-contains`: the answer has at least these keys; of an array, each element matches one of the answer's,
//!   in any order; `[]` matches only an empty array.
//! - `expect.body-lacks`: paths that the answer does not have: keys and indices joined by dots; after a `#`, the key of
//!   an extension whose URN stands before it.
//! - `save`: names for values of the answer, by path; `{name}` stands for them in later paths and bodies.
//! - `canonical`, `quirks`: what the dialect makes of the body and which habits it notes; see `main.rs`.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

/// An answer: status, headers, body.
pub(crate) type Answer = (u16, Vec<(String, String)>, Vec<u8>);

/// Plays all exchanges. The error names the first that was answered otherwise than expected.
pub(crate) fn play(
    exchanges: &[Value],
    mut send: impl FnMut(&str, &str, &[(String, String)], &[u8]) -> Answer,
) -> Result<(), String> {
    let mut saved = BTreeMap::new();
    for exchange in exchanges {
        exchange_with(exchange, &mut saved, &mut send)
            .map_err(|problem| format!("{}: {problem}", exchange["name"].as_str().unwrap_or("an exchange")))?;
    }
    Ok(())
}

fn exchange_with(
    exchange: &Value,
    saved: &mut BTreeMap<String, String>,
    send: &mut impl FnMut(&str, &str, &[(String, String)], &[u8]) -> Answer,
) -> Result<(), String> {
    let text = |key: &str| exchange[key].as_str().ok_or_else(|| format!("has no {key}"));
    let body = exchange.get("body").map(|body| filled_in(body, saved).to_string()).unwrap_or_default();
    let mut headers: Vec<(String, String)> = exchange["headers"]
        .as_object()
        .into_iter()
        .flatten()
        .map(|(name, value)| (name.clone(), value.as_str().unwrap_or_default().to_owned()))
        .collect();
    if !body.is_empty() && !headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("content-type")) {
        headers.push(("Content-Type".to_owned(), "application/scim+json; charset=utf-8".to_owned()));
    }
    let (status, answer_headers, answer) =
        send(text("method")?, &fill_in(text("path")?, saved), &headers, body.as_bytes());
    let shown = String::from_utf8_lossy(&answer);

    let expected = &exchange["expect"];
    let statuses = expected["status"].as_array().map_or(std::slice::from_ref(&expected["status"]), Vec::as_slice);
    if !statuses.contains(&Value::from(status)) {
        return Err(format!("status {status}, not {}: {shown}", expected["status"]));
    }
    let answer = if answer.is_empty() {
        Value::Null
    } else {
        let is_scim = answer_headers.iter().any(|(name, value)| {
            name.eq_ignore_ascii_case("content-type") && value.starts_with("application/scim+json")
        });
        if !is_scim {
            return Err("a body that is not application/scim+json".to_owned());
        }
        serde_json::from_slice(&answer).map_err(|error| format!("{error}: {shown}"))?
    };
    if let Some(contained) = expected.get("body-contains") {
        contains(&answer, &filled_in(contained, saved)).map_err(|place| format!("at {place}: {answer}"))?;
    }
    for path in expected["body-lacks"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        if at(&answer, path).is_some() {
            return Err(format!("has {path}: {answer}"));
        }
    }
    for (name, path) in exchange["save"].as_object().into_iter().flatten() {
        let path = path.as_str().unwrap_or_default();
        let value = at(&answer, path).and_then(Value::as_str).ok_or_else(|| format!("has no {path}: {answer}"))?;
        saved.insert(name.clone(), value.to_owned());
    }
    Ok(())
}

fn fill_in(text: &str, saved: &BTreeMap<String, String>) -> String {
    saved.iter().fold(text.to_owned(), |text, (name, value)| text.replace(&format!("{{{name}}}"), value))
}

fn filled_in(value: &Value, saved: &BTreeMap<String, String>) -> Value {
    match value {
        Value::String(text) => fill_in(text, saved).into(),
        Value::Array(items) => items.iter().map(|item| filled_in(item, saved)).collect(),
        Value::Object(object) => {
            object.iter().map(|(key, value)| (key.clone(), filled_in(value, saved))).collect::<Map<_, _>>().into()
        }
        other => other.clone(),
    }
}

/// Whether `actual` has at least what `expected` has; the error is the path of the first difference.
fn contains(actual: &Value, expected: &Value) -> Result<(), String> {
    match (actual, expected) {
        (Value::Object(actual), Value::Object(expected)) => expected.iter().try_for_each(|(key, expected)| {
            let actual = actual.get(key).ok_or_else(|| key.clone())?;
            contains(actual, expected).map_err(|place| format!("{key}.{place}"))
        }),
        (Value::Array(actual), Value::Array(expected)) if !expected.is_empty() => {
            expected.iter().enumerate().try_for_each(|(index, expected)| {
                let is_there = actual.iter().any(|actual| contains(actual, expected).is_ok());
                is_there.then_some(()).ok_or_else(|| index.to_string())
            })
        }
        (actual, expected) if actual == expected => Ok(()),
        _ => Err(String::new()),
    }
}

/// What stands at a path; null is nothing.
fn at<'a>(value: &'a Value, path: &str) -> Option<&'a Value> {
    let (value, path) = match path.split_once('#') {
        Some((urn, path)) => (value.get(urn)?, path),
        None => (value, path),
    };
    let step = |value: &'a Value, key: &str| match key.parse::<usize>() {
        Ok(index) => value.get(index),
        Err(_) => value.get(key),
    };
    path.split('.').try_fold(value, step).filter(|value| !value.is_null())
}
