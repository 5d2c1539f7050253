//! Connectors that are discarded, or reset: what is known of them is nobody's any more.
//!
//! Queue, ledger and whatever else is kept of a connector lie in tables with a column `connector`, which holds its number.
//! Taking the number away forgets all of it at once; the rows are deleted part by part, after a crash too. They are found
//! by that column alone, so that a new table cannot be left out.

use rusqlite::{Connection, params};

use super::{audit::Entry, statement::Statements as _, writer::Transaction};
use crate::store::{ConnectorName, Error};

/// Rows of one table that are deleted in one transaction.
const PART: i64 = 5_000;

/// Forgets a connector that is configured no more; whether there was one.
pub(super) fn discard(transaction: &mut Transaction<'_>, connector: &ConnectorName) -> Result<bool, Error> {
    let sql = transaction.sql;
    let no: Option<i64> =
        sql.first("DELETE FROM connectors WHERE name = ? AND NOT configured RETURNING no", [&*connector.0], |row| {
            row.get(0)
        })?;
    let Some(no) = no else { return Ok(false) };
    sql.run("INSERT INTO forgotten (connector) VALUES (?)", [no])?;
    audit(transaction, connector, "discarded")?;
    Ok(true)
}

/// Gives a connector another number, under which nothing is known; every resource is to be owed. Nothing where the
/// connector is not known anyway.
pub(super) fn reset(transaction: &mut Transaction<'_>, connector: &ConnectorName) -> Result<(), Error> {
    let sql = transaction.sql;
    let next = next_number(sql)?;
    let no: Option<i64> = sql.first("SELECT no FROM connectors WHERE name = ?", [&*connector.0], |row| row.get(0))?;
    let Some(no) = no else { return Ok(()) };
    sql.run("INSERT INTO forgotten (connector) VALUES (?)", [no])?;
    sql.run(
        "UPDATE connectors SET no = ?, system = '', backfilled = 0, walked = NULL WHERE no = ?",
        params![next, no],
    )?;
    audit(transaction, connector, "reset")
}

/// A number that no connector has and nothing is known under.
pub(super) fn next_number(sql: &Connection) -> Result<i64, Error> {
    let last: Option<i64> = sql
        .first(
            "SELECT max(no) FROM (SELECT no FROM connectors UNION ALL SELECT connector FROM forgotten)",
            [],
            |row| row.get(0),
        )?
        .flatten();
    Ok(last.unwrap_or(0) + 1)
}

/// Deletes a part of what is known under numbers that were taken away; whether there is more.
pub(super) fn delete_part(sql: &Connection) -> Result<bool, Error> {
    let no: Option<i64> = sql.first("SELECT connector FROM forgotten LIMIT 1", [], |row| row.get(0))?;
    let Some(no) = no else { return Ok(false) };
    for table in tables(sql)? {
        let keys = primary_key(sql, &table)?;
        let deleted = sql.run(
            &format!(
                "DELETE FROM {table} WHERE connector = ?1
                 AND ({keys}) IN (SELECT {keys} FROM {table} WHERE connector = ?1 LIMIT ?2)"
            ),
            [no, PART],
        )?;
        if deleted > 0 {
            return Ok(true);
        }
    }
    sql.run("DELETE FROM forgotten WHERE connector = ?", [no])?;
    Ok(true)
}

/// Tables that hold something of connectors.
fn tables(sql: &Connection) -> Result<Vec<String>, Error> {
    Ok(sql.all(
        "SELECT tables.name FROM sqlite_schema AS tables, pragma_table_info(tables.name) AS columns
         WHERE tables.type = 'table' AND tables.name <> 'forgotten' AND columns.name = 'connector'
         ORDER BY tables.name",
        [],
        |row| row.get(0),
    )?)
}

/// The columns that name one row of a table, as a list.
fn primary_key(sql: &Connection, table: &str) -> Result<String, Error> {
    let columns: Vec<String> =
        sql.all("SELECT name FROM pragma_table_info(?) WHERE pk > 0 ORDER BY pk", [table], |row| row.get(0))?;
    Ok(if columns.is_empty() { "rowid".to_owned() } else { columns.join(", ") })
}

fn audit(transaction: &mut Transaction<'_>, connector: &ConnectorName, action: &'static str) -> Result<(), Error> {
    let entry = Entry::Connector { at: transaction.now, connector: &connector.0, action };
    transaction.state.chain.append(transaction.sql, &entry)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::{
        super::schema::{self, Purpose},
        *,
    };

    #[test]
    fn every_table_that_names_connectors_does_so_by_number_in_a_column_that_is_found() {
        let directory = tempfile::tempdir().unwrap();
        let sql = schema::open(&directory.path().join("relay.db"), Purpose::Write).unwrap();
        schema::migrate(&sql).unwrap();
        let columns: Vec<(String, String, String)> = sql
            .all(
                "SELECT tables.name, columns.name, columns.type
                 FROM sqlite_schema AS tables, pragma_table_info(tables.name) AS columns
                 WHERE tables.type = 'table' AND columns.name LIKE '%connector%'",
                [],
                |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
            )
            .unwrap();
        for (table, column, kind) in &columns {
            assert_eq!((column.as_str(), kind.as_str()), ("connector", "INTEGER"), "of table {table}");
        }
        let found = tables(&sql).unwrap();
        assert!(["deliveries", "ledger", "leavers"].iter().all(|table| found.contains(&(*table).to_owned())));
        assert_eq!(found.len() + 1, columns.len());
    }

    #[test]
    fn what_is_known_under_a_number_that_was_taken_away_is_deleted_and_nothing_else() {
        let directory = tempfile::tempdir().unwrap();
        let sql = schema::open(&directory.path().join("relay.db"), Purpose::Write).unwrap();
        schema::migrate(&sql).unwrap();
        for connector in [1, 2] {
            for resource in 0..PART + 1 {
                sql.run(
                    "INSERT INTO ledger (connector, resource, version, remote) VALUES (?, ?, 1, '{}')",
                    [connector, resource],
                )
                .unwrap();
            }
            sql.run(
                "INSERT INTO deliveries (connector, resource, id, version, removal, lane, queued, keys, request_id)
                 VALUES (?, 1, x'00', 1, 0, 0, 0, x'', '')",
                [connector],
            )
            .unwrap();
        }
        sql.run("INSERT INTO forgotten (connector) VALUES (1)", []).unwrap();
        assert_eq!(next_number(&sql).unwrap(), 2);
        while delete_part(&sql).unwrap() {}
        for table in ["ledger", "deliveries"] {
            let left: Vec<(i64, i64)> = sql
                .all(&format!("SELECT connector, count(*) FROM {table} GROUP BY 1"), [], |row| {
                    Ok((row.get(0)?, row.get(1)?))
                })
                .unwrap();
            assert_eq!(left, [(2, if table == "ledger" { PART + 1 } else { 1 })]);
        }
    }
}
