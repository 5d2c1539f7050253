//! Which comparisons a resource type allows (RFC 7644 §3.4.2.2, table 3).

use serde_json::Value;

use super::{
    Filter, Operator,
    evaluate::{boolean, instant, is_value_of_simple, number},
};
use crate::scim::{
    Error, ScimType,
    path::AttributePath,
    schema::{Attribute, AttributeType, ResourceType},
};

impl Filter {
    /// Checks the filter against a type: comparisons that its types forbid (`gt` on a boolean, `co` on a number, an
    /// operand of another type) are refused, and attributes that are never shown (`password`) cannot be asked for. An
    /// unknown attribute is no error: it has no value.
    ///
    /// # Errors
    /// `invalidFilter`.
    pub fn check(&self, resource_type: &ResourceType) -> Result<(), Error> {
        match self {
            Self::And(filters) | Self::Or(filters) => filters.iter().try_for_each(|filter| filter.check(resource_type)),
            Self::Not(filter) => filter.check(resource_type),
            Self::Compare { path, operator, value } => {
                let Some(resolved) = resource_type.resolve(path) else { return Ok(()) };
                let Some(attribute) = resolved.attribute else { return check_whole(*operator, value) };
                check_visible(attribute)?;
                check_comparison(resolved.sub_attribute.unwrap_or(attribute), *operator, value)
            }
            Self::ValuePath { path, filter } => {
                let Some(resolved) = resource_type.resolve(path) else { return Ok(()) };
                let Some(attribute) = resolved.attribute else { return Ok(()) };
                check_visible(attribute)?;
                filter.check_in_brackets(attribute)
            }
            Self::Constant(_) => Ok(()),
        }
    }

    /// The paths that the type does not know, in lower case and without what is in brackets.
    pub(in crate::scim) fn unknown_paths(&self, resource_type: &ResourceType) -> Vec<String> {
        match self {
            Self::And(filters) | Self::Or(filters) => {
                filters.iter().flat_map(|filter| filter.unknown_paths(resource_type)).collect()
            }
            Self::Not(filter) => filter.unknown_paths(resource_type),
            Self::Compare { path, .. } | Self::ValuePath { path, .. } if resource_type.resolve(path).is_none() => {
                vec![AttributePath { filter: None, ..path.clone() }.to_string().to_lowercase()]
            }
            Self::Compare { .. } | Self::ValuePath { .. } | Self::Constant(_) => Vec::new(),
        }
    }

    /// Whether this filter in an attribute's brackets asks for what is never shown: which elements it selects would show
    /// it bit by bit.
    pub(in crate::scim) fn asks_for_hidden(&self, attribute: &Attribute) -> bool {
        match self {
            Self::And(filters) | Self::Or(filters) => filters.iter().any(|filter| filter.asks_for_hidden(attribute)),
            Self::Not(filter) => filter.asks_for_hidden(attribute),
            Self::Compare { path, .. } => attribute.sub_attribute(&path.attribute).unwrap_or(attribute).is_hidden(),
            Self::ValuePath { .. } | Self::Constant(_) => false,
        }
    }

    fn check_in_brackets(&self, attribute: &Attribute) -> Result<(), Error> {
        match self {
            Self::And(filters) | Self::Or(filters) => {
                filters.iter().try_for_each(|filter| filter.check_in_brackets(attribute))
            }
            Self::Not(filter) => filter.check_in_brackets(attribute),
            Self::Compare { path, operator, value } => match attribute.sub_attribute(&path.attribute) {
                Some(sub) => check_comparison(sub, *operator, value),
                None if is_value_of_simple(attribute, &path.attribute) => check_comparison(attribute, *operator, value),
                None => Ok(()),
            },
            Self::ValuePath { .. } | Self::Constant(_) => Ok(()),
        }
    }
}

fn check_visible(attribute: &Attribute) -> Result<(), Error> {
    if attribute.is_hidden() { refuse(attribute, "is never returned and cannot be filtered by") } else { Ok(()) }
}

fn check_whole(operator: Operator, operand: &Value) -> Result<(), Error> {
    match operator {
        Operator::Pr => Ok(()),
        Operator::Eq | Operator::Ne if operand.is_null() => Ok(()),
        _ => Err(Error::of(ScimType::InvalidFilter, "filter: a schema extension can only be tested with pr")),
    }
}

fn check_comparison(attribute: &Attribute, operator: Operator, operand: &Value) -> Result<(), Error> {
    check_visible(attribute)?;
    match operator {
        Operator::Pr => return Ok(()),
        Operator::Eq | Operator::Ne if operand.is_null() => return Ok(()),
        _ if operand.is_null() => return refuse(attribute, "can be compared with null only by eq and ne"),
        _ => {}
    }
    let is_ordering = matches!(operator, Operator::Gt | Operator::Lt | Operator::Ge | Operator::Le);
    let is_textual = matches!(operator, Operator::Co | Operator::Sw | Operator::Ew);
    match attribute.kind {
        AttributeType::Complex if is_ordering => refuse(attribute, "is complex: gt, ge, lt, le need a sub-attribute"),
        AttributeType::Complex => match attribute.sub_attribute("value") {
            Some(value) if value.kind != AttributeType::Complex => check_comparison(value, operator, operand),
            _ => refuse(attribute, "is complex: name one of its sub-attributes"),
        },
        AttributeType::Boolean if is_ordering || is_textual => refuse(attribute, "is a boolean: use eq, ne or pr"),
        AttributeType::Boolean if boolean(operand).is_none() => refuse(attribute, "is compared with true or false"),
        AttributeType::Binary if is_ordering => refuse(attribute, "is binary and has no order: use eq, ne or pr"),
        AttributeType::Decimal | AttributeType::Integer if is_textual => {
            refuse(attribute, "is a number: co, sw, ew are for text")
        }
        AttributeType::Decimal | AttributeType::Integer if number(operand).is_none() => {
            refuse(attribute, "is compared with a number")
        }
        AttributeType::DateTime if !is_textual && operand.as_str().and_then(instant).is_none() => {
            refuse(attribute, "is compared with a dateTime such as \"2026-01-31T12:00:00Z\"")
        }
        AttributeType::Boolean
        | AttributeType::Decimal
        | AttributeType::Integer
        | AttributeType::DateTime
        | AttributeType::Binary
        | AttributeType::String
        | AttributeType::Reference => Ok(()),
    }
}

fn refuse(attribute: &Attribute, reason: &str) -> Result<(), Error> {
    Err(Error::of(ScimType::InvalidFilter, format!("filter: {} {reason}", attribute.name)))
}

#[cfg(test)]
mod tests;
