//! What clients have been promised, and what they do next.

use std::collections::{BTreeMap, BTreeSet};

use scim_connector::ResourceId;

use crate::rng::Rng;

/// Few, so that they are fought for.
const NAMES: [&str; 7] = ["ann", "ben", "cem", "dia", "eve", "fay", "gus"];

/// The most resources that are there at once.
const RESOURCES_MAX: usize = 10;

/// A resource as acknowledged.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Resource {
    pub(crate) is_group: bool,
    pub(crate) name: String,
    pub(crate) title: Option<String>,
    pub(crate) active: bool,
    pub(crate) members: BTreeSet<ResourceId>,
}

/// One request of a client.
#[derive(Clone, PartialEq, Debug)]
pub(crate) enum Act {
    Create {
        is_group: bool,
        name: String,
    },
    Rename(ResourceId, String),
    Title(ResourceId, String),
    Active(ResourceId, bool),
    Delete(ResourceId),
    AddMember(ResourceId, ResourceId),
    RemoveMember(ResourceId, ResourceId),
    /// Exactly these.
    Members(ResourceId, BTreeSet<ResourceId>),
}

impl Act {
    /// The resource that it changes; `None` for one that is to be.
    pub(crate) fn resource(&self) -> Option<ResourceId> {
        match self {
            Self::Create { .. } => None,
            Self::Rename(id, _)
            | Self::Title(id, _)
            | Self::Active(id, _)
            | Self::Delete(id)
            | Self::AddMember(id, _)
            | Self::RemoveMember(id, _)
            | Self::Members(id, _) => Some(*id),
        }
    }

    /// Whether it may get in the way of any other.
    pub(crate) fn is_alone(&self) -> bool {
        matches!(self, Self::Create { .. } | Self::Rename(..) | Self::Delete(_))
    }
}

/// All that was acknowledged.
#[derive(Clone, Default)]
pub(crate) struct Model {
    pub(crate) there: BTreeMap<ResourceId, Resource>,
    /// What was deleted, and whether it was a group.
    pub(crate) deleted: BTreeMap<ResourceId, bool>,
    serial: u64,
}

impl Model {
    /// What a client does next; `None` where chance asks for what is not possible.
    pub(crate) fn choose(&mut self, rng: &mut Rng) -> Option<Act> {
        let any = |rng: &mut Rng, of: &dyn Fn(&Resource) -> bool| {
            let those: Vec<ResourceId> = self.there.iter().filter(|(_, held)| of(held)).map(|(id, _)| *id).collect();
            (!those.is_empty()).then(|| those[rng.index(those.len())])
        };
        let name = NAMES[rng.index(NAMES.len())].to_owned();
        let is_full = self.there.len() >= RESOURCES_MAX;
        Some(match rng.below(20) {
            0..=3 if !is_full => Act::Create { is_group: false, name },
            4 | 5 if !is_full => Act::Create { is_group: true, name },
            6 | 7 => Act::Rename(any(rng, &|_| true)?, name),
            8 | 9 => {
                self.serial += 1;
                Act::Title(any(rng, &|held| !held.is_group)?, format!("title {}", self.serial))
            }
            10 | 11 => {
                let user = any(rng, &|held| !held.is_group)?;
                Act::Active(user, !self.there[&user].active)
            }
            12 | 13 => Act::Delete(any(rng, &|_| true)?),
            14..=16 => Act::AddMember(any(rng, &|held| held.is_group)?, any(rng, &|_| true)?),
            17 | 18 => {
                let group = any(rng, &|held| held.is_group && !held.members.is_empty())?;
                let members: Vec<ResourceId> = self.there[&group].members.iter().copied().collect();
                Act::RemoveMember(group, members[rng.index(members.len())])
            }
            19 => {
                let group = any(rng, &|held| held.is_group)?;
                let members = self.there.keys().copied().filter(|_| rng.below(2) == 0).collect();
                Act::Members(group, members)
            }
            _ => return None,
        })
    }

    /// Two users who take each other's name, through a third one.
    pub(crate) fn swap(&self, rng: &mut Rng) -> Vec<Act> {
        let users: Vec<_> = self.there.iter().filter(|(_, held)| !held.is_group).collect();
        if users.len() < 2 {
            return Vec::new();
        }
        let one = rng.index(users.len());
        let ((one, first), (other, second)) = (users[one], users[(one + 1) % users.len()]);
        let between = Act::Rename(*one, "between".to_owned());
        vec![between, Act::Rename(*other, first.name.clone()), Act::Rename(*one, second.name.clone())]
    }

    /// Whether the name is somebody else's.
    pub(crate) fn is_taken(&self, act: &Act) -> bool {
        let (is_group, name, own) = match act {
            Act::Create { is_group, name } => (*is_group, name, None),
            Act::Rename(id, name) => (self.there[id].is_group, name, Some(id)),
            _ => return false,
        };
        self.there.iter().any(|(id, held)| Some(id) != own && held.is_group == is_group && held.name == *name)
    }

    /// What a resource is after an act that is no deletion.
    pub(crate) fn after(&self, act: &Act) -> Resource {
        if let Act::Create { is_group, name } = act {
            let name = name.clone();
            return Resource { is_group: *is_group, name, title: None, active: true, members: BTreeSet::new() };
        }
        let mut held = self.there[&act.resource().unwrap()].clone();
        match act {
            Act::Rename(_, name) => held.name.clone_from(name),
            Act::Title(_, title) => held.title = Some(title.clone()),
            Act::Active(_, active) => held.active = *active,
            Act::AddMember(_, member) => {
                held.members.insert(*member);
            }
            Act::RemoveMember(_, member) => {
                held.members.remove(member);
            }
            Act::Members(_, members) => held.members.clone_from(members),
            Act::Create { .. } | Act::Delete(_) => {}
        }
        held
    }

    /// An act was acknowledged, or found to have been done.
    pub(crate) fn done(&mut self, act: &Act, id: ResourceId) {
        if let Act::Delete(_) = act {
            let held = self.there.remove(&id).unwrap();
            self.deleted.insert(id, held.is_group);
            self.there.values_mut().for_each(|held| {
                held.members.remove(&id);
            });
            return;
        }
        let after = self.after(act);
        self.there.insert(id, after);
    }
}
