//! The leaver clock, as an operator sees it.

use scim_connector::ResourceId;
use serde::{Deserialize, Serialize};

use super::{ConnectorName, DeliveryId, TenantName};
use crate::time::Timestamp;

/// A user whom the client disabled or deleted and who may still have access at a connector: it has not confirmed yet
/// that the entry is out of use. No personal data.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Leaver {
    /// Since when: the commit that disabled or deleted the user.
    pub since: Timestamp,
    /// The user's tenant.
    pub tenant: TenantName,
    /// Where access may be left. It may be configured no more.
    pub connector: ConnectorName,
    /// The user's id.
    pub resource: ResourceId,
    /// How far the removal is.
    pub removal: RemovalState,
    /// The delivery that carries it.
    pub delivery: Option<DeliveryId>,
    /// The earlier delivery that it waits for.
    pub waits_for: Option<DeliveryId>,
    /// The connector's words.
    pub error: Option<String>,
}

/// How far a removal is at a connector.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RemovalState {
    /// To be tried, or under way.
    Pending,
    /// Behind an earlier delivery.
    Waiting,
    /// Tried, and to be tried again.
    Retrying,
    /// Refused for good.
    Dead,
    /// Dropped by an operator.
    Discarded,
    /// Nothing is queued: it is withheld, or another policy leaves the entry as it is.
    Withheld,
}

impl RemovalState {
    /// The name in tables.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Waiting => "waiting",
            Self::Retrying => "retrying",
            Self::Dead => "dead",
            Self::Discarded => "discarded",
            Self::Withheld => "withheld",
        }
    }
}

/// Which leavers are meant; all conditions hold.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct LeaverSelection {
    /// Of this tenant.
    pub tenant: Option<TenantName>,
    /// At this connector.
    pub connector: Option<ConnectorName>,
    /// This user.
    pub resource: Option<ResourceId>,
}
