//! The contract's suite, in both modes, against the files as another program reads them.

use crate::file_reader::State;
use async_trait::async_trait;
use scim_connector::{
    BuildContext, Connector, ConnectorKind, ResourceRef,
    testkit::{self, Aside, Fixture, Found},
};
use scim_connector_json_file::{JsonFile, Settings};
use serde_json::json;
use tempfile::TempDir;

struct Files {
    mode: &'static str,
    directory: TempDir,
}

#[async_trait]
impl Fixture for Files {
    fn connect(&self) -> Box<dyn Connector> {
        let settings: Settings =
            serde_json::from_value(json!({ "path": "users.json", "mode": self.mode, "journal-changes-max": 7 }))
                .unwrap();
        let context = BuildContext { name: "file".into(), base_dir: self.directory.path().to_owned() };
        JsonFile::build(settings, context).unwrap()
    }

    async fn read(&self, resource: &ResourceRef) -> Option<Found> {
        State::read(&self.directory.path().join("users.json")).found(resource)
    }

    fn aside(&self) -> Option<&dyn Aside> {
        Some(self)
    }
}

#[async_trait]
impl Aside for Files {
    async fn read_aside(&self, resource: &ResourceRef) -> Option<Found> {
        State::read(&self.directory.path().join("users.json")).found_aside(resource)
    }
}

#[tokio::test]
async fn a_snapshot_keeps_the_contract() {
    testkit::run(&Files { mode: "snapshot", directory: TempDir::new().unwrap() }).await;
}

#[tokio::test]
async fn a_journal_keeps_the_contract() {
    testkit::run(&Files { mode: "journal", directory: TempDir::new().unwrap() }).await;
}
