//! Which attributes a connector gets (`[connectors.NAME.mapping.*]`): SCIM paths, constants, templates, conditions.
//! Pure: a mapping is parsed and checked when configuration loads, and applied to canonical resources.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use scim_connector::{MappedAttributes, ResourceId};
use serde::{Deserialize, Serialize};

use crate::scim::{Object, schema::ResourceType};

/// `[connectors.NAME.mapping.user]`: the downstream attribute's name → where its value comes from.
pub type Settings = BTreeMap<String, Source>;

/// Where one downstream attribute's value comes from. Owned and documented here; `config` imports it.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Source {}

/// A checked mapping of one resource type.
#[derive(Debug)]
pub struct Mapping {}

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
    pub fn new(_resource_type: &ResourceType, _settings: &Settings) -> Result<Self, Vec<Problem>> {
        todo!()
    }

    /// The mapping for a connector that names none: every attribute as SCIM has it, by SCIM's names.
    pub fn identity(_resource_type: &ResourceType) -> Self {
        todo!()
    }

    /// Maps one canonical resource.
    ///
    /// # Errors
    /// The first attribute that cannot be made.
    pub fn apply(&self, _id: ResourceId, _attributes: &Object) -> Result<MappedAttributes, Error> {
        todo!()
    }
}
