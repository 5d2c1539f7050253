//! Values as text, as nothing, in the wrong shape: brought to the type that the schema gives their attribute.

use serde_json::{Value, json};

use super::{members, names, roles};
use crate::{
    dialect::Quirks,
    scim::{
        Object,
        schema::{Attribute, AttributeType},
    },
};

/// Where a value stands: decides which entry of the catalogue an odd spelling is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// In the body of a POST or PUT.
    Body,
    /// In an operation of a PATCH.
    Patch,
}

/// Brings an object's values to their types; an object with two spellings of a name is left alone. Values that say
/// nothing are left out; their names are returned, because in a PATCH they clear what was there.
pub(super) fn attributes<'a>(
    attributes: &'a [Attribute],
    object: &mut Object,
    place: Place,
    quirks: &mut Quirks,
) -> Vec<&'a str> {
    let mut unassigned = Vec::new();
    if !names::respell(attributes, object, quirks) {
        return unassigned;
    }
    for attribute in attributes {
        let Some(value) = object.remove(&attribute.name) else { continue };
        match assigned(attribute, value, place, quirks) {
            Some(value) => _ = object.insert(attribute.name.clone(), value),
            None => unassigned.push(attribute.name.as_str()),
        }
    }
    unassigned
}

/// An attribute's value in its type; `None` for one that says nothing: null, an empty text, an object of such.
pub(super) fn assigned(attribute: &Attribute, value: Value, place: Place, quirks: &mut Quirks) -> Option<Value> {
    let is_complex = attribute.kind == AttributeType::Complex;
    match value {
        Value::Array(items) if attribute.multi_valued => Some(elements(attribute, items, place, quirks)),
        // Emptied, not left out: a PUT without members keeps them.
        Value::Null if members::is_members(attribute) => {
            quirks.met(null_quirk(attribute, place));
            Some(json!([]))
        }
        // Emptied, not left out: a PUT keeps what its client cannot have read.
        Value::Null if attribute.is_unseen() => Some(Value::Null),
        value if attribute.multi_valued => {
            let is_bare = is_complex && value.is_string();
            let value = single(attribute, value, place, quirks)?;
            if !is_bare {
                quirks.met("OT-04");
            }
            Some(json!([value]))
        }
        Value::Array(mut items) if is_complex && matches!(&*items, [Value::Object(_) | Value::String(_)]) => {
            quirks.met("EN-19");
            single(attribute, items.pop()?, place, quirks)
        }
        value => single(attribute, value, place, quirks),
    }
}

fn elements(attribute: &Attribute, items: Vec<Value>, place: Place, quirks: &mut Quirks) -> Value {
    items.into_iter().filter_map(|item| single(attribute, item, place, quirks)).collect()
}

/// One value, or one element of a multi-valued attribute, in its type.
pub(super) fn single(attribute: &Attribute, value: Value, place: Place, quirks: &mut Quirks) -> Option<Value> {
    match (attribute.kind, value) {
        (_, Value::Null) => {
            quirks.met(null_quirk(attribute, place));
            None
        }
        (_, Value::String(text)) if text.is_empty() => {
            quirks.met(empty_quirk(attribute, place));
            None
        }
        (AttributeType::Complex, Value::Object(object)) => complex(attribute, object, place, quirks),
        (AttributeType::Complex, Value::String(text)) if names::has(&attribute.sub_attributes, "value") => {
            quirks.met(bare_quirk(attribute, place));
            let mut object = Object::new();
            object.insert("value".to_owned(), text.into());
            complex(attribute, object, place, quirks)
        }
        (AttributeType::Boolean, Value::String(text)) => Some(boolean(attribute, text, place, quirks)),
        (AttributeType::Integer | AttributeType::Decimal, Value::String(text)) => Some(number(text, quirks)),
        (_, value) => Some(value),
    }
}

fn complex(attribute: &Attribute, mut object: Object, place: Place, quirks: &mut Quirks) -> Option<Value> {
    let was_empty = object.is_empty();
    names::respell_aliases(attribute, &mut object, quirks);
    if roles::is_roles(attribute) {
        roles::tidy(&mut object, quirks);
    }
    // An empty `value` says that there is none, whatever else stands beside it: Entra unassigns a manager so, and
    // templates say it of a telephone that a user has not.
    match object.get("value") {
        Some(Value::String(text)) if text.is_empty() && (attribute.multi_valued || attribute.name == "manager") => {
            quirks.met(empty_quirk(attribute, place));
            return None;
        }
        Some(Value::Null) if attribute.multi_valued => {
            quirks.met(null_quirk(attribute, place));
            return None;
        }
        _ => {}
    }
    // A PATCH keeps the sub-attributes that it does not name and clears those that it names as null. No client means to
    // clear a `$ref`: it follows from the value.
    let clears = place == Place::Patch && !attribute.multi_valued;
    let mut cleared: Vec<&str> = Vec::new();
    if clears {
        // Null is the RFC's own word for it.
        object.retain(|key, value| match names::find(&attribute.sub_attributes, key) {
            Some(sub) if value.is_null() && sub.name != "$ref" => {
                cleared.push(&sub.name);
                false
            }
            _ => true,
        });
    }
    let unassigned = attributes(&attribute.sub_attributes, &mut object, place, quirks);
    if clears {
        cleared.extend(unassigned.into_iter().filter(|name| *name != "$ref"));
        for name in cleared {
            object.entry(name).or_insert(Value::Null);
        }
    }
    (was_empty || !object.is_empty()).then_some(Value::Object(object))
}

fn boolean(attribute: &Attribute, text: String, place: Place, quirks: &mut Quirks) -> Value {
    let Some(boolean) = boolean_of(&text) else { return text.into() };
    quirks.met(match text.as_str() {
        "True" | "False" => "EN-03",
        "true" | "false" if place == Place::Body && attribute.name == "active" => "OT-02",
        _ => "EN-04",
    });
    boolean.into()
}

/// The boolean that a text spells, in any letter case.
pub(super) fn boolean_of(text: &str) -> Option<bool> {
    [true, false].into_iter().find(|boolean| text.eq_ignore_ascii_case(if *boolean { "true" } else { "false" }))
}

fn number(text: String, quirks: &mut Quirks) -> Value {
    match text.parse::<serde_json::Number>() {
        Ok(number) => {
            quirks.met("EN-03");
            number.into()
        }
        Err(_) => text.into(),
    }
}

fn null_quirk(attribute: &Attribute, place: Place) -> &'static str {
    match (attribute.name.as_str(), place) {
        ("$ref", _) => "EN-13",
        ("display", _) => "OK-23",
        (_, Place::Body) => "EN-36",
        (_, Place::Patch) => "EN-54",
    }
}

fn empty_quirk(attribute: &Attribute, place: Place) -> &'static str {
    match (attribute.name.as_str(), place) {
        ("manager", _) => "EN-20",
        (_, Place::Body) => "OK-47",
        (_, Place::Patch) => "EN-53",
    }
}

fn bare_quirk(attribute: &Attribute, place: Place) -> &'static str {
    match (attribute.name.as_str(), place) {
        ("manager", Place::Body) => "EN-22",
        ("manager", Place::Patch) => "EN-18",
        _ => "EN-14",
    }
}
