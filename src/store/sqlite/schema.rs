//! The tables, their migrations, and how a connection to the file is opened.

use std::path::Path;

use rusqlite::{Connection, OpenFlags, config::DbConfig};

use super::index;
use crate::store::Error;

/// Brings a file from each version to the next; `PRAGMA user_version` counts those done. Never edited, only extended.
const MIGRATIONS: &[Migration] = &[
    Migration { tables: include_str!("schema_1.sql"), values: |_| Ok(()) },
    Migration { tables: include_str!("schema_2.sql"), values: index::fold_again },
];

/// From one version to the next, in one transaction.
struct Migration {
    /// Statements, first.
    tables: &'static str,
    /// What statements cannot do.
    values: fn(&Connection) -> Result<(), Error>,
}

/// Prepared statements that a connection keeps: more than there are in this module's files.
const STATEMENTS_KEPT: usize = 176;

/// What a connection is opened for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Purpose {
    Write,
    Read,
}

/// Opens a connection.
///
/// `synchronous = FULL` syncs the write-ahead log at each commit: the acknowledgement of a write leaves after that.
pub(super) fn open(file: &Path, purpose: Purpose) -> Result<Connection, Error> {
    let access = match purpose {
        Purpose::Write => OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE,
        Purpose::Read => OpenFlags::SQLITE_OPEN_READ_ONLY,
    };
    let sql = Connection::open_with_flags(file, access | OpenFlags::SQLITE_OPEN_NO_MUTEX)
        .map_err(|source| Error::sql("opening the database", source))?;
    sql.set_prepared_statement_cache_capacity(STATEMENTS_KEPT);
    // Plans do not depend on values. Without this SQLite plans a statement with a range anew for each new value, which
    // costs more than running it.
    sql.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    let settings = match purpose {
        // A checkpoint every 64 MiB of log: pages that change often are copied once, and a restart still takes no second.
        Purpose::Write => {
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = OFF;
             PRAGMA wal_autocheckpoint = 16000; PRAGMA journal_size_limit = 134217728;
             PRAGMA cache_size = -49152; PRAGMA temp_store = MEMORY; PRAGMA busy_timeout = 5000;"
        }
        Purpose::Read => {
            "PRAGMA query_only = ON; PRAGMA cache_size = -8192; PRAGMA temp_store = MEMORY;
             PRAGMA busy_timeout = 5000;"
        }
    };
    sql.execute_batch(settings).map_err(|source| Error::sql("configuring the database", source))?;
    Ok(sql)
}

/// Brings the file to this program's version.
pub(super) fn migrate(sql: &Connection) -> Result<(), Error> {
    let version: i64 = sql.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    let done = usize::try_from(version).unwrap_or(usize::MAX);
    if done > MIGRATIONS.len() {
        return Err(Error::Corrupt {
            place: format!(
                "schema version {version} is newer than this program's {}; start the newer program",
                MIGRATIONS.len()
            ),
        });
    }
    let failed = |source| Error::sql("migrating the database", source);
    for (number, Migration { tables, values }) in MIGRATIONS.iter().enumerate().skip(done) {
        // One that fails is taken back when the connection is dropped.
        sql.execute_batch(&format!("BEGIN IMMEDIATE; {tables}")).map_err(failed)?;
        values(sql)?;
        sql.execute_batch(&format!("PRAGMA user_version = {}; COMMIT;", number + 1)).map_err(failed)?;
    }
    Ok(())
}
