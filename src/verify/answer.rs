//! An answer, as checks look at it.

use http::HeaderMap;
use serde_json::Value;

use crate::client::Response;

/// An answer.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    headers: HeaderMap,
    /// The body; null when there is none, or none that is JSON.
    pub(super) body: Value,
    /// Whether there is no body.
    pub(super) is_empty: bool,
}

impl From<Response> for Answer {
    fn from(response: Response) -> Self {
        Self {
            status: response.status,
            body: serde_json::from_slice(&response.body).unwrap_or_default(),
            is_empty: response.body.is_empty(),
            headers: response.headers,
        }
    }
}

impl Answer {
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The media type without its parameters.
    pub(super) fn media_type(&self) -> Option<String> {
        let value = self.header("content-type")?;
        Some(value.split(';').next().unwrap_or(value).trim().to_ascii_lowercase())
    }

    /// Whether the body says that it is of that schema.
    pub(super) fn has_schema(&self, urn: &str) -> bool {
        has_schema(&self.body, urn)
    }

    /// The value at a pointer, where it is text.
    pub(super) fn text(&self, pointer: &str) -> Option<&str> {
        text(&self.body, pointer)
    }

    /// The elements of a list.
    pub(super) fn resources(&self) -> Option<&[Value]> {
        self.body.get("Resources")?.as_array().map(Vec::as_slice)
    }
}

pub(super) fn has_schema(body: &Value, urn: &str) -> bool {
    body["schemas"].as_array().is_some_and(|schemas| schemas.iter().any(|schema| schema == urn))
}

pub(super) fn text<'a>(body: &'a Value, pointer: &str) -> Option<&'a str> {
    body.pointer(pointer)?.as_str()
}

/// The `id` of a resource; empty text where it has none.
pub(super) fn id(resource: &Value) -> &str {
    text(resource, "/id").unwrap_or_default()
}

/// The element of a multi-valued attribute that has that `type`.
pub(super) fn of_type<'a>(resource: &'a Value, attribute: &str, kind: &str) -> Option<&'a Value> {
    resource[attribute].as_array()?.iter().find(|element| element["type"] == kind)
}

/// The ids of a group's members.
pub(super) fn members(group: &Value) -> Vec<&str> {
    let members = group["members"].as_array().map(Vec::as_slice).unwrap_or_default();
    members.iter().filter_map(|member| member["value"].as_str()).collect()
}

/// Whether nothing is there: absent, null, empty text, an empty list or object.
pub(super) fn is_unassigned(value: Option<&Value>) -> bool {
    match value {
        None | Some(Value::Null) => true,
        Some(Value::String(text)) => text.is_empty(),
        Some(Value::Array(elements)) => elements.is_empty(),
        Some(Value::Object(parts)) => parts.values().all(|part| is_unassigned(Some(part))),
        Some(Value::Bool(_) | Value::Number(_)) => false,
    }
}
