//! What a PUT keeps although it leaves it out: attributes that the client cannot have read (RFC 7644 §3.5.1 clears what
//! is omitted, but nobody can send back what is never shown).

use std::collections::HashMap;

use serde_json::Value;

use super::{Draft, check::check};
use crate::scim::{
    Error, Object,
    schema::{Attribute, ResourceType},
};

/// Puts what the client cannot have seen, and did not clear by name, from the resource as it is into its replacement.
/// An extension or complex value that is left out goes as a whole, unless the client saw nothing of it.
///
/// # Errors
/// `invalidValue` when a required attribute has no value even so.
pub fn keep_unseen(resource_type: &ResourceType, before: &Object, draft: &mut Draft) -> Result<(), Error> {
    let Draft { attributes, cleared, .. } = draft;
    let is_cleared = |urn: Option<&str>, name: &str| {
        cleared.iter().any(|(extension, cleared)| extension.as_deref() == urn && cleared == name)
    };
    keep(&resource_type.schema.attributes, before, attributes, &|name| is_cleared(None, name));
    for (schema, _) in &resource_type.extensions {
        let urn = Some(&*schema.id);
        if !is_cleared(urn, "") {
            keep_object(&schema.id, &schema.attributes, before, attributes, &|name| is_cleared(urn, name));
        }
    }
    if draft.lacks_unseen { check(resource_type, &draft.attributes) } else { Ok(()) }
}

/// What a value clears by name although its client cannot have read it: the attribute, or parts as `name.part`. An
/// element of a list is whole or not there.
pub(super) fn cleared(attribute: &Attribute, value: &Value) -> Vec<String> {
    match value {
        value if attribute.is_unseen() => Vec::from_iter(is_absent(value).then(|| attribute.name.clone())),
        Value::Object(parts) => {
            let absent = parts.iter().filter(|(_, value)| is_absent(value));
            let unseen = absent.filter_map(|(name, _)| attribute.sub_attribute(name)).filter(|part| part.is_unseen());
            unseen.map(|part| format!("{}.{}", attribute.name, part.name)).collect()
        }
        _ => Vec::new(),
    }
}

/// Whether a value says that there is none (RFC 7643 §2.5).
fn is_absent(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(elements) => elements.is_empty(),
        Value::Bool(_) | Value::Number(_) | Value::Object(_) => false,
    }
}

fn keep(definitions: &[Attribute], before: &Object, after: &mut Object, is_cleared: &dyn Fn(&str) -> bool) {
    for definition in definitions {
        let name = &definition.name;
        if definition.is_unseen() {
            if let Some(old) = before.get(name)
                && !after.contains_key(name)
                && !is_cleared(name)
            {
                after.insert(name.clone(), old.clone());
            }
            continue;
        }
        match before.get(name) {
            Some(_) if !definition.sub_attributes.iter().any(Attribute::is_unseen) => {}
            Some(Value::Array(old)) => {
                if let Some(Value::Array(new)) = after.get_mut(name) {
                    keep_in_elements(&definition.sub_attributes, old, new);
                }
            }
            Some(_) => keep_object(name, &definition.sub_attributes, before, after, &|part| {
                is_cleared(&format!("{name}.{part}"))
            }),
            None => {}
        }
    }
}

/// Keeps parts of the object at that name.
fn keep_object(
    name: &str,
    definitions: &[Attribute],
    before: &Object,
    after: &mut Object,
    is_cleared: &dyn Fn(&str) -> bool,
) {
    let Some(Value::Object(old)) = before.get(name) else { return };
    match after.get_mut(name) {
        Some(Value::Object(new)) => keep(definitions, old, new, is_cleared),
        Some(_) => {}
        None if seen(definitions, old).is_empty() => {
            let mut new = Object::new();
            keep(definitions, old, &mut new, is_cleared);
            if !new.is_empty() {
                after.insert(name.to_owned(), Value::Object(new));
            }
        }
        None => {}
    }
}

/// An element that is the same as far as it can be seen keeps the rest.
fn keep_in_elements(definitions: &[Attribute], old: &[Value], new: &mut [Value]) {
    let objects = old.iter().filter_map(Value::as_object);
    let by_seen: HashMap<Value, &Object> = objects.map(|old| (seen(definitions, old).into(), old)).collect();
    for element in new.iter_mut().filter_map(Value::as_object_mut) {
        if let Some(old) = by_seen.get(&Value::Object(element.clone())) {
            keep(definitions, old, element, &|_| false);
        }
    }
}

/// The part of a value that a client can have read.
fn seen(definitions: &[Attribute], object: &Object) -> Object {
    let is_unseen = |name: &str| definitions.iter().any(|one| one.name == name && one.is_unseen());
    object.iter().filter(|(name, _)| !is_unseen(name)).map(|(name, value)| (name.clone(), value.clone())).collect()
}
