//! `scim-relay connector`: one downstream system as a whole.

use clap::{Args, Subcommand};

use super::arguments::{Output, connector_name};
use crate::{operator::Command, store::ConnectorName};

#[derive(Subcommand, Debug)]
pub(super) enum Connector {
    /// List connectors with their state and backlog
    List(Output),
    /// Ask a connector whether its downstream system is reachable and accepts our credentials; writes nothing there
    Check(OneConnector),
    /// Hold a connector; what it is owed queues
    Pause(OneConnector),
    /// Let a connector deliver that was paused, or suspended for a wrong configuration
    Resume(OneConnector),
    /// Forget what a connector has confirmed, queue and all: every resource is owed again, at the system that the
    /// configuration names now
    Reset(OneConnector),
    /// Forget a connector that is in the configuration no more
    Discard(OneConnector),
}

#[derive(Args, Debug)]
pub(super) struct OneConnector {
    /// The connector's name
    #[arg(value_parser = connector_name)]
    connector: ConnectorName,
    #[command(flatten)]
    output: Output,
}

impl Connector {
    pub(super) fn output(&self) -> &Output {
        match self {
            Self::List(output) => output,
            Self::Check(one) | Self::Pause(one) | Self::Resume(one) | Self::Reset(one) | Self::Discard(one) => {
                &one.output
            }
        }
    }

    pub(super) fn command(&self) -> Command {
        match self {
            Self::List(_) => Command::ConnectorList,
            Self::Check(one) => Command::ConnectorCheck { connector: one.connector.clone() },
            Self::Pause(one) => Command::ConnectorPause { connector: one.connector.clone() },
            Self::Resume(one) => Command::ConnectorResume { connector: one.connector.clone() },
            Self::Reset(one) => Command::ConnectorReset { connector: one.connector.clone() },
            Self::Discard(one) => Command::ConnectorDiscard { connector: one.connector.clone() },
        }
    }
}
