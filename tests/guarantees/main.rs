//! Promises that only the built binary can be asked for (`docs/guarantees.md`); each test has the promise's number.
#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test may stop at the first surprise, and measures real time"
)]

mod backups;
mod folder;
#[path = "../process/http.rs"]
mod http;
#[path = "../process/relay.rs"]
mod relay;
mod reload;
mod secrets;
mod termination;
