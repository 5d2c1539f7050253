//! One request, one answer: the steps between a parsed head and the provider.

use std::{
    collections::HashMap,
    error::Error as StdError,
    panic::AssertUnwindSafe,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use arc_swap::ArcSwap;
use aws_lc_rs::rand;
use futures_util::FutureExt;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Uri, header, uri::Authority};
use http_body::Body;
use hyper::body::Bytes;
use tokio::time::{Instant, timeout};
use uuid::Uuid;

use super::{
    answer::{self, Reply},
    authorization, body,
    query::{self, Target},
    route::{self, Route},
    settings::{Limits, Settings, seconds},
};
use crate::{
    credentials::{Authenticated, Credentials},
    metrics::Metrics,
    provider::{Answer, Asked, Caller, Preconditions, Provider, Tenant},
    scim,
    store::TenantName,
};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// What a client is told that comes while its tenant is switched off, or whose request took too long.
const RETRY_AFTER: Duration = Duration::from_secs(30);

/// What the router needs to know of the connection that a request came on.
#[derive(Clone, Copy, Debug)]
pub struct Connection {
    /// Whether the client sees `https`.
    pub is_tls: bool,
}

/// Answers requests.
pub struct Router {
    provider: Arc<Provider>,
    credentials: Arc<Credentials>,
    metrics: Arc<Metrics>,
    tenants: ArcSwap<Tenants>,
    bodies: body::Reader,
    uri_bytes_max: usize,
    request_time: Duration,
    /// The first half of every request's id.
    process: u64,
    /// The second half of the next one's.
    requests: AtomicU64,
}

/// The tenants by name, and their names by base path.
#[derive(Default)]
struct Tenants {
    by_name: HashMap<TenantName, Served>,
    by_base_path: HashMap<String, TenantName>,
    base_path_bytes_max: usize,
}

/// A tenant, and what is the same for all its requests.
#[derive(Clone)]
struct Served {
    tenant: Arc<Tenant>,
    /// Where `public-url` is set.
    base_uri: Option<Arc<str>>,
}

/// What the log, the metrics and the answer's head say of a request, as far as it got.
struct Seen {
    request_id: Arc<str>,
    tenant: Option<TenantName>,
    operation: &'static str,
    /// Where the resource is that it is about.
    location: Option<String>,
    /// The location of what `/Me` stands for, which goes with every answer (RFC 7644 §3.11).
    me: Option<String>,
}

impl Router {
    /// A router for those tenants.
    pub fn new(
        settings: &Settings,
        provider: Arc<Provider>,
        credentials: Arc<Credentials>,
        tenants: Vec<Arc<Tenant>>,
        metrics: Arc<Metrics>,
    ) -> Self {
        let Limits { uri_bytes_max, request_seconds, .. } = settings.limits;
        let router = Self {
            provider,
            credentials,
            metrics,
            tenants: ArcSwap::default(),
            bodies: body::Reader::new(&settings.limits),
            uri_bytes_max,
            request_time: seconds(request_seconds),
            process: random(),
            requests: AtomicU64::new(0),
        };
        router.replace_tenants(tenants, settings.public_url.as_deref());
        router
    }

    /// Serves those tenants from now on, where clients see `public_url`. Requests under way end with the tenant they began
    /// with.
    pub fn replace_tenants(&self, tenants: Vec<Arc<Tenant>>, public_url: Option<&str>) {
        self.tenants.store(Arc::new(Tenants::new(tenants, public_url)));
    }

    pub(super) fn metrics(&self) -> &Arc<Metrics> {
        &self.metrics
    }

    /// Answers a request. Never fails: whatever goes wrong is an answer too.
    pub async fn answer<B>(&self, request: Request<B>, connection: Connection) -> Reply
    where
        B: Body<Data = Bytes> + Unpin,
        B::Error: Into<Box<dyn StdError + Send + Sync>>,
    {
        let started = Instant::now();
        let (head, mut body) = request.into_parts();
        let mut seen =
            Seen { request_id: self.request_id(), tenant: None, operation: "none", location: None, me: None };

        let steps = AssertUnwindSafe(self.steps(&head, &mut body, connection, started, &mut seen)).catch_unwind();
        let result = match timeout(self.request_time, steps).await {
            Ok(Ok(result)) => result.and_then(answer::success),
            Ok(Err(_panic)) => {
                // The panic's text went to the log by the hook; it may name anything, so it goes nowhere else.
                self.metrics.panicked("http");
                Err(scim::Error::internal("a promise of the program was broken"))
            }
            Err(_) => Err(scim::Error::unavailable("the request took too long (request-seconds)", RETRY_AFTER)),
        };
        let mut reply = match result {
            Ok(reply) => reply,
            Err(error) => {
                log_cause(&seen, &error);
                self.bodies.drain(&head.headers, &mut body).await;
                answer::failure(&error)
            }
        };
        if let Some(location) = &seen.me {
            reply = answer::at_location(reply, location);
        } else if let Some(location) = &seen.location {
            answer::locate(&mut reply, location);
        }
        if head.method == Method::HEAD {
            reply = answer::head_only(reply);
        }
        if let Ok(id) = HeaderValue::from_str(&seen.request_id) {
            reply.headers_mut().insert(REQUEST_ID, id);
        }
        self.record(&seen, &head.method, reply.status().as_u16(), started.elapsed());
        reply
    }

    /// The way of a request, in order. A step that refuses ends it.
    async fn steps<B>(
        &self,
        head: &http::request::Parts,
        body: &mut B,
        connection: Connection,
        started: Instant,
        seen: &mut Seen,
    ) -> Result<Answer, scim::Error>
    where
        B: Body<Data = Bytes> + Unpin,
        B::Error: Into<Box<dyn StdError + Send + Sync>>,
    {
        // Before anything is looked up, so that a stranger learns nothing but that (T13).
        let (authenticated, subject) = self.authenticate(&head.headers)?;
        seen.tenant = Some(authenticated.tenant.clone());
        self.check_length(&head.uri)?;

        let target = Target::new(head.uri.path(), head.uri.query());
        let (served, rest) = self.tenants.load().find(&authenticated, target.path)?;
        if !served.tenant.switches.enabled {
            return Err(scim::Error::unavailable(
                "provisioning is switched off for this tenant (enabled)",
                RETRY_AFTER,
            ));
        }

        let (parameters, is_flagged) = query::parameters(target.query)?;
        if is_flagged || target.is_flagged {
            self.metrics.understood(&authenticated.tenant.0, &["EN-45"], 0);
        }
        let preconditions = preconditions(&head.headers)?;
        let caller = Caller {
            base_uri: match served.base_uri {
                Some(base_uri) => base_uri,
                None => base_uri(head, connection, &served.tenant.base_path)?,
            },
            tenant: served.tenant,
            actor: authenticated.actor,
            subject,
            request_id: seen.request_id.clone(),
        };
        let path = [rest, target.path_in_query];
        let route = if route::is_me(path) {
            seen.operation = "me";
            let user = self.provider.me(&caller).await?;
            seen.me = Some(format!("{}{user}", caller.base_uri));
            Route::find(&caller.tenant, &head.method, [&user, ""], &parameters)?
        } else {
            Route::find(&caller.tenant, &head.method, path, &parameters)?
        };
        seen.operation = route.operation();
        let read = match route.reads_body() {
            Some(size) => Some(self.bodies.read(&head.headers, body, size).await?),
            None => None,
        };
        let bytes = read.as_ref().map_or(&[][..], |read| &read.bytes);
        seen.location = route.resource().map(|path| format!("{}{path}", caller.base_uri));
        let result = self.call(&route, &caller, parameters, &preconditions, bytes, started).await;
        if let (Err(error), Some(resource_type)) = (&result, route.resource_type()) {
            let (parameters, _) = query::parameters(target.query)?;
            let operation = route.operation();
            let asked = Asked { operation, resource_type, parameters: &parameters, body: bytes };
            self.provider.note_refusal(&caller, &asked, error);
        }
        if let Ok(Answer::Bulk(results)) = &result {
            results.iter().filter_map(|result| result.outcome.as_ref().err()).for_each(|error| log_cause(seen, error));
        }
        result
    }

    async fn call(
        &self,
        route: &Route,
        caller: &Caller,
        parameters: Vec<(String, String)>,
        preconditions: &Preconditions,
        body: &[u8],
        started: Instant,
    ) -> Result<Answer, scim::Error> {
        let provider = &self.provider;
        match route {
            Route::Create(kind) => provider.create(caller, kind, parameters, body).await,
            Route::List(kinds) => provider.list(caller, kinds, parameters).await,
            Route::Search(kinds) => provider.search(caller, kinds, body).await,
            Route::Get(kind, id) => provider.get(caller, kind, id, parameters, preconditions).await,
            Route::Replace(kind, id) => provider.replace(caller, kind, id, parameters, preconditions, body).await,
            Route::Patch(kind, id) => provider.patch(caller, kind, id, parameters, preconditions, body).await,
            Route::Delete(kind, id) => provider.delete(caller, kind, id, preconditions).await,
            Route::Discover(document, name) => {
                provider.discover(caller, *document, name.as_deref(), &parameters, preconditions)
            }
            // Early enough for the answer to be out before the time of the request is over.
            Route::Bulk => provider.bulk(caller, body, started + self.request_time * 9 / 10).await,
        }
    }

    /// Whose key is presented, and the subject that came with it.
    fn authenticate(&self, headers: &HeaderMap) -> Result<(Authenticated, Option<Arc<str>>), scim::Error> {
        // Without a key an empty one is checked: both ways cost the same.
        let presented = authorization::presented(headers).unwrap_or_default();
        let authenticated = self.credentials.authenticate(&presented.key).ok_or_else(unauthorized)?;
        Ok((authenticated, presented.subject))
    }

    fn check_length(&self, uri: &Uri) -> Result<(), scim::Error> {
        let length = uri.path_and_query().map_or(0, |target| target.as_str().len());
        if length > self.uri_bytes_max {
            let limit = self.uri_bytes_max;
            return Err(scim::Error::uri_too_long(format!("the URI is longer than {limit} bytes (uri-bytes-max)")));
        }
        Ok(())
    }

    /// An id that no other request has: random for the process, counted within it.
    fn request_id(&self) -> Arc<str> {
        let count = self.requests.fetch_add(1, Ordering::Relaxed);
        let id = Uuid::from_u64_pair(self.process, count);
        id.as_simple().encode_lower(&mut Uuid::encode_buffer()).into()
    }

    fn record(&self, seen: &Seen, method: &Method, status: u16, took: Duration) {
        let Seen { request_id, tenant, operation, .. } = seen;
        let tenant = tenant.as_ref().map_or("", |tenant| &*tenant.0);
        self.metrics.request(tenant, operation, status, took);
        // Neither path nor query: both may name people.
        macro_rules! answered {
            ($level:ident) => {
                tracing::$level!(
                    request.id = &**request_id,
                    tenant,
                    operation,
                    status,
                    duration_ms = took.as_secs_f64() * 1000.0,
                    "request answered"
                )
            };
        }
        if method.is_safe() { answered!(debug) } else { answered!(info) }
    }
}

impl Tenants {
    fn new(tenants: Vec<Arc<Tenant>>, public_url: Option<&str>) -> Self {
        let mut all = Self::default();
        for tenant in tenants {
            let base_path = tenant.base_path.clone();
            let base_uri = public_url.map(|url| format!("{url}{base_path}").into());
            all.base_path_bytes_max = all.base_path_bytes_max.max(base_path.len());
            all.by_base_path.insert(base_path, tenant.name.clone());
            all.by_name.insert(tenant.name.clone(), Served { tenant, base_uri });
        }
        all
    }

    /// The tenant at a path, and the rest of the path.
    ///
    /// # Errors
    /// 401 for the path of another tenant, as for an unknown key; 404 for the path of none.
    fn find<'a>(&self, authenticated: &Authenticated, path: &'a str) -> Result<(Served, &'a str), scim::Error> {
        let Some((name, rest)) = self.owner(path) else {
            return Err(scim::Error::not_found("no such path; check the tenant's base URI"));
        };
        if *name != authenticated.tenant {
            return Err(unauthorized());
        }
        // A key may outlive its tenant, but then no path is that tenant's.
        let served = self.by_name.get(name).ok_or_else(unauthorized)?;
        Ok((served.clone(), rest))
    }

    /// The tenant whose base path is the longest that the path starts with.
    fn owner<'a>(&self, path: &'a str) -> Option<(&TenantName, &'a str)> {
        let mut end = path.len();
        loop {
            let (base_path, rest) = path.split_at_checked(end)?;
            // No base path is longer, so that a long path of many slashes is not hashed over and over.
            if base_path.len() <= self.base_path_bytes_max
                && let Some(name) = self.by_base_path.get(base_path)
            {
                return Some((name, rest));
            }
            end = base_path.rfind('/')?;
        }
    }
}

/// The same for every reason.
fn unauthorized() -> scim::Error {
    scim::Error::unauthorized("no valid key for this path")
}

/// The base URI as the client sees it, without `public-url`.
fn base_uri(head: &http::request::Parts, connection: Connection, base_path: &str) -> Result<Arc<str>, scim::Error> {
    let bad = || scim::Error::bad_request("the Host header is missing or malformed");
    let text = match head.uri.authority() {
        Some(authority) => authority.as_str(),
        None => head.headers.get(header::HOST).and_then(|host| host.to_str().ok()).ok_or_else(bad)?,
    };
    let is_host = text.parse::<Authority>().is_ok_and(|authority| !authority.as_str().contains('@'));
    if !is_host {
        return Err(bad());
    }
    let scheme = if connection.is_tls { "https" } else { "http" };
    Ok(format!("{scheme}://{text}{base_path}").into())
}

fn random() -> u64 {
    let mut bytes = [0; 8];
    // Without randomness ids repeat from one process to the next, and keys could not be made either.
    let _ = rand::fill(&mut bytes);
    u64::from_be_bytes(bytes)
}

fn preconditions(headers: &HeaderMap) -> Result<Preconditions, scim::Error> {
    let text = |name: HeaderName| -> Result<Option<String>, scim::Error> {
        let mut lines = Vec::new();
        for value in headers.get_all(&name) {
            let line = value.to_str();
            lines.push(line.map_err(|_| scim::Error::bad_request(format!("{name} has characters beyond ASCII")))?);
        }
        Ok((!lines.is_empty()).then(|| lines.join(", ")))
    };
    Ok(Preconditions { if_match: text(header::IF_MATCH)?, if_none_match: text(header::IF_NONE_MATCH)? })
}

fn log_cause(seen: &Seen, error: &scim::Error) {
    let Some(first) = error.source() else { return };
    let mut cause = first.to_string();
    let mut below = first.source();
    while let Some(next) = below {
        cause = format!("{cause}: {next}");
        below = next.source();
    }
    let request_id = &*seen.request_id;
    if error.http_status() == 500 {
        tracing::error!(request.id = request_id, operation = seen.operation, cause, "request failed");
    } else {
        tracing::debug!(request.id = request_id, operation = seen.operation, cause, "request refused");
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests;
