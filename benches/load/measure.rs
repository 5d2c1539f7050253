//! Rounds of load, and what came of them.

use std::{
    net::SocketAddr,
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, Instant},
};

use futures_util::future::join_all;

use crate::{
    client::Connection,
    operation::{Actor, Operation},
    seed::Fixture,
};

/// What one round does.
pub(crate) struct Plan {
    pub(crate) operation: Operation,
    pub(crate) connections: usize,
    /// How long; operations that have begun are ended.
    pub(crate) round: Duration,
}

/// Against what.
#[derive(Clone)]
pub(crate) struct Load<'a> {
    pub(crate) address: SocketAddr,
    pub(crate) key: &'a str,
    pub(crate) fixture: &'a Fixture,
    /// The relay's bytes of answer to each step, for a yardstick.
    pub(crate) answers: Option<Vec<usize>>,
}

/// What one client saw.
#[derive(Default)]
pub(crate) struct Samples {
    latencies: Vec<Duration>,
    /// By step of the operation: answers, and their bytes together.
    steps: Vec<(usize, usize)>,
}

impl Samples {
    /// An answer came.
    pub(crate) fn note(&mut self, step: usize, took: Duration, bytes: usize) {
        self.latencies.push(took);
        if self.steps.len() <= step {
            self.steps.resize(step + 1, (0, 0));
        }
        self.steps[step].0 += 1;
        self.steps[step].1 += bytes;
    }
}

/// What came of a round.
#[derive(Clone)]
pub(crate) struct Round {
    pub(crate) requests_per_second: f64,
    pub(crate) p50: Duration,
    pub(crate) p99: Duration,
    /// The mean bytes of answer to each step.
    pub(crate) answer_bytes: Vec<usize>,
}

/// Runs one round.
pub(crate) async fn round(plan: &Plan, load: &Load<'_>) -> Round {
    let mut actors = Vec::new();
    for number in 0..plan.connections {
        actors.push(Actor {
            connection: Connection::open(load.address, load.key).await,
            fixture: load.fixture,
            number,
            turn: unused_turns(),
            answers: load.answers.as_deref(),
            samples: Samples::default(),
        });
    }
    let started = Instant::now();
    let all = join_all(actors.into_iter().map(|mut actor| async move {
        while started.elapsed() < plan.round {
            actor.act(plan.operation).await;
        }
        actor.samples
    }))
    .await;
    summary(all, started.elapsed())
}

/// Where an actor starts to count, so that names stay new over all rounds: a million turns apart.
fn unused_turns() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    NEXT.fetch_add(1_000_000, Ordering::Relaxed)
}

fn summary(all: Vec<Samples>, took: Duration) -> Round {
    let mut latencies: Vec<Duration> = all.iter().flat_map(|samples| samples.latencies.iter().copied()).collect();
    latencies.sort_unstable();
    let steps = all.iter().map(|samples| samples.steps.len()).max().unwrap_or(0);
    let answer_bytes = (0..steps).map(|step| {
        let (answers, bytes) = all
            .iter()
            .filter_map(|samples| samples.steps.get(step))
            .fold((0, 0), |sum, step| (sum.0 + step.0, sum.1 + step.1));
        bytes / answers.max(1)
    });
    Round {
        requests_per_second: latencies.len() as f64 / took.as_secs_f64(),
        p50: percentile(&latencies, 50),
        p99: percentile(&latencies, 99),
        answer_bytes: answer_bytes.collect(),
    }
}

/// The least time that so many of a hundred took at most.
fn percentile(sorted: &[Duration], percent: usize) -> Duration {
    sorted[(sorted.len() * percent).div_ceil(100) - 1]
}

/// The round in the middle, by requests a second.
pub(crate) fn median(mut rounds: Vec<Round>) -> Round {
    rounds.sort_by(|a, b| a.requests_per_second.total_cmp(&b.requests_per_second));
    rounds.swap_remove(rounds.len() / 2)
}
