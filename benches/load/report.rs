//! The result as tables in Markdown, ready for `benches/README.md`.

use crate::measure::{Plan, Round};

/// What was found, in the order found.
#[derive(Default)]
pub(crate) struct Report {
    numbers: Vec<String>,
    comparisons: Vec<String>,
    loads: Vec<String>,
    missed: usize,
}

impl Report {
    /// A single number, and the most that it may be.
    pub(crate) fn number(&mut self, what: &str, value: f64, unit: &str, most: Option<f64>) {
        let target = most.map_or_else(String::new, |most| format!("≤ {most} {unit}"));
        let verdict = self.verdict(most.map(|most| value <= most));
        self.numbers.push(format!("| {what} | {value:.1} {unit} | {target} | {verdict} |"));
        println!("{what}: {value:.1} {unit}");
    }

    /// The relay beside its yardstick. Targets hold for 64 connections.
    pub(crate) fn comparison(&mut self, plan: &Plan, members: Option<usize>, ours: &Round, theirs: &Round) {
        let name = members.map_or_else(
            || plan.operation.name().to_owned(),
            |members| format!("{}, group of {members}", plan.operation.name()),
        );
        let ratio = ours.requests_per_second / theirs.requests_per_second;
        let least = plan.operation.target().filter(|_| plan.connections == 64);
        let target = least.map_or_else(String::new, |least| format!("≥ {:.0} %", least * 100.0));
        let verdict = self.verdict(least.map(|least| ratio >= least));
        self.comparisons.push(format!(
            "| {name} | {} | {:.0} | {:.2} | {:.2} | {} | {:.0} | {:.0} % | {target} | {verdict} |",
            plan.connections,
            ours.requests_per_second,
            ours.p50.as_secs_f64() * 1e3,
            ours.p99.as_secs_f64() * 1e3,
            if plan.operation.writes() { "durable" } else { "bare" },
            theirs.requests_per_second,
            ratio * 100.0,
        ));
        println!("{name}, {} connections: {:.0} % of the yardstick", plan.connections, ratio * 100.0);
    }

    /// The relay by itself, in some state.
    pub(crate) fn load(&mut self, state: &str, plan: &Plan, round: &Round) {
        let (p50, p99) = (round.p50.as_secs_f64() * 1e3, round.p99.as_secs_f64() * 1e3);
        let (name, connections, rate) = (plan.operation.name(), plan.connections, round.requests_per_second);
        self.loads.push(format!("| {state} | {name} | {connections} | {rate:.0} | {p50:.2} | {p99:.2} |"));
        println!("{state}, {name}, {connections} connections: {rate:.0} requests/s, p99 {p99:.2} ms");
    }

    fn verdict(&mut self, met: Option<bool>) -> &'static str {
        match met {
            None => "",
            Some(true) => "met",
            Some(false) => {
                self.missed += 1;
                "MISSED"
            }
        }
    }

    /// Prints the tables.
    pub(crate) fn print(&self) {
        let tables = [
            ("| measured | value | target | |\n|---|---|---|---|", &self.numbers),
            (
                "| operation | connections | requests/s | p50 ms | p99 ms | yardstick | its requests/s | ratio | target | |\n\
                 |---|---|---|---|---|---|---|---|---|---|",
                &self.comparisons,
            ),
            (
                "| state | operation | connections | requests/s | p50 ms | p99 ms |\n|---|---|---|---|---|---|",
                &self.loads,
            ),
        ];
        for (head, rows) in tables.into_iter().filter(|(_, rows)| !rows.is_empty()) {
            println!("\n{head}");
            for row in rows {
                println!("{row}");
            }
        }
        println!("\n{} targets missed", self.missed);
    }
}
