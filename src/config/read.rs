//! From a document to typed settings, with every unknown key and wrong value, not only the first.

use scim_connector::SettingsProblem;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::{
    key::Key,
    problem::{Code, Problems},
    source::Source,
};

/// More problems than this are not looked for: a person mends those first.
const PROBLEMS_MAX: usize = 100;

/// Reads the document. What cannot be read is reported, taken out, and the rest read again; so the result, which has
/// defaults in place of what was wrong, serves to look for further problems only. `None` where nothing is left.
pub(super) fn read<T: DeserializeOwned>(
    mut document: Value,
    source: &Source,
    problems: &mut Problems<'_>,
) -> Option<T> {
    for _ in 0..PROBLEMS_MAX {
        let error = match serde_path_to_error::deserialize(&document) {
            Ok(settings) => return Some(settings),
            Err(error) => error,
        };
        let key = Key::from(error.path());
        let found = at(&mut document, &key);
        if source.is_variable(&key)
            && let Some(typed) = found.as_deref().and_then(typed)
            && let Some(found) = found
        {
            *found = typed;
            continue;
        }
        let (reported, flaw) = Flaw::of(&error.inner().to_string(), &key, found.as_deref());
        problems.report(flaw.code, &reported, flaw.message, flaw.remedy);
        // A table without a key that it must have goes as a whole.
        if !take_out(&mut document, &key) {
            return None;
        }
    }
    None
}

/// A variable's text as the number or boolean that it spells.
fn typed(value: &Value) -> Option<Value> {
    let text = value.as_str()?;
    match serde_json::from_str(text) {
        Ok(value @ (Value::Bool(_) | Value::Number(_))) => Some(value),
        Ok(Value::Null | Value::String(_) | Value::Array(_) | Value::Object(_)) | Err(_) => None,
    }
}

fn at<'a>(document: &'a mut Value, key: &Key) -> Option<&'a mut Value> {
    key.names().iter().try_fold(document, |value, name| value.get_mut(name))
}

/// Takes a key out; `false` when there is nothing to take out.
pub(super) fn take_out(document: &mut Value, key: &Key) -> bool {
    let Some(parent) = key.parent() else { return false };
    let table = at(document, &parent).and_then(Value::as_object_mut);
    table.is_some_and(|table| table.remove(key.name()).is_some())
}

/// What is wrong with one value, said without the value.
pub(super) struct Flaw {
    pub(super) code: Code,
    pub(super) message: String,
    pub(super) remedy: String,
}

impl Flaw {
    /// From serde's words, which may quote the value, and the key they are about.
    fn of(words: &str, key: &Key, found: Option<&Value>) -> (Key, Self) {
        let remedy = "see config/relay.toml for what is possible".to_owned();
        Self::of_serde(words, key, found)
            .unwrap_or_else(|| (key.clone(), Self::new(Code::WrongValue, without(found, words), remedy)))
    }

    /// From a problem with a connector's settings, whose key is relative to them.
    pub(super) fn of_settings(problem: &SettingsProblem, key: &Key, found: Option<&Value>) -> (Key, Self) {
        Self::of_serde(&problem.message, key, found).unwrap_or_else(|| {
            let (message, remedy) = (without(found, &problem.message), without(found, &problem.remedy));
            (key.clone(), Self::new(Code::WrongValue, message, remedy))
        })
    }

    fn of_serde(words: &str, key: &Key, found: Option<&Value>) -> Option<(Key, Self)> {
        if let Some(missing) = words.strip_prefix("missing field `") {
            let name = missing.trim_end_matches('`');
            return Some((key.then(name), Self::new(Code::Missing, "is not set", format!("set {name}"))));
        }
        // From the right: the value in the middle may contain anything.
        let expected = words.rsplit_once(", expected ").map(|(_, expected)| expected.replace('`', "\""));
        let expected = expected.as_deref().unwrap_or_default();
        let flaw = if words.starts_with("unknown field") {
            if looks_secret(key) && found.is_some_and(Value::is_string) {
                Self::inline_secret(key)
            } else {
                let known = expected.strip_prefix("one of ").unwrap_or(expected);
                Self::new(Code::UnknownKey, "unknown key", format!("known here: {known}"))
            }
        } else if words.starts_with("unknown variant") {
            Self::new(Code::WrongValue, "not a value that is possible here", format!("write {expected}"))
        } else if words.starts_with("invalid ") && !expected.is_empty() {
            let found = found.map_or("a value", describe);
            let message = format!("{found} that is not possible here");
            Self::new(Code::WrongValue, message, format!("write {}", plain(expected)))
        } else {
            return None;
        };
        Some((key.clone(), flaw))
    }

    fn inline_secret(key: &Key) -> Self {
        let name = key.name();
        Self::new(
            Code::Unsafe,
            "a secret must not be in the configuration",
            format!(
                "put it into a file and name that with {name}-file, or into a variable and name that with {name}-env"
            ),
        )
    }

    fn new(code: Code, message: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { code, message: message.into(), remedy: remedy.into() }
    }
}

/// The words without the value, should they quote it.
fn without(found: Option<&Value>, words: &str) -> String {
    let text = found.and_then(Value::as_str).filter(|text| !text.is_empty());
    text.map_or_else(|| words.to_owned(), |text| words.replace(text, "…"))
}

fn looks_secret(key: &Key) -> bool {
    ["secret", "password", "token", "api-key", "private-key"].iter().any(|word| key.name().contains(word))
}

fn describe(value: &Value) -> &'static str {
    match value {
        Value::Null => "nothing",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "a table",
    }
}

/// What serde expected, in the words of TOML.
fn plain(expected: &str) -> &str {
    match expected {
        "u8" | "u16" | "u32" | "u64" | "usize" => "a whole number, not negative",
        "a boolean" => "true or false",
        "a string" | "path string" => "a text in quotes",
        "a sequence" => "a list in [brackets]",
        "a map" => "a table",
        expected if expected.starts_with("struct ") => "a table",
        expected => expected,
    }
}
