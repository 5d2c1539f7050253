//! What must hold for a whole resource, however it came to be.

use serde_json::Value;

use super::{canonical::check_primary, place::Place};
use crate::scim::{
    Error, Object, ScimType,
    schema::{Attribute, Mutability, ResourceType},
};

/// Checks a whole canonical resource after a PATCH: required attributes are there, at most one `primary`.
///
/// # Errors
/// `invalidValue` with the path of the attribute.
pub fn check(resource_type: &ResourceType, attributes: &Object) -> Result<(), Error> {
    check_object(&resource_type.schema.attributes, attributes, &Place::Root)?;
    for (extension, required) in &resource_type.extensions {
        let place = Place::Extension(&extension.id);
        match attributes.get(&extension.id) {
            Some(Value::Object(object)) => check_object(&extension.attributes, object, &place)?,
            _ if *required => return Err(missing(&place)),
            _ => {}
        }
    }
    Ok(())
}

/// The most that a resource may be in bytes of JSON, a group's members apart, which are rows.
pub const BYTES_MAX: usize = 1024 * 1024;

/// Checks the size of a resource's attributes: small changes, one after another, may not make it larger than a body is.
///
/// # Errors
/// 413 that names the limit.
pub fn check_size(bytes: usize) -> Result<(), Error> {
    if bytes > BYTES_MAX {
        return Err(Error::too_large(format!("the resource would be larger than {BYTES_MAX} bytes")));
    }
    Ok(())
}

/// Checks that a replacement keeps the values of immutable attributes (RFC 7644 §3.5.1): a value may be given once,
/// and then neither change nor go.
///
/// # Errors
/// `mutability` with the path of the attribute.
pub fn check_immutable(resource_type: &ResourceType, before: &Object, after: &Object) -> Result<(), Error> {
    check_kept(&resource_type.schema.attributes, before, after, &Place::Root)?;
    let none = Object::new();
    for (extension, _) in &resource_type.extensions {
        if let Some(before) = before.get(&extension.id).and_then(Value::as_object) {
            let after = after.get(&extension.id).and_then(Value::as_object).unwrap_or(&none);
            check_kept(&extension.attributes, before, after, &Place::Extension(&extension.id))?;
        }
    }
    Ok(())
}

fn check_object(attributes: &[Attribute], object: &Object, place: &Place<'_>) -> Result<(), Error> {
    for attribute in attributes {
        let place = Place::Attribute(place, &attribute.name);
        match object.get(&attribute.name) {
            // The service provider gives read-only attributes their values.
            None if attribute.required && attribute.mutability != Mutability::ReadOnly => return Err(missing(&place)),
            None => {}
            Some(Value::Array(elements)) => {
                check_primary(attribute, elements, &place)?;
                for (index, element) in elements.iter().enumerate() {
                    check_sub_attributes(attribute, element, &Place::Element(&place, index))?;
                }
            }
            Some(value) => check_sub_attributes(attribute, value, &place)?,
        }
    }
    Ok(())
}

fn check_sub_attributes(attribute: &Attribute, value: &Value, place: &Place<'_>) -> Result<(), Error> {
    let absent =
        |sub: &&Attribute| sub.required && sub.mutability != Mutability::ReadOnly && value.get(&sub.name).is_none();
    match attribute.sub_attributes.iter().find(absent) {
        Some(sub) => Err(missing(&Place::Attribute(place, &sub.name))),
        None => Ok(()),
    }
}

fn check_kept(attributes: &[Attribute], before: &Object, after: &Object, place: &Place<'_>) -> Result<(), Error> {
    for attribute in attributes {
        let Some(old) = before.get(&attribute.name) else { continue };
        let new = after.get(&attribute.name);
        let place = Place::Attribute(place, &attribute.name);
        if attribute.mutability == Mutability::Immutable && new != Some(old) {
            return Err(immutable(&place));
        }
        if let (Some(Value::Object(new)), Value::Object(old)) = (new, old) {
            for sub in attribute.sub_attributes.iter().filter(|sub| sub.mutability == Mutability::Immutable) {
                if old.get(&sub.name).is_some_and(|old| new.get(&sub.name) != Some(old)) {
                    return Err(immutable(&Place::Attribute(&place, &sub.name)));
                }
            }
        }
    }
    Ok(())
}

fn missing(place: &Place<'_>) -> Error {
    Error::of(ScimType::InvalidValue, format!("{place}: required and has no value"))
}

fn immutable(place: &Place<'_>) -> Error {
    Error::of(ScimType::Mutability, format!("{place}: immutable and has a value already"))
}
