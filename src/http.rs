//! The SCIM listener: TLS, HTTP, admission, authentication, routes and the rendering of answers.
//!
//! [`Server`] owns sockets and connections, [`Router`] turns one request into one answer. Every answer and every
//! failure that the router makes is SCIM JSON. The only bare ones are hyper's own, for what is not HTTP at all: 400 for
//! a malformed head, 414 and 431 for one that outgrows its buffer.

mod answer;
mod authorization;
mod body;
mod connection;
mod query;
mod route;
mod router;
mod server;
mod settings;
mod tls;

pub use router::{Connection, Router};
pub use server::Server;
pub use settings::{Limits, Settings, Tls};
pub use tls::{Certificate, Certificates, Error as TlsError};
