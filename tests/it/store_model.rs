//! Random writes, deliveries and outcomes against a model: the store shows what was accepted, deliveries never break a
//! downstream system's uniqueness, and when all is delivered that system equals the store.

use std::collections::{BTreeMap, BTreeSet};

use proptest::{collection::vec, prelude::*};
use scim_connector::ResourceId;
use scim_relay::{
    store::{ConnectorName, Delivery, Outcome, OwedState, Store as _, WriteError},
    time::Clock,
};
use serde_json::json;

use crate::{
    sqlite_store::open,
    store_bench::{Bench, START, applied, connector, group, lost, minutes, retry_at, shown, tenant, user},
};

const NAMES: [&str; 4] = ["w", "x", "y", "z"];

#[derive(Clone, Debug)]
enum Step {
    CreateUser {
        name: usize,
    },
    CreateGroup {
        name: usize,
    },
    Rename {
        which: usize,
        name: usize,
    },
    Deactivate {
        which: usize,
    },
    Delete {
        which: usize,
    },
    AddMember {
        group: usize,
        which: usize,
    },
    RemoveMember {
        group: usize,
        which: usize,
    },
    /// Takes the connector out of the configuration, unless something is under way, or puts it back.
    Toggle,
    /// Reads what may go and keeps it under way.
    Read,
    /// Ends one delivery under way.
    Settle {
        which: usize,
        outcome: usize,
    },
}

fn step() -> impl Strategy<Value = Step> {
    let (name, which) = (0..NAMES.len(), 0..16_usize);
    prop_oneof![
        3 => name.clone().prop_map(|name| Step::CreateUser { name }),
        1 => name.clone().prop_map(|name| Step::CreateGroup { name }),
        4 => (which.clone(), name).prop_map(|(which, name)| Step::Rename { which, name }),
        1 => which.clone().prop_map(|which| Step::Deactivate { which }),
        2 => which.clone().prop_map(|which| Step::Delete { which }),
        3 => (which.clone(), which.clone()).prop_map(|(group, which)| Step::AddMember { group, which }),
        1 => (which.clone(), which.clone()).prop_map(|(group, which)| Step::RemoveMember { group, which }),
        1 => Just(Step::Toggle),
        4 => Just(Step::Read),
        4 => (which, 0..8_usize).prop_map(|(which, outcome)| Step::Settle { which, outcome }),
    ]
}

/// Short texts of letters that have cases, some of them unusual, so that some meet.
fn text() -> impl Strategy<Value = String> {
    "[aAbBßéÉİıΣςK ]{1,3}"
}

/// What the client knows, and what one downstream system holds.
#[derive(Default)]
struct Model {
    users: BTreeMap<ResourceId, (String, bool)>,
    groups: BTreeMap<ResourceId, (String, BTreeSet<ResourceId>)>,
    downstream: BTreeMap<ResourceId, (String, BTreeSet<ResourceId>)>,
    applied_versions: BTreeMap<ResourceId, u64>,
    /// Users that the downstream system removed although they are there.
    lost: BTreeSet<ResourceId>,
    /// Whether the connector is out of the configuration.
    is_away: bool,
    under_way: Vec<Delivery>,
}

fn nth<V>(map: &BTreeMap<ResourceId, V>, which: usize) -> Option<ResourceId> {
    map.keys().nth(which % map.len().max(1)).copied()
}

impl Model {
    async fn take(&mut self, bench: &Bench, step: Step) {
        match step {
            Step::CreateUser { name } => {
                let free = self.users.values().all(|(taken, _)| taken != NAMES[name]);
                match bench.try_create("User", user(NAMES[name])).await {
                    Ok(committed) => {
                        assert!(free);
                        self.users.insert(committed.stored().id, (NAMES[name].to_owned(), true));
                    }
                    Err(WriteError::Refused(error)) => assert!(!free && error.http_status() == 409),
                    Err(WriteError::Store(error)) => panic!("{error}"),
                }
            }
            Step::CreateGroup { name } => {
                if let Ok(committed) = bench.try_create("Group", group(NAMES[name], &[])).await {
                    self.groups.insert(committed.stored().id, (NAMES[name].to_owned(), BTreeSet::new()));
                }
            }
            Step::Rename { which, name } => {
                let Some(id) = nth(&self.users, which) else { return };
                let active = self.users[&id].1;
                let free = self.users.iter().all(|(other, (taken, _))| *other == id || taken != NAMES[name]);
                let body = json!({ "userName": NAMES[name], "active": active });
                assert_eq!(bench.replace("User", id, body).await.is_ok(), free);
                if free {
                    self.users.insert(id, (NAMES[name].to_owned(), active));
                }
            }
            Step::Deactivate { which } => {
                let Some(id) = nth(&self.users, which) else { return };
                let operations = json!([{ "op": "replace", "path": "active", "value": false }]);
                bench.patch("User", id, operations).await.unwrap();
                self.users.get_mut(&id).unwrap().1 = false;
            }
            Step::Delete { which } => {
                if let Some(id) = nth(&self.users, which) {
                    bench.delete("User", id).await.unwrap();
                    self.users.remove(&id);
                    self.groups.values_mut().for_each(|(_, members)| {
                        members.remove(&id);
                    });
                } else if let Some(id) = nth(&self.groups, which) {
                    bench.delete("Group", id).await.unwrap();
                    self.groups.remove(&id);
                }
            }
            Step::AddMember { group, which } => {
                let (Some(group), Some(id)) = (nth(&self.groups, group), nth(&self.users, which)) else { return };
                bench.add_member(group, &id.to_string()).await;
                self.groups.get_mut(&group).unwrap().1.insert(id);
            }
            Step::RemoveMember { group, which } => {
                let (Some(group), Some(id)) = (nth(&self.groups, group), nth(&self.users, which)) else { return };
                bench.remove_member(group, id).await;
                self.groups.get_mut(&group).unwrap().1.remove(&id);
            }
            Step::Toggle if self.under_way.is_empty() => self.toggle(bench).await,
            Step::Toggle => {}
            Step::Read if self.is_away => {}
            Step::Read => {
                let names: Vec<_> = self.under_way.iter().map(|delivery| delivery.resource).collect();
                for delivery in bench.due_beside("ldap", &names).await {
                    // Half of the time the change lands downstream as soon as it is sent.
                    self.land(&delivery);
                    self.under_way.push(delivery);
                }
            }
            Step::Settle { which, outcome } => {
                if self.under_way.is_empty() {
                    return;
                }
                let delivery = self.under_way.swap_remove(which % self.under_way.len());
                let outcome = match outcome {
                    0 => retry_at(bench.clock.now().after(minutes(1))),
                    1 => Outcome::Dead { message: "refused".to_owned() },
                    2 if !delivery.kind.is_group() => self.lose(delivery.resource),
                    _ => applied(&delivery),
                };
                bench.settle("ldap", &delivery, outcome).await;
            }
        }
    }

    async fn toggle(&mut self, bench: &Bench) {
        self.is_away = !self.is_away;
        let connectors = if self.is_away { vec![] } else { vec![connector("ldap")] };
        bench.configure(tenant("acme", connectors)).await;
        if !self.is_away {
            let ldap = ConnectorName("ldap".into());
            while bench.store.backfill(&ldap, 3).await.unwrap() {}
        }
    }

    /// The downstream system removes a user instead of changing it, as one does that keeps no inactive users.
    fn lose(&mut self, id: ResourceId) -> Outcome {
        self.lost.insert(id);
        self.downstream.remove(&id);
        for (_, members) in self.downstream.values_mut() {
            members.remove(&id);
        }
        lost()
    }

    /// What a downstream system with unique names does.
    fn land(&mut self, delivery: &Delivery) {
        let id = delivery.resource;
        let version = self.applied_versions.insert(id, delivery.version);
        assert!(version <= Some(delivery.version), "an older state after a newer");
        match &delivery.state {
            OwedState::Deleted => {
                self.downstream.remove(&id);
            }
            OwedState::Present { members, .. } => {
                let key = if delivery.kind.is_group() { "displayName" } else { "userName" };
                let name = format!("{}:{}", delivery.kind, shown(delivery)[key].as_str().unwrap());
                let entry = self.downstream.entry(id).or_default();
                entry.0 = name;
                if let Some(delta) = members {
                    entry.1.extend(delta.add.iter().map(|member| member.resource.id));
                    for member in &delta.remove {
                        entry.1.remove(&member.resource.id);
                    }
                }
            }
        }
    }

    fn assert_names_are_unique_downstream(&self) {
        let names: BTreeSet<&String> = self.downstream.values().map(|(name, _)| name).collect();
        assert_eq!(names.len(), self.downstream.len(), "{:?}", self.downstream);
    }

    async fn check_store(&self, bench: &Bench) {
        let page = bench.find("User", None, None, (1, 100)).await;
        assert_eq!(page.total, Some(self.users.len()));
        let listed: Vec<ResourceId> = page.resources.iter().map(|resource| resource.id).collect();
        assert_eq!(listed, self.users.keys().copied().collect::<Vec<_>>());
        for (group, (_, members)) in &self.groups {
            let expected: Vec<String> = members.iter().map(ToString::to_string).collect();
            assert_eq!(bench.member_values(*group).await, expected);
        }
    }

    /// Ends everything well: the downstream system is then as the store.
    async fn finish(&mut self, bench: &Bench) {
        if self.is_away {
            self.toggle(bench).await;
        }
        for delivery in std::mem::take(&mut self.under_way) {
            bench.settle("ldap", &delivery, applied(&delivery)).await;
        }
        for id in std::mem::take(&mut self.lost) {
            // Whoever was lost comes back with the next change.
            if self.users.contains_key(&id) {
                let operations = json!([{ "op": "replace", "path": "title", "value": "back" }]);
                bench.patch("User", id, operations).await.unwrap();
            }
        }
        bench.clock.advance(minutes(10));
        bench.store.queue_retry(&Default::default(), bench.clock.now()).await.unwrap();
        for _ in 0..200 {
            let due = bench.due("ldap").await;
            if due.is_empty() {
                break;
            }
            for delivery in due {
                self.land(&delivery);
                bench.apply("ldap", &delivery).await;
            }
        }
        assert_eq!(bench.queued().await, 0);
        let expected: BTreeMap<_, _> = self
            .users
            .iter()
            .map(|(id, (name, _))| (*id, (format!("User:{name}"), BTreeSet::new())))
            .chain(self.groups.iter().map(|(id, (name, members))| (*id, (format!("Group:{name}"), members.clone()))))
            .collect();
        assert_eq!(self.downstream, expected);
    }
}

/// Whether the order that uniqueness rests on may have been broken: by a refusal for good, or by an absence, after which
/// only the newest states are known.
fn breaks_order(steps: &[Step]) -> bool {
    steps.iter().any(|step| matches!(step, Step::Toggle | Step::Settle { outcome: 1, .. }))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, max_shrink_iters: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn g05_g06_the_store_and_its_connector_follow_the_model(steps in vec(step(), 1..120)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let directory = tempfile::tempdir().unwrap();
            let clock = Clock::manual(START);
            let store = open(directory.path(), clock.clone()).unwrap();
            let bench = Bench::new(store.clone(), clock).await;
            let mut model = Model::default();
            let in_order = !breaks_order(&steps);
            for step in steps {
                model.take(&bench, step).await;
                if in_order {
                    model.assert_names_are_unique_downstream();
                }
            }
            model.check_store(&bench).await;
            model.finish(&bench).await;
            store.verify_audit().await.unwrap();
            assert_eq!(store.check().await.unwrap(), []);
        });
    }

}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, max_shrink_iters: 100, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_an_index_finds_is_what_a_scan_finds(
        rows in vec((text(), text(), text()), 1..12),
        probes in vec(text(), 1..8),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let directory = tempfile::tempdir().unwrap();
            let clock = Clock::manual(START);
            let bench = Bench::new(open(directory.path(), clock.clone()).unwrap(), clock).await;
            let mut wanted = probes;
            for (number, (user_name, shared, email)) in rows.into_iter().enumerate() {
                let body = json!({
                    "userName": user_name, "displayName": shared, "externalId": shared,
                    "emails": [{ "value": email }, { "value": format!("{number}@example.com") }],
                });
                if let Ok(committed) = bench.try_create("User", body).await {
                    let id = committed.stored().id.to_string();
                    wanted.extend([user_name, shared, email, id.to_uppercase(), id]);
                }
            }
            for value in wanted {
                for value in [value.to_uppercase(), value.to_lowercase(), value] {
                    let value = serde_json::to_string(&value).unwrap();
                    for attribute in ["userName", "displayName", "externalId", "emails", "emails.value", "id"] {
                        let indexed = bench.found("User", &format!("{attribute} eq {value}")).await;
                        // Nothing leads to the members of a negation.
                        let scanned = bench.found("User", &format!("not (not ({attribute} eq {value}))")).await;
                        assert_eq!(indexed, scanned, "{attribute} {value}");
                    }
                }
            }
        });
    }
}
