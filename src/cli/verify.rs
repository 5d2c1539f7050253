//! `verify`: from arguments to a client, and from a report to the terminal and an exit code.

use std::{
    fs::File,
    io::{self, Read},
    path::Path,
    time::Duration,
};

use anyhow::Context;
use scim_connector::Secret;
use tokio_util::sync::CancellationToken;

use super::{
    Exit,
    arguments::{CredentialArguments, VerifyArguments},
    show,
};
use crate::{
    client::{self, Client, Credential},
    verify,
};

/// A file with a longer secret is another file.
const SECRET_BYTES_MAX: u64 = 64 * 1024;

pub(super) async fn verify(arguments: VerifyArguments) -> Exit {
    let client = match client(&arguments) {
        Ok(client) => client,
        Err(error) => {
            eprintln!("scim-relay: {error:#}");
            return Exit::Failed;
        }
    };
    let stop = CancellationToken::new();
    let watch = tokio::spawn(stop_on_signal(stop.clone()));
    let result = verify::run(client, arguments.who, arguments.groups, stop).await;
    watch.abort();
    match result {
        Ok(report) => {
            if arguments.json {
                show::json(&report.json());
            } else {
                print!("{report}");
            }
            if report.is_good() { Exit::Done } else { Exit::Failed }
        }
        Err(error) => {
            let exit = match error {
                verify::Error::Unreachable { .. } => Exit::Unreachable,
                verify::Error::Credential { .. } | verify::Error::Randomness => Exit::Failed,
            };
            eprintln!("scim-relay: {:#}", anyhow::Error::from(error));
            exit
        }
    }
}

/// The request under way ends, what was made is removed, and the report says how far it came.
async fn stop_on_signal(stop: CancellationToken) {
    if tokio::signal::ctrl_c().await.is_ok() {
        eprintln!("scim-relay: stopping; what was made is removed first");
        stop.cancel();
    }
}

fn client(arguments: &VerifyArguments) -> anyhow::Result<Client> {
    let credential = credential(&arguments.credential)?;
    let tls = client::trust(arguments.ca_file.as_deref())?;
    let timeout = Duration::from_secs(u64::from(arguments.timeout_seconds));
    Ok(Client::new(arguments.base.clone(), credential, tls, timeout))
}

fn credential(arguments: &CredentialArguments) -> anyhow::Result<Credential> {
    if let Some(file) = &arguments.token_file {
        return Ok(Credential::Bearer(secret(file)?));
    }
    if let Some(name) = &arguments.token_env {
        let token = std::env::var(name).with_context(|| format!("the environment has no usable {name}"))?;
        return Ok(Credential::Bearer(token.trim().to_owned().into()));
    }
    match (&arguments.user, &arguments.password_file) {
        (Some(user), Some(file)) => Ok(Credential::Basic { user: user.clone(), password: secret(file)? }),
        _ => Ok(Credential::None),
    }
}

/// A secret in a file, without the line's end.
fn secret(file: &Path) -> anyhow::Result<Secret> {
    let read = || -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        File::open(file)?.take(SECRET_BYTES_MAX).read_to_end(&mut bytes)?;
        Ok(bytes)
    };
    let bytes = read().with_context(|| file.display().to_string())?;
    Ok(Secret::new(bytes.trim_ascii().to_vec()))
}
