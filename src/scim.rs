//! SCIM 2.0 (RFC 7643, RFC 7644) as pure functions: no I/O, no clock, no identity provider's habits.

pub mod bulk;
pub mod cursor;
pub mod discovery;
pub mod error;
pub mod filter;
pub mod json;
pub mod patch;
pub mod path;
pub mod query;
pub mod render;
pub mod resource;
pub mod schema;
pub mod shape;

pub use error::{Error, ScimType};

/// A JSON object: a resource's attributes by the schema's spelling.
pub type Object = serde_json::Map<String, serde_json::Value>;
