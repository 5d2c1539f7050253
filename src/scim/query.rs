//! Query parameters of lists and of `/.search` (RFC 7644 §3.4.2, §3.4.3).

use serde_json::Value;

use super::{
    Error, Object, ScimType,
    filter::{self, Filter, fold_case},
    path::AttributePath,
    render::Projection,
    schema::{Attribute, AttributeType, Resolved, ResourceType},
};

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
    /// Parses decoded query parameters, names without case, unknown ones ignored; of a repeated one the last counts.
    ///
    /// # Errors
    /// `invalidFilter`, `invalidPath` (sortBy), `invalidValue` (a number that is none, a sortOrder that is none),
    /// `invalidSyntax` (both `attributes` and `excludedAttributes`).
    pub fn parse(resource_type: &ResourceType, parameters: &[(String, String)]) -> Result<Self, Error> {
        let urns = resource_type.urns();
        let mut query =
            Self { filter: None, sort: None, start_index: 1, count: COUNT_DEFAULT, projection: Projection::Default };
        let (mut attributes, mut excluded) = (None, None);
        let (mut sort_by, mut descending) = (None, false);

        for (name, text) in parameters {
            match name.to_ascii_lowercase().as_str() {
                "filter" => {
                    let filter = Filter::parse(text, &urns)?;
                    filter.check(resource_type)?;
                    query.filter = Some(filter);
                }
                "startindex" => query.start_index = number("startIndex", text)?.max(1),
                "count" => query.count = number("count", text)?.min(COUNT_MAX),
                "sortby" => sort_by = Some(sortable(resource_type, AttributePath::parse(text, &urns)?)?),
                "sortorder" => descending = is_descending(text)?,
                "attributes" => attributes = Some(text.as_str()),
                "excludedattributes" => excluded = Some(text.as_str()),
                _ => {}
            }
        }

        query.sort = sort_by.map(|by| Sort { by, descending });
        query.projection = Projection::parse(resource_type, attributes, excluded)?;
        Ok(query)
    }
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

/// Lets a path through that leads to simple values which may be shown.
fn sortable(resource_type: &ResourceType, by: AttributePath) -> Result<AttributePath, Error> {
    let refuse = |reason: &'static str| Err(Error::of(ScimType::InvalidPath, reason));
    if by.filter.is_some() {
        return refuse("sortBy takes no value filter");
    }
    let Some(resolved) = resource_type.resolve(&by) else { return refuse("sortBy names an unknown attribute") };
    let Some(attribute) = resolved.attribute else { return refuse("sortBy names a schema, not an attribute") };
    let Some(simple) = sorted_attribute(&resolved) else {
        return refuse("sortBy names a complex attribute: name one of its sub-attributes");
    };
    if attribute.is_hidden() || simple.is_hidden() {
        return refuse("sortBy names an attribute that is never returned");
    }
    Ok(by)
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
    /// The key of one resource: of a multi-valued attribute the primary value, else the first.
    pub fn key(&self, resource_type: &ResourceType, resource: &Object) -> SortKey {
        resource_type.resolve(&self.by).and_then(|resolved| key(&resolved, resource)).unwrap_or(SortKey::Absent)
    }
}

/// Reads a SearchRequest (RFC 7644 §3.4.3) into the parameters that a GET would have. Unknown keys are ignored, as
/// unknown parameters are.
///
/// # Errors
/// `invalidSyntax` for a body that is none, with the key.
pub fn search_request(body: Value) -> Result<Vec<(String, String)>, Error> {
    let refuse = |reason: String| Err(Error::of(ScimType::InvalidSyntax, reason));
    let Value::Object(body) = body else { return refuse("a search request is a JSON object".to_owned()) };
    let mut parameters = Vec::new();
    for (name, value) in body {
        let text = match value {
            Value::Null => continue,
            Value::String(text) => text,
            Value::Number(number) => number.to_string(),
            Value::Array(names) if name.eq_ignore_ascii_case("schemas") && !names.is_empty() => continue,
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
            let text = if filter::is_case_exact(attribute) { text.to_owned() } else { fold_case(text) };
            Some(SortKey::Text(text))
        }
        AttributeType::Complex => None,
    }
}

fn is_primary(element: &Value) -> bool {
    element.get("primary").and_then(Value::as_bool).unwrap_or(false)
}

#[cfg(test)]
mod tests;
