//! What the checks found, for a person and for a machine.

use std::fmt;

use serde::Serialize;
use serde_json::{Value, json};

use super::As;

/// How a check ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// The client has nothing to complain of.
    Pass,
    /// The client goes on, but something is better done otherwise.
    Warn,
    /// The client fails, or does the wrong thing.
    Fail,
    /// It could not be looked at; `findings` says why.
    Skipped,
}

/// One check and what came of it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Outcome {
    /// The check's name, which stays the same from version to version.
    pub id: &'static str,
    /// What it belongs to.
    pub group: &'static str,
    /// What is right.
    pub title: &'static str,
    /// Where that is written, as a URL.
    pub source: &'static str,
    /// How it ended.
    pub verdict: Verdict,
    /// What was wrong, or why it was skipped.
    pub findings: Vec<String>,
    /// What the client does with a wrong answer.
    pub client: &'static str,
    /// What was sent and what came.
    pub exchanges: Vec<Exchange>,
}

/// A request and its answer's status; none when there was no answer.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Exchange {
    /// The HTTP method.
    pub method: String,
    /// Path and query below the base URI.
    pub path: String,
    /// The HTTP status.
    pub status: Option<u16>,
}

/// Everything that was found. Its `Display` is for a person.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Report {
    /// Whose requests were played.
    pub who: As,
    /// The endpoint.
    pub base: String,
    /// The checks, in the order played.
    pub outcomes: Vec<Outcome>,
    /// Whether it was stopped before the end.
    pub interrupted: bool,
    /// What was made and could not be removed.
    pub left_behind: Vec<String>,
}

impl Report {
    /// How many checks ended so.
    pub fn count(&self, verdict: Verdict) -> usize {
        self.of(verdict).count()
    }

    /// Whether every check was played and none failed.
    pub fn is_good(&self) -> bool {
        !self.interrupted && self.count(Verdict::Fail) == 0
    }

    fn of(&self, verdict: Verdict) -> impl Iterator<Item = &Outcome> {
        self.outcomes.iter().filter(move |outcome| outcome.verdict == verdict)
    }

    /// For a machine; the shape is in docs/verify.md.
    pub fn json(&self) -> Value {
        json!({
            "as": self.who.name(),
            "url": self.base,
            "passed": self.count(Verdict::Pass),
            "warned": self.count(Verdict::Warn),
            "failed": self.count(Verdict::Fail),
            "skipped": self.count(Verdict::Skipped),
            "interrupted": self.interrupted,
            "left-behind": self.left_behind,
            "checks": self.outcomes,
        })
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} as {}", self.base, self.who.name())?;
        for (verdict, word) in [(Verdict::Fail, "FAIL"), (Verdict::Warn, "WARN")] {
            self.of(verdict).try_for_each(|outcome| complain(f, word, outcome))?;
        }
        writeln!(f)?;
        for outcome in self.of(Verdict::Skipped) {
            writeln!(f, "skipped  {}: {}", outcome.id, outcome.findings.join("; "))?;
        }
        let mut group = "";
        for outcome in self.of(Verdict::Pass) {
            if outcome.group != group {
                group = outcome.group;
                writeln!(f, "\n{group}")?;
            }
            writeln!(f, "  passed  {:<28} {}", outcome.id, outcome.title)?;
        }
        let [passed, warned, failed, skipped] =
            [Verdict::Pass, Verdict::Warn, Verdict::Fail, Verdict::Skipped].map(|verdict| self.count(verdict));
        writeln!(f, "\n{passed} passed, {warned} with a warning, {failed} failed, {skipped} skipped")?;
        if self.interrupted {
            writeln!(f, "stopped before the end")?;
        }
        for resource in &self.left_behind {
            writeln!(f, "LEFT BEHIND, please remove: {resource}")?;
        }
        Ok(())
    }
}

fn complain(f: &mut fmt::Formatter<'_>, word: &str, outcome: &Outcome) -> fmt::Result {
    writeln!(f, "\n{word}  {}", outcome.id)?;
    writeln!(f, "  right   {}", outcome.title)?;
    for exchange in &outcome.exchanges {
        let status = exchange.status.map_or_else(|| "no answer".to_owned(), |status| status.to_string());
        writeln!(f, "  sent    {} {}  ->  {status}", exchange.method, exchange.path)?;
    }
    outcome.findings.iter().try_for_each(|finding| writeln!(f, "  wrong   {}", printable(finding)))?;
    writeln!(f, "  client  {}", outcome.client)?;
    writeln!(f, "  see     {}", outcome.source)
}

/// Without control characters: an endpoint's words must not steer the terminal.
fn printable(text: &str) -> String {
    text.chars().map(|character| if character.is_control() { ' ' } else { character }).collect()
}
