//! Schemas and resource types that configuration adds to the built-in ones, as SCIM's own documents (RFC 7643 §6, §7).

use std::sync::Arc;

use scim_connector::ResourceKind;
use serde::{Deserialize, de::IgnoredAny};
use serde_json::Value;

use super::{
    Attribute, AttributeType, Mutability, ResourceType, ResourceTypes, Schema,
    parse::{Flaw, read},
};
use crate::scim::{
    discovery::{RESOURCE_TYPE_URN, SCHEMA_URN},
    render::LIST_URN,
};

/// Endpoints that SCIM gives a meaning of its own (RFC 7644 §3.2).
const RESERVED_ENDPOINTS: [&str; 6] = ["ServiceProviderConfig", "ResourceTypes", "Schemas", "Bulk", "Me", ".search"];
/// Types of resources that SCIM has for itself.
const RESERVED_NAMES: [&str; 3] = ["ServiceProviderConfig", "ResourceType", "Schema"];
/// The longest name of a resource type.
const NAME_LENGTH_MAX: usize = 63;

/// The name of a file, and what is wrong there.
type Located = (String, Flaw);

/// A document, and where it is: the name of its file and a JSON pointer.
struct Document<'a> {
    file: &'a str,
    pointer: String,
    value: &'a Value,
}

/// A resource type document (RFC 7643 §6).
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Written {
    #[serde(rename = "schemas")]
    _schemas: IgnoredAny,
    #[serde(rename = "meta")]
    _meta: Option<IgnoredAny>,
    id: Option<String>,
    name: String,
    #[serde(default)]
    description: String,
    endpoint: String,
    schema: String,
    #[serde(default)]
    schema_extensions: Vec<WrittenExtension>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenExtension {
    schema: String,
    #[serde(default)]
    required: bool,
}

impl ResourceTypes {
    /// These types, and what the documents declare: whole types, and extensions of types that are there. A file holds a
    /// Schema, a ResourceType, or a ListResponse of them, told apart by `schemas`.
    ///
    /// # Errors
    /// Everything that is wrong, by file.
    pub fn declare(self, files: &[(String, Value)]) -> Result<Self, Vec<(String, Flaw)>> {
        let mut declaration = Declaration { types: self, schemas: Vec::new(), broken: Vec::new(), flaws: Vec::new() };
        let documents: Vec<Document<'_>> = files.iter().flat_map(|(file, value)| documents(file, value)).collect();
        let (mut schemas, mut types) = (Vec::new(), Vec::new());
        for document in &documents {
            if document.is_a(SCHEMA_URN) {
                schemas.push(document);
            } else if document.is_a(RESOURCE_TYPE_URN) {
                types.push(document);
            } else {
                declaration.flaw(document, "/schemas", "neither a Schema nor a ResourceType", {
                    format!("write \"schemas\": [\"{SCHEMA_URN}\"], or [\"{RESOURCE_TYPE_URN}\"]")
                });
            }
        }
        schemas.into_iter().for_each(|document| declaration.schema(document));
        types.into_iter().for_each(|document| declaration.resource_type(document));
        declaration.unused();
        if declaration.flaws.is_empty() { Ok(declaration.types) } else { Err(declaration.flaws) }
    }
}

/// The documents in a file.
fn documents<'a>(file: &'a str, value: &'a Value) -> Vec<Document<'a>> {
    let whole = Document { file, pointer: String::new(), value };
    match value.get("Resources").and_then(Value::as_array) {
        Some(resources) if whole.is_a(LIST_URN) => resources
            .iter()
            .enumerate()
            .map(|(index, value)| Document { file, pointer: format!("/Resources/{index}"), value })
            .collect(),
        _ => vec![whole],
    }
}

impl Document<'_> {
    /// Whether `schemas` says so.
    fn is_a(&self, urn: &str) -> bool {
        let schemas = self.value.get("schemas").and_then(Value::as_array);
        let is_it = |schema: &Value| schema.as_str().is_some_and(|schema| schema.eq_ignore_ascii_case(urn));
        schemas.is_some_and(|schemas| schemas.iter().any(is_it))
    }
}

/// What was declared so far.
struct Declaration {
    types: ResourceTypes,
    /// Where each schema was declared, and whether a type uses it.
    schemas: Vec<(Located, Arc<Schema>, bool)>,
    /// The URNs of schemas that have flaws: to say that they are unknown as well would send the reader astray.
    broken: Vec<String>,
    flaws: Vec<Located>,
}

impl Declaration {
    fn flaw(&mut self, document: &Document<'_>, key: &str, problem: impl Into<String>, remedy: impl Into<String>) {
        self.flaws.push((document.file.to_owned(), Flaw::new(format!("{}{key}", document.pointer), problem, remedy)));
    }

    fn schema(&mut self, document: &Document<'_>) {
        let id = document.value.get("id").and_then(Value::as_str).unwrap_or_default();
        let is_same = |schema: &Schema| schema.id.eq_ignore_ascii_case(id);
        if self.types.iter().any(|built_in| built_in.schemas().any(|(schema, _)| is_same(schema))) {
            let remedy = "leave it out, and add an extension of your own to its resource type";
            return self.flaw(document, "/id", "a built-in schema cannot be declared anew", remedy);
        }
        if self.schemas.iter().any(|(_, schema, _)| is_same(schema)) {
            return self.flaw(document, "/id", "another schema has this URN", "give each schema its own");
        }
        match Schema::parse(document.value) {
            Ok(schema) => {
                let place = Flaw::new(
                    format!("{}/id", document.pointer),
                    "no resource type uses this schema",
                    "name it in a ResourceType document, as its schema or in its schemaExtensions",
                );
                self.schemas.push(((document.file.to_owned(), place), Arc::new(schema), false));
            }
            Err(flaws) => {
                self.broken.push(id.to_owned());
                let located = |flaw: Flaw| {
                    (document.file.to_owned(), Flaw { place: format!("{}{}", document.pointer, flaw.place), ..flaw })
                };
                self.flaws.extend(flaws.into_iter().map(located));
            }
        }
    }

    fn resource_type(&mut self, document: &Document<'_>) {
        let mut flaws = Vec::new();
        let written: Option<Written> = read(document.value, &document.pointer, &mut flaws);
        self.flaws.extend(flaws.into_iter().map(|flaw| (document.file.to_owned(), flaw)));
        let Some(written) = written else { return };
        let known = self.types.iter().find(|known| known.kind.as_str().eq_ignore_ascii_case(&written.name)).cloned();
        let is_built_in = ResourceTypes::core().iter().any(|core| core.kind.as_str() == written.name);
        let declared = match known {
            Some(known) if is_built_in => {
                if known.endpoint != written.endpoint || !known.schema.id.eq_ignore_ascii_case(&written.schema) {
                    let remedy = format!("write {} and {}; add schemaExtensions", known.endpoint, known.schema.id);
                    return self.flaw(document, "", "a built-in type keeps its endpoint and schema", remedy);
                }
                Some(ResourceType::clone(&known))
            }
            Some(_) => return self.flaw(document, "/name", "another type has this name", "name each type otherwise"),
            None => self.new_type(document, &written),
        };
        // Extensions are looked at although the rest has a flaw: everything wrong is said at once.
        let extensions = self.extensions(document, &written);
        let Some(mut declared) = declared else { return };
        for (index, (schema, required)) in extensions {
            let core = &declared.schema;
            if let Some(redefined) = schema.attributes.iter().find(|extra| core.attribute(&extra.name).is_some()) {
                let problem = format!("{} is an attribute of {} already", redefined.name, core.id);
                let key = format!("/schemaExtensions/{index}/schema");
                self.flaw(document, &key, problem, "name the extension's attribute otherwise");
            }
            match declared.extensions.iter_mut().find(|(known, _)| known.id == schema.id) {
                Some((_, known_required)) => *known_required = required,
                None => declared.extensions.push((schema, required)),
            }
        }
        let mut types: Vec<ResourceType> = self.types.iter().map(|known| ResourceType::clone(known)).collect();
        match types.iter_mut().find(|known| known.kind == declared.kind) {
            Some(known) => *known = declared,
            None => types.push(declared),
        }
        self.types = ResourceTypes::new(types);
    }

    /// A type that is not there yet, without its extensions; `None` with a flaw reported.
    fn new_type(&mut self, document: &Document<'_>, written: &Written) -> Option<ResourceType> {
        let flaws_before = self.flaws.len();
        let is_word = |name: &str| {
            name.starts_with(|first: char| first.is_ascii_alphabetic())
                && name.len() <= NAME_LENGTH_MAX
                && name.bytes().all(|byte| byte.is_ascii_alphanumeric())
        };
        if !is_word(&written.name) {
            let remedy = format!("begin with a letter, then letters and digits, at most {NAME_LENGTH_MAX}");
            self.flaw(document, "/name", "not a name that is possible here", remedy);
        }
        if RESERVED_NAMES.iter().any(|name| name.eq_ignore_ascii_case(&written.name)) {
            self.flaw(document, "/name", "SCIM has this name for itself", "name the type otherwise");
        }
        if written.id.as_ref().is_some_and(|id| *id != written.name) {
            self.flaw(document, "/id", "differs from name", "leave it out, or write the name");
        }
        self.endpoint(document, &written.endpoint);
        let schema = self.used(document, "/schema", &written.schema)?;
        for attribute in &schema.attributes {
            if let Some((problem, remedy)) = misused(attribute) {
                self.flaw(document, "/schema", problem, remedy);
            }
        }
        (self.flaws.len() == flaws_before).then(|| ResourceType {
            kind: ResourceKind::new(&written.name),
            endpoint: written.endpoint.clone(),
            description: written.description.clone(),
            schema,
            extensions: Vec::new(),
        })
    }

    fn endpoint(&mut self, document: &Document<'_>, endpoint: &str) {
        let is_segment = |segment: &str| {
            let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
            !segment.is_empty() && segment.bytes().all(is_plain)
        };
        let segment = endpoint.strip_prefix('/').unwrap_or_default();
        if RESERVED_ENDPOINTS.iter().any(|reserved| reserved.eq_ignore_ascii_case(segment)) {
            self.flaw(document, "/endpoint", "SCIM has this endpoint for itself", "choose another, such as /Devices");
        } else if !is_segment(segment) {
            let remedy = "write one such as /Devices: a slash, then letters, digits, - and _";
            self.flaw(document, "/endpoint", "not an endpoint that is possible here", remedy);
        } else if self.types.iter().any(|known| known.endpoint.eq_ignore_ascii_case(endpoint)) {
            self.flaw(document, "/endpoint", "another type has this endpoint", "give each type its own");
        }
    }

    /// The extensions that a type lists, by their position.
    fn extensions(&mut self, document: &Document<'_>, written: &Written) -> Vec<(usize, (Arc<Schema>, bool))> {
        let mut extensions: Vec<(usize, (Arc<Schema>, bool))> = Vec::new();
        for (index, extension) in written.schema_extensions.iter().enumerate() {
            let key = format!("/schemaExtensions/{index}/schema");
            let is_same = |urn: &str| urn.eq_ignore_ascii_case(&extension.schema);
            if is_same(&written.schema) || extensions.iter().any(|(_, (schema, _))| is_same(&schema.id)) {
                self.flaw(document, &key, "the type has this schema already", "leave it out");
            } else if let Some(schema) = self.used(document, &key, &extension.schema) {
                extensions.push((index, (schema, extension.required)));
            }
        }
        extensions
    }

    /// The schema of that URN, which a type uses.
    fn used(&mut self, document: &Document<'_>, key: &str, urn: &str) -> Option<Arc<Schema>> {
        let declared = self.schemas.iter_mut().find(|(_, schema, _)| schema.id.eq_ignore_ascii_case(urn));
        if let Some((_, schema, is_used)) = declared {
            *is_used = true;
            return Some(schema.clone());
        }
        let core = ResourceTypes::core();
        let extensions = core.iter().flat_map(|built_in| built_in.extensions.iter().map(|(schema, _)| schema));
        let built_in = extensions.chain(core.iter().map(|built_in| &built_in.schema));
        if let Some(schema) = built_in.into_iter().find(|schema| schema.id.eq_ignore_ascii_case(urn)) {
            return Some(schema.clone());
        }
        if !self.broken.iter().any(|broken| broken.eq_ignore_ascii_case(urn)) {
            self.flaw(document, key, "no schema has this URN", "add the file of the schema, or mend the URN");
        }
        None
    }

    /// Reports schemas that no type uses: somebody expects an effect of them.
    fn unused(&mut self) {
        if self.flaws.is_empty() {
            let unused = self.schemas.iter().filter(|(_, _, is_used)| !is_used);
            self.flaws.extend(unused.map(|(place, ..)| place.clone()));
        }
    }
}

/// Why an attribute of a type's own schema would not do what its name makes the relay do.
fn misused(attribute: &Attribute) -> Option<(&'static str, &'static str)> {
    let is_list = attribute.kind == AttributeType::Complex && attribute.multi_valued;
    match attribute.name.to_ascii_lowercase().as_str() {
        "active" if attribute.kind != AttributeType::Boolean || attribute.multi_valued => Some((
            "the attribute active says whether a resource is to be used, so it is one boolean",
            "make it a boolean, or name it otherwise",
        )),
        "groups" if !is_list || attribute.mutability != Mutability::ReadOnly => Some((
            "the attribute groups shows in which groups a resource is, so it is complex, multi-valued and readOnly",
            "declare it as the User schema does, or name it otherwise",
        )),
        _ => None,
    }
}
