//! The listeners, over real sockets: what is refused before a SCIM operation begins, and how connections end.
#![expect(clippy::unwrap_used, reason = "tests")]

mod admin;
mod client;
mod credentials;
mod fake_store;
mod relay;
mod requests;
mod transport;
