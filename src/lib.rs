//! scim-relay: a store-and-forward SCIM 2.0 gateway. See ARCHITECTURE.md for the map.

pub mod admin;
pub mod app;
pub mod cli;
pub mod client;
pub mod config;
pub mod connectors;
pub mod credentials;
pub mod demo;
pub mod dialect;
pub mod dispatch;
pub mod http;
pub mod mapping;
pub mod metrics;
pub mod operator;
pub mod provider;
mod reload;
pub mod retention;
pub mod scim;
pub mod store;
pub mod time;
pub mod verify;
