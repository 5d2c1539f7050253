//! Okta: custom apps that GET, merge and PUT, and catalogue apps that PATCH.

use serde_json::Value;

use super::{CreateMissing, DeriveFormattedName, Dialect, Quirks};
use crate::scim::{Object, resource::Unknown};

pub(super) const DIALECT: Dialect = Dialect {
    name: "okta",
    tolerant: true,
    unknown: Unknown::Drop,
    create_missing: CreateMissing::ForAdd,
    group_put_keeps_members: true,
    members_remove_all: false,
    group_patch_no_content: false,
    group_names_unique: true,
    derive_formatted_name: DeriveFormattedName::Always,
    follows_interop_profile: false,
};

/// Derives a `name.formatted` from its parts where the policy says so. Okta merges its values into our last answer and
/// never recomputes `formatted` (OK-07). A name without `formatted`, given or family name is left alone.
pub(super) fn derive_formatted_name(
    policy: DeriveFormattedName,
    echoes_answer: bool,
    name: &mut Object,
    quirks: &mut Quirks,
) {
    let part = |part: &str| name.get(part).and_then(Value::as_str);
    let (Some(formatted), Some(given), Some(family)) = (part("formatted"), part("givenName"), part("familyName"))
    else {
        return;
    };
    let derived = [Some(given), part("middleName"), Some(family)].into_iter().flatten().collect::<Vec<_>>().join(" ");
    let words = |text: &str| format!(" {} ", text.replace([',', ';', '.'], " "));
    let has = |part: &str| words(formatted).contains(&words(part));
    let is_due = match policy {
        DeriveFormattedName::Never => false,
        DeriveFormattedName::WhenStale => echoes_answer && has(given) != has(family),
        DeriveFormattedName::Always => formatted != derived,
    };
    if is_due {
        name.insert("formatted".to_owned(), derived.into());
        quirks.met("OK-07");
    }
}
