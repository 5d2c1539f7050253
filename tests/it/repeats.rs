//! Changes that a client sends again and again, in the shapes of Okta and Entra ID, are counted by attribute.

use std::{collections::BTreeMap, time::Duration};

use scim_relay::time::{Clock, Timestamp};
use serde_json::{Value, json};

use crate::{
    bodies::{ENTERPRISE_URN, group, id, patch, user},
    relay::{Relay, Response},
};

/// Entra's cycle.
const CYCLE: Duration = Duration::from_secs(40 * 60);

struct World {
    relay: Relay,
    clock: Clock,
}

impl World {
    async fn start(extra: &str) -> Self {
        let clock = Clock::manual(Timestamp(1_790_000_000_000));
        Self { relay: Relay::start_at(clock.clone(), extra).await, clock }
    }

    async fn create(&self, endpoint: &str, body: &Value) -> String {
        format!("{endpoint}/{}", id(&self.relay.post(endpoint, body).await.body))
    }

    /// Sends the operations, one cycle after what was sent before.
    async fn patch(&self, resource: &str, operations: Value) {
        self.clock.advance(CYCLE);
        success(&self.relay.patch(resource, &patch(operations)).await);
    }

    async fn put(&self, resource: &str, body: &Value) {
        self.clock.advance(CYCLE);
        success(&self.relay.put(resource, body).await);
    }

    /// How many repeats were counted, by attribute.
    async fn counted(&self) -> BTreeMap<String, u64> {
        let text = self.relay.metrics().await;
        let lines = text.lines().filter_map(|line| {
            let (attribute, rest) = line
                .strip_prefix("scim_relay_repeated_changes_total{attribute=\"")?
                .split_once("\",tenant=\"acme\"} ")?;
            Some((attribute.to_owned(), rest.parse().ok()?))
        });
        lines.collect()
    }
}

fn success(response: &Response) {
    assert!(matches!(response.status, 200 | 204), "{response:?}");
}

fn counts<const N: usize>(expected: [(&str, u64); N]) -> BTreeMap<String, u64> {
    expected.map(|(attribute, count)| (attribute.to_owned(), count)).into()
}

#[tokio::test]
async fn en_52_a_change_that_entra_sends_in_each_cycle_is_counted_by_attribute() {
    let world = World::start("dialect = \"entra\"").await;
    let ada = world.create("/Users", &user("ada")).await;
    let manager = format!("{ENTERPRISE_URN}:manager");
    let cycle = || {
        json!([
            { "op": "Add", "path": "phoneNumbers[type eq \"work\"].value", "value": "+49 171 5550101" },
            { "op": "Replace", "path": "emails[type eq \"work\"].value", "value": "ada@acme.example" },
            { "op": "Replace", "path": manager, "value": "0197-manager" },
        ])
    };
    for _ in 0..2 {
        world.patch(&ada, cycle()).await;
    }
    assert_eq!(world.counted().await, counts([]));
    for _ in 0..2 {
        world.patch(&ada, cycle()).await;
    }
    assert_eq!(world.counted().await, counts([("phoneNumbers", 2), ("emails", 2), (&manager, 2)]));
    let text = world.relay.metrics().await;
    assert!(["5550101", "ada@acme", "0197"].iter().all(|value| !text.contains(value)), "no value in the metrics");

    // A day later it begins anew.
    world.clock.advance(Duration::from_secs(24 * 60 * 60));
    for _ in 0..2 {
        world.patch(&ada, cycle()).await;
    }
    assert_eq!(world.counted().await["emails"], 2);
}

#[tokio::test]
async fn what_okta_pushes_again_and_again_is_counted() {
    let world = World::start("dialect = \"okta\"").await;
    let mut body = user("ada");
    let ada = world.create("/Users", &body).await;
    for _ in 0..4 {
        world.put(&ada, &body).await;
    }
    assert_eq!(world.counted().await, counts([("*", 2)]));

    // A push of a profile that changed is none, whatever it repeats of the rest.
    for title in ["Analyst", "Countess", "Engineer", "Analyst"] {
        body["title"] = title.into();
        world.put(&ada, &body).await;
    }
    assert_eq!(world.counted().await, counts([("*", 2)]));

    for _ in 0..3 {
        world.patch(&ada, json!([{ "op": "replace", "value": { "active": true } }])).await;
    }
    let team = world.create("/Groups", &group("team", &[])).await;
    let member = ada.rsplit('/').next().unwrap();
    for _ in 0..3 {
        world.patch(&team, json!([{ "op": "add", "path": "members", "value": [{ "value": member }] }])).await;
    }
    assert_eq!(world.counted().await, counts([("*", 2), ("active", 1), ("members", 1)]));
}

#[tokio::test]
async fn what_people_change_to_and_fro_is_no_repeat() {
    let world = World::start("").await;
    let ada = world.create("/Users", &user("ada")).await;
    let bob = world.create("/Users", &user("bob")).await;
    let team = world.create("/Groups", &group("team", &[])).await;
    let member = ada.rsplit('/').next().unwrap();
    let set = |name: &str, value: Value| json!([{ "op": "replace", "path": name, "value": value }]);
    for _ in 0..4 {
        for active in [false, true] {
            world.patch(&ada, set("active", active.into())).await;
        }
        world.patch(&team, json!([{ "op": "add", "path": "members", "value": [{ "value": member }] }])).await;
        let path = format!("members[value eq \"{member}\"]");
        world.patch(&team, json!([{ "op": "remove", "path": path }])).await;
        // Two clients that disagree: one sets what the other clears.
        world.patch(&bob, set("title", "Analyst".into())).await;
        world.put(&bob, &user("bob")).await;
        // Nobody sees a password come back.
        world.patch(&bob, set("password", "Corr3ct-horse".into())).await;
    }
    // The same for many people is many changes.
    for number in 0..5 {
        let other = world.create("/Users", &user(&format!("user-{number}"))).await;
        world.patch(&other, set("title", "Analyst".into())).await;
    }
    assert_eq!(world.counted().await, counts([]));
}

#[tokio::test]
async fn what_is_refused_is_no_repeat() {
    let world = World::start("").await;
    let ada = world.create("/Users", &user("ada")).await;
    world.create("/Users", &user("bob")).await;
    let taken = patch(json!([{ "op": "replace", "path": "userName", "value": "bob" }]));
    for _ in 0..4 {
        assert_eq!(world.relay.patch(&ada, &taken).await.status, 409);
    }
    assert_eq!(world.counted().await, counts([]));
}
