//! Reading a body as JSON, with what serde_json lets pass refused: duplicate keys and deep nesting.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::{Number, Value};

use super::{Error, Object, ScimType};

/// The deepest nesting of a body. SCIM's own is 5: resource, extension, attribute, element, sub-attribute.
pub const DEPTH_MAX: usize = 32;

/// Parses a body.
///
/// # Errors
/// `invalidSyntax` for text that is no JSON, for a key that stands twice in one object and for nesting deeper than
/// [`DEPTH_MAX`].
pub fn parse(body: &[u8]) -> Result<Value, Error> {
    let refuse = |error: serde_json::Error| {
        // The parser's message may quote a key; its position says enough without.
        let reason = if error.is_data() { error.to_string() } else { "the body is not valid JSON".to_owned() };
        Error::of(
            ScimType::InvalidSyntax,
            match error.is_data() {
                true => reason,
                false => format!("{reason} (line {}, column {})", error.line(), error.column()),
            },
        )
    };
    let mut deserializer = serde_json::Deserializer::from_slice(body);
    let value = Node { depth: DEPTH_MAX }.deserialize(&mut deserializer).map_err(refuse)?;
    deserializer.end().map_err(refuse)?;
    Ok(value)
}

/// Takes the value of that name out of a message; names compare without case.
///
/// # Errors
/// `invalidSyntax` where the name stands twice.
pub(super) fn take(object: &mut Object, name: &str) -> Result<Option<Value>, Error> {
    let mut keys = object.keys().filter(|key| key.eq_ignore_ascii_case(name));
    let key = keys.next().cloned();
    if keys.next().is_some() {
        let detail = format!("{name}: given twice; names compare without case");
        return Err(Error::of(ScimType::InvalidSyntax, detail));
    }
    Ok(key.and_then(|key| object.remove(&key)))
}

struct Node {
    depth: usize,
}

impl Node {
    fn deeper<E: serde::de::Error>(&self) -> Result<Self, E> {
        match self.depth.checked_sub(1) {
            Some(depth) => Ok(Self { depth }),
            None => Err(E::custom(format_args!("the body is nested deeper than {DEPTH_MAX} levels"))),
        }
    }
}

impl<'de> DeserializeSeed<'de> for Node {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Node {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Value, E> {
        Number::from_f64(value).map(Value::Number).ok_or_else(|| E::custom("a number is out of range"))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Value, A::Error> {
        let mut array = Vec::new();
        while let Some(element) = elements.next_element_seed(self.deeper()?)? {
            array.push(element);
        }
        Ok(Value::Array(array))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut object = Object::new();
        while let Some(key) = entries.next_key::<String>()? {
            let value = entries.next_value_seed(self.deeper()?)?;
            if object.insert(key, value).is_some() {
                return Err(A::Error::custom("an object has the same key twice"));
            }
        }
        Ok(Value::Object(object))
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn bodies_are_read_or_refused_with_a_reason() {
        let deep = |levels: usize| format!("{}1{}", "[".repeat(levels), "]".repeat(levels));
        for (body, refused) in [
            (r#"{"a":[1,-2,0.5,"x",null,true]}"#.to_owned(), None),
            (r#"{"a":1,"a":2}"#.to_owned(), Some("the same key twice")),
            (r#"{"b":{"a":1,"a":1}}"#.to_owned(), Some("the same key twice")),
            (deep(DEPTH_MAX), None),
            (deep(DEPTH_MAX + 1), Some("nested deeper")),
            (deep(100_000), Some("nested deeper")),
            ("{} {}".to_owned(), Some("line 1")),
            ("<html>".to_owned(), Some("not valid JSON")),
            (String::new(), Some("not valid JSON")),
        ] {
            match (parse(body.as_bytes()), refused) {
                (Ok(value), None) => assert_eq!(value, serde_json::from_str::<Value>(&body).unwrap()),
                (Err(error), Some(reason)) => assert!(error.detail().contains(reason), "{}", error.detail()),
                (outcome, _) => panic!("{body:.40}: {outcome:?}"),
            }
        }
        assert!(parse(b"\"\xff\"").is_err());
    }
}
