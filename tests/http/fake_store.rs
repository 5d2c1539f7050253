//! A store that keeps credentials in memory, feeds no connector, and panics at whatever else it is asked.

use std::{
    path::PathBuf,
    sync::{Arc, Mutex},
};

use async_trait::async_trait;
use scim_connector::{ResourceId, ResourceKind};
use scim_relay::{
    scim::{self, query::Query},
    store::{
        AuditReport, Backup, Committed, Conflict, ConnectorName, ConnectorState, ConnectorStatus, Credential, Delivery,
        Error, Flaw, GroupOf, Leaver, LeaverSelection, Membership, NotUnderstood, Page, PendingReferences, QueueEntry,
        QueueSelection, Retention, Settlement, StagedRemoval, StagedRemovals, StagedSelection, Store, Stored, Tenant,
        TenantName, UnknownShape, Write, WriteError,
    },
    time::Timestamp,
};
use tokio::sync::watch;

#[derive(Default)]
pub(crate) struct FakeStore {
    pub(crate) credentials: Mutex<Vec<Credential>>,
    pub(crate) is_closed: Mutex<bool>,
}

#[async_trait]
impl StagedRemovals for FakeStore {
    async fn staged(&self, _: &StagedSelection, _: usize) -> Result<Vec<StagedRemoval>, Error> {
        unimplemented!()
    }

    async fn release_staged(&self, _: &StagedSelection) -> Result<u64, Error> {
        unimplemented!()
    }

    async fn discard_staged(&self, _: &StagedSelection) -> Result<u64, Error> {
        unimplemented!()
    }
}

#[async_trait]
impl Store for FakeStore {
    async fn add_credential(&self, credential: Credential) -> Result<(), Error> {
        self.credentials.lock().unwrap().push(credential);
        Ok(())
    }

    async fn revoke_credential(&self, tenant: &TenantName, id_or_name: &str, at: Timestamp) -> Result<bool, Error> {
        let mut credentials = self.credentials.lock().unwrap();
        let is_meant =
            |key: &&mut Credential| key.tenant == *tenant && (&*key.id == id_or_name || key.name == id_or_name);
        let found = credentials.iter_mut().find(is_meant);
        Ok(found.map(|credential| credential.revoked = Some(at)).is_some())
    }

    async fn credentials(&self) -> Result<Vec<Credential>, Error> {
        Ok(self.credentials.lock().unwrap().clone())
    }

    async fn credentials_used(&self, used: Vec<(Arc<str>, Timestamp)>) -> Result<(), Error> {
        for credential in self.credentials.lock().unwrap().iter_mut() {
            let at = used.iter().find(|(id, _)| *id == credential.id).map(|(_, at)| *at);
            credential.last_used = at.or(credential.last_used);
        }
        Ok(())
    }

    async fn ready(&self) -> Result<(), Error> {
        if *self.is_closed.lock().unwrap() { Err(Error::Closed) } else { Ok(()) }
    }

    async fn close(&self) {
        *self.is_closed.lock().unwrap() = true;
    }

    async fn configure(&self, _: Vec<Tenant>) -> Result<(), Error> {
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

    async fn commit(&self, _: Write) -> Result<Committed, WriteError> {
        unimplemented!()
    }

    async fn commit_together(&self, _: Vec<Write>) -> Result<Result<Vec<Committed>, (usize, scim::Error)>, Error> {
        unimplemented!()
    }

    async fn reserve_ids(&self, _: usize) -> Result<Vec<ResourceId>, Error> {
        unimplemented!()
    }

    async fn get(&self, _: &TenantName, _: &ResourceKind, _: ResourceId) -> Result<Option<Stored>, Error> {
        unimplemented!()
    }

    async fn find(&self, _: &TenantName, _: &Query) -> Result<Page, WriteError> {
        unimplemented!()
    }

    async fn members(
        &self,
        _: &TenantName,
        _: ResourceId,
        _: Option<&str>,
        _: usize,
    ) -> Result<Vec<Membership>, Error> {
        unimplemented!()
    }

    async fn groups_of(&self, _: &TenantName, _: &[ResourceId]) -> Result<Vec<Vec<GroupOf>>, Error> {
        unimplemented!()
    }

    fn deliverable(&self) -> watch::Receiver<u64> {
        unimplemented!()
    }

    async fn deliveries(
        &self,
        _: &ConnectorName,
        _: Timestamp,
        _: usize,
        _: &[ResourceId],
    ) -> Result<Vec<Delivery>, Error> {
        unimplemented!()
    }

    async fn next_delivery_at(&self, _: &ConnectorName, _: Timestamp) -> Result<Option<Timestamp>, Error> {
        unimplemented!()
    }

    async fn settle(&self, _: &ConnectorName, _: Vec<Settlement>) -> Result<(), Error> {
        unimplemented!()
    }

    async fn backfill(&self, _: &ConnectorName, _: usize) -> Result<bool, Error> {
        unimplemented!()
    }

    async fn set_connector_state(&self, _: &ConnectorName, _: ConnectorState) -> Result<(), Error> {
        unimplemented!()
    }

    async fn connectors(&self) -> Result<Vec<ConnectorStatus>, Error> {
        Ok(Vec::new())
    }

    async fn leavers(&self, _: &LeaverSelection, _: usize) -> Result<Vec<Leaver>, Error> {
        unimplemented!()
    }

    async fn close_leavers(&self, _: &LeaverSelection) -> Result<u64, Error> {
        unimplemented!()
    }

    async fn pending_references(&self) -> Result<Vec<PendingReferences>, Error> {
        Ok(Vec::new())
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

    async fn queue(&self, _: &QueueSelection, _: Timestamp, _: usize) -> Result<Vec<QueueEntry>, Error> {
        unimplemented!()
    }

    async fn queue_retry(&self, _: &QueueSelection, _: Timestamp) -> Result<u64, Error> {
        unimplemented!()
    }

    async fn queue_discard(&self, _: &QueueSelection, _: Timestamp) -> Result<u64, Error> {
        unimplemented!()
    }

    async fn backup(&self, _: PathBuf) -> Result<Backup, Error> {
        unimplemented!()
    }

    async fn check(&self) -> Result<Vec<Flaw>, Error> {
        unimplemented!()
    }

    async fn verify_audit(&self) -> Result<AuditReport, Error> {
        unimplemented!()
    }

    async fn retain(&self, _: &Retention, _: usize) -> Result<bool, Error> {
        Ok(false)
    }
}
