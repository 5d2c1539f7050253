//! Other configurations: made known inside the writer while others write, each commit under the one before or this one.

use std::sync::Arc;

use rusqlite::Connection;

use super::{
    SqliteStore,
    audit::Entry,
    catalog::{self, Catalog},
    evolve, forget,
    writer::Transaction,
};
use crate::store::{Conflict, ConnectorName, Error, Tenant};

/// How often another configuration is tried while writes go on that it has to reckon with.
const EVOLVE_ATTEMPTS_MAX: usize = 5;

impl SqliteStore {
    /// Makes a configuration known; `reset` forgets what it has confirmed.
    pub(super) async fn reconfigure(&self, tenants: Vec<Tenant>, reset: Option<&ConnectorName>) -> Result<(), Error> {
        let wanted = Arc::new(tenants);
        refuse(&catalog::conflicts(&*self.reader()?, &wanted, reset)?)?;
        for _ in 0..EVOLVE_ATTEMPTS_MAX {
            let before = self.change(|transaction| Ok(transaction.state.chain)).await?;
            let rests_on_stored = self.evolve(Vec::clone(&wanted)).await?;
            let (wanted, reset) = (wanted.clone(), reset.cloned());
            let configured = self.change(move |transaction| {
                // What was written meanwhile was neither checked nor indexed.
                if rests_on_stored && transaction.state.chain != before {
                    return Ok(None);
                }
                // A refusal is no failure here: others share the transaction.
                let conflicts = catalog::conflicts(transaction.sql, &wanted, reset.as_ref())?;
                if conflicts.is_empty() {
                    if let Some(connector) = &reset {
                        forget::reset(transaction, connector)?;
                    }
                    let catalog = Catalog::configure(transaction.sql, &wanted)?;
                    audit(transaction, &catalog)?;
                    transaction.state.reconfigured = Some(Arc::new(catalog));
                    transaction.state.deliverable = true;
                }
                Ok(Some(conflicts))
            });
            if let Some(conflicts) = configured.await? {
                refuse(&conflicts)?;
                self.tidy("an index that is not used is not dropped", evolve::drop_part).await;
                self.tidy("a connector is not forgotten", forget::delete_part).await;
                return Ok(());
            }
        }
        Err(Error::Busy)
    }

    /// Deletes what is used no more, part by part. What remains of it does no harm, and goes the next time.
    pub(super) async fn tidy(&self, failure: &'static str, delete_part: fn(&Connection) -> Result<bool, Error>) {
        loop {
            match self.change(move |transaction| delete_part(transaction.sql)).await {
                Ok(true) => {}
                Ok(false) => return,
                Err(error) => {
                    tracing::warn!(error = &error as &dyn std::error::Error, "{failure}");
                    return;
                }
            }
        }
    }

    /// Forgets a connector that is configured no more; whether there was one.
    pub(super) async fn discard(&self, connector: &ConnectorName) -> Result<bool, Error> {
        let name = connector.clone();
        let discarded = self.change(move |transaction| {
            let is_discarded = forget::discard(transaction, &name)?;
            if is_discarded {
                transaction.state.reconfigured = Some(Arc::new(transaction.catalog.without(&name)));
            }
            Ok(is_discarded)
        });
        let is_discarded = discarded.await?;
        self.tidy("a connector is not forgotten", forget::delete_part).await;
        Ok(is_discarded)
    }
}

/// Notes that another configuration took the place of this one, and what became of the connectors. A start is noted by
/// nobody: there is none that it replaces.
fn audit(transaction: &mut Transaction<'_>, after: &Catalog) -> Result<(), Error> {
    let before = transaction.catalog;
    if before.tenants().is_empty() {
        return Ok(());
    }
    let (sql, at) = (transaction.sql, transaction.now);
    let chain = &mut transaction.state.chain;
    chain.append(sql, &Entry::Store { at, action: "configured" })?;
    let mut noted: Vec<(&str, &str)> = Vec::new();
    for connector in after.connectors() {
        match before.connector(&connector.config.name) {
            None => noted.push((&connector.config.name.0, "added")),
            Some(known) if known.config.fingerprint != connector.config.fingerprint => {
                noted.push((&connector.config.name.0, "changed"));
            }
            Some(_) => {}
        }
    }
    for connector in before.connectors().filter(|connector| after.connector(&connector.config.name).is_none()) {
        noted.push((&connector.config.name.0, "removed"));
    }
    noted.sort_unstable();
    for (connector, action) in noted {
        chain.append(sql, &Entry::Connector { at, connector, action })?;
    }
    Ok(())
}

/// The conflicts, if there are any, as one refusal.
fn refuse(conflicts: &[Conflict]) -> Result<(), Error> {
    if conflicts.is_empty() {
        return Ok(());
    }
    let reasons: Vec<String> = conflicts.iter().map(ToString::to_string).collect();
    Err(Error::Unusable { reason: reasons.join("; ") })
}
