//! Reads the file and its journal as another program would, without the connector's code.

use std::{collections::BTreeMap, fs, path::Path};

use scim_connector::{ResourceRef, testkit::Found};
use serde_json::{Map, Value};

/// Entries by section and id.
#[derive(PartialEq, Debug)]
pub(crate) struct State(pub(crate) BTreeMap<(String, String), Map<String, Value>>);

impl State {
    pub(crate) fn read(path: &Path) -> Self {
        let mut state = Self(BTreeMap::new());
        let mut generation = 0;
        if let Ok(text) = fs::read_to_string(path) {
            let root: Map<String, Value> = serde_json::from_str(&text).unwrap();
            generation = root["generation"].as_u64().unwrap();
            for (section, entries) in root {
                for entry in entries.as_array().into_iter().flatten() {
                    let entry = entry.as_object().unwrap().clone();
                    state.0.insert((section.clone(), entry["id"].as_str().unwrap().to_owned()), entry);
                }
            }
        }
        let journal = fs::read_to_string(path.with_file_name("users.json.journal")).unwrap_or_default();
        let mut lines = journal.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        if lines.next().is_some_and(|head| head["generation"] == generation) {
            for edit in lines.flat_map(|line| line.as_array().unwrap().clone()) {
                state.perform(&edit);
            }
        }
        state
    }

    fn perform(&mut self, edit: &Value) {
        let (section, id) = (edit["section"].as_str().unwrap().to_owned(), edit["id"].as_str().unwrap().to_owned());
        if edit["action"] == "remove" {
            for entry in self.0.values_mut() {
                without(entry, &id);
            }
            self.0.remove(&(section, id));
            return;
        }
        let mut put = &edit["action"]["put"];
        if let Value::Object(moved) = &edit["action"]["move"] {
            let entry = self.0.remove(&(moved["from"].as_str().unwrap().to_owned(), id.clone())).unwrap();
            self.0.insert((section.clone(), id.clone()), entry);
            put = &moved["put"];
        }
        let entry = self.0.entry((section, id)).or_default();
        entry.extend(put["set"].as_object().cloned().unwrap_or_default());
        for name in put["unset"].as_array().into_iter().flatten() {
            entry.remove(name.as_str().unwrap());
        }
        for member in put["remove"].as_array().into_iter().flatten() {
            without(entry, member.as_str().unwrap());
        }
        for member in put["add"].as_array().into_iter().flatten() {
            entry.entry("members").or_insert_with(|| Value::Array(vec![])).as_array_mut().unwrap().push(member.clone());
        }
    }

    pub(crate) fn found(&self, resource: &ResourceRef) -> Option<Found> {
        self.found_in(&format!("{}s", resource.kind.as_str().to_lowercase()), resource)
    }

    pub(crate) fn found_aside(&self, resource: &ResourceRef) -> Option<Found> {
        self.found_in(&format!("{}s-aside", resource.kind.as_str().to_lowercase()), resource)
    }

    fn found_in(&self, section: &str, resource: &ResourceRef) -> Option<Found> {
        let mut attributes = self.0.get(&(section.to_owned(), resource.id.to_string()))?.clone();
        let members = attributes.remove("members").unwrap_or_default();
        Some(Found {
            active: attributes.remove("active").is_none_or(|active| active == true),
            members: members.as_array().into_iter().flatten().map(|id| id.as_str().unwrap().parse().unwrap()).collect(),
            attributes: attributes.into_iter().filter(|(name, _)| name != "id" && name != "version").collect(),
        })
    }
}

fn without(entry: &mut Map<String, Value>, id: &str) {
    if let Some(Value::Array(members)) = entry.get_mut("members") {
        members.retain(|member| member != id);
    }
}
