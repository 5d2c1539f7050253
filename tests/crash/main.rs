//! Kills the built binary while clients write and systems downstream fail, starts it again, and compares what it serves
//! and delivers with a model of what was acknowledged.
//!
//! `ROUNDS` is the number of kills (100 unless told), `SEED` repeats a run's choices; the order of events still
//! depends on the machine. A run that saw too few acknowledgements or kills fails: it proves nothing.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a test may stop at the first surprise, tells how it went, and measures real time"
)]

mod backlog;
mod campaign;
mod downstream;
#[path = "../process/http.rs"]
mod http;
mod members;
mod model;
mod moment;
#[path = "../process/relay.rs"]
mod relay;
mod rng;
mod times;
mod verify;
mod writer;

use std::env;

/// The number in a variable.
pub(crate) fn number(variable: &str) -> Option<u64> {
    let text = env::var(variable).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{variable} is not a number: {text}")))
}
