//! The connector from the outside: settings in, files out.
#![expect(clippy::unwrap_used, reason = "tests")]

mod conformance;
mod file_reader;
