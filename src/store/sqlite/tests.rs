//! The writer when a job fails in the middle of a transaction.

use std::sync::{Arc, mpsc};

use scim_connector::ResourceId;
use tokio::{sync::oneshot, task::JoinHandle};

use super::{Options, SqliteStore, row::number, statement::Statements as _};
use crate::{
    metrics::Metrics,
    store::{Error, Store as _, WriteError},
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
