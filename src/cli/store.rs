//! `scim-relay backup`, `restore`, `store` and `audit`: what can be asked, and how a backup becomes a store.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};

use super::{
    arguments::{ConfigArgument, Output},
    execute::Failure,
};
use crate::{
    config::Config,
    operator::Command,
    store::{ConnectorName, Restored, sqlite},
    time::Clock,
};

pub(super) const BACKUP_EXAMPLES: &str = "\
Examples:
  Into a folder, under a name with the time, while the relay runs:
    scim-relay backup /var/backups/scim-relay
  Into a file of that name, which must not exist:
    scim-relay backup /var/backups/scim-relay/before-upgrade.db

The file is whole and of one moment, and readable by its owner alone. It has all that the relay knows of people, and the
hashes of keys; it has no passwords.";

pub(super) const RESTORE_EXAMPLES: &str = "\
Examples:
  On a machine whose data folder is lost:
    scim-relay restore /var/backups/scim-relay/before-upgrade.db
    scim-relay serve
  Then, once the identity provider has pushed everybody again:
    scim-relay connector resume directory

What was acknowledged after the backup is not in it. So every connector is paused, or whoever was switched off since would
get access again: have the client push everybody first. Then all is delivered again, group members as whole lists. Keys
that were revoked after the backup are good again: revoke them before the relay serves.";

#[derive(Args, Debug)]
pub(super) struct Backup {
    /// The file to write, or a folder that is there
    #[arg(value_name = "FILE")]
    to: PathBuf,
    #[command(flatten)]
    pub(super) output: Output,
}

impl Backup {
    pub(super) fn command(&self) -> Command {
        // The relay that runs has another working directory.
        let to = std::path::absolute(&self.to).unwrap_or_else(|_| self.to.clone());
        let file = if to.is_dir() { to.join(file_name()) } else { to };
        Command::Backup { file }
    }
}

/// `scim-relay-20261124T093000Z.db`
fn file_name() -> String {
    let moment = Clock::system().now().rfc3339();
    let moment: String = moment.chars().take(19).filter(|character| !matches!(character, '-' | ':')).collect();
    format!("scim-relay-{moment}Z.db")
}

#[derive(Args, Debug)]
pub(super) struct Restore {
    /// The backup
    #[arg(value_name = "FILE")]
    pub(super) file: PathBuf,
    #[command(flatten)]
    pub(super) config: ConfigArgument,
}

/// Makes a store of a backup.
pub(super) fn restore(config: &Config, file: &Path) -> Result<Restored, Failure> {
    Ok(sqlite::restore(&config.data_dir, file, Clock::system().now())?)
}

/// What there is to say of a restored store.
pub(super) fn restored(Restored { at, resources, connectors }: &Restored) -> String {
    let names: Vec<&str> = connectors.iter().map(|ConnectorName(name)| &**name).collect();
    format!(
        "restored {resources} resources as of {}\n\
         paused: {}\n\
         Let the client push everybody, then resume them. Keys that were revoked since the backup are good again.",
        at.rfc3339(),
        if names.is_empty() { "no connectors".to_owned() } else { names.join(", ") }
    )
}

#[derive(Subcommand, Debug)]
pub(super) enum Store {
    /// Look for damage: in the file, and for contradictions between what the store promises of itself
    Check(Output),
}

#[derive(Subcommand, Debug)]
pub(super) enum Audit {
    /// Recompute the audit chain: whether an entry was changed, or is missing at the end
    Verify(Output),
}
