//! What an operator does with staged removals. Part by part, so that writes of clients come between.

use async_trait::async_trait;
use rusqlite::{Connection, params, types::Value};
use scim_connector::ResourceId;

use super::{DISCARDED, RELEASED, STAGED, cancel, members, owe_anew, removal_of};
use crate::{
    store::{
        BrakeOwner, ConnectorName, Error, Removal, StagedRemoval, StagedRemovals, StagedSelection, TenantName,
        sqlite::{
            SqliteStore,
            audit::Entry,
            catalog::Catalog,
            owe::{self, Owed},
            row::Resource,
            statement::Statements as _,
            writer::Transaction,
        },
    },
    time::Timestamp,
};

/// The request id of deliveries that a release caused.
const REQUEST_ID: &str = "brake-release";

/// Removals in one transaction.
const PART: i64 = 500;

/// What becomes of staged removals.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Decision {
    Release,
    Discard,
}

#[async_trait]
impl StagedRemovals for SqliteStore {
    async fn staged(&self, selection: &StagedSelection, limit: usize) -> Result<Vec<StagedRemoval>, Error> {
        let selection = selection.clone();
        self.long_read(move |sql, catalog| list(sql, catalog, &selection, limit)).await
    }

    async fn release_staged(&self, selection: &StagedSelection) -> Result<u64, Error> {
        self.decide(selection, Decision::Release).await
    }

    async fn discard_staged(&self, selection: &StagedSelection) -> Result<u64, Error> {
        self.decide(selection, Decision::Discard).await
    }
}

impl SqliteStore {
    /// Decides on what was staged when this began.
    async fn decide(&self, selection: &StagedSelection, decision: Decision) -> Result<u64, Error> {
        let (mut total, mut until) = (0, None);
        loop {
            let selection = selection.clone();
            let part = self.change(move |transaction| {
                let until = until.unwrap_or(transaction.now);
                let decided = decide(transaction, &selection, decision, until)?;
                Ok((decided, until))
            });
            let (decided, begun) = part.await?;
            until = Some(begun);
            total += decided as u64;
            if decided == 0 {
                return Ok(total);
            }
        }
    }
}

/// The conditions of a selection, over `connectors` and `tenants`, with the rows' own on `?3` and `?4`.
const SELECTED: &str = "(?1 IS NULL OR tenants.name = ?1) AND (?2 IS NULL OR connectors.name = ?2)";
const RESOURCES: &str = "FROM staged JOIN connectors ON connectors.no = staged.connector
     JOIN tenants ON tenants.no = connectors.tenant";
const MEMBERS: &str = "FROM staged_members JOIN connectors ON connectors.no = staged_members.connector
     JOIN tenants ON tenants.no = connectors.tenant";
const THIS_RESOURCE: &str = "(?3 IS NULL OR staged.id = ?3)";
const THIS_MEMBER: &str = "(?3 IS NULL OR group_id = ?3 OR member = ?4)";

fn parameters(selection: &StagedSelection) -> [Value; 4] {
    [
        selection.tenant.as_ref().map_or(Value::Null, |name| Value::Text(name.0.to_string())),
        selection.connector.as_ref().map_or(Value::Null, |name| Value::Text(name.0.to_string())),
        selection.resource.map_or(Value::Null, |id| Value::Blob(id.as_bytes().to_vec())),
        selection.resource.map_or(Value::Null, |id| Value::Text(id.to_string())),
    ]
}

fn list(
    sql: &Connection,
    catalog: &Catalog,
    selection: &StagedSelection,
    limit: usize,
) -> Result<Vec<StagedRemoval>, Error> {
    let [tenant, connector, id, member] = parameters(selection);
    let rows = sql.all(
        &format!(
            "SELECT since, tenants.name, connectors.name, id, resource, removal, NULL, at_entrance
             {RESOURCES} WHERE staged.state = ?5 AND {SELECTED} AND {THIS_RESOURCE}
             UNION ALL
             SELECT since, tenants.name, connectors.name, group_id, in_group, NULL, member, at_entrance
             {MEMBERS} WHERE staged_members.state = ?5 AND {SELECTED} AND {THIS_MEMBER}
             ORDER BY 1, 3, 4, 7 LIMIT ?6"
        ),
        params![tenant, connector, id, member, STAGED, i64::try_from(limit).unwrap_or(i64::MAX)],
        |row| {
            let removal = StagedRemoval {
                since: Timestamp(row.get(0)?),
                tenant: TenantName(row.get::<_, String>(1)?.into()),
                connector: ConnectorName(row.get::<_, String>(2)?.into()),
                resource: ResourceId::from_bytes(row.get(3)?),
                kind: String::new(),
                removal: row.get::<_, Option<i64>>(5)?.map_or(Removal::Member, removal_of),
                member: row.get(6)?,
                brake: if row.get(7)? { BrakeOwner::Tenant } else { BrakeOwner::Connector },
            };
            Ok((row.get(4)?, removal))
        },
    )?;
    rows.into_iter().map(|(no, removal)| Ok(StagedRemoval { kind: catalog.kind(no)?.to_string(), ..removal })).collect()
}

/// A row of `staged` or, with a member, of `staged_members`.
struct Row {
    connector: i64,
    connector_name: String,
    resource: i64,
    id: ResourceId,
    version: i64,
    removal: Removal,
    keys: Vec<i64>,
    member: Option<String>,
}

/// Decides on the next part of what was staged by then; how many that were. Members come first, for a deletion waits for
/// the groups that its resource leaves. What is staged for a connector whose tenant is not configured is left alone.
fn decide(
    transaction: &mut Transaction<'_>,
    selection: &StagedSelection,
    decision: Decision,
    until: Timestamp,
) -> Result<usize, Error> {
    let mut rows = members_of(transaction, selection, until)?;
    if rows.is_empty() {
        rows = resources_of(transaction, selection, until)?;
    }
    for row in &rows {
        match (decision, &row.member) {
            (Decision::Release, Some(member)) => release_member(transaction, row, member)?,
            (Decision::Release, None) => release(transaction, row)?,
            (Decision::Discard, Some(member)) => set_member(transaction, row, member, DISCARDED)?,
            (Decision::Discard, None) => {
                let at = [DISCARDED, row.connector, row.resource];
                transaction.sql.run("UPDATE staged SET state = ? WHERE connector = ? AND resource = ?", at)?;
            }
        }
        let entry = Entry::Brake {
            at: transaction.now,
            connector: &row.connector_name,
            action: match decision {
                Decision::Release => "release",
                Decision::Discard => "discard",
            },
            removal: row.removal.as_str(),
            resource: row.id,
            member: row.member.as_deref(),
        };
        transaction.state.chain.append(transaction.sql, &entry)?;
    }
    Ok(rows.len())
}

/// The connectors that the catalog has, as a list in SQL.
fn known(transaction: &Transaction<'_>) -> String {
    let numbers: Vec<String> = transaction.catalog.connector_nos().iter().map(ToString::to_string).collect();
    format!("({})", numbers.join(", "))
}

fn members_of(transaction: &Transaction<'_>, selection: &StagedSelection, until: Timestamp) -> Result<Vec<Row>, Error> {
    let [tenant, connector, id, member] = parameters(selection);
    let known = known(transaction);
    Ok(transaction.sql.all(
        &format!(
            "SELECT connectors.no, connectors.name, in_group, group_id, member {MEMBERS}
             WHERE staged_members.state = ?5 AND since <= ?6 AND connectors.no IN {known} AND {SELECTED}
             AND {THIS_MEMBER} LIMIT ?7"
        ),
        params![tenant, connector, id, member, STAGED, until.0, PART],
        |row| {
            Ok(Row {
                connector: row.get(0)?,
                connector_name: row.get(1)?,
                resource: row.get(2)?,
                id: ResourceId::from_bytes(row.get(3)?),
                version: 0,
                removal: Removal::Member,
                keys: Vec::new(),
                member: row.get(4)?,
            })
        },
    )?)
}

fn resources_of(
    transaction: &Transaction<'_>,
    selection: &StagedSelection,
    until: Timestamp,
) -> Result<Vec<Row>, Error> {
    let [tenant, connector, id, _] = parameters(selection);
    let known = known(transaction);
    Ok(transaction.sql.all(
        &format!(
            "SELECT connectors.no, connectors.name, resource, id, version, removal, keys {RESOURCES}
             WHERE staged.state = ?4 AND since <= ?5 AND connectors.no IN {known} AND {SELECTED}
             AND {THIS_RESOURCE} LIMIT ?6"
        ),
        params![tenant, connector, id, STAGED, until.0, PART],
        |row| {
            Ok(Row {
                connector: row.get(0)?,
                connector_name: row.get(1)?,
                resource: row.get(2)?,
                id: ResourceId::from_bytes(row.get(3)?),
                version: row.get(4)?,
                removal: removal_of(row.get(5)?),
                keys: owe::decode(&row.get::<_, Vec<u8>>(6)?),
                member: None,
            })
        },
    )?)
}

fn release_member(transaction: &mut Transaction<'_>, row: &Row, member: &str) -> Result<(), Error> {
    set_member(transaction, row, member, RELEASED)?;
    let (catalog, sql) = (transaction.catalog, transaction.sql);
    if let (Some(connector), Some(group)) = (catalog.connector_no(row.connector), Resource::by_no(sql, row.resource)?) {
        owe_anew(transaction, connector, &group, None, REQUEST_ID)?;
    }
    Ok(())
}

fn set_member(transaction: &Transaction<'_>, row: &Row, member: &str, state: i64) -> Result<(), Error> {
    transaction.sql.run(
        "UPDATE staged_members SET state = ? WHERE in_group = ? AND member = ? AND connector = ?",
        params![state, row.resource, member, row.connector],
    )?;
    Ok(())
}

fn release(transaction: &mut Transaction<'_>, row: &Row) -> Result<(), Error> {
    let (catalog, sql) = (transaction.catalog, transaction.sql);
    cancel(sql, row.connector, row.resource)?;
    let Some(connector) = catalog.connector_no(row.connector) else { return Ok(()) };
    if row.removal != Removal::Deleted {
        return match Resource::by_no(sql, row.resource)? {
            Some(resource) => owe_anew(transaction, connector, &resource, Some(true), REQUEST_ID),
            None => Ok(()),
        };
    }
    members::follow(transaction, connector, row.id, REQUEST_ID)?;
    members::forget(sql, connector.no, row.resource)?;
    let owed = Owed {
        resource: row.resource,
        id: row.id,
        version: row.version,
        removal: Some(true),
        keys: &row.keys,
        before: None,
        request_id: REQUEST_ID,
    };
    owe::owe(transaction, connector, &owed)
}
