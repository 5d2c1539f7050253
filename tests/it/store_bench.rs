//! A store with a tenant or two, a clock that stands, and the shortest way to say a write.

use std::{sync::Arc, time::Duration};

use scim_connector::{Effect, MemberRef, RemoteState, ResourceId, ResourceKind};
use scim_relay::{
    scim::{
        self,
        filter::Filter,
        patch::Patch,
        query::{Query, Selection, Sort, Start},
        render::Projection,
        resource::{self, Unknown},
        schema::{ResourceType, ResourceTypes},
    },
    store::{
        Brake, Committed, Connector, ConnectorName, Delivery, Error, IfMatch, OnRehire, Operation, Outcome, OwedState,
        Page, QueueSelection, Settlement, Standing, Store, Stored, Tenant, TenantName, UniqueId, Write, WriteError,
    },
    time::{Clock, Timestamp},
};
use serde_json::{Value, json};

/// When the clock stands at first.
pub(crate) const START: Timestamp = Timestamp(1_800_000_000_000);

pub(crate) struct Bench {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) clock: Clock,
    pub(crate) tenant: TenantName,
    pub(crate) types: ResourceTypes,
}

pub(crate) fn connector(name: &str) -> Connector {
    Connector {
        name: ConnectorName(name.into()),
        kinds: vec![ResourceKind::new("User"), ResourceKind::new("Group")],
        passwords: false,
        policy: Arc::default(),
        brake: Brake::default(),
        backfill: true,
        fingerprint: Arc::default(),
        system: "there".into(),
    }
}

pub(crate) fn tenant(name: &str, connectors: Vec<Connector>) -> Tenant {
    Tenant {
        name: TenantName(name.into()),
        types: ResourceTypes::core(),
        indexed_attributes: vec![],
        unique_id: UniqueId::UserName,
        group_names_unique: true,
        on_rehire: OnRehire::Conflict,
        may_update: true,
        may_deactivate: true,
        passwords: true,
        brake: Brake::default(),
        connectors,
    }
}

pub(crate) fn user(name: &str) -> Value {
    json!({ "userName": name, "active": true })
}

pub(crate) fn group(name: &str, members: &[ResourceId]) -> Value {
    let members: Vec<Value> = members.iter().map(|member| json!({ "value": member.to_string() })).collect();
    json!({ "displayName": name, "members": members })
}

impl Bench {
    /// A bench whose store knows the tenant `acme` with the connector `ldap`.
    pub(crate) async fn new(store: Arc<dyn Store>, clock: Clock) -> Self {
        let bench = Self { store, clock, tenant: TenantName("acme".into()), types: ResourceTypes::core() };
        bench.configure(tenant("acme", vec![connector("ldap")])).await;
        bench
    }

    pub(crate) async fn configure(&self, tenant: Tenant) {
        self.store.configure(vec![tenant]).await.unwrap();
    }

    pub(crate) fn resource_type(&self, kind: &str) -> Arc<ResourceType> {
        self.types.get(&ResourceKind::new(kind)).unwrap().clone()
    }

    pub(crate) fn write(&self, kind: &str, operation: Operation, if_match: Option<IfMatch>) -> Write {
        Write {
            tenant: self.tenant.clone(),
            resource_type: self.resource_type(kind),
            operation,
            if_match,
            actor: "key-1".into(),
            request_id: "request-1".into(),
        }
    }

    pub(crate) fn draft(&self, kind: &str, body: Value) -> resource::Draft {
        resource::parse(&self.resource_type(kind), body, Unknown::Refuse, &mut Vec::new()).unwrap()
    }

    pub(crate) async fn try_create(&self, kind: &str, body: Value) -> Result<Committed, WriteError> {
        let operation = Operation::Create(self.draft(kind, body));
        self.store.commit(self.write(kind, operation, None)).await
    }

    pub(crate) async fn create(&self, kind: &str, body: Value) -> ResourceId {
        self.try_create(kind, body).await.unwrap().stored().id
    }

    pub(crate) async fn replace(&self, kind: &str, id: ResourceId, body: Value) -> Result<Committed, WriteError> {
        let operation = Operation::Replace(id, self.draft(kind, body));
        self.store.commit(self.write(kind, operation, None)).await
    }

    pub(crate) async fn patch(&self, kind: &str, id: ResourceId, operations: Value) -> Result<Committed, WriteError> {
        let body = json!({ "schemas": [scim::patch::PATCH_URN], "Operations": operations });
        let patch = Patch::parse(&self.resource_type(kind), body, Unknown::Refuse, &mut Vec::new()).unwrap();
        self.store.commit(self.write(kind, Operation::Patch(id, patch), None)).await
    }

    pub(crate) async fn add_member(&self, group: ResourceId, member: &str) -> Committed {
        let operation = json!([{ "op": "add", "path": "members", "value": [{ "value": member }] }]);
        self.patch("Group", group, operation).await.unwrap()
    }

    pub(crate) async fn remove_member(&self, group: ResourceId, member: ResourceId) -> Committed {
        let path = format!("members[value eq \"{member}\"]");
        self.patch("Group", group, json!([{ "op": "remove", "path": path }])).await.unwrap()
    }

    pub(crate) async fn delete(&self, kind: &str, id: ResourceId) -> Result<Committed, WriteError> {
        self.store.commit(self.write(kind, Operation::Delete(id), None)).await
    }

    pub(crate) async fn get(&self, kind: &str, id: ResourceId) -> Option<Stored> {
        self.store.get(&self.tenant, &ResourceKind::new(kind), id).await.unwrap()
    }

    pub(crate) async fn find(
        &self,
        kind: &str,
        filter: Option<&str>,
        sort: Option<&str>,
        (start_index, count): (usize, usize),
    ) -> Page {
        self.page(&self.query(&[kind], filter, sort, Start::Index(start_index), count)).await
    }

    /// A query over these types.
    pub(crate) fn query(
        &self,
        kinds: &[&str],
        filter: Option<&str>,
        sort: Option<&str>,
        start: Start,
        count: usize,
    ) -> Query {
        let path = |text: &str| scim::path::AttributePath::parse(text, &[]).unwrap();
        let selection = |kind: &&str| {
            let resource_type = self.resource_type(kind);
            let filter = filter.map(|text| Filter::parse(text, &resource_type.urns()).unwrap());
            Selection { resource_type, filter, projection: Projection::Default }
        };
        Query {
            selections: kinds.iter().map(selection).collect(),
            sort: sort.map(|text| Sort { by: path(text.trim_start_matches('-')), descending: text.starts_with('-') }),
            start,
            count,
        }
    }

    pub(crate) async fn page(&self, query: &Query) -> Page {
        self.store.find(&self.tenant, query).await.unwrap()
    }

    /// The ids that a filter finds, and that a count agrees.
    pub(crate) async fn found(&self, kind: &str, filter: &str) -> Vec<ResourceId> {
        let page = self.find(kind, Some(filter), None, (1, 1000)).await;
        assert_eq!(page.total, Some(page.resources.len()), "{filter}");
        page.resources.into_iter().map(|resource| resource.id).collect()
    }

    pub(crate) async fn member_values(&self, group: ResourceId) -> Vec<String> {
        let members = self.store.members(&self.tenant, group, None, usize::MAX).await.unwrap();
        members.into_iter().map(|membership| membership.member.value).collect()
    }

    pub(crate) async fn due(&self, name: &str) -> Vec<Delivery> {
        self.due_beside(name, &[]).await
    }

    pub(crate) async fn due_beside(&self, name: &str, under_way: &[ResourceId]) -> Vec<Delivery> {
        let connector = ConnectorName(name.into());
        self.store.deliveries(&connector, self.clock.now(), 100, under_way).await.unwrap()
    }

    pub(crate) async fn settle(&self, name: &str, delivery: &Delivery, outcome: Outcome) {
        let settlement = Settlement {
            id: delivery.id,
            resource: delivery.resource,
            version: delivery.version,
            fingerprint: delivery.fingerprint.clone(),
            outcome,
        };
        self.store.settle(&ConnectorName(name.into()), vec![settlement]).await.unwrap();
    }

    /// Confirms a delivery as a connector would.
    pub(crate) async fn apply(&self, name: &str, delivery: &Delivery) {
        self.settle(name, delivery, applied(delivery)).await;
    }

    /// Delivers until nothing may go; how many it took.
    pub(crate) async fn drain(&self, name: &str) -> usize {
        let mut count = 0;
        loop {
            let due = self.due(name).await;
            if due.is_empty() {
                return count;
            }
            for delivery in &due {
                self.apply(name, delivery).await;
            }
            count += due.len();
            assert!(count < 10_000, "deliveries must come to an end");
        }
    }

    /// How many deliveries are queued, in any state.
    pub(crate) async fn queued(&self) -> usize {
        self.store.queue(&QueueSelection::default(), self.clock.now(), 1000).await.unwrap().len()
    }
}

/// The outcome of a connector that did what it was told.
pub(crate) fn applied(delivery: &Delivery) -> Outcome {
    match &delivery.state {
        OwedState::Present { attributes, members } => Outcome::Applied {
            effect: if delivery.remote.is_some() { Effect::Updated } else { Effect::Created },
            remote: Some(RemoteState(json!({ "entry": delivery.resource.to_string() }))),
            live: delivery.held == Some(Standing::Live) || !attributes.contains(r#""active":false"#),
            waiting: members.iter().flat_map(|delta| delta.waiting.clone()).collect(),
        },
        OwedState::Deleted => lost(),
    }
}

/// What a group's delivery asks of its members, by their ids: to add, to remove.
pub(crate) fn asked(due: &[Delivery], group: ResourceId) -> (Vec<ResourceId>, Vec<ResourceId>) {
    let delivery = due.iter().find(|delivery| delivery.resource == group).unwrap();
    let OwedState::Present { members: Some(delta), .. } = &delivery.state else { panic!("{due:?}") };
    let ids = |members: &[MemberRef]| members.iter().map(|member| member.resource.id).collect();
    (ids(&delta.add), ids(&delta.remove))
}

/// The outcome of a connector that removed what it was told to deactivate.
pub(crate) fn lost() -> Outcome {
    Outcome::Applied { effect: Effect::Removed, remote: None, live: false, waiting: Vec::new() }
}

pub(crate) fn retry_at(at: Timestamp) -> Outcome {
    Outcome::RetryAt { at, counted: true, class: "transient", message: "connection refused".to_owned() }
}

pub(crate) fn minutes(count: u64) -> Duration {
    Duration::from_secs(count * 60)
}

/// The attributes that a delivery shows.
pub(crate) fn shown(delivery: &Delivery) -> Value {
    match &delivery.state {
        OwedState::Present { attributes, .. } => serde_json::from_str(attributes).unwrap(),
        OwedState::Deleted => Value::Null,
    }
}

/// The HTTP status of a refusal.
pub(crate) fn status(result: Result<Committed, WriteError>) -> u16 {
    match result {
        Ok(committed) => panic!("accepted: {committed:?}"),
        Err(WriteError::Refused(error)) => error.http_status(),
        Err(WriteError::Store(Error::Busy)) => 503,
        Err(WriteError::Store(error)) => panic!("the store failed: {error}"),
    }
}
