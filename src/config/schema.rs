//! The JSON Schema of the configuration, for editors: generated from the settings types, `config/schema.json` holds it.

use schemars::generate::SchemaSettings;
use scim_connector::Kind;
use serde_json::{Map, Value, json};

use super::raw::Raw;
use crate::{connectors::KINDS, dialect::Dialect};

/// Schemas are made of our own types; none is nested deeper.
const NESTING_MAX: usize = 64;

/// The JSON Schema of a configuration file, with the settings of each kind of connector that is compiled in.
pub fn json_schema() -> Value {
    let settings = SchemaSettings::draft2020_12().with(|settings| settings.inline_subschemas = true);
    let mut schema = settings.into_generator().into_root_schema_for::<Raw>().to_value();

    let dialects: Vec<_> = Dialect::all().iter().map(|dialect| dialect.name).collect();
    if let Some(dialect) = schema.pointer_mut("/properties/tenants/additionalProperties/properties/dialect") {
        dialect["enum"] = json!(dialects);
    }
    let mut definitions = Map::new();
    let by_kind: Value = KINDS.iter().map(|kind| settings_of(kind, &mut definitions)).collect();
    if let Some(connector) = schema.pointer_mut("/properties/connectors/additionalProperties") {
        let kinds: Vec<_> = KINDS.iter().map(|kind| kind.name).collect();
        connector["properties"]["kind"]["enum"] = json!(kinds);
        connector["allOf"] = by_kind;
    }
    schema["$defs"] = Value::Object(definitions);
    schema
}

/// What a connector of that kind has in `settings`. Types that the kind defines go to the whole schema's definitions,
/// under the kind's name.
fn settings_of(kind: &Kind, definitions: &mut Map<String, Value>) -> Value {
    let mut settings = (kind.schema)().to_value();
    refer_to_definitions_of(kind.name, &mut settings, NESTING_MAX);
    if let Some(settings) = settings.as_object_mut() {
        settings.remove("$schema");
        if let Some(Value::Object(own)) = settings.remove("$defs") {
            definitions.extend(own.into_iter().map(|(name, schema)| (format!("{}.{name}", kind.name), schema)));
        }
    }
    json!({
        "if": { "properties": { "kind": { "const": kind.name } } },
        "then": { "properties": { "settings": settings } },
    })
}

fn refer_to_definitions_of(kind: &str, schema: &mut Value, nesting_left: usize) {
    let Some(nesting_left) = nesting_left.checked_sub(1) else { return };
    match schema {
        Value::Object(members) => {
            for (name, value) in members {
                match value.as_str().and_then(|text| text.strip_prefix("#/$defs/")) {
                    Some(definition) if name == "$ref" => *value = format!("#/$defs/{kind}.{definition}").into(),
                    Some(_) | None => refer_to_definitions_of(kind, value, nesting_left),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| refer_to_definitions_of(kind, item, nesting_left)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}
