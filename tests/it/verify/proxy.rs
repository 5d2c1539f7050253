//! A server that is the relay in all but one behaviour.

use std::net::SocketAddr;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Request, Response, header};
use http_body_util::{BodyExt, Full};
use hyper::{body::Incoming, service::service_fn};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::{
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};

use super::faults::Fault;

/// A proxy before a relay. It ends when it is dropped.
pub(crate) struct Proxy {
    pub(crate) base: String,
    server: JoinHandle<()>,
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.server.abort();
    }
}

/// A request on its way to the relay.
#[derive(Clone)]
pub(crate) struct Asked {
    pub(crate) method: String,
    /// Path and query below the base URI, still encoded.
    pub(crate) path: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Asked {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    pub(crate) fn edit(&mut self, edit: impl FnOnce(&mut Value)) {
        let mut body = self.json();
        if !body.is_null() {
            edit(&mut body);
            self.body = body.to_string().into();
        }
    }

    /// The decoded value of a parameter of the query.
    pub(crate) fn parameter(&self, name: &str) -> Option<String> {
        let (_, query) = self.path.split_once('?')?;
        let (_, value) = query.split('&').filter_map(|pair| pair.split_once('=')).find(|(key, _)| *key == name)?;
        Some(percent_encoding::percent_decode_str(&value.replace('+', " ")).decode_utf8().unwrap().into_owned())
    }

    /// Takes a parameter out of the query.
    pub(crate) fn without(&mut self, name: &str) {
        let Some((path, query)) = self.path.split_once('?') else { return };
        let kept: Vec<_> = query.split('&').filter(|pair| pair.split('=').next() != Some(name)).collect();
        self.path = format!("{path}?{}", kept.join("&"));
    }

    pub(crate) fn is(&self, method: &str, endpoint: &str) -> bool {
        self.method == method && self.path.starts_with(endpoint)
    }
}

/// An answer on its way back.
#[derive(Clone, Default)]
pub(crate) struct Answered {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Answered {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    pub(crate) fn edit(&mut self, edit: impl FnOnce(&mut Value)) {
        let mut body = self.json();
        if !body.is_null() {
            edit(&mut body);
            self.body = body.to_string().into();
        }
    }

    /// Edits the resource, or each of a list.
    pub(crate) fn each(&mut self, mut edit: impl FnMut(&mut Value)) {
        if self.status >= 300 {
            return;
        }
        self.edit(|body| match body.get_mut("Resources").and_then(Value::as_array_mut) {
            Some(resources) => resources.iter_mut().for_each(edit),
            None => edit(body),
        });
    }

    /// A SCIM error.
    pub(crate) fn error(status: u16) -> Self {
        let body = serde_json::json!({
            "schemas": ["urn:ietf:params:scim:api:messages:2.0:Error"],
            "status": status.to_string(),
            "detail": "no",
        });
        let headers = HeaderMap::from_iter([(header::CONTENT_TYPE, HeaderValue::from_static("application/scim+json"))]);
        Self { status, headers, body: body.to_string().into() }
    }
}

impl Proxy {
    /// Starts a proxy to the relay at that base URI.
    pub(crate) async fn start(relay: &str, fault: &'static Fault) -> Self {
        let (address, path) = relay.strip_prefix("http://").unwrap().split_once('/').unwrap();
        let (address, prefix): (SocketAddr, String) = (address.parse().unwrap(), format!("/{path}"));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}{prefix}", listener.local_addr().unwrap());
        let server = tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let prefix = prefix.clone();
                tokio::spawn(async move {
                    let service = service_fn(|request| serve(request, address, &prefix, fault));
                    hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await
                });
            }
        });
        Self { base, server }
    }
}

async fn serve(
    request: Request<Incoming>,
    relay: SocketAddr,
    prefix: &str,
    fault: &Fault,
) -> Result<Response<Full<Bytes>>, hyper::Error> {
    let (head, body) = request.into_parts();
    let target = head.uri.path_and_query().unwrap().as_str();
    let mut asked = Asked {
        method: head.method.to_string(),
        path: target.strip_prefix(prefix).unwrap_or(target).to_owned(),
        headers: head.headers,
        body: body.collect().await?.to_bytes(),
    };
    let answered = match (fault.before)(&mut asked) {
        Some(answered) => answered,
        None => {
            let mut answered = forward(&asked, relay, prefix).await?;
            (fault.after)(&asked, &mut answered);
            answered
        }
    };
    let mut response = Response::new(Full::new(answered.body));
    *response.status_mut() = answered.status.try_into().unwrap();
    *response.headers_mut() = answered.headers;
    response.headers_mut().remove(header::CONTENT_LENGTH);
    Ok(response)
}

async fn forward(asked: &Asked, relay: SocketAddr, prefix: &str) -> Result<Answered, hyper::Error> {
    let mut request = Request::new(Full::new(asked.body.clone()));
    *request.method_mut() = asked.method.parse().unwrap();
    *request.uri_mut() = format!("{prefix}{}", asked.path).parse().unwrap();
    *request.headers_mut() = asked.headers.clone();
    request.headers_mut().remove(header::CONTENT_LENGTH);
    let stream = TcpStream::connect(relay).await.unwrap();
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    let connection = tokio::spawn(connection);
    let (head, body) = sender.send_request(request).await?.into_parts();
    let body = body.collect().await?.to_bytes();
    connection.abort();
    Ok(Answered { status: head.status.as_u16(), headers: head.headers, body })
}
