//! From the state owed to the state a connector is told: mapping and the connector's policies. Pure.

use std::sync::Arc;

use async_trait::async_trait;
use aws_lc_rs::digest;
use scim_connector::{
    Change, ChangeId, ConnectorError, Desired, MappedValue, MemberRef, MemberSource, Members, RemoteState, ResourceId,
    ResourceRef,
};

use super::Target;
use crate::{
    scim::{Object, schema::ResourceType},
    store::{Delivery, OnRemoval, OwedState, Standing},
};

/// Members in one page of a group that is told whole.
const MEMBERS_PAGE: usize = 1_000;

/// What to do with a delivery.
pub(super) enum Task {
    /// Tell the connector.
    Apply(Change),
    /// Nothing: the policy leaves the downstream system as it is, and what is kept of the entry with it.
    Leave(Option<RemoteState>),
    /// It cannot be told to this connector.
    Refuse(String),
}

/// The change that a delivery stands for.
pub(super) fn task(target: &Target, delivery: &mut Delivery) -> Task {
    let Some((resource_type, mapping)) = target.types.get(&delivery.kind) else {
        return Task::Refuse(format!("the connector takes no resources of type {}", delivery.kind));
    };
    let desired = match &mut delivery.state {
        OwedState::Deleted => match removed(target, resource_type) {
            Some(desired) => desired,
            None => return Task::Leave(None),
        },
        OwedState::Present { attributes, members } => {
            let mut attributes: Object = match serde_json::from_str(attributes) {
                Ok(attributes) => attributes,
                Err(error) => return Task::Refuse(format!("the stored resource cannot be read: {error}")),
            };
            if delivery.held == Some(Standing::Live)
                && let Some(active) = attributes.get_mut("active")
            {
                *active = true.into();
            }
            let standing = delivery.held.unwrap_or_else(|| target.policy.standing(&delivery.kind, &attributes));
            let active = match standing {
                Standing::Live => true,
                Standing::Inactive => match target.policy.on_deactivate {
                    OnRemoval::Disable => false,
                    OnRemoval::Delete => return apply(delivery, Desired::Absent),
                    OnRemoval::Move => return apply(delivery, Desired::Aside),
                    OnRemoval::Ignore => return Task::Leave(delivery.remote.take()),
                },
                Standing::Outside => {
                    return match removed(target, resource_type) {
                        Some(desired) => apply(delivery, desired),
                        None => Task::Leave(delivery.remote.take()),
                    };
                }
            };
            match mapping.apply(delivery.resource, &attributes) {
                Ok(attributes) => Desired::Present {
                    active,
                    attributes,
                    members: members.as_mut().map_or(Members::Unchanged, |delta| Members::Delta {
                        add: std::mem::take(&mut delta.add),
                        remove: std::mem::take(&mut delta.remove),
                    }),
                },
                // A mapping that fails on a leaver's values must not keep the account open: it is switched off as it is.
                Err(_) if !active && delivery.remote.is_some() => Desired::Disabled,
                Err(error) => return Task::Refuse(error.to_string()),
            }
        }
    };
    apply(delivery, desired)
}

/// What becomes of the entry of a resource that was deleted or left the scope; `None` where it stays as it is.
fn removed(target: &Target, resource_type: &ResourceType) -> Option<Desired> {
    match target.policy.on_delete {
        OnRemoval::Ignore => None,
        OnRemoval::Move => Some(Desired::Aside),
        OnRemoval::Disable if has_active(resource_type) => Some(Desired::Disabled),
        OnRemoval::Disable | OnRemoval::Delete => Some(Desired::Absent),
    }
}

fn apply(delivery: &mut Delivery, desired: Desired) -> Task {
    let content = content(&desired, delivery.password.is_some());
    let desired = match &delivery.state {
        OwedState::Present { members: Some(delta), .. } if delta.whole => whole(desired),
        OwedState::Present { .. } | OwedState::Deleted => desired,
    };
    Task::Apply(Change {
        id: ChangeId::new(&format!("{}-{}-{}-{content}", delivery.resource, delivery.version, delivery.id.0)),
        resource: ResourceRef { id: delivery.resource, kind: delivery.kind.clone() },
        version: delivery.version,
        remote: delivery.remote.take(),
        desired,
        password: delivery.password.take(),
    })
}

/// The same with exactly the members that it adds.
fn whole(desired: Desired) -> Desired {
    match desired {
        Desired::Present { active, attributes, members: Members::Delta { mut add, remove: _ } } => {
            add.sort_by_key(|member| member.resource.id);
            Desired::Present { active, attributes, members: Members::Full(Arc::new(AllMembers(add))) }
        }
        other => other,
    }
}

/// All members of a group, in ascending order of id.
struct AllMembers(Vec<MemberRef>);

#[async_trait]
impl MemberSource for AllMembers {
    async fn page(&self, after: Option<ResourceId>) -> Result<Vec<MemberRef>, ConnectorError> {
        let start = after.map_or(0, |after| self.0.partition_point(|member| member.resource.id <= after));
        Ok(self.0.iter().skip(start).take(MEMBERS_PAGE).cloned().collect())
    }
}

/// A short digest of what a change asks for. A retry may carry more than the attempt before it (a member that came, a
/// password that ended): a receiver that knows the first by its id must not take the second for the same.
fn content(desired: &Desired, with_password: bool) -> String {
    let mut digest = digest::Context::new(&digest::SHA256);
    let mut add = |text: &str| {
        digest.update(text.as_bytes());
        digest.update(&[0]);
    };
    add(if with_password { "password" } else { "" });
    match desired {
        Desired::Absent => add("absent"),
        Desired::Disabled => add("disabled"),
        Desired::Aside => add("aside"),
        Desired::Present { active, attributes, members } => {
            add(if *active { "active" } else { "inactive" });
            for (name, attribute) in attributes {
                add(name);
                match &attribute.value {
                    MappedValue::Absent => {}
                    MappedValue::Single(value) => add(&value.to_string()),
                    MappedValue::Multi(values) => values.iter().for_each(|value| add(&value.to_string())),
                }
            }
            if let Members::Delta { add: added, remove } = members {
                added.iter().for_each(|member| add(&member.resource.id.to_string()));
                add("remove");
                remove.iter().for_each(|member| add(&member.resource.id.to_string()));
            }
        }
    }
    let digest = digest.finish();
    digest.as_ref().iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

fn has_active(resource_type: &ResourceType) -> bool {
    resource_type.schema.attributes.iter().any(|attribute| attribute.name == "active")
}
