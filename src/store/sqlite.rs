//! The embedded store: one SQLite file with a write-ahead log, one thread that writes, many that read beside it.
//!
//! - `writer` groups waiting writes into one transaction and answers when it is on disk.
//! - `commit` is one write; `owe` what it owes to connectors, `deliver` what may go, `settle` what came of it.
//! - `find` answers lists; point reads run on the task that asks, because they take less than handing them over.
//!
//! Timestamps are milliseconds, versions and numbers SQLite's signed integers.

mod audit;
mod backfill;
mod backup;
mod brake;
mod catalog;
mod commit;
mod credentials;
mod deliver;
mod directory;
mod evolve;
mod find;
mod forget;
mod index;
mod integrity;
mod leavers;
mod members;
mod mount;
mod options;
mod owe;
mod passwords;
mod queue;
mod readers;
mod reconfigure;
mod references;
mod restore;
mod retention;
mod row;
mod schema;
mod settle;
mod statement;
#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests;
mod together;
mod unknown;
#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod upgrades;
mod writer;

use std::{
    fs::File,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError, RwLock},
    thread,
};

use arc_swap::ArcSwap;
use async_trait::async_trait;
use rusqlite::Connection;
use scim_connector::{ResourceId, ResourceKind};
use tokio::sync::{Semaphore, mpsc, watch};

use self::{
    catalog::Catalog,
    directory::{FILE, io, prepare, private_file},
    members::Kinds,
    passwords::Sealer,
    readers::Readers,
    row::Resource,
    schema::Purpose,
    statement::Statements as _,
    writer::{Job, Transaction, Writer},
};
pub use self::{
    members::MEMBERS_WALKED_MAX,
    mount::not_durable,
    options::{Options, SORTED_MAX},
    restore::restore,
};
use crate::{
    scim::{self, query::Query},
    store::{
        AuditReport, Backup, Committed, Conflict, ConnectorName, ConnectorState, ConnectorStatus, Credential, Delivery,
        Error, Flaw, GroupOf, Leaver, LeaverSelection, Membership, NotUnderstood, Page, PendingReferences, QueueEntry,
        QueueSelection, Retention, Settlement, Store, Stored, Tenant, TenantName, UnknownShape, Write, WriteError,
    },
    time::{Clock, Timestamp},
};

/// The embedded store. See the [module](self).
pub struct SqliteStore {
    file: PathBuf,
    clock: Clock,
    catalog: Arc<ArcSwap<Catalog>>,
    readers: Arc<Readers>,
    /// `None` once closed.
    jobs: RwLock<Option<mpsc::Sender<Box<dyn Job>>>>,
    /// `None` once closed, and where the writer is a task.
    writer: Mutex<Option<thread::JoinHandle<()>>>,
    on_runtime: bool,
    long_reads: Arc<Semaphore>,
    sorted_max: usize,
    sealer: Option<Arc<Sealer>>,
    deliverable: watch::Receiver<u64>,
    /// Locked for as long as the store is.
    _lock: File,
}

impl SqliteStore {
    /// Opens the store, alone: another process that has it is [`Error::Locked`].
    ///
    /// # Errors
    /// Directory, lock or file cannot be had, or the file is newer than this program.
    pub fn open(options: Options) -> Result<Arc<Self>, Error> {
        let lock = prepare(&options.data_dir)?;
        let file = options.data_dir.join(FILE);
        private_file(&file).map_err(|source| io("creating the database", source))?;
        let sql = schema::open(&file, Purpose::Write)?;
        if backup::made_at(&sql)?.is_some() {
            let reason = format!("{} is a backup; put it elsewhere, and use scim-relay restore", file.display());
            return Err(Error::Unusable { reason });
        }
        schema::migrate(&sql)?;
        drop(sql);
        let sealer = options.sealing_key.as_ref().map(Sealer::new).transpose()?.map(Arc::new);
        let catalog = Arc::new(ArcSwap::from_pointee(Catalog::default()));
        let read_connections = options.read_connections.max(1);
        let readers = Arc::new(Readers::new(file.clone(), read_connections));
        let (deliverable, woken) = watch::channel(0);
        let (jobs, waiting) = mpsc::channel(options.queue_max.max(1));
        let writer = Writer {
            file: file.clone(),
            clock: options.clock.clone(),
            metrics: options.metrics,
            catalog: catalog.clone(),
            sealer: sealer.clone(),
            readers: readers.clone(),
            deliverable,
        };
        let writer = if options.on_runtime {
            tokio::spawn(writer.run_on_runtime(waiting));
            None
        } else {
            let thread = thread::Builder::new().name("store".to_owned()).spawn(move || writer.run(waiting));
            Some(thread.map_err(|source| io("starting the writer", source))?)
        };
        Ok(Arc::new(Self {
            file,
            clock: options.clock,
            catalog,
            readers,
            jobs: RwLock::new(Some(jobs)),
            writer: Mutex::new(writer),
            on_runtime: options.on_runtime,
            long_reads: Arc::new(Semaphore::new(read_connections)),
            sorted_max: options.sorted_max,
            sealer,
            deliverable: woken,
            _lock: lock,
        }))
    }

    /// Does a job in the writer's next transaction.
    async fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Transaction<'_>) -> Result<T, WriteError> + Send + 'static,
    ) -> Result<T, WriteError> {
        let (job, answer) = writer::job(work);
        {
            let jobs = self.jobs.read().unwrap_or_else(PoisonError::into_inner);
            let sent = jobs.as_ref().ok_or(Error::Closed)?.try_send(job);
            sent.map_err(|error| match error {
                mpsc::error::TrySendError::Full(_) => Error::Busy,
                mpsc::error::TrySendError::Closed(_) => Error::Closed,
            })?;
        }
        answer.await.unwrap_or(Err(Error::Closed.into()))
    }

    /// As `write`, for work that refuses nothing.
    async fn change<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Transaction<'_>) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        self.write(move |transaction| Ok(work(transaction)?)).await.map_err(|error| match error {
            WriteError::Store(error) => error,
            WriteError::Refused(refusal) => Error::Io { step: "a change was refused", source: Box::new(refusal) },
        })
    }

    /// A connection, unless closed.
    fn reader(&self) -> Result<readers::Reader<'_>, Error> {
        if self.jobs.read().unwrap_or_else(PoisonError::into_inner).is_none() {
            return Err(Error::Closed);
        }
        self.readers.take()
    }

    /// A read that may take long, on a thread for such.
    async fn long_read<T: Send + 'static, E: From<Error> + Send + 'static>(
        &self,
        read: impl FnOnce(&Connection, &Catalog) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E> {
        if self.jobs.read().unwrap_or_else(PoisonError::into_inner).is_none() {
            return Err(Error::Closed.into());
        }
        let permit = self.long_reads.clone().acquire_owned().await.map_err(|_| Error::Closed)?;
        let (readers, catalog) = (self.readers.clone(), self.catalog.load_full());
        if self.on_runtime {
            return read(&*readers.take()?, &catalog);
        }
        let reading = tokio::task::spawn_blocking(move || {
            let _permit = permit;
            let sql = readers.take()?;
            read(&sql, &catalog)
        });
        reading.await.unwrap_or_else(|panic| Err(Error::Io { step: "a read panicked", source: Box::new(panic) }.into()))
    }

    /// Ends the writer; it finishes what waits.
    fn stop(&self) {
        self.jobs.write().unwrap_or_else(PoisonError::into_inner).take();
        let writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(writer) = writer {
            // It catches the panics of its jobs; one of its own has been reported by the panic hook.
            let _ = writer.join();
        }
        self.readers.close();
    }
}

impl Drop for SqliteStore {
    fn drop(&mut self) {
        self.stop();
    }
}

#[async_trait]
impl Store for SqliteStore {
    async fn configure(&self, tenants: Vec<Tenant>) -> Result<(), Error> {
        self.reconfigure(tenants, None).await
    }

    async fn reset_connector(&self, connector: &ConnectorName, tenants: Vec<Tenant>) -> Result<(), Error> {
        self.reconfigure(tenants, Some(connector)).await
    }

    async fn discard_connector(&self, connector: &ConnectorName) -> Result<bool, Error> {
        self.discard(connector).await
    }

    async fn conflicts(&self, tenants: Vec<Tenant>) -> Result<Vec<Conflict>, Error> {
        catalog::conflicts(&*self.reader()?, &tenants, None)
    }

    async fn commit(&self, write: Write) -> Result<Committed, WriteError> {
        self.write(move |transaction| commit::commit(transaction, write)).await
    }

    async fn commit_together(&self, writes: Vec<Write>) -> Result<Result<Vec<Committed>, (usize, scim::Error)>, Error> {
        self.change(|transaction| together::commit_together(transaction, writes)).await
    }

    async fn reserve_ids(&self, count: usize) -> Result<Vec<ResourceId>, Error> {
        self.change(move |transaction| (0..count).map(|_| transaction.next_id()).collect()).await
    }

    async fn get(&self, tenant: &TenantName, kind: &ResourceKind, id: ResourceId) -> Result<Option<Stored>, Error> {
        let catalog = self.catalog.load();
        let Some(partition) = catalog.tenant(tenant).and_then(|tenant| tenant.partition(kind)) else {
            return Ok(None);
        };
        Ok(Resource::by_id(&*self.reader()?, partition, id)?.map(|resource| resource.stored(kind)))
    }

    async fn find(&self, tenant: &TenantName, query: &Query) -> Result<Page, WriteError> {
        let sorted_max = self.sorted_max;
        let catalog = self.catalog.load();
        if find::is_short(&catalog, tenant, query) {
            return find::find(&*self.reader()?, &catalog, tenant, query, sorted_max);
        }
        let (tenant, query) = (tenant.clone(), query.clone());
        self.long_read(move |sql, catalog| find::find(sql, catalog, &tenant, &query, sorted_max)).await
    }

    async fn members(
        &self,
        tenant: &TenantName,
        group: ResourceId,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<Membership>, Error> {
        let catalog = self.catalog.load();
        let Some(tenant) = catalog.tenant(tenant) else { return Ok(Vec::new()) };
        let sql = self.reader()?;
        match row::number(&sql, group)?.filter(|no| tenant.has(*no)) {
            Some(no) => members::page(&sql, Kinds { catalog: &catalog, tenant }, no, after, limit),
            None => Ok(Vec::new()),
        }
    }

    async fn groups_of(&self, tenant: &TenantName, members: &[ResourceId]) -> Result<Vec<Vec<GroupOf>>, Error> {
        let catalog = self.catalog.load();
        let Some(groups) = catalog.tenant(tenant).and_then(|tenant| tenant.groups()) else {
            return Ok(vec![Vec::new(); members.len()]);
        };
        let sql = self.reader()?;
        members::groups_of(&sql, groups, members)
    }

    async fn add_credential(&self, credential: Credential) -> Result<(), Error> {
        self.change(move |transaction| credentials::add(transaction, &credential)).await
    }

    async fn revoke_credential(&self, tenant: &TenantName, id_or_name: &str, at: Timestamp) -> Result<bool, Error> {
        let (tenant, id_or_name) = (tenant.clone(), id_or_name.to_owned());
        self.change(move |transaction| credentials::revoke(transaction, &tenant, &id_or_name, at)).await
    }

    async fn credentials(&self) -> Result<Vec<Credential>, Error> {
        credentials::all(&*self.reader()?)
    }

    async fn credentials_used(&self, used: Vec<(Arc<str>, Timestamp)>) -> Result<(), Error> {
        self.change(move |transaction| credentials::used(transaction, &used)).await
    }

    fn deliverable(&self) -> watch::Receiver<u64> {
        self.deliverable.clone()
    }

    async fn deliveries(
        &self,
        connector: &ConnectorName,
        now: Timestamp,
        limit: usize,
        under_way: &[ResourceId],
    ) -> Result<Vec<Delivery>, Error> {
        let (connector, sealer, under_way) = (connector.clone(), self.sealer.clone(), under_way.to_vec());
        self.long_read(move |sql, catalog| match catalog.connector(&connector) {
            Some(connector) => deliver::due(sql, catalog, sealer.as_deref(), connector, now, limit, &under_way),
            None => Ok(Vec::new()),
        })
        .await
    }

    async fn next_delivery_at(&self, connector: &ConnectorName, after: Timestamp) -> Result<Option<Timestamp>, Error> {
        match self.catalog.load().connector(connector) {
            Some(connector) => deliver::next_at(&*self.reader()?, connector.no, after),
            None => Ok(None),
        }
    }

    async fn settle(&self, connector: &ConnectorName, settlements: Vec<Settlement>) -> Result<(), Error> {
        let connector = connector.clone();
        self.change(move |transaction| {
            let Some(connector) = catalog::called(transaction, &connector)? else { return Ok(()) };
            for settlement in settlements {
                settle::settle(transaction, &connector, settlement)?;
            }
            Ok(())
        })
        .await
    }

    async fn backfill(&self, connector: &ConnectorName, limit: usize) -> Result<bool, Error> {
        let connector = connector.clone();
        self.change(move |transaction| match transaction.catalog.connector(&connector) {
            Some(connector) => backfill::backfill(transaction, connector, limit),
            None => Ok(false),
        })
        .await
    }

    async fn set_connector_state(&self, connector: &ConnectorName, state: ConnectorState) -> Result<(), Error> {
        let connector = connector.clone();
        self.change(move |transaction| queue::set_state(transaction, &connector, &state)).await
    }

    async fn connectors(&self) -> Result<Vec<ConnectorStatus>, Error> {
        self.long_read(|sql, _| queue::statuses(sql)).await
    }

    async fn queue(&self, selection: &QueueSelection, now: Timestamp, limit: usize) -> Result<Vec<QueueEntry>, Error> {
        let selection = selection.clone();
        self.long_read(move |sql, catalog| queue::list(sql, catalog, &selection, now, limit)).await
    }

    async fn queue_retry(&self, selection: &QueueSelection, now: Timestamp) -> Result<u64, Error> {
        let selection = selection.clone();
        self.change(move |transaction| queue::retry(transaction, &selection, now)).await
    }

    async fn queue_discard(&self, selection: &QueueSelection, now: Timestamp) -> Result<u64, Error> {
        let selection = selection.clone();
        self.change(move |transaction| queue::discard(transaction, &selection, now)).await
    }

    async fn leavers(&self, selection: &LeaverSelection, limit: usize) -> Result<Vec<Leaver>, Error> {
        let selection = selection.clone();
        self.long_read(move |sql, _| leavers::list(sql, &selection, limit)).await
    }

    async fn close_leavers(&self, selection: &LeaverSelection) -> Result<u64, Error> {
        let selection = selection.clone();
        self.change(move |transaction| leavers::close(transaction, &selection)).await
    }

    async fn pending_references(&self) -> Result<Vec<PendingReferences>, Error> {
        self.long_read(references::counts).await
    }

    async fn keep_unknown(&self, requests: Vec<NotUnderstood>) -> Result<(), Error> {
        self.change(move |transaction| unknown::keep(transaction, &requests)).await
    }

    async fn unknown_shapes(&self, tenant: Option<&TenantName>, limit: usize) -> Result<Vec<UnknownShape>, Error> {
        unknown::list(&*self.reader()?, tenant, limit)
    }

    async fn unknown_shape(&self, id: u64) -> Result<Option<UnknownShape>, Error> {
        unknown::show(&*self.reader()?, id)
    }

    async fn backup(&self, to: PathBuf) -> Result<Backup, Error> {
        let (file, at) = (self.file.clone(), self.clock.now());
        let backup = self.long_read(move |_, _| backup::write(&file, to, at)).await?;
        // A store that cannot be written, because its disk is full, is worth a backup all the more.
        if let Err(error) = self.change(|transaction| transaction.audit_store("backup")).await {
            tracing::warn!(error = &error as &dyn std::error::Error, "a backup was made and is not audited");
        }
        Ok(backup)
    }

    async fn check(&self) -> Result<Vec<Flaw>, Error> {
        self.tidy("a connector is not forgotten", forget::delete_part).await;
        self.long_read(integrity::check).await
    }

    async fn verify_audit(&self) -> Result<AuditReport, Error> {
        self.long_read(|sql, _| audit::verify(sql)).await
    }

    async fn retain(&self, retention: &Retention, limit: usize) -> Result<bool, Error> {
        let retention = *retention;
        self.change(move |transaction| retention::retain(transaction, &retention, limit)).await
    }

    async fn ready(&self) -> Result<(), Error> {
        self.reader()?.first("SELECT 1 FROM tenants LIMIT 1", [], |_| Ok(()))?;
        // An empty transaction passes through the writer. One that is busy is well.
        match self.change(|_| Ok(())).await {
            Err(Error::Busy) => Ok(()),
            result => result,
        }
    }

    async fn close(&self) {
        let writer = {
            self.jobs.write().unwrap_or_else(PoisonError::into_inner).take();
            self.writer.lock().unwrap_or_else(PoisonError::into_inner).take()
        };
        if let Some(writer) = writer {
            // As in `stop`, without keeping a thread of the runtime.
            let _ = tokio::task::spawn_blocking(move || writer.join()).await;
        }
        self.readers.close();
    }
}
