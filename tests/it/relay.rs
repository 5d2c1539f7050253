//! A whole relay in this process and a client that speaks HTTP to it over a real socket.

use std::collections::BTreeMap;

use bytes::Bytes;
use http::{Request, header};
use http_body_util::{BodyExt, Full};
use hyper_util::rt::TokioIo;
use scim_relay::{
    app::App,
    config::{self, Environment},
    time::Clock,
};
use serde_json::Value;
use tempfile::TempDir;
use tokio::net::TcpStream;

/// A running relay with one tenant `acme`, its key, and a JSON file connector `people`.
pub(crate) struct Relay {
    /// The tenant's base URI.
    pub(crate) base: String,
    pub(crate) key: String,
    app: Option<App>,
    folder: TempDir,
}

/// An answer. `body` is null when there is none.
#[derive(Debug)]
pub(crate) struct Response {
    pub(crate) status: u16,
    pub(crate) body: Value,
    headers: BTreeMap<String, String>,
}

impl Response {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(String::as_str)
    }
}

impl Relay {
    /// Starts a relay. `extra` follows the tenant's first keys in the configuration: more keys, then tables.
    pub(crate) async fn start(extra: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("relay.toml");
        let text = format!(
            r#"
            data-dir = "data"
            [server]
            listen = ["127.0.0.1:0"]
            [admin]
            listen = "127.0.0.1:0"
            [tenants.acme]
            base-path = "/scim/v2"
            {extra}
            [connectors.people]
            kind = "json-file"
            tenant = "acme"
            on-delete = "delete"
            [connectors.people.settings]
            path = "people.json"
            linger-ms = 5
            "#
        );
        std::fs::write(&file, text).unwrap();
        let config =
            config::load(&file, &Environment::from_iter([])).unwrap_or_else(|problems| panic!("{problems:#?}"));
        let app = App::start(config, Clock::system()).await.unwrap();
        let key = app.create_key("acme", "test").await.unwrap();
        Self { base: format!("http://{}/scim/v2", app.scim_address()), key, app: Some(app), folder }
    }

    pub(crate) async fn get(&self, path: &str) -> Response {
        self.send("GET", path, &[], None).await
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Response {
        self.send("POST", path, &[], Some(body)).await
    }

    pub(crate) async fn put(&self, path: &str, body: &Value) -> Response {
        self.send("PUT", path, &[], Some(body)).await
    }

    pub(crate) async fn patch(&self, path: &str, body: &Value) -> Response {
        self.send("PATCH", path, &[], Some(body)).await
    }

    pub(crate) async fn delete(&self, path: &str) -> Response {
        self.send("DELETE", path, &[], None).await
    }

    /// A request below the base URI with the tenant's key.
    pub(crate) async fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<&Value>,
    ) -> Response {
        let body = body.map(|body| body.to_string().into_bytes());
        self.raw(method, path, headers, body.as_deref()).await
    }

    /// The same with any bytes as body.
    pub(crate) async fn raw(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<&[u8]>,
    ) -> Response {
        let key = format!("Bearer {}", self.key);
        self.request(method, &format!("/scim/v2{path}"), Some(&key), headers, body).await
    }

    /// A request without a credential.
    pub(crate) async fn anonymous(&self, method: &str, path: &str) -> Response {
        self.request(method, &format!("/scim/v2{path}"), None, &[], None).await
    }

    /// A request with the tenant's key to any path of the relay.
    pub(crate) async fn elsewhere(&self, method: &str, path: &str) -> Response {
        let key = format!("Bearer {}", self.key);
        self.request(method, path, Some(&key), &[], None).await
    }

    /// A request with that `Authorization`.
    pub(crate) async fn request(
        &self,
        method: &str,
        path: &str,
        authorization: Option<&str>,
        headers: &[(&str, &str)],
        body: Option<&[u8]>,
    ) -> Response {
        let address = self.app.as_ref().unwrap().scim_address();
        let mut request = Request::builder().method(method).uri(path).header(header::HOST, address.to_string());
        if let Some(authorization) = authorization {
            request = request.header(header::AUTHORIZATION, authorization);
        }
        if body.is_some() && !headers.iter().any(|(name, _)| *name == "content-type") {
            request = request.header(header::CONTENT_TYPE, "application/scim+json; charset=utf-8");
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Full::new(Bytes::copy_from_slice(body.unwrap_or_default()))).unwrap();
        let stream = TcpStream::connect(address).await.unwrap();
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.unwrap();
        let connection = tokio::spawn(connection);
        let response = sender.send_request(request).await.unwrap();
        let status = response.status().as_u16();
        let headers = response
            .headers()
            .iter()
            .map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()))
            .collect();
        let bytes = response.into_body().collect().await.unwrap().to_bytes();
        connection.abort();
        let body = if bytes.is_empty() { Value::Null } else { serde_json::from_slice(&bytes).unwrap() };
        Response { status, body, headers }
    }

    /// Stops the relay as SIGTERM does, every delivery done, and gives what the JSON file holds.
    pub(crate) async fn delivered(&mut self) -> Value {
        let app = self.app.as_ref().unwrap();
        crate::harness::eventually(|| async {
            app.store().connectors().await.unwrap().iter().all(|status| status.pending == 0 && status.dead == 0)
        })
        .await;
        self.app.take().unwrap().stop().await;
        serde_json::from_slice(&std::fs::read(self.folder.path().join("people.json")).unwrap()).unwrap()
    }
}
