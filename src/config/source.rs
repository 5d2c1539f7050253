//! Where settings come from: one TOML file, and over it variables `SCIM_RELAY__SECTION__KEY`. Remembers for each value
//! who set it.

use std::{collections::BTreeMap, fmt, path::Path};

use figment::{
    Figment, Metadata, Profile, Provider,
    providers::{Format, Toml},
    value::{Dict, Map, Value},
};

use super::{
    key::Key,
    problem::{Code, Problem},
};

const PREFIX: &str = "SCIM_RELAY__";

/// Environment variables: the process's own, or those that a test makes up.
#[derive(Clone, Default)]
pub struct Environment(BTreeMap<String, String>);

impl Environment {
    /// The process's. Variables that are not Unicode are left out.
    pub fn process() -> Self {
        std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .collect()
    }

    /// A variable's value.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }
}

impl FromIterator<(String, String)> for Environment {
    fn from_iter<I: IntoIterator<Item = (String, String)>>(variables: I) -> Self {
        Self(variables.into_iter().collect())
    }
}

impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Values may be secrets.
        f.debug_set().entries(self.0.keys()).finish()
    }
}

/// The layers of one configuration, merged.
pub(super) struct Source {
    file: String,
    figment: Figment,
    tree: Value,
}

impl Source {
    /// Reads the file and lays the variables over it.
    pub(super) fn open(path: &Path, environment: &Environment) -> Result<Self, Problem> {
        let file = path.display().to_string();
        let unreadable = |message: String, remedy: &str| Problem {
            code: Code::Unreadable,
            key: String::new(),
            source: file.clone(),
            message,
            remedy: remedy.to_owned(),
        };
        // figment takes a file that is not there for an empty one.
        let text = std::fs::read_to_string(path).map_err(|error| {
            unreadable(format!("cannot be read: {error}"), "name a TOML file that this user may read with --config")
        })?;
        // Read as text, so that each variable is a layer and each layer knows its name.
        let mut figment = Figment::from(Layer { name: file.clone(), data: Toml::string(&text).data() });
        for (name, value) in &environment.0 {
            if let Some(path) = name.strip_prefix(PREFIX) {
                figment = figment.merge(Layer { name: format!("${name}"), data: Ok(variable(path, value)) });
            }
        }
        let tree = figment.extract().map_err(|error| {
            unreadable(syntax(&error.to_string()), "mend the TOML; strings need quotes, tables [brackets]")
        })?;
        Ok(Self { file, figment, tree })
    }

    /// All settings as one JSON document.
    pub(super) fn document(&self) -> serde_json::Value {
        self.figment.extract().unwrap_or_default()
    }

    /// Who set the key, or the nearest table around it: the file's name, or a variable's with a `$` before it.
    pub(super) fn of(&self, key: &Key) -> String {
        match self.nearest(key) {
            // Several layers may have a part in a table: what is missing there belongs into the file.
            Value::Dict(..) => self.file.clone(),
            value => {
                self.figment.get_metadata(value.tag()).map_or_else(|| self.file.clone(), |layer| layer.name.to_string())
            }
        }
    }

    /// Whether a variable set the key.
    pub(super) fn is_variable(&self, key: &Key) -> bool {
        self.of(key).starts_with('$')
    }

    /// The names in a table of the whole configuration; none where it is no table.
    pub(super) fn names_in(&self, table: &str) -> Vec<&str> {
        let tables = self.tree.find_ref(table).and_then(Value::as_dict);
        tables.into_iter().flat_map(|table| table.keys().map(String::as_str)).collect()
    }

    fn nearest(&self, key: &Key) -> &Value {
        let mut value = &self.tree;
        for name in key.names() {
            match value.as_dict().and_then(|table| table.get(name)) {
                Some(inner) => value = inner,
                None => break,
            }
        }
        value
    }
}

/// One layer, known by its name.
struct Layer {
    name: String,
    data: figment::error::Result<Map<Profile, Dict>>,
}

impl Provider for Layer {
    fn metadata(&self) -> Metadata {
        Metadata::named(self.name.clone())
    }

    fn data(&self) -> figment::error::Result<Map<Profile, Dict>> {
        self.data.clone()
    }
}

/// `SERVER__TLS__CERT_FILE` → `server.tls.cert-file`. The value stays text, so that `0123` is no number by accident;
/// `read` makes a number or a boolean of it where one is wanted. Lists are written as in TOML.
fn variable(path: &str, text: &str) -> Map<Profile, Dict> {
    let list = || text.trim_start().starts_with('[').then(|| text.parse().ok()).flatten();
    let value: Value = list().unwrap_or_else(|| text.into());
    let names: Vec<String> = path.to_ascii_lowercase().split("__").map(|name| name.replace('_', "-")).collect();
    let nested = names.into_iter().rev().fold(value, |value, name| Dict::from([(name, value)]).into());
    Map::from([(Profile::Default, nested.into_dict().unwrap_or_default())])
}

/// A TOML error without the excerpt, which may show a secret: `line 3, column 5: invalid string`.
fn syntax(error: &str) -> String {
    let lines = error.lines().map(str::trim).filter(|line| {
        let is_excerpt =
            line.split_once('|').is_some_and(|(number, _)| number.trim().bytes().all(|b| b.is_ascii_digit()));
        !line.is_empty() && !is_excerpt
    });
    let text = lines.collect::<Vec<_>>().join(": ");
    text.replace("TOML parse error at ", "not TOML at ")
}
