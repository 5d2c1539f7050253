//! `bulkId:qwerty` in the place of an id (RFC 7644 §3.7.2).
//!
//! A text that begins so is a reference as a whole. In a path, a `$ref` and the path of a PATCH's operation a reference
//! may also stand between slashes or quotes: `/Users/bulkId:qwerty`, `members[value eq "bulkId:qwerty"]`.

use serde_json::Value;

use crate::scim::Error;

const PREFIX: &str = "bulkId:";

/// The bulkIds that a value refers to. It is no deeper than `json::DEPTH_MAX`.
pub(super) fn collect<'a>(value: &'a Value, is_path: bool, found: &mut Vec<&'a str>) {
    match value {
        Value::String(text) => collect_text(text, is_path, found),
        Value::Array(elements) => elements.iter().for_each(|element| collect(element, is_path, found)),
        Value::Object(object) => object
            .iter()
            .filter(|(name, _)| !is_text(name))
            .for_each(|(name, value)| collect(value, holds_paths(name), found)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// The bulkIds that a text refers to.
pub(super) fn collect_text<'a>(text: &'a str, is_path: bool, found: &mut Vec<&'a str>) {
    found.extend(parts(text, is_path).filter_map(|(part, _)| referred(part)));
}

/// Puts ids in the place of a value's references.
pub(super) fn resolve(
    value: &mut Value,
    is_path: bool,
    id_of: &impl Fn(&str) -> Result<String, Error>,
) -> Result<(), Error> {
    match value {
        Value::String(text) => resolve_text(text, is_path, id_of),
        Value::Array(elements) => elements.iter_mut().try_for_each(|element| resolve(element, is_path, id_of)),
        Value::Object(object) => object
            .iter_mut()
            .filter(|(name, _)| !is_text(name))
            .try_for_each(|(name, value)| resolve(value, holds_paths(name), id_of)),
        Value::Null | Value::Bool(_) | Value::Number(_) => Ok(()),
    }
}

/// Puts ids in the place of a text's references.
pub(super) fn resolve_text(
    text: &mut String,
    is_path: bool,
    id_of: &impl Fn(&str) -> Result<String, Error>,
) -> Result<(), Error> {
    if !parts(text, is_path).any(|(part, _)| referred(part).is_some()) {
        return Ok(());
    }
    let mut resolved = String::with_capacity(text.len());
    for (part, separator) in parts(text, is_path) {
        match referred(part) {
            Some(bulk_id) => resolved.push_str(&id_of(bulk_id)?),
            None => resolved.push_str(part),
        }
        resolved.push_str(separator);
    }
    *text = resolved;
    Ok(())
}

/// Whether an attribute holds people's own words, which refer to nothing however they begin.
fn is_text(name: &str) -> bool {
    ["password", "displayName", "display", "userName"].iter().any(|text| name.eq_ignore_ascii_case(text))
}

fn holds_paths(name: &str) -> bool {
    name.eq_ignore_ascii_case("$ref") || name.eq_ignore_ascii_case("path")
}

/// The parts of a text that may be references, each with the separator after it.
fn parts(text: &str, is_path: bool) -> impl Iterator<Item = (&str, &str)> {
    let separates = move |character: char| is_path && matches!(character, '/' | '"');
    text.split_inclusive(separates).map(move |whole| {
        let part = whole.strip_suffix(separates).unwrap_or(whole);
        (part, whole.strip_prefix(part).unwrap_or_default())
    })
}

/// The bulkId that a text refers to.
fn referred(text: &str) -> Option<&str> {
    let (prefix, bulk_id) = text.split_at_checked(PREFIX.len())?;
    prefix.eq_ignore_ascii_case(PREFIX).then_some(bulk_id)
}
