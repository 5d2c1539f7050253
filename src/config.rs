//! From a file and variables to a value that cannot be wrong.
//!
//! [`load`] merges the layers (`source`), reads them into the settings as written (`raw`), and checks what types cannot
//! say (`check`, `tenants`, `connectors`). It finds all problems at once, each with its key, who set it, and what would
//! be right. Modules own their settings types; this one only gathers them.

mod check;
mod connectors;
mod declared;
mod files;
mod key;
mod live;
mod policies;
mod problem;
mod raw;
mod read;
mod schema;
mod secrets;
mod server;
mod source;
mod tenants;
#[cfg(test)]
mod tests;

use std::{
    collections::BTreeMap,
    fmt,
    path::{Path, PathBuf},
    sync::Arc,
};

use scim_connector::{BuildContext, Built, Kind, ResourceKind, Secret, SettingsProblem};
use serde_json::Value;

use self::{problem::Problems, source::Source};
pub use self::{
    problem::{Code, Problem},
    raw::{Admin, Log, LogFormat},
    schema::json_schema,
    source::Environment,
};
use crate::{
    dispatch::{self, Target},
    http,
    mapping::Mapping,
    provider, retention,
    store::{self, ConnectorName, Policy, TenantName},
};

/// All that the relay needs to know, checked. Paths are absolute or start from the working directory.
#[derive(Clone, Debug)]
pub struct Config {
    /// The file that it was read from.
    pub file: PathBuf,
    /// [`stamp`] from before it was read.
    pub stamp: String,
    /// The variables that were laid over it.
    pub environment: Environment,
    /// Whether it is read again when one of those files changes.
    pub watch: bool,
    /// The folder of the store, the lock and the control socket.
    pub data_dir: PathBuf,
    /// What seals passwords; there if a tenant takes any.
    pub secret_key: Option<Secret>,
    /// What is logged, and how.
    pub log: Log,
    /// The SCIM listener.
    pub server: http::Settings,
    /// The admin listener.
    pub admin: Admin,
    /// How deliveries are retried.
    pub delivery: dispatch::Settings,
    /// For how long what only grows is kept.
    pub retention: retention::Settings,
    /// At least one.
    pub tenants: Vec<Tenant>,
    /// Each of one of the tenants.
    pub connectors: Vec<Connector>,
}

/// A tenant, as each side needs it.
#[derive(Clone, Debug)]
pub struct Tenant {
    /// For the SCIM side.
    pub scim: Arc<provider::Tenant>,
    /// For the store, with its connectors.
    pub store: store::Tenant,
}

/// A connector: what builds it, and what the dispatcher does with it.
#[derive(Clone)]
pub struct Connector {
    /// Its name.
    pub name: ConnectorName,
    /// The tenant whose state it gets.
    pub tenant: TenantName,
    /// Which resources it wants, and what becomes of those that leave.
    pub policy: Arc<Policy>,
    /// A mapping for each resource type that it gets.
    pub mappings: BTreeMap<ResourceKind, Arc<Mapping>>,
    /// The kind of downstream system.
    pub kind: &'static Kind,
    /// Stands for all that it is built and told from, the files that its settings name included: where it is the same,
    /// another of these would do the same.
    pub stamp: Arc<str>,
    settings: Value,
    base_dir: PathBuf,
}

impl Connector {
    /// Builds the connector. Files that its settings name are read again, so that a changed secret is a new start.
    ///
    /// # Errors
    /// What has changed for the worse since the configuration was checked.
    pub fn build(&self) -> Built {
        let context = BuildContext { name: self.name.0.to_string(), base_dir: self.base_dir.clone() };
        (self.kind.build)(self.settings.clone(), context)
    }

    /// The connector with all that delivering to it needs, of this configuration, which has it.
    ///
    /// # Errors
    /// As of [`Self::build`].
    pub fn target(&self, config: &Config) -> Result<Target, Vec<SettingsProblem>> {
        let connector = self.build()?;
        let tenant = config.tenants.iter().find(|tenant| tenant.store.name == self.tenant);
        let known = tenant.and_then(|tenant| tenant.store.connectors.iter().find(|known| known.name == self.name));
        let types = self.mappings.iter().filter_map(|(kind, mapping)| {
            Some((kind.clone(), (tenant?.store.types.get(kind)?.clone(), mapping.clone())))
        });
        Ok(Target {
            name: self.name.clone(),
            connector,
            types: types.collect(),
            policy: self.policy.clone(),
            fingerprint: known.map(|known| known.fingerprint.clone()).unwrap_or_default(),
            stamp: self.stamp.clone(),
        })
    }
}

impl fmt::Debug for Connector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connector")
            .field("name", &self.name)
            .field("tenant", &self.tenant)
            .field("kind", &self.kind.name)
            .finish_non_exhaustive()
    }
}

/// Reads and checks a configuration: the file, and over it variables `SCIM_RELAY__SECTION__KEY`.
///
/// # Errors
/// All problems found, ordered by key; never an empty list.
pub fn load(path: &Path, environment: &Environment) -> Result<Config, Vec<Problem>> {
    // Before anything is read: what is written meanwhile makes another stamp.
    let stamp = stamp(path, environment);
    let source = Source::open(path, environment).map_err(|problem| vec![problem])?;
    let mut problems = Problems::new(&source);
    let config = read::read(source.document(), &source, &mut problems)
        .and_then(|raw| check::config(raw, path, environment, &source, &mut problems));
    match config {
        Some(config) if problems.is_empty() => Ok(Config { stamp, ..config }),
        Some(_) | None => Err(problems.into_vec()),
    }
}

/// Stands for the configuration's file and those that it names now, as they are: another text once one of them was written,
/// replaced, or came. Nothing of what is in them.
pub fn stamp(path: &Path, environment: &Environment) -> String {
    let mut files = vec![path.to_owned()];
    // A file that is wrong names none, until it is written again.
    if let Ok(source) = Source::open(path, environment) {
        files.extend(files::named(&source.document(), &check::base_dir(path)));
    }
    files::stamp(&files)
}
