//! From the body of a PATCH to operations with canonical values.
//!
//! A canonical value of an operation is as in a resource, except that null stands where something is to be cleared.

use serde_json::Value;

use super::{
    NoTarget, OPERATIONS_MAX, Operation, PATCH_URN, Patch, operation_place,
    target::{AttributeTarget, Target},
};
use crate::scim::{
    Error, Object, ScimType,
    json::take,
    path::AttributePath,
    resource::{Absent, DROPPED_MAX, Names, Place, Reader, Special, Unknown, expected},
    schema::ResourceType,
};

pub(super) fn patch(
    resource_type: &ResourceType,
    body: Value,
    unknown: Unknown,
    dropped: &mut Vec<String>,
) -> Result<Patch, Error> {
    let Value::Object(mut body) = body else { return Err(syntax("expected an object as the body")) };
    let schemas = take(&mut body, "schemas")?;
    let schemas = schemas.as_ref().and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    if !schemas.iter().filter_map(Value::as_str).any(|urn| urn.eq_ignore_ascii_case(PATCH_URN)) {
        return Err(syntax(format!("schemas: expected {PATCH_URN}")));
    }
    let Some(Value::Array(operations)) = take(&mut body, "Operations")? else {
        return Err(syntax("Operations: expected an array"));
    };
    if operations.is_empty() {
        return Err(syntax("Operations: expected at least one"));
    }
    if operations.len() > OPERATIONS_MAX {
        return Err(Error::too_large(format!("Operations: more than {OPERATIONS_MAX}")));
    }
    let urns = resource_type.urns();
    let mut parser =
        OperationParser { resource_type, urns: &urns, reader: Reader { unknown, dropped, absent: Absent::Null } };
    let mut parsed = Vec::with_capacity(operations.len());
    let mut indexes = Vec::with_capacity(operations.len());
    let mut says_something = false;
    for (position, operation) in operations.into_iter().enumerate() {
        let marked = operation.get("index").and_then(Value::as_u64);
        let index = marked.map_or(Ok(position), usize::try_from).unwrap_or(position);
        let dropped_before = parser.reader.dropped.len();
        let operation = parser.operation(operation).map_err(|error: Error| error.within(&operation_place(index)))?;
        let dropped = parser.reader.dropped.len();
        let lost_some = dropped > dropped_before || dropped == DROPPED_MAX;
        says_something |= !(lost_some && asks_nothing(&operation));
        parsed.push(operation);
        indexes.push(index);
    }
    if !says_something {
        // Answering success would say that something was done.
        let detail = "every operation names only attributes that the schema does not know";
        return Err(Error::of(ScimType::InvalidPath, detail));
    }
    Ok(Patch { operations: parsed, indexes })
}

/// Whether nothing is left of an operation's value.
fn asks_nothing(operation: &Operation) -> bool {
    match operation {
        Operation::Add { path: None, value, .. } | Operation::Replace { path: None, value, .. } => {
            let is_empty = |value: &Value| value.as_object().is_some_and(Object::is_empty);
            value.as_object().is_some_and(|value| value.values().all(is_empty))
        }
        Operation::Add { .. } | Operation::Replace { .. } | Operation::Remove { .. } => false,
    }
}

struct OperationParser<'a> {
    resource_type: &'a ResourceType,
    urns: &'a [&'a str],
    reader: Reader<'a>,
}

impl OperationParser<'_> {
    fn operation(&mut self, operation: Value) -> Result<Operation, Error> {
        let Value::Object(mut operation) = operation else { return Err(syntax("expected an object")) };
        let Some(Value::String(op)) = take(&mut operation, "op")? else {
            return Err(syntax("op: expected a string"));
        };
        let path = match take(&mut operation, "path")? {
            None | Some(Value::Null) => None,
            Some(Value::String(text)) => Some(AttributePath::parse(&text, self.urns)?),
            Some(_) => return Err(Error::of(ScimType::InvalidPath, "path: expected a string")),
        };
        let value = take(&mut operation, "value")?;
        let no_target = match take(&mut operation, "createMissing")? {
            Some(Value::Bool(true)) => NoTarget::Create,
            _ => NoTarget::Refuse,
        };
        if op.eq_ignore_ascii_case("remove") {
            return self.remove(path, value.as_ref());
        }
        let is_add = op.eq_ignore_ascii_case("add");
        if !is_add && !op.eq_ignore_ascii_case("replace") {
            return Err(syntax("op: expected add, remove or replace"));
        }
        let Some(value) = value else { return Err(Error::of(ScimType::InvalidValue, "value: expected one")) };
        let value = match (&path, value) {
            (Some(path), value) => match Target::of(self.resource_type, path)? {
                Target::Extension(extension) => match value {
                    value if is_empty(&value) => Value::Null,
                    Value::Object(object) => {
                        let place = Place::Extension(&extension.id);
                        Value::Object(self.reader.object(object, &place, |name| extension.attribute(name))?)
                    }
                    _ => return Err(expected(&Place::Extension(&extension.id), "an object")),
                },
                Target::Attribute(target) => self.value(&target, value)?,
            },
            (None, Value::Object(object)) => Value::Object(self.resource(object)?),
            (None, _) => return Err(Error::of(ScimType::InvalidValue, "value: expected an object where no path is")),
        };
        Ok(match is_add {
            true => Operation::Add { path, value, no_target },
            false => Operation::Replace { path, value, no_target },
        })
    }

    fn remove(&self, path: Option<AttributePath>, value: Option<&Value>) -> Result<Operation, Error> {
        let Some(path) = path else {
            return Err(Error::of(ScimType::NoTarget, "path: a remove needs one"));
        };
        if let Target::Attribute(target) = Target::of(self.resource_type, &path)? {
            let selects_all = target.attribute.multi_valued && !target.is_about_elements();
            if selects_all && value.is_some_and(|value| !value.is_null()) {
                // Who sends a value means some elements. To remove all of them instead would be the worst reading.
                let detail = "value: a remove takes none; select the elements by a filter in the path";
                return Err(Error::of(ScimType::InvalidValue, detail));
            }
        }
        Ok(Operation::Remove { path })
    }

    /// The value of an operation with a path to an attribute.
    fn value(&mut self, target: &AttributeTarget<'_>, value: Value) -> Result<Value, Error> {
        let is_members = matches!(target.special, Some(Special::Members));
        if is_empty(&value) && !(is_members && value.is_string()) {
            return Ok(Value::Null);
        }
        let attribute = target.attribute;
        let value = target.with_place(|place| match (target.sub_attribute, target.filter) {
            (Some(sub), _) => self.reader.attribute(sub, value, place),
            (None, Some(_)) => {
                let mut reader =
                    Reader { unknown: self.reader.unknown, dropped: self.reader.dropped, absent: Absent::Omit };
                reader.element(attribute, value, place)
            }
            (None, None) if attribute.multi_valued => {
                // "A new value is added to the attribute" (RFC 7644 §3.5.2.1): one may come without its array.
                let value = if value.is_array() { value } else { Value::Array(vec![value]) };
                match target.special {
                    Some(Special::Members) => self.reader.members(attribute, value, place),
                    _ => self.reader.attribute(attribute, value, place),
                }
            }
            (None, None) => self.reader.attribute(attribute, value, place),
        })?;
        Ok(value.unwrap_or_default())
    }

    /// The value of an operation without a path: attributes, extensions as objects, attributes of extensions by their
    /// full name. What a client may not write is ignored, as in a PUT.
    fn resource(&mut self, object: Object) -> Result<Object, Error> {
        let mut names = Names::default();
        let mut resource = Object::new();
        for (key, value) in object {
            if let Some(extension) = self.resource_type.extension(&key) {
                let place = Place::Extension(&extension.id);
                names.once(&extension.id, &place)?;
                match value {
                    value if is_empty(&value) => {
                        resource.entry(extension.id.clone()).or_insert(Value::Null);
                    }
                    Value::Object(object) => {
                        let read = self.reader.object(object, &place, |name| extension.attribute(name))?;
                        nested(&mut resource, &extension.id).extend(read);
                    }
                    _ => return Err(expected(&place, "an object")),
                }
                continue;
            }
            let Some(path) = self.key_path(&key) else {
                self.reader.unknown(&Place::Attribute(&Place::Root, &key))?;
                continue;
            };
            let Some((resolved, attribute)) =
                self.resource_type.resolve(&path).and_then(|resolved| Some((resolved, resolved.attribute?)))
            else {
                self.reader.unknown(&Place::Attribute(&Place::Root, &key))?;
                continue;
            };
            let target = AttributeTarget::new(self.resource_type, attribute, &resolved, None);
            target.with_place(|place| names.once(&place.to_string(), place))?;
            if target.is_read_only() {
                continue;
            }
            if target.is_about_elements() {
                self.reader.unknown(&Place::Attribute(&Place::Root, &key))?;
                continue;
            }
            let value = self.value(&target, value)?;
            let holder = match target.extension {
                Some(extension) => nested(&mut resource, &extension.id),
                None => &mut resource,
            };
            match target.sub_attribute {
                Some(sub) => nested(holder, &attribute.name).insert(sub.name.clone(), value),
                None => holder.insert(attribute.name.clone(), value),
            };
        }
        Ok(resource)
    }

    /// A key of a value object as a path: a name, or a full name that starts with a URN.
    fn key_path(&self, key: &str) -> Option<AttributePath> {
        if key.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("urn:")) {
            return AttributePath::parse(key, self.urns).ok().filter(|path| path.filter.is_none());
        }
        Some(AttributePath { urn: None, attribute: key.to_owned(), filter: None, sub_attribute: None })
    }
}

/// The object at that name, made where it is not.
fn nested<'a>(object: &'a mut Object, name: &str) -> &'a mut Object {
    let value = object.entry(name).or_insert(Value::Null);
    if !value.is_object() {
        *value = Value::Object(Object::new());
    }
    match value {
        Value::Object(object) => object,
        _ => unreachable!("made an object above"),
    }
}

/// What clears an attribute of any type when it stands for the whole value.
fn is_empty(value: &Value) -> bool {
    value.is_null() || value.as_str() == Some("")
}

fn syntax(detail: impl Into<std::borrow::Cow<'static, str>>) -> Error {
    Error::of(ScimType::InvalidSyntax, detail)
}
