//! Values by which resources are found without a scan, and of which some are unique.

mod declared;

use aws_lc_rs::digest::{SHA256, digest};
use rusqlite::{Connection, params};
use scim_connector::ResourceKind;
use serde_json::Value;

pub(super) use self::declared::{Declared, IndexedPlace};
use super::{
    catalog::{Partition, TenantEntry},
    statement::Statements as _,
};
use crate::{
    scim::{Object, filter::fold_case, schema::ENTERPRISE_URN},
    store::{Error, Tenant, UniqueId},
    time::Timestamp,
};

/// An indexed attribute. The order of terms is that of the variants.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(super) enum Indexed {
    UserName,
    ExternalId,
    EmailsValue,
    DisplayName,
    /// Found when a manager goes; see `references`.
    Manager,
    /// One of [`TenantEntry::declared`], by its number in the file.
    Declared(i64),
}

impl Indexed {
    /// Its number in the file.
    pub(super) const fn number(self) -> i64 {
        match self {
            Self::UserName => 1,
            Self::ExternalId => 2,
            Self::EmailsValue => 3,
            Self::DisplayName => 4,
            Self::Manager => 5,
            Self::Declared(number) => number,
        }
    }

    /// The path of what is always indexed.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::UserName => "userName",
            Self::ExternalId => "externalId",
            Self::EmailsValue => "emails.value",
            Self::DisplayName => "displayName",
            Self::Manager => "manager.value",
            Self::Declared(_) => "",
        }
    }

    /// The attribute's path, for an error's text.
    pub(super) fn path(self, tenant: &TenantEntry, partition: Partition) -> String {
        let Self::Declared(no) = self else { return self.name().to_owned() };
        let declared = tenant.declared(partition).iter().find(|declared| declared.no == no);
        declared.map_or_else(String::new, |declared| declared.place.path())
    }

    /// The form in which equal values are the same text: `externalId` and `manager.value` compare exactly, the others
    /// without case.
    fn term(self, value: &str) -> Term {
        let value = if matches!(self, Self::ExternalId | Self::Manager) { value.to_owned() } else { fold_case(value) };
        Term { attribute: self, value }
    }

    /// Whether no two resources of the partition may share a value.
    pub(super) fn is_unique(self, tenant: &TenantEntry, partition: Partition) -> bool {
        match self {
            Self::UserName => true,
            Self::ExternalId | Self::EmailsValue | Self::DisplayName => tenant
                .kind(partition)
                .is_some_and(|kind| unique_by_policy(&tenant.config, kind).any(|attribute| attribute == self)),
            Self::Manager => false,
            Self::Declared(no) => {
                tenant.declared(partition).iter().any(|declared| declared.no == no && declared.place.is_unique())
            }
        }
    }
}

/// What the tenant's policies make unique in a type, beside `userName`.
pub(super) fn unique_by_policy(tenant: &Tenant, kind: &ResourceKind) -> impl Iterator<Item = Indexed> {
    let unique = match kind.as_str() {
        "User" if tenant.unique_id == UniqueId::ExternalId => Some(Indexed::ExternalId),
        "User" if tenant.unique_id == UniqueId::EmailsValue => Some(Indexed::EmailsValue),
        "Group" if tenant.group_names_unique => Some(Indexed::DisplayName),
        _ => None,
    };
    unique.into_iter()
}

/// A value in the index.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) struct Term {
    pub(super) attribute: Indexed,
    pub(super) value: String,
}

/// What is always indexed of a type, with the key of each in the canonical form. Other types than those of RFC 7643 have
/// these attributes by chance, if at all.
fn always(kind: Option<&ResourceKind>) -> &'static [(Indexed, &'static str)] {
    match kind.map(ResourceKind::as_str) {
        Some("User") => &[
            (Indexed::UserName, "userName"),
            (Indexed::ExternalId, "externalId"),
            (Indexed::DisplayName, "displayName"),
            (Indexed::EmailsValue, "emails"),
        ],
        Some("Group") => &[(Indexed::ExternalId, "externalId"), (Indexed::DisplayName, "displayName")],
        Some(_) | None => &[(Indexed::ExternalId, "externalId")],
    }
}

/// The terms of a resource, sorted, each once.
pub(super) fn terms(tenant: &TenantEntry, partition: Partition, attributes: &Object) -> Vec<Term> {
    let mut terms = Vec::with_capacity(6);
    for (attribute, key) in always(tenant.kind(partition)) {
        match attributes.get(*key) {
            Some(Value::String(value)) => terms.push(attribute.term(value)),
            Some(Value::Array(elements)) => {
                let values = elements.iter().filter_map(|element| element.get("value")?.as_str());
                terms.extend(values.map(|value| attribute.term(value)));
            }
            _ => {}
        }
    }
    for declared in tenant.declared(partition) {
        declared.add_terms(attributes, &mut terms);
    }
    if tenant.users() == Some(partition)
        && let Some(manager) = attributes.get(ENTERPRISE_URN).and_then(|extension| extension.get("manager"))
        && let Some(Value::String(value)) = manager.get("value")
    {
        terms.push(Indexed::Manager.term(value));
    }
    terms.sort();
    terms.dedup();
    terms
}

/// The term of what is always indexed that all resources of the partition have which match this comparison.
pub(super) fn always_term(
    tenant: &TenantEntry,
    partition: Partition,
    compared: impl Fn(Indexed, &str) -> Option<String>,
) -> Option<Term> {
    let mut always = always(tenant.kind(partition)).iter();
    always.find_map(|(attribute, key)| compared(*attribute, key).map(|value| attribute.term(&value)))
}

/// The numbers of the resources that have the term, ascending; at most `limit`.
pub(super) fn find(sql: &Connection, partition: Partition, term: &Term, limit: usize) -> rusqlite::Result<Vec<i64>> {
    sql.all(
        "SELECT resource FROM indexed_values WHERE partition = ? AND attribute = ? AND value = ? LIMIT ?",
        params![partition.0, term.attribute.number(), term.value, i64::try_from(limit).unwrap_or(i64::MAX)],
        |row| row.get(0),
    )
}

/// Indexes a value; `pending` is since when it names nobody, where it is a reference.
pub(super) fn insert(sql: &Connection, resource: i64, term: &Term, pending: Option<Timestamp>) -> rusqlite::Result<()> {
    sql.run(
        "INSERT INTO indexed_values (partition, attribute, value, resource, pending) VALUES (?, ?, ?, ?, ?)",
        params![
            Partition::of(resource).0,
            term.attribute.number(),
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
         WHERE attribute IN (1, 3, 4) AND length(value) <> octet_length(value)",
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
        params![Partition::of(resource).0, term.attribute.number(), term.value, resource],
    )?;
    Ok(())
}

/// The key by which deliveries that take or free this unique value are kept in order. Two values that share a key by
/// chance are kept in order needlessly, which does no harm.
pub(super) fn key(partition: Partition, term: &Term) -> i64 {
    let text = format!("{}\0{}\0{}", partition.0, term.attribute.number(), term.value);
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
