//! A copy of the store while it is used.
//!
//! SQLite writes one read transaction into a new file (`VACUUM INTO`): the copy is of one moment, and has none of what was
//! erased before. Passwords are erased from it. It appears under its name only when it is whole and on disk.
//!
//! A backup is no store: what its connectors hold may be newer. The table `backup` says so, and only `restore` makes a
//! store of it.

use std::{
    ffi::OsString,
    fs::{self, File},
    path::{Path, PathBuf},
};

use rusqlite::{Connection, OpenFlags};

use super::{
    directory::{io, private_file},
    schema::{self, Purpose},
    statement::Statements as _,
};
use crate::{
    store::{Backup, Error},
    time::Timestamp,
};

/// Copies the store in `file` to `to`, which must not exist.
pub(super) fn write(file: &Path, to: PathBuf, at: Timestamp) -> Result<Backup, Error> {
    if to.exists() {
        return Err(unusable(format!("{} exists; name another file", to.display())));
    }
    let partial = beside(&to, ".partial");
    let copy = private_file(&partial).map_err(|source| io("creating the backup", source))?;
    if copy.try_lock().is_err() {
        return Err(unusable(format!("another backup to {} is under way", to.display())));
    }
    let written = write_partial(file, &partial, at).and_then(|()| finish(&copy, &partial, &to));
    match written {
        Ok(bytes) => Ok(Backup { file: to, bytes, at }),
        Err(error) => {
            // What stays is written over by the next one.
            let _ = fs::remove_file(&partial);
            Err(error)
        }
    }
}

fn write_partial(file: &Path, partial: &Path, at: Timestamp) -> Result<(), Error> {
    let name = partial.to_str().ok_or_else(|| unusable("a backup's path has to be UTF-8".to_owned()))?;
    // Of a backup that broke off.
    File::options()
        .write(true)
        .open(partial)
        .and_then(|copy| copy.set_len(0))
        .map_err(|source| io("creating the backup", source))?;
    let sql = schema::open(file, Purpose::Copy)?;
    sql.execute("VACUUM INTO ?", [name]).map_err(|source| Error::sql("writing the backup", source))?;
    scim_connector::crash_point!("during-backup");
    drop(sql);
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let copy =
        Connection::open_with_flags(partial, flags).map_err(|source| Error::sql("opening the backup", source))?;
    // A journal in memory, so that no file beside it keeps what is erased here.
    copy.execute_batch(&format!(
        "PRAGMA journal_mode = MEMORY; PRAGMA secure_delete = ON; PRAGMA temp_store = MEMORY;
         BEGIN;
         DELETE FROM passwords;
         CREATE TABLE backup (at INTEGER NOT NULL);
         INSERT INTO backup (at) VALUES ({});
         COMMIT;",
        at.0
    ))
    .map_err(|source| Error::sql("finishing the backup", source))
}

fn finish(copy: &File, partial: &Path, to: &Path) -> Result<u64, Error> {
    let failed = |source| io("finishing the backup", source);
    copy.sync_all().map_err(failed)?;
    let bytes = copy.metadata().map_err(failed)?.len();
    scim_connector::crash_point!("during-backup");
    fs::rename(partial, to).map_err(failed)?;
    sync_directory(to).map_err(failed)?;
    Ok(bytes)
}

/// When the file in this connection was made as a backup; `None` for a store.
pub(super) fn made_at(sql: &Connection) -> Result<Option<Timestamp>, Error> {
    let is_backup =
        sql.first("SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'backup'", [], |_| Ok(()))?.is_some();
    if !is_backup {
        return Ok(None);
    }
    let at = sql.first("SELECT at FROM backup", [], |row| row.get(0).map(Timestamp))?;
    Ok(Some(at.unwrap_or(Timestamp(0))))
}

/// The file of that name with something added.
pub(super) fn beside(file: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(file);
    name.push(suffix);
    name.into()
}

/// Makes the name of a file last as long as the file.
pub(super) fn sync_directory(file: &Path) -> std::io::Result<()> {
    match file.parent() {
        Some(directory) if directory.as_os_str().is_empty() => File::open(".")?.sync_all(),
        Some(directory) => File::open(directory)?.sync_all(),
        None => Ok(()),
    }
}

pub(super) fn unusable(reason: String) -> Error {
    Error::Unusable { reason }
}
