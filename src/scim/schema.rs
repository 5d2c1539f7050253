//! Schemas and resource types (RFC 7643 §2, §6, §7).

use std::sync::Arc;

use scim_connector::ResourceKind;

use super::path::AttributePath;

/// The URN of the core User schema.
pub const USER_URN: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
/// The URN of the core Group schema.
pub const GROUP_URN: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";
/// The URN of the enterprise extension of User.
pub const ENTERPRISE_URN: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";

/// An attribute's data type (RFC 7643 §2.3).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[expect(missing_docs, reason = "the names are the RFC's")]
pub enum AttributeType {
    String,
    Boolean,
    Decimal,
    Integer,
    DateTime,
    Binary,
    Reference,
    Complex,
}

/// Whether a client may write an attribute (RFC 7643 §7).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[expect(missing_docs, reason = "the names are the RFC's")]
pub enum Mutability {
    ReadOnly,
    ReadWrite,
    Immutable,
    WriteOnly,
}

/// When an attribute is returned (RFC 7643 §7).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[expect(missing_docs, reason = "the names are the RFC's")]
pub enum Returned {
    Always,
    Never,
    Default,
    Request,
}

/// How far a value is unique (RFC 7643 §7).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[expect(missing_docs, reason = "the names are the RFC's")]
pub enum Uniqueness {
    None,
    Server,
    Global,
}

/// An attribute or sub-attribute and its characteristics.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Attribute {
    /// The schema's spelling.
    pub name: String,
    /// The data type.
    pub kind: AttributeType,
    /// Whether it holds an array.
    pub multi_valued: bool,
    /// What it is, for `/Schemas`.
    pub description: String,
    /// Whether a resource must have it.
    pub required: bool,
    /// Whether values compare with case.
    pub case_exact: bool,
    /// Who may write it.
    pub mutability: Mutability,
    /// When it is returned.
    pub returned: Returned,
    /// How far it is unique.
    pub uniqueness: Uniqueness,
    /// Suggested values.
    pub canonical_values: Vec<String>,
    /// What a reference may point to.
    pub reference_types: Vec<String>,
    /// Sub-attributes of a complex attribute.
    pub sub_attributes: Vec<Attribute>,
}

/// A schema: a URN and its attributes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Schema {
    /// The URN.
    pub id: String,
    /// A short name.
    pub name: String,
    /// What it describes.
    pub description: String,
    /// The attributes.
    pub attributes: Vec<Attribute>,
}

/// A resource type: an endpoint, its schema and extensions.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ResourceType {
    /// The type's name, `User`.
    pub kind: ResourceKind,
    /// The endpoint with its slash, `/Users`.
    pub endpoint: String,
    /// What it is.
    pub description: String,
    /// The core schema.
    pub schema: Arc<Schema>,
    /// Schema extensions, and whether each is required.
    pub extensions: Vec<(Arc<Schema>, bool)>,
}

/// All resource types that a tenant serves.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ResourceTypes(Vec<Arc<ResourceType>>);

impl ResourceTypes {
    /// The types of RFC 7643: User with the enterprise extension, and Group.
    pub fn core() -> Self {
        todo!()
    }

    /// The type of that name.
    pub fn get(&self, kind: &ResourceKind) -> Option<&Arc<ResourceType>> {
        self.0.iter().find(|resource_type| resource_type.kind == *kind)
    }

    /// The type at that endpoint, named without the slash: `Users`. Endpoints are compared with case, as URIs are.
    pub fn by_endpoint(&self, endpoint: &str) -> Option<&Arc<ResourceType>> {
        self.0.iter().find(|resource_type| resource_type.endpoint.strip_prefix('/') == Some(endpoint))
    }

    /// All types, in the order of `/ResourceTypes`.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<ResourceType>> {
        self.0.iter()
    }
}

/// Where in a resource an [`AttributePath`] points to.
#[derive(Clone, Copy, Debug)]
pub struct Resolved<'a> {
    /// The extension that holds the attribute; `None` for the core schema and the common attributes.
    pub extension: Option<&'a Schema>,
    /// The attribute; `None` where the path names a whole extension by its URN.
    pub attribute: Option<&'a Attribute>,
    /// The sub-attribute.
    pub sub_attribute: Option<&'a Attribute>,
}

impl ResourceType {
    /// What a path names in this type, or `None` for an unknown attribute. Without case; the core URN may be left out
    /// (RFC 7644 §3.10); `id`, `externalId`, `meta` and `schemas` are known to every type.
    pub fn resolve(&self, _path: &AttributePath) -> Option<Resolved<'_>> {
        todo!()
    }
}
