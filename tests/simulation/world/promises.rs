//! What is promised: after every step, and once all is mended.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, atomic::Ordering},
    time::Duration,
};

use scim_relay::{
    operator::ConnectorControl as _,
    store::{ConnectorName, ConnectorState, QueueClass, QueueEntry, QueueSelection, StagedSelection},
};

use super::World;
use crate::{
    downstream::{System, Weather},
    life::{CONNECTORS, Life},
    model::Act,
};

/// After so many minutes everything is to be delivered once all is mended.
const DRAIN_MINUTES_MAX: usize = 600;

impl World {
    /// What holds after every step.
    pub(super) async fn check(&mut self, life: &Life) -> Result<(), String> {
        for system in &self.systems {
            if let Some(violation) = system.lock().unwrap().violations.first() {
                return Err(violation.clone());
            }
        }
        for (id, held) in &self.model.there {
            let stored = life.read(*id, held.is_group).await;
            let nth = self.trace.nth(*id);
            let Some((version, stored)) = stored else { return Err(format!("{nth}: acknowledged and lost")) };
            if stored != *held {
                return Err(format!("{nth}: acknowledged {held:?}, stored {stored:?}"));
            }
            let newer = |system: &Arc<Mutex<System>>| system.lock().unwrap().versions.get(id) > Some(&version);
            if self.systems.iter().any(newer) {
                return Err(format!("{nth}: told of a version that is not stored"));
            }
        }
        for (id, is_group) in &self.model.deleted {
            if life.read(*id, *is_group).await.is_some() {
                return Err(format!("{}: deleted and back", self.trace.nth(*id)));
            }
        }
        self.check_queue(life).await
    }

    /// The queue is bounded by resources and conflicts of order, not by changes; who waits waits for an earlier one.
    async fn check_queue(&mut self, life: &Life) -> Result<(), String> {
        let queue = life.store.queue(&QueueSelection::default(), life.clock.now(), 10_000).await.unwrap();
        let mut rows: BTreeMap<&ConnectorName, (usize, BTreeSet<&str>)> = BTreeMap::new();
        for entry in &queue {
            let (count, resources) = rows.entry(&entry.connector).or_default();
            *count += 1;
            resources.insert(&entry.resource);
            let Some(blocker) = entry.waits_for else { continue };
            let is_there = |other: &&QueueEntry| other.id == blocker && other.connector == entry.connector;
            if blocker >= entry.id || queue.iter().find(is_there).is_none_or(|other| other.class == QueueClass::Dead) {
                return Err(format!("{:?} waits for {blocker:?}, which it need not", entry.id));
            }
        }
        if rows.is_empty() {
            self.conflicts = 0;
        }
        for (connector, (count, resources)) in rows {
            if count > resources.len() + self.conflicts {
                return Err(format!(
                    "{}: {count} rows for {} resources and {} conflicts",
                    connector.0,
                    resources.len(),
                    self.conflicts
                ));
            }
        }
        Ok(())
    }

    /// All is mended: everything drains, and both ends are equal.
    pub(super) async fn finish(&mut self, life: &Life) -> Result<(), String> {
        self.shaker.percent.store(0, Ordering::Relaxed);
        for system in &self.systems {
            system.lock().unwrap().weather = Weather::Fine;
        }
        // What was discarded is owed again once it changes.
        for id in self.discarded.clone() {
            let Some(held) = self.model.there.get(&id) else { continue };
            let act = match held.is_group {
                true => Act::Rename(id, format!("{}, renamed", self.trace.nth(id))),
                false => Act::Title(id, "the last title".to_owned()),
            };
            let said = self.ask(life, std::slice::from_ref(&act)).remove(0).await.unwrap();
            self.answered(life, &act, said).await?;
        }
        self.drain(life).await?;
        for ((name, _), system) in CONNECTORS.iter().zip(&self.systems) {
            let system = system.lock().unwrap();
            for (id, held) in &self.model.there {
                let nth = self.trace.nth(*id);
                let Some(entry) = system.entries.get(id) else { return Err(format!("{name}: {nth} is lost")) };
                let is_equal = entry.name == held.name
                    && entry.title == held.title
                    && entry.in_use == held.active
                    && entry.members == held.members;
                if !is_equal {
                    return Err(format!("{name}: {nth} is {entry:?}, stored {held:?}"));
                }
            }
            for id in self.model.deleted.keys().filter(|id| !self.discarded.contains(id)) {
                if system.entries.get(id).is_some_and(|entry| entry.in_use) {
                    return Err(format!("{name}: {} was deleted and is in use", self.trace.nth(*id)));
                }
            }
        }
        let flaws = life.store.check().await.unwrap();
        if !flaws.is_empty() {
            return Err(format!("the store contradicts itself: {flaws:?}"));
        }
        life.store.verify_audit().await.map(|_| ()).map_err(|error| error.to_string())
    }

    async fn drain(&mut self, life: &Life) -> Result<(), String> {
        for _ in 0..DRAIN_MINUTES_MAX {
            life.store.release_staged(&StagedSelection::default()).await.unwrap();
            // A call that began before may have suspended one.
            for status in life.store.connectors().await.unwrap() {
                if status.state != ConnectorState::Active {
                    life.store.set_connector_state(&status.name, ConnectorState::Active).await.unwrap();
                    life.dispatcher.wake(&status.name);
                }
            }
            let dead = QueueSelection { class: Some(QueueClass::Dead), ..QueueSelection::default() };
            life.store.queue_retry(&dead, life.clock.now()).await.unwrap();
            tokio::time::sleep(Duration::from_secs(60)).await;
            self.check(life).await?;
            let is_drained = life.store.connectors().await.unwrap().iter().all(|status| {
                status.pending + status.dead + status.staged + status.staged_members == 0 && !status.backfilling
            });
            if is_drained {
                self.trace.push("drained".to_owned());
                return Ok(());
            }
        }
        let queue = life.store.queue(&QueueSelection::default(), life.clock.now(), 20).await.unwrap();
        Err(format!("does not drain: {queue:?}"))
    }
}
