//! Connections for reading. One is taken for the time of a read and put back; none is waited for.

use std::{
    ops::Deref,
    path::PathBuf,
    sync::{Mutex, PoisonError},
};

use rusqlite::Connection;

use super::schema::{self, Purpose};
use crate::store::Error;

/// Idle connections.
#[derive(Debug)]
pub(super) struct Readers {
    file: PathBuf,
    idle: Mutex<Vec<Connection>>,
    idle_max: usize,
}

impl Readers {
    /// Keeps at most `idle_max` open. More are opened when more read at once, which the number of the runtime's
    /// threads and the permits for long reads bound.
    pub(super) fn new(file: PathBuf, idle_max: usize) -> Self {
        Self { file, idle: Mutex::new(Vec::with_capacity(idle_max)), idle_max }
    }

    pub(super) fn take(&self) -> Result<Reader<'_>, Error> {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let connection = match idle {
            Some(connection) => connection,
            None => schema::open(&self.file, Purpose::Read)?,
        };
        Ok(Reader { readers: self, connection: Some(connection) })
    }

    /// Closes the idle ones.
    pub(super) fn close(&self) {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

/// A connection that goes back when dropped.
#[derive(Debug)]
pub(super) struct Reader<'a> {
    readers: &'a Readers,
    /// `None` only while it is dropped.
    connection: Option<Connection>,
}

impl Deref for Reader<'_> {
    type Target = Connection;

    #[expect(clippy::expect_used, reason = "only `drop` takes the connection out")]
    fn deref(&self) -> &Connection {
        self.connection.as_ref().expect("a reader has its connection until it is dropped")
    }
}

impl Drop for Reader<'_> {
    fn drop(&mut self) {
        let Some(connection) = self.connection.take() else { return };
        let mut idle = self.readers.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < self.readers.idle_max {
            idle.push(connection);
        }
    }
}
