//! The connector: desired states in, requests out.

use std::{collections::BTreeSet, time::Duration};

use async_trait::async_trait;
use http::StatusCode;
use scim_connector::{
    Applied, BuildContext, Built, Change, Connector, ConnectorError, ConnectorKind, Desired, Effect, ErrorClass,
    Limits, MappedAttributes, MemberRef, MemberSource, Members, Plan, Reader, RemoteState, ResourceId,
};
use serde_json::{Value, json};

use crate::{
    message::{self, Attribute, Done, MemberChange, Missing, Put, Write},
    settings::Settings,
    wire::{Answer, Wire},
};

/// The kind `test-http`.
#[derive(Clone, Copy, Debug)]
pub struct TestHttp;

impl ConnectorKind for TestHttp {
    const NAME: &'static str = "test-http";
    type Settings = Settings;

    fn system(settings: &Settings, _: &BuildContext) -> String {
        settings.url.clone()
    }

    fn build(settings: Settings, _: BuildContext) -> Built {
        let authority = settings.authority()?;
        let wire = Wire::new(authority, Duration::from_millis(settings.answer_ms_max));
        Ok(Box::new(TestHttpConnector { wire, settings }))
    }
}

struct TestHttpConnector {
    wire: Wire,
    settings: Settings,
}

#[async_trait]
impl Connector for TestHttpConnector {
    async fn apply(&self, batch: &[Change]) -> Vec<Result<Applied, ConnectorError>> {
        let mut outcomes = Vec::with_capacity(batch.len());
        for change in batch {
            outcomes.push(self.bring(change).await);
        }
        outcomes
    }

    async fn check(&self) -> Result<(), ConnectorError> {
        let answer = self.wire.send(http::Method::GET, "/", 0, String::new()).await?;
        if answer.status == StatusCode::OK { Ok(()) } else { Err(refusal(&answer, &[])) }
    }

    async fn plan(&self, change: &Change) -> Result<Plan, ConnectorError> {
        let writes = writes(change).await?;
        let writes: Vec<Value> = writes
            .iter()
            .map(|write| {
                let (method, suffix) = write.request();
                json!({ "request": format!("{method} {}{suffix}", path(change)), "body": write.body() })
            })
            .collect();
        Ok(Plan { media_type: "application/json", text: Value::Array(writes).to_string() })
    }

    fn reader(&self) -> Option<&dyn Reader> {
        None
    }

    fn limits(&self) -> Limits {
        Limits { batch_max: self.settings.batch_max, in_flight_max: self.settings.in_flight_max, linger_ms: 0 }
    }
}

impl TestHttpConnector {
    /// All writes are sent, also those that may change nothing: only the system knows what requests of before it has
    /// still to come.
    async fn bring(&self, change: &Change) -> Result<Applied, ConnectorError> {
        let mut all = Done { effect: message::Effect::Unchanged, is_there: false };
        for (index, write) in writes(change).await?.iter().enumerate() {
            if index > 0 {
                scim_connector::crash_point!("during-apply");
            }
            let (method, suffix) = write.request();
            let path = format!("{}{suffix}", path(change));
            let answer = self.wire.send(method, &path, change.version, write.body().to_string()).await?;
            match answer.status {
                StatusCode::OK | StatusCode::CONFLICT => {
                    let done: Done = serde_json::from_slice(&answer.body).map_err(|error| {
                        ConnectorError::transient("the answer is not of this system").caused_by(error)
                    })?;
                    if all.effect == message::Effect::Unchanged {
                        all.effect = done.effect;
                    }
                    all.is_there = done.is_there;
                    if answer.status == StatusCode::CONFLICT {
                        break;
                    }
                }
                _ => return Err(refusal(&answer, added(change))),
            }
        }
        Ok(Applied {
            effect: match all.effect {
                message::Effect::Created => Effect::Created,
                message::Effect::Updated => Effect::Updated,
                message::Effect::Unchanged => Effect::Unchanged,
                message::Effect::Removed => Effect::Removed,
            },
            remote: all.is_there.then(|| RemoteState(json!({ "path": path(change) }))),
        })
    }
}

fn path(change: &Change) -> String {
    format!("/{}/{}", change.resource.kind, change.resource.id)
}

/// The requests that bring the system to the state.
async fn writes(change: &Change) -> Result<Vec<Write>, ConnectorError> {
    let (active, attributes, members) = match &change.desired {
        Desired::Absent => return Ok(vec![Write::Delete]),
        Desired::Disabled => return Ok(vec![Write::Disable]),
        // The configuration's check keeps this from happening.
        Desired::Aside => return Err(ConnectorError::misconfigured("the system has no place to move an entry to")),
        Desired::Present { active, attributes, members } => (*active, attributes, members),
    };
    let mut writes = vec![Write::Put(Put { active, attributes: self::attributes(attributes) })];
    match members {
        Members::Unchanged => {}
        Members::Delta { add, remove } if add.is_empty() && remove.is_empty() => {}
        Members::Delta { add, remove } => {
            writes.push(Write::Members(MemberChange::Delta { add: ids(add), remove: ids(remove) }));
        }
        Members::Full(source) => writes.push(Write::Members(MemberChange::Exactly(all(source.as_ref()).await?))),
    }
    Ok(writes)
}

fn attributes(mapped: &MappedAttributes) -> std::collections::BTreeMap<String, Attribute> {
    let attribute = |attribute: &scim_connector::MappedAttribute| Attribute {
        value: message::json(&attribute.value),
        write: attribute.write,
    };
    mapped.iter().map(|(name, mapped)| (name.clone(), attribute(mapped))).collect()
}

fn ids(members: &[MemberRef]) -> Vec<ResourceId> {
    members.iter().map(|member| member.resource.id).collect()
}

async fn all(source: &dyn MemberSource) -> Result<BTreeSet<ResourceId>, ConnectorError> {
    let mut all = BTreeSet::new();
    let mut after = None;
    loop {
        let page = source.page(after).await?;
        let Some(last) = page.last() else { return Ok(all) };
        after = Some(last.resource.id);
        all.extend(ids(&page));
    }
}

/// The members that a change names and could be told of.
fn added(change: &Change) -> &[MemberRef] {
    match &change.desired {
        Desired::Present { members: Members::Delta { add, .. }, .. } => add,
        _ => &[],
    }
}

/// What an answer that is no success means.
fn refusal(answer: &Answer, added: &[MemberRef]) -> ConnectorError {
    let message = format!("the system answered {}", answer.status.as_u16());
    let class = match answer.status {
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => ErrorClass::Misconfigured,
        StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE if answer.retry_after.is_some() => {
            ErrorClass::Throttled { retry_after: answer.retry_after.unwrap_or_default() }
        }
        StatusCode::UNPROCESSABLE_ENTITY => match serde_json::from_slice::<Missing>(&answer.body) {
            Ok(Missing { missing }) => ErrorClass::Waiting {
                on: added
                    .iter()
                    .filter(|member| missing.contains(&member.resource.id))
                    .map(|member| member.resource.clone())
                    .collect(),
            },
            Err(_) => ErrorClass::Rejected,
        },
        status if status.is_client_error() => ErrorClass::Rejected,
        _ => ErrorClass::Transient,
    };
    ConnectorError::new(class, message)
}
