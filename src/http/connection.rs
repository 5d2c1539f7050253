//! One connection, from accept to its end.
//!
//! hyper's own timers cover neither a client that says nothing after the TLS handshake, nor half an HTTP/2 preface, nor
//! one that does not read its answers. So each connection is watched from outside: whatever the protocol, it must bring
//! a request in time and may not idle for long.

use std::{
    convert::Infallible,
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use http::{HeaderValue, Version, header};
use hyper::{Request, body::Incoming, service::service_fn};
use hyper_util::rt::TokioIo;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    time::{Instant, sleep_until, timeout},
};

use super::{
    router::Connection,
    server::{Shared, Slot},
    settings::seconds,
};

/// How long an idle connection is kept after the stop: a request that is on its way when the relay stops is still
/// answered, with `Connection: close`.
const LAST_CALL: Duration = Duration::from_millis(250);

/// Serves a connection until either side ends it.
pub(super) async fn serve(shared: Arc<Shared>, stream: TcpStream, _slot: Slot) {
    // Answers are small and whole; waiting to fill a segment only delays them. A socket that refuses is at its end.
    if stream.set_nodelay(true).is_err() {
        return;
    }
    match &shared.acceptor {
        None => watch(&shared, stream, Connection { is_tls: false }).await,
        Some(acceptor) => match timeout(seconds(shared.limits.handshake_seconds), acceptor.accept(stream)).await {
            Ok(Ok(stream)) => watch(&shared, stream, Connection { is_tls: true }).await,
            Ok(Err(error)) => tracing::debug!(%error, "TLS handshake failed"),
            Err(_) => tracing::debug!("TLS handshake took too long (handshake-seconds)"),
        },
    }
}

async fn watch<I>(shared: &Arc<Shared>, stream: I, connection: Connection)
where
    I: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let activity = Arc::new(Activity::default());
    let service = service_fn({
        let (shared, activity) = (shared.clone(), activity.clone());
        move |request: Request<Incoming>| {
            let shared = shared.clone();
            let busy = Busy::new(activity.clone());
            async move {
                let _busy = busy;
                let version = request.version();
                let mut reply = shared.router.answer(request, connection).await;
                // HTTP/2 says it with GOAWAY instead.
                if shared.stop.is_cancelled() && version < Version::HTTP_2 {
                    reply.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
                }
                Ok::<_, Infallible>(reply)
            }
        }
    });
    let mut protocol = pin!(shared.protocol.serve_connection(TokioIo::new(stream), service));

    let idle = seconds(shared.limits.idle_seconds);
    let mut look_again = Instant::now() + seconds(shared.limits.header_read_seconds);
    let mut begun_before = 0;
    let mut is_stopping = false;
    let mut is_ending = false;
    loop {
        tokio::select! {
            ended = protocol.as_mut() => {
                if let Err(error) = ended {
                    tracing::debug!(%error, "connection failed");
                }
                return;
            }
            () = shared.stop.cancelled(), if !is_stopping => {
                is_stopping = true;
                look_again = Instant::now() + LAST_CALL;
            }
            () = sleep_until(look_again) => {
                look_again = Instant::now() + idle;
                if is_stopping && !is_ending {
                    is_ending = true;
                    protocol.as_mut().graceful_shutdown();
                    continue;
                }
                let begun = activity.begun.load(Ordering::Relaxed);
                if activity.in_flight.load(Ordering::Relaxed) > 0 || begun != begun_before {
                    begun_before = begun;
                } else if begun == 0 || is_ending {
                    // No request in time, or an end that the client does not let happen.
                    return;
                } else {
                    is_ending = true;
                    protocol.as_mut().graceful_shutdown();
                }
            }
        }
    }
}

/// What a connection has done.
#[derive(Default)]
struct Activity {
    begun: AtomicU64,
    in_flight: AtomicUsize,
}

/// Held by a request for as long as it is being answered.
struct Busy(Arc<Activity>);

impl Busy {
    fn new(activity: Arc<Activity>) -> Self {
        activity.begun.fetch_add(1, Ordering::Relaxed);
        activity.in_flight.fetch_add(1, Ordering::Relaxed);
        Self(activity)
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.in_flight.fetch_sub(1, Ordering::Relaxed);
    }
}
