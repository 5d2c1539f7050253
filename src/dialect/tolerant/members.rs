//! Removals that list what to remove (EN-12): each becomes a removal by a filter, so that nothing else goes.

use serde_json::Value;

use crate::scim::{Error, ScimType, schema::Attribute};

pub(super) fn is_members(attribute: &Attribute) -> bool {
    attribute.name == "members"
}

/// The filters that select the listed elements of an attribute, one an element.
///
/// # Errors
/// `invalidValue` for an element that names nothing to compare: removing nothing would be a lie, removing all a loss.
pub(super) fn listed(attribute: &Attribute, value: Value) -> Result<Vec<String>, Error> {
    let items = match value {
        Value::Array(items) => items,
        item => vec![item],
    };
    items.iter().map(|item| element(attribute, item)).collect::<Option<_>>().ok_or_else(|| {
        Error::of(ScimType::InvalidValue, format!("an element of {} to remove has no value", attribute.name))
    })
}

fn element(attribute: &Attribute, item: &Value) -> Option<String> {
    let object = match item {
        Value::Object(object) => object,
        Value::String(text) => return equals("value", text),
        _ => return None,
    };
    let text = |name: &str| {
        object.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).and_then(|(_, value)| value.as_str())
    };
    let value = equals("value", text("value")?)?;
    // A member or role is known by its value alone; of two equal addresses only the listed type goes.
    match text("type") {
        Some(kind) if !matches!(attribute.name.as_str(), "members" | "roles") => {
            Some(format!("{} and {value}", equals("type", kind)?))
        }
        _ => Some(value),
    }
}

fn equals(name: &str, text: &str) -> Option<String> {
    (!text.is_empty()).then(|| format!("{name} eq {}", Value::from(text)))
}
