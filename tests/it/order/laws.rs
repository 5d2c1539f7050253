//! Laws of the order: whatever clients do, and whenever what they did is delivered.

use std::collections::{BTreeMap, BTreeSet};

use proptest::{collection::vec, prelude::*};
use scim_connector::ResourceId;
use scim_relay::{
    store::{Committed, Delivery, QueueEntry, QueueSelection, WriteError},
    time::Clock,
};
use serde_json::json;

use super::directory::{Directory, Entry};
use crate::{
    sqlite_store::open,
    store_bench::{Bench, START, group, user},
};

const NAMES: [&str; 5] = ["v", "w", "x", "y", "z"];

/// What a client does. `which` and the like choose among the resources that are there.
#[derive(Clone, Debug)]
enum Act {
    CreateUser { name: usize },
    CreateGroup { name: usize },
    Rename { which: usize, name: usize },
    Retitle { which: usize, title: usize },
    Disable { which: usize },
    Delete { which: usize },
    DeleteGroup { which: usize },
    Recreate { which: usize },
    Swap { one: usize, other: usize },
    AddMember { group: usize, which: usize },
    RemoveMember { group: usize, which: usize },
}

/// What a client does, and then as many deliveries as that, chosen with that chance.
type Step = (Act, usize, u64);

fn step() -> impl Strategy<Value = Step> {
    let (name, which) = (0..NAMES.len(), 0..16_usize);
    let act = prop_oneof![
        4 => name.clone().prop_map(|name| Act::CreateUser { name }),
        2 => name.clone().prop_map(|name| Act::CreateGroup { name }),
        4 => (which.clone(), name).prop_map(|(which, name)| Act::Rename { which, name }),
        2 => (which.clone(), 0..3_usize).prop_map(|(which, title)| Act::Retitle { which, title }),
        1 => which.clone().prop_map(|which| Act::Disable { which }),
        2 => which.clone().prop_map(|which| Act::Delete { which }),
        1 => which.clone().prop_map(|which| Act::DeleteGroup { which }),
        1 => which.clone().prop_map(|which| Act::Recreate { which }),
        2 => (which.clone(), which.clone()).prop_map(|(one, other)| Act::Swap { one, other }),
        4 => (which.clone(), which.clone()).prop_map(|(group, which)| Act::AddMember { group, which }),
        2 => (which.clone(), which).prop_map(|(group, which)| Act::RemoveMember { group, which }),
    ];
    (act, 0..3_usize, any::<u64>())
}

/// When deliveries are made.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Schedule {
    /// All after each act: nothing folds.
    AtOnce,
    /// None before the end: everything folds that may.
    AtTheEnd,
    /// Some in between.
    Mixed,
}

#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Key {
    Name(bool, String),
    Member(usize),
}

/// A store, its clients, and a downstream system.
struct Scene {
    bench: Bench,
    /// Every resource ever created, in order.
    ids: Vec<ResourceId>,
    /// What is there: the name, and whether it is a group.
    there: BTreeMap<usize, (String, bool)>,
    /// Every member that a group ever had.
    memberships: BTreeSet<(usize, usize)>,
    directory: Directory,
    /// A superset of the keys that each queued resource may hold.
    touched: BTreeMap<usize, BTreeSet<Key>>,
    /// Changes made while another resource's delivery shared one of their keys: each may cost a row of its own.
    conflicts: usize,
}

impl Scene {
    async fn act(&mut self, act: &Act) {
        match act {
            Act::CreateUser { name } => self.create(NAMES[*name], false).await,
            Act::CreateGroup { name } => self.create(NAMES[*name], true).await,
            Act::Rename { which, name } => {
                if let Some(user) = self.nth(*which, false) {
                    self.rename(user, NAMES[*name]).await;
                }
            }
            Act::Swap { one, other } => {
                let (Some(one), Some(other)) = (self.nth(*one, false), self.nth(*other, false)) else { return };
                let (first, second) = (self.there[&one].0.clone(), self.there[&other].0.clone());
                if one != other {
                    self.rename(one, "between").await;
                    self.rename(other, &first).await;
                    self.rename(one, &second).await;
                }
            }
            Act::Retitle { which, title } => {
                let Some(user) = self.nth(*which, false) else { return };
                let change = json!([{ "op": "replace", "path": "title", "value": format!("title {title}") }]);
                self.bench.patch("User", self.ids[user], change).await.unwrap();
                self.touch(user, []);
            }
            Act::Disable { which } => {
                let Some(user) = self.nth(*which, false) else { return };
                let change = json!([{ "op": "replace", "path": "active", "value": false }]);
                self.bench.patch("User", self.ids[user], change).await.unwrap();
                self.touch(user, []);
            }
            Act::Delete { which } => {
                if let Some(user) = self.nth(*which, false) {
                    self.delete(user).await;
                }
            }
            Act::DeleteGroup { which } => {
                if let Some(group) = self.nth(*which, true) {
                    self.delete(group).await;
                }
            }
            Act::Recreate { which } => {
                let Some(user) = self.nth(*which, false) else { return };
                let name = self.there[&user].0.clone();
                self.delete(user).await;
                self.create(&name, false).await;
            }
            Act::AddMember { group, which } => {
                let (Some(group), Some(member)) = (self.nth(*group, true), self.any(*which)) else { return };
                self.bench.add_member(self.ids[group], &self.ids[member].to_string()).await;
                self.memberships.insert((group, member));
                self.touch(group, []);
            }
            Act::RemoveMember { group, which } => {
                let (Some(group), Some(member)) = (self.nth(*group, true), self.any(*which)) else { return };
                self.bench.remove_member(self.ids[group], self.ids[member]).await;
                self.touch(group, []);
            }
        }
    }

    fn nth(&self, which: usize, of_groups: bool) -> Option<usize> {
        let those: Vec<usize> =
            self.there.iter().filter(|(_, (_, is_group))| *is_group == of_groups).map(|(no, _)| *no).collect();
        those.get(which % those.len().max(1)).copied()
    }

    fn any(&self, which: usize) -> Option<usize> {
        self.there.keys().nth(which % self.there.len().max(1)).copied()
    }

    fn touch(&mut self, resource: usize, keys: impl IntoIterator<Item = Key>) {
        let keys: BTreeSet<Key> = keys.into_iter().collect();
        self.conflicts +=
            usize::from(self.touched.iter().any(|(other, theirs)| *other != resource && !theirs.is_disjoint(&keys)));
        self.touched.entry(resource).or_default().extend(keys);
    }

    async fn create(&mut self, name: &str, is_group: bool) {
        let created = if is_group {
            self.bench.try_create("Group", group(name, &[])).await
        } else {
            self.bench.try_create("User", user(name)).await
        };
        if let Some(created) = accepted(created) {
            let resource = self.ids.len();
            self.ids.push(created.stored().id);
            self.there.insert(resource, (name.to_owned(), is_group));
            self.touch(resource, [Key::Name(is_group, name.to_owned())]);
        }
    }

    async fn rename(&mut self, user: usize, name: &str) {
        let change = json!([{ "op": "replace", "path": "userName", "value": name }]);
        if accepted(self.bench.patch("User", self.ids[user], change).await).is_some() {
            let before = std::mem::replace(&mut self.there.get_mut(&user).unwrap().0, name.to_owned());
            self.touch(user, [Key::Name(false, before), Key::Name(false, name.to_owned())]);
        }
    }

    async fn delete(&mut self, resource: usize) {
        let (name, is_group) = self.there.remove(&resource).unwrap();
        self.directory.leaving.insert(resource);
        self.bench.delete(if is_group { "Group" } else { "User" }, self.ids[resource]).await.unwrap();
        let groups: Vec<usize> =
            self.memberships.iter().filter(|(_, member)| *member == resource).map(|(group, _)| *group).collect();
        for group in groups {
            self.touch(group, [Key::Member(resource)]);
        }
        self.touch(resource, [Key::Name(is_group, name), Key::Member(resource)]);
    }

    /// Delivers what may go, at most so many, in an order of chance. How many went.
    async fn deliver(&mut self, limit: usize, mut chance: u64) -> usize {
        let mut due = self.bench.due("ldap").await;
        self.assert_free_ones_commute(&due);
        let mut count = 0;
        while count < limit && !due.is_empty() {
            let delivery = due.swap_remove(usize::try_from(chance % due.len() as u64).unwrap());
            chance = chance.rotate_left(7) ^ 0x9e37_79b9_7f4a_7c15;
            self.directory.land(&self.ids, &delivery);
            self.bench.apply("ldap", &delivery).await;
            count += 1;
        }
        count
    }

    /// What may go at once may go in any order.
    fn assert_free_ones_commute(&self, due: &[Delivery]) {
        let landed = |due: &mut dyn Iterator<Item = &Delivery>| {
            let mut directory = self.directory.clone();
            due.for_each(|delivery| directory.land(&self.ids, delivery));
            directory.entries
        };
        assert_eq!(landed(&mut due.iter()), landed(&mut due.iter().rev()));
    }

    async fn queue(&self) -> Vec<QueueEntry> {
        self.bench.store.queue(&QueueSelection::default(), self.bench.clock.now(), 1000).await.unwrap()
    }

    /// Who waits waits for an earlier delivery that is still owed; who shares no key with anyone does not wait; the
    /// backlog is one row a resource, and one more for each conflict.
    async fn check_queue(&mut self) {
        let queue = self.queue().await;
        for entry in &queue {
            let Some(blocker) = entry.waits_for else { continue };
            assert!(blocker < entry.id && queue.iter().any(|other| other.id == blocker), "{entry:?}");
        }
        let number = |entry: &QueueEntry| self.ids.iter().position(|id| id.to_string() == entry.resource).unwrap();
        let queued: BTreeSet<usize> = queue.iter().map(number).collect();
        self.touched.retain(|resource, _| queued.contains(resource));
        if self.touched.is_empty() {
            self.conflicts = 0;
        }
        for (resource, keys) in &self.touched {
            let is_alone = self.touched.iter().all(|(other, theirs)| other == resource || theirs.is_disjoint(keys));
            let of = |id| queue.iter().find(|other| other.id == id).map(number);
            let waits = |entry: &QueueEntry| entry.waits_for.is_some_and(|blocker| of(blocker) != Some(*resource));
            let waits = queue.iter().filter(|entry| number(entry) == *resource).any(waits);
            assert!(!(is_alone && waits), "{resource} waits for nobody's sake: {queue:?}");
        }
        let bound = queued.len() + self.conflicts;
        assert!(queue.len() <= bound, "{} rows where {bound} are enough: {queue:?}", queue.len());
        // Of those that may go, removals are first.
        let due = self.bench.due("ldap").await;
        let removal = |delivery: &Delivery| queue.iter().find(|entry| entry.id == delivery.id).unwrap().removal;
        assert!(due.iter().map(removal).is_sorted_by(|one, next| one >= next), "{due:?}");
    }

    /// What the store holds, as a downstream system should.
    async fn stored(&self) -> BTreeMap<usize, Entry> {
        let mut entries = BTreeMap::new();
        for (resource, (_, is_group)) in &self.there {
            let kind = if *is_group { "Group" } else { "User" };
            let stored = self.bench.get(kind, self.ids[*resource]).await.unwrap();
            let members = if *is_group { self.bench.member_values(self.ids[*resource]).await } else { vec![] };
            let numbers = members.iter().map(|id| self.ids.iter().position(|known| known.to_string() == *id).unwrap());
            let attributes = serde_json::from_str(&stored.attributes).unwrap();
            entries.insert(*resource, Entry { attributes, members: numbers.collect() });
        }
        entries
    }
}

fn accepted(result: Result<Committed, WriteError>) -> Option<Committed> {
    match result {
        Ok(committed) => Some(committed),
        Err(WriteError::Refused(error)) => {
            assert_eq!(error.http_status(), 409);
            None
        }
        Err(WriteError::Store(error)) => panic!("{error}"),
    }
}

/// What a downstream system holds once all is delivered.
async fn end(steps: &[Step], schedule: Schedule) -> BTreeMap<usize, Entry> {
    let directory = tempfile::tempdir().unwrap();
    let clock = Clock::manual(START);
    let bench = Bench::new(open(directory.path(), clock.clone()).unwrap(), clock).await;
    let mut scene = Scene {
        bench,
        ids: Vec::new(),
        there: BTreeMap::new(),
        memberships: BTreeSet::new(),
        directory: Directory::default(),
        touched: BTreeMap::new(),
        conflicts: 0,
    };
    for (act, deliveries, chance) in steps {
        scene.act(act).await;
        scene.check_queue().await;
        match schedule {
            Schedule::AtOnce => while scene.deliver(usize::MAX, *chance).await > 0 {},
            Schedule::AtTheEnd => {}
            Schedule::Mixed => {
                scene.deliver(*deliveries, *chance).await;
                scene.check_queue().await;
            }
        }
    }
    let mut rounds = 0;
    while scene.deliver(usize::MAX, 7).await > 0 {
        rounds += 1;
        assert!(rounds < 10 * steps.len() + 10, "deliveries go round in circles");
    }
    assert_eq!(scene.queue().await, [], "everything drains");
    assert_eq!(scene.directory.entries, scene.stored().await, "both ends are equal");
    scene.directory.entries
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, max_shrink_iters: 100, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn g05_g06_folded_or_not_in_any_free_order_deliveries_end_in_the_same_state(steps in vec(step(), 1..40)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let unfolded = end(&steps, Schedule::AtOnce).await;
            assert_eq!(end(&steps, Schedule::AtTheEnd).await, unfolded);
            assert_eq!(end(&steps, Schedule::Mixed).await, unfolded);
        });
    }
}
