//! authentik as a client: one operation a member, and groups adopted by their name.

use super::{Dialect, auto};

pub(super) const DIALECT: Dialect = Dialect {
    name: "authentik",
    // It relies on the 409 of a taken group name (OT-22). It sends the `formatted` that it means, never with `meta`.
    ..auto::DIALECT
};
