//! A whole relay in this process and a client that speaks HTTP to it over a real socket.

use std::{collections::BTreeMap, net::SocketAddr, path::Path};

use bytes::Bytes;
use http::{Request, header};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::SendRequest;
use hyper_util::rt::TokioIo;
use scim_relay::{
    admin::{self, client},
    app::App,
    config::{self, Environment},
    operator::Command,
    store::Store,
    time::Clock,
};
use serde_json::Value;
use tempfile::TempDir;
use tokio::{net::TcpStream, task::JoinHandle};

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
    /// All headers, by name in lower case.
    pub(crate) fn headers(&self) -> &BTreeMap<String, String> {
        &self.headers
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(String::as_str)
    }
}

impl Relay {
    /// Starts a relay. `extra` follows the tenant's first keys in the configuration: more keys, then tables.
    pub(crate) async fn start(extra: &str) -> Self {
        Self::start_at(Clock::system(), extra).await
    }

    /// The same by that clock.
    pub(crate) async fn start_at(clock: Clock, extra: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("relay.toml");
        let text = format!(
            r#"
            data-dir = "data"
            secret-key-file = "secret.key"
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
        std::fs::write(folder.path().join("secret.key"), "0123456789abcdef0123456789abcdef").unwrap();
        Self::launch(&file, Environment::from_iter([]), "acme", folder, clock).await
    }

    /// Starts a relay of an example's configuration with that tenant and JSON file connector, in a folder of its own.
    pub(crate) async fn example(file: &str, tenant: &str, connector: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let here = |name: &str| folder.path().join(name).display().to_string();
        let variables = [
            ("SCIM_RELAY__DATA_DIR".to_owned(), here("data")),
            ("SCIM_RELAY__SERVER__LISTEN".to_owned(), "[\"127.0.0.1:0\"]".to_owned()),
            ("SCIM_RELAY__ADMIN__LISTEN".to_owned(), "127.0.0.1:0".to_owned()),
            (format!("SCIM_RELAY__CONNECTORS__{connector}__SETTINGS__PATH"), here("people.json")),
        ];
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
        Self::launch(&file, Environment::from_iter(variables), tenant, folder, Clock::system()).await
    }

    async fn launch(file: &Path, environment: Environment, tenant: &str, folder: TempDir, clock: Clock) -> Self {
        let config = config::load(file, &environment).unwrap_or_else(|problems| panic!("{problems:#?}"));
        let app = App::start(config, clock).await.unwrap();
        let key = app.create_key(tenant, "test").await.unwrap();
        Self::of_app(app, key, folder)
    }

    /// A client of a relay that was started elsewhere.
    pub(crate) fn of_app(app: App, key: String, folder: TempDir) -> Self {
        Self { base: format!("http://{}/scim/v2", app.scim_address()), key, app: Some(app), folder }
    }

    /// A relay that speaks a client's dialect, and one that guesses who the client is. `extra` as in [`Self::start`].
    pub(crate) async fn both(dialect: &str, extra: &str) -> [Self; 2] {
        [
            Self::start(&format!("dialect = \"{dialect}\"\n{extra}")).await,
            Self::start(&format!("dialect = \"auto\"\n{extra}")).await,
        ]
    }

    /// A key of another tenant.
    pub(crate) async fn key_of(&self, tenant: &str) -> String {
        self.app.as_ref().unwrap().create_key(tenant, "another").await.unwrap()
    }

    /// Makes the downstream system fail, from before the first delivery on.
    pub(crate) fn break_downstream(&self) {
        std::fs::create_dir(self.folder.path().join("people.json")).unwrap();
    }

    /// Deliveries owed to the downstream system.
    pub(crate) async fn pending(&self) -> u64 {
        self.app.as_ref().unwrap().store().connectors().await.unwrap().iter().map(|status| status.pending).sum()
    }

    /// The folder with the configuration, the store (`data`) and the connector's file.
    pub(crate) fn folder(&self) -> &std::path::Path {
        self.folder.path()
    }

    /// The relay after a stop and a start.
    pub(crate) async fn restarted(mut self, clock: Clock) -> Self {
        self.app.take().unwrap().stop().await;
        let config = config::load(&self.folder.path().join("relay.toml"), &Environment::from_iter([])).unwrap();
        let app = App::start(config, clock).await.unwrap();
        Self::of_app(app, self.key, self.folder)
    }

    /// Stops the relay as SIGTERM does.
    pub(crate) async fn stop(mut self) {
        self.app.take().unwrap().stop().await;
    }

    /// The tenant's key.
    pub(crate) fn key(&self) -> &str {
        &self.key
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
        self.connect().await.request(method, path, authorization, headers, body).await
    }

    /// A connection that is kept from request to request.
    pub(crate) async fn connect(&self) -> Connection {
        Connection::to(self.app.as_ref().unwrap().scim_address()).await
    }

    pub(crate) fn store(&self) -> &dyn Store {
        &**self.app.as_ref().unwrap().store()
    }

    /// Has the relay execute an operator's command over its control socket.
    pub(crate) async fn operate(&self, command: Command) -> Result<Value, String> {
        let socket = admin::socket_path(&self.folder.path().join("data"));
        client::call(&socket, &serde_json::to_value(command).unwrap()).await.map_err(|error| error.to_string())
    }

    /// What Prometheus would read.
    pub(crate) async fn metrics(&self) -> String {
        let address = self.app.as_ref().unwrap().admin_address();
        let request = Request::get("/metrics").header(header::HOST, address.to_string());
        let request = request.body(Full::new(Bytes::new())).unwrap();
        let mut connection = Connection::to(address).await;
        let response = connection.sender.send_request(request).await.unwrap();
        let bytes = response.into_body().collect().await.unwrap().to_bytes();
        String::from_utf8(bytes.to_vec()).unwrap()
    }

    /// The quirks that were counted, by id.
    pub(crate) async fn quirks(&self) -> BTreeMap<String, u64> {
        let counted = self.metrics().await;
        let counted = counted.lines().filter_map(|line| {
            let labels = line.strip_prefix("scim_relay_quirks_applied_total{")?;
            let (_, id) = labels.split_once("id=\"")?;
            let (id, _) = id.split_once('"')?;
            Some((id.to_owned(), line.rsplit(' ').next()?.parse().ok()?))
        });
        counted.collect()
    }

    /// Waits until every delivery is done.
    pub(crate) async fn settled(&self) {
        let app = self.app.as_ref().unwrap();
        crate::harness::eventually(|| async {
            app.store().connectors().await.unwrap().iter().all(|status| status.pending == 0 && status.dead == 0)
        })
        .await;
    }

    /// Stops the relay as SIGTERM does, every delivery done, and gives what the JSON file holds.
    pub(crate) async fn delivered(&mut self) -> Value {
        self.settled().await;
        self.app.take().unwrap().stop().await;
        serde_json::from_slice(&std::fs::read(self.folder.path().join("people.json")).unwrap()).unwrap()
    }
}

/// A client's connection to a relay.
pub(crate) struct Connection {
    address: SocketAddr,
    sender: SendRequest<Full<Bytes>>,
    task: JoinHandle<hyper::Result<()>>,
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Connection {
    async fn to(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).await.unwrap();
        stream.set_nodelay(true).unwrap();
        let (sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.unwrap();
        Self { address, sender, task: tokio::spawn(connection) }
    }

    /// A request with that `Authorization`.
    pub(crate) async fn request(
        &mut self,
        method: &str,
        path: &str,
        authorization: Option<&str>,
        headers: &[(&str, &str)],
        body: Option<&[u8]>,
    ) -> Response {
        let mut request = Request::builder().method(method).uri(path).header(header::HOST, self.address.to_string());
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
        let response = self.sender.send_request(request).await.unwrap();
        let status = response.status().as_u16();
        let mut headers: BTreeMap<String, String> = BTreeMap::new();
        for (name, value) in response.headers() {
            let value = value.to_str().unwrap();
            let line = headers.entry(name.to_string()).and_modify(|line| line.push_str(", ")).or_default();
            line.push_str(value);
        }
        let bytes = response.into_body().collect().await.unwrap().to_bytes();
        let body = if bytes.is_empty() { Value::Null } else { serde_json::from_slice(&bytes).unwrap() };
        Response { status, body, headers }
    }
}
