//! The downstream systems of the campaign: a JSON file, and a system behind HTTP that runs in this process.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
};

use scim_connector_test_http::server::Server;
use serde_json::{Value, json};

use crate::{
    model::Model,
    verify::{group_of, text, user_of},
};

/// Entries by id, each as the JSON file writes it.
pub(crate) type Entries = BTreeMap<String, Value>;

/// Where a connector's entries are.
enum System {
    File(PathBuf),
    Http(Server),
}

/// One connector's system, and what it showed so far.
pub(crate) struct Downstream {
    name: &'static str,
    system: System,
    /// The newest version seen, by id.
    versions: BTreeMap<String, u64>,
    /// Ids that were there once and are not any more.
    gone: BTreeSet<String>,
}

impl Downstream {
    /// The file that the connector keeps.
    pub(crate) fn file(name: &'static str, path: &Path) -> Self {
        Self::of(name, System::File(path.to_owned()))
    }

    /// The system to which the connector speaks.
    pub(crate) fn http(name: &'static str, server: Server) -> Self {
        Self::of(name, System::Http(server))
    }

    fn of(name: &'static str, system: System) -> Self {
        Self { name, system, versions: BTreeMap::new(), gone: BTreeSet::new() }
    }

    /// The connector's tables in the configuration; in one `turn` after the other a setting is another. Its brake is off:
    /// the few users are removed again and again.
    pub(crate) fn tables(&self, turn: u64) -> String {
        let name = self.name;
        let (kind, settings) = match &self.system {
            System::File(path) => {
                ("json-file", format!("path = \"{}\"\nlinger-ms = {}", path.display(), 100 + 100 * (turn % 2)))
            }
            System::Http(server) => {
                ("test-http", format!("url = \"http://{}\"\nin-flight-max = {}", server.address(), 3 + turn % 2))
            }
        };
        let mut tables = String::new();
        let _ = write!(
            tables,
            "[connectors.{name}]\nkind = \"{kind}\"\ntenant = \"acme\"\non-delete = \"delete\"\n\
             [connectors.{name}.brake]\nremovals-min = 1000000\n[connectors.{name}.settings]\n{settings}\n"
        );
        tables
    }

    /// The server, where the system has one.
    pub(crate) fn server(&self) -> Option<&Server> {
        match &self.system {
            System::File(_) => None,
            System::Http(server) => Some(server),
        }
    }

    /// Reads the system, at any moment, also right after a kill: it is whole, and no resource is older than it was or
    /// back from the dead. Users and groups by id.
    pub(crate) fn look(&mut self) -> (Entries, Entries) {
        let (users, groups) = match &self.system {
            System::File(path) => read_file(path),
            System::Http(server) => {
                assert_eq!(server.violations(), Vec::<String>::new(), "{}", self.name);
                (read_server(server, "User"), read_server(server, "Group"))
            }
        };
        for (id, entry) in users.iter().chain(&groups) {
            assert!(!self.gone.contains(id), "{}: back after its deletion: {entry}", self.name);
            let version = entry["version"].as_u64().unwrap_or_else(|| panic!("an entry has a version: {entry}"));
            let seen = self.versions.entry(id.clone()).or_default();
            assert!(*seen <= version, "{}: version {version} after version {seen}: {entry}", self.name);
            *seen = version;
        }
        let gone = self.versions.keys().filter(|id| !users.contains_key(*id) && !groups.contains_key(*id));
        self.gone.extend(gone.cloned().collect::<Vec<_>>());
        (users, groups)
    }

    /// The first thing in which the system differs from the models.
    pub(crate) fn difference(&mut self, models: &[Model]) -> Option<String> {
        let (users, groups) = self.look();
        difference(&users, &groups, models).map(|difference| format!("{}: {difference}", self.name))
    }
}

fn read_file(path: &Path) -> (Entries, Entries) {
    let Ok(text) = fs::read_to_string(path) else { return Default::default() };
    let file: Value = serde_json::from_str(&text).unwrap_or_else(|error| panic!("the JSON file is broken: {error}"));
    (entries(&file["users"]), entries(&file["groups"]))
}

/// Entries by id; each id once.
fn entries(array: &Value) -> Entries {
    let array = array.as_array().map(Vec::as_slice).unwrap_or_default();
    let entries: Entries = array.iter().map(|entry| (text(&entry["id"]), entry.clone())).collect();
    assert_eq!(entries.len(), array.len(), "each id is in the file once");
    entries
}

fn read_server(server: &Server, kind: &str) -> Entries {
    let entry = |(id, entry): (_, scim_connector_test_http::Entry)| {
        let mut shown = Value::Object(entry.attributes);
        shown["id"] = json!(id);
        shown["version"] = json!(entry.version);
        shown["active"] = json!(entry.active);
        shown["members"] = json!(entry.members);
        (text(&shown["id"]), shown)
    };
    server.entries(kind).into_iter().map(entry).collect()
}

fn difference(users: &Entries, groups: &Entries, models: &[Model]) -> Option<String> {
    let mut ids = BTreeSet::new();
    let mut shared = BTreeSet::new();
    for model in models {
        for slot in &model.slots {
            let user = slot.user.known().unwrap_or_else(|| panic!("{} was not read", slot.user_name));
            let Some(user) = user else { continue };
            let id = user.id.as_deref().unwrap_or_else(|| panic!("{} was not read", slot.user_name));
            ids.insert(id);
            if slot.shared_member.known() == Some(&true) {
                shared.insert(id.to_owned());
            }
            let Some(entry) = users.get(id) else { return Some(format!("{} is missing", slot.user_name)) };
            if entry["userName"] != slot.user_name || !user_of(entry).is(user) {
                return Some(format!("{entry} instead of {user:?}"));
            }
        }
        let expected = model.group.known().unwrap_or_else(|| panic!("{} was not read", model.group_id));
        let Some(own) = groups.get(&model.group_id) else { return Some(format!("{expected:?} is missing")) };
        if group_of(own) != *expected {
            return Some(format!("{own} instead of {expected:?}"));
        }
    }
    if let Some(stray) = users.keys().find(|id| !ids.contains(id.as_str())) {
        return Some(format!("{stray} should not be there"));
    }
    let everyone = groups.get(&models[0].shared_group_id).map(group_of).unwrap_or_default();
    (everyone.members != shared).then(|| format!("shared group: {:?} instead of {shared:?}", everyone.members))
}
