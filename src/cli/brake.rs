//! `scim-relay brake`: what can be asked, and what is shown of the answer.

use clap::{Args, Subcommand};
use scim_connector::ResourceId;
use serde_json::Value;

use super::{
    arguments::{Output, connector_name, resource_id, tenant_name},
    show,
};
use crate::{
    operator::Command,
    store::{BrakeOwner, ConnectorName, StagedRemoval, StagedSelection, TenantName},
};

pub(super) const EXAMPLES: &str = "\
Examples:
  What is withheld, where, and since when:
    scim-relay brake show
  It was meant: let all of it go at one connector:
    scim-relay brake release --connector directory
  It was a mistake of one tenant's client: forget all of it; then mend it at the client:
    scim-relay brake discard --tenant acme
  Only one person may go:
    scim-relay brake release 01978c3e-5a00-7000-8000-000000000001";

#[derive(Subcommand, Debug)]
pub(super) enum Brake {
    /// List removals that were too many at once and wait for a decision, the oldest first
    Show {
        #[command(flatten)]
        filter: Filter,
        /// At most so many
        #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u16).range(1..=10_000))]
        limit: u16,
        #[command(flatten)]
        output: Output,
    },
    /// Let removals go that are withheld
    Release {
        #[command(flatten)]
        selection: Selection,
        #[command(flatten)]
        output: Output,
    },
    /// Forget removals that are withheld: the entries stay as they are until the client changes its mind about them
    Discard {
        #[command(flatten)]
        selection: Selection,
        #[command(flatten)]
        output: Output,
    },
}

/// Conditions that all hold.
#[derive(Args, Debug)]
pub(super) struct Filter {
    /// Only at this tenant's connectors
    #[arg(long, value_parser = tenant_name)]
    tenant: Option<TenantName>,
    /// Only at this connector
    #[arg(long, value_name = "NAME", value_parser = connector_name)]
    connector: Option<ConnectorName>,
}

impl Filter {
    fn selection(&self, resource: Option<ResourceId>) -> StagedSelection {
        StagedSelection { tenant: self.tenant.clone(), connector: self.connector.clone(), resource }
    }
}

/// Removals to decide on: named by resource or condition, so that none is meant by mistake.
#[derive(Args, Debug)]
#[group(required = true, multiple = true, args = ["resource", "tenant", "connector", "all"])]
pub(super) struct Selection {
    /// Of the resource with this id: its own removal, those of its members and those of its memberships
    #[arg(value_name = "ID", value_parser = resource_id)]
    resource: Option<ResourceId>,
    #[command(flatten)]
    filter: Filter,
    /// All at every connector
    #[arg(long, conflicts_with_all = ["resource", "tenant", "connector"])]
    all: bool,
}

impl Selection {
    fn selection(&self) -> StagedSelection {
        self.filter.selection(self.resource)
    }
}

impl Brake {
    pub(super) fn output(&self) -> &Output {
        match self {
            Self::Show { output, .. } | Self::Release { output, .. } | Self::Discard { output, .. } => output,
        }
    }

    pub(super) fn command(&self) -> Command {
        match self {
            Self::Show { filter, limit, .. } => {
                Command::BrakeShow { selection: filter.selection(None), limit: usize::from(*limit) }
            }
            Self::Release { selection, .. } => Command::BrakeRelease { selection: selection.selection() },
            Self::Discard { selection, .. } => Command::BrakeDiscard { selection: selection.selection() },
        }
    }
}

/// What `brake show` prints: how much is withheld at each connector, then what.
pub(super) fn shown(answer: &mut Value) -> String {
    let connectors: Vec<Value> = show::take(answer, "connectors");
    let counts =
        connectors.iter().filter(|counts| counts["staged"] != 0 || counts["staged_members"] != 0).map(|counts| {
            let name = |key: &str| counts[key].as_str().unwrap_or_default().to_owned();
            [name("connector"), name("tenant"), counts["staged"].to_string(), counts["staged_members"].to_string()]
        });
    let counts = show::table(["CONNECTOR", "TENANT", "WITHHELD", "WITHHELD MEMBERS"], counts);
    let removals: Vec<StagedRemoval> = show::take(answer, "removals");
    let rows = removals.iter().map(|removal| {
        [
            show::minute(removal.since),
            removal.connector.0.to_string(),
            format!("{} {}", removal.kind, removal.resource),
            removal.removal.as_str().to_owned(),
            match removal.brake {
                BrakeOwner::Connector => "connector".to_owned(),
                BrakeOwner::Tenant => "tenant".to_owned(),
            },
            removal.member.clone().unwrap_or_default(),
        ]
    });
    let more = if answer["more"] == true { "… and more; see --limit\n" } else { "" };
    format!(
        "{counts}\n{}{more}",
        show::table(["SINCE", "CONNECTOR", "RESOURCE", "REMOVAL", "BRAKE OF", "MEMBER"], rows)
    )
}
