//! The order of lists (RFC 7644 §3.4.2.3).

use std::cmp::Ordering;

use serde_json::Value;

use crate::scim::{
    Error, Object, ScimType,
    cursor::Position,
    filter::{self, fold_case},
    path::AttributePath,
    schema::{Attribute, AttributeType, Resolved, ResourceType},
};

/// The characters of a text by which it is sorted; of texts that differ only behind them the older resource comes
/// first. Bounds what a sort keeps in memory, and a cursor's length.
const KEY_CHARS_MAX: usize = 256;

/// A sort order.
#[derive(Clone, PartialEq, Debug)]
pub struct Sort {
    /// What to sort by.
    pub by: AttributePath,
    /// Whether the order is descending.
    pub descending: bool,
}

/// A value to sort by: compares by the attribute's type and `caseExact`; resources without a value come last when
/// ascending and first when descending.
#[derive(Clone, PartialEq, PartialOrd, Debug)]
pub enum SortKey {
    /// A number, an instant in nanoseconds or a boolean.
    Number(f64),
    /// Text, folded unless `caseExact`.
    Text(String),
    /// No value.
    Absent,
}

/// Parses `sortBy`, and lets it through where it leads to simple values that may be shown in each type that has it.
///
/// # Errors
/// `invalidPath`.
pub(super) fn path(types: &[&ResourceType], text: &str) -> Result<AttributePath, Error> {
    let refuse = |reason: &'static str| Err(Error::of(ScimType::InvalidPath, reason));
    let urns: Vec<&str> = types.iter().flat_map(|resource_type| resource_type.urns()).collect();
    let by = AttributePath::parse(text, &urns)?;
    if by.filter.is_some() {
        return refuse("sortBy takes no value filter");
    }
    let mut is_known = false;
    for resource_type in types {
        let Some(resolved) = resource_type.resolve(&by) else { continue };
        is_known = true;
        let Some(attribute) = resolved.attribute else { return refuse("sortBy names a schema, not an attribute") };
        let is_members = attribute.name == "members" && resource_type.kind.is_group();
        if resolved.extension.is_none() && (is_members || attribute.name == "groups") {
            return refuse("sortBy names memberships, which have no order among resources");
        }
        let Some(simple) = sorted_attribute(&resolved) else {
            return refuse("sortBy names a complex attribute: name one of its sub-attributes");
        };
        if attribute.is_hidden() || simple.is_hidden() {
            return refuse("sortBy names an attribute that is never returned");
        }
    }
    if is_known { Ok(by) } else { refuse("sortBy names an unknown attribute") }
}

/// The attribute whose values are sorted: a complex one stands for its `value`.
fn sorted_attribute<'a>(resolved: &Resolved<'a>) -> Option<&'a Attribute> {
    let attribute = resolved.sub_attribute.or(resolved.attribute)?;
    match attribute.kind {
        AttributeType::Complex => attribute.sub_attribute("value"),
        _ => Some(attribute),
    }
}

impl Sort {
    /// The key of one resource: of a multi-valued attribute the primary value, else the first. A type that does not
    /// have the attribute has no value.
    pub fn key(&self, resource_type: &ResourceType, resource: &Object) -> SortKey {
        resource_type.resolve(&self.by).and_then(|resolved| key(&resolved, resource)).unwrap_or(SortKey::Absent)
    }

    /// Which of two resources comes first: by key, and the older one where keys are equal.
    pub fn order(&self, left: &Position, right: &Position) -> Ordering {
        // Keys are never NaN: JSON has none, and a cursor with one is refused.
        let by_key = left.key.partial_cmp(&right.key).unwrap_or(Ordering::Equal);
        let by_key = if self.descending { by_key.reverse() } else { by_key };
        by_key.then(left.number.cmp(&right.number))
    }
}

fn key(resolved: &Resolved<'_>, resource: &Object) -> Option<SortKey> {
    let attribute = sorted_attribute(resolved)?;
    let element = match filter::stored(resolved, resource)? {
        Value::Array(elements) => elements.iter().find(|element| is_primary(element)).or_else(|| elements.first())?,
        value => value,
    };
    let is_part = resolved.attribute.is_some_and(|whole| whole.kind == AttributeType::Complex);
    let value = if is_part { element.get(&attribute.name)? } else { element };
    match attribute.kind {
        AttributeType::Boolean => filter::boolean(value).map(|value| SortKey::Number(f64::from(u8::from(value)))),
        AttributeType::Decimal | AttributeType::Integer => filter::number(value)?.as_f64().map(SortKey::Number),
        AttributeType::DateTime => {
            let instant = filter::instant(value.as_str()?)?;
            Some(SortKey::Number(instant.as_nanosecond() as f64))
        }
        AttributeType::String | AttributeType::Reference | AttributeType::Binary => {
            let text = value.as_str()?;
            // Folding first, for it may make one character of two.
            Some(SortKey::Text(if filter::is_case_exact(attribute) { cut(text) } else { cut(&fold_case(text)) }))
        }
        AttributeType::Complex => None,
    }
}

fn is_primary(element: &Value) -> bool {
    element.get("primary").and_then(Value::as_bool).unwrap_or(false)
}

fn cut(text: &str) -> String {
    text.chars().take(KEY_CHARS_MAX).collect()
}
