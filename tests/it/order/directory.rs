//! A downstream system that minds: names are unique, members must be there, and nobody is removed while a group names
//! them.

use std::collections::{BTreeMap, BTreeSet};

use scim_connector::ResourceId;
use scim_relay::store::{Delivery, OwedState};
use serde_json::Value;

use crate::store_bench::shown;

/// One entry. Resources are named by the order in which they were created, so that two runs can be compared.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Entry {
    pub(crate) attributes: Value,
    pub(crate) members: BTreeSet<usize>,
}

/// What a downstream system holds.
#[derive(Clone, Default)]
pub(crate) struct Directory {
    pub(crate) entries: BTreeMap<usize, Entry>,
    versions: BTreeMap<usize, u64>,
    /// What the client deleted. Such a group may name a member that is removed before it: it goes itself.
    pub(crate) leaving: BTreeSet<usize>,
}

impl Directory {
    /// Takes a change over. `ids` are the resources in the order in which they were created.
    pub(crate) fn land(&mut self, ids: &[ResourceId], delivery: &Delivery) {
        let nth = |id: ResourceId| ids.iter().position(|known| *known == id).unwrap();
        let resource = nth(delivery.resource);
        let before = self.versions.insert(resource, delivery.version);
        assert!(before <= Some(delivery.version), "an older state of {resource} after a newer");
        let OwedState::Present { members, .. } = &delivery.state else {
            let holders: Vec<_> = self.holders(resource).filter(|holder| !self.leaving.contains(holder)).collect();
            assert!(holders.is_empty(), "{resource} is removed while {holders:?} name it");
            self.entries.remove(&resource);
            return;
        };
        let attributes = shown(delivery);
        if let Some(other) = self.holder_of(name(&attributes)).filter(|other| *other != resource) {
            panic!("{resource} takes the name {:?}, which {other} holds", name(&attributes));
        }
        let (mut add, mut remove) = (BTreeSet::new(), BTreeSet::new());
        if let Some(delta) = members {
            add.extend(delta.add.iter().map(|member| nth(member.resource.id)));
            remove.extend(delta.remove.iter().map(|member| nth(member.resource.id)));
        }
        for member in &add {
            assert!(self.entries.contains_key(member), "{resource} names {member}, which is not there");
        }
        let entry =
            self.entries.entry(resource).or_insert_with(|| Entry { attributes: Value::Null, members: BTreeSet::new() });
        entry.attributes = attributes;
        entry.members.retain(|member| !remove.contains(member));
        entry.members.extend(add);
    }

    fn holders(&self, member: usize) -> impl Iterator<Item = usize> {
        self.entries.iter().filter(move |(_, entry)| entry.members.contains(&member)).map(|(group, _)| *group)
    }

    fn holder_of(&self, name: (&str, &str)) -> Option<usize> {
        self.entries.iter().find(|(_, entry)| self::name(&entry.attributes) == name).map(|(holder, _)| *holder)
    }
}

/// The unique value of a resource, and of which attribute it is.
pub(crate) fn name(attributes: &Value) -> (&str, &str) {
    let of = |attribute| attributes.get(attribute).and_then(Value::as_str);
    match of("userName") {
        Some(name) => ("userName", name),
        None => ("displayName", of("displayName").unwrap()),
    }
}
