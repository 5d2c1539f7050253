//! Connector that keeps users and groups in a JSON file.
//!
//! The file is valid JSON with one resource a line, so that a change is a one-line difference:
//!
//! ```json
//! {
//! "schema": "urn:scim-relay:json-file:1",
//! "generation": 12,
//! "users": [
//! {"id":"01890a5d-ac96-774b-bcce-b302099a8057","version":7,"active":true,"mail":"ada@example.org"}
//! ],
//! "groups": [
//! {"id":"01890a5d-ac96-774b-bcce-b302099a8058","version":1,"displayName":"Staff","members":["01890a5d-…"]}
//! ]
//! }
//! ```
//!
//! Entries that are set aside (`move`) are in a section of their own, `users-aside`.
//!
//! The same state gives the same bytes, and the same bytes are not written again. A file is replaced whole by a rename,
//! so a reader sees the old state or the new one. In mode `journal`, changes go to a journal beside the file first and
//! the file follows by checkpoints.
//!
//! From the inside out: `document` is the state and how a change edits it (pure), `file` the durable write of a whole
//! file, `journal` that of single changes, `storage` decides between them and meets edits by others, `connector` is the
//! door to the relay.

mod connector;
mod document;
mod failure;
mod file;
mod journal;
mod settings;
mod storage;
mod target;

pub use connector::JsonFile;
pub use settings::{Mode, OnExternalEdit, Settings};
