//! One write, inside the transaction: read the current version, check, change, and owe it to the connectors.
//!
//! Everything that can refuse comes before the first row is written. The one exception is a PATCH of a group, whose
//! operations are rows: it has a savepoint.

mod owed;
mod unique;

use std::sync::Arc;

use rusqlite::params;
use scim_connector::{ResourceId, Secret};
use serde_json::Value;

use self::owed::Before;
use super::{
    audit::Entry,
    brake::{self, GroupWrite},
    catalog::{Partition, TenantEntry},
    index::{self, Term},
    members::{self, Kinds},
    passwords, references,
    row::Resource,
    statement::Statements as _,
    writer::Transaction,
};
use crate::{
    scim::{
        self, Object,
        patch::{self, Members as _, Patch},
        resource::{self, Draft, Member},
    },
    store::{Committed, Error, IfMatch, OnRehire, Operation, Write, WriteEffect, WriteError, policy::active},
};

/// Does a write.
pub(super) fn commit(transaction: &mut Transaction<'_>, write: Write) -> Result<Committed, WriteError> {
    let catalog = transaction.catalog;
    let place =
        catalog.tenant(&write.tenant).and_then(|tenant| Some((tenant, tenant.partition(&write.resource_type.kind)?)));
    let Some((tenant, partition)) = place else {
        return Err(scim::Error::internal("the store does not know the tenant or its resource type").into());
    };
    let Write { operation, if_match, .. } = &write;
    let mut change = Change { transaction, tenant, partition, write: &write };
    let (committed, action) = match operation {
        Operation::Create(draft) => (change.create(None, draft)?, "create"),
        Operation::CreateAs(id, draft) => (change.create(Some(*id), draft)?, "create"),
        Operation::Replace(id, draft) => {
            let before = change.existing(*id, if_match.as_ref())?;
            (change.replace(before, draft.clone(), WriteEffect::Updated)?, "replace")
        }
        Operation::Patch(id, patch) => {
            let before = change.existing(*id, if_match.as_ref())?;
            (change.patch(before, patch)?, "patch")
        }
        Operation::Delete(id) => {
            let before = change.existing(*id, if_match.as_ref())?;
            (change.delete(before)?, "delete")
        }
    };
    let entry = Entry::Write {
        at: transaction.now,
        tenant: &write.tenant.0,
        actor: &write.actor,
        request_id: &write.request_id,
        action: if committed.effect == WriteEffect::Unchanged { "unchanged" } else { action },
        kind: write.resource_type.kind.as_str(),
        resource: committed.stored.id,
        version: committed.stored.version.cast_signed(),
    };
    transaction.state.chain.append(transaction.sql, &entry)?;
    Ok(committed)
}

/// One write under way.
struct Change<'a, 'b> {
    transaction: &'a mut Transaction<'b>,
    tenant: &'a TenantEntry,
    partition: Partition,
    write: &'a Write,
}

/// The change of members that goes with a change of attributes.
enum MemberChange {
    /// None.
    Keep,
    /// These are to be the only members.
    Make(Vec<Member>),
    /// Done already, row by row.
    Done(MembersChanged),
}

impl MemberChange {
    /// Whether the members stay as they are.
    fn is_keep(&self) -> bool {
        matches!(self, Self::Keep | Self::Done(MembersChanged { any: false, .. }))
    }
}

/// What became of a group's members.
#[derive(Clone, Copy, Default)]
struct MembersChanged {
    /// Whether any row changed.
    any: bool,
    /// Members that came, less those that left.
    net: i64,
    /// Whether any left.
    removed: bool,
}

impl<'a> Change<'a, '_> {
    fn create(&mut self, reserved: Option<ResourceId>, draft: &Draft) -> Result<Committed, WriteError> {
        if draft.lacks_unseen {
            resource::check(&self.write.resource_type, &draft.attributes)?;
        }
        let terms = self.terms(&draft.attributes);
        if let Some((taken, holder)) = self.collision(&terms, None)? {
            return match self.rehired(holder, draft)? {
                // Who comes back has an id, which is not the one that others refer to.
                Some(before) if reserved.is_none() => self.replace(before, draft.clone(), WriteEffect::Reactivated),
                Some(_) | None => Err(self.conflict(taken).into()),
            };
        }
        let body = text(&draft.attributes)?;
        let now = self.transaction.now;
        let mut resource = Resource {
            no: self.transaction.next_resource(self.partition)?,
            id: reserved.map_or_else(|| self.transaction.next_id(), Ok)?,
            version: 1,
            created: now,
            modified: now,
            body,
            members: 0,
        };
        if let Some(wanted) = &draft.members {
            resource.members = self.write_members(resource.no, resource.version, wanted.clone())?.net;
        }
        let sql = self.transaction.sql;
        sql.run(
            "INSERT INTO resources (no, id, version, created, modified, body, members) VALUES (?, ?, ?, ?, ?, ?, ?)",
            params![
                resource.no,
                resource.id.as_bytes(),
                resource.version,
                now.0,
                now.0,
                resource.body,
                resource.members
            ],
        )?;
        self.index(resource.no, terms.iter())?;
        references::arrived(self.transaction, self.tenant, self.partition, resource.id)?;
        let keys = self.keys(terms.iter());
        self.owe(&resource, &draft.attributes, None, &keys)?;
        self.keep_password(&resource, draft.password.as_ref())?;
        Ok(Committed { stored: resource.stored(&self.write.resource_type.kind), effect: WriteEffect::Created })
    }

    fn replace(&mut self, before: Resource, mut draft: Draft, effect: WriteEffect) -> Result<Committed, WriteError> {
        let old = before.attributes()?;
        if draft.keeps_external_id {
            draft.attributes.remove("externalId");
            draft.attributes.extend(old.get_key_value("externalId").map(|(name, id)| (name.clone(), id.clone())));
        }
        resource::keep_unseen(&self.write.resource_type, &old, &mut draft)?;
        if effect == WriteEffect::Updated {
            resource::check_immutable(&self.write.resource_type, &old, &draft.attributes)?;
        }
        let members = draft.members.map_or(MemberChange::Keep, MemberChange::Make);
        self.update(before, &old, draft.attributes, members, draft.password.as_ref(), effect)
    }

    fn patch(&mut self, before: Resource, patch: &Patch) -> Result<Committed, WriteError> {
        let is_group = self.write.resource_type.kind.is_group();
        if !is_group {
            return self.patch_rows(before, patch);
        }
        let sql = self.transaction.sql;
        sql.run("SAVEPOINT patch", [])?;
        let result = self.patch_rows(before, patch);
        if let Err(WriteError::Refused(_)) = result {
            sql.run("ROLLBACK TO patch", [])?;
        }
        sql.run("RELEASE patch", [])?;
        result
    }

    fn patch_rows(&mut self, before: Resource, patch: &Patch) -> Result<Committed, WriteError> {
        let resource_type = &*self.write.resource_type;
        let old = before.attributes()?;
        let mut attributes = old.clone();
        let mut rows = members::Rows::new(
            self.transaction.sql,
            resource_type,
            before.no,
            before.version + 1,
            self.tenant.holders(self.partition).next().is_some(),
            self.kinds(),
            self.transaction.now,
        );
        let applied = patch::apply(resource_type, &mut attributes, &mut rows, patch);
        if let Some(failure) = rows.failure() {
            return Err(failure.into());
        }
        self.transaction.state.has_pending |= rows.has_pending();
        let applied = applied?;
        let members = MemberChange::Done(MembersChanged {
            any: applied.changed && old == attributes,
            net: rows.net(),
            removed: rows.has_removed(),
        });
        let members = if resource_type.kind.is_group() { members } else { MemberChange::Keep };
        self.update(before, &old, attributes, members, applied.password.as_ref(), WriteEffect::Updated)
    }

    /// Brings a resource to these attributes and members, or finds that it has them.
    fn update(
        &mut self,
        before: Resource,
        old: &Object,
        attributes: Object,
        members: MemberChange,
        password: Option<&Secret>,
        effect: WriteEffect,
    ) -> Result<Committed, WriteError> {
        let (was_active, is_active) = (active(old), active(&attributes));
        if was_active && !is_active && !self.tenant.config.may_deactivate {
            return Err(forbidden("deactivate").into());
        }
        let password = password.filter(|_| self.keeps_passwords());
        let only_deactivates = members.is_keep() && password.is_none() && is_only_deactivated(old, &attributes);
        if !self.tenant.config.may_update && effect == WriteEffect::Updated && !only_deactivates {
            return Err(forbidden("update").into());
        }
        let (old_terms, new_terms) = (self.terms(old), self.terms(&attributes));
        let freed: Vec<&Term> = old_terms.iter().filter(|term| new_terms.binary_search(term).is_err()).collect();
        let taken: Vec<&Term> = new_terms.iter().filter(|term| old_terms.binary_search(term).is_err()).collect();
        if let Some((collided, _)) = self.collision(taken.iter().copied(), Some(before.no))? {
            return Err(self.conflict(collided).into());
        }
        let body = text(&attributes)?;
        let version = before.version + 1;
        let members_changed = match members {
            MemberChange::Keep => MembersChanged::default(),
            MemberChange::Make(wanted) => self.write_members(before.no, version, wanted)?,
            MemberChange::Done(changed) => changed,
        };
        if *old == attributes && !members_changed.any && password.is_none() {
            let effect = if effect == WriteEffect::Reactivated { effect } else { WriteEffect::Unchanged };
            return Ok(Committed { stored: before.stored(&self.write.resource_type.kind), effect });
        }
        let after = Resource {
            version,
            modified: self.transaction.now,
            body,
            members: before.members + members_changed.net,
            ..before
        };
        let sql = self.transaction.sql;
        sql.run(
            "UPDATE resources SET version = ?, modified = ?, body = ?, members = ? WHERE no = ?",
            params![after.version, after.modified.0, after.body, after.members, after.no],
        )?;
        for term in &freed {
            index::remove(sql, after.no, term)?;
        }
        self.index(after.no, taken.iter().copied())?;
        if self.write.resource_type.kind.is_group() {
            let write = GroupWrite {
                group: after.no,
                id: after.id,
                version,
                members: before.members,
                removed: members_changed.removed,
            };
            brake::withhold(self.transaction, self.tenant, &write)?;
        }
        let keys = self.keys(freed.into_iter().chain(taken));
        let before = Before { version: before.version, body: &before.body, attributes: old };
        self.owe(&after, &attributes, Some(&before), &keys)?;
        self.keep_password(&after, password)?;
        Ok(Committed { stored: after.stored(&self.write.resource_type.kind), effect })
    }

    fn delete(&mut self, before: Resource) -> Result<Committed, WriteError> {
        if !self.tenant.config.may_deactivate {
            return Err(forbidden("deactivate").into());
        }
        let sql = self.transaction.sql;
        let attributes = before.attributes()?;
        let terms = self.terms(&attributes);
        let mut keys = self.keys(terms.iter());
        keys.push(index::member_key(before.no));
        let withheld = self.brake_deletion(&before, &attributes, &keys)?;
        sql.run("DELETE FROM resources WHERE no = ?", [before.no])?;
        for term in &terms {
            index::remove(sql, before.no, term)?;
        }
        self.transaction.count(before.no, -1);
        references::left(self.transaction, self.partition, before.id)?;
        self.leave_groups(&before, &withheld)?;
        if self.write.resource_type.kind.is_group() {
            sql.run("DELETE FROM memberships WHERE in_group = ?", [before.no])?;
        }
        self.owe_deletion(&before, &attributes, &keys, &withheld)?;
        Ok(Committed { stored: before.stored(&self.write.resource_type.kind), effect: WriteEffect::Deleted })
    }

    /// The resource that the write names, if the precondition holds.
    fn existing(&self, id: ResourceId, if_match: Option<&IfMatch>) -> Result<Resource, WriteError> {
        let found = Resource::by_id(self.transaction.sql, self.partition, id)?;
        let resource = found.ok_or_else(|| scim::Error::not_found(format!("no {} has this id", self.kind())))?;
        let accepted =
            |versions: &Vec<u64>| versions.is_empty() || versions.contains(&resource.version.cast_unsigned());
        if if_match.is_some_and(|IfMatch(versions)| !accepted(versions)) {
            let detail = format!("the resource has version W/\"{}\"", resource.version);
            return Err(scim::Error::precondition_failed(detail).into());
        }
        Ok(resource)
    }

    /// The inactive user that a colliding POST brings back, where the tenant allows it.
    fn rehired(&self, holder: i64, draft: &Draft) -> Result<Option<Resource>, WriteError> {
        let is_user = self.write.resource_type.kind.as_str() == "User";
        if !is_user || self.tenant.config.on_rehire != OnRehire::Reactivate {
            return Ok(None);
        }
        let Some(before) = Resource::by_no(self.transaction.sql, holder)? else { return Ok(None) };
        let attributes = before.attributes()?;
        let external_id = attributes.get("externalId").and_then(Value::as_str).filter(|value| !value.is_empty());
        let same = external_id.is_some() && external_id == draft.attributes.get("externalId").and_then(Value::as_str);
        let comes_back = !active(&attributes) && active(&draft.attributes);
        Ok((same && comes_back).then_some(before))
    }

    fn write_members(&mut self, group: i64, version: i64, wanted: Vec<Member>) -> Result<MembersChanged, WriteError> {
        let keep_tombstones = self.tenant.holders(self.partition).next().is_some();
        let resource_type = &*self.write.resource_type;
        let sql = self.transaction.sql;
        let now = self.transaction.now;
        let mut rows = members::Rows::new(sql, resource_type, group, version, keep_tombstones, self.kinds(), now);
        let changed = rows.replace(wanted);
        self.transaction.state.has_pending |= rows.has_pending();
        match rows.failure() {
            Some(failure) => Err(failure.into()),
            None => Ok(MembersChanged { any: changed?, net: rows.net(), removed: rows.has_removed() }),
        }
    }

    fn index<'t>(&mut self, resource: i64, terms: impl Iterator<Item = &'t Term>) -> Result<(), Error> {
        for term in terms {
            let pending = references::pending(self.transaction, self.tenant, self.partition, term)?;
            index::insert(self.transaction.sql, resource, term, pending)?;
        }
        Ok(())
    }

    fn keeps_passwords(&self) -> bool {
        self.tenant.config.passwords
            && self.transaction.sealer.is_some()
            && self.tenant.owed(self.partition).any(|connector| connector.config.passwords)
    }

    fn keep_password(&self, after: &Resource, password: Option<&Secret>) -> Result<(), Error> {
        let password = password.filter(|_| self.tenant.config.passwords);
        let (Some(password), Some(sealer)) = (password, self.transaction.sealer) else { return Ok(()) };
        for connector in self.tenant.owed(self.partition).filter(|connector| connector.config.passwords) {
            let now = self.transaction.now;
            passwords::keep(
                self.transaction.sql,
                sealer,
                connector,
                (after.no, after.id),
                after.version,
                now,
                password,
            )?;
        }
        Ok(())
    }

    fn kinds(&self) -> Kinds<'a> {
        Kinds { catalog: self.transaction.catalog, tenant: self.tenant }
    }

    fn kind(&self) -> &str {
        self.write.resource_type.kind.as_str()
    }
}

/// Whether nothing but `active` differs, and it went from true to false. A client may deactivate where it may not
/// update.
fn is_only_deactivated(old: &Object, new: &Object) -> bool {
    let others = |attributes: &Object| {
        let mut others = attributes.clone();
        others.remove("active");
        others
    };
    old == new || (active(old) && !active(new) && others(old) == others(new))
}

fn forbidden(switch: &str) -> scim::Error {
    scim::Error::forbidden(format!("the provisioning switch `{switch}` is off"))
}

/// The attributes as they are stored, within the limit of size.
fn text(attributes: &Object) -> Result<Arc<str>, WriteError> {
    let text = serde_json::to_string(attributes)
        .map_err(|source| Error::Io { step: "writing a resource's attributes", source: Box::new(source) })?;
    resource::check_size(text.len())?;
    Ok(text.into())
}
