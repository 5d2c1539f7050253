//! Values of a write that no other resource may have, and the order in which they are delivered.

use super::Change;
use crate::{
    scim::{self, Object, ScimType},
    store::{
        Error,
        sqlite::index::{self, Indexed, Term},
    },
};

impl Change<'_, '_> {
    /// The first unique term that another resource than `own` holds, and that resource's number.
    pub(super) fn collision<'t>(
        &self,
        terms: impl IntoIterator<Item = &'t Term>,
        own: Option<i64>,
    ) -> Result<Option<(Indexed, i64)>, Error> {
        for term in terms {
            if !term.attribute.is_unique(self.tenant, self.partition) {
                continue;
            }
            let holders = index::find(self.transaction.sql, self.partition, term, 2)?;
            if let Some(holder) = holders.into_iter().find(|holder| Some(*holder) != own) {
                return Ok(Some((term.attribute, holder)));
            }
        }
        Ok(None)
    }

    pub(super) fn conflict(&self, taken: Indexed) -> scim::Error {
        let path = taken.path(self.tenant, self.partition);
        scim::Error::of(ScimType::Uniqueness, format!("{path} is taken by another {}", self.kind()))
    }

    /// The terms of a resource of the write's type.
    pub(super) fn terms(&self, attributes: &Object) -> Vec<Term> {
        index::terms(self.tenant, self.partition, attributes)
    }

    /// The keys of the unique ones among these terms.
    pub(super) fn keys<'t>(&self, terms: impl Iterator<Item = &'t Term>) -> Vec<i64> {
        terms
            .filter(|term| term.attribute.is_unique(self.tenant, self.partition))
            .map(|term| index::key(self.partition, term))
            .collect()
    }
}
