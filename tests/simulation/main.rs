//! Simulation: the real engine, store and dispatcher on one thread with a clock of their own, while clients, operators,
//! failing disks, crashes, jumping clocks and systems downstream do what one seed has them do. After every step, and once
//! all is mended, the promises of `docs/guarantees.md` are checked.
//!
//! `SEEDS` is how many seeds are run (40 unless told), `SEED` runs that one alone and prints what happened. `CHANGES` is
//! how many changes are made in an outage (10,000 unless told).
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a test may stop at the first surprise, tells how it went, and reads its environment and real time"
)]

mod downstream;
mod life;
mod model;
mod outage;
#[path = "../crash/rng.rs"]
mod rng;
mod shaken;
mod trace;
mod world;

use std::{env, thread, time::Instant};

use world::Seen;

/// A promise that is broken on purpose, to show that the simulation sees it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Mutant {
    None,
    /// The store offers what is in a call already.
    ForgetsWhatIsUnderWay,
    /// The store offers a state that was told long ago.
    TellsAnOlderState,
    /// The store never offers a deletion.
    WithholdsDeletions,
    /// The dispatcher's failures are recorded as successes.
    ConfirmsWhatFailed,
    /// The connector says that it did what it never did.
    ConfirmsWhatItNeverDid,
    /// A crash takes back what was acknowledged.
    LosesWhatItSynced,
}

fn number(variable: &str) -> Option<u64> {
    env::var(variable).ok().map(|text| text.parse().unwrap())
}

/// Runs a seed; tells what happened before a promise broke.
fn run(seed: u64) -> Seen {
    let (result, trace) = world::run(seed, Mutant::None);
    result.unwrap_or_else(|broken| {
        let lines = trace.lines();
        let last = lines.len().saturating_sub(80);
        panic!(
            "{}\n\nseed {seed}: {broken}\nto repeat it: SEED={seed} cargo test --test simulation g01 -- --nocapture\n",
            lines[last..].join("\n")
        )
    })
}

#[test]
fn g01_g02_g05_g06_g11_g17_whatever_fails_nothing_is_lost_or_late_and_both_ends_are_equal() {
    if let Some(seed) = number("SEED") {
        let (result, trace) = world::run(seed, Mutant::None);
        println!("{}\n{result:?}", trace.lines().join("\n"));
        result.unwrap();
        return;
    }
    let (seeds, threads, began) = (number("SEEDS").unwrap_or(40), 2, Instant::now());
    let share = |first: u64| {
        let mut seen = Seen::default();
        (first..seeds).step_by(threads).for_each(|seed| seen += run(seed));
        seen
    };
    let seen = thread::scope(|scope| {
        let running: Vec<_> = (0..threads as u64).map(|first| scope.spawn(move || share(first))).collect();
        let mut seen = Seen::default();
        running.into_iter().for_each(|share| seen += share.join().unwrap());
        seen
    });
    println!("{seeds} seeds in {:.1} s: {seen:?}", began.elapsed().as_secs_f64());
    // Otherwise it proves nothing.
    assert!(seen.acknowledged > 10 * seeds && seen.landed > 10 * seeds && seen.failed > seeds, "{seen:?}");
    assert!(seen.unknown > seeds / 2 && seen.store_failed > seeds && seen.crashes > seeds / 2, "{seen:?}");
}

#[test]
fn the_same_seed_is_the_same_run() {
    for seed in 1_000..1_006 {
        let [one, other] = [(); 2].map(|()| world::run(seed, Mutant::None).1);
        assert!(one.lines().len() > 40);
        assert_eq!(one.lines(), other.lines(), "seed {seed}");
    }
}

#[tokio::test(start_paused = true)]
async fn g09_what_an_outage_of_an_hour_costs_is_bounded_by_resources_and_both_ends_are_equal() {
    outage::run(usize::try_from(number("CHANGES").unwrap_or(10_000)).unwrap()).await;
}

fn is_caught(mutant: Mutant) {
    let caught = (0..300).find_map(|seed| world::run(seed, mutant).0.err().map(|broken| (seed, broken)));
    println!("{mutant:?}: {caught:?}");
    assert!(caught.is_some(), "{mutant:?} is not seen");
}

#[test]
fn a_store_that_forgets_what_is_under_way_is_caught() {
    is_caught(Mutant::ForgetsWhatIsUnderWay);
}

#[test]
fn g05_a_store_that_tells_an_older_state_is_caught() {
    is_caught(Mutant::TellsAnOlderState);
}

#[test]
fn a_store_that_withholds_deletions_is_caught() {
    is_caught(Mutant::WithholdsDeletions);
}

#[test]
fn g06_a_store_that_confirms_what_failed_is_caught() {
    is_caught(Mutant::ConfirmsWhatFailed);
}

#[test]
fn a_connector_that_confirms_what_it_never_did_is_caught() {
    is_caught(Mutant::ConfirmsWhatItNeverDid);
}

#[test]
fn g01_a_disk_that_loses_what_it_synced_is_caught() {
    is_caught(Mutant::LosesWhatItSynced);
}
