//! Which attributes of a resource are returned, and list responses (RFC 7644 §3.4.2, §3.9).

use serde_json::Value;

use super::{
    Error, Object, ScimType,
    path::AttributePath,
    resource::Special,
    schema::{Attribute, ResourceType, Returned},
};

/// The URN of a list response.
pub const LIST_URN: &str = "urn:ietf:params:scim:api:messages:2.0:ListResponse";

/// The client's choice of attributes: `attributes` or `excludedAttributes`. Its paths are in the schema's spelling and
/// without duplicates, as [`Projection::parse`] makes them.
#[derive(Clone, PartialEq, Debug, Default)]
pub enum Projection {
    /// Those that are `returned: default`.
    #[default]
    Default,
    /// The minimum and these.
    Only(Vec<AttributePath>),
    /// The default without these.
    Without(Vec<AttributePath>),
}

impl Projection {
    /// Parses the two parameters' texts; names that the type does not know are ignored, and so is a value filter
    /// (dialects EN-44). An empty text is no choice.
    ///
    /// # Errors
    /// `invalidSyntax` when both are given.
    pub fn parse(
        resource_type: &ResourceType,
        attributes: Option<&str>,
        excluded: Option<&str>,
    ) -> Result<Self, Error> {
        let is_given = |text: &&str| !text.trim().is_empty();
        match (attributes.filter(is_given), excluded.filter(is_given)) {
            (Some(_), Some(_)) => Err(Error::of(
                ScimType::InvalidSyntax,
                "attributes and excludedAttributes cannot be used together: send one of them",
            )),
            (Some(attributes), None) => Ok(Self::Only(known_paths(resource_type, attributes))),
            (None, Some(excluded)) => Ok(Self::Without(known_paths(resource_type, excluded))),
            (None, None) => Ok(Self::Default),
        }
    }

    /// Whether a top-level core attribute would be returned at all; decides whether `members` is read.
    pub fn includes(&self, resource_type: &ResourceType, attribute: &str) -> bool {
        let definition = resource_type.attribute(attribute);
        let name = definition.map_or(attribute, |definition| &definition.name);
        is_minimum(name) || !matches!(self.choice(None, name, returned(definition)), Choice::Drop)
    }

    /// Whether an attribute of an extension that is returned by default would be returned at all.
    pub fn includes_of(&self, urn: &str, attribute: &str) -> bool {
        !matches!(self.choice(Some(urn), attribute, Returned::Default), Choice::Drop)
    }

    /// Leaves what is to be returned of a full resource (with `schemas`, `id`, `meta`).
    pub fn apply(&self, resource_type: &ResourceType, resource: &mut Object) {
        resource.retain(|name, value| {
            let extension = resource_type.extensions.iter().find(|(schema, _)| schema.id == *name);
            match (extension, value) {
                (Some((schema, _)), Value::Object(attributes)) => {
                    attributes.retain(|name, value| self.keep(Some(&schema.id), &schema.attributes, name, value));
                    !attributes.is_empty()
                }
                (_, value) => is_minimum(name) || self.keep(None, &resource_type.schema.attributes, name, value),
            }
        });
    }

    /// Whether an attribute stays; what stays of a complex one is left in `value`.
    fn keep(&self, urn: Option<&str>, definitions: &[Attribute], name: &str, value: &mut Value) -> bool {
        let definition = definition(definitions, name);
        let parts = definition.map_or(&[][..], |definition| &definition.sub_attributes);
        match self.choice(urn, name, returned(definition)) {
            Choice::Drop => false,
            // Looked up first, so that the members of a large group are not walked for nothing.
            Choice::Keep if parts.iter().all(|part| is_default(part.returned)) => true,
            Choice::Keep => keep_parts(value, parts, |_, returned| is_default(returned)),
            Choice::KeepParts(named) => keep_parts(value, parts, |part, returned| match returned {
                Returned::Always => true,
                Returned::Default | Returned::Request => named.contains(&part),
                Returned::Never => false,
            }),
            Choice::DropParts(named) => keep_parts(value, parts, |part, returned| match returned {
                Returned::Always => true,
                Returned::Default => !named.contains(&part),
                Returned::Request | Returned::Never => false,
            }),
        }
    }

    fn choice(&self, urn: Option<&str>, name: &str, returned: Returned) -> Choice<'_> {
        match returned {
            Returned::Never => return Choice::Drop,
            Returned::Always => return Choice::Keep,
            Returned::Default | Returned::Request => {}
        }
        match self {
            Self::Default if returned == Returned::Default => Choice::Keep,
            Self::Default => Choice::Drop,
            Self::Only(paths) => match named(paths, urn, name) {
                Named::Not => Choice::Drop,
                // A whole extension stands for what is returned of it by default.
                Named::WithExtension if returned == Returned::Request => Choice::Drop,
                Named::WithExtension | Named::Whole => Choice::Keep,
                Named::Parts(parts) => Choice::KeepParts(parts),
            },
            Self::Without(_) if returned == Returned::Request => Choice::Drop,
            Self::Without(paths) => match named(paths, urn, name) {
                Named::Not => Choice::Keep,
                Named::WithExtension | Named::Whole => Choice::Drop,
                Named::Parts(parts) => Choice::DropParts(parts),
            },
        }
    }
}

/// What becomes of an attribute.
enum Choice<'a> {
    Drop,
    Keep,
    /// Only these sub-attributes.
    KeepParts(Vec<&'a str>),
    /// All but these sub-attributes.
    DropParts(Vec<&'a str>),
}

/// How the client's paths name an attribute.
enum Named<'a> {
    Not,
    Whole,
    WithExtension,
    Parts(Vec<&'a str>),
}

fn named<'a>(paths: &'a [AttributePath], urn: Option<&str>, name: &str) -> Named<'a> {
    let mut found = Named::Not;
    for path in paths.iter().filter(|path| path.urn.as_deref() == urn) {
        if path.attribute.is_empty() {
            // The attribute's own name, if it comes as well, says more.
            if matches!(found, Named::Not | Named::Parts(_)) {
                found = Named::WithExtension;
            }
        } else if path.attribute == name {
            match (&path.sub_attribute, &mut found) {
                (None, _) => return Named::Whole,
                (Some(part), Named::Parts(parts)) => parts.push(part),
                (Some(part), Named::Not) => found = Named::Parts(vec![part]),
                (Some(_), Named::Whole | Named::WithExtension) => {}
            }
        }
    }
    found
}

/// Leaves the chosen sub-attributes, of each element where there are several. Whether anything is left.
fn keep_parts(value: &mut Value, definitions: &[Attribute], is_chosen: impl Fn(&str, Returned) -> bool) -> bool {
    let keep_in = |element: &mut Value| match element {
        Value::Object(parts) => {
            parts.retain(|name, _| is_chosen(name, returned(definition(definitions, name))));
            !parts.is_empty()
        }
        _ => true,
    };
    match value {
        Value::Array(elements) => {
            elements.retain_mut(keep_in);
            !elements.is_empty()
        }
        value => keep_in(value),
    }
}

/// `id` and `schemas` are in every answer (RFC 7644 §3.9, RFC 7643 §3).
fn is_minimum(name: &str) -> bool {
    matches!(name, "id" | "schemas")
}

fn is_default(returned: Returned) -> bool {
    matches!(returned, Returned::Always | Returned::Default)
}

fn definition<'a>(definitions: &'a [Attribute], name: &str) -> Option<&'a Attribute> {
    definitions.iter().find(|definition| definition.name == name)
}

/// `externalId` and `meta`, which no schema defines, are `returned: default`.
fn returned(definition: Option<&Attribute>) -> Returned {
    definition.map_or(Returned::Default, |definition| definition.returned)
}

/// The paths of a comma-separated list that the type knows, each once.
fn known_paths(resource_type: &ResourceType, list: &str) -> Vec<AttributePath> {
    let urns = resource_type.urns();
    let mut paths = Vec::new();
    for text in split_list(list) {
        let Ok(path) = AttributePath::parse(text, &urns) else { continue };
        let Some(resolved) = resource_type.resolve(&path) else { continue };
        let canonical = AttributePath {
            urn: resolved.extension.map(|schema| schema.id.clone()),
            attribute: resolved.attribute.map(|attribute| attribute.name.clone()).unwrap_or_default(),
            filter: None,
            sub_attribute: resolved.sub_attribute.map(|attribute| attribute.name.clone()),
        };
        // Without duplicates there are no more paths than the type has attributes, however long the list.
        if !paths.contains(&canonical) {
            paths.push(canonical);
        }
    }
    paths
}

/// Splits at commas, but not at those within a value filter.
fn split_list(list: &str) -> impl Iterator<Item = &str> {
    let (mut in_brackets, mut in_string, mut is_escaped) = (false, false, false);
    list.split(move |char| {
        match char {
            '"' if in_brackets && !is_escaped => in_string = !in_string,
            '[' if !in_string => in_brackets = true,
            ']' if !in_string => in_brackets = false,
            _ => {}
        }
        is_escaped = in_string && char == '\\' && !is_escaped;
        char == ',' && !in_brackets
    })
}

/// Whether the default answer has every attribute that a resource of the type may hold, so that what is stored can be
/// copied as it is. A password is not stored in a resource.
pub fn returns_all(resource_type: &ResourceType) -> bool {
    let is_returned = |attribute: &Attribute| {
        is_default(attribute.returned) && attribute.sub_attributes.iter().all(|part| is_default(part.returned))
    };
    let is_password = |attribute: &Attribute| Special::of(resource_type, attribute) == Some(Special::Password);
    let mut extensions = resource_type.extensions.iter().flat_map(|(schema, _)| &schema.attributes);
    resource_type.schema.attributes.iter().all(|attribute| is_returned(attribute) || is_password(attribute))
        && extensions.all(is_returned)
}

/// The `schemas` of a canonical resource: the core schema, and each extension of which it has attributes.
pub fn schemas(resource_type: &ResourceType, attributes: &Object) -> Vec<String> {
    let extensions = resource_type.extensions.iter().map(|(schema, _)| &schema.id);
    let used = extensions.filter(|urn| attributes.contains_key(urn.as_str()));
    std::iter::once(&resource_type.schema.id).chain(used).cloned().collect()
}

#[cfg(test)]
mod tests;
