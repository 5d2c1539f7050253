//! Which attributes a connector gets (`[connectors.NAME.mapping.*]`): SCIM paths, constants, templates, conditions.
//! Pure: a mapping is parsed and checked when configuration loads, and applied to canonical resources.

mod check;
mod path;
mod source;
mod template;
#[cfg(test)]
mod tests;

use std::{cell::OnceCell, collections::BTreeMap};

use scim_connector::{MappedAttribute, MappedAttributes, MappedValue, ResourceId, WriteRule};

pub use self::{
    check::condition,
    source::{Source, Table},
};
use self::{
    path::{Path, UNSEEN},
    template::{Failure, Templates},
};
use crate::scim::{Object, filter::Filter, schema::ResourceType};

/// `[connectors.NAME.mapping.user]`: the downstream attribute's name → where its value comes from.
pub type Settings = BTreeMap<String, Source>;

/// A checked mapping of one resource type.
#[derive(Debug)]
pub struct Mapping {
    resource_type: ResourceType,
    /// By the downstream attribute's name.
    attributes: BTreeMap<String, Attribute>,
    templates: Templates,
}

/// How one downstream attribute is made.
#[derive(Debug)]
struct Attribute {
    origin: Origin,
    when: Option<Filter>,
    default: MappedValue,
    write: WriteRule,
}

/// Where the value comes from.
#[derive(Debug)]
enum Origin {
    Path(Box<Path>),
    Constant(MappedValue),
    /// The template of the attribute's name.
    Template,
}

/// A problem with one attribute of a mapping.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Problem {
    /// The downstream attribute, and the key below it.
    pub key: String,
    /// What is wrong.
    pub message: String,
    /// What would be right.
    pub remedy: String,
}

/// Why a resource cannot be mapped: a template that failed on its values. Names the downstream attribute, no value.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("attribute {attribute}: {reason}")]
pub struct Error {
    /// The downstream attribute.
    pub attribute: String,
    /// What went wrong, without values.
    pub reason: String,
}

impl Mapping {
    /// Parses and checks a mapping; reports every problem.
    ///
    /// # Errors
    /// All problems found.
    pub fn new(resource_type: &ResourceType, settings: &Settings) -> Result<Self, Vec<Problem>> {
        let mut mapping = Self::empty(resource_type);
        let mut problems = Vec::new();
        for (name, source) in settings {
            match check::attribute(resource_type, &mut mapping.templates, name, source) {
                Ok(attribute) => {
                    mapping.attributes.insert(name.clone(), attribute);
                }
                Err(found) => problems.extend(found),
            }
        }
        if problems.is_empty() { Ok(mapping) } else { Err(problems) }
    }

    /// The mapping for a connector that names none: every attribute as SCIM has it, by SCIM's names, but none that is
    /// never returned. Complex values are JSON objects, and an extension is one object under its URN.
    pub fn identity(resource_type: &ResourceType) -> Self {
        let mut mapping = Self::empty(resource_type);
        let core = resource_type.schema.attributes.iter().chain(resource_type.attribute("externalId"));
        let whole_attributes = core
            .filter(|attribute| attribute.name != "id" && !UNSEEN.contains(&&*attribute.name) && !attribute.is_hidden())
            .map(|attribute| (attribute.name.clone(), Path::whole_attribute(attribute)));
        let whole_extensions =
            resource_type.extensions.iter().map(|(schema, _)| (schema.id.clone(), Path::whole_extension(schema)));
        mapping.attributes = whole_attributes
            .chain(whole_extensions)
            .map(|(name, path)| {
                let origin = Origin::Path(Box::new(path));
                (name, Attribute { origin, when: None, default: MappedValue::Absent, write: WriteRule::Always })
            })
            .collect();
        mapping
    }

    /// Maps one canonical resource. Every attribute of the mapping is in the result, so that one without a value is
    /// removed downstream.
    ///
    /// # Errors
    /// The first attribute that cannot be made.
    pub fn apply(&self, id: ResourceId, attributes: &Object) -> Result<MappedAttributes, Error> {
        let context = OnceCell::new();
        let mut mapped = MappedAttributes::new();
        for (name, attribute) in &self.attributes {
            let value = self
                .value(name, attribute, id, attributes, &context)
                .map_err(|reason| Error { attribute: name.clone(), reason: reason.to_owned() })?;
            mapped.insert(name.clone(), MappedAttribute { value, write: attribute.write });
        }
        Ok(mapped)
    }

    fn empty(resource_type: &ResourceType) -> Self {
        Self { resource_type: resource_type.clone(), attributes: BTreeMap::new(), templates: Templates::new() }
    }

    fn value(
        &self,
        name: &str,
        attribute: &Attribute,
        id: ResourceId,
        resource: &Object,
        context: &OnceCell<minijinja::Value>,
    ) -> Result<MappedValue, &'static str> {
        if attribute.when.as_ref().is_some_and(|when| !self.matches(when, id, resource)) {
            return Ok(attribute.default.clone());
        }
        let value = match &attribute.origin {
            Origin::Path(path) => path.value(id, resource),
            Origin::Constant(value) => value.clone(),
            Origin::Template => {
                let context = context.get_or_init(|| template::context(&self.resource_type, id, resource));
                match self.templates.render(name, context) {
                    Ok(text) => text.map_or(MappedValue::Absent, |text| MappedValue::Single(text.into())),
                    Err(Failure::Undefined) if attribute.default != MappedValue::Absent => MappedValue::Absent,
                    Err(Failure::Undefined) => {
                        return Err("the template needs an attribute that the resource does not have");
                    }
                    Err(Failure::Other(reason)) => return Err(reason),
                }
            }
        };
        Ok(if value == MappedValue::Absent { attribute.default.clone() } else { value })
    }

    fn matches(&self, when: &Filter, id: ResourceId, resource: &Object) -> bool {
        if !when.mentions("id") {
            return when.matches(&self.resource_type, resource);
        }
        let mut resource = resource.clone();
        resource.insert("id".into(), id.to_string().into());
        when.matches(&self.resource_type, &resource)
    }
}
