//! What a write owes to connectors: its own resource's new version, and that of groups which lose a deleted member.

use rusqlite::params;

use super::{Change, active};
use crate::{
    scim::Object,
    store::{
        Error, OnRemoval, Removal, Standing, WriteError,
        sqlite::{
            brake::{self, Entrance, Turn},
            catalog::{ConnectorEntry, Partition},
            index,
            leavers::{self, Leaving},
            members,
            owe::{self, Owed},
            passwords,
            row::Resource,
            statement::Statements as _,
        },
    },
};

/// A resource as it was before a write.
pub(super) struct Before<'a> {
    pub(super) version: i64,
    pub(super) body: &'a str,
    pub(super) attributes: &'a Object,
}

impl Change<'_, '_> {
    /// Owes a resource's new version to the connectors that want it, and to those that may hold it and want it no more.
    pub(super) fn owe(
        &mut self,
        after: &Resource,
        attributes: &Object,
        before: Option<&Before<'_>>,
        keys: &[i64],
    ) -> Result<(), Error> {
        let (was_active, is_active) = (before.is_some_and(|before| active(before.attributes)), active(attributes));
        if before.is_some() && !was_active && is_active {
            leavers::cancel(self.transaction.sql, after.id)?;
        }
        let mut entrance = Entrance::new(was_active && !is_active);
        for connector in self.tenant.owed(self.partition) {
            let policy = &connector.config.policy;
            let standing = policy.standing(&self.write.resource_type.kind, attributes);
            if standing == Standing::Outside && !owe::is_known(self.transaction.sql, connector.no, after)? {
                continue;
            }
            if was_active && !is_active {
                self.start_leaver_clock(connector, after, standing, Leaving { version: after.version, was_active })?;
            }
            let was = before.map(|before| policy.standing(&self.write.resource_type.kind, before.attributes));
            let held = match was {
                Some(was) if was != standing => {
                    let turn = Turn {
                        resource: after.no,
                        id: after.id,
                        version: after.version,
                        from: was,
                        removal: brake::removal(standing),
                        keys: &[],
                    };
                    brake::turn(self.transaction, self.tenant, connector, &turn, &mut entrance)?
                }
                Some(_) | None => None,
            };
            let owed = Owed {
                resource: after.no,
                id: after.id,
                version: after.version,
                removal: match (was, held.unwrap_or(standing)) {
                    (_, Standing::Live) => Some(false),
                    (Some(Standing::Live), _) => Some(true),
                    (_, Standing::Inactive | Standing::Outside) => None,
                },
                keys,
                before: before.map(|before| (before.version, before.body)),
                request_id: &self.write.request_id,
            };
            owe::owe(self.transaction, connector, &owed)?;
        }
        self.transaction.count_active(self.partition, i64::from(is_active) - i64::from(was_active));
        Ok(())
    }

    /// Starts the leaver clock of a user where the connector's policy takes the entry out of use.
    fn start_leaver_clock(
        &self,
        connector: &ConnectorEntry,
        user: &Resource,
        standing: Standing,
        leaving: Leaving,
    ) -> Result<(), Error> {
        let is_user = self.tenant.users() == Some(self.partition);
        match connector.config.policy.removal(standing) {
            Some(OnRemoval::Disable | OnRemoval::Delete | OnRemoval::Move) if is_user => {
                leavers::start(self.transaction, connector, user, leaving)
            }
            Some(OnRemoval::Disable | OnRemoval::Delete | OnRemoval::Move | OnRemoval::Ignore) | None => Ok(()),
        }
    }

    /// Owes a group whose members changed and nothing else.
    fn owe_group(&mut self, groups: Partition, group: &Resource) -> Result<(), WriteError> {
        let attributes = group.attributes()?;
        let kind = self.transaction.catalog.kind(group.no)?;
        for connector in self.tenant.owed(groups) {
            let is_outside = connector.config.policy.standing(kind, &attributes) == Standing::Outside;
            if !is_outside || owe::is_known(self.transaction.sql, connector.no, group)? {
                owe::owe_again(self.transaction, connector, group, None, &self.write.request_id)?;
            }
        }
        Ok(())
    }

    /// Asks the brake for the deletion of a resource; the numbers of the connectors that are not told of it.
    pub(super) fn brake_deletion(
        &mut self,
        before: &Resource,
        attributes: &Object,
        keys: &[i64],
    ) -> Result<Vec<i64>, Error> {
        let mut entrance = Entrance::new(true);
        let mut withheld = Vec::new();
        for connector in self.tenant.holders(self.partition) {
            let turn = Turn {
                resource: before.no,
                id: before.id,
                version: before.version + 1,
                from: connector.config.policy.standing(&self.write.resource_type.kind, attributes),
                removal: Some(Removal::Deleted),
                keys,
            };
            if brake::turn(self.transaction, self.tenant, connector, &turn, &mut entrance)?.is_some() {
                withheld.push(connector.no);
            }
        }
        self.transaction.count_active(self.partition, -i64::from(active(attributes)));
        Ok(withheld)
    }

    /// Owes a deletion to the connectors that may hold the resource and are told of it.
    pub(super) fn owe_deletion(
        &mut self,
        before: &Resource,
        attributes: &Object,
        keys: &[i64],
        withheld: &[i64],
    ) -> Result<(), Error> {
        let sql = self.transaction.sql;
        let leaving = Leaving { version: before.version + 1, was_active: active(attributes) };
        for connector in self.tenant.owed(self.partition) {
            self.start_leaver_clock(connector, before, Standing::Outside, leaving)?;
        }
        for connector in self.tenant.holders(self.partition) {
            if self.write.resource_type.kind.is_group() {
                sql.run("DELETE FROM waiting_members WHERE connector = ? AND in_group = ?", [connector.no, before.no])?;
            }
            passwords::erase(sql, connector.no, before.no, i64::MAX)?;
            if withheld.contains(&connector.no) {
                brake::freeze(sql, connector.no, before.no, (before.version, &before.body))?;
                continue;
            }
            brake::forget(sql, connector.no, before.no)?;
            brake::follow(self.transaction, connector, before.id, &self.write.request_id)?;
            if owe::is_known(sql, connector.no, before)? {
                let owed = Owed {
                    resource: before.no,
                    id: before.id,
                    version: before.version + 1,
                    removal: Some(true),
                    keys,
                    before: Some((before.version, &before.body)),
                    request_id: &self.write.request_id,
                };
                owe::owe(self.transaction, connector, &owed)?;
            }
        }
        Ok(())
    }

    /// Takes a deleted resource out of its groups; each becomes a new version.
    pub(super) fn leave_groups(&mut self, member: &Resource, withheld: &[i64]) -> Result<(), WriteError> {
        let Some(groups) = self.tenant.groups() else { return Ok(()) };
        let sql = self.transaction.sql;
        let keep_tombstones = self.tenant.holders(groups).next().is_some();
        let value = member.id.to_string();
        let left_before = members::bury(sql, groups, &value, member.no)?;
        for no in members::groups_with(sql, groups, &value)? {
            let Some(before) = Resource::by_no(sql, no)? else { continue };
            let version = before.version + 1;
            let removed = members::remove(sql, (no, version), &value, Some(member.no), keep_tombstones)?;
            let members = before.members - i64::from(removed);
            let after = Resource { version, modified: self.transaction.now, members, ..before };
            sql.run(
                "UPDATE resources SET version = ?, modified = ?, members = ? WHERE no = ?",
                params![after.version, after.modified.0, after.members, no],
            )?;
            for connector in withheld {
                brake::stay(self.transaction, *connector, &after, member)?;
            }
            self.owe_group(groups, &after)?;
            for connector in self.tenant.absent(groups) {
                // It is told while it still knows which entry the member was.
                if owe::is_known(self.transaction.sql, connector.no, &after)? {
                    owe::owe_again(self.transaction, connector, &after, None, &self.write.request_id)?;
                }
            }
            self.follow_group(no, member.no)?;
        }
        for no in left_before {
            self.follow_group(no, member.no)?;
        }
        Ok(())
    }

    /// Lets a member's deletion wait for what is owed of a group: no connector is left with a group that names what is
    /// gone.
    fn follow_group(&self, group: i64, member: i64) -> Result<(), Error> {
        for connector in self.tenant.holders(Partition::of(group)) {
            owe::share_key(self.transaction.sql, connector.no, group, index::member_key(member))?;
        }
        Ok(())
    }
}
