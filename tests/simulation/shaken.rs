//! The real store, whose disk is full or busy as chance has it, and which breaks its promises where a mutant is asked for.

use std::{
    collections::BTreeMap,
    path::PathBuf,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
};

use async_trait::async_trait;
use scim_connector::{Effect, ResourceId, ResourceKind};
use scim_relay::{
    scim::{self, query::Query},
    store::{
        AuditReport, Backup, Committed, Conflict, ConnectorName, ConnectorState, ConnectorStatus, Credential, Delivery,
        Error, Flaw, GroupOf, Leaver, LeaverSelection, Membership, NotUnderstood, Outcome, OwedState, Page,
        PendingReferences, QueueEntry, QueueSelection, Retention, Settlement, StagedRemoval, StagedRemovals,
        StagedSelection, Store, Stored, Tenant, TenantName, UnknownShape, Write, WriteError,
    },
    time::Timestamp,
};
use tokio::sync::watch;

use crate::{Mutant, rng::Rng};

/// What shakes a store. Outlives it.
pub(crate) struct Shaker {
    rng: Mutex<Rng>,
    /// How many of a hundred calls fail.
    pub(crate) percent: AtomicU64,
    pub(crate) failed: AtomicU64,
    mutant: Mutant,
    /// What each resource was once told, for the mutant that tells it again.
    told: Mutex<BTreeMap<ResourceId, Delivery>>,
}

impl Shaker {
    pub(crate) fn new(rng: Rng, mutant: Mutant) -> Arc<Self> {
        let (percent, failed) = (AtomicU64::new(0), AtomicU64::new(0));
        Arc::new(Self { rng: Mutex::new(rng), percent, failed, mutant, told: Mutex::default() })
    }

    fn below(&self, bound: u64) -> u64 {
        self.rng.lock().unwrap().below(bound)
    }

    /// Fails as often as it was told to.
    fn shake(&self) -> Result<(), Error> {
        if self.below(100) >= self.percent.load(Ordering::Relaxed) {
            return Ok(());
        }
        self.failed.fetch_add(1, Ordering::Relaxed);
        Err(match self.below(3) {
            0 => Error::Busy,
            1 => Error::Full { step: "committing" },
            _ => Error::Io { step: "committing", source: "input/output error".into() },
        })
    }
}

/// A store that a [`Shaker`] shakes.
pub(crate) struct Shaken {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) shaker: Arc<Shaker>,
    bells: Arc<Mutex<Vec<watch::Sender<u64>>>>,
}

impl Shaken {
    pub(crate) fn new(store: Arc<dyn Store>, shaker: Arc<Shaker>) -> Self {
        let bells: Arc<Mutex<Vec<watch::Sender<u64>>>> = Arc::default();
        let (mut deliverable, woken) = (store.deliverable(), bells.clone());
        // A channel wakes those who share it in an order of chance; one for each makes it the order of their coming.
        tokio::spawn(async move {
            while deliverable.changed().await.is_ok() {
                woken.lock().unwrap().iter().for_each(|bell| bell.send_modify(|count| *count += 1));
            }
        });
        Self { store, shaker, bells }
    }
}

#[async_trait]
impl StagedRemovals for Shaken {
    async fn staged(&self, selection: &StagedSelection, limit: usize) -> Result<Vec<StagedRemoval>, Error> {
        self.store.staged(selection, limit).await
    }

    async fn release_staged(&self, selection: &StagedSelection) -> Result<u64, Error> {
        self.shaker.shake()?;
        self.store.release_staged(selection).await
    }

    async fn discard_staged(&self, selection: &StagedSelection) -> Result<u64, Error> {
        self.shaker.shake()?;
        self.store.discard_staged(selection).await
    }
}

#[async_trait]
impl Store for Shaken {
    async fn commit(&self, write: Write) -> Result<Committed, WriteError> {
        self.shaker.shake()?;
        let committed = self.store.commit(write).await;
        // The answer may be lost as well as the write.
        if self.shaker.below(8) == 0 {
            self.shaker.shake()?;
        }
        committed
    }

    async fn deliveries(
        &self,
        connector: &ConnectorName,
        now: Timestamp,
        limit: usize,
        under_way: &[ResourceId],
    ) -> Result<Vec<Delivery>, Error> {
        self.shaker.shake()?;
        let under_way = if self.shaker.mutant == Mutant::ForgetsWhatIsUnderWay { &[] } else { under_way };
        let mut deliveries = self.store.deliveries(connector, now, limit, under_way).await?;
        match self.shaker.mutant {
            Mutant::TellsAnOlderState => {
                let mut told = self.shaker.told.lock().unwrap();
                for delivery in &mut deliveries {
                    let first = told.entry(delivery.resource).or_insert_with(|| delivery.clone());
                    if self.shaker.below(3) == 0 && matches!(delivery.state, OwedState::Present { members: None, .. }) {
                        (delivery.state, delivery.version) = (first.state.clone(), first.version);
                    }
                }
            }
            Mutant::WithholdsDeletions => deliveries.retain(|delivery| delivery.state != OwedState::Deleted),
            _ => {}
        }
        Ok(deliveries)
    }

    async fn settle(&self, connector: &ConnectorName, mut settlements: Vec<Settlement>) -> Result<(), Error> {
        self.shaker.shake()?;
        if self.shaker.mutant == Mutant::ConfirmsWhatFailed {
            for Settlement { outcome, .. } in &mut settlements {
                if matches!(outcome, Outcome::RetryAt { class: "transient", .. }) && self.shaker.below(3) == 0 {
                    *outcome =
                        Outcome::Applied { effect: Effect::Unchanged, remote: None, live: false, waiting: Vec::new() };
                }
            }
        }
        self.store.settle(connector, settlements).await
    }

    async fn next_delivery_at(&self, connector: &ConnectorName, after: Timestamp) -> Result<Option<Timestamp>, Error> {
        self.shaker.shake()?;
        self.store.next_delivery_at(connector, after).await
    }

    async fn set_connector_state(&self, connector: &ConnectorName, state: ConnectorState) -> Result<(), Error> {
        self.shaker.shake()?;
        self.store.set_connector_state(connector, state).await
    }

    async fn connectors(&self) -> Result<Vec<ConnectorStatus>, Error> {
        self.shaker.shake()?;
        self.store.connectors().await
    }

    async fn backfill(&self, connector: &ConnectorName, limit: usize) -> Result<bool, Error> {
        self.shaker.shake()?;
        self.store.backfill(connector, limit).await
    }

    async fn queue_retry(&self, selection: &QueueSelection, now: Timestamp) -> Result<u64, Error> {
        self.shaker.shake()?;
        self.store.queue_retry(selection, now).await
    }

    async fn queue_discard(&self, selection: &QueueSelection, now: Timestamp) -> Result<u64, Error> {
        self.shaker.shake()?;
        self.store.queue_discard(selection, now).await
    }

    fn deliverable(&self) -> watch::Receiver<u64> {
        let (bell, woken) = watch::channel(0);
        self.bells.lock().unwrap().push(bell);
        woken
    }

    async fn queue(&self, selection: &QueueSelection, now: Timestamp, limit: usize) -> Result<Vec<QueueEntry>, Error> {
        self.store.queue(selection, now, limit).await
    }

    async fn get(&self, tenant: &TenantName, kind: &ResourceKind, id: ResourceId) -> Result<Option<Stored>, Error> {
        self.store.get(tenant, kind, id).await
    }

    async fn find(&self, tenant: &TenantName, query: &Query) -> Result<Page, WriteError> {
        self.store.find(tenant, query).await
    }

    async fn members(
        &self,
        tenant: &TenantName,
        group: ResourceId,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<Membership>, Error> {
        self.store.members(tenant, group, after, limit).await
    }

    async fn groups_of(&self, tenant: &TenantName, members: &[ResourceId]) -> Result<Vec<Vec<GroupOf>>, Error> {
        self.store.groups_of(tenant, members).await
    }

    async fn check(&self) -> Result<Vec<Flaw>, Error> {
        self.store.check().await
    }

    async fn verify_audit(&self) -> Result<AuditReport, Error> {
        self.store.verify_audit().await
    }

    async fn configure(&self, tenants: Vec<Tenant>) -> Result<(), Error> {
        self.store.configure(tenants).await
    }

    async fn close(&self) {
        self.store.close().await;
    }

    async fn commit_together(&self, _: Vec<Write>) -> Result<Result<Vec<Committed>, (usize, scim::Error)>, Error> {
        unimplemented!()
    }

    async fn reset_connector(&self, _: &ConnectorName, _: Vec<Tenant>) -> Result<(), Error> {
        unimplemented!()
    }

    async fn discard_connector(&self, _: &ConnectorName) -> Result<bool, Error> {
        unimplemented!()
    }

    async fn conflicts(&self, _: Vec<Tenant>) -> Result<Vec<Conflict>, Error> {
        unimplemented!()
    }

    async fn reserve_ids(&self, _: usize) -> Result<Vec<ResourceId>, Error> {
        unimplemented!()
    }

    async fn add_credential(&self, _: Credential) -> Result<(), Error> {
        unimplemented!()
    }

    async fn revoke_credential(&self, _: &TenantName, _: &str, _: Timestamp) -> Result<bool, Error> {
        unimplemented!()
    }

    async fn credentials(&self) -> Result<Vec<Credential>, Error> {
        unimplemented!()
    }

    async fn credentials_used(&self, _: Vec<(Arc<str>, Timestamp)>) -> Result<(), Error> {
        unimplemented!()
    }

    async fn leavers(&self, _: &LeaverSelection, _: usize) -> Result<Vec<Leaver>, Error> {
        unimplemented!()
    }

    async fn close_leavers(&self, _: &LeaverSelection) -> Result<u64, Error> {
        unimplemented!()
    }

    async fn pending_references(&self) -> Result<Vec<PendingReferences>, Error> {
        unimplemented!()
    }

    async fn keep_unknown(&self, _: Vec<NotUnderstood>) -> Result<(), Error> {
        unimplemented!()
    }

    async fn unknown_shapes(&self, _: Option<&TenantName>, _: usize) -> Result<Vec<UnknownShape>, Error> {
        unimplemented!()
    }

    async fn unknown_shape(&self, _: u64) -> Result<Option<UnknownShape>, Error> {
        unimplemented!()
    }

    async fn backup(&self, _: PathBuf) -> Result<Backup, Error> {
        unimplemented!()
    }

    async fn retain(&self, _: &Retention, _: usize) -> Result<bool, Error> {
        unimplemented!()
    }

    async fn ready(&self) -> Result<(), Error> {
        unimplemented!()
    }
}
