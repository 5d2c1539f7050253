//! Systems downstream that answer as chance has it and mind the order in which they are told.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use scim_connector::{
    Applied, Change, Connector, ConnectorError, Desired, Effect, ErrorClass, Limits, MappedValue, Members, Plan,
    Reader, RemoteState, ResourceId,
};
use serde_json::{Value, json};

use crate::{Mutant, rng::Rng, trace::Trace};

/// One entry.
#[derive(Clone, PartialEq, Debug, Default)]
pub(crate) struct Entry {
    pub(crate) name: String,
    pub(crate) title: Option<String>,
    pub(crate) in_use: bool,
    pub(crate) members: BTreeSet<ResourceId>,
    is_group: bool,
    /// Switched off because its resource is no more.
    is_left: bool,
}

/// How a system answers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Weather {
    /// It does what it is told.
    Fine,
    /// It fails in every way.
    Foul,
    /// It does nothing and says so, or says nothing.
    Dead,
}

/// What one system holds. Outlives the relay.
pub(crate) struct System {
    pub(crate) entries: BTreeMap<ResourceId, Entry>,
    pub(crate) weather: Weather,
    /// Whether nothing is ever refused for good, so that order is owed.
    pub(crate) strict: bool,
    pub(crate) mutant: Mutant,
    pub(crate) limits: Limits,
    /// The highest version that took effect.
    pub(crate) versions: BTreeMap<ResourceId, u64>,
    removed: BTreeSet<ResourceId>,
    /// Groups that the client deleted. Such a one may name a member that is removed before it: it goes itself.
    pub(crate) leaving: BTreeSet<ResourceId>,
    under_way: BTreeSet<ResourceId>,
    pub(crate) violations: Vec<String>,
    pub(crate) landed: u64,
    pub(crate) failed: u64,
}

impl System {
    pub(crate) fn new(strict: bool, limits: Limits, mutant: Mutant) -> Self {
        Self {
            entries: BTreeMap::new(),
            weather: Weather::Fine,
            strict,
            mutant,
            limits,
            versions: BTreeMap::new(),
            removed: BTreeSet::new(),
            leaving: BTreeSet::new(),
            under_way: BTreeSet::new(),
            violations: Vec::new(),
            landed: 0,
            failed: 0,
        }
    }

    fn violated(&mut self, what: String) {
        self.violations.push(what);
    }

    /// Takes a change over.
    fn land(&mut self, change: &Change, told: Told, trace: &Trace) -> Applied {
        let id = change.resource.id;
        self.landed += 1;
        let before = self.versions.insert(id, change.version);
        let nth = trace.nth(id);
        if before > Some(change.version) {
            self.violated(format!("{nth}: version {} after {before:?}", change.version));
        }
        let effect = match (told.entry, self.entries.contains_key(&id)) {
            (None, _) => {
                self.remove(id, &nth, &change.desired);
                Effect::Removed
            }
            (Some(entry), known) => {
                if self.removed.contains(&id) {
                    self.violated(format!("{nth}: resurrected at version {}", change.version));
                }
                self.change(id, &nth, entry, (&told.add, &told.remove), trace);
                if known { Effect::Updated } else { Effect::Created }
            }
        };
        let remote = self.entries.contains_key(&id).then(|| RemoteState(json!({ "entry": nth })));
        Applied { effect, remote }
    }

    fn remove(&mut self, id: ResourceId, nth: &str, desired: &Desired) {
        self.removed.insert(id);
        if let Desired::Disabled = desired {
            if let Some(entry) = self.entries.get_mut(&id) {
                (entry.in_use, entry.is_left) = (false, true);
            }
            return;
        }
        let holders: Vec<_> = self.entries.iter().filter(|(_, entry)| entry.members.contains(&id)).collect();
        let holders = holders.iter().filter(|(group, _)| !self.leaving.contains(group) && **group != id).count();
        if self.strict && holders > 0 {
            self.violated(format!("{nth}: removed while {holders} groups name it"));
        }
        self.entries.remove(&id);
    }

    fn change(
        &mut self,
        id: ResourceId,
        nth: &str,
        mut entry: Entry,
        (add, remove): (&BTreeSet<ResourceId>, &BTreeSet<ResourceId>),
        trace: &Trace,
    ) {
        if self.strict {
            self.mind(id, nth, &entry, add, trace);
        }
        if let Some(known) = self.entries.get(&id) {
            entry.members.clone_from(&known.members);
        }
        entry.members.retain(|member| !remove.contains(member));
        entry.members.extend(add);
        self.entries.insert(id, entry);
    }

    /// Names are unique, and members are there.
    fn mind(&mut self, id: ResourceId, nth: &str, entry: &Entry, add: &BTreeSet<ResourceId>, trace: &Trace) {
        let holds = |other: &Entry| other.is_group == entry.is_group && !other.is_left && other.name == entry.name;
        let holder = self.entries.iter().find(|(other, held)| **other != id && holds(held)).map(|(other, _)| *other);
        if let Some(holder) = holder {
            self.violated(format!("{nth}: takes the name {} of {}", entry.name, trace.nth(holder)));
        }
        if let Some(missing) = add.iter().find(|member| !self.entries.contains_key(member) && **member != id) {
            self.violated(format!("{nth}: names {}, which is not there", trace.nth(*missing)));
        }
    }
}

/// What a change says, read before anything is held.
struct Told {
    /// `None` to remove or switch it off for good.
    entry: Option<Entry>,
    add: BTreeSet<ResourceId>,
    remove: BTreeSet<ResourceId>,
}

impl Told {
    fn of(change: &Change) -> Self {
        let mut told = Self { entry: None, add: BTreeSet::new(), remove: BTreeSet::new() };
        let Desired::Present { active, attributes, members } = &change.desired else { return told };
        let text = |name: &str| match attributes.get(name).map(|attribute| &attribute.value) {
            Some(MappedValue::Single(Value::String(text))) => Some(text.clone()),
            _ => None,
        };
        let is_group = change.resource.kind.is_group();
        told.entry = Some(Entry {
            name: text(if is_group { "displayName" } else { "userName" }).unwrap_or_default(),
            title: text("title"),
            in_use: *active,
            members: BTreeSet::new(),
            is_group,
            is_left: false,
        });
        if let Members::Delta { add, remove } = members {
            told.add = add.iter().map(|member| member.resource.id).collect();
            told.remove = remove.iter().map(|member| member.resource.id).collect();
        }
        told
    }
}

/// The connector of a [`System`].
pub(crate) struct Simulated {
    pub(crate) name: &'static str,
    pub(crate) system: Arc<Mutex<System>>,
    pub(crate) rng: Arc<Mutex<Rng>>,
    pub(crate) trace: Arc<Trace>,
}

/// Resources in a call. They are not any more when it is dropped, as at a deadline.
struct UnderWay<'a>(&'a Simulated, Vec<ResourceId>);

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        let mut system = self.0.system.lock().unwrap();
        self.1.iter().for_each(|id| {
            system.under_way.remove(id);
        });
    }
}

impl Simulated {
    fn below(&self, bound: u64) -> u64 {
        self.rng.lock().unwrap().below(bound)
    }

    fn begin(&self, batch: &[Change]) -> UnderWay<'_> {
        let mut system = self.system.lock().unwrap();
        for change in batch {
            if !system.under_way.insert(change.resource.id) {
                let nth = self.trace.nth(change.resource.id);
                system.violated(format!("{nth}: under way twice"));
            }
        }
        if batch.len() > system.limits.batch_max || system.under_way.len() > batch_bound(system.limits) {
            system.violated("more at once than the connector's limits allow".to_owned());
        }
        UnderWay(self, batch.iter().map(|change| change.resource.id).collect())
    }

    fn answer(&self, change: &Change) -> Result<Applied, ConnectorError> {
        let mut system = self.system.lock().unwrap();
        let roll = match system.weather {
            Weather::Fine => 0,
            Weather::Foul => self.below(14),
            Weather::Dead => 13,
        };
        let refuses = !system.strict;
        let failure = |class| Err(ConnectorError::new(class, "as chance has it"));
        let answer = match roll {
            9 => failure(ErrorClass::Transient),
            10 => failure(ErrorClass::Throttled { retry_after: Duration::from_secs(self.below(90)) }),
            11 => failure(ErrorClass::Waiting { on: Vec::new() }),
            12 if refuses => failure(ErrorClass::Rejected),
            13 if system.weather == Weather::Dead => failure(ErrorClass::Transient),
            13 if self.below(6) == 0 => failure(ErrorClass::Misconfigured),
            _ if system.mutant == Mutant::ConfirmsWhatItNeverDid && self.below(10) == 0 => {
                Ok(Applied { effect: Effect::Updated, remote: Some(RemoteState(json!({}))) })
            }
            roll => {
                let applied = system.land(change, Told::of(change), &self.trace);
                // Done, and nobody is told.
                if (6..9).contains(&roll) { failure(ErrorClass::Transient) } else { Ok(applied) }
            }
        };
        system.failed += u64::from(answer.is_err());
        let what = match &change.desired {
            Desired::Present { active, .. } => format!("active {active}"),
            other => format!("{other:?}"),
        };
        let result = answer.as_ref().map(|applied| applied.effect).map_err(ConnectorError::class);
        self.trace.push(format!(
            "  {} {} v{} {what}: roll {roll}, {result:?}",
            self.name,
            self.trace.nth(change.resource.id),
            change.version
        ));
        answer
    }
}

fn batch_bound(limits: Limits) -> usize {
    limits.batch_max * limits.in_flight_max
}

#[async_trait]
impl Connector for Simulated {
    async fn apply(&self, batch: &[Change]) -> Vec<Result<Applied, ConnectorError>> {
        let _under_way = self.begin(batch);
        let weather = self.system.lock().unwrap().weather;
        // Some answers come after the deadline, which is 60 s.
        let slow = match weather {
            Weather::Fine => 40,
            Weather::Foul | Weather::Dead => [30, 900, 20_000, 90_000][self.rng.lock().unwrap().index(4)],
        };
        let (before, after) = (self.below(slow), self.below(slow));
        tokio::time::sleep(Duration::from_millis(before)).await;
        let answers = batch.iter().map(|change| self.answer(change)).collect();
        tokio::time::sleep(Duration::from_millis(after)).await;
        answers
    }

    async fn check(&self) -> Result<(), ConnectorError> {
        Ok(())
    }

    async fn plan(&self, _: &Change) -> Result<Plan, ConnectorError> {
        Err(ConnectorError::rejected("no plan in a simulation"))
    }

    fn reader(&self) -> Option<&dyn Reader> {
        None
    }

    fn limits(&self) -> Limits {
        self.system.lock().unwrap().limits
    }
}
