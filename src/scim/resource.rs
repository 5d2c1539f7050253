//! Resources as clients send them, checked against the schema and brought to the canonical form.
//!
//! The canonical form is a JSON object with the schema's spelling: core attributes at the top, each extension under its
//! URN, `externalId` included; never `schemas`, `id`, `meta`, `password`, `members` or `groups`; no null, no empty
//! array, no empty object and no empty string (RFC 7643 §2.5). Canonical of canonical is the same.

mod canonical;
mod check;
mod place;
#[cfg(test)]
mod tests;
mod unseen;

use std::collections::HashMap;

use scim_connector::Secret;
use serde_json::Value;

pub use self::{
    canonical::VALUES_MAX,
    check::{BYTES_MAX, check, check_immutable, check_size},
    unseen::keep_unseen,
};
pub(in crate::scim) use self::{
    canonical::{Absent, DROPPED_MAX, Names, Reader, check_count, collapse, expected, fits, is_primary},
    place::Place,
};
use super::{
    Error, Object, ScimType,
    schema::{Attribute, Mutability, ResourceType},
};

/// A resource in the client's words, parsed.
#[derive(Clone, Debug, Default)]
pub struct Draft {
    /// The canonical attributes.
    pub attributes: Object,
    /// A group's members; `None` when the client did not name them, empty when it sent `[]` or null.
    pub members: Option<Vec<Member>>,
    /// The password, which is no part of the resource.
    pub password: Option<Secret>,
    /// The `id` that the client sent, to compare with the one in the URI.
    pub id: Option<String>,
    /// Whether a replacement leaves `externalId` as it is, whatever the attributes say.
    pub keeps_external_id: bool,
    /// Attributes that the client cannot have read and yet cleared by name, with their extension; a part of a value as
    /// `name.part`, and no name for the whole extension. See [`keep_unseen`].
    pub cleared: Vec<(Option<String>, String)>,
    /// Whether a required attribute has no value here that a replaced resource may have and the client not have read.
    pub lacks_unseen: bool,
}

/// A member as a client names it. `value` may name a resource that does not exist yet.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Member {
    /// The id of the member.
    pub value: String,
    /// `display`, returned as it came.
    pub display: Option<String>,
}

/// What to do with an attribute that the schema does not know.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Unknown {
    /// Leave it out and report its name.
    Drop,
    /// 400 `invalidSyntax`.
    Refuse,
}

/// Parses the body of a POST or PUT. Names compare without case; read-only attributes are ignored; types, required
/// attributes, canonical JSON forms and `primary` (at most one) are checked; a required attribute that a client cannot
/// read is only noted ([`Draft::lacks_unseen`]), since a replaced resource may have it. Names of dropped attributes are appended
/// to `dropped`, bounded.
///
/// # Errors
/// `invalidValue`, `invalidSyntax` with the path of the attribute.
pub fn parse(
    resource_type: &ResourceType,
    body: Value,
    unknown: Unknown,
    dropped: &mut Vec<String>,
) -> Result<Draft, Error> {
    let Value::Object(body) = body else {
        return Err(Error::of(ScimType::InvalidSyntax, "expected an object as the body"));
    };
    let mut reader = Reader { unknown, dropped, absent: Absent::Omit };
    let mut names = Names::default();
    let mut draft = Draft::default();
    for (key, value) in body {
        if let Some(extension) = resource_type.extension(&key) {
            let place = Place::Extension(&extension.id);
            names.once(&extension.id, &place)?;
            let object = match value {
                Value::Null => {
                    draft.cleared.push((Some(extension.id.clone()), String::new()));
                    continue;
                }
                Value::Object(object) => {
                    for (name, value) in &object {
                        let cleared = extension.attribute(name).map(|attribute| unseen::cleared(attribute, value));
                        let cleared = cleared.into_iter().flatten();
                        draft.cleared.extend(cleared.map(|path| (Some(extension.id.clone()), path)));
                    }
                    reader.object(object, &place, |name| extension.attribute(name))?
                }
                _ => return Err(expected(&place, "an object")),
            };
            if !object.is_empty() {
                draft.attributes.insert(extension.id.clone(), Value::Object(object));
            }
            continue;
        }
        let Some(attribute) = resource_type.attribute(&key) else {
            reader.unknown(&Place::Attribute(&Place::Root, &key))?;
            continue;
        };
        let place = Place::Attribute(&Place::Root, &attribute.name);
        names.once(&attribute.name, &place)?;
        match Special::of(resource_type, attribute) {
            Some(Special::Members) => {
                let value = reader.members(attribute, value, &place)?.unwrap_or_default();
                draft.members = Some(members(value, &place)?);
            }
            Some(Special::Password) => {
                draft.password = reader.attribute(attribute, value, &place)?.and_then(password);
            }
            None if attribute.name == "schemas" => check_schemas(resource_type, &value, unknown)?,
            None if attribute.name == "id" => {
                draft.id = value.as_str().filter(|id| !id.is_empty()).map(str::to_owned);
            }
            None if attribute.mutability == Mutability::ReadOnly => {}
            None => {
                draft.cleared.extend(unseen::cleared(attribute, &value).into_iter().map(|path| (None, path)));
                let value = reader.attribute(attribute, value, &place)?;
                reader.put(&mut draft.attributes, attribute, value);
            }
        }
    }
    draft.lacks_unseen = check::check_seen(resource_type, &draft.attributes)?;
    Ok(draft)
}

/// A core attribute that is no part of the canonical form.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in crate::scim) enum Special {
    /// A group's members: rows of their own.
    Members,
    /// A password, which is passed on and not kept.
    Password,
}

impl Special {
    /// What a core attribute of the type is, beside an attribute.
    pub(in crate::scim) fn of(resource_type: &ResourceType, attribute: &Attribute) -> Option<Self> {
        match &*attribute.name {
            "members" if resource_type.kind.is_group() => Some(Self::Members),
            "password" if attribute.mutability == Mutability::WriteOnly => Some(Self::Password),
            _ => None,
        }
    }
}

/// The members in a canonical array or null. Of a member named twice the last `display` counts.
pub(in crate::scim) fn members(value: Value, place: &Place<'_>) -> Result<Vec<Member>, Error> {
    let Value::Array(elements) = value else { return Ok(Vec::new()) };
    let mut members: Vec<Member> = Vec::with_capacity(elements.len());
    let mut places: HashMap<String, usize> = HashMap::with_capacity(elements.len());
    for (index, mut element) in elements.into_iter().enumerate() {
        let mut text = |name| match element.get_mut(name).map(Value::take) {
            Some(Value::String(text)) => Some(text),
            _ => None,
        };
        let (value, display) = (text("value"), text("display"));
        let Some(value) = value else {
            let element = Place::Element(place, index);
            return Err(expected(&Place::Attribute(&element, "value"), "the id of a member"));
        };
        match places.get(&value) {
            Some(&earlier) => {
                if let (Some(member), Some(display)) = (members.get_mut(earlier), display) {
                    member.display = Some(display);
                }
            }
            None => {
                places.insert(value.clone(), members.len());
                members.push(Member { value, display });
            }
        }
    }
    Ok(members)
}

/// The password in a canonical value.
pub(in crate::scim) fn password(value: Value) -> Option<Secret> {
    match value {
        Value::String(text) => Some(Secret::from(text)),
        _ => None,
    }
}

/// `schemas` of a body (RFC 7643 §3). It may be left out: the endpoint says as much.
fn check_schemas(resource_type: &ResourceType, value: &Value, unknown: Unknown) -> Result<(), Error> {
    let invalid = |detail: String| Err(Error::of(ScimType::InvalidSyntax, detail));
    let elements = match value {
        Value::Null => return Ok(()),
        Value::Array(elements) => elements,
        _ => return invalid("schemas: expected an array of strings".to_owned()),
    };
    let core = &resource_type.schema.id;
    let mut has_core = false;
    for (index, element) in elements.iter().enumerate() {
        let Some(urn) = element.as_str() else {
            return invalid(format!("schemas[{index}]: expected a string"));
        };
        let is_core = urn.eq_ignore_ascii_case(core);
        has_core |= is_core;
        if unknown == Unknown::Refuse && !is_core && resource_type.extension(urn).is_none() {
            return invalid(format!("schemas[{index}]: no schema of this resource type"));
        }
    }
    if has_core { Ok(()) } else { invalid(format!("schemas: expected {core} among them")) }
}
