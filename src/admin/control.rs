//! The control socket: `POST /command` with a command as JSON.

use std::{
    convert::Infallible,
    io,
    os::unix::fs::{DirBuilderExt, PermissionsExt},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use futures_util::future::BoxFuture;
use http::{Method, Request, StatusCode};
use http_body_util::{BodyExt, Limited};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use serde_json::{Value, json};
use tokio::{
    net::{UnixListener, UnixStream},
    time::timeout,
};
use tokio_util::sync::CancellationToken;

use super::{Reply, accept::accept_until, json, socket_path};

/// The largest command.
const COMMAND_BYTES_MAX: usize = 1024 * 1024;
const CONNECTIONS_MAX: usize = 16;
const READ_TIME: Duration = Duration::from_secs(10);
/// How long commands under way may take when the relay stops.
const DRAIN_TIME: Duration = Duration::from_secs(5);

/// Executes a command; the error is for the operator to read.
pub type Execute = Arc<dyn Fn(Value) -> BoxFuture<'static, Result<Value, String>> + Send + Sync>;

/// The control socket, bound and not yet accepting. Its file goes when this is dropped.
pub struct Control {
    listener: UnixListener,
    file: SocketFile,
    execute: Execute,
}

struct SocketFile(PathBuf);

impl Drop for SocketFile {
    fn drop(&mut self) {
        // A file that stays is replaced by the next relay.
        let _ = std::fs::remove_file(&self.0);
    }
}

impl Control {
    /// Binds the socket of that data directory, readable and writable by the relay's user alone. The caller holds the
    /// store's lock: whatever socket file is there is a dead relay's, and is replaced.
    ///
    /// # Errors
    /// The data directory cannot be written, or the path is too long for a socket.
    pub fn bind(data_dir: &Path, execute: Execute) -> io::Result<Self> {
        let path = socket_path(data_dir);
        // Bound where nobody else can look, then moved: at no moment is the socket open to others, whatever the umask.
        let private = data_dir.join(".control");
        remove(std::fs::remove_dir_all(&private))?;
        std::fs::DirBuilder::new().mode(0o700).create(&private)?;
        let hidden = private.join("s");
        let listener = UnixListener::bind(&hidden)?;
        std::fs::set_permissions(&hidden, std::fs::Permissions::from_mode(0o600))?;
        std::fs::rename(&hidden, &path)?;
        std::fs::remove_dir(&private)?;
        Ok(Self { listener, file: SocketFile(path), execute })
    }

    /// Executes commands until stopped.
    pub async fn run(self, stop: CancellationToken) {
        let Self { listener, file: _file, execute } = self;
        let tasks = accept_until(&stop, CONNECTIONS_MAX, &listener, |stream| serve(stream, execute.clone())).await;
        // What does not end by then ends with the process.
        let _ = timeout(DRAIN_TIME, tasks.wait()).await;
    }
}

async fn serve(stream: UnixStream, execute: Execute) {
    let service = service_fn(|request: Request<Incoming>| {
        let execute = execute.clone();
        async move { Ok::<_, Infallible>(answer(request, &execute).await) }
    });
    let mut protocol = http1::Builder::new();
    protocol.timer(TokioTimer::new()).header_read_timeout(READ_TIME).keep_alive(false);
    if let Err(error) = protocol.serve_connection(TokioIo::new(stream), service).await {
        tracing::debug!(%error, "control connection failed");
    }
}

async fn answer(request: Request<Incoming>, execute: &Execute) -> Reply {
    let refuse = |status, text: &str| json(status, &json!({ "error": text }));
    if request.uri().path() != "/command" {
        return refuse(StatusCode::NOT_FOUND, "commands go to /command");
    }
    if request.method() != Method::POST {
        return refuse(StatusCode::METHOD_NOT_ALLOWED, "commands are POSTed");
    }
    let body = timeout(READ_TIME, Limited::new(request.into_body(), COMMAND_BYTES_MAX).collect()).await;
    let Ok(Ok(body)) = body else {
        return refuse(StatusCode::BAD_REQUEST, "the command is too large or broke off");
    };
    let Ok(command) = serde_json::from_slice(&body.to_bytes()) else {
        return refuse(StatusCode::BAD_REQUEST, "the command is not JSON");
    };
    match execute(command).await {
        Ok(result) => json(StatusCode::OK, &result),
        Err(error) => refuse(StatusCode::UNPROCESSABLE_ENTITY, &error),
    }
}

fn remove(result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}
