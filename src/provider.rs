//! One function per SCIM operation (RFC 7644 §3): dialect, parse, commit or read, render.

mod bulk;
mod list;
mod managers;
mod me;
mod preconditions;
mod renderer;
mod repeats;
mod unknown;
mod write;

use std::{
    hash::{DefaultHasher, Hash as _, Hasher as _},
    sync::Arc,
    time::Duration,
};

use schemars::JsonSchema;
use scim_connector::ResourceId;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

pub use self::{
    bulk::{BulkLimits, BulkResult},
    preconditions::Preconditions,
    unknown::Asked,
};
use self::{renderer::Renderer, repeats::Repeats, unknown::Waiting};
use crate::{
    dialect::Dialect,
    metrics::Metrics,
    scim::{
        self,
        discovery::{self, Features},
        json, query,
        render::{LIST_URN, Projection},
        schema::{ResourceType, ResourceTypes, Schema},
    },
    store::{self, Committed, Store, Stored, TenantName, UniqueId, WriteError},
    time::Clock,
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
    /// The user name that came with the credential, for `/Me`. Whoever holds a key may name any: it grants nothing.
    pub subject: Option<Arc<str>>,
    /// The request's id.
    pub request_id: Arc<str>,
    /// The base URI as the client sees it: `https://scim.example/scim/v2`.
    pub base_uri: Arc<str>,
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
    /// 200, whatever came of each operation.
    Bulk(Vec<BulkResult>),
}

/// The SCIM side of the relay.
pub struct Provider {
    store: Arc<dyn Store>,
    metrics: Arc<Metrics>,
    waiting: Waiting,
    repeats: Repeats,
    bulk_limits: BulkLimits,
}

impl Provider {
    /// A provider over that store.
    pub fn new(store: Arc<dyn Store>, metrics: Arc<Metrics>, clock: Clock, bulk_limits: BulkLimits) -> Self {
        Self { store, metrics, bulk_limits, waiting: Waiting::default(), repeats: Repeats::new(clock) }
    }

    /// POST to a resource type's endpoint.
    ///
    /// # Errors
    /// What the client is told.
    pub async fn create(
        &self,
        caller: &Caller,
        resource_type: &Arc<ResourceType>,
        parameters: Vec<(String, String)>,
        body: &[u8],
    ) -> Result<Answer, scim::Error> {
        let projection = projection(resource_type, &parameters)?;
        let proof = self.created(caller, resource_type, json::parse(body)?).await?;
        let renderer = self.renderer(caller, resource_type, &projection);
        let body = renderer.resource(proof.stored()).await?;
        Ok(Answer::Created {
            location: renderer.location(proof.stored().id),
            version: version_tag(proof.stored()),
            body,
            proof,
        })
    }

    /// GET of a resource.
    ///
    /// # Errors
    /// What the client is told.
    pub async fn get(
        &self,
        caller: &Caller,
        resource_type: &Arc<ResourceType>,
        id: &str,
        parameters: Vec<(String, String)>,
        preconditions: &Preconditions,
    ) -> Result<Answer, scim::Error> {
        let projection = projection(resource_type, &parameters)?;
        let id = resource_id(resource_type, id)?;
        let stored = self
            .store
            .get(&caller.tenant.name, &resource_type.kind, id)
            .await
            .map_err(unavailable)?
            .ok_or_else(|| unknown(resource_type))?;
        let version = version_tag(&stored);
        if preconditions.none_match(stored.version) {
            return Ok(Answer::NotModified { version });
        }
        let body = self.renderer(caller, resource_type, &projection).resource(&stored).await?;
        Ok(Answer::Found { version: Some(version), body })
    }

    /// PUT of a resource.
    ///
    /// # Errors
    /// What the client is told.
    pub async fn replace(
        &self,
        caller: &Caller,
        resource_type: &Arc<ResourceType>,
        id: &str,
        parameters: Vec<(String, String)>,
        preconditions: &Preconditions,
        body: &[u8],
    ) -> Result<Answer, scim::Error> {
        let projection = projection(resource_type, &parameters)?;
        let proof = self.replaced(caller, resource_type, id, preconditions, json::parse(body)?).await?;
        let body = self.renderer(caller, resource_type, &projection).resource(proof.stored()).await?;
        Ok(Answer::Changed { version: version_tag(proof.stored()), body: Some(body), proof })
    }

    /// PATCH of a resource.
    ///
    /// # Errors
    /// What the client is told.
    pub async fn patch(
        &self,
        caller: &Caller,
        resource_type: &Arc<ResourceType>,
        id: &str,
        parameters: Vec<(String, String)>,
        preconditions: &Preconditions,
        body: &[u8],
    ) -> Result<Answer, scim::Error> {
        let projection = projection(resource_type, &parameters)?;
        let proof = self.patched(caller, resource_type, id, preconditions, json::parse(body)?).await?;
        let body = if projection == Projection::Default && self.answers_without_body(caller, resource_type, &proof) {
            None
        } else {
            Some(self.renderer(caller, resource_type, &projection).resource(proof.stored()).await?)
        };
        Ok(Answer::Changed { version: version_tag(proof.stored()), body, proof })
    }

    /// DELETE of a resource.
    ///
    /// # Errors
    /// What the client is told.
    pub async fn delete(
        &self,
        caller: &Caller,
        resource_type: &Arc<ResourceType>,
        id: &str,
        preconditions: &Preconditions,
    ) -> Result<Answer, scim::Error> {
        let proof = self.deleted(caller, resource_type, id, preconditions).await?;
        Ok(Answer::Deleted { proof })
    }

    /// GET of `/ServiceProviderConfig`, `/ResourceTypes` or `/Schemas`, and of one entry of the latter two by name.
    ///
    /// # Errors
    /// What the client is told.
    pub fn discover(
        &self,
        caller: &Caller,
        document: Discovery,
        name: Option<&str>,
        parameters: &[(String, String)],
        preconditions: &Preconditions,
    ) -> Result<Answer, scim::Error> {
        if parameters.iter().any(|(key, _)| key.eq_ignore_ascii_case("filter")) {
            // RFC 7644 §4: a filter would let a client probe for what it may not see.
            return Err(scim::Error::forbidden("discovery documents cannot be filtered"));
        }
        let tenant = &caller.tenant;
        let entries: Vec<(&str, Value)> = match document {
            Discovery::ServiceProviderConfig => {
                let features = Features {
                    filter_results_max: query::COUNT_MAX,
                    change_password: tenant.switches.passwords,
                    bulk_operations_max: self.bulk_limits.operations_max,
                    bulk_payload_bytes_max: self.bulk_limits.payload_bytes_max,
                    documentation_uri: None,
                    interop_profile: tenant.dialect.follows_interop_profile,
                };
                let config = discovery::service_provider_config(&features, &caller.base_uri);
                return Ok(discovered(&config, preconditions));
            }
            Discovery::ResourceTypes => tenant
                .types
                .iter()
                .map(|kind| (kind.kind.as_str(), discovery::resource_type(kind, &caller.base_uri)))
                .collect(),
            Discovery::Schemas => {
                let mut schemas: Vec<&Schema> = Vec::new();
                for resource_type in tenant.types.iter() {
                    let extensions = resource_type.extensions.iter().map(|(schema, _)| schema);
                    for schema in std::iter::once(&resource_type.schema).chain(extensions) {
                        if !schemas.iter().any(|known| known.id == schema.id) {
                            schemas.push(schema);
                        }
                    }
                }
                schemas.into_iter().map(|schema| (&*schema.id, discovery::schema(schema, &caller.base_uri))).collect()
            }
        };
        let body = match name {
            None => {
                let total = entries.len();
                let resources: Vec<Value> = entries.into_iter().map(|(_, entry)| entry).collect();
                json!({
                    "schemas": [LIST_URN],
                    "totalResults": total,
                    "startIndex": 1,
                    "itemsPerPage": total,
                    "Resources": resources,
                })
            }
            Some(name) => entries
                .into_iter()
                .find(|(known, _)| known.eq_ignore_ascii_case(name))
                .map(|(_, entry)| entry)
                .ok_or_else(|| scim::Error::not_found("no such discovery document"))?,
        };
        Ok(discovered(&body, preconditions))
    }

    /// Whether a PATCH without `attributes` is answered with 204: where a group's members make the body large, or the
    /// client prefers it (docs/dialects/README.md).
    fn answers_without_body(&self, caller: &Caller, resource_type: &ResourceType, proof: &Committed) -> bool {
        resource_type.kind.is_group()
            && (caller.tenant.dialect.group_patch_no_content || proof.stored().members > PATCH_ANSWER_MEMBERS_MAX)
    }

    fn renderer<'a>(
        &'a self,
        caller: &'a Caller,
        resource_type: &'a ResourceType,
        projection: &'a Projection,
    ) -> Renderer<'a> {
        Renderer::new(&*self.store, caller, resource_type, projection)
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

/// The most members with which a group's PATCH is answered with a body.
const PATCH_ANSWER_MEMBERS_MAX: u64 = 1_000;

/// How long a client should wait when the store is busy or full.
const STORE_RETRY_AFTER: Duration = Duration::from_secs(5);

fn version_tag(stored: &Stored) -> String {
    tag(stored.version)
}

fn tag(version: u64) -> String {
    format!("W/\"{version}\"")
}

/// A discovery document, unless the client has it. Nobody counts its versions, so its text is its version.
fn discovered(document: &Value, preconditions: &Preconditions) -> Answer {
    let body = document.to_string();
    let mut hasher = DefaultHasher::new();
    body.hash(&mut hasher);
    let version = hasher.finish();
    match preconditions.none_match(version) {
        true => Answer::NotModified { version: tag(version) },
        false => Answer::Found { version: Some(tag(version)), body: body.into_bytes() },
    }
}

fn switch(on: bool, name: &'static str) -> Result<(), scim::Error> {
    if on { Ok(()) } else { Err(scim::Error::forbidden(format!("the provisioning switch `{name}` is off"))) }
}

fn projection(resource_type: &ResourceType, parameters: &[(String, String)]) -> Result<Projection, scim::Error> {
    let parameter = |name: &str| {
        parameters.iter().rfind(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    };
    Projection::parse(resource_type, parameter("attributes"), parameter("excludedAttributes"))
}

fn resource_id(resource_type: &ResourceType, id: &str) -> Result<ResourceId, scim::Error> {
    id.parse().map_err(|_| unknown(resource_type))
}

fn unknown(resource_type: &ResourceType) -> scim::Error {
    scim::Error::not_found(format!("no {} has this id", resource_type.kind))
}

fn refused(error: WriteError) -> scim::Error {
    match error {
        WriteError::Refused(error) => error,
        WriteError::Store(error) => unavailable(error),
    }
}

/// A store that cannot answer now is 503, whatever the cause: never 404, never 500 for a full disk.
fn unavailable(error: store::Error) -> scim::Error {
    let detail = match &error {
        store::Error::Busy => "too many writes are waiting",
        store::Error::Full { .. } => "the relay's store has no space",
        store::Error::Closed => "the relay is stopping",
        store::Error::Io { .. }
        | store::Error::Corrupt { .. }
        | store::Error::Locked { .. }
        | store::Error::Unusable { .. } => "the relay's store cannot be used",
    };
    scim::Error::unavailable(detail, STORE_RETRY_AFTER).caused_by(error)
}
