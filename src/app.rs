//! Builds a relay from its configuration, runs it, and stops it without losing anything.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use anyhow::{Context, anyhow};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    admin,
    config::Config,
    credentials::Credentials,
    dispatch::{Dispatcher, Target},
    http::{Router, Server},
    metrics::Metrics,
    operator::Operator,
    provider::Provider,
    store::{Store, TenantName, sqlite},
    time::Clock,
};

/// A running relay.
pub struct App {
    store: Arc<dyn Store>,
    credentials: Arc<Credentials>,
    scim_address: SocketAddr,
    admin_address: SocketAddr,
    stop: CancellationToken,
    tasks: TaskTracker,
}
