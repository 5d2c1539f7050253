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
    /// Values of the answer to save, name → key of the body.
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
    /// Keys that the body must not hold.
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
        // An answer without a body shows nothing; its client reads the resource next.
        if !answer.body.is_null() {
            contains(&answer.body, &self.filled_value(&expect.body_contains), "")?;
        }
        if let Some(key) = expect.body_lacks.iter().find(|key| answer.body.get(key.as_str()).is_some()) {
            return Err(format!("the answer holds {key}"));
        }
        for (name, key) in &exchange.save {
            let value = answer.body[key].as_str().ok_or_else(|| format!("the answer lacks {key}"))?;
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
