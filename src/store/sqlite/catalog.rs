//! The tenants and connectors of the configuration with the numbers they have in the file.

use std::{collections::HashMap, sync::Arc};

use rusqlite::{Connection, params};
use scim_connector::ResourceKind;

use super::{evolve, forget, index::Declared, statement::Statements as _, writer::Transaction};
use crate::store::{Brake, Conflict, Connector, ConnectorName, ConnectorState, Error, Tenant, TenantName};

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
#[derive(Clone, Debug, Default)]
pub(super) struct Catalog {
    tenants: HashMap<TenantName, Arc<TenantEntry>>,
    connectors: HashMap<ConnectorName, Arc<ConnectorEntry>>,
    kinds: HashMap<Partition, ResourceKind>,
}

/// A tenant.
#[derive(Clone, Debug)]
pub(super) struct TenantEntry {
    pub(super) config: Tenant,
    pub(super) connectors: Vec<Arc<ConnectorEntry>>,
    /// Connectors with the partitions that they no longer take but hold resources of, those no more configured
    /// included. They are owed removals only: should they come back, nobody could tell any more what was removed.
    absent: Vec<Arc<ConnectorEntry>>,
    partitions: Vec<(ResourceKind, Partition)>,
    /// What configuration has indexed; nothing of most types.
    declared: HashMap<Partition, Vec<Declared>>,
}

/// A connector.
#[derive(Debug)]
pub(super) struct ConnectorEntry {
    pub(super) no: i64,
    pub(super) config: Connector,
    pub(super) tenant: TenantName,
    /// Of the types that it is owed, ascending.
    pub(super) partitions: Vec<Partition>,
    /// How often its fingerprint changed.
    pub(super) epoch: i64,
}

impl TenantEntry {
    pub(super) fn partition(&self, kind: &ResourceKind) -> Option<Partition> {
        self.partitions.iter().find(|(name, _)| name == kind).map(|(_, partition)| *partition)
    }

    /// The type of its resources in that partition.
    pub(super) fn kind(&self, partition: Partition) -> Option<&ResourceKind> {
        self.partitions.iter().find(|(_, of_kind)| *of_kind == partition).map(|(kind, _)| kind)
    }

    /// What configuration has indexed of the resources in that partition.
    pub(super) fn declared(&self, partition: Partition) -> &[Declared] {
        self.declared.get(&partition).map_or(&[], Vec::as_slice)
    }

    /// The partitions of its types.
    pub(super) fn partitions(&self) -> impl Iterator<Item = Partition> {
        self.partitions.iter().map(|(_, partition)| *partition)
    }

    /// The partition of its groups, if it has any.
    pub(super) fn groups(&self) -> Option<Partition> {
        self.partitions.iter().find(|(kind, _)| kind.is_group()).map(|(_, partition)| *partition)
    }

    /// The partition of its users, if it has any.
    pub(super) fn users(&self) -> Option<Partition> {
        self.partition(&ResourceKind::new("User"))
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

    /// Those, and the connectors that hold resources of that partition although they are no longer owed to them.
    pub(super) fn holders(&self, partition: Partition) -> impl Iterator<Item = &ConnectorEntry> {
        self.owed(partition).chain(self.absent(partition))
    }

    /// The connectors that hold resources of that partition but are no longer owed to them.
    pub(super) fn absent(&self, partition: Partition) -> impl Iterator<Item = &ConnectorEntry> {
        self.absent.iter().map(|connector| &**connector).filter(move |connector| connector.takes(partition))
    }
}

impl ConnectorEntry {
    pub(super) fn takes(&self, partition: Partition) -> bool {
        self.partitions.contains(&partition)
    }
}

impl Catalog {
    /// Gives numbers to what is new, and starts the backfills of connectors that are new, come back or take more.
    pub(super) fn configure(sql: &Connection, tenants: &[Tenant]) -> Result<Self, Error> {
        let mut catalog = Self::default();
        let mut known = known(sql)?;
        sql.run("UPDATE connectors SET configured = 0", [])?;
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
            let (mut partitions, mut declared) = (Vec::new(), HashMap::new());
            for resource_type in tenant.types.iter() {
                let partition = Partition(sql.query_row(
                    "INSERT INTO partitions (tenant, kind) VALUES (?, ?)
                     ON CONFLICT (tenant, kind) DO UPDATE SET kind = kind RETURNING no",
                    params![no, resource_type.kind.as_str()],
                    |row| row.get(0),
                )?);
                partitions.push((resource_type.kind.clone(), partition));
                catalog.kinds.insert(partition, resource_type.kind.clone());
                let indexed = evolve::settle(sql, tenant, resource_type, partition)?;
                if !indexed.is_empty() {
                    declared.insert(partition, indexed);
                }
            }
            let mut connectors = Vec::new();
            for connector in &tenant.connectors {
                let before = known.remove(&connector.name);
                let entry = Arc::new(configure_connector(sql, (no, &tenant.name), connector, &partitions, before)?);
                catalog.connectors.insert(connector.name.clone(), entry.clone());
                connectors.push(entry);
            }
            let absent = absent(sql, (no, &tenant.name), &connectors, &partitions)?;
            let entry = TenantEntry { config: tenant.clone(), connectors, absent, partitions, declared };
            catalog.tenants.insert(tenant.name.clone(), Arc::new(entry));
        }
        Ok(catalog)
    }

    pub(super) fn tenant(&self, name: &TenantName) -> Option<&Arc<TenantEntry>> {
        self.tenants.get(name)
    }

    /// All tenants, by name.
    pub(super) fn tenants(&self) -> Vec<&TenantEntry> {
        let mut tenants: Vec<&TenantEntry> = self.tenants.values().map(|tenant| &**tenant).collect();
        tenants.sort_by(|one, other| one.config.name.cmp(&other.config.name));
        tenants
    }

    pub(super) fn connector(&self, name: &ConnectorName) -> Option<&Arc<ConnectorEntry>> {
        self.connectors.get(name)
    }

    /// All that are configured.
    pub(super) fn connectors(&self) -> impl Iterator<Item = &ConnectorEntry> {
        self.connectors.values().map(|connector| &**connector)
    }

    /// A connector by its number, one included that only holds resources still.
    pub(super) fn connector_no(&self, no: i64) -> Option<&ConnectorEntry> {
        let absent = self.tenants.values().flat_map(|tenant| &tenant.absent);
        self.connectors.values().chain(absent).map(|connector| &**connector).find(|connector| connector.no == no)
    }

    /// The numbers of all those.
    pub(super) fn connector_nos(&self) -> Vec<i64> {
        let absent = self.tenants.values().flat_map(|tenant| &tenant.absent);
        self.connectors.values().chain(absent).map(|connector| connector.no).collect()
    }

    /// This catalog without a connector that was configured no more, and is not known now.
    pub(super) fn without(&self, discarded: &ConnectorName) -> Self {
        let mut catalog = self.clone();
        for tenant in catalog.tenants.values_mut() {
            if tenant.absent.iter().any(|connector| connector.config.name == *discarded) {
                Arc::make_mut(tenant).absent.retain(|connector| connector.config.name != *discarded);
            }
        }
        catalog
    }

    /// The type of a resource, by its number.
    pub(super) fn kind(&self, resource: i64) -> Result<&ResourceKind, Error> {
        self.kinds
            .get(&Partition::of(resource))
            .ok_or_else(|| Error::Corrupt { place: format!("resource {resource} is of no known type") })
    }
}

/// The partition of a tenant's type, if it was configured before.
pub(super) fn known_partition(
    sql: &Connection,
    tenant: &Tenant,
    kind: &ResourceKind,
) -> Result<Option<Partition>, Error> {
    Ok(sql.first(
        "SELECT partitions.no FROM partitions JOIN tenants ON tenants.no = partitions.tenant
         WHERE tenants.name = ? AND partitions.kind = ?",
        [&*tenant.name.0, kind.as_str()],
        |row| row.get(0).map(Partition),
    )?)
}

/// Why this configuration cannot be used: it gives a connector to another tenant, although what it holds is the first
/// one's, or points it at another downstream system, of which what it has confirmed says nothing. `reset` is to forget
/// that.
pub(super) fn conflicts(
    sql: &Connection,
    tenants: &[Tenant],
    reset: Option<&ConnectorName>,
) -> Result<Vec<Conflict>, Error> {
    let mut conflicts = Vec::new();
    for (tenant, connector) in tenants.iter().flat_map(|tenant| tenant.connectors.iter().map(move |one| (tenant, one)))
    {
        let known: Option<(String, String, bool)> = sql.first(
            "SELECT tenants.name, system,
                    EXISTS (SELECT 1 FROM ledger WHERE ledger.connector = connectors.no)
                 OR EXISTS (SELECT 1 FROM discarded WHERE discarded.connector = connectors.no)
             FROM connectors JOIN tenants ON tenants.no = connectors.tenant WHERE connectors.name = ?",
            [&*connector.name.0],
            |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
        )?;
        let Some((owner, system, holds_any)) = known else { continue };
        let name = &connector.name.0;
        let mut conflict = |key, message, remedy| {
            conflicts.push(Conflict { connector: connector.name.clone(), key, message, remedy });
        };
        if *owner != *tenant.name.0 {
            let message = format!("belongs to tenant {owner} and cannot be tenant {}'s", tenant.name.0);
            conflict("tenant", message, "give it another name".to_owned());
        } else if holds_any && !system.is_empty() && *system != *connector.system && reset != Some(&connector.name) {
            conflict(
                "settings",
                format!("points at {}, but what it has confirmed is at {system}", connector.system),
                format!(
                    "point it back; give the other system a connector of its own; or run \
                     scim-relay connector reset {name}, which forgets {system} and owes every resource to the other"
                ),
            );
        }
    }
    Ok(conflicts)
}

/// A connector that may be configured no more, for what came of its last calls. `None` where it was discarded.
pub(super) fn called(
    transaction: &Transaction<'_>,
    name: &ConnectorName,
) -> Result<Option<Arc<ConnectorEntry>>, Error> {
    if let Some(connector) = transaction.catalog.connector(name) {
        return Ok(Some(connector.clone()));
    }
    let away = transaction.sql.first(
        "SELECT connectors.no, tenants.name, fingerprint, epoch
         FROM connectors JOIN tenants ON tenants.no = connectors.tenant WHERE connectors.name = ?",
        [&*name.0],
        |row| {
            let fingerprint: String = row.get(2)?;
            Ok(ConnectorEntry {
                no: row.get(0)?,
                tenant: TenantName(row.get::<_, String>(1)?.into()),
                config: Connector { fingerprint: fingerprint.into(), ..unconfigured(name.clone()) },
                partitions: Vec::new(),
                epoch: row.get(3)?,
            })
        },
    )?;
    Ok(away.map(Arc::new))
}

/// What stands for the configuration of a connector that has none.
fn unconfigured(name: ConnectorName) -> Connector {
    Connector {
        name,
        kinds: Vec::new(),
        policy: Arc::default(),
        brake: Brake::default(),
        passwords: false,
        backfill: false,
        fingerprint: Arc::default(),
        system: Arc::default(),
    }
}

/// What the file knows of a connector from the configuration before.
struct Known {
    no: i64,
    configured: bool,
    partitions: Vec<i64>,
    fingerprint: String,
    epoch: i64,
}

fn known(sql: &Connection) -> Result<HashMap<ConnectorName, Known>, Error> {
    let rows = sql.all("SELECT no, name, configured, partitions, fingerprint, epoch FROM connectors", [], |row| {
        let (name, partitions): (String, String) = (row.get(1)?, row.get(3)?);
        let known = Known {
            no: row.get(0)?,
            configured: row.get(2)?,
            partitions: Vec::new(),
            fingerprint: row.get(4)?,
            epoch: row.get(5)?,
        };
        Ok((name, partitions, known))
    })?;
    rows.into_iter()
        .map(|(name, partitions, known)| {
            let partitions = serde_json::from_str(&partitions)
                .map_err(|_| Error::Corrupt { place: "the partitions of a connector".to_owned() })?;
            Ok((ConnectorName(name.into()), Known { partitions, ..known }))
        })
        .collect()
}

fn configure_connector(
    sql: &Connection,
    (tenant_no, tenant): (i64, &TenantName),
    connector: &Connector,
    partitions: &[(ResourceKind, Partition)],
    before: Option<Known>,
) -> Result<ConnectorEntry, Error> {
    let mut owed: Vec<Partition> =
        partitions.iter().filter(|(kind, _)| connector.kinds.contains(kind)).map(|(_, partition)| *partition).collect();
    owed.sort_by_key(|partition| partition.0);
    let is_new = before.is_none();
    let before = match before {
        Some(before) => before,
        None => {
            let no = forget::next_number(sql)?;
            sql.run(
                "INSERT INTO connectors (no, name, tenant, state) VALUES (?, ?, ?, ?)",
                params![no, &*connector.name.0, tenant_no, active()?],
            )?;
            let fingerprint = connector.fingerprint.to_string();
            Known { no, configured: false, partitions: Vec::new(), fingerprint, epoch: 0 }
        }
    };
    let no = before.no;
    let missed = !before.configured || owed.iter().any(|partition| !before.partitions.contains(&partition.0));
    let is_changed = before.fingerprint != *connector.fingerprint;
    let epoch = before.epoch + i64::from(is_changed);
    // Another scope may take in what was outside.
    if (missed || is_changed) && connector.backfill && holds_resources(sql, &owed)? {
        sql.run("UPDATE connectors SET backfilled = 0 WHERE no = ?", [no])?;
    }
    if (missed && !is_new) || is_changed {
        let confirmed = sql.first("SELECT 1 FROM ledger WHERE connector = ? LIMIT 1", [no], |_| Ok(()))?;
        sql.run("UPDATE connectors SET walked = ? WHERE no = ?", params![confirmed.map(|()| 0), no])?;
    }
    let numbers: Vec<i64> = owed.iter().map(|partition| partition.0).collect();
    let numbers = serde_json::to_string(&numbers)
        .map_err(|source| Error::Io { step: "writing a connector's partitions", source: Box::new(source) })?;
    sql.run(
        "UPDATE connectors SET configured = 1, partitions = ?, fingerprint = ?, epoch = ?, system = ? WHERE no = ?",
        params![numbers, &*connector.fingerprint, epoch, &*connector.system, no],
    )?;
    if is_changed {
        // What it was suspended for may be mended.
        sql.run(
            "UPDATE connectors SET state = ? WHERE no = ? AND state ->> '$.state' = 'suspended'",
            params![active()?, no],
        )?;
    }
    Ok(ConnectorEntry { no, config: connector.clone(), tenant: tenant.clone(), partitions: owed, epoch })
}

/// The state of a connector that delivers, as it is stored.
fn active() -> Result<String, Error> {
    serde_json::to_string(&ConnectorState::Active)
        .map_err(|source| Error::Io { step: "writing a connector's state", source: Box::new(source) })
}

/// Whether there is any resource in these partitions.
fn holds_resources(sql: &Connection, partitions: &[Partition]) -> Result<bool, Error> {
    for partition in partitions {
        let any = sql.first(
            "SELECT 1 FROM resources WHERE no >= ? AND no < ? LIMIT 1",
            [partition.first(), partition.end()],
            |_| Ok(()),
        )?;
        if any.is_some() {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The known connectors of a tenant with the partitions that they do not take but have something of.
fn absent(
    sql: &Connection,
    (tenant_no, tenant): (i64, &TenantName),
    configured: &[Arc<ConnectorEntry>],
    partitions: &[(ResourceKind, Partition)],
) -> Result<Vec<Arc<ConnectorEntry>>, Error> {
    let known = sql.all("SELECT no, name, epoch FROM connectors WHERE tenant = ?", [tenant_no], |row| {
        Ok((row.get::<_, i64>(0)?, row.get::<_, String>(1)?, row.get::<_, i64>(2)?))
    })?;
    let mut absent = Vec::new();
    for (no, name, epoch) in known {
        let mut held = Vec::new();
        for (_, partition) in partitions {
            let is_taken = configured.iter().any(|connector| connector.no == no && connector.takes(*partition));
            if !is_taken && holds_any(sql, no, *partition)? {
                held.push(*partition);
            }
        }
        if !held.is_empty() {
            let config = unconfigured(ConnectorName(name.into()));
            absent.push(Arc::new(ConnectorEntry { no, config, tenant: tenant.clone(), partitions: held, epoch }));
        }
    }
    Ok(absent)
}

fn holds_any(sql: &Connection, connector: i64, partition: Partition) -> Result<bool, Error> {
    let holds = sql.first(
        "SELECT EXISTS (SELECT 1 FROM ledger WHERE connector = ?1 AND resource >= ?2 AND resource < ?3)
             OR EXISTS (SELECT 1 FROM deliveries WHERE connector = ?1 AND resource >= ?2 AND resource < ?3)
             OR EXISTS (SELECT 1 FROM discarded WHERE connector = ?1 AND resource >= ?2 AND resource < ?3)",
        [connector, partition.first(), partition.end()],
        |row| row.get(0),
    )?;
    Ok(holds.unwrap_or(false))
}
