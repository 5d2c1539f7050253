//! OneLogin: its administrator writes the body as a template, often by an example of SCIM 1.1.

use super::{Dialect, auto};

pub(super) const DIALECT: Dialect = Dialect {
    name: "onelogin",
    // What templates have wrong is a matter of spelling, which all tolerant dialects understand (OT-01 to OT-06), and its
    // updates, by PUT or PATCH, leave no policy to decide otherwise. A `formatted` of the template is meant: without
    // our `id` beside it, it is not taken for a stale one.
    ..auto::DIALECT
};
