//! SCIM errors (RFC 7644 §3.12): what the client is told, and what only the log is told.

use std::{borrow::Cow, error::Error as StdError, fmt, time::Duration};

use serde_json::{Value, json};

/// The URN of an error body.
pub const ERROR_URN: &str = "urn:ietf:params:scim:api:messages:2.0:Error";

/// `scimType` (RFC 7644 table 9, RFC 9865 §2.2): sorts the errors of status 400 and 409.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[expect(missing_docs, reason = "the names are the RFC's")]
pub enum ScimType {
    InvalidFilter,
    TooMany,
    Uniqueness,
    Mutability,
    InvalidSyntax,
    InvalidPath,
    NoTarget,
    InvalidValue,
    InvalidVers,
    Sensitive,
    InvalidCursor,
    ExpiredCursor,
    InvalidCount,
}

impl ScimType {
    /// The RFC's spelling.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::InvalidFilter => "invalidFilter",
            Self::TooMany => "tooMany",
            Self::Uniqueness => "uniqueness",
            Self::Mutability => "mutability",
            Self::InvalidSyntax => "invalidSyntax",
            Self::InvalidPath => "invalidPath",
            Self::NoTarget => "noTarget",
            Self::InvalidValue => "invalidValue",
            Self::InvalidVers => "invalidVers",
            Self::Sensitive => "sensitive",
            Self::InvalidCursor => "invalidCursor",
            Self::ExpiredCursor => "expiredCursor",
            Self::InvalidCount => "invalidCount",
        }
    }

    const fn status(self) -> u16 {
        match self {
            Self::Uniqueness => 409,
            Self::Sensitive => 403,
            _ => 400,
        }
    }
}

/// A refused or failed request.
///
/// `detail` is fit to show to a client's administrator; a cause, where there is one, is for the log alone.
#[derive(Debug)]
pub struct Error {
    status: u16,
    scim_type: Option<ScimType>,
    detail: Cow<'static, str>,
    retry_after: Option<Duration>,
    allow: Option<&'static str>,
    cause: Option<Box<dyn StdError + Send + Sync>>,
}

impl Error {
    /// An error with a `scimType`, which decides the status.
    pub fn of(scim_type: ScimType, detail: impl Into<Cow<'static, str>>) -> Self {
        Self { scim_type: Some(scim_type), ..Self::status(scim_type.status(), detail) }
    }

    fn status(status: u16, detail: impl Into<Cow<'static, str>>) -> Self {
        Self { status, scim_type: None, detail: detail.into(), retry_after: None, allow: None, cause: None }
    }

    /// 400 without a `scimType`: the request is no HTTP or JSON that we can read.
    pub fn bad_request(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::status(400, detail)
    }

    /// 401: no credential that we know.
    pub fn unauthorized(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::status(401, detail)
    }

    /// 403: the credential or the tenant's configuration does not allow it.
    pub fn forbidden(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::status(403, detail)
    }

    /// 404: no such resource or endpoint. Never for "cannot reach".
    pub fn not_found(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::status(404, detail)
    }

    /// 405 with the methods that are allowed.
    pub fn method_not_allowed(allow: &'static str) -> Self {
        Self { allow: Some(allow), ..Self::status(405, format!("this endpoint allows {allow}")) }
    }

    /// 408: the client took too long to send.
    pub fn request_timeout(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::status(408, detail)
    }

    /// 409: what it refers to is not there, and not for lack of a right name.
    pub fn conflict(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::status(409, detail)
    }

    /// 412: `If-Match` names another version than the current one.
    pub fn precondition_failed(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::status(412, detail)
    }

    /// 413, naming the limit.
    pub fn too_large(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::status(413, detail)
    }

    /// 414: the request target is longer than the limit.
    pub fn uri_too_long(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::status(414, detail)
    }

    /// 415: a body in another media type or encoding.
    pub fn unsupported_media_type(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::status(415, detail)
    }

    /// 500: a promise of ours is broken. The cause goes to the log, never to the client.
    pub fn internal(cause: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self { cause: Some(cause.into()), ..Self::status(500, "internal error; the relay's log has the cause") }
    }

    /// 501: understood and not offered.
    pub fn not_implemented(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::status(501, detail)
    }

    /// 503: try the same request again later.
    pub fn unavailable(detail: impl Into<Cow<'static, str>>, retry_after: Duration) -> Self {
        Self { retry_after: Some(retry_after), ..Self::status(503, detail) }
    }

    /// The same error with what caused it, for the log.
    #[must_use]
    pub fn caused_by(mut self, cause: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.cause = Some(cause.into());
        self
    }

    /// The same error with a text before its detail: names the operation of a PATCH, say.
    #[must_use]
    pub fn within(mut self, place: &str) -> Self {
        self.detail = format!("{place}: {}", self.detail).into();
        self
    }

    /// Whether the request was not understood: we cannot tell what is meant, or cannot do it as it is said. Then either the
    /// client has a mistake or we have, and somebody should look at the request's shape.
    ///
    /// Every other refusal is an ordinary answer to a request that was understood: what is asked is not there (404),
    /// taken (409), of another version (412), too much (413, `tooMany`), not allowed (403, `mutability`, `sensitive`) or
    /// not offered (501), or a cursor is no longer good.
    pub fn is_not_understood(&self) -> bool {
        match self.scim_type {
            Some(
                ScimType::InvalidFilter
                | ScimType::InvalidSyntax
                | ScimType::InvalidPath
                | ScimType::NoTarget
                | ScimType::InvalidValue,
            ) => true,
            Some(
                ScimType::TooMany
                | ScimType::Uniqueness
                | ScimType::Mutability
                | ScimType::InvalidVers
                | ScimType::Sensitive
                | ScimType::InvalidCursor
                | ScimType::ExpiredCursor
                | ScimType::InvalidCount,
            )
            | None => false,
        }
    }

    /// The HTTP status.
    pub fn http_status(&self) -> u16 {
        self.status
    }

    /// The `scimType`, where the error has one.
    pub fn scim_type(&self) -> Option<ScimType> {
        self.scim_type
    }

    /// The text for the client's administrator.
    pub fn detail(&self) -> &str {
        &self.detail
    }

    /// For `Retry-After`: always whole seconds, at least 1 (dialects OK-39: Okta does not read a date).
    pub fn retry_after_seconds(&self) -> Option<u64> {
        self.retry_after.map(|delay| delay.as_millis().div_ceil(1000).max(1).try_into().unwrap_or(u64::MAX))
    }

    /// For `Allow`.
    pub fn allow(&self) -> Option<&'static str> {
        self.allow
    }

    /// The body of the answer. `status` is a string (RFC 7644 §3.12).
    pub fn body(&self) -> Value {
        let mut body = json!({
            "schemas": [ERROR_URN],
            "status": self.status.to_string(),
            "detail": self.detail,
        });
        if let Some(scim_type) = self.scim_type {
            body["scimType"] = scim_type.as_str().into();
        }
        body
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.status, self.detail)
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.cause.as_deref().map(|cause| cause as &(dyn StdError + 'static))
    }
}
