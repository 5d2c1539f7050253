//! Operations on a resource, one after the other.

use serde_json::Value;

use super::{
    Effect, Members, NoTarget, Operation, Patch,
    edit::{self, Verb},
    operation_place,
    target::{AttributeTarget, Target},
    work::Work,
};
use crate::scim::{
    Error, Object, ScimType,
    filter::{Filter, Operator},
    resource::{self, Special},
    schema::{Attribute, Resolved, ResourceType, Schema},
};

pub(super) fn patch(
    resource_type: &ResourceType,
    attributes: &mut Object,
    members: &mut dyn Members,
    patch: &Patch,
) -> Result<Effect, Error> {
    let before = attributes.clone();
    let mut running = Running { resource_type, attributes, members, effect: Effect::default(), work: Work::new() };
    for (index, operation) in patch.indexes.iter().zip(&patch.operations) {
        running.operation(operation).map_err(|error| error.within(&operation_place(*index)))?;
    }
    let mut effect = running.effect;
    resource::check_immutable(resource_type, &before, attributes)?;
    resource::check(resource_type, attributes)?;
    effect.changed |= before != *attributes;
    Ok(effect)
}

/// The resource between two operations.
struct Running<'a> {
    resource_type: &'a ResourceType,
    attributes: &'a mut Object,
    members: &'a mut dyn Members,
    effect: Effect,
    work: Work,
}

impl Running<'_> {
    fn operation(&mut self, operation: &Operation) -> Result<(), Error> {
        match operation {
            Operation::Add { path: None, value, .. } => self.resource(Verb::Add, value),
            Operation::Replace { path: None, value, .. } => self.resource(Verb::Replace, value),
            Operation::Add { path: Some(path), value, no_target } => {
                let target = Target::of(self.resource_type, path)?;
                self.write(target, Verb::Add, value, Some(*no_target))
            }
            Operation::Replace { path: Some(path), value, no_target } => {
                let target = Target::of(self.resource_type, path)?;
                self.write(target, Verb::Replace, value, Some(*no_target))
            }
            // To remove is to replace with nothing, except that there may be nothing to remove.
            Operation::Remove { path } => {
                let target = Target::of(self.resource_type, path)?;
                self.write(target, Verb::Replace, &Value::Null, None)
            }
        }
    }

    fn resource(&mut self, verb: Verb, value: &Value) -> Result<(), Error> {
        let resource_type = self.resource_type;
        for (name, value) in value.as_object().into_iter().flatten() {
            if let Some(extension) = resource_type.extension(name) {
                self.extension(extension, verb, value)?;
            } else if let Some(attribute) = resource_type.attribute(name) {
                self.attribute(&whole(resource_type, None, attribute), verb, value, None)?;
            }
        }
        Ok(())
    }

    fn write(
        &mut self,
        target: Target<'_>,
        verb: Verb,
        value: &Value,
        no_target: Option<NoTarget>,
    ) -> Result<(), Error> {
        match target {
            Target::Extension(extension) => self.extension(extension, verb, value),
            Target::Attribute(target) => self.attribute(&target, verb, value, no_target),
        }
    }

    fn extension(&mut self, extension: &Schema, verb: Verb, value: &Value) -> Result<(), Error> {
        match (verb, value) {
            (Verb::Add, Value::Null) => {}
            (Verb::Replace, Value::Null) => {
                self.attributes.remove(&extension.id);
            }
            (_, value) => {
                for (name, value) in value.as_object().into_iter().flatten() {
                    if let Some(attribute) = extension.attribute(name) {
                        let target = whole(self.resource_type, Some(extension), attribute);
                        self.attribute(&target, verb, value, None)?;
                    }
                }
            }
        }
        Ok(())
    }

    fn attribute(
        &mut self,
        target: &AttributeTarget<'_>,
        verb: Verb,
        value: &Value,
        no_target: Option<NoTarget>,
    ) -> Result<(), Error> {
        match target.special {
            Some(Special::Members) => self.group_members(target, verb, value, no_target),
            Some(Special::Password) => {
                if let Some(password) = resource::password(value.clone()) {
                    self.effect.password = Some(password);
                }
                Ok(())
            }
            None => {
                self.spend(target)?;
                match target.extension {
                    None => edit::write(self.attributes, target, verb, value, no_target),
                    Some(extension) => edit::within(self.attributes, &extension.id, |holder| {
                        edit::write(holder, target, verb, value, no_target)
                    }),
                }
            }
        }
    }

    /// Counts the elements that an operation looks at.
    fn spend(&mut self, target: &AttributeTarget<'_>) -> Result<(), Error> {
        let holder = match target.extension {
            None => Some(&*self.attributes),
            Some(extension) => self.attributes.get(&extension.id).and_then(Value::as_object),
        };
        match holder.and_then(|holder| holder.get(&target.attribute.name)) {
            Some(elements @ Value::Array(_)) => self.work.spend(elements, target.filter),
            _ => Ok(()),
        }
    }

    fn group_members(
        &mut self,
        target: &AttributeTarget<'_>,
        verb: Verb,
        value: &Value,
        no_target: Option<NoTarget>,
    ) -> Result<(), Error> {
        let changed = match (target.filter, verb, value) {
            (None, Verb::Add, value) => {
                let mut changed = false;
                for member in target.with_place(|place| resource::members(value.clone(), place))? {
                    changed |= self.members.add(member)?;
                }
                changed
            }
            (None, Verb::Replace, Value::Null) if no_target.is_none() => self.members.remove_matching(None)?,
            (None, Verb::Replace, value) => {
                let members = target.with_place(|place| resource::members(value.clone(), place))?;
                self.members.replace(members)?
            }
            (Some(filter), Verb::Replace, Value::Null) => match value_of_one(filter) {
                Some(member) => self.members.remove(member)?,
                None => self.members.remove_matching(Some(filter))?,
            },
            (Some(_), _, _) => {
                let detail = "members: a member is immutable; remove it and add another";
                return Err(Error::of(ScimType::Mutability, detail));
            }
        };
        self.effect.changed |= changed;
        Ok(())
    }
}

/// A whole attribute as a target.
fn whole<'a>(
    resource_type: &ResourceType,
    extension: Option<&'a Schema>,
    attribute: &'a Attribute,
) -> AttributeTarget<'a> {
    let resolved = Resolved { extension, attribute: Some(attribute), sub_attribute: None };
    AttributeTarget::new(resource_type, attribute, &resolved, None)
}

/// The member that `value eq "…"` names, so that it is found by its key.
fn value_of_one(filter: &Filter) -> Option<&str> {
    match filter {
        Filter::Compare { path, operator: Operator::Eq, value: Value::String(value) }
            if path.attribute.eq_ignore_ascii_case("value") && path.sub_attribute.is_none() =>
        {
            Some(value)
        }
        _ => None,
    }
}
