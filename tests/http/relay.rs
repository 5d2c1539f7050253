//! A SCIM listener with two tenants, `acme` at `/acme/scim/v2` and `umbra` at `/umbra/scim/v2`, and a key for each.

use std::{net::SocketAddr, sync::Arc};

use scim_relay::{
    credentials::Credentials,
    dialect::Dialect,
    http::{Certificates, Router, Server, Settings},
    metrics::Metrics,
    provider::{Provider, Switches, Tenant},
    scim::schema::ResourceTypes,
    store::{Store, TenantName, UniqueId},
    time::{Clock, Timestamp},
};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::fake_store::FakeStore;

pub(crate) struct Relay {
    pub(crate) address: SocketAddr,
    pub(crate) key: String,
    pub(crate) other_key: String,
    pub(crate) credentials: Arc<Credentials>,
    pub(crate) router: Arc<Router>,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) certificates: Option<Arc<Certificates>>,
    pub(crate) stop: CancellationToken,
    pub(crate) server: JoinHandle<()>,
}

pub(crate) fn tenant(name: &str, switches: Switches) -> Arc<Tenant> {
    Arc::new(Tenant {
        name: TenantName(name.into()),
        base_path: format!("/{name}/scim/v2"),
        dialect: Dialect::named("auto").unwrap(),
        unique_id: UniqueId::default(),
        switches,
        types: ResourceTypes::core(),
    })
}

impl Relay {
    pub(crate) async fn start() -> Self {
        Self::start_with(|_| {}).await
    }

    pub(crate) async fn start_with(change: impl FnOnce(&mut Settings)) -> Self {
        let mut settings = Settings { listen: vec![SocketAddr::from(([127, 0, 0, 1], 0))], ..Settings::default() };
        change(&mut settings);
        let store: Arc<dyn Store> = Arc::new(FakeStore::default());
        let metrics = Arc::new(Metrics::new().unwrap());
        let clock = Clock::manual(Timestamp(1_800_000_000_000));
        let credentials = Credentials::load(store.clone(), clock.clone(), metrics.clone()).await.unwrap();
        let key_for = async |tenant: &str| {
            let (key, _) = credentials.create(TenantName(tenant.into()), "key".to_owned(), None).await.unwrap();
            String::from_utf8(key.expose().to_vec()).unwrap()
        };
        let (key, other_key) = (key_for("acme").await, key_for("umbra").await);
        let credentials = Arc::new(credentials);
        let provider = Arc::new(Provider::new(store, metrics.clone(), clock.clone(), settings.limits.bulk()));
        let tenants = vec![tenant("acme", Switches::default()), tenant("umbra", Switches::default())];
        let router = Arc::new(Router::new(&settings, provider, credentials.clone(), tenants, metrics.clone()));
        let server = Server::bind(&settings, router.clone()).await.unwrap();
        let address = server.local_addrs()[0];
        let certificates = server.certificates();
        let stop = CancellationToken::new();
        let server = tokio::spawn(server.run(stop.clone()));
        Self { address, key, other_key, credentials, router, metrics, certificates, stop, server }
    }

    /// Stops the relay and waits until it has ended.
    pub(crate) async fn end(self) {
        self.stop.cancel();
        self.server.await.unwrap();
    }
}
