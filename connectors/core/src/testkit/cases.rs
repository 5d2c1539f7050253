//! The cases, each a sentence of the contract.

use std::sync::Arc;

use serde_json::{Value, json};

use super::{FixedMembers, Fixture, Found, aside, attribute, change, disabled, gone, group, present, user};
use crate::{
    Applied, Change, Connector, Effect, MappedAttributes, MappedValue, MemberRef, Members, RemoteState, ResourceRef,
    WriteRule,
};

/// A connector, and what the relay would remember between changes.
struct Session<'a> {
    fixture: &'a dyn Fixture,
    connector: Box<dyn Connector>,
    case: &'static str,
}

impl<'a> Session<'a> {
    fn new(fixture: &'a dyn Fixture, case: &'static str) -> Self {
        Self { fixture, connector: fixture.connect(), case }
    }

    /// Drops the connector and makes a new one.
    fn restart(self) -> Self {
        let Self { fixture, connector, case } = self;
        drop(connector);
        Self::new(fixture, case)
    }

    async fn apply(&self, change: Change) -> Applied {
        let mut outcomes = self.connector.apply(std::slice::from_ref(&change)).await;
        assert_eq!(outcomes.len(), 1, "{}: one change has one outcome", self.case);
        match outcomes.remove(0) {
            Ok(applied) => applied,
            Err(error) => panic!("{}: {} is refused: {error}", self.case, change.id),
        }
    }

    /// Applies with what the last change left.
    async fn follow(&self, change: Change, remote: &Option<RemoteState>) -> Applied {
        self.apply(Change { remote: remote.clone(), ..change }).await
    }

    async fn found(&self, resource: &ResourceRef) -> Found {
        match self.fixture.read(resource).await {
            Some(found) => found,
            None => panic!("{}: the entry of {} is not there", self.case, resource.id),
        }
    }

    async fn is_there(&self, resource: &ResourceRef) -> bool {
        self.fixture.read(resource).await.is_some()
    }

    /// The required attributes and the single-valued one.
    fn attributes(&self, resource: &ResourceRef, text: &str) -> MappedAttributes {
        self.attributes_with(resource, self.fixture.single_attribute(), MappedValue::Single(text.into()))
    }

    fn attributes_with(&self, resource: &ResourceRef, name: &str, value: MappedValue) -> MappedAttributes {
        let mut attributes = self.fixture.required(&resource.kind, resource.id);
        attributes.insert(name.to_owned(), attribute(value, WriteRule::Always));
        attributes
    }

    async fn create(&self, resource: &ResourceRef, members: Members) -> Option<RemoteState> {
        let applied = self.apply(change(resource, 1, present(self.attributes(resource, "one"), members))).await;
        assert_eq!(applied.effect, Effect::Created, "{}: {} is new", self.case, resource.id);
        assert!(applied.remote.is_some(), "{}: an entry that is there is remembered", self.case);
        applied.remote
    }

    async fn single(&self, resource: &ResourceRef) -> Option<Value> {
        self.found(resource).await.attributes.get(self.fixture.single_attribute()).cloned()
    }
}

fn member(resource: &ResourceRef, remote: &Option<RemoteState>) -> MemberRef {
    MemberRef { resource: resource.clone(), remote: remote.clone() }
}

fn delta(add: Vec<MemberRef>, remove: Vec<MemberRef>) -> Members {
    Members::Delta { add, remove }
}

pub(super) async fn applying_twice_is_applying_once(fixture: &dyn Fixture) {
    let session = Session::new(fixture, "applying twice is applying once");
    let ada = user(0x0101);
    let first = change(&ada, 1, present(session.attributes(&ada, "one"), Members::Unchanged));
    let remote = session.apply(first.clone()).await.remote;
    let found = session.found(&ada).await;

    // Once as a retry whose confirmation was lost, once as one whose confirmation came.
    let again = session.apply(first.clone()).await;
    assert!(again.remote.is_some(), "{}", session.case);
    assert_eq!(session.found(&ada).await, found, "{}", session.case);
    let again = session.follow(first, &remote).await;
    assert_eq!(again.effect, Effect::Unchanged, "{}", session.case);
    assert_eq!(session.found(&ada).await, found, "{}", session.case);
}

pub(super) async fn updates_land(fixture: &dyn Fixture) {
    let session = Session::new(fixture, "updates land");
    let ada = user(0x0201);
    let remote = session.create(&ada, Members::Unchanged).await;
    let update = change(&ada, 2, present(session.attributes(&ada, "two"), Members::Unchanged));
    assert_eq!(session.follow(update, &remote).await.effect, Effect::Updated, "{}", session.case);
    assert_eq!(session.single(&ada).await, Some(json!("two")), "{}", session.case);
}

pub(super) async fn an_absent_attribute_is_removed(fixture: &dyn Fixture) {
    let session = Session::new(fixture, "an absent attribute is removed");
    let ada = user(0x0301);
    let remote = session.create(&ada, Members::Unchanged).await;
    let absent = session.attributes_with(&ada, fixture.single_attribute(), MappedValue::Absent);
    for version in [2, 3] {
        session.follow(change(&ada, version, present(absent.clone(), Members::Unchanged)), &remote).await;
        assert_eq!(session.single(&ada).await, None, "{}", session.case);
    }
}

pub(super) async fn a_multi_valued_attribute_holds_exactly_its_values(fixture: &dyn Fixture) {
    let session = Session::new(fixture, "a multi-valued attribute holds exactly its values");
    let ada = user(0x0401);
    let mut remote = session.create(&ada, Members::Unchanged).await;
    let name = fixture.multi_attribute();
    let sets: [&[&str]; 4] =
        [&["b@example.org", "a@example.org"], &["c@example.org", "a@example.org"], &["c@example.org"], &[]];
    for (set, version) in sets.iter().zip(2..) {
        let value = match set {
            [] => MappedValue::Absent,
            values => MappedValue::Multi(values.iter().map(|value| Value::from(*value)).collect()),
        };
        let attributes = session.attributes_with(&ada, name, value);
        remote = session.follow(change(&ada, version, present(attributes, Members::Unchanged)), &remote).await.remote;
        let found = session.found(&ada).await;
        let mut held: Vec<&str> = match found.attributes.get(name) {
            None => Vec::new(),
            Some(Value::Array(values)) => values.iter().filter_map(Value::as_str).collect(),
            Some(value) => value.as_str().into_iter().collect(),
        };
        held.sort_unstable();
        let mut expected = set.to_vec();
        expected.sort_unstable();
        assert_eq!(held, expected, "{}", session.case);
    }
}

pub(super) async fn write_once_and_create_only_keep_what_is_there(fixture: &dyn Fixture) {
    let session = Session::new(fixture, "write-once and create-only keep what is there");
    for (write, number, lands_on_empty) in [(WriteRule::Once, 0x0501, true), (WriteRule::OnCreate, 0x0502, false)] {
        let ada = user(number);
        let name = fixture.single_attribute();
        let with = |text: &str, write| {
            let mut attributes = fixture.required(&ada.kind, ada.id);
            attributes.insert(name.to_owned(), attribute(MappedValue::Single(text.into()), write));
            present(attributes, Members::Unchanged)
        };
        let mut remote = session.apply(change(&ada, 1, with("one", write))).await.remote;
        assert_eq!(session.single(&ada).await, Some(json!("one")), "{}: {write:?} writes at first", session.case);
        remote = session.follow(change(&ada, 2, with("two", write)), &remote).await.remote;
        assert_eq!(session.single(&ada).await, Some(json!("one")), "{}: {write:?} writes no more", session.case);

        let cleared = session.attributes_with(&ada, name, MappedValue::Absent);
        remote = session.follow(change(&ada, 3, present(cleared, Members::Unchanged)), &remote).await.remote;
        session.follow(change(&ada, 4, with("four", write)), &remote).await;
        let expected = lands_on_empty.then(|| json!("four"));
        assert_eq!(session.single(&ada).await, expected, "{}: {write:?} on an empty attribute", session.case);
    }
}

pub(super) async fn members_are_added_and_removed_once(fixture: &dyn Fixture) {
    let session = Session::new(fixture, "members are added and removed once");
    let (ada, bob, staff) = (user(0x0601), user(0x0602), group(0x0603));
    let ada_remote = session.create(&ada, Members::Unchanged).await;
    let bob_remote = session.create(&bob, Members::Unchanged).await;
    let (ada_member, bob_member) = (member(&ada, &ada_remote), member(&bob, &bob_remote));
    let mut remote = session.create(&staff, delta(vec![ada_member.clone()], vec![])).await;

    let steps = [
        (delta(vec![bob_member.clone()], vec![]), vec![ada.id, bob.id]),
        (delta(vec![bob_member.clone(), ada_member.clone()], vec![]), vec![ada.id, bob.id]),
        (Members::Unchanged, vec![ada.id, bob.id]),
        (delta(vec![], vec![ada_member.clone()]), vec![bob.id]),
        (delta(vec![], vec![ada_member.clone()]), vec![bob.id]),
        (delta(vec![ada_member], vec![bob_member]), vec![ada.id]),
    ];
    for ((members, expected), version) in steps.into_iter().zip(2..) {
        let desired = present(session.attributes(&staff, "one"), members);
        remote = session.follow(change(&staff, version, desired), &remote).await.remote;
        let held: Vec<_> = session.found(&staff).await.members.into_iter().collect();
        assert_eq!(held, expected, "{}: version {version}", session.case);
    }
}

pub(super) async fn full_members_are_the_only_members(fixture: &dyn Fixture) {
    let session = Session::new(fixture, "full members are the only members");
    let staff = group(0x0700);
    let mut all = Vec::new();
    for number in 0x0701..0x0706 {
        let remote = session.create(&user(number), Members::Unchanged).await;
        all.push(member(&user(number), &remote));
    }
    let mut remote = session.create(&staff, delta(all.iter().take(2).cloned().collect(), vec![])).await;
    for (skip, version) in [(0, 2), (1, 3), (1, 4), (4, 5)] {
        let members: Vec<_> = all.iter().skip(skip).cloned().collect();
        let expected: Vec<_> = members.iter().map(|member| member.resource.id).collect();
        let desired = present(session.attributes(&staff, "one"), Members::Full(Arc::new(FixedMembers(members))));
        remote = session.follow(change(&staff, version, desired), &remote).await.remote;
        let held: Vec<_> = session.found(&staff).await.members.into_iter().collect();
        assert_eq!(held, expected, "{}: version {version}", session.case);
    }
}

pub(super) async fn a_disabled_entry_stays_and_can_be_enabled(fixture: &dyn Fixture) {
    let session = Session::new(fixture, "a disabled entry stays and can be enabled");
    let ada = user(0x0801);
    let mut remote = session.create(&ada, Members::Unchanged).await;
    for version in [2, 3] {
        remote = session.follow(disabled(&ada, version), &remote).await.remote;
        let found = session.found(&ada).await;
        assert!(!found.active || !fixture.shows_active(), "{}", session.case);
        assert_eq!(session.single(&ada).await, Some(json!("one")), "{}", session.case);
    }
    let enabled = change(&ada, 4, present(session.attributes(&ada, "one"), Members::Unchanged));
    session.follow(enabled, &remote).await;
    assert!(session.found(&ada).await.active, "{}", session.case);

    let never_there = user(0x0802);
    let applied = session.apply(disabled(&never_there, 1)).await;
    assert_eq!(applied, Applied { effect: Effect::Unchanged, remote: None }, "{}", session.case);
    assert!(!session.is_there(&never_there).await, "{}", session.case);
}

pub(super) async fn an_entry_set_aside_comes_back_as_it_was(fixture: &dyn Fixture) {
    let Some(place) = fixture.aside() else { return };
    let session = Session::new(fixture, "an entry set aside comes back as it was");
    let (ada, staff) = (user(0x0f01), group(0x0f02));
    let mut remote = session.create(&ada, Members::Unchanged).await;
    session.create(&staff, delta(vec![member(&ada, &remote)], vec![])).await;
    // The second and third time it is there already; a deletion that only disables leaves it there.
    for change in [aside(&ada, 2), aside(&ada, 2), aside(&ada, 3), disabled(&ada, 4)] {
        remote = session.follow(change, &remote).await.remote;
        assert!(remote.is_some(), "{}: an entry set aside is remembered", session.case);
        assert!(!session.is_there(&ada).await, "{}: out of the way of those in use", session.case);
        match place.read_aside(&ada).await {
            Some(found) => {
                assert!(!found.active || !fixture.shows_active(), "{}: switched off", session.case);
                let held = found.attributes.get(fixture.single_attribute());
                assert_eq!(held, Some(&json!("one")), "{}", session.case);
            }
            None => panic!("{}: the entry is not kept", session.case),
        }
    }

    let session = session.restart();
    let back = change(&ada, 5, present(session.attributes(&ada, "five"), Members::Unchanged));
    remote = session.follow(back, &remote).await.remote;
    assert_eq!(session.single(&ada).await, Some(json!("five")), "{}", session.case);
    assert!(session.found(&ada).await.active, "{}", session.case);
    assert_eq!(place.read_aside(&ada).await, None, "{}: there once, not twice", session.case);
    assert_eq!(session.found(&staff).await.members, [ada.id].into(), "{}: memberships stay", session.case);

    remote = session.follow(aside(&ada, 6), &remote).await.remote;
    let applied = session.follow(gone(&ada, 7), &remote).await;
    assert_eq!(applied, Applied { effect: Effect::Removed, remote: None }, "{}", session.case);
    assert_eq!(place.read_aside(&ada).await, None, "{}: gone from there too", session.case);
    assert!(session.found(&staff).await.members.is_empty(), "{}", session.case);

    let never_there = user(0x0f03);
    let applied = session.apply(aside(&never_there, 1)).await;
    assert_eq!(applied, Applied { effect: Effect::Unchanged, remote: None }, "{}: never there", session.case);
    assert_eq!(place.read_aside(&never_there).await, None, "{}: never there", session.case);
}

pub(super) async fn gone_twice_is_gone(fixture: &dyn Fixture) {
    let session = Session::new(fixture, "gone twice is gone");
    let ada = user(0x0901);
    let remote = session.create(&ada, Members::Unchanged).await;
    let applied = session.follow(gone(&ada, 2), &remote).await;
    assert_eq!(applied, Applied { effect: Effect::Removed, remote: None }, "{}", session.case);
    assert!(!session.is_there(&ada).await, "{}", session.case);
    // A lost confirmation is followed by the same change with the same memory.
    assert_eq!(session.follow(gone(&ada, 2), &remote).await.remote, None, "{}", session.case);
    assert_eq!(session.apply(gone(&user(0x0902), 1)).await.remote, None, "{}: never there", session.case);
}

pub(super) async fn a_deleted_resource_leaves_no_member_and_can_be_made_again(fixture: &dyn Fixture) {
    let session = Session::new(fixture, "a deleted resource leaves no member and can be made again");
    let (ada, staff) = (user(0x0a01), group(0x0a02));
    let remote = session.create(&ada, Members::Unchanged).await;
    session.create(&staff, delta(vec![member(&ada, &remote)], vec![])).await;
    session.follow(gone(&ada, 2), &remote).await;
    assert!(session.found(&staff).await.members.is_empty(), "{}", session.case);

    let back = change(&ada, 3, present(session.attributes(&ada, "three"), Members::Unchanged));
    assert_eq!(session.apply(back).await.effect, Effect::Created, "{}", session.case);
    assert_eq!(session.single(&ada).await, Some(json!("three")), "{}", session.case);
}

pub(super) async fn an_older_version_changes_nothing(fixture: &dyn Fixture) {
    if !fixture.keeps_version() {
        return;
    }
    let session = Session::new(fixture, "an older version changes nothing");
    let ada = user(0x0b01);
    let newer = change(&ada, 5, present(session.attributes(&ada, "five"), Members::Unchanged));
    let remote = session.apply(newer).await.remote;
    let older = [
        change(&ada, 4, present(session.attributes(&ada, "four"), Members::Unchanged)),
        disabled(&ada, 3),
        gone(&ada, 2),
    ];
    for change in older {
        let applied = session.follow(change, &remote).await;
        assert_eq!(applied.effect, Effect::Unchanged, "{}", session.case);
        assert_eq!(session.single(&ada).await, Some(json!("five")), "{}", session.case);
        assert!(session.found(&ada).await.active, "{}", session.case);
    }
}

pub(super) async fn a_batch_has_one_outcome_a_change_in_order(fixture: &dyn Fixture) {
    let session = Session::new(fixture, "a batch has one outcome a change, in order");
    let (ada, bob) = (user(0x0c01), user(0x0c02));
    let ada_remote = session.create(&ada, Members::Unchanged).await;
    let bob_remote = session.create(&bob, Members::Unchanged).await;
    let new = user(0x0c03);
    let mut batch = vec![
        Change { remote: ada_remote, ..gone(&ada, 2) },
        change(&new, 1, present(session.attributes(&new, "one"), Members::Unchanged)),
        Change {
            remote: bob_remote.clone(),
            ..change(&bob, 2, present(session.attributes(&bob, "two"), Members::Unchanged))
        },
        gone(&user(0x0c04), 1),
    ];
    batch.truncate(session.connector.limits().batch_max.max(1));
    let expected = [Some(Effect::Removed), Some(Effect::Created), Some(Effect::Updated), None];
    let outcomes = session.connector.apply(&batch).await;
    assert_eq!(outcomes.len(), batch.len(), "{}", session.case);
    for (outcome, effect) in outcomes.iter().zip(expected) {
        match outcome {
            Ok(applied) => assert!(effect.is_none_or(|effect| applied.effect == effect), "{}", session.case),
            Err(error) => panic!("{}: {error}", session.case),
        }
    }
    assert!(session.connector.apply(&[]).await.is_empty(), "{}: no change, no outcome", session.case);
}

pub(super) async fn a_new_connector_goes_on_where_the_last_one_was(fixture: &dyn Fixture) {
    let session = Session::new(fixture, "a new connector goes on where the last one was");
    let (ada, bob, staff) = (user(0x0d01), user(0x0d02), group(0x0d03));
    let ada_remote = session.create(&ada, Members::Unchanged).await;
    let bob_remote = session.create(&bob, Members::Unchanged).await;
    let staff_remote = session.create(&staff, delta(vec![member(&ada, &ada_remote)], vec![])).await;

    let session = session.restart();
    let update = change(&ada, 2, present(session.attributes(&ada, "two"), Members::Unchanged));
    assert_eq!(session.follow(update, &ada_remote).await.effect, Effect::Updated, "{}", session.case);
    let joins = delta(vec![member(&bob, &bob_remote)], vec![]);
    let update = change(&staff, 2, present(session.attributes(&staff, "one"), joins));
    session.follow(update, &staff_remote).await;
    assert_eq!(session.single(&ada).await, Some(json!("two")), "{}", session.case);
    assert_eq!(session.found(&staff).await.members, [ada.id, bob.id].into(), "{}", session.case);

    let session = session.restart();
    assert_eq!(session.follow(gone(&bob, 2), &bob_remote).await.effect, Effect::Removed, "{}", session.case);
    let session = session.restart();
    assert_eq!(session.found(&staff).await.members, [ada.id].into(), "{}", session.case);
}

pub(super) async fn checking_and_planning_write_nothing(fixture: &dyn Fixture) {
    let session = Session::new(fixture, "checking and planning write nothing");
    let ada = user(0x0e01);
    let new = change(&ada, 1, present(session.attributes(&ada, "one"), Members::Unchanged));
    if let Err(error) = session.connector.check().await {
        panic!("{}: check fails: {error}", session.case);
    }
    match session.connector.plan(&new).await {
        Ok(plan) => assert!(!plan.text.is_empty(), "{}: the plan says something", session.case),
        Err(error) => panic!("{}: plan fails: {error}", session.case),
    }
    assert!(!session.is_there(&ada).await, "{}", session.case);
    session.create(&ada, Members::Unchanged).await;
}
