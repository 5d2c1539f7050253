//! Query parameters of lists and of `/.search` (RFC 7644 §3.4.2, §3.4.3, RFC 9865), of one resource type or of several
//! at once.

mod sort;

use std::sync::Arc;

use serde_json::{Value, json};

pub use self::sort::{Sort, SortKey};
use super::{Error, Object, ScimType, cursor::Position, filter::Filter, render::Projection, schema::ResourceType};

/// The URN of a SearchRequest.
pub const SEARCH_URN: &str = "urn:ietf:params:scim:api:messages:2.0:SearchRequest";
/// Items on a page when the client does not say.
pub const COUNT_DEFAULT: usize = 100;
/// The most items on a page.
pub const COUNT_MAX: usize = 1_000;

/// Decoded query parameters, in order.
pub type Parameters = Vec<(String, String)>;

/// A parsed list query.
#[derive(Clone, PartialEq, Debug)]
pub struct Query {
    /// What is asked of each resource type; types of which nothing can match are left out.
    pub selections: Vec<Selection>,
    /// In which order; by age when the client does not say.
    pub sort: Option<Sort>,
    /// Where the page begins.
    pub start: Start,
    /// The most results, at most [`COUNT_MAX`]; 0 asks for the total alone.
    pub count: usize,
}

/// What a query asks of one resource type.
#[derive(Clone, PartialEq, Debug)]
pub struct Selection {
    /// The type.
    pub resource_type: Arc<ResourceType>,
    /// Which resources. What is the same for all resources of the type is decided already.
    pub filter: Option<Filter>,
    /// Which attributes.
    pub projection: Projection,
}

/// Where a page begins.
#[derive(Clone, PartialEq, Debug)]
pub enum Start {
    /// At this 1-based index (RFC 7644 §3.4.2.4).
    Index(usize),
    /// After this position, or at the very first resource (RFC 9865).
    After(Option<Position>),
}

impl Query {
    /// Parses decoded query parameters, names without case, unknown ones ignored; of a repeated one the last counts.
    /// `asked` has each resource type with the parameters as they are to be understood for it, which may differ in
    /// `filter`. An attribute that one of several types does not have has no value there (RFC 7644 §3.4.2.1). `tenant`
    /// is what cursors are bound to besides the query.
    ///
    /// # Errors
    /// `invalidFilter`, `invalidPath` (sortBy), `invalidValue` (a number that is none, a sortOrder that is none, both
    /// `cursor` and `startIndex`), `invalidSyntax` (both `attributes` and `excludedAttributes`), `invalidCursor` and
    /// `invalidCount` (see [`Position::read`]).
    pub fn parse(tenant: &str, asked: &[(Arc<ResourceType>, Parameters)]) -> Result<Self, Error> {
        let types: Vec<&ResourceType> = asked.iter().map(|(resource_type, _)| &**resource_type).collect();
        let selections = selections(asked)?;
        let mut query = Self { selections, sort: None, start: Start::Index(1), count: COUNT_DEFAULT };
        let (mut start_index, mut cursor) = (None, None);
        let (mut sort_by, mut descending) = (None, false);
        for (name, text) in asked.first().map_or(&[][..], |(_, parameters)| parameters) {
            match name.to_ascii_lowercase().as_str() {
                "startindex" => start_index = Some(number("startIndex", text)?.max(1)),
                "cursor" => cursor = Some(text.as_str()),
                "count" => query.count = number("count", text)?.min(COUNT_MAX),
                "sortby" => sort_by = Some(sort::path(&types, text)?),
                "sortorder" => descending = is_descending(text)?,
                _ => {}
            }
        }
        query.sort = sort_by.map(|by| Sort { by, descending });
        query.start = match (start_index, cursor) {
            (None, None) => Start::Index(1),
            (Some(index), None) => Start::Index(index),
            (None, Some("")) => Start::After(None),
            (None, Some(text)) => Start::After(Some(Position::read(text, tenant, &query)?)),
            (Some(_), Some(_)) => {
                let detail = "cursor and startIndex are two ways of paging: send one of them";
                return Err(Error::of(ScimType::InvalidValue, detail));
            }
        };
        Ok(query)
    }
}

/// Whether a list has a parameter of that name (RFC 7644 §3.4.2, RFC 9865 §2).
pub fn is_list_parameter(name: &str) -> bool {
    const NAMES: [&str; 8] =
        ["filter", "startIndex", "count", "cursor", "sortBy", "sortOrder", "attributes", "excludedAttributes"];
    NAMES.iter().any(|known| name.eq_ignore_ascii_case(known))
}

fn selections(asked: &[(Arc<ResourceType>, Parameters)]) -> Result<Vec<Selection>, Error> {
    let mut selections = Vec::with_capacity(asked.len());
    let mut unknown_everywhere: Option<Vec<String>> = None;
    for (resource_type, parameters) in asked {
        let last = |wanted: &str| {
            let mut of_name = parameters.iter().rev().filter(|(name, _)| name.eq_ignore_ascii_case(wanted));
            of_name.next().map(|(_, text)| text.as_str())
        };
        let projection = Projection::parse(resource_type, last("attributes"), last("excludedAttributes"))?;
        let Some(text) = last("filter") else {
            selections.push(Selection { resource_type: resource_type.clone(), filter: None, projection });
            continue;
        };
        let filter = Filter::parse(text, &resource_type.urns())?;
        let unknown = filter.unknown_paths(resource_type);
        match &mut unknown_everywhere {
            Some(everywhere) => everywhere.retain(|path| unknown.contains(path)),
            None => unknown_everywhere = Some(unknown),
        }
        let narrowed = narrowed(filter.clone(), resource_type);
        let is_excluded = narrowed == Filter::Constant(false);
        // A type that the filter leaves out as a whole may have another attribute of that name: it does not object.
        if !is_excluded || asked.len() == 1 {
            filter.check(resource_type)?;
        }
        if !is_excluded {
            // One that all resources of the type match is none.
            let filter = (narrowed != Filter::Constant(true)).then_some(narrowed);
            selections.push(Selection { resource_type: resource_type.clone(), filter, projection });
        }
    }
    match unknown_everywhere.unwrap_or_default().first() {
        Some(path) if asked.len() > 1 => {
            let detail = format!("filter: no resource type has the attribute {path}");
            Err(Error::of(ScimType::InvalidFilter, detail))
        }
        _ => Ok(selections),
    }
}

/// The filter with what is the same for all resources of the type decided: comparisons of `meta.resourceType`, and of
/// attributes that the type does not have.
fn narrowed(filter: Filter, resource_type: &ResourceType) -> Filter {
    let same = Object::from_iter([("meta".to_owned(), json!({ "resourceType": resource_type.kind.as_str() }))]);
    filter.decided(&mut |part| {
        let (Filter::Compare { path, .. } | Filter::ValuePath { path, .. }) = part else { return None };
        let is_same = resource_type.resolve(path).is_none_or(|resolved| {
            resolved.extension.is_none()
                && resolved.attribute.is_some_and(|attribute| attribute.name == "meta")
                && resolved.sub_attribute.is_some_and(|sub| sub.name == "resourceType")
        });
        is_same.then(|| part.matches(resource_type, &same))
    })
}

/// An integer; below zero it is 0, as RFC 7644 §3.4.2.4 reads a negative count, and one beyond all bounds is the bound.
fn number(name: &str, text: &str) -> Result<usize, Error> {
    let text = text.trim();
    let (is_negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text),
    };
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(Error::of(ScimType::InvalidValue, format!("{name} is not an integer")));
    }
    Ok(if is_negative { 0 } else { digits.parse().unwrap_or(usize::MAX) })
}

fn is_descending(text: &str) -> Result<bool, Error> {
    match text.trim() {
        text if text.eq_ignore_ascii_case("ascending") => Ok(false),
        text if text.eq_ignore_ascii_case("descending") => Ok(true),
        _ => Err(Error::of(ScimType::InvalidValue, "sortOrder is neither ascending nor descending")),
    }
}

/// Reads a SearchRequest (RFC 7644 §3.4.3) into the parameters that a GET would have. Unknown keys are ignored, as
/// unknown parameters are; `schemas` may be left out.
///
/// # Errors
/// `invalidSyntax` for a body that is none, with the key.
pub fn search_request(body: Value) -> Result<Parameters, Error> {
    let refuse = |reason: String| Err(Error::of(ScimType::InvalidSyntax, reason));
    let Value::Object(body) = body else { return refuse("a search request is a JSON object".to_owned()) };
    let mut parameters = Vec::new();
    for (name, value) in body {
        let text = match value {
            Value::Null => continue,
            Value::String(text) => text,
            Value::Number(number) => number.to_string(),
            Value::Array(urns) if name.eq_ignore_ascii_case("schemas") => {
                let is_search = |urn: &Value| urn.as_str().is_some_and(|urn| urn.eq_ignore_ascii_case(SEARCH_URN));
                if urns.iter().any(is_search) {
                    continue;
                }
                return refuse(format!("schemas: expected {SEARCH_URN} among them"));
            }
            Value::Array(names) => {
                let Some(names) = names.iter().map(Value::as_str).collect::<Option<Vec<_>>>() else {
                    return refuse(format!("{name}: expected an array of strings"));
                };
                names.join(",")
            }
            Value::Bool(_) | Value::Object(_) => return refuse(format!("{name}: expected a string, number or array")),
        };
        parameters.push((name, text));
    }
    Ok(parameters)
}

#[cfg(test)]
mod tests;
