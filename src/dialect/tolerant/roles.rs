//! Roles as Entra's app role mappings write them.

use serde_json::{Value, json};

use super::values;
use crate::{
    dialect::Quirks,
    scim::{Object, schema::Attribute},
};

pub(super) fn is_roles(attribute: &Attribute) -> bool {
    attribute.name == "roles"
}

/// Takes a role out of the JSON text that Entra puts into `value`, and reads `primary` as text. The text's `id` is left
/// out: the ids of POST and PATCH differ, and a role is known by its value.
pub(super) fn tidy(role: &mut Object, quirks: &mut Quirks) {
    if let Some(Value::String(text)) = role.get("primary")
        && let Some(primary) = values::boolean_of(text)
    {
        quirks.met("EN-27");
        role.insert("primary".to_owned(), json!(primary));
    }
    if let Some(Value::String(text)) = role.get("value")
        && let Some((value, display)) = described(text)
    {
        quirks.met("EN-25");
        role.insert("value".to_owned(), value);
        if let Some(display) = display {
            role.entry("display").or_insert(display);
        }
    }
}

/// Whether one of these roles is described by a JSON text.
pub(super) fn any_described(roles: &Value) -> bool {
    let is_described = |role: &Value| role.get("value").and_then(Value::as_str).and_then(described).is_some();
    match roles {
        Value::Array(roles) => roles.iter().any(is_described),
        role => is_described(role),
    }
}

/// The role that a JSON text describes, and its name.
fn described(text: &str) -> Option<(Value, Option<Value>)> {
    let Ok(Value::Object(mut described)) = serde_json::from_str(text) else { return None };
    let value = described.remove("value").filter(Value::is_string)?;
    let display = described.remove("displayName").or_else(|| described.remove("display"));
    Some((value, display.filter(Value::is_string)))
}
