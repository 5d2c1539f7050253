//! Attribute paths (RFC 7644 §3.10, §3.5.2): `userName`, `name.familyName`, `emails[type eq "work"].value`,
//! `urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager.value`.

use std::fmt;

use super::{
    Error, ScimType,
    filter::{Filter, Parser},
};

/// A parsed path. Printing and parsing it again gives the same path.
#[derive(Clone, PartialEq, Debug)]
pub struct AttributePath {
    /// The schema's URN, as the client spelt it.
    pub urn: Option<String>,
    /// The attribute; empty only where `urn` names a whole extension.
    pub attribute: String,
    /// The value filter in brackets.
    pub filter: Option<Box<Filter>>,
    /// The sub-attribute.
    pub sub_attribute: Option<String>,
}

impl AttributePath {
    /// Parses a path, bounded like a filter. `urns` are the schemas known, so that `urn:…:2.0:User` (a whole
    /// extension) is told from `urn:…:2.0:User:department`.
    ///
    /// # Errors
    /// `invalidPath`, with the place of the first unexpected character.
    pub fn parse(text: &str, urns: &[&str]) -> Result<Self, Error> {
        Parser::new(text, urns)
            .and_then(Parser::path)
            .map_err(|failure| Error::of(ScimType::InvalidPath, failure.detail("path")))
    }
}

impl fmt::Display for AttributePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(urn) = &self.urn {
            f.write_str(urn)?;
            if !self.attribute.is_empty() {
                f.write_str(":")?;
            }
        }
        f.write_str(&self.attribute)?;
        if let Some(filter) = &self.filter {
            write!(f, "[{filter}]")?;
        }
        if let Some(sub_attribute) = &self.sub_attribute {
            write!(f, ".{sub_attribute}")?;
        }
        Ok(())
    }
}
