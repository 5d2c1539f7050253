//! Schemas from SCIM's own schema JSON (RFC 7643 §7).

use serde::{Deserialize, de::DeserializeOwned};
use serde_json::Value;
use serde_path_to_error::{Path, Segment};

use super::{Attribute, AttributeType, Mutability, Returned, Schema, Uniqueness};

/// Names that RFC 7643 §3.1 gives every resource; a schema does not declare them.
const COMMON_NAMES: [&str; 4] = ["schemas", "id", "externalId", "meta"];

/// The most attributes of a schema, and sub-attributes of an attribute.
const ATTRIBUTES_MAX: usize = 200;

/// One thing that is wrong with a document.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Flaw {
    /// Where in the document, as a JSON pointer: `/attributes/2/subAttributes/0/name`.
    pub place: String,
    /// What is wrong there.
    pub problem: String,
    /// What would be right.
    pub remedy: String,
}

impl Flaw {
    pub(super) fn new(place: impl Into<String>, problem: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { place: place.into(), problem: problem.into(), remedy: remedy.into() }
    }
}

/// What a schema has beside its attributes.
#[derive(Deserialize)]
struct Head {
    id: String,
    #[serde(default)]
    name: String,
    #[serde(default)]
    description: String,
}

impl Schema {
    /// Reads a schema document. A characteristic that is left out has its default of RFC 7643 §2.2.
    ///
    /// # Errors
    /// Everything that is wrong, each with its place.
    pub fn parse(document: &Value) -> Result<Self, Vec<Flaw>> {
        let mut flaws = Vec::new();
        let head: Option<Head> = read(document, "", &mut flaws);
        if head.as_ref().is_some_and(|head| !starts_with_urn(&head.id) || head.id.contains(char::is_whitespace)) {
            flaws.push(Flaw::new("/id", "not a URN", "write one such as urn:example:params:scim:schemas:2.0:Thing"));
        }
        let elements = document.get("attributes").and_then(Value::as_array).map(Vec::as_slice);
        if elements.is_none() {
            flaws.push(Flaw::new("/attributes", "not a list", "list the schema's attributes"));
        }
        let mut attributes = Vec::new();
        for (index, element) in elements.unwrap_or_default().iter().enumerate().take(ATTRIBUTES_MAX + 1) {
            let place = format!("/attributes/{index}");
            let Some(attribute) = read::<Attribute>(element, &place, &mut flaws) else { continue };
            if COMMON_NAMES.iter().any(|name| name.eq_ignore_ascii_case(&attribute.name)) {
                let problem = format!("every resource has {} (RFC 7643 §3.1)", attribute.name);
                flaws.push(Flaw::new(format!("{place}/name"), problem, "leave the attribute out"));
            }
            check_attribute(&attribute, &place, &mut flaws);
            check_sub_attributes(&attribute, &place, &mut flaws);
            attributes.push(attribute);
        }
        check_list(&attributes, "/attributes", &mut flaws);
        match head {
            Some(Head { id, name, description }) if flaws.is_empty() => Ok(Self { id, name, description, attributes }),
            _ => Err(flaws),
        }
    }
}

/// A part of a document as a type, or a flaw at its place.
pub(super) fn read<T: DeserializeOwned>(part: &Value, place: &str, flaws: &mut Vec<Flaw>) -> Option<T> {
    serde_path_to_error::deserialize(part)
        .map_err(|error| {
            let place = format!("{place}{}", pointer(error.path()));
            let problem = error.inner().to_string();
            flaws.push(Flaw::new(place, problem, "write it as RFC 7643 §6 and §7 do"));
        })
        .ok()
}

fn pointer(path: &Path) -> String {
    let segment = |segment: &Segment| match segment {
        Segment::Seq { index } => format!("/{index}"),
        Segment::Map { key } => format!("/{}", key.replace('~', "~0").replace('/', "~1")),
        Segment::Enum { .. } | Segment::Unknown => String::new(),
    };
    path.iter().map(segment).collect()
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

fn check_sub_attributes(attribute: &Attribute, place: &str, flaws: &mut Vec<Flaw>) {
    let list = format!("{place}/subAttributes");
    for (index, sub_attribute) in attribute.sub_attributes.iter().enumerate().take(ATTRIBUTES_MAX) {
        let place = format!("{list}/{index}");
        // Erratum 8415: no complex attribute within a complex one.
        if sub_attribute.kind == AttributeType::Complex || !sub_attribute.sub_attributes.is_empty() {
            flaws.push(Flaw::new(
                place,
                "a sub-attribute cannot be complex",
                "make its parts sub-attributes beside it",
            ));
        } else {
            check_attribute(sub_attribute, &place, flaws);
        }
    }
    check_list(&attribute.sub_attributes, &list, flaws);
}

fn check_attribute(attribute: &Attribute, place: &str, flaws: &mut Vec<Flaw>) {
    let is_complex = attribute.kind == AttributeType::Complex;
    let is_unique = attribute.uniqueness != Uniqueness::None;
    let mut flaw = |is_wrong: bool, key: &str, problem: &str, remedy: &str| {
        if is_wrong {
            flaws.push(Flaw::new(format!("{place}{key}"), problem, remedy));
        }
    };
    flaw(!is_name(attribute), "/name", "not an attribute's name", "begin with a letter, then letters, digits, - _ $");
    flaw(
        is_complex && attribute.sub_attributes.is_empty(),
        "/subAttributes",
        "a complex attribute without parts",
        "list its subAttributes, or give it another type",
    );
    flaw(
        !is_complex && !attribute.sub_attributes.is_empty(),
        "/subAttributes",
        "only a complex attribute has subAttributes",
        "write \"type\": \"complex\", or leave them out",
    );
    flaw(
        // Erratum 6004.
        is_unique && is_complex,
        "/uniqueness",
        "a complex attribute has no uniqueness",
        "make one of its sub-attributes unique",
    );
    flaw(
        is_unique && matches!(attribute.kind, AttributeType::Boolean | AttributeType::Decimal),
        "/uniqueness",
        "a boolean or decimal cannot be unique",
        "write \"none\", or give it another type",
    );
    flaw(
        is_unique && attribute.is_hidden(),
        "/uniqueness",
        "an attribute that is never returned cannot be unique: conflicts would tell its values",
        "write \"none\"",
    );
    flaw(
        attribute.mutability == Mutability::WriteOnly && attribute.returned != Returned::Never,
        "/returned",
        "a writeOnly attribute is never returned",
        "write \"returned\": \"never\"",
    );
    flaw(
        !attribute.reference_types.is_empty() && attribute.kind != AttributeType::Reference,
        "/referenceTypes",
        "only a reference has referenceTypes",
        "write \"type\": \"reference\", or leave them out",
    );
}

/// RFC 7643 §2.1; `$ref` starts with a character that its ABNF forbids (erratum 8924). A complex attribute may be named
/// by a URN: an extension within an extension, as RFC 9944 has them for ways to pair with a device.
fn is_name(attribute: &Attribute) -> bool {
    if attribute.kind == AttributeType::Complex && starts_with_urn(&attribute.name) {
        return !attribute.name.contains(char::is_whitespace);
    }
    let mut characters = attribute.name.chars();
    let starts_well = characters.next().is_some_and(|first| first.is_ascii_alphabetic() || first == '$');
    starts_well && characters.all(|other| other.is_ascii_alphanumeric() || matches!(other, '-' | '_' | '$'))
}

/// Names are distinct, and not too many.
fn check_list(attributes: &[Attribute], place: &str, flaws: &mut Vec<Flaw>) {
    if attributes.len() > ATTRIBUTES_MAX {
        let problem = format!("more than {ATTRIBUTES_MAX} attributes");
        flaws.push(Flaw::new(place, problem, "part the schema in two"));
        return;
    }
    for (index, attribute) in attributes.iter().enumerate() {
        if attributes.iter().take(index).any(|earlier| earlier.name.eq_ignore_ascii_case(&attribute.name)) {
            let place = format!("{place}/{index}/name");
            flaws.push(Flaw::new(place, "another attribute has this name; case does not count", "name it otherwise"));
        }
    }
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
    fn everything_that_is_wrong_is_named_with_its_place() {
        let cases: [(Value, &[&str]); 16] = [
            (json!([{}]), &["/attributes/0"]),
            (json!([{"name": "a", "type": "text"}, {"name": "1"}]), &["/attributes/0/type", "/attributes/1/name"]),
            (json!([{"name": "a", "requierd": true}]), &["/attributes/0/requierd"]),
            (json!([{"name": "1a"}]), &["/attributes/0/name"]),
            (json!([{"name": "urn:a:b"}]), &["/attributes/0/name"]),
            (json!([{"name": "a"}, {"name": "A"}]), &["/attributes/1/name"]),
            (json!([{"name": "ID"}]), &["/attributes/0/name"]),
            (json!([{"name": "a", "type": "complex"}]), &["/attributes/0/subAttributes"]),
            (json!([{"name": "a", "subAttributes": [{"name": "b"}]}]), &["/attributes/0/subAttributes"]),
            (
                json!([{"name": "a", "type": "complex", "subAttributes": [{"name": "b", "type": "complex"}]}]),
                &["/attributes/0/subAttributes/0"],
            ),
            (
                json!([{"name": "a", "type": "complex", "uniqueness": "server", "subAttributes": [{"name": "b"}]}]),
                &["/attributes/0/uniqueness"],
            ),
            (json!([{"name": "a", "type": "boolean", "uniqueness": "server"}]), &["/attributes/0/uniqueness"]),
            (json!([{"name": "a", "returned": "never", "uniqueness": "global"}]), &["/attributes/0/uniqueness"]),
            (json!([{"name": "a", "mutability": "writeOnly"}]), &["/attributes/0/returned"]),
            (json!([{"name": "a", "referenceTypes": ["User"]}]), &["/attributes/0/referenceTypes"]),
            (json!({}), &["/attributes"]),
        ];
        for (attributes, expected) in cases {
            let flaws = Schema::parse(&json!({"id": "urn:example:Thing", "attributes": attributes}));
            let places: Vec<String> =
                flaws.map_err(|flaws| flaws.into_iter().map(|flaw| flaw.place).collect()).err().unwrap_or_default();
            assert_eq!(places, expected, "{attributes}");
        }
    }
}
