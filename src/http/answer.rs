//! What goes back to the client: the one place where answers and errors become status, headers and body.

mod bulk;

use http::{HeaderValue, StatusCode, header};
use http_body_util::Full;
use hyper::{Response, body::Bytes};

use crate::{provider::Answer, scim};

/// An answer on its way out. Its body is in memory.
pub(super) type Reply = Response<Full<Bytes>>;

const SCIM_JSON: HeaderValue = HeaderValue::from_static("application/scim+json");
/// A line each: clients that know one scheme do not all read on to the second.
const CHALLENGES: [HeaderValue; 2] = [
    HeaderValue::from_static("Bearer realm=\"scim\""),
    HeaderValue::from_static("Basic realm=\"scim\", charset=\"UTF-8\""),
];
/// Answers hold personal data; no cache on the way may keep them.
const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");

/// The reply for a provider's answer.
///
/// # Errors
/// 500 where a version or location is no text for a header: a mistake of ours.
pub(super) fn success(answer: Answer) -> Result<Reply, scim::Error> {
    // A write's receipt ends here: it has made the status.
    match answer {
        Answer::Created { proof: _, location, version, body } => {
            let mut reply = with_body(StatusCode::CREATED, body);
            let location = value(location)?;
            reply.headers_mut().insert(header::CONTENT_LOCATION, location.clone());
            reply.headers_mut().insert(header::LOCATION, location);
            reply.headers_mut().insert(header::ETAG, value(version)?);
            Ok(reply)
        }
        Answer::Changed { proof: _, version, body } => {
            let mut reply = match body {
                Some(body) => with_body(StatusCode::OK, body),
                None => without_body(StatusCode::NO_CONTENT),
            };
            reply.headers_mut().insert(header::ETAG, value(version)?);
            Ok(reply)
        }
        Answer::Deleted { proof: _ } => Ok(without_body(StatusCode::NO_CONTENT)),
        Answer::Found { version, body } => {
            let mut reply = with_body(StatusCode::OK, body);
            if let Some(version) = version {
                reply.headers_mut().insert(header::ETAG, value(version)?);
            }
            Ok(reply)
        }
        Answer::Bulk(results) => Ok(with_body(StatusCode::OK, bulk::body(results))),
        Answer::NotModified { version } => {
            let mut reply = without_body(StatusCode::NOT_MODIFIED);
            reply.headers_mut().insert(header::ETAG, value(version)?);
            Ok(reply)
        }
    }
}

/// The reply for a refused or failed request.
pub(super) fn failure(error: &scim::Error) -> Reply {
    let status = StatusCode::from_u16(error.http_status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut reply = with_body(status, error.body().to_string().into_bytes());
    let headers = reply.headers_mut();
    if status == StatusCode::UNAUTHORIZED {
        for challenge in CHALLENGES {
            headers.append(header::WWW_AUTHENTICATE, challenge);
        }
    }
    if let Some(seconds) = error.retry_after_seconds() {
        headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    if let Some(allow) = error.allow() {
        headers.insert(header::ALLOW, HeaderValue::from_static(allow));
    }
    reply
}

/// Says of an answer that has a resource, or has it not because the client does, where the resource is (RFC 7643 §3.1).
pub(super) fn locate(reply: &mut Reply, location: &str) {
    let has_resource = matches!(reply.status(), StatusCode::OK | StatusCode::NOT_MODIFIED);
    // A host and an id that were found are text for a header.
    if has_resource && let Ok(location) = HeaderValue::from_str(location) {
        reply.headers_mut().insert(header::CONTENT_LOCATION, location);
    }
}

/// The same reply for `/Me`, with the permanent location of what that stands for (RFC 7644 §3.11).
pub(super) fn at_location(mut reply: Reply, location: &str) -> Reply {
    if let Ok(location) = HeaderValue::from_str(location) {
        reply.headers_mut().insert(header::LOCATION, location.clone());
        reply.headers_mut().insert(header::CONTENT_LOCATION, location);
    }
    reply
}

/// The same reply as HEAD gets it: the length stays, the body goes (RFC 9110 §9.3.2).
pub(super) fn head_only(mut reply: Reply) -> Reply {
    let length = http_body::Body::size_hint(reply.body()).exact();
    if let Some(length) = length.filter(|length| *length > 0) {
        reply.headers_mut().insert(header::CONTENT_LENGTH, HeaderValue::from(length));
    }
    *reply.body_mut() = Full::default();
    reply
}

fn with_body(status: StatusCode, body: Vec<u8>) -> Reply {
    let mut reply = without_body(status);
    reply.headers_mut().insert(header::CONTENT_TYPE, SCIM_JSON);
    *reply.body_mut() = Full::new(body.into());
    reply
}

fn without_body(status: StatusCode) -> Reply {
    let mut reply = Response::new(Full::default());
    *reply.status_mut() = status;
    reply.headers_mut().insert(header::CACHE_CONTROL, NO_STORE);
    reply
}

fn value(text: String) -> Result<HeaderValue, scim::Error> {
    HeaderValue::try_from(text).map_err(scim::Error::internal)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::scim::{Error, ScimType};

    fn header<'a>(reply: &'a Reply, name: &str) -> Option<&'a str> {
        reply.headers().get(name).map(|value| value.to_str().unwrap())
    }

    #[test]
    fn every_error_is_a_scim_error_with_its_headers() {
        let name_and_value = |name, value| vec![("content-type", "application/scim+json"), (name, value)];
        for (error, status, expected) in [
            (Error::of(ScimType::Uniqueness, "taken"), 409, name_and_value("cache-control", "no-store")),
            (Error::unauthorized("who"), 401, name_and_value("www-authenticate", "Bearer realm=\"scim\"")),
            (Error::method_not_allowed("GET"), 405, name_and_value("allow", "GET")),
            (Error::unavailable("later", Duration::from_millis(1)), 503, name_and_value("retry-after", "1")),
            (Error::internal("secret"), 500, name_and_value("cache-control", "no-store")),
        ] {
            let reply = failure(&error);
            assert_eq!(reply.status(), status);
            for (name, value) in expected {
                assert_eq!(header(&reply, name), Some(value), "{status}");
            }
        }
    }

    #[test]
    fn a_challenge_names_both_schemes() {
        let reply = failure(&Error::unauthorized("who"));
        let challenges: Vec<_> = reply.headers().get_all("www-authenticate").iter().collect();
        assert_eq!(challenges, ["Bearer realm=\"scim\"", "Basic realm=\"scim\", charset=\"UTF-8\""]);
    }

    #[test]
    fn what_was_found_has_its_version() {
        let found = success(Answer::Found { version: Some("W/\"7\"".to_owned()), body: b"{}".to_vec() }).unwrap();
        assert_eq!((found.status().as_u16(), header(&found, "etag")), (200, Some("W/\"7\"")));
        let list = success(Answer::Found { version: None, body: b"{}".to_vec() }).unwrap();
        assert_eq!(header(&list, "etag"), None);
        let same = success(Answer::NotModified { version: "W/\"7\"".to_owned() }).unwrap();
        assert_eq!((same.status().as_u16(), header(&same, "etag")), (304, Some("W/\"7\"")));
        assert_eq!(header(&same, "content-type"), None);
    }

    #[test]
    fn a_version_that_is_no_header_is_our_mistake() {
        let answer = Answer::NotModified { version: "\n".to_owned() };
        assert_eq!(success(answer).unwrap_err().http_status(), 500);
    }
}
