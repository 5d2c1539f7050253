//! What is removed for its age while the relay works.

use std::time::Duration;

use scim_relay::{
    retention::{self, Settings},
    store::{NotUnderstood, Store as _},
    time::Clock,
};
use serde_json::json;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::{
    sqlite_store::open,
    store_bench::{Bench, START, user},
};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// Waits until so many audit entries are left: the task runs beside.
async fn audited(bench: &Bench, expected: u64) {
    while bench.store.verify_audit().await.unwrap().entries != expected {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn t11_what_is_too_old_goes_in_the_background_and_the_chain_still_proves_itself() {
    let directory = tempfile::tempdir().unwrap();
    let clock = Clock::manual(START);
    let store = open(directory.path(), clock.clone()).unwrap();
    let bench = Bench::new(store.clone(), clock.clone()).await;
    // More than one transaction removes.
    let old = 700;
    for number in 0..old {
        bench.create("User", user(&format!("old-{number}"))).await;
    }
    store.keep_unknown(vec![shape()]).await.unwrap();
    clock.advance(DAY);
    bench.create("User", user("new")).await;

    let stop = CancellationToken::new();
    let settings = Settings { audit_days: 2, unknown_days: 3 };
    let task = tokio::spawn(retention::run(store.clone(), clock.clone(), watch::channel(settings).1, stop.clone()));
    audited(&bench, old + 1).await;
    clock.advance(DAY + Duration::from_secs(60 * 60));
    audited(&bench, 1).await;
    assert_eq!(store.unknown_shapes(None, 10).await.unwrap().len(), 1, "that is kept for longer");
    clock.advance(3 * DAY);
    while !store.unknown_shapes(None, 10).await.unwrap().is_empty() {
        tokio::task::yield_now().await;
    }
    audited(&bench, 0).await;
    assert_eq!(store.verify_audit().await.unwrap().removed, old + 1);
    assert_eq!(store.check().await.unwrap(), []);
    stop.cancel();
    task.await.unwrap();
}

#[tokio::test]
async fn nothing_is_removed_where_all_is_to_be_kept() {
    let directory = tempfile::tempdir().unwrap();
    let clock = Clock::manual(START);
    let store = open(directory.path(), clock.clone()).unwrap();
    let bench = Bench::new(store.clone(), clock.clone()).await;
    bench.create("User", user("old")).await;
    clock.advance(10_000 * DAY);
    let stop = CancellationToken::new();
    let settings = Settings { audit_days: 0, unknown_days: 0 };
    let task = tokio::spawn(retention::run(store.clone(), clock.clone(), watch::channel(settings).1, stop.clone()));
    clock.advance(DAY);
    bench.create("User", user("new")).await;
    audited(&bench, 2).await;
    stop.cancel();
    task.await.unwrap();
}

fn shape() -> NotUnderstood {
    let text = |text: &str| text.to_owned();
    NotUnderstood {
        tenant: crate::harness::tenant(),
        operation: text("patch"),
        resource_type: text("User"),
        dialect: text("auto"),
        error: text("invalidPath"),
        detail: text("no such attribute"),
        shape: json!({}),
        request_id: text("r"),
        credential: text("k"),
    }
}
