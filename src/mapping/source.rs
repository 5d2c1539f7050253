//! The settings of one downstream attribute, as an operator writes them.

use std::fmt;

use schemars::JsonSchema;
use scim_connector::WriteRule;
use serde::{
    Deserialize, Deserializer, Serialize,
    de::{self, value::MapAccessDeserializer},
};
use serde_json::Value;

/// Where one downstream attribute's value comes from: a SCIM path as text, or a table that says more.
///
/// ```toml
/// [connectors.directory.mapping.user]
/// mail = "emails[type eq \"work\"].value"
/// cn = { template = "{{ name.givenName }} {{ name.familyName }}", default = "unknown" }
/// proxyAddresses = { path = "emails.value", multi = true }
/// status = { constant = "new", write = "on-create" }
/// badge = { path = "externalId", when = "userType eq \"Employee\"" }
/// ```
#[derive(Clone, PartialEq, Debug, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum Source {
    /// The first value, or the primary one, at this SCIM path; written with every change.
    Path(String),
    /// A source with its rules.
    Table(Table),
}

/// A source with its rules: exactly one of `path`, `constant` and `template`.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Table {
    /// A SCIM path: `userName`, `emails[type eq "work"].value`, `urn:…:enterprise:2.0:User:department`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,

    /// The same for every resource: text, a number, a boolean, or an array of them for several values.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub constant: Option<Value>,

    /// A Jinja template that makes text. It sees the resource's attributes by SCIM's names, `id`, and extensions as
    /// `extension["urn:…"]`. A simple attribute that the resource lacks is an error unless the template says
    /// `| default("")` or `default` is set; text of white space alone is no value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub template: Option<String>,

    /// A SCIM filter: a resource that does not match has no value here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub when: Option<String>,

    /// All values of the path, not the primary or first one.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub multi: bool,

    /// When the attribute may be written: `always`, `once` while the downstream system has no value, or `on-create`.
    #[serde(default)]
    pub write: WriteRule,

    /// What to write where there is no value. Without it the attribute is removed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default: Option<Value>,
}

impl Source {
    /// The long form.
    pub(super) fn table(&self) -> Table {
        match self {
            Self::Path(path) => Table { path: Some(path.clone()), ..Table::default() },
            Self::Table(table) => table.clone(),
        }
    }
}

/// By hand, so that a mistake in the table is named: an untagged enum would say that no variant matches.
impl<'de> Deserialize<'de> for Source {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;

        impl<'de> de::Visitor<'de> for Visitor {
            type Value = Source;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a SCIM path as text, or a table with path, constant or template")
            }

            fn visit_str<E: de::Error>(self, path: &str) -> Result<Source, E> {
                Ok(Source::Path(path.to_owned()))
            }

            fn visit_map<A: de::MapAccess<'de>>(self, table: A) -> Result<Source, A::Error> {
                Table::deserialize(MapAccessDeserializer::new(table)).map(Source::Table)
            }
        }

        deserializer.deserialize_any(Visitor)
    }
}
