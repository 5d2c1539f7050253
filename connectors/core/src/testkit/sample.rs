//! Resources and changes for tests.

use async_trait::async_trait;
use uuid::Uuid;

use crate::{
    Change, ChangeId, ConnectorError, Desired, MappedAttribute, MappedAttributes, MappedValue, MemberRef, MemberSource,
    Members, ResourceId, ResourceKind, ResourceRef, WriteRule,
};

/// The id with that number; ids sort by it.
pub fn id(number: u128) -> ResourceId {
    // Version 7 and the RFC's variant, as the relay gives them.
    ResourceId::new(Uuid::from_u128(0x0000_0000_0000_7000_8000_0000_0000_0000 | number))
}

/// The user with that number.
pub fn user(number: u128) -> ResourceRef {
    ResourceRef { id: id(number), kind: ResourceKind::new("User") }
}

/// The group with that number.
pub fn group(number: u128) -> ResourceRef {
    ResourceRef { id: id(number), kind: ResourceKind::new("Group") }
}

/// An attribute with a value and a rule.
pub fn attribute(value: MappedValue, write: WriteRule) -> MappedAttribute {
    MappedAttribute { value, write }
}

/// A change to that state, with nothing remembered.
pub fn change(resource: &ResourceRef, version: u64, desired: Desired) -> Change {
    Change {
        id: ChangeId::new(&format!("{}-{version}", resource.id)),
        resource: resource.clone(),
        version,
        remote: None,
        desired,
        password: None,
    }
}

/// The state of an active resource.
pub fn present(attributes: MappedAttributes, members: Members) -> Desired {
    Desired::Present { active: true, attributes, members }
}

/// A change that switches the resource off.
pub fn disabled(resource: &ResourceRef, version: u64) -> Change {
    change(resource, version, Desired::Disabled)
}

/// A change that sets the resource aside.
pub fn aside(resource: &ResourceRef, version: u64) -> Change {
    change(resource, version, Desired::Aside)
}

/// A change that takes the resource away.
pub fn gone(resource: &ResourceRef, version: u64) -> Change {
    change(resource, version, Desired::Absent)
}

/// Members given as a list, in pages of two.
#[derive(Clone, Debug)]
pub struct FixedMembers(
    /// The members, in ascending order of id.
    pub Vec<MemberRef>,
);

#[async_trait]
impl MemberSource for FixedMembers {
    async fn page(&self, after: Option<ResourceId>) -> Result<Vec<MemberRef>, ConnectorError> {
        Ok(self
            .0
            .iter()
            .filter(|member| after.is_none_or(|after| after < member.resource.id))
            .take(2)
            .cloned()
            .collect())
    }
}
