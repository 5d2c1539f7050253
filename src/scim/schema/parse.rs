//! Schemas from SCIM's own schema JSON (RFC 7643 §7).

use serde::Deserialize;
use serde_json::Value;

use super::{Attribute, AttributeType, Schema};

/// Names that RFC 7643 §3.1 gives every resource; a schema does not declare them.
const COMMON_NAMES: [&str; 4] = ["schemas", "id", "externalId", "meta"];

/// A document that is no schema.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{place}: {problem}")]
pub struct InvalidSchema {
    /// Where in the document: `attributes[2].subAttributes[0].name`.
    pub place: String,
    /// What is wrong there.
    pub problem: String,
}

impl InvalidSchema {
    fn at(place: impl Into<String>, problem: impl Into<String>) -> Self {
        Self { place: place.into(), problem: problem.into() }
    }
}

impl Schema {
    /// Reads a schema document. A characteristic that is left out has its default of RFC 7643 §2.2.
    ///
    /// # Errors
    /// The first thing that is wrong, and its place.
    pub fn parse(document: &Value) -> Result<Self, InvalidSchema> {
        let schema: Self = serde_path_to_error::deserialize(document)
            .map_err(|error| InvalidSchema::at(error.path().to_string(), error.inner().to_string()))?;
        if !starts_with_urn(&schema.id) || schema.id.contains(char::is_whitespace) {
            return Err(InvalidSchema::at("id", "expected a URN, such as urn:example:params:scim:schemas:2.0:Thing"));
        }
        for (index, attribute) in schema.attributes.iter().enumerate() {
            let place = format!("attributes[{index}]");
            if COMMON_NAMES.iter().any(|name| name.eq_ignore_ascii_case(&attribute.name)) {
                return Err(InvalidSchema::at(place, "every resource has this attribute; leave it out"));
            }
            check_attribute(attribute, &place)?;
            for (index, sub_attribute) in attribute.sub_attributes.iter().enumerate() {
                let place = format!("{place}.subAttributes[{index}]");
                // Erratum 8415: no complex attribute within a complex one.
                if sub_attribute.kind == AttributeType::Complex || !sub_attribute.sub_attributes.is_empty() {
                    return Err(InvalidSchema::at(place, "a sub-attribute cannot be complex"));
                }
                check_attribute(sub_attribute, &place)?;
            }
            check_distinct(&attribute.sub_attributes, &format!("{place}.subAttributes"))?;
        }
        check_distinct(&schema.attributes, "attributes")?;
        Ok(schema)
    }
}

/// A schema that is part of the program.
pub(super) fn built_in(text: &'static str) -> Schema {
    let parsed = serde_json::from_str::<Value>(text).and_then(Schema::deserialize);
    #[expect(clippy::expect_used, reason = "a document within the program, which tests read")]
    parsed.expect("the built-in schema is well-formed")
}

fn starts_with_urn(text: &str) -> bool {
    text.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("urn:"))
}

fn check_attribute(attribute: &Attribute, place: &str) -> Result<(), InvalidSchema> {
    // RFC 7643 §2.1; `$ref` starts with a character that its ABNF forbids (erratum 8924).
    let mut characters = attribute.name.chars();
    let starts_well = characters.next().is_some_and(|first| first.is_ascii_alphabetic() || first == '$');
    if !starts_well || !characters.all(|other| other.is_ascii_alphanumeric() || matches!(other, '-' | '_' | '$')) {
        return Err(InvalidSchema::at(format!("{place}.name"), "expected a letter, then letters, digits, - _ $"));
    }
    let is_complex = attribute.kind == AttributeType::Complex;
    if is_complex && attribute.sub_attributes.is_empty() {
        return Err(InvalidSchema::at(place, "a complex attribute needs subAttributes"));
    }
    if !is_complex && !attribute.sub_attributes.is_empty() {
        return Err(InvalidSchema::at(place, "only a complex attribute has subAttributes"));
    }
    Ok(())
}

fn check_distinct(attributes: &[Attribute], place: &str) -> Result<(), InvalidSchema> {
    for (index, attribute) in attributes.iter().enumerate() {
        if attributes.iter().take(index).any(|earlier| earlier.name.eq_ignore_ascii_case(&attribute.name)) {
            return Err(InvalidSchema::at(format!("{place}[{index}].name"), "the name is taken; case does not count"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_built_in_schemas_pass_their_own_checks() {
        for text in [include_str!("user.json"), include_str!("group.json"), include_str!("enterprise-user.json")] {
            let document: Value = serde_json::from_str(text).unwrap_or_default();
            assert_eq!(Schema::parse(&document), Ok(built_in(text)));
        }
    }

    #[test]
    fn what_is_wrong_is_named_with_its_place() {
        for (attributes, place) in [
            (json!([{}]), "attributes[0]"),
            (json!([{"name": "a", "type": "text"}]), "attributes[0].type"),
            (json!([{"name": "a", "requierd": true}]), "attributes[0].requierd"),
            (json!([{"name": "1a"}]), "attributes[0].name"),
            (json!([{"name": "a"}, {"name": "A"}]), "attributes[1].name"),
            (json!([{"name": "ID"}]), "attributes[0]"),
            (json!([{"name": "a", "type": "complex"}]), "attributes[0]"),
            (json!([{"name": "a", "subAttributes": [{"name": "b"}]}]), "attributes[0]"),
            (
                json!([{"name": "a", "type": "complex", "subAttributes": [{"name": "b", "type": "complex"}]}]),
                "attributes[0].subAttributes[0]",
            ),
        ] {
            let outcome = Schema::parse(&json!({"id": "urn:example:Thing", "attributes": attributes}));
            assert_eq!(outcome.map_err(|error| error.place), Err(place.to_owned()));
        }
    }
}
