//! Behaviour in one process: real sockets and store, a clock that tests move, connectors under their control.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

mod dispatch;
mod harness;
mod life_cycles;
mod relay;
mod scim;
mod sqlite_store;
mod store_bench;
mod store_model;
mod store_suite;
