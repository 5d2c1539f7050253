//! JumpCloud: creates and removes a user and a group when it is activated, and adopts what has the same name.

use super::{Dialect, auto};

pub(super) const DIALECT: Dialect = Dialect {
    name: "jumpcloud",
    // Unique group names let it adopt a group rather than make a second one (OT-08). It is reported to remove members as
    // Entra does, so an operation written Entra's way keeps that meaning.
    ..auto::DIALECT
};
