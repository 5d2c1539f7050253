//! Other schemas than those that the stored resources were written under: whether the resources can live with them, and
//! the indexes that they want.
//!
//! What a configuration wants is compared with what the file says before anybody is served by it. A partition is read
//! only where its schemas changed. Indexes are built and dropped part by part, each in a transaction of its own; one
//! that a crash left half built is dropped and built anew.

use std::sync::Arc;

use rusqlite::{Connection, params};
use scim_connector::{ResourceId, ResourceKind};

use super::{
    SqliteStore,
    catalog::{Partition, known_partition},
    index::{self, Declared, Indexed, IndexedPlace, Term},
    row::{Resource, columns},
    statement::Statements as _,
};
use crate::{
    scim::schema::{Demand, ResourceType, ResourceTypes, Schema, demands},
    store::{Error, Tenant, UniqueId},
};

/// Resources indexed, or index rows dropped, in one transaction.
const PART: i64 = 2_000;

const BUILDING: i64 = 0;
const IN_USE: i64 = 1;
const TO_DROP: i64 = 2;

impl SqliteStore {
    /// Makes what is stored ready for the schemas of another configuration, part by part, or refuses it; whether
    /// anything stored was looked at. Nobody is served by it yet.
    pub(super) async fn evolve(&self, tenants: Vec<Tenant>) -> Result<bool, Error> {
        let is_changed = is_changed(&*self.reader()?, &tenants)?;
        if is_changed {
            let wanted = tenants.clone();
            self.long_read(move |sql, _| check(sql, &wanted)).await?;
        }
        let wanted = tenants.clone();
        let building = self.change(move |transaction| begin(transaction.sql, &wanted)).await?;
        let is_indexed_anew = !building.is_empty();
        for mut index in building {
            loop {
                let (built, more) = self.change(move |transaction| index.build_part(transaction.sql)).await?;
                index = built;
                if !more {
                    break;
                }
            }
        }
        if is_changed || tenants.iter().any(|tenant| tenant.unique_id == UniqueId::ExternalId) {
            self.long_read(move |sql, _| check_unique(sql, &tenants)).await?;
        }
        Ok(is_changed || is_indexed_anew)
    }
}

/// Whether any schema differs from what resources were written under. Refuses a configuration without a type that has
/// resources.
pub(super) fn is_changed(sql: &Connection, tenants: &[Tenant]) -> Result<bool, Error> {
    let mut is_changed = false;
    for tenant in tenants {
        check_gone(sql, tenant)?;
        for (resource_type, partition) in known_types(sql, tenant)? {
            is_changed |= changed_from(sql, &resource_type, partition)?.is_some();
        }
    }
    Ok(is_changed)
}

/// What the resources of a type were written under, where that was something else.
fn changed_from(sql: &Connection, resource_type: &ResourceType, partition: Partition) -> Result<Option<String>, Error> {
    let now = text(resource_type)?;
    Ok(written(sql, partition)?.filter(|written| *written != now))
}

/// Refuses schemas that the stored resources do not satisfy.
pub(super) fn check(sql: &Connection, tenants: &[Tenant]) -> Result<(), Error> {
    for tenant in tenants {
        for (resource_type, partition) in known_types(sql, tenant)? {
            let Some(written) = changed_from(sql, &resource_type, partition)? else { continue };
            let before: Vec<(Schema, bool)> = serde_json::from_str(&written)
                .map_err(|_| Error::Corrupt { place: format!("the schemas of {}", resource_type.kind) })?;
            let demands = demands(&before, &resource_type);
            if !demands.is_empty() {
                check_resources(sql, tenant, &resource_type, partition, &demands)?;
            }
        }
    }
    Ok(())
}

/// How many resources break a demand, and one of them.
#[derive(Clone, Copy, Default)]
struct Broken {
    count: usize,
    example: Option<ResourceId>,
}

fn check_resources(
    sql: &Connection,
    tenant: &Tenant,
    resource_type: &ResourceType,
    partition: Partition,
    demands: &[Demand],
) -> Result<(), Error> {
    let mut broken = vec![Broken::default(); demands.len()];
    let mut statement =
        sql.prepare_cached(concat!("SELECT ", columns!(), " FROM resources WHERE no >= ? AND no < ? ORDER BY no"))?;
    let mut rows = statement.query([partition.first(), partition.end()])?;
    while let Some(row) = rows.next()? {
        let resource = Resource::read(row)?;
        let attributes = resource.attributes()?;
        for (demand, broken) in demands.iter().zip(&mut broken) {
            if demand.is_broken_by(&attributes) {
                broken.count += 1;
                broken.example.get_or_insert(resource.id);
            }
        }
    }
    let complaints: Vec<String> = demands
        .iter()
        .zip(broken)
        .filter_map(|(demand, broken)| {
            let (path, complaint, remedy) = (&demand.path, demand.complaint(), demand.remedy());
            let (count, example) = (broken.count, broken.example?);
            Some(format!("{path}: {count} of the stored {complaint}, such as {example}; {remedy}"))
        })
        .collect();
    if complaints.is_empty() { Ok(()) } else { Err(refused(tenant, &resource_type.kind, &complaints.join("; "))) }
}

/// A declared type that is gone must have no resources. Types of the RFC are not gone, they can be switched off.
fn check_gone(sql: &Connection, tenant: &Tenant) -> Result<(), Error> {
    let known = sql.all(
        "SELECT partitions.no, partitions.kind FROM partitions JOIN tenants ON tenants.no = partitions.tenant
         WHERE tenants.name = ?",
        [&*tenant.name.0],
        |row| Ok((Partition(row.get(0)?), ResourceKind::new(&row.get::<_, String>(1)?))),
    )?;
    let core = ResourceTypes::core();
    for (partition, kind) in known {
        if tenant.types.get(&kind).is_some() || core.get(&kind).is_some() {
            continue;
        }
        let (count, example): (i64, Option<Vec<u8>>) = sql.query_row(
            "SELECT count(*), min(id) FROM resources WHERE no >= ? AND no < ?",
            [partition.first(), partition.end()],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )?;
        if let Some(example) = example.and_then(|id| Some(ResourceId::from_bytes(id.try_into().ok()?))) {
            let complaint = format!(
                "the configuration does not have the type any more, and {count} of it are stored, such as {example}; \
                 declare it again, and delete them first"
            );
            return Err(refused(tenant, &kind, &complaint));
        }
    }
    Ok(())
}

/// Refuses values that were allowed to be equal and now must not be. The indexes that show it are built.
pub(super) fn check_unique(sql: &Connection, tenants: &[Tenant]) -> Result<(), Error> {
    for tenant in tenants {
        for (resource_type, partition) in known_types(sql, tenant)? {
            let is_changed = changed_from(sql, &resource_type, partition)?.is_some();
            let mut unique: Vec<(i64, String)> = index::unique_by_policy(tenant, &resource_type.kind)
                // That `externalId` is unique stands in no schema.
                .filter(|attribute| is_changed || *attribute == Indexed::ExternalId)
                .map(|attribute| (attribute.number(), attribute.name().to_owned()))
                .collect();
            if is_changed {
                for place in IndexedPlace::of(tenant, &resource_type).into_iter().filter(IndexedPlace::is_unique) {
                    unique.extend(number(sql, partition, &place)?.map(|no| (no, place.path())));
                }
            }
            for (no, path) in unique {
                let shared = sql.first(
                    "SELECT count(*), min(resource) FROM indexed_values WHERE partition = ? AND attribute = ?
                     GROUP BY value HAVING count(*) > 1 LIMIT 1",
                    [partition.0, no],
                    |row| Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?)),
                )?;
                if let Some((count, example)) = shared
                    && let Some(example) = Resource::by_no(sql, example)?
                {
                    let complaint = format!(
                        "{path}: it is to be unique, and {count} of the stored share a value, such as {}; give them \
                         different values by PATCH under the configuration before",
                        example.id
                    );
                    return Err(refused(tenant, &resource_type.kind, &complaint));
                }
            }
        }
    }
    Ok(())
}

fn refused(tenant: &Tenant, kind: &ResourceKind, complaint: &str) -> Error {
    Error::Unusable {
        reason: format!("the schemas of tenant {} do not fit what is stored: {kind}: {complaint}", tenant.name.0),
    }
}

/// An index under construction.
#[derive(Clone, Debug)]
pub(super) struct Building {
    partition: Partition,
    index: Declared,
    /// The last resource that it has.
    after: i64,
}

/// Starts the indexes that are wanted and not there, of types that may have resources.
pub(super) fn begin(sql: &Connection, tenants: &[Tenant]) -> Result<Vec<Building>, Error> {
    sql.run("UPDATE indexed_attributes SET state = ? WHERE state = ?", [TO_DROP, BUILDING])?;
    let mut building = Vec::new();
    for tenant in tenants {
        for (resource_type, partition) in known_types(sql, tenant)? {
            for place in IndexedPlace::of(tenant, &resource_type) {
                if number(sql, partition, &place)?.is_none() {
                    let index = insert(sql, partition, place, BUILDING)?;
                    building.push(Building { partition, index, after: partition.first() - 1 });
                }
            }
        }
    }
    Ok(building)
}

impl Building {
    /// Indexes some more resources; whether there may be others.
    pub(super) fn build_part(mut self, sql: &Connection) -> Result<(Self, bool), Error> {
        let resources = sql.all(
            concat!("SELECT ", columns!(), " FROM resources WHERE no > ? AND no < ? ORDER BY no LIMIT ?"),
            [self.after, self.partition.end(), PART],
            Resource::read,
        )?;
        for resource in &resources {
            let mut terms: Vec<Term> = Vec::new();
            self.index.add_terms(&resource.attributes()?, &mut terms);
            terms.sort();
            terms.dedup();
            for term in &terms {
                index::insert(sql, resource.no, term, None)?;
            }
            self.after = resource.no;
        }
        Ok((self, !resources.is_empty()))
    }
}

/// Takes the schemas and indexes of a type into use, as part of a new configuration; what it has indexed.
pub(super) fn settle(
    sql: &Connection,
    tenant: &Tenant,
    resource_type: &ResourceType,
    partition: Partition,
) -> Result<Vec<Declared>, Error> {
    sql.run(
        "INSERT OR REPLACE INTO written_schemas (partition, schemas) VALUES (?, ?)",
        params![partition.0, text(resource_type)?],
    )?;
    let places = IndexedPlace::of(tenant, resource_type);
    let mut indexes = Vec::with_capacity(places.len());
    for place in places {
        indexes.push(match number(sql, partition, &place)? {
            Some(no) => Declared { no, place },
            None => insert(sql, partition, place, IN_USE)?,
        });
    }
    sql.run("UPDATE indexed_attributes SET state = ? WHERE partition = ?", [TO_DROP, partition.0])?;
    for index in &indexes {
        sql.run("UPDATE indexed_attributes SET state = ? WHERE no = ?", [IN_USE, index.no])?;
    }
    Ok(indexes)
}

/// Drops a part of an index that nobody uses; whether there is more.
pub(super) fn drop_part(sql: &Connection) -> Result<bool, Error> {
    let unused =
        sql.first("SELECT no, partition FROM indexed_attributes WHERE state = ? LIMIT 1", [TO_DROP], |row| {
            Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?))
        })?;
    let Some((no, partition)) = unused else { return Ok(false) };
    let dropped = sql.run(
        "DELETE FROM indexed_values WHERE partition = ?1 AND attribute = ?2 AND (value, resource) IN (
             SELECT value, resource FROM indexed_values WHERE partition = ?1 AND attribute = ?2 LIMIT ?3)",
        [partition, no, PART],
    )?;
    if dropped == 0 {
        sql.run("DELETE FROM indexed_attributes WHERE no = ?", [no])?;
    }
    Ok(true)
}

fn known_types(sql: &Connection, tenant: &Tenant) -> Result<Vec<(Arc<ResourceType>, Partition)>, Error> {
    let mut known = Vec::new();
    for resource_type in tenant.types.iter() {
        let partition = known_partition(sql, tenant, &resource_type.kind)?;
        known.extend(partition.map(|partition| (resource_type.clone(), partition)));
    }
    Ok(known)
}

/// The number of an index that is in use or under construction.
fn number(sql: &Connection, partition: Partition, place: &IndexedPlace) -> Result<Option<i64>, Error> {
    Ok(sql.first(
        "SELECT no FROM indexed_attributes WHERE partition = ? AND path = ? AND rule = ? AND state <> ?",
        params![partition.0, place.path(), place.rule(), TO_DROP],
        |row| row.get(0),
    )?)
}

fn insert(sql: &Connection, partition: Partition, place: IndexedPlace, state: i64) -> Result<Declared, Error> {
    sql.run(
        "INSERT INTO indexed_attributes (partition, path, rule, state) VALUES (?, ?, ?, ?)",
        params![partition.0, place.path(), place.rule(), state],
    )?;
    Ok(Declared { no: sql.last_insert_rowid(), place })
}

/// The schemas of a type as they were when its resources were last written.
fn written(sql: &Connection, partition: Partition) -> Result<Option<String>, Error> {
    Ok(sql.first("SELECT schemas FROM written_schemas WHERE partition = ?", [partition.0], |row| row.get(0))?)
}

/// The schemas of a type as the file keeps them.
fn text(resource_type: &ResourceType) -> Result<String, Error> {
    let schemas: Vec<(&Schema, bool)> = resource_type.schemas().collect();
    serde_json::to_string(&schemas)
        .map_err(|source| Error::Io { step: "writing a type's schemas", source: Box::new(source) })
}
