//! The conformance suite that every connector runs.
//!
//! A connector's tests implement [`Fixture`] over a downstream system made for the test and call [`run`]. The suite
//! looks at the downstream system through the fixture's own reading, never through the connector, so that a connector
//! cannot agree with itself.

mod cases;
mod sample;

use std::collections::BTreeSet;

use async_trait::async_trait;
use serde_json::{Map, Value};

use crate::{Connector, MappedAttributes, MappedValue, ResourceId, ResourceKind, ResourceRef, WriteRule};

pub use sample::{FixedMembers, aside, attribute, change, disabled, gone, group, id, present, user};

/// A downstream system for one run of the suite.
#[async_trait]
pub trait Fixture: Sync {
    /// A new connector to the same system, as after a restart of the relay. The one before has been dropped.
    fn connect(&self) -> Box<dyn Connector>;

    /// Reads what the system holds for a resource, without the connector.
    async fn read(&self, resource: &ResourceRef) -> Option<Found>;

    /// Attributes without which the system refuses to create an entry; different for each id.
    fn required(&self, kind: &ResourceKind, id: ResourceId) -> MappedAttributes {
        let _ = kind;
        [("name".into(), attribute(MappedValue::Single(id.to_string().into()), WriteRule::Always))].into()
    }

    /// An attribute of users and groups with one value of text, not among the required ones.
    fn single_attribute(&self) -> &'static str {
        "description"
    }

    /// An attribute of users with any number of values of text, not among the required ones.
    fn multi_attribute(&self) -> &'static str {
        "mail"
    }

    /// Reads what the system holds for a resource that was set aside, without the connector; `None` for a kind that does
    /// not move, and then the suite asks nothing of it.
    fn aside(&self) -> Option<&dyn Aside> {
        None
    }

    /// Whether a disabled entry is told from an enabled one.
    fn shows_active(&self) -> bool {
        true
    }

    /// Whether an old version is known for one. A system without a place for the version depends on the relay's order.
    fn keeps_version(&self) -> bool {
        true
    }
}

/// A system that keeps those who have left apart.
#[async_trait]
pub trait Aside: Sync {
    /// What the place of those who have left holds for a resource.
    async fn read_aside(&self, resource: &ResourceRef) -> Option<Found>;
}

/// What a system holds for a resource.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Found {
    /// Attributes by the system's names: a value each, or an array of them in any order.
    pub attributes: Map<String, Value>,
    /// Whether the resource may be used; `true` where the system does not say.
    pub active: bool,
    /// A group's members.
    pub members: BTreeSet<ResourceId>,
}

/// Runs every case of the suite, one after the other, each with resources of its own.
///
/// # Panics
/// When the connector breaks the contract; the message names the case.
pub async fn run(fixture: &dyn Fixture) {
    cases::applying_twice_is_applying_once(fixture).await;
    cases::updates_land(fixture).await;
    cases::an_absent_attribute_is_removed(fixture).await;
    cases::a_multi_valued_attribute_holds_exactly_its_values(fixture).await;
    cases::write_once_and_create_only_keep_what_is_there(fixture).await;
    cases::members_are_added_and_removed_once(fixture).await;
    cases::full_members_are_the_only_members(fixture).await;
    cases::a_disabled_entry_stays_and_can_be_enabled(fixture).await;
    cases::an_entry_set_aside_comes_back_as_it_was(fixture).await;
    cases::gone_twice_is_gone(fixture).await;
    cases::a_deleted_resource_leaves_no_member_and_can_be_made_again(fixture).await;
    cases::an_older_version_changes_nothing(fixture).await;
    cases::a_batch_has_one_outcome_a_change_in_order(fixture).await;
    cases::a_new_connector_goes_on_where_the_last_one_was(fixture).await;
    cases::checking_and_planning_write_nothing(fixture).await;
}
