//! SailPoint: reads discovery documents first, and sends `add` without a path where others `replace`.

use super::{Dialect, auto};

pub(super) const DIALECT: Dialect = Dialect {
    name: "sailpoint",
    // Its aggregation reads the state back, so a group's PATCH is answered with the group. A user's `groups`, which it can
    // be told to write, are read-only in every dialect (OT-17).
    ..auto::DIALECT
};
