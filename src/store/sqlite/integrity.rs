//! Whether the store is sound: SQLite's own check of the file, then what this module's tables promise one another.

use rusqlite::{Connection, params};
use scim_connector::ResourceId;

use super::{
    audit,
    catalog::{Catalog, Partition, TenantEntry},
    index, owe,
    row::{Resource, columns},
    statement::Statements as _,
};
use crate::store::{Error, Flaw, Standing};

/// The most flaws that are told.
const FLAWS_MAX: usize = 100;

/// What must hold of the tables whatever the configuration is: a sentence, and the places where it does not.
const RULES: &[(&str, &str)] = &[
    (
        "a block of numbers counts its resources",
        "SELECT 'block ' || block FROM (SELECT no >> 9 AS block, count(*) AS present FROM resources GROUP BY 1)
         FULL JOIN rank_blocks USING (block) WHERE ifnull(present, 0) <> ifnull(count, 0)",
    ),
    (
        "a resource's number was reserved",
        "SELECT 'partition ' || partitions.no FROM partitions LEFT JOIN counters ON name = partitions.no
         WHERE (SELECT max(no) FROM resources WHERE no >= partitions.no << 40 AND no < (partitions.no + 1) << 40)
               - (partitions.no << 40) >= ifnull(reserved, 0)",
    ),
    (
        "a delivery's number was reserved",
        "SELECT 'delivery ' || max(seq) FROM deliveries
         HAVING max(seq) >= ifnull((SELECT reserved FROM counters WHERE name = 0), 0)",
    ),
    (
        "a resource is of a known type",
        "SELECT 'resource ' || lower(hex(id)) FROM resources WHERE no >> 40 NOT IN (SELECT no FROM partitions)",
    ),
    (
        "a group counts its members",
        "SELECT 'group ' || lower(hex(id)) FROM resources
         LEFT JOIN (SELECT in_group, count(*) AS present FROM memberships WHERE present = 1 GROUP BY in_group)
            ON in_group = no
         WHERE members <> ifnull(present, 0)",
    ),
    (
        "a membership is of a group that is there",
        "SELECT DISTINCT 'group number ' || in_group FROM memberships WHERE in_group NOT IN (SELECT no FROM resources)",
    ),
    (
        "an indexed value is of a resource that is there",
        "SELECT DISTINCT 'resource number ' || resource FROM indexed_values
         WHERE resource NOT IN (SELECT no FROM resources)
         AND (attribute < 100 OR attribute IN (SELECT no FROM indexed_attributes WHERE state < 2))",
    ),
    (
        "a delivery waits for an earlier one that is in the order, or for none",
        "SELECT 'delivery ' || late.seq FROM deliveries AS late
         LEFT JOIN deliveries AS early
            ON early.seq = late.waits_on AND early.seq < late.seq AND early.connector = late.connector AND early.lane < 2
         WHERE (late.lane = 1) <> (early.seq IS NOT NULL) OR (late.lane <> 1 AND late.waits_on IS NOT NULL)",
    ),
    (
        "a key is held by a delivery that is queued",
        "SELECT 'delivery ' || delivery_keys.seq FROM delivery_keys
         LEFT JOIN deliveries ON deliveries.seq = delivery_keys.seq AND deliveries.connector = delivery_keys.connector
         WHERE deliveries.seq IS NULL",
    ),
    (
        "what a connector holds of a deleted resource is owed its removal",
        "SELECT 'resource number ' || ledger.resource FROM ledger
         LEFT JOIN resources ON resources.no = ledger.resource
         WHERE resources.no IS NULL
         AND NOT EXISTS (SELECT 1 FROM deliveries
            WHERE deliveries.connector = ledger.connector AND deliveries.resource = ledger.resource)
         AND NOT EXISTS (SELECT 1 FROM discarded
            WHERE discarded.connector = ledger.connector AND discarded.resource = ledger.resource)
         AND NOT EXISTS (SELECT 1 FROM staged
            WHERE staged.connector = ledger.connector AND staged.resource = ledger.resource)",
    ),
    (
        "a removal is withheld of an entry that the connector holds",
        "SELECT 'resource number ' || staged.resource FROM staged
         LEFT JOIN ledger ON ledger.connector = staged.connector AND ledger.resource = staged.resource
         WHERE ledger.resource IS NULL",
    ),
    (
        "a connector's entries in use are counted",
        "SELECT 'connector number ' || connector || ', partition ' || partition FROM
            (SELECT connector, resource >> 40 AS partition, sum(live) AS present FROM ledger GROUP BY 1, 2)
         FULL JOIN live_entries USING (connector, partition) WHERE ifnull(present, 0) <> ifnull(count, 0)",
    ),
    (
        "a type's active resources are counted",
        "SELECT 'partition ' || partition FROM
            (SELECT no >> 40 AS partition, sum(ifnull(body ->> '$.active', 1) <> 0) AS present
             FROM resources WHERE json_valid(body) GROUP BY 1)
         FULL JOIN active_resources USING (partition) WHERE ifnull(present, 0) <> ifnull(count, 0)",
    ),
    (
        "removals that count for a brake are counted",
        "SELECT 'connector ' || connector || ', among ' || among FROM
            (SELECT connector, among, count(*) AS present FROM removals GROUP BY 1, 2)
         FULL JOIN removal_counts USING (connector, among) WHERE ifnull(present, 0) <> ifnull(count, 0)",
    ),
    (
        "a delivery, a ledger and a leaver are of a known connector",
        "SELECT 'connector number ' || connector FROM
            (SELECT connector FROM deliveries UNION SELECT connector FROM ledger UNION SELECT connector FROM leavers)
         WHERE connector NOT IN (SELECT no FROM connectors)",
    ),
];

/// What was found.
#[derive(Default)]
struct Flaws(Vec<Flaw>);

impl Flaws {
    fn is_full(&self) -> bool {
        self.0.len() >= FLAWS_MAX
    }

    fn add(&mut self, rule: &str, place: String) {
        if !self.is_full() {
            self.0.push(Flaw { rule: rule.to_owned(), place });
        }
    }
}

/// Checks everything in the read transaction of this connection. At most 100 flaws.
pub(super) fn check(sql: &Connection, catalog: &Catalog) -> Result<Vec<Flaw>, Error> {
    let mut flaws = Flaws::default();
    let verdicts: Vec<String> = sql.all(&format!("PRAGMA integrity_check({FLAWS_MAX})"), [], |row| row.get(0))?;
    for verdict in verdicts.into_iter().filter(|verdict| verdict != "ok") {
        flaws.add("the file is sound", verdict);
    }
    for (rule, query) in RULES {
        for place in sql.all(&format!("{query} LIMIT {FLAWS_MAX}"), [], |row| row.get(0))? {
            flaws.add(rule, place);
        }
    }
    keys(sql, &mut flaws)?;
    for tenant in catalog.tenants() {
        for partition in tenant.partitions() {
            resources(sql, catalog, tenant, partition, &mut flaws)?;
        }
    }
    match audit::verify(sql) {
        Ok(_) => {}
        Err(Error::Corrupt { place }) => flaws.add("the audit chain holds", place),
        Err(error) => return Err(error),
    }
    Ok(flaws.0)
}

/// A delivery in the order holds the keys that its row names.
fn keys(sql: &Connection, flaws: &mut Flaws) -> Result<(), Error> {
    let mut statement = sql.prepare("SELECT seq, connector, keys FROM deliveries WHERE lane < 2 AND keys <> x''")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()?
        && !flaws.is_full()
    {
        let (seq, connector): (i64, i64) = (row.get(0)?, row.get(1)?);
        for key in owe::decode(&row.get::<_, Vec<u8>>(2)?) {
            let held = sql.first(
                "SELECT 1 FROM delivery_keys WHERE connector = ? AND key = ? AND seq = ?",
                [connector, key, seq],
                |_| Ok(()),
            )?;
            if held.is_none() {
                flaws.add("a delivery in the order holds its keys", format!("delivery {seq}"));
            }
        }
    }
    Ok(())
}

/// Of each resource of a type: its values are indexed, and those connectors that want it have it or are owed it.
fn resources(
    sql: &Connection,
    catalog: &Catalog,
    tenant: &TenantEntry,
    partition: Partition,
    flaws: &mut Flaws,
) -> Result<(), Error> {
    let mut statement =
        sql.prepare(concat!("SELECT ", columns!(), " FROM resources WHERE no >= ? AND no < ? ORDER BY no"))?;
    let mut rows = statement.query([partition.first(), partition.end()])?;
    let mut terms_expected: i64 = 0;
    while let Some(row) = rows.next()?
        && !flaws.is_full()
    {
        let resource = Resource::read(row)?;
        let Ok(attributes) = resource.attributes() else {
            flaws.add("a resource's attributes can be read", place(resource.id));
            continue;
        };
        for term in index::terms(tenant, partition, &attributes) {
            terms_expected += 1;
            let indexed = sql.first(
                "SELECT 1 FROM indexed_values WHERE partition = ? AND attribute = ? AND value = ? AND resource = ?",
                params![partition.0, term.attribute.number(), term.value, resource.no],
                |_| Ok(()),
            )?;
            if indexed.is_none() {
                let path = term.attribute.path(tenant, partition);
                flaws.add("a value is indexed", format!("{path} of {}", place(resource.id)));
            }
        }
        let kind = catalog.kind(resource.no)?;
        for connector in tenant.owed(partition) {
            let is_outside = connector.config.policy.standing(kind, &attributes) == Standing::Outside;
            if !is_outside && !is_accounted_for(sql, connector.no, connector.config.backfill, &resource)? {
                let name = &connector.config.name.0;
                flaws.add("a connector has a resource or is owed it", format!("{} at {name}", place(resource.id)));
            }
        }
    }
    let numbers = [1, 2, 3, 4, 5].into_iter().chain(tenant.declared(partition).iter().map(|declared| declared.no));
    let mut terms_indexed: i64 = 0;
    for number in numbers {
        let count: Option<i64> = sql.first(
            "SELECT count(*) FROM indexed_values WHERE partition = ? AND attribute = ?",
            [partition.0, number],
            |row| row.get(0),
        )?;
        terms_indexed += count.unwrap_or(0);
    }
    if terms_expected != terms_indexed && !flaws.is_full() {
        let place = format!("partition {}: {terms_indexed} are, {terms_expected} should be", partition.0);
        flaws.add("no other value is indexed than those of resources", place);
    }
    Ok(())
}

/// Whether the connector confirmed the resource as it is, is owed it, refused it, or was never meant to have it. What a
/// backfill has yet to look at counts as owed.
fn is_accounted_for(sql: &Connection, connector: i64, backfill: bool, resource: &Resource) -> Result<bool, Error> {
    let accounted = sql.first(
        "SELECT EXISTS (SELECT 1 FROM connectors WHERE no = ?1 AND (walked IS NOT NULL OR backfilled IS NOT NULL))
             OR EXISTS (SELECT 1 FROM ledger WHERE connector = ?1 AND resource = ?2 AND version = ?3)
             OR EXISTS (SELECT 1 FROM deliveries WHERE connector = ?1 AND resource = ?2)
             OR EXISTS (SELECT 1 FROM discarded WHERE connector = ?1 AND id = ?4)
             OR NOT (?5 OR EXISTS (SELECT 1 FROM ledger WHERE connector = ?1 AND resource = ?2))",
        params![connector, resource.no, resource.version, resource.id.as_bytes(), backfill],
        |row| row.get(0),
    )?;
    Ok(accounted.unwrap_or(false))
}

fn place(id: ResourceId) -> String {
    format!("resource {id}")
}
