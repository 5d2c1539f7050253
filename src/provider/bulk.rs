//! `/Bulk` (RFC 7644 §3.7): each operation is done as a request of its own would be, and has a result of its own.

use std::{
    collections::{HashMap, HashSet},
    num::NonZeroUsize,
    sync::Arc,
    time::Duration,
};

use futures_util::{future::maybe_done, poll};
use scim_connector::ResourceId;
use tokio::time::Instant;

use super::{Answer, Caller, Preconditions, Provider, unavailable, version_tag};
use crate::scim::{
    self, ScimType,
    bulk::{Method, Operation, Plan, Request},
    json,
    schema::ResourceType,
};
use crate::store::{Committed, WriteEffect};

/// The most operations under way at once: what the store commits together.
const RUN_MAX: usize = 256;

/// How long a client should wait before it sends again what there was no time for.
const RETRY_AFTER: Duration = Duration::from_secs(30);

/// What a bulk request may be.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct BulkLimits {
    /// The most operations.
    pub operations_max: usize,
    /// The largest body, in bytes.
    pub payload_bytes_max: usize,
}

/// What came of one operation of a bulk request.
#[derive(Debug)]
pub struct BulkResult {
    /// What was asked for.
    pub method: Method,
    /// The client's name for it.
    pub bulk_id: Option<String>,
    /// The resource's URI; `None` for a POST that failed.
    pub location: Option<String>,
    /// The resource's `ETag`; `None` where the resource is gone, and for a failure.
    pub version: Option<String>,
    /// The receipt without which there is no success, or what the client is told.
    pub outcome: Result<Committed, scim::Error>,
}

impl Provider {
    /// POST to `/Bulk`. Operations that were not begun at the deadline are answered 503; those done stay done.
    ///
    /// # Errors
    /// What the client is told of a request of which nothing was done.
    pub async fn bulk(&self, caller: &Caller, body: &[u8], deadline: Instant) -> Result<Answer, scim::Error> {
        let Request { fail_on_errors, operations } =
            Request::parse(json::parse(body)?, self.bulk_limits.operations_max)?;
        let plan = Plan::of(&operations);
        let needed_early: Vec<usize> = (0..operations.len()).filter(|&index| plan.is_needed_early[index]).collect();
        let reserved = match needed_early.len() {
            0 => Vec::new(),
            count => self.store.reserve_ids(count).await.map_err(unavailable)?,
        };
        let bulk = Bulk {
            provider: self,
            caller,
            deadline,
            reserved: needed_early.into_iter().zip(reserved).collect(),
            results: operations.iter().map(|_| None).collect(),
            plan,
        };
        Ok(Answer::Bulk(bulk.run(operations, fail_on_errors).await))
    }

    /// Does one operation; the resource's location with its receipt.
    async fn perform(
        &self,
        caller: &Caller,
        operation: Operation,
        reserved: Option<ResourceId>,
    ) -> Result<(Committed, String), scim::Error> {
        let Operation { method, path, version, data, .. } = operation;
        let (kind, id) = target(caller, &path)?;
        let preconditions = Preconditions { if_match: version, if_none_match: None };
        let committed = match (method, id) {
            (Method::Post, None) => self.created(caller, kind, reserved, data).await,
            (Method::Put, Some(id)) => self.replaced(caller, kind, id, &preconditions, data).await,
            (Method::Patch, Some(id)) => self.patched(caller, kind, id, &preconditions, data).await,
            (Method::Delete, Some(id)) => self.deleted(caller, kind, id, &preconditions).await,
            (Method::Post, Some(_)) => Err(invalid("path: a POST names an endpoint, as /Users")),
            (_, None) => Err(invalid("path: expected that of one resource, as /Users/ID")),
        }?;
        let location = format!("{}{}/{}", caller.base_uri, kind.endpoint, committed.stored().id);
        Ok((committed, location))
    }
}

/// A bulk request under way.
struct Bulk<'a> {
    provider: &'a Provider,
    caller: &'a Caller,
    deadline: Instant,
    plan: Plan,
    /// The ids of POSTs that something refers to before they are done.
    reserved: HashMap<usize, ResourceId>,
    /// Of what was done, in the client's order.
    results: Vec<Option<BulkResult>>,
}

impl Bulk<'_> {
    /// Does the operations, the rest of them left out after so many errors.
    async fn run(mut self, operations: Vec<Operation>, fail_on_errors: Option<NonZeroUsize>) -> Vec<BulkResult> {
        let mut operations: Vec<Option<Operation>> = operations.into_iter().map(Some).collect();
        let order = std::mem::take(&mut self.plan.order);
        let mut rest = &order[..];
        let mut errors = 0;
        while !rest.is_empty() && fail_on_errors.is_none_or(|max| errors < max.get()) {
            // Where an error may end it all, nothing is begun before the outcome of what comes first is known.
            let length = if fail_on_errors.is_some() { 1 } else { self.independent(rest) };
            let (next, later) = rest.split_at(length);
            rest = later;
            let next = next.iter().filter_map(|&index| Some((index, operations[index].take()?))).collect();
            errors += self.perform(next).await;
        }
        self.results.into_iter().flatten().collect()
    }

    /// How many operations may be begun before the first of them is done: none of them refers to another, save to one
    /// whose id is reserved and whose turn comes later.
    fn independent(&self, order: &[usize]) -> usize {
        let mut begun = HashSet::new();
        let is_free = |&&index: &&usize| {
            let is_free = !self.plan.needs[index].iter().any(|need| begun.contains(need));
            begun.insert(index);
            is_free
        };
        order.iter().take(RUN_MAX).take_while(is_free).count()
    }

    /// Does operations that wait for no other of them; how many failed. What they write is committed together, in their
    /// order: each is polled once, and so given to the store, before any is waited for.
    async fn perform(&mut self, operations: Vec<(usize, Operation)>) -> usize {
        let mut errors = 0;
        let mut begun = Vec::with_capacity(operations.len());
        for (index, mut operation) in operations {
            let (method, bulk_id) = (operation.method, operation.bulk_id.clone());
            let resolved = self.in_time().and_then(|()| operation.resolve(&|bulk_id| self.id_of(bulk_id)));
            // The RFC wants it of whatever is no POST, failed or not.
            let path = (method != Method::Post)
                .then(|| format!("{}/{}", self.caller.base_uri, operation.path.trim_start_matches('/')));
            let (provider, caller, reserved) = (self.provider, self.caller, self.reserved.get(&index).copied());
            let mut work = Box::pin(maybe_done(async move {
                resolved?;
                provider.perform(caller, operation, reserved).await
            }));
            // Whether that was enough shows below.
            let _ = poll!(work.as_mut());
            begun.push((index, BulkRequested { method, bulk_id, path }, work));
        }
        for (index, requested, mut work) in begun {
            work.as_mut().await;
            let outcome = work.as_mut().take_output();
            let result = requested.result(outcome.unwrap_or_else(|| Err(scim::Error::internal("no outcome"))));
            errors += usize::from(result.outcome.is_err());
            self.results[index] = Some(result);
        }
        errors
    }

    fn in_time(&self) -> Result<(), scim::Error> {
        if Instant::now() < self.deadline {
            return Ok(());
        }
        let detail = "not done: the bulk request took too long (request-seconds); send this operation again";
        Err(scim::Error::unavailable(detail, RETRY_AFTER))
    }

    /// The id that a reference stands for.
    fn id_of(&self, bulk_id: &str) -> Result<String, scim::Error> {
        let post = self.plan.post(bulk_id).ok_or_else(|| invalid("a bulkId is referred to that no POST has"))?;
        match (&self.results[post], self.reserved.get(&post)) {
            (Some(BulkResult { outcome: Ok(committed), .. }), _) => Ok(committed.stored().id.to_string()),
            // Its turn comes later. Should it be refused then, the reference is left pending, as one to any resource
            // that does not exist.
            (None, Some(id)) => Ok(id.to_string()),
            (Some(BulkResult { outcome: Err(_), .. }), _) | (None, None) => {
                Err(scim::Error::conflict(format!("Operations[{post}], which this one refers to, was not done")))
            }
        }
    }
}

/// What a result repeats of its operation.
struct BulkRequested {
    method: Method,
    bulk_id: Option<String>,
    /// The location, as far as the request tells.
    path: Option<String>,
}

impl BulkRequested {
    fn result(self, outcome: Result<(Committed, String), scim::Error>) -> BulkResult {
        let Self { method, bulk_id, path } = self;
        match outcome {
            Ok((committed, location)) => {
                let is_gone = committed.effect() == WriteEffect::Deleted;
                let version = (!is_gone).then(|| version_tag(committed.stored()));
                BulkResult { method, bulk_id, location: Some(location), version, outcome: Ok(committed) }
            }
            Err(error) => BulkResult { method, bulk_id, location: path, version: None, outcome: Err(error) },
        }
    }
}

/// The resource type and id that a path names.
fn target<'a>(caller: &'a Caller, path: &'a str) -> Result<(&'a Arc<ResourceType>, Option<&'a str>), scim::Error> {
    let mut segments = path.split('/').filter(|segment| !segment.is_empty());
    let (endpoint, id, below) = (segments.next().unwrap_or_default(), segments.next(), segments.next());
    match (caller.tenant.types.by_endpoint(endpoint), below) {
        (Some(kind), None) => Ok((kind, id)),
        (None, None) if endpoint == "Groups" => {
            Err(scim::Error::not_implemented("groups are switched off for this tenant"))
        }
        (None, _) if endpoint == "Bulk" => Err(invalid("path: a bulk request holds no other")),
        (_, _) => Err(scim::Error::not_found("path: no such endpoint; /ResourceTypes lists those of this tenant")),
    }
}

fn invalid(detail: &'static str) -> scim::Error {
    scim::Error::of(ScimType::InvalidValue, detail)
}
