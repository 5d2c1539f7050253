//! The other end of the control socket, for subcommands.

use std::{io, path::Path, time::Duration};

use http::{Request, StatusCode, header};
use http_body_util::{BodyExt, Full, Limited};
use hyper::{body::Bytes, client::conn::http1};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::{net::UnixStream, time::timeout};

/// The largest answer.
const ANSWER_BYTES_MAX: usize = 64 * 1024 * 1024;
/// How long a command may take: some ask downstream systems, some read the whole store.
const ANSWER_TIME: Duration = Duration::from_secs(60 * 60);

/// Why there is no result.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No relay runs on this data directory: there is no socket, or nobody listens.
    #[error("no relay is running")]
    NotRunning,
    /// The relay refused, in its own words.
    #[error("{0}")]
    Refused(String),
    /// A relay may run, but could not be asked; whether it executed the command is unknown.
    #[error("the relay cannot be asked over its control socket")]
    Failed(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl Error {
    fn failed(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Failed(error.into())
    }
}

/// Has the running relay execute a command.
///
/// # Errors
/// See [`Error`].
pub async fn call(socket: &Path, command: &Value) -> Result<Value, Error> {
    let stream = UnixStream::connect(socket).await.map_err(|error| match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused => Error::NotRunning,
        _ => Error::failed(error),
    })?;
    match timeout(ANSWER_TIME, exchange(stream, command)).await {
        Ok(result) => result,
        Err(elapsed) => Err(Error::failed(elapsed)),
    }
}

async fn exchange(stream: UnixStream, command: &Value) -> Result<Value, Error> {
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(Error::failed)?;
    let request = Request::post("/command")
        .header(header::HOST, "localhost")
        .header(header::CONTENT_TYPE, "application/json")
        .body(Full::new(Bytes::from(command.to_string())))
        .map_err(Error::failed)?;
    let answer = async {
        let reply = sender.send_request(request).await.map_err(Error::failed)?;
        let status = reply.status();
        let body = Limited::new(reply.into_body(), ANSWER_BYTES_MAX).collect().await.map_err(Error::Failed)?;
        let body: Value = serde_json::from_slice(&body.to_bytes()).map_err(Error::failed)?;
        match (status, body["error"].as_str()) {
            (StatusCode::OK, _) => Ok(body),
            (_, Some(error)) => Err(Error::Refused(error.to_owned())),
            (_, None) => Err(Error::failed(format!("the control socket answered {status}"))),
        }
    };
    // The connection moves only while it is polled; the answer comes first or it breaks.
    tokio::pin!(answer);
    tokio::select! {
        result = &mut answer => result,
        ended = connection => match ended {
            Ok(()) => answer.await,
            Err(error) => Err(Error::failed(error)),
        },
    }
}
