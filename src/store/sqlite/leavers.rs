//! The leaver clock: for how long a user whom the client disabled or deleted may still have access at a connector.
//!
//! It starts in the commit that disables or deletes, at each connector that takes users, may hold an entry in use and
//! has a policy that puts it out of use. It stops when the connector confirms that state or a later one that is not in
//! use. Who comes back stops it unmeasured. A delivery that is dead, discarded or withheld lets it run on, because the
//! person may still have access; only a person can say otherwise ([`close`]), and that is audited.
//!
//! Leaving the scope of a connector is no leaving of the client's and starts nothing.

use std::time::Duration;

use rusqlite::{Connection, params, types::Value};
use scim_connector::ResourceId;

use super::{
    audit::Entry,
    brake,
    catalog::ConnectorEntry,
    owe::{DEAD, WAITS},
    row::Resource,
    statement::Statements as _,
    writer::Transaction,
};
use crate::{
    metrics::Metrics,
    store::{ConnectorName, DeliveryId, Error, Leaver, LeaverSelection, RemovalState, TenantName},
    time::Timestamp,
};

/// How a user left.
#[derive(Clone, Copy)]
pub(super) struct Leaving {
    /// The version of the user that is out of use.
    pub(super) version: i64,
    /// Whether the client had the user active until then. Else only an entry that is known to be in use counts (a
    /// connector that ignored the deactivation and obeys the deletion).
    pub(super) was_active: bool,
}

/// Starts the clock at a connector that may give the user access; one that runs goes on. To be called before the change
/// is owed.
pub(super) fn start(
    transaction: &Transaction<'_>,
    connector: &ConnectorEntry,
    user: &Resource,
    leaving: Leaving,
) -> Result<(), Error> {
    transaction.sql.run(
        "INSERT OR IGNORE INTO leavers (id, connector, resource, since, version)
         SELECT ?1, ?2, ?3, ?4, ?5
         WHERE EXISTS (SELECT 1 FROM ledger WHERE connector = ?2 AND resource = ?3 AND live)
            OR ?6 AND (EXISTS (SELECT 1 FROM deliveries WHERE connector = ?2 AND resource = ?3)
                    OR EXISTS (SELECT 1 FROM discarded WHERE connector = ?2 AND id = ?1))",
        params![user.id.as_bytes(), connector.no, user.no, transaction.now.0, leaving.version, leaving.was_active],
    )?;
    Ok(())
}

/// Stops the clock of a user who is active again, unmeasured.
pub(super) fn cancel(sql: &Connection, user: ResourceId) -> Result<(), Error> {
    sql.run("DELETE FROM leavers WHERE id = ?", [user.as_bytes()])?;
    Ok(())
}

/// A clock that a connector stopped in this transaction; measured once that is on disk.
#[derive(Clone, Debug)]
pub(super) struct Stopped {
    tenant: TenantName,
    connector: ConnectorName,
    took: Duration,
    /// Whether no other connector has to confirm it.
    is_last: bool,
}

/// The connector confirmed that version of the user, which is not in use.
pub(super) fn confirmed(
    transaction: &mut Transaction<'_>,
    connector: &ConnectorEntry,
    user: ResourceId,
    version: i64,
) -> Result<(), Error> {
    let since = transaction.sql.first(
        "DELETE FROM leavers WHERE id = ? AND connector = ? AND version <= ? RETURNING since",
        params![user.as_bytes(), connector.no, version],
        |row| row.get(0).map(Timestamp),
    )?;
    let Some(since) = since else { return Ok(()) };
    let elsewhere =
        transaction.sql.first("SELECT 1 FROM leavers WHERE id = ? LIMIT 1", [user.as_bytes()], |_| Ok(()))?;
    transaction.state.leavers_stopped.push(Stopped {
        tenant: connector.tenant.clone(),
        connector: connector.config.name.clone(),
        took: transaction.now.since(since),
        is_last: elsewhere.is_none(),
    });
    Ok(())
}

impl Stopped {
    pub(super) fn measure(&self, metrics: &Metrics) {
        metrics.leaver_confirmed(&self.tenant.0, &self.connector.0, self.took);
        if self.is_last {
            metrics.leaver_confirmed_everywhere(&self.tenant.0, self.took);
        }
    }
}

/// The conditions of a selection, over `leavers` joined with `connectors` and `tenants`; takes [`parameters`].
const SELECTED: &str = "(?1 IS NULL OR tenants.name = ?1) AND (?2 IS NULL OR connectors.name = ?2)
     AND (?3 IS NULL OR leavers.id = ?3)";

fn parameters(selection: &LeaverSelection) -> [Value; 3] {
    [
        selection.tenant.as_ref().map_or(Value::Null, |name| Value::Text(name.0.to_string())),
        selection.connector.as_ref().map_or(Value::Null, |name| Value::Text(name.0.to_string())),
        selection.resource.map_or(Value::Null, |id| Value::Blob(id.as_bytes().to_vec())),
    ]
}

/// Leavers who may still have access, the longest first.
pub(super) fn list(sql: &Connection, selection: &LeaverSelection, limit: usize) -> Result<Vec<Leaver>, Error> {
    let [tenant, connector, resource] = parameters(selection);
    // Of several deliveries of a user the last carries the removal.
    Ok(sql.all(
        &format!(
            "SELECT leavers.since, tenants.name, connectors.name, leavers.id, seq, lane, waits_on, error_class, error,
                    discarded.resource IS NOT NULL, CASE WHEN held = 0 THEN staged.state END
             FROM leavers
             JOIN connectors ON connectors.no = leavers.connector
             JOIN tenants ON tenants.no = connectors.tenant
             LEFT JOIN deliveries ON seq = (SELECT max(seq) FROM deliveries AS theirs
                 WHERE theirs.connector = leavers.connector AND theirs.resource = leavers.resource)
             LEFT JOIN staged ON staged.connector = leavers.connector AND staged.resource = leavers.resource
             LEFT JOIN discarded ON discarded.connector = leavers.connector AND discarded.id = leavers.id
             WHERE {SELECTED} ORDER BY leavers.since, leavers.id, connectors.name LIMIT ?4"
        ),
        params![tenant, connector, resource, i64::try_from(limit).unwrap_or(i64::MAX)],
        |row| {
            let (lane, error_class): (Option<i64>, Option<String>) = (row.get(5)?, row.get(7)?);
            let withheld: Option<i64> = row.get(10)?;
            let id = |seq: i64| DeliveryId(seq.cast_unsigned());
            Ok(Leaver {
                since: Timestamp(row.get(0)?),
                tenant: TenantName(row.get::<_, String>(1)?.into()),
                connector: ConnectorName(row.get::<_, String>(2)?.into()),
                resource: ResourceId::from_bytes(row.get(3)?),
                removal: match (lane, error_class) {
                    _ if withheld == Some(brake::STAGED) => RemovalState::Withheld,
                    _ if withheld == Some(brake::DISCARDED) => RemovalState::Discarded,
                    (Some(DEAD), _) => RemovalState::Dead,
                    (Some(WAITS), _) => RemovalState::Waiting,
                    (Some(_), Some(_)) => RemovalState::Retrying,
                    (Some(_), None) => RemovalState::Pending,
                    (None, _) if row.get(9)? => RemovalState::Discarded,
                    (None, _) => RemovalState::Withheld,
                },
                delivery: row.get::<_, Option<i64>>(4)?.map(id),
                waits_for: row.get::<_, Option<i64>>(6)?.map(id),
                error: row.get(8)?,
            })
        },
    )?)
}

/// Stops the selected clocks because a person says that access ended there, unmeasured; audited. How many.
pub(super) fn close(transaction: &mut Transaction<'_>, selection: &LeaverSelection) -> Result<u64, Error> {
    let selected: Vec<(ResourceId, i64, String, i64)> = transaction.sql.all(
        &format!(
            "SELECT leavers.id, connectors.no, connectors.name, leavers.version
             FROM leavers
             JOIN connectors ON connectors.no = leavers.connector
             JOIN tenants ON tenants.no = connectors.tenant
             WHERE {SELECTED}"
        ),
        parameters(selection),
        |row| Ok((ResourceId::from_bytes(row.get(0)?), row.get(1)?, row.get(2)?, row.get(3)?)),
    )?;
    for (id, connector, name, version) in &selected {
        transaction.sql.run("DELETE FROM leavers WHERE id = ? AND connector = ?", params![id.as_bytes(), connector])?;
        let entry = Entry::Queue {
            at: transaction.now,
            connector: name,
            action: "leaver-closed",
            resource: *id,
            version: *version,
        };
        transaction.state.chain.append(transaction.sql, &entry)?;
    }
    Ok(selected.len() as u64)
}
