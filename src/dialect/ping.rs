//! PingFederate's SCIM provisioner and PingOne: users by PUT alone, groups by PATCH.

use super::{Dialect, auto};

pub(super) const DIALECT: Dialect = Dialect {
    name: "ping",
    // A user's PUT is the whole user, and a group's membership comes as PATCH: a group's PUT without members does not mean
    // to empty it. It compares group names by itself (OT-11), so two of one name would make it choose: they stay unique.
    ..auto::DIALECT
};
