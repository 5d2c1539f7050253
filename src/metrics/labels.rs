//! Labels whose values are a closed set.

/// What came of an attempt to deliver; the `outcome` label.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[expect(missing_docs, reason = "the names say it")]
pub enum DeliveryOutcome {
    Created,
    Adopted,
    Updated,
    Unchanged,
    Removed,
    Transient,
    Throttled,
    Waiting,
    Rejected,
    Misconfigured,
}

/// A connector's state; the `state` label, of which exactly one is 1.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[expect(missing_docs, reason = "the names say it")]
pub enum ConnectorCondition {
    Active,
    Paused,
    Suspended,
    /// The connector as a whole fails and is probed.
    Failing,
}

impl DeliveryOutcome {
    /// As the label has it.
    pub(super) const fn label(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Adopted => "adopted",
            Self::Updated => "updated",
            Self::Unchanged => "unchanged",
            Self::Removed => "removed",
            Self::Transient => "transient",
            Self::Throttled => "throttled",
            Self::Waiting => "waiting",
            Self::Rejected => "rejected",
            Self::Misconfigured => "misconfigured",
        }
    }
}

/// Each condition and its label.
pub(super) const CONNECTOR_STATES: &[(&str, ConnectorCondition)] = &[
    ("active", ConnectorCondition::Active),
    ("paused", ConnectorCondition::Paused),
    ("suspended", ConnectorCondition::Suspended),
    ("failing", ConnectorCondition::Failing),
];
