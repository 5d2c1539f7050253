//! Changing one attribute of an object.

use std::{
    collections::HashMap,
    hash::{Hash, Hasher},
};

use serde_json::Value;

use super::{NoTarget, target::AttributeTarget};
use crate::scim::{
    Error, Object, ScimType,
    filter::{Filter, Operator},
    resource::{Absent, Place, Reader, Unknown, check_count, collapse, is_primary},
    schema::{Attribute, AttributeType, Mutability},
};

/// What is done with a value.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Verb {
    /// Add it to what is there; null adds nothing.
    Add,
    /// Put it in the place of what is there; null clears.
    Replace,
}

/// Runs an edit on the object at that name, which is made for it and does not stay when it is empty.
pub(super) fn within(
    object: &mut Object,
    name: &str,
    edit: impl FnOnce(&mut Object) -> Result<(), Error>,
) -> Result<(), Error> {
    let mut inner = match object.remove(name) {
        Some(Value::Object(inner)) => inner,
        _ => Object::new(),
    };
    edit(&mut inner)?;
    if !inner.is_empty() {
        object.insert(name.to_owned(), Value::Object(inner));
    }
    Ok(())
}

/// Writes a canonical value to a target in the object that holds the attribute. `no_target` of `None` lets a filter
/// that selects nothing do nothing.
pub(super) fn write(
    holder: &mut Object,
    target: &AttributeTarget<'_>,
    verb: Verb,
    value: &Value,
    no_target: Option<NoTarget>,
) -> Result<(), Error> {
    let holder_place = target.holder_place();
    let attribute = target.attribute;
    if target.is_about_elements() {
        return write_elements(holder, target, verb, value, no_target);
    }
    match target.sub_attribute {
        None => write_whole(holder, attribute, verb, value, &holder_place),
        Some(sub) => {
            let place = Place::Attribute(&holder_place, &attribute.name);
            let was_there = holder.contains_key(&attribute.name);
            within(holder, &attribute.name, |object| write_whole(object, sub, verb, value, &place))?;
            refuse_clearing_required(was_there, holder, attribute, &place)
        }
    }
}

/// Writes the whole value of an attribute or sub-attribute.
fn write_whole(
    holder: &mut Object,
    attribute: &Attribute,
    verb: Verb,
    value: &Value,
    holder_place: &Place<'_>,
) -> Result<(), Error> {
    let place = Place::Attribute(holder_place, &attribute.name);
    match (verb, value) {
        (Verb::Add, Value::Null) => Ok(()),
        (Verb::Replace, Value::Null) if attribute.required => Err(required(&place)),
        (Verb::Replace, Value::Null) => {
            holder.remove(&attribute.name);
            Ok(())
        }
        (Verb::Add, Value::Array(new)) => append(holder, attribute, new, &place),
        // Sub-attributes that the value does not name stay as they are (RFC 7644 §3.5.2.3).
        (_, Value::Object(new)) => {
            let was_there = holder.contains_key(&attribute.name);
            within(holder, &attribute.name, |object| merge(object, attribute, verb, new, &place))?;
            refuse_clearing_required(was_there, holder, attribute, &place)
        }
        (_, value) => {
            holder.insert(attribute.name.clone(), value.clone());
            Ok(())
        }
    }
}

/// Writes each sub-attribute that a complex value names.
fn merge(object: &mut Object, attribute: &Attribute, verb: Verb, new: &Object, place: &Place<'_>) -> Result<(), Error> {
    for (name, value) in new {
        if let Some(sub) = attribute.sub_attribute(name) {
            write_whole(object, sub, verb, value, place)?;
        }
    }
    Ok(())
}

/// Appends the elements that are not there yet.
fn append(holder: &mut Object, attribute: &Attribute, new: &[Value], place: &Place<'_>) -> Result<(), Error> {
    let mut elements = take_elements(holder, attribute);
    let mut primary = None;
    for (element, at) in new.iter().zip(places(&elements, new)) {
        match elements.get_mut(at) {
            None => elements.push(element.clone()),
            Some(present) if is_primary(element) => *present = element.clone(),
            Some(_) => {}
        }
        if is_primary(element) {
            primary = Some(at);
        }
    }
    if let Some(primary) = primary {
        elements.iter_mut().enumerate().filter(|(at, _)| *at != primary).for_each(|(_, element)| demote(element));
    }
    check_count(&elements, place)?;
    put_elements(holder, attribute, elements);
    Ok(())
}

/// Where each new element is, or will be when those before it are appended.
fn places(present: &[Value], new: &[Value]) -> Vec<usize> {
    let mut known: HashMap<ButPrimary<'_>, usize> = HashMap::with_capacity(present.len() + new.len());
    for (at, element) in present.iter().enumerate() {
        known.entry(ButPrimary(element)).or_insert(at);
    }
    let mut end = present.len();
    let mut place = |element| {
        *known.entry(ButPrimary(element)).or_insert_with(|| {
            end += 1;
            end - 1
        })
    };
    new.iter().map(&mut place).collect()
}

/// Writes to the elements that a filter selects, or all of them.
fn write_elements(
    holder: &mut Object,
    target: &AttributeTarget<'_>,
    verb: Verb,
    value: &Value,
    no_target: Option<NoTarget>,
) -> Result<(), Error> {
    const ALL: &Filter = &Filter::Constant(true);
    let attribute = target.attribute;
    let filter = target.filter.unwrap_or(ALL);
    let holder_place = target.holder_place();
    let place = Place::Attribute(&holder_place, &attribute.name);

    let elements = take_elements(holder, attribute);
    let was_there = !elements.is_empty();
    let selected = elements.iter().map(|element| filter.matches_element(attribute, element)).collect::<Vec<_>>();
    let selects_any = selected.contains(&true);
    let demotes_others = selects_any && makes_primary(target, value);
    let mut result = Vec::with_capacity(elements.len());
    for (mut element, is_selected) in elements.into_iter().zip(selected) {
        if is_selected {
            result.extend(write_element(element, target, filter, verb, value, &place)?);
            continue;
        }
        if demotes_others {
            demote(&mut element);
        }
        result.push(element);
    }
    match no_target {
        _ if selects_any => {}
        None => {}
        Some(NoTarget::Refuse) => return Err(no_element(&place)),
        Some(NoTarget::Create) if value.is_null() => {}
        Some(NoTarget::Create) => {
            let element = create_element(target, filter, verb, value, &place)?;
            if is_primary(&element) {
                result.iter_mut().for_each(demote);
            }
            result.push(element);
            check_count(&result, &place)?;
        }
    }
    collapse(&mut result);
    put_elements(holder, attribute, result);
    refuse_clearing_required(was_there, holder, attribute, &place)
}

/// One selected element after the write; `None` when it goes.
fn write_element(
    element: Value,
    target: &AttributeTarget<'_>,
    filter: &Filter,
    verb: Verb,
    value: &Value,
    place: &Place<'_>,
) -> Result<Option<Value>, Error> {
    let attribute = target.attribute;
    let mut object = match (element, verb, value) {
        (element, Verb::Add, Value::Null) => return Ok(Some(element)),
        (_, Verb::Replace, Value::Null) if target.sub_attribute.is_none() => return Ok(None),
        (Value::Object(object), ..) => object,
        (_, _, value) => return Ok(Some(value.clone())),
    };
    match (target.sub_attribute, value) {
        (Some(sub), value) => {
            let old = object.get(&sub.name);
            if sub.mutability == Mutability::Immutable && old.is_some_and(|old| old != value) {
                let detail = format!("{}: immutable and has a value already", Place::Attribute(place, &sub.name));
                return Err(Error::of(ScimType::Mutability, detail));
            }
            let had_value = old.is_some();
            write_whole(&mut object, sub, verb, value, place)?;
            // An element of which only the label is left says nothing (dialects B.12).
            let is_label = |name: &String| name == "primary" || names(filter, name);
            if value.is_null() && had_value && object.keys().all(is_label) {
                return Ok(None);
            }
        }
        (None, Value::Object(new)) => {
            if verb == Verb::Replace {
                // The record is replaced as a whole; what it was selected by stays where the value does not say else.
                object = stamps(filter, attribute).unwrap_or_default();
            }
            merge(&mut object, attribute, verb, new, place)?;
        }
        (None, _) => {}
    }
    Ok((!object.is_empty()).then_some(Value::Object(object)))
}

/// A new element that the filter selects, with the value written to it (dialects EN-05, EN-07).
fn create_element(
    target: &AttributeTarget<'_>,
    filter: &Filter,
    verb: Verb,
    value: &Value,
    place: &Place<'_>,
) -> Result<Value, Error> {
    let attribute = target.attribute;
    let stamped = match stamps(filter, attribute) {
        Some(stamped) if attribute.kind == AttributeType::Complex => Value::Object(stamped),
        _ => return Err(no_element(place)),
    };
    if !filter.matches_element(attribute, &stamped) {
        return Err(no_element(place));
    }
    match (stamped, target.sub_attribute, value) {
        (Value::Object(mut object), Some(sub), value) => {
            write_whole(&mut object, sub, verb, value, place)?;
            Ok(Value::Object(object))
        }
        (Value::Object(mut object), None, Value::Object(new)) => {
            merge(&mut object, attribute, verb, new, place)?;
            Ok(Value::Object(object))
        }
        _ => Err(no_element(place)),
    }
}

/// What an element must hold to be selected by `eq` comparisons joined by `and`; `None` for any other filter.
fn stamps(filter: &Filter, attribute: &Attribute) -> Option<Object> {
    match filter {
        Filter::Constant(true) => Some(Object::new()),
        Filter::And(conditions) => {
            let mut stamped = Object::new();
            for condition in conditions {
                stamped.extend(stamps(condition, attribute)?);
            }
            Some(stamped)
        }
        Filter::Compare { path, operator: Operator::Eq, value } => {
            let sub = attribute.sub_attribute(&path.attribute).filter(|_| path.sub_attribute.is_none())?;
            if sub.mutability == Mutability::ReadOnly {
                return None;
            }
            let mut reader = Reader { unknown: Unknown::Refuse, dropped: &mut Vec::new(), absent: Absent::Omit };
            // `primary eq "True"` selects as `primary eq true` does.
            let value = match value {
                Value::String(text) if sub.kind == AttributeType::Boolean => {
                    Value::Bool(text.to_ascii_lowercase().parse().ok()?)
                }
                value => value.clone(),
            };
            let value = reader.element(sub, value, &Place::Root).ok()??;
            Some(Object::from_iter([(sub.name.clone(), value)]))
        }
        _ => None,
    }
}

/// Whether a filter over elements names that sub-attribute.
fn names(filter: &Filter, sub_attribute: &str) -> bool {
    match filter {
        Filter::And(filters) | Filter::Or(filters) => filters.iter().any(|filter| names(filter, sub_attribute)),
        Filter::Not(filter) => names(filter, sub_attribute),
        Filter::Compare { path, .. } => path.attribute.eq_ignore_ascii_case(sub_attribute),
        Filter::ValuePath { .. } | Filter::Constant(_) => false,
    }
}

fn makes_primary(target: &AttributeTarget<'_>, value: &Value) -> bool {
    match target.sub_attribute {
        Some(sub) => sub.name == "primary" && *value == Value::Bool(true),
        None => is_primary(value),
    }
}

/// A new primary element takes the mark from the others (RFC 7644 §3.5.2).
fn demote(element: &mut Value) {
    if let Value::Object(object) = element
        && object.get("primary") == Some(&Value::Bool(true))
    {
        object.insert("primary".to_owned(), Value::Bool(false));
    }
}

/// An element by what it says, whether it is the primary one or not.
struct ButPrimary<'a>(&'a Value);

impl ButPrimary<'_> {
    fn parts(&self) -> impl Iterator<Item = (&String, &Value)> {
        self.0.as_object().into_iter().flatten().filter(|(name, _)| *name != "primary")
    }
}

impl PartialEq for ButPrimary<'_> {
    fn eq(&self, other: &Self) -> bool {
        match (self.0, other.0) {
            (Value::Object(_), Value::Object(_)) => self.parts().eq(other.parts()),
            (one, other) => one == other,
        }
    }
}

impl Eq for ButPrimary<'_> {}

impl Hash for ButPrimary<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        match self.0 {
            Value::Object(_) => self.parts().for_each(|part| part.hash(state)),
            simple => simple.hash(state),
        }
    }
}

fn take_elements(holder: &mut Object, attribute: &Attribute) -> Vec<Value> {
    match holder.remove(&attribute.name) {
        Some(Value::Array(elements)) => elements,
        _ => Vec::new(),
    }
}

/// An attribute whose last element is gone is unassigned (RFC 7644 §3.5.2.2).
fn put_elements(holder: &mut Object, attribute: &Attribute, elements: Vec<Value>) {
    if !elements.is_empty() {
        holder.insert(attribute.name.clone(), Value::Array(elements));
    }
}

fn refuse_clearing_required(
    was_there: bool,
    holder: &Object,
    attribute: &Attribute,
    place: &Place<'_>,
) -> Result<(), Error> {
    if was_there && attribute.required && !holder.contains_key(&attribute.name) {
        return Err(required(place));
    }
    Ok(())
}

fn required(place: &Place<'_>) -> Error {
    Error::of(ScimType::Mutability, format!("{place}: required, and cannot be removed"))
}

fn no_element(place: &Place<'_>) -> Error {
    Error::of(ScimType::NoTarget, format!("{place}: the path selects no element"))
}
