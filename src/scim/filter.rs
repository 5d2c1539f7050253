//! Filters (RFC 7644 §3.4.2.2): the grammar, and whether a resource matches.

use std::fmt;

use serde_json::Value;

use super::{Error, Object, path::AttributePath, schema::ResourceType};

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
    /// an operand without quotes, a value path followed by a sub-attribute and an operator.
    ///
    /// # Errors
    /// `invalidFilter` with the place and what was expected.
    pub fn parse(_text: &str, _urns: &[&str]) -> Result<Self, Error> {
        todo!()
    }

    /// Checks the filter against a type: compares that its types forbid (`gt` on a boolean) are refused. An unknown
    /// attribute is no error: it has no value.
    ///
    /// # Errors
    /// `invalidFilter`.
    pub fn check(&self, _resource_type: &ResourceType) -> Result<(), Error> {
        todo!()
    }

    /// Whether a resource matches. `resource` is the canonical form with `id`, `meta`, `externalId` and, where the
    /// filter names them, `members` and `groups`.
    pub fn matches(&self, _resource_type: &ResourceType, _resource: &Object) -> bool {
        todo!()
    }

    /// Whether the filter names that core attribute anywhere, without case.
    pub fn mentions(&self, _attribute: &str) -> bool {
        todo!()
    }

    /// The same filter with each comparison for which `decide` knows the answer replaced by a constant, simplified.
    #[must_use]
    pub fn decided(self, _decide: &mut dyn FnMut(&Filter) -> Option<bool>) -> Self {
        todo!()
    }
}

/// The form in which values that differ only in case compare equal: Unicode's full case folding.
pub fn fold_case(_text: &str) -> String {
    todo!()
}

impl fmt::Display for Filter {
    fn fmt(&self, _f: &mut fmt::Formatter<'_>) -> fmt::Result {
        todo!()
    }
}
