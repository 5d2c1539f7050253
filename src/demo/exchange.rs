//! Recorded exchanges with a SCIM service provider: what a client sends and what it needs back. Pure; whoever plays them
//! brings the connection.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Map, Value};

/// One request and what its client needs of the answer. `{name}` in path and body stands for a value saved before.
#[derive(Clone, PartialEq, Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Exchange {
    /// What the client is about.
    pub name: String,
    /// The HTTP method.
    pub method: String,
    /// Path and query below the base URI.
    pub path: String,
    /// Headers besides those that every request has.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// The body.
    pub body: Option<Value>,
    /// What the body means, in RFC 7644's words; for tests of the dialect alone.
    pub canonical: Option<Value>,
    /// The quirks that it has, by their id; for tests of the dialect alone.
    #[serde(default)]
    pub quirks: Vec<String>,
    /// What the client needs.
    pub expect: Expectation,
    /// Values of the answer to save, name → path in the body.
    #[serde(default)]
    pub save: BTreeMap<String, String>,
}

/// What a client needs of an answer.
#[derive(Clone, PartialEq, Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Expectation {
    /// One of these statuses.
    pub status: Statuses,
    /// Values that the body must hold: of objects at least these keys, of arrays at least these elements; an empty array
    /// only itself.
    #[serde(default)]
    pub body_contains: Value,
    /// Paths at which the body must hold nothing: keys and indices joined by dots; after a `#`, the key of an extension
    /// whose URN stands before it.
    #[serde(default)]
    pub body_lacks: Vec<String>,
}

/// One status or several.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(untagged)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Statuses {
    One(u16),
    Several(Vec<u16>),
}

/// A request ready to be sent.
#[derive(Clone, PartialEq, Debug)]
#[expect(missing_docs, reason = "the names say it")]
pub struct Request {
    pub method: String,
    pub path: String,
    pub headers: BTreeMap<String, String>,
    pub body: Option<Value>,
}

/// What came back; `body` is null where there was none.
#[derive(Clone, PartialEq, Debug)]
#[expect(missing_docs, reason = "the names say it")]
pub struct Answer {
    pub status: u16,
    pub body: Value,
}

/// Plays exchanges in order and remembers what they save.
#[derive(Debug, Default)]
pub struct Player {
    saved: BTreeMap<String, String>,
}

impl Player {
    /// The request of an exchange, with saved values in place.
    pub fn request(&self, exchange: &Exchange) -> Request {
        Request {
            method: exchange.method.clone(),
            path: self.filled(&exchange.path),
            headers: exchange.headers.clone(),
            body: exchange.body.as_ref().map(|body| self.filled_value(body)),
        }
    }

    /// Whether the answer is what the client needs; saves what the exchange says.
    ///
    /// # Errors
    /// What the client would complain of.
    pub fn check(&mut self, exchange: &Exchange, answer: &Answer) -> Result<(), String> {
        let expect = &exchange.expect;
        let as_expected = match &expect.status {
            Statuses::One(status) => answer.status == *status,
            Statuses::Several(statuses) => statuses.contains(&answer.status),
        };
        if !as_expected {
            return Err(format!("status {}, expected {:?}: {}", answer.status, expect.status, answer.body));
        }
        contains(&answer.body, &self.filled_value(&expect.body_contains), "")?;
        if let Some(path) = expect.body_lacks.iter().find(|path| at(&answer.body, path).is_some()) {
            return Err(format!("the answer has {path}: {}", answer.body));
        }
        for (name, path) in &exchange.save {
            let value = at(&answer.body, path).and_then(Value::as_str);
            let value = value.ok_or_else(|| format!("the answer has no {path}: {}", answer.body))?;
            self.saved.insert(name.clone(), value.to_owned());
        }
        Ok(())
    }

    fn filled(&self, text: &str) -> String {
        self.saved.iter().fold(text.to_owned(), |text, (name, value)| text.replace(&format!("{{{name}}}"), value))
    }

    fn filled_value(&self, value: &Value) -> Value {
        match value {
            Value::String(text) => self.filled(text).into(),
            Value::Array(elements) => elements.iter().map(|element| self.filled_value(element)).collect(),
            Value::Object(entries) => {
                let filled: Map<_, _> =
                    entries.iter().map(|(key, value)| (key.clone(), self.filled_value(value))).collect();
                filled.into()
            }
            other => other.clone(),
        }
    }
}

fn contains(actual: &Value, wanted: &Value, at: &str) -> Result<(), String> {
    match (actual, wanted) {
        (_, Value::Null) => Ok(()),
        (Value::Object(actual), Value::Object(wanted)) => wanted.iter().try_for_each(|(key, wanted)| {
            let at = format!("{at}/{key}");
            contains(actual.get(key).ok_or_else(|| format!("{at} is missing"))?, wanted, &at)
        }),
        (Value::Array(actual), Value::Array(wanted)) if !wanted.is_empty() => wanted.iter().try_for_each(|wanted| {
            let found = actual.iter().any(|actual| contains(actual, wanted, at).is_ok());
            found.then_some(()).ok_or_else(|| format!("{at} lacks {wanted}"))
        }),
        _ if actual == wanted => Ok(()),
        _ => Err(format!("{at} is {actual}, not {wanted}")),
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

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_player_fills_in_what_it_saved_and_finds_differences() {
        let create: Exchange = serde_json::from_value(json!({
            "name": "a", "method": "POST", "path": "/Users", "body": {"x": 1},
            "expect": {"status": 201}, "save": {"u": "meta.id"},
        }))
        .unwrap();
        let read: Exchange = serde_json::from_value(json!({
            "name": "b", "method": "GET", "path": "/Users/{u}",
            "expect": {
                "status": [200, 204],
                "body-contains": {"id": "{u}", "emails": [{"v": 2}]},
                "body-lacks": ["urn:x.y#z", "emails.2"],
            },
        }))
        .unwrap();
        let mut player = Player::default();
        player.check(&create, &Answer { status: 201, body: json!({"meta": {"id": "7"}}) }).unwrap();
        assert_eq!(player.request(&read).path, "/Users/7");
        for (status, body, complaint) in [
            (200, json!({"id": "7", "emails": [{"v": 1}, {"v": 2, "w": 3}], "urn:x.y": {"z": null}}), None),
            (404, json!({"id": "7", "emails": [{"v": 2}]}), Some("status 404")),
            (200, json!({"id": "8", "emails": [{"v": 2}]}), Some("/id is")),
            (200, json!({"id": "7", "emails": [{"v": 1}]}), Some("/emails lacks")),
            (200, json!({"id": "7"}), Some("/emails is missing")),
            (200, json!({"id": "7", "emails": [{"v": 2}], "urn:x.y": {"z": 1}}), Some("has urn:x.y#z")),
            (200, json!({"id": "7", "emails": [{"v": 2}, 1, 2]}), Some("has emails.2")),
        ] {
            match (player.check(&read, &Answer { status, body }), complaint) {
                (Ok(()), None) => {}
                (Err(said), Some(complaint)) => assert!(said.contains(complaint), "{said}"),
                (outcome, _) => panic!("{outcome:?}, expected {complaint:?}"),
            }
        }
    }
}
