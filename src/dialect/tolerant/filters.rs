//! Query parameters: filters that name the unique identifier in other words, and odd numbers and lists.

use serde_json::Value;

use super::names;
use crate::{
    dialect::Quirks,
    scim::{
        filter::{Filter, Operator},
        path::AttributePath,
        schema::{Attribute, AttributeType, ResourceType},
    },
};

/// Rewrites decoded query parameters.
pub(in crate::dialect) fn query(
    resource_type: &ResourceType,
    unique_id: &str,
    mut parameters: Vec<(String, String)>,
    quirks: &mut Quirks,
) -> Vec<(String, String)> {
    for (name, value) in &mut parameters {
        match name.to_ascii_lowercase().as_str() {
            "filter" => filter(resource_type, unique_id, value, quirks),
            "attributes" | "excludedattributes" => without_brackets(value, quirks),
            "startindex" if name != "startIndex" || value.parse::<i64>().is_ok_and(|index| index < 1) => {
                quirks.met("EN-43");
            }
            _ => {}
        }
    }
    parameters
}

/// Rewrites a filter; one that does not parse is left for the parser to refuse.
fn filter(resource_type: &ResourceType, unique_id: &str, text: &mut String, quirks: &mut Quirks) {
    let Ok(parsed) = Filter::parse(text, &resource_type.urns()) else { return };
    spelling(text, quirks);
    let rewritten = rewritten(resource_type, unique_id, parsed.clone(), quirks);
    if rewritten != parsed {
        *text = rewritten.to_string();
    }
}

/// Notes what the filter's grammar does not have and the parser understands: operands without quotes (EN-37, of dates
/// EN-68), a comparison after brackets (EN-38).
fn spelling(text: &str, quirks: &mut Quirks) {
    let mut after_operator = false;
    // Within quotes nothing is a word; a text with an escaped quote is cut wrongly, which costs a count and no more.
    for (index, stretch) in text.split('"').enumerate() {
        if index % 2 == 1 {
            after_operator = false;
            continue;
        }
        if stretch.contains("].") {
            quirks.met("EN-38");
        }
        for word in stretch.split([' ', '(', ')', '[', ']']).filter(|word| !word.is_empty()) {
            if after_operator && serde_json::from_str::<Value>(word).is_err() {
                quirks.met(if word.starts_with(|first: char| first.is_ascii_digit()) { "EN-68" } else { "EN-37" });
            }
            after_operator = ["eq", "ne", "co", "sw", "ew", "gt", "ge", "lt", "le"]
                .iter()
                .any(|operator| word.eq_ignore_ascii_case(operator));
        }
    }
}

/// The depth of the recursion is bounded by the parser of filters.
fn rewritten(resource_type: &ResourceType, unique_id: &str, filter: Filter, quirks: &mut Quirks) -> Filter {
    match filter {
        Filter::And(filters) => {
            Filter::And(filters.into_iter().map(|filter| rewritten(resource_type, unique_id, filter, quirks)).collect())
        }
        Filter::Or(filters) => {
            Filter::Or(filters.into_iter().map(|filter| rewritten(resource_type, unique_id, filter, quirks)).collect())
        }
        Filter::Not(filter) => Filter::Not(Box::new(rewritten(resource_type, unique_id, *filter, quirks))),
        Filter::Compare { path, operator: Operator::Eq, value } => {
            comparison(resource_type, unique_id, path, value, quirks)
        }
        Filter::Compare { path, operator, value } => {
            Filter::Compare { path: resolvable(resource_type, path, quirks), operator, value }
        }
        filter @ (Filter::ValuePath { .. } | Filter::Constant(_)) => filter,
    }
}

/// Rewrites `path eq value`.
fn comparison(
    resource_type: &ResourceType,
    unique_id: &str,
    path: AttributePath,
    value: Value,
    quirks: &mut Quirks,
) -> Filter {
    let equals = |path, value| Filter::Compare { path, operator: Operator::Eq, value };
    let emails = names::find(&resource_type.schema.attributes, "emails");
    let is_core = path.urn.is_none() && path.filter.is_none() && path.sub_attribute.is_none();
    let is_email = value.as_str().is_some_and(|text| text.contains('@'));
    if let Some(emails) = emails.filter(|_| is_core) {
        let by_email = || value_of(None, emails);
        if path.attribute.eq_ignore_ascii_case("email") {
            quirks.met("OK-02");
            return equals(by_email(), value);
        }
        // Okta's "unique identifier" changes the operand, not the attribute.
        if path.attribute.eq_ignore_ascii_case("userName") && unique_id == "emails.value" && is_email {
            quirks.met("OK-02");
            return Filter::Or(vec![equals(path, value.clone()), equals(by_email(), value)]);
        }
    }
    match reference(resource_type, &path) {
        Some((urn, attribute)) => {
            quirks.met(if attribute.name == "emails" { "OK-02" } else { "EN-39" });
            equals(value_of(urn, attribute), value)
        }
        None => equals(resolvable(resource_type, path, quirks), value),
    }
}

/// A path that names nothing as it stands, in the schema's words where it has some: `employeeNumber` of an extension
/// (EN-23). Otherwise it would find nobody, and everybody be created a second time.
fn resolvable(resource_type: &ResourceType, path: AttributePath, quirks: &mut Quirks) -> AttributePath {
    match resource_type.resolve(&path) {
        Some(_) => path,
        None => names::target(resource_type, &path.to_string(), quirks).map_or(path, |target| target.path),
    }
}

fn value_of(urn: Option<String>, attribute: &Attribute) -> AttributePath {
    AttributePath { urn, attribute: attribute.name.clone(), filter: None, sub_attribute: Some("value".to_owned()) }
}

/// The complex attribute that a path names as a whole, and the URN of its extension: it is compared by its `value`.
fn reference<'a>(resource_type: &'a ResourceType, path: &AttributePath) -> Option<(Option<String>, &'a Attribute)> {
    if path.filter.is_some() || path.sub_attribute.is_some() {
        return None;
    }
    let text = path.to_string();
    let target = names::target(resource_type, &text, &mut Quirks::default())?;
    let attribute = target.attribute.filter(|attribute| attribute.kind == AttributeType::Complex)?;
    names::has(&attribute.sub_attributes, "value").then_some((target.path.urn, attribute))
}

/// Takes the filter out of `emails[type eq "work"]` in a list of attributes (EN-44).
fn without_brackets(list: &mut String, quirks: &mut Quirks) {
    if !list.contains('[') {
        return;
    }
    quirks.met("EN-44");
    let (mut depth, mut is_quoted) = (0_usize, false);
    list.retain(|character| {
        let was_inside = depth > 0;
        match character {
            '"' if was_inside => is_quoted = !is_quoted,
            '[' if !is_quoted => depth += 1,
            ']' if !is_quoted => depth = depth.saturating_sub(1),
            _ => {}
        }
        !was_inside && depth == 0
    });
}
