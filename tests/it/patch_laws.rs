//! What holds for every PATCH, over HTTP and down to what the store keeps: a refused one leaves no trace, an `add` takes
//! nothing away, and what sets a value twice sets it once.

use proptest::{
    prelude::*,
    sample::select,
    test_runner::{Config, TestCaseError, TestRunner},
};
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use crate::{
    bodies::{ENTERPRISE_URN, created, group, id, patch, user},
    relay::{Relay, Response},
};

/// A user and a group with that user, and what the laws look at.
struct World {
    relay: Relay,
    user: String,
    group: String,
    members: Vec<String>,
}

impl World {
    async fn new(dialect: &str) -> Self {
        let relay = Relay::start(&format!("dialect = \"{dialect}\"")).await;
        let mut body = user("ann");
        body["emails"] = json!([{ "value": "a", "type": "work", "primary": true }, { "value": "b", "type": "home" }]);
        body["name"] = json!({ "givenName": "Ann", "familyName": "Boss" });
        body[ENTERPRISE_URN] = json!({ "department": "D" });
        let mut members = Vec::new();
        for name in ["ben", "cai"] {
            members.push(id(&created(&relay, "/Users", &user(name)).await).to_owned());
        }
        let user = format!("/Users/{}", id(&created(&relay, "/Users", &body).await));
        let group = format!("/Groups/{}", id(&created(&relay, "/Groups", &group("Staff", &[&members[0]])).await));
        Self { relay, user, group, members }
    }

    async fn patch(&self, path: &str, operations: &[Value]) -> Response {
        self.relay.patch(path, &patch(json!(operations))).await
    }

    /// Both resources as they are read, with members and versions.
    async fn state(&self) -> (Value, Value) {
        (self.relay.get(&self.user).await.body, self.relay.get(&self.group).await.body)
    }

    /// What the store holds of both, of the audit chain and of what is owed to the connector.
    fn kept(&self) -> Vec<Option<String>> {
        let store = rusqlite::Connection::open(self.relay.folder().join("data/relay.db")).unwrap();
        [
            "SELECT group_concat(no || ' ' || version || ' ' || modified || ' ' || members || body) FROM resources",
            "SELECT group_concat(in_group || member || version || present) FROM memberships",
            "SELECT group_concat(resource || attribute || value) FROM indexed_values",
            "SELECT group_concat(entry) FROM audit WHERE entry LIKE '%\"entry\":\"write\"%'",
            "SELECT group_concat(seq || ' ' || resource || ' ' || version) FROM deliveries",
        ]
        .map(|sql| store.query_row(sql, [], |row| row.get(0)).unwrap())
        .to_vec()
    }
}

/// Operations on a user, each understood by itself.
fn good() -> impl Strategy<Value = Value> {
    select(vec![
        json!({ "op": "add", "path": "title", "value": "x" }),
        json!({ "op": "replace", "path": "userName", "value": "anna" }),
        json!({ "op": "replace", "path": "active", "value": false }),
        json!({ "op": "remove", "path": "emails" }),
        json!({ "op": "remove", "path": "name.givenName" }),
        json!({ "op": "add", "path": "emails", "value": [{ "value": "c", "primary": true }] }),
        json!({ "op": "replace", "value": { "name": { "familyName": "B" }, "nickName": "n" } }),
        json!({ "op": "remove", "path": ENTERPRISE_URN }),
    ])
}

/// Operations that are refused, when they are read or when they are applied.
fn bad() -> impl Strategy<Value = Value> {
    select(vec![
        json!({ "op": "remove", "path": "userName" }),
        json!({ "op": "replace", "path": "nonsense", "value": 1 }),
        json!({ "op": "replace", "path": "emails[type eq \"fax\"].value", "value": "x" }),
        json!({ "op": "replace", "path": "userName", "value": "BEN" }),
        json!({ "op": "replace", "path": "active", "value": "perhaps" }),
        json!({ "op": "add", "path": "meta.version", "value": "x" }),
        json!({ "op": "remove" }),
        json!({ "op": "move", "path": "title" }),
    ])
}

/// Operations on a group, its members given by their place.
fn of_group() -> impl Strategy<Value = (&'static str, usize)> {
    (select(vec!["add", "remove", "replace", "rename"]), 0..2_usize)
}

fn group_operation((what, member): (&str, usize), members: &[String]) -> Value {
    let member = &members[member];
    match what {
        "add" => json!({ "op": "add", "path": "members", "value": [{ "value": member }] }),
        "remove" => json!({ "op": "remove", "path": format!("members[value eq \"{member}\"]") }),
        "replace" => json!({ "op": "replace", "path": "members", "value": [{ "value": member }] }),
        _ => json!({ "op": "replace", "path": "displayName", "value": "Crew" }),
    }
}

fn holds<S: Strategy>(cases: u32, strategy: S, law: impl Fn(S::Value) -> Result<(), TestCaseError>) {
    let config = Config { cases, failure_persistence: None, ..Config::default() };
    TestRunner::new(config).run(&strategy, law).unwrap();
}

#[test]
fn a_refused_patch_leaves_no_trace() {
    let runtime = Runtime::new().unwrap();
    for dialect in ["auto", "rfc"] {
        let world = runtime.block_on(async {
            let world = World::new(dialect).await;
            world.relay.settled().await;
            world
        });
        let (state, kept) = (runtime.block_on(world.state()), world.kept());
        assert!(kept.iter().take(4).all(Option::is_some), "there is something to lose");
        let before_and_after = (prop::collection::vec(good(), 0..4), bad(), prop::collection::vec(good(), 0..2));
        holds(60, before_and_after, |(mut operations, bad, after)| {
            operations.retain(|operation| bad["value"] != "BEN" || operation["path"] != "userName");
            // A name that is taken is found taken at the end, whatever comes between; another name would free it again.
            let rest = if bad["value"] == "BEN" { Vec::new() } else { after };
            operations.push(bad);
            operations.extend(rest);
            let answer = runtime.block_on(world.patch(&world.user, &operations));
            prop_assert!((400..500).contains(&answer.status), "{}", answer.body);
            prop_assert_eq!(&world.kept(), &kept);
            Ok(())
        });
        holds(30, prop::collection::vec(of_group(), 1..5), |changes| {
            let mut operations: Vec<Value> =
                changes.into_iter().map(|change| group_operation(change, &world.members)).collect();
            operations.push(json!({ "op": "remove", "path": "displayName" }));
            let answer = runtime.block_on(world.patch(&world.group, &operations));
            prop_assert_eq!(answer.status, 400, "{}", answer.body);
            prop_assert_eq!(&world.kept(), &kept);
            Ok(())
        });
        assert_eq!(runtime.block_on(world.state()), state);
    }
}

#[test]
fn a_patch_that_names_no_list_to_extend_is_the_same_once_and_twice() {
    let runtime = Runtime::new().unwrap();
    let world = runtime.block_on(World::new("rfc"));
    holds(40, prop::collection::vec(good(), 1..4), |operations| {
        let once = runtime.block_on(world.patch(&world.user, &operations));
        prop_assert_eq!(once.status, 200, "{}", once.body);
        let twice = runtime.block_on(world.patch(&world.user, &operations));
        let without_version = |body: &Value| {
            let mut body = body.clone();
            body.as_object_mut().unwrap().remove("meta");
            body
        };
        prop_assert_eq!(without_version(&once.body), without_version(&twice.body));
        Ok(())
    });
    holds(40, of_group(), |change| {
        let operation = [group_operation(change, &world.members)];
        let once = runtime.block_on(world.patch(&world.group, &operation));
        let twice = runtime.block_on(world.patch(&world.group, &operation));
        prop_assert_eq!(once.status, 200, "{}", once.body);
        prop_assert_eq!(once.body, twice.body, "neither version nor time moves");
        Ok(())
    });
}

#[test]
fn an_add_takes_nothing_away() {
    let runtime = Runtime::new().unwrap();
    let world = runtime.block_on(World::new("rfc"));
    let adds = select(vec![
        json!({ "op": "add", "path": "emails", "value": [{ "value": "d", "type": "work", "primary": true }] }),
        json!({ "op": "add", "path": "emails", "value": [{ "value": "a", "type": "work" }] }),
        json!({ "op": "add", "path": "emails", "value": [] }),
        json!({ "op": "add", "path": "emails", "value": null }),
        json!({ "op": "add", "path": "name", "value": { "middleName": "M" } }),
        json!({ "op": "add", "path": "name", "value": {} }),
        json!({ "op": "add", "path": "title", "value": "" }),
        json!({ "op": "add", "path": "userName", "value": null }),
        json!({ "op": "add", "value": { "emails": [{ "value": "e" }], "name": { "honorificPrefix": "Dr" } } }),
        json!({ "op": "add", "path": ENTERPRISE_URN, "value": { "employeeNumber": "7" } }),
    ]);
    holds(40, prop::collection::vec(adds, 1..4), |operations| {
        let before = runtime.block_on(world.relay.get(&world.user)).body;
        let after = runtime.block_on(world.patch(&world.user, &operations));
        prop_assert_eq!(after.status, 200, "{}", after.body);
        let after = after.body;
        for name in ["userName", "active", "schemas"] {
            prop_assert!(before[name].is_array() || before[name] == after[name]);
        }
        for email in before["emails"].as_array().unwrap() {
            let has = |other: &Value| other["value"] == email["value"] && other["type"] == email["type"];
            prop_assert!(after["emails"].as_array().unwrap().iter().any(has), "{}", email);
        }
        for complex in ["name", ENTERPRISE_URN] {
            for (part, value) in before[complex].as_object().unwrap() {
                prop_assert_eq!(&after[complex][part], value);
            }
        }
        Ok(())
    });
}
