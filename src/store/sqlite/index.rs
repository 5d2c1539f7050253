//! Values by which resources are found without a scan, and of which some are unique.

use aws_lc_rs::digest::{SHA256, digest};
use rusqlite::{Connection, params};
use serde_json::Value;

use super::{
    catalog::{Partition, TenantEntry},
    statement::Statements as _,
};
use crate::{
    scim::{Object, filter::fold_case, schema::ENTERPRISE_URN},
    store::{Error, UniqueId},
    time::Timestamp,
};

/// An indexed attribute. The numbers are in the file.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(super) enum Indexed {
    UserName = 1,
    ExternalId = 2,
    EmailsValue = 3,
    DisplayName = 4,
    /// Found when a manager goes; see `references`.
    Manager = 5,
}

impl Indexed {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::UserName => "userName",
            Self::ExternalId => "externalId",
            Self::EmailsValue => "emails.value",
            Self::DisplayName => "displayName",
            Self::Manager => "manager.value",
        }
    }

    /// The form in which equal values are the same text: `externalId` and `manager.value` compare exactly, the others
    /// without case.
    pub(super) fn term(self, value: &str) -> Term {
        let value = match self {
            Self::ExternalId | Self::Manager => value.to_owned(),
            Self::UserName | Self::EmailsValue | Self::DisplayName => fold_case(value),
        };
        Term { attribute: self, value }
    }

    /// Whether no two resources of the partition may share a value.
    pub(super) fn is_unique(self, tenant: &TenantEntry, partition: Partition) -> bool {
        let of_groups = tenant.groups() == Some(partition);
        match self {
            Self::UserName => true,
            Self::ExternalId => !of_groups && tenant.config.unique_id == UniqueId::ExternalId,
            Self::EmailsValue => !of_groups && tenant.config.unique_id == UniqueId::EmailsValue,
            Self::DisplayName => of_groups && tenant.config.group_names_unique,
            Self::Manager => false,
        }
    }
}

/// A value in the index.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) struct Term {
    pub(super) attribute: Indexed,
    pub(super) value: String,
}

/// The terms of a resource, sorted, each once.
pub(super) fn terms(attributes: &Object) -> Vec<Term> {
    let mut terms = Vec::with_capacity(6);
    for (attribute, key) in
        [(Indexed::UserName, "userName"), (Indexed::ExternalId, "externalId"), (Indexed::DisplayName, "displayName")]
    {
        if let Some(Value::String(value)) = attributes.get(key) {
            terms.push(attribute.term(value));
        }
    }
    if let Some(Value::Array(emails)) = attributes.get("emails") {
        for email in emails {
            if let Some(Value::String(value)) = email.get("value") {
                terms.push(Indexed::EmailsValue.term(value));
            }
        }
    }
    if let Some(manager) = attributes.get(ENTERPRISE_URN).and_then(|extension| extension.get("manager"))
        && let Some(Value::String(value)) = manager.get("value")
    {
        terms.push(Indexed::Manager.term(value));
    }
    terms.sort();
    terms.dedup();
    terms
}

/// The numbers of the resources that have the term, ascending; at most `limit`.
pub(super) fn find(sql: &Connection, partition: Partition, term: &Term, limit: usize) -> rusqlite::Result<Vec<i64>> {
    sql.all(
        "SELECT resource FROM indexed_values WHERE partition = ? AND attribute = ? AND value = ? LIMIT ?",
        params![partition.0, term.attribute as i64, term.value, i64::try_from(limit).unwrap_or(i64::MAX)],
        |row| row.get(0),
    )
}

/// Indexes a value; `pending` is since when it names nobody, where it is a reference.
pub(super) fn insert(sql: &Connection, resource: i64, term: &Term, pending: Option<Timestamp>) -> rusqlite::Result<()> {
    sql.run(
        "INSERT INTO indexed_values (partition, attribute, value, resource, pending) VALUES (?, ?, ?, ?, ?)",
        params![
            Partition::of(resource).0,
            term.attribute as i64,
            term.value,
            resource,
            pending.map(|Timestamp(since)| since)
        ],
    )?;
    Ok(())
}

/// Folds the values again that were folded by an earlier rule. What that rule folded the new one folds as it would the
/// original.
pub(super) fn fold_again(sql: &Connection) -> Result<(), Error> {
    // ASCII has always been folded the same.
    let rows = sql.all(
        "SELECT partition, attribute, value, resource FROM indexed_values
         WHERE attribute NOT IN (2, 5) AND length(value) <> octet_length(value)",
        [],
        |row| Ok(([row.get::<_, i64>(0)?, row.get(1)?, row.get(3)?], row.get::<_, String>(2)?)),
    )?;
    for ([partition, attribute, resource], value) in rows {
        // Two e-mail addresses of one user may have become the same.
        sql.run(
            "UPDATE OR REPLACE indexed_values SET value = ?
             WHERE partition = ? AND attribute = ? AND value = ? AND resource = ?",
            params![fold_case(&value), partition, attribute, value, resource],
        )?;
    }
    Ok(())
}

pub(super) fn remove(sql: &Connection, resource: i64, term: &Term) -> rusqlite::Result<()> {
    sql.run(
        "DELETE FROM indexed_values WHERE partition = ? AND attribute = ? AND value = ? AND resource = ?",
        params![Partition::of(resource).0, term.attribute as i64, term.value, resource],
    )?;
    Ok(())
}

/// The key by which deliveries that take or free this unique value are kept in order. Two values that share a key by
/// chance are kept in order needlessly, which does no harm.
pub(super) fn key(partition: Partition, term: &Term) -> i64 {
    let text = format!("{}\0{}\0{}", partition.0, term.attribute as i64, term.value);
    hash(text.as_bytes())
}

/// The key of a resource as a member.
pub(super) fn member_key(resource: i64) -> i64 {
    hash(&resource.to_be_bytes())
}

fn hash(bytes: &[u8]) -> i64 {
    let digest = digest(&SHA256, bytes);
    digest.as_ref().first_chunk().map_or(0, |first| i64::from_be_bytes(*first))
}
