//! Kills the built binary while clients write, starts it again, and compares what it serves and delivers with a model of
//! what was acknowledged.
//!
//! `ROUNDS` is the number of kills (100 unless told), `SEED` repeats a run's choices; the order of events still
//! depends on the machine. A run that saw too few acknowledgements or kills fails: it proves nothing.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a test may stop at the first surprise, tells how it went, and measures real time"
)]

#[path = "../process/http.rs"]
mod http;
mod members;
mod model;
#[path = "../process/relay.rs"]
mod relay;
mod rng;
mod verify;
mod writer;

use std::{
    env,
    os::unix::process::ExitStatusExt,
    sync::{
        Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant, SystemTime},
};

use http::Client;
use model::Model;
use relay::{Home, Relay};
use rng::Rng;
use verify::Downstream;

/// Clients that write at once; each owns its users and a group, and all share one group.
const WRITERS: usize = 4;

/// When a round ends with a kill.
enum Moment {
    /// After some time, whatever happens.
    AtRandom,
    /// In the instant in which a client has read an acknowledgement.
    OfAcknowledgement,
}

/// A relay that any thread may kill.
pub(crate) struct Target {
    relay: Mutex<Relay>,
    armed: AtomicBool,
    over: AtomicBool,
}

impl Target {
    fn kill(&self) {
        kill(&mut self.relay.lock().unwrap());
        self.over.store(true, Ordering::SeqCst);
    }

    /// A writer has read an acknowledgement: the moment to kill, if that is what this round waits for.
    pub(crate) fn acknowledged(&self) {
        if self.armed.swap(false, Ordering::SeqCst) {
            self.kill();
        }
    }

    /// Whether the process was killed.
    pub(crate) fn is_over(&self) -> bool {
        self.over.load(Ordering::SeqCst)
    }
}

/// G01 nothing acknowledged is lost; G05 the JSON file never shows an older version after a newer one, and becomes
/// equal to the last acknowledged state.
#[test]
fn g01_g05_kills_lose_nothing_that_was_acknowledged() {
    let rounds = number("ROUNDS").unwrap_or(100);
    let seed = number("SEED").unwrap_or_else(|| {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
        now.as_secs()
    });
    println!("crash: {rounds} rounds, SEED={seed}");
    let mut rng = Rng::new(seed);

    let directory = tempfile::tempdir().unwrap();
    let home = Home::new(directory.path(), true);
    let people = directory.path().join("people.json");
    let key = home.create_key();
    let (relay, _) = home.start();
    let mut models = writer::set_up(home.scim, &key, WRITERS);
    let mut target = Target::new(relay);
    let mut downstream = Downstream::default();
    let (mut kills, mut after_acknowledgement) = (0, 0);

    for round in 0..rounds {
        let moment = if round % 2 == 0 { Moment::OfAcknowledgement } else { Moment::AtRandom };
        let delay = Duration::from_millis(150 + rng.below(150));
        thread::scope(|scope| {
            for model in &mut models {
                let rng = rng.fork();
                let (target, key) = (&target, key.as_str());
                scope.spawn(move || writer::write(home.scim, key, model, target, rng));
            }
            thread::sleep(delay);
            match moment {
                Moment::AtRandom => target.kill(),
                Moment::OfAcknowledgement => {
                    target.armed.store(true, Ordering::SeqCst);
                    let waiting = Instant::now();
                    while !target.is_over() {
                        assert!(waiting.elapsed() < Duration::from_secs(10), "no acknowledgement\n{}", home.log_tail());
                        thread::sleep(Duration::from_millis(1));
                    }
                    after_acknowledgement += 1;
                }
            }
        });
        kills += 1;
        downstream.look(&people);
        if rng.below(8) == 0 {
            // A second power cut while the relay recovers from the first.
            let mut recovering = home.spawn();
            thread::sleep(Duration::from_millis(rng.below(60)));
            kill(&mut recovering);
            kills += 1;
        }
        let (relay, _) = home.start();
        target = Target::new(relay);
        verify::served(&mut Client::new(home.scim, Some(&key)), &mut models, round);
        downstream.look(&people);
        if round % 10 == 9 || round + 1 == rounds {
            verify::delivered(&home, &people, &models, &mut downstream, round);
        }
    }
    verify::graves(&mut Client::new(home.scim, Some(&key)), &models);

    let acknowledged: u64 = models.iter().map(Model::acknowledged).sum();
    println!(
        "crash: {acknowledged} acknowledgements, {kills} kills, {after_acknowledgement} of them in the instant of one"
    );
    assert!(acknowledged >= rounds * 20, "proves nothing: only {acknowledged} acknowledgements in {rounds} rounds");
    assert!(kills >= rounds, "proves nothing: only {kills} kills in {rounds} rounds");
}

impl Target {
    fn new(relay: Relay) -> Self {
        Self { relay: Mutex::new(relay), armed: AtomicBool::new(false), over: AtomicBool::new(false) }
    }
}

/// Kills the process as a power cut would: with no signal that it could handle. It must not have ended by itself.
fn kill(relay: &mut Relay) {
    relay.child.kill().unwrap();
    let status = relay.child.wait().unwrap();
    assert_eq!(status.signal(), Some(9), "the relay ended by itself: {status}");
}

fn number(variable: &str) -> Option<u64> {
    let text = env::var(variable).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{variable} is not a number: {text}")))
}
