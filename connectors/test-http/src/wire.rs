//! HTTP requests over kept connections, each within a deadline and a bound, none of them sent twice.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use http::{Method, Request, StatusCode, header};
use http_body_util::{BodyExt, Full, Limited};
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use scim_connector::ConnectorError;
use tokio::net::TcpStream;

/// The longest answer that is read, in bytes.
const ANSWER_BYTES_MAX: usize = 64 * 1024;
/// Names the version in a request.
pub(crate) const VERSION: &str = "resource-version";

/// A client of one system.
pub(crate) struct Wire {
    authority: String,
    deadline: Duration,
    /// Connections that wait for a request: never more than calls at once.
    idle: Mutex<Vec<SendRequest<Full<Bytes>>>>,
}

/// A whole answer.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) retry_after: Option<Duration>,
    pub(crate) body: Bytes,
}

impl Wire {
    pub(crate) fn new(authority: String, deadline: Duration) -> Self {
        Self { authority, deadline, idle: Mutex::default() }
    }

    /// Sends one request and reads the answer. Whether a request without an answer was done is unknown.
    pub(crate) async fn send(
        &self,
        method: Method,
        path: &str,
        version: u64,
        body: String,
    ) -> Result<Answer, ConnectorError> {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::HOST, &self.authority)
            .header(VERSION, version)
            .body(Full::new(Bytes::from(body)))
            .map_err(|error| ConnectorError::rejected("the request cannot be made").caused_by(error))?;
        match tokio::time::timeout(self.deadline, self.exchange(request)).await {
            Ok(answer) => answer,
            Err(_) => Err(ConnectorError::transient("the system did not answer in time")),
        }
    }

    async fn exchange(&self, request: Request<Full<Bytes>>) -> Result<Answer, ConnectorError> {
        let broken = |error: hyper::Error| ConnectorError::transient("the connection broke").caused_by(error);
        let mut sender = self.connection().await?;
        let response = sender.send_request(request).await.map_err(broken)?;
        let status = response.status();
        let retry_after = response.headers().get(header::RETRY_AFTER).and_then(|value| value.to_str().ok());
        let retry_after = retry_after.and_then(|value| value.parse().ok()).map(Duration::from_secs);
        let body = Limited::new(response.into_body(), ANSWER_BYTES_MAX)
            .collect()
            .await
            .map_err(|error| ConnectorError::transient("the answer broke off").caused_by(error))?
            .to_bytes();
        if !sender.is_closed() {
            self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(sender);
        }
        Ok(Answer { status, retry_after, body })
    }

    /// A kept connection that is still good, or a new one.
    async fn connection(&self) -> Result<SendRequest<Full<Bytes>>, ConnectorError> {
        loop {
            let kept = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
            let Some(mut sender) = kept else { break };
            if sender.ready().await.is_ok() {
                return Ok(sender);
            }
        }
        let unreachable = |error| ConnectorError::transient("the system cannot be reached").caused_by(error);
        let stream = TcpStream::connect(&self.authority).await.map_err(unreachable)?;
        stream.set_nodelay(true).map_err(unreachable)?;
        let (sender, connection) = http1::handshake(TokioIo::new(stream))
            .await
            .map_err(|error| ConnectorError::transient("the connection broke").caused_by(error))?;
        // Ends with its sender.
        tokio::spawn(connection);
        Ok(sender)
    }
}
