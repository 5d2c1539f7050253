//! Values by the schema: checked, and in canonical form.

use std::collections::HashSet;

use base64::{
    Engine as _, alphabet,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use serde_json::Value;

use super::{Unknown, place::Place};
use crate::scim::{
    Error, Object, ScimType,
    schema::{Attribute, AttributeType, Mutability},
};

/// The most names of dropped attributes that are kept of one request.
pub(in crate::scim) const DROPPED_MAX: usize = 50;

/// The most values of one attribute, members apart, which are rows. Every operation of a PATCH may walk over all of them.
pub const VALUES_MAX: usize = 1_000;

/// What an absent value (null, `""`, `[]`; RFC 7643 §2.5) within a value becomes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(in crate::scim) enum Absent {
    /// Left out: a whole resource has no nulls.
    Omit,
    /// Kept as null: a PATCH clears with it.
    Null,
}

/// Reads attributes by their schema.
pub(in crate::scim) struct Reader<'a> {
    pub(in crate::scim) unknown: Unknown,
    pub(in crate::scim) dropped: &'a mut Vec<String>,
    pub(in crate::scim) absent: Absent,
}

impl Reader<'_> {
    /// The whole value of an attribute; `None` for an absent one.
    pub(in crate::scim) fn attribute(
        &mut self,
        attribute: &Attribute,
        value: Value,
        place: &Place<'_>,
    ) -> Result<Option<Value>, Error> {
        if !attribute.multi_valued {
            return self.element(attribute, value, place);
        }
        if let Value::Array(elements) = &value {
            check_count(elements, place)?;
        }
        self.elements(attribute, value, place)
    }

    /// All values of a multi-valued attribute, however many; `None` for an absent one.
    pub(in crate::scim) fn elements(
        &mut self,
        attribute: &Attribute,
        value: Value,
        place: &Place<'_>,
    ) -> Result<Option<Value>, Error> {
        let elements = match value {
            Value::Null => return Ok(None),
            Value::Array(elements) => elements,
            _ => return Err(expected(place, "an array")),
        };
        let mut kept = Vec::with_capacity(elements.len());
        for (index, element) in elements.into_iter().enumerate() {
            // Null clears a whole attribute; within an element it says no more than leaving the sub-attribute out.
            let mut reader = Reader { unknown: self.unknown, dropped: self.dropped, absent: Absent::Omit };
            kept.extend(reader.element(attribute, element, &Place::Element(place, index))?);
        }
        collapse(&mut kept);
        check_primary(attribute, &kept, place)?;
        Ok((!kept.is_empty()).then_some(Value::Array(kept)))
    }

    /// A group's members, however many. One that names nobody is refused: left out, it would make a list of them an
    /// empty one, which removes everybody. That is what only null and `[]` say.
    pub(in crate::scim) fn members(
        &mut self,
        attribute: &Attribute,
        value: Value,
        place: &Place<'_>,
    ) -> Result<Option<Value>, Error> {
        let names_nobody = |member: &Value| match member {
            Value::Null => true,
            Value::Object(member) => {
                let id = member.iter().find(|(key, _)| key.eq_ignore_ascii_case("value")).map(|(_, id)| id);
                id.is_none_or(|id| id.is_null() || id.as_str() == Some(""))
            }
            _ => false,
        };
        if let Value::Array(members) = &value
            && let Some(index) = members.iter().position(names_nobody)
        {
            let element = Place::Element(place, index);
            return Err(expected(&Place::Attribute(&element, "value"), "the id of a member"));
        }
        self.elements(attribute, value, place)
    }

    /// A single value of an attribute: that of a singular one, or an element of a multi-valued one.
    pub(in crate::scim) fn element(
        &mut self,
        attribute: &Attribute,
        value: Value,
        place: &Place<'_>,
    ) -> Result<Option<Value>, Error> {
        if attribute.kind != AttributeType::Complex {
            return simple(attribute.kind, value, place);
        }
        match value {
            Value::Null => Ok(None),
            Value::Object(object) => {
                let object = self.object(object, place, |name| attribute.sub_attribute(name))?;
                // An object that names nothing clears nothing in a PATCH, and is absent in a resource.
                let says_something = !object.is_empty() || self.absent == Absent::Null;
                Ok(says_something.then_some(Value::Object(object)))
            }
            _ => Err(expected(place, "an object")),
        }
    }

    /// The attributes of an object: of an extension, of a complex value.
    pub(in crate::scim) fn object<'s>(
        &mut self,
        object: Object,
        place: &Place<'_>,
        find: impl Fn(&str) -> Option<&'s Attribute>,
    ) -> Result<Object, Error> {
        let mut names = Names::default();
        let mut read = Object::new();
        for (key, value) in object {
            let Some(attribute) = find(&key) else {
                self.unknown(&Place::Attribute(place, &key))?;
                continue;
            };
            let place = Place::Attribute(place, &attribute.name);
            names.once(&attribute.name, &place)?;
            if attribute.mutability == Mutability::ReadOnly {
                continue;
            }
            let value = self.attribute(attribute, value, &place)?;
            self.put(&mut read, attribute, value);
        }
        Ok(read)
    }

    /// Puts a value that was read where it belongs, or what stands for an absent one.
    pub(in crate::scim) fn put(&self, object: &mut Object, attribute: &Attribute, value: Option<Value>) {
        match (value, self.absent) {
            (Some(value), _) => {
                object.insert(attribute.name.clone(), value);
            }
            (None, Absent::Null) => {
                object.insert(attribute.name.clone(), Value::Null);
            }
            (None, Absent::Omit) => {}
        }
    }

    /// Drops or refuses what the schema does not know.
    pub(in crate::scim) fn unknown(&mut self, place: &Place<'_>) -> Result<(), Error> {
        match self.unknown {
            Unknown::Refuse => {
                Err(Error::of(ScimType::InvalidSyntax, format!("{place}: the schema has no such attribute")))
            }
            Unknown::Drop => {
                if self.dropped.len() < DROPPED_MAX {
                    self.dropped.push(place.to_string());
                }
                Ok(())
            }
        }
    }
}

/// Refuses a name that an object has twice in different case.
#[derive(Default)]
pub(in crate::scim) struct Names(HashSet<String>);

impl Names {
    /// Notes a name in the schema's spelling.
    pub(in crate::scim) fn once(&mut self, name: &str, place: &Place<'_>) -> Result<(), Error> {
        if self.0.insert(name.to_owned()) {
            Ok(())
        } else {
            Err(Error::of(ScimType::InvalidSyntax, format!("{place}: given twice; names compare without case")))
        }
    }
}

/// A value of a simple type; `None` for null and the empty string.
fn simple(kind: AttributeType, value: Value, place: &Place<'_>) -> Result<Option<Value>, Error> {
    if value.is_null() {
        return Ok(None);
    }
    let expectation = match kind {
        AttributeType::String | AttributeType::Reference => "a string",
        AttributeType::Boolean => "true or false",
        AttributeType::Decimal => "a number",
        AttributeType::Integer => "a number without fraction",
        AttributeType::DateTime => "a date and time with a zone, such as 2026-01-31T09:30:00Z",
        AttributeType::Binary => "a string in base64",
        AttributeType::Complex => "an object",
    };
    let fits = match (&value, kind) {
        (Value::String(text), _) if text.is_empty() => return Ok(None),
        (Value::String(text), _) if text.contains('\0') => {
            return Err(Error::of(ScimType::InvalidValue, format!("{place}: contains the character U+0000")));
        }
        (Value::String(_), AttributeType::String | AttributeType::Reference)
        | (Value::Bool(_), AttributeType::Boolean)
        | (Value::Number(_), AttributeType::Decimal) => true,
        (Value::Number(number), AttributeType::Integer) => number.is_i64() || number.is_u64(),
        (Value::String(text), AttributeType::DateTime) => is_date_time(text),
        (Value::String(text), AttributeType::Binary) => is_base64(text),
        _ => false,
    };
    if fits { Ok(Some(value)) } else { Err(expected(place, expectation)) }
}

/// Whether a text is an `xsd:dateTime` with a zone (RFC 7643 §2.3.5).
fn is_date_time(text: &str) -> bool {
    text.as_bytes().get(10) == Some(&b'T') && !text.contains('[') && text.parse::<jiff::Timestamp>().is_ok()
}

/// Either alphabet, with or without padding (errata 5606 and 8435 of RFC 7643).
fn is_base64(text: &str) -> bool {
    const LIBERAL: GeneralPurposeConfig =
        GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
    const STANDARD: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, LIBERAL);
    const URL_SAFE: GeneralPurpose = GeneralPurpose::new(&alphabet::URL_SAFE, LIBERAL);
    STANDARD.decode(text).is_ok() || URL_SAFE.decode(text).is_ok()
}

/// Whether a canonical value is one of the attribute.
pub(in crate::scim) fn fits(attribute: &Attribute, value: &Value) -> bool {
    let mut reader = Reader { unknown: Unknown::Refuse, dropped: &mut Vec::new(), absent: Absent::Omit };
    reader.attribute(attribute, value.clone(), &Place::Root).is_ok()
}

/// Removes elements that are equal to an earlier one.
pub(in crate::scim) fn collapse(elements: &mut Vec<Value>) {
    if elements.len() > 1 {
        let mut seen = HashSet::with_capacity(elements.len());
        let mut is_new = elements.iter().map(|element| seen.insert(element)).collect::<Vec<_>>().into_iter();
        elements.retain(|_| is_new.next() == Some(true));
    }
}

/// Refuses more values than an attribute may have.
pub(in crate::scim) fn check_count(elements: &[Value], place: &Place<'_>) -> Result<(), Error> {
    if elements.len() > VALUES_MAX {
        return Err(Error::of(ScimType::InvalidValue, format!("{place}: more than {VALUES_MAX} values")));
    }
    Ok(())
}

/// Whether an element is marked as the primary one.
pub(in crate::scim) fn is_primary(element: &Value) -> bool {
    element.get("primary") == Some(&Value::Bool(true))
}

/// At most one element is primary (RFC 7643 §2.4).
pub(super) fn check_primary(attribute: &Attribute, elements: &[Value], place: &Place<'_>) -> Result<(), Error> {
    let has_primary = attribute.sub_attribute("primary").is_some_and(|sub| sub.kind == AttributeType::Boolean);
    if has_primary && elements.iter().filter(|element| is_primary(element)).count() > 1 {
        return Err(Error::of(ScimType::InvalidValue, format!("{place}: more than one element is primary")));
    }
    Ok(())
}

/// `invalidValue` that names the place and what belongs there, never what was there.
pub(in crate::scim) fn expected(place: &Place<'_>, what: &str) -> Error {
    Error::of(ScimType::InvalidValue, format!("{place}: expected {what}"))
}
