//! Owes a new connector the resources that were there before it, part by part.

use super::{
    catalog::{ConnectorEntry, Partition},
    owe::{self, Owed},
    row::{Resource, columns},
    statement::Statements as _,
    writer::Transaction,
};
use crate::store::Error;

/// The request id of deliveries that no request caused.
const REQUEST_ID: &str = "backfill";

/// Owes at most `limit` more resources; whether there are more.
pub(super) fn backfill(
    transaction: &mut Transaction<'_>,
    connector: &ConnectorEntry,
    limit: usize,
) -> Result<bool, Error> {
    let sql = transaction.sql;
    let after: Option<i64> =
        sql.first("SELECT backfilled FROM connectors WHERE no = ?", [connector.no], |row| row.get(0))?.flatten();
    let Some(after) = after else { return Ok(false) };
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
        if !is_settled(transaction, connector, &resource)? {
            let owed = Owed {
                resource: resource.no,
                id: resource.id,
                version: resource.version,
                removal: None,
                keys: &[],
                before: None,
                request_id: REQUEST_ID,
            };
            owe::owe(transaction, connector, &owed)?;
        }
    }
    sql.run("UPDATE connectors SET backfilled = ? WHERE no = ?", (last, connector.no))?;
    Ok(last.is_some())
}

fn part(transaction: &Transaction<'_>, partition: Partition, after: i64, limit: usize) -> Result<Vec<Resource>, Error> {
    Ok(transaction.sql.all(
        concat!("SELECT ", columns!(), " FROM resources WHERE no > ? AND no >= ? AND no < ? ORDER BY no LIMIT ?"),
        [after, partition.first(), partition.end(), i64::try_from(limit).unwrap_or(i64::MAX)],
        Resource::read,
    )?)
}

/// Whether the connector has confirmed the resource, or is owed it already.
fn is_settled(transaction: &Transaction<'_>, connector: &ConnectorEntry, resource: &Resource) -> Result<bool, Error> {
    let confirmed = transaction.sql.first(
        "SELECT 1 FROM ledger WHERE connector = ? AND resource = ? AND version = ?",
        [connector.no, resource.no, resource.version],
        |_| Ok(()),
    )?;
    Ok(confirmed.is_some() || owe::is_queued(transaction.sql, connector.no, resource.no)?)
}
