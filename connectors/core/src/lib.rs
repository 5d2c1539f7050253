//! The contract between scim-relay and a downstream system.
//!
//! A connector is told what a resource should look like, as of a version, and brings its downstream system to that
//! state. It never sees a PATCH, a filter, a dialect, HTTP, a retry or a queue: the relay's dispatcher owns order,
//! retries and durability. That is why delivering twice, folding several changes into one and reconciling are the
//! same code here.
//!
//! A new connector is a crate that implements [`Connector`] and [`ConnectorKind`], runs the suite of `testkit`, and one
//! row in the relay's table of connectors.

mod change;
mod connector;
pub mod crash_point;
mod error;
mod kind;
mod secret;
#[cfg(feature = "testkit")]
pub mod testkit;

pub use change::{
    Applied, Change, ChangeId, Desired, Effect, MappedAttribute, MappedAttributes, MappedValue, MemberRef,
    MemberSource, Members, RemoteState, ResourceId, ResourceKind, ResourceRef, WriteRule,
};
pub use connector::{Connector, Limits, Plan, Reader, RemoteEntry, RemotePage};
pub use error::{ConnectorError, ErrorClass};
pub use kind::{BuildContext, Built, ConnectorKind, Kind, SettingsProblem, kind};
pub use secret::Secret;
