//! The entries, and what becomes of each write.

use std::collections::{BTreeMap, BTreeSet};

use scim_connector::{ResourceId, WriteRule};
use serde_json::{Value, json};

use super::http1::Request;
use crate::message::{Attribute, Done, Effect, Entry, MemberChange, Missing, Put, Write};

/// What a system counted.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Counts {
    /// Requests that came.
    pub requests: u64,
    /// Writes that changed something.
    pub changes: u64,
    /// Requests of a version that the system had been told of already.
    pub repeats: u64,
}

/// Type and id.
type Name = (String, ResourceId);

#[derive(Default)]
pub(super) struct System {
    entries: BTreeMap<Name, Entry>,
    /// Versions of deletions, also of entries that never were.
    graves: BTreeMap<Name, u64>,
    /// The versions of which requests came, the newest of them.
    arrived: BTreeMap<Name, (BTreeSet<u64>, u64)>,
    counts: Counts,
    violations: Vec<String>,
}

impl System {
    pub(super) fn entries(&self, kind: &str) -> BTreeMap<ResourceId, Entry> {
        let of_kind = self.entries.iter().filter(|((of, _), _)| of == kind);
        of_kind.map(|((_, id), entry)| (*id, entry.clone())).collect()
    }

    pub(super) fn counts(&self) -> Counts {
        self.counts
    }

    pub(super) fn violations(&self) -> &[String] {
        &self.violations
    }

    /// Keeps book of the order in which requests come.
    pub(super) fn arrived(&mut self, request: &Request) {
        self.counts.requests += 1;
        let Some((kind, id, _)) = request.target() else { return };
        let (seen, newest) = self.arrived.entry((kind.to_owned(), id)).or_default();
        let is_new = seen.insert(request.version);
        self.counts.repeats += u64::from(!is_new);
        if is_new && request.version < *newest {
            let (method, path, version) = (&request.method, &request.path, request.version);
            self.violations.push(format!("{method} {path}: version {version} for the first time after {newest}"));
        }
        *newest = request.version.max(*newest);
    }

    /// Does what is asked; status and body of the answer.
    pub(super) fn perform(&mut self, request: Request) -> (u16, String) {
        let Some((kind, id, suffix)) = request.target() else { return (404, "{}".to_owned()) };
        let name = (kind.to_owned(), id);
        let write = match Write::read(&request.method, suffix, request.body.clone()) {
            Ok(write) => write,
            Err(problem) => return (400, json!({ "problem": problem }).to_string()),
        };
        let held = self.entries.get(&name).map(|entry| entry.version);
        if held.or(self.graves.get(&name).copied()).is_some_and(|held| request.version < held) {
            return (409, text(Effect::Unchanged, held.is_some()));
        }
        if let Write::Members(MemberChange::Delta { add, .. }) = &write {
            let missing: Vec<_> = add.iter().filter(|member| !self.is_there(member)).copied().collect();
            if !missing.is_empty() {
                return (422, json!(Missing { missing }).to_string());
            }
        }
        let effect = self.write(name.clone(), request.version, write);
        self.counts.changes += u64::from(effect != Effect::Unchanged);
        (200, text(effect, self.entries.contains_key(&name)))
    }

    fn is_there(&self, member: &ResourceId) -> bool {
        ["User", "Group"].iter().any(|kind| self.entries.contains_key(&((*kind).to_owned(), *member)))
    }

    fn write(&mut self, name: Name, version: u64, write: Write) -> Effect {
        match write {
            Write::Delete => {
                let gone = self.entries.remove(&name);
                for group in self.entries.values_mut() {
                    group.members.remove(&name.1);
                }
                self.graves.insert(name, version);
                if gone.is_some() { Effect::Removed } else { Effect::Unchanged }
            }
            Write::Put(put) => {
                self.graves.remove(&name);
                let held = self.entries.get(&name).cloned();
                let is_new = held.is_none();
                let entry = self.entries.entry(name).or_default();
                entry.put(is_new, put);
                entry.told(version, held.as_ref())
            }
            Write::Disable => self.change(&name, version, |entry| entry.active = false),
            Write::Members(members) => self.change(&name, version, |entry| match members {
                MemberChange::Delta { add, remove } => {
                    entry.members.extend(add);
                    entry.members.retain(|member| !remove.contains(member));
                }
                MemberChange::Exactly(members) => entry.members = members,
            }),
        }
    }

    /// Changes an entry, if there is one.
    fn change(&mut self, name: &Name, version: u64, change: impl FnOnce(&mut Entry)) -> Effect {
        let Some(entry) = self.entries.get_mut(name) else { return Effect::Unchanged };
        let held = entry.clone();
        change(entry);
        entry.told(version, Some(&held))
    }
}

impl Entry {
    fn put(&mut self, is_new: bool, put: Put) {
        self.active = put.active;
        for (name, Attribute { value, write }) in put.attributes {
            let may_write = match write {
                WriteRule::Always => true,
                WriteRule::Once => !self.attributes.contains_key(&name),
                WriteRule::OnCreate => is_new,
            };
            match value {
                _ if !may_write => {}
                Value::Null => drop(self.attributes.remove(&name)),
                value => drop(self.attributes.insert(name, value)),
            }
        }
    }

    /// Notes the version; what the write came to, beside what was held.
    fn told(&mut self, version: u64, held: Option<&Self>) -> Effect {
        let effect = match held {
            None => Effect::Created,
            Some(held) if held == self => Effect::Unchanged,
            Some(_) => Effect::Updated,
        };
        self.version = version;
        effect
    }
}

fn text(effect: Effect, is_there: bool) -> String {
    json!(Done { effect, is_there }).to_string()
}
