//! The base URI of an endpoint (RFC 7644 §1.3).

use std::{fmt, str::FromStr};

use http::Uri;

/// A base URI. A query in it, as Microsoft Entra's feature flags are (`?aadOptscim062020`), goes with every request.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Base {
    is_https: bool,
    host: String,
    port: Option<u16>,
    path: String,
    query: Option<String>,
}

/// Why a text is no base URI.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("a base URI is https://HOST[:PORT]/PATH, or http:// where nothing is secret")]
pub struct BaseError;

impl FromStr for Base {
    type Err = BaseError;

    fn from_str(text: &str) -> Result<Self, BaseError> {
        let uri: Uri = text.parse().map_err(|_| BaseError)?;
        let is_https = match uri.scheme_str() {
            Some("https") => true,
            Some("http") => false,
            _ => return Err(BaseError),
        };
        let authority = uri.authority().ok_or(BaseError)?;
        // A name and password in the URI would be seen by everyone who sees the command line.
        if authority.as_str().contains('@') || authority.host().is_empty() {
            return Err(BaseError);
        }
        Ok(Self {
            is_https,
            host: authority.host().to_owned(),
            port: authority.port_u16(),
            path: uri.path().trim_end_matches('/').to_owned(),
            query: uri.query().map(str::to_owned),
        })
    }
}

impl fmt::Display for Base {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.is_https { "https" } else { "http" };
        write!(f, "{scheme}://{}{}", self.authority(), self.path)?;
        self.query.iter().try_for_each(|query| write!(f, "?{query}"))
    }
}

impl Base {
    pub(super) fn is_https(&self) -> bool {
        self.is_https
    }

    /// The host as certificates name it: an IPv6 address without its brackets.
    pub(super) fn host(&self) -> &str {
        self.host.trim_start_matches('[').trim_end_matches(']')
    }

    /// Where to connect.
    pub(super) fn address(&self) -> String {
        format!("{}:{}", self.host, self.port.unwrap_or(if self.is_https { 443 } else { 80 }))
    }

    /// What the `Host` header says.
    pub(super) fn authority(&self) -> String {
        match self.port {
            Some(port) => format!("{}:{port}", self.host),
            None => self.host.clone(),
        }
    }

    /// The request target of a path below the base.
    pub(super) fn target(&self, below: &str) -> String {
        let path = &self.path;
        match &self.query {
            None => format!("{path}{below}"),
            Some(query) if below.contains('?') => format!("{path}{below}&{query}"),
            Some(query) => format!("{path}{below}?{query}"),
        }
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn targets_are_below_the_base_and_keep_its_query() {
        for (base, below, target, address) in [
            ("https://scim.example/scim/v2/", "/Users", "/scim/v2/Users", "scim.example:443"),
            ("http://127.0.0.1:8080", "/Users?count=1", "/Users?count=1", "127.0.0.1:8080"),
            ("http://[::1]/v2?flag", "/Users", "/v2/Users?flag", "[::1]:80"),
            ("https://a.example:1/v2?flag", "/Users?count=1", "/v2/Users?count=1&flag", "a.example:1"),
        ] {
            let base: Base = base.parse().unwrap();
            assert_eq!((base.target(below), base.address()), (target.to_owned(), address.to_owned()), "{base}");
        }
        assert_eq!("http://[::1]/".parse::<Base>().unwrap().host(), "::1");
    }

    #[test]
    fn what_is_no_base_uri_is_refused() {
        for text in ["", "scim.example", "/scim/v2", "ftp://a.example/", "https://user:password@a.example/"] {
            assert_eq!(text.parse::<Base>(), Err(BaseError), "{text}");
        }
    }
}
