//! The connector from the outside: settings in, files out.
#![expect(clippy::unwrap_used, reason = "tests")]

mod bed;
mod conformance;
mod external_edit;
mod file_reader;
mod files;
mod journal;
mod model;
