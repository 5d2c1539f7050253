//! PATCH (RFC 7644 §3.5.2): parsing its operations and applying them, all or nothing.

mod apply;
mod edit;
mod parse;
mod target;
#[cfg(test)]
mod tests;
mod work;

use std::fmt;

use scim_connector::Secret;
use serde_json::Value;

pub use self::work::WORK_MAX;
use super::{
    Error, Object,
    filter::Filter,
    path::AttributePath,
    resource::{Member, Unknown},
    schema::ResourceType,
};

/// The URN of a PATCH body.
pub const PATCH_URN: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";
/// The most operations in one PATCH (authentik sends one a member: dialects OT-20).
pub const OPERATIONS_MAX: usize = 10_000;

/// The operations of a PATCH, in order.
#[derive(Clone, PartialEq, Debug)]
pub struct Patch {
    /// At least one.
    pub operations: Vec<Operation>,
    /// Which of the client's operations each was made of, for error texts.
    pub indexes: Vec<usize>,
}

/// One operation.
#[derive(Clone, PartialEq)]
pub enum Operation {
    /// Adds values.
    Add {
        /// Where; `None` for the resource itself.
        path: Option<AttributePath>,
        /// What.
        value: Value,
        /// What to do when a value path selects nothing.
        no_target: NoTarget,
    },
    /// Replaces values.
    Replace {
        /// Where; `None` for the resource itself.
        path: Option<AttributePath>,
        /// With what; null clears.
        value: Value,
        /// What to do when a value path selects nothing.
        no_target: NoTarget,
    },
    /// Removes values. On an absent value: no change, success.
    Remove {
        /// Where.
        path: AttributePath,
    },
}

/// What an operation does whose value path selects nothing.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum NoTarget {
    /// 400 `noTarget`, as RFC 7644 §3.5.2.3 says.
    Refuse,
    /// Creates the element and stamps the filter's `eq` pairs on it (dialects EN-05); `noTarget` where the filter is
    /// more than `eq` joined by `and`.
    Create,
}

/// A group's members while a PATCH is applied: rows of the store, or a set in a test. Never read as a whole unless an
/// operation needs it.
pub trait Members {
    /// Adds a member; a present one keeps its place and takes a new `display`. Whether anything changed.
    fn add(&mut self, member: Member) -> Result<bool, Error>;
    /// Removes a member. Whether it was there.
    fn remove(&mut self, value: &str) -> Result<bool, Error>;
    /// Removes all members that a filter over `value`, `display`, `type` selects; all of them for `None`. Whether any
    /// was there.
    fn remove_matching(&mut self, filter: Option<&Filter>) -> Result<bool, Error>;
    /// Makes these the only members. Whether anything changed.
    fn replace(&mut self, members: Vec<Member>) -> Result<bool, Error>;
}

/// What a PATCH did besides changing attributes.
#[derive(Debug, Default)]
pub struct Effect {
    /// Whether attributes or members changed.
    pub changed: bool,
    /// A password it set.
    pub password: Option<Secret>,
}

impl Patch {
    /// Parses a body in canonical form (after the dialect): `schemas` with the PatchOp URN, `Operations`, `op` without
    /// case. Paths are checked against the type, values are checked and brought to canonical form where they can be
    /// without the resource. Unknown attributes inside a value object follow `unknown`; unknown paths are refused.
    /// `no_target` of every operation is `Refuse`, or what the dialect wrote for it: it marks an operation by the key
    /// `"createMissing": true`. One that stands at another place than the client's that it was made of says which by
    /// `"index"`.
    ///
    /// # Errors
    /// 400 that names the operation's index and reason.
    pub fn parse(
        resource_type: &ResourceType,
        body: Value,
        unknown: Unknown,
        dropped: &mut Vec<String>,
    ) -> Result<Self, Error> {
        parse::patch(resource_type, body, unknown, dropped)
    }
}

/// Applies the operations in order on the running result. On error `attributes` is undefined and the caller drops it:
/// nothing of a refused PATCH is kept. `members` of a type without members is never called.
///
/// # Errors
/// 400 that names the operation's index and reason.
pub fn apply(
    resource_type: &ResourceType,
    attributes: &mut Object,
    members: &mut dyn Members,
    patch: &Patch,
) -> Result<Effect, Error> {
    apply::patch(resource_type, attributes, members, patch)
}

/// Shows which attribute, never a value: it is a person's data, or a password.
impl fmt::Debug for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (name, path) = match self {
            Self::Add { path, .. } => ("Add", path.as_ref()),
            Self::Replace { path, .. } => ("Replace", path.as_ref()),
            Self::Remove { path } => ("Remove", Some(path)),
        };
        f.debug_tuple(name).field(&path.map(|path| &path.attribute)).finish()
    }
}

/// How an error names an operation.
fn operation_place(index: usize) -> String {
    format!("operations[{index}]")
}
