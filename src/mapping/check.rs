//! From the settings of one downstream attribute to a checked one, or to everything that is wrong with them.

use scim_connector::MappedValue;
use serde_json::Value;

use super::{
    Attribute, Origin, Problem, Source, Table,
    path::{Path, UNSEEN, several},
    template::Templates,
};
use crate::scim::{filter::Filter, schema::ResourceType};

/// What is right where a constant is wrong.
const CONSTANT: &str = "give text, a number, a boolean, or a non-empty array of them";

/// Checks the source of one attribute; a template is compiled into `templates`.
pub(super) fn attribute(
    resource_type: &ResourceType,
    templates: &mut Templates,
    name: &str,
    source: &Source,
) -> Result<Attribute, Vec<Problem>> {
    let table = source.table();
    let mut problems = Problems { name, is_short: matches!(source, Source::Path(_)), found: Vec::new() };
    if name.is_empty() {
        problems.attribute("has no name", "name the attribute as the downstream system does");
    }
    if table.multi && table.path.is_none() {
        problems.key("multi", "only a path has several values to take", "leave multi out; a constant may be an array");
    }
    let origin = origin(resource_type, templates, &table, &mut problems);
    let when = table.when.as_deref().and_then(|text| {
        let remedy = "give a SCIM filter over the resource's attributes, such as active eq true";
        problems.check("when", condition(resource_type, text), remedy)
    });
    let default = default(&table, &mut problems);
    match origin {
        Some(origin) if problems.found.is_empty() => Ok(Attribute { origin, when, default, write: table.write }),
        _ => Err(problems.found),
    }
}

fn origin(
    resource_type: &ResourceType,
    templates: &mut Templates,
    table: &Table,
    problems: &mut Problems<'_>,
) -> Option<Origin> {
    match (&table.path, &table.constant, &table.template) {
        (Some(path), None, None) => {
            let path = Path::new(resource_type, path, table.multi);
            let remedy = "give a path such as userName or emails[type eq \"work\"].value";
            problems.check("path", path, remedy).map(|path| Origin::Path(Box::new(path)))
        }
        (None, Some(value), None) => problems.check("constant", constant(value), CONSTANT).map(Origin::Constant),
        (None, None, Some(template)) => {
            let added = templates.add(resource_type, problems.name, template);
            let remedy = "use attributes by SCIM's names, with case, as in {{ name.familyName }}; an extension is \
                          extension[\"urn:…\"]";
            problems.check("template", added, remedy).map(|()| Origin::Template)
        }
        _ => {
            problems.attribute("has not exactly one source", "give one of path, constant and template");
            None
        }
    }
}

/// The filter of a condition over what a mapping can read of a resource.
///
/// # Errors
/// What is wrong with it.
pub fn condition(resource_type: &ResourceType, text: &str) -> Result<Filter, String> {
    let filter = Filter::parse(text, &resource_type.urns())
        .and_then(|filter| filter.check(resource_type).map(|()| filter))
        .map_err(|error| error.detail().to_owned())?;
    match UNSEEN.iter().find(|name| filter.mentions(name)) {
        Some(name) => Err(format!("{name} is no attribute that a mapping can read")),
        None => Ok(filter),
    }
}

fn default(table: &Table, problems: &mut Problems<'_>) -> MappedValue {
    let Some(value) = &table.default else { return MappedValue::Absent };
    match problems.check("default", constant(value), CONSTANT) {
        None => MappedValue::Absent,
        // Where the source has several values, one is a set of one.
        Some(MappedValue::Single(value)) if table.multi => MappedValue::Multi(vec![value]),
        Some(value @ MappedValue::Multi(_)) if !table.multi && table.constant.is_none() => {
            problems.key("default", "has several values where the source has one", "give one value, or multi = true");
            value
        }
        Some(value) => value,
    }
}

/// A constant's value.
fn constant(value: &Value) -> Result<MappedValue, String> {
    let is_scalar = |value: &Value| matches!(value, Value::String(_) | Value::Number(_) | Value::Bool(_));
    match value {
        Value::Array(values) if !values.is_empty() && values.iter().all(is_scalar) => Ok(several(values.clone())),
        value if is_scalar(value) => Ok(MappedValue::Single(value.clone())),
        _ => Err("is no constant".to_owned()),
    }
}

/// The problems of one attribute.
struct Problems<'a> {
    name: &'a str,
    /// Whether the source is a path as text, which has no keys below the attribute.
    is_short: bool,
    found: Vec<Problem>,
}

impl Problems<'_> {
    /// A problem with the attribute as a whole.
    fn attribute(&mut self, message: &str, remedy: &str) {
        self.found.push(Problem { key: self.name.to_owned(), message: message.to_owned(), remedy: remedy.to_owned() });
    }

    /// A problem with one key.
    fn key(&mut self, key: &str, message: &str, remedy: &str) {
        let key = if self.is_short { self.name.to_owned() } else { format!("{}.{key}", self.name) };
        self.found.push(Problem { key, message: message.to_owned(), remedy: remedy.to_owned() });
    }

    /// The checked value of one key, or a problem.
    fn check<T>(&mut self, key: &str, result: Result<T, String>, remedy: &str) -> Option<T> {
        result.map_err(|message| self.key(key, &message, remedy)).ok()
    }
}
