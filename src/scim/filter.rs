//! Filters (RFC 7644 §3.4.2.2): the grammar, and whether a resource matches.

mod check;
mod evaluate;
mod fold;
mod parse;
mod print;

use serde_json::Value;

pub use self::{evaluate::equality_key, fold::fold_case};
pub(in crate::scim) use self::{
    evaluate::{boolean, instant, is_case_exact, number, stored},
    parse::Parser,
};
use super::{Error, ScimType, path::AttributePath};

/// The longest filter, in bytes.
pub const LENGTH_MAX: usize = 8 * 1024;
/// The deepest nesting of groups, `not` and brackets together.
pub const DEPTH_MAX: usize = 32;
/// The most comparisons in one filter.
pub const TERMS_MAX: usize = 200;

/// A parsed filter. Dropped and evaluated with bounded recursion, because parsing bounds its depth.
#[derive(Clone, PartialEq, Debug)]
pub enum Filter {
    /// All of these, at least two.
    And(Vec<Filter>),
    /// One of these, at least two.
    Or(Vec<Filter>),
    /// Not this.
    Not(Box<Filter>),
    /// `attribute op value`; `pr` has no value.
    Compare {
        /// What is compared.
        path: AttributePath,
        /// How.
        operator: Operator,
        /// With what; `Null` for `pr`.
        value: Value,
    },
    /// `attribute[…]`: one element matches all of the inner filter, whose paths are sub-attributes.
    ValuePath {
        /// The multi-valued attribute.
        path: AttributePath,
        /// What one element must match.
        filter: Box<Filter>,
    },
    /// Decided before evaluation, by an index say.
    Constant(bool),
}

/// A comparison operator.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[expect(missing_docs, reason = "the names are the RFC's")]
pub enum Operator {
    Eq,
    Ne,
    Co,
    Sw,
    Ew,
    Gt,
    Lt,
    Ge,
    Le,
    Pr,
}

impl Filter {
    /// Parses a filter as RFC 7644 spells it, and as clients write it beyond the letter where that is unambiguous:
    /// an operand without quotes, a value path followed by a sub-attribute and an operator. `urns` are the schemas
    /// known, as for [`AttributePath::parse`].
    ///
    /// # Errors
    /// `invalidFilter` with the place and what was expected.
    pub fn parse(text: &str, urns: &[&str]) -> Result<Self, Error> {
        Parser::new(text, urns)
            .and_then(Parser::filter)
            .map_err(|failure| Error::of(ScimType::InvalidFilter, failure.detail("filter")))
    }

    /// All of these: nested `and`s become one, constants are taken out, and a single condition stands alone.
    pub fn all(conditions: Vec<Self>) -> Self {
        let mut flat = Vec::with_capacity(conditions.len());
        for condition in conditions {
            match condition {
                Self::And(inner) => flat.extend(inner),
                Self::Constant(true) => {}
                Self::Constant(false) => return Self::Constant(false),
                other => flat.push(other),
            }
        }
        match flat.len() {
            0 => Self::Constant(true),
            1 => flat.swap_remove(0),
            _ => Self::And(flat),
        }
    }

    /// One of these: nested `or`s become one, constants are taken out, and a single alternative stands alone.
    pub fn any(alternatives: Vec<Self>) -> Self {
        let mut flat = Vec::with_capacity(alternatives.len());
        for alternative in alternatives {
            match alternative {
                Self::Or(inner) => flat.extend(inner),
                Self::Constant(false) => {}
                Self::Constant(true) => return Self::Constant(true),
                other => flat.push(other),
            }
        }
        match flat.len() {
            0 => Self::Constant(false),
            1 => flat.swap_remove(0),
            _ => Self::Or(flat),
        }
    }

    /// Whether the filter names that core attribute anywhere, without case. An extension's attribute of the same name
    /// counts too: who asks reads more then, never less.
    pub fn mentions(&self, attribute: &str) -> bool {
        match self {
            Self::And(filters) | Self::Or(filters) => filters.iter().any(|filter| filter.mentions(attribute)),
            Self::Not(filter) => filter.mentions(attribute),
            Self::Compare { path, .. } | Self::ValuePath { path, .. } => path.attribute.eq_ignore_ascii_case(attribute),
            Self::Constant(_) => false,
        }
    }

    /// The same filter with each comparison (a value path is one) for which `decide` knows the answer replaced by a
    /// constant, simplified.
    #[must_use]
    pub fn decided(self, decide: &mut dyn FnMut(&Filter) -> Option<bool>) -> Self {
        match self {
            Self::And(conditions) => {
                Self::all(conditions.into_iter().map(|condition| condition.decided(decide)).collect())
            }
            Self::Or(alternatives) => {
                Self::any(alternatives.into_iter().map(|alternative| alternative.decided(decide)).collect())
            }
            Self::Not(filter) => match filter.decided(decide) {
                Self::Constant(value) => Self::Constant(!value),
                open => Self::Not(Box::new(open)),
            },
            Self::Compare { .. } | Self::ValuePath { .. } => match decide(&self) {
                Some(value) => Self::Constant(value),
                None => self,
            },
            Self::Constant(_) => self,
        }
    }
}

impl Operator {
    const ALL: [Self; 10] =
        [Self::Eq, Self::Ne, Self::Co, Self::Sw, Self::Ew, Self::Gt, Self::Lt, Self::Ge, Self::Le, Self::Pr];

    /// The operator in canonical spelling.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Eq => "eq",
            Self::Ne => "ne",
            Self::Co => "co",
            Self::Sw => "sw",
            Self::Ew => "ew",
            Self::Gt => "gt",
            Self::Lt => "lt",
            Self::Ge => "ge",
            Self::Le => "le",
            Self::Pr => "pr",
        }
    }

    /// The operator of that name, without case.
    pub(in crate::scim) fn named(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|operator| operator.as_str().eq_ignore_ascii_case(word))
    }
}
