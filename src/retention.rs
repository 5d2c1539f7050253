//! Removes what is too old to be kept, in the background: audit entries, and the shapes of unknown requests.

use std::{sync::Arc, time::Duration};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::{
    store::{self, Retention, Store},
    time::{Clock, Timestamp},
};

/// How often old rows are looked for.
const INTERVAL: Duration = Duration::from_secs(60 * 60);
/// Rows of a kind in one transaction: few, so that writes of clients come between.
const PART: usize = 500;
const SECONDS_PER_DAY: u64 = 86_400;

/// `[retention]`: for how long what only grows is kept.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Settings {
    /// How many days an audit entry is kept; 0 keeps all.
    pub audit_days: u32,
    /// How many days the shape of a request that was not understood is kept after it was last seen; 0 keeps all.
    pub unknown_days: u32,
}

impl Default for Settings {
    fn default() -> Self {
        Self { audit_days: 400, unknown_days: 90 }
    }
}

impl Settings {
    fn at(&self, now: Timestamp) -> Retention {
        let before = |days: u32| {
            let age = Duration::from_secs(u64::from(days) * SECONDS_PER_DAY);
            (days > 0).then(|| now.before(age))
        };
        Retention { audit_before: before(self.audit_days), unknown_before: before(self.unknown_days) }
    }
}

/// Removes what is too old, once an hour and whenever the settings become others, until stopped.
pub async fn run(
    store: Arc<dyn Store>,
    clock: Clock,
    mut settings: watch::Receiver<Settings>,
    stop: CancellationToken,
) {
    while !stop.is_cancelled() {
        let now = clock.now();
        let retention = settings.borrow_and_update().at(now);
        if let Err(error) = remove(&*store, &retention, &stop).await {
            tracing::warn!(error = &error as &dyn std::error::Error, "what is too old stays for now");
        }
        tokio::select! {
            () = stop.cancelled() => {}
            () = clock.sleep_until(now.after(INTERVAL)) => {}
            // Nobody changes them any more once the sender is gone.
            Ok(()) = settings.changed() => {}
        }
    }
}

async fn remove(store: &dyn Store, retention: &Retention, stop: &CancellationToken) -> Result<(), store::Error> {
    while !stop.is_cancelled() && store.retain(retention, PART).await? {}
    Ok(())
}
