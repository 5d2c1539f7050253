//! What came of deliveries: the ledger, and what is owed next because of it.

use rusqlite::params;
use scim_connector::{Effect, RemoteState, ResourceId};

use super::{
    audit::Entry,
    catalog::{ConnectorEntry, Partition},
    members,
    owe::{self, Owed},
    passwords,
    row::Resource,
    statement::Statements as _,
    writer::Transaction,
};
use crate::{
    store::{DeliveryId, Error, Outcome, Settlement},
    time::Timestamp,
};

/// A queued delivery.
struct Queued {
    seq: i64,
    resource: i64,
    id: ResourceId,
    version: i64,
    keys: Vec<i64>,
    request_id: String,
    confirmed: bool,
}

/// Records one settlement. A delivery that is gone was discarded meanwhile.
pub(super) fn settle(
    transaction: &mut Transaction<'_>,
    connector: &ConnectorEntry,
    settlement: Settlement,
) -> Result<(), Error> {
    let Some(queued) = find(transaction, connector, settlement.id)? else { return Ok(()) };
    let sent = settlement.version.cast_signed();
    match settlement.outcome {
        Outcome::Applied { effect, remote, waiting } => {
            applied(transaction, connector, &queued, sent, effect, remote.as_ref(), &waiting)
        }
        Outcome::RetryAt { at, counted, class, message } => retry(transaction, &queued, at, counted, class, &message),
        Outcome::Dead { message } => dead(transaction, connector, &queued, sent, &message),
    }
}

fn find(transaction: &Transaction<'_>, connector: &ConnectorEntry, id: DeliveryId) -> Result<Option<Queued>, Error> {
    Ok(transaction.sql.first(
        "SELECT seq, deliveries.resource, id, deliveries.version, keys, request_id, ledger.version IS NOT NULL
         FROM deliveries
         LEFT JOIN ledger ON ledger.connector = deliveries.connector AND ledger.resource = deliveries.resource
         WHERE seq = ? AND deliveries.connector = ?",
        [id.0.cast_signed(), connector.no],
        |row| {
            Ok(Queued {
                seq: row.get(0)?,
                resource: row.get(1)?,
                id: ResourceId::from_bytes(row.get(2)?),
                version: row.get(3)?,
                keys: owe::decode(&row.get::<_, Vec<u8>>(4)?),
                request_id: row.get(5)?,
                confirmed: row.get(6)?,
            })
        },
    )?)
}

fn applied(
    transaction: &mut Transaction<'_>,
    connector: &ConnectorEntry,
    queued: &Queued,
    sent: i64,
    effect: Effect,
    remote: Option<&RemoteState>,
    waiting: &[String],
) -> Result<(), Error> {
    let sql = transaction.sql;
    match remote {
        Some(remote) => {
            let text = serde_json::to_string(remote)
                .map_err(|source| Error::Io { step: "writing the ledger", source: Box::new(source) })?;
            sql.run(
                "INSERT OR REPLACE INTO ledger (connector, resource, version, remote) VALUES (?, ?, ?, ?)",
                params![connector.no, queued.resource, sent, text],
            )?;
        }
        None => {
            sql.run("DELETE FROM ledger WHERE connector = ? AND resource = ?", [connector.no, queued.resource])?;
        }
    }
    passwords::erase(sql, connector.no, queued.resource, sent)?;
    outcome(transaction, connector, queued, sent, effect_name(effect))?;
    if queued.version > sent {
        again(transaction, queued)?;
    } else {
        sql.run("DELETE FROM deliveries WHERE seq = ?", [queued.seq])?;
        owe::release(transaction, connector.no, queued.seq, &queued.keys)?;
    }
    if transaction.catalog.kind(queued.resource)?.is_group() {
        group_applied(transaction, connector, queued, waiting)?;
    }
    match (queued.confirmed, remote) {
        (false, Some(_)) => confirmed_first(transaction, connector, queued),
        (true, None) => forgotten(transaction, connector, queued),
        (true, Some(_)) | (false, None) => Ok(()),
    }
}

/// A group's members that were left out wait; one that was confirmed since the delivery was read is owed at once.
fn group_applied(
    transaction: &mut Transaction<'_>,
    connector: &ConnectorEntry,
    queued: &Queued,
    waiting: &[String],
) -> Result<(), Error> {
    let sql = transaction.sql;
    let Some(tenant) = transaction.catalog.tenant(&connector.tenant) else { return Ok(()) };
    sql.run("DELETE FROM waiting_members WHERE connector = ? AND in_group = ?", [connector.no, queued.resource])?;
    let mut came = false;
    for member in waiting {
        sql.run(
            "INSERT OR IGNORE INTO waiting_members (connector, in_group, member) VALUES (?, ?, ?)",
            params![connector.no, queued.resource, member],
        )?;
        if let Some(no) = members::resolve(sql, tenant, member)? {
            came |= is_confirmed(transaction, connector, no)?;
        }
    }
    if came {
        owe_group(transaction, connector, queued.resource, &queued.request_id)?;
    }
    let takers: Vec<&ConnectorEntry> = tenant.owed(Partition::of(queued.resource)).collect();
    members::purge(sql, &takers, queued.resource)
}

/// Groups that lack the resource at this connector are owed again.
fn confirmed_first(
    transaction: &mut Transaction<'_>,
    connector: &ConnectorEntry,
    queued: &Queued,
) -> Result<(), Error> {
    let groups = transaction.sql.all(
        "SELECT in_group FROM waiting_members WHERE connector = ? AND member = ?",
        params![connector.no, queued.id.to_string()],
        |row| row.get(0),
    )?;
    for group in groups {
        owe_group(transaction, connector, group, &queued.request_id)?;
    }
    Ok(())
}

/// The connector holds the resource no more. Should it come back, its groups need it again.
fn forgotten(transaction: &mut Transaction<'_>, connector: &ConnectorEntry, queued: &Queued) -> Result<(), Error> {
    let sql = transaction.sql;
    let Some(groups) = transaction.catalog.tenant(&connector.tenant).and_then(|tenant| tenant.groups()) else {
        return Ok(());
    };
    let member = queued.id.to_string();
    for group in members::groups_with(sql, groups, &member)? {
        sql.run(
            "INSERT OR IGNORE INTO waiting_members (connector, in_group, member) VALUES (?, ?, ?)",
            params![connector.no, group, member],
        )?;
    }
    Ok(())
}

fn retry(
    transaction: &mut Transaction<'_>,
    queued: &Queued,
    at: Timestamp,
    counted: bool,
    class: &str,
    message: &str,
) -> Result<(), Error> {
    transaction.sql.run(
        "UPDATE deliveries SET attempts = attempts + ?, not_before = max(?, 1), error_class = ?, error = ?
         WHERE seq = ?",
        params![counted, at.0, class, message, queued.seq],
    )?;
    transaction.state.deliverable = true;
    Ok(())
}

fn dead(
    transaction: &mut Transaction<'_>,
    connector: &ConnectorEntry,
    queued: &Queued,
    sent: i64,
    message: &str,
) -> Result<(), Error> {
    outcome(transaction, connector, queued, sent, "dead")?;
    passwords::erase(transaction.sql, connector.no, queued.resource, sent)?;
    if queued.version > sent {
        // A newer version is tried anew.
        return again(transaction, queued);
    }
    let sql = transaction.sql;
    let superseded = sql.first(
        "SELECT 1 FROM deliveries WHERE connector = ? AND resource = ? AND seq > ?",
        [connector.no, queued.resource, queued.seq],
        |_| Ok(()),
    )?;
    if superseded.is_some() {
        // It was frozen, and a newer state has a delivery of its own. Kept, it could be retried after that one.
        sql.run("DELETE FROM deliveries WHERE seq = ?", [queued.seq])?;
    } else {
        sql.run(
            "UPDATE deliveries SET attempts = attempts + 1, lane = ?, waits_on = NULL, error_class = 'rejected',
             error = ? WHERE seq = ?",
            params![owe::DEAD, message, queued.seq],
        )?;
    }
    owe::release(transaction, connector.no, queued.seq, &queued.keys)
}

/// A newer version was committed meanwhile: the delivery stays in its place and starts over.
fn again(transaction: &mut Transaction<'_>, queued: &Queued) -> Result<(), Error> {
    transaction.sql.run(
        "UPDATE deliveries SET attempts = 0, not_before = 0, error_class = NULL, error = NULL WHERE seq = ?",
        [queued.seq],
    )?;
    transaction.state.deliverable = true;
    Ok(())
}

fn owe_group(
    transaction: &mut Transaction<'_>,
    connector: &ConnectorEntry,
    group: i64,
    request_id: &str,
) -> Result<(), Error> {
    let Some(group) = Resource::by_no(transaction.sql, group)? else { return Ok(()) };
    let owed = Owed {
        resource: group.no,
        id: group.id,
        version: group.version,
        removal: None,
        keys: &[],
        before: None,
        request_id,
    };
    owe::owe(transaction, connector, &owed)
}

fn is_confirmed(transaction: &Transaction<'_>, connector: &ConnectorEntry, resource: i64) -> Result<bool, Error> {
    Ok(transaction
        .sql
        .first("SELECT 1 FROM ledger WHERE connector = ? AND resource = ?", [connector.no, resource], |_| Ok(()))?
        .is_some())
}

fn outcome(
    transaction: &mut Transaction<'_>,
    connector: &ConnectorEntry,
    queued: &Queued,
    version: i64,
    outcome: &'static str,
) -> Result<(), Error> {
    let entry = Entry::Outcome {
        at: transaction.now,
        connector: &connector.config.name.0,
        request_id: &queued.request_id,
        outcome,
        resource: queued.id,
        version,
    };
    transaction.state.chain.append(transaction.sql, &entry)
}

const fn effect_name(effect: Effect) -> &'static str {
    match effect {
        Effect::Created => "created",
        Effect::Adopted => "adopted",
        Effect::Updated => "updated",
        Effect::Unchanged => "unchanged",
        Effect::Removed => "removed",
    }
}
