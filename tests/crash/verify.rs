//! Compares what the relay serves, and what its connectors keep, with the model.

use std::{
    collections::BTreeSet,
    thread,
    time::{Duration, Instant},
};

use serde_json::Value;

use crate::{
    downstream::Downstream,
    http::{Client, Failure},
    model::{Group, Model, User},
    relay::Home,
};

/// How long deliveries may take to be done once nobody writes.
const QUIET_TIMEOUT: Duration = Duration::from_secs(30);

/// Reads everything in the models, each state must be possible, and is certain afterwards.
pub(crate) fn served(client: &mut Client, models: &mut [Model], round: u64) {
    for model in &mut *models {
        settle(client, model).unwrap_or_else(|error| panic!("round {round}: {error}"));
    }
    let present =
        models.iter().flat_map(|model| &model.slots).filter(|slot| matches!(slot.user.known(), Some(Some(_))));
    let present: BTreeSet<_> = present.map(|slot| slot.user_name.clone()).collect();
    let mut listed = all_user_names(client);
    listed.sort_unstable();
    assert_eq!(listed, present.into_iter().collect::<Vec<_>>(), "round {round}: the list names each user once");
}

/// Reads what one writer writes: each state must be possible, and is certain afterwards.
pub(crate) fn settle(client: &mut Client, model: &mut Model) -> Result<(), Failure> {
    let shared = group(client, &model.shared_group_id)?.members;
    for slot in &mut model.slots {
        let before = slot.user.clone();
        let user = user_named(client, &slot.user_name)?;
        // A deletion whose answer was lost, and which happened, is as final as an acknowledged one.
        if let (Some(Some(old)), None) = (before.first(), &user) {
            model.graves.extend(old.id.clone());
        }
        let is_member = user.as_ref().is_some_and(|user| shared.contains(user.id.as_deref().unwrap()));
        if let Err(possible) = slot.user.settle(user.clone(), same_user) {
            panic!("{} is served as {user:?}; possible: {possible:?}", slot.user_name);
        }
        if let Err(possible) = slot.shared_member.settle(is_member, |a, b| a == b) {
            panic!("{} member of the shared group: {is_member}; possible: {possible:?}", slot.user_name);
        }
    }
    let own = group(client, &model.group_id)?;
    if let Err(possible) = model.group.settle(own.clone(), |a, b| a == b) {
        panic!("group of writer {} is served as {own:?}; possible: {possible:?}", model.writer);
    }
    Ok(())
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

/// Waits until nothing is owed any more; then each system is what the models say.
pub(crate) fn delivered(home: &Home, models: &[Model], systems: &mut [Downstream], round: u64) {
    let started = Instant::now();
    while deliveries_owed(home) > 0 {
        let waited = started.elapsed();
        assert!(waited < QUIET_TIMEOUT, "round {round}: deliveries are still owed\n{}", home.log_tail());
        thread::sleep(Duration::from_millis(5));
    }
    let difference = systems.iter_mut().find_map(|system| system.difference(models));
    assert_eq!(difference, None, "round {round}\n{}", home.log_tail());
}

/// The store holds together, and so does the audit chain.
pub(crate) fn sound(home: &Home, round: u64) {
    assert_eq!(home.command(&["store", "check"]).trim(), "the store is sound", "round {round}");
    assert!(home.command(&["audit", "verify"]).contains("head: "), "round {round}");
}

/// Deliveries owed to all connectors, dead letters included, as an operator is told.
pub(crate) fn deliveries_owed(home: &Home) -> u64 {
    let status: Value = serde_json::from_str(&home.command(&["status", "--json"])).unwrap();
    let connectors = status["connectors"].as_array().unwrap();
    assert!(!connectors.is_empty(), "proves nothing: no connector in {status}");
    connectors
        .iter()
        .map(|connector| connector["pending"].as_u64().unwrap() + connector["dead"].as_u64().unwrap())
        .sum()
}

/// The user of that name as served.
pub(crate) fn user_named(client: &mut Client, user_name: &str) -> Result<Option<User>, Failure> {
    let found = get(client, &format!("/scim/v2/Users?filter=userName%20eq%20%22{user_name}%22"))?;
    let resources = found["Resources"].as_array().unwrap();
    assert!(resources.len() <= 1, "{user_name} is there {} times", resources.len());
    let Some(user) = resources.first().map(user_of) else { return Ok(None) };
    let read = get(client, &format!("/scim/v2/Users/{}", user.id.as_deref().unwrap()))?;
    assert!(user_of(&read).is(&user), "by filter {user:?}, by id {read}");
    Ok(Some(user))
}

/// A group as served.
pub(crate) fn group(client: &mut Client, id: &str) -> Result<Group, Failure> {
    Ok(group_of(&get(client, &format!("/scim/v2/Groups/{id}"))?))
}

fn all_user_names(client: &mut Client) -> Vec<String> {
    let mut names = Vec::new();
    loop {
        let page = get(client, &format!("/scim/v2/Users?startIndex={}&count=20", names.len() + 1)).unwrap();
        let resources = page["Resources"].as_array().unwrap();
        names.extend(resources.iter().map(|user| text(&user["userName"])));
        if resources.is_empty() {
            assert_eq!(page["totalResults"], names.len());
            return names;
        }
    }
}

fn get(client: &mut Client, target: &str) -> Result<Value, Failure> {
    let answer = client.request("GET", target, None)?;
    assert_eq!(answer.status, 200, "GET {target}: {}", answer.body);
    Ok(serde_json::from_str(&answer.body).unwrap())
}

pub(crate) fn user_of(resource: &Value) -> User {
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

pub(crate) fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("a text was expected: {value}")).to_owned()
}
