//! The default: understands every client's spelling, and where clients contradict one another decides by what the
//! request itself shows.

use super::{CreateMissing, DeriveFormattedName, Dialect};
use crate::scim::resource::Unknown;

pub(super) const DIALECT: Dialect = Dialect {
    name: "auto",
    tolerant: true,
    unknown: Unknown::Drop,
    create_missing: CreateMissing::AsWritten,
    group_put_keeps_members: true,
    members_remove_all: false,
    group_patch_no_content: false,
    group_names_unique: true,
    derive_formatted_name: DeriveFormattedName::WhenStale,
    follows_interop_profile: false,
};
