//! Random writes, decisions and time: a brake withholds removals beyond its limit and nothing else.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use proptest::{collection::vec, prelude::*};
use scim_connector::ResourceId;
use scim_relay::{
    store::{Brake, Connector, Delivery, OnRemoval, OwedState, Policy, Removal, StagedSelection, Standing},
    time::{Clock, Timestamp},
};
use serde_json::{Value, json};

use crate::{
    sqlite_store::open,
    store_bench::{Bench, START, connector, group, minutes, shown, tenant},
};

#[derive(Clone, Debug)]
enum Step {
    Create,
    Title { which: usize },
    SetActive { which: usize, active: bool },
    Delete { which: usize },
    Add { which: usize },
    Remove { which: usize },
    Deliver,
    Release { which: Option<usize> },
    Wait { minutes: u64 },
}

fn step() -> impl Strategy<Value = Step> {
    let which = 0..8_usize;
    prop_oneof![
        4 => Just(Step::Create),
        2 => which.clone().prop_map(|which| Step::Title { which }),
        5 => (which.clone(), any::<bool>()).prop_map(|(which, active)| Step::SetActive { which, active }),
        2 => which.clone().prop_map(|which| Step::Delete { which }),
        3 => which.clone().prop_map(|which| Step::Add { which }),
        3 => which.clone().prop_map(|which| Step::Remove { which }),
        4 => Just(Step::Deliver),
        1 => proptest::option::of(which).prop_map(|which| Step::Release { which }),
        1 => (1..90_u64).prop_map(|minutes| Step::Wait { minutes }),
    ]
}

/// A user upstream or an entry downstream.
#[derive(Clone, PartialEq, Debug)]
struct User {
    title: Value,
    active: bool,
}

struct Model {
    bench: Bench,
    group: ResourceId,
    users: BTreeMap<ResourceId, User>,
    members: BTreeSet<ResourceId>,
    entries: BTreeMap<ResourceId, User>,
    entry_members: BTreeSet<ResourceId>,
    /// Entries and memberships that were put out of use, and when, but for those that a person released.
    falls: Vec<(Timestamp, ResourceId)>,
    member_falls: Vec<(Timestamp, ResourceId)>,
    released: BTreeSet<ResourceId>,
    /// Whose removal was asked for while the entry was in use, or the member there; what never was is no removal.
    removed: BTreeSet<ResourceId>,
    removed_members: BTreeSet<ResourceId>,
    count: u64,
}

impl Model {
    async fn new(folder: &std::path::Path) -> Self {
        let clock = Clock::manual(START);
        let bench = Bench::new(open(folder, clock.clone()).unwrap(), clock).await;
        let policy = Arc::new(Policy { on_delete: OnRemoval::Delete, ..Policy::default() });
        let brake = Brake { removals_min: 1, percent: 0, window_seconds: 3_600 };
        let mut configured = tenant("acme", vec![Connector { brake, policy, ..connector("ldap") }]);
        configured.brake.removals_min = u32::MAX;
        bench.configure(configured).await;
        let group = bench.create("Group", group("staff", &[])).await;
        Self {
            bench,
            group,
            users: BTreeMap::new(),
            members: BTreeSet::new(),
            entries: BTreeMap::new(),
            entry_members: BTreeSet::new(),
            falls: Vec::new(),
            member_falls: Vec::new(),
            released: BTreeSet::new(),
            removed: BTreeSet::new(),
            removed_members: BTreeSet::new(),
            count: 0,
        }
    }

    fn nth(&self, which: usize) -> Option<ResourceId> {
        self.users.keys().nth(which % self.users.len().max(1)).copied()
    }

    async fn take(&mut self, step: Step) {
        self.count += 1;
        match step {
            Step::Create => {
                let name = format!("u{}", self.count);
                let id = self.bench.create("User", json!({ "userName": name, "active": true })).await;
                self.users.insert(id, User { title: Value::Null, active: true });
            }
            Step::Title { which } => {
                let Some(id) = self.nth(which) else { return };
                let title = json!(format!("t{}", self.count));
                self.set(id, "title", title.clone()).await;
                self.users.get_mut(&id).unwrap().title = title;
            }
            Step::SetActive { which, active } => {
                let Some(id) = self.nth(which) else { return };
                self.set(id, "active", active.into()).await;
                self.users.get_mut(&id).unwrap().active = active;
                if !active {
                    self.note_removal(id);
                }
            }
            Step::Delete { which } => {
                let Some(id) = self.nth(which) else { return };
                self.bench.delete("User", id).await.unwrap();
                self.note_removal(id);
                self.users.remove(&id);
                self.members.remove(&id);
            }
            Step::Add { which } => {
                let Some(id) = self.nth(which) else { return };
                self.bench.add_member(self.group, &id.to_string()).await;
                self.members.insert(id);
            }
            Step::Remove { which } => {
                let Some(id) = self.nth(which) else { return };
                self.bench.remove_member(self.group, id).await;
                if self.entry_members.contains(&id) {
                    self.removed_members.insert(id);
                }
                self.members.remove(&id);
            }
            Step::Deliver => self.deliver().await,
            Step::Release { which } => {
                let selection = StagedSelection { resource: which.and_then(|which| self.nth(which)), ..all() };
                self.release(&selection).await;
            }
            Step::Wait { minutes: count } => {
                // So that what is committed within the window is delivered within it.
                self.deliver().await;
                self.bench.clock.advance(minutes(count));
            }
        }
    }

    fn note_removal(&mut self, id: ResourceId) {
        if self.entries.get(&id).is_some_and(|entry| entry.active) {
            self.removed.insert(id);
        }
    }

    fn fell(&mut self, id: ResourceId) {
        if self.removed.remove(&id) && !self.released.contains(&id) {
            self.falls.push((self.bench.clock.now(), id));
        }
    }

    async fn set(&self, id: ResourceId, path: &str, value: Value) {
        self.bench.patch("User", id, json!([{ "op": "replace", "path": path, "value": value }])).await.unwrap();
    }

    /// What is withheld: the resources, and the members.
    async fn staged(&self, selection: &StagedSelection) -> (BTreeSet<ResourceId>, BTreeSet<ResourceId>) {
        let staged = self.bench.store.staged(selection, 1_000).await.unwrap();
        let (members, resources): (Vec<_>, Vec<_>) =
            staged.into_iter().partition(|removal| removal.removal == Removal::Member);
        (
            resources.iter().map(|removal| removal.resource).collect(),
            members.iter().map(|removal| removal.member.as_ref().unwrap().parse().unwrap()).collect(),
        )
    }

    async fn release(&mut self, selection: &StagedSelection) {
        self.deliver().await;
        let (resources, members) = self.staged(selection).await;
        self.released.extend(resources.iter().chain(&members));
        let count = self.bench.store.release_staged(selection).await.unwrap();
        assert_eq!(count, (resources.len() + members.len()) as u64);
        self.deliver().await;
        self.released.clear();
    }

    async fn deliver(&mut self) {
        for _ in 0..100 {
            let due = self.bench.due("ldap").await;
            if due.is_empty() {
                return self.check().await;
            }
            for delivery in due {
                self.land(&delivery);
                self.bench.apply("ldap", &delivery).await;
            }
        }
        panic!("deliveries must come to an end");
    }

    fn land(&mut self, delivery: &Delivery) {
        let id = delivery.resource;
        let OwedState::Present { members, .. } = &delivery.state else {
            if self.entries.remove(&id).is_some_and(|entry| entry.active) {
                self.fell(id);
            }
            return;
        };
        if let Some(delta) = members {
            self.entry_members.extend(delta.add.iter().map(|member| member.resource.id));
            for member in &delta.remove {
                let id = member.resource.id;
                // A member that is deleted goes with its deletion.
                let is_removal = self.entry_members.remove(&id) && self.users.contains_key(&id);
                if is_removal && self.removed_members.remove(&id) && !self.released.contains(&id) {
                    self.member_falls.push((self.bench.clock.now(), id));
                }
            }
            return;
        }
        let attributes = shown(delivery);
        let active = delivery.held == Some(Standing::Live) || attributes["active"] == true;
        let before = self.entries.insert(id, User { title: attributes["title"].clone(), active });
        if before.is_some_and(|before| before.active) && !active {
            self.fell(id);
        }
    }

    /// Downstream is as upstream, but for removals that are withheld; and no more of them went than the limit allows.
    async fn check(&self) {
        let (staged, staged_members) = self.staged(&all()).await;
        for (id, user) in &self.users {
            let entry = &self.entries[id];
            assert_eq!(entry.title, user.title, "everything else goes");
            assert!(entry.active == user.active || staged.contains(id), "{id}: {entry:?} {user:?} {staged:?}");
            assert!(!(user.active && staged.contains(id)), "nothing is withheld of who is active");
        }
        for id in self.entries.keys() {
            assert!(self.users.contains_key(id) || staged.contains(id), "{id} is gone and not withheld");
        }
        for id in self.entry_members.symmetric_difference(&self.members) {
            assert!(staged_members.contains(id) && !self.members.contains(id), "{id} {staged_members:?}");
        }
        for falls in [&self.falls, &self.member_falls] {
            for (at, _) in falls {
                let until = at.after(minutes(60));
                let within: BTreeSet<_> =
                    falls.iter().filter(|(other, _)| other >= at && *other < until).map(|(_, id)| id).collect();
                assert!(within.len() <= 1, "{falls:?}");
            }
        }
    }
}

fn all() -> StagedSelection {
    StagedSelection::default()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, max_shrink_iters: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn t21_a_brake_withholds_removals_beyond_its_limit_and_nothing_else(steps in vec(step(), 1..80)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let folder = tempfile::tempdir().unwrap();
            let mut model = Model::new(folder.path()).await;
            for step in steps {
                model.take(step).await;
            }
            assert_eq!(model.bench.store.check().await.unwrap(), []);
            model.release(&all()).await;
            assert_eq!(model.entries, model.users, "what is released goes");
            assert_eq!(model.entry_members, model.members);
            assert_eq!(model.bench.queued().await, 0);
            assert_eq!(model.bench.store.check().await.unwrap(), []);
        });
    }
}
