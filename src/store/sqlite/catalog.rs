//! The tenants and connectors of the configuration with the numbers they have in the file.

use std::{collections::HashMap, sync::Arc};

use rusqlite::{Connection, params};
use scim_connector::ResourceKind;

use super::statement::Statements as _;
use crate::store::{Connector, ConnectorName, ConnectorState, Error, Tenant, TenantName};

const COUNTER_BITS: u32 = 40;
/// Numbers in one block of `rank_blocks`, as a power of two.
pub(super) const BLOCK_BITS: u32 = 9;

/// One tenant's resources of one type.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) struct Partition(pub(super) i64);

impl Partition {
    /// The partition that a resource's number lies in.
    pub(super) const fn of(resource: i64) -> Self {
        Self(resource >> COUNTER_BITS)
    }

    /// The smallest number of a resource.
    pub(super) const fn first(self) -> i64 {
        self.0 << COUNTER_BITS
    }

    /// The smallest number that is no more in it.
    pub(super) const fn end(self) -> i64 {
        (self.0 + 1) << COUNTER_BITS
    }
}

/// What was configured last.
#[derive(Debug, Default)]
pub(super) struct Catalog {
    tenants: HashMap<TenantName, Arc<TenantEntry>>,
    connectors: HashMap<ConnectorName, Arc<ConnectorEntry>>,
    kinds: HashMap<Partition, ResourceKind>,
}

/// A tenant.
#[derive(Debug)]
pub(super) struct TenantEntry {
    pub(super) config: Tenant,
    pub(super) connectors: Vec<Arc<ConnectorEntry>>,
    partitions: Vec<(ResourceKind, Partition)>,
}

/// A connector.
#[derive(Debug)]
pub(super) struct ConnectorEntry {
    pub(super) no: i64,
    pub(super) config: Connector,
    pub(super) tenant: TenantName,
    /// Of the types that it is owed, ascending.
    pub(super) partitions: Vec<Partition>,
}

impl TenantEntry {
    pub(super) fn partition(&self, kind: &ResourceKind) -> Option<Partition> {
        self.partitions.iter().find(|(name, _)| name == kind).map(|(_, partition)| *partition)
    }

    /// The partition of its groups, if it has any.
    pub(super) fn groups(&self) -> Option<Partition> {
        self.partitions.iter().find(|(kind, _)| kind.is_group()).map(|(_, partition)| *partition)
    }

    /// Whether a resource, by its number, is this tenant's.
    pub(super) fn has(&self, resource: i64) -> bool {
        let partition = Partition::of(resource);
        self.partitions.iter().any(|(_, of_tenant)| *of_tenant == partition)
    }

    /// The connectors that resources of that partition are owed to.
    pub(super) fn owed(&self, partition: Partition) -> impl Iterator<Item = &ConnectorEntry> {
        self.connectors.iter().map(|connector| &**connector).filter(move |connector| connector.takes(partition))
    }
}

impl ConnectorEntry {
    pub(super) fn takes(&self, partition: Partition) -> bool {
        self.partitions.contains(&partition)
    }
}

impl Catalog {
    /// Gives numbers to what is new, and starts the backfills of new connectors.
    pub(super) fn configure(sql: &Connection, tenants: &[Tenant]) -> Result<Self, Error> {
        let mut catalog = Self::default();
        for (partition, kind) in sql.all("SELECT no, kind FROM partitions", [], |row| {
            Ok((Partition(row.get(0)?), ResourceKind::new(&row.get::<_, String>(1)?)))
        })? {
            catalog.kinds.insert(partition, kind);
        }
        for tenant in tenants {
            let no: i64 = sql.query_row(
                "INSERT INTO tenants (name) VALUES (?) ON CONFLICT (name) DO UPDATE SET name = name RETURNING no",
                [&*tenant.name.0],
                |row| row.get(0),
            )?;
            let mut partitions = Vec::new();
            for resource_type in tenant.types.iter() {
                let partition = Partition(sql.query_row(
                    "INSERT INTO partitions (tenant, kind) VALUES (?, ?)
                     ON CONFLICT (tenant, kind) DO UPDATE SET kind = kind RETURNING no",
                    params![no, resource_type.kind.as_str()],
                    |row| row.get(0),
                )?);
                partitions.push((resource_type.kind.clone(), partition));
                catalog.kinds.insert(partition, resource_type.kind.clone());
            }
            let mut connectors = Vec::new();
            for connector in &tenant.connectors {
                let entry = Arc::new(configure_connector(sql, no, tenant, connector, &partitions)?);
                catalog.connectors.insert(connector.name.clone(), entry.clone());
                connectors.push(entry);
            }
            let entry = TenantEntry { config: tenant.clone(), connectors, partitions };
            catalog.tenants.insert(tenant.name.clone(), Arc::new(entry));
        }
        Ok(catalog)
    }

    pub(super) fn tenant(&self, name: &TenantName) -> Option<&Arc<TenantEntry>> {
        self.tenants.get(name)
    }

    pub(super) fn connector(&self, name: &ConnectorName) -> Option<&Arc<ConnectorEntry>> {
        self.connectors.get(name)
    }

    /// The type of a resource, by its number.
    pub(super) fn kind(&self, resource: i64) -> Result<&ResourceKind, Error> {
        self.kinds
            .get(&Partition::of(resource))
            .ok_or_else(|| Error::Corrupt { place: format!("resource {resource} is of no known type") })
    }
}

fn configure_connector(
    sql: &Connection,
    tenant_no: i64,
    tenant: &Tenant,
    connector: &Connector,
    partitions: &[(ResourceKind, Partition)],
) -> Result<ConnectorEntry, Error> {
    let mut owed: Vec<Partition> =
        partitions.iter().filter(|(kind, _)| connector.kinds.contains(kind)).map(|(_, partition)| *partition).collect();
    owed.sort_by_key(|partition| partition.0);
    let known = sql.first("SELECT no FROM connectors WHERE name = ?", [&*connector.name.0], |row| row.get(0))?;
    let no = match known {
        Some(no) => {
            sql.run("UPDATE connectors SET tenant = ? WHERE no = ?", params![tenant_no, no])?;
            no
        }
        None => {
            let mut backfilled: Option<i64> = None;
            for partition in owed.iter().filter(|_| connector.backfill) {
                let exists = sql.first(
                    "SELECT 1 FROM resources WHERE no >= ? AND no < ? LIMIT 1",
                    [partition.first(), partition.end()],
                    |_| Ok(()),
                )?;
                if exists.is_some() {
                    backfilled = Some(0);
                }
            }
            let active = serde_json::to_string(&ConnectorState::Active)
                .map_err(|source| Error::Io { step: "writing a connector's state", source: Box::new(source) })?;
            sql.run(
                "INSERT INTO connectors (name, tenant, state, backfilled) VALUES (?, ?, ?, ?)",
                params![&*connector.name.0, tenant_no, active, backfilled],
            )?;
            sql.last_insert_rowid()
        }
    };
    Ok(ConnectorEntry { no, config: connector.clone(), tenant: tenant.name.clone(), partitions: owed })
}
