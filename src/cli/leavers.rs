//! `scim-relay leavers`: what can be asked.

use clap::{Args, Subcommand};
use scim_connector::ResourceId;

use super::arguments::{Output, connector_name, resource_id, tenant_name};
use crate::{
    operator::Command,
    store::{ConnectorName, LeaverSelection, TenantName},
};

pub(super) const EXAMPLES: &str = "\
Examples:
  Who was disabled or deleted and may still have access, where, and why:
    scim-relay leavers list
  Access was taken away by hand; say so, and the clock stops:
    scim-relay leavers close --connector directory 01978c3e-5a00-7000-8000-000000000001";

#[derive(Subcommand, Debug)]
pub(super) enum Leavers {
    /// List users who were disabled or deleted and may still have access, the longest first
    List {
        /// Only of this tenant
        #[arg(long, value_parser = tenant_name)]
        tenant: Option<TenantName>,
        /// Only at this connector
        #[arg(long, value_name = "NAME", value_parser = connector_name)]
        connector: Option<ConnectorName>,
        /// At most so many
        #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u16).range(1..=10_000))]
        limit: u16,
        #[command(flatten)]
        output: Output,
    },
    /// Say that a user has no access any more where the relay cannot know it; audited, changes nothing downstream
    Close(Close),
}

#[derive(Args, Debug)]
pub(super) struct Close {
    /// Where
    #[arg(long, value_name = "NAME", value_parser = connector_name)]
    connector: ConnectorName,
    /// The user's id, as in `leavers list`
    #[arg(value_name = "ID", value_parser = resource_id)]
    resource: ResourceId,
    #[command(flatten)]
    output: Output,
}

impl Leavers {
    pub(super) fn output(&self) -> &Output {
        match self {
            Self::List { output, .. } => output,
            Self::Close(close) => &close.output,
        }
    }

    pub(super) fn command(&self) -> Command {
        match self {
            Self::List { tenant, connector, limit, .. } => Command::LeaversList {
                selection: LeaverSelection { tenant: tenant.clone(), connector: connector.clone(), resource: None },
                limit: usize::from(*limit),
            },
            Self::Close(Close { connector, resource, .. }) => {
                Command::LeaversClose { connector: connector.clone(), resource: *resource }
            }
        }
    }
}
