//! Compares what the relay serves, and what its JSON-file connector keeps, with the model.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
    thread,
    time::{Duration, Instant},
};

use serde_json::Value;

use crate::{
    http::Client,
    model::{Group, Model, User},
    relay::Home,
};

/// How long deliveries may take to be done once nobody writes.
const QUIET_TIMEOUT: Duration = Duration::from_secs(30);

/// Reads everything in the models, each state must be possible, and is certain afterwards.
pub(crate) fn served(client: &mut Client, models: &mut [Model], round: u64) {
    let mut present = BTreeSet::new();
    let shared = group(client, &models[0].shared_group_id).members;
    for model in &mut *models {
        for slot in &mut model.slots {
            let before = slot.user.clone();
            let user = user_named(client, &slot.user_name);
            if user.is_some() {
                present.insert(slot.user_name.clone());
            }
            // A deletion whose answer was lost, and which happened, is as final as an acknowledged one.
            if let (Some(Some(old)), None) = (before.first(), &user) {
                model.graves.extend(old.id.clone());
            }
            let is_member = user.as_ref().is_some_and(|user| shared.contains(user.id.as_deref().unwrap()));
            if let Err(possible) = slot.user.settle(user.clone(), same_user) {
                panic!("round {round}: {} is served as {user:?}; possible: {possible:?}", slot.user_name);
            }
            if let Err(possible) = slot.shared_member.settle(is_member, |a, b| a == b) {
                panic!(
                    "round {round}: {} member of the shared group: {is_member}; possible: {possible:?}",
                    slot.user_name
                );
            }
        }
        let own = group(client, &model.group_id);
        if let Err(possible) = model.group.settle(own.clone(), |a, b| a == b) {
            panic!("round {round}: group of writer {} is served as {own:?}; possible: {possible:?}", model.writer);
        }
    }
    let mut listed = all_user_names(client);
    listed.sort_unstable();
    assert_eq!(listed, present.into_iter().collect::<Vec<_>>(), "round {round}: the list names each user once");
}

fn same_user(a: &Option<User>, b: &Option<User>) -> bool {
    match (a, b) {
        (None, None) => true,
        (Some(a), Some(b)) => a.is(b),
        _ => false,
    }
}

/// No deleted id comes back.
pub(crate) fn graves(client: &mut Client, models: &[Model]) {
    for id in models.iter().flat_map(|model| &model.graves) {
        let answer = client.request("GET", &format!("/scim/v2/Users/{id}"), None).unwrap();
        assert_eq!(answer.status, 404, "a deleted user is served: {}", answer.body);
    }
}

/// Waits until the JSON file shows what the models say, and nothing is owed any more.
pub(crate) fn delivered(home: &Home, people: &Path, models: &[Model], downstream: &mut Downstream, round: u64) {
    let started = Instant::now();
    loop {
        let (users, groups) = downstream.look(people);
        let difference = difference(&users, &groups, models);
        let pending = deliveries_pending(home);
        if difference.is_none() && pending == 0 {
            return;
        }
        assert!(
            started.elapsed() < QUIET_TIMEOUT,
            "round {round}: the file is not what was acknowledged ({pending} deliveries pending): {difference:?}\n{}",
            home.log_tail()
        );
        thread::sleep(Duration::from_millis(10));
    }
}

/// Deliveries owed to all connectors, as the relay tells an operator.
pub(crate) fn deliveries_pending(home: &Home) -> u64 {
    let status: Value = serde_json::from_str(&home.command(&["status", "--json"])).unwrap();
    let connectors = status["connectors"].as_array().unwrap();
    assert!(!connectors.is_empty(), "proves nothing: no connector in {status}");
    connectors.iter().map(|connector| connector["pending"].as_u64().unwrap()).sum()
}

/// The first thing in which the file differs from the models.
fn difference(users: &Entries, groups: &Entries, models: &[Model]) -> Option<String> {
    let mut ids = BTreeSet::new();
    let mut shared = BTreeSet::new();
    for model in models {
        for slot in &model.slots {
            let Some(user) = slot.user.known()? else { continue };
            let id = user.id.as_deref()?;
            ids.insert(id);
            if slot.shared_member.known() == Some(&true) {
                shared.insert(id.to_owned());
            }
            let Some(entry) = users.get(id) else { return Some(format!("{} is missing", slot.user_name)) };
            if entry["userName"] != slot.user_name || !user_of(entry).is(user) {
                return Some(format!("{entry} instead of {user:?}"));
            }
        }
        let (own, expected) = (groups.get(&model.group_id)?, model.group.known()?);
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

type Entries = BTreeMap<String, Value>;

/// What the JSON file showed so far.
#[derive(Default)]
pub(crate) struct Downstream {
    /// The newest version seen, by id.
    versions: BTreeMap<String, u64>,
    /// Ids that were there once and are not any more.
    gone: BTreeSet<String>,
}

impl Downstream {
    /// Reads the file, at any moment, also right after a kill: it is whole, and no resource is older than it was or
    /// back from the dead. Users and groups by id.
    pub(crate) fn look(&mut self, path: &Path) -> (Entries, Entries) {
        let Ok(text) = fs::read_to_string(path) else {
            assert!(self.versions.is_empty(), "the JSON file is gone");
            return Default::default();
        };
        let file: Value =
            serde_json::from_str(&text).unwrap_or_else(|error| panic!("the JSON file is broken: {error}"));
        let (users, groups) = (entries(&file["users"]), entries(&file["groups"]));
        for (id, entry) in users.iter().chain(&groups) {
            assert!(!self.gone.contains(id), "back after its deletion: {entry}");
            let version = entry["version"].as_u64().unwrap_or_else(|| panic!("an entry has a version: {entry}"));
            let seen = self.versions.entry(id.clone()).or_default();
            assert!(*seen <= version, "version {version} after version {seen}: {entry}");
            *seen = version;
        }
        let gone = self.versions.keys().filter(|id| !users.contains_key(*id) && !groups.contains_key(*id));
        self.gone.extend(gone.cloned().collect::<Vec<_>>());
        (users, groups)
    }
}

/// Entries by id; each id once.
fn entries(array: &Value) -> Entries {
    let array = array.as_array().map(Vec::as_slice).unwrap_or_default();
    let entries: Entries = array.iter().map(|entry| (text(&entry["id"]), entry.clone())).collect();
    assert_eq!(entries.len(), array.len(), "each id is in the file once");
    entries
}

fn user_named(client: &mut Client, user_name: &str) -> Option<User> {
    let found = get(client, &format!("/scim/v2/Users?filter=userName%20eq%20%22{user_name}%22"));
    let resources = found["Resources"].as_array().unwrap();
    assert!(resources.len() <= 1, "{user_name} is there {} times", resources.len());
    let user = resources.first().map(user_of)?;
    let read = get(client, &format!("/scim/v2/Users/{}", user.id.as_deref().unwrap()));
    assert!(user_of(&read).is(&user), "by filter {user:?}, by id {read}");
    Some(user)
}

/// A group as served.
pub(crate) fn group(client: &mut Client, id: &str) -> Group {
    group_of(&get(client, &format!("/scim/v2/Groups/{id}")))
}

fn all_user_names(client: &mut Client) -> Vec<String> {
    let mut names = Vec::new();
    loop {
        let page = get(client, &format!("/scim/v2/Users?startIndex={}&count=20", names.len() + 1));
        let resources = page["Resources"].as_array().unwrap();
        names.extend(resources.iter().map(|user| text(&user["userName"])));
        if resources.is_empty() {
            assert_eq!(page["totalResults"], names.len());
            return names;
        }
    }
}

fn get(client: &mut Client, target: &str) -> Value {
    let answer = client.request("GET", target, None).unwrap();
    assert_eq!(answer.status, 200, "GET {target}: {}", answer.body);
    serde_json::from_str(&answer.body).unwrap()
}

fn user_of(resource: &Value) -> User {
    User {
        id: Some(text(&resource["id"])),
        title: text(&resource["title"]),
        display_name: text(&resource["displayName"]),
        active: resource["active"] != false,
    }
}

/// A group from a resource, whose members are objects, or from the file, where they are ids.
pub(crate) fn group_of(resource: &Value) -> Group {
    let members = resource["members"].as_array().map(Vec::as_slice).unwrap_or_default();
    let ids: BTreeSet<String> =
        members.iter().map(|member| member.as_str().map_or_else(|| text(&member["value"]), str::to_owned)).collect();
    assert_eq!(ids.len(), members.len(), "each member is there once: {resource}");
    Group { display_name: text(&resource["displayName"]), members: ids }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("a text was expected: {value}")).to_owned()
}
