//! Bearer keys, as their hashes.

use std::sync::Arc;

use rusqlite::{Connection, params};

use super::{audit::Entry, statement::Statements as _, writer::Transaction};
use crate::{
    store::{Credential, Error, TenantName},
    time::Timestamp,
};

pub(super) fn add(transaction: &mut Transaction<'_>, credential: &Credential) -> Result<(), Error> {
    transaction.sql.run(
        "INSERT INTO credentials (id, tenant, name, hash, created, expires, last_used, revoked)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        params![
            &*credential.id,
            &*credential.tenant.0,
            credential.name,
            credential.hash,
            credential.created.0,
            credential.expires.map(|at| at.0),
            credential.last_used.map(|at| at.0),
            credential.revoked.map(|at| at.0),
        ],
    )?;
    audit(transaction, &credential.tenant, "added", &credential.id)
}

/// Revokes by id or name what is not revoked yet; whether there was any.
pub(super) fn revoke(
    transaction: &mut Transaction<'_>,
    tenant: &TenantName,
    id_or_name: &str,
    at: Timestamp,
) -> Result<bool, Error> {
    let ids: Vec<String> = transaction.sql.all(
        "SELECT id FROM credentials WHERE tenant = ?1 AND (id = ?2 OR name = ?2) AND revoked IS NULL",
        params![&*tenant.0, id_or_name],
        |row| row.get(0),
    )?;
    for id in &ids {
        transaction.sql.run("UPDATE credentials SET revoked = ? WHERE id = ?", params![at.0, id])?;
        audit(transaction, tenant, "revoked", id)?;
    }
    Ok(!ids.is_empty())
}

pub(super) fn all(sql: &Connection) -> Result<Vec<Credential>, Error> {
    Ok(sql.all(
        "SELECT id, tenant, name, hash, created, expires, last_used, revoked FROM credentials ORDER BY created, id",
        [],
        |row| {
            Ok(Credential {
                id: row.get::<_, String>(0)?.into(),
                tenant: TenantName(row.get::<_, String>(1)?.into()),
                name: row.get(2)?,
                hash: row.get(3)?,
                created: Timestamp(row.get(4)?),
                expires: row.get::<_, Option<i64>>(5)?.map(Timestamp),
                last_used: row.get::<_, Option<i64>>(6)?.map(Timestamp),
                revoked: row.get::<_, Option<i64>>(7)?.map(Timestamp),
            })
        },
    )?)
}

pub(super) fn used(transaction: &Transaction<'_>, used: &[(Arc<str>, Timestamp)]) -> Result<(), Error> {
    for (id, at) in used {
        transaction.sql.run("UPDATE credentials SET last_used = ? WHERE id = ?", params![at.0, &**id])?;
    }
    Ok(())
}

fn audit(
    transaction: &mut Transaction<'_>,
    tenant: &TenantName,
    action: &'static str,
    credential: &str,
) -> Result<(), Error> {
    let entry = Entry::Credential { at: transaction.now, tenant: &tenant.0, action, credential };
    transaction.state.chain.append(transaction.sql, &entry)
}
