//! Accepting connections, at most so many at once, until stopped.

use std::{io, sync::Arc, time::Duration};

use tokio::{
    net::{TcpListener, TcpStream, UnixListener, UnixStream},
    sync::Semaphore,
    time::sleep,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// How long to wait after a failure to accept, which is a lack of something (file descriptors) that takes time to end.
const PAUSE: Duration = Duration::from_millis(100);

/// A socket that listens.
pub(super) trait Accept {
    type Stream;

    fn accept(&self) -> impl Future<Output = io::Result<Self::Stream>> + Send;
}

impl Accept for TcpListener {
    type Stream = TcpStream;

    async fn accept(&self) -> io::Result<TcpStream> {
        Ok(Self::accept(self).await?.0)
    }
}

impl Accept for UnixListener {
    type Stream = UnixStream;

    async fn accept(&self) -> io::Result<UnixStream> {
        Ok(Self::accept(self).await?.0)
    }
}

/// Serves each connection in a task, until stopped. Returns the tasks that still run.
pub(super) async fn accept_until<L: Accept, F>(
    stop: &CancellationToken,
    connections_max: usize,
    listener: &L,
    serve: impl Fn(L::Stream) -> F,
) -> TaskTracker
where
    F: Future<Output = ()> + Send + 'static,
{
    let tasks = TaskTracker::new();
    let slots = Arc::new(Semaphore::new(connections_max));
    loop {
        let next = async {
            let permit = slots.clone().acquire_owned().await.map_err(io::Error::other)?;
            Ok::<_, io::Error>((listener.accept().await?, permit))
        };
        let accepted = tokio::select! {
            () = stop.cancelled() => break,
            accepted = next => accepted,
        };
        match accepted {
            Ok((stream, permit)) => {
                let serving = serve(stream);
                tasks.spawn(async move {
                    serving.await;
                    drop(permit);
                });
            }
            Err(error) => {
                tracing::warn!(%error, "cannot accept connections of operators");
                sleep(PAUSE).await;
            }
        }
    }
    tasks.close();
    tasks
}
