//! Behaviour in one process: real sockets and store, a clock that tests move, connectors under their control.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

mod backups;
mod bodies;
mod bounds;
mod bulk;
mod cursor;
mod declared_types;
mod dispatch;
mod guarantees;
mod harness;
mod integrity;
mod isolation;
mod leavers;
mod life_cycle;
mod life_cycles;
mod me;
mod okta_suites;
mod order;
mod patch_laws;
mod quirks;
mod references;
mod relay;
mod repeats;
mod rfc;
mod root_query;
mod scim;
mod scope;
mod sqlite_store;
mod steps;
mod store_bench;
mod store_lists;
mod store_model;
mod store_suite;
mod unknown;
mod validator;
mod verify;
