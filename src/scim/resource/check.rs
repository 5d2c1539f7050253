//! What must hold for a whole resource, however it came to be.

use serde_json::Value;

use super::{canonical::check_primary, place::Place};
use crate::scim::{
    Error, Object, ScimType,
    schema::{Attribute, Mutability, ResourceType},
};

/// Checks a whole canonical resource: required attributes are there, at most one `primary`.
///
/// # Errors
/// `invalidValue` with the path of the attribute.
pub fn check(resource_type: &ResourceType, attributes: &Object) -> Result<(), Error> {
    Checking { unseen: Unseen::Required }.resource(resource_type, attributes)
}

/// As [`check`], but required attributes that a client cannot read may lack a value; whether any does.
///
/// # Errors
/// `invalidValue` with the path of the attribute.
pub(super) fn check_seen(resource_type: &ResourceType, attributes: &Object) -> Result<bool, Error> {
    let mut checking = Checking { unseen: Unseen::Optional { is_lacking: false } };
    checking.resource(resource_type, attributes)?;
    Ok(checking.unseen == Unseen::Optional { is_lacking: true })
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

/// What is asked of required attributes that a client cannot read.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Unseen {
    Required,
    Optional { is_lacking: bool },
}

struct Checking {
    unseen: Unseen,
}

impl Checking {
    fn resource(&mut self, resource_type: &ResourceType, attributes: &Object) -> Result<(), Error> {
        self.object(&resource_type.schema.attributes, attributes, &Place::Root)?;
        for (extension, required) in &resource_type.extensions {
            let place = Place::Extension(&extension.id);
            match attributes.get(&extension.id) {
                Some(Value::Object(object)) => self.object(&extension.attributes, object, &place)?,
                _ if *required => self.missing(extension.attributes.iter().any(Attribute::is_unseen), &place)?,
                _ => {}
            }
        }
        Ok(())
    }

    fn object(&mut self, attributes: &[Attribute], object: &Object, place: &Place<'_>) -> Result<(), Error> {
        for attribute in attributes {
            let place = Place::Attribute(place, &attribute.name);
            match object.get(&attribute.name) {
                // The service provider gives read-only attributes their values.
                None if attribute.required && attribute.mutability != Mutability::ReadOnly => {
                    self.missing(attribute.is_unseen(), &place)?;
                }
                None => {}
                Some(Value::Array(elements)) => {
                    check_primary(attribute, elements, &place)?;
                    for (index, element) in elements.iter().enumerate() {
                        self.sub_attributes(attribute, element, &Place::Element(&place, index))?;
                    }
                }
                Some(value) => self.sub_attributes(attribute, value, &place)?,
            }
        }
        Ok(())
    }

    fn sub_attributes(&mut self, attribute: &Attribute, value: &Value, place: &Place<'_>) -> Result<(), Error> {
        for sub in &attribute.sub_attributes {
            if sub.required && sub.mutability != Mutability::ReadOnly && value.get(&sub.name).is_none() {
                self.missing(sub.is_unseen(), &Place::Attribute(place, &sub.name))?;
            }
        }
        Ok(())
    }

    /// A required value is missing.
    fn missing(&mut self, is_unseen: bool, place: &Place<'_>) -> Result<(), Error> {
        match &mut self.unseen {
            Unseen::Optional { is_lacking } if is_unseen => {
                *is_lacking = true;
                Ok(())
            }
            Unseen::Optional { .. } | Unseen::Required => {
                Err(Error::of(ScimType::InvalidValue, format!("{place}: required and has no value")))
            }
        }
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

fn immutable(place: &Place<'_>) -> Error {
    Error::of(ScimType::Mutability, format!("{place}: immutable and has a value already"))
}
