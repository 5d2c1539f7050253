//! Makes a store of a backup, in a data directory that has none.
//!
//! Since the backup was made, connectors may have confirmed what this store has never seen. So all that they confirmed is
//! owed to them again, whole, under versions that nobody has seen; and they are paused, because the store's state is older
//! than theirs: whoever was switched off since would come back. `docs/adr/0006-backups.md` has the reasons.

use std::{
    fs::{self, File},
    path::Path,
};

use rusqlite::{Connection, OpenFlags, params};

use super::{
    audit::{Chain, Entry},
    backup::{beside, made_at, sync_directory, unusable},
    directory::{FILE, io, prepare, private_file},
    schema,
    statement::Statements as _,
};
use crate::{
    store::{ConnectorName, ConnectorState, Error, Restored},
    time::Timestamp,
};

/// What versions and the numbers of deliveries are raised by: more changes than one resource, or all connectors together,
/// can have seen between the backup and its restoration.
const UNSEEN: i64 = 1 << 32;

/// Makes a store of `backup` in `data_dir`.
///
/// # Errors
/// The directory has a store, or is another process's; the file is no backup, damaged, or of a newer program.
pub fn restore(data_dir: &Path, backup: &Path, now: Timestamp) -> Result<Restored, Error> {
    let _lock = prepare(data_dir)?;
    let file = data_dir.join(FILE);
    if file.exists() || beside(&file, "-wal").exists() {
        let directory = data_dir.display();
        return Err(unusable(format!("{directory} has a store; move it away, or name an empty data-dir")));
    }
    let partial = data_dir.join("restoring.db");
    let restored = copy(backup, &partial).and_then(|()| make_store(&partial, now));
    let finished = restored.and_then(|restored| {
        let failed = |source| io("finishing the restored store", source);
        File::open(&partial).and_then(|file| file.sync_all()).map_err(failed)?;
        fs::rename(&partial, &file).map_err(failed)?;
        sync_directory(&file).map_err(failed)?;
        Ok(restored)
    });
    if finished.is_err() {
        // What stays is written over by the next attempt, and is no store.
        let _ = fs::remove_file(&partial);
    }
    finished
}

fn copy(backup: &Path, partial: &Path) -> Result<(), Error> {
    let mut from = File::open(backup).map_err(|source| io("opening the backup", source))?;
    let mut to = private_file(partial).map_err(|source| io("creating the store", source))?;
    to.set_len(0)
        .and_then(|()| std::io::copy(&mut from, &mut to).map(drop))
        .map_err(|source| io("copying the backup", source))
}

fn make_store(partial: &Path, now: Timestamp) -> Result<Restored, Error> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let sql = Connection::open_with_flags(partial, flags).map_err(|source| Error::sql("opening the copy", source))?;
    let no_backup = || unusable("the file is no backup of scim-relay; scim-relay backup makes one".to_owned());
    let at = match made_at(&sql) {
        Ok(Some(at)) => at,
        Ok(None) | Err(Error::Corrupt { .. }) => return Err(no_backup()),
        Err(error) => return Err(error),
    };
    // It is thrown away unless it becomes whole, and then synced.
    sql.execute_batch("PRAGMA journal_mode = MEMORY; PRAGMA synchronous = OFF; PRAGMA temp_store = MEMORY;")?;
    let verdict: String = sql.query_row("PRAGMA integrity_check(1)", [], |row| row.get(0))?;
    if verdict != "ok" {
        return Err(Error::Corrupt { place: format!("the backup: {verdict}") });
    }
    schema::migrate(&sql)?;
    sql.execute_batch("BEGIN; DROP TABLE backup;")?;
    outdate(&sql)?;
    let mut chain = Chain::load(&sql)?;
    chain.append(&sql, &Entry::Store { at: now, action: "restored" })?;
    chain.keep(&sql)?;
    sql.execute_batch("COMMIT")?;
    let resources: i64 = sql.query_row("SELECT count(*) FROM resources", [], |row| row.get(0))?;
    let connectors = sql.all("SELECT name FROM connectors ORDER BY name", [], |row| {
        Ok(ConnectorName(row.get::<_, String>(0)?.into()))
    })?;
    Ok(Restored { at, resources: resources.cast_unsigned(), connectors })
}

/// Puts everything behind what connectors and clients may have seen.
fn outdate(sql: &Connection) -> Result<(), Error> {
    let paused = serde_json::to_string(&ConnectorState::Paused)
        .map_err(|source| Error::Io { step: "writing a connector's state", source: Box::new(source) })?;
    sql.run("UPDATE resources SET version = version + ?", [UNSEEN])?;
    sql.run("UPDATE deliveries SET version = version + ?", [UNSEEN])?;
    sql.run("UPDATE leavers SET version = version + ?", [UNSEEN])?;
    sql.run("UPDATE staged SET version = version + ?", [UNSEEN])?;
    // The entry is known, its state is not: it is walked, owed, and told whole.
    sql.run("UPDATE ledger SET version = 0", [])?;
    sql.run(
        "INSERT INTO unknown_members (connector, in_group)
         SELECT connector, resource FROM ledger JOIN partitions ON no = resource >> 40 WHERE kind = 'Group'
         UNION SELECT connector, resource FROM deliveries JOIN partitions ON no = resource >> 40 WHERE kind = 'Group'
         UNION SELECT connector, resource FROM discarded JOIN partitions ON no = resource >> 40 WHERE kind = 'Group'",
        [],
    )?;
    sql.run("UPDATE connectors SET walked = 0, state = ?", [paused])?;
    sql.run(
        "INSERT INTO counters (name, reserved) VALUES (0, ?1)
         ON CONFLICT (name) DO UPDATE SET reserved = reserved + ?1",
        params![UNSEEN],
    )?;
    Ok(())
}
