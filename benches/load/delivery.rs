//! What delivery costs the answer, and how fast a backlog drains.

use std::{path::Path, thread, time::Duration};

use serde_json::Value;
use tokio::time::Instant;

use crate::{
    Options,
    measure::{self, Load, Plan},
    operation::Operation,
    relay::Home,
    report::Report,
    seed,
};

/// Connectors that a relay has.
struct Setup {
    name: &'static str,
    /// Each connector's name, and keys of its settings beside the path.
    connectors: &'static [(&'static str, &'static str)],
}

const SETUPS: &[Setup] = &[
    Setup { name: "no connector", connectors: &[] },
    Setup { name: "a JSON file", connectors: &[("people", "mode = \"journal\"")] },
    Setup { name: "two JSON files", connectors: &[("people", "mode = \"journal\""), ("more", "mode = \"journal\"")] },
];

/// How a JSON file takes a backlog.
const DRAINS: &[(&str, &str)] = &[("snapshot", "mode = \"snapshot\""), ("journal", "mode = \"journal\"")];

/// The tables of JSON file connectors, whose brakes are off.
fn tables(connectors: &[(&str, &str)]) -> String {
    let table = |(name, settings): &(&str, &str)| {
        format!(
            "[connectors.{name}]\nkind = \"json-file\"\ntenant = \"acme\"\non-delete = \"delete\"\n\
             [connectors.{name}.brake]\nremovals-min = 100000000\n\
             [connectors.{name}.settings]\npath = \"{name}.json\"\n{settings}\n"
        )
    };
    connectors.iter().map(table).collect()
}

/// Measures writes of clients with each setup, then how fast each kind of file drains.
pub(crate) async fn run(directory: &Path, options: &Options, report: &mut Report) {
    for setup in SETUPS {
        let home = home(directory, setup.name, &tables(setup.connectors));
        let key = home.create_key();
        let (_relay, _) = home.start();
        let fixture = seed::users(home.scim, &key, options.users_few).await;
        for operation in [Operation::Create, Operation::MixedCycles] {
            for &connections in &options.connections {
                let plan = Plan { operation, connections, round: options.round };
                let load = Load { address: home.scim, key: &key, fixture: &fixture, answers: None };
                let mut rounds = Vec::new();
                for _ in 0..options.rounds {
                    rounds.push(measure::round(&plan, &load).await);
                }
                report.load(setup.name, &plan, &measure::median(rounds));
            }
        }
    }
    for (name, settings) in DRAINS {
        let home = home(directory, &format!("drain {name}"), &tables(&[("people", settings)]));
        let key = home.create_key();
        let (_relay, _) = home.start();
        home.command(&["connector", "pause", "people"]);
        let users = seed::users(home.scim, &key, options.users).await;
        let owed = pending(&home);
        assert!(owed >= users.users.len() as u64, "the connector is paused, and yet only {owed} are owed");
        let started = Instant::now();
        home.command(&["connector", "resume", "people"]);
        while pending(&home) > 0 {
            thread::sleep(Duration::from_millis(20));
        }
        let rate = owed as f64 / started.elapsed().as_secs_f64();
        report.number(&format!("drain of {owed} users to a JSON file, {name}"), rate, "users/s", None);
    }
}

/// A relay in a folder of its own.
pub(crate) fn home(directory: &Path, name: &str, tables: &str) -> Home {
    let directory = directory.join(name);
    std::fs::create_dir(&directory).unwrap();
    Home::with(&directory, tables)
}

/// Deliveries owed to all connectors.
pub(crate) fn pending(home: &Home) -> u64 {
    let status: Value = serde_json::from_str(&home.command(&["status", "--json"])).unwrap();
    let connectors = status["connectors"].as_array().unwrap();
    connectors.iter().map(|connector| connector["pending"].as_u64().unwrap()).sum()
}
