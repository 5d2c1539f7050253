//! A request's body: what it may be, and how much of it is read.

use std::{error::Error as StdError, sync::Arc, time::Duration};

use http::{HeaderMap, header};
use http_body::Body;
use http_body_util::BodyExt;
use hyper::body::Bytes;
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::timeout,
};

use super::settings::{Limits, seconds};
use crate::scim;

/// How long, and how much, an unwanted body is read before the answer: a client that is still sending when its
/// connection is closed may never see the answer.
const DRAIN_TIME: Duration = Duration::from_secs(1);

/// A body in memory.
#[derive(Debug)]
pub(super) struct Read {
    /// All of it.
    pub bytes: Vec<u8>,
    /// Held by a large one for as long as it is in memory.
    _permit: Option<OwnedSemaphorePermit>,
}

/// Which limit a body has.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Size {
    /// `body-bytes-max`.
    Usual,
    /// `group-body-bytes-max`: a group's, whose members come in one list, or many resources in one.
    Large,
}

/// Reads bodies within the limits.
#[derive(Debug)]
pub(super) struct Reader {
    body_bytes_max: usize,
    group_body_bytes_max: usize,
    read_time: Duration,
    large: Arc<Semaphore>,
}

impl Reader {
    pub(super) fn new(limits: &Limits) -> Self {
        Self {
            body_bytes_max: limits.body_bytes_max,
            group_body_bytes_max: limits.group_body_bytes_max,
            read_time: seconds(limits.body_read_seconds),
            large: Arc::new(Semaphore::new(limits.large_bodies_max)),
        }
    }

    /// Reads a body whole.
    ///
    /// # Errors
    /// 415 for another media type or any encoding; 413 for one over the limit, before it is read where the length is
    /// declared; 408 for one that takes too long; 503 where too many large ones are in memory; 400 where it breaks off.
    pub(super) async fn read<B>(&self, headers: &HeaderMap, body: &mut B, size: Size) -> Result<Read, scim::Error>
    where
        B: Body<Data = Bytes> + Unpin,
        B::Error: Into<Box<dyn StdError + Send + Sync>>,
    {
        check_media_type(headers)?;
        check_encoding(headers)?;
        let (limit, name) = match size {
            Size::Usual => (self.body_bytes_max, "body-bytes-max"),
            Size::Large => (self.group_body_bytes_max, "group-body-bytes-max"),
        };
        let too_large = || scim::Error::too_large(format!("the body is larger than {limit} bytes ({name})"));
        let declared = usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX);
        if declared > limit {
            return Err(too_large());
        }
        let all = async {
            let mut permit = None;
            let mut bytes = Vec::with_capacity(declared.min(self.body_bytes_max));
            while let Some(frame) = body.frame().await {
                let frame = frame.map_err(|error| scim::Error::bad_request("the body broke off").caused_by(error))?;
                // Trailers mean nothing here.
                let Ok(data) = frame.into_data() else { continue };
                if bytes.len() + data.len() > limit {
                    return Err(too_large());
                }
                if permit.is_none() && bytes.len() + data.len() > self.body_bytes_max {
                    permit = Some(self.admit_large()?);
                }
                bytes.extend_from_slice(&data);
            }
            Ok(Read { bytes, _permit: permit })
        };
        match timeout(self.read_time, all).await {
            Ok(read) => read,
            Err(_) => Err(scim::Error::request_timeout(format!(
                "the body took longer than {} s (body-read-seconds)",
                self.read_time.as_secs()
            ))),
        }
    }

    /// Reads and drops what is left of a body, within bounds. Nothing is read of a client that waits to be asked for it.
    pub(super) async fn drain<B: Body<Data = Bytes> + Unpin>(&self, headers: &HeaderMap, body: &mut B) {
        if body.is_end_stream() || headers.contains_key(header::EXPECT) {
            return;
        }
        let mut left = self.group_body_bytes_max;
        let rest = async {
            while let Some(Ok(frame)) = body.frame().await {
                left = match left.checked_sub(frame.data_ref().map_or(0, Bytes::len)) {
                    Some(left) => left,
                    None => break,
                };
            }
        };
        // Out of time is out of patience: the answer goes out either way.
        let _ = timeout(DRAIN_TIME, rest).await;
    }

    fn admit_large(&self) -> Result<OwnedSemaphorePermit, scim::Error> {
        self.large.clone().try_acquire_owned().map_err(|_| {
            scim::Error::unavailable("too many large requests at once (large-bodies-max)", Duration::from_secs(1))
        })
    }
}

/// RFC 7644 §3.8: `application/scim+json`, and plain JSON. Parameters do not matter, nor does a missing type.
fn check_media_type(headers: &HeaderMap) -> Result<(), scim::Error> {
    let Some(value) = headers.get(header::CONTENT_TYPE) else {
        return Ok(());
    };
    let essence = value.as_bytes().split(|byte| *byte == b';').next().unwrap_or_default().trim_ascii();
    if essence.eq_ignore_ascii_case(b"application/scim+json") || essence.eq_ignore_ascii_case(b"application/json") {
        return Ok(());
    }
    Err(scim::Error::unsupported_media_type("the body must be application/scim+json or application/json"))
}

fn check_encoding(headers: &HeaderMap) -> Result<(), scim::Error> {
    match headers.get(header::CONTENT_ENCODING) {
        Some(value) if !value.as_bytes().eq_ignore_ascii_case(b"identity") => {
            Err(scim::Error::unsupported_media_type("the body must not be compressed (Content-Encoding)"))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use http::HeaderValue;
    use http_body_util::Full;

    use super::*;

    fn reader() -> Reader {
        let limits = Limits { body_bytes_max: 10, group_body_bytes_max: 20, large_bodies_max: 1, ..Limits::default() };
        Reader::new(&limits)
    }

    async fn read(reader: &Reader, length: usize, size: Size) -> Result<Read, u16> {
        let mut body = Full::new(Bytes::from(vec![b' '; length]));
        let read = reader.read(&HeaderMap::new(), &mut body, size).await;
        read.map_err(|error| error.http_status())
    }

    #[tokio::test]
    async fn limits_are_inclusive() {
        let reader = reader();
        for (length, size, expected) in [
            (0, Size::Usual, Ok(0)),
            (10, Size::Usual, Ok(10)),
            (11, Size::Usual, Err(413)),
            (20, Size::Large, Ok(20)),
            (21, Size::Large, Err(413)),
        ] {
            let read = read(&reader, length, size).await.map(|read| read.bytes.len());
            assert_eq!(read, expected, "{length}");
        }
    }

    #[tokio::test]
    async fn few_large_bodies_are_in_memory_at_once() {
        let reader = reader();
        let first = read(&reader, 11, Size::Large).await.unwrap();
        assert_eq!(read(&reader, 11, Size::Large).await.unwrap_err(), 503);
        assert!(read(&reader, 10, Size::Large).await.is_ok());
        drop(first);
        assert!(read(&reader, 11, Size::Large).await.is_ok());
    }

    #[tokio::test]
    async fn an_unwanted_body_is_drained_unless_the_client_waits_to_be_asked() {
        let reader = reader();
        let mut headers = HeaderMap::new();
        let mut body = Full::new(Bytes::from_static(b"x"));
        headers.insert(header::EXPECT, HeaderValue::from_static("100-continue"));
        reader.drain(&headers, &mut body).await;
        assert!(!body.is_end_stream());
        reader.drain(&HeaderMap::new(), &mut body).await;
        assert!(body.is_end_stream());
    }
}
