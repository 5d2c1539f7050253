//! Filters that an index answers, or narrows to a few.

use scim_connector::ResourceId;
use serde_json::Value;

use super::Search;
use crate::{
    scim::{
        filter::{Filter, Operator},
        path::AttributePath,
        schema::ResourceType,
    },
    store::{
        Error,
        sqlite::{
            catalog::{Partition, TenantEntry},
            index::{self, Indexed, Term},
            members, row,
        },
    },
};

/// Whether an index leads to the few that can match.
pub(super) fn is_narrow(place: (&TenantEntry, Partition), resource_type: &ResourceType, filter: &Filter) -> bool {
    let is_narrow = |part: &Filter| is_narrow(place, resource_type, part);
    match filter {
        Filter::And(parts) => parts.iter().any(is_narrow),
        Filter::Or(parts) => parts.iter().all(is_narrow),
        Filter::Not(_) | Filter::Constant(_) => false,
        Filter::Compare { .. } | Filter::ValuePath { .. } => match term(place, resource_type, filter) {
            // An attribute that configuration has indexed may be one that many share.
            Some(Term { attribute: declared @ Indexed::Declared(_), .. }) => declared.is_unique(place.0, place.1),
            Some(_) => true,
            None => eq(filter, "id").is_some(),
        },
    }
}

impl Search<'_> {
    /// The numbers of all that can match, found by an index; `None` where none helps. The parser of filters bounds the
    /// recursion.
    pub(super) fn candidates(&self, filter: &Filter) -> Result<Option<Vec<i64>>, Error> {
        match filter {
            Filter::And(parts) => {
                let is_narrow = |part: &&Filter| is_narrow((self.tenant, self.partition), self.resource_type, part);
                for part in parts.iter().filter(is_narrow).chain(parts) {
                    if let Some(found) = self.candidates(part)? {
                        return Ok(Some(found));
                    }
                }
                Ok(None)
            }
            Filter::Or(parts) => {
                let mut all = Vec::new();
                for part in parts {
                    let Some(mut found) = self.candidates(part)? else { return Ok(None) };
                    all.append(&mut found);
                }
                Ok(Some(all))
            }
            Filter::Constant(false) => Ok(Some(Vec::new())),
            Filter::Not(_) | Filter::Constant(true) => Ok(None),
            Filter::Compare { .. } | Filter::ValuePath { .. } => self.led_to(filter),
        }
    }

    /// The numbers that an index has for one comparison.
    fn led_to(&self, filter: &Filter) -> Result<Option<Vec<i64>>, Error> {
        if let Some(term) = self.term(filter) {
            return Ok(Some(index::find(self.sql, self.partition, &term, usize::MAX)?));
        }
        if let Some(id) = eq(filter, "id") {
            let found = match id.parse::<ResourceId>() {
                Ok(id) => row::number(self.sql, id)?.filter(|no| Partition::of(*no) == self.partition),
                Err(_) => None,
            };
            return Ok(Some(found.into_iter().collect()));
        }
        if self.has_members()
            && let Some(member) = value_compared(filter, "members")
        {
            return Ok(Some(members::groups_with(self.sql, self.partition, member)?));
        }
        if let Some(group) = value_compared(filter, "groups")
            && let Some(groups) = self.tenant.groups()
        {
            return Ok(Some(self.members_of(groups, group)?));
        }
        Ok(None)
    }

    fn members_of(&self, groups: Partition, group: &str) -> Result<Vec<i64>, Error> {
        let Some(no) = members::resolve(self.sql, self.tenant, group)? else { return Ok(Vec::new()) };
        if Partition::of(no) != groups {
            return Ok(Vec::new());
        }
        let mut found = Vec::new();
        for member in members::present(self.sql, no)? {
            found.extend(
                members::resolve(self.sql, self.tenant, &member.value)?
                    .filter(|no| Partition::of(*no) == self.partition),
            );
        }
        Ok(found)
    }
}

/// The term that all resources have which match this comparison.
pub(super) fn term(
    (tenant, partition): (&TenantEntry, Partition),
    resource_type: &ResourceType,
    filter: &Filter,
) -> Option<Term> {
    let always = index::always_term(tenant, partition, |attribute, key| {
        let value = if attribute == Indexed::EmailsValue { value_compared(filter, key) } else { eq(filter, key) };
        value.map(str::to_owned)
    });
    always.or_else(|| tenant.declared(partition).iter().find_map(|declared| declared.term_of(resource_type, filter)))
}

/// The text that a core attribute without sub-attributes must equal.
pub(super) fn eq<'a>(filter: &'a Filter, attribute: &str) -> Option<&'a str> {
    match filter {
        Filter::Compare { path, operator: Operator::Eq, value: Value::String(value) }
            if path.sub_attribute.is_none() && is_core(path, attribute) =>
        {
            Some(value)
        }
        _ => None,
    }
}

/// The text that the `value` of one element must equal: `members eq "x"`, `members.value eq "x"`,
/// `members[value eq "x"]`. Of a value path with more conditions, or behind a filter, the rest is not looked at:
/// for `members` that is only right without one.
pub(super) fn value_compared<'a>(filter: &'a Filter, attribute: &str) -> Option<&'a str> {
    let narrows = attribute == "emails";
    match filter {
        Filter::Compare { path, operator: Operator::Eq, value: Value::String(value) }
            if is_core(path, attribute)
                && path.sub_attribute.as_deref().is_none_or(|name| name.eq_ignore_ascii_case("value"))
                && (narrows || path.filter.is_none()) =>
        {
            Some(value)
        }
        Filter::ValuePath { path, filter } if is_core(path, attribute) => match &**filter {
            Filter::And(parts) if narrows => parts.iter().find_map(|part| eq(part, "value")),
            inner => eq(inner, "value"),
        },
        _ => None,
    }
}

/// Whether a path names that attribute of the core schema.
fn is_core(path: &AttributePath, attribute: &str) -> bool {
    path.urn.as_deref().is_none_or(|urn| urn.starts_with("urn:ietf:params:scim:schemas:core:"))
        && path.attribute.eq_ignore_ascii_case(attribute)
}
