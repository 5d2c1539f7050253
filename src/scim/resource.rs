//! Resources as clients send them, checked against the schema and brought to the canonical form.
//!
//! The canonical form is a JSON object with the schema's spelling: core attributes at the top, each extension under its
//! URN, `externalId` included; never `schemas`, `id`, `meta`, `password`, `members` or `groups`; no null, no empty
//! array, no empty object and no empty string (RFC 7643 §2.5). Canonical of canonical is the same.

use scim_connector::Secret;
use serde_json::Value;

use super::{Error, Object, schema::ResourceType};

/// A resource in the client's words, parsed.
#[derive(Clone, Debug, Default)]
pub struct Draft {
    /// The canonical attributes.
    pub attributes: Object,
    /// A group's members; `None` when the client did not name them, empty when it sent `[]` or null.
    pub members: Option<Vec<Member>>,
    /// The password, which is no part of the resource.
    pub password: Option<Secret>,
    /// The `id` that the client sent, to compare with the one in the URI.
    pub id: Option<String>,
}

/// A member as a client names it. `value` may name a resource that does not exist yet.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Member {
    /// The id of the member.
    pub value: String,
    /// `display`, returned as it came.
    pub display: Option<String>,
}

/// What to do with an attribute that the schema does not know.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Unknown {
    /// Leave it out and report its name.
    Drop,
    /// 400 `invalidSyntax`.
    Refuse,
}

/// Parses the body of a POST or PUT. Names compare without case; read-only attributes are ignored; types, required
/// attributes, canonical JSON forms and `primary` (at most one) are checked. Names of dropped attributes are appended
/// to `dropped`, bounded.
///
/// # Errors
/// `invalidValue`, `invalidSyntax` with the path of the attribute.
pub fn parse(
    _resource_type: &ResourceType,
    _body: Value,
    _unknown: Unknown,
    _dropped: &mut Vec<String>,
) -> Result<Draft, Error> {
    todo!()
}

/// Checks a whole canonical resource after a PATCH: required attributes are there, at most one `primary`.
///
/// # Errors
/// `invalidValue` or `mutability` with the path of the attribute.
pub fn check(_resource_type: &ResourceType, _attributes: &Object) -> Result<(), Error> {
    todo!()
}
