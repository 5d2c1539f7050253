//! The one thread that writes.
//!
//! It takes all jobs that wait, does them in one transaction, and answers when that is on disk: two hundred writers
//! share one sync. A job that is refused has written nothing, or took it back to a savepoint of its own; a job that
//! fails for the store's reasons or panics fails the whole transaction, for nothing is known of what it did. Then a
//! refusal stands only if nothing was written before it: else it may rest on what is taken back.

use std::{
    collections::HashMap,
    panic::{AssertUnwindSafe, catch_unwind},
    path::PathBuf,
    sync::Arc,
    time::Duration,
};

use arc_swap::ArcSwap;
use rusqlite::Connection;
use scim_connector::ResourceId;
use tokio::sync::{mpsc, oneshot, watch};

use super::{
    audit::{Chain, Entry},
    catalog::{BLOCK_BITS, Catalog, Partition},
    leavers::Stopped,
    passwords::{self, Sealer},
    readers::Readers,
    references,
    schema::{self, Purpose},
    statement::Statements as _,
};
use crate::{
    metrics::Metrics,
    store::{Error, WriteError},
    time::{Clock, Timestamp},
};

/// The most jobs in one transaction.
const BATCH_MAX: usize = 256;
/// Numbers reserved at once.
const RESERVE: i64 = 1024;
/// The counter of deliveries; those of resources have their partition's number.
const DELIVERIES: i64 = 0;
/// How often old passwords are looked for.
const EXPIRY_INTERVAL: Duration = Duration::from_secs(60 * 60);

/// What the thread works with.
pub(super) struct Writer {
    pub(super) file: PathBuf,
    pub(super) clock: Clock,
    pub(super) metrics: Arc<Metrics>,
    pub(super) catalog: Arc<ArcSwap<Catalog>>,
    pub(super) sealer: Option<Arc<Sealer>>,
    pub(super) readers: Arc<Readers>,
    pub(super) deliverable: watch::Sender<u64>,
}

/// The transaction under way, as a job sees it.
pub(super) struct Transaction<'a> {
    pub(super) sql: &'a Connection,
    pub(super) state: &'a mut State,
    pub(super) catalog: &'a Catalog,
    pub(super) sealer: Option<&'a Sealer>,
    /// One moment for the whole transaction.
    pub(super) now: Timestamp,
    /// The rows that the connection had ever changed when the transaction began.
    changes_before: u64,
}

/// A job: done in the transaction, answered when it is on disk or known to have failed.
pub(super) trait Job: Send {
    /// Does it. `Err` fails the transaction; a refusal is kept for the answer and is `Ok` here.
    fn run(&mut self, transaction: &mut Transaction<'_>) -> Result<(), Error>;
    /// Answers. `Err` when the transaction failed.
    fn answer(self: Box<Self>, committed: Result<(), Error>);
}

/// A job from a function, its answer a channel.
pub(super) fn job<T, F>(work: F) -> (Box<dyn Job>, oneshot::Receiver<Result<T, WriteError>>)
where
    T: Send + 'static,
    F: FnOnce(&mut Transaction<'_>) -> Result<T, WriteError> + Send + 'static,
{
    let (reply, answer) = oneshot::channel();
    (Box::new(Task { work: Some(work), done: None, saw_writes: false, reply }), answer)
}

struct Task<T, F> {
    work: Option<F>,
    done: Option<Result<T, WriteError>>,
    /// Whether the transaction had written something before it.
    saw_writes: bool,
    reply: oneshot::Sender<Result<T, WriteError>>,
}

impl<T, F> Job for Task<T, F>
where
    T: Send,
    F: FnOnce(&mut Transaction<'_>) -> Result<T, WriteError> + Send,
{
    fn run(&mut self, transaction: &mut Transaction<'_>) -> Result<(), Error> {
        let Some(work) = self.work.take() else { return Ok(()) };
        self.saw_writes = transaction.has_written();
        match work(transaction) {
            Err(WriteError::Store(error)) => Err(error),
            done => {
                self.done = Some(done);
                Ok(())
            }
        }
    }

    fn answer(self: Box<Self>, committed: Result<(), Error>) {
        let answer = match (committed, self.done) {
            (Ok(()), Some(done)) => done,
            // It rests on what was on disk before.
            (Err(_), Some(Err(refused))) if !self.saw_writes => Err(refused),
            (Err(error), _) => Err(error.into()),
            (Ok(()), None) => Err(Error::Closed.into()),
        };
        // Who asked may have gone; what was done stays done.
        let _ = self.reply.send(answer);
    }
}

/// What the writer knows of the file without reading it; loaded anew after each failed transaction.
#[derive(Clone, Debug)]
pub(super) struct State {
    pub(super) chain: Chain,
    /// Something may have become deliverable in this transaction.
    pub(super) deliverable: bool,
    /// Whether a reference may be pending. Without any, none need be looked for when a resource is created.
    pub(super) has_pending: bool,
    /// Leavers' clocks that stopped in this transaction.
    pub(super) leavers_stopped: Vec<Stopped>,
    /// What a job made of another configuration: the catalog of the jobs after it, and of everybody once it is on disk.
    pub(super) reconfigured: Option<Arc<Catalog>>,
    counters: HashMap<i64, Counter>,
    ranks: HashMap<i64, i64>,
    /// Active resources that came, less those that went, by partition.
    actives: HashMap<i64, i64>,
    last_id: u128,
}

#[derive(Clone, Copy, Debug)]
struct Counter {
    next: i64,
    reserved: i64,
}

impl State {
    fn load(sql: &Connection) -> Result<Self, Error> {
        let last_id = sql.first("SELECT id FROM resources ORDER BY id DESC LIMIT 1", [], |row| row.get(0))?;
        Ok(Self {
            chain: Chain::load(sql)?,
            deliverable: false,
            has_pending: references::has_any(sql)?,
            leavers_stopped: Vec::new(),
            reconfigured: None,
            counters: HashMap::new(),
            ranks: HashMap::new(),
            actives: HashMap::new(),
            last_id: last_id.map_or(0, u128::from_be_bytes),
        })
    }
}

impl Transaction<'_> {
    /// Whether any row was changed so far, those taken back included.
    fn has_written(&self) -> bool {
        self.sql.total_changes() != self.changes_before
    }

    /// A number for a delivery, larger than all before.
    pub(super) fn next_delivery(&mut self) -> Result<i64, Error> {
        self.next(DELIVERIES)
    }

    /// A number for a resource, and counts it.
    pub(super) fn next_resource(&mut self, partition: Partition) -> Result<i64, Error> {
        let no = partition.first() + self.next(partition.0)?;
        self.count(no, 1);
        Ok(no)
    }

    /// Counts a resource in or out of its block.
    pub(super) fn count(&mut self, resource: i64, by: i64) {
        *self.state.ranks.entry(resource >> BLOCK_BITS).or_default() += by;
    }

    /// Audits an act on the store as a whole.
    pub(super) fn audit_store(&mut self, action: &'static str) -> Result<(), Error> {
        self.state.chain.append(self.sql, &Entry::Store { at: self.now, action })
    }

    /// Counts active resources in or out.
    pub(super) fn count_active(&mut self, partition: Partition, by: i64) {
        if by != 0 {
            *self.state.actives.entry(partition.0).or_default() += by;
        }
    }

    /// How many active resources a partition has.
    pub(super) fn active_resources(&self, partition: Partition) -> Result<i64, Error> {
        let counted =
            self.sql
                .first("SELECT count FROM active_resources WHERE partition = ?", [partition.0], |row| row.get(0))?;
        Ok(counted.unwrap_or(0) + self.state.actives.get(&partition.0).copied().unwrap_or(0))
    }

    fn next(&mut self, name: i64) -> Result<i64, Error> {
        let counter = match self.state.counters.get_mut(&name) {
            Some(counter) => counter,
            None => {
                let reserved =
                    self.sql.first("SELECT reserved FROM counters WHERE name = ?", [name], |row| row.get(0))?;
                let next = reserved.unwrap_or(1);
                self.state.counters.entry(name).or_insert(Counter { next, reserved: next })
            }
        };
        if counter.next == counter.reserved {
            counter.reserved += RESERVE;
            self.sql.run("INSERT OR REPLACE INTO counters (name, reserved) VALUES (?, ?)", [name, counter.reserved])?;
        }
        counter.next += 1;
        Ok(counter.next - 1)
    }

    /// A UUIDv7 larger than all before, also when the clock goes back.
    pub(super) fn next_id(&mut self) -> Result<ResourceId, Error> {
        let mut random = [0; 10];
        aws_lc_rs::rand::fill(&mut random)
            .map_err(|source| Error::Io { step: "drawing an id", source: Box::new(source) })?;
        // Room to count up within one millisecond.
        random[2] &= 0x1f;
        let millis = u64::try_from(self.now.0).unwrap_or(0);
        let drawn = uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid().as_u128();
        // By a step of chance: the latest that is left after a restart need not be the latest there was.
        let [.., a, b, c, d] = random;
        let step = u128::from(u32::from_be_bytes([a, b, c, d])) + 1;
        self.state.last_id = drawn.max(self.state.last_id + step);
        Ok(ResourceId::from_bytes(self.state.last_id.to_be_bytes()))
    }
}

/// The connection with what is known of its file.
struct Session {
    sql: Connection,
    state: State,
    passwords_expire: Timestamp,
}

impl Session {
    /// Writes what was counted, and the end of the audit chain if it is another one than before.
    fn flush(&mut self, chain_before: Chain) -> Result<(), Error> {
        for (block, by) in self.state.ranks.drain().filter(|(_, by)| *by != 0) {
            self.sql.run(
                "INSERT INTO rank_blocks (block, count) VALUES (?, ?)
                 ON CONFLICT (block) DO UPDATE SET count = count + excluded.count",
                [block, by],
            )?;
        }
        for (partition, by) in self.state.actives.drain().filter(|(_, by)| *by != 0) {
            self.sql.run(
                "INSERT INTO active_resources (partition, count) VALUES (?, ?)
                 ON CONFLICT (partition) DO UPDATE SET count = count + excluded.count",
                [partition, by],
            )?;
        }
        if self.state.chain != chain_before {
            self.state.chain.keep(&self.sql)?;
        }
        Ok(())
    }
}

impl Writer {
    /// Works until all senders are gone.
    pub(super) fn run(self, mut jobs: mpsc::Receiver<Box<dyn Job>>) {
        let mut session = None;
        while let Some(first) = jobs.blocking_recv() {
            self.work(&mut session, first, &mut jobs);
        }
    }

    /// As `run`, as a task.
    pub(super) async fn run_on_runtime(self, mut jobs: mpsc::Receiver<Box<dyn Job>>) {
        let mut session = None;
        while let Some(first) = jobs.recv().await {
            self.work(&mut session, first, &mut jobs);
        }
    }

    /// Does a job and those that wait with it.
    fn work(&self, session: &mut Option<Session>, first: Box<dyn Job>, jobs: &mut mpsc::Receiver<Box<dyn Job>>) {
        let mut batch = vec![first];
        while batch.len() < BATCH_MAX
            && let Ok(job) = jobs.try_recv()
        {
            batch.push(job);
        }
        // The metric wants a duration, which no wall clock gives.
        let started = tokio::time::Instant::now();
        let result = self.transact(session, &mut batch);
        self.metrics.committed(result.is_ok(), batch.len(), started.elapsed());
        match result {
            Ok(deliverable) => {
                self.readers.committed();
                for job in batch {
                    job.answer(Ok(()));
                }
                if deliverable {
                    self.deliverable.send_modify(|count| *count += 1);
                }
            }
            Err(error) => {
                // A failed sync is never tried again on the same handle: what the kernel kept is unknown.
                *session = None;
                tracing::error!(error = &error as &dyn std::error::Error, "transaction failed");
                if let Err(error) = self.write_over() {
                    tracing::debug!(error = &error as &dyn std::error::Error, "the log's end is not written over");
                }
                for job in batch {
                    job.answer(Err(error.again()));
                }
            }
        }
    }

    fn transact(&self, session: &mut Option<Session>, batch: &mut [Box<dyn Job>]) -> Result<bool, Error> {
        let session = match session {
            Some(session) => session,
            None => session.insert(self.connect()?),
        };
        let now = self.clock.now();
        session.sql.run("BEGIN IMMEDIATE", []).map_err(|source| Error::sql("beginning a transaction", source))?;
        let before = self.catalog.load_full();
        let mut catalog = before.clone();
        session.state.deliverable = false;
        let chain_before = session.state.chain;
        let changes_before = session.sql.total_changes();
        for job in batch {
            let mut transaction = Transaction {
                sql: &session.sql,
                state: &mut session.state,
                catalog: &catalog,
                sealer: self.sealer.as_deref(),
                now,
                changes_before,
            };
            match catch_unwind(AssertUnwindSafe(|| job.run(&mut transaction))) {
                Ok(done) => done?,
                Err(_) => {
                    self.metrics.panicked("store");
                    return Err(Error::Io { step: "a write panicked", source: "panic".into() });
                }
            }
            if let Some(reconfigured) = session.state.reconfigured.take() {
                catalog = reconfigured;
            }
        }
        session.flush(chain_before)?;
        if now >= session.passwords_expire {
            passwords::expire(&session.sql, now)?;
            session.passwords_expire = now.after(EXPIRY_INTERVAL);
        }
        scim_connector::crash_point!("before-commit");
        session.sql.run("COMMIT", []).map_err(|source| Error::sql("committing", source))?;
        scim_connector::crash_point!("after-commit");
        if !Arc::ptr_eq(&before, &catalog) {
            self.catalog.store(catalog);
        }
        session.state.leavers_stopped.drain(..).for_each(|stopped| stopped.measure(&self.metrics));
        Ok(session.state.deliverable)
    }

    /// Writes a commit that changes nothing to where the log had the failed one. That may be whole but for its sync, and
    /// a restart would find it, although by then it was answered 503 and read as not done.
    fn write_over(&self) -> Result<(), Error> {
        schema::touch(&schema::open(&self.file, Purpose::Write)?)
    }

    fn connect(&self) -> Result<Session, Error> {
        let sql = schema::open(&self.file, Purpose::Write)?;
        let state = State::load(&sql)?;
        Ok(Session { sql, state, passwords_expire: Timestamp(0) })
    }
}

impl Error {
    /// The same error for another one who waits for the same transaction; the source stays with the log.
    fn again(&self) -> Self {
        match self {
            Self::Busy => Self::Busy,
            Self::Full { step } => Self::Full { step },
            Self::Io { step, source } => Self::Io { step, source: source.to_string().into() },
            Self::Corrupt { place } => Self::Corrupt { place: place.clone() },
            Self::Locked { path } => Self::Locked { path: path.clone() },
            Self::Unusable { reason } => Self::Unusable { reason: reason.clone() },
            Self::Closed => Self::Closed,
        }
    }
}
