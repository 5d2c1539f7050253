//! When a relay is killed.

use std::{
    os::unix::process::ExitStatusExt,
    process::{Command, ExitStatus},
    sync::{
        Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use crate::{
    relay::{Home, Relay},
    rng::Rng,
};

/// A point that is not reached by then is not reached.
const POINT_TIMEOUT: Duration = Duration::from_secs(30);

/// When a round ends.
#[derive(Clone, Copy)]
pub(crate) enum Moment {
    /// After some time, whatever happens.
    AtRandom,
    /// In the instant in which a client has read an acknowledgement.
    OfAcknowledgement,
    /// At a marked point.
    AtPoint(&'static Point),
}

/// A marked point of the relay.
pub(crate) struct Point {
    /// Its name in the code.
    pub(crate) name: &'static str,
    /// The relay is let past it fewer times than that.
    count_max: u64,
    /// What brings the relay there beside the clients' writes.
    provoke: Option<fn(&Home)>,
}

/// Every point that the code marks: `tests/tidy` compares.
pub(crate) const POINTS: &[Point] = &[
    Point { name: "before-commit", count_max: 60, provoke: None },
    Point { name: "after-commit", count_max: 60, provoke: None },
    Point { name: "during-apply", count_max: 40, provoke: None },
    Point { name: "before-rename", count_max: 4, provoke: None },
    Point { name: "after-apply", count_max: 60, provoke: None },
    Point { name: "during-backup", count_max: 2, provoke: Some(back_up) },
    Point { name: "during-reload", count_max: 2, provoke: Some(reload) },
];

/// Backs up. The relay is to die meanwhile, so whether it succeeds is not asked.
fn back_up(home: &Home) {
    let folder = tempfile::tempdir().unwrap();
    let _ = home.try_command(&["backup", &folder.path().join("backup.db").display().to_string()]);
}

/// Reads the configuration again, as little asked for its success.
fn reload(home: &Home) {
    let _ = home.try_command(&["reload"]);
}

impl Moment {
    /// Moments in turn, so that a run of any length has all.
    pub(crate) fn of(round: u64) -> Self {
        let turn = usize::try_from(round / 3).unwrap();
        match round % 3 {
            0 => Self::OfAcknowledgement,
            1 => Self::AtRandom,
            _ => Self::AtPoint(&POINTS[turn % POINTS.len()]),
        }
    }
}

/// A relay that any thread may kill.
pub(crate) struct Target {
    relay: Mutex<Relay>,
    armed: AtomicBool,
    over: AtomicBool,
}

impl Target {
    pub(crate) fn new(relay: Relay) -> Self {
        Self { relay: Mutex::new(relay), armed: AtomicBool::new(false), over: AtomicBool::new(false) }
    }

    /// Kills the process as a power cut would.
    pub(crate) fn kill(&self) {
        kill(&mut self.relay.lock().unwrap());
        self.over.store(true, Ordering::SeqCst);
    }

    /// A writer has read an acknowledgement: the moment to kill, if that is what this round waits for.
    pub(crate) fn acknowledged(&self) {
        if self.armed.swap(false, Ordering::SeqCst) {
            self.kill();
        }
    }

    /// Whether the process is gone.
    pub(crate) fn is_over(&self) -> bool {
        self.over.load(Ordering::SeqCst)
    }

    /// Kills at the moment; `look` is called again and again meanwhile.
    pub(crate) fn end_at(&self, moment: Moment, home: &Home, rng: &mut Rng, mut look: impl FnMut()) {
        let started = Instant::now();
        let after = Duration::from_millis(150 + rng.below(150));
        while !self.is_over() {
            let waited = started.elapsed();
            match moment {
                Moment::AtRandom if waited >= after => self.kill(),
                Moment::OfAcknowledgement if waited >= after => self.armed.store(true, Ordering::SeqCst),
                Moment::AtPoint(point) => {
                    if let Some(provoke) = point.provoke {
                        provoke(home);
                    }
                    self.reap(point);
                }
                _ => {}
            }
            let limit = after + POINT_TIMEOUT;
            assert!(waited < limit, "proves nothing: the moment does not come\n{}", home.log_tail());
            look();
            thread::sleep(Duration::from_millis(2));
        }
    }

    /// Sees whether the process has died at the point.
    fn reap(&self, point: &Point) {
        if let Some(status) = self.relay.lock().unwrap().child.try_wait().unwrap() {
            assert_aborted(status, point);
            self.over.store(true, Ordering::SeqCst);
        }
    }
}

/// Starts a relay that dies at the point, and waits until it is ready or dead.
pub(crate) fn start_towards(point: &Point, home: &Home, rng: &mut Rng) -> Target {
    let mut command = Command::new(env!("CARGO_BIN_EXE_scim-relay"));
    command.env("SCIM_RELAY_CRASH_POINT", format!("{}:{}", point.name, 1 + rng.below(point.count_max)));
    let target = Target::new(home.spawn_by(command));
    while !target.is_over() && !home.is_ready() {
        target.reap(point);
        thread::sleep(Duration::from_millis(1));
    }
    target
}

/// Kills the process with no signal that it could handle. It must not have ended by itself.
pub(crate) fn kill(relay: &mut Relay) {
    relay.child.kill().unwrap();
    let status = relay.child.wait().unwrap();
    assert_eq!(status.signal(), Some(9), "the relay ended by itself: {status}");
}

fn assert_aborted(status: ExitStatus, point: &Point) {
    assert_eq!(status.signal(), Some(6), "the relay did not end at {} but by itself: {status}", point.name);
}
