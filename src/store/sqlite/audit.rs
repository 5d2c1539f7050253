//! The audit chain: an entry for each acknowledged write, each final outcome at a connector, and each act of an
//! operator. Names, ids and versions only: no data of a person.

use aws_lc_rs::digest::{Context, SHA256};
use rusqlite::{Connection, params};
use scim_connector::ResourceId;
use serde::Serialize;

use super::statement::Statements as _;
use crate::{
    store::{AuditReport, Error},
    time::Timestamp,
};

const HASH_LENGTH: usize = 32;
/// The ends of the chain in `audit_ends`.
const REMOVED: i64 = 0;
const NEWEST: i64 = 1;

/// The end of the chain.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Chain {
    seq: i64,
    hash: [u8; HASH_LENGTH],
}

/// One entry. Its canonical text is compact JSON with the fields in this order.
#[derive(Serialize, Debug)]
#[serde(tag = "entry", rename_all = "kebab-case")]
pub(super) enum Entry<'a> {
    /// A write was acknowledged.
    Write {
        at: Timestamp,
        tenant: &'a str,
        actor: &'a str,
        request_id: &'a str,
        action: &'static str,
        kind: &'a str,
        resource: ResourceId,
        version: i64,
    },
    /// A delivery came to its end.
    Outcome {
        at: Timestamp,
        connector: &'a str,
        request_id: &'a str,
        outcome: &'static str,
        resource: ResourceId,
        version: i64,
    },
    /// An operator acted on a delivery.
    Queue { at: Timestamp, connector: &'a str, action: &'static str, resource: ResourceId, version: i64 },
    /// An operator decided on a removal that a brake withheld.
    Brake {
        at: Timestamp,
        connector: &'a str,
        action: &'static str,
        removal: &'static str,
        resource: ResourceId,
        member: Option<&'a str>,
    },
    /// An operator acted on the store as a whole.
    Store { at: Timestamp, action: &'static str },
    /// A connector was added, changed or removed by another configuration, or what was known of it was discarded, or reset.
    Connector { at: Timestamp, connector: &'a str, action: &'static str },
    /// A credential was added or revoked.
    Credential { at: Timestamp, tenant: &'a str, action: &'static str, credential: &'a str },
}

impl Chain {
    /// Before the first entry.
    pub(super) const START: Self = Self { seq: 0, hash: [0; HASH_LENGTH] };

    /// The end of the chain in the file.
    pub(super) fn load(sql: &Connection) -> Result<Self, Error> {
        Ok(end(sql, NEWEST)?.unwrap_or(Self::START))
    }

    /// Notes that this is the end of the chain: once a transaction, after its last entry.
    pub(super) fn keep(&self, sql: &Connection) -> Result<(), Error> {
        keep_end(sql, NEWEST, *self)
    }

    /// Appends an entry.
    pub(super) fn append(&mut self, sql: &Connection, entry: &Entry<'_>) -> Result<(), Error> {
        let text = serde_json::to_string(entry)
            .map_err(|source| Error::Io { step: "writing an audit entry", source: Box::new(source) })?;
        self.seq += 1;
        self.hash = link(&self.hash, &text);
        sql.run("INSERT INTO audit (seq, entry, hash) VALUES (?, ?, ?)", params![self.seq, text, self.hash])?;
        Ok(())
    }
}

/// Removes the entries up to this one, and keeps where the chain begins then.
pub(super) fn cut(sql: &Connection, last: i64) -> Result<(), Error> {
    let removed =
        sql.first("SELECT hash FROM audit WHERE seq = ?", [last], |row| Ok(Chain { seq: last, hash: row.get(0)? }))?;
    let Some(removed) = removed else { return Ok(()) };
    sql.run("DELETE FROM audit WHERE seq <= ?", [last])?;
    keep_end(sql, REMOVED, removed)
}

/// Reads the whole chain and recomputes each hash.
pub(super) fn verify(sql: &Connection) -> Result<AuditReport, Error> {
    let removed = end(sql, REMOVED)?.unwrap_or(Chain::START);
    let mut chain = removed;
    let mut statement = sql.prepare("SELECT seq, entry, hash FROM audit ORDER BY seq")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let text: String = row.get(1)?;
        chain = Chain { seq: chain.seq + 1, hash: link(&chain.hash, &text) };
        let stored = Chain { seq: row.get(0)?, hash: row.get(2)? };
        if stored != chain {
            return Err(Error::Corrupt { place: format!("audit entry {} breaks the chain", stored.seq) });
        }
    }
    let newest = Chain::load(sql)?;
    if newest != chain {
        let place = format!("audit entries are missing at the end: {} is the last, {} was", chain.seq, newest.seq);
        return Err(Error::Corrupt { place });
    }
    Ok(AuditReport {
        removed: removed.seq.cast_unsigned(),
        entries: (chain.seq - removed.seq).cast_unsigned(),
        head: chain.hash.iter().map(|byte| format!("{byte:02x}")).collect(),
    })
}

/// An end of the chain that was noted.
fn end(sql: &Connection, newest: i64) -> Result<Option<Chain>, Error> {
    Ok(sql.first("SELECT seq, hash FROM audit_ends WHERE newest = ?", [newest], |row| {
        Ok(Chain { seq: row.get(0)?, hash: row.get(1)? })
    })?)
}

fn keep_end(sql: &Connection, newest: i64, Chain { seq, hash }: Chain) -> Result<(), Error> {
    sql.run("INSERT OR REPLACE INTO audit_ends (newest, seq, hash) VALUES (?, ?, ?)", params![newest, seq, hash])?;
    Ok(())
}

fn link(before: &[u8; HASH_LENGTH], entry: &str) -> [u8; HASH_LENGTH] {
    let mut context = Context::new(&SHA256);
    context.update(before);
    context.update(entry.as_bytes());
    let mut hash = [0; HASH_LENGTH];
    hash.copy_from_slice(context.finish().as_ref());
    hash
}
