//! Sockets: listening, accepting, and an orderly end.

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use futures_util::{FutureExt, future::join_all};
use hyper::rt::Executor;
use hyper_util::{rt::TokioTimer, server::conn::auto::Builder};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{sleep, timeout},
};
use tokio_rustls::TlsAcceptor;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{
    connection,
    router::Router,
    settings::{Limits, Settings, seconds},
    tls::Certificates,
};
use crate::metrics::Metrics;

/// How long to wait after a failure to accept, which is a lack of something (file descriptors) that takes time to end.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// How often a silent HTTP/2 client is asked whether it is still there, and how long it has to answer.
const PING: Duration = Duration::from_secs(20);

/// The SCIM listener, bound and not yet accepting.
pub struct Server {
    listeners: Vec<TcpListener>,
    certificates: Option<Arc<Certificates>>,
    acceptor: Option<TlsAcceptor>,
    router: Arc<Router>,
    limits: Limits,
}

/// What all connections share.
pub(super) struct Shared {
    pub(super) router: Arc<Router>,
    pub(super) acceptor: Option<TlsAcceptor>,
    pub(super) protocol: Builder<Tasks>,
    pub(super) limits: Limits,
    /// From then on connections end with their next answer.
    pub(super) stop: CancellationToken,
    slots: Arc<Semaphore>,
    tasks: Tasks,
}

/// Runs what must have ended before the server has: connections, and the requests of HTTP/2 ones.
#[derive(Clone)]
pub(super) struct Tasks {
    tracker: TaskTracker,
    /// From then on nothing is waited for.
    abort: CancellationToken,
}

/// A place among the connections, counted while it is held.
pub(super) struct Slot {
    metrics: Arc<Metrics>,
    _permit: OwnedSemaphorePermit,
}

impl Server {
    /// Binds the addresses and reads the certificate.
    ///
    /// # Errors
    /// An address that cannot be bound, named; TLS that cannot be set up ([`super::TlsError`] inside).
    pub async fn bind(settings: &Settings, router: Arc<Router>) -> io::Result<Self> {
        let certificates = settings.tls.as_ref().map(Certificates::load).transpose()?.map(Arc::new);
        let acceptor = certificates.as_ref().map(Certificates::acceptor).transpose()?;
        let mut listeners = Vec::new();
        for address in &settings.listen {
            let listener = TcpListener::bind(address).await;
            listeners.push(listener.map_err(|error| io::Error::new(error.kind(), format!("{address}: {error}")))?);
        }
        Ok(Self { listeners, certificates, acceptor, router, limits: settings.limits.clone() })
    }

    /// The addresses that it listens on, in the order of the settings.
    pub fn local_addrs(&self) -> Vec<SocketAddr> {
        self.listeners.iter().filter_map(|listener| listener.local_addr().ok()).collect()
    }

    /// The certificate, to replace it; `None` for plain HTTP.
    pub fn certificates(&self) -> Option<Arc<Certificates>> {
        self.certificates.clone()
    }

    /// Serves until stopped, then until every request that was accepted is answered or `drain-seconds` are over.
    pub async fn run(self, stop: CancellationToken) {
        let tasks = Tasks { tracker: TaskTracker::new(), abort: CancellationToken::new() };
        let shared = Arc::new(Shared {
            protocol: protocol(&self.limits, tasks.clone()),
            router: self.router,
            acceptor: self.acceptor,
            slots: Arc::new(Semaphore::new(self.limits.connections_max)),
            stop,
            tasks: tasks.clone(),
            limits: self.limits,
        });
        join_all(self.listeners.into_iter().map(|listener| accept(&shared, listener))).await;
        tasks.tracker.close();
        if timeout(seconds(shared.limits.drain_seconds), tasks.tracker.wait()).await.is_err() {
            tracing::warn!(tasks = tasks.tracker.len(), "requests were cut off: drain-seconds are over");
            tasks.abort.cancel();
            tasks.tracker.wait().await;
        }
    }
}

/// Accepts until stopped; then whatever had already connected, which may have sent its request.
async fn accept(shared: &Arc<Shared>, listener: TcpListener) {
    loop {
        let next = async {
            // Waits for a place first: connections beyond the limit stay in the kernel's queue.
            let permit = shared.slots.clone().acquire_owned().await.map_err(io::Error::other)?;
            let (stream, _) = listener.accept().await?;
            Ok::<_, io::Error>((stream, permit))
        };
        let accepted = tokio::select! {
            () = shared.stop.cancelled() => break,
            accepted = next => accepted,
        };
        match accepted {
            Ok((stream, permit)) => shared.spawn(stream, permit),
            // The client's doing: it left before it was accepted.
            Err(error) if is_of_one_client(&error) => {}
            Err(error) => {
                tracing::warn!(%error, "cannot accept connections");
                tokio::select! {
                    () = shared.stop.cancelled() => break,
                    () = sleep(ACCEPT_PAUSE) => {}
                }
            }
        }
    }
    while let (Some(Ok((stream, _))), Ok(permit)) =
        (listener.accept().now_or_never(), shared.slots.clone().try_acquire_owned())
    {
        shared.spawn(stream, permit);
    }
}

impl Shared {
    fn spawn(self: &Arc<Self>, stream: TcpStream, permit: OwnedSemaphorePermit) {
        let slot = Slot::new(self.router.metrics(), permit);
        self.tasks.execute(connection::serve(self.clone(), stream, slot));
    }
}

impl Slot {
    fn new(metrics: &Arc<Metrics>, permit: OwnedSemaphorePermit) -> Self {
        metrics.connections(1);
        Self { metrics: metrics.clone(), _permit: permit }
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.metrics.connections(-1);
    }
}

impl<F> Executor<F> for Tasks
where
    F: Future<Output = ()> + Send + 'static,
{
    fn execute(&self, task: F) {
        let abort = self.abort.clone();
        self.tracker.spawn(async move {
            tokio::select! {
                () = abort.cancelled() => {}
                () = task => {}
            }
        });
    }
}

/// HTTP/1.1 and HTTP/2 within the limits.
fn protocol(limits: &Limits, tasks: Tasks) -> Builder<Tasks> {
    let header_bytes_max = usize::try_from(limits.header_bytes_max).unwrap_or(usize::MAX);
    let mut builder = Builder::new(tasks);
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(seconds(limits.header_read_seconds))
        .max_headers(limits.headers_max)
        .max_buf_size(header_bytes_max);
    builder
        .http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(PING)
        .keep_alive_timeout(PING)
        .max_concurrent_streams(limits.streams_max)
        .max_header_list_size(limits.header_bytes_max);
    builder
}

fn is_of_one_client(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}
