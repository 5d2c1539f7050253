//! The checks: tables by subject. A row says what is right, where that is written, and what each client does with a wrong
//! answer; a client that has no such line never sends the request, and the check is not played for it.

mod bulk_and_cursor;
mod connection;
mod create;
mod discovery;
mod errors;
mod filters;
mod groups;
mod life_cycle;
mod matching;
mod paging;
mod patch;
mod projection;
mod put;
mod rfc_patch;

use futures_util::future::BoxFuture;

use super::{As, session::Session};

/// A check.
pub(super) struct Check {
    /// Its name: unique, and the same from version to version.
    pub(super) id: &'static str,
    /// What it belongs to.
    pub(super) group: Group,
    /// What is right.
    pub(super) title: &'static str,
    /// Where that is written.
    pub(super) source: &'static str,
    /// What these clients do with a wrong answer.
    clients: &'static [(&'static [As], &'static str)],
    /// Plays it.
    pub(super) run: for<'a> fn(&'a mut Session) -> BoxFuture<'a, Checked>,
}

impl Check {
    /// What the client does with a wrong answer; none where it never asks.
    pub(super) fn says(&self, who: As) -> Option<&'static str> {
        self.clients.iter().find(|(clients, _)| clients.contains(&who)).map(|(_, says)| *says)
    }
}

/// What a check belongs to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Group {
    Connection,
    Matching,
    Create,
    Update,
    LifeCycle,
    Groups,
    Paging,
    Errors,
    Discovery,
    Protocol,
}

impl Group {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Connection => "connection",
            Self::Matching => "matching",
            Self::Create => "create",
            Self::Update => "update",
            Self::LifeCycle => "life cycle",
            Self::Groups => "groups",
            Self::Paging => "paging",
            Self::Errors => "errors",
            Self::Discovery => "discovery",
            Self::Protocol => "protocol",
        }
    }
}

/// A check goes on to its end, or stops early.
pub(super) type Checked = Result<(), Stop>;

/// Why a check ends early.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Stop {
    /// What was found makes the rest meaningless.
    Failed,
    /// It cannot be looked at, for this reason, which is another check's subject.
    Skipped(String),
    /// A person stopped it.
    Interrupted,
}

const OKTA: &[As] = &[As::Okta, As::OktaAiw];
const OKTA_CATALOGUE: &[As] = &[As::Okta];
const OKTA_AIW: &[As] = &[As::OktaAiw];
const ENTRA: &[As] = &[As::Entra, As::EntraFlagged];
const ENTRA_DEFAULT: &[As] = &[As::Entra];
const ENTRA_FLAGGED: &[As] = &[As::EntraFlagged];
const RFC: &[As] = &[As::Rfc];

const OKTA_SCIM: &str = "https://developer.okta.com/docs/api/openapi/okta-scim/guides/scim-20";
const OKTA_CONCEPTS: &str = "https://developer.okta.com/docs/concepts/scim";
const ENTRA_SCIM: &str =
    "https://learn.microsoft.com/en-us/entra/identity/app-provisioning/use-scim-to-provision-users-and-groups";
const ENTRA_FLAG: &str = "https://learn.microsoft.com/en-us/entra/identity/app-provisioning/\
                          application-provisioning-config-problem-scim-compatibility";
const ENTRA_VALIDATOR: &str =
    "https://learn.microsoft.com/en-us/entra/identity/app-provisioning/scim-validator-tutorial";
const ENTRA_GALLERY: &str =
    "https://learn.microsoft.com/en-us/entra/identity/enterprise-apps/validate-user-provisioning-app-gallery";

/// A section of RFC 7644.
macro_rules! rfc7644 {
    ($section:literal) => {
        concat!("https://www.rfc-editor.org/rfc/rfc7644#section-", $section)
    };
}
/// A section of RFC 7643.
macro_rules! rfc7643 {
    ($section:literal) => {
        concat!("https://www.rfc-editor.org/rfc/rfc7643#section-", $section)
    };
}
use {rfc7643, rfc7644};

/// All checks, in the order played.
pub(super) fn all() -> impl Iterator<Item = &'static Check> {
    [
        connection::CHECKS,
        matching::CHECKS,
        filters::CHECKS,
        create::CHECKS,
        put::CHECKS,
        patch::CHECKS,
        rfc_patch::CHECKS,
        life_cycle::CHECKS,
        groups::CHECKS,
        paging::CHECKS,
        projection::CHECKS,
        errors::CHECKS,
        discovery::CHECKS,
        bulk_and_cursor::CHECKS,
    ]
    .into_iter()
    .flatten()
}

#[cfg(test)]
mod tests {
    use clap::ValueEnum;

    use super::*;

    #[test]
    fn ids_are_unique_and_kebab_case() {
        let ids: Vec<_> = all().map(|check| check.id).collect();
        let mut unique = ids.clone();
        unique.sort_unstable();
        unique.dedup();
        assert_eq!(unique.len(), ids.len());
        for id in ids {
            assert!(id.chars().all(|letter| letter.is_ascii_lowercase() || letter == '-'), "{id}");
        }
    }

    #[test]
    fn every_check_says_where_it_is_written_and_is_played_for_somebody() {
        for check in all() {
            assert!(check.source.starts_with("https://") && !check.source.contains(' '), "{}", check.id);
            assert!(As::value_variants().iter().any(|who| check.says(*who).is_some()), "{}", check.id);
        }
    }

    #[test]
    fn every_client_has_checks_of_its_own() {
        for who in As::value_variants() {
            assert!(all().filter(|check| check.says(*who).is_some()).count() > 25, "{who:?}");
        }
    }
}
