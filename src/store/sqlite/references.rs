//! Pending references: members and managers that a client named and that are not there.
//!
//! A reference is kept as it came. Since when it names nobody stands in its row (`pending`): in `memberships`, and for a
//! manager in `indexed_values`. It is written with the row and goes with it, so that counting costs what is pending, and
//! nothing else costs more than the rows that a write names.

use rusqlite::{Connection, params};
use scim_connector::ResourceId;

use super::{
    catalog::{Catalog, Partition, TenantEntry},
    index::{Indexed, Term},
    members,
    statement::Statements as _,
    writer::Transaction,
};
use crate::{
    store::{Error, PendingReferences, ReferenceAttribute},
    time::Timestamp,
};

/// The moment from which an indexed value is a pending reference; `None` for one that names a resource, or is none.
pub(super) fn pending(
    transaction: &mut Transaction<'_>,
    tenant: &TenantEntry,
    partition: Partition,
    term: &Term,
) -> Result<Option<Timestamp>, Error> {
    if term.attribute != Indexed::Manager {
        return Ok(None);
    }
    let found = members::resolve(transaction.sql, tenant, &term.value)?;
    if found.is_some_and(|no| Partition::of(no) == partition) {
        return Ok(None);
    }
    transaction.state.has_pending = true;
    Ok(Some(transaction.now))
}

/// Resolves the references to a resource that was created.
pub(super) fn arrived(
    transaction: &Transaction<'_>,
    tenant: &TenantEntry,
    partition: Partition,
    id: ResourceId,
) -> Result<(), Error> {
    if !transaction.state.has_pending {
        return Ok(());
    }
    let (sql, id) = (transaction.sql, id.to_string());
    if let Some(groups) = tenant.groups() {
        sql.run(
            "UPDATE memberships INDEXED BY memberships_pending SET pending = NULL
             WHERE member = ? AND in_group >= ? AND in_group < ? AND pending IS NOT NULL",
            params![id, groups.first(), groups.end()],
        )?;
    }
    sql.run(
        "UPDATE indexed_values INDEXED BY indexed_values_pending SET pending = NULL
         WHERE partition = ? AND value = ? AND attribute = ? AND pending IS NOT NULL",
        params![partition.0, id, Indexed::Manager.number()],
    )?;
    Ok(())
}

/// Makes the references to a manager who was deleted pending. Members need none of it: they leave their groups.
pub(super) fn left(transaction: &mut Transaction<'_>, partition: Partition, id: ResourceId) -> Result<(), Error> {
    let named = transaction.sql.run(
        "UPDATE indexed_values SET pending = ? WHERE partition = ? AND attribute = ? AND value = ?",
        params![transaction.now.0, partition.0, Indexed::Manager.number(), id.to_string()],
    )?;
    transaction.state.has_pending |= named > 0;
    Ok(())
}

/// Whether any reference is pending.
pub(super) fn has_any(sql: &Connection) -> Result<bool, Error> {
    let any = sql.first(
        "SELECT EXISTS (SELECT 1 FROM memberships WHERE pending IS NOT NULL)
             OR EXISTS (SELECT 1 FROM indexed_values WHERE pending IS NOT NULL)",
        [],
        |row| row.get(0),
    )?;
    Ok(any.unwrap_or(false))
}

/// How many references are pending, of every tenant.
pub(super) fn counts(sql: &Connection, catalog: &Catalog) -> Result<Vec<PendingReferences>, Error> {
    let mut counts = Vec::new();
    for tenant in catalog.tenants() {
        let groups = tenant.groups().map(|groups| (groups.first(), groups.end())).unwrap_or_default();
        let users = tenant.users().map_or(0, |users| users.0);
        for (attribute, text, bounds) in [
            (
                ReferenceAttribute::Members,
                "SELECT count(*), min(pending) FROM memberships INDEXED BY memberships_pending
                 WHERE pending IS NOT NULL AND in_group >= ? AND in_group < ?",
                groups,
            ),
            (
                ReferenceAttribute::Manager,
                "SELECT count(*), min(pending) FROM indexed_values INDEXED BY indexed_values_pending
                 WHERE pending IS NOT NULL AND partition >= ? AND partition <= ?",
                (users, users),
            ),
        ] {
            let found = sql.first(text, bounds, |row| Ok((row.get::<_, i64>(0)?, row.get::<_, Option<i64>>(1)?)))?;
            let (count, oldest) = found.unwrap_or_default();
            counts.push(PendingReferences {
                tenant: tenant.config.name.clone(),
                attribute,
                count: count.cast_unsigned(),
                oldest: oldest.map(Timestamp),
            });
        }
    }
    Ok(counts)
}
