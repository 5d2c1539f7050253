//! Microsoft Entra ID, with and without its `aadOptscim062020` flag.

use super::{CreateMissing, DeriveFormattedName, Dialect};
use crate::scim::resource::Unknown;

pub(super) const DIALECT: Dialect = Dialect {
    name: "entra",
    tolerant: true,
    unknown: Unknown::Drop,
    // Its default mappings write `emails[type eq "work"].value` of users that have no e-mail yet (EN-05).
    create_missing: CreateMissing::Always,
    group_put_keeps_members: true,
    members_remove_all: false,
    // Advised by Microsoft for groups, whose members would fill the answer.
    group_patch_no_content: true,
    group_names_unique: true,
    derive_formatted_name: DeriveFormattedName::Never,
    follows_interop_profile: false,
};
