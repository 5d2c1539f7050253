//! The operations that write, up to their receipts.

use std::sync::Arc;

use scim_connector::ResourceId;
use serde_json::Value;

use super::{Caller, Preconditions, Provider, refused, resource_id, switch};
use crate::{
    dialect::Quirks,
    scim::{
        self, ScimType,
        patch::Patch,
        resource::{self, Draft},
        schema::ResourceType,
    },
    store::{Committed, IfMatch, Operation, Write},
};

// Each hands its write to the store when it is first polled: a bulk request keeps its operations in order by that.
impl Provider {
    /// Creates a resource.
    pub(super) async fn created(
        &self,
        caller: &Caller,
        resource_type: &Arc<ResourceType>,
        body: Value,
    ) -> Result<Committed, scim::Error> {
        let draft = self.new_draft(caller, resource_type, body)?;
        self.commit(caller, resource_type, None, Operation::Create(draft)).await
    }

    /// What would create a resource with a reserved id.
    pub(super) fn creation(
        &self,
        caller: &Caller,
        resource_type: &Arc<ResourceType>,
        reserved: ResourceId,
        body: Value,
    ) -> Result<Write, scim::Error> {
        let draft = self.new_draft(caller, resource_type, body)?;
        Ok(write(caller, resource_type, None, Operation::CreateAs(reserved, draft)))
    }

    /// Replaces a resource.
    pub(super) async fn replaced(
        &self,
        caller: &Caller,
        resource_type: &Arc<ResourceType>,
        id: &str,
        preconditions: &Preconditions,
        body: Value,
    ) -> Result<Committed, scim::Error> {
        let dialect = caller.tenant.dialect;
        if !dialect.takes_put() {
            return Err(scim::Error::method_not_allowed(dialect.resource_methods()));
        }
        let mut draft = self.draft(caller, resource_type, body)?;
        if draft.id.as_deref().is_some_and(|sent| sent != id) {
            return Err(scim::Error::of(ScimType::Mutability, "id: differs from the id in the request's URI"));
        }
        if resource_type.kind.is_group() && !dialect.group_put_keeps_members {
            draft.members.get_or_insert_default();
        }
        let mut quirks = Quirks::default();
        if let Some(external_id) = draft.attributes.get("externalId") {
            draft.keeps_external_id = dialect.keeps_external_id(external_id, id, &mut quirks);
        }
        self.metrics.understood(&caller.tenant.name.0, quirks.ids(), 0);
        let id = resource_id(resource_type, id)?;
        self.commit(caller, resource_type, preconditions.if_match()?, Operation::Replace(id, draft)).await
    }

    /// Patches a resource.
    pub(super) async fn patched(
        &self,
        caller: &Caller,
        resource_type: &Arc<ResourceType>,
        id: &str,
        preconditions: &Preconditions,
        body: Value,
    ) -> Result<Committed, scim::Error> {
        let tenant = &caller.tenant;
        let mut quirks = Quirks::default();
        let mut dropped = Vec::new();
        let body = tenant.dialect.patch(resource_type, id, body, &mut quirks)?;
        let patch = Patch::parse(resource_type, body, tenant.dialect.unknown, &mut dropped)?;
        self.metrics.understood(&tenant.name.0, quirks.ids(), dropped.len());
        let id = resource_id(resource_type, id)?;
        self.commit(caller, resource_type, preconditions.if_match()?, Operation::Patch(id, patch)).await
    }

    /// Deletes a resource.
    pub(super) async fn deleted(
        &self,
        caller: &Caller,
        resource_type: &Arc<ResourceType>,
        id: &str,
        preconditions: &Preconditions,
    ) -> Result<Committed, scim::Error> {
        let id = resource_id(resource_type, id)?;
        self.commit(caller, resource_type, preconditions.if_match()?, Operation::Delete(id)).await
    }

    fn new_draft(&self, caller: &Caller, resource_type: &ResourceType, body: Value) -> Result<Draft, scim::Error> {
        switch(caller.tenant.switches.create, "create")?;
        self.draft(caller, resource_type, body)
    }

    fn draft(&self, caller: &Caller, resource_type: &ResourceType, body: Value) -> Result<Draft, scim::Error> {
        let tenant = &caller.tenant;
        let mut quirks = Quirks::default();
        let mut dropped = Vec::new();
        let body = tenant.dialect.resource(resource_type, body, &mut quirks)?;
        let draft = resource::parse(resource_type, body, tenant.dialect.unknown, &mut dropped)?;
        self.metrics.understood(&tenant.name.0, quirks.ids(), dropped.len());
        Ok(draft)
    }

    async fn commit(
        &self,
        caller: &Caller,
        resource_type: &Arc<ResourceType>,
        if_match: Option<IfMatch>,
        operation: Operation,
    ) -> Result<Committed, scim::Error> {
        let tenant = &caller.tenant.name;
        let changes = self.repeats.changes(tenant, resource_type, &operation);
        let write = write(caller, resource_type, if_match, operation);
        let committed = self.store.commit(write).await.map_err(refused)?;
        self.repeats.note(&self.metrics, tenant, &changes, committed.effect());
        Ok(committed)
    }
}

fn write(caller: &Caller, resource_type: &Arc<ResourceType>, if_match: Option<IfMatch>, operation: Operation) -> Write {
    Write {
        tenant: caller.tenant.name.clone(),
        resource_type: resource_type.clone(),
        operation,
        if_match,
        actor: caller.actor.clone(),
        request_id: caller.request_id.clone(),
    }
}
