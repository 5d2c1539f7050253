//! A connector for tests, and the downstream system that it speaks to.
//!
//! The system keeps entries with versions behind plain HTTP/1.1 on a real socket. Its [`server`] runs in the test's own
//! process, so it outlives a relay that is killed, and fails as the test tells it: slowly, with a refusal, without an
//! answer, or with none after it has done what it was asked.
//!
//! | request | does |
//! |---|---|
//! | `GET /` | nothing: the system is reachable |
//! | `PUT /TYPE/ID` | makes or changes an entry |
//! | `POST /TYPE/ID/disable` | switches an entry off, if there is one |
//! | `POST /TYPE/ID/members` | adds and removes members, or sets all of them |
//! | `DELETE /TYPE/ID` | takes an entry away, and out of all groups |
//!
//! Each write carries the resource's version. One that is older than what the system has seen is answered 409 and
//! changes nothing, also after a deletion: a request that the network kept back harms nobody. A new member that has no
//! entry is answered 422.
//!
//! In the relay only with its feature `test-connector`, which no release has.

mod connector;
mod message;
pub mod server;
mod settings;
mod wire;

pub use connector::TestHttp;
pub use message::{Entry, Write};
pub use settings::Settings;
