//! What a commit owes to connectors: at most one delivery a resource and connector, unless order forbids it.
//!
//! Two deliveries of a connector conflict when they are of one resource or share a key, of which at least one side
//! holds it exclusively. Of two that conflict the later waits. It waits for one at a time, the latest, and looks again
//! when that is settled (`waits_on`), so that what waits is never scanned.
//!
//! A new change folds into the pending delivery of its resource, which moves it ahead of all deliveries queued since.
//! That is right unless one of those holds a key of the change. Then the pending delivery is frozen at the state
//! before, and the change gets a delivery of its own: two users who swap names must not fold into a cycle.

use rusqlite::{Connection, params};
use scim_connector::ResourceId;

use super::{catalog::ConnectorEntry, row::Resource, statement::Statements as _, writer::Transaction};
use crate::store::Error;

pub(super) const FREE: i64 = 0;
pub(super) const WAITS: i64 = 1;
pub(super) const DEAD: i64 = 2;

/// A change that is owed.
#[derive(Clone, Debug)]
pub(super) struct Owed<'a> {
    pub(super) resource: i64,
    pub(super) id: ResourceId,
    /// The version after it.
    pub(super) version: i64,
    /// Whether it deactivates or deletes; `None` where it is no change of its own and leaves that as it was.
    pub(super) removal: Option<bool>,
    /// Unique values that it takes or frees.
    pub(super) keys: &'a [i64],
    /// The version and the attributes before it; `None` where there are none to freeze.
    pub(super) before: Option<(i64, &'a str)>,
    pub(super) request_id: &'a str,
}

/// A queued delivery, as far as order matters.
#[derive(Clone, Debug)]
struct Queued {
    seq: i64,
    lane: i64,
    removal: bool,
    queued: i64,
    keys: Vec<i64>,
    frozen: bool,
}

/// Owes a change to a connector.
pub(super) fn owe(transaction: &mut Transaction<'_>, connector: &ConnectorEntry, owed: &Owed<'_>) -> Result<(), Error> {
    let sql = transaction.sql;
    transaction.state.deliverable = true;
    let Some(pending) = latest(sql, connector.no, owed.resource)? else {
        return insert(transaction, connector.no, owed, owed.removal.unwrap_or(false), owed.keys, transaction.now.0);
    };
    let removal = owed.removal.unwrap_or(pending.removal);
    if pending.lane == DEAD {
        // Tried anew in a place of its own: others have passed it.
        sql.run("DELETE FROM deliveries WHERE seq = ?", [pending.seq])?;
        let keys = united(&pending.keys, owed.keys);
        return insert(transaction, connector.no, owed, removal, &keys, pending.queued);
    }
    if pending.frozen || stands_between(sql, connector.no, pending.seq, owed.keys)? {
        if let (false, Some((version, attributes))) = (pending.frozen, owed.before) {
            sql.run(
                "UPDATE deliveries SET frozen = ?, version = ? WHERE seq = ?",
                params![attributes, version, pending.seq],
            )?;
        }
        return insert(transaction, connector.no, owed, removal, owed.keys, transaction.now.0);
    }
    let keys = united(&pending.keys, owed.keys);
    sql.run(
        "UPDATE deliveries SET version = ?1, removal = ?2, keys = ?3, request_id = ?4,
         not_before = CASE WHEN ?2 > removal THEN 0 ELSE not_before END WHERE seq = ?5",
        params![owed.version, removal, encode(&keys), owed.request_id, pending.seq],
    )?;
    insert_keys(sql, connector.no, pending.seq, owed.keys)?;
    if !owed.keys.is_empty() {
        place(sql, connector.no, pending.seq, owed.resource, &keys)?;
    }
    Ok(())
}

/// Owes a resource as it is now, where no change of its own attributes asks for it.
pub(super) fn owe_again(
    transaction: &mut Transaction<'_>,
    connector: &ConnectorEntry,
    resource: &Resource,
    removal: Option<bool>,
    request_id: &str,
) -> Result<(), Error> {
    let owed = Owed {
        resource: resource.no,
        id: resource.id,
        version: resource.version,
        removal,
        keys: &[],
        before: None,
        request_id,
    };
    owe(transaction, connector, &owed)
}

/// Makes the pending delivery of a group one that the later deletion of a member waits for. The key is no part of its
/// row, which would be written again for each of many members.
pub(super) fn share_key(sql: &Connection, connector: i64, group: i64, key: i64) -> Result<(), Error> {
    if let Some(pending) = latest(sql, connector, group)?
        && pending.lane != DEAD
    {
        sql.run(
            "INSERT OR IGNORE INTO delivery_keys (connector, key, seq, shared) VALUES (?, ?, ?, 1)",
            [connector, key, pending.seq],
        )?;
    }
    Ok(())
}

/// Makes a dead letter go again, in a place of its own: others have passed it.
pub(super) fn revive(
    transaction: &mut Transaction<'_>,
    connector: i64,
    seq: i64,
    resource: i64,
    keys: &[i64],
) -> Result<(), Error> {
    let last = transaction.next_delivery()?;
    let sql = transaction.sql;
    sql.run("UPDATE deliveries SET seq = ?, lane = 0 WHERE seq = ?", [last, seq])?;
    insert_keys(sql, connector, last, keys)?;
    place_new(sql, connector, last, resource, keys)
}

/// Whether a delivery of the resource is queued, dead letters included.
pub(super) fn is_queued(sql: &Connection, connector: i64, resource: i64) -> Result<bool, Error> {
    Ok(sql
        .first("SELECT 1 FROM deliveries WHERE connector = ? AND resource = ? LIMIT 1", [connector, resource], |_| {
            Ok(())
        })?
        .is_some())
}

/// Whether a connector may hold the resource: it confirmed it, or something of it may have taken effect.
pub(super) fn is_known(sql: &Connection, connector: i64, resource: &Resource) -> Result<bool, Error> {
    let confirmed =
        sql.first("SELECT 1 FROM ledger WHERE connector = ? AND resource = ?", [connector, resource.no], |_| Ok(()))?;
    Ok(confirmed.is_some() || may_have_taken_effect(sql, connector, resource.no, resource.id)?)
}

/// Whether a delivery of the resource is queued and may be under way, or one was discarded after it may have taken
/// effect.
pub(super) fn may_have_taken_effect(
    sql: &Connection,
    connector: i64,
    resource: i64,
    id: ResourceId,
) -> Result<bool, Error> {
    if is_queued(sql, connector, resource)? {
        return Ok(true);
    }
    let discarded =
        sql.first("SELECT 1 FROM discarded WHERE connector = ? AND id = ?", params![connector, id.as_bytes()], |_| {
            Ok(())
        })?;
    Ok(discarded.is_some())
}

/// Takes a delivery out of the order: it ended, or became a dead letter. Those that waited for it look again.
pub(super) fn release(transaction: &mut Transaction<'_>, connector: i64, seq: i64, keys: &[i64]) -> Result<(), Error> {
    let sql = transaction.sql;
    for key in keys {
        sql.run("DELETE FROM delivery_keys WHERE connector = ? AND key = ? AND seq = ?", [connector, *key, seq])?;
    }
    sql.run("DELETE FROM delivery_keys INDEXED BY delivery_keys_shared WHERE seq = ? AND shared", [seq])?;
    let waiting = sql.all("SELECT seq, resource, keys FROM deliveries WHERE waits_on = ?", [seq], |row| {
        Ok((row.get(0)?, row.get(1)?, decode(&row.get::<_, Vec<u8>>(2)?)))
    })?;
    for (waiting_seq, resource, waiting_keys) in waiting {
        place(sql, connector, waiting_seq, resource, &waiting_keys)?;
        transaction.state.deliverable = true;
    }
    Ok(())
}

/// Puts a delivery into its lane: behind the latest earlier one that conflicts with it, or free to go.
fn place(sql: &Connection, connector: i64, seq: i64, resource: i64, keys: &[i64]) -> Result<(), Error> {
    let mut blocker: Option<i64> = sql
        .first(
            "SELECT max(seq) FROM deliveries WHERE connector = ? AND resource = ? AND seq < ? AND lane <> 2",
            [connector, resource, seq],
            |row| row.get(0),
        )?
        .flatten();
    for key in keys {
        let holder: Option<i64> = sql
            .first(
                "SELECT max(theirs.seq) FROM delivery_keys AS theirs
                 WHERE connector = ?1 AND key = ?2 AND seq < ?3
                 AND NOT (shared AND EXISTS (
                     SELECT 1 FROM delivery_keys AS ours
                     WHERE ours.connector = ?1 AND ours.key = ?2 AND ours.seq = ?3 AND ours.shared))",
                [connector, *key, seq],
                |row| row.get(0),
            )?
            .flatten();
        blocker = blocker.max(holder);
    }
    let lane = if blocker.is_some() { WAITS } else { FREE };
    sql.run("UPDATE deliveries SET lane = ?, waits_on = ? WHERE seq = ?", params![lane, blocker, seq])?;
    Ok(())
}

/// Makes a delivery hold these keys exclusively, one that it shares included: a group may be its own member.
fn insert_keys(sql: &Connection, connector: i64, seq: i64, keys: &[i64]) -> Result<(), Error> {
    for key in keys {
        sql.run(
            "INSERT INTO delivery_keys (connector, key, seq, shared) VALUES (?, ?, ?, 0)
             ON CONFLICT DO UPDATE SET shared = 0",
            [connector, *key, seq],
        )?;
    }
    Ok(())
}

/// The keys in a delivery's row: those that it holds exclusively.
pub(super) fn decode(keys: &[u8]) -> Vec<i64> {
    keys.as_chunks().0.iter().map(|key| i64::from_be_bytes(*key)).collect()
}

/// The keys as they stand in a row.
pub(super) fn encode(keys: &[i64]) -> Vec<u8> {
    keys.iter().flat_map(|key| key.to_be_bytes()).collect()
}

fn united(left: &[i64], right: &[i64]) -> Vec<i64> {
    let mut keys = [left, right].concat();
    keys.sort_unstable();
    keys.dedup();
    keys
}

fn latest(sql: &Connection, connector: i64, resource: i64) -> Result<Option<Queued>, Error> {
    Ok(sql.first(
        "SELECT seq, lane, removal, queued, keys, frozen IS NOT NULL FROM deliveries
         WHERE connector = ? AND resource = ? ORDER BY seq DESC LIMIT 1",
        [connector, resource],
        |row| {
            Ok(Queued {
                seq: row.get(0)?,
                lane: row.get(1)?,
                removal: row.get(2)?,
                queued: row.get(3)?,
                keys: decode(&row.get::<_, Vec<u8>>(4)?),
                frozen: row.get(5)?,
            })
        },
    )?)
}

/// Whether a delivery later than `seq` holds one of these keys, shared or not: the change takes them exclusively. `seq`
/// is its resource's last, so that one is another resource's.
fn stands_between(sql: &Connection, connector: i64, seq: i64, keys: &[i64]) -> Result<bool, Error> {
    for key in keys {
        let found = sql.first(
            "SELECT 1 FROM delivery_keys WHERE connector = ? AND key = ? AND seq > ? LIMIT 1",
            [connector, *key, seq],
            |_| Ok(()),
        )?;
        if found.is_some() {
            return Ok(true);
        }
    }
    Ok(false)
}

fn insert(
    transaction: &mut Transaction<'_>,
    connector: i64,
    owed: &Owed<'_>,
    removal: bool,
    keys: &[i64],
    queued: i64,
) -> Result<(), Error> {
    let seq = transaction.next_delivery()?;
    let sql = transaction.sql;
    sql.run(
        "INSERT INTO deliveries (seq, connector, resource, id, version, removal, lane, queued, keys, request_id)
         VALUES (?, ?, ?, ?, ?, ?, 0, ?, ?, ?)",
        params![
            seq,
            connector,
            owed.resource,
            owed.id.as_bytes(),
            owed.version,
            removal,
            queued,
            encode(keys),
            owed.request_id
        ],
    )?;
    insert_keys(sql, connector, seq, keys)?;
    // Lane 0 stands in the row already: only a blocker changes it.
    place_new(sql, connector, seq, owed.resource, keys)
}

/// As [`place`], without writing the row again where nothing blocks it.
fn place_new(sql: &Connection, connector: i64, seq: i64, resource: i64, keys: &[i64]) -> Result<(), Error> {
    let earlier = sql.first(
        "SELECT 1 FROM deliveries WHERE connector = ? AND resource = ? AND seq < ? LIMIT 1",
        [connector, resource, seq],
        |_| Ok(()),
    )?;
    let mut conflicts = earlier.is_some();
    for key in keys {
        conflicts |= sql
            .first(
                "SELECT 1 FROM delivery_keys WHERE connector = ? AND key = ? AND seq < ? LIMIT 1",
                [connector, *key, seq],
                |_| Ok(()),
            )?
            .is_some();
    }
    if conflicts { place(sql, connector, seq, resource, keys) } else { Ok(()) }
}
