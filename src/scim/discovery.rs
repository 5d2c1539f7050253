//! Discovery documents (RFC 7643 §5–7, RFC 7644 §4), which say what is on and nothing else.

use serde_json::Value;

use super::schema::{ResourceType, Schema};

/// What a service provider offers, for `/ServiceProviderConfig`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Features {
    /// The most results of a list.
    pub filter_results_max: usize,
    /// Whether `password` may be changed.
    pub change_password: bool,
    /// Where an administrator reads about the service; `None` leaves it out.
    pub documentation_uri: Option<String>,
}

/// The single object of `/ServiceProviderConfig`.
pub fn service_provider_config(_features: &Features, _base_uri: &str) -> Value {
    todo!()
}

/// One entry of `/ResourceTypes`.
pub fn resource_type(_resource_type: &ResourceType, _base_uri: &str) -> Value {
    todo!()
}

/// One entry of `/Schemas`.
pub fn schema(_schema: &Schema, _base_uri: &str) -> Value {
    todo!()
}
