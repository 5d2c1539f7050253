//! The delivery to one connector.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    time::Duration,
};

use futures_util::FutureExt;
use scim_connector::{Applied, Change, ConnectorError, Desired, Effect, ErrorClass, ResourceId};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::{
    Dispatcher, Running, STORE_RETRY, Settings,
    circuit::{Circuit, Failure},
    desired::{Task, task},
    retry,
};
use crate::{
    metrics::{ConnectorCondition, DeliveryOutcome, Metrics},
    store::{self, ConnectorState, Delivery, DeliveryId, MemberDelta, Outcome, OwedState, Settlement, Store},
    time::{Clock, Timestamp},
};

/// Runs one connector until it is stopped.
pub(super) struct ConnectorTask {
    store: Arc<dyn Store>,
    clock: Clock,
    metrics: Arc<Metrics>,
    settings: Settings,
    running: Arc<Running>,
    stop: CancellationToken,
    /// Resources whose delivery is in a call or about to be settled. Not the deliveries: one that is discarded while it is
    /// under way may have a successor.
    under_way: Vec<ResourceId>,
}

/// A call under way and what it carries.
struct Call {
    deliveries: Vec<Pending>,
    result: Vec<Result<Applied, ConnectorError>>,
    took: Duration,
}

/// What is kept of a delivery while its change is under way.
struct Pending {
    id: DeliveryId,
    version: u64,
    attempts: u32,
    /// Whether the entry is in use once the change is applied.
    live: bool,
    waiting: Vec<String>,
    request_id: Arc<str>,
    resource: ResourceId,
    fingerprint: Arc<str>,
}

impl ConnectorTask {
    pub(super) fn new(dispatcher: &Dispatcher, running: Arc<Running>) -> Self {
        Self {
            store: dispatcher.store.clone(),
            clock: dispatcher.clock.clone(),
            metrics: dispatcher.metrics.clone(),
            settings: running.settings.clone(),
            stop: running.stop.clone(),
            running,
            under_way: Vec::new(),
        }
    }

    /// Delivers until it is stopped; calls under way are finished and settled.
    pub(super) async fn run(mut self) {
        let limits = self.running.target.connector.limits();
        let stop = self.stop.clone();
        let mut deliverable = self.store.deliverable();
        // Tasks of their own, so that they go on while this one waits for the store.
        let mut calls = JoinSet::new();
        let mut state = self.state().await;
        loop {
            self.show(&state);
            deliverable.mark_unchanged();
            // One moment a turn: what is not due in it is found by `wake_at` with the same one.
            let now = self.clock.now();
            let mut wake_at = None;
            if state == ConnectorState::Active && !stop.is_cancelled() {
                let allowed = self.running.circuit().allowance(limits, now);
                while wake_at.is_none() && calls.len() < allowed.calls {
                    match self.store.deliveries(&self.running.target.name, now, allowed.batch, &self.under_way).await {
                        Ok(deliveries) if deliveries.is_empty() => break,
                        // Already of another configuration, whose target is about to take this one's place.
                        Ok(deliveries) if deliveries.iter().any(|delivery| !self.is_for_target(delivery)) => {
                            wake_at = Some(now.after(STORE_RETRY));
                        }
                        Ok(deliveries) => {
                            let (pending, changes) = self.prepare(deliveries).await;
                            if !changes.is_empty() {
                                let deadline = Duration::from_secs(self.settings.call_seconds_max);
                                calls.spawn(call(self.running.clone(), pending, changes, deadline));
                            }
                        }
                        Err(error) => {
                            tracing::warn!(connector = self.name(), error = %error, "deliveries cannot be read");
                            wake_at = Some(now.after(STORE_RETRY));
                        }
                    }
                }
                if wake_at.is_none() {
                    wake_at = self.wake_at(now).await;
                }
            }
            if stop.is_cancelled() && calls.is_empty() {
                return;
            }
            tokio::select! {
                // Not in an order of chance, so that a simulation can be repeated: what is rare comes first.
                biased;
                () = self.running.bell.notified() => {
                    state = self.state().await;
                    // An operator knows that it works again.
                    *self.running.circuit() = Circuit::default();
                }
                () = stop.cancelled(), if !stop.is_cancelled() => {}
                Some(ended) = calls.join_next(), if !calls.is_empty() => {
                    // A call catches the panics of its connector, and nobody aborts it.
                    if let Ok(call) = ended
                        && let Some(suspended) = self.conclude(call).await
                    {
                        state = suspended;
                    }
                }
                changed = deliverable.changed(), if state == ConnectorState::Active => {
                    if changed.is_err() {
                        // The store is closed: nothing can be settled any more.
                        return;
                    }
                    if limits.linger_ms > 0 && calls.is_empty() {
                        // More changes are likely to follow; one call carries them all.
                        self.pause(Duration::from_millis(limits.linger_ms)).await;
                    }
                }
                () = sleep_until(&self.clock, wake_at) => {}
            }
        }
    }

    fn is_for_target(&self, delivery: &Delivery) -> bool {
        delivery.fingerprint == self.running.target.fingerprint
    }

    fn name(&self) -> &str {
        &self.running.target.name.0
    }

    /// Waits so long, or until it is stopped.
    async fn pause(&self, time: Duration) {
        tokio::select! {
            () = self.stop.cancelled() => {}
            () = self.clock.sleep_until(self.clock.now().after(time)) => {}
        }
    }

    /// Shows the connector's state in the metrics.
    fn show(&self, state: &ConnectorState) {
        let condition = match state {
            ConnectorState::Active if self.running.circuit().failing_until().is_some() => ConnectorCondition::Failing,
            ConnectorState::Active => ConnectorCondition::Active,
            ConnectorState::Paused => ConnectorCondition::Paused,
            ConnectorState::Suspended { .. } => ConnectorCondition::Suspended,
        };
        self.metrics.connector_state(self.name(), condition);
    }

    /// Maps deliveries to changes; settles at once what needs no call.
    async fn prepare(&mut self, deliveries: Vec<Delivery>) -> (Vec<Pending>, Vec<Change>) {
        let mut pending = Vec::with_capacity(deliveries.len());
        let mut changes = Vec::with_capacity(deliveries.len());
        let mut settled = Vec::new();
        for mut delivery in deliveries {
            let told = catch_unwind(AssertUnwindSafe(|| task(&self.running.target, &mut delivery)));
            match told.unwrap_or_else(|_| self.panicked()) {
                Task::Apply(change) => {
                    self.under_way.push(delivery.resource);
                    pending.push(Pending {
                        live: matches!(change.desired, Desired::Present { active: true, .. }),
                        id: delivery.id,
                        version: delivery.version,
                        attempts: delivery.attempts,
                        resource: delivery.resource,
                        fingerprint: delivery.fingerprint,
                        request_id: delivery.request_id,
                        waiting: match delivery.state {
                            OwedState::Present { members: Some(MemberDelta { waiting, .. }), .. } => waiting,
                            _ => Vec::new(),
                        },
                    });
                    changes.push(change);
                }
                Task::Leave(remote) => settled.push(Settlement {
                    id: delivery.id,
                    resource: delivery.resource,
                    version: delivery.version,
                    fingerprint: delivery.fingerprint,
                    // It stays as it was, which is in use where the connector has it at all.
                    outcome: Outcome::Applied {
                        effect: Effect::Unchanged,
                        live: remote.is_some(),
                        remote,
                        waiting: Vec::new(),
                    },
                }),
                Task::Refuse(message) => {
                    self.metrics.delivered(&self.running.target.name.0, DeliveryOutcome::Rejected);
                    settled.push(Settlement {
                        id: delivery.id,
                        resource: delivery.resource,
                        version: delivery.version,
                        fingerprint: delivery.fingerprint,
                        outcome: Outcome::Dead { message },
                    });
                }
            }
        }
        if !settled.is_empty() {
            self.settle(settled).await;
        }
        (pending, changes)
    }

    /// Sorts the outcomes of a call and records them; the connector's new state, if it had to be suspended.
    async fn conclude(&mut self, call: Call) -> Option<ConnectorState> {
        let name = self.running.target.name.clone();
        self.metrics.called(&name.0, call.took);
        // Anything but "cannot be reached" proves that the connector as a whole works.
        let failed_as_a_whole = call.result.iter().all(|result| {
            matches!(result, Err(error) if matches!(error.class(), ErrorClass::Transient | ErrorClass::Misconfigured))
        });
        let now = self.clock.now();
        let failure = if failed_as_a_whole {
            let salt = call.deliveries.first().map_or(0, |pending| pending.id.0);
            Some(self.running.circuit().failed(&self.settings, now, salt))
        } else {
            let is_throttled = |error: &ConnectorError| matches!(error.class(), ErrorClass::Throttled { .. });
            let taken = call.result.iter().filter(|result| !result.as_ref().is_err_and(is_throttled)).count();
            self.running.circuit().worked(taken);
            None
        };
        let mut suspended = None;
        let mut settlements = Vec::with_capacity(call.deliveries.len());
        for (pending, result) in call.deliveries.into_iter().zip(call.result) {
            self.under_way.retain(|resource| *resource != pending.resource);
            if let Err(error) = &result
                && *error.class() == ErrorClass::Misconfigured
            {
                suspended = Some(ConnectorState::Suspended { reason: error.message().to_owned() });
            }
            let outcome = self.outcome(&pending, result, failure, now);
            settlements.push(Settlement {
                id: pending.id,
                resource: pending.resource,
                version: pending.version,
                fingerprint: pending.fingerprint.clone(),
                outcome,
            });
        }
        self.settle(settlements).await;
        if let Some(state) = &suspended {
            tracing::error!(connector = self.name(), "connector suspended: it is misconfigured");
            self.record("the suspension", || self.store.set_connector_state(&name, state.clone())).await;
        }
        suspended
    }

    /// A mapping that panics breaks a promise of ours; its delivery waits for a person, the others go on.
    fn panicked(&self) -> Task {
        self.metrics.panicked("mapping");
        Task::Refuse("the mapping panicked; the relay's log says where".to_owned())
    }

    fn outcome(
        &mut self,
        pending: &Pending,
        result: Result<Applied, ConnectorError>,
        failure: Option<Failure>,
        now: Timestamp,
    ) -> Outcome {
        let name = &*self.running.target.name.0;
        let error = match result {
            Ok(applied) => {
                self.metrics.delivered(
                    name,
                    match applied.effect {
                        Effect::Created => DeliveryOutcome::Created,
                        Effect::Adopted => DeliveryOutcome::Adopted,
                        Effect::Updated => DeliveryOutcome::Updated,
                        Effect::Unchanged => DeliveryOutcome::Unchanged,
                        Effect::Removed => DeliveryOutcome::Removed,
                    },
                );
                tracing::debug!(
                    connector = name,
                    request.id = &*pending.request_id,
                    resource.id = %pending.resource,
                    version = pending.version,
                    "delivered"
                );
                return Outcome::Applied {
                    effect: applied.effect,
                    remote: applied.remote,
                    live: pending.live,
                    waiting: pending.waiting.clone(),
                };
            }
            Err(error) => error,
        };
        tracing::warn!(
            connector = name,
            request.id = &*pending.request_id,
            resource.id = %pending.resource,
            version = pending.version,
            attempts = pending.attempts.saturating_add(1),
            class = class_name(error.class()),
            "not delivered; the queue has the connector's words"
        );
        let attempts = pending.attempts.saturating_add(1);
        let message = error.message().to_owned();
        let again = |delay, counted| Outcome::RetryAt {
            at: now.after(delay),
            class: class_name(error.class()),
            counted,
            message: error.message().to_owned(),
        };
        let is_counted = failure.is_none_or(|failure| failure.is_counted);
        let backoff = retry::delay(&self.settings, attempts, pending.id.0);
        match error.class() {
            ErrorClass::Transient if is_counted && attempts >= self.settings.attempts_max => {
                self.metrics.delivered(name, DeliveryOutcome::Rejected);
                Outcome::Dead { message }
            }
            ErrorClass::Transient => {
                self.metrics.delivered(name, DeliveryOutcome::Transient);
                again(failure.map_or(backoff, |failure| failure.delay), is_counted)
            }
            ErrorClass::Throttled { retry_after } => {
                self.metrics.delivered(name, DeliveryOutcome::Throttled);
                self.running.circuit().pause(now.after(*retry_after));
                again(*retry_after, false)
            }
            ErrorClass::Waiting { .. } => {
                self.metrics.delivered(name, DeliveryOutcome::Waiting);
                again(backoff, false)
            }
            ErrorClass::Rejected => {
                self.metrics.delivered(name, DeliveryOutcome::Rejected);
                Outcome::Dead { message }
            }
            ErrorClass::Misconfigured => {
                self.metrics.delivered(name, DeliveryOutcome::Misconfigured);
                again(Duration::ZERO, false)
            }
        }
    }

    /// Records outcomes. One that is lost would only be delivered again.
    async fn settle(&self, settlements: Vec<Settlement>) {
        let name = &self.running.target.name;
        self.record("outcomes", || self.store.settle(name, settlements.clone())).await;
    }

    /// Writes to the store for as long as it takes, but gives up when stopped: a full disk must not hold the process.
    async fn record<F: Future<Output = Result<(), store::Error>>>(&self, what: &str, write: impl Fn() -> F) {
        loop {
            match write().await {
                Ok(()) | Err(store::Error::Closed) => return,
                Err(error) => {
                    tracing::warn!(connector = self.name(), error = %error, "{what} cannot be recorded");
                    if self.stop.is_cancelled() {
                        return;
                    }
                    self.pause(STORE_RETRY).await;
                }
            }
        }
    }

    /// The connector's state as the store has it; paused when stopped before it can be read.
    async fn state(&self) -> ConnectorState {
        loop {
            match self.store.connectors().await {
                Ok(connectors) => {
                    let status = connectors.into_iter().find(|status| status.name == self.running.target.name);
                    return status.map_or(ConnectorState::Active, |status| status.state);
                }
                Err(error) => {
                    tracing::warn!(connector = self.name(), error = %error, "the connector's state cannot be read");
                    if self.stop.is_cancelled() {
                        return ConnectorState::Paused;
                    }
                    self.pause(STORE_RETRY).await;
                }
            }
        }
    }

    /// When to look again without being told: the connector's pause ends, or the next delivery's time comes.
    async fn wake_at(&self, now: Timestamp) -> Option<Timestamp> {
        let call_at = self.running.circuit().call_at();
        if call_at > now {
            return Some(call_at);
        }
        match self.store.next_delivery_at(&self.running.target.name, now).await {
            Ok(next) => next,
            Err(_) => Some(now.after(STORE_RETRY)),
        }
    }
}

/// The class as the log and the queue name it.
fn class_name(class: &ErrorClass) -> &'static str {
    match class {
        ErrorClass::Transient => "transient",
        ErrorClass::Throttled { .. } => "throttled",
        ErrorClass::Waiting { .. } => "waiting",
        ErrorClass::Rejected => "rejected",
        ErrorClass::Misconfigured => "misconfigured",
    }
}

async fn sleep_until(clock: &Clock, moment: Option<Timestamp>) {
    match moment {
        Some(moment) => clock.sleep_until(moment).await,
        None => std::future::pending().await,
    }
}

/// Calls the connector within the deadline. A panic or a wrong number of outcomes is a defect of the connector: its
/// changes are tried again, and the relay goes on.
async fn call(running: Arc<Running>, deliveries: Vec<Pending>, changes: Vec<Change>, deadline: Duration) -> Call {
    let started = tokio::time::Instant::now();
    let apply = AssertUnwindSafe(running.target.connector.apply(&changes)).catch_unwind();
    let problem = match tokio::time::timeout(deadline, apply).await {
        Ok(Ok(result)) if result.len() == deliveries.len() => {
            scim_connector::crash_point!("after-apply");
            return Call { deliveries, result, took: started.elapsed() };
        }
        Ok(Ok(_)) => "the connector returned a wrong number of outcomes",
        Ok(Err(_)) => "the connector panicked",
        Err(_) => "the downstream system did not answer in time",
    };
    let result = deliveries.iter().map(|_| Err(ConnectorError::transient(problem))).collect();
    Call { deliveries, result, took: started.elapsed() }
}
