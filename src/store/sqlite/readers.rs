//! Connections for reading. One is taken for the time of a read and put back; none is waited for.
//!
//! Each keeps a read transaction open between reads for as long as nothing is committed: beginning and ending one for
//! every read costs more system calls than a point read costs time. A commit ends those of the idle connections, so that
//! none holds the log back, and every later read begins with a new one, so that it sees the commit.

use std::{
    ops::Deref,
    path::PathBuf,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use rusqlite::Connection;

use super::{
    schema::{self, Purpose},
    statement::Statements as _,
};
use crate::store::Error;

/// Idle connections.
#[derive(Debug)]
pub(super) struct Readers {
    file: PathBuf,
    idle: Mutex<Vec<Snapshot>>,
    idle_max: usize,
    commits: AtomicU64,
}

/// A connection and the commit that its open transaction sees at least.
#[derive(Debug)]
struct Snapshot {
    connection: Connection,
    commit: u64,
}

impl Snapshot {
    /// Ends the transaction, if one is open: an error may have ended it before.
    fn end(&self) -> rusqlite::Result<()> {
        if !self.connection.is_autocommit() {
            self.connection.run("COMMIT", [])?;
        }
        Ok(())
    }

    /// Sees what is committed now.
    fn renew(&mut self, commit: u64) -> rusqlite::Result<()> {
        if self.connection.is_autocommit() || self.commit != commit {
            self.end()?;
            self.connection.run("BEGIN", [])?;
            self.commit = commit;
        }
        Ok(())
    }
}

impl Readers {
    /// Keeps at most `idle_max` open. More are opened when more read at once, which the number of the runtime's
    /// threads and the permits for long reads bound.
    pub(super) fn new(file: PathBuf, idle_max: usize) -> Self {
        Self { file, idle: Mutex::new(Vec::with_capacity(idle_max)), idle_max, commits: AtomicU64::new(0) }
    }

    /// A connection in a read transaction that sees every commit that was reported before.
    pub(super) fn take(&self) -> Result<Reader<'_>, Error> {
        // Read before the transaction begins, which may see a later one still.
        let commit = self.commits.load(Ordering::Acquire);
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let mut snapshot = match idle {
            Some(snapshot) => snapshot,
            None => Snapshot { connection: schema::open(&self.file, Purpose::Read)?, commit },
        };
        snapshot.renew(commit)?;
        Ok(Reader { readers: self, snapshot: Some(snapshot) })
    }

    /// Reports a commit, before anyone is told of it.
    pub(super) fn committed(&self) {
        self.commits.fetch_add(1, Ordering::Release);
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        // One that cannot end its transaction is closed, which ends it too.
        idle.retain(|snapshot| snapshot.end().is_ok());
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
    snapshot: Option<Snapshot>,
}

impl Deref for Reader<'_> {
    type Target = Connection;

    #[expect(clippy::expect_used, reason = "only `drop` takes the connection out")]
    fn deref(&self) -> &Connection {
        &self.snapshot.as_ref().expect("a reader has its connection until it is dropped").connection
    }
}

impl Drop for Reader<'_> {
    fn drop(&mut self) {
        let Some(snapshot) = self.snapshot.take() else { return };
        let mut idle = self.readers.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < self.readers.idle_max {
            idle.push(snapshot);
        }
    }
}
