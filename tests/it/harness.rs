//! A store in a folder of its own, and short ways to write to it.

use std::{collections::BTreeMap, future::Future, sync::Arc, time::Duration};

use scim_connector::{ResourceId, ResourceKind};
use scim_relay::{
    mapping::Mapping,
    metrics::Metrics,
    scim::{
        patch::Patch,
        resource::{Draft, Member, Unknown},
        schema::{ResourceType, ResourceTypes},
    },
    store::{
        Brake, Connector, ConnectorName, OnRehire, Operation, Store, Tenant, TenantName, UniqueId, Write,
        sqlite::{Options, SqliteStore},
    },
    time::Clock,
};
use serde_json::{Value, json};
use tempfile::TempDir;

pub(crate) fn tenant() -> TenantName {
    TenantName("acme".into())
}

pub(crate) fn connector() -> ConnectorName {
    ConnectorName("people".into())
}

/// A store with one tenant that feeds one connector.
pub(crate) struct TestStore {
    pub(crate) store: Arc<dyn Store>,
    _folder: TempDir,
}

impl TestStore {
    pub(crate) async fn open(clock: Clock) -> Self {
        Self::feeding(clock, &[&connector().0]).await
    }

    /// A store with one tenant that feeds these connectors.
    pub(crate) async fn feeding(clock: Clock, connectors: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let options = Options::new(folder.path().join("data"), clock, Arc::new(Metrics::new().unwrap()));
        let store: Arc<dyn Store> = SqliteStore::open(options).unwrap();
        store.configure(vec![feeds(connectors, "")]).await.unwrap();
        Self { store, _folder: folder }
    }

    pub(crate) async fn create(&self, (kind, draft): (ResourceKind, Draft)) -> ResourceId {
        self.write(&kind, Operation::Create(draft)).await
    }

    /// Replaces one attribute of a user by PATCH.
    pub(crate) async fn set(&self, id: ResourceId, attribute: &str, value: impl Into<Value>) {
        let kind = ResourceKind::new("User");
        let body = json!({
            "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
            "Operations": [{ "op": "replace", "path": attribute, "value": value.into() }],
        });
        let patch = Patch::parse(&resource_type(&kind), body, Unknown::Refuse, &mut Vec::new()).unwrap();
        self.write(&kind, Operation::Patch(id, patch)).await;
    }

    pub(crate) async fn delete(&self, kind: &ResourceKind, id: ResourceId) {
        self.write(kind, Operation::Delete(id)).await;
    }

    async fn write(&self, kind: &ResourceKind, operation: Operation) -> ResourceId {
        let write = Write {
            tenant: tenant(),
            resource_type: resource_type(kind),
            operation,
            if_match: None,
            actor: "test".into(),
            request_id: "request".into(),
        };
        self.store.commit(write).await.unwrap().stored().id
    }
}

/// A tenant that feeds these connectors, each with that fingerprint.
pub(crate) fn feeds(connectors: &[&str], fingerprint: &str) -> Tenant {
    Tenant {
        name: tenant(),
        types: ResourceTypes::core(),
        indexed_attributes: vec![],
        unique_id: UniqueId::UserName,
        group_names_unique: true,
        on_rehire: OnRehire::Conflict,
        may_update: true,
        may_deactivate: true,
        passwords: false,
        brake: Brake::default(),
        connectors: connectors
            .iter()
            .map(|name| Connector {
                name: ConnectorName((*name).into()),
                kinds: vec![ResourceKind::new("User"), ResourceKind::new("Group")],
                passwords: false,
                policy: Arc::default(),
                brake: Brake::default(),
                backfill: true,
                fingerprint: fingerprint.into(),
                system: Arc::default(),
            })
            .collect(),
    }
}

/// Every core type with the mapping that a connector has which configures none.
pub(crate) fn identity_mappings() -> BTreeMap<ResourceKind, (Arc<ResourceType>, Arc<Mapping>)> {
    let mapped = |kind: &Arc<ResourceType>| (kind.kind.clone(), (kind.clone(), Arc::new(Mapping::identity(kind))));
    ResourceTypes::core().iter().map(mapped).collect()
}

fn resource_type(kind: &ResourceKind) -> Arc<ResourceType> {
    ResourceTypes::core().get(kind).unwrap().clone()
}

pub(crate) fn user(user_name: &str) -> (ResourceKind, Draft) {
    (ResourceKind::new("User"), draft(&json!({ "userName": user_name, "active": true }), None))
}

pub(crate) fn group(display_name: &str, members: &[ResourceId]) -> (ResourceKind, Draft) {
    let members = members.iter().map(|id| Member { value: id.to_string(), display: None }).collect();
    (ResourceKind::new("Group"), draft(&json!({ "displayName": display_name }), Some(members)))
}

fn draft(attributes: &Value, members: Option<Vec<Member>>) -> Draft {
    Draft { attributes: attributes.as_object().unwrap().clone(), members, ..Draft::default() }
}

/// Waits until a condition holds; fails the test when it does not within ten seconds.
pub(crate) async fn eventually<F: Future<Output = bool>>(mut condition: impl FnMut() -> F) {
    let deadline = tokio::time::Instant::now() + Duration::from_secs(10);
    while !condition().await {
        assert!(tokio::time::Instant::now() < deadline, "the condition does not come true");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}
