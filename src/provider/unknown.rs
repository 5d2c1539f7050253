//! Requests that were not understood, kept for an operator beside the request path: masked there, written by a task of
//! its own.

use std::{mem, time::Duration};

use tokio::{
    sync::{Mutex, mpsc},
    time::sleep,
};
use tokio_util::sync::CancellationToken;

use super::{Caller, Provider};
use crate::{
    scim::{self, json, schema::ResourceType, shape},
    store::NotUnderstood,
};

/// The most requests that wait to be written. One more is counted and not kept.
const WAITING_MAX: usize = 64;
/// The least time between two writes.
const INTERVAL: Duration = Duration::from_secs(1);
/// The longest body that is looked at.
const BODY_BYTES_MAX: usize = 1 << 20;
/// The longest reason that is kept, in characters.
const DETAIL_SHOWN_MAX: usize = 500;

/// A request as far as it says what was meant.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// `patch`, `create`, `list`: as in metrics.
    pub operation: &'static str,
    /// The type of the resources that it is about.
    pub resource_type: &'a ResourceType,
    /// Decoded query parameters.
    pub parameters: &'a [(String, String)],
    /// The body, if it has one.
    pub body: &'a [u8],
}

/// Requests on their way to the store.
pub(super) struct Waiting {
    sender: mpsc::Sender<NotUnderstood>,
    receiver: Mutex<mpsc::Receiver<NotUnderstood>>,
}

impl Default for Waiting {
    fn default() -> Self {
        let (sender, receiver) = mpsc::channel(WAITING_MAX);
        Self { sender, receiver: Mutex::new(receiver) }
    }
}

impl Provider {
    /// Counts a refused request if it was not understood, and has its shape kept if there is room. Never waits.
    pub fn note_refusal(&self, caller: &Caller, asked: &Asked<'_>, error: &scim::Error) {
        let Some(scim_type) = error.scim_type().filter(|_| error.is_not_understood()) else { return };
        self.metrics.not_understood(&caller.tenant.name.0, asked.operation);
        // Room first: under a flood nothing is masked that would not be kept.
        let Ok(place) = self.waiting.sender.try_reserve() else { return };
        place.send(NotUnderstood {
            tenant: caller.tenant.name.clone(),
            operation: asked.operation.to_owned(),
            resource_type: asked.resource_type.kind.to_string(),
            dialect: caller.tenant.dialect.name.to_owned(),
            error: scim_type.as_str().to_owned(),
            detail: error.detail().chars().take(DETAIL_SHOWN_MAX).collect(),
            shape: asked.shape(),
            request_id: caller.request_id.to_string(),
            credential: caller.actor.to_string(),
        });
    }

    /// Writes what waits until stopped, at most once a second.
    pub async fn keep_unknown_shapes(&self, stop: CancellationToken) {
        let mut waiting = self.waiting.receiver.lock().await;
        let mut requests = Vec::new();
        while !stop.is_cancelled() {
            tokio::select! {
                () = stop.cancelled() => {
                    while let Ok(request) = waiting.try_recv() {
                        requests.push(request);
                    }
                }
                _ = waiting.recv_many(&mut requests, WAITING_MAX) => {}
            }
            if !requests.is_empty()
                && let Err(error) = self.store.keep_unknown(mem::take(&mut requests)).await
            {
                tracing::warn!(error = &error as &dyn std::error::Error, "shapes of unknown requests are lost");
            }
            tokio::select! {
                () = stop.cancelled() => {}
                () = sleep(INTERVAL) => {}
            }
        }
    }
}

impl Asked<'_> {
    fn shape(&self) -> serde_json::Value {
        let mut shape = scim::Object::new();
        if !self.parameters.is_empty() {
            shape.insert("parameters".to_owned(), shape::of_query(self.resource_type, self.parameters));
        }
        if !self.body.is_empty() {
            let body = match self.body {
                body if body.len() > BODY_BYTES_MAX => "long body".into(),
                body => json::parse(body).map_or_else(
                    |_| "not JSON".into(),
                    |body| shape::of_body(self.resource_type, self.message(), &body),
                ),
            };
            shape.insert("body".to_owned(), body);
        }
        shape.into()
    }

    fn message(&self) -> shape::Message {
        match self.operation {
            "patch" => shape::Message::Patch,
            "search" => shape::Message::Search,
            _ => shape::Message::Resource,
        }
    }
}
