//! Requests that were not understood: their shapes, each kept once, the oldest of a tenant dropped.

use aws_lc_rs::digest::{Context, SHA256};
use rusqlite::{Connection, Row, params};

use super::{statement::Statements as _, writer::Transaction};
use crate::{
    scim::shape,
    store::{Error, NotUnderstood, TenantName, UNKNOWN_SHAPES_MAX, UnknownShape},
    time::Timestamp,
};

/// Counts each one with those alike, and drops what is beyond a tenant's bound.
pub(super) fn keep(transaction: &Transaction<'_>, requests: &[NotUnderstood]) -> Result<(), Error> {
    let (sql, now) = (transaction.sql, transaction.now.0);
    for request in requests {
        let latest = serde_json::to_string(request)
            .map_err(|source| Error::Io { step: "writing an unknown shape", source: Box::new(source) })?;
        sql.run(
            "INSERT INTO unknown_shapes (tenant, alike, count, first, last, latest) VALUES (?1, ?2, 1, ?3, ?3, ?4)
             ON CONFLICT (alike) DO UPDATE SET count = count + 1, last = excluded.last, latest = excluded.latest",
            params![&*request.tenant.0, alike(request), now, latest],
        )?;
        sql.run(
            "DELETE FROM unknown_shapes WHERE id IN (
                 SELECT id FROM unknown_shapes WHERE tenant = ? ORDER BY last DESC, id DESC LIMIT -1 OFFSET ?)",
            params![&*request.tenant.0, i64::try_from(UNKNOWN_SHAPES_MAX).unwrap_or(i64::MAX)],
        )?;
    }
    Ok(())
}

/// Those of a tenant or of all, the latest first.
pub(super) fn list(sql: &Connection, tenant: Option<&TenantName>, limit: usize) -> Result<Vec<UnknownShape>, Error> {
    let rows = sql.all(
        "SELECT id, count, first, last, latest FROM unknown_shapes
         WHERE ?1 IS NULL OR tenant = ?1 ORDER BY last DESC, id DESC LIMIT ?2",
        params![tenant.map(|tenant| &*tenant.0), i64::try_from(limit).unwrap_or(i64::MAX)],
        read,
    )?;
    rows.into_iter().map(shown).collect()
}

/// The one with that number.
pub(super) fn show(sql: &Connection, id: u64) -> Result<Option<UnknownShape>, Error> {
    let row =
        sql.first("SELECT id, count, first, last, latest FROM unknown_shapes WHERE id = ?", [id.cast_signed()], read)?;
    row.map(shown).transpose()
}

fn read(row: &Row<'_>) -> rusqlite::Result<([i64; 4], String)> {
    Ok(([row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?], row.get(4)?))
}

fn shown(([id, count, first, last], latest): ([i64; 4], String)) -> Result<UnknownShape, Error> {
    Ok(UnknownShape {
        id: id.cast_unsigned(),
        count: count.cast_unsigned(),
        first: Timestamp(first),
        last: Timestamp(last),
        latest: serde_json::from_str(&latest)
            .map_err(|_| Error::Corrupt { place: format!("the unknown shape {id}") })?,
    })
}

/// What two requests share that say the same of different people.
fn alike(request: &NotUnderstood) -> Vec<u8> {
    let NotUnderstood { tenant, operation, resource_type, error, shape, .. } = request;
    let mut digest = Context::new(&SHA256);
    for part in [&*tenant.0, operation, resource_type, error, &shape::without_lengths(&shape.to_string())] {
        digest.update(part.as_bytes());
        digest.update(&[0]);
    }
    digest.finish().as_ref().to_vec()
}
