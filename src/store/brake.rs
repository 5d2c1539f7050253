//! The brake: how much may be removed within a time before a person has to agree, and what is withheld meanwhile.

use async_trait::async_trait;
use schemars::JsonSchema;
use scim_connector::ResourceId;
use serde::{Deserialize, Serialize};

use super::{ConnectorName, Error, TenantName};
use crate::time::Timestamp;

/// `[connectors.NAME.brake]` and `[tenants.NAME.brake]`: how much may be removed within a sliding window. A removal is
/// an entry deleted, disabled or taken out of scope; among a group's members, a member taken out.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Brake {
    /// So many removals always go.
    pub removals_min: u32,
    /// And so many percent of the resources of the type that were in use, or of the group's members.
    pub percent: u8,
    /// For how long a removal counts, in seconds.
    pub window_seconds: u32,
}

impl Default for Brake {
    fn default() -> Self {
        Self { removals_min: 50, percent: 5, window_seconds: 3_600 }
    }
}

impl Brake {
    /// Whether so many removals within the window are too many of that population.
    pub(in crate::store) fn stops(&self, removals: i64, population: i64) -> bool {
        removals > i64::from(self.removals_min)
            && removals.saturating_mul(100) > i64::from(self.percent).saturating_mul(population)
    }
}

/// Why an entry would be removed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Removal {
    /// The client deactivated the resource.
    Deactivated,
    /// The resource left the connector's scope.
    OutOfScope,
    /// The client deleted the resource.
    Deleted,
    /// The member left the group.
    Member,
}

impl Removal {
    /// The name in tables.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Deactivated => "deactivated",
            Self::OutOfScope => "out-of-scope",
            Self::Deleted => "deleted",
            Self::Member => "member",
        }
    }
}

/// Which brake withholds a removal.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum BrakeOwner {
    /// The connector's.
    Connector,
    /// The tenant's, at the entrance.
    Tenant,
}

/// A removal that a brake withholds from a connector. No personal data.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct StagedRemoval {
    /// Since when.
    pub since: Timestamp,
    /// The connector's tenant.
    pub tenant: TenantName,
    /// Where the entry is kept.
    pub connector: ConnectorName,
    /// Its resource; of a member, the group.
    pub resource: ResourceId,
    /// The resource's type.
    pub kind: String,
    /// Why it would be removed.
    pub removal: Removal,
    /// The member's id, where one is kept in its group.
    pub member: Option<String>,
    /// Whose limit was exceeded.
    pub brake: BrakeOwner,
}

/// Which staged removals are meant; all conditions hold.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct StagedSelection {
    /// Of this tenant's connectors.
    pub tenant: Option<TenantName>,
    /// At this connector.
    pub connector: Option<ConnectorName>,
    /// Of this resource: its own, those of its members and those of its memberships.
    pub resource: Option<ResourceId>,
}

/// What an operator does with staged removals. Part of [`Store`](super::Store).
#[async_trait]
pub trait StagedRemovals {
    /// Staged removals, the oldest first, at most `limit`.
    async fn staged(&self, selection: &StagedSelection, limit: usize) -> Result<Vec<StagedRemoval>, Error>;

    /// Lets the selected removals go. They count for no brake. Audited. How many.
    async fn release_staged(&self, selection: &StagedSelection) -> Result<u64, Error>;

    /// Forgets the selected removals: the entries stay as they are until the client changes its mind about them.
    /// Audited. How many.
    async fn discard_staged(&self, selection: &StagedSelection) -> Result<u64, Error>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn t21_a_removal_is_too_many_beyond_both_the_number_and_the_share() {
        let brake = Brake::default();
        for (removals, population, stops) in [
            (1, 1, false),
            (50, 50, false),
            (51, 51, true),
            (51, 1_020, false),
            (52, 1_020, true),
            (500, 10_000, false),
            (501, 10_000, true),
            (51, 0, true),
        ] {
            assert_eq!(brake.stops(removals, population), stops, "{removals} of {population}");
        }
        let never = Brake { removals_min: u32::MAX, ..brake };
        assert!(!never.stops(1_000_000_000, 1));
    }
}
