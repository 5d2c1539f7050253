//! Whether a resource matches a filter.
//!
//! Where the RFC is silent or loose, this is what holds:
//!
//! - An attribute without a value equals nothing but `null`: `eq null` and `ne "x"` match, all else does not.
//! - Of a multi-valued attribute any element may match, `ne` included: "no element is x" is `not (emails eq "x")`. An
//!   element without the sub-attribute counts as one without a value.
//! - A complex attribute stands for its `value`: `emails co "x"`, `manager eq "id"`, `members eq "id"`.
//! - Text compares by `caseExact` (see [`fold_case`]), instants and numbers by what they mean.

use std::{borrow::Cow, cmp::Ordering};

use jiff::{Timestamp, civil, tz::TimeZone};
use serde_json::{Number, Value};

use super::{Filter, Operator, fold_case};
use crate::scim::{
    Object,
    path::AttributePath,
    render,
    schema::{Attribute, AttributeType, Resolved, ResourceType},
};

impl Filter {
    /// Whether a resource matches. `resource` is the canonical form with `id`, `meta`, `externalId` and, where the
    /// filter names them, `members` and `groups`.
    pub fn matches(&self, resource_type: &ResourceType, resource: &Object) -> bool {
        match self {
            Self::And(conditions) => conditions.iter().all(|condition| condition.matches(resource_type, resource)),
            Self::Or(alternatives) => {
                alternatives.iter().any(|alternative| alternative.matches(resource_type, resource))
            }
            Self::Not(filter) => !filter.matches(resource_type, resource),
            Self::Compare { path, operator, value } => {
                compare(resource_type, resource, path, Test { operator: *operator, operand: value })
            }
            Self::ValuePath { path, filter } => {
                let Some(resolved) = resource_type.resolve(path) else { return false };
                let Some(attribute) = resolved.attribute else { return false };
                match stored(&resolved, resource) {
                    Some(Value::Array(elements)) => {
                        elements.iter().any(|element| filter.matches_element(attribute, element))
                    }
                    Some(value) => filter.matches_element(attribute, value),
                    None => false,
                }
            }
            Self::Constant(value) => *value,
        }
    }

    /// Whether one element of a multi-valued attribute, or the value of a complex one, matches the filter in the
    /// attribute's brackets. A simple element is its own `value`.
    pub fn matches_element(&self, attribute: &Attribute, element: &Value) -> bool {
        match self {
            Self::And(conditions) => conditions.iter().all(|condition| condition.matches_element(attribute, element)),
            Self::Or(alternatives) => {
                alternatives.iter().any(|alternative| alternative.matches_element(attribute, element))
            }
            Self::Not(filter) => !filter.matches_element(attribute, element),
            Self::Compare { path, operator, value } => {
                let test = Test { operator: *operator, operand: value };
                match attribute.sub_attribute(&path.attribute) {
                    Some(sub) => test.holds_for_part(element, sub),
                    None if is_value_of_simple(attribute, &path.attribute) => test.holds(attribute, element),
                    None => test.holds_for_nothing(),
                }
            }
            // The grammar has no brackets within brackets.
            Self::ValuePath { .. } => false,
            Self::Constant(value) => *value,
        }
    }
}

/// Whether `name` is `value` of an attribute that has no sub-attributes.
pub(super) fn is_value_of_simple(attribute: &Attribute, name: &str) -> bool {
    attribute.kind != AttributeType::Complex && name.eq_ignore_ascii_case("value")
}

/// The value of the attribute that a path resolved to, whole.
pub(in crate::scim) fn stored<'a>(resolved: &Resolved<'_>, resource: &'a Object) -> Option<&'a Value> {
    match (resolved.extension, resolved.attribute) {
        (Some(extension), Some(attribute)) => resource.get(&extension.id)?.get(&attribute.name),
        (Some(extension), None) => resource.get(&extension.id),
        (None, Some(attribute)) => resource.get(&attribute.name),
        (None, None) => None,
    }
}

fn compare(resource_type: &ResourceType, resource: &Object, path: &AttributePath, test: Test<'_>) -> bool {
    let Some(resolved) = resource_type.resolve(path) else { return test.holds_for_nothing() };
    let value = stored(&resolved, resource);
    let Some(attribute) = resolved.attribute else {
        // A whole extension: there is nothing in it to compare with, but it may be there.
        return match value {
            Some(value) if is_present(value) => matches!(test.operator, Operator::Pr | Operator::Ne),
            _ => test.holds_for_nothing(),
        };
    };
    if attribute.name == "schemas" && resolved.extension.is_none() && value.is_none() {
        // The canonical form does not hold what follows from the rest.
        let schemas = Value::from(render::schemas(resource_type, resource));
        return test.holds_for_any(attribute, None, Some(&schemas));
    }
    test.holds_for_any(attribute, resolved.sub_attribute, value)
}

/// An operator and its right side.
#[derive(Clone, Copy)]
struct Test<'a> {
    operator: Operator,
    operand: &'a Value,
}

impl Test<'_> {
    /// For an attribute of the resource: for any of its elements.
    fn holds_for_any(self, attribute: &Attribute, sub: Option<&Attribute>, value: Option<&Value>) -> bool {
        let sub = match self.operator {
            Operator::Pr => sub,
            _ => sub.or_else(|| attribute.sub_attribute("value")),
        };
        let holds_for_element = |element: &Value| match sub {
            Some(sub) => self.holds_for_part(element, sub),
            None => self.holds(attribute, element),
        };
        match value {
            Some(Value::Array(elements)) if !elements.is_empty() => elements.iter().any(holds_for_element),
            Some(value) => holds_for_element(value),
            None => self.holds_for_nothing(),
        }
    }

    /// For a sub-attribute of an element.
    fn holds_for_part(self, element: &Value, sub: &Attribute) -> bool {
        match element.get(&sub.name) {
            Some(Value::Array(values)) if !values.is_empty() => values.iter().any(|value| self.holds(sub, value)),
            Some(value) => self.holds(sub, value),
            None => self.holds_for_nothing(),
        }
    }

    /// For one value.
    fn holds(self, attribute: &Attribute, value: &Value) -> bool {
        if !is_present(value) {
            return self.holds_for_nothing();
        }
        let order = || order(attribute, value, self.operand);
        match self.operator {
            Operator::Pr => true,
            Operator::Eq => order() == Some(Ordering::Equal),
            Operator::Ne => order() != Some(Ordering::Equal),
            Operator::Gt => order() == Some(Ordering::Greater),
            Operator::Lt => order() == Some(Ordering::Less),
            Operator::Ge => matches!(order(), Some(Ordering::Greater | Ordering::Equal)),
            Operator::Le => matches!(order(), Some(Ordering::Less | Ordering::Equal)),
            Operator::Co => self.holds_for_text(attribute, value, |value, operand| value.contains(operand)),
            Operator::Sw => self.holds_for_text(attribute, value, |value, operand| value.starts_with(operand)),
            Operator::Ew => self.holds_for_text(attribute, value, |value, operand| value.ends_with(operand)),
        }
    }

    /// Where there is no value.
    fn holds_for_nothing(self) -> bool {
        match self.operator {
            Operator::Eq => self.operand.is_null(),
            Operator::Ne => !self.operand.is_null(),
            _ => false,
        }
    }

    fn holds_for_text(self, attribute: &Attribute, value: &Value, relation: fn(&str, &str) -> bool) -> bool {
        match (text(value), text(self.operand)) {
            (Some(value), Some(operand)) if is_case_exact(attribute) => relation(&value, &operand),
            (Some(value), Some(operand)) => relation(&fold_case(&value), &fold_case(&operand)),
            _ => false,
        }
    }
}

/// Whether a value is one: RFC 7644's `pr`.
fn is_present(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::String(text) => !text.is_empty(),
        Value::Array(elements) => !elements.is_empty(),
        Value::Object(parts) => !parts.is_empty(),
        Value::Bool(_) | Value::Number(_) => true,
    }
}

/// How a value compares with an operand, by the attribute's type; `None` where they do not compare.
fn order(attribute: &Attribute, value: &Value, operand: &Value) -> Option<Ordering> {
    match attribute.kind {
        AttributeType::Boolean => Some(boolean(value)?.cmp(&boolean(operand)?)),
        AttributeType::Decimal | AttributeType::Integer => number_order(&number(value)?, &number(operand)?),
        AttributeType::DateTime => Some(instant(value.as_str()?)?.cmp(&instant(operand.as_str()?)?)),
        AttributeType::String | AttributeType::Reference | AttributeType::Binary => {
            let (value, operand) = (text(value)?, text(operand)?);
            Some(if is_case_exact(attribute) {
                value.cmp(&operand)
            } else if value.eq_ignore_ascii_case(&operand) {
                // The frequent case, without an allocation.
                Ordering::Equal
            } else {
                fold_case(&value).cmp(&fold_case(&operand))
            })
        }
        AttributeType::Complex => None,
    }
}

/// A text that is the same for values of the attribute which `eq` finds equal, and for no others; `None` for types that
/// have none, and for what does not compare. Of an operand it is the text to look for in an index.
pub fn equality_key(attribute: &Attribute, value: &Value) -> Option<String> {
    match attribute.kind {
        AttributeType::String | AttributeType::Reference | AttributeType::Binary => {
            let text = text(value)?;
            Some(if is_case_exact(attribute) { text.into_owned() } else { fold_case(&text) })
        }
        AttributeType::Integer => {
            let number = number(value)?;
            if number.is_u64() {
                return Some(number.to_string());
            }
            // `5.0` is the integer 5; a fraction equals none.
            let integer = number.as_i64().or_else(|| format!("{:.0}", number.as_f64()?).parse().ok());
            let integer =
                integer.filter(|integer| number_order(&number, &Number::from(*integer)) == Some(Ordering::Equal));
            integer.map(|integer| integer.to_string())
        }
        AttributeType::DateTime => Some(instant(value.as_str()?)?.as_nanosecond().to_string()),
        AttributeType::Boolean | AttributeType::Decimal | AttributeType::Complex => None,
    }
}

/// Whether values of the attribute compare with case. Base64 always does (RFC 7643 §2.3.6).
pub(in crate::scim) fn is_case_exact(attribute: &Attribute) -> bool {
    attribute.case_exact || attribute.kind == AttributeType::Binary
}

/// A boolean, or one that a client wrote as text.
pub(in crate::scim) fn boolean(value: &Value) -> Option<bool> {
    match value {
        Value::Bool(value) => Some(*value),
        Value::String(text) if text.eq_ignore_ascii_case("true") => Some(true),
        Value::String(text) if text.eq_ignore_ascii_case("false") => Some(false),
        _ => None,
    }
}

/// A number, or one that a client wrote as text.
pub(in crate::scim) fn number(value: &Value) -> Option<Number> {
    match value {
        Value::Number(number) => Some(number.clone()),
        Value::String(text) => text
            .trim()
            .parse::<i64>()
            .map_or_else(|_| Number::from_f64(text.trim().parse().ok()?), |integer| Some(integer.into())),
        _ => None,
    }
}

fn number_order(one: &Number, other: &Number) -> Option<Ordering> {
    match (one.as_i64(), other.as_i64()) {
        (Some(one), Some(other)) => Some(one.cmp(&other)),
        _ => one.as_f64()?.partial_cmp(&other.as_f64()?),
    }
}

/// A scalar as text: an operand without quotes may look like a number or a boolean and be meant as text.
fn text(value: &Value) -> Option<Cow<'_, str>> {
    match value {
        Value::String(text) => Some(Cow::Borrowed(text)),
        Value::Number(number) => Some(Cow::Owned(number.to_string())),
        Value::Bool(value) => Some(Cow::Borrowed(if *value { "true" } else { "false" })),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

/// A dateTime (RFC 7643 §2.3.5) as an instant. Clients also leave out the zone, which is UTC then, or the time of day,
/// and write more digits of a second than there are nanoseconds.
pub(in crate::scim) fn instant(text: &str) -> Option<Timestamp> {
    let parse = |text: &str| {
        let zoned = text.parse::<Timestamp>().ok();
        zoned.or_else(|| {
            text.parse::<civil::DateTime>().ok()?.to_zoned(TimeZone::UTC).ok().map(|zoned| zoned.timestamp())
        })
    };
    parse(text).or_else(|| {
        let (time, fraction) = text.split_once('.')?;
        let digits = fraction.bytes().take_while(u8::is_ascii_digit).count();
        let (digits, zone) = fraction.split_at(digits);
        parse(&format!("{time}.{}{zone}", digits.get(..9)?))
    })
}

#[cfg(test)]
mod tests;
