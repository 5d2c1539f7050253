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

use super::{Answer, Asked, Caller, Preconditions, Provider, unavailable, version_tag};
use crate::scim::{
    self, ScimType,
    bulk::{Method, Operation, Plan, Request, Step},
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
    /// POST to `/Bulk`. Operations that were not begun at the deadline are answered 503; those done stay done, also where
    /// what was begun before takes so long that the request as a whole is answered 503.
    ///
    /// # Errors
    /// What the client is told of a request of which nothing was done.
    pub async fn bulk(&self, caller: &Caller, body: &[u8], deadline: Instant) -> Result<Answer, scim::Error> {
        let Request { fail_on_errors, operations } =
            Request::parse(json::parse(body)?, self.bulk_limits.operations_max)?;
        let bulk = Bulk {
            provider: self,
            caller,
            deadline,
            plan: Plan::of(&operations),
            reserved: HashMap::new(),
            results: operations.iter().map(|_| None).collect(),
        };
        Ok(Answer::Bulk(bulk.run(operations, fail_on_errors).await))
    }

    /// Does one operation; the resource's location with its receipt. One that is not understood is kept for an operator,
    /// as a request of its own would be.
    async fn perform(&self, caller: &Caller, operation: Operation) -> Result<(Committed, String), scim::Error> {
        let Operation { method, path, version, data, .. } = operation;
        let (kind, id) = target(caller, &path)?;
        let preconditions = Preconditions { if_match: version, if_none_match: None };
        let sent = data.clone();
        let (operation, result) = match (method, id) {
            (Method::Post, None) => ("create", self.created(caller, kind, data).await),
            (Method::Put, Some(id)) => ("replace", self.replaced(caller, kind, id, &preconditions, data).await),
            (Method::Patch, Some(id)) => ("patch", self.patched(caller, kind, id, &preconditions, data).await),
            (Method::Delete, Some(id)) => ("delete", self.deleted(caller, kind, id, &preconditions).await),
            (Method::Post, Some(_)) => return Err(no_endpoint()),
            (_, None) => return Err(invalid("path: expected that of one resource, as /Users/ID")),
        };
        if let Err(error) = &result
            && error.is_not_understood()
        {
            let body = sent.to_string();
            let asked = Asked { operation, resource_type: kind, parameters: &[], body: body.as_bytes() };
            self.note_refusal(caller, &asked, error);
        }
        let committed = result?;
        let location = location(caller, kind, &committed);
        Ok((committed, location))
    }
}

/// A bulk request under way.
struct Bulk<'a> {
    provider: &'a Provider,
    caller: &'a Caller,
    deadline: Instant,
    plan: Plan,
    /// The ids of POSTs in circles, known before they are done.
    reserved: HashMap<usize, ResourceId>,
    /// Of what was done, in the client's order.
    results: Vec<Option<BulkResult>>,
}

impl Bulk<'_> {
    /// Does the operations, the rest of them left out after so many errors.
    async fn run(mut self, operations: Vec<Operation>, fail_on_errors: Option<NonZeroUsize>) -> Vec<BulkResult> {
        let mut operations: Vec<Option<Operation>> = operations.into_iter().map(Some).collect();
        let take = |operations: &mut [Option<Operation>], index: usize| Some((index, operations[index].take()?));
        let steps = std::mem::take(&mut self.plan.steps);
        let mut rest = &steps[..];
        let mut errors = 0;
        while fail_on_errors.is_none_or(|max| errors < max.get()) {
            errors += match rest {
                [] => break,
                [Step::Circle(indices), later @ ..] => {
                    rest = later;
                    self.perform_circle(indices.iter().filter_map(|&index| take(&mut operations, index)).collect())
                        .await
                }
                [Step::One(_), ..] => {
                    // Where an error may end it all, nothing is begun before the outcome of what comes first is known.
                    let independent = if fail_on_errors.is_some() { 1 } else { self.independent(rest, &operations) };
                    let (next, later) = rest.split_at(independent);
                    rest = later;
                    let single = |step: &Step| match step {
                        Step::One(index) => take(&mut operations, *index),
                        Step::Circle(_) => None,
                    };
                    self.perform(next.iter().filter_map(single).collect()).await
                }
            };
        }
        self.results.into_iter().flatten().collect()
    }

    /// How many single operations may be begun before the first of them is done: none of them refers to another, and no
    /// two are about one resource, so that a later one is not done where the store had no room for the earlier.
    fn independent(&self, steps: &[Step], operations: &[Option<Operation>]) -> usize {
        let (mut begun, mut touched) = (HashSet::new(), HashSet::new());
        let is_free = |step: &&Step| match step {
            Step::One(index) => {
                begun.insert(*index);
                let operation = operations[*index].as_ref().filter(|operation| operation.method != Method::Post);
                let is_first = operation.is_none_or(|operation| touched.insert(operation.path.as_str()));
                is_first && !self.plan.needs[*index].iter().any(|need| begun.contains(need))
            }
            Step::Circle(_) => false,
        };
        steps.iter().take(RUN_MAX).take_while(is_free).count()
    }

    /// Does operations that wait for no other of them; how many failed. What they write is committed together, in their
    /// order: each is polled once, and so given to the store, before any is waited for.
    async fn perform(&mut self, operations: Vec<(usize, Operation)>) -> usize {
        let mut begun = Vec::with_capacity(operations.len());
        for (index, mut operation) in operations {
            let resolved = self.resolve(&mut operation);
            let (provider, caller) = (self.provider, self.caller);
            let requested = Requested::of(caller, &operation);
            let mut work = Box::pin(maybe_done(async move {
                resolved?;
                provider.perform(caller, operation).await
            }));
            // Whether that was enough shows below.
            let _ = poll!(work.as_mut());
            begun.push((index, requested, work));
        }
        let mut errors = 0;
        for (index, requested, mut work) in begun {
            work.as_mut().await;
            let outcome = work.as_mut().take_output();
            errors += self.keep(index, requested, outcome.unwrap_or_else(|| Err(scim::Error::internal("no outcome"))));
        }
        errors
    }

    /// Does POSTs that refer to each other, by ids that they have beforehand: all of them, or none. How many failed.
    async fn perform_circle(&mut self, operations: Vec<(usize, Operation)>) -> usize {
        let (indices, mut operations): (Vec<usize>, Vec<Operation>) = operations.into_iter().unzip();
        let requested: Vec<Requested> =
            operations.iter().map(|operation| Requested::of(self.caller, operation)).collect();
        let mut outcomes = match self.commit_circle(&indices, &mut operations).await {
            Ok(done) => done.into_iter().map(Ok).collect::<Vec<_>>(),
            Err((culprit, error)) => {
                let because = || follows(&error, indices[culprit], "which is in a circle with this one");
                let mut outcomes: Vec<_> = indices.iter().map(|_| Err(because())).collect();
                outcomes[culprit] = Err(error);
                outcomes
            }
        };
        outcomes.reverse();
        let mut errors = 0;
        for (index, requested) in indices.into_iter().zip(requested) {
            let outcome = outcomes.pop().unwrap_or_else(|| Err(scim::Error::internal("no outcome")));
            errors += self.keep(index, requested, outcome);
        }
        errors
    }

    /// The receipts and locations of a circle, or the place in it of the operation that could not be done, and why.
    async fn commit_circle(
        &mut self,
        indices: &[usize],
        operations: &mut [Operation],
    ) -> Result<Vec<(Committed, String)>, (usize, scim::Error)> {
        let store = &self.provider.store;
        let reserved = store.reserve_ids(indices.len()).await.map_err(|error| (0, unavailable(error)))?;
        self.reserved.extend(indices.iter().copied().zip(reserved.iter().copied()));
        let (mut kinds, mut writes) = (Vec::new(), Vec::new());
        for (place, (operation, id)) in operations.iter_mut().zip(reserved).enumerate() {
            let write = self.resolve(operation).and_then(|()| {
                let kind = endpoint(self.caller, &operation.path)?;
                kinds.push(kind.clone());
                self.provider.creation(self.caller, kind, id, operation.data.take())
            });
            writes.push(write.map_err(|error| (place, error))?);
        }
        let committed = store.commit_together(writes).await.map_err(|error| (0, unavailable(error)))??;
        let located = |(committed, kind): (Committed, Arc<ResourceType>)| {
            let location = location(self.caller, &kind, &committed);
            (committed, location)
        };
        Ok(committed.into_iter().zip(kinds).map(located).collect())
    }

    /// Keeps an outcome for the answer; 1 if it is an error.
    fn keep(&mut self, index: usize, requested: Requested, outcome: Result<(Committed, String), scim::Error>) -> usize {
        let errors = usize::from(outcome.is_err());
        self.results[index] = Some(requested.result(outcome));
        errors
    }

    /// Puts ids in the place of references, if there is time to do the operation.
    fn resolve(&self, operation: &mut Operation) -> Result<(), scim::Error> {
        if Instant::now() >= self.deadline {
            let detail = "not done: the bulk request took too long (request-seconds); send this operation again";
            return Err(scim::Error::unavailable(detail, RETRY_AFTER));
        }
        operation.resolve(&|bulk_id| self.id_of(bulk_id))
    }

    /// The id that a reference stands for.
    fn id_of(&self, bulk_id: &str) -> Result<String, scim::Error> {
        let post = self.plan.post(bulk_id).ok_or_else(|| invalid("a bulkId is referred to that no POST has"))?;
        match (&self.results[post], self.reserved.get(&post)) {
            (Some(BulkResult { outcome: Ok(committed), .. }), _) => Ok(committed.stored().id.to_string()),
            (None, Some(id)) => Ok(id.to_string()),
            (Some(BulkResult { outcome: Err(error), .. }), _) => Err(follows(error, post, "which this one refers to")),
            (None, None) => {
                Err(scim::Error::conflict(format!("Operations[{post}], which this one refers to, was not done")))
            }
        }
    }
}

/// The error of an operation that could not be done because another was not. Where that one may be sent again, this one
/// may too.
fn follows(error: &scim::Error, index: usize, relation: &str) -> scim::Error {
    let detail = format!("Operations[{index}], {relation}, was not done");
    match error.retry_after_seconds() {
        Some(seconds) => scim::Error::unavailable(detail, Duration::from_secs(seconds)),
        None => scim::Error::conflict(detail),
    }
}

/// What a result repeats of its operation.
struct Requested {
    method: Method,
    bulk_id: Option<String>,
    /// The location, as far as the request tells: the RFC wants it of whatever is no POST, failed or not.
    location: Option<String>,
}

impl Requested {
    fn of(caller: &Caller, operation: &Operation) -> Self {
        let location = match target(caller, &operation.path) {
            Ok((kind, Some(id))) if operation.method != Method::Post => {
                Some(format!("{}{}/{id}", caller.base_uri, kind.endpoint))
            }
            _ => None,
        };
        Self { method: operation.method, bulk_id: operation.bulk_id.clone(), location }
    }

    fn result(self, outcome: Result<(Committed, String), scim::Error>) -> BulkResult {
        let Self { method, bulk_id, location } = self;
        match outcome {
            Ok((committed, permanent)) => {
                let is_gone = committed.effect() == WriteEffect::Deleted;
                let version = (!is_gone).then(|| version_tag(committed.stored()));
                BulkResult { method, bulk_id, location: Some(permanent), version, outcome: Ok(committed) }
            }
            Err(error) => BulkResult { method, bulk_id, location, version: None, outcome: Err(error) },
        }
    }
}

fn location(caller: &Caller, kind: &ResourceType, committed: &Committed) -> String {
    format!("{}{}/{}", caller.base_uri, kind.endpoint, committed.stored().id)
}

/// The resource type whose endpoint a POST's path names.
fn endpoint<'a>(caller: &'a Caller, path: &'a str) -> Result<&'a Arc<ResourceType>, scim::Error> {
    match target(caller, path)? {
        (kind, None) => Ok(kind),
        (_, Some(_)) => Err(no_endpoint()),
    }
}

fn no_endpoint() -> scim::Error {
    invalid("path: a POST names an endpoint, as /Users")
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
