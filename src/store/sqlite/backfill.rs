//! Owes a connector what it did not see: a new one the resources that were there before it, one that comes back, or was
//! configured anew, also what changed of those that it confirmed. Part by part.
//!
//! First what it has confirmed is walked and compared, then, with `backfill`, all resources. Removals need no walk: they
//! are owed to a connector that is away, too.

use super::{
    brake::{self, Entrance, Turn},
    catalog::{ConnectorEntry, Partition},
    owe,
    row::{Resource, columns},
    statement::Statements as _,
    writer::Transaction,
};
use crate::store::{Error, Standing};

/// The request id of deliveries that no request caused.
const REQUEST_ID: &str = "backfill";

/// Owes at most `limit` more resources; whether there are more.
pub(super) fn backfill(
    transaction: &mut Transaction<'_>,
    connector: &ConnectorEntry,
    limit: usize,
) -> Result<bool, Error> {
    let cursors =
        transaction.sql.first("SELECT walked, backfilled FROM connectors WHERE no = ?", [connector.no], |row| {
            Ok((row.get::<_, Option<i64>>(0)?, row.get::<_, Option<i64>>(1)?))
        })?;
    let (walked, backfilled) = cursors.unwrap_or((None, None));
    if let Some(after) = walked
        && walk(transaction, connector, after, limit)?
    {
        return Ok(true);
    }
    match backfilled {
        Some(after) => owe_resources(transaction, connector, after, limit),
        None => Ok(false),
    }
}

/// Compares the next confirmed resources with what they are now; whether there were any.
fn walk(
    transaction: &mut Transaction<'_>,
    connector: &ConnectorEntry,
    after: i64,
    limit: usize,
) -> Result<bool, Error> {
    let sql = transaction.sql;
    let confirmed: Vec<(i64, i64, i64, bool)> = sql.all(
        "SELECT resource, version, epoch, live FROM ledger WHERE connector = ? AND resource > ? ORDER BY resource LIMIT ?",
        [connector.no, after, i64::try_from(limit).unwrap_or(i64::MAX)],
        |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)),
    )?;
    let last = confirmed.last().map(|(resource, ..)| *resource);
    for (no, version, epoch, live) in confirmed {
        if !connector.takes(Partition::of(no)) {
            continue;
        }
        let Some(resource) = Resource::by_no(sql, no)? else { continue };
        // Under another configuration a refusal may not come again.
        let is_settled = if epoch < connector.epoch {
            is_pending(transaction, connector, &resource)?
        } else {
            version == resource.version || is_owed(transaction, connector, &resource)?
        };
        if !is_settled {
            let standing = standing(transaction, connector, &resource)?;
            let held = match transaction.catalog.tenant(&connector.tenant) {
                Some(tenant) => {
                    let turn = Turn {
                        resource: no,
                        id: resource.id,
                        version: resource.version,
                        from: if live { Standing::Live } else { Standing::Inactive },
                        removal: brake::removal(standing),
                        keys: &[],
                    };
                    brake::turn(transaction, tenant, connector, &turn, &mut Entrance::new(false))?
                }
                None => None,
            };
            let removal = live && held.unwrap_or(standing) != Standing::Live;
            owe::owe_again(transaction, connector, &resource, removal.then_some(true), REQUEST_ID)?;
        }
    }
    sql.run("UPDATE connectors SET walked = ? WHERE no = ?", (last, connector.no))?;
    Ok(last.is_some())
}

/// Owes the next of all resources; whether there were any.
fn owe_resources(
    transaction: &mut Transaction<'_>,
    connector: &ConnectorEntry,
    after: i64,
    limit: usize,
) -> Result<bool, Error> {
    let next = connector.partitions.iter().filter(|partition| partition.end() > after + 1);
    let mut resources = Vec::new();
    for partition in next {
        resources = part(transaction, *partition, after, limit)?;
        if !resources.is_empty() {
            break;
        }
    }
    let last = resources.last().map(|resource| resource.no);
    for resource in resources {
        let settled = is_confirmed(transaction, connector, &resource)? || is_owed(transaction, connector, &resource)?;
        // What it may hold although it is outside by now was owed when it left.
        let wanted = !settled && standing(transaction, connector, &resource)? != Standing::Outside;
        if wanted {
            owe::owe_again(transaction, connector, &resource, None, REQUEST_ID)?;
        }
    }
    transaction.sql.run("UPDATE connectors SET backfilled = ? WHERE no = ?", (last, connector.no))?;
    Ok(last.is_some())
}

fn part(transaction: &Transaction<'_>, partition: Partition, after: i64, limit: usize) -> Result<Vec<Resource>, Error> {
    Ok(transaction.sql.all(
        concat!("SELECT ", columns!(), " FROM resources WHERE no > ? AND no >= ? AND no < ? ORDER BY no LIMIT ?"),
        [after, partition.first(), partition.end(), i64::try_from(limit).unwrap_or(i64::MAX)],
        Resource::read,
    )?)
}

fn standing(transaction: &Transaction<'_>, connector: &ConnectorEntry, resource: &Resource) -> Result<Standing, Error> {
    let kind = transaction.catalog.kind(resource.no)?;
    Ok(connector.config.policy.standing(kind, &resource.attributes()?))
}

/// Whether the connector has confirmed this version.
fn is_confirmed(transaction: &Transaction<'_>, connector: &ConnectorEntry, resource: &Resource) -> Result<bool, Error> {
    let confirmed = transaction.sql.first(
        "SELECT 1 FROM ledger WHERE connector = ? AND resource = ? AND version = ?",
        [connector.no, resource.no, resource.version],
        |_| Ok(()),
    )?;
    Ok(confirmed.is_some())
}

/// Whether the connector is owed this version already, or refused it.
fn is_owed(transaction: &Transaction<'_>, connector: &ConnectorEntry, resource: &Resource) -> Result<bool, Error> {
    let queued = transaction.sql.first(
        "SELECT 1 FROM deliveries WHERE connector = ? AND resource = ? AND version >= ? LIMIT 1",
        [connector.no, resource.no, resource.version],
        |_| Ok(()),
    )?;
    Ok(queued.is_some())
}

/// Whether a delivery of this version is yet to be made.
fn is_pending(transaction: &Transaction<'_>, connector: &ConnectorEntry, resource: &Resource) -> Result<bool, Error> {
    let pending = transaction.sql.first(
        "SELECT 1 FROM deliveries WHERE connector = ? AND resource = ? AND version >= ? AND lane <> ? LIMIT 1",
        [connector.no, resource.no, resource.version, owe::DEAD],
        |_| Ok(()),
    )?;
    Ok(pending.is_some())
}
