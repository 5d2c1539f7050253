//! The HTTP client of the demonstration: one connection a request, as Okta does.

use std::net::SocketAddr;

use anyhow::Context;
use bytes::Bytes;
use http::header;
use http_body_util::{BodyExt, Full};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpStream;

use super::exchange::{Answer, Request};

/// A client of one tenant.
pub(super) struct Client {
    pub(super) address: SocketAddr,
    pub(super) base_path: String,
    pub(super) key: String,
}

impl Client {
    /// Sends a request and reads its answer.
    pub(super) async fn send(&self, request: &Request) -> anyhow::Result<Answer> {
        let body = request.body.as_ref().map(Value::to_string).unwrap_or_default();
        let mut head = http::Request::builder()
            .method(request.method.as_str())
            .uri(format!("{}{}", self.base_path, request.path))
            .header(header::HOST, self.address.to_string())
            .header(header::AUTHORIZATION, format!("Bearer {}", self.key));
        if request.body.is_some() {
            head = head.header(header::CONTENT_TYPE, "application/scim+json; charset=utf-8");
        }
        for (name, value) in &request.headers {
            head = head.header(name, value);
        }
        let stream = TcpStream::connect(self.address).await?;
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
        let exchange = async {
            let response = sender.send_request(head.body(Full::new(Bytes::from(body)))?).await?;
            let status = response.status().as_u16();
            let bytes = response.into_body().collect().await?.to_bytes();
            let body = match bytes.is_empty() {
                true => Value::Null,
                false => serde_json::from_slice(&bytes).context("an answer that is no JSON")?,
            };
            anyhow::Ok(Answer { status, body })
        };
        tokio::pin!(connection);
        tokio::select! {
            answer = exchange => answer,
            ended = &mut connection => {
                ended?;
                anyhow::bail!("the connection ended before the answer")
            }
        }
    }
}
