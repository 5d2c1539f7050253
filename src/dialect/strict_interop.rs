//! The SCIM 2.0 Interoperability Profile (draft-zollner-scim-interop-profile-02): RFC 7644 with everything taken out that
//! servers and clients understand in different ways. What the profile lets no client do is refused, so that a client
//! that is tested against it hears of it.

use serde_json::Value;

use super::{Dialect, rfc};
use crate::scim::{
    Error, Object, ScimType,
    filter::{Filter, Operator},
    path::AttributePath,
    resource::Unknown,
    schema::{Attribute, AttributeType, Mutability, ResourceType},
};

pub(super) const DIALECT: Dialect =
    Dialect { name: "strict-interop", unknown: Unknown::Refuse, follows_interop_profile: true, ..rfc::DIALECT };

/// Refuses the operations of a PATCH that the profile does not have, and makes `replace` of a complex attribute replace
/// all of it.
///
/// # Errors
/// 400 that names the operation's index and reason.
pub(super) fn patch(resource_type: &ResourceType, body: &mut Object) -> Result<(), Error> {
    let Some(Value::Array(operations)) = named(body, "Operations") else { return Ok(()) };
    for (index, operation) in operations.iter_mut().enumerate() {
        if let Value::Object(operation) = operation {
            restrict(resource_type, operation).map_err(|error| error.within(&format!("operations[{index}]")))?;
        }
    }
    Ok(())
}

/// What is no operation at all is left for the parser to refuse.
fn restrict(resource_type: &ResourceType, operation: &mut Object) -> Result<(), Error> {
    let path = match named(operation, "path") {
        None | Some(Value::Null) => return refuse(ScimType::InvalidSyntax, "path: every operation needs one"),
        Some(Value::String(text)) => AttributePath::parse(text, &resource_type.urns()).ok(),
        Some(_) => None,
    };
    let Some(path) = path else { return Ok(()) };
    let Some(resolved) = resource_type.resolve(&path) else {
        return refuse(ScimType::InvalidSyntax, "path: names no attribute that the schema defines");
    };
    let Some(attribute) = resolved.attribute else { return Ok(()) };
    let op = named(operation, "op").and_then(|op| op.as_str()).unwrap_or_default().to_ascii_lowercase();
    if let Some(filter) = &path.filter {
        // There is no other way to remove one element, so that alone may name it as a whole.
        if path.sub_attribute.is_none() && op != "remove" {
            return refuse(ScimType::InvalidPath, "path: after a filter it must name a sub-attribute");
        }
        return check(filter, ScimType::InvalidSyntax, &|path| attribute.sub_attribute(&path.attribute).is_some());
    }
    if path.sub_attribute.is_some() || op == "remove" {
        return Ok(());
    }
    match named(operation, "value") {
        Some(value) if attribute.multi_valued && !value.is_array() && !value.is_null() => {
            refuse(ScimType::InvalidValue, "value: expected an array, for the attribute has several values")
        }
        Some(Value::Object(value)) if attribute.kind == AttributeType::Complex && op == "replace" => {
            clear_unnamed(attribute, value);
            Ok(())
        }
        _ => Ok(()),
    }
}

/// Clears the sub-attributes that a complex value does not name.
fn clear_unnamed(attribute: &Attribute, value: &mut Object) {
    for sub in attribute.sub_attributes.iter().filter(|sub| sub.mutability != Mutability::ReadOnly) {
        if named(value, &sub.name).is_none() {
            value.insert(sub.name.clone(), Value::Null);
        }
    }
}

/// Refuses filters with other operators than `eq` and `and`, and attributes that the type does not define.
///
/// # Errors
/// `invalidFilter`.
pub(super) fn check_query(resource_type: &ResourceType, parameters: &[(String, String)]) -> Result<(), Error> {
    let filters = parameters.iter().filter(|(name, _)| name.eq_ignore_ascii_case("filter"));
    filters.map(|(_, text)| Filter::parse(text, &resource_type.urns())).try_for_each(|filter| {
        // One that does not parse is left for the parser to refuse.
        filter.map_or(Ok(()), |filter| check_filter(resource_type, &filter))
    })
}

fn check_filter(resource_type: &ResourceType, filter: &Filter) -> Result<(), Error> {
    let is_defined = |path: &AttributePath| resource_type.resolve(path).is_some();
    match filter {
        Filter::And(filters) => filters.iter().try_for_each(|filter| check_filter(resource_type, filter)),
        Filter::ValuePath { path, filter } => match resource_type.resolve(path).and_then(|found| found.attribute) {
            Some(attribute) => {
                check(filter, ScimType::InvalidFilter, &|path| attribute.sub_attribute(&path.attribute).is_some())
            }
            None => undefined(),
        },
        filter => check(filter, ScimType::InvalidFilter, &is_defined),
    }
}

/// Checks comparisons joined by `and`. Another operator is an error of that type.
fn check(filter: &Filter, other: ScimType, is_defined: &dyn Fn(&AttributePath) -> bool) -> Result<(), Error> {
    match filter {
        Filter::And(filters) => filters.iter().try_for_each(|filter| check(filter, other, is_defined)),
        Filter::Compare { path, operator: Operator::Eq, .. } => {
            if is_defined(path) {
                Ok(())
            } else {
                undefined()
            }
        }
        Filter::Or(_) | Filter::Not(_) | Filter::Compare { .. } | Filter::ValuePath { .. } | Filter::Constant(_) => {
            refuse(other, "filter: the interoperability profile has no operators but eq and and")
        }
    }
}

fn undefined() -> Result<(), Error> {
    refuse(ScimType::InvalidFilter, "filter: names an attribute that the schema does not define")
}

fn refuse(scim_type: ScimType, detail: &'static str) -> Result<(), Error> {
    Err(Error::of(scim_type, detail))
}

/// The member of that name, without case.
fn named<'a>(object: &'a mut Object, name: &str) -> Option<&'a mut Value> {
    object.iter_mut().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value)
}
