//! From the state owed to the state a connector is told: mapping and the connector's policies. Pure.

use scim_connector::{Change, ChangeId, Desired, Members, RemoteState, ResourceRef};

use super::{OnRemoval, Target};
use crate::{
    scim::{Object, schema::ResourceType},
    store::{Delivery, OwedState},
};

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
        OwedState::Deleted => match target.on_delete {
            OnRemoval::Ignore => return Task::Leave(None),
            OnRemoval::Disable if has_active(resource_type) => Desired::Disabled,
            OnRemoval::Disable | OnRemoval::Delete => Desired::Absent,
        },
        OwedState::Present { attributes, members } => {
            let attributes: Object = match serde_json::from_str(attributes) {
                Ok(attributes) => attributes,
                Err(error) => return Task::Refuse(format!("the stored resource cannot be read: {error}")),
            };
            let active = attributes.get("active") != Some(&false.into());
            if !active {
                match target.on_deactivate {
                    OnRemoval::Disable => {}
                    OnRemoval::Delete => return apply(delivery, Desired::Absent),
                    OnRemoval::Ignore => return Task::Leave(delivery.remote.take()),
                }
            }
            match mapping.apply(delivery.resource, &attributes) {
                Ok(attributes) => Desired::Present {
                    active,
                    attributes,
                    members: members.as_mut().map_or(Members::Unchanged, |delta| Members::Delta {
                        add: std::mem::take(&mut delta.add),
                        remove: std::mem::take(&mut delta.remove),
                    }),
                },
                Err(error) => return Task::Refuse(error.to_string()),
            }
        }
    };
    apply(delivery, desired)
}

fn apply(delivery: &mut Delivery, desired: Desired) -> Task {
    Task::Apply(Change {
        id: ChangeId::new(&format!("{}-{}-{}", delivery.resource, delivery.version, delivery.id.0)),
        resource: ResourceRef { id: delivery.resource, kind: delivery.kind.clone() },
        version: delivery.version,
        remote: delivery.remote.take(),
        desired,
        password: delivery.password.take(),
    })
}

fn has_active(resource_type: &ResourceType) -> bool {
    resource_type.schema.attributes.iter().any(|attribute| attribute.name == "active")
}
