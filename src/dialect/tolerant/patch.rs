//! The shapes of a PATCH: operations in other words, values without a path, keys that are paths.

use serde_json::{Value, json};

use super::{
    members, names,
    names::Target,
    roles,
    values::{self, Place},
};
use crate::{
    dialect::{Dialect, Quirks},
    scim::{
        Error, Object, ScimType,
        schema::{Attribute, ResourceType},
    },
};

/// How an operation says that its value path may create what it does not select.
const CREATE_MISSING: &str = "createMissing";
/// How an operation says which of the client's it was made of, where that stood at another place: errors name the
/// client's.
const INDEX: &str = "index";

/// Rewrites the body of a PATCH. A dialect that is not tolerant changes only what would lose data.
///
/// # Errors
/// 400 that names the operation's index and reason.
pub(in crate::dialect) fn patch(
    dialect: &Dialect,
    resource_type: &ResourceType,
    id: &str,
    mut body: Object,
    quirks: &mut Quirks,
) -> Result<Object, Error> {
    if dialect.tolerant {
        keep_keys(&mut body, &["schemas", "Operations"], "EN-17", quirks);
    }
    let operations = match body.remove("Operations") {
        Some(Value::Array(operations)) => operations,
        Some(operation @ Value::Object(_)) if dialect.tolerant => {
            quirks.met("OT-04");
            vec![operation]
        }
        Some(other) => {
            body.insert("Operations".to_owned(), other);
            return Ok(body);
        }
        None => return Ok(body),
    };
    let asks = !operations.is_empty();
    let mut rewriting =
        Rewriting { dialect, resource_type, id, quirks, operations: Vec::with_capacity(operations.len()) };
    for (position, mut operation) in operations.into_iter().enumerate() {
        let marked = operation.as_object_mut().and_then(|operation| operation.remove(INDEX)?.as_u64());
        let index = marked.map_or(Ok(position), usize::try_from).unwrap_or(position);
        let first = rewriting.operations.len();
        rewriting.operation(operation).map_err(|error| error.within(&format!("operations[{index}]")))?;
        for (position, made) in rewriting.operations.iter_mut().enumerate().skip(first) {
            if let Value::Object(made) = made
                && position != index
            {
                made.insert(INDEX.to_owned(), index.into());
            }
        }
    }
    let mut operations = rewriting.operations;
    if asks && operations.is_empty() {
        operations.push(json!({"op": "add", "value": {}}));
    }
    body.insert("Operations".to_owned(), Value::Array(operations));
    Ok(body)
}

/// Gives the keys their spelling and leaves the others out.
fn keep_keys(object: &mut Object, keys: &[&str], quirk: &'static str, quirks: &mut Quirks) {
    names::respell_keys(object, keys, quirks);
    let before = object.len();
    object.retain(|key, _| keys.contains(&key.as_str()));
    if object.len() < before {
        quirks.met(quirk);
    }
}

/// Operations rewritten so far, and what is needed for the next.
struct Rewriting<'a> {
    dialect: &'a Dialect,
    resource_type: &'a ResourceType,
    id: &'a str,
    quirks: &'a mut Quirks,
    operations: Vec<Value>,
}

/// An operation that sets values.
#[derive(Clone, Copy)]
struct Setting {
    name: &'static str,
    /// Whether an empty value clears what was there; added, it adds nothing.
    clears: bool,
    /// Whether the dialect lets the operation create what its value path does not select.
    creates: bool,
    /// Whether the operation came so marked.
    was_marked: bool,
}

impl Rewriting<'_> {
    /// Rewrites one operation into none, one or several. One that is no operation is left for the parser to refuse.
    fn operation(&mut self, operation: Value) -> Result<(), Error> {
        let Value::Object(mut operation) = operation else {
            self.operations.push(operation);
            return Ok(());
        };
        if !self.dialect.tolerant {
            return self.untouched(operation);
        }
        keep_keys(&mut operation, &["op", "path", "value", CREATE_MISSING], "EN-15", self.quirks);
        let written = operation.get("op").and_then(Value::as_str).unwrap_or_default().to_owned();
        let name = match written.to_ascii_lowercase().as_str() {
            "add" => "add",
            "replace" => "replace",
            "remove" => "remove",
            _ => {
                self.operations.push(Value::Object(operation));
                return Ok(());
            }
        };
        if written != name {
            self.quirks.met("EN-02");
            operation.insert("op".to_owned(), name.into());
        }
        if operation.get("path").is_some_and(|path| path.is_null() || path == "") {
            operation.remove("path");
        }
        let was_marked = operation.remove(CREATE_MISSING) == Some(Value::Bool(true));
        let setting = Setting {
            name,
            clears: name == "replace",
            creates: self.dialect.create_missing.grants(&written),
            was_marked,
        };
        match (name, operation.remove("path"), operation.remove("value")) {
            ("remove", Some(Value::String(path)), value) => self.remove(&path, value)?,
            ("add" | "replace", Some(Value::String(path)), Some(value)) => self.at(&path, value, setting)?,
            ("add" | "replace", None, Some(Value::Object(value))) => self.without_path(value, setting)?,
            (_, path, value) => self.push(name, path, value),
        }
        Ok(())
    }

    /// An operation of a dialect that is not tolerant.
    fn untouched(&mut self, mut operation: Object) -> Result<(), Error> {
        operation.remove(CREATE_MISSING);
        let is_remove = operation.get("op").and_then(Value::as_str).is_some_and(|op| op.eq_ignore_ascii_case("remove"));
        let path = operation.get("path").and_then(Value::as_str);
        if let (true, Some(path), Some(value)) = (is_remove, path, operation.get("value"))
            && let Some(target) = names::target(self.resource_type, path, &mut Quirks::default())
            && let Some(attribute) = whole_multi_valued(&target)
        {
            return self.remove_listed(&target, attribute, value.clone());
        }
        self.operations.push(Value::Object(operation));
        Ok(())
    }

    /// `add` or `replace` at a path.
    fn at(&mut self, path: &str, value: Value, setting: Setting) -> Result<(), Error> {
        let Some(target) = names::target(self.resource_type, path, self.quirks) else {
            self.push(setting.name, Some(path.into()), Some(value));
            return Ok(());
        };
        if self.is_groups(target.attribute) {
            return Ok(());
        }
        if whole_multi_valued(&target).is_some_and(members::is_members) {
            members::check(&value)?;
        }
        let adds_described_roles = setting.name == "add"
            && whole_multi_valued(&target).is_some_and(roles::is_roles)
            && roles::any_described(&value);
        let assigned = match (target.attribute, target.sub_attribute, value) {
            (None, _, Value::Object(mut value)) => {
                let cleared = values::attributes(target.extension, &mut value, Place::Patch, self.quirks);
                let paths = cleared.iter().map(|name| format!("{}:{name}", target.text));
                self.clear(paths, setting);
                if value.is_empty() {
                    return Ok(());
                }
                Some(Value::Object(value))
            }
            (Some(attribute), None, value) if target.path.filter.is_none() => {
                values::assigned(attribute, value, Place::Patch, self.quirks)
            }
            (Some(attribute), None, value) | (_, Some(attribute), value) => {
                values::single(attribute, value, Place::Patch, self.quirks)
            }
            (None, None, value) => Some(value),
        };
        let Some(value) = assigned else {
            self.clear([target.text].into_iter(), setting);
            return Ok(());
        };
        if adds_described_roles && let Value::Array(roles) = value {
            self.add_roles(&target.text, roles);
            return Ok(());
        }
        let creates = target.path.filter.is_some() && self.may_create(&target, setting);
        self.push(setting.name, Some(target.text.into()), Some(value));
        if creates {
            self.let_create();
        }
        Ok(())
    }

    /// Adds roles by their value (EN-28): one that was created with a type, or is added again in each cycle, is there.
    fn add_roles(&mut self, path: &str, roles: Vec<Value>) {
        for role in roles {
            match role.get("value").filter(|value| value.is_string()) {
                Some(value) => {
                    let at = format!("{path}[value eq {value}]");
                    self.push("add", Some(at.into()), Some(role));
                    self.let_create();
                }
                None => self.push("add", Some(path.into()), Some(role)),
            }
        }
    }

    /// Lets the last operation create what its value path does not select.
    fn let_create(&mut self) {
        if let Some(Value::Object(operation)) = self.operations.last_mut() {
            operation.insert(CREATE_MISSING.to_owned(), json!(true));
        }
    }

    /// Whether the operation may create what its value path does not select. The quirk is the leave to create: whether
    /// the element is there, only the resource knows.
    fn may_create(&mut self, target: &Target<'_>, setting: Setting) -> bool {
        if setting.was_marked {
            return true;
        }
        if setting.creates {
            self.quirks.met(match target.path.attribute.as_str() {
                "phoneNumbers" => "EN-06",
                "addresses" => "EN-07",
                _ => "EN-05",
            });
        }
        setting.creates
    }

    /// `add` or `replace` of an object without a path: what is addressed to attributes stays one operation, what is
    /// addressed by a path as its key becomes operations of their own, after it.
    fn without_path(&mut self, mut value: Object, setting: Setting) -> Result<(), Error> {
        let was_empty = value.is_empty();
        members::check_within(self.resource_type, &value)?;
        self.leave_out_identity(&mut value)?;
        names::correct_keys(self.resource_type, &mut value, self.quirks)?;
        let resource_type = self.resource_type;
        names::respell(&resource_type.schema.attributes, &mut value, self.quirks);
        if let Some(groups) = names::find(&resource_type.schema.attributes, "groups")
            && value.contains_key(&groups.name)
            && self.is_groups(Some(groups))
        {
            value.remove(&groups.name);
        }
        let mut cleared: Vec<String> =
            values::attributes(&resource_type.schema.attributes, &mut value, Place::Patch, self.quirks)
                .into_iter()
                .map(str::to_owned)
                .collect();
        for (extension, _) in &resource_type.extensions {
            let Some(Value::Object(attributes)) = value.get_mut(&extension.id) else { continue };
            let names = values::attributes(&extension.attributes, attributes, Place::Patch, self.quirks);
            cleared.extend(names.iter().map(|name| format!("{}:{name}", extension.id)));
            if attributes.is_empty() {
                value.remove(&extension.id);
            }
        }
        let keys: Vec<String> = value.keys().filter(|key| self.is_path(key)).cloned().collect();
        let at_paths: Vec<_> = keys.into_iter().filter_map(|key| value.remove_entry(&key)).collect();
        if was_empty || !value.is_empty() {
            self.push(setting.name, None, Some(Value::Object(value)));
        }
        self.clear(cleared.into_iter(), setting);
        for (path, value) in at_paths {
            self.quirks.met(if path.contains(':') { "EN-10" } else { "EN-09" });
            self.at(&path, value, setting)?;
        }
        Ok(())
    }

    /// Leaves out what says which resource it is, not what it should become.
    fn leave_out_identity(&mut self, value: &mut Object) -> Result<(), Error> {
        names::respell_keys(value, &["id", "schemas", "meta", "externalId"], self.quirks);
        if value.get("id").is_some_and(|id| !id.is_null() && id != self.id) {
            return Err(Error::of(ScimType::Mutability, "id cannot be changed"));
        }
        for (key, quirk) in [("id", "OK-15"), ("schemas", "OT-23"), ("meta", "OT-23")] {
            if value.remove(key).is_some() {
                self.quirks.met(quirk);
            }
        }
        Ok(())
    }

    /// Whether a key of a path-less value is a path: names an attribute by its URN, a sub-attribute or an element.
    fn is_path(&self, key: &str) -> bool {
        key.contains(['.', ':', '['])
            && !self.resource_type.extensions.iter().any(|(schema, _)| schema.id == key)
            && names::target(self.resource_type, key, &mut Quirks::default()).is_some()
    }

    /// Whether the attribute is a user's `groups`, which are written through the groups: ignored (OT-17).
    fn is_groups(&mut self, attribute: Option<&Attribute>) -> bool {
        let is_groups = attribute
            .is_some_and(|attribute| attribute.name == "groups" && names::is_read_only(self.resource_type, "groups"));
        if is_groups {
            self.quirks.met("OT-17");
        }
        is_groups
    }

    fn remove(&mut self, path: &str, value: Option<Value>) -> Result<(), Error> {
        let value = value.filter(|value| !value.is_null());
        let Some(target) = names::target(self.resource_type, path, self.quirks) else {
            self.push("remove", Some(path.into()), value);
            return Ok(());
        };
        if self.is_groups(target.attribute) {
            return Ok(());
        }
        match (whole_multi_valued(&target), value) {
            (Some(attribute), Some(value)) => return self.remove_listed(&target, attribute, value),
            (Some(attribute), None) if members::is_members(attribute) && !self.dialect.members_remove_all => {
                return Err(Error::of(
                    ScimType::NoTarget,
                    "a remove of members must say which: by value, or by a filter in its path",
                ));
            }
            (None, Some(_)) => self.quirks.met("EN-57"),
            (_, None) => {}
        }
        self.push("remove", Some(target.text.into()), None);
        Ok(())
    }

    fn remove_listed(&mut self, target: &Target<'_>, attribute: &Attribute, value: Value) -> Result<(), Error> {
        self.quirks.met("EN-12");
        for filter in members::listed(attribute, value)? {
            self.push("remove", Some(format!("{}[{filter}]", target.text).into()), None);
        }
        Ok(())
    }

    /// Clears what a `replace` said to be nothing; an `add` of nothing asks nothing.
    fn clear(&mut self, paths: impl Iterator<Item = String>, setting: Setting) {
        if setting.clears {
            paths.for_each(|path| self.push("remove", Some(path.into()), None));
        }
    }

    fn push(&mut self, op: &str, path: Option<Value>, value: Option<Value>) {
        let mut operation = Object::new();
        operation.insert("op".to_owned(), op.into());
        operation.extend(path.map(|path| ("path".to_owned(), path)));
        operation.extend(value.map(|value| ("value".to_owned(), value)));
        self.operations.push(Value::Object(operation));
    }
}

/// The multi-valued attribute that a path names as a whole.
fn whole_multi_valued<'a>(target: &Target<'a>) -> Option<&'a Attribute> {
    target.attribute.filter(|attribute| {
        attribute.multi_valued && target.path.filter.is_none() && target.path.sub_attribute.is_none()
    })
}
