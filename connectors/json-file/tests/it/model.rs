//! Any sequence of changes, batches and restarts leaves what a simple model says, in both modes and to the byte.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use proptest::prelude::*;
use scim_connector::{
    Change, Desired, MemberRef, Members, ResourceId, ResourceRef,
    testkit::{FixedMembers, Found, change, group, user},
};
use serde_json::json;

use crate::{
    bed::{Bed, with_members},
    file_reader::State,
};

#[derive(Clone, Debug)]
enum Step {
    Present { number: u128, title: u8, active: bool },
    Join { number: u128, add: BTreeSet<u128>, remove: BTreeSet<u128> },
    Full { number: u128, members: BTreeSet<u128> },
    Disable { number: u128 },
    Aside { number: u128 },
    Remove { number: u128 },
    Restart,
}

const USERS: u128 = 4;

/// Users are 0 to 3, groups 4 and 5.
fn resource(number: u128) -> ResourceRef {
    if number < USERS { user(number) } else { group(number) }
}

fn step() -> impl Strategy<Value = Step> {
    let members = || prop::collection::btree_set(0..USERS, 0..4);
    prop_oneof![
        (0..6_u128, 0..3_u8, any::<bool>()).prop_map(|(number, title, active)| Step::Present { number, title, active }),
        (USERS..6, members(), members()).prop_map(|(number, add, remove)| Step::Join {
            number,
            remove: remove.difference(&add).copied().collect(),
            add
        }),
        (USERS..6, members()).prop_map(|(number, members)| Step::Full { number, members }),
        (0..6_u128).prop_map(|number| Step::Disable { number }),
        (0..6_u128).prop_map(|number| Step::Aside { number }),
        (0..6_u128).prop_map(|number| Step::Remove { number }),
        Just(Step::Restart),
    ]
}

fn refs(numbers: &BTreeSet<u128>) -> Vec<MemberRef> {
    numbers.iter().map(|number| MemberRef { resource: user(*number), remote: None }).collect()
}

fn ids(numbers: &BTreeSet<u128>) -> BTreeSet<ResourceId> {
    numbers.iter().map(|number| user(*number).id).collect()
}

/// What is there, and whether it is set aside, by number.
type Model = BTreeMap<u128, (bool, Found)>;

/// The change of a step, and the step on the model. `None` for a restart.
fn take(step: &Step, version: u64, model: &mut Model) -> Option<Change> {
    let put = |model: &mut Model, number, title: &str, active| {
        let (is_aside, found) = model.entry(number).or_default();
        *is_aside = false;
        found.attributes.insert("title".into(), title.into());
        found.active = active;
    };
    match step {
        Step::Restart => None,
        Step::Present { number, title, active } => {
            let title = title.to_string();
            put(model, *number, &title, *active);
            let mut change = with_members(&resource(*number), version, &title, Members::Unchanged);
            if let Desired::Present { active: desired, .. } = &mut change.desired {
                *desired = *active;
            }
            Some(change)
        }
        Step::Join { number, add, remove } => {
            put(model, *number, "group", true);
            let members = &mut model.get_mut(number).unwrap().1.members;
            members.extend(ids(add));
            members.retain(|id| !ids(remove).contains(id));
            let delta = Members::Delta { add: refs(add), remove: refs(remove) };
            Some(with_members(&resource(*number), version, "group", delta))
        }
        Step::Full { number, members } => {
            put(model, *number, "group", true);
            model.get_mut(number).unwrap().1.members = ids(members);
            let full = Members::Full(Arc::new(FixedMembers(refs(members))));
            Some(with_members(&resource(*number), version, "group", full))
        }
        Step::Disable { number } => {
            if let Some((_, found)) = model.get_mut(number) {
                found.active = false;
            }
            Some(change(&resource(*number), version, Desired::Disabled))
        }
        Step::Aside { number } => {
            if let Some((is_aside, found)) = model.get_mut(number) {
                *is_aside = true;
                found.active = false;
            }
            Some(change(&resource(*number), version, Desired::Aside))
        }
        Step::Remove { number } => {
            if model.remove(number).is_some() {
                for (_, found) in model.values_mut() {
                    found.members.remove(&resource(*number).id);
                }
            }
            Some(change(&resource(*number), version, Desired::Absent))
        }
    }
}

async fn play(mode: &str, steps: &[Step]) -> (State, Model) {
    let bed = Bed::new(json!({ "mode": mode, "journal-changes-max": 3 }));
    let mut connector = bed.connect();
    let mut model = Model::new();
    for (step, version) in steps.iter().zip(1..) {
        match take(step, version, &mut model) {
            None => {
                drop(connector);
                connector = bed.connect();
            }
            Some(change) => {
                // Twice, as after a lost confirmation.
                for _ in 0..2 {
                    connector.apply(std::slice::from_ref(&change)).await.remove(0).unwrap();
                }
            }
        }
        let state = State::read(&bed.path("users.json"));
        let in_use = |number| Some((number, (false, state.found(&resource(number))?)));
        let set_aside = |number| Some((number, (true, state.found_aside(&resource(number))?)));
        // Chained, so that one in both places would be one too many.
        let found: Vec<_> = (0..6).flat_map(|number| in_use(number).into_iter().chain(set_aside(number))).collect();
        let model: Vec<_> = model.clone().into_iter().collect();
        assert_eq!(model, found, "{mode}, after {step:?}");
    }
    (State::read(&bed.path("users.json")), model)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn the_file_equals_the_model_in_both_modes(steps in prop::collection::vec(step(), 1..24)) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let (_, snapshot) = runtime.block_on(play("snapshot", &steps));
        let (_, journal) = runtime.block_on(play("journal", &steps));
        prop_assert_eq!(snapshot, journal);
    }

    #[test]
    fn the_same_state_gives_the_same_bytes_in_whatever_order_it_came(
        order in Just((0..6_u128).collect::<Vec<_>>()).prop_shuffle(),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let text = |order: &[u128]| {
            let bed = Bed::new(json!({}));
            let batch: Vec<_> = order
                .iter()
                .map(|number| {
                    let members = Members::Delta { add: refs(&(0..USERS).collect()), remove: vec![] };
                    with_members(&resource(*number), 1, &number.to_string(), members)
                })
                .collect();
            let outcomes = runtime.block_on(async { bed.connect().apply(&batch).await });
            assert!(outcomes.iter().all(Result::is_ok));
            bed.text()
        };
        prop_assert_eq!(text(&order), text(&[0, 1, 2, 3, 4, 5]));
    }
}
