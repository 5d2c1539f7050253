//! Lists: paging without a filter by rank, filters by index where one helps, else by a scan.

use std::{cmp::Ordering, sync::Arc};

use rusqlite::Connection;
use scim_connector::ResourceId;
use serde_json::Value;

use super::{
    catalog::{BLOCK_BITS, Catalog, Partition, TenantEntry},
    index::{self, Indexed, Term},
    members::{self, Kinds},
    row::{self, Resource, columns},
    statement::Statements as _,
};
use crate::{
    scim::{
        self, Object, ScimType,
        filter::{Filter, Operator},
        path::AttributePath,
        query::{Query, Sort, SortKey},
        schema::{AttributeType, ResourceType},
    },
    store::{Error, Page, Stored, TenantName, WriteError},
};

/// The most resources whose sort keys are kept.
const SORTED_MAX: usize = 100_000;

/// The longest page that the asking task reads by itself.
const SHORT_PAGE: usize = 200;

/// Finds a page in one snapshot.
pub(super) fn find(
    sql: &Connection,
    catalog: &Catalog,
    tenant: &TenantName,
    resource_type: &Arc<ResourceType>,
    query: &Query,
) -> Result<Page, WriteError> {
    let place = catalog.tenant(tenant).and_then(|tenant| Some((tenant, tenant.partition(&resource_type.kind)?)));
    let Some((tenant, partition)) = place else { return Ok(Page { total: 0, resources: Vec::new() }) };
    let skip = query.start_index.max(1) - 1;
    let search = Search { sql, catalog, tenant, partition, resource_type, filter: query.filter.as_ref() };
    match (&query.filter, &query.sort) {
        (None, None) => Ok(search.ranked(skip, query.count)?),
        (Some(filter), None) if search.is_exact(filter) => Ok(search.indexed(filter, skip, query.count)?),
        (_, None) => Ok(search.in_order(skip, query.count)?),
        (_, Some(sort)) => search.sorted(sort, skip, query.count),
    }
}

/// Whether the answer takes less time than handing the question to another thread would be worth.
pub(super) fn is_short(catalog: &Catalog, tenant: &TenantName, resource_type: &ResourceType, query: &Query) -> bool {
    let place = catalog.tenant(tenant).and_then(|tenant| Some((&**tenant, tenant.partition(&resource_type.kind)?)));
    match (&query.filter, &query.sort, place) {
        (None, None, _) => query.count <= SHORT_PAGE,
        (Some(filter), None, Some(place)) => is_narrow(place, resource_type, filter) && !filter.mentions("members"),
        (Some(_), None, None) => true,
        (_, Some(_), _) => false,
    }
}

/// Whether an index leads to the few that can match.
fn is_narrow(place: (&TenantEntry, Partition), resource_type: &ResourceType, filter: &Filter) -> bool {
    let is_narrow = |part: &Filter| is_narrow(place, resource_type, part);
    match filter {
        Filter::And(parts) => parts.iter().any(is_narrow),
        Filter::Or(parts) => parts.iter().all(is_narrow),
        Filter::Not(_) | Filter::Constant(_) => false,
        Filter::Compare { .. } | Filter::ValuePath { .. } => {
            term(place, resource_type, filter).is_some() || eq(filter, "id").is_some()
        }
    }
}

struct Search<'a> {
    sql: &'a Connection,
    catalog: &'a Catalog,
    tenant: &'a TenantEntry,
    partition: Partition,
    resource_type: &'a Arc<ResourceType>,
    filter: Option<&'a Filter>,
}

impl Search<'_> {
    /// All resources by id: the blocks' counts lead to the first of the page and sum to the total.
    fn ranked(&self, skip: usize, count: usize) -> Result<Page, Error> {
        let blocks: Vec<(i64, usize)> = self.sql.all(
            "SELECT block, count FROM rank_blocks WHERE block >= ? AND block < ? ORDER BY block",
            [self.partition.first() >> BLOCK_BITS, self.partition.end() >> BLOCK_BITS],
            |row| Ok((row.get(0)?, usize::try_from(row.get::<_, i64>(1)?).unwrap_or(0))),
        )?;
        let total = blocks.iter().map(|(_, count)| count).sum();
        if count == 0 || skip >= total {
            return Ok(Page { total, resources: Vec::new() });
        }
        let (mut from, mut left) = (self.partition.first(), skip);
        for (block, count) in blocks {
            from = block << BLOCK_BITS;
            if left < count {
                break;
            }
            left -= count;
        }
        let resources = self.sql.all(
            concat!("SELECT ", columns!(), " FROM resources WHERE no >= ? AND no < ? ORDER BY no LIMIT ? OFFSET ?"),
            [from, self.partition.end(), signed(count), signed(left)],
            Resource::read,
        )?;
        Ok(Page { total, resources: resources.into_iter().map(Resource::stored).collect() })
    }

    /// Whether what an index finds is what matches, no more and no less: one comparison, by the index's own rule.
    fn is_exact(&self, filter: &Filter) -> bool {
        let Filter::Compare { path, .. } = filter else { return false };
        if let Some(Term { attribute: Indexed::Declared(_), .. }) = self.term(filter) {
            return path.filter.is_none();
        }
        if path.urn.is_some() || path.filter.is_some() {
            return false;
        }
        if eq(filter, "id").is_some() {
            return true;
        }
        let Some(Term { attribute: indexed, .. }) = self.term(filter) else { return false };
        let Some(attribute) = self.resource_type.attribute(&path.attribute) else { return false };
        let compared = attribute.sub_attribute("value").unwrap_or(attribute);
        let is_text = compared.kind == AttributeType::String;
        is_text && compared.case_exact == (indexed == Indexed::ExternalId)
    }

    /// What an exact filter finds, by id: only the page's resources are read.
    fn indexed(&self, filter: &Filter, skip: usize, count: usize) -> Result<Page, Error> {
        let mut found = self.candidates_of_one(filter)?.unwrap_or_default();
        found.sort_unstable();
        let mut resources = Vec::new();
        for no in found.iter().skip(skip).take(count) {
            resources.extend(Resource::by_no(self.sql, *no)?.map(Resource::stored));
        }
        Ok(Page { total: found.len(), resources })
    }

    /// What matches, by id: all counted, only the page kept.
    fn in_order(&self, skip: usize, count: usize) -> Result<Page, Error> {
        let (mut total, mut resources) = (0, Vec::new());
        self.each(|resource, _| {
            if total >= skip && resources.len() < count {
                resources.push(resource.stored());
            }
            total += 1;
            Ok::<(), Error>(())
        })?;
        Ok(Page { total, resources })
    }

    /// What matches, by a sort key: all keys kept, then only the page's resources read again.
    fn sorted(&self, sort: &Sort, skip: usize, count: usize) -> Result<Page, WriteError> {
        let mut keys: Vec<(SortKey, i64)> = Vec::new();
        self.each(|resource, evaluated| {
            if keys.len() == SORTED_MAX {
                let detail = format!("more than {SORTED_MAX} resources would have to be sorted; narrow the filter");
                return Err(WriteError::Refused(scim::Error::of(ScimType::TooMany, detail)));
            }
            keys.push((sort.key(self.resource_type, &evaluated), resource.no));
            Ok(())
        })?;
        keys.sort_by(|(left, left_no), (right, right_no)| {
            let order = left.partial_cmp(right).unwrap_or(Ordering::Equal);
            let order = if sort.descending { order.reverse() } else { order };
            order.then(left_no.cmp(right_no))
        });
        let mut resources: Vec<Stored> = Vec::new();
        for (_, no) in keys.iter().skip(skip).take(count) {
            resources.extend(Resource::by_no(self.sql, *no)?.map(Resource::stored));
        }
        Ok(Page { total: keys.len(), resources })
    }

    /// Visits what matches, by id.
    fn each<E: From<Error> + From<rusqlite::Error>>(
        &self,
        mut visit: impl FnMut(Resource, Object) -> Result<(), E>,
    ) -> Result<(), E> {
        let candidates = match self.filter {
            Some(filter) => self.candidates(filter)?,
            None => None,
        };
        if let Some(mut candidates) = candidates {
            candidates.sort_unstable();
            candidates.dedup();
            for no in candidates {
                if let Some(resource) = Resource::by_no(self.sql, no)?
                    && let Some(evaluated) = self.matching(&resource)?
                {
                    visit(resource, evaluated)?;
                }
            }
            return Ok(());
        }
        let mut statement = self.sql.prepare_cached(concat!(
            "SELECT ",
            columns!(),
            " FROM resources WHERE no >= ? AND no < ? ORDER BY no"
        ))?;
        let mut rows = statement.query([self.partition.first(), self.partition.end()])?;
        while let Some(row) = rows.next()? {
            let resource = Resource::read(row)?;
            if let Some(evaluated) = self.matching(&resource)? {
                visit(resource, evaluated)?;
            }
        }
        Ok(())
    }

    /// The resource as filters see it, if it matches.
    fn matching(&self, resource: &Resource) -> Result<Option<Object>, Error> {
        let mut evaluated = resource.evaluated(&self.resource_type.kind)?;
        let Some(filter) = self.filter else { return Ok(Some(evaluated)) };
        let matches = if self.has_members() && filter.mentions("members") {
            let filter = self.members_decided(filter, resource.no)?;
            if filter.mentions("members") {
                evaluated
                    .insert("members".to_owned(), members::evaluated(self.sql, resource.no, &filter, self.kinds())?);
            }
            filter.matches(self.resource_type, &evaluated)
        } else {
            if let Some(groups) = self.tenant.groups()
                && filter.mentions("groups")
            {
                evaluated.insert("groups".to_owned(), members::evaluated_groups(self.sql, groups, resource.id)?);
            }
            filter.matches(self.resource_type, &evaluated)
        };
        Ok(matches.then_some(evaluated))
    }

    /// The filter with the comparisons of a member's value answered from the rows, so that no group's members are read.
    fn members_decided(&self, filter: &Filter, group: i64) -> Result<Filter, Error> {
        let mut failure = None;
        let decided = filter.clone().decided(&mut |part| {
            let member = value_compared(part, "members")?;
            match members::has(self.sql, group, member) {
                Ok(has) => Some(has),
                Err(error) => {
                    failure = Some(error);
                    None
                }
            }
        });
        failure.map_or(Ok(decided), Err)
    }

    /// The numbers of all that can match, found by an index; `None` where none helps.
    fn candidates(&self, filter: &Filter) -> Result<Option<Vec<i64>>, Error> {
        match filter {
            Filter::And(parts) => {
                for part in parts {
                    if let Some(found) = self.candidates_of_one(part)? {
                        return Ok(Some(found));
                    }
                }
                Ok(None)
            }
            Filter::Or(parts) => {
                let mut all = Vec::new();
                for part in parts {
                    let Some(mut found) = self.candidates_of_one(part)? else { return Ok(None) };
                    all.append(&mut found);
                }
                Ok(Some(all))
            }
            Filter::Constant(false) => Ok(Some(Vec::new())),
            Filter::Not(_) | Filter::Constant(true) | Filter::Compare { .. } | Filter::ValuePath { .. } => {
                self.candidates_of_one(filter)
            }
        }
    }

    fn candidates_of_one(&self, filter: &Filter) -> Result<Option<Vec<i64>>, Error> {
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

    fn term(&self, filter: &Filter) -> Option<Term> {
        term((self.tenant, self.partition), self.resource_type, filter)
    }

    fn kinds(&self) -> Kinds<'_> {
        Kinds { catalog: self.catalog, tenant: self.tenant }
    }

    fn has_members(&self) -> bool {
        self.resource_type.kind.is_group()
    }
}

/// The term that all resources have which match this comparison.
fn term((tenant, partition): (&TenantEntry, Partition), resource_type: &ResourceType, filter: &Filter) -> Option<Term> {
    let always = index::always_term(tenant, partition, |attribute, key| {
        let value = if attribute == Indexed::EmailsValue { value_compared(filter, key) } else { eq(filter, key) };
        value.map(str::to_owned)
    });
    always.or_else(|| tenant.declared(partition).iter().find_map(|declared| declared.term_of(resource_type, filter)))
}

/// The text that a core attribute without sub-attributes must equal.
fn eq<'a>(filter: &'a Filter, attribute: &str) -> Option<&'a str> {
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
fn value_compared<'a>(filter: &'a Filter, attribute: &str) -> Option<&'a str> {
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

fn signed(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
