//! `GET /healthz`, `/readyz` and `/metrics`.

use std::{
    convert::Infallible,
    io,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use http::{HeaderValue, Method, Request, StatusCode, header};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use serde_json::json;
use tokio::{
    net::{TcpListener, TcpStream},
    time::timeout,
};
use tokio_util::sync::CancellationToken;

use super::{Reply, accept::accept_until, json, reply};
use crate::{
    metrics::Metrics,
    store::{self, ConnectorStatus, PendingReferences, Store},
    time::{Clock, Timestamp},
};

/// Enough for a few monitors; the rest waits.
const CONNECTIONS_MAX: usize = 64;
/// How long a head may take, and a connection may be idle.
const HEADER_READ_TIME: Duration = Duration::from_secs(10);
/// A connection's whole life: monitors come back.
const CONNECTION_TIME: Duration = Duration::from_secs(300);
/// How long the store may take to say that it is ready.
const READY_TIME: Duration = Duration::from_secs(5);

/// Whether the SCIM listener takes requests.
#[derive(Debug, Default)]
pub struct Readiness(AtomicBool);

impl Readiness {
    /// Says whether it does.
    pub fn set(&self, is_listening: bool) {
        self.0.store(is_listening, Ordering::Relaxed);
    }
}

/// The admin listener, bound and not yet accepting.
pub struct Listener {
    listener: TcpListener,
    state: Arc<State>,
}

struct State {
    store: Arc<dyn Store>,
    metrics: Arc<Metrics>,
    readiness: Arc<Readiness>,
    clock: Clock,
}

impl Listener {
    /// Binds the address.
    ///
    /// # Errors
    /// The address cannot be bound.
    pub async fn bind(
        address: SocketAddr,
        store: Arc<dyn Store>,
        metrics: Arc<Metrics>,
        readiness: Arc<Readiness>,
        clock: Clock,
    ) -> io::Result<Self> {
        let listener = TcpListener::bind(address).await;
        let listener = listener.map_err(|error| io::Error::new(error.kind(), format!("{address}: {error}")))?;
        Ok(Self { listener, state: Arc::new(State { store, metrics, readiness, clock }) })
    }

    /// The address that it listens on.
    ///
    /// # Errors
    /// The socket is broken.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Serves until stopped. Answers under way are cut off: there is nothing to lose.
    pub async fn run(self, stop: CancellationToken) {
        let serve = |stream| {
            let (state, stop) = (self.state.clone(), stop.clone());
            async move {
                tokio::select! {
                    () = stop.cancelled() => {}
                    _ = timeout(CONNECTION_TIME, state.serve(stream)) => {}
                }
            }
        };
        accept_until(&stop, CONNECTIONS_MAX, &self.listener, serve).await.wait().await;
    }
}

impl State {
    async fn serve(self: Arc<Self>, stream: TcpStream) {
        let service = service_fn(|request: Request<Incoming>| {
            let state = self.clone();
            async move { Ok::<_, Infallible>(state.answer(request.method(), request.uri().path()).await) }
        });
        let mut protocol = http1::Builder::new();
        protocol.timer(TokioTimer::new()).header_read_timeout(HEADER_READ_TIME);
        // A monitor that breaks off has no more to say.
        let _ = protocol.serve_connection(TokioIo::new(stream), service).await;
    }

    async fn answer(&self, method: &Method, path: &str) -> Reply {
        if !matches!(*method, Method::GET | Method::HEAD) {
            let mut reply = json(StatusCode::METHOD_NOT_ALLOWED, &json!({ "error": "only GET is allowed" }));
            reply.headers_mut().insert(header::ALLOW, HeaderValue::from_static("GET, HEAD"));
            return reply;
        }
        match path {
            "/healthz" => json(StatusCode::OK, &json!({ "status": "ok" })),
            "/readyz" => self.ready().await,
            "/metrics" => {
                self.show_backlogs().await;
                reply(StatusCode::OK, "text/plain; version=0.0.4; charset=utf-8", self.metrics.text())
            }
            _ => json(StatusCode::NOT_FOUND, &json!({ "error": "try /healthz, /readyz or /metrics" })),
        }
    }

    /// Reads every connector's backlog and every tenant's pending references into their metrics: what is owed and missing is
    /// the store's to know, and asking when someone looks is never late. Where the store cannot answer the numbers stay as
    /// they were.
    async fn show_backlogs(&self) {
        let read =
            async { Ok::<_, store::Error>((self.store.connectors().await?, self.store.pending_references().await?)) };
        match timeout(READY_TIME, read).await {
            Ok(Ok((connectors, references))) => {
                self.metrics.forget_backlogs();
                let now = self.clock.now();
                let age = |oldest: Option<Timestamp>| oldest.map_or(Duration::ZERO, |oldest| now.since(oldest));
                for status in connectors.into_iter().filter(|status| status.configured) {
                    let ConnectorStatus { pending, dead, waiting_members, .. } = status;
                    self.metrics.backlog(&status.name.0, pending, dead, age(status.oldest), waiting_members);
                    self.metrics.staged(&status.name.0, status.staged, status.staged_members);
                    self.metrics.leavers(&status.tenant.0, &status.name.0, status.leavers, age(status.oldest_leaver));
                }
                for PendingReferences { tenant, attribute, count, oldest } in references {
                    self.metrics.pending_references(&tenant.0, attribute.as_str(), count, age(oldest));
                }
            }
            Ok(Err(error)) => tracing::warn!(%error, "backlogs cannot be read"),
            Err(_) => tracing::warn!("backlogs cannot be read in time"),
        }
    }

    /// The store and the listener, never a connector: a relay whose downstream systems are away still takes requests.
    async fn ready(&self) -> Reply {
        let store = match timeout(READY_TIME, self.store.ready()).await {
            Ok(Ok(())) => "ready".to_owned(),
            Ok(Err(error)) => error.to_string(),
            Err(_) => "the store does not answer".to_owned(),
        };
        let is_listening = self.readiness.0.load(Ordering::Relaxed);
        let is_ready = is_listening && store == "ready";
        let status = if is_ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
        let body = json!({
            "status": if is_ready { "ready" } else { "not ready" },
            "store": store,
            "listener": if is_listening { "ready" } else { "not listening" },
        });
        json(status, &body)
    }
}
