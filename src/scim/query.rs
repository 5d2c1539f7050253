//! Query parameters of lists and of `/.search` (RFC 7644 §3.4.2, §3.4.3).

use super::{Error, filter::Filter, path::AttributePath, render::Projection, schema::ResourceType};

/// Items on a page when the client does not say.
pub const COUNT_DEFAULT: usize = 100;
/// The most items on a page.
pub const COUNT_MAX: usize = 1_000;

/// A parsed list query.
#[derive(Clone, PartialEq, Debug)]
pub struct Query {
    /// Which resources.
    pub filter: Option<Filter>,
    /// In which order; by id when the client does not say.
    pub sort: Option<Sort>,
    /// 1-based index of the first result; a smaller one is 1.
    pub start_index: usize,
    /// The most results, at most [`COUNT_MAX`]; 0 asks for the total alone.
    pub count: usize,
    /// Which attributes.
    pub projection: Projection,
}

/// A sort order (RFC 7644 §3.4.2.3).
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

impl Query {
    /// Parses decoded query parameters, names without case, unknown ones ignored.
    ///
    /// # Errors
    /// `invalidFilter`, `invalidPath` (sortBy), `invalidValue` (a number that is none).
    pub fn parse(_resource_type: &ResourceType, _parameters: &[(String, String)]) -> Result<Self, Error> {
        todo!()
    }
}

impl Sort {
    /// The key of one resource: of a multi-valued attribute the primary value, else the first.
    pub fn key(&self, _resource_type: &ResourceType, _resource: &super::Object) -> SortKey {
        todo!()
    }
}

/// Reads a SearchRequest (RFC 7644 §3.4.3) into the parameters that a GET would have.
///
/// # Errors
/// `invalidSyntax` for a body that is none, with the key.
pub fn search_request(_body: serde_json::Value) -> Result<Vec<(String, String)>, Error> {
    todo!()
}
