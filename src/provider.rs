//! One function per SCIM operation (RFC 7644 §3): dialect, parse, commit or read, render.

use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    dialect::Dialect,
    metrics::Metrics,
    scim::{
        self,
        schema::{ResourceType, ResourceTypes},
    },
    store::{Committed, Store, TenantName, UniqueId},
};

/// The provisioning switches of a tenant, as a client's administrator knows them.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Switches {
    /// Off: every request that is authenticated is answered 503 with Retry-After.
    pub enabled: bool,
    /// Off: creating is answered 403.
    pub create: bool,
    /// Off: updating is answered 403.
    pub update: bool,
    /// Off: deactivating and deleting are answered 403.
    pub deactivate: bool,
    /// Off: no Groups in discovery, and 501 on their endpoint.
    pub groups: bool,
    /// Off: unfiltered lists are empty; filters and ids work.
    pub import: bool,
    /// Off: passwords are accepted and dropped.
    pub passwords: bool,
}

impl Default for Switches {
    fn default() -> Self {
        Self {
            enabled: true,
            create: true,
            update: true,
            deactivate: true,
            groups: true,
            import: true,
            passwords: false,
        }
    }
}

/// A tenant as the SCIM side needs it.
#[derive(Debug)]
pub struct Tenant {
    /// Its name.
    pub name: TenantName,
    /// Its base path without a slash at the end: `/scim/v2`.
    pub base_path: String,
    /// How its client speaks.
    pub dialect: &'static Dialect,
    /// The attribute that identifies a user to its client.
    pub unique_id: UniqueId,
    /// What its client may do.
    pub switches: Switches,
    /// Its resource types; without Group when `groups` is off.
    pub types: ResourceTypes,
}

/// Who asks, established before anything is read.
#[derive(Clone, Debug)]
pub struct Caller {
    /// The tenant, from the credential.
    pub tenant: Arc<Tenant>,
    /// The credential's public id.
    pub actor: Arc<str>,
    /// The request's id.
    pub request_id: Arc<str>,
    /// The base URI as the client sees it: `https://scim.example/scim/v2`.
    pub base_uri: Arc<str>,
}

/// Preconditions from the request's head (RFC 7644 §3.14), as the client spelt them.
#[derive(Clone, Debug, Default)]
pub struct Preconditions {
    /// `If-Match`.
    pub if_match: Option<String>,
    /// `If-None-Match`.
    pub if_none_match: Option<String>,
}

/// What to answer. Bodies are SCIM JSON.
#[derive(Debug)]
pub enum Answer {
    /// 201.
    Created {
        /// The receipt without which there is no success.
        proof: Committed,
        /// `Location`.
        location: String,
        /// `ETag`.
        version: String,
        /// The resource.
        body: Vec<u8>,
    },
    /// 200 with a body, 204 without.
    Changed {
        /// The receipt without which there is no success.
        proof: Committed,
        /// `ETag`.
        version: String,
        /// The resource.
        body: Option<Vec<u8>>,
    },
    /// 204.
    Deleted {
        /// The receipt without which there is no success.
        proof: Committed,
    },
    /// 200.
    Found {
        /// `ETag`, of a single resource.
        version: Option<String>,
        /// What was found.
        body: Vec<u8>,
    },
    /// 304.
    NotModified {
        /// `ETag`.
        version: String,
    },
}

/// The SCIM side of the relay.
pub struct Provider {
    store: Arc<dyn Store>,
    metrics: Arc<Metrics>,
}

impl Provider {
    /// A provider over that store.
    pub fn new(store: Arc<dyn Store>, metrics: Arc<Metrics>) -> Self {
        Self { store, metrics }
    }

    /// POST to a resource type's endpoint.
    pub async fn create(
        &self,
        _caller: &Caller,
        _resource_type: &Arc<ResourceType>,
        _parameters: Vec<(String, String)>,
        _body: &[u8],
    ) -> Result<Answer, scim::Error> {
        todo!()
    }

    /// GET of a resource.
    pub async fn get(
        &self,
        _caller: &Caller,
        _resource_type: &Arc<ResourceType>,
        _id: &str,
        _parameters: Vec<(String, String)>,
        _preconditions: &Preconditions,
    ) -> Result<Answer, scim::Error> {
        todo!()
    }

    /// PUT of a resource.
    pub async fn replace(
        &self,
        _caller: &Caller,
        _resource_type: &Arc<ResourceType>,
        _id: &str,
        _parameters: Vec<(String, String)>,
        _preconditions: &Preconditions,
        _body: &[u8],
    ) -> Result<Answer, scim::Error> {
        todo!()
    }

    /// PATCH of a resource.
    pub async fn patch(
        &self,
        _caller: &Caller,
        _resource_type: &Arc<ResourceType>,
        _id: &str,
        _parameters: Vec<(String, String)>,
        _preconditions: &Preconditions,
        _body: &[u8],
    ) -> Result<Answer, scim::Error> {
        todo!()
    }

    /// DELETE of a resource.
    pub async fn delete(
        &self,
        _caller: &Caller,
        _resource_type: &Arc<ResourceType>,
        _id: &str,
        _preconditions: &Preconditions,
    ) -> Result<Answer, scim::Error> {
        todo!()
    }

    /// GET of a resource type's endpoint.
    pub async fn list(
        &self,
        _caller: &Caller,
        _resource_type: &Arc<ResourceType>,
        _parameters: Vec<(String, String)>,
    ) -> Result<Answer, scim::Error> {
        todo!()
    }

    /// POST to `/.search` below a resource type's endpoint.
    pub async fn search(
        &self,
        _caller: &Caller,
        _resource_type: &Arc<ResourceType>,
        _body: &[u8],
    ) -> Result<Answer, scim::Error> {
        todo!()
    }

    /// GET of `/ServiceProviderConfig`, `/ResourceTypes` or `/Schemas`, and of one entry of the latter two by name.
    pub fn discover(
        &self,
        _caller: &Caller,
        _document: Discovery,
        _name: Option<&str>,
        _parameters: &[(String, String)],
    ) -> Result<Answer, scim::Error> {
        todo!()
    }
}

/// The discovery documents.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[expect(missing_docs, reason = "the names are the RFC's")]
pub enum Discovery {
    ServiceProviderConfig,
    ResourceTypes,
    Schemas,
}
