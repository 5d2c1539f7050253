//! A long outage of one of two systems, while its people change and change again.

use std::{
    collections::BTreeMap,
    fs,
    sync::{Arc, Mutex},
    time::Duration,
};

use scim_connector::{Limits, ResourceId};
use scim_relay::{
    dispatch::Settings,
    store::{Brake, ConnectorStatus},
    time::{Clock, Timestamp},
};

use crate::{
    Mutant,
    downstream::{Simulated, System, Weather},
    life::{CONNECTORS, Life, Said},
    model::Act,
    rng::Rng,
    shaken::Shaker,
    trace::Trace,
};

const USERS: usize = 5_000;
const OUTAGE_SECONDS: usize = 3_600;

/// Changes that clients ask for at once.
const AT_ONCE: usize = 200;

/// How much memory may grow (G09).
const MEMORY_BYTES_MAX: u64 = 64 << 20;

fn memory_bytes() -> u64 {
    let statm = fs::read_to_string("/proc/self/statm").unwrap();
    statm.split(' ').nth(1).unwrap().parse::<u64>().unwrap() * 4_096
}

struct Scene {
    life: Life,
    systems: Vec<Arc<Mutex<System>>>,
    titles: BTreeMap<ResourceId, String>,
}

impl Scene {
    async fn ask(&mut self, acts: Vec<Act>) -> Vec<ResourceId> {
        let asked: Vec<_> = acts.into_iter().map(|act| (self.life.ask(&act, false), act)).collect();
        let mut ids = Vec::new();
        for (answer, act) in asked {
            let Said::Done(id) = answer.await.unwrap() else { panic!("{act:?} is not acknowledged") };
            if let Act::Title(id, title) = act {
                self.titles.insert(id, title);
            }
            ids.push(id);
        }
        ids
    }

    async fn status(&self) -> [ConnectorStatus; 2] {
        self.life.store.connectors().await.unwrap().try_into().unwrap()
    }

    /// Waits until that connector owes nothing; how many minutes it took.
    async fn drain(&self, which: usize) -> usize {
        for minutes in 0..600 {
            if self.status().await[which].pending == 0 {
                return minutes;
            }
            tokio::time::sleep(Duration::from_secs(60)).await;
        }
        panic!("does not drain");
    }
}

/// A connector is dead for an hour in which so many changes are made.
pub(crate) async fn run(changes: usize) {
    let folder = tempfile::tempdir().unwrap();
    let limits = Limits { batch_max: 20, in_flight_max: 4, linger_ms: 0 };
    let systems: Vec<_> =
        CONNECTORS.iter().map(|_| Arc::new(Mutex::new(System::new(false, limits, Mutant::None)))).collect();
    let (trace, rng) = (Arc::new(Trace::quiet()), Arc::new(Mutex::new(Rng::new(7))));
    let connectors = CONNECTORS.iter().zip(&systems).map(|((name, _), system)| Simulated {
        name,
        system: system.clone(),
        rng: rng.clone(),
        trace: trace.clone(),
    });
    let clock = Clock::of_runtime(Timestamp(1_800_000_000_000));
    let shaker = Shaker::new(Rng::new(8), Mutant::None);
    let data_dir = folder.path().join("data");
    let brake = Brake { removals_min: u32::MAX, ..Brake::default() };
    let life = Life::begin(&data_dir, clock, brake, Settings::default(), shaker, connectors.collect()).await;
    let mut scene = Scene { life, systems, titles: BTreeMap::new() };
    let mut ids = Vec::new();
    for first in (0..USERS).step_by(AT_ONCE) {
        let create = |number| Act::Create { is_group: false, name: format!("user-{number}") };
        ids.extend(scene.ask((first..first + AT_ONCE).map(create).collect()).await);
    }
    let [dead, healthy] = [0, 1];
    assert_eq!((scene.drain(dead).await, scene.drain(healthy).await), (1, 0), "both work");

    scene.systems[dead].lock().unwrap().weather = Weather::Dead;
    let (memory, mut number) = (memory_bytes(), 0);
    let rounds = changes / AT_ONCE;
    let pause = Duration::from_secs_f64(OUTAGE_SECONDS as f64 / rounds as f64);
    for round in 0..rounds {
        let mut acts = Vec::new();
        for _ in 0..AT_ONCE {
            number += 1;
            let id = ids[number * 7 % USERS];
            acts.push(match number % 10 {
                0 => Act::Active(id, number % 20 == 0),
                _ => Act::Title(id, format!("title {number}")),
            });
        }
        scene.ask(acts).await;
        tokio::time::sleep(pause).await;
        let status = scene.status().await;
        assert!(status[dead].pending <= USERS as u64, "one row a resource, not one a change: {status:?}");
        assert_eq!((status[dead].dead, status[healthy].dead), (0, 0), "an outage makes no dead letters");
        assert_eq!(status[healthy].pending, 0, "the other system is up to date in round {round}");
    }
    let grown = memory_bytes().saturating_sub(memory);
    let owed = scene.status().await[dead].pending;
    assert!(owed > USERS as u64 / 2, "an outage that nothing was owed after proves nothing: {owed}");
    assert!(grown <= MEMORY_BYTES_MAX, "memory grew by {grown} bytes");

    scene.systems[dead].lock().unwrap().weather = Weather::Fine;
    let before = scene.systems[dead].lock().unwrap().landed;
    let minutes = scene.drain(dead).await;
    let landed = scene.systems[dead].lock().unwrap().landed - before;
    println!("{number} changes: memory + {} KiB, {owed} owed, {landed} told in {minutes} min", grown >> 10);
    assert!(landed <= owed, "each is told once");
    let [one, other] = [dead, healthy].map(|which| scene.systems[which].lock().unwrap().entries.clone());
    assert_eq!(one, other, "both ends are equal");
    for (id, title) in &scene.titles {
        assert_eq!(one[id].title.as_ref(), Some(title));
    }
    assert_eq!(scene.life.store.check().await.unwrap(), []);
    scene.life.end().await;
}
