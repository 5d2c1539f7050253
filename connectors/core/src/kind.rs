//! How a kind of connector (`json-file`, `ldap`, …) is tied to its settings.

use std::path::PathBuf;

use schemars::{JsonSchema, Schema};
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::Connector;

/// A kind of connector: its settings and how they become a connector.
pub trait ConnectorKind: 'static {
    /// The name in `kind = "…"`.
    const NAME: &'static str;
    /// The table `[connectors.NAME.settings]`; refuses unknown keys.
    type Settings: DeserializeOwned + JsonSchema;

    /// What tells the downstream system of these settings from every other, as a person would name it: the file, the
    /// host and the base. The relay refuses to go on at another system with what it knows of one. Not a secret, and the
    /// same for settings that differ in how the system is reached only (a password, a timeout).
    fn system(settings: &Self::Settings, context: &BuildContext) -> String;

    /// Whether entries can be set aside with these settings: [`crate::Desired::Aside`] has a place to move them to.
    fn moves(settings: &Self::Settings) -> bool {
        let _ = settings;
        false
    }

    /// Checks the settings and builds the connector, without I/O beyond reading referenced files. Reports every
    /// problem, not the first.
    fn build(settings: Self::Settings, context: BuildContext) -> Built;
}

/// What a connector is built in.
#[derive(Clone, Debug)]
pub struct BuildContext {
    /// The connector's name.
    pub name: String,
    /// The folder that relative paths in settings start from: that of the configuration file.
    pub base_dir: PathBuf,
}

/// A problem with one key of a connector's settings.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SettingsProblem {
    /// The key, relative to the settings table: `path`, `tls.ca-file`.
    pub key: String,
    /// What is wrong.
    pub message: String,
    /// What would be right.
    pub remedy: String,
}

/// A connector, or every problem with its settings.
pub type Built = Result<Box<dyn Connector>, Vec<SettingsProblem>>;

/// A kind with its types erased, so that all kinds fit in one table.
pub struct Kind {
    /// The name in `kind = "…"`.
    pub name: &'static str,
    /// Reads settings given as a JSON value and builds the connector.
    pub build: fn(Value, BuildContext) -> Built,
    /// What tells the downstream system of these settings from every other; `None` for settings that cannot be read.
    pub system: fn(Value, &BuildContext) -> Option<String>,
    /// Whether entries can be set aside with these settings; `None` for settings that cannot be read.
    pub moves: fn(Value) -> Option<bool>,
    /// The JSON Schema of the settings.
    pub schema: fn() -> Schema,
}

/// The row of a kind in the relay's table.
pub const fn kind<K: ConnectorKind>() -> Kind {
    Kind {
        name: K::NAME,
        build: build::<K>,
        system: system::<K>,
        moves: moves::<K>,
        schema: || schemars::schema_for!(K::Settings),
    }
}

fn system<K: ConnectorKind>(settings: Value, context: &BuildContext) -> Option<String> {
    let settings = serde_json::from_value(settings).ok()?;
    Some(K::system(&settings, context))
}

fn moves<K: ConnectorKind>(settings: Value) -> Option<bool> {
    Some(K::moves(&serde_json::from_value(settings).ok()?))
}

fn build<K: ConnectorKind>(settings: Value, context: BuildContext) -> Built {
    let settings = serde_path_to_error::deserialize(settings).map_err(|error| {
        vec![SettingsProblem {
            key: match error.path().to_string().as_str() {
                "." => String::new(),
                path => path.to_owned(),
            },
            message: error.inner().to_string(),
            remedy: format!("see the settings of kind \"{}\" in config/relay.toml", K::NAME),
        }]
    })?;
    K::build(settings, context)
}
