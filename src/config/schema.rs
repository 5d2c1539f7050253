//! The JSON Schema of the configuration, for editors: generated from the settings types, `config/schema.json` holds it.

use schemars::generate::SchemaSettings;
use serde_json::{Value, json};

use super::raw::Raw;
use crate::{connectors::KINDS, dialect::Dialect};

/// The JSON Schema of a configuration file, with the settings of each kind of connector that is compiled in.
pub fn json_schema() -> Value {
    let settings = SchemaSettings::draft2020_12().with(|settings| settings.inline_subschemas = true);
    let mut schema = settings.into_generator().into_root_schema_for::<Raw>().to_value();

    let dialects: Vec<_> = Dialect::all().iter().map(|dialect| dialect.name).collect();
    if let Some(dialect) = schema.pointer_mut("/properties/tenants/additionalProperties/properties/dialect") {
        dialect["enum"] = json!(dialects);
    }
    if let Some(connector) = schema.pointer_mut("/properties/connectors/additionalProperties") {
        let kinds: Vec<_> = KINDS.iter().map(|kind| kind.name).collect();
        connector["properties"]["kind"]["enum"] = json!(kinds);
        let by_kind = KINDS.iter().map(|kind| {
            let mut settings = (kind.schema)().to_value();
            if let Some(settings) = settings.as_object_mut() {
                settings.remove("$schema");
            }
            json!({
                "if": { "properties": { "kind": { "const": kind.name } } },
                "then": { "properties": { "settings": settings } },
            })
        });
        connector["allOf"] = by_kind.collect();
    }
    schema
}
