//! The writer when a job fails in the middle of a transaction.

use std::sync::{Arc, mpsc};

use scim_connector::ResourceId;
use tokio::{sync::oneshot, task::JoinHandle};

use super::{Options, SqliteStore, catalog::Catalog, row::number, statement::Statements as _};
use crate::{
    metrics::Metrics,
    scim::schema::ResourceTypes,
    store::{Brake, Error, OnRehire, Store as _, Tenant, TenantName, UniqueId, WriteError},
    time::{Clock, Timestamp},
};

const ID: ResourceId = ResourceId::from_bytes([1; 16]);

fn open(directory: &tempfile::TempDir, queue_max: usize) -> Arc<SqliteStore> {
    SqliteStore::open(Options {
        data_dir: directory.path().to_owned(),
        clock: Clock::manual(Timestamp(0)),
        metrics: Arc::new(Metrics::new().unwrap()),
        sealing_key: None,
        read_connections: 1,
        queue_max,
        sorted_max: 1_000,
        on_runtime: false,
    })
    .unwrap()
}

fn insert(sql: &rusqlite::Connection) -> Result<(), Error> {
    sql.run(
        "INSERT INTO resources (no, id, version, created, modified, body, members) VALUES (1, ?, 1, 0, 0, '{}', 0)",
        [ID.as_bytes()],
    )?;
    Ok(())
}

/// Keeps the writer busy until told.
async fn hold(store: &Arc<SqliteStore>) -> (mpsc::SyncSender<()>, JoinHandle<Result<(), Error>>) {
    let (release, held) = mpsc::sync_channel(1);
    let (started, running) = oneshot::channel();
    let store = store.clone();
    let holding = tokio::spawn(async move {
        store
            .change(move |_| {
                started.send(()).unwrap();
                held.recv().unwrap();
                Ok(())
            })
            .await
    });
    running.await.unwrap();
    (release, holding)
}

#[tokio::test]
async fn g03_a_failed_transaction_is_acknowledged_to_nobody_and_leaves_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(&directory, 8);
    for panics in [false, true] {
        // A job holds the writer until the others wait, so that they share one transaction.
        let (release, holding) = hold(&store).await;
        let refuse =
            || store.write(|_| -> Result<(), WriteError> { Err(crate::scim::Error::bad_request("no").into()) });
        let written = store.change(|transaction| insert(transaction.sql));
        let failed = store.change(move |_| -> Result<(), Error> {
            assert!(!panics, "a job that panics");
            Err(Error::Full { step: "writing" })
        });
        let go = async { release.send(()).unwrap() };
        let (before, written, after, failed, never_run, ()) =
            tokio::join!(biased; refuse(), written, refuse(), failed, refuse(), go);
        holding.await.unwrap().unwrap();
        assert!(written.is_err() && failed.is_err());
        assert!(matches!(before, Err(WriteError::Refused(_))), "a refusal by what is on disk stands");
        for rests_on_what_is_gone in [after, never_run] {
            assert!(matches!(rests_on_what_is_gone, Err(WriteError::Store(_))), "{rests_on_what_is_gone:?}");
        }
        assert_eq!(number(&store.reader().unwrap(), ID).unwrap(), None);
        store.ready().await.unwrap();
    }
}

#[tokio::test]
async fn a_full_queue_is_busy() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(&directory, 1);
    let (release, holding) = hold(&store).await;
    let waiter = store.clone();
    let waiting = tokio::spawn(async move { waiter.change(|_| Ok(())).await });
    tokio::task::yield_now().await;
    assert!(matches!(store.change(|_| Ok(())).await, Err(Error::Busy)));
    store.ready().await.unwrap();
    release.send(()).unwrap();
    holding.await.unwrap().unwrap();
    waiting.await.unwrap().unwrap();
}

#[tokio::test]
async fn g15_jobs_after_a_configuration_see_it_and_those_before_do_not() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(&directory, 8);
    let sees = |store: &Arc<SqliteStore>, expected: bool| {
        let (store, name) = (store.clone(), TenantName("acme".into()));
        tokio::spawn(async move {
            store.change(move |transaction| Ok(transaction.catalog.tenant(&name).is_some() == expected)).await
        })
    };
    let configure = |store: &Arc<SqliteStore>, fails: bool| {
        let store = store.clone();
        tokio::spawn(async move {
            store
                .change(move |transaction| {
                    transaction.state.reconfigured = Some(Arc::new(Catalog::configure(transaction.sql, &[acme()])?));
                    if fails { Err(Error::Full { step: "a test" }) } else { Ok(()) }
                })
                .await
        })
    };
    for fails in [true, false] {
        let (release, holding) = hold(&store).await;
        // In one transaction. Each is queued when its task is polled.
        let before = sees(&store, false);
        tokio::task::yield_now().await;
        let configured = configure(&store, fails);
        tokio::task::yield_now().await;
        let after = sees(&store, true);
        tokio::task::yield_now().await;
        release.send(()).unwrap();
        holding.await.unwrap().unwrap();
        let results = [before.await.unwrap(), after.await.unwrap()];
        assert_eq!(configured.await.unwrap().is_err(), fails);
        if fails {
            assert!(results.iter().all(Result::is_err), "the transaction failed as a whole");
            assert!(sees(&store, false).await.unwrap().unwrap(), "the configuration went with it");
        } else {
            assert!(results.into_iter().all(Result::unwrap));
            assert!(sees(&store, true).await.unwrap().unwrap());
        }
    }
}

fn acme() -> Tenant {
    Tenant {
        name: TenantName("acme".into()),
        types: ResourceTypes::core(),
        indexed_attributes: Vec::new(),
        unique_id: UniqueId::UserName,
        group_names_unique: true,
        on_rehire: OnRehire::Conflict,
        may_update: true,
        may_deactivate: true,
        passwords: false,
        brake: Brake::default(),
        connectors: Vec::new(),
    }
}
