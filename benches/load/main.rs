//! Load driver: the built relay and two yardsticks, in turns, over loopback. `benches/README.md` says how to repeat it.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a measurement may stop at the first surprise, prints its result, and measures real time"
)]

mod client;
mod delivery;
#[path = "../../tests/process/http.rs"]
mod http;
mod measure;
mod operation;
mod outage;
#[path = "../../tests/process/relay.rs"]
mod relay;
mod report;
mod seed;
mod yardstick;

use std::{env, fs, path::Path, thread, time::Duration};

use measure::{Load, Plan};
use operation::Operation;
use relay::{Home, Relay};
use report::Report;
use yardstick::Yardstick;

/// What to measure, from the command line.
struct Options {
    /// Users in the full store.
    users: usize,
    /// Users in the small store, against which flatness is judged.
    users_few: usize,
    /// Sizes of the groups that get a member more and a member less.
    groups: [usize; 3],
    /// How long one round lasts.
    round: Duration,
    /// Rounds of relay and yardstick each; medians are reported.
    rounds: usize,
    /// Connections at once.
    connections: Vec<usize>,
    /// Whether a JSON-file connector is fed meanwhile.
    connector: bool,
    /// What is measured.
    subject: Subject,
    /// Rounds of traffic during an outage.
    windows: usize,
}

/// What is measured.
#[derive(Clone, Copy)]
enum Subject {
    /// Requests, beside the yardsticks.
    Requests,
    /// What delivery costs the answer, and how fast it is.
    Delivery,
    /// Traffic while one connector is dead.
    Outage,
}

impl Options {
    const FULL: Self = Self {
        users: 100_000,
        users_few: 1_000,
        groups: [10, 10_000, 100_000],
        round: Duration::from_secs(2),
        rounds: 3,
        connections: Vec::new(),
        connector: false,
        subject: Subject::Requests,
        windows: 18,
    };
    /// Enough to see that everything runs.
    const QUICK: Self = Self {
        users: 400,
        users_few: 100,
        groups: [10, 50, 400],
        round: Duration::from_millis(100),
        rounds: 1,
        connections: Vec::new(),
        connector: false,
        subject: Subject::Requests,
        windows: 2,
    };
}

fn main() {
    let arguments: Vec<String> = env::args().skip(1).filter(|argument| argument != "--bench").collect();
    if let Some((first, rest)) = arguments.split_first()
        && first == "yardstick"
    {
        return yardstick::serve(rest.first().map(Path::new));
    }
    let options = options(&arguments);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(run(&options));
}

fn options(arguments: &[String]) -> Options {
    let quick = arguments.iter().any(|argument| argument == "--quick");
    let mut options = if quick { Options::QUICK } else { Options::FULL };
    options.connections = if quick { vec![1, 8] } else { vec![1, 8, 64] };
    let mut arguments = arguments.iter();
    while let Some(argument) = arguments.next() {
        let mut number = || -> usize {
            let value = arguments.next().unwrap_or_else(|| panic!("{argument} needs a number"));
            value.parse().unwrap_or_else(|_| panic!("{argument} {value}: not a number"))
        };
        match argument.as_str() {
            "--quick" => {}
            "--connector" => options.connector = true,
            "--delivery" => options.subject = Subject::Delivery,
            "--outage" => options.subject = Subject::Outage,
            "--windows" => options.windows = number(),
            "--users" => {
                options.users = number();
                options.users_few = options.users_few.min(options.users);
                options.groups = options.groups.map(|members| members.min(options.users));
            }
            "--seconds" => options.round = Duration::from_secs(number() as u64),
            "--rounds" => options.rounds = number(),
            _ => panic!(
                "unknown option {argument}; known: --quick --connector --delivery --outage --users N --seconds N \
                 --rounds N --windows N"
            ),
        }
    }
    options
}

async fn run(options: &Options) {
    let directory = tempfile::tempdir().unwrap();
    let mut report = Report::default();
    match options.subject {
        Subject::Requests => requests(directory.path(), options, &mut report).await,
        Subject::Delivery => delivery::run(directory.path(), options, &mut report).await,
        Subject::Outage => outage::run(directory.path(), options, &mut report).await,
    }
    report.print();
}

async fn requests(directory: &Path, options: &Options, report: &mut Report) {
    let empty_ready = time_to_ready_when_empty(directory, options);
    report.number("time to ready, empty store", empty_ready.as_secs_f64() * 1e3, "ms", Some(100.0));

    let home = Home::new(directory, options.connector);
    let key = home.create_key();
    let (relay, _) = home.start();
    thread::sleep(Duration::from_millis(300));
    report.number("resident memory, idle", megabytes(&relay), "MB", Some(25.0));

    // A few users first, to see later that cost stays flat.
    let mut fixture = seed::users(home.scim, &key, options.users_few).await;
    fixture.groups = vec![seed::group(home.scim, &key, &fixture.users, options.groups[0].min(options.users_few)).await];
    let few = [Operation::Filter, Operation::Member { group: 0 }];
    let few = measure_flatness(&few, &home, &key, &fixture, options).await;

    let started = tokio::time::Instant::now();
    seed::more_users(home.scim, &key, &mut fixture, options.users).await;
    let rate = (options.users - options.users_few) as f64 / started.elapsed().as_secs_f64().max(f64::EPSILON);
    report.number(&format!("seeding to {} users, 64 connections", options.users), rate, "users/s", None);
    for members in &options.groups[1..] {
        fixture.groups.push(seed::group(home.scim, &key, &fixture.users, *members).await);
    }
    report.number(
        &format!("resident memory, {} users, after seeding", options.users),
        megabytes(&relay),
        "MB",
        Some(150.0),
    );

    drop(relay);
    let (relay, ready) = home.start();
    report.number(&format!("time to ready, {} users", options.users), ready.as_secs_f64() * 1e3, "ms", Some(1000.0));

    let largest = fixture.groups.len() - 1;
    let many = [Operation::Filter, Operation::Member { group: largest }];
    let many = measure_flatness(&many, &home, &key, &fixture, options).await;
    for (name, few, many) in [("filter", few[0], many[0]), ("one member", few[1], many[1])] {
        let what =
            format!("{name}: p50 of one connection, {} users or members against {}", options.users, options.users_few);
        report.number(&what, many / few, "times", Some(1.5));
    }

    let reads = Yardstick::start(None);
    let writes = Yardstick::start(Some(&directory.join("yardstick.log")));
    for operation in Operation::all(fixture.groups.len()) {
        let yardstick = if operation.writes() { &writes } else { &reads };
        for &connections in &options.connections {
            let plan = Plan { operation, connections, round: options.round };
            let relay_load = Load { address: home.scim, key: &key, fixture: &fixture, answers: None };
            let (mut ours, mut theirs) = (Vec::new(), Vec::new());
            for _ in 0..options.rounds {
                let round = measure::round(&plan, &relay_load).await;
                let answers = Some(round.answer_bytes.clone());
                ours.push(round);
                theirs.push(measure::round(&plan, &Load { address: yardstick.address, answers, ..relay_load }).await);
            }
            let members = operation.group().map(|group| options.groups[group]);
            report.comparison(&plan, members, &measure::median(ours), &measure::median(theirs));
        }
    }
    report.number(
        &format!("resident memory, {} users, after all load", options.users),
        megabytes(&relay),
        "MB",
        Some(150.0),
    );
}

/// The median of three starts on new stores.
fn time_to_ready_when_empty(directory: &Path, options: &Options) -> Duration {
    let mut times: Vec<Duration> = (0..3)
        .map(|number| {
            let directory = directory.join(format!("empty-{number}"));
            fs::create_dir(&directory).unwrap();
            let home = Home::new(&directory, options.connector);
            let (_relay, ready) = home.start();
            ready
        })
        .collect();
    times.sort_unstable();
    times[1]
}

/// The median time of a request in seconds, over one connection, of each operation.
async fn measure_flatness(
    operations: &[Operation],
    home: &Home,
    key: &str,
    fixture: &seed::Fixture,
    options: &Options,
) -> Vec<f64> {
    let mut medians = Vec::new();
    for &operation in operations {
        let plan = Plan { operation, connections: 1, round: options.round };
        let load = Load { address: home.scim, key, fixture, answers: None };
        let mut rounds = Vec::new();
        for _ in 0..options.rounds {
            rounds.push(measure::round(&plan, &load).await);
        }
        medians.push(measure::median(rounds).p50.as_secs_f64());
    }
    medians
}

/// Resident memory of the relay's process.
fn megabytes(relay: &Relay) -> f64 {
    let status = fs::read_to_string(format!("/proc/{}/status", relay.child.id())).unwrap();
    let kilobytes = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    kilobytes.trim().trim_end_matches("kB").trim().parse::<f64>().unwrap() / 1024.0
}
