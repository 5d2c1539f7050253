//! Another configuration for a relay that runs: read, checked and applied as a whole, or not at all.
//!
//! One task does it, so that no two configurations meet: when it is asked (`scim-relay reload`, SIGHUP), and when one of
//! the files that the configuration rests on has become another. A setting is live when it comes from [`Config`] by way of
//! `Reloader::apply`; those that are not are named in `config/live.rs`.

use std::{fmt, sync::Arc, time::Duration};

use async_trait::async_trait;
use scim_connector::SettingsProblem;
use tokio::sync::{mpsc, oneshot, watch};
use tokio_util::sync::CancellationToken;

use crate::{
    config::{self, Config, Problem},
    dispatch::{Dispatcher, Target},
    http::{Certificate, Certificates, Router, TlsError},
    metrics::Metrics,
    operator::{Reconfigure, with_causes},
    retention,
    store::{self, Conflict, ConnectorName, Store},
    time::Clock,
};

/// How often the files are looked at. They are read once they have not changed from one look to the next.
const WATCH_INTERVAL: Duration = Duration::from_secs(2);

/// Requests that wait; each of them reads everything, so that more would be the same.
const REQUESTS_MAX: usize = 4;

/// What is live of a relay.
pub(crate) struct Live {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) router: Arc<Router>,
    /// There with TLS.
    pub(crate) certificates: Option<Arc<Certificates>>,
    pub(crate) dispatcher: Arc<Dispatcher>,
    pub(crate) retention: watch::Sender<retention::Settings>,
}

/// Applies other configurations.
pub(crate) struct Reloader {
    running: Config,
    live: Live,
    clock: Clock,
    metrics: Arc<Metrics>,
    requests: mpsc::Receiver<Request>,
}

/// Asks for another configuration.
#[derive(Clone)]
pub(crate) struct Requests(mpsc::Sender<Request>);

/// A question to the task that reloads.
pub(crate) struct Request {
    reset: Option<ConnectorName>,
    answer: oneshot::Sender<Result<(), String>>,
}

/// Why a configuration was not applied; the one before stays.
#[derive(Debug)]
enum Refusal {
    Problems(Vec<Problem>),
    TakesRestart(Vec<&'static str>),
    Certificate(TlsError),
    Connector { name: ConnectorName, problems: Vec<SettingsProblem> },
    Conflicts(Vec<Conflict>),
    Store(store::Error),
    Broken,
}

/// A configuration with what it takes to apply it.
struct Prepared {
    config: Config,
    certificate: Option<Certificate>,
    targets: Vec<Target>,
}

/// A channel to the task that reloads.
pub(crate) fn requests() -> (Requests, mpsc::Receiver<Request>) {
    let (sender, receiver) = mpsc::channel(REQUESTS_MAX);
    (Requests(sender), receiver)
}

#[async_trait]
impl Reconfigure for Requests {
    async fn reconfigure(&self, reset: Option<ConnectorName>) -> Result<(), String> {
        let (answer, answered) = oneshot::channel();
        let stopped = || "the relay is stopping".to_owned();
        self.0.send(Request { reset, answer }).await.map_err(|_| stopped())?;
        answered.await.unwrap_or_else(|_| Err(stopped()))
    }
}

impl Reloader {
    pub(crate) fn new(
        running: Config,
        live: Live,
        clock: Clock,
        metrics: Arc<Metrics>,
        requests: mpsc::Receiver<Request>,
    ) -> Self {
        Self { running, live, clock, metrics, requests }
    }

    /// Reloads when asked, and when a file is another, until stopped.
    pub(crate) async fn run(mut self, stop: CancellationToken) {
        // What was read last, or refused, and what was seen since.
        let mut read = self.running.stamp.clone();
        let mut seen = read.clone();
        loop {
            let look_at = self.clock.now().after(WATCH_INTERVAL);
            let asked = tokio::select! {
                () = stop.cancelled() => return,
                request = self.requests.recv() => match request {
                    Some(request) => Some(request),
                    None => return,
                },
                () = self.clock.sleep_until(look_at) => None,
            };
            let stamp = self.stamp().await;
            let is_settled = stamp == seen;
            seen.clone_from(&stamp);
            match asked {
                Some(Request { reset, answer }) => {
                    read = stamp;
                    // Who asked may have left.
                    let _ = answer.send(self.reload(reset).await);
                }
                None if self.running.watch && is_settled && stamp != read => {
                    read = stamp;
                    tracing::info!("a file of the configuration has changed");
                    // It has been logged.
                    let _ = self.reload(None).await;
                }
                None => {}
            }
        }
    }

    /// [`config::stamp`] of now.
    async fn stamp(&self) -> String {
        let (file, environment) = (self.running.file.clone(), self.running.environment.clone());
        tokio::task::spawn_blocking(move || config::stamp(&file, &environment)).await.unwrap_or_default()
    }

    /// Reads and applies the configuration; the text says why not.
    async fn reload(&mut self, reset: Option<ConnectorName>) -> Result<(), String> {
        let result = self.apply(reset).await;
        self.metrics.reloaded(result.is_ok());
        match result {
            Ok(()) => {
                self.metrics.configured(self.clock.now().seconds());
                tracing::info!("the configuration was read again");
                Ok(())
            }
            Err(refusal) => {
                let text = refusal.to_string();
                tracing::error!("the configuration is not used, the one before stays: {text}");
                Err(text)
            }
        }
    }

    async fn apply(&mut self, reset: Option<ConnectorName>) -> Result<(), Refusal> {
        let (running, certificates) = (self.running.clone(), self.live.certificates.clone());
        let preparing = tokio::task::spawn_blocking(move || prepare(&running, certificates.as_deref()));
        let Prepared { config, certificate, targets } = preparing.await.unwrap_or(Err(Refusal::Broken))?;
        let tenants: Vec<_> = config.tenants.iter().map(|tenant| tenant.store.clone()).collect();
        let configured = match &reset {
            Some(connector) => self.live.store.reset_connector(connector, tenants).await,
            None => {
                let conflicts = self.live.store.conflicts(tenants.clone()).await.map_err(Refusal::Store)?;
                if !conflicts.is_empty() {
                    return Err(Refusal::Conflicts(conflicts));
                }
                self.live.store.configure(tenants).await
            }
        };
        configured.map_err(Refusal::Store)?;

        // From here on nothing can be refused.
        scim_connector::crash_point!("during-reload");
        let scim = config.tenants.iter().map(|tenant| tenant.scim.clone()).collect();
        self.live.router.replace_tenants(scim, config.server.public_url.as_deref());
        if let (Some(certificates), Some(certificate)) = (&self.live.certificates, certificate) {
            certificates.replace(certificate);
        }
        self.live.retention.send_replace(config.retention.clone());
        self.live.dispatcher.replace(&config.delivery, targets);
        self.running = config;
        Ok(())
    }
}

/// Reads the configuration and whatever else could refuse it.
fn prepare(running: &Config, certificates: Option<&Certificates>) -> Result<Prepared, Refusal> {
    let config = config::load(&running.file, &running.environment).map_err(Refusal::Problems)?;
    let stuck = running.takes_restart(&config);
    if !stuck.is_empty() {
        return Err(Refusal::TakesRestart(stuck));
    }
    let certificate = match (certificates, &config.server.tls) {
        (Some(certificates), Some(files)) => Some(certificates.read(files).map_err(Refusal::Certificate)?),
        _ => None,
    };
    let targets = targets(&config)?;
    Ok(Prepared { config, certificate, targets })
}

/// The connectors, built.
fn targets(config: &Config) -> Result<Vec<Target>, Refusal> {
    let refused = |name: &ConnectorName| {
        let name = name.clone();
        move |problems| Refusal::Connector { name, problems }
    };
    config.connectors.iter().map(|connector| connector.target(config).map_err(refused(&connector.name))).collect()
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Problems(problems) => {
                let problems: Vec<String> = problems.iter().map(ToString::to_string).collect();
                f.write_str(&problems.join("\n"))
            }
            Self::TakesRestart(keys) => {
                write!(f, "{} cannot change while the relay runs; restart it, or put that back", keys.join(", "))
            }
            Self::Certificate(error) => write!(f, "server.tls: {}", with_causes(error)),
            Self::Connector { name, problems } => {
                let problems: Vec<String> = problems
                    .iter()
                    .map(|problem| {
                        let SettingsProblem { key, message, remedy } = problem;
                        format!("connectors.{}.settings.{key}: {message}\n       {remedy}", name.0)
                    })
                    .collect();
                f.write_str(&problems.join("\n"))
            }
            Self::Conflicts(conflicts) => {
                let conflicts: Vec<String> = conflicts
                    .iter()
                    .map(|conflict| {
                        let Conflict { connector, key, message, remedy } = conflict;
                        format!("connectors.{}.{key}: {message}\n       {remedy}", connector.0)
                    })
                    .collect();
                f.write_str(&conflicts.join("\n"))
            }
            Self::Store(error) => f.write_str(&with_causes(error)),
            Self::Broken => f.write_str("a promise of the program was broken; its log says which"),
        }
    }
}
