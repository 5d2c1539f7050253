//! Lists: paging without a filter by rank, filters by index where one helps, else by a scan.
//!
//! Lists are in order of the resources' numbers, which rise with age and from type to type, unless a client sorts them.
//! A page by cursor begins behind a number (or behind a sort key and a number), so that it costs the same at any depth.

mod candidates;
mod sorted;

use std::{ops::ControlFlow, sync::Arc};

use rusqlite::Connection;

use self::candidates::{eq, is_narrow, term, value_compared};
use super::{
    catalog::{BLOCK_BITS, Catalog, Partition, TenantEntry},
    index::{Indexed, Term},
    members::{self, Kinds},
    row::{Resource, columns},
    statement::Statements as _,
};
use crate::{
    scim::{
        Object,
        cursor::Position,
        filter::Filter,
        query::{Query, Selection, Start},
        schema::{AttributeType, ResourceType},
    },
    store::{Error, Page, TenantName, WriteError},
};

/// The longest page that the asking task reads by itself.
const SHORT_PAGE: usize = 200;

/// Finds a page in one snapshot; `sorted_max` as in `Options`.
pub(super) fn find(
    sql: &Connection,
    catalog: &Catalog,
    tenant: &TenantName,
    query: &Query,
    sorted_max: usize,
) -> Result<Page, WriteError> {
    let Some(tenant) = catalog.tenant(tenant) else { return Ok(Page::EMPTY) };
    let mut searches: Vec<Search<'_>> =
        query.selections.iter().filter_map(|selection| Search::new(sql, catalog, tenant, selection)).collect();
    searches.sort_by_key(|search| search.partition.first());
    match &query.sort {
        None => Ok(in_order(&searches, query)?),
        Some(sort) => sorted::page(&searches, query, sort, sorted_max),
    }
}

/// Whether the answer takes less time than handing the question to another thread would be worth.
pub(super) fn is_short(catalog: &Catalog, tenant: &TenantName, query: &Query) -> bool {
    let Some(tenant) = catalog.tenant(tenant) else { return true };
    let is_short = |selection: &Selection| match (&selection.filter, tenant.partition(&selection.resource_type.kind)) {
        (_, None) => true,
        (None, Some(_)) => query.count <= SHORT_PAGE,
        (Some(filter), Some(partition)) => {
            is_narrow((tenant, partition), &selection.resource_type, filter) && !filter.mentions("members")
        }
    };
    query.sort.is_none() && query.selections.iter().all(is_short)
}

/// A page in order of numbers.
fn in_order(searches: &[Search<'_>], query: &Query) -> Result<Page, Error> {
    let mut range = Range::of(query);
    let (mut total, mut resources, mut last, mut next) = (Some(0), Vec::new(), None, None);
    for search in searches {
        let part = search.part(&range)?;
        total = total.zip(part.total).map(|(total, more)| total + more);
        range.skip = range.skip.saturating_sub(part.total.unwrap_or(0));
        range.limit = range.limit.saturating_sub(part.resources.len());
        for resource in part.resources {
            if resources.len() == query.count {
                next = last.map(|number| Position { key: None, number });
                break;
            }
            last = Some(resource.no);
            resources.push(resource.stored(&search.resource_type.kind));
        }
    }
    Ok(Page { total, resources, next })
}

/// Which part of a list in order of numbers a page is.
struct Range {
    /// Only greater numbers.
    after: i64,
    /// How many of them to pass over.
    skip: usize,
    /// The most to read.
    limit: usize,
    /// Whether all that match are counted, at any cost.
    counts: bool,
}

impl Range {
    fn of(query: &Query) -> Self {
        let whole = Self { after: -1, skip: 0, limit: query.count, counts: true };
        match &query.start {
            Start::Index(index) => Self { skip: index.saturating_sub(1), ..whole },
            // Who wants no resources wants the total.
            Start::After(_) if query.count == 0 => whole,
            // One more than asked for, which tells whether there is a next page.
            Start::After(position) => Self {
                after: position.as_ref().map_or(-1, |position| position.number),
                limit: query.count + 1,
                counts: false,
                ..whole
            },
        }
    }
}

/// What one type has of a page.
struct Part {
    /// How many match in all, as far as that was found out.
    total: Option<usize>,
    resources: Vec<Resource>,
}

/// What is asked of one type.
struct Search<'a> {
    sql: &'a Connection,
    catalog: &'a Catalog,
    tenant: &'a TenantEntry,
    partition: Partition,
    resource_type: &'a Arc<ResourceType>,
    filter: Option<&'a Filter>,
}

impl<'a> Search<'a> {
    /// `None` for a type that the tenant has not.
    fn new(
        sql: &'a Connection,
        catalog: &'a Catalog,
        tenant: &'a TenantEntry,
        selection: &'a Selection,
    ) -> Option<Self> {
        let resource_type = &selection.resource_type;
        let partition = tenant.partition(&resource_type.kind)?;
        let filter = selection.filter.as_ref().filter(|filter| **filter != Filter::Constant(true));
        Some(Self { sql, catalog, tenant, partition, resource_type, filter })
    }

    fn part(&self, range: &Range) -> Result<Part, Error> {
        match self.filter {
            None => self.ranked(range),
            Some(filter) if self.is_exact(filter) => self.indexed(filter, range),
            Some(_) => self.scanned(range),
        }
    }

    /// All resources: the blocks' counts lead to the first of the page and sum to the total.
    fn ranked(&self, range: &Range) -> Result<Part, Error> {
        let blocks: Vec<(i64, usize)> = self.sql.all(
            "SELECT block, count FROM rank_blocks WHERE block >= ? AND block < ? ORDER BY block",
            [self.partition.first() >> BLOCK_BITS, self.partition.end() >> BLOCK_BITS],
            |row| Ok((row.get(0)?, usize::try_from(row.get::<_, i64>(1)?).unwrap_or(0))),
        )?;
        let total = blocks.iter().map(|(_, count)| count).sum();
        if range.limit == 0 || range.skip >= total {
            return Ok(Part { total: Some(total), resources: Vec::new() });
        }
        let (mut from, mut left) = (self.first_after(range.after), range.skip);
        if left > 0 {
            for (block, count) in blocks {
                from = block << BLOCK_BITS;
                if left < count {
                    // In a block without gaps the place is known; else the rows before it are passed by.
                    if count == 1 << BLOCK_BITS {
                        from += signed(std::mem::take(&mut left));
                    }
                    break;
                }
                left -= count;
            }
        }
        let resources = self.sql.all(
            concat!("SELECT ", columns!(), " FROM resources WHERE no >= ? AND no < ? ORDER BY no LIMIT ? OFFSET ?"),
            [from, self.partition.end(), signed(range.limit), signed(left)],
            Resource::read,
        )?;
        Ok(Part { total: Some(total), resources })
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

    /// What an exact filter finds: only the page's resources are read.
    fn indexed(&self, filter: &Filter, range: &Range) -> Result<Part, Error> {
        let mut found = self.candidates(filter)?.unwrap_or_default();
        found.sort_unstable();
        let mut resources = Vec::new();
        for no in found.iter().filter(|no| **no > range.after).skip(range.skip).take(range.limit) {
            resources.extend(Resource::by_no(self.sql, *no)?);
        }
        Ok(Part { total: Some(found.len()), resources })
    }

    /// What matches. To count, all is looked at; without, nothing behind the page.
    fn scanned(&self, range: &Range) -> Result<Part, Error> {
        let (mut matched, mut resources) = (0, Vec::new());
        let is_done = |read: usize| !range.counts && read == range.limit;
        if !is_done(0) {
            self.each(range.after, |resource, _| {
                if matched >= range.skip && resources.len() < range.limit {
                    resources.push(resource);
                }
                matched += 1;
                Ok::<_, Error>(if is_done(resources.len()) {
                    ControlFlow::Break(())
                } else {
                    ControlFlow::Continue(())
                })
            })?;
        }
        Ok(Part { total: range.counts.then_some(matched), resources })
    }

    /// Visits what matches and has a greater number, in order of numbers, until the visitor has enough.
    fn each<E: From<Error> + From<rusqlite::Error>>(
        &self,
        after: i64,
        mut visit: impl FnMut(Resource, Object) -> Result<ControlFlow<()>, E>,
    ) -> Result<(), E> {
        let candidates = match self.filter {
            Some(filter) => self.candidates(filter)?,
            None => None,
        };
        if let Some(mut candidates) = candidates {
            candidates.retain(|no| *no > after);
            candidates.sort_unstable();
            candidates.dedup();
            for no in candidates {
                if let Some(resource) = Resource::by_no(self.sql, no)?
                    && let Some(evaluated) = self.matching(&resource)?
                    && visit(resource, evaluated)?.is_break()
                {
                    break;
                }
            }
            return Ok(());
        }
        let mut statement = self.sql.prepare_cached(concat!(
            "SELECT ",
            columns!(),
            " FROM resources WHERE no >= ? AND no < ? ORDER BY no"
        ))?;
        let mut rows = statement.query([self.first_after(after), self.partition.end()])?;
        while let Some(row) = rows.next()? {
            let resource = Resource::read(row)?;
            if let Some(evaluated) = self.matching(&resource)?
                && visit(resource, evaluated)?.is_break()
            {
                break;
            }
        }
        Ok(())
    }

    /// The smallest number of the type's that is greater.
    fn first_after(&self, after: i64) -> i64 {
        self.partition.first().max(after.saturating_add(1))
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

fn signed(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
