//! What each identity provider says differently, rewritten to what RFC 7644 says. Pure, and the only place that names
//! an identity provider.

use serde_json::Value;

use crate::scim::{self, resource::Unknown, schema::ResourceType};

/// One client's way of speaking SCIM: a row of the table.
#[derive(Debug)]
pub struct Dialect {
    /// The name in `dialect = "…"`.
    pub name: &'static str,
    /// Whether spellings beyond the RFC are understood: booleans as text, a bare value for a complex one, path-less
    /// keys with dots and URNs, …
    pub tolerant: bool,
    /// What to do with unknown attributes.
    pub unknown: Unknown,
    /// When a value path that selects nothing creates the element.
    pub create_missing: CreateMissing,
    /// Whether a PUT of a group without `members` keeps them.
    pub group_put_keeps_members: bool,
    /// Whether a `remove` of `members` without a value or filter removes all of them.
    pub members_remove_all: bool,
    /// Whether a group's PATCH is answered with 204.
    pub group_patch_no_content: bool,
    /// Whether a group's `displayName` is unique in the tenant, without case.
    pub group_names_unique: bool,
    /// Whether `name.formatted` is derived from its parts when a PUT echoes a stale one (OK-07).
    pub derive_formatted_name: bool,
}

/// When a value path that selects nothing creates the element.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum CreateMissing {
    /// Never: 400 `noTarget`.
    Never,
    /// For `add`, and for `replace` when it is written Entra's way, `Replace`.
    AsWritten,
    /// For `add` and `replace`.
    Always,
}

/// Quirks met in one request, by the id of the catalogue (`EN-05`); each at most once.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Quirks(Vec<&'static str>);

impl Quirks {
    /// Notes a quirk.
    pub fn met(&mut self, id: &'static str) {
        if !self.0.contains(&id) {
            self.0.push(id);
        }
    }

    /// The ids, in the order met.
    pub fn ids(&self) -> &[&'static str] {
        &self.0
    }
}

impl Dialect {
    /// The dialect of that name.
    pub fn named(_name: &str) -> Option<&'static Self> {
        todo!()
    }

    /// All dialects, for help and error texts.
    pub fn all() -> &'static [Self] {
        todo!()
    }

    /// Rewrites the body of a POST or PUT.
    ///
    /// # Errors
    /// 400 for what cannot be understood one way.
    pub fn resource(
        &self,
        _resource_type: &ResourceType,
        body: Value,
        _quirks: &mut Quirks,
    ) -> Result<Value, scim::Error> {
        Ok(body)
    }

    /// Rewrites the body of a PATCH of the resource with that id.
    ///
    /// # Errors
    /// 400 that names the operation's index and reason.
    pub fn patch(
        &self,
        _resource_type: &ResourceType,
        _id: &str,
        body: Value,
        _quirks: &mut Quirks,
    ) -> Result<Value, scim::Error> {
        Ok(body)
    }

    /// Rewrites decoded query parameters: filters on the unique identifier under other names, odd numbers. `unique_id`
    /// is its path: `userName`, `emails.value` or `externalId`.
    pub fn query(
        &self,
        _resource_type: &ResourceType,
        _unique_id: &str,
        parameters: Vec<(String, String)>,
        _quirks: &mut Quirks,
    ) -> Vec<(String, String)> {
        parameters
    }
}
