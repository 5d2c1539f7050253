//! Answers for a person: plain tables. For a machine: the same as JSON.

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::brake;
use crate::{
    operator::{Command, ConnectorReport},
    store::{
        ConnectorState, Credential, Leaver, NotUnderstood, PendingReferences, QueueClass, QueueEntry, UnknownShape,
    },
    time::Timestamp,
};

/// Prints JSON.
pub(super) fn json(answer: &Value) {
    println!("{answer:#}");
}

/// Prints the answer to a command.
pub(super) fn answer(command: &Command, mut answer: Value) {
    match command {
        Command::KeysCreate { .. } => {
            // Nothing else on standard output: it goes into a file or a variable.
            println!("{}", answer["key"].as_str().unwrap_or_default());
        }
        Command::KeysList { .. } => print!("{}", keys(&take(&mut answer, "keys"))),
        Command::KeysRevoke { key, .. } => println!("revoked {key}"),
        Command::Status => {
            println!("relay:  {}", if answer["running"] == true { "running" } else { "not running" });
            println!("store:  {}\n", answer["store"].as_str().unwrap_or_default());
            print!("{}", connectors(&take(&mut answer, "connectors")));
            print!("{}", pending_references(&take(&mut answer, "pending_references")));
        }
        Command::Backup { .. } => {
            let backup = &answer["backup"];
            println!("{} ({} bytes)", backup["file"].as_str().unwrap_or_default(), backup["bytes"]);
        }
        Command::StoreCheck => println!("the store is sound"),
        Command::AuditVerify => {
            let audit = &answer["audit"];
            println!("entries:  {}\nremoved:  {}", audit["entries"], audit["removed"]);
            println!("head:     {}", audit["head"].as_str().unwrap_or_default());
        }
        Command::ConnectorList | Command::ConnectorPause { .. } | Command::ConnectorResume { .. } => {
            print!("{}", connectors(&take(&mut answer, "connectors")));
        }
        Command::ConnectorReset { connector } => println!("{}: forgotten, and owed every resource again", connector.0),
        Command::ConnectorDiscard { connector } => println!("discarded {}", connector.0),
        Command::Reload => println!("the configuration was read again"),
        Command::ConnectorCheck { connector } => {
            println!("{}: reachable, and our credentials are accepted", connector.0);
        }
        Command::QueueList { .. } => {
            print!("{}", deliveries(&take(&mut answer, "deliveries")));
            if answer["more"] == true {
                println!("… and more; see --limit");
            }
        }
        Command::QueueShow { .. } => print!("{}", one(&answer["delivery"])),
        Command::QueueRetry { .. } => println!("{} deliveries will go now", answer["retried"]),
        Command::QueueDiscard { .. } => println!("{} deliveries discarded", answer["discarded"]),
        Command::LeaversList { .. } => {
            print!("{}", leavers(&take(&mut answer, "leavers")));
            if answer["more"] == true {
                println!("… and more; see --limit");
            }
        }
        Command::LeaversClose { resource, connector } => println!("closed {resource} at {}", connector.0),
        Command::BrakeShow { .. } => print!("{}", brake::shown(&mut answer)),
        Command::BrakeRelease { .. } => println!("{} removals go", answer["released"]),
        Command::BrakeDiscard { .. } => println!("{} removals discarded", answer["discarded"]),
        Command::UnknownList { .. } => print!("{}", unknown_shapes(&take(&mut answer, "shapes"))),
        Command::UnknownShow { .. } => {
            let shape = answer["shape"]["shape"].take();
            print!("{}", one(&answer["shape"]));
            println!("\n{shape:#}");
        }
    }
}

/// A typed list out of an answer; empty where a relay of another version says something else.
pub(super) fn take<T: DeserializeOwned>(answer: &mut Value, name: &str) -> Vec<T> {
    serde_json::from_value(answer[name].take()).unwrap_or_default()
}

pub(super) fn keys(keys: &[Credential]) -> String {
    let moment = |moment: Option<Timestamp>, otherwise: &str| moment.map_or_else(|| otherwise.to_owned(), minute);
    let rows = keys.iter().map(|key| {
        let ends = match key.revoked {
            Some(at) => format!("revoked {}", minute(at)),
            None => moment(key.expires, "never"),
        };
        [
            key.tenant.0.to_string(),
            key.id.to_string(),
            key.name.clone(),
            minute(key.created),
            moment(key.last_used, "never"),
            ends,
        ]
    });
    table(["TENANT", "ID", "LABEL", "CREATED", "LAST USED", "ENDS"], rows)
}

pub(super) fn connectors(connectors: &[ConnectorReport]) -> String {
    let rows = connectors.iter().map(|ConnectorReport { status, failing_until }| {
        let state = match (&status.state, failing_until) {
            _ if !status.configured => "removed".to_owned(),
            (ConnectorState::Active, Some(until)) => format!("failing, next try {}", second(*until)),
            (ConnectorState::Active, None) if status.backfilling => "backfilling".to_owned(),
            (ConnectorState::Active, None) => "active".to_owned(),
            (ConnectorState::Paused, _) => "paused".to_owned(),
            (ConnectorState::Suspended { reason }, _) => format!("suspended: {reason}"),
        };
        [
            status.name.0.to_string(),
            status.tenant.0.to_string(),
            status.pending.to_string(),
            status.dead.to_string(),
            (status.staged + status.staged_members).to_string(),
            status.confirmed.to_string(),
            status.waiting_members.to_string(),
            status.leavers.to_string(),
            status.oldest.map_or_else(|| "-".to_owned(), minute),
            state,
        ]
    });
    table(
        [
            "CONNECTOR",
            "TENANT",
            "PENDING",
            "DEAD",
            "WITHHELD",
            "CONFIRMED",
            "WAITING MEMBERS",
            "LEAVERS",
            "OLDEST",
            "STATE",
        ],
        rows,
    )
}

pub(super) fn deliveries(entries: &[QueueEntry]) -> String {
    let rows = entries.iter().map(|entry| {
        let class = match entry.class {
            QueueClass::Pending => "pending",
            QueueClass::Retrying => "retrying",
            QueueClass::Dead => "dead",
        };
        let waits = entry.waits_for.map(|earlier| format!("waits for {}", earlier.0));
        [
            entry.id.0.to_string(),
            entry.connector.0.to_string(),
            format!("{} {}", entry.kind, entry.resource),
            if entry.removal { "remove".to_owned() } else { format!("version {}", entry.version) },
            class.to_owned(),
            entry.attempts.to_string(),
            minute(entry.queued),
            entry.leaver_since.map_or_else(|| "-".to_owned(), minute),
            waits.or_else(|| entry.error.clone()).unwrap_or_default(),
        ]
    });
    table(["ID", "CONNECTOR", "RESOURCE", "OWED", "CLASS", "ATTEMPTS", "QUEUED", "LEFT", "REASON"], rows)
}

pub(super) fn leavers(leavers: &[Leaver]) -> String {
    let rows = leavers.iter().map(|leaver| {
        let waits = leaver.waits_for.map(|earlier| format!("waits for {}", earlier.0));
        [
            minute(leaver.since),
            leaver.tenant.0.to_string(),
            leaver.resource.to_string(),
            leaver.connector.0.to_string(),
            leaver.removal.as_str().to_owned(),
            leaver.delivery.map_or_else(|| "-".to_owned(), |delivery| delivery.0.to_string()),
            waits.or_else(|| leaver.error.clone()).unwrap_or_default(),
        ]
    });
    table(["LEFT", "TENANT", "USER", "CONNECTOR", "REMOVAL", "DELIVERY", "REASON"], rows)
}

/// Those that name nobody; nothing where all is well.
pub(super) fn pending_references(references: &[PendingReferences]) -> String {
    let pending: Vec<_> = references.iter().filter(|references| references.count > 0).collect();
    if pending.is_empty() {
        return String::new();
    }
    let rows = pending.iter().map(|references| {
        [
            references.tenant.0.to_string(),
            references.attribute.as_str().to_owned(),
            references.count.to_string(),
            references.oldest.map_or_else(|| "-".to_owned(), minute),
        ]
    });
    format!("\n{}", table(["TENANT", "PENDING REFERENCES", "COUNT", "OLDEST"], rows))
}

pub(super) fn unknown_shapes(shapes: &[UnknownShape]) -> String {
    let rows = shapes.iter().map(|shape| {
        let NotUnderstood { tenant, operation, resource_type, error, detail, .. } = &shape.latest;
        [
            shape.id.to_string(),
            tenant.0.to_string(),
            format!("{operation} {resource_type}"),
            shape.count.to_string(),
            minute(shape.first),
            minute(shape.last),
            format!("{error}: {detail}"),
        ]
    });
    table(["ID", "TENANT", "OPERATION", "COUNT", "FIRST", "LAST", "REASON"], rows)
}

/// One delivery or shape, a line for each thing known of it.
fn one(entry: &Value) -> String {
    let Some(entry) = entry.as_object() else { return String::new() };
    let width = entry.keys().map(String::len).max().unwrap_or(0);
    let known = entry.iter().filter(|(_, value)| !value.is_null());
    known
        .map(|(name, value)| {
            let moment = ["queued", "not_before", "leaver_since", "first", "last"]
                .contains(&name.as_str())
                .then(|| value.as_i64())
                .flatten();
            let text = match (moment, value) {
                (Some(moment), _) => Timestamp(moment).rfc3339(),
                (None, Value::String(text)) => printable(text),
                (None, other) => other.to_string(),
            };
            format!("{name:width$}  {text}\n")
        })
        .collect()
}

/// `2026-11-24T09:30Z`: to the minute is as much as a table has room for.
pub(super) fn minute(moment: Timestamp) -> String {
    let text = moment.rfc3339();
    text.get(..16).map_or_else(|| text.clone(), |minute| format!("{minute}Z"))
}

/// `09:30:05Z`: a back-off is minutes at most.
fn second(moment: Timestamp) -> String {
    let text = moment.rfc3339();
    text.get(11..19).map_or_else(|| text.clone(), |second| format!("{second}Z"))
}

/// Columns as wide as their widest cell; the last is left as it is.
pub(super) fn table<const N: usize>(head: [&str; N], rows: impl Iterator<Item = [String; N]>) -> String {
    let rows: Vec<_> = std::iter::once(head.map(ToOwned::to_owned)).chain(rows).collect();
    let widths: [usize; N] =
        std::array::from_fn(|column| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0));
    let line = |row: &[String; N]| {
        let cells = row.iter().zip(widths).map(|(cell, width)| format!("{:width$}", printable(cell)));
        format!("{}\n", cells.collect::<Vec<_>>().join("  ").trim_end())
    };
    rows.iter().map(line).collect()
}

/// Without control characters: a downstream system's words must not steer the terminal.
fn printable(text: &str) -> String {
    text.chars().map(|character| if character.is_control() { ' ' } else { character }).collect()
}
