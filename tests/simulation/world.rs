//! A relay, its clients, its operator and the systems downstream, all as one seed has it.

mod promises;

use std::{
    collections::BTreeSet,
    fs,
    path::Path,
    sync::{Arc, Mutex, atomic::Ordering},
    time::Duration,
};

use scim_connector::{Limits, ResourceId};
use scim_relay::{
    dispatch::Settings,
    operator::ConnectorControl as _,
    store::{Brake, ConnectorName, ConnectorState, QueueSelection, StagedSelection},
    time::{Clock, Timestamp},
};
use tempfile::TempDir;
use tokio::task::JoinHandle;

use crate::{
    Mutant,
    downstream::{Simulated, System, Weather},
    life::{CONNECTORS, Life, Said},
    model::{Act, Model},
    rng::Rng,
    shaken::Shaker,
    trace::Trace,
};

const START: Timestamp = Timestamp(1_800_000_000_000);

/// How many things happen before all is mended.
const STEPS: usize = 40;

/// What a run saw.
#[derive(Clone, Copy, Default, Debug)]
pub(crate) struct Seen {
    pub(crate) acknowledged: u64,
    pub(crate) unknown: u64,
    pub(crate) landed: u64,
    pub(crate) failed: u64,
    pub(crate) store_failed: u64,
    pub(crate) crashes: u64,
}

impl std::ops::AddAssign for Seen {
    fn add_assign(&mut self, other: Self) {
        self.acknowledged += other.acknowledged;
        self.unknown += other.unknown;
        self.landed += other.landed;
        self.failed += other.failed;
        self.store_failed += other.store_failed;
        self.crashes += other.crashes;
    }
}

/// How a life ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum End {
    Crash,
    Restart,
    Finished,
}

pub(crate) struct World {
    rng: Rng,
    folder: TempDir,
    /// Whether nothing is refused, discarded or withheld for good, so that order is owed to the letter.
    strict: bool,
    brake: Brake,
    mutant: Mutant,
    shaker: Arc<Shaker>,
    connector_rng: Arc<Mutex<Rng>>,
    pub(crate) systems: Vec<Arc<Mutex<System>>>,
    pub(crate) trace: Arc<Trace>,
    now: Timestamp,
    model: Model,
    /// What was asked for and not answered when the relay was gone.
    doubts: Vec<Act>,
    /// What an operator discarded: it is owed no more before it changes again.
    discarded: BTreeSet<ResourceId>,
    /// Changes that may each cost a row of their own, because a name changed hands.
    conflicts: usize,
    steps_left: usize,
    seen: Seen,
}

/// Runs a seed to its end; what was seen, or the first promise that did not hold.
pub(crate) fn run(seed: u64, mutant: Mutant) -> (Result<Seen, String>, Arc<Trace>) {
    let mut world = World::new(seed, mutant);
    let result = world.run();
    (result, world.trace)
}

impl World {
    fn new(seed: u64, mutant: Mutant) -> Self {
        let mut rng = Rng::new(seed);
        // Memory, where there is such a file system: what a sync is worth is another test's subject.
        let memory = Path::new("/dev/shm");
        let folder = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() }.unwrap();
        let strict = rng.below(2) == 0;
        let brake = match rng.below(3) {
            0 if !strict => Brake { removals_min: 1, percent: 10, window_seconds: 600 },
            _ => Brake { removals_min: u32::MAX, ..Brake::default() },
        };
        let systems = CONNECTORS.map(|_| {
            let limits = Limits {
                batch_max: 1 + rng.index(3),
                in_flight_max: 1 + rng.index(4),
                linger_ms: if rng.below(4) == 0 { 200 } else { 0 },
            };
            Arc::new(Mutex::new(System::new(strict, limits, mutant)))
        });
        Self {
            shaker: Shaker::new(rng.fork(), mutant),
            connector_rng: Arc::new(Mutex::new(rng.fork())),
            rng,
            folder,
            strict,
            brake,
            mutant,
            systems: systems.to_vec(),
            trace: Arc::default(),
            now: START,
            model: Model::default(),
            doubts: Vec::new(),
            discarded: BTreeSet::new(),
            conflicts: 0,
            steps_left: STEPS,
            seen: Seen::default(),
        }
    }

    fn run(&mut self) -> Result<Seen, String> {
        loop {
            let runtime =
                tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
            self.keep_copy(false);
            let end = runtime.block_on(self.live())?;
            // All that ran is gone with it, wherever it was.
            drop(runtime);
            match end {
                End::Finished => break,
                End::Restart => {}
                End::Crash => {
                    self.seen.crashes += 1;
                    self.keep_copy(true);
                }
            }
        }
        for system in &self.systems {
            let system = system.lock().unwrap();
            self.seen.landed += system.landed;
            self.seen.failed += system.failed;
        }
        self.seen.store_failed = self.shaker.failed.load(Ordering::Relaxed);
        Ok(self.seen)
    }

    /// For the mutant whose disk forgets in a crash what it was given since the last start.
    fn keep_copy(&self, back: bool) {
        if self.mutant != Mutant::LosesWhatItSynced {
            return;
        }
        let (live, copy) = (self.folder.path().join("data"), self.folder.path().join("copy"));
        let (from, to) = if back { (copy, live) } else { (live, copy) };
        fs::create_dir_all(&to).unwrap();
        for name in ["relay.db", "relay.db-wal", "relay.db-shm"] {
            let _ = fs::remove_file(to.join(name));
            if from.join(name).exists() {
                fs::copy(from.join(name), to.join(name)).unwrap();
            }
        }
    }

    /// One life of the relay.
    async fn live(&mut self) -> Result<End, String> {
        let connectors = CONNECTORS.iter().zip(&self.systems).map(|((name, _), system)| Simulated {
            name,
            system: system.clone(),
            rng: self.connector_rng.clone(),
            trace: self.trace.clone(),
        });
        let clock = Clock::of_runtime(self.now);
        let settings = Settings { attempts_max: if self.strict { u32::MAX } else { 3 }, ..Settings::default() };
        let data_dir = self.folder.path().join("data");
        let life = Life::begin(&data_dir, clock, self.brake, settings, self.shaker.clone(), connectors.collect()).await;
        for act in std::mem::take(&mut self.doubts) {
            self.settle_doubt(&life, &act).await?;
        }
        self.check(&life).await?;
        while self.steps_left > 0 {
            self.steps_left -= 1;
            let end = self.step(&life).await?;
            self.now = life.clock.now();
            match end {
                None => self.check(&life).await?,
                Some(End::Restart) => {
                    self.trace.push("restart".to_owned());
                    life.end().await;
                    return Ok(End::Restart);
                }
                Some(end) => return Ok(end),
            }
        }
        self.finish(&life).await?;
        life.end().await;
        Ok(End::Finished)
    }

    async fn step(&mut self, life: &Life) -> Result<Option<End>, String> {
        match self.rng.below(100) {
            0..=54 => {
                let acts = self.acts();
                let answers = self.ask(life, &acts);
                for (act, answer) in acts.iter().zip(answers) {
                    let said = answer.await.unwrap();
                    self.answered(life, act, said).await?;
                }
            }
            55..=58 => {
                for act in self.model.swap(&mut self.rng) {
                    if self.model.there.contains_key(&act.resource().unwrap()) && !self.model.is_taken(&act) {
                        let said = self.ask(life, std::slice::from_ref(&act)).remove(0).await.unwrap();
                        self.answered(life, &act, said).await?;
                    }
                }
            }
            59..=74 => {
                let ms = [3, 70, 2_000, 30_000, 400_000][self.rng.index(5)];
                self.trace.push(format!("{ms} ms pass"));
                tokio::time::sleep(Duration::from_millis(ms)).await;
            }
            75..=81 => self.operate(life).await,
            82..=84 => {
                let by_ms = i64::try_from(self.rng.below(7_200_000)).unwrap() - 3_600_000;
                self.trace.push(format!("the clock jumps by {by_ms} ms"));
                life.clock.jump(by_ms);
            }
            85..=91 => {
                let percent = [0, 0, 10, 50, 100][self.rng.index(5)];
                self.shaker.percent.store(percent, Ordering::Relaxed);
                let weathers: Vec<Weather> = (0..self.systems.len())
                    .map(|_| [Weather::Fine, Weather::Foul, Weather::Foul, Weather::Dead][self.rng.index(4)])
                    .collect();
                for (system, weather) in self.systems.iter().zip(&weathers) {
                    system.lock().unwrap().weather = *weather;
                }
                self.trace.push(format!("{percent} % of the store's calls fail, systems are {weathers:?}"));
            }
            92..=96 => return Ok(Some(self.crash(life).await?)),
            _ => return Ok(Some(End::Restart)),
        }
        Ok(None)
    }

    /// What clients ask for at once: at most one thing that may get in another's way, and nothing twice.
    fn acts(&mut self) -> Vec<Act> {
        let mut acts: Vec<Act> = Vec::new();
        for _ in 0..=self.rng.below(4) {
            let Some(act) = self.model.choose(&mut self.rng) else { continue };
            let alone = acts.iter().chain([&act]).any(Act::is_alone);
            let twice = acts.iter().any(|other| other.resource() == act.resource());
            if acts.is_empty() || (!alone && !twice) {
                acts.push(act);
            }
        }
        acts
    }

    fn ask(&self, life: &Life, acts: &[Act]) -> Vec<JoinHandle<Said>> {
        acts.iter().map(|act| life.ask(act, self.is_group(act))).collect()
    }

    fn is_group(&self, act: &Act) -> bool {
        match act {
            Act::Create { is_group, .. } => *is_group,
            _ => self.model.there[&act.resource().unwrap()].is_group,
        }
    }

    async fn answered(&mut self, life: &Life, act: &Act, said: Said) -> Result<(), String> {
        let is_taken = self.model.is_taken(act);
        self.trace.push(format!(
            "{}: {}",
            self.show(act),
            match said {
                Said::Done(id) => format!("done, {}", self.trace.nth(id)),
                other => format!("{other:?}"),
            }
        ));
        match said {
            Said::Done(_) if is_taken => Err(format!("{act:?}: acknowledged although the name is taken")),
            Said::Done(id) => {
                self.seen.acknowledged += 1;
                self.done(act, id);
                Ok(())
            }
            Said::Refused(409) if is_taken => Ok(()),
            Said::Refused(status) => Err(format!("{act:?}: refused with {status}")),
            Said::Unknown => {
                self.seen.unknown += 1;
                self.settle_doubt(life, act).await
            }
        }
    }

    fn show(&self, act: &Act) -> String {
        let nth = |id: &ResourceId| self.trace.nth(*id);
        match act {
            Act::Create { is_group, name } => format!("create {name}, group {is_group}"),
            Act::Rename(id, name) => format!("rename {} to {name}", nth(id)),
            Act::Title(id, title) => format!("{} gets {title}", nth(id)),
            Act::Active(id, active) => format!("{} is active {active}", nth(id)),
            Act::Delete(id) => format!("delete {}", nth(id)),
            Act::AddMember(group, id) => format!("add {} to {}", nth(id), nth(group)),
            Act::RemoveMember(group, id) => format!("remove {} from {}", nth(id), nth(group)),
            Act::Members(group, ids) => {
                format!("members of {}: {:?}", nth(group), ids.iter().map(nth).collect::<Vec<_>>())
            }
        }
    }

    fn done(&mut self, act: &Act, id: ResourceId) {
        if act.is_alone() {
            self.conflicts += 1;
        }
        if matches!(act, Act::Delete(_)) && self.model.there[&id].is_group {
            self.systems.iter().for_each(|system| {
                system.lock().unwrap().leaving.insert(id);
            });
        }
        // What changes nothing is no change, and nothing is owed anew.
        if matches!(act, Act::Create { .. } | Act::Delete(_)) || self.model.after(act) != self.model.there[&id] {
            self.discarded.remove(&id);
        }
        self.model.done(act, id);
    }

    /// What was answered 5xx, or not at all, was done or not: the store says which, and it stays.
    async fn settle_doubt(&mut self, life: &Life, act: &Act) -> Result<(), String> {
        let is_group = self.is_group(act);
        let done = match act {
            Act::Create { name, .. } => {
                let found = life.named(is_group, name).await.filter(|_| !self.model.is_taken(act));
                found.map(|stored| stored.id)
            }
            Act::Delete(id) => life.read(*id, is_group).await.is_none().then_some(*id),
            _ => {
                let id = act.resource().unwrap();
                let stored = life.read(id, is_group).await.map(|(_, stored)| stored);
                let (before, after) = (self.model.there[&id].clone(), self.model.after(act));
                match stored {
                    Some(stored) if stored == after => Some(id),
                    Some(stored) if stored == before => None,
                    stored => return Err(format!("{}: neither done nor not: {stored:?}", self.show(act))),
                }
            }
        };
        self.trace.push(format!("in doubt: {}: done {}", self.show(act), done.is_some()));
        if let Some(id) = done {
            self.done(act, id);
        }
        Ok(())
    }

    /// The process is gone in the middle of what it does.
    async fn crash(&mut self, life: &Life) -> Result<End, String> {
        let acts = self.acts();
        let answers = self.ask(life, &acts);
        for _ in 0..self.rng.below(12) {
            tokio::task::yield_now().await;
        }
        if self.rng.below(2) == 0 {
            tokio::time::sleep(Duration::from_millis(self.rng.below(60))).await;
        }
        for (act, answer) in acts.into_iter().zip(answers) {
            if answer.is_finished() {
                let said = answer.await.unwrap();
                self.answered(life, &act, said).await?;
            } else {
                self.doubts.push(act);
            }
        }
        self.trace.push(format!("crash, {} in doubt", self.doubts.len()));
        Ok(End::Crash)
    }

    /// What an operator does. The store may be full: then it fails, and nothing has happened.
    async fn operate(&mut self, life: &Life) {
        let name = ConnectorName(CONNECTORS[self.rng.index(CONNECTORS.len())].0.into());
        let now = life.clock.now();
        let state = |state| life.shaken.set_connector_state(&name, state);
        let done = match self.rng.below(6) {
            0 => state(ConnectorState::Paused).await.is_ok(),
            1 | 2 => state(ConnectorState::Active).await.is_ok(),
            3 => life.shaken.queue_retry(&QueueSelection::default(), now).await.is_ok(),
            4 if !self.strict => {
                let queue = life.store.queue(&QueueSelection::default(), now, 1_000).await.unwrap();
                if queue.is_empty() {
                    return;
                }
                let entry = &queue[self.rng.index(queue.len())];
                let selection = QueueSelection { id: Some(entry.id), ..QueueSelection::default() };
                let discarded = life.shaken.queue_discard(&selection, now).await.is_ok();
                if discarded {
                    self.discarded.insert(entry.resource.parse().unwrap());
                }
                discarded
            }
            _ => life.shaken.release_staged(&StagedSelection::default()).await.is_ok(),
        };
        life.dispatcher.wake(&name);
        self.trace.push(format!("the operator acts on {}: {done}", name.0));
    }
}
