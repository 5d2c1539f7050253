//! Members, of which a misread request would remove too many.

use serde_json::Value;

use crate::scim::{
    Error, Object, ScimType,
    schema::{Attribute, ResourceType},
};

pub(super) fn is_members(attribute: &Attribute) -> bool {
    attribute.name == "members"
}

/// Checks the members in an object, where it has some.
///
/// # Errors
/// As [`check`].
pub(super) fn check_within(resource_type: &ResourceType, object: &Object) -> Result<(), Error> {
    let attributes = &resource_type.schema.attributes;
    match attributes.iter().find(|attribute| is_members(attribute)).and_then(|members| named(object, &members.name)) {
        Some(members) => check(members),
        None => Ok(()),
    }
}

/// Checks that members name somebody. Left out as saying nothing, nameless members would make a list of them an empty
/// one, which removes everybody. That is what only null and `[]` say.
///
/// # Errors
/// `invalidValue`.
pub(super) fn check(members: &Value) -> Result<(), Error> {
    let is_named = |member: &Value| match member {
        Value::String(id) => !id.is_empty(),
        Value::Object(member) => named(member, "value").and_then(Value::as_str).is_some_and(|id| !id.is_empty()),
        // Of another type: the parser refuses it.
        other => !other.is_null(),
    };
    let are_named = match members {
        Value::Null => true,
        Value::Array(members) => members.iter().all(is_named),
        member => is_named(member),
    };
    if are_named { Ok(()) } else { Err(Error::of(ScimType::InvalidValue, "members: expected each to have a value")) }
}

fn named<'a>(object: &'a Object, name: &str) -> Option<&'a Value> {
    object.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value)
}

/// The filters of removals that list what to remove (EN-12), so that nothing else goes: one an
/// element of the attribute.
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
    let text = |name: &str| named(object, name).and_then(Value::as_str);
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
