//! `/Bulk` (RFC 7644 §3.7): what a request asks for, and an order in which that can be done.

mod order;
mod reference;
#[cfg(test)]
#[expect(clippy::unwrap_used, clippy::expect_used, reason = "tests")]
mod tests;

use std::{collections::HashSet, num::NonZeroUsize};

use serde_json::{Value, json};

pub use self::order::{Plan, Step};
use super::{Error, Object, ScimType, json::take, patch::PATCH_URN};

/// The URN of a request's body.
pub const BULK_REQUEST_URN: &str = "urn:ietf:params:scim:api:messages:2.0:BulkRequest";
/// The URN of an answer's body.
pub const BULK_RESPONSE_URN: &str = "urn:ietf:params:scim:api:messages:2.0:BulkResponse";

/// A bulk request.
#[derive(Clone, PartialEq, Debug)]
pub struct Request {
    /// After so many errors the rest is not done. `None`: everything is tried.
    pub fail_on_errors: Option<NonZeroUsize>,
    /// At least one. No two have the same `bulkId`, and each POST has one.
    pub operations: Vec<Operation>,
}

/// What would be a request of its own outside of a bulk request.
#[derive(Clone, PartialEq, Debug)]
pub struct Operation {
    /// What to do.
    pub method: Method,
    /// The path below the base URI; it may hold a reference: `/Users/bulkId:qwerty`.
    pub path: String,
    /// The client's name for the operation.
    pub bulk_id: Option<String>,
    /// What `If-Match` would be.
    pub version: Option<String>,
    /// What the body would be; null without one.
    pub data: Value,
}

/// The methods that a bulk request may use.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[expect(missing_docs, reason = "the names are HTTP's")]
pub enum Method {
    Post,
    Put,
    Patch,
    Delete,
}

impl Method {
    const ALL: [Self; 4] = [Self::Post, Self::Put, Self::Patch, Self::Delete];

    /// HTTP's spelling.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
        }
    }
}

impl Request {
    /// Parses the body of a request. What is wrong with its shape refuses all of it, before anything is done; what is
    /// wrong with an operation's path, version or data is found when its turn comes, and is that operation's error.
    ///
    /// # Errors
    /// `invalidSyntax` or `invalidValue` with the operation's index; 413 for more than `operations_max`.
    pub fn parse(body: Value, operations_max: usize) -> Result<Self, Error> {
        let Value::Object(mut body) = body else { return Err(syntax("expected an object as the body")) };
        let schemas = take(&mut body, "schemas")?;
        let schemas = schemas.as_ref().and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        if !schemas.iter().filter_map(Value::as_str).any(|urn| urn.eq_ignore_ascii_case(BULK_REQUEST_URN)) {
            return Err(syntax(format!("schemas: expected {BULK_REQUEST_URN}")));
        }
        let fail_on_errors = match take(&mut body, "failOnErrors")? {
            None | Some(Value::Null) => None,
            Some(number) => Some(at_least_one(&number)?),
        };
        let Some(Value::Array(sent)) = take(&mut body, "Operations")? else {
            return Err(syntax("Operations: expected an array"));
        };
        if sent.is_empty() {
            return Err(syntax("Operations: expected at least one"));
        }
        if sent.len() > operations_max {
            // RFC 7644 §3.7.4: the answer names the limit.
            return Err(Error::too_large(format!("Operations: more than {operations_max} (bulk-operations-max)")));
        }
        let mut bulk_ids = HashSet::new();
        let mut operations = Vec::with_capacity(sent.len());
        for (index, operation) in sent.into_iter().enumerate() {
            let operation = Operation::parse(operation).and_then(|operation| match &operation.bulk_id {
                Some(bulk_id) if !bulk_ids.insert(bulk_id.clone()) => {
                    Err(Error::of(ScimType::InvalidValue, "bulkId: an operation before it has the same"))
                }
                _ => Ok(operation),
            });
            operations.push(operation.map_err(|error| error.within(&format!("Operations[{index}]")))?);
        }
        Ok(Self { fail_on_errors, operations })
    }
}

impl Operation {
    fn parse(operation: Value) -> Result<Self, Error> {
        let Value::Object(mut operation) = operation else { return Err(syntax("expected an object")) };
        let method = text(&mut operation, "method")?.ok_or_else(|| syntax("method: expected one"))?;
        let method = Method::ALL.into_iter().find(|known| known.as_str().eq_ignore_ascii_case(&method));
        let method = method.ok_or_else(|| syntax("method: expected POST, PUT, PATCH or DELETE"))?;
        let path = text(&mut operation, "path")?.ok_or_else(|| syntax("path: expected one"))?;
        let bulk_id = text(&mut operation, "bulkId")?;
        if bulk_id.as_ref().map_or(method == Method::Post, String::is_empty) {
            return Err(syntax("bulkId: expected one; a POST needs it"));
        }
        let version = text(&mut operation, "version")?;
        let data = match (method, take(&mut operation, "data")?.unwrap_or(Value::Null)) {
            (Method::Delete, _) => Value::Null,
            (_, Value::Null) => return Err(syntax("data: expected a value")),
            // The RFC's own example (§3.7.3) writes the operations of a PATCH without the message around them.
            (Method::Patch, operations @ Value::Array(_)) => {
                json!({ "schemas": [PATCH_URN], "Operations": operations })
            }
            (_, data) => data,
        };
        Ok(Self { method, path, bulk_id, version, data })
    }

    /// The bulkIds that the operation refers to, in its path and anywhere in its data; as often as it does.
    pub fn references(&self) -> Vec<&str> {
        let mut found = Vec::new();
        reference::collect_text(&self.path, true, &mut found);
        reference::collect(&self.data, false, &mut found);
        found
    }

    /// Puts ids in the place of references.
    ///
    /// # Errors
    /// That of `id_of`, which is given a bulkId.
    pub fn resolve(&mut self, id_of: &impl Fn(&str) -> Result<String, Error>) -> Result<(), Error> {
        reference::resolve_text(&mut self.path, true, id_of)?;
        reference::resolve(&mut self.data, false, id_of)
    }
}

fn at_least_one(number: &Value) -> Result<NonZeroUsize, Error> {
    let number = number.as_u64().and_then(|number| usize::try_from(number).ok()).and_then(NonZeroUsize::new);
    number.ok_or_else(|| Error::of(ScimType::InvalidValue, "failOnErrors: expected an integer of at least 1"))
}

fn text(operation: &mut Object, name: &str) -> Result<Option<String>, Error> {
    match take(operation, name)? {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(syntax(format!("{name}: expected a string"))),
    }
}

fn syntax(detail: impl Into<std::borrow::Cow<'static, str>>) -> Error {
    Error::of(ScimType::InvalidSyntax, detail)
}
