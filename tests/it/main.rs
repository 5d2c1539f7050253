//! Tests in process.

#![expect(clippy::unwrap_used, reason = "tests")]

mod sqlite_store;
mod store_bench;
mod store_model;
mod store_suite;
