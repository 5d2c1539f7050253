//! What servers of the field do wrong, each as a change of what the relay does right, and who finds it.

mod groups;
mod lists;
mod protocol;
mod users;

use std::sync::atomic::AtomicU32;

use scim_relay::verify::As;
use serde_json::{Value, json};

use super::proxy::{Answered, Asked};

/// A fault: how requests are changed, or answered in place of the relay, and how its answers are.
pub(crate) struct Fault {
    pub(crate) name: &'static str,
    pub(crate) who: As,
    pub(crate) dialect: &'static str,
    pub(crate) before: fn(&mut Asked) -> Option<Answered>,
    pub(crate) after: fn(&Asked, &mut Answered),
    /// The checks that fail, in their order.
    pub(crate) fails: &'static [&'static str],
}

const fn as_asked(_: &mut Asked) -> Option<Answered> {
    None
}

const fn as_answered(_: &Asked, _: &mut Answered) {}

/// A fault of answers.
const fn answers(
    name: &'static str,
    who: As,
    after: fn(&Asked, &mut Answered),
    fails: &'static [&'static str],
) -> Fault {
    Fault { name, who, dialect: dialect(who), before: as_asked, after, fails }
}

/// A fault of how requests are understood.
const fn requests(
    name: &'static str,
    who: As,
    before: fn(&mut Asked) -> Option<Answered>,
    fails: &'static [&'static str],
) -> Fault {
    Fault { name, who, dialect: dialect(who), before, after: as_answered, fails }
}

/// A server that speaks another dialect than the client.
const fn speaks(name: &'static str, who: As, dialect: &'static str, fails: &'static [&'static str]) -> Fault {
    Fault { name, who, dialect, before: as_asked, after: as_answered, fails }
}

const fn dialect(who: As) -> &'static str {
    match who {
        As::Okta | As::OktaAiw => "okta",
        As::Entra | As::EntraFlagged => "entra",
        As::Rfc => "rfc",
    }
}

fn is_list(body: &Value) -> bool {
    body.get("Resources").is_some()
}

/// Edits each operation of a PATCH.
fn operations(asked: &mut Asked, edit: impl FnMut(&mut Value)) {
    if asked.method == "PATCH" {
        asked.edit(|body| {
            if let Some(operations) = body.get_mut("Operations").and_then(Value::as_array_mut) {
                operations.iter_mut().for_each(edit);
            }
        });
    }
}

/// Reads a part of an encoded filter as another.
fn rewritten(asked: &mut Asked, written: &str, read: &str) -> Option<Answered> {
    asked.path = asked.path.replace(written, read);
    None
}

/// The operations of a PATCH.
fn asks(asked: &Asked) -> Vec<Value> {
    match asked.method.as_str() {
        "PATCH" => asked.json()["Operations"].as_array().cloned().unwrap_or_default(),
        _ => Vec::new(),
    }
}

fn op_is(operation: &Value, op: &str) -> bool {
    operation["op"].as_str().is_some_and(|found| found.eq_ignore_ascii_case(op))
}

/// Booleans as text, one level into lists.
fn booleans_as_text(resource: &mut Value) {
    if let Some(active) = resource["active"].as_bool() {
        resource["active"] = json!(if active { "True" } else { "False" });
    }
}

/// What differs from one answer to the next.
static CLOCK: AtomicU32 = AtomicU32::new(0);

/// All faults.
pub(crate) fn all() -> Vec<&'static Fault> {
    [lists::FAULTS, users::FAULTS, groups::FAULTS, protocol::FAULTS].into_iter().flatten().collect()
}

/// Checks that no fault here makes fail, each with the reason.
pub(crate) const UNMET: &[(&str, &str)] = &[
    ("match-mail", "warns at most"),
    ("me", "warns at most"),
    ("discovery-filter", "warns at most"),
    ("group-add-member-twice", "a fault of what is stored, not of a request or an answer"),
    ("group-member-gone", "a fault of what is stored, not of a request or an answer"),
    ("bulk", "of what may be offered"),
    ("cursor", "of what may be offered"),
    ("cursor-invalid", "of what may be offered"),
];
