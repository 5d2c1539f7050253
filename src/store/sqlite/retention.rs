//! What is removed for its age, a few rows at a time.

use rusqlite::params;
use serde::Deserialize;

use super::{audit, statement::Statements as _, writer::Transaction};
use crate::{
    store::{Error, Retention},
    time::Timestamp,
};

/// The moment of an audit entry, whatever else is in it.
#[derive(Deserialize)]
struct Moment {
    at: Timestamp,
}

/// Removes at most `limit` of the oldest rows of each table that are too old; whether there may be more.
pub(super) fn retain(transaction: &Transaction<'_>, retention: &Retention, limit: usize) -> Result<bool, Error> {
    let audited = match retention.audit_before {
        Some(before) => prune_audit(transaction, before, limit)?,
        None => false,
    };
    let unknown = match retention.unknown_before {
        Some(before) => {
            let limit = i64::try_from(limit).unwrap_or(i64::MAX);
            let removed = transaction.sql.run(
                "DELETE FROM unknown_shapes WHERE id IN (SELECT id FROM unknown_shapes WHERE last < ? LIMIT ?)",
                params![before.0, limit],
            )?;
            i64::try_from(removed).is_ok_and(|removed| removed == limit)
        }
        None => false,
    };
    Ok(audited || unknown)
}

/// The chain is cut from its beginning only, and where it begins then is kept.
fn prune_audit(transaction: &Transaction<'_>, before: Timestamp, limit: usize) -> Result<bool, Error> {
    let sql = transaction.sql;
    let oldest: Vec<(i64, String)> = sql.all(
        "SELECT seq, entry FROM audit ORDER BY seq LIMIT ?",
        [i64::try_from(limit).unwrap_or(i64::MAX)],
        |row| Ok((row.get(0)?, row.get(1)?)),
    )?;
    let mut last = None;
    for (seq, entry) in &oldest {
        let Ok(Moment { at }) = serde_json::from_str(entry) else {
            return Err(Error::Corrupt { place: format!("audit entry {seq}") });
        };
        if before <= at {
            break;
        }
        last = Some(*seq);
    }
    let Some(last) = last else { return Ok(false) };
    audit::cut(sql, last)?;
    Ok(oldest.len() == limit && oldest.last().is_some_and(|(seq, _)| *seq == last))
}
