//! What each identity provider says differently, rewritten to what RFC 7644 says. Pure, and the only place that names
//! an identity provider.
//!
//! A dialect is a row of policies; how an odd spelling is understood is shared by all tolerant dialects,
//! because one spelling has one meaning whoever writes it. Every spelling understood is noted by its id
//! in the catalogue of client habits (`EN-12`), so that an operator sees what a client relies on.

mod authentik;
mod auto;
mod entra;
mod jumpcloud;
mod okta;
mod onelogin;
mod ping;
mod rfc;
mod sailpoint;
mod strict_interop;
mod tolerant;

use serde_json::Value;

use crate::scim::{self, resource::Unknown, schema::ResourceType};

/// All dialects. A new one is a file with its row, and its place here.
static DIALECTS: [Dialect; 10] = [
    auto::DIALECT,
    okta::DIALECT,
    entra::DIALECT,
    onelogin::DIALECT,
    jumpcloud::DIALECT,
    ping::DIALECT,
    sailpoint::DIALECT,
    authentik::DIALECT,
    rfc::DIALECT,
    strict_interop::DIALECT,
];

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
    /// When `name.formatted` is derived from its parts.
    pub derive_formatted_name: DeriveFormattedName,
    /// Whether what the SCIM interoperability profile forbids clients to do is refused.
    pub follows_interop_profile: bool,
}

/// When a value path that selects nothing creates the element.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum CreateMissing {
    /// Never: 400 `noTarget`.
    Never,
    /// For `add` alone.
    ForAdd,
    /// For `add`, and for `replace` when it is written Entra's way, `Replace`.
    AsWritten,
    /// For `add` and `replace`.
    Always,
}

/// When a `name.formatted` that a client sent is derived from its parts instead (OK-07).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum DeriveFormattedName {
    /// Never: it is kept as it came.
    Never,
    /// When it is plainly left over: the body echoes an answer of ours (`id` and `meta`), and the name has exactly one
    /// of the given and the family name, so that the other has changed since.
    WhenStale,
    /// Whenever it is not what its parts say.
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
    pub fn named(name: &str) -> Option<&'static Self> {
        Self::all().iter().find(|dialect| dialect.name == name)
    }

    /// All dialects, for help and error texts.
    pub fn all() -> &'static [Self] {
        &DIALECTS
    }

    /// Rewrites the body of a POST or PUT.
    ///
    /// # Errors
    /// 400 for what cannot be understood one way.
    pub fn resource(
        &self,
        resource_type: &ResourceType,
        body: Value,
        quirks: &mut Quirks,
    ) -> Result<Value, scim::Error> {
        match body {
            Value::Object(body) if self.tolerant => {
                tolerant::resource(self, resource_type, body, quirks).map(Value::Object)
            }
            body => Ok(body),
        }
    }

    /// Rewrites the body of a PATCH of the resource with that id. A PATCH that asks for nothing, a removal of no
    /// members say, becomes one operation without effect.
    ///
    /// # Errors
    /// 400 that names the operation's index and reason.
    pub fn patch(
        &self,
        resource_type: &ResourceType,
        id: &str,
        body: Value,
        quirks: &mut Quirks,
    ) -> Result<Value, scim::Error> {
        match body {
            Value::Object(mut body) => {
                if self.follows_interop_profile {
                    strict_interop::patch(resource_type, &mut body)?;
                }
                tolerant::patch(self, resource_type, id, body, quirks).map(Value::Object)
            }
            body => Ok(body),
        }
    }

    /// Whether a PUT's `externalId` is the `id` of the resource itself, which some clients send back in the place of
    /// their own (OT-25). Then the one that is stored stays.
    pub fn keeps_external_id(&self, external_id: &Value, id: &str, quirks: &mut Quirks) -> bool {
        let keeps = self.tolerant && external_id == id;
        if keeps {
            quirks.met("OT-25");
        }
        keeps
    }

    /// Rewrites decoded query parameters: filters on the unique identifier under other names, odd numbers.
    /// `unique_id` is the path of the attribute that identifies a user to the client: `userName`, `emails.value`,
    /// `externalId`.
    pub fn query(
        &self,
        resource_type: &ResourceType,
        unique_id: &str,
        parameters: Vec<(String, String)>,
        quirks: &mut Quirks,
    ) -> Vec<(String, String)> {
        if self.tolerant { tolerant::query(resource_type, unique_id, parameters, quirks) } else { parameters }
    }

    /// Refuses a query for resources of one type whose filter the dialect does not have.
    ///
    /// # Errors
    /// `invalidFilter`.
    pub fn check_query(
        &self,
        resource_type: &ResourceType,
        parameters: &[(String, String)],
    ) -> Result<(), scim::Error> {
        if self.follows_interop_profile { strict_interop::check_query(resource_type, parameters) } else { Ok(()) }
    }

    /// Whether resources may be replaced by PUT.
    pub fn takes_put(&self) -> bool {
        !self.follows_interop_profile
    }

    /// What may be done with a resource, for `Allow`.
    pub fn resource_methods(&self) -> &'static str {
        if self.takes_put() { "GET, HEAD, PUT, PATCH, DELETE" } else { "GET, HEAD, PATCH, DELETE" }
    }
}

impl CreateMissing {
    /// Whether an operation, `add` or `replace` as the client wrote it, creates what its value path does not select.
    fn grants(self, written: &str) -> bool {
        let is_add = written.eq_ignore_ascii_case("add");
        match self {
            Self::Never => false,
            Self::ForAdd => is_add,
            Self::AsWritten => is_add || written == "Replace",
            Self::Always => true,
        }
    }
}

#[cfg(test)]
mod tests;
