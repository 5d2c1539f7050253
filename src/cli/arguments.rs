//! What can be asked. The doc comments are the help.

use std::{path::PathBuf, time::Duration};

use clap::{Args, Parser, Subcommand};
use scim_connector::ResourceId;

use super::{
    brake::{self, Brake},
    connector::Connector,
    leavers::{self, Leavers},
    store::{self, Audit, Backup, Restore, Store},
};
use crate::{
    client::Base,
    operator::Command,
    store::{ConnectorName, DeliveryId, QueueClass, QueueSelection, TenantName},
    verify::As,
};

const EXAMPLES: &str = "\
Examples:
  See it work, without a configuration:
    scim-relay demo
  Find every problem of a configuration at once:
    scim-relay check --config /etc/scim-relay/relay.toml
  Run:
    scim-relay serve --config /etc/scim-relay/relay.toml
  Make a bearer key for a client, while the relay runs:
    scim-relay keys create --tenant acme --name okta --expires 365
  What is stuck, why, and try it again:
    scim-relay status
    scim-relay queue list --class dead
    scim-relay queue retry --connector directory --class dead
  Who was disabled or deleted and may still have access:
    scim-relay leavers list
  A copy of the store, without stopping:
    scim-relay backup /var/backups/scim-relay
  What would a client complain of, at any SCIM endpoint:
    scim-relay verify --as okta --token-file okta.key https://scim.example/v2

Exit codes:
  0  done
  1  the command failed, or a check of verify did
  2  the command line is not understood
  3  the configuration has problems
  4  the relay, or the endpoint to verify, does not answer, or another process has the store";

const QUEUE_EXAMPLES: &str = "\
Examples:
  The oldest deliveries of one connector:
    scim-relay queue list --connector directory --limit 20
  One delivery with the downstream system's words:
    scim-relay queue show 4711
  Try all dead letters of a connector again, after its cause is mended:
    scim-relay queue retry --connector directory --class dead
  Give up what has been stuck for a month:
    scim-relay queue discard --class dead --older-than 30d";

const UNKNOWN_EXAMPLES: &str = "\
Examples:
  What a tenant's client sent that was answered 400, the latest first:
    scim-relay unknown list --tenant acme
  One of them, with the reason and the shape of the request:
    scim-relay unknown show 3";

const KEYS_EXAMPLES: &str = "\
Examples:
  Put a new key where the client's administrator finds it (it is shown only this once):
    scim-relay keys create --tenant acme --name okta-2027 --expires 365 > okta.key
  Replace a key: make the new one, give it to the client, then:
    scim-relay keys revoke --tenant acme okta-2026";

const VERIFY_EXAMPLES: &str = "\
Examples:
  Before Okta's administrator enters the address: what would a custom application meet?
    scim-relay verify --as okta-aiw --token-file okta.key https://scim.example/v2
  Entra ID, with the flag in its URL; the report as JSON:
    scim-relay verify --as entra-flagged --token-env T --json https://a.example/?aadOptscim062020
  A test system with a private authority and Basic authentication:
    scim-relay verify --as rfc --user test --password-file pass --ca-file ca.pem https://10.0.0.7/

It makes users and groups named scim-relay-verify-…, with addresses @verify.example, and removes them in the end, after
Ctrl-C too; it touches nothing else. Okta's checks make a hundred users, to see pages of a hundred. What cannot be removed
is listed. Each check that fails says what was sent, what was wrong, what the client does then, and where it is written.

Exit codes:
  0  no check failed; there may be warnings
  1  a check failed, the credential is not accepted, or it was stopped
  2  the command line is not understood
  4  the endpoint does not answer";

/// A store-and-forward SCIM 2.0 gateway.
///
/// Clients such as Okta or Microsoft Entra ID provision users and groups by SCIM. scim-relay answers when a change is
/// safe on disk, and brings every downstream system to that state, with retries, a visible queue, and a reason for
/// whatever is stuck.
#[derive(Parser, Debug)]
#[command(name = "scim-relay", version, after_long_help = EXAMPLES, arg_required_else_help = true)]
pub struct Cli {
    #[command(subcommand)]
    pub(super) action: Action,
}

#[derive(Subcommand, Debug)]
pub(super) enum Action {
    /// Run the relay until it is told to stop (SIGTERM or Ctrl-C)
    Serve(ConfigArgument),
    /// Check a configuration and report every problem at once; changes nothing
    Check(CheckArguments),
    /// Make, list and revoke the bearer keys of clients
    #[command(subcommand, after_long_help = KEYS_EXAMPLES)]
    Keys(Keys),
    /// Have the running relay read its configuration again, and use it as a whole or not at all
    Reload(Output),
    /// Show the store and every connector
    Status(Output),
    /// List, check, pause, resume, reset and discard connectors
    #[command(subcommand)]
    Connector(Connector),
    /// Look at deliveries that are owed, try them again, or drop them
    #[command(subcommand, after_long_help = QUEUE_EXAMPLES)]
    Queue(Queue),
    /// Look at leavers: users who were disabled or deleted and may still have access downstream
    #[command(subcommand, after_long_help = leavers::EXAMPLES)]
    Leavers(Leavers),
    /// Look at removals that were too many at once, and decide whether they go
    #[command(subcommand, after_long_help = brake::EXAMPLES)]
    Brake(Brake),
    /// Look at the requests of clients that were not understood: their names and types, never a person's data
    #[command(subcommand, after_long_help = UNKNOWN_EXAMPLES)]
    Unknown(Unknown),
    /// Copy the store to a file, while the relay runs or not
    #[command(after_long_help = store::BACKUP_EXAMPLES)]
    Backup(Backup),
    /// Make a store of a backup, in a data folder that has none
    #[command(after_long_help = store::RESTORE_EXAMPLES)]
    Restore(Restore),
    /// Look after the store
    #[command(subcommand)]
    Store(Store),
    /// Look after the audit chain
    #[command(subcommand)]
    Audit(Audit),
    /// Play a client at any SCIM endpoint, and say what that client would complain of
    #[command(after_long_help = VERIFY_EXAMPLES)]
    Verify(VerifyArguments),
    /// Run a relay with a JSON file behind it and play a client, to see what happens
    Demo {
        /// Play once and end, in place of staying up
        #[arg(long)]
        once: bool,
        /// Keep its files in this folder, in place of a temporary one
        #[arg(long, value_name = "FOLDER")]
        dir: Option<PathBuf>,
    },
}

#[derive(Args, Debug)]
pub(super) struct VerifyArguments {
    /// Whose requests are played
    #[arg(long = "as", value_name = "CLIENT")]
    pub(super) who: As,
    /// The base URL, as the client's administrator enters it
    #[arg(value_name = "URL")]
    pub(super) base: Base,
    #[command(flatten)]
    pub(super) credential: CredentialArguments,
    /// Trust the authorities in this PEM file, in place of the system's
    #[arg(long, value_name = "FILE")]
    pub(super) ca_file: Option<PathBuf>,
    /// How long each request may take
    #[arg(long, value_name = "SECONDS", default_value_t = 30, value_parser = clap::value_parser!(u16).range(1..=600))]
    pub(super) timeout_seconds: u16,
    /// Whether groups are looked at
    #[arg(long, value_name = "BOOLEAN", default_value_t = true, action = clap::ArgAction::Set)]
    pub(super) groups: bool,
    /// Print the report as JSON
    #[arg(long)]
    pub(super) json: bool,
}

/// Where the credential is: never on the command line, which everybody on the machine can read.
#[derive(Args, Debug)]
#[group(multiple = true)]
pub(super) struct CredentialArguments {
    /// The file with the bearer token
    #[arg(long, value_name = "FILE", conflicts_with_all = ["token_env", "user"])]
    pub(super) token_file: Option<PathBuf>,
    /// The environment variable with the bearer token
    #[arg(long, value_name = "NAME", conflicts_with = "user")]
    pub(super) token_env: Option<String>,
    /// The name for Basic authentication
    #[arg(long, value_name = "NAME", requires = "password_file")]
    pub(super) user: Option<String>,
    /// The file with the password for Basic authentication
    #[arg(long, value_name = "FILE", requires = "user")]
    pub(super) password_file: Option<PathBuf>,
}

#[derive(Args, Debug)]
pub(super) struct ConfigArgument {
    /// The configuration file; variables SCIM_RELAY__SECTION__KEY override it
    #[arg(long, value_name = "FILE", default_value = "/etc/scim-relay/relay.toml")]
    pub(super) config: PathBuf,
}

#[derive(Args, Debug)]
pub(super) struct CheckArguments {
    #[command(flatten)]
    pub(super) config: ConfigArgument,
    /// Print the problems as JSON
    #[arg(long)]
    pub(super) json: bool,
}

/// Which relay, and how its answer is printed.
#[derive(Args, Debug)]
pub(super) struct Output {
    #[command(flatten)]
    pub(super) config: ConfigArgument,
    /// Print the answer as JSON
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Subcommand, Debug)]
pub(super) enum Keys {
    /// Make a key and print it, this once and nothing else
    Create {
        /// The tenant that it opens
        #[arg(long, value_parser = tenant_name)]
        tenant: TenantName,
        /// A label to know it by
        #[arg(long, value_name = "LABEL", value_parser = clap::builder::NonEmptyStringValueParser::new())]
        name: String,
        /// After how many days it ends by itself; never, if not given
        #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(u32).range(1..))]
        expires: Option<u32>,
        #[command(flatten)]
        output: Output,
    },
    /// List keys: id, label, when made, last used, ending; never the key itself
    List {
        /// Only of this tenant
        #[arg(long, value_parser = tenant_name)]
        tenant: Option<TenantName>,
        #[command(flatten)]
        output: Output,
    },
    /// Revoke a key: from then on its requests are answered 401
    Revoke {
        /// The key's tenant
        #[arg(long, value_parser = tenant_name)]
        tenant: TenantName,
        /// The key's id or label
        key: String,
        #[command(flatten)]
        output: Output,
    },
}

impl Keys {
    pub(super) fn output(&self) -> &Output {
        match self {
            Self::Create { output, .. } | Self::List { output, .. } | Self::Revoke { output, .. } => output,
        }
    }

    pub(super) fn command(&self) -> Command {
        match self {
            Self::Create { tenant, name, expires, .. } => {
                Command::KeysCreate { tenant: tenant.clone(), name: name.clone(), expires_days: *expires }
            }
            Self::List { tenant, .. } => Command::KeysList { tenant: tenant.clone() },
            Self::Revoke { tenant, key, .. } => Command::KeysRevoke { tenant: tenant.clone(), key: key.clone() },
        }
    }
}

#[derive(Subcommand, Debug)]
pub(super) enum Queue {
    /// List deliveries, oldest first
    List {
        #[command(flatten)]
        filter: Filter,
        /// At most so many
        #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u16).range(1..=10_000))]
        limit: u16,
        #[command(flatten)]
        output: Output,
    },
    /// Show one delivery with the downstream system's words
    Show {
        /// Its number in the list
        #[arg(value_parser = delivery_id)]
        id: DeliveryId,
        #[command(flatten)]
        output: Output,
    },
    /// Make deliveries go now, dead letters included
    Retry {
        #[command(flatten)]
        selection: Selection,
        #[command(flatten)]
        output: Output,
    },
    /// Drop deliveries: the downstream system stays as it is until the resource changes again
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
    /// Only of this connector
    #[arg(long, value_name = "NAME", value_parser = connector_name)]
    connector: Option<ConnectorName>,
    /// Only of this class
    #[arg(long, value_enum)]
    class: Option<QueueClass>,
    /// Only queued at least so long ago: 90s, 30m, 2h, 7d
    #[arg(long, value_name = "TIME", value_parser = duration)]
    older_than: Option<Duration>,
}

impl Filter {
    fn selection(&self, id: Option<DeliveryId>) -> QueueSelection {
        QueueSelection { connector: self.connector.clone(), id, class: self.class, older_than: self.older_than }
    }
}

/// Deliveries to do something to: named by number or condition, so that none is meant by mistake.
#[derive(Args, Debug)]
#[group(required = true, multiple = true, args = ["id", "connector", "class", "older_than", "all"])]
pub(super) struct Selection {
    /// The delivery of this number
    #[arg(value_parser = delivery_id)]
    id: Option<DeliveryId>,
    #[command(flatten)]
    filter: Filter,
    /// All of every connector
    #[arg(long, conflicts_with_all = ["id", "connector", "class", "older_than"])]
    all: bool,
}

impl Selection {
    fn selection(&self) -> QueueSelection {
        self.filter.selection(self.id)
    }
}

impl Queue {
    pub(super) fn output(&self) -> &Output {
        match self {
            Self::List { output, .. }
            | Self::Show { output, .. }
            | Self::Retry { output, .. }
            | Self::Discard { output, .. } => output,
        }
    }

    pub(super) fn command(&self) -> Command {
        match self {
            Self::List { filter, limit, .. } => {
                Command::QueueList { selection: filter.selection(None), limit: usize::from(*limit) }
            }
            Self::Show { id, .. } => Command::QueueShow { id: *id },
            Self::Retry { selection, .. } => Command::QueueRetry { selection: selection.selection() },
            Self::Discard { selection, .. } => Command::QueueDiscard { selection: selection.selection() },
        }
    }
}

#[derive(Subcommand, Debug)]
pub(super) enum Unknown {
    /// List shapes of requests, the latest first; requests of one shape are one entry with a count
    List {
        /// Only of this tenant
        #[arg(long, value_parser = tenant_name)]
        tenant: Option<TenantName>,
        /// At most so many
        #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u16).range(1..=10_000))]
        limit: u16,
        #[command(flatten)]
        output: Output,
    },
    /// Show one shape, and the reason that the client was told
    Show {
        /// Its number in the list
        id: u64,
        #[command(flatten)]
        output: Output,
    },
}

impl Unknown {
    pub(super) fn output(&self) -> &Output {
        match self {
            Self::List { output, .. } | Self::Show { output, .. } => output,
        }
    }

    pub(super) fn command(&self) -> Command {
        match self {
            Self::List { tenant, limit, .. } => {
                Command::UnknownList { tenant: tenant.clone(), limit: usize::from(*limit) }
            }
            Self::Show { id, .. } => Command::UnknownShow { id: *id },
        }
    }
}

#[expect(clippy::unnecessary_wraps, reason = "clap takes functions that may fail")]
pub(super) fn tenant_name(text: &str) -> Result<TenantName, String> {
    Ok(TenantName(text.into()))
}

#[expect(clippy::unnecessary_wraps, reason = "clap takes functions that may fail")]
pub(super) fn connector_name(text: &str) -> Result<ConnectorName, String> {
    Ok(ConnectorName(text.into()))
}

pub(super) fn resource_id(text: &str) -> Result<ResourceId, String> {
    text.parse().map_err(|_| "a resource's id is a UUID, as in the lists".to_owned())
}

fn delivery_id(text: &str) -> Result<DeliveryId, String> {
    text.parse().map(DeliveryId).map_err(|_| "a delivery's number is a whole number, as in `queue list`".to_owned())
}

/// `90s`, `30m`, `2h`, `7d`.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    let (unit, seconds) = [("s", 1_u64), ("m", 60), ("h", 3_600), ("d", 86_400)]
        .into_iter()
        .find(|(unit, _)| text.ends_with(unit))
        .ok_or("write a number and a unit: 90s, 30m, 2h, 7d")?;
    let number = text.strip_suffix(unit).and_then(|number| number.parse::<u64>().ok());
    let seconds = number.and_then(|number| number.checked_mul(seconds));
    seconds.map(Duration::from_secs).ok_or_else(|| "write a number and a unit: 90s, 30m, 2h, 7d".to_owned())
}
