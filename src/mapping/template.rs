//! Templates as a source of text.

use minijinja::{AutoEscape, Environment, ErrorKind, UndefinedBehavior};
use scim_connector::ResourceId;
use serde_json::{Map, Value, json};

use super::{Object, path::UNSEEN};
use crate::scim::schema::{Attribute, AttributeType, ResourceType};

/// Steps of one rendering.
const FUEL: u64 = 50_000;
/// Bytes that one rendering may make.
const LENGTH_MAX: usize = 64 * 1024;

/// The templates of one mapping, by downstream attribute.
#[derive(Debug)]
pub(super) struct Templates(Environment<'static>);

/// Why there is no text.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Failure {
    /// The template names an attribute that the resource does not have.
    Undefined,
    /// Anything else, without values.
    Other(&'static str),
}

impl Templates {
    pub(super) fn new() -> Self {
        let mut environment = Environment::new();
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        environment.set_auto_escape_callback(|_| AutoEscape::None);
        environment.set_fuel(Some(FUEL));
        Self(environment)
    }

    /// Compiles a template; or what is wrong with it.
    pub(super) fn add(&mut self, resource_type: &ResourceType, name: &str, source: &str) -> Result<(), String> {
        self.0.add_template_owned(name.to_owned(), source.to_owned()).map_err(|error| {
            let line = error.line().map(|line| format!(" in line {line}")).unwrap_or_default();
            format!("does not parse{line}: {}", error.detail().unwrap_or("not a template"))
        })?;
        let template = self.0.get_template(name).map_err(|error| error.kind().to_string())?;
        let globals: Vec<&str> = self.0.globals().map(|(name, _)| name).collect();
        let mut unknown: Vec<String> = template
            .undeclared_variables(true)
            .into_iter()
            .filter(|name| !globals.contains(&name.as_str()) && !is_known(resource_type, name))
            .collect();
        unknown.sort_unstable();
        if unknown.is_empty() {
            Ok(())
        } else {
            Err(format!("names what {} does not have: {}", resource_type.kind, unknown.join(", ")))
        }
    }

    /// The text, trimmed; `None` where nothing is left.
    pub(super) fn render(&self, name: &str, context: &minijinja::Value) -> Result<Option<String>, Failure> {
        let text = self.0.get_template(name).and_then(|template| template.render(context.clone())).map_err(
            |error| match error.kind() {
                ErrorKind::UndefinedError => Failure::Undefined,
                ErrorKind::OutOfFuel => Failure::Other("the template takes too many steps"),
                ErrorKind::InvalidOperation => {
                    Failure::Other("the template does something that its values do not allow")
                }
                _ => Failure::Other("the template fails"),
            },
        )?;
        if text.len() > LENGTH_MAX {
            return Err(Failure::Other("the template makes more than 64 KiB"));
        }
        let text = text.trim();
        Ok((!text.is_empty()).then(|| text.to_owned()))
    }
}

/// What templates see: the attributes, with an empty object or array for a complex or multi-valued one that the
/// resource lacks, so that `name.familyName | default("")` works for a resource without `name`.
pub(super) fn context(resource_type: &ResourceType, id: ResourceId, resource: &Object) -> minijinja::Value {
    let mut context = filled(&resource_type.schema.attributes, resource);
    if let Some(external_id) = resource.get("externalId") {
        context.insert("externalId".into(), external_id.clone());
    }
    context.insert("id".into(), id.to_string().into());
    let none = Map::new();
    let extensions = resource_type.extensions.iter().map(|(schema, _)| {
        let held = resource.get(&schema.id).and_then(Value::as_object).unwrap_or(&none);
        (schema.id.clone(), Value::Object(filled(&schema.attributes, held)))
    });
    context.insert("extension".into(), Value::Object(extensions.collect()));
    minijinja::value::Serde(context).into()
}

fn filled(attributes: &[Attribute], held: &Object) -> Object {
    let mut filled = Map::new();
    for attribute in attributes.iter().filter(|attribute| !UNSEEN.contains(&&*attribute.name)) {
        let value = match held.get(&attribute.name) {
            Some(value) => value.clone(),
            None if attribute.multi_valued => json!([]),
            None if attribute.kind == AttributeType::Complex => json!({}),
            None => continue,
        };
        filled.insert(attribute.name.clone(), value);
    }
    filled
}

/// Whether a name with dots can have a value. Templates compare with case; beyond a single complex attribute nothing
/// can be told.
fn is_known(resource_type: &ResourceType, dotted: &str) -> bool {
    let mut names = dotted.split('.');
    let Some(name) = names.next() else { return false };
    if matches!(name, "id" | "externalId" | "extension") {
        return true;
    }
    let Some(attribute) = resource_type.schema.attributes.iter().find(|attribute| attribute.name == name) else {
        return false;
    };
    if UNSEEN.contains(&name) {
        return false;
    }
    let is_complex = attribute.kind == AttributeType::Complex && !attribute.multi_valued;
    match names.next() {
        Some(sub_attribute) if is_complex => {
            attribute.sub_attributes.iter().any(|attribute| attribute.name == sub_attribute)
        }
        _ => true,
    }
}
