//! An HTTP client of a SCIM endpoint: one connection a request, as identity providers do, with a deadline and a bound on
//! what it reads. Redirects are answers like others: a credential is never taken to another place.

mod base;
mod tls;

use std::{io, sync::Arc, time::Duration};

use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, header};
use http_body_util::{BodyExt, Full, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use rustls_pki_types::ServerName;
use scim_connector::Secret;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    time::timeout,
};
use tokio_rustls::TlsConnector;

pub use self::{
    base::{Base, BaseError},
    tls::{TlsError, trust},
};

/// The largest answer that is read, in bytes.
const ANSWER_BYTES_MAX: usize = 16 * 1024 * 1024;

const USER_AGENT: &str = concat!("scim-relay/", env!("CARGO_PKG_VERSION"));
const SCIM_JSON: &str = "application/scim+json; charset=utf-8";

/// What a client shows of itself in `Authorization`.
#[derive(Clone, Debug)]
pub enum Credential {
    /// Nothing.
    None,
    /// A bearer token (RFC 6750).
    Bearer(Secret),
    /// A name and a password (RFC 7617).
    Basic {
        /// The name.
        user: String,
        /// The password.
        password: Secret,
    },
}

/// A client of one endpoint.
#[derive(Clone, Debug)]
pub struct Client {
    base: Base,
    credential: Credential,
    tls: Arc<ClientConfig>,
    timeout: Duration,
}

/// A request below the base URI.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Request {
    /// The HTTP method.
    pub method: String,
    /// Path and query, encoded.
    pub path: String,
    /// Headers beside, or in place of, those that every request has.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Option<Vec<u8>>,
}

/// What came back.
#[derive(Clone, Debug)]
pub struct Response {
    /// The HTTP status.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The body; empty where there was none.
    pub body: Bytes,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The endpoint cannot be reached.
    #[error("cannot connect to {address}")]
    Connect {
        /// Host and port.
        address: String,
        /// Why not.
        source: io::Error,
    },
    /// There was none in time.
    #[error("no answer within {} s", .0.as_secs())]
    TimedOut(Duration),
    /// The request cannot be written in HTTP.
    #[error("the request is no HTTP")]
    Request(#[from] http::Error),
    /// The credential cannot be written in a header.
    #[error("the credential has characters that no header takes")]
    Credential,
    /// The answer is not HTTP, or ended too soon.
    #[error("the answer cannot be read")]
    Http(#[from] hyper::Error),
    /// The answer is too long, or ended too soon.
    #[error("the answer's body cannot be read")]
    Body(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl Client {
    /// A client of the endpoint at that base URI. `timeout` is for a whole request with its answer.
    pub fn new(base: Base, credential: Credential, tls: Arc<ClientConfig>, timeout: Duration) -> Self {
        Self { base, credential, tls, timeout }
    }

    /// The endpoint.
    pub fn base(&self) -> &Base {
        &self.base
    }

    /// Whether it shows a credential.
    pub fn has_credential(&self) -> bool {
        !matches!(self.credential, Credential::None)
    }

    /// Sends a request and reads its answer.
    ///
    /// # Errors
    /// See [`Error`]; whether the request was executed is then unknown.
    pub async fn send(&self, request: Request) -> Result<Response, Error> {
        let exchange = async {
            let address = self.base.address();
            let failed = |source| Error::Connect { address: address.clone(), source };
            let stream = TcpStream::connect(&address).await.map_err(failed)?;
            if !self.base.is_https() {
                return self.exchange(stream, request).await;
            }
            let name = ServerName::try_from(self.base.host().to_owned());
            let name = name.map_err(|error| failed(io::Error::other(error)))?;
            let stream = TlsConnector::from(self.tls.clone()).connect(name, stream).await.map_err(failed)?;
            self.exchange(stream, request).await
        };
        timeout(self.timeout, exchange).await.unwrap_or(Err(Error::TimedOut(self.timeout)))
    }

    async fn exchange(
        &self,
        stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
        request: Request,
    ) -> Result<Response, Error> {
        let mut head = http::Request::builder().method(request.method.as_str()).uri(self.base.target(&request.path));
        if let Some(headers) = head.headers_mut() {
            self.usual_headers(headers, request.body.is_some())?;
        }
        let mut message = head.body(Full::new(Bytes::from(request.body.unwrap_or_default())))?;
        for (name, value) in &request.headers {
            let name = header::HeaderName::try_from(name).map_err(http::Error::from)?;
            message.headers_mut().insert(name, HeaderValue::try_from(value).map_err(http::Error::from)?);
        }
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
        let answer = async move {
            let response = sender.send_request(message).await?;
            let (head, body) = response.into_parts();
            let body = Limited::new(body, ANSWER_BYTES_MAX).collect().await.map_err(Error::Body)?.to_bytes();
            Ok(Response { status: head.status.as_u16(), headers: head.headers, body })
        };
        // The connection may end first, however it ends: what came before is still to be read, and says what was wrong.
        let connection = async move { _ = connection.await };
        tokio::pin!(answer);
        tokio::select! {
            answer = &mut answer => answer,
            () = connection => answer.await,
        }
    }

    fn usual_headers(&self, headers: &mut HeaderMap, has_body: bool) -> Result<(), Error> {
        let host = HeaderValue::try_from(self.base.authority()).map_err(http::Error::from)?;
        headers.insert(header::HOST, host);
        headers.insert(header::USER_AGENT, HeaderValue::from_static(USER_AGENT));
        headers.insert(header::ACCEPT, HeaderValue::from_static("application/scim+json"));
        headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
        if has_body {
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(SCIM_JSON));
        }
        let authorization = match &self.credential {
            Credential::None => return Ok(()),
            Credential::Bearer(token) => [b"Bearer ", token.expose()].concat(),
            Credential::Basic { user, password } => {
                let pair = [user.as_bytes(), b":", password.expose()].concat();
                format!("Basic {}", STANDARD.encode(pair)).into_bytes()
            }
        };
        let mut authorization = HeaderValue::from_bytes(&authorization).map_err(|_| Error::Credential)?;
        authorization.set_sensitive(true);
        headers.insert(header::AUTHORIZATION, authorization);
        Ok(())
    }
}
