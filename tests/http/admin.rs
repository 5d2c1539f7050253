//! The admin listener and the control socket.

use std::{net::SocketAddr, os::unix::fs::PermissionsExt, path::Path, sync::Arc};

use http::Request;
use scim_relay::{
    admin::{
        Control, Execute, Listener, Readiness,
        client::{self, Error},
        socket_path,
    },
    metrics::Metrics,
    store::Store,
    time::Clock,
};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use crate::{client::send, fake_store::FakeStore};

#[tokio::test]
async fn readiness_is_the_store_and_the_listener() {
    let store = Arc::new(FakeStore::default());
    let readiness = Arc::new(Readiness::default());
    let metrics = Arc::new(Metrics::new().unwrap());
    let address = SocketAddr::from(([127, 0, 0, 1], 0));
    let listener = Listener::bind(address, store.clone(), metrics, readiness.clone(), Clock::system()).await.unwrap();
    let address = listener.local_addr().unwrap();
    let stop = CancellationToken::new();
    let running = tokio::spawn(listener.run(stop.clone()));
    let get = async |path: &str| send(address, Request::get(path).body("").unwrap()).await;

    assert_eq!(get("/healthz").await.json(), json!({ "status": "ok" }));
    assert_eq!(get("/readyz").await.status, 503);
    readiness.set(true);
    let ready = get("/readyz").await;
    assert_eq!((ready.status.as_u16(), ready.json()["status"].as_str()), (200, Some("ready")));
    store.close().await;
    let closed = get("/readyz").await;
    assert_eq!((closed.status.as_u16(), closed.json()["store"].as_str()), (503, Some("the store is closed")));
    assert_eq!(get("/healthz").await.status, 200);

    let metrics = get("/metrics").await;
    assert_eq!(metrics.header("content-type"), Some("text/plain; version=0.0.4; charset=utf-8"));
    assert!(String::from_utf8_lossy(&metrics.body).contains("scim_relay_build_info"));
    assert_eq!(get("/acme/scim/v2/Users").await.status, 404);
    assert_eq!(send(address, Request::post("/metrics").body("").unwrap()).await.status, 405);
    stop.cancel();
    running.await.unwrap();
}

fn echo() -> Execute {
    Arc::new(|command: Value| {
        Box::pin(async move {
            match command["command"].as_str() {
                Some("status") => Ok(json!({ "got": command })),
                _ => Err("no such command".to_owned()),
            }
        })
    })
}

async fn with_control(dir: &Path, test: impl AsyncFnOnce(&Path)) {
    let control = Control::bind(dir, echo()).unwrap();
    let stop = CancellationToken::new();
    let running = tokio::spawn(control.run(stop.clone()));
    test(&socket_path(dir)).await;
    stop.cancel();
    running.await.unwrap();
}

#[tokio::test]
async fn commands_are_executed_and_refusals_come_back_in_words() {
    let dir = tempfile::tempdir().unwrap();
    with_control(dir.path(), async |socket| {
        let command = json!({ "command": "status", "text": "x".repeat(100_000) });
        assert_eq!(client::call(socket, &command).await.unwrap(), json!({ "got": command }));
        let refused = client::call(socket, &json!({ "command": "dance" })).await;
        assert!(matches!(refused, Err(Error::Refused(text)) if text == "no such command"));
        let large = client::call(socket, &json!("x".repeat(2 * 1024 * 1024))).await;
        assert!(matches!(large, Err(Error::Refused(_) | Error::Failed(_))), "{large:?}");
    })
    .await;
}

#[tokio::test]
async fn only_the_relays_user_can_open_the_socket() {
    let dir = tempfile::tempdir().unwrap();
    with_control(dir.path(), async |socket| {
        assert_eq!(std::fs::metadata(socket).unwrap().permissions().mode() & 0o777, 0o600);
        let others: Vec<_> = std::fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(others, ["control.sock"]);
    })
    .await;
}

#[tokio::test]
async fn a_dead_relays_socket_says_that_none_runs_and_is_replaced() {
    let dir = tempfile::tempdir().unwrap();
    let socket = socket_path(dir.path());
    let not_running = async || matches!(client::call(&socket, &json!({})).await, Err(Error::NotRunning));
    assert!(not_running().await, "no file");
    drop(std::os::unix::net::UnixListener::bind(&socket).unwrap());
    assert!(socket.exists() && not_running().await, "a file that nobody listens on");
    with_control(dir.path(), async |socket| {
        assert!(client::call(socket, &json!({ "command": "status" })).await.is_ok());
    })
    .await;
    assert!(!socket.exists() && not_running().await, "after the end");
}
