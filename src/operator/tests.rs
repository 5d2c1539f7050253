//! Commands on a store of their own.

#![expect(clippy::unwrap_used, reason = "tests")]

use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::json;

use super::*;
use crate::{
    config::{self, Environment},
    metrics::Metrics,
    scim::resource::Draft,
    store::{
        Operation, QueueClass, Write,
        sqlite::{Options, SqliteStore},
    },
    time::Timestamp,
};

const CONFIGURATION: &str = r#"
[tenants.acme]
[connectors.people]
kind = "json-file"
tenant = "acme"
settings.path = "people.json"
"#;

/// A connector that answers what it is told to.
struct Control {
    answer: Result<(), String>,
    woken: AtomicUsize,
}

#[async_trait]
impl ConnectorControl for Control {
    async fn check(&self, _connector: &ConnectorName) -> Result<(), String> {
        self.answer.clone()
    }

    fn wake(&self, _connector: &ConnectorName) {
        self.woken.fetch_add(1, Ordering::Relaxed);
    }

    fn failing_until(&self, _connector: &ConnectorName) -> Option<Timestamp> {
        None
    }
}

/// A relay whose configuration is refused.
struct NotConfigured;

#[async_trait]
impl Reconfigure for NotConfigured {
    async fn reconfigure(&self, _reset: Option<ConnectorName>) -> Result<(), String> {
        Err("server.listen cannot change".to_owned())
    }
}

struct Bed {
    store: Arc<dyn Store>,
    credentials: Arc<Credentials>,
    clock: Clock,
    _folder: tempfile::TempDir,
}

impl Bed {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("relay.toml");
        std::fs::write(&file, CONFIGURATION).unwrap();
        let config = config::load(&file, &Environment::default()).unwrap();
        let clock = Clock::manual(Timestamp(1_000));
        let metrics = Arc::new(Metrics::new().unwrap());
        let store: Arc<dyn Store> = SqliteStore::open(Options {
            data_dir: config.data_dir.clone(),
            clock: clock.clone(),
            metrics: metrics.clone(),
            sealing_key: None,
            read_connections: 1,
            queue_max: 16,
            sorted_max: 1_000,
            on_runtime: false,
        })
        .unwrap();
        store.configure(config.tenants.iter().map(|tenant| tenant.store.clone()).collect()).await.unwrap();
        let credentials = Arc::new(Credentials::load(store.clone(), clock.clone(), metrics).await.unwrap());
        Self { store, credentials, clock, _folder: folder }
    }

    fn operator(&self, control: Option<Arc<dyn ConnectorControl>>) -> Operator {
        let lent = control.map(|connectors| Lent { connectors, configuration: Arc::new(NotConfigured) });
        Operator::new(self.store.clone(), self.credentials.clone(), lent, self.clock.clone())
    }

    /// Commits a user, which is owed to the connector from then on.
    async fn add_user(&self, user_name: &str) {
        let types = crate::scim::schema::ResourceTypes::core();
        let attributes = json!({ "userName": user_name }).as_object().unwrap().clone();
        let write = Write {
            tenant: acme(),
            resource_type: types.iter().next().unwrap().clone(),
            operation: Operation::Create(Draft { attributes, ..Draft::default() }),
            if_match: None,
            actor: "test".into(),
            request_id: "request".into(),
        };
        self.store.commit(write).await.unwrap();
    }
}

fn acme() -> TenantName {
    TenantName("acme".into())
}

fn people() -> ConnectorName {
    ConnectorName("people".into())
}

#[tokio::test]
async fn a_key_opens_its_tenant_until_it_is_revoked() {
    let bed = Bed::new().await;
    let operator = bed.operator(None);
    let create = Command::KeysCreate { tenant: acme(), name: "okta".to_owned(), expires_days: Some(1) };
    let created = operator.execute(create).await.unwrap();
    let key = created["key"].as_str().unwrap();
    assert_eq!(bed.credentials.authenticate(key.as_bytes()).unwrap().tenant, acme());
    assert_eq!(created["expires"], 1_000 + 86_400_000);

    let listed = operator.execute(Command::KeysList { tenant: Some(acme()) }).await.unwrap();
    assert_eq!(listed["keys"][0]["id"], created["id"]);
    assert!(!listed.to_string().contains(key), "the key is shown once");
    let others = Command::KeysList { tenant: Some(TenantName("other".into())) };
    assert_eq!(operator.execute(others).await.unwrap(), json!({ "keys": [] }));

    let revoke = Command::KeysRevoke { tenant: acme(), key: "okta".to_owned() };
    operator.execute(revoke).await.unwrap();
    assert!(bed.credentials.authenticate(key.as_bytes()).is_none());
    let nobody = Command::KeysRevoke { tenant: acme(), key: "nobody".to_owned() };
    assert!(matches!(operator.execute(nobody).await, Err(Error::Unknown { kind: "key", .. })));
}

#[tokio::test]
async fn a_connector_is_paused_and_resumed_and_told_so() {
    let bed = Bed::new().await;
    let control = Arc::new(Control { answer: Ok(()), woken: AtomicUsize::new(0) });
    let operator = bed.operator(Some(control.clone()));
    let paused = operator.execute(Command::ConnectorPause { connector: people() }).await.unwrap();
    assert_eq!(paused["connectors"][0]["state"], "paused");
    let resumed = operator.execute(Command::ConnectorResume { connector: people() }).await.unwrap();
    assert_eq!(resumed["connectors"][0]["state"], "active");
    assert_eq!(control.woken.load(Ordering::Relaxed), 2);

    let status = operator.execute(Command::Status).await.unwrap();
    assert_eq!((&status["running"], &status["store"]), (&json!(true), &json!("ready")));
    assert_eq!(status["connectors"][0]["name"], "people");
}

#[tokio::test]
async fn a_name_that_nobody_has_is_an_error_and_not_an_empty_answer() {
    let bed = Bed::new().await;
    let operator = bed.operator(None);
    let connector = ConnectorName("peple".into());
    let selection = QueueSelection { connector: Some(connector.clone()), ..QueueSelection::default() };
    for command in [
        Command::ConnectorPause { connector: connector.clone() },
        Command::ConnectorResume { connector: connector.clone() },
        Command::ConnectorCheck { connector },
        Command::QueueList { selection: selection.clone(), limit: 1 },
        Command::QueueRetry { selection: selection.clone() },
        Command::QueueDiscard { selection },
        Command::QueueShow { id: DeliveryId(99) },
    ] {
        let result = operator.execute(command.clone()).await;
        assert!(matches!(result, Err(Error::Unknown { .. })), "{command:?}: {result:?}");
    }
}

#[tokio::test]
async fn a_check_needs_the_running_connector_and_passes_its_words_on() {
    let bed = Bed::new().await;
    let check = || Command::ConnectorCheck { connector: people() };
    assert!(matches!(bed.operator(None).execute(check()).await, Err(Error::NotRunning)));
    let with = |answer| bed.operator(Some(Arc::new(Control { answer, woken: AtomicUsize::new(0) })));
    assert!(with(Ok(())).execute(check()).await.is_ok());
    let error = with(Err("no route to host".to_owned())).execute(check()).await.unwrap_err();
    assert_eq!(error.to_string(), "connector people: no route to host");
}

#[tokio::test]
async fn the_queue_is_listed_in_parts_shown_and_discarded() {
    let bed = Bed::new().await;
    let operator = bed.operator(None);
    for name in ["ann", "bob", "cem"] {
        bed.add_user(name).await;
    }
    let list = |limit| Command::QueueList { selection: QueueSelection::default(), limit };
    let part = operator.execute(list(2)).await.unwrap();
    assert_eq!((part["deliveries"].as_array().unwrap().len(), &part["more"]), (2, &json!(true)));
    let all = operator.execute(list(3)).await.unwrap();
    assert_eq!((all["deliveries"].as_array().unwrap().len(), &all["more"]), (3, &json!(false)));

    let entry: QueueEntry = serde_json::from_value(all["deliveries"][0].clone()).unwrap();
    assert_eq!((entry.class, entry.connector.clone()), (QueueClass::Pending, people()));
    let shown = operator.execute(Command::QueueShow { id: entry.id }).await.unwrap();
    assert_eq!(shown["delivery"], json!(entry));

    let one = QueueSelection { id: Some(entry.id), ..QueueSelection::default() };
    let discarded = operator.execute(Command::QueueDiscard { selection: one }).await.unwrap();
    assert_eq!(discarded, json!({ "discarded": 1 }));
    let rest = QueueSelection { connector: Some(people()), ..QueueSelection::default() };
    let retried = operator.execute(Command::QueueRetry { selection: rest }).await.unwrap();
    assert_eq!(retried, json!({ "retried": 2 }));
}

#[tokio::test]
async fn a_command_of_another_version_is_refused_in_words() {
    let bed = Bed::new().await;
    let operator = bed.operator(None);
    let refused = operator.execute_json(json!({ "command": "levitate" })).await.unwrap_err();
    assert!(refused.contains("another version"), "{refused}");
    assert_eq!(
        operator.execute_json(json!({ "command": "keys-list", "tenant": null })).await,
        Ok(json!({ "keys": [] }))
    );
}

#[tokio::test]
async fn status_tells_of_references_that_name_nobody() {
    let bed = Bed::new().await;
    let status = bed.operator(None).execute(Command::Status).await.unwrap();
    assert_eq!(
        status["pending_references"],
        json!([
            { "tenant": "acme", "attribute": "members", "count": 0, "oldest": null },
            { "tenant": "acme", "attribute": "manager", "count": 0, "oldest": null },
        ])
    );
}
