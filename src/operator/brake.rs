//! What an operator sees of the brake.

use serde_json::{Value, json};

use super::{Error, Operator};
use crate::store::{ConnectorStatus, StagedSelection};

impl Operator {
    /// How much is staged at each connector, and what.
    pub(super) async fn staged(&self, selection: &StagedSelection, limit: usize) -> Result<Value, Error> {
        self.known_staged(selection).await?;
        let is_meant = |status: &ConnectorStatus| {
            selection.tenant.as_ref().is_none_or(|tenant| *tenant == status.tenant)
                && selection.connector.as_ref().is_none_or(|connector| *connector == status.name)
        };
        let connectors = self.store.connectors().await?.into_iter().filter(is_meant);
        let counts = connectors.map(|status| {
            json!({
                "connector": status.name,
                "tenant": status.tenant,
                "staged": status.staged,
                "staged_members": status.staged_members,
            })
        });
        let mut removals = self.store.staged(selection, limit.saturating_add(1)).await?;
        let more = removals.len() > limit;
        removals.truncate(limit);
        Ok(json!({ "connectors": counts.collect::<Vec<_>>(), "removals": removals, "more": more }))
    }

    /// A misspelt name must not look like one with nothing staged.
    pub(super) async fn known_staged(&self, selection: &StagedSelection) -> Result<(), Error> {
        if let Some(connector) = &selection.connector {
            self.known(connector).await?;
        }
        if let Some(tenant) = &selection.tenant
            && !self.store.connectors().await?.iter().any(|status| status.tenant == *tenant)
        {
            return Err(Error::Unknown { kind: "tenant", name: tenant.0.to_string() });
        }
        Ok(())
    }
}
