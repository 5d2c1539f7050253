//! Schemas, resource types and indexed attributes that tenants declare.

use std::{
    collections::BTreeMap,
    fs::File,
    io::Read as _,
    path::{Path, PathBuf},
};

use serde_json::Value;

use super::{
    key::Key,
    problem::{Code, Problems},
    raw,
};
use crate::scim::{
    path::AttributePath,
    schema::{AttributeType, ResourceTypes},
};

/// The most files of a tenant.
const FILES_MAX: usize = 100;
/// The largest file, in bytes.
const FILE_BYTES_MAX: u64 = 1024 * 1024;
/// The most attributes that a tenant has indexed. Each costs something with every write.
const INDEXED_MAX: usize = 20;

/// What a tenant declares, checked.
pub(super) struct Declared {
    /// The built-in types with what the tenant adds.
    pub(super) types: ResourceTypes,
    /// Attributes to index.
    pub(super) indexed: Vec<AttributePath>,
}

/// Reports everything wrong with what tenants declare. A tenant with a problem has the built-in types, so that further
/// problems can be looked for.
pub(super) fn check(
    tenants: &BTreeMap<String, raw::Tenant>,
    base_dir: &Path,
    problems: &mut Problems<'_>,
) -> BTreeMap<String, Declared> {
    let declared = tenants.iter().map(|(name, tenant)| {
        let key = Key::of(["tenants", name]);
        let schemas = key.then("schemas");
        let types = types(&tenant.schemas, base_dir, &schemas, problems);
        // Without the types nobody knows what the attributes are of.
        let indexed = match &types {
            Some(types) => indexed(&tenant.indexed_attributes, types, &key.then("indexed-attributes"), problems),
            None => Vec::new(),
        };
        (name.clone(), Declared { types: types.unwrap_or_else(ResourceTypes::core), indexed })
    });
    declared.collect()
}

fn types(files: &[PathBuf], base_dir: &Path, key: &Key, problems: &mut Problems<'_>) -> Option<ResourceTypes> {
    if files.len() > FILES_MAX {
        problems.report(
            Code::WrongValue,
            key,
            format!("more than {FILES_MAX} files"),
            "put several documents into one",
        );
        return None;
    }
    let mut read = Vec::new();
    for file in files {
        let name = file.display().to_string();
        match document(&base_dir.join(file)) {
            Ok(document) => read.push((name, document)),
            Err((message, remedy)) => problems.report(Code::Reference, &key.then(&name), message, remedy),
        }
    }
    let is_complete = read.len() == files.len();
    match ResourceTypes::core().declare(&read) {
        Ok(types) => is_complete.then_some(types),
        Err(flaws) => {
            for (file, flaw) in flaws {
                let key = key.then(&format!("{file}#{}", flaw.place));
                problems.report(Code::Schema, &key, flaw.problem, flaw.remedy);
            }
            None
        }
    }
}

/// The JSON in a file, or what is wrong and what would be right.
fn document(path: &Path) -> Result<Value, (String, &'static str)> {
    let mut text = String::new();
    File::open(path)
        .and_then(|file| file.take(FILE_BYTES_MAX + 1).read_to_string(&mut text))
        .map_err(|error| (format!("cannot be read: {error}"), "name a JSON file that the relay's user may read"))?;
    if u64::try_from(text.len()).is_ok_and(|length| length > FILE_BYTES_MAX) {
        return Err((format!("larger than {FILE_BYTES_MAX} bytes"), "part it into several files"));
    }
    serde_json::from_str(&text).map_err(|error| (format!("not JSON: {error}"), "mend the JSON"))
}

fn indexed(texts: &[String], types: &ResourceTypes, key: &Key, problems: &mut Problems<'_>) -> Vec<AttributePath> {
    if texts.len() > INDEXED_MAX {
        let remedy = "leave those that clients really look resources up by";
        problems.report(Code::WrongValue, key, format!("more than {INDEXED_MAX} attributes"), remedy);
        return Vec::new();
    }
    let mut paths = Vec::new();
    for text in texts {
        match indexable(text, types) {
            Ok(path) => paths.push(path),
            Err(message) => problems.report(
                Code::WrongValue,
                key,
                message,
                "write paths of attributes that hold text, whole numbers or dates, as clients write them in filters",
            ),
        }
    }
    paths
}

fn indexable(text: &str, types: &ResourceTypes) -> Result<AttributePath, String> {
    let urns: Vec<&str> = types.iter().flat_map(|resource_type| resource_type.urns()).collect();
    let path = AttributePath::parse(text, &urns).map_err(|error| error.detail().to_owned())?;
    if path.filter.is_some() {
        return Err("an index has all values, so there is none to choose in brackets".to_owned());
    }
    let mut resolved = types.iter().filter_map(|resource_type| resource_type.resolve(&path)).peekable();
    if resolved.peek().is_none() {
        return Err("names an attribute that no resource type has".to_owned());
    }
    for found in resolved {
        let Some(attribute) = found.attribute else {
            return Err("names a whole schema extension".to_owned());
        };
        let compared = found.sub_attribute.or_else(|| attribute.sub_attribute("value")).unwrap_or(attribute);
        if attribute.is_hidden() || compared.is_hidden() {
            return Err("names an attribute that is never returned, so nobody can look for it".to_owned());
        }
        let is_kept = !matches!(&*attribute.name, "id" | "meta" | "schemas" | "members" | "groups");
        if !is_kept || matches!(compared.kind, AttributeType::Boolean | AttributeType::Decimal | AttributeType::Complex)
        {
            return Err("names an attribute that cannot be indexed".to_owned());
        }
    }
    Ok(path)
}
