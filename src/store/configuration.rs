//! What the store needs to know of the configuration.

use std::sync::Arc;

use scim_connector::ResourceKind;
use serde::{Deserialize, Serialize};

use super::{Brake, ConnectorName, Policy, TenantName};
use crate::scim::{path::AttributePath, schema::ResourceTypes};

/// What the store needs to know of a tenant's configuration.
#[derive(Clone, Debug)]
pub struct Tenant {
    /// Its name.
    pub name: TenantName,
    /// Its resource types.
    pub types: ResourceTypes,
    /// Attributes by which its client looks resources up, beside those that are unique: filters on them use an index, in
    /// every type that has the attribute.
    pub indexed_attributes: Vec<AttributePath>,
    /// The attribute that is the unique identifier, as a core path: `userName`, `emails.value` or `externalId`.
    pub unique_id: UniqueId,
    /// Whether a group's `displayName` is unique, without case.
    pub group_names_unique: bool,
    /// What a POST does that collides with an inactive user.
    pub on_rehire: OnRehire,
    /// Whether resources may be changed otherwise than by deactivating them; `false` answers 403 naming `update`.
    pub may_update: bool,
    /// Whether `active` may go from true to false, and resources be deleted; `false` answers 403 naming `deactivate`.
    pub may_deactivate: bool,
    /// Whether passwords are kept for the connectors that pass them on; else they are dropped.
    pub passwords: bool,
    /// How much its client may remove.
    pub brake: Brake,
    /// The connectors that it feeds.
    pub connectors: Vec<Connector>,
}

/// The unique identifier of a tenant's users.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize, schemars::JsonSchema)]
pub enum UniqueId {
    /// `userName`.
    #[default]
    #[serde(rename = "userName")]
    UserName,
    /// `emails.value`.
    #[serde(rename = "emails.value")]
    EmailsValue,
    /// `externalId`.
    #[serde(rename = "externalId")]
    ExternalId,
}

impl UniqueId {
    /// The attribute's path.
    pub const fn path(self) -> &'static str {
        match self {
            Self::UserName => "userName",
            Self::EmailsValue => "emails.value",
            Self::ExternalId => "externalId",
        }
    }
}

/// What a POST does that collides with an inactive user.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum OnRehire {
    /// 409, as for an active one.
    #[default]
    Conflict,
    /// With an equal, non-empty `externalId`: reactivates it under its id, 201. Else 409.
    Reactivate,
}

/// What the store needs to know of a connector's configuration.
#[derive(Clone, Debug)]
pub struct Connector {
    /// Its name.
    pub name: ConnectorName,
    /// The resource types it is owed.
    pub kinds: Vec<ResourceKind>,
    /// Which resources of these it wants, and what becomes of those that leave.
    pub policy: Arc<Policy>,
    /// How much may be removed there.
    pub brake: Brake,
    /// Whether passwords are kept (sealed) for it.
    pub passwords: bool,
    /// Whether resources that exist when it is first seen, or seen again, are owed to it. What it has confirmed is
    /// owed again in any case when it missed a change.
    pub backfill: bool,
    /// Stands for what its configuration makes of a resource. Where it is another than before, all that was confirmed
    /// is owed again.
    pub fingerprint: Arc<str>,
    /// What tells its downstream system from every other (`ConnectorKind::system`). What was confirmed there says nothing
    /// of another.
    pub system: Arc<str>,
}

/// Why a configuration cannot be used with what the store knows of a connector.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Conflict {
    /// Which connector.
    pub connector: ConnectorName,
    /// The key of its table that is to blame.
    pub key: &'static str,
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub remedy: String,
}

impl std::fmt::Display for Conflict {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "connector {} {}; {}", self.connector.0, self.message, self.remedy)
    }
}
