//! Behaviour in one process: real sockets and store, a clock that tests move, connectors under their control.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

mod bodies;
mod dispatch;
mod harness;
mod life_cycles;
mod quirks;
mod relay;
mod rfc;
mod scim;
mod sqlite_store;
mod store_bench;
mod store_model;
mod store_suite;
mod verify;
