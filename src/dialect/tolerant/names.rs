//! Names of attributes and schemas: other letter case, other words, misspelt URNs.

use std::collections::HashSet;

use serde_json::Value;

use super::values;
use crate::{
    dialect::Quirks,
    scim::{
        Error, Object, ScimType,
        filter::Filter,
        path::AttributePath,
        schema::{Attribute, AttributeType, ENTERPRISE_URN, Mutability, ResourceType},
    },
};

/// URNs that clients write for an extension's, and the quirk that this is.
const MISSPELT_URNS: [(&str, &str, &str); 2] = [
    ("urn:ietf:params:scim:schemas:extension:enterprise:2.0User", ENTERPRISE_URN, "EN-33"),
    ("urn:scim:schemas:extension:enterprise:1.0", ENTERPRISE_URN, "OT-01"),
];
/// SCIM 1.1's core URN: stands for that of any type.
const CORE_URN_1_1: &str = "urn:scim:schemas:core:1.0";
/// Listed by Entra for groups; it declares nothing.
const ADSCIM_PREFIX: &str = "http://schemas.microsoft.com/2006/11/ResourceManagement/ADSCIM/";

/// Words for a sub-attribute that are not the schema's: of which attribute, from, to, quirk.
const ALIASES: [(&str, &str, &str, &str); 3] = [
    ("roles", "displayName", "display", "EN-30"),
    ("members", "displayName", "display", "EN-16"),
    ("manager", "managerId", "value", "OT-05"),
];

/// The attribute of that name, without case.
pub(super) fn find<'a>(attributes: &'a [Attribute], name: &str) -> Option<&'a Attribute> {
    attributes.iter().find(|attribute| attribute.name.eq_ignore_ascii_case(name))
}

pub(super) fn has(attributes: &[Attribute], name: &str) -> bool {
    find(attributes, name).is_some()
}

/// Whether the core schema has that attribute and lets no client write it.
pub(super) fn is_read_only(resource_type: &ResourceType, name: &str) -> bool {
    find(&resource_type.schema.attributes, name).is_some_and(|attribute| attribute.mutability == Mutability::ReadOnly)
}

/// Gives keys the schema's spelling (EN-65). Whether each name is there once; two spellings of one name stay, for the
/// parser to refuse.
pub(super) fn respell(attributes: &[Attribute], object: &mut Object, quirks: &mut Quirks) -> bool {
    let spellings = |key: &str| find(attributes, key).map(|attribute| attribute.name.clone());
    rename_keys(object, spellings, "EN-65", quirks)
}

/// Gives keys those spellings (EN-65).
pub(super) fn respell_keys(object: &mut Object, names: &[&str], quirks: &mut Quirks) {
    let spellings = |key: &str| names.iter().find(|name| name.eq_ignore_ascii_case(key)).map(|name| (*name).to_owned());
    rename_keys(object, spellings, "EN-65", quirks);
}

/// Gives the keys of a complex value the schema's words and spelling.
pub(super) fn respell_aliases(attribute: &Attribute, object: &mut Object, quirks: &mut Quirks) {
    respell(&attribute.sub_attributes, object, quirks);
    rename_keys_by(object, |key| alias(attribute, key), quirks);
}

/// Gives the keys that are misspelt URNs of extensions their right spelling.
///
/// # Errors
/// `invalidSyntax` for an extension under two spellings: whichever was taken, the other would be lost.
pub(super) fn correct_keys(
    resource_type: &ResourceType,
    object: &mut Object,
    quirks: &mut Quirks,
) -> Result<(), Error> {
    let were_right = rename_keys_by(object, |key| corrected(resource_type, key), quirks);
    let spellings = |key: &str| {
        let extension = resource_type.extensions.iter().find(|(schema, _)| schema.id.eq_ignore_ascii_case(key));
        extension.map(|(schema, _)| schema.id.clone())
    };
    if rename_keys(object, spellings, "EN-65", quirks) && were_right {
        return Ok(());
    }
    Err(Error::of(ScimType::InvalidSyntax, "an extension is given twice, by two spellings of its URN"))
}

fn alias(attribute: &Attribute, key: &str) -> Option<(String, &'static str)> {
    let (_, _, to, quirk) = ALIASES
        .iter()
        .find(|(of, from, _, _)| attribute.name == *of && key.eq_ignore_ascii_case(from))
        .filter(|(_, from, _, _)| !has(&attribute.sub_attributes, from))?;
    Some(((*to).to_owned(), quirk))
}

fn corrected(resource_type: &ResourceType, urn: &str) -> Option<(String, &'static str)> {
    if urn.eq_ignore_ascii_case(CORE_URN_1_1) {
        return Some((resource_type.schema.id.clone(), "OT-01"));
    }
    let (_, right, quirk) = MISSPELT_URNS.iter().find(|(wrong, _, _)| wrong.eq_ignore_ascii_case(urn))?;
    resource_type.extensions.iter().any(|(schema, _)| schema.id == *right).then(|| ((*right).to_owned(), *quirk))
}

fn rename_keys(
    object: &mut Object,
    spelling: impl Fn(&str) -> Option<String>,
    quirk: &'static str,
    quirks: &mut Quirks,
) -> bool {
    rename_keys_by(object, |key| Some((spelling(key)?, quirk)), quirks)
}

/// Renames keys, except those whose new name is taken. Whether there were no such.
fn rename_keys_by(
    object: &mut Object,
    renaming: impl Fn(&str) -> Option<(String, &'static str)>,
    quirks: &mut Quirks,
) -> bool {
    let renamings: Vec<_> = object
        .keys()
        .filter_map(|key| renaming(key).filter(|(to, _)| to != key).map(|(to, quirk)| (key.clone(), to, quirk)))
        .collect();
    let mut is_free = true;
    for (from, to, quirk) in renamings {
        if object.contains_key(&to) {
            is_free = false;
        } else if let Some(value) = object.remove(&from) {
            object.insert(to, value);
            quirks.met(quirk);
        }
    }
    is_free
}

/// Brings `schemas` to what the body really has: URNs corrected, undeclared ones of Entra left out (EN-34), extensions
/// with an object added (EN-32). A body without `schemas` is left so.
pub(super) fn list_schemas(resource_type: &ResourceType, body: &mut Object, quirks: &mut Quirks) {
    if let Some(Value::String(_)) = body.get("schemas")
        && let Some(urn) = body.remove("schemas")
    {
        quirks.met("OT-04");
        body.insert("schemas".to_owned(), Value::Array(vec![urn]));
    }
    let Some(Value::Array(listed)) = body.get_mut("schemas") else { return };
    let mut urns: Vec<Value> = Vec::with_capacity(listed.len());
    let mut seen: HashSet<String> = HashSet::with_capacity(listed.len());
    let mut corrected_one = false;
    for urn in listed.drain(..) {
        let Some(text) = urn.as_str() else {
            urns.push(urn);
            continue;
        };
        if text.starts_with(ADSCIM_PREFIX) {
            quirks.met("EN-34");
        } else if let Some((right, quirk)) = corrected(resource_type, text) {
            quirks.met(quirk);
            corrected_one = true;
            if seen.insert(right.to_ascii_lowercase()) {
                urns.push(right.into());
            }
        } else if seen.insert(text.to_ascii_lowercase()) || !corrected_one {
            urns.push(urn);
        }
    }
    for (extension, _) in &resource_type.extensions {
        if body.get(&extension.id).is_some_and(Value::is_object) && !seen.contains(&extension.id.to_ascii_lowercase()) {
            quirks.met("EN-32");
            urns.push(extension.id.as_str().into());
        }
    }
    body.insert("schemas".to_owned(), Value::Array(urns));
}

/// What a path names, in the schema's words.
pub(super) struct Target<'a> {
    /// The path.
    pub(super) path: AttributePath,
    /// The same as text.
    pub(super) text: String,
    /// The attribute; `None` for a whole extension.
    pub(super) attribute: Option<&'a Attribute>,
    /// The sub-attribute.
    pub(super) sub_attribute: Option<&'a Attribute>,
    /// The attributes that a value for a whole extension may have.
    pub(super) extension: &'a [Attribute],
}

/// Reads a path; `None` for one that names nothing in this type, which the parser then refuses.
pub(super) fn target<'a>(resource_type: &'a ResourceType, text: &str, quirks: &mut Quirks) -> Option<Target<'a>> {
    let urns = resource_type.urns();
    let (written, prefix_quirk) = match corrected_prefix(resource_type, &urns, text) {
        Some((corrected, quirk)) => (corrected, Some(quirk)),
        None => (text.to_owned(), None),
    };
    let mut path = AttributePath::parse(&written, &urns).ok()?;
    let mut met = Quirks::default();
    if let Some(quirk) = prefix_quirk {
        met.met(quirk);
    }
    let resolved = match resource_type.resolve(&path) {
        Some(resolved) => resolved,
        None => {
            let (other, quirk) = by_other_words(resource_type, &path)?;
            met.met(quirk);
            path = other;
            resource_type.resolve(&path)?
        }
    };
    for (spelling, attribute) in
        [(Some(&mut path.attribute), resolved.attribute), (path.sub_attribute.as_mut(), resolved.sub_attribute)]
    {
        if let (Some(spelling), Some(attribute)) = (spelling, attribute)
            && *spelling != attribute.name
        {
            spelling.clone_from(&attribute.name);
            met.met("EN-08");
        }
    }
    if let (Some(filter), Some(attribute)) = (path.filter.as_mut(), resolved.attribute) {
        boolean_operands(&attribute.sub_attributes, filter, &mut met);
    }
    let text = if met.ids().is_empty() { written } else { path.to_string() };
    met.ids().iter().for_each(|quirk| quirks.met(quirk));
    Some(Target {
        path,
        text,
        attribute: resolved.attribute,
        sub_attribute: resolved.sub_attribute,
        extension: resolved.extension.map_or(&[], |schema| schema.attributes.as_slice()),
    })
}

/// A path with a misspelt URN, or a dot after its URN (EN-23), put right.
fn corrected_prefix(resource_type: &ResourceType, urns: &[&str], text: &str) -> Option<(String, &'static str)> {
    let rest_after = |urn: &str| {
        let is_prefix = text.get(..urn.len())?.eq_ignore_ascii_case(urn);
        text.get(urn.len()..).filter(|_| is_prefix)
    };
    for urn in urns {
        if let Some(rest) = rest_after(urn).and_then(|rest| rest.strip_prefix('.')) {
            return Some((format!("{urn}:{rest}"), "EN-23"));
        }
    }
    let misspelt = MISSPELT_URNS.iter().map(|(wrong, _, _)| *wrong).chain([CORE_URN_1_1]);
    for wrong in misspelt {
        if let Some(rest) = rest_after(wrong).and_then(|rest| rest.strip_prefix([':', '.'])) {
            let (right, quirk) = corrected(resource_type, wrong)?;
            return Some((format!("{right}:{rest}"), quirk));
        }
    }
    None
}

/// A path that names nothing as it stands: an extension's attribute without its URN (`manager`), where only one
/// extension has such an attribute, or a sub-attribute by another word.
fn by_other_words(resource_type: &ResourceType, path: &AttributePath) -> Option<(AttributePath, &'static str)> {
    if path.urn.is_none() && !has(&resource_type.schema.attributes, &path.attribute) {
        let mut having = resource_type.extensions.iter().filter(|(schema, _)| has(&schema.attributes, &path.attribute));
        return match (having.next(), having.next()) {
            (Some((schema, _)), None) => {
                Some((AttributePath { urn: Some(schema.id.clone()), ..path.clone() }, "EN-23"))
            }
            _ => None,
        };
    }
    let whole = AttributePath { sub_attribute: None, ..path.clone() };
    let attribute = resource_type.resolve(&whole)?.attribute?;
    let (sub_attribute, quirk) = alias(attribute, path.sub_attribute.as_deref()?)?;
    Some((AttributePath { sub_attribute: Some(sub_attribute), ..whole }, quirk))
}

/// `primary eq "True"` compares a boolean (EN-26). The depth is bounded by the parser of filters.
fn boolean_operands(attributes: &[Attribute], filter: &mut Filter, quirks: &mut Quirks) {
    match filter {
        Filter::And(filters) | Filter::Or(filters) => {
            filters.iter_mut().for_each(|filter| boolean_operands(attributes, filter, quirks));
        }
        Filter::Not(filter) | Filter::ValuePath { filter, .. } => boolean_operands(attributes, filter, quirks),
        Filter::Compare { path, value, .. } => {
            let is_boolean =
                find(attributes, &path.attribute).is_some_and(|found| found.kind == AttributeType::Boolean);
            if let Some(boolean) = value.as_str().filter(|_| is_boolean).and_then(values::boolean_of) {
                *value = boolean.into();
                quirks.met("EN-26");
            }
        }
        Filter::Constant(_) => {}
    }
}
