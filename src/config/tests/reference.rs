//! The annotated reference, the examples and the JSON Schema say what the program does.

use std::{collections::BTreeSet, fs};

use serde_json::Value;

use super::{
    super::{key::Key, problem::Problems, raw::Raw, read, source::Source},
    *,
};

#[test]
fn the_examples_load() {
    for file in ["config/relay.toml", "config/examples/quickstart.toml", "config/examples/devices/relay.toml"] {
        load(&repository(file), &Environment::default()).map(|_| ()).unwrap();
    }
}

/// The reference with its commented keys taken in: those at their defaults, and on request those without one.
fn uncommented(text: &str, with_optional: bool) -> String {
    let line = |line: &str| {
        let setting = line.strip_prefix("# ").filter(|rest| {
            let name = rest.split_once(" = ").map_or("", |(name, _)| name);
            let is_key = !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphabetic() || b == b'-');
            is_key || rest.starts_with('[')
        });
        let is_optional = line.ends_with("no default");
        setting.filter(|_| !is_optional || with_optional).unwrap_or(line).to_owned() + "\n"
    };
    text.lines().map(line).collect()
}

fn read_raw(text: &str) -> (Raw, Value) {
    let folder = Folder::with(text);
    let source = Source::open(&folder.file(), &Environment::default()).map_err(|problem| problem.to_string()).unwrap();
    let mut problems = Problems::new(&source);
    let raw = read::read(source.document(), &source, &mut problems);
    let document = source.document();
    assert_eq!(problems.into_vec(), []);
    (raw.unwrap(), document)
}

#[test]
fn the_reference_shows_the_defaults() {
    let text = fs::read_to_string(repository("config/relay.toml")).unwrap();
    let (as_it_is, _) = read_raw(&text);
    let (with_defaults, _) = read_raw(&uncommented(&text, false));
    let settings = |raw: &mut Raw| std::mem::take(&mut raw.connectors.get_mut("example").unwrap().settings);
    let (mut as_it_is, mut with_defaults) = (as_it_is, with_defaults);
    // Defaults of kinds are not in `Raw`, but their schema tells.
    let kind = crate::connectors::kind(as_it_is.connectors["example"].kind.as_ref().unwrap()).unwrap();
    let schema = (kind.schema)().to_value();
    let (written, shown) = (settings(&mut as_it_is), settings(&mut with_defaults));
    assert!(shown.len() > written.len());
    for (name, value) in shown.iter().filter(|(name, _)| !written.contains_key(*name)) {
        let default = schema["properties"][name].get("default");
        assert!(default.is_none_or(|default| value == default), "{name}: {default:?}");
    }
    assert_eq!(format!("{as_it_is:#?}"), format!("{with_defaults:#?}"));
    Folder::with(&uncommented(&text, false)).load(&[]).map(|_| ()).unwrap();
}

#[test]
fn the_reference_shows_every_key() {
    let text = fs::read_to_string(repository("config/relay.toml")).unwrap();
    let (_, document) = read_raw(&uncommented(&text, true));
    let mut missing = BTreeSet::new();
    missing_keys(&json_schema(), &document, &Key::root(), &mut missing);
    assert_eq!(missing, BTreeSet::new());

    // With everything on, only the files that it names are missing.
    let problems = load_text(&uncommented(&text, true), &[]).map(|_| ()).unwrap_err();
    let found: Vec<_> = problems.iter().map(|problem| problem.key.as_str()).collect();
    assert_eq!(found, ["secret-key-env", "server.tls.certificate-file", "server.tls.key-file"], "{problems:#?}");
}

/// Keys that the schema knows and the document lacks. Where names are free, the document's are taken.
fn missing_keys(schema: &Value, document: &Value, key: &Key, missing: &mut BTreeSet<String>) {
    for (name, schema) in schema["properties"].as_object().into_iter().flatten() {
        match document.get(name) {
            Some(value) => missing_keys(schema, value, &key.then(name), missing),
            None => drop(missing.insert(key.then(name).to_string())),
        }
    }
    if schema["additionalProperties"].is_object() {
        for (name, value) in document.as_object().into_iter().flatten() {
            missing_keys(&schema["additionalProperties"], value, &key.then(name), missing);
        }
    }
}

/// With `BLESS=1`, writes the file anew.
#[test]
fn the_schema_file_is_up_to_date() {
    let file = repository("config/schema.json");
    let generated = format!("{:#}\n", json_schema());
    if std::env::var_os("BLESS").is_some() {
        fs::write(&file, &generated).unwrap();
    }
    let written = fs::read_to_string(&file).unwrap_or_default();
    assert!(written == generated, "config/schema.json is out of date; BLESS=1 cargo test schema_file writes it");
}

#[test]
fn the_schema_refers_to_nothing_that_it_lacks() {
    let schema = json_schema();
    let text = schema.to_string();
    for reference in text.split("\"$ref\":\"#").skip(1).filter_map(|rest| rest.split('"').next()) {
        assert!(schema.pointer(reference).is_some(), "{reference}");
    }
}

/// Every key of the reference, with values of every wrong type.
#[test]
fn no_key_shows_a_value_that_is_wrong_for_it() {
    let text = fs::read_to_string(repository("config/relay.toml")).unwrap();
    let text = uncommented(&text, true);
    // Problems of mappings quote SCIM paths on purpose, and some keys their own.
    let lines: Vec<_> = text.lines().take_while(|line| !line.starts_with("[connectors.example.mapping")).collect();
    let shows_paths = ["data-dir", "certificate-file", "key-file", "path"];
    for (index, line) in lines.iter().enumerate() {
        let Some((name, _)) = line.split_once(" = ").filter(|_| !line.starts_with('#')) else { continue };
        for value in ["'S3CRET'", "['S3CRET']", "{ a = 'S3CRET' }", "-7"] {
            if shows_paths.contains(&name) && value == "'S3CRET'" {
                continue;
            }
            let mut lines = lines.clone();
            let line = format!("{name} = {value}");
            lines[index] = &line;
            let Err(problems) = load_text(&lines.join("\n"), &[]) else { continue };
            for problem in problems {
                let shown = format!("{} {}", problem.message, problem.remedy);
                assert!(!shown.contains("S3CRET"), "{line}: {problem}");
            }
        }
    }
}
