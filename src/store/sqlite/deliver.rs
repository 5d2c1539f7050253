//! What may go to a connector now.

use rusqlite::{Connection, params};
use scim_connector::{MemberRef, RemoteState, ResourceId, ResourceRef};

use super::{
    brake::{self, WithheldMembers},
    catalog::{Catalog, ConnectorEntry, Partition, TenantEntry},
    members,
    owe::FREE,
    passwords::{self, Sealer},
    statement::Statements as _,
};
use crate::{
    store::{Delivery, DeliveryId, Error, MemberDelta, OwedState, Standing},
    time::Timestamp,
};

/// A delivery that could go, as far as the choice needs it.
struct Candidate {
    queued: i64,
    seq: i64,
    resource: ResourceId,
}

/// A delivery's row with the state that it owes and what the connector confirmed.
struct Due {
    seq: i64,
    resource: i64,
    id: ResourceId,
    version: i64,
    attempts: u32,
    queued: Timestamp,
    request_id: String,
    /// `None` for a deleted resource.
    attributes: Option<String>,
    confirmed_version: i64,
    /// The connector's epoch when it confirmed that.
    epoch: i64,
    remote: Option<String>,
    /// How the entry is kept where a removal is withheld.
    held: Option<Standing>,
}

/// The deliveries that may go now: removals first, then by age.
pub(super) fn due(
    sql: &Connection,
    catalog: &Catalog,
    sealer: Option<&Sealer>,
    connector: &ConnectorEntry,
    now: Timestamp,
    limit: usize,
    under_way: &[ResourceId],
) -> Result<Vec<Delivery>, Error> {
    let Some(tenant) = catalog.tenant(&connector.tenant) else { return Ok(Vec::new()) };
    let mut chosen: Vec<Candidate> = Vec::new();
    for removal in [true, false] {
        let missing = limit - chosen.len();
        if missing == 0 {
            break;
        }
        // A resource has at most one delivery that is free. Never tried, and tried with its time come: each in the order of the index, then merged.
        let mut candidates = candidates(sql, connector.no, removal, (0, 0), missing + under_way.len())?;
        candidates.extend(self::candidates(sql, connector.no, removal, (1, now.0), missing + under_way.len())?);
        candidates.sort_by_key(|candidate| (candidate.queued, candidate.seq));
        candidates.retain(|candidate| !under_way.contains(&candidate.resource));
        candidates.truncate(missing);
        chosen.append(&mut candidates);
    }
    let mut found = Vec::with_capacity(chosen.len());
    for candidate in chosen {
        if let Some(due) = read(sql, candidate.seq)? {
            found.push(delivery(sql, catalog, tenant, sealer, connector, now, due)?);
        }
    }
    Ok(found)
}

/// When the next delivery whose time has not come may go.
pub(super) fn next_at(sql: &Connection, connector: i64, after: Timestamp) -> Result<Option<Timestamp>, Error> {
    let mut next: Option<i64> = None;
    for removal in [true, false] {
        let first: Option<i64> = sql
            .first(
                "SELECT min(not_before) FROM deliveries
                 WHERE connector = ? AND lane = ? AND removal = ? AND not_before > ?",
                params![connector, FREE, removal, after.0],
                |row| row.get(0),
            )?
            .flatten();
        next = next.into_iter().chain(first).min();
    }
    Ok(next.map(Timestamp))
}

fn candidates(
    sql: &Connection,
    connector: i64,
    removal: bool,
    (from, to): (i64, i64),
    limit: usize,
) -> Result<Vec<Candidate>, Error> {
    Ok(sql.all(
        "SELECT queued, seq, id FROM deliveries INDEXED BY deliveries_by_lane
         WHERE connector = ? AND lane = ? AND removal = ? AND not_before BETWEEN ? AND ?
         ORDER BY not_before, queued, seq LIMIT ?",
        params![connector, FREE, removal, from, to, i64::try_from(limit).unwrap_or(i64::MAX)],
        |row| Ok(Candidate { queued: row.get(0)?, seq: row.get(1)?, resource: ResourceId::from_bytes(row.get(2)?) }),
    )?)
}

fn read(sql: &Connection, seq: i64) -> Result<Option<Due>, Error> {
    Ok(sql.first(
        "SELECT deliveries.seq, deliveries.resource, deliveries.id,
                CASE WHEN frozen IS NULL THEN ifnull(resources.version, deliveries.version) ELSE deliveries.version END,
                attempts, queued, request_id, ifnull(frozen, resources.body), ifnull(ledger.version, 0),
                ifnull(epoch, 0), remote, held
         FROM deliveries
         LEFT JOIN resources ON resources.no = deliveries.resource
         LEFT JOIN ledger ON ledger.connector = deliveries.connector AND ledger.resource = deliveries.resource
         LEFT JOIN staged ON staged.connector = deliveries.connector AND staged.resource = deliveries.resource
         WHERE deliveries.seq = ?",
        [seq],
        |row| {
            Ok(Due {
                seq: row.get(0)?,
                resource: row.get(1)?,
                id: ResourceId::from_bytes(row.get(2)?),
                version: row.get(3)?,
                attempts: row.get(4)?,
                queued: Timestamp(row.get(5)?),
                request_id: row.get(6)?,
                attributes: row.get(7)?,
                confirmed_version: row.get(8)?,
                epoch: row.get(9)?,
                remote: row.get(10)?,
                held: row.get::<_, Option<i64>>(11)?.map(brake::held),
            })
        },
    )?)
}

fn delivery(
    sql: &Connection,
    catalog: &Catalog,
    tenant: &TenantEntry,
    sealer: Option<&Sealer>,
    connector: &ConnectorEntry,
    now: Timestamp,
    due: Due,
) -> Result<Delivery, Error> {
    let kind = catalog.kind(due.resource)?.clone();
    let state = match due.attributes {
        Some(attributes) => OwedState::Present {
            attributes: attributes.into(),
            members: if kind.is_group() {
                // What was confirmed under another configuration may be written otherwise now, members included.
                let confirmed = if due.epoch < connector.epoch { 0 } else { due.confirmed_version };
                let versions = (confirmed, due.version);
                Some(delta(sql, catalog, tenant, connector, due.resource, versions)?)
            } else {
                None
            },
        },
        None => OwedState::Deleted,
    };
    let password = match sealer {
        Some(sealer) if connector.config.passwords => {
            passwords::read(sql, sealer, connector, (due.resource, due.id), now)?
        }
        Some(_) | None => None,
    };
    Ok(Delivery {
        id: DeliveryId(due.seq.cast_unsigned()),
        resource: due.id,
        kind,
        version: due.version.cast_unsigned(),
        state,
        held: due.held,
        remote: due.remote.as_deref().map(remote).transpose()?,
        confirmed_version: due.confirmed_version.cast_unsigned(),
        attempts: due.attempts,
        queued: due.queued,
        request_id: due.request_id.into(),
        password,
        fingerprint: connector.config.fingerprint.clone(),
    })
}

/// How a group's members changed after the version that the connector confirmed, up to the one owed.
fn delta(
    sql: &Connection,
    catalog: &Catalog,
    tenant: &TenantEntry,
    connector: &ConnectorEntry,
    group: i64,
    (confirmed, owed): (i64, i64),
) -> Result<MemberDelta, Error> {
    let mut changed: Vec<(String, bool, Option<i64>)> = sql.all(
        "SELECT member, present, gone FROM memberships INDEXED BY memberships_by_version
         WHERE in_group = ? AND version > ? AND version <= ?",
        [group, confirmed, owed],
        |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
    )?;
    // Those that waited, unless they are among the changed.
    changed.extend(sql.all(
        "SELECT waiting.member, 1, NULL FROM waiting_members AS waiting
         JOIN memberships ON memberships.in_group = waiting.in_group AND memberships.member = waiting.member
         WHERE waiting.connector = ? AND waiting.in_group = ? AND present = 1 AND version <= ?",
        [connector.no, group, confirmed],
        |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
    )?);
    let whole =
        sql.first("SELECT 1 FROM unknown_members WHERE connector = ? AND in_group = ?", [connector.no, group], |_| {
            Ok(())
        })?;
    let WithheldMembers { kept, released } = WithheldMembers::read(sql, connector.no, group)?;
    changed.retain(|(member, present, _)| *present || !(kept.contains_key(member) || released.contains_key(member)));
    changed.extend(released.into_iter().map(|(member, no)| (member, false, Some(no))));
    if whole.is_some() {
        changed.extend(kept.into_iter().map(|(member, no)| (member, true, Some(no))));
    }
    let mut delta = MemberDelta { whole: whole.is_some(), ..MemberDelta::default() };
    for (member, present, gone) in changed {
        let no = match gone {
            Some(no) => Some(no),
            None => members::resolve(sql, tenant, &member)?,
        };
        let (Some(no), Ok(id)) = (no, member.parse()) else {
            // A pending reference. It was never added, so it need not be removed.
            if present {
                delta.waiting.push(member);
            }
            continue;
        };
        if !connector.takes(Partition::of(no)) {
            continue;
        }
        let resource = ResourceRef { id, kind: catalog.kind(no)?.clone() };
        let kept: Option<String> =
            sql.first("SELECT remote FROM ledger WHERE connector = ? AND resource = ?", [connector.no, no], |row| {
                row.get(0)
            })?;
        match (present, kept) {
            (true, Some(kept)) => delta.add.push(MemberRef { resource, remote: Some(remote(&kept)?) }),
            (true, None) => delta.waiting.push(member),
            (false, kept) => {
                delta.remove.push(MemberRef { resource, remote: kept.as_deref().map(remote).transpose()? });
            }
        }
    }
    Ok(delta)
}

fn remote(text: &str) -> Result<RemoteState, Error> {
    serde_json::from_str(text).map_err(|_| Error::Corrupt { place: "what a connector keeps of a resource".to_owned() })
}
