//! One life of a relay: from the opening of its store to its end or its crash.

use std::{collections::BTreeMap, path::Path, sync::Arc};

use scim_connector::{ResourceId, ResourceKind};
use scim_relay::{
    dialect::Dialect,
    dispatch::{Dispatcher, Settings, Target},
    mapping::Mapping,
    metrics::Metrics,
    provider::{self, Answer, BulkLimits, Caller, Preconditions, Provider, Switches},
    scim::{
        filter::Filter,
        query::{Query, Selection, Start},
        render::Projection,
        schema::ResourceTypes,
    },
    store::{
        Brake, Connector, ConnectorName, OnRehire, OnRemoval, Policy, Scope, Store, Stored, Tenant, TenantName,
        UniqueId,
        sqlite::{Options, SqliteStore},
    },
    time::Clock,
};
use serde_json::{Value, json};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::{
    downstream::Simulated,
    model::{Act, Resource},
    shaken::{Shaken, Shaker},
};

/// The connectors, and what becomes there of deleted users.
pub(crate) const CONNECTORS: [(&str, OnRemoval); 2] =
    [("deleting", OnRemoval::Delete), ("keeping", OnRemoval::Disable)];

/// The engine of a relay that runs.
pub(crate) struct Life {
    /// As the engine has it.
    pub(crate) shaken: Arc<dyn Store>,
    /// As it is.
    pub(crate) store: Arc<dyn Store>,
    pub(crate) clock: Clock,
    pub(crate) dispatcher: Arc<Dispatcher>,
    provider: Arc<Provider>,
    caller: Caller,
    stop: CancellationToken,
    running: JoinHandle<()>,
}

/// What a client was answered.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Said {
    Done(ResourceId),
    Refused(u16),
    /// 5xx: done or not.
    Unknown,
}

pub(crate) fn tenant() -> TenantName {
    TenantName("acme".into())
}

pub(crate) fn kind(is_group: bool) -> ResourceKind {
    ResourceKind::new(if is_group { "Group" } else { "User" })
}

fn policy(on_delete: OnRemoval) -> Arc<Policy> {
    Arc::new(Policy { scope: Scope::default(), on_deactivate: OnRemoval::Disable, on_delete })
}

impl Life {
    /// Starts on that store.
    pub(crate) async fn begin(
        data_dir: &Path,
        clock: Clock,
        brake: Brake,
        settings: Settings,
        shaker: Arc<Shaker>,
        connectors: Vec<Simulated>,
    ) -> Self {
        let metrics = Arc::new(Metrics::new().unwrap());
        let options = Options::new(data_dir.to_owned(), clock.clone(), metrics.clone());
        let store: Arc<dyn Store> =
            SqliteStore::open(Options { on_runtime: true, read_connections: 1, ..options }).unwrap();
        let types = ResourceTypes::core();
        let connector = |(name, on_delete): (&str, OnRemoval)| Connector {
            name: ConnectorName(name.into()),
            kinds: vec![kind(false), kind(true)],
            passwords: false,
            policy: policy(on_delete),
            brake,
            backfill: true,
            fingerprint: Arc::default(),
            system: Arc::default(),
        };
        let configured = store.configure(vec![Tenant {
            name: tenant(),
            types: types.clone(),
            indexed_attributes: vec![],
            unique_id: UniqueId::UserName,
            group_names_unique: true,
            on_rehire: OnRehire::Conflict,
            may_update: true,
            may_deactivate: true,
            passwords: false,
            brake: Brake { removals_min: u32::MAX, ..Brake::default() },
            connectors: CONNECTORS.into_iter().map(connector).collect(),
        }]);
        configured.await.unwrap();
        let shaken: Arc<dyn Store> = Arc::new(Shaken::new(store.clone(), shaker));
        let mappings: BTreeMap<_, _> = types
            .iter()
            .filter(|kind| matches!(kind.kind.as_str(), "User" | "Group"))
            .map(|kind| (kind.kind.clone(), (kind.clone(), Arc::new(Mapping::identity(kind)))))
            .collect();
        let targets = connectors.into_iter().zip(CONNECTORS).map(|(connector, (name, on_delete))| Target {
            name: ConnectorName(name.into()),
            connector: Box::new(connector),
            types: mappings.clone(),
            policy: policy(on_delete),
            fingerprint: Arc::default(),
            stamp: Arc::default(),
        });
        let dispatcher =
            Arc::new(Dispatcher::new(shaken.clone(), clock.clone(), metrics.clone(), settings, targets.collect()));
        let stop = CancellationToken::new();
        let running = tokio::spawn({
            let (dispatcher, stop) = (dispatcher.clone(), stop.clone());
            async move { dispatcher.run(stop).await }
        });
        let limits = BulkLimits { operations_max: 10, payload_bytes_max: 10_000 };
        let provider = Arc::new(Provider::new(shaken.clone(), metrics, clock.clone(), limits));
        let caller = Caller {
            tenant: Arc::new(provider::Tenant {
                name: tenant(),
                base_path: "/scim/v2".to_owned(),
                dialect: Dialect::named("rfc").unwrap(),
                unique_id: UniqueId::UserName,
                switches: Switches::default(),
                types,
            }),
            actor: "key".into(),
            subject: None,
            request_id: "request".into(),
            base_uri: "https://scim.example/scim/v2".into(),
        };
        Self { shaken, store, clock, dispatcher, provider, caller, stop, running }
    }

    /// Stops as a process does that is told to.
    pub(crate) async fn end(self) {
        self.stop.cancel();
        self.running.await.unwrap();
        self.store.close().await;
    }

    /// Does what a client asks for, as a task of its own.
    pub(crate) fn ask(&self, act: &Act, is_group: bool) -> JoinHandle<Said> {
        let (provider, caller, act) = (self.provider.clone(), self.caller.clone(), act.clone());
        tokio::spawn(async move { perform(&provider, &caller, &act, is_group).await })
    }

    /// A resource as stored, with its version.
    pub(crate) async fn read(&self, id: ResourceId, is_group: bool) -> Option<(u64, Resource)> {
        let stored = self.store.get(&tenant(), &kind(is_group), id).await.unwrap()?;
        let attributes: Value = serde_json::from_str(&stored.attributes).unwrap();
        let text = |name: &str| attributes.get(name).and_then(Value::as_str).map(str::to_owned);
        let members = self.store.members(&tenant(), id, None, usize::MAX).await.unwrap();
        let resource = Resource {
            is_group,
            name: text(if is_group { "displayName" } else { "userName" }).unwrap(),
            title: text("title"),
            active: attributes.get("active") != Some(&json!(false)),
            members: members.iter().map(|membership| membership.member.value.parse().unwrap()).collect(),
        };
        Some((stored.version, resource))
    }

    /// Who has that name.
    pub(crate) async fn named(&self, is_group: bool, name: &str) -> Option<Stored> {
        let resource_type = self.caller.tenant.types.get(&kind(is_group)).unwrap().clone();
        let attribute = if is_group { "displayName" } else { "userName" };
        let filter = Filter::parse(&format!("{attribute} eq \"{name}\""), &resource_type.urns()).unwrap();
        let selection = Selection { resource_type, filter: Some(filter), projection: Projection::Default };
        let query = Query { selections: vec![selection], sort: None, start: Start::Index(1), count: 2 };
        self.store.find(&tenant(), &query).await.unwrap().resources.pop()
    }
}

async fn perform(provider: &Provider, caller: &Caller, act: &Act, is_group: bool) -> Said {
    let resource_type = caller.tenant.types.get(&kind(is_group)).unwrap();
    let id = act.resource().map(|id| id.to_string()).unwrap_or_default();
    let (urn, name) = match is_group {
        true => ("urn:ietf:params:scim:schemas:core:2.0:Group", "displayName"),
        false => ("urn:ietf:params:scim:schemas:core:2.0:User", "userName"),
    };
    let any = Preconditions::default();
    let answer = match act {
        Act::Create { name: value, .. } => {
            let body = json!({ "schemas": [urn], name: value }).to_string();
            provider.create(caller, resource_type, Vec::new(), body.as_bytes()).await
        }
        Act::Delete(_) => provider.delete(caller, resource_type, &id, &any).await,
        _ => {
            let operation = match act {
                Act::Rename(_, value) => json!({ "op": "replace", "path": name, "value": value }),
                Act::Title(_, value) => json!({ "op": "replace", "path": "title", "value": value }),
                Act::Active(_, value) => json!({ "op": "replace", "path": "active", "value": value }),
                Act::AddMember(_, member) => {
                    json!({ "op": "add", "path": "members", "value": [{ "value": member.to_string() }] })
                }
                Act::RemoveMember(_, member) => {
                    json!({ "op": "remove", "path": format!("members[value eq \"{member}\"]") })
                }
                Act::Members(_, members) => {
                    let members: Vec<Value> = members.iter().map(|id| json!({ "value": id.to_string() })).collect();
                    json!({ "op": "replace", "path": "members", "value": members })
                }
                Act::Create { .. } | Act::Delete(_) => Value::Null,
            };
            let body =
                json!({ "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": [operation] });
            provider.patch(caller, resource_type, &id, Vec::new(), &any, body.to_string().as_bytes()).await
        }
    };
    match answer {
        Ok(Answer::Created { proof, .. } | Answer::Changed { proof, .. } | Answer::Deleted { proof }) => {
            Said::Done(proof.stored().id)
        }
        Ok(answer) => panic!("{answer:?}"),
        Err(error) if error.http_status() >= 500 => Said::Unknown,
        Err(error) => Said::Refused(error.http_status()),
    }
}
