//! What a connector wants of its tenant's resources, and what becomes of those that it wants no more.

use std::{collections::BTreeMap, sync::Arc};

use schemars::JsonSchema;
use scim_connector::ResourceKind;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::scim::{Object, filter::Filter, schema::ResourceType};

/// What a connector wants of its tenant's resources, and what becomes of those that leave.
#[derive(Clone, Debug, Default)]
pub struct Policy {
    /// Which resources it is owed.
    pub scope: Scope,
    /// What a deactivation does.
    pub on_deactivate: OnRemoval,
    /// What a deletion does, and leaving the scope.
    pub on_delete: OnRemoval,
}

/// What becomes of an entry downstream whose resource was deactivated or deleted.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum OnRemoval {
    /// It stays, switched off. What cannot be switched off (a group) goes.
    #[default]
    Disable,
    /// It goes.
    Delete,
    /// It stays, switched off, and is moved to where the downstream system keeps those who have left.
    Move,
    /// It stays as it is.
    Ignore,
}

/// Which resources a connector is owed: by type a SCIM filter; all of a type without one.
#[derive(Clone, Debug, Default)]
pub struct Scope(BTreeMap<ResourceKind, (Arc<ResourceType>, Filter)>);

impl Scope {
    /// A scope of these filters, each checked against its type.
    pub fn new(filters: BTreeMap<ResourceKind, (Arc<ResourceType>, Filter)>) -> Self {
        Self(filters)
    }

    fn covers(&self, kind: &ResourceKind, attributes: &Object) -> bool {
        self.0.get(kind).is_none_or(|(resource_type, filter)| filter.matches(resource_type, attributes))
    }
}

/// How an existing resource stands to a connector.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Standing {
    /// In its scope and active: its entry is in use.
    Live,
    /// In its scope, but deactivated.
    Inactive,
    /// Out of its scope.
    Outside,
}

/// How much of an entry a policy keeps, from least to most.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(in crate::store) enum Keeps {
    /// Nothing.
    Gone,
    /// The entry, out of use.
    Aside,
    /// The entry in use.
    InUse,
}

impl Policy {
    /// How much it keeps of the entry of a resource with that standing; `None` where it leaves the entry as it is.
    pub(in crate::store) fn keeps(&self, standing: Standing) -> Option<Keeps> {
        match self.removal(standing) {
            None => Some(Keeps::InUse),
            Some(OnRemoval::Disable | OnRemoval::Move) => Some(Keeps::Aside),
            Some(OnRemoval::Delete) => Some(Keeps::Gone),
            Some(OnRemoval::Ignore) => None,
        }
    }

    /// What becomes of the entry of a resource with that standing; `None` where it is to be in use. A deleted resource
    /// is outside.
    pub fn removal(&self, standing: Standing) -> Option<OnRemoval> {
        match standing {
            Standing::Live => None,
            Standing::Inactive => Some(self.on_deactivate),
            Standing::Outside => Some(self.on_delete),
        }
    }

    /// How a resource of that type with these canonical attributes stands to the connector.
    pub fn standing(&self, kind: &ResourceKind, attributes: &Object) -> Standing {
        if !self.scope.covers(kind, attributes) {
            Standing::Outside
        } else if active(attributes) {
            Standing::Live
        } else {
            Standing::Inactive
        }
    }
}

/// SCIM's `active`; a resource without it is active.
pub(in crate::store) fn active(attributes: &Object) -> bool {
    attributes.get("active") != Some(&Value::Bool(false))
}
