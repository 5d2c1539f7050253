//! The table `[http]` of the configuration.

use std::{
    net::{Ipv4Addr, SocketAddr},
    path::PathBuf,
    time::Duration,
};

use schemars::JsonSchema;
use scim_connector::SettingsProblem;
use serde::{Deserialize, Serialize};

use crate::provider::BulkLimits;

/// The SCIM listener.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Settings {
    /// Addresses to listen on.
    pub listen: Vec<SocketAddr>,
    /// The certificate; without one the listener speaks plain HTTP.
    pub tls: Option<Tls>,
    /// Allows plain HTTP on an address that is not loopback: for a proxy that ends TLS on another host.
    pub allow_plain: bool,
    /// Scheme and host as clients see them, `https://scim.example.com`: the start of every `meta.location`. By default
    /// what the client says in `Host`.
    pub public_url: Option<String>,
    /// What clients may ask of the listener.
    pub limits: Limits,
}

/// Where the certificate is. Read when the relay starts.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Tls {
    /// PEM file with the certificate and its chain, leaf first.
    pub certificate_file: PathBuf,
    /// PEM file with the private key.
    pub key_file: PathBuf,
}

/// What clients may ask of the listener. Sizes in bytes, times in whole seconds.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Limits {
    /// The largest body of a request.
    #[schemars(range(min = 1024))]
    pub body_bytes_max: usize,
    /// The largest body of a request to `/Groups`, whose members come in one list, and to `/Bulk`.
    #[schemars(range(min = 1024))]
    pub group_body_bytes_max: usize,
    /// The most operations of a request to `/Bulk`.
    #[schemars(range(min = 1))]
    pub bulk_operations_max: usize,
    /// How many bodies larger than `body-bytes-max` may be in memory at once.
    #[schemars(range(min = 1))]
    pub large_bodies_max: usize,
    /// The largest head of a request.
    #[schemars(range(min = 8192))]
    pub header_bytes_max: u32,
    /// The most header fields of a request.
    #[schemars(range(min = 16))]
    pub headers_max: usize,
    /// The longest path and query.
    #[schemars(range(min = 256))]
    pub uri_bytes_max: usize,
    /// How long a TLS handshake may take.
    #[schemars(range(min = 1))]
    pub handshake_seconds: u32,
    /// How long a request's head may take from the start of the connection or the end of the request before.
    #[schemars(range(min = 1))]
    pub header_read_seconds: u32,
    /// How long a request's body may take.
    #[schemars(range(min = 1))]
    pub body_read_seconds: u32,
    /// How long a request may take in all. Below the 60 s after which clients hang up. A request to `/Bulk` begins no
    /// operation in the last tenth of it: each that is left over is answered 503.
    #[schemars(range(min = 1))]
    pub request_seconds: u32,
    /// How long a connection may be idle, or not take what it is sent.
    #[schemars(range(min = 1))]
    pub idle_seconds: u32,
    /// The most connections. More wait unaccepted.
    #[schemars(range(min = 1))]
    pub connections_max: usize,
    /// The most requests at once on one HTTP/2 connection.
    #[schemars(range(min = 1))]
    pub streams_max: u32,
    /// How long accepted requests may take to finish when the relay stops.
    #[schemars(range(min = 1))]
    pub drain_seconds: u32,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            listen: vec![SocketAddr::from((Ipv4Addr::LOCALHOST, 8080))],
            tls: None,
            allow_plain: false,
            public_url: None,
            limits: Limits::default(),
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            body_bytes_max: 1024 * 1024,
            group_body_bytes_max: 16 * 1024 * 1024,
            bulk_operations_max: 1000,
            large_bodies_max: 4,
            header_bytes_max: 16 * 1024,
            headers_max: 100,
            uri_bytes_max: 8 * 1024,
            handshake_seconds: 10,
            header_read_seconds: 30,
            body_read_seconds: 30,
            request_seconds: 50,
            idle_seconds: 60,
            connections_max: 4096,
            streams_max: 100,
            drain_seconds: 30,
        }
    }
}

impl Settings {
    /// Everything that is wrong with these settings, as far as it shows without I/O.
    pub fn problems(&self) -> Vec<SettingsProblem> {
        let mut problems = Vec::new();
        let mut problem = |key: &str, message: String, remedy: &str| {
            problems.push(SettingsProblem { key: key.to_owned(), message, remedy: remedy.to_owned() });
        };
        if self.listen.is_empty() {
            problem("listen", "no address to listen on".to_owned(), "name at least one, \"127.0.0.1:8080\"");
        }
        if self.tls.is_none() && !self.allow_plain {
            for address in self.listen.iter().filter(|address| !address.ip().is_loopback()) {
                problem(
                    "listen",
                    format!("plain HTTP on {address} would show bearer keys to the network"),
                    "set tls.certificate-file and tls.key-file, or allow-plain = true behind a proxy that ends TLS",
                );
            }
        }
        if self.public_url.as_deref().is_some_and(|url| !is_origin(url)) {
            problem(
                "public-url",
                "not a scheme and host".to_owned(),
                "write it as \"https://scim.example.com\", without a slash or path at the end",
            );
        }
        for (key, value, least) in self.limits.floors() {
            if value < least {
                problem(key, format!("{value} is less than {least}"), "raise it, or leave it out for the default");
            }
        }
        problems
    }
}

impl Limits {
    /// Those of `/Bulk`.
    pub fn bulk(&self) -> BulkLimits {
        BulkLimits { operations_max: self.bulk_operations_max, payload_bytes_max: self.group_body_bytes_max }
    }

    /// Limits below which nothing works.
    fn floors(&self) -> [(&'static str, usize, usize); 15] {
        let number = |value: u32| usize::try_from(value).unwrap_or(usize::MAX);
        [
            ("limits.body-bytes-max", self.body_bytes_max, 1024),
            ("limits.group-body-bytes-max", self.group_body_bytes_max, self.body_bytes_max),
            ("limits.bulk-operations-max", self.bulk_operations_max, 1),
            ("limits.large-bodies-max", self.large_bodies_max, 1),
            // hyper's read buffer cannot be smaller.
            ("limits.header-bytes-max", number(self.header_bytes_max), 8192),
            ("limits.headers-max", self.headers_max, 16),
            ("limits.uri-bytes-max", self.uri_bytes_max, 256),
            ("limits.handshake-seconds", number(self.handshake_seconds), 1),
            ("limits.header-read-seconds", number(self.header_read_seconds), 1),
            ("limits.body-read-seconds", number(self.body_read_seconds), 1),
            ("limits.request-seconds", number(self.request_seconds), 1),
            ("limits.idle-seconds", number(self.idle_seconds), 1),
            ("limits.connections-max", self.connections_max, 1),
            ("limits.streams-max", number(self.streams_max), 1),
            ("limits.drain-seconds", number(self.drain_seconds), 1),
        ]
    }
}

/// A number of seconds from the settings.
pub(super) fn seconds(value: u32) -> Duration {
    Duration::from_secs(u64::from(value))
}

fn is_origin(url: &str) -> bool {
    url.parse::<http::Uri>().is_ok_and(|uri| {
        matches!(uri.scheme_str(), Some("http" | "https"))
            && uri.authority().is_some_and(|authority| !authority.as_str().contains('@'))
            && uri.path_and_query().is_none_or(|rest| rest.as_str() == "/")
            && !url.ends_with('/')
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(settings: &Settings) -> Vec<String> {
        settings.problems().into_iter().map(|problem| problem.key).collect()
    }

    #[test]
    fn defaults_are_in_order() {
        assert_eq!(Settings::default().problems(), []);
    }

    #[test]
    fn plain_http_stays_on_loopback_unless_allowed() {
        let open = Settings { listen: vec![SocketAddr::from(([0, 0, 0, 0], 80))], ..Settings::default() };
        assert_eq!(keys(&open), ["listen"]);
        assert_eq!(keys(&Settings { allow_plain: true, ..open }), [] as [&str; 0]);
    }

    #[test]
    fn every_problem_is_reported_at_once() {
        let limits = Limits { headers_max: 0, group_body_bytes_max: 2000, ..Limits::default() };
        let settings =
            Settings { listen: vec![], public_url: Some("scim.example".to_owned()), limits, ..Settings::default() };
        assert_eq!(keys(&settings), ["listen", "public-url", "limits.group-body-bytes-max", "limits.headers-max"]);
    }

    #[test]
    fn a_public_url_is_scheme_and_host() {
        for (url, is_good) in [
            ("https://scim.example.com", true),
            ("http://[::1]:8080", true),
            ("https://scim.example.com/", false),
            ("https://scim.example.com/scim", false),
            ("https://user@scim.example.com", false),
            ("ftp://scim.example.com", false),
            ("scim.example.com", false),
            ("", false),
        ] {
            assert_eq!(is_origin(url), is_good, "{url}");
        }
    }
}
