//! What an operator sees of connectors and their queues, and what an operator does to them.

use rusqlite::{Connection, Row, params, types::Value};
use scim_connector::ResourceId;

use super::{
    audit::Entry,
    catalog::Catalog,
    owe::{self, DEAD},
    passwords,
    statement::Statements as _,
    writer::Transaction,
};
use crate::{
    store::{
        ConnectorName, ConnectorState, ConnectorStatus, DeliveryId, Error, QueueClass, QueueEntry, QueueSelection,
        TenantName,
    },
    time::Timestamp,
};

/// The conditions of a selection, over `deliveries` joined with `connectors`; takes the parameters of [`parameters`].
const SELECTED: &str = "(?1 IS NULL OR connectors.name = ?1) AND (?2 IS NULL OR seq = ?2)
     AND (?3 IS NULL OR ?3 = CASE WHEN lane = 2 THEN 2 WHEN error_class IS NOT NULL THEN 1 ELSE 0 END)
     AND (?4 IS NULL OR queued <= ?4)";

fn parameters(selection: &QueueSelection, now: Timestamp) -> [Value; 4] {
    let text = |name: &ConnectorName| Value::Text(name.0.to_string());
    let class = selection.class.map(|class| match class {
        QueueClass::Pending => 0,
        QueueClass::Retrying => 1,
        QueueClass::Dead => 2,
    });
    let queued =
        selection.older_than.map(|age| now.0.saturating_sub(i64::try_from(age.as_millis()).unwrap_or(i64::MAX)));
    [
        selection.connector.as_ref().map_or(Value::Null, text),
        selection.id.map_or(Value::Null, |id| Value::Integer(id.0.cast_signed())),
        class.map_or(Value::Null, Value::Integer),
        queued.map_or(Value::Null, Value::Integer),
    ]
}

/// Queued deliveries, oldest first.
pub(super) fn list(
    sql: &Connection,
    catalog: &Catalog,
    selection: &QueueSelection,
    now: Timestamp,
    limit: usize,
) -> Result<Vec<QueueEntry>, Error> {
    let [name, id, class, queued] = parameters(selection, now);
    let rows = sql.all(
        &format!(
            "SELECT seq, connectors.name, deliveries.resource, deliveries.id, deliveries.version, removal, lane, attempts,
                    queued, not_before, waits_on, error_class, error, request_id, since
             FROM deliveries JOIN connectors ON connectors.no = deliveries.connector
             LEFT JOIN leavers ON leavers.id = deliveries.id AND leavers.connector = deliveries.connector
             WHERE {SELECTED} ORDER BY seq LIMIT ?5"
        ),
        params![name, id, class, queued, i64::try_from(limit).unwrap_or(i64::MAX)],
        |row| Ok((row.get(2)?, entry(row)?)),
    )?;
    rows.into_iter()
        .map(|(resource, entry)| Ok(QueueEntry { kind: catalog.kind(resource)?.to_string(), ..entry }))
        .collect()
}

/// A row without its resource's type.
fn entry(row: &Row<'_>) -> rusqlite::Result<QueueEntry> {
    let (lane, error_class): (i64, Option<String>) = (row.get(6)?, row.get(11)?);
    let not_before: i64 = row.get(9)?;
    let waits_for: Option<i64> = row.get(10)?;
    Ok(QueueEntry {
        id: DeliveryId(row.get::<_, i64>(0)?.cast_unsigned()),
        connector: ConnectorName(row.get::<_, String>(1)?.into()),
        resource: ResourceId::from_bytes(row.get(3)?).to_string(),
        kind: String::new(),
        version: row.get::<_, i64>(4)?.cast_unsigned(),
        removal: row.get(5)?,
        class: match (lane, &error_class) {
            (DEAD, _) => QueueClass::Dead,
            (_, None) => QueueClass::Pending,
            (_, Some(_)) => QueueClass::Retrying,
        },
        attempts: row.get(7)?,
        queued: Timestamp(row.get(8)?),
        not_before: (not_before > 0).then_some(Timestamp(not_before)),
        waits_for: waits_for.map(|seq| DeliveryId(seq.cast_unsigned())),
        error_class,
        error: row.get(12)?,
        request_id: row.get(13)?,
        leaver_since: row.get::<_, Option<i64>>(14)?.map(Timestamp),
    })
}

/// A selected delivery.
struct Selected {
    seq: i64,
    connector: i64,
    connector_name: String,
    resource: i64,
    id: ResourceId,
    version: i64,
    lane: i64,
    keys: Vec<i64>,
}

fn select(sql: &Connection, selection: &QueueSelection, now: Timestamp) -> Result<Vec<Selected>, Error> {
    Ok(sql.all(
        &format!(
            "SELECT seq, connector, connectors.name, resource, id, version, keys, lane
             FROM deliveries JOIN connectors ON connectors.no = deliveries.connector
             WHERE {SELECTED} ORDER BY seq"
        ),
        parameters(selection, now),
        |row| {
            Ok(Selected {
                seq: row.get(0)?,
                connector: row.get(1)?,
                connector_name: row.get(2)?,
                resource: row.get(3)?,
                id: ResourceId::from_bytes(row.get(4)?),
                version: row.get(5)?,
                keys: owe::decode(&row.get::<_, Vec<u8>>(6)?),
                lane: row.get(7)?,
            })
        },
    )?)
}

/// Makes the selected deliveries go now.
pub(super) fn retry(
    transaction: &mut Transaction<'_>,
    selection: &QueueSelection,
    now: Timestamp,
) -> Result<u64, Error> {
    let selected = select(transaction.sql, selection, now)?;
    for delivery in &selected {
        transaction.sql.run("UPDATE deliveries SET attempts = 0, not_before = 0 WHERE seq = ?", [delivery.seq])?;
        if delivery.lane == DEAD {
            owe::revive(transaction, delivery.connector, delivery.seq, delivery.resource, &delivery.keys)?;
        }
        audit(transaction, delivery, "retry", now)?;
    }
    transaction.state.deliverable |= !selected.is_empty();
    Ok(selected.len() as u64)
}

/// Drops the selected deliveries.
pub(super) fn discard(
    transaction: &mut Transaction<'_>,
    selection: &QueueSelection,
    now: Timestamp,
) -> Result<u64, Error> {
    let selected = select(transaction.sql, selection, now)?;
    for delivery in &selected {
        let sql = transaction.sql;
        sql.run("DELETE FROM deliveries WHERE seq = ?", [delivery.seq])?;
        // It may have taken effect, or be under way right now: the resource's deletion must still be owed.
        sql.run(
            "INSERT OR IGNORE INTO discarded (connector, id, resource) VALUES (?, ?, ?)",
            params![delivery.connector, delivery.id.as_bytes(), delivery.resource],
        )?;
        passwords::erase(transaction.sql, delivery.connector, delivery.resource, delivery.version)?;
        owe::release(transaction, delivery.connector, delivery.seq, &delivery.keys)?;
        audit(transaction, delivery, "discard", now)?;
    }
    Ok(selected.len() as u64)
}

fn audit(
    transaction: &mut Transaction<'_>,
    delivery: &Selected,
    action: &'static str,
    at: Timestamp,
) -> Result<(), Error> {
    let entry = Entry::Queue {
        at,
        connector: &delivery.connector_name,
        action,
        resource: delivery.id,
        version: delivery.version,
    };
    transaction.state.chain.append(transaction.sql, &entry)
}

/// The numbers of all connectors, those no more configured included: their queues are kept.
pub(super) fn statuses(sql: &Connection) -> Result<Vec<ConnectorStatus>, Error> {
    let connectors = sql.all(
        "SELECT connectors.no, connectors.name, tenants.name, state,
                backfilled IS NOT NULL OR walked IS NOT NULL, configured
         FROM connectors JOIN tenants ON tenants.no = connectors.tenant ORDER BY connectors.name",
        [],
        |row| {
            let name: (String, String) = (row.get(1)?, row.get(2)?);
            Ok((row.get::<_, i64>(0)?, name, row.get::<_, String>(3)?, row.get::<_, bool>(4)?, row.get::<_, bool>(5)?))
        },
    )?;
    let count = |text: &str, connector: i64| -> Result<u64, Error> {
        Ok(sql.first(text, [connector], |row| row.get::<_, i64>(0))?.unwrap_or(0).cast_unsigned())
    };
    connectors
        .into_iter()
        .map(|(no, (name, tenant), state, backfilling, configured)| {
            let oldest: Option<i64> = sql
                .first("SELECT min(queued) FROM deliveries WHERE connector = ? AND lane < 2", [no], |row| row.get(0))?
                .flatten();
            let leaver: Option<i64> =
                sql.first("SELECT min(since) FROM leavers WHERE connector = ?", [no], |row| row.get(0))?.flatten();
            Ok(ConnectorStatus {
                name: ConnectorName(name.into()),
                tenant: TenantName(tenant.into()),
                configured,
                state: serde_json::from_str(&state)
                    .map_err(|_| Error::Corrupt { place: "a connector's state".to_owned() })?,
                pending: count("SELECT count(*) FROM deliveries WHERE connector = ? AND lane < 2", no)?,
                dead: count("SELECT count(*) FROM deliveries WHERE connector = ? AND lane = 2", no)?,
                staged: count("SELECT count(*) FROM staged WHERE connector = ? AND state = 0", no)?,
                staged_members: count("SELECT count(*) FROM staged_members WHERE connector = ? AND state = 0", no)?,
                oldest: oldest.map(Timestamp),
                confirmed: count("SELECT count(*) FROM ledger WHERE connector = ?", no)?,
                leavers: count("SELECT count(*) FROM leavers WHERE connector = ?", no)?,
                oldest_leaver: leaver.map(Timestamp),
                waiting_members: count("SELECT count(*) FROM waiting_members WHERE connector = ?", no)?,
                backfilling,
            })
        })
        .collect()
}

/// Keeps a connector's state.
pub(super) fn set_state(
    transaction: &mut Transaction<'_>,
    connector: &ConnectorName,
    state: &ConnectorState,
) -> Result<(), Error> {
    let text = serde_json::to_string(state)
        .map_err(|source| Error::Io { step: "writing a connector's state", source: Box::new(source) })?;
    transaction.sql.run("UPDATE connectors SET state = ? WHERE name = ?", [text.as_str(), &*connector.0])?;
    transaction.state.deliverable = true;
    Ok(())
}
