//! As much of HTTP/1.1 as the connector speaks.

use std::io::{self, BufRead, Read};

use scim_connector::ResourceId;
use serde_json::Value;

use crate::wire;

/// The longest body that is read, in bytes.
const BODY_BYTES_MAX: u64 = 64 * 1024 * 1024;
/// The longest line of a head, in bytes.
const LINE_BYTES_MAX: u64 = 8 * 1024;

/// A whole request.
pub(super) struct Request {
    pub(super) method: String,
    pub(super) path: String,
    pub(super) version: u64,
    pub(super) body: Value,
}

impl Request {
    /// Whether it only asks if the system is there.
    pub(super) fn is_check(&self) -> bool {
        self.path == "/"
    }

    /// Type, id and what follows them.
    pub(super) fn target(&self) -> Option<(&str, ResourceId, Option<&str>)> {
        let mut parts = self.path.strip_prefix('/')?.split('/');
        Some((parts.next()?, parts.next()?.parse().ok()?, parts.next()))
    }
}

/// The next request; `None` at the end of the connection. One that breaks off is an error, and is not done.
pub(super) fn read(reader: &mut impl BufRead) -> io::Result<Option<Request>> {
    let Some(first) = line(reader)? else { return Ok(None) };
    let mut words = first.split(' ');
    let (Some(method), Some(path)) = (words.next(), words.next()) else {
        return Err(io::Error::other("not a request line"));
    };
    let (mut length, mut version) = (0, 0);
    loop {
        let header = line(reader)?.ok_or(io::ErrorKind::UnexpectedEof)?;
        if header.is_empty() {
            break;
        }
        let (name, value) = header.split_once(':').unwrap_or((&header, ""));
        let number = || value.trim().parse().map_err(io::Error::other);
        match name.to_ascii_lowercase().as_str() {
            "content-length" => length = number()?,
            wire::VERSION => version = number()?,
            _ => {}
        }
    }
    if length > BODY_BYTES_MAX {
        return Err(io::Error::other("the body is too long"));
    }
    let mut body = Vec::new();
    reader.take(length).read_to_end(&mut body)?;
    if (body.len() as u64) < length {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    let body = if body.is_empty() { Value::Null } else { serde_json::from_slice(&body)? };
    Ok(Some(Request { method: method.to_owned(), path: path.to_owned(), version, body }))
}

/// An answer with a body of JSON.
pub(super) fn answer(status: u16, body: &str, retry_after: Option<u64>) -> String {
    let retry_after = retry_after.map_or_else(String::new, |seconds| format!("Retry-After: {seconds}\r\n"));
    let length = body.len();
    format!(
        "HTTP/1.1 {status} Answer\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n{retry_after}\r\n{body}"
    )
}

/// The next line without its end; `None` at the end.
fn line(reader: &mut impl BufRead) -> io::Result<Option<String>> {
    let mut line = String::new();
    if reader.take(LINE_BYTES_MAX).read_line(&mut line)? == 0 {
        return Ok(None);
    }
    if !line.ends_with('\n') {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    line.truncate(line.trim_end().len());
    Ok(Some(line))
}
