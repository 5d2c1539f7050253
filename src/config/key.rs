//! Where in a configuration something is.

use std::fmt;

use serde_path_to_error::{Path, Segment};

/// A key with the tables it is in, outermost first. Displays as TOML spells it: `tenants.acme.base-path`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub(super) struct Key(Vec<String>);

impl Key {
    /// The whole configuration.
    pub(super) fn root() -> Self {
        Self::default()
    }

    /// The key with these names.
    pub(super) fn of<const N: usize>(names: [&str; N]) -> Self {
        Self(names.iter().map(|&name| name.to_owned()).collect())
    }

    /// The key of that name in this table.
    pub(super) fn then(&self, name: &str) -> Self {
        self.join(&Self::of([name]))
    }

    /// The key that is at `inner` in this table.
    pub(super) fn join(&self, inner: &Self) -> Self {
        Self(self.0.iter().chain(&inner.0).cloned().collect())
    }

    /// The key in this table that another module spelt with full stops; this table itself for none.
    pub(super) fn then_dotted(&self, key: &str) -> Self {
        let names = key.split('.').filter(|name| !name.is_empty()).map(ToOwned::to_owned);
        self.join(&Self(names.collect()))
    }

    /// The table that the key is in; `None` for the whole configuration.
    pub(super) fn parent(&self) -> Option<Self> {
        let (_, tables) = self.0.split_last()?;
        Some(Self(tables.to_vec()))
    }

    /// The key's own name; empty for the whole configuration.
    pub(super) fn name(&self) -> &str {
        self.0.last().map_or("", String::as_str)
    }

    /// The names, outermost first.
    pub(super) fn names(&self) -> &[String] {
        &self.0
    }

    /// Whether this is `table`, or in it.
    pub(super) fn starts_with(&self, table: &Self) -> bool {
        self.0.starts_with(&table.0)
    }
}

impl From<&Path> for Key {
    /// The key of a deserialisation error. A place in a list counts as the list.
    fn from(path: &Path) -> Self {
        let name = |segment: &Segment| match segment {
            Segment::Map { key } => Some(key.clone()),
            Segment::Seq { .. } | Segment::Enum { .. } | Segment::Unknown => None,
        };
        Self(path.iter().map_while(name).collect())
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, name) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str(".")?;
            }
            if name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_') && !name.is_empty()
            {
                f.write_str(name)?;
            } else {
                write!(f, "{name:?}")?;
            }
        }
        Ok(())
    }
}
