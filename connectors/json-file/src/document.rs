//! The state that the file shows, and how a change edits it. Pure.

mod edit;
mod text;

use std::collections::{BTreeMap, BTreeSet};

use scim_connector::{ResourceId, ResourceKind};
use serde_json::{Map, Value};

pub(crate) use edit::{Action, Edit};
pub(crate) use text::Malformed;

/// Names in an entry that no mapping may write.
pub(crate) const RESERVED: [&str; 3] = ["id", "version", "members"];

const USERS: &str = "users";
const GROUPS: &str = "groups";

/// All entries, by section (`users`, `groups`, …) and id.
#[derive(Clone, PartialEq, Debug, Default)]
pub(crate) struct Document {
    /// How many times the file was written with another state.
    pub(crate) generation: u64,
    sections: BTreeMap<String, BTreeMap<ResourceId, Entry>>,
}

/// One resource.
#[derive(Clone, Debug, Default)]
pub(crate) struct Entry {
    /// The resource's version that last changed the entry.
    pub(crate) version: u64,
    /// All keys but [`RESERVED`].
    pub(crate) attributes: Map<String, Value>,
    /// A group's members.
    pub(crate) members: Option<BTreeSet<ResourceId>>,
    /// The entry as text, kept because most entries do not change between two writes of the file.
    line: Option<Box<str>>,
}

impl PartialEq for Entry {
    fn eq(&self, other: &Self) -> bool {
        // The line says the same once more, when it is there.
        (self.version, &self.attributes, &self.members) == (other.version, &other.attributes, &other.members)
    }
}

/// The section that holds a kind's entries: `users` for `User`.
pub(crate) fn section(kind: &ResourceKind) -> String {
    format!("{}s", kind.as_str().to_lowercase())
}

/// The section that keeps entries of a section that were set aside. No kind's own section ends so.
fn aside(section: &str) -> String {
    format!("{section}-aside")
}

impl Document {
    /// The entry and the section in which it is: its kind's, or that of those set aside.
    pub(crate) fn placed(&self, kind: &ResourceKind, id: ResourceId) -> Option<(String, &Entry)> {
        let section = section(kind);
        let aside = aside(&section);
        [section, aside].into_iter().find_map(|section| self.entry(&section, id).map(|entry| (section, entry)))
    }

    pub(crate) fn entry(&self, section: &str, id: ResourceId) -> Option<&Entry> {
        self.sections.get(section)?.get(&id)
    }

    /// The entries of a section after `after`, in order of id.
    pub(crate) fn entries(
        &self,
        section: &str,
        after: Option<ResourceId>,
    ) -> impl Iterator<Item = (ResourceId, &Entry)> {
        use std::ops::Bound::{Excluded, Unbounded};
        let range = (after.map_or(Unbounded, Excluded), Unbounded);
        self.sections.get(section).into_iter().flat_map(move |entries| entries.range(range)).map(|(id, e)| (*id, e))
    }
}

impl Entry {
    /// The attributes, and a group's members, as one object.
    pub(crate) fn shown(&self) -> Map<String, Value> {
        let mut shown = self.attributes.clone();
        if let Some(members) = &self.members {
            shown.insert("members".into(), members.iter().map(|id| Value::from(id.to_string())).collect());
        }
        shown
    }
}
