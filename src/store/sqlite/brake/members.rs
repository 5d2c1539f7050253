//! Members whose removal from a group is withheld.
//!
//! What a write removed is seen when it is done, from the rows that have its version. A member that is deleted leaves its
//! groups with its own deletion: where that is withheld, so is this, and where it goes, this goes before it.

use std::collections::HashMap;

use rusqlite::{Connection, params};
use scim_connector::ResourceId;

use super::{
    RELEASED, STAGED, alarm, owe_anew,
    window::{ENTRANCE, Window},
};
use crate::store::{
    Error,
    sqlite::{
        catalog::{ConnectorEntry, Partition, TenantEntry},
        index, members, owe,
        row::Resource,
        statement::Statements as _,
        writer::Transaction,
    },
};

/// A write of a group.
pub(in crate::store::sqlite) struct GroupWrite {
    pub(in crate::store::sqlite) group: i64,
    pub(in crate::store::sqlite) id: ResourceId,
    /// The version that it made.
    pub(in crate::store::sqlite) version: i64,
    /// How many members there were before it.
    pub(in crate::store::sqlite) members: i64,
    /// Whether it removed any.
    pub(in crate::store::sqlite) removed: bool,
}

/// A connector that has the group, and what was removed there.
struct Holder<'a> {
    connector: &'a ConnectorEntry,
    window: Window,
    is_alarmed: bool,
}

/// Takes note of the members that a write added and removed; the removals beyond a limit are withheld.
pub(in crate::store::sqlite) fn withhold(
    transaction: &Transaction<'_>,
    tenant: &TenantEntry,
    write: &GroupWrite,
) -> Result<(), Error> {
    let sql = transaction.sql;
    let has_staged =
        sql.first("SELECT 1 FROM staged_members WHERE in_group = ? LIMIT 1", [write.group], |_| Ok(()))?.is_some();
    if has_staged {
        // Who is a member again is removed no more.
        sql.run(
            "DELETE FROM staged_members WHERE in_group = ?1 AND member IN (
                 SELECT member FROM memberships INDEXED BY memberships_by_version
                 WHERE in_group = ?1 AND version = ?2 AND present = 1)",
            [write.group, write.version],
        )?;
    }
    if !write.removed {
        return Ok(());
    }
    let mut holders = holders(transaction, tenant, write)?;
    if holders.is_empty() {
        return Ok(());
    }
    let mut entrance = Window::open(transaction, &tenant.config.brake, (ENTRANCE, write.group), write.members)?;
    let removed: Vec<String> = sql.all(
        "SELECT member FROM memberships INDEXED BY memberships_by_version
         WHERE in_group = ? AND version = ? AND present = 0",
        [write.group, write.version],
        |row| row.get(0),
    )?;
    for member in removed {
        let Some(no) = members::resolve(sql, tenant, &member)? else { continue };
        let mut enters = None;
        for holder in &mut holders {
            let connector = holder.connector;
            let is_theirs = connector.takes(Partition::of(no))
                && is_confirmed(sql, connector.no, no)?
                && !(has_staged && is_withheld(sql, connector.no, write.group, &member)?);
            if !is_theirs {
                continue;
            }
            let passes_entrance = match enters {
                Some(passes) => passes,
                None => *enters.insert(entrance.passes(transaction, no)?),
            };
            if passes_entrance && holder.window.passes(transaction, no)? {
                continue;
            }
            if !std::mem::replace(&mut holder.is_alarmed, true) {
                alarm(sql, connector)?;
            }
            sql.run(
                "INSERT INTO staged_members (in_group, member, connector, resource, group_id, since, state, at_entrance)
                 VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                params![
                    write.group,
                    member,
                    connector.no,
                    no,
                    write.id.as_bytes(),
                    transaction.now.0,
                    STAGED,
                    !passes_entrance
                ],
            )?;
        }
    }
    Ok(())
}

fn holders<'a>(
    transaction: &Transaction<'_>,
    tenant: &'a TenantEntry,
    write: &GroupWrite,
) -> Result<Vec<Holder<'a>>, Error> {
    let mut holders = Vec::new();
    for connector in tenant.holders(Partition::of(write.group)) {
        if is_confirmed(transaction.sql, connector.no, write.group)? {
            let whole = (connector.no, write.group);
            let window = Window::open(transaction, &connector.config.brake, whole, write.members)?;
            holders.push(Holder { connector, window, is_alarmed: false });
        }
    }
    Ok(holders)
}

fn is_confirmed(sql: &Connection, connector: i64, resource: i64) -> Result<bool, Error> {
    Ok(sql
        .first("SELECT 1 FROM ledger WHERE connector = ? AND resource = ?", [connector, resource], |_| Ok(()))?
        .is_some())
}

fn is_withheld(sql: &Connection, connector: i64, group: i64, member: &str) -> Result<bool, Error> {
    Ok(sql
        .first(
            "SELECT 1 FROM staged_members WHERE in_group = ? AND member = ? AND connector = ?",
            params![group, member, connector],
            |_| Ok(()),
        )?
        .is_some())
}

/// Keeps a member, whose deletion the connector is not told, in a group there.
pub(in crate::store::sqlite) fn stay(
    transaction: &Transaction<'_>,
    connector: i64,
    group: &Resource,
    member: &Resource,
) -> Result<(), Error> {
    transaction.sql.run(
        "INSERT OR IGNORE INTO staged_members
         (in_group, member, connector, resource, group_id, since, state, at_entrance)
         SELECT ?1, ?2, staged.connector, staged.resource, ?3, ?4, ?5, at_entrance
         FROM staged JOIN ledger ON ledger.connector = staged.connector AND ledger.resource = ?1
         WHERE staged.connector = ?6 AND staged.resource = ?7",
        params![group.no, member.id.to_string(), group.id.as_bytes(), transaction.now.0, STAGED, connector, member.no],
    )?;
    Ok(())
}

/// The member's deletion goes, so it leaves its groups there before.
pub(in crate::store::sqlite) fn follow(
    transaction: &mut Transaction<'_>,
    connector: &ConnectorEntry,
    member: ResourceId,
    request_id: &str,
) -> Result<(), Error> {
    let sql = transaction.sql;
    let left: Vec<(i64, i64)> = sql.all(
        "UPDATE staged_members SET state = ?1 WHERE connector = ?2 AND member = ?3 AND state <> ?1
         RETURNING in_group, resource",
        params![RELEASED, connector.no, member.to_string()],
        |row| Ok((row.get(0)?, row.get(1)?)),
    )?;
    for (group, no) in left {
        if let Some(group) = Resource::by_no(sql, group)? {
            owe_anew(transaction, connector, &group, None, request_id)?;
            owe::share_key(sql, connector.no, group.no, index::member_key(no))?;
        }
    }
    Ok(())
}

/// Forgets what is withheld of a group that goes.
pub(in crate::store::sqlite) fn forget(sql: &Connection, connector: i64, group: i64) -> Result<(), Error> {
    sql.run("DELETE FROM staged_members WHERE in_group = ? AND connector = ?", [group, connector])?;
    Ok(())
}

/// The group's delivery was applied, and with it the removals that had been released by then.
pub(in crate::store::sqlite) fn settled(sql: &Connection, connector: i64, group: i64) -> Result<(), Error> {
    sql.run(
        "DELETE FROM staged_members WHERE in_group = ? AND connector = ? AND state = ?",
        [group, connector, RELEASED],
    )?;
    Ok(())
}

/// What a group's delivery has to know of withheld removals.
#[derive(Default)]
pub(in crate::store::sqlite) struct Withheld {
    /// Members that stay, with their numbers.
    pub(in crate::store::sqlite) kept: HashMap<String, i64>,
    /// Members, with their numbers, that were released since the last delivery.
    pub(in crate::store::sqlite) released: HashMap<String, i64>,
}

impl Withheld {
    /// Of a group at a connector.
    pub(in crate::store::sqlite) fn read(sql: &Connection, connector: i64, group: i64) -> Result<Self, Error> {
        let rows: Vec<(String, i64, i64)> = sql.all(
            "SELECT member, resource, state FROM staged_members WHERE in_group = ? AND connector = ?",
            [group, connector],
            |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
        )?;
        let mut withheld = Self::default();
        for (member, no, state) in rows {
            let those = if state == RELEASED { &mut withheld.released } else { &mut withheld.kept };
            those.insert(member, no);
        }
        Ok(withheld)
    }
}
