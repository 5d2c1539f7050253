//! The configuration as it is written: types right, meaning unchecked. Its doc comments are the descriptions in
//! `config/schema.json`.

use std::{
    collections::BTreeMap,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::PathBuf,
};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{
    dispatch, http, mapping, provider, retention,
    store::{Brake, OnRehire, OnRemoval, UniqueId},
};

/// Configuration of scim-relay.
#[derive(Debug, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Raw {
    /// The folder of the store and the control socket. Paths that are not absolute start from the folder of the
    /// configuration file, here and everywhere.
    pub(super) data_dir: PathBuf,
    /// A file with the secret that seals passwords on their way to connectors: 32 characters or more.
    pub(super) secret_key_file: Option<PathBuf>,
    /// The environment variable that holds that secret, instead of a file.
    pub(super) secret_key_env: Option<String>,
    /// Whether the configuration is read again when its file changes, or one that it names. `scim-relay reload` and SIGHUP
    /// do so in any case.
    pub(super) watch: bool,
    /// What is logged, and how.
    pub(super) log: Log,
    /// The SCIM listener.
    pub(super) server: http::Settings,
    /// The admin listener: health, readiness, metrics.
    pub(super) admin: Admin,
    /// How deliveries are retried.
    pub(super) delivery: dispatch::Settings,
    /// For how long what only grows is kept.
    pub(super) retention: retention::Settings,
    /// SCIM endpoints by name: `[a-z0-9-]`, at most 63 characters.
    pub(super) tenants: BTreeMap<String, Tenant>,
    /// Downstream systems by name: `[a-z0-9-]`, at most 63 characters. The name is the connector's identity: the store
    /// knows by it what was delivered.
    pub(super) connectors: BTreeMap<String, Connector>,
}

impl Default for Raw {
    fn default() -> Self {
        Self {
            data_dir: "data".into(),
            secret_key_file: None,
            secret_key_env: None,
            watch: true,
            log: Log::default(),
            server: http::Settings::default(),
            admin: Admin::default(),
            delivery: dispatch::Settings::default(),
            retention: retention::Settings::default(),
            tenants: BTreeMap::new(),
            connectors: BTreeMap::new(),
        }
    }
}

/// What is logged, and how. Logs go to standard error.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Log {
    /// `error`, `warn`, `info`, `debug` or `trace`; by module too, as in `info,scim_relay::dispatch=debug`.
    pub level: String,
    /// For a person or for a machine.
    pub format: LogFormat,
}

impl Default for Log {
    fn default() -> Self {
        Self { level: "info".to_owned(), format: LogFormat::Text }
    }
}

/// How a line of the log looks.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum LogFormat {
    /// For a person.
    Text,
    /// One JSON object a line.
    Json,
}

/// The admin listener: health, readiness, metrics.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Admin {
    /// Where it listens. It asks for no credentials, so keep it where only operators and Prometheus come.
    #[schemars(with = "String")]
    pub listen: SocketAddr,
}

impl Default for Admin {
    fn default() -> Self {
        Self { listen: SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 9464) }
    }
}

/// A SCIM endpoint with its own resources, keys and connectors.
#[derive(Debug, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Tenant {
    /// Where it is below the server: what the client calls the base URL or tenant URL, without scheme and host.
    pub(super) base_path: String,
    /// How its client speaks SCIM.
    pub(super) dialect: String,
    /// The attribute by which its client knows a user.
    pub(super) unique_id: UniqueId,
    /// What creating a user does that collides with an inactive one.
    pub(super) on_rehire: OnRehire,
    /// Files that declare schemas and resource types beside those of RFC 7643, as SCIM's own JSON documents: a Schema, a
    /// ResourceType, or a ListResponse of them. A ResourceType named User or Group adds extensions to that type.
    pub(super) schemas: Vec<PathBuf>,
    /// Attributes by which the client looks resources up, as in its filters. Those that are unique, and userName,
    /// externalId, emails and displayName, need not be named.
    pub(super) indexed_attributes: Vec<String>,
    /// What its client may do.
    pub(super) provisioning: provider::Switches,
    /// How much its client may remove before a person has to agree, whatever the connectors' own brakes allow.
    pub(super) brake: Brake,
}

impl Default for Tenant {
    fn default() -> Self {
        Self {
            base_path: "/scim/v2".to_owned(),
            dialect: "auto".to_owned(),
            unique_id: UniqueId::default(),
            on_rehire: OnRehire::default(),
            schemas: Vec::new(),
            indexed_attributes: Vec::new(),
            provisioning: provider::Switches::default(),
            brake: Brake::default(),
        }
    }
}

/// A downstream system that is brought to the state of one tenant.
#[derive(Debug, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Connector {
    /// The kind of downstream system.
    #[schemars(required)]
    pub(super) kind: Option<String>,
    /// The tenant whose state it gets.
    #[schemars(required)]
    pub(super) tenant: Option<String>,
    /// The resource types it gets, as `/ResourceTypes` names them.
    pub(super) resources: Vec<String>,
    /// Whether it gets the resources that existed before it was added.
    pub(super) backfill: bool,
    /// Which resources of these it gets: by type in lower case (`user`, `group`) a SCIM filter. A resource that comes to
    /// match is provisioned; one that matches no more is removed as `on-delete` says.
    pub(super) scope: BTreeMap<String, String>,
    /// What becomes of an entry when its user is deactivated.
    pub(super) on_deactivate: OnRemoval,
    /// What becomes of an entry when its resource is deleted or leaves the scope.
    pub(super) on_delete: OnRemoval,
    /// How much may be removed there before a person has to agree.
    pub(super) brake: Brake,
    /// Whether it gets passwords. The tenant must take them: `provisioning.passwords`.
    pub(super) passwords: bool,
    /// Settings of its kind.
    pub(super) settings: Map<String, Value>,
    /// Which attributes it gets, by resource type in lower case (`user`, `group`): the downstream system's name of an
    /// attribute, and where its value comes from. All of them, by SCIM's names, where a type is not mentioned.
    pub(super) mapping: BTreeMap<String, mapping::Settings>,
}

impl Default for Connector {
    fn default() -> Self {
        Self {
            kind: None,
            tenant: None,
            resources: vec!["User".to_owned(), "Group".to_owned()],
            backfill: true,
            scope: BTreeMap::new(),
            on_deactivate: OnRemoval::Disable,
            on_delete: OnRemoval::Disable,
            brake: Brake::default(),
            passwords: false,
            settings: Map::new(),
            mapping: BTreeMap::new(),
        }
    }
}
