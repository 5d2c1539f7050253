//! From a desired state to the difference it makes, and the difference to the next state.
//!
//! An [`Edit`] holds results, not rules: write-once and create-only are decided when it is made. The journal keeps
//! edits, so replaying them needs no settings.

use std::collections::{BTreeMap, BTreeSet};

use scim_connector::{ConnectorError, Effect, MappedAttributes, MappedValue, ResourceId, WriteRule};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Document, Entry, GROUPS, RESERVED, USERS, aside, section};
use crate::target::{MembersTarget, State, Target};

/// What a change makes of one entry.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Edit {
    pub(crate) section: String,
    pub(crate) id: ResourceId,
    pub(crate) action: Action,
}

#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Action {
    /// Changes the entry, or makes it.
    Put(Put),
    /// Changes the entry and moves it from this section to the edit's.
    Move { from: String, put: Put },
    /// Takes the entry away, and its id out of all groups.
    Remove,
}

#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Put {
    pub(crate) version: u64,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) set: BTreeMap<String, Value>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) unset: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) add: Vec<ResourceId>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) remove: Vec<ResourceId>,
}

/// What a change comes to: its effect, whether an entry is there afterwards, and the edit, if it makes any difference.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Outcome {
    pub(crate) effect: Effect,
    pub(crate) is_there: bool,
    pub(crate) edit: Option<Edit>,
}

impl Document {
    /// What `target` changes. The state of a version older than the entry's changes nothing: a newer one is there.
    ///
    /// A version that shows the same state leaves the entry and its `version` as they are, so that the file does not
    /// change without cause.
    pub(crate) fn edit(&self, target: &Target, active_attribute: &str) -> Result<Outcome, ConnectorError> {
        let section = section(&target.resource.kind);
        let placed = self.placed(&target.resource.kind, target.resource.id);
        let (place, entry) = placed.map_or((None, None), |(place, entry)| (Some(place), Some(entry)));
        let unchanged = Outcome { effect: Effect::Unchanged, is_there: entry.is_some(), edit: None };
        if entry.is_some_and(|entry| target.version < entry.version) {
            return Ok(unchanged);
        }

        let mut put = Put { version: target.version, ..Put::default() };
        // Disabling leaves it where it is.
        let mut goal = place.clone().unwrap_or_else(|| section.clone());
        match (&target.state, entry) {
            (State::Disabled | State::Aside | State::Absent, None) => return Ok(unchanged),
            (State::Absent, Some(_)) => {
                let edit = Some(Edit { section: goal, id: target.resource.id, action: Action::Remove });
                return Ok(Outcome { effect: Effect::Removed, is_there: false, edit });
            }
            (State::Disabled, Some(entry)) => put.attribute(Some(entry), active_attribute, Some(false.into())),
            (State::Aside, Some(entry)) => {
                goal = aside(&section);
                put.attribute(Some(entry), active_attribute, Some(false.into()));
            }
            (State::Present { active, attributes, members }, entry) => {
                goal.clone_from(&section);
                // Users always say whether they are active; others have no such attribute unless they are disabled.
                // Where it is said, the mapping is not asked.
                let says_active = section == USERS || !active;
                put.attributes(entry, attributes, says_active.then_some(active_attribute))?;
                if says_active {
                    put.attribute(entry, active_attribute, Some((*active).into()));
                } else if !attributes.contains_key(active_attribute) {
                    put.attribute(entry, active_attribute, None);
                }
                if section == GROUPS {
                    put.members(entry.and_then(|entry| entry.members.as_ref()), members);
                }
            }
        }

        let from = place.filter(|place| *place != goal);
        if entry.is_some() && from.is_none() && put.is_empty() {
            return Ok(unchanged);
        }
        let effect = if entry.is_some() { Effect::Updated } else { Effect::Created };
        let action = match from {
            Some(from) => Action::Move { from, put },
            None => Action::Put(put),
        };
        let edit = Some(Edit { section: goal, id: target.resource.id, action });
        Ok(Outcome { effect, is_there: true, edit })
    }

    /// Makes one edit, without taking a removed resource out of groups: see [`Document::forget_members`].
    pub(crate) fn perform(&mut self, edit: &Edit) {
        match &edit.action {
            Action::Put(put) => {
                let entries = self.sections.entry(edit.section.clone()).or_default();
                entries.entry(edit.id).or_insert_with(|| Entry::new(&edit.section)).perform(put);
            }
            Action::Move { from, put } => {
                let moved = self.sections.get_mut(from).and_then(|entries| entries.remove(&edit.id));
                let mut entry = moved.unwrap_or_else(|| Entry::new(&edit.section));
                entry.perform(put);
                self.sections.entry(edit.section.clone()).or_default().insert(edit.id, entry);
            }
            Action::Remove => {
                if let Some(entries) = self.sections.get_mut(&edit.section) {
                    entries.remove(&edit.id);
                }
            }
        }
    }

    /// Takes the resources that `edits` removed out of all groups. Once a batch, not once a removal, because it visits
    /// every group.
    pub(crate) fn forget_members(&mut self, edits: &[Edit]) {
        let removed: BTreeSet<ResourceId> =
            edits.iter().filter(|edit| edit.action == Action::Remove).map(|edit| edit.id).collect();
        if removed.is_empty() {
            return;
        }
        let aside = aside(GROUPS);
        let groups = self.sections.iter_mut().filter(|(section, _)| *section == GROUPS || **section == aside);
        for entry in groups.flat_map(|(_, entries)| entries.values_mut()) {
            let Some(members) = &mut entry.members else { continue };
            let gone: Vec<ResourceId> = if members.len() < removed.len() {
                members.iter().filter(|id| removed.contains(id)).copied().collect()
            } else {
                removed.iter().filter(|id| members.contains(id)).copied().collect()
            };
            for id in &gone {
                members.remove(id);
            }
            if !gone.is_empty() {
                entry.line = None;
            }
        }
    }
}

impl Entry {
    /// An entry without attributes; a group without members.
    pub(crate) fn new(section: &str) -> Self {
        Self { members: (section == GROUPS).then(BTreeSet::new), ..Self::default() }
    }

    pub(crate) fn perform(&mut self, put: &Put) {
        self.line = None;
        self.version = put.version;
        for name in &put.unset {
            self.attributes.remove(name);
        }
        for (name, value) in &put.set {
            self.attributes.insert(name.clone(), value.clone());
        }
        if !put.add.is_empty() || !put.remove.is_empty() {
            let members = self.members.get_or_insert_default();
            for id in &put.remove {
                members.remove(id);
            }
            members.extend(&put.add);
        }
    }
}

impl Put {
    fn is_empty(&self) -> bool {
        self.set.is_empty() && self.unset.is_empty() && self.add.is_empty() && self.remove.is_empty()
    }

    fn attributes(
        &mut self,
        entry: Option<&Entry>,
        attributes: &MappedAttributes,
        except: Option<&str>,
    ) -> Result<(), ConnectorError> {
        for (name, attribute) in attributes {
            if RESERVED.contains(&name.as_str()) {
                return Err(ConnectorError::misconfigured(format!(
                    "the mapping writes {name}, which the file keeps for itself; give the attribute another name"
                )));
            }
            let held = entry.and_then(|entry| entry.attributes.get(name));
            let may_write = match attribute.write {
                WriteRule::Always => true,
                WriteRule::Once => held.is_none(),
                WriteRule::OnCreate => entry.is_none(),
            };
            if may_write && except != Some(name) {
                self.attribute(entry, name, json(&attribute.value));
            }
        }
        Ok(())
    }

    fn attribute(&mut self, entry: Option<&Entry>, name: &str, value: Option<Value>) {
        let held = entry.and_then(|entry| entry.attributes.get(name));
        match value {
            Some(value) if held != Some(&value) => {
                self.set.insert(name.to_owned(), value);
            }
            None if held.is_some() => self.unset.push(name.to_owned()),
            _ => {}
        }
    }

    fn members(&mut self, held: Option<&BTreeSet<ResourceId>>, target: &MembersTarget) {
        let none = BTreeSet::new();
        let held = held.unwrap_or(&none);
        match target {
            MembersTarget::Delta { add, remove } => {
                self.add = add.iter().filter(|id| !held.contains(id)).copied().collect();
                self.remove = remove.iter().filter(|id| held.contains(id)).copied().collect();
            }
            MembersTarget::Exactly(members) => {
                self.add = members.difference(held).copied().collect();
                self.remove = held.difference(members).copied().collect();
            }
        }
    }
}

/// The value as the file shows it. A set is sorted by its text, so that the same set gives the same bytes.
fn json(value: &MappedValue) -> Option<Value> {
    match value {
        MappedValue::Absent => None,
        MappedValue::Single(value) => Some(value.clone()),
        MappedValue::Multi(values) => {
            let sorted: BTreeMap<String, &Value> = values.iter().map(|value| (value.to_string(), value)).collect();
            Some(Value::Array(sorted.into_values().cloned().collect()))
        }
    }
}
