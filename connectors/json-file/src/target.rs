//! A change with everything read that is read asynchronously.

use std::collections::BTreeSet;

use scim_connector::{
    Change, ConnectorError, Desired, MappedAttributes, MemberRef, MemberSource, Members, ResourceId, ResourceRef,
};

/// The state to reach, as the blocking half of the connector takes it.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    pub(crate) resource: ResourceRef,
    pub(crate) version: u64,
    pub(crate) state: State,
}

#[derive(Clone, Debug)]
pub(crate) enum State {
    Present { active: bool, attributes: MappedAttributes, members: MembersTarget },
    Disabled,
    Aside,
    Absent,
}

#[derive(Clone, Debug)]
pub(crate) enum MembersTarget {
    Delta { add: Vec<ResourceId>, remove: Vec<ResourceId> },
    Exactly(BTreeSet<ResourceId>),
}

impl Target {
    pub(crate) async fn of(change: &Change) -> Result<Self, ConnectorError> {
        let state = match &change.desired {
            Desired::Present { active, attributes, members } => State::Present {
                active: *active,
                attributes: attributes.clone(),
                members: match members {
                    Members::Unchanged => MembersTarget::Delta { add: Vec::new(), remove: Vec::new() },
                    Members::Delta { add, remove } => MembersTarget::Delta { add: ids(add), remove: ids(remove) },
                    Members::Full(source) => MembersTarget::Exactly(read(source.as_ref()).await?),
                },
            },
            Desired::Disabled => State::Disabled,
            Desired::Aside => State::Aside,
            Desired::Absent => State::Absent,
        };
        Ok(Self { resource: change.resource.clone(), version: change.version, state })
    }
}

fn ids(members: &[MemberRef]) -> Vec<ResourceId> {
    members.iter().map(|member| member.resource.id).collect()
}

async fn read(source: &dyn MemberSource) -> Result<BTreeSet<ResourceId>, ConnectorError> {
    let mut all = BTreeSet::new();
    let mut after = None;
    loop {
        let page = source.page(after).await?;
        let Some(last) = page.last() else { return Ok(all) };
        let last = last.resource.id;
        if after.is_some_and(|after| last <= after) {
            return Err(ConnectorError::transient("the group's members are not read in order"));
        }
        after = Some(last);
        all.extend(ids(&page));
    }
}
