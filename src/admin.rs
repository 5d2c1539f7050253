//! The operator's doors: the admin listener (health, readiness, metrics) and the control socket (commands).
//!
//! Neither takes a SCIM client's key, and the SCIM listener serves none of this. The admin listener only reads and is on
//! loopback by default; commands come over a Unix socket in the data directory that only the relay's own user can open.

mod accept;
pub mod client;
mod control;
mod listener;

use std::path::{Path, PathBuf};

use http::{HeaderValue, StatusCode, header};
use http_body_util::Full;
use hyper::{Response, body::Bytes};
use serde_json::Value;

pub use control::{Control, Execute};
pub use listener::{Listener, Readiness};

/// The control socket of a data directory.
pub fn socket_path(data_dir: &Path) -> PathBuf {
    data_dir.join("control.sock")
}

type Reply = Response<Full<Bytes>>;

fn reply(status: StatusCode, content_type: &'static str, body: Vec<u8>) -> Reply {
    let mut reply = Response::new(Full::new(body.into()));
    *reply.status_mut() = status;
    reply.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    reply
}

fn json(status: StatusCode, body: &Value) -> Reply {
    reply(status, "application/json", body.to_string().into_bytes())
}
