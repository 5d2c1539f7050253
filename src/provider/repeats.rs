//! Changes that a client sends again and again, because it does not see its value come back: Entra with each cycle of 40
//! minutes, Okta with each push. Each is a request for nothing, and says that a mapping or the relay is not understood.
//!
//! A repeat is a write that changed nothing and asks of an attribute what the last write asked of it. So a value that goes
//! to and fro, which a person or two clients do, is none: what puts it back takes effect, and what follows is another
//! change. A repeat that rides along with a change that took effect is seen when it comes alone.
//!
//! A write costs one hash over its values, which is linear in the request and less than parsing it was, and a look into a
//! table; nothing is read from the store. Kept are keyed digests, whose key dies with the process.

use std::{
    collections::HashMap,
    hash::{BuildHasher as _, DefaultHasher, Hash as _, Hasher as _, RandomState},
    mem,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use scim_connector::ResourceId;
use serde_json::Value;

use crate::{
    metrics::Metrics,
    scim::{
        Object, patch,
        path::AttributePath,
        resource::Draft,
        schema::{Attribute, Mutability, ResourceType, Returned, Schema},
    },
    store::{Operation, TenantName, WriteEffect},
    time::{Clock, Timestamp},
};

/// The third change of a kind is one too many: a client may try again once.
const REPEATS_MIN: u32 = 3;
/// Within that time.
const WINDOW: Duration = Duration::from_secs(24 * 60 * 60);
/// How often the log says the same of a tenant's attribute.
const TOLD_EVERY: Duration = Duration::from_secs(24 * 60 * 60);
/// The most changes that are remembered, 32 bytes each. Those seen least recently go.
const SEEN_MAX: usize = 1 << 16;
/// The most attributes of one write that are looked at.
const ATTRIBUTES_MAX: usize = 32;
/// Stands for all attributes, which a PUT asks for.
const WHOLE: &str = "*";

/// Finds repeated changes.
pub(super) struct Repeats {
    clock: Clock,
    digest: RandomState,
    memory: Mutex<Memory>,
}

/// What a write asks of an attribute.
pub(super) struct Change<'a> {
    target: Target<'a>,
    /// The tenant, the resource and the attribute.
    place: u64,
    /// What is asked.
    asked: u64,
}

/// What a change is of.
#[derive(Clone, Copy)]
enum Target<'a> {
    Whole,
    Attribute(Option<&'a Schema>, &'a Attribute),
}

impl Repeats {
    pub(super) fn new(clock: Clock) -> Self {
        Self { clock, digest: RandomState::new(), memory: Mutex::default() }
    }

    /// What a write asks, attribute by attribute; nothing where it creates or deletes.
    pub(super) fn changes<'a>(
        &self,
        tenant: &TenantName,
        resource_type: &'a ResourceType,
        operation: &Operation,
    ) -> Vec<Change<'a>> {
        let (id, asked) = match operation {
            Operation::Replace(id, draft) => {
                let mut digest = self.digest.build_hasher();
                hash_draft(draft, &mut digest);
                (*id, vec![(Target::Whole, digest)])
            }
            Operation::Patch(id, patch) => {
                let mut asked = Asked { resource_type, digest: &self.digest, attributes: Vec::new() };
                patch.operations.iter().for_each(|operation| asked.operation(operation));
                (*id, asked.attributes)
            }
            Operation::Create(_) | Operation::CreateAs(..) | Operation::Delete(_) => return Vec::new(),
        };
        let change = |(target, digest): (Target<'a>, DefaultHasher)| Change {
            target,
            place: self.place(tenant, id, target),
            asked: digest.finish(),
        };
        asked.into_iter().map(change).collect()
    }

    /// Remembers what a write asked that was acknowledged, and counts what it repeated.
    pub(super) fn note(&self, metrics: &Metrics, tenant: &TenantName, changes: &[Change<'_>], effect: WriteEffect) {
        let now = self.clock.now();
        for change in changes {
            let mut memory = self.memory.lock().unwrap_or_else(PoisonError::into_inner);
            if !memory.is_repeated(change.place, change.asked, effect, now) {
                continue;
            }
            let attribute = change.target.name();
            let is_news = memory.is_news(tenant, &attribute, now);
            drop(memory);
            metrics.repeated_change(&tenant.0, &attribute);
            if is_news {
                tracing::warn!(
                    tenant = &*tenant.0,
                    attribute,
                    "a client sends the same change again and again: it does not see its value come back"
                );
            }
        }
    }

    fn place(&self, tenant: &TenantName, id: ResourceId, target: Target<'_>) -> u64 {
        let attribute = match target {
            Target::Whole => None,
            Target::Attribute(extension, attribute) => Some((extension.map(|schema| &schema.id), &attribute.name)),
        };
        self.digest.hash_one((&tenant.0, id.as_bytes(), attribute))
    }
}

impl Target<'_> {
    /// The attribute in the schema's spelling.
    fn name(self) -> String {
        match self {
            Self::Whole => WHOLE.to_owned(),
            Self::Attribute(Some(extension), attribute) => format!("{}:{}", extension.id, attribute.name),
            Self::Attribute(None, attribute) => attribute.name.clone(),
        }
    }
}

/// What a PATCH asks. All that it says of one attribute is one: to add a member and to remove it are two things asked of
/// `members`.
struct Asked<'a, 'b> {
    resource_type: &'a ResourceType,
    digest: &'b RandomState,
    attributes: Vec<(Target<'a>, DefaultHasher)>,
}

impl<'a> Asked<'a, '_> {
    fn operation(&mut self, operation: &patch::Operation) {
        match operation {
            patch::Operation::Add { path, value, .. } => self.value("add", path.as_ref(), value),
            patch::Operation::Replace { path, value, .. } => self.value("replace", path.as_ref(), value),
            patch::Operation::Remove { path } => self.value("remove", Some(path), &Value::Null),
        }
    }

    fn value(&mut self, op: &str, path: Option<&AttributePath>, value: &Value) {
        let resource_type = self.resource_type;
        let object = value.as_object();
        let Some(path) = path else {
            for (name, value) in object.into_iter().flatten() {
                match (resource_type.extension(name), value) {
                    (Some(extension), Value::Object(object)) => self.extension(op, extension, object),
                    (Some(_), _) => {}
                    (None, value) => self.attribute(op, None, resource_type.attribute(name), None, value),
                }
            }
            return;
        };
        let Some(resolved) = resource_type.resolve(path) else { return };
        match (resolved.extension, resolved.attribute, object) {
            (Some(extension), None, Some(object)) => self.extension(op, extension, object),
            (extension, attribute, _) => self.attribute(op, extension, attribute, Some(path), value),
        }
    }

    fn extension(&mut self, op: &str, extension: &'a Schema, object: &Object) {
        for (name, value) in object {
            self.attribute(op, Some(extension), extension.attribute(name), None, value);
        }
    }

    fn attribute(
        &mut self,
        op: &str,
        extension: Option<&'a Schema>,
        attribute: Option<&'a Attribute>,
        path: Option<&AttributePath>,
        value: &Value,
    ) {
        // Nobody sees a password come back.
        let Some(attribute) =
            attribute.filter(|seen| seen.mutability != Mutability::WriteOnly && seen.returned != Returned::Never)
        else {
            return;
        };
        let known = self
            .attributes
            .iter()
            .position(|(target, _)| matches!(target, Target::Attribute(_, known) if std::ptr::eq(*known, attribute)));
        let place = match known {
            Some(place) => place,
            None if self.attributes.len() == ATTRIBUTES_MAX => return,
            None => {
                self.attributes.push((Target::Attribute(extension, attribute), self.digest.build_hasher()));
                self.attributes.len() - 1
            }
        };
        let digest = &mut self.attributes[place].1;
        op.hash(digest);
        if let Some(path) = path {
            path.filter.as_ref().map(ToString::to_string).hash(digest);
            path.sub_attribute.hash(digest);
        }
        value.hash(digest);
    }
}

fn hash_draft(draft: &Draft, digest: &mut DefaultHasher) {
    draft.attributes.hash(digest);
    for member in draft.members.iter().flatten() {
        member.value.hash(digest);
        member.display.hash(digest);
    }
}

/// What was asked last, by place. Two generations: who is seen again moves to the younger one, and when that is full the
/// older one is forgotten.
#[derive(Default)]
struct Memory {
    younger: HashMap<u64, Seen>,
    older: HashMap<u64, Seen>,
    /// When the log said it of a tenant's attribute: as many as the configuration has.
    told: HashMap<(TenantName, String), Timestamp>,
}

#[derive(Clone, Copy)]
struct Seen {
    asked: u64,
    since: Timestamp,
    times: u32,
}

impl Memory {
    /// Whether that was asked often enough to be a repeat.
    fn is_repeated(&mut self, place: u64, asked: u64, effect: WriteEffect, now: Timestamp) -> bool {
        let known = self.younger.get(&place).copied().or_else(|| self.older.remove(&place));
        let known = known.filter(|seen| seen.asked == asked && now.since(seen.since) <= WINDOW);
        let repeats = effect == WriteEffect::Unchanged;
        let seen = match known {
            Some(seen) => Seen { times: seen.times.saturating_add(u32::from(repeats)), ..seen },
            None => Seen { asked, since: now, times: 1 },
        };
        if self.younger.len() == SEEN_MAX / 2 && !self.younger.contains_key(&place) {
            self.older = mem::take(&mut self.younger);
        }
        self.younger.insert(place, seen);
        repeats && seen.times >= REPEATS_MIN
    }

    /// Whether the log has not said it for a day.
    fn is_news(&mut self, tenant: &TenantName, attribute: &str, now: Timestamp) -> bool {
        let told = self.told.entry((tenant.clone(), attribute.to_owned()));
        let is_news = match &told {
            std::collections::hash_map::Entry::Occupied(told) => now.since(*told.get()) >= TOLD_EVERY,
            std::collections::hash_map::Entry::Vacant(_) => true,
        };
        if is_news {
            told.insert_entry(now);
        }
        is_news
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    const UNCHANGED: WriteEffect = WriteEffect::Unchanged;
    const UPDATED: WriteEffect = WriteEffect::Updated;

    fn at(minutes: u64) -> Timestamp {
        Timestamp(0).after(Duration::from_secs(minutes * 60))
    }

    /// Which of these changes of one attribute, 40 minutes apart, are repeats.
    fn repeated(changes: &[(u64, WriteEffect)]) -> Vec<bool> {
        let mut memory = Memory::default();
        let cycle = (0_u64..).map(|number| at(40 * number));
        changes.iter().zip(cycle).map(|((asked, effect), now)| memory.is_repeated(1, *asked, *effect, now)).collect()
    }

    #[test]
    fn the_third_time_is_a_repeat_and_a_value_that_goes_to_and_fro_is_none() {
        let (a, b) = (10, 11);
        for (changes, expected) in [
            (vec![(a, UPDATED), (a, UNCHANGED), (a, UNCHANGED), (a, UNCHANGED)], vec![false, false, true, true]),
            (vec![(a, UNCHANGED), (a, UNCHANGED), (a, UNCHANGED)], vec![false, false, true]),
            (vec![(a, UPDATED), (b, UPDATED), (a, UPDATED), (b, UPDATED), (a, UPDATED)], vec![false; 5]),
            (vec![(a, UPDATED), (a, UNCHANGED), (b, UPDATED), (a, UPDATED), (a, UNCHANGED)], vec![false; 5]),
            // Something else puts it back each time: two clients, or a client and a person.
            (vec![(a, UPDATED); 5], vec![false; 5]),
            // It rides along with another change once.
            (vec![(a, UPDATED), (a, UNCHANGED), (a, UPDATED), (a, UNCHANGED)], vec![false, false, false, true]),
        ] {
            assert_eq!(repeated(&changes), expected, "{changes:?}");
        }
    }

    #[test]
    fn what_is_asked_once_a_day_is_no_repeat() {
        let mut memory = Memory::default();
        assert!((0..5).all(|day| !memory.is_repeated(1, 10, UNCHANGED, at(day * (24 * 60 + 1)))));
        let mut memory = Memory::default();
        let within = [0, 12 * 60, 24 * 60].map(|minutes| memory.is_repeated(1, 10, UNCHANGED, at(minutes)));
        assert_eq!(within, [false, false, true]);
    }

    #[test]
    fn the_memory_is_bounded_and_keeps_what_comes_again() {
        let mut memory = Memory::default();
        let places = SEEN_MAX as u64 * 4;
        let mut repeats = 0;
        for place in 1..=places {
            assert!(!memory.is_repeated(place, 7, UNCHANGED, at(0)));
            if place % 10_000 == 0 {
                repeats += u32::from(memory.is_repeated(0, 7, UNCHANGED, at(0)));
            }
            assert!(memory.younger.len() + memory.older.len() <= SEEN_MAX);
        }
        assert_eq!(repeats, u32::try_from(places / 10_000).unwrap() - 2);
    }

    #[test]
    fn the_log_says_it_once_a_day_of_a_tenants_attribute() {
        let mut memory = Memory::default();
        let (acme, umbrella) = (TenantName("acme".into()), TenantName("umbrella".into()));
        assert!(memory.is_news(&acme, "title", at(0)));
        assert!(!memory.is_news(&acme, "title", at(24 * 60 - 1)));
        assert!(memory.is_news(&acme, "title", at(24 * 60)));
        assert!(memory.is_news(&acme, "emails", at(0)) && memory.is_news(&umbrella, "title", at(0)));
    }
}
