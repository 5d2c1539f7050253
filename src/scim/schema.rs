//! Schemas and resource types (RFC 7643 §2, §6, §7).

mod declare;
mod evolve;
mod parse;

use std::sync::{Arc, LazyLock};

use scim_connector::ResourceKind;
use serde::{Deserialize, Serialize};

pub use self::{
    evolve::{Demand, demands},
    parse::Flaw,
};
use super::path::AttributePath;

/// The URN of the core User schema.
pub const USER_URN: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
/// The URN of the core Group schema.
pub const GROUP_URN: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";
/// The URN of the enterprise extension of User.
pub const ENTERPRISE_URN: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";

/// An attribute's data type (RFC 7643 §2.3).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "the names are the RFC's")]
pub enum AttributeType {
    #[default]
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
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "the names are the RFC's")]
pub enum Mutability {
    ReadOnly,
    #[default]
    ReadWrite,
    Immutable,
    WriteOnly,
}

/// When an attribute is returned (RFC 7643 §7).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "the names are the RFC's")]
pub enum Returned {
    Always,
    Never,
    #[default]
    Default,
    Request,
}

/// How far a value is unique (RFC 7643 §7).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "the names are the RFC's")]
pub enum Uniqueness {
    #[default]
    None,
    Server,
    Global,
}

/// An attribute or sub-attribute and its characteristics.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Attribute {
    /// The schema's spelling.
    pub name: String,
    /// The data type.
    #[serde(rename = "type", default)]
    pub kind: AttributeType,
    /// Whether it holds an array.
    #[serde(default)]
    pub multi_valued: bool,
    /// What it is, for `/Schemas`.
    #[serde(default)]
    pub description: String,
    /// Whether a resource must have it.
    #[serde(default)]
    pub required: bool,
    /// Whether values compare with case.
    #[serde(default)]
    pub case_exact: bool,
    /// Who may write it.
    #[serde(default)]
    pub mutability: Mutability,
    /// When it is returned.
    #[serde(default)]
    pub returned: Returned,
    /// How far it is unique.
    #[serde(default)]
    pub uniqueness: Uniqueness,
    /// Suggested values.
    #[serde(default)]
    pub canonical_values: Vec<String>,
    /// What a reference may point to.
    #[serde(default)]
    pub reference_types: Vec<String>,
    /// Sub-attributes of a complex attribute.
    #[serde(default)]
    pub sub_attributes: Vec<Attribute>,
}

/// A schema: a URN and its attributes.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Schema {
    /// The URN.
    pub id: String,
    /// A short name.
    #[serde(default)]
    pub name: String,
    /// What it describes.
    #[serde(default)]
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

impl Attribute {
    /// Whether it must never be shown: not in answers, and not bit by bit in what a filter or an order finds.
    pub fn is_hidden(&self) -> bool {
        self.returned == Returned::Never || self.mutability == Mutability::WriteOnly
    }

    /// Whether a client that read the resource may not have seen it. Such a client cannot send it back, so a PUT that
    /// leaves it out keeps it.
    pub fn is_unseen(&self) -> bool {
        self.is_hidden() || self.returned == Returned::Request
    }

    /// The sub-attribute of that name, without case.
    pub fn sub_attribute(&self, name: &str) -> Option<&Attribute> {
        named(&self.sub_attributes, name)
    }
}

impl Schema {
    /// The attribute of that name, without case.
    pub fn attribute(&self, name: &str) -> Option<&Attribute> {
        named(&self.attributes, name)
    }
}

/// The attributes that every resource has without declaring them (RFC 7643 §3.1): `schemas`, `id`, `externalId`,
/// `meta`.
pub fn common_attributes() -> &'static [Attribute] {
    static COMMON: LazyLock<Schema> = LazyLock::new(|| parse::built_in(include_str!("schema/common.json")));
    &COMMON.attributes
}

fn named<'a>(attributes: &'a [Attribute], name: &str) -> Option<&'a Attribute> {
    attributes.iter().find(|attribute| attribute.name.eq_ignore_ascii_case(name))
}

impl ResourceTypes {
    /// These types, in this order.
    pub fn new(resource_types: Vec<ResourceType>) -> Self {
        Self(resource_types.into_iter().map(Arc::new).collect())
    }

    /// The types of RFC 7643: User with the enterprise extension, and Group.
    pub fn core() -> Self {
        let schema = |text| Arc::new(parse::built_in(text));
        Self::new(vec![
            ResourceType {
                kind: ResourceKind::new("User"),
                endpoint: "/Users".to_owned(),
                description: "User account".to_owned(),
                schema: schema(include_str!("schema/user.json")),
                extensions: vec![(schema(include_str!("schema/enterprise-user.json")), false)],
            },
            ResourceType {
                kind: ResourceKind::new("Group"),
                endpoint: "/Groups".to_owned(),
                description: "Group".to_owned(),
                schema: schema(include_str!("schema/group.json")),
                extensions: Vec::new(),
            },
        ])
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
    pub fn resolve(&self, path: &AttributePath) -> Option<Resolved<'_>> {
        let extension = match path.urn.as_deref() {
            Some(urn) if !urn.eq_ignore_ascii_case(&self.schema.id) => Some(self.extension(urn)?),
            _ => None,
        };
        if path.attribute.is_empty() {
            let whole = extension.is_some() && path.filter.is_none() && path.sub_attribute.is_none();
            return whole.then_some(Resolved { extension, attribute: None, sub_attribute: None });
        }
        let attribute = match extension {
            Some(extension) => extension.attribute(&path.attribute)?,
            None => self.attribute(&path.attribute)?,
        };
        let sub_attribute = match &path.sub_attribute {
            Some(name) => Some(attribute.sub_attribute(name)?),
            None => None,
        };
        Some(Resolved { extension, attribute: Some(attribute), sub_attribute })
    }

    /// The core or common attribute of that name, without case.
    pub fn attribute(&self, name: &str) -> Option<&Attribute> {
        self.schema.attribute(name).or_else(|| named(common_attributes(), name))
    }

    /// The extension with that URN, without case.
    pub fn extension(&self, urn: &str) -> Option<&Schema> {
        self.extensions.iter().map(|(schema, _)| &**schema).find(|schema| schema.id.eq_ignore_ascii_case(urn))
    }

    /// The core schema, which every resource has, and the extensions; with each whether a resource must have it.
    pub fn schemas(&self) -> impl Iterator<Item = (&Schema, bool)> {
        let extensions = self.extensions.iter().map(|(schema, required)| (&**schema, *required));
        std::iter::once((&*self.schema, true)).chain(extensions)
    }

    /// The URNs of the core schema and the extensions, for parsing paths and filters.
    pub fn urns(&self) -> Vec<&str> {
        std::iter::once(&self.schema).chain(self.extensions.iter().map(|(schema, _)| schema)).map(|s| &*s.id).collect()
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn path(urn: Option<&str>, attribute: &str, sub_attribute: Option<&str>) -> AttributePath {
        AttributePath {
            urn: urn.map(str::to_owned),
            attribute: attribute.to_owned(),
            filter: None,
            sub_attribute: sub_attribute.map(str::to_owned),
        }
    }

    #[test]
    fn e3_53_paths_resolve_without_case_and_without_the_core_urn() {
        let types = ResourceTypes::core();
        let user = types.by_endpoint("Users").unwrap();
        for (urn, attribute, sub, expected) in [
            (None, "USERNAME", None, Some("userName")),
            (Some("urn:ietf:params:scim:schemas:CORE:2.0:user"), "username", None, Some("userName")),
            (None, "name", Some("FAMILYNAME"), Some("familyName")),
            (None, "emails", Some("Value"), Some("value")),
            (
                Some("URN:ietf:params:scim:schemas:extension:enterprise:2.0:User"),
                "Manager",
                Some("VALUE"),
                Some("value"),
            ),
            (None, "externalid", None, Some("externalId")),
            (None, "meta", Some("lastmodified"), Some("lastModified")),
            (None, "department", None, None),
            (None, "emails", Some("nothing"), None),
            (Some("urn:unknown"), "userName", None, None),
            (Some(USER_URN), "", None, None),
        ] {
            let path = path(urn, attribute, sub);
            let found = user.resolve(&path);
            let name = found.map(|found| &*found.sub_attribute.or(found.attribute).unwrap().name);
            assert_eq!(name, expected, "{attribute}");
        }
    }

    #[test]
    fn an_extension_urn_alone_names_the_whole_extension() {
        let types = ResourceTypes::core();
        let user = types.by_endpoint("Users").unwrap();
        let path = path(Some(ENTERPRISE_URN), "", None);
        let found = user.resolve(&path).unwrap();
        assert_eq!(found.extension.unwrap().id, ENTERPRISE_URN);
        assert!(found.attribute.is_none());
    }

    #[test]
    fn the_characteristics_are_those_of_the_rfc_and_its_errata() {
        let types = ResourceTypes::core();
        let user = types.by_endpoint("Users").unwrap();
        let group = types.by_endpoint("Groups").unwrap();
        let user_name = user.attribute("userName").unwrap();
        assert!(!user_name.case_exact && user_name.required);
        assert_eq!(user_name.uniqueness, Uniqueness::Server);
        assert!(user.attribute("externalId").unwrap().case_exact);
        let password = user.attribute("password").unwrap();
        assert_eq!((password.mutability, password.returned), (Mutability::WriteOnly, Returned::Never));
        assert_eq!(user.attribute("groups").unwrap().mutability, Mutability::ReadOnly);
        // Errata 5368 and 8472.
        assert!(group.attribute("displayName").unwrap().required);
        let manager = user.extension(ENTERPRISE_URN).unwrap().attribute("manager").unwrap();
        assert!(manager.sub_attribute("value").unwrap().case_exact);
        assert_eq!(manager.sub_attribute("displayName").unwrap().mutability, Mutability::ReadOnly);
    }

    #[test]
    fn en_64_the_types_that_clients_select_by_are_canonical_values() {
        let types = ResourceTypes::core();
        let user = types.by_endpoint("Users").unwrap();
        for (attribute, value) in [
            ("emails", "work"),
            ("emails", "home"),
            ("emails", "other"),
            ("phoneNumbers", "mobile"),
            ("addresses", "work"),
        ] {
            let canonical = &user.attribute(attribute).unwrap().sub_attribute("type").unwrap().canonical_values;
            assert!(canonical.iter().any(|one| one == value), "{attribute} {value}");
        }
    }
}
