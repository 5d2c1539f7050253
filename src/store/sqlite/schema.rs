//! The tables, their migrations, and how a connection to the file is opened.

use std::path::Path;

use rusqlite::{Connection, OpenFlags, config::DbConfig};

use super::index;
use crate::store::Error;

/// Brings a file from each version to the next; `PRAGMA user_version` counts those done. Never edited, only extended.
pub(super) const MIGRATIONS: &[Migration] = &[
    Migration { tables: include_str!("schema_1.sql"), values: |_| Ok(()) },
    Migration { tables: include_str!("schema_2.sql"), values: |_| Ok(()) },
    Migration { tables: include_str!("schema_3.sql"), values: |_| Ok(()) },
    Migration { tables: include_str!("schema_4.sql"), values: index::fold_again },
    Migration { tables: include_str!("schema_5.sql"), values: |_| Ok(()) },
    Migration { tables: include_str!("schema_6.sql"), values: |_| Ok(()) },
    Migration { tables: include_str!("schema_7.sql"), values: |_| Ok(()) },
    Migration { tables: include_str!("schema_8.sql"), values: |_| Ok(()) },
    Migration { tables: include_str!("schema_9.sql"), values: |_| Ok(()) },
    Migration { tables: include_str!("schema_10.sql"), values: |_| Ok(()) },
];

/// From one version to the next, in one transaction.
pub(super) struct Migration {
    /// Statements, first.
    tables: &'static str,
    /// What statements cannot do.
    values: fn(&Connection) -> Result<(), Error>,
}

/// Prepared statements that a connection keeps: more than there are in this module's files.
const STATEMENTS_KEPT: usize = 192;

/// What a connection is opened for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Purpose {
    Write,
    Read,
    /// To copy all of it; long, and once.
    Copy,
}

/// Opens a connection.
///
/// `synchronous = FULL` syncs the write-ahead log at each commit: the acknowledgement of a write leaves after that.
pub(super) fn open(file: &Path, purpose: Purpose) -> Result<Connection, Error> {
    let access = match purpose {
        Purpose::Write => OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE,
        Purpose::Read | Purpose::Copy => OpenFlags::SQLITE_OPEN_READ_ONLY,
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
        // Without `query_only`, which forbids to write the copy.
        Purpose::Copy => "PRAGMA temp_store = MEMORY; PRAGMA busy_timeout = 5000;",
    };
    sql.execute_batch(settings).map_err(|source| Error::sql("configuring the database", source))?;
    Ok(sql)
}

/// Brings the file to this program's version.
pub(super) fn migrate(sql: &Connection) -> Result<(), Error> {
    migrate_to(sql, MIGRATIONS.len())
}

/// Brings the file to that version, if it is of an earlier one.
pub(super) fn migrate_to(sql: &Connection, wanted: usize) -> Result<(), Error> {
    let version: i64 = sql.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    let done = usize::try_from(version).unwrap_or(usize::MAX);
    if done > MIGRATIONS.len() {
        return Err(Error::Unusable {
            reason: format!(
                "the store was written by a newer program: its schema is version {version}, this program knows {}; start \
                 the newer program, or restore a backup that was made before",
                MIGRATIONS.len()
            ),
        });
    }
    let failed = |source| Error::sql("migrating the database", source);
    for (number, Migration { tables, values }) in MIGRATIONS.iter().enumerate().take(wanted).skip(done) {
        // One that fails is taken back when the connection is dropped.
        sql.execute_batch(&format!("BEGIN IMMEDIATE; {tables}")).map_err(failed)?;
        values(sql)?;
        sql.execute_batch(&format!("PRAGMA user_version = {}; COMMIT;", number + 1)).map_err(failed)?;
    }
    Ok(())
}

/// Commits a page, and changes nothing.
pub(super) fn touch(sql: &Connection) -> Result<(), Error> {
    Ok(sql.execute_batch(&format!("PRAGMA user_version = {}", MIGRATIONS.len()))?)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    /// A file as the first version wrote it: tenants 1 and 2 with users (1, 3) and groups (2, 4).
    fn first_version(file: &Path) -> Connection {
        let sql = open(file, Purpose::Write).unwrap();
        sql.execute_batch(MIGRATIONS[0].tables).unwrap();
        sql.execute_batch(
            "PRAGMA user_version = 1;
             INSERT INTO partitions (no, tenant, kind) VALUES (1, 1, 'User'), (2, 1, 'Group'), (3, 2, 'User');",
        )
        .unwrap();
        sql
    }

    #[test]
    fn what_an_earlier_version_wrote_is_brought_to_this_one() {
        let directory = tempfile::tempdir().unwrap();
        let sql = first_version(&directory.path().join("relay.db"));
        let [ours, theirs, nobody] = [1_u8, 2, 3].map(|byte| scim_connector::ResourceId::from_bytes([byte; 16]));
        let managed = |manager| {
            let urn = crate::scim::schema::ENTERPRISE_URN;
            format!(r#"{{"{urn}":{{"manager":{{"value":"{manager}"}}}}}}"#)
        };
        let mut insert = sql
            .prepare("INSERT INTO resources (no, id, version, created, modified, body, members) VALUES (?, ?, 1, 0, 0, ?, 0)")
            .unwrap();
        for (no, id, body) in [
            ((1_i64 << 40) + 1, ours.as_bytes(), managed(nobody)),
            ((1 << 40) + 2, &[4; 16], managed(ours)),
            ((1 << 40) + 3, &[5; 16], managed(theirs)),
            ((3 << 40) + 1, theirs.as_bytes(), "{}".to_owned()),
        ] {
            insert.execute((no, id, body)).unwrap();
        }
        drop(insert);
        for member in [ours.to_string(), theirs.to_string(), "b7".to_owned()] {
            sql.execute(
                "INSERT INTO memberships (in_group, member, version, present) VALUES (?, ?, 1, 1)",
                ((2_i64 << 40) + 1, member),
            )
            .unwrap();
        }
        for (attribute, value) in [(1, "ann"), (1, "ａｎｎ"), (2, "Ａ"), (3, "zoe\u{308}"), (3, "zo\u{eb}")] {
            sql.execute(
                "INSERT INTO indexed_values (partition, attribute, value, resource) VALUES (1, ?, ?, ?)",
                (attribute, value, (1_i64 << 40) + i64::from(value.starts_with('ａ'))),
            )
            .unwrap();
        }

        let [deleted_user, active_user, deleted_group] = [(1_i64 << 40) + 9, (1 << 40) + 1, (2 << 40) + 9];
        for (no, resource) in [deleted_user, active_user, deleted_group].into_iter().enumerate() {
            sql.execute(
                "INSERT INTO deliveries (connector, resource, id, version, removal, lane, queued, keys, request_id)
                 VALUES (1, ?, ?, 2, 1, 0, 7000, x'', 'r')",
                (resource, [6_u8 + u8::try_from(no).unwrap(); 16]),
            )
            .unwrap();
        }

        migrate(&sql).unwrap();
        migrate(&sql).unwrap();
        let texts = |query: &str| -> Vec<String> {
            let mut statement = sql.prepare(query).unwrap();
            statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
        };
        assert_eq!(
            texts("SELECT member FROM memberships WHERE pending IS NOT NULL ORDER BY member"),
            [theirs.to_string(), "b7".to_owned()]
        );
        assert_eq!(
            texts("SELECT value FROM indexed_values WHERE attribute = 5 ORDER BY resource"),
            [nobody, ours, theirs].map(|id| id.to_string())
        );
        assert_eq!(
            texts("SELECT value FROM indexed_values WHERE attribute = 5 AND pending IS NOT NULL ORDER BY resource"),
            [nobody, theirs].map(|id| id.to_string())
        );
        assert_eq!(
            texts("SELECT value FROM indexed_values WHERE attribute < 5 ORDER BY attribute, resource"),
            ["ann", "ann", "Ａ", "zo\u{eb}"]
        );
        assert_eq!(texts("SELECT resource || ' since ' || since FROM leavers"), [format!("{deleted_user} since 7000")]);
    }
}
