//! A group's members as rows: written one by one inside a transaction, read in pages.

use std::{
    cell::Cell,
    collections::{HashMap, hash_map::Entry},
};

use rusqlite::{Connection, params};
use scim_connector::{ResourceId, ResourceKind};
use serde_json::{Value, json};

use super::{
    catalog::{Catalog, ConnectorEntry, Partition, TenantEntry},
    owe, row,
    statement::Statements as _,
};
use crate::{
    scim::{self, Object, filter::Filter, patch, resource::Member, schema::ResourceType},
    store::{Error, GroupOf, Membership},
    time::Timestamp,
};

/// The most members that the operations of one PATCH may read before one more of them reads the whole group: filters
/// over members, and replacements.
pub const MEMBERS_WALKED_MAX: usize = 100_000;

/// The members of one group while a write changes them. Each operation costs the rows it names, not the group's size,
/// but for `replace` and a filter, which read the group.
pub(super) struct Rows<'a> {
    sql: &'a Connection,
    resource_type: &'a ResourceType,
    group: i64,
    /// The group's version after the write.
    version: i64,
    /// Whether a removed member leaves a tombstone: some connector may hold it.
    keep_tombstones: bool,
    kinds: Kinds<'a>,
    /// Since when a member that comes and does not exist is pending.
    now: Timestamp,
    /// Members that came, less those that left.
    net: Cell<i64>,
    /// Whether a member left.
    has_removed: Cell<bool>,
    /// Members read by operations that need the whole group.
    walked: usize,
    /// Whether a member came that does not exist.
    has_pending: Cell<bool>,
    /// Why the store could not, which the trait's errors do not tell.
    failure: Option<Error>,
}

impl<'a> Rows<'a> {
    pub(super) fn new(
        sql: &'a Connection,
        resource_type: &'a ResourceType,
        group: i64,
        version: i64,
        keep_tombstones: bool,
        kinds: Kinds<'a>,
        now: Timestamp,
    ) -> Self {
        let (net, has_removed, has_pending) = (Cell::new(0), Cell::new(false), Cell::new(false));
        Self {
            sql,
            resource_type,
            group,
            version,
            keep_tombstones,
            kinds,
            now,
            net,
            has_removed,
            walked: 0,
            has_pending,
            failure: None,
        }
    }

    /// The store's failure, if that is what an error of the trait's methods stood for.
    pub(super) fn failure(&mut self) -> Option<Error> {
        self.failure.take()
    }

    /// Members that came, less those that left.
    pub(super) fn net(&self) -> i64 {
        self.net.get()
    }

    /// Whether a member left.
    pub(super) fn has_removed(&self) -> bool {
        self.has_removed.get()
    }

    /// Whether a member came that does not exist.
    pub(super) fn has_pending(&self) -> bool {
        self.has_pending.get()
    }

    /// The moment from which a member that comes is pending; `None` for one that exists.
    fn pending(&self, member: &str) -> Result<Option<i64>, Error> {
        if resolve(self.sql, self.kinds.tenant, member)?.is_some() {
            return Ok(None);
        }
        self.has_pending.set(true);
        Ok(Some(self.now.0))
    }

    fn guarded<T>(&mut self, result: Result<T, Error>) -> Result<T, scim::Error> {
        result.map_err(|error| {
            self.failure = Some(error);
            scim::Error::internal("the store failed")
        })
    }

    fn put(&self, member: &Member) -> Result<bool, Error> {
        let row = self.sql.first(
            "SELECT present, display FROM memberships WHERE in_group = ? AND member = ?",
            params![self.group, member.value],
            |row| Ok((row.get::<_, bool>(0)?, row.get::<_, Option<String>>(1)?)),
        )?;
        match row {
            None => {
                self.sql.run(
                    "INSERT INTO memberships (in_group, member, version, present, display, pending)
                     VALUES (?, ?, ?, 1, ?, ?)",
                    params![self.group, member.value, self.version, member.display, self.pending(&member.value)?],
                )?;
                self.net.set(self.net.get() + 1);
                Ok(true)
            }
            Some((true, display)) => {
                // A client that names a member without `display` does not clear it.
                let changes = member.display.is_some() && member.display != display;
                if changes {
                    self.sql.run(
                        "UPDATE memberships SET display = ? WHERE in_group = ? AND member = ?",
                        params![member.display, self.group, member.value],
                    )?;
                }
                Ok(changes)
            }
            Some((false, _)) => {
                self.sql.run(
                    "UPDATE memberships SET present = 1, version = ?, display = ?, gone = NULL, pending = ?
                     WHERE in_group = ? AND member = ?",
                    params![self.version, member.display, self.pending(&member.value)?, self.group, member.value],
                )?;
                self.net.set(self.net.get() + 1);
                Ok(true)
            }
        }
    }

    fn take(&self, value: &str) -> Result<bool, Error> {
        let removed = remove(self.sql, (self.group, self.version), value, None, self.keep_tombstones)?;
        self.net.set(self.net.get() - i64::from(removed));
        self.has_removed.set(self.has_removed.get() | removed);
        Ok(removed)
    }

    /// All members, for an operation that needs the whole group.
    fn walk(&mut self) -> Result<Vec<Member>, Error> {
        let members = present(self.sql, self.group)?;
        self.walked += members.len();
        Ok(members)
    }

    /// Refuses another walk where walks have read too much.
    fn may_walk(&self) -> Result<(), scim::Error> {
        if self.walked > MEMBERS_WALKED_MAX {
            let detail = format!("the operations read more than {MEMBERS_WALKED_MAX} members: name members by value");
            return Err(scim::Error::too_large(detail));
        }
        Ok(())
    }

    fn take_matching(&mut self, filter: Option<&Filter>) -> Result<bool, Error> {
        // The inner filter speaks of one element of `members`.
        let whole = filter.map(|filter| Filter::ValuePath { path: members_path(), filter: Box::new(filter.clone()) });
        let kinds = whole.as_ref().is_some_and(asks_type).then_some(self.kinds);
        let mut any = false;
        for member in self.walk()? {
            let selected = match &whole {
                Some(whole) => {
                    let element = element(self.sql, &member, kinds)?;
                    let resource = Object::from_iter([("members".to_owned(), json!([element]))]);
                    whole.matches(self.resource_type, &resource)
                }
                None => true,
            };
            if selected {
                any |= self.take(&member.value)?;
            }
        }
        Ok(any)
    }

    fn make(&mut self, members: &[Member]) -> Result<bool, Error> {
        let wanted: HashMap<&str, &Member> = members.iter().map(|member| (&*member.value, member)).collect();
        let mut changed = false;
        for member in self.walk()? {
            if !wanted.contains_key(&*member.value) {
                changed |= self.take(&member.value)?;
            }
        }
        for member in members {
            changed |= self.put(member)?;
        }
        Ok(changed)
    }
}

impl patch::Members for Rows<'_> {
    fn add(&mut self, member: Member) -> Result<bool, scim::Error> {
        let done = self.put(&member);
        self.guarded(done)
    }

    fn remove(&mut self, value: &str) -> Result<bool, scim::Error> {
        let done = self.take(value);
        self.guarded(done)
    }

    fn remove_matching(&mut self, filter: Option<&Filter>) -> Result<bool, scim::Error> {
        self.may_walk()?;
        let done = self.take_matching(filter);
        self.guarded(done)
    }

    fn replace(&mut self, members: Vec<Member>) -> Result<bool, scim::Error> {
        self.may_walk()?;
        let done = self.make(&members);
        self.guarded(done)
    }
}

fn members_path() -> scim::path::AttributePath {
    scim::path::AttributePath { urn: None, attribute: "members".to_owned(), filter: None, sub_attribute: None }
}

/// What the types of members are found by.
#[derive(Clone, Copy)]
pub(super) struct Kinds<'a> {
    pub(super) catalog: &'a Catalog,
    pub(super) tenant: &'a TenantEntry,
}

impl<'a> Kinds<'a> {
    /// The type of a member; `None` for a pending reference.
    fn of(self, sql: &Connection, member: &str) -> Result<Option<&'a ResourceKind>, Error> {
        resolve(sql, self.tenant, member)?.map(|no| self.catalog.kind(no)).transpose()
    }
}

/// Whether a filter on groups may ask for the type of a member, which takes a look at the member.
fn asks_type(filter: &Filter) -> bool {
    match filter {
        Filter::And(parts) | Filter::Or(parts) => parts.iter().any(asks_type),
        Filter::Not(inner) => asks_type(inner),
        Filter::Compare { path, .. } => {
            let names_it = |name: &str| name.eq_ignore_ascii_case("type");
            names_it(&path.attribute)
                || path.sub_attribute.as_deref().is_some_and(names_it)
                || path.filter.as_deref().is_some_and(asks_type)
        }
        Filter::ValuePath { filter, .. } => asks_type(filter),
        Filter::Constant(_) => false,
    }
}

/// A member as filters see it; its type only with `kinds`.
fn element(sql: &Connection, member: &Member, kinds: Option<Kinds<'_>>) -> Result<Value, Error> {
    let mut element = Object::from_iter([("value".to_owned(), Value::from(&*member.value))]);
    if let Some(display) = &member.display {
        element.insert("display".to_owned(), display.as_str().into());
    }
    if let Some(kinds) = kinds
        && let Some(kind) = kinds.of(sql, &member.value)?
    {
        element.insert("type".to_owned(), kind.as_str().into());
    }
    Ok(Value::Object(element))
}

/// Removes one member from a group that gets this version; whether it was there. `gone` is the member's number where it
/// was deleted.
pub(super) fn remove(
    sql: &Connection,
    (group, version): (i64, i64),
    member: &str,
    gone: Option<i64>,
    keep_tombstone: bool,
) -> Result<bool, Error> {
    let changed = if keep_tombstone {
        sql.run(
            "UPDATE memberships SET present = 0, version = ?, display = NULL, gone = ?, pending = NULL
             WHERE in_group = ? AND member = ? AND present = 1",
            params![version, gone, group, member],
        )?
    } else {
        sql.run("DELETE FROM memberships WHERE in_group = ? AND member = ?", params![group, member])?
    };
    Ok(changed > 0)
}

/// Notes in the tombstones of a member that it was deleted. The groups that they are of.
pub(super) fn bury(sql: &Connection, groups: Partition, member: &str, no: i64) -> Result<Vec<i64>, Error> {
    Ok(sql.all(
        "UPDATE memberships SET gone = ? WHERE member = ? AND in_group >= ? AND in_group < ? AND present = 0
         RETURNING in_group",
        params![no, member, groups.first(), groups.end()],
        |row| row.get(0),
    )?)
}

/// All members; for the operations that need the whole group.
pub(super) fn present(sql: &Connection, group: i64) -> Result<Vec<Member>, Error> {
    Ok(sql.all("SELECT member, display FROM memberships WHERE in_group = ? AND present = 1", [group], |row| {
        Ok(Member { value: row.get(0)?, display: row.get(1)? })
    })?)
}

/// A page of members, by value.
pub(super) fn page(
    sql: &Connection,
    kinds: Kinds<'_>,
    group: i64,
    after: Option<&str>,
    limit: usize,
) -> Result<Vec<Membership>, Error> {
    let rows = sql.all(
        "SELECT member, display FROM memberships
         WHERE in_group = ? AND member > ? AND present = 1 ORDER BY member LIMIT ?",
        params![group, after.unwrap_or(""), i64::try_from(limit).unwrap_or(i64::MAX)],
        |row| Ok(Member { value: row.get(0)?, display: row.get(1)? }),
    )?;
    rows.into_iter()
        .map(|member| {
            let kind = kinds.of(sql, &member.value)?.cloned();
            Ok(Membership { member, kind })
        })
        .collect()
}

/// The number of the tenant's resource that a member names; `None` for a pending reference.
pub(super) fn resolve(sql: &Connection, tenant: &TenantEntry, member: &str) -> Result<Option<i64>, Error> {
    let Ok(id) = member.parse::<ResourceId>() else { return Ok(None) };
    Ok(row::number(sql, id)?.filter(|no| tenant.has(*no)))
}

/// The numbers of the groups that have the member, ascending.
pub(super) fn groups_with(sql: &Connection, groups: Partition, member: &str) -> Result<Vec<i64>, Error> {
    Ok(sql.all(
        "SELECT memberships.in_group FROM memberships INDEXED BY memberships_by_member
         WHERE member = ? AND in_group >= ? AND in_group < ? AND present = 1 ORDER BY in_group",
        params![member, groups.first(), groups.end()],
        |row| row.get(0),
    )?)
}

/// Whether the group has the member.
pub(super) fn has(sql: &Connection, group: i64, member: &str) -> Result<bool, Error> {
    Ok(sql
        .first(
            "SELECT 1 FROM memberships WHERE in_group = ? AND member = ? AND present = 1",
            params![group, member],
            |_| Ok(()),
        )?
        .is_some())
}

/// The direct groups of each resource. Each group is read once.
pub(super) fn groups_of(
    sql: &Connection,
    groups: Partition,
    members: &[ResourceId],
) -> Result<Vec<Vec<GroupOf>>, Error> {
    let mut memberships = sql.prepare_cached(
        "SELECT in_group FROM memberships INDEXED BY memberships_by_member
         WHERE member = ? AND in_group >= ? AND in_group < ? AND present = 1 ORDER BY in_group",
    )?;
    let mut known: HashMap<i64, GroupOf> = HashMap::new();
    let mut all = Vec::with_capacity(members.len());
    for member in members {
        let mut of_member = Vec::new();
        let mut rows = memberships.query(params![member.to_string(), groups.first(), groups.end()])?;
        while let Some(row) = rows.next()? {
            let no = row.get(0)?;
            let group = match known.entry(no) {
                Entry::Occupied(group) => Some(group.get().clone()),
                Entry::Vacant(place) => group(sql, no)?.map(|group| place.insert(group).clone()),
            };
            of_member.extend(group);
        }
        all.push(of_member);
    }
    Ok(all)
}

fn group(sql: &Connection, no: i64) -> rusqlite::Result<Option<GroupOf>> {
    sql.first("SELECT id, body ->> '$.displayName' FROM resources WHERE no = ?", [no], |row| {
        Ok(GroupOf { id: ResourceId::from_bytes(row.get(0)?), display: row.get(1)? })
    })
}

/// Deletes tombstones that no connector needs: each has confirmed the removal, or never heard of the group.
pub(super) fn purge(
    sql: &Connection,
    connectors: &[&ConnectorEntry],
    (group, id): (i64, ResourceId),
) -> Result<(), Error> {
    let mut confirmed = i64::MAX;
    for connector in connectors {
        let version = sql.first(
            "SELECT version FROM ledger WHERE connector = ? AND resource = ?",
            [connector.no, group],
            |row| row.get(0),
        )?;
        confirmed = match version {
            Some(version) => confirmed.min(version),
            // That may be half done.
            None if owe::may_have_taken_effect(sql, connector.no, group, id)? => 0,
            None => confirmed,
        };
    }
    sql.run("DELETE FROM memberships WHERE in_group = ? AND version <= ? AND present = 0", [group, confirmed])?;
    Ok(())
}

/// A group's members as this filter sees them.
pub(super) fn evaluated(sql: &Connection, group: i64, filter: &Filter, kinds: Kinds<'_>) -> Result<Value, Error> {
    let kinds = asks_type(filter).then_some(kinds);
    present(sql, group)?.iter().map(|member| element(sql, member, kinds)).collect()
}

/// The groups of a resource, as filters see them.
pub(super) fn evaluated_groups(sql: &Connection, groups: Partition, member: ResourceId) -> Result<Value, Error> {
    Ok(groups_of(sql, groups, &[member])?
        .into_iter()
        .flatten()
        .map(|group| json!({ "value": group.id.to_string(), "display": group.display, "type": "direct" }))
        .collect())
}
