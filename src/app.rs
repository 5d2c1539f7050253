//! Builds a relay from its configuration, runs it, and stops it without losing anything.

use std::{net::SocketAddr, sync::Arc};

use anyhow::{Context, anyhow};
use scim_connector::SettingsProblem;
use serde_json::Value;
use tokio::{
    signal::unix::{SignalKind, signal},
    sync::watch,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    admin::{Control, Execute, Listener, Readiness},
    config::{self, Config},
    credentials::Credentials,
    dispatch::{Dispatcher, Target},
    http::{Router, Server},
    metrics::Metrics,
    operator::{Lent, Operator, Reconfigure as _},
    provider::Provider,
    reload::{self, Live, Reloader, Requests},
    retention,
    store::{
        Store, TenantName,
        sqlite::{Options, SqliteStore, not_durable},
    },
    time::Clock,
};

/// A running relay.
pub struct App {
    store: Arc<dyn Store>,
    credentials: Arc<Credentials>,
    scim_address: SocketAddr,
    admin_address: SocketAddr,
    readiness: Arc<Readiness>,
    reload: Arc<Requests>,
    doors: Tasks,
    delivery: Tasks,
}

/// Tasks that stop together.
#[derive(Default)]
struct Tasks {
    tracker: TaskTracker,
    stop: CancellationToken,
}

impl Tasks {
    async fn end(&self) {
        self.stop.cancel();
        self.tracker.close();
        self.tracker.wait().await;
    }
}

impl App {
    /// Opens the store, binds the listeners and starts to deliver. Serves once it returns.
    ///
    /// # Errors
    /// What cannot be opened, bound or built, with its name.
    pub async fn start(config: Config, clock: Clock) -> anyhow::Result<Self> {
        // The only provider in the tree; naming it once keeps libraries from guessing. A second start finds it set.
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let metrics = Arc::new(Metrics::new()?);
        metrics.started(clock.now().seconds());
        metrics.configured(clock.now().seconds());

        let flaw = not_durable(&config.data_dir);
        metrics.store_durable(flaw.is_none());
        if let Some(flaw) = flaw {
            tracing::warn!(data_dir = %config.data_dir.display(), "data-dir may not last: it is on {flaw}");
        }
        let store: Arc<dyn Store> = SqliteStore::open(Options {
            sealing_key: config.secret_key.clone(),
            ..Options::new(config.data_dir.clone(), clock.clone(), metrics.clone())
        })?;
        store.configure(config.tenants.iter().map(|tenant| tenant.store.clone()).collect()).await?;
        let credentials = Arc::new(Credentials::load(store.clone(), clock.clone(), metrics.clone()).await?);

        let dispatcher = Arc::new(Dispatcher::new(
            store.clone(),
            clock.clone(),
            metrics.clone(),
            config.delivery.clone(),
            config.connectors.iter().map(|connector| target(&config, connector)).collect::<Result<_, _>>()?,
        ));
        let (reload, requests) = reload::requests();
        let reload = Arc::new(reload);
        let control = Lent { connectors: dispatcher.clone(), configuration: reload.clone() };
        let operator = Arc::new(Operator::new(store.clone(), credentials.clone(), Some(control), clock.clone()));
        let provider =
            Arc::new(Provider::new(store.clone(), metrics.clone(), clock.clone(), config.server.limits.bulk()));
        let router = Arc::new(Router::new(
            &config.server,
            provider.clone(),
            credentials.clone(),
            config.tenants.iter().map(|tenant| tenant.scim.clone()).collect(),
            metrics.clone(),
        ));

        let server = Server::bind(&config.server, router.clone()).await.context("the SCIM listener")?;
        let (retention, retained) = watch::channel(config.retention.clone());
        let live = Live {
            store: store.clone(),
            router,
            certificates: server.certificates(),
            dispatcher: dispatcher.clone(),
            retention,
        };
        let readiness = Arc::new(Readiness::default());
        let admin =
            Listener::bind(config.admin.listen, store.clone(), metrics.clone(), readiness.clone(), clock.clone())
                .await
                .context("the admin listener")?;
        let control = Control::bind(&config.data_dir, execute(operator)).context("the control socket")?;
        let app = Self {
            store,
            credentials: credentials.clone(),
            scim_address: *server.local_addrs().first().ok_or_else(|| anyhow!("the SCIM listener has no address"))?,
            admin_address: admin.local_addr()?,
            readiness,
            reload,
            doors: Tasks::default(),
            delivery: Tasks::default(),
        };

        app.doors.tracker.spawn({
            let stop = app.doors.stop.clone();
            async move { server.run(stop).await }
        });
        app.readiness.set(true);
        let stop = || app.delivery.stop.clone();
        app.delivery.tracker.spawn({
            let stop = stop();
            async move { dispatcher.run(stop).await }
        });
        app.delivery.tracker.spawn(admin.run(stop()));
        app.delivery.tracker.spawn(control.run(stop()));
        app.delivery.tracker.spawn({
            let stop = stop();
            async move { credentials.run(stop).await }
        });
        app.delivery.tracker.spawn({
            let stop = stop();
            async move { provider.keep_unknown_shapes(stop).await }
        });
        app.delivery.tracker.spawn(retention::run(app.store.clone(), clock.clone(), retained, stop()));
        // Before all else ends: what it starts ends with them.
        app.doors.tracker.spawn(Reloader::new(config, live, clock, metrics, requests).run(app.doors.stop.clone()));
        Ok(app)
    }

    /// Where it serves SCIM.
    pub fn scim_address(&self) -> SocketAddr {
        self.scim_address
    }

    /// Where it serves metrics and health.
    pub fn admin_address(&self) -> SocketAddr {
        self.admin_address
    }

    /// Its store.
    pub fn store(&self) -> &Arc<dyn Store> {
        &self.store
    }

    /// Makes a bearer key.
    ///
    /// # Errors
    /// The store could not keep it.
    pub async fn create_key(&self, tenant: &str, name: &str) -> anyhow::Result<String> {
        let (key, _) = self.credentials.create(TenantName(tenant.into()), name.to_owned(), None).await?;
        Ok(String::from_utf8(key.expose().to_vec())?)
    }

    /// Reads the configuration again, and applies it as a whole or not at all.
    ///
    /// # Errors
    /// Why it was not applied, for the operator to read; it has been logged.
    pub async fn reload(&self) -> Result<(), String> {
        self.reload.reconfigure(None).await
    }

    /// Answers what was accepted, finishes the deliveries under way, and closes the store.
    pub async fn stop(self) {
        self.readiness.set(false);
        self.doors.end().await;
        self.delivery.end().await;
        self.store.close().await;
    }
}

/// Runs a relay until SIGTERM or SIGINT; SIGHUP has it read its configuration again.
///
/// # Errors
/// It could not start.
pub async fn run(config: Config) -> anyhow::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut hangup = signal(SignalKind::hangup())?;
    let app = App::start(config, Clock::system()).await?;
    tracing::info!(scim = %app.scim_address(), admin = %app.admin_address(), "ready");
    let reload = async {
        while hangup.recv().await.is_some() {
            // What came of it has been logged.
            let _ = app.reload().await;
        }
    };
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
        () = reload => {}
    }
    tracing::info!("stopping: requests and deliveries under way are finished");
    app.stop().await;
    Ok(())
}

fn target(config: &Config, connector: &config::Connector) -> anyhow::Result<Target> {
    connector.target(config).map_err(|problems| anyhow!("connector {}: {}", connector.name.0, list(&problems)))
}

fn list(problems: &[SettingsProblem]) -> String {
    let problems: Vec<_> = problems.iter().map(|problem| format!("{}: {}", problem.key, problem.message)).collect();
    problems.join("; ")
}

/// The operator behind the control socket.
fn execute(operator: Arc<Operator>) -> Execute {
    Arc::new(move |command: Value| {
        let operator = operator.clone();
        Box::pin(async move { operator.execute_json(command).await })
    })
}
