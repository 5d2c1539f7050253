//! How a command reaches a relay: over its control socket, or, where none runs, by the same code on the store itself.

use std::{error::Error, sync::Arc};

use serde_json::{Value, json};

use crate::{
    admin::{self, client},
    config::Config,
    credentials::Credentials,
    metrics::Metrics,
    operator::{self, Command, Operator, with_causes},
    store::{
        self, Store,
        sqlite::{self, SqliteStore},
    },
    time::Clock,
};

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    /// The relay, or the operator's code here, said no.
    #[error("{0}")]
    Refused(String),
    /// Nobody could be asked.
    #[error("{0}")]
    Unreachable(String),
}

impl Failure {
    fn refused(error: impl Error) -> Self {
        Self::Refused(with_causes(&error))
    }
}

impl From<store::Error> for Failure {
    fn from(error: store::Error) -> Self {
        match error {
            store::Error::Locked { .. } => Self::Unreachable(with_causes(&error)),
            error => Self::refused(error),
        }
    }
}

/// Executes a command where the state is.
pub(super) async fn execute(config: &Config, command: &Command) -> Result<Value, Failure> {
    tenant_is_known(config, command)?;
    let socket = admin::socket_path(&config.data_dir);
    match client::call(&socket, &json!(command)).await {
        Ok(answer) => Ok(answer),
        Err(client::Error::NotRunning) => execute_here(config, command.clone()).await,
        Err(client::Error::Refused(words)) => Err(Failure::Refused(words)),
        Err(error @ client::Error::Failed(_)) => Err(Failure::Unreachable(with_causes(&error))),
    }
}

/// Opens the store, which keeps a relay from starting meanwhile.
async fn execute_here(config: &Config, command: Command) -> Result<Value, Failure> {
    let (clock, metrics) = (Clock::system(), Arc::new(Metrics::new().map_err(Failure::refused)?));
    let store: Arc<dyn Store> = SqliteStore::open(sqlite::Options {
        data_dir: config.data_dir.clone(),
        clock: clock.clone(),
        metrics: metrics.clone(),
        sealing_key: config.secret_key.clone(),
        read_connections: 1,
        queue_max: 16,
        sorted_max: 1_000,
        on_runtime: false,
    })?;
    let answer = operate(config, store.clone(), clock, metrics, command).await;
    store.close().await;
    answer
}

async fn operate(
    config: &Config,
    store: Arc<dyn Store>,
    clock: Clock,
    metrics: Arc<Metrics>,
    command: Command,
) -> Result<Value, Failure> {
    let tenants = config.tenants.iter().map(|tenant| tenant.store.clone()).collect();
    if let Command::ConnectorReset { connector } = &command {
        // Any other command would find the connector at two systems.
        if !store.connectors().await?.iter().any(|status| status.name == *connector) {
            return Err(Failure::refused(operator::Error::Unknown {
                kind: "connector",
                name: connector.0.to_string(),
            }));
        }
        store.reset_connector(connector, tenants).await?;
        return Ok(json!({ "reset": connector }));
    }
    store.configure(tenants).await?;
    let credentials = Arc::new(Credentials::load(store.clone(), clock.clone(), metrics).await?);
    let operator = Operator::new(store, credentials, None, clock);
    operator.execute(command).await.map_err(|error| match error {
        operator::Error::Store(error) => error.into(),
        // Only a relay that runs has what this takes.
        error @ operator::Error::NotRunning => Failure::Unreachable(with_causes(&error)),
        error => Failure::refused(error),
    })
}

/// A misspelt tenant would get a key that opens nothing. Keys of a tenant that is gone can be listed and revoked.
fn tenant_is_known(config: &Config, command: &Command) -> Result<(), Failure> {
    let Command::KeysCreate { tenant, .. } = command else { return Ok(()) };
    let known: Vec<_> = config.tenants.iter().map(|tenant| &*tenant.store.name.0).collect();
    if known.contains(&&*tenant.0) {
        return Ok(());
    }
    Err(Failure::Refused(format!("there is no tenant {}; the configuration has: {}", tenant.0, known.join(", "))))
}
