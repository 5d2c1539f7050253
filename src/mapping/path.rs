//! A SCIM path as a source of values.

use scim_connector::{MappedValue, ResourceId};
use serde_json::Value;

use super::Object;
use crate::scim::{
    filter::Filter,
    path::AttributePath,
    schema::{Attribute, ResourceType, Schema},
};

/// Attributes that a canonical resource does not hold, so no mapping can read them.
pub(super) const UNSEEN: [&str; 5] = ["members", "groups", "meta", "schemas", "password"];

/// A path that was resolved in its resource type.
#[derive(Debug)]
pub(super) struct Path {
    /// The extension's URN.
    extension: Option<String>,
    /// The attribute; `None` for a whole extension.
    attribute: Option<Attribute>,
    /// Which elements.
    filter: Option<Filter>,
    sub_attribute: Option<String>,
    /// All values, not one.
    multi: bool,
    /// What a whole extension or complex value is made of, where not all of it goes along: what is never returned
    /// reaches a connector only under its own name.
    parts: Vec<Attribute>,
}

impl Path {
    /// Parses and resolves; or what is wrong.
    pub(super) fn new(resource_type: &ResourceType, text: &str, multi: bool) -> Result<Self, String> {
        let path = AttributePath::parse(text, &resource_type.urns()).map_err(|error| error.detail().to_owned())?;
        let resolved =
            resource_type.resolve(&path).ok_or_else(|| format!("{} has no attribute {text}", resource_type.kind))?;
        let attribute = resolved.attribute;
        if let Some(name) = attribute.map(|attribute| &*attribute.name)
            && resolved.extension.is_none()
            && UNSEEN.contains(&name)
        {
            return Err(format!("{name} is no attribute that a mapping can read"));
        }
        if let (Some(attribute), Some(filter)) = (attribute, &path.filter) {
            if !attribute.multi_valued {
                return Err(format!("{} has one value, so there is none to choose in brackets", attribute.name));
            }
            if let Some(unknown) = unknown_sub_attribute(attribute, filter) {
                return Err(format!("{} has no sub-attribute {unknown}", attribute.name));
            }
        }
        let is_multi = attribute.is_some_and(|attribute| attribute.multi_valued)
            || resolved.sub_attribute.is_some_and(|sub_attribute| sub_attribute.multi_valued);
        if multi && !is_multi {
            return Err(format!("{text} has one value, so multi = true says nothing"));
        }
        let parts = match (attribute, resolved.sub_attribute, resolved.extension) {
            (Some(_), Some(_), _) | (None, _, None) => &[][..],
            (Some(attribute), None, _) => &attribute.sub_attributes,
            (None, _, Some(schema)) => &schema.attributes,
        };
        Ok(Self {
            extension: resolved.extension.map(|schema| schema.id.clone()),
            attribute: attribute.cloned(),
            filter: path.filter.map(|filter| *filter),
            sub_attribute: resolved.sub_attribute.map(|sub_attribute| sub_attribute.name.clone()),
            multi,
            parts: with_hidden(parts),
        })
    }

    /// A whole core attribute, with all its values.
    pub(super) fn whole_attribute(attribute: &Attribute) -> Self {
        Self {
            extension: None,
            attribute: Some(attribute.clone()),
            filter: None,
            sub_attribute: None,
            multi: attribute.multi_valued,
            parts: with_hidden(&attribute.sub_attributes),
        }
    }

    /// A whole extension, as one object.
    pub(super) fn whole_extension(schema: &Schema) -> Self {
        Self {
            extension: Some(schema.id.clone()),
            attribute: None,
            filter: None,
            sub_attribute: None,
            multi: false,
            parts: with_hidden(&schema.attributes),
        }
    }

    /// The values at the path.
    pub(super) fn value(&self, id: ResourceId, resource: &Object) -> MappedValue {
        let mut values: Vec<Value> = Vec::new();
        for mut value in self.elements(id, resource) {
            if !self.parts.is_empty() {
                conceal(&self.parts, &mut value);
                if value.as_object().is_some_and(Object::is_empty) {
                    continue;
                }
            }
            let value = match &self.sub_attribute {
                None => Some(value),
                Some(name) => value.get(name).cloned(),
            };
            // A sub-attribute of a declared schema may be multi-valued itself.
            match value {
                Some(Value::Array(inner)) => values.extend(inner),
                Some(value) => values.push(value),
                None => {}
            }
        }
        if self.multi {
            several(values)
        } else {
            values.into_iter().next().map_or(MappedValue::Absent, MappedValue::Single)
        }
    }

    /// The attribute's elements that the filter chooses, the primary one first.
    fn elements(&self, id: ResourceId, resource: &Object) -> Vec<Value> {
        let container = match &self.extension {
            None => Some(resource),
            Some(urn) => resource.get(urn).and_then(Value::as_object),
        };
        let Some(container) = container else { return Vec::new() };
        let Some(attribute) = &self.attribute else { return vec![Value::Object(container.clone())] };
        if self.extension.is_none() && attribute.name == "id" {
            return vec![id.to_string().into()];
        }
        let mut elements = match container.get(&attribute.name) {
            None => Vec::new(),
            Some(Value::Array(elements)) => elements.clone(),
            Some(value) => vec![value.clone()],
        };
        if let Some(filter) = &self.filter {
            elements.retain(|element| filter.matches_element(attribute, element));
        }
        if !self.multi {
            let is_primary = |element: &Value| element.get("primary") == Some(&Value::Bool(true));
            elements.sort_by_key(|element| !is_primary(element));
        }
        elements
    }
}

/// The attributes, should any of them, or a part of one, be hidden.
fn with_hidden(attributes: &[Attribute]) -> Vec<Attribute> {
    let is_hidden =
        |attribute: &Attribute| attribute.is_hidden() || attribute.sub_attributes.iter().any(Attribute::is_hidden);
    if attributes.iter().any(is_hidden) { attributes.to_vec() } else { Vec::new() }
}

/// Takes out of a whole value what is never returned.
fn conceal(parts: &[Attribute], value: &mut Value) {
    let Value::Object(object) = value else { return };
    for part in parts {
        if part.is_hidden() {
            object.remove(&part.name);
            continue;
        }
        // A part of a part is never complex, so this goes no deeper.
        match object.get_mut(&part.name) {
            Some(Value::Array(elements)) => {
                elements.iter_mut().for_each(|element| conceal(&part.sub_attributes, element));
            }
            Some(inner) => conceal(&part.sub_attributes, inner),
            None => {}
        }
    }
}

/// A set of values, without duplicates.
pub(super) fn several(values: Vec<Value>) -> MappedValue {
    let mut set: Vec<Value> = Vec::with_capacity(values.len());
    let mut seen = std::collections::HashSet::new();
    for value in values {
        if seen.insert(value.to_string()) {
            set.push(value);
        }
    }
    if set.is_empty() { MappedValue::Absent } else { MappedValue::Multi(set) }
}

/// A name in the brackets that the attribute does not have. To a filter that is no error; in a mapping it is a slip.
fn unknown_sub_attribute<'a>(attribute: &Attribute, filter: &'a Filter) -> Option<&'a str> {
    match filter {
        Filter::And(filters) | Filter::Or(filters) => {
            filters.iter().find_map(|filter| unknown_sub_attribute(attribute, filter))
        }
        Filter::Not(filter) => unknown_sub_attribute(attribute, filter),
        Filter::Compare { path, .. } | Filter::ValuePath { path, .. } => {
            let is_known = attribute.sub_attribute(&path.attribute).is_some()
                || attribute.sub_attributes.is_empty() && path.attribute.eq_ignore_ascii_case("value");
            (!is_known).then_some(&*path.attribute)
        }
        Filter::Constant(_) => None,
    }
}
