//! RFC 7644 to the letter. Only a `remove` with a list of values is still read as removing no more than that list: the
//! RFC gives it no meaning, and any other reading loses data.

use super::{CreateMissing, DeriveFormattedName, Dialect};
use crate::scim::resource::Unknown;

pub(super) const DIALECT: Dialect = Dialect {
    name: "rfc",
    tolerant: false,
    unknown: Unknown::Drop,
    create_missing: CreateMissing::Never,
    group_put_keeps_members: false,
    members_remove_all: true,
    group_patch_no_content: false,
    group_names_unique: false,
    derive_formatted_name: DeriveFormattedName::Never,
    follows_interop_profile: false,
};
