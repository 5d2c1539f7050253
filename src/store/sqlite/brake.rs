//! The brake: what is removed beyond a limit is withheld until a person releases or discards it.
//!
//! It is asked in the transaction that commits a removal, so that what counts is exact and outlives a restart. The
//! tenant's brake is asked first, once for each removal of the client's, then each connector's. A removal that is
//! withheld is a row of `staged`, no delivery: the entry is held as it was (`held`), and everything else of the resource
//! goes (`deliver`). An opposite change ends it.
//!
//! What counts is an entry that the connector has confirmed and that is to become less than it is: in use, switched off
//! or aside, gone. It counts once within the window. What a person releases counts for nothing.

mod members;
mod operator;
mod window;

use rusqlite::{Connection, params};
use scim_connector::ResourceId;

pub(super) use self::members::{GroupWrite, Withheld as WithheldMembers, follow, forget, settled, stay, withhold};
use self::window::{ENTRANCE, Window};
use super::{
    catalog::{ConnectorEntry, Partition, TenantEntry},
    owe,
    row::Resource,
    statement::Statements as _,
    writer::Transaction,
};
use crate::store::{Error, Keeps, Removal, Standing};

/// States of rows of `staged` and `staged_members`.
pub(super) const STAGED: i64 = 0;
const RELEASED: i64 = 1;
pub(super) const DISCARDED: i64 = 2;

/// A resource that comes to stand otherwise to a connector.
#[derive(Clone, Copy)]
pub(super) struct Turn<'a> {
    pub(super) resource: i64,
    pub(super) id: ResourceId,
    /// Its version from then on.
    pub(super) version: i64,
    pub(super) from: Standing,
    /// `None` where it comes to be in use.
    pub(super) removal: Option<Removal>,
    /// The keys of a deletion.
    pub(super) keys: &'a [i64],
}

impl Turn<'_> {
    fn to(&self) -> Standing {
        match self.removal {
            None => Standing::Live,
            Some(Removal::Deactivated) => Standing::Inactive,
            Some(Removal::OutOfScope | Removal::Deleted | Removal::Member) => Standing::Outside,
        }
    }
}

/// The removal that a change of standing is.
pub(super) fn removal(to: Standing) -> Option<Removal> {
    match to {
        Standing::Live => None,
        Standing::Inactive => Some(Removal::Deactivated),
        Standing::Outside => Some(Removal::OutOfScope),
    }
}

/// The tenant's brake at one removal: asked at most once, and only if some connector would remove something.
pub(super) struct Entrance {
    passes: Option<bool>,
}

impl Entrance {
    /// For a removal that the client asked for, or for another one, which passes.
    pub(super) fn new(is_asked: bool) -> Self {
        Self { passes: if is_asked { None } else { Some(true) } }
    }

    fn passes(&mut self, transaction: &Transaction<'_>, tenant: &TenantEntry, resource: i64) -> Result<bool, Error> {
        if let Some(passes) = self.passes {
            return Ok(passes);
        }
        let partition = Partition::of(resource);
        let population = transaction.active_resources(partition)?;
        let mut window = Window::open(transaction, &tenant.config.brake, (ENTRANCE, partition.0), population)?;
        let passes = window.passes(transaction, resource)?;
        self.passes = Some(passes);
        Ok(passes)
    }
}

/// A removal that is withheld.
struct Withheld {
    state: i64,
    held: Standing,
}

/// Takes note of a change of standing; how the entry is held where the brake withholds that change.
pub(super) fn turn(
    transaction: &Transaction<'_>,
    tenant: &TenantEntry,
    connector: &ConnectorEntry,
    turn: &Turn<'_>,
    entrance: &mut Entrance,
) -> Result<Option<Standing>, Error> {
    let (sql, policy) = (transaction.sql, &connector.config.policy);
    let before = withheld(sql, connector.no, turn.resource)?;
    // What leaves the entry as it is removes nothing.
    let target = policy.keeps(turn.to()).unwrap_or(Keeps::InUse);
    let held = before.as_ref().map_or(turn.from, |before| before.held);
    if let Some(before) = &before {
        if target >= policy.keeps(before.held).unwrap_or(Keeps::InUse) {
            cancel(sql, connector.no, turn.resource)?;
            return Ok(None);
        }
        if before.state == STAGED {
            // The same entry, withheld for another reason from now on.
            restage(sql, connector.no, turn)?;
            return Ok(Some(held));
        }
    } else {
        let live = sql.first(
            "SELECT live FROM ledger WHERE connector = ? AND resource = ?",
            [connector.no, turn.resource],
            |row| row.get::<_, bool>(0),
        )?;
        let Some(live) = live else { return Ok(None) };
        let there = if live { Keeps::InUse } else { Keeps::Aside };
        if target >= policy.keeps(turn.from).map_or(there, |kept| kept.min(there)) {
            return Ok(None);
        }
    }
    let at_entrance = !entrance.passes(transaction, tenant, turn.resource)?;
    if !at_entrance && passes(transaction, connector, turn.resource)? {
        cancel(sql, connector.no, turn.resource)?;
        return Ok(None);
    }
    stage(transaction, connector, turn, held, at_entrance)?;
    Ok(Some(held))
}

fn passes(transaction: &Transaction<'_>, connector: &ConnectorEntry, resource: i64) -> Result<bool, Error> {
    let partition = Partition::of(resource).0;
    let population = transaction.sql.first(
        "SELECT count FROM live_entries WHERE connector = ? AND partition = ?",
        [connector.no, partition],
        |row| row.get(0),
    )?;
    Window::open(transaction, &connector.config.brake, (connector.no, partition), population.unwrap_or(0))?
        .passes(transaction, resource)
}

fn stage(
    transaction: &Transaction<'_>,
    connector: &ConnectorEntry,
    turn: &Turn<'_>,
    held: Standing,
    at_entrance: bool,
) -> Result<(), Error> {
    let sql = transaction.sql;
    alarm(sql, connector)?;
    sql.run(
        "INSERT OR REPLACE INTO staged
         (connector, resource, id, version, since, state, removal, held, at_entrance, keys)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        params![
            connector.no,
            turn.resource,
            turn.id.as_bytes(),
            turn.version,
            transaction.now.0,
            STAGED,
            removal_no(turn.removal),
            i64::from(held == Standing::Inactive),
            at_entrance,
            owe::encode(turn.keys),
        ],
    )?;
    Ok(())
}

fn restage(sql: &Connection, connector: i64, turn: &Turn<'_>) -> Result<(), Error> {
    sql.run(
        "UPDATE staged SET version = ?, removal = ?, keys = ? WHERE connector = ? AND resource = ?",
        params![turn.version, removal_no(turn.removal), owe::encode(turn.keys), connector, turn.resource],
    )?;
    Ok(())
}

/// Says so in the log when the first removal is staged at a connector.
fn alarm(sql: &Connection, connector: &ConnectorEntry) -> Result<(), Error> {
    let any = |table: &str| {
        let text = format!("SELECT 1 FROM {table} WHERE connector = ? AND state = ? LIMIT 1");
        sql.first(&text, [connector.no, STAGED], |_| Ok(()))
    };
    if any("staged")?.is_none() && any("staged_members")?.is_none() {
        tracing::error!(
            tenant = &*connector.tenant.0,
            connector = &*connector.config.name.0,
            "the brake withholds removals beyond the limit; see scim-relay brake show"
        );
    }
    Ok(())
}

fn withheld(sql: &Connection, connector: i64, resource: i64) -> Result<Option<Withheld>, Error> {
    Ok(sql.first(
        "SELECT state, held FROM staged WHERE connector = ? AND resource = ?",
        [connector, resource],
        |row| Ok(Withheld { state: row.get(0)?, held: held(row.get(1)?) }),
    )?)
}

fn cancel(sql: &Connection, connector: i64, resource: i64) -> Result<(), Error> {
    sql.run("DELETE FROM staged WHERE connector = ? AND resource = ?", [connector, resource])?;
    Ok(())
}

/// The standing in a row's `held`.
pub(super) fn held(no: i64) -> Standing {
    if no == 0 { Standing::Live } else { Standing::Inactive }
}

fn removal_no(removal: Option<Removal>) -> i64 {
    match removal {
        Some(Removal::Deactivated) | None => 0,
        Some(Removal::OutOfScope | Removal::Member) => 1,
        Some(Removal::Deleted) => 2,
    }
}

fn removal_of(no: i64) -> Removal {
    match no {
        0 => Removal::Deactivated,
        1 => Removal::OutOfScope,
        _ => Removal::Deleted,
    }
}

/// Keeps what is queued of a resource whose deletion is withheld: it goes with the state before, where it would be read as
/// the deletion otherwise.
pub(super) fn freeze(
    sql: &Connection,
    connector: i64,
    resource: i64,
    (version, body): (i64, &str),
) -> Result<(), Error> {
    sql.run(
        "UPDATE deliveries SET frozen = ?, version = ? WHERE connector = ? AND resource = ? AND frozen IS NULL",
        params![body, version, connector, resource],
    )?;
    Ok(())
}

/// Owes a resource as it is now although its version is the same: a delivery of it that is under way shows it otherwise.
fn owe_anew(
    transaction: &mut Transaction<'_>,
    connector: &ConnectorEntry,
    resource: &Resource,
    removal: Option<bool>,
    request_id: &str,
) -> Result<(), Error> {
    transaction.sql.run(
        "UPDATE deliveries SET anew = 1 WHERE connector = ? AND resource = ? AND lane IN (?, ?) AND frozen IS NULL",
        [connector.no, resource.no, owe::FREE, owe::WAITS],
    )?;
    owe::owe_again(transaction, connector, resource, removal, request_id)
}
