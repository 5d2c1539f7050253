//! What came of deliveries: the ledger, and what is owed next because of it.

use rusqlite::params;
use scim_connector::{Effect, RemoteState, ResourceId};

use super::{
    audit::Entry,
    brake,
    catalog::{ConnectorEntry, Partition},
    leavers, members, owe, passwords,
    row::Resource,
    statement::Statements as _,
    writer::Transaction,
};
use crate::{
    store::{DeliveryId, Error, Outcome, Settlement},
    time::Timestamp,
};

/// The request id of outcomes whose delivery was discarded before they were known.
const DISCARDED: &str = "discarded";

/// A delivery that came to an end.
struct Ended {
    /// `None` for one that was discarded meanwhile.
    seq: Option<i64>,
    resource: i64,
    id: ResourceId,
    version: i64,
    keys: Vec<i64>,
    request_id: String,
    confirmed: bool,
    /// Whether what it owes became another since it was read, at the same version.
    anew: bool,
    /// Whether it owed an earlier state than the resource's.
    frozen: bool,
}

/// What was sent.
#[derive(Clone, Copy)]
struct Sent {
    version: i64,
    /// Whether the connector was configured anew meanwhile. What came of it under another configuration is recorded as
    /// that one's, and the delivery stays.
    is_outdated: bool,
}

impl Sent {
    /// Whether the delivery owes something else by now.
    fn is_superseded(self, ended: &Ended) -> bool {
        self.is_outdated || ended.version > self.version || ended.anew
    }
}

/// What is kept of an entry that the connector holds.
struct Kept {
    remote: RemoteState,
    live: bool,
}

/// Records one settlement. Of a delivery that is gone, because it was discarded meanwhile, only what took effect.
pub(super) fn settle(
    transaction: &mut Transaction<'_>,
    connector: &ConnectorEntry,
    settlement: Settlement,
) -> Result<(), Error> {
    let sent = Sent {
        version: settlement.version.cast_signed(),
        is_outdated: settlement.fingerprint != connector.config.fingerprint,
    };
    let ended = match queued(transaction, connector, settlement.id)? {
        Some(queued) => queued,
        None => match discarded(transaction, connector, settlement.resource, sent.version)? {
            Some(discarded) => discarded,
            None => return Ok(()),
        },
    };
    match (settlement.outcome, ended.seq) {
        (Outcome::Applied { effect, remote, live, waiting }, _) => {
            let kept = remote.map(|remote| Kept { remote, live });
            if !live {
                leavers::confirmed(transaction, connector, ended.id, sent.version)?;
            }
            applied(transaction, connector, &ended, sent, effect, kept.as_ref(), &waiting)
        }
        (Outcome::RetryAt { at, counted, class, message }, Some(seq)) => {
            // What holds for the connector as a whole, or was asked for, holds for a newer change too.
            let delays_newer = matches!(class, "throttled" | "misconfigured") || (class == "transient" && !counted);
            if sent.is_outdated || (sent.is_superseded(&ended) && !delays_newer) {
                return again(transaction, seq);
            }
            retry(transaction, seq, at, counted, class, &message)
        }
        (Outcome::Dead { message }, Some(seq)) => dead(transaction, connector, &ended, seq, sent, &message),
        (Outcome::RetryAt { .. } | Outcome::Dead { .. }, None) => Ok(()),
    }
}

fn queued(transaction: &Transaction<'_>, connector: &ConnectorEntry, id: DeliveryId) -> Result<Option<Ended>, Error> {
    Ok(transaction.sql.first(
        "SELECT seq, deliveries.resource, id, deliveries.version, keys, request_id, ledger.version IS NOT NULL, anew,
                frozen IS NOT NULL
         FROM deliveries
         LEFT JOIN ledger ON ledger.connector = deliveries.connector AND ledger.resource = deliveries.resource
         WHERE seq = ? AND deliveries.connector = ?",
        [id.0.cast_signed(), connector.no],
        |row| {
            Ok(Ended {
                seq: row.get(0)?,
                resource: row.get(1)?,
                id: ResourceId::from_bytes(row.get(2)?),
                version: row.get(3)?,
                keys: owe::decode(&row.get::<_, Vec<u8>>(4)?),
                request_id: row.get(5)?,
                confirmed: row.get(6)?,
                anew: row.get(7)?,
                frozen: row.get(8)?,
            })
        },
    )?)
}

/// The resource may be gone, too: what its deliveries were of is noted when they are discarded.
fn discarded(
    transaction: &Transaction<'_>,
    connector: &ConnectorEntry,
    id: ResourceId,
    version: i64,
) -> Result<Option<Ended>, Error> {
    let resource = transaction.sql.first(
        "SELECT resource FROM discarded WHERE connector = ? AND id = ?",
        params![connector.no, id.as_bytes()],
        |row| row.get(0),
    )?;
    let Some(resource) = resource else { return Ok(None) };
    let confirmed = is_confirmed(transaction, connector, resource)?;
    let request_id = DISCARDED.to_owned();
    Ok(Some(Ended {
        seq: None,
        resource,
        id,
        version,
        keys: Vec::new(),
        request_id,
        confirmed,
        anew: false,
        frozen: false,
    }))
}

fn applied(
    transaction: &mut Transaction<'_>,
    connector: &ConnectorEntry,
    ended: &Ended,
    sent: Sent,
    effect: Effect,
    kept: Option<&Kept>,
    waiting: &[String],
) -> Result<(), Error> {
    let sql = transaction.sql;
    let is_group = transaction.catalog.kind(ended.resource)?.is_group();
    let is_gone =
        kept.is_some() && sql.first("SELECT 1 FROM resources WHERE no = ?", [ended.resource], |_| Ok(()))?.is_none();
    // An entry that stays behind, switched off, is owed nothing any more once its resource's deletion was delivered.
    let is_left = is_gone
        && ended.seq.is_some()
        && !ended.frozen
        && !sent.is_superseded(ended)
        && kept.is_some_and(|kept| !kept.live);
    let kept = kept.filter(|_| !is_left);
    match kept {
        Some(Kept { remote, live }) => {
            let epoch = connector.epoch - i64::from(sent.is_outdated);
            let text = serde_json::to_string(remote)
                .map_err(|source| Error::Io { step: "writing the ledger", source: Box::new(source) })?;
            sql.run(
                "INSERT INTO ledger (connector, resource, version, remote, epoch, live) VALUES (?, ?, ?, ?, ?, ?)
                 ON CONFLICT DO UPDATE SET version = excluded.version, remote = excluded.remote,
                     epoch = excluded.epoch, live = excluded.live",
                params![connector.no, ended.resource, sent.version, text, epoch, live],
            )?;
        }
        None => {
            sql.run("DELETE FROM ledger WHERE connector = ? AND resource = ?", [connector.no, ended.resource])?;
        }
    }
    passwords::erase(sql, connector.no, ended.resource, sent.version)?;
    outcome(transaction, connector, ended, sent.version, effect_name(effect))?;
    // What is held of a resource that is gone may be owed nothing because its deletion was discarded.
    if kept.is_none() || !is_gone {
        sql.run("DELETE FROM discarded WHERE connector = ? AND id = ?", params![connector.no, ended.id.as_bytes()])?;
    }
    match ended.seq {
        Some(seq) if sent.is_superseded(ended) => again(transaction, seq)?,
        Some(seq) => {
            if is_group {
                brake::settled(sql, connector.no, ended.resource)?;
            }
            sql.run("DELETE FROM deliveries WHERE seq = ?", [seq])?;
            owe::release(transaction, connector.no, seq, &ended.keys)?;
        }
        None => {}
    }
    if is_group {
        group_applied(transaction, connector, ended, waiting)?;
    }
    match (ended.confirmed, kept) {
        (false, Some(_)) => confirmed_first(transaction, connector, ended),
        (true, None) => forgotten(transaction, connector, ended),
        (true, Some(_)) | (false, None) => Ok(()),
    }
}

/// A group's members that were left out wait; one that was confirmed since the delivery was read is owed at once.
fn group_applied(
    transaction: &mut Transaction<'_>,
    connector: &ConnectorEntry,
    ended: &Ended,
    waiting: &[String],
) -> Result<(), Error> {
    let sql = transaction.sql;
    let Some(tenant) = transaction.catalog.tenant(&connector.tenant) else { return Ok(()) };
    sql.run("DELETE FROM unknown_members WHERE connector = ? AND in_group = ?", [connector.no, ended.resource])?;
    let mut came = false;
    for (member, is_forgotten, is_present) in waited(transaction, connector, ended.resource)? {
        let no = members::resolve(sql, tenant, &member)?;
        let is_confirmed = match no {
            Some(no) => is_confirmed(transaction, connector, no)?,
            None => false,
        };
        let at = params![connector.no, ended.resource, member];
        if is_present && is_forgotten && is_confirmed {
            // It went and came back while the delivery was under way, which may have added it before that.
            sql.run(
                "UPDATE waiting_members SET forgotten = 0 WHERE connector = ? AND in_group = ? AND member = ?",
                at,
            )?;
            came = true;
        } else if !is_present || is_confirmed {
            sql.run("DELETE FROM waiting_members WHERE connector = ? AND in_group = ? AND member = ?", at)?;
        }
    }
    for member in waiting {
        sql.run(
            "INSERT OR IGNORE INTO waiting_members (connector, in_group, member) VALUES (?, ?, ?)",
            params![connector.no, ended.resource, member],
        )?;
        if let Some(no) = members::resolve(sql, tenant, member)? {
            came |= is_confirmed(transaction, connector, no)?;
        }
    }
    if came {
        owe_group(transaction, connector, ended.resource, &ended.request_id)?;
    }
    let holders: Vec<&ConnectorEntry> = tenant.holders(Partition::of(ended.resource)).collect();
    members::purge(sql, &holders, (ended.resource, ended.id))
}

/// The members of a group that wait for their confirmation: whether the connector lost them since the group's last
/// delivery, and whether the group still has them.
fn waited(
    transaction: &Transaction<'_>,
    connector: &ConnectorEntry,
    group: i64,
) -> Result<Vec<(String, bool, bool)>, Error> {
    Ok(transaction.sql.all(
        "SELECT waiting.member, forgotten, ifnull(present, 0) FROM waiting_members AS waiting
         LEFT JOIN memberships ON memberships.in_group = waiting.in_group AND memberships.member = waiting.member
         WHERE waiting.connector = ? AND waiting.in_group = ?",
        [connector.no, group],
        |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
    )?)
}

/// Groups that lack the resource at this connector are owed again.
fn confirmed_first(transaction: &mut Transaction<'_>, connector: &ConnectorEntry, ended: &Ended) -> Result<(), Error> {
    let sql = transaction.sql;
    let member = ended.id.to_string();
    let groups: Vec<i64> = sql.all(
        "SELECT in_group FROM waiting_members WHERE connector = ? AND member = ?",
        params![connector.no, member],
        |row| row.get(0),
    )?;
    for group in groups {
        if !owe::is_queued(sql, connector.no, group)? {
            // So none is under way, and the next one adds the member.
            sql.run(
                "UPDATE waiting_members SET forgotten = 0 WHERE connector = ? AND in_group = ? AND member = ?",
                params![connector.no, group, member],
            )?;
        }
        owe_group(transaction, connector, group, &ended.request_id)?;
    }
    Ok(())
}

/// The connector holds the resource no more. Should it come back, its groups need it again.
fn forgotten(transaction: &mut Transaction<'_>, connector: &ConnectorEntry, ended: &Ended) -> Result<(), Error> {
    let sql = transaction.sql;
    let Some(groups) = transaction.catalog.tenant(&connector.tenant).and_then(|tenant| tenant.groups()) else {
        return Ok(());
    };
    if !connector.takes(groups) {
        return Ok(());
    }
    let member = ended.id.to_string();
    for group in members::groups_with(sql, groups, &member)? {
        sql.run(
            "INSERT INTO waiting_members (connector, in_group, member, forgotten) VALUES (?, ?, ?, 1)
             ON CONFLICT DO UPDATE SET forgotten = 1",
            params![connector.no, group, member],
        )?;
    }
    Ok(())
}

fn retry(
    transaction: &mut Transaction<'_>,
    seq: i64,
    at: Timestamp,
    counted: bool,
    class: &str,
    message: &str,
) -> Result<(), Error> {
    transaction.sql.run(
        "UPDATE deliveries SET attempts = attempts + ?, not_before = max(?, 1), error_class = ?, error = ?
         WHERE seq = ?",
        params![counted, at.0, class, message, seq],
    )?;
    transaction.state.deliverable = true;
    Ok(())
}

fn dead(
    transaction: &mut Transaction<'_>,
    connector: &ConnectorEntry,
    ended: &Ended,
    seq: i64,
    sent: Sent,
    message: &str,
) -> Result<(), Error> {
    outcome(transaction, connector, ended, sent.version, "dead")?;
    passwords::erase(transaction.sql, connector.no, ended.resource, sent.version)?;
    if sent.is_superseded(ended) {
        // A newer version is tried anew, and so is one under another configuration.
        return again(transaction, seq);
    }
    let sql = transaction.sql;
    let superseded = sql.first(
        "SELECT 1 FROM deliveries WHERE connector = ? AND resource = ? AND seq > ?",
        [connector.no, ended.resource, seq],
        |_| Ok(()),
    )?;
    if superseded.is_some() {
        // It was frozen, and a newer state has a delivery of its own. Kept, it could be retried after that one.
        sql.run("DELETE FROM deliveries WHERE seq = ?", [seq])?;
    } else {
        sql.run(
            "UPDATE deliveries SET attempts = attempts + 1, lane = ?, waits_on = NULL, error_class = 'rejected',
             error = ? WHERE seq = ?",
            params![owe::DEAD, message, seq],
        )?;
    }
    owe::release(transaction, connector.no, seq, &ended.keys)
}

/// Something else is owed meanwhile, most often a newer version: the delivery stays in its place and starts over.
fn again(transaction: &mut Transaction<'_>, seq: i64) -> Result<(), Error> {
    transaction.sql.run(
        "UPDATE deliveries SET attempts = 0, not_before = 0, error_class = NULL, error = NULL, anew = 0
         WHERE seq = ?",
        [seq],
    )?;
    transaction.state.deliverable = true;
    Ok(())
}

fn owe_group(
    transaction: &mut Transaction<'_>,
    connector: &ConnectorEntry,
    group: i64,
    request_id: &str,
) -> Result<(), Error> {
    if !connector.takes(Partition::of(group)) {
        return Ok(());
    }
    match Resource::by_no(transaction.sql, group)? {
        Some(group) => owe::owe_again(transaction, connector, &group, None, request_id),
        None => Ok(()),
    }
}

fn is_confirmed(transaction: &Transaction<'_>, connector: &ConnectorEntry, resource: i64) -> Result<bool, Error> {
    Ok(transaction
        .sql
        .first("SELECT 1 FROM ledger WHERE connector = ? AND resource = ?", [connector.no, resource], |_| Ok(()))?
        .is_some())
}

fn outcome(
    transaction: &mut Transaction<'_>,
    connector: &ConnectorEntry,
    ended: &Ended,
    version: i64,
    outcome: &'static str,
) -> Result<(), Error> {
    let entry = Entry::Outcome {
        at: transaction.now,
        connector: &connector.config.name.0,
        request_id: &ended.request_id,
        outcome,
        resource: ended.id,
        version,
    };
    transaction.state.chain.append(transaction.sql, &entry)
}

const fn effect_name(effect: Effect) -> &'static str {
    match effect {
        Effect::Created => "created",
        Effect::Adopted => "adopted",
        Effect::Updated => "updated",
        Effect::Unchanged => "unchanged",
        Effect::Removed => "removed",
    }
}
