//! The file's text: reading it, and writing the same bytes for the same state.

use std::{
    collections::BTreeMap,
    fmt::{self, Write as _},
};

use scim_connector::ResourceId;
use serde_json::{Map, Value};

use super::{Document, Entry, GROUPS, USERS};

/// Says what the file is, and in which layout.
const SCHEMA: &str = "urn:scim-relay:json-file:1";

/// Why a text is no file of ours: the place, never a value.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Malformed(String);

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Document {
    /// Reads the file's text. Every key must be one that [`Document::render`] writes: what is not understood would be
    /// lost with the next write.
    pub(crate) fn parse(text: &[u8]) -> Result<Self, Malformed> {
        let root: Map<String, Value> = serde_json::from_slice(text).map_err(|error| Malformed(error.to_string()))?;
        let mut document = Self::default();
        for (key, value) in root {
            match (key.as_str(), value) {
                ("schema", Value::String(schema)) if schema == SCHEMA => {}
                ("schema", _) => return Err(Malformed(format!("schema is not \"{SCHEMA}\""))),
                ("generation", Value::Number(number)) => {
                    document.generation = number.as_u64().ok_or_else(|| Malformed("generation is no number".into()))?;
                }
                (_, Value::Array(values)) => {
                    let entries = parse_section(values).map_err(|problem| Malformed(format!("{key}{problem}")))?;
                    document.sections.insert(key, entries);
                }
                _ => return Err(Malformed(format!("{key} is not an array of entries"))),
            }
        }
        Ok(document)
    }

    /// Writes the file's text; keeps the lines of entries for the next time.
    pub(crate) fn render(&mut self) -> String {
        for section in [USERS, GROUPS] {
            self.sections.entry(section.to_owned()).or_default();
        }
        let rank = |section: &str| (section != USERS, section != GROUPS);
        let mut sections: Vec<_> = self.sections.iter_mut().collect();
        sections.sort_by_key(|(section, _)| rank(section));

        let mut text = format!("{{\n\"schema\": \"{SCHEMA}\",\n\"generation\": {}", self.generation);
        for (section, entries) in sections {
            text.push_str(",\n");
            text.push_str(&Value::from(section.as_str()).to_string());
            text.push_str(": [");
            let mut separator = "\n";
            for (id, entry) in entries.iter_mut() {
                text.push_str(separator);
                text.push_str(entry.line(*id));
                separator = ",\n";
            }
            text.push_str(if entries.is_empty() { "]" } else { "\n]" });
        }
        text.push_str("\n}\n");
        text
    }
}

impl Entry {
    /// The entry as one line: `id` and `version`, the attributes by name, the members.
    pub(crate) fn line(&mut self, id: ResourceId) -> &str {
        let Self { version, attributes, members, line } = self;
        line.get_or_insert_with(|| {
            let mut text = format!("{{\"id\":\"{id}\",\"version\":{version}");
            // Sorted here and not left to the map, whose order is a feature of a crate that anyone may switch on.
            for (name, value) in attributes.iter().collect::<BTreeMap<_, _>>() {
                text.push(',');
                text.push_str(&Value::from(name.as_str()).to_string());
                text.push(':');
                text.push_str(&value.to_string());
            }
            if let Some(members) = members {
                text.push_str(",\"members\":[");
                for (index, member) in members.iter().enumerate() {
                    let separator = if index == 0 { "" } else { "," };
                    // Writing to a string cannot fail.
                    let _ = write!(text, "{separator}\"{member}\"");
                }
                text.push(']');
            }
            text.push('}');
            text.into_boxed_str()
        })
    }
}

fn parse_section(values: Vec<Value>) -> Result<BTreeMap<ResourceId, Entry>, Malformed> {
    let mut entries = BTreeMap::new();
    for (index, value) in values.into_iter().enumerate() {
        let (id, entry) = parse_entry(value).map_err(|problem| Malformed(format!("[{index}]{problem}")))?;
        if entries.insert(id, entry).is_some() {
            return Err(Malformed(format!("[{index}].id is there twice")));
        }
    }
    Ok(entries)
}

fn parse_entry(value: Value) -> Result<(ResourceId, Entry), Malformed> {
    let Value::Object(mut attributes) = value else { return Err(Malformed(" is not an object".into())) };
    let id = attributes.remove("id").as_ref().and_then(parse_id).ok_or_else(|| Malformed(".id is no id".into()))?;
    let version = match attributes.remove("version") {
        // An entry added by hand: any version of the resource is newer.
        None => 0,
        Some(version) => version.as_u64().ok_or_else(|| Malformed(".version is no number".into()))?,
    };
    let members = match attributes.remove("members") {
        None => None,
        Some(Value::Array(members)) => Some(
            members
                .iter()
                .map(parse_id)
                .collect::<Option<_>>()
                .ok_or_else(|| Malformed(".members has no id".into()))?,
        ),
        Some(_) => return Err(Malformed(".members is not an array".into())),
    };
    Ok((id, Entry { version, attributes, members, line: None }))
}

fn parse_id(value: &Value) -> Option<ResourceId> {
    value.as_str()?.parse().ok()
}
