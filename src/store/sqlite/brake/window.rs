//! The removals that count at the moment.

use rusqlite::params;

use crate::{
    store::{
        Brake, Error,
        sqlite::{statement::Statements as _, writer::Transaction},
    },
    time::Timestamp,
};

/// The connector of what counts at a tenant's entrance; connectors are numbered from 1.
pub(super) const ENTRANCE: i64 = 0;

/// The removals of one connector among one whole that count now: those that went within the window, each resource once.
pub(super) struct Window {
    limits: Brake,
    connector: i64,
    among: i64,
    count: i64,
    /// The number of the next removal.
    next: i64,
    /// How many could be removed when the first of them went, or now if those are more.
    base: i64,
    population: i64,
    until: Timestamp,
}

impl Window {
    /// What counts now, of `population` that are left. A few rows are read, however many removals count.
    pub(super) fn open(
        transaction: &Transaction<'_>,
        limits: &Brake,
        (connector, among): (i64, i64),
        population: i64,
    ) -> Result<Self, Error> {
        let (sql, now) = (transaction.sql, transaction.now);
        // Each row goes once: it costs as much as its insertion did.
        sql.run("DELETE FROM removals WHERE until <= ?", [now.0])?;
        let first = sql.first(
            "SELECT population FROM removals WHERE connector = ? AND among = ? ORDER BY n LIMIT 1",
            [connector, among],
            |row| row.get(0),
        )?;
        let last: Option<i64> = sql.first(
            "SELECT n FROM removals WHERE connector = ? AND among = ? ORDER BY n DESC LIMIT 1",
            [connector, among],
            |row| row.get(0),
        )?;
        let count: Option<i64> = sql.first(
            "SELECT count FROM removal_counts WHERE connector = ? AND among = ?",
            [connector, among],
            |row| row.get(0),
        )?;
        let (count, next) = (count.unwrap_or(0), last.map_or(1, |last| last + 1));
        let base = first.map_or(population, |before: i64| before.max(population));
        let until = now.after(std::time::Duration::from_secs(u64::from(limits.window_seconds)));
        Ok(Self { limits: *limits, connector, among, count, next, base, population, until })
    }

    /// Whether one more removal goes; if so it counts from now on.
    pub(super) fn passes(&mut self, transaction: &Transaction<'_>, resource: i64) -> Result<bool, Error> {
        let sql = transaction.sql;
        // One that counts already goes again, and counts for longer.
        let renewed = sql.run(
            "UPDATE removals SET n = ?, until = ?, population = ? WHERE connector = ? AND among = ? AND resource = ?",
            params![self.next, self.until.0, self.population, self.connector, self.among, resource],
        )?;
        if renewed == 0 {
            if self.limits.stops(self.count + 1, self.base) {
                return Ok(false);
            }
            sql.run(
                "INSERT INTO removals (connector, among, n, resource, until, population) VALUES (?, ?, ?, ?, ?, ?)",
                params![self.connector, self.among, self.next, resource, self.until.0, self.population],
            )?;
            self.count += 1;
        }
        self.next += 1;
        Ok(true)
    }
}
