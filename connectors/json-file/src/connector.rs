//! The connector: the door between the relay's tasks and the blocking storage.

use std::sync::Arc;

use async_trait::async_trait;
use scim_connector::{
    Applied, BuildContext, Built, Change, Connector, ConnectorError, ConnectorKind, Limits, Plan, Reader, RemoteEntry,
    RemotePage, RemoteState, ResourceId, ResourceKind,
};
use serde_json::{Map, Value};
use tokio::sync::Mutex;

use crate::{
    document::{Action, Document, Entry, section},
    failure,
    settings::{Checked, Settings},
    storage::{Storage, remote},
    target::Target,
};

/// Changes in one write of the file.
const BATCH_MAX: usize = 5_000;
/// Entries in one page of a list.
const PAGE_MAX: usize = 500;

/// The kind `json-file`.
#[derive(Clone, Copy, Debug)]
pub struct JsonFile;

impl ConnectorKind for JsonFile {
    const NAME: &'static str = "json-file";
    type Settings = Settings;

    fn system(settings: &Settings, context: &BuildContext) -> String {
        let path = context.base_dir.join(&settings.path);
        // Not through links: where the file's folder is not mounted, they lead nowhere.
        std::path::absolute(&path).unwrap_or(path).display().to_string()
    }

    fn moves(_: &Settings) -> bool {
        true
    }

    fn build(settings: Settings, context: BuildContext) -> Built {
        let settings = settings.check(&context.base_dir)?;
        Ok(Box::new(JsonFileConnector { settings, storage: Arc::default() }))
    }
}

struct JsonFileConnector {
    settings: Checked,
    /// Opened, and locked, by the first call that needs it.
    storage: Arc<Mutex<Option<Storage>>>,
}

#[async_trait]
impl Connector for JsonFileConnector {
    async fn apply(&self, batch: &[Change]) -> Vec<Result<Applied, ConnectorError>> {
        let mut targets = Vec::with_capacity(batch.len());
        for change in batch {
            targets.push(Target::of(change).await);
        }
        let applied = self.with_storage(|storage| Ok(storage.apply(targets))).await;
        applied.unwrap_or_else(|error| batch.iter().map(|_| Err(failure::again(&error))).collect())
    }

    async fn check(&self) -> Result<(), ConnectorError> {
        let settings = self.settings.clone();
        self.blocking(move |storage| match storage {
            Some(storage) => storage.check_open(),
            None => Storage::check(&settings),
        })
        .await
    }

    async fn plan(&self, change: &Change) -> Result<Plan, ConnectorError> {
        let target = Target::of(change).await?;
        let settings = self.settings.clone();
        let text = self
            .blocking(move |storage| match storage {
                Some(storage) => plan(storage.document(), &target, &settings.active_attribute),
                None => plan(&Storage::peek(&settings)?, &target, &settings.active_attribute),
            })
            .await?;
        Ok(Plan { media_type: "application/json", text })
    }

    fn reader(&self) -> Option<&dyn Reader> {
        Some(self)
    }

    fn limits(&self) -> Limits {
        Limits { batch_max: BATCH_MAX, in_flight_max: 1, linger_ms: self.settings.linger_ms }
    }
}

#[async_trait]
impl Reader for JsonFileConnector {
    async fn get(&self, kind: &ResourceKind, remote: &RemoteState) -> Result<Option<RemoteEntry>, ConnectorError> {
        let kind = kind.clone();
        let Some(id) = remote.0.get("id").and_then(Value::as_str).and_then(|id| id.parse().ok()) else {
            return Ok(None);
        };
        self.with_storage(move |storage| Ok(storage.document().placed(&kind, id).map(|(_, entry)| found(id, entry))))
            .await
    }

    async fn find(
        &self,
        kind: &ResourceKind,
        attribute: &str,
        value: &Value,
        limit: usize,
    ) -> Result<Vec<RemoteEntry>, ConnectorError> {
        let (section, attribute, value) = (section(kind), attribute.to_owned(), value.clone());
        self.with_storage(move |storage| {
            let entries = storage.document().entries(&section, None);
            let matches = entries.filter(|(_, entry)| holds(&entry.attributes, &attribute, &value));
            Ok(matches.take(limit).map(|(id, entry)| found(id, entry)).collect())
        })
        .await
    }

    async fn list(&self, kind: &ResourceKind, cursor: Option<&str>) -> Result<RemotePage, ConnectorError> {
        let section = section(kind);
        let after: Option<ResourceId> = match cursor {
            None => None,
            Some(cursor) => {
                Some(cursor.parse().map_err(|_| ConnectorError::rejected("the cursor is not one of ours"))?)
            }
        };
        self.with_storage(move |storage| {
            let mut entries = storage.document().entries(&section, after);
            let page: Vec<_> = entries.by_ref().take(PAGE_MAX).collect();
            let next = entries.next().and(page.last()).map(|(id, _)| id.to_string());
            Ok(RemotePage { entries: page.into_iter().map(|(id, entry)| found(id, entry)).collect(), next })
        })
        .await
    }
}

impl JsonFileConnector {
    /// Runs `act` where it may block, on the storage, opened if need be.
    async fn with_storage<T: Send + 'static>(
        &self,
        act: impl FnOnce(&mut Storage) -> Result<T, ConnectorError> + Send + 'static,
    ) -> Result<T, ConnectorError> {
        let settings = self.settings.clone();
        self.blocking(move |storage| match storage {
            Some(storage) => act(storage),
            None => act(storage.insert(Storage::open(settings)?)),
        })
        .await
    }

    /// Runs `act` where it may block, in the order of the calls. A call that is dropped while it waits never runs; one
    /// that has begun runs to its end.
    async fn blocking<T: Send + 'static>(
        &self,
        act: impl FnOnce(&mut Option<Storage>) -> Result<T, ConnectorError> + Send + 'static,
    ) -> Result<T, ConnectorError> {
        let mut shared = Arc::clone(&self.storage).lock_owned().await;
        tokio::task::spawn_blocking(move || {
            // Out of its place meanwhile: a panic leaves memory half changed, and then the disk is read again.
            let mut storage = shared.take();
            let result = act(&mut storage);
            *shared = storage;
            result
        })
        .await
        .unwrap_or_else(|error| Err(ConnectorError::transient("the write of the file was cut off").caused_by(error)))
    }
}

/// The entry's line after the change; `null` where there is then no entry.
fn plan(document: &Document, target: &Target, active_attribute: &str) -> Result<String, ConnectorError> {
    let id = target.resource.id;
    let kind = &target.resource.kind;
    let mut entry = document.placed(kind, id).map(|(_, entry)| entry.clone());
    match document.edit(target, active_attribute)?.edit.map(|edit| edit.action) {
        None => {}
        Some(Action::Remove) => entry = None,
        Some(Action::Put(put) | Action::Move { from: _, put }) => {
            entry.get_or_insert_with(|| Entry::new(&section(kind))).perform(&put);
        }
    }
    Ok(entry.map_or_else(|| "null".into(), |mut entry| entry.line(id).to_owned()))
}

fn found(id: ResourceId, entry: &Entry) -> RemoteEntry {
    RemoteEntry { remote: remote(id), attributes: entry.shown() }
}

fn holds(attributes: &Map<String, Value>, attribute: &str, value: &Value) -> bool {
    match attributes.get(attribute) {
        Some(Value::Array(values)) => values.contains(value),
        Some(held) => held == value,
        None => false,
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use std::{path::Path, sync::mpsc};

    use futures_util::FutureExt;
    use serde_json::json;

    use super::*;

    fn connector(directory: &Path) -> JsonFileConnector {
        let settings: Settings = serde_json::from_value(json!({ "path": "users.json" })).unwrap();
        JsonFileConnector { settings: settings.check(directory).unwrap(), storage: Arc::default() }
    }

    #[tokio::test]
    async fn a_call_dropped_while_it_waits_for_another_never_starts() {
        let directory = tempfile::TempDir::new().unwrap();
        let connector = connector(directory.path());
        let (has_begun, begun) = mpsc::sync_channel(1);
        let (release, released) = mpsc::sync_channel(1);
        let mut first = Box::pin(connector.blocking(move |_| {
            has_begun.send(()).unwrap();
            released.recv().unwrap();
            Ok(())
        }));
        assert!(first.as_mut().now_or_never().is_none());
        begun.recv().unwrap();

        let (starts, started) = mpsc::sync_channel(1);
        let second = connector.blocking(move |_| {
            starts.send(()).unwrap();
            Ok(())
        });
        assert!(second.now_or_never().is_none());
        // The closure is gone, so nothing can run it later.
        assert_eq!(started.try_recv(), Err(mpsc::TryRecvError::Disconnected));

        release.send(()).unwrap();
        first.await.unwrap();
    }

    #[tokio::test]
    async fn after_a_panic_the_state_is_read_again() {
        let directory = tempfile::TempDir::new().unwrap();
        let connector = connector(directory.path());
        connector.with_storage(|_| Ok(())).await.unwrap();
        connector.with_storage(|_| -> Result<(), _> { std::panic::resume_unwind(Box::new(())) }).await.unwrap_err();
        assert!(connector.blocking(|storage| Ok(storage.is_none())).await.unwrap());
        connector.with_storage(|_| Ok(())).await.unwrap();
    }
}
