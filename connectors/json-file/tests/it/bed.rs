//! A directory with a file, and changes to it.

use std::{fs, path::PathBuf};

use scim_connector::{
    Applied, BuildContext, Change, Connector, ConnectorError, ConnectorKind, MappedAttributes, MappedValue, Members,
    ResourceRef, WriteRule, testkit,
};
use scim_connector_json_file::{JsonFile, Settings};
use serde_json::{Value, json};
use tempfile::TempDir;

pub(crate) struct Bed {
    directory: TempDir,
    settings: Value,
}

impl Bed {
    /// A new directory; `settings` without the path.
    pub(crate) fn new(settings: Value) -> Self {
        let mut settings = settings;
        settings["path"] = json!("users.json");
        Self { directory: TempDir::new().unwrap(), settings }
    }

    pub(crate) fn connect(&self) -> Box<dyn Connector> {
        self.connect_with(&self.settings)
    }

    pub(crate) fn connect_with(&self, settings: &Value) -> Box<dyn Connector> {
        let settings: Settings = serde_json::from_value(settings.clone()).unwrap();
        let context = BuildContext { name: "file".into(), base_dir: self.directory.path().to_owned() };
        JsonFile::build(settings, context).unwrap()
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    pub(crate) fn text(&self) -> String {
        fs::read_to_string(self.path("users.json")).unwrap()
    }

    pub(crate) fn write(&self, text: &str) {
        fs::write(self.path("users.json"), text).unwrap();
    }

    /// Names in the directory, sorted.
    pub(crate) fn names(&self) -> Vec<String> {
        let mut names: Vec<_> = fs::read_dir(self.directory.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }
}

/// A change of the attribute `title`.
pub(crate) fn titled(resource: &ResourceRef, version: u64, title: &str) -> Change {
    with_members(resource, version, title, Members::Unchanged)
}

pub(crate) fn with_members(resource: &ResourceRef, version: u64, title: &str, members: Members) -> Change {
    let value = MappedValue::Single(title.into());
    let attributes: MappedAttributes = [("title".into(), testkit::attribute(value, WriteRule::Always))].into();
    testkit::change(resource, version, testkit::present(attributes, members))
}

pub(crate) async fn apply(connector: &dyn Connector, change: Change) -> Result<Applied, ConnectorError> {
    connector.apply(&[change]).await.remove(0)
}
