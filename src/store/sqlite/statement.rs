//! Statements in the three shapes that this store needs; each is prepared once a connection.

use rusqlite::{Connection, OptionalExtension as _, Params, Row};

use crate::store::{Error, WriteError};

/// Runs cached statements.
pub(super) trait Statements {
    /// Runs a statement without rows; how many rows it changed.
    fn run(&self, text: &str, params: impl Params) -> rusqlite::Result<usize>;
    /// The first row, if any.
    fn first<T>(
        &self,
        text: &str,
        params: impl Params,
        read: impl FnOnce(&Row<'_>) -> rusqlite::Result<T>,
    ) -> rusqlite::Result<Option<T>>;
    /// All rows; the statement bounds how many.
    fn all<T>(
        &self,
        text: &str,
        params: impl Params,
        read: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
    ) -> rusqlite::Result<Vec<T>>;
}

impl Statements for Connection {
    fn run(&self, text: &str, params: impl Params) -> rusqlite::Result<usize> {
        self.prepare_cached(text)?.execute(params)
    }

    fn first<T>(
        &self,
        text: &str,
        params: impl Params,
        read: impl FnOnce(&Row<'_>) -> rusqlite::Result<T>,
    ) -> rusqlite::Result<Option<T>> {
        self.prepare_cached(text)?.query_row(params, read).optional()
    }

    fn all<T>(
        &self,
        text: &str,
        params: impl Params,
        read: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
    ) -> rusqlite::Result<Vec<T>> {
        self.prepare_cached(text)?.query_map(params, read)?.collect()
    }
}

impl Error {
    /// Sorts an error of SQLite's by what happens next.
    pub(super) fn sql(step: &'static str, source: rusqlite::Error) -> Self {
        use rusqlite::ErrorCode::{DatabaseCorrupt, DiskFull, NotADatabase, ReadOnly};
        match source.sqlite_error_code() {
            Some(DiskFull | ReadOnly) => Self::Full { step },
            Some(DatabaseCorrupt | NotADatabase) => Self::Corrupt { place: format!("{step}: {source}") },
            _ => Self::Io { step, source: Box::new(source) },
        }
    }
}

impl From<rusqlite::Error> for Error {
    fn from(source: rusqlite::Error) -> Self {
        Self::sql("running a statement", source)
    }
}

impl From<rusqlite::Error> for WriteError {
    fn from(source: rusqlite::Error) -> Self {
        Self::Store(source.into())
    }
}
