//! `scim-relay verify`: plays a client's own sequences at any SCIM endpoint, and says what that client would complain of.
//!
//! A check is a row of a table and a small function (`checks`). It speaks through a `Session`, which keeps what was
//! sent and what was wrong with the answers, and removes in the end what was made. Nothing else is touched.

mod answer;
mod checks;
mod forms;
mod report;
mod session;

use tokio_util::sync::CancellationToken;

pub use self::report::{Outcome, Report, Verdict};
use self::{
    checks::{Group, Stop},
    session::Session,
};
use crate::client::{self, Client, Request};

/// Whose requests are played.
#[derive(Clone, Copy, PartialEq, Eq, Debug, clap::ValueEnum)]
pub enum As {
    /// An application of Okta's catalogue: users and groups by PATCH
    Okta,
    /// An application that an administrator of Okta made: GET and PUT
    OktaAiw,
    /// Microsoft Entra ID as it is by default
    Entra,
    /// Microsoft Entra ID with the flag aadOptscim062020
    EntraFlagged,
    /// A client that knows RFC 7643 and RFC 7644 and nothing else
    Rfc,
}

impl As {
    /// The name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Okta => "okta",
            Self::OktaAiw => "okta-aiw",
            Self::Entra => "entra",
            Self::EntraFlagged => "entra-flagged",
            Self::Rfc => "rfc",
        }
    }
}

/// Why there is nothing to report.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The endpoint does not answer.
    #[error("{base} does not answer")]
    Unreachable {
        /// The base URI.
        base: String,
        /// Why not.
        source: client::Error,
    },
    /// The endpoint does not accept the credential, so every check would say the same.
    #[error("{base} does not accept the credential: {status}")]
    Credential {
        /// The base URI.
        base: String,
        /// The HTTP status.
        status: u16,
    },
    /// The system gives no random numbers for names.
    #[error("the system gives no random numbers")]
    Randomness,
}

/// Runs every check that the client has, until `stop`; then removes what the checks made. Without `groups`, those that
/// need groups are skipped.
///
/// # Errors
/// The endpoint cannot be asked at all.
pub async fn run(client: Client, who: As, groups: bool, stop: CancellationToken) -> Result<Report, Error> {
    knock(&client).await?;
    let mut report = Report {
        who,
        base: client.base().to_string(),
        outcomes: Vec::new(),
        interrupted: false,
        left_behind: Vec::new(),
    };
    let mut session = Session::new(client, who, groups, stop)?;
    for check in checks::all().filter(|check| check.says(who).is_some()) {
        let result = match check.group == Group::Groups && !groups {
            true => Err(Stop::Skipped("without groups, as asked".to_owned())),
            false => (check.run)(&mut session).await,
        };
        if let Err(Stop::Interrupted) = result {
            report.interrupted = true;
            break;
        }
        report.outcomes.push(session.outcome(check, result));
    }
    report.left_behind = session.clean_up().await;
    Ok(report)
}

/// Whether anybody answers, and lets us in.
async fn knock(client: &Client) -> Result<(), Error> {
    let base = client.base().to_string();
    let request = Request { method: "GET".into(), path: "/Users?startIndex=1&count=1".into(), ..Request::default() };
    match client.send(request).await {
        Ok(response) if matches!(response.status, 401 | 403) => {
            Err(Error::Credential { base, status: response.status })
        }
        Ok(_) => Ok(()),
        Err(source) => Err(Error::Unreachable { base, source }),
    }
}
