//! Which attributes of a resource are returned, and list responses (RFC 7644 §3.4.2, §3.9).

use super::{Error, Object, path::AttributePath, schema::ResourceType};

/// The URN of a list response.
pub const LIST_URN: &str = "urn:ietf:params:scim:api:messages:2.0:ListResponse";

/// The client's choice of attributes: `attributes` or `excludedAttributes`.
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
    /// Parses the two parameters' texts; names that the type does not know are ignored.
    ///
    /// # Errors
    /// `invalidSyntax` when both are given.
    pub fn parse(
        _resource_type: &ResourceType,
        _attributes: Option<&str>,
        _excluded: Option<&str>,
    ) -> Result<Self, Error> {
        todo!()
    }

    /// Whether a top-level core attribute would be returned at all; decides whether `members` is read.
    pub fn includes(&self, _resource_type: &ResourceType, _attribute: &str) -> bool {
        todo!()
    }

    /// Leaves what is to be returned of a full resource (with `schemas`, `id`, `meta`).
    pub fn apply(&self, _resource_type: &ResourceType, _resource: &mut Object) {
        todo!()
    }
}

/// The `schemas` of a canonical resource: the core schema, and each extension of which it has attributes.
pub fn schemas(_resource_type: &ResourceType, _attributes: &Object) -> Vec<String> {
    todo!()
}
