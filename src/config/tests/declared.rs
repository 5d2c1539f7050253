//! Schemas, resource types and indexed attributes that tenants declare.

use serde_json::{Value, json};

use super::{super::problem::Code, *};

const SCHEMA_URN: &str = "urn:ietf:params:scim:schemas:core:2.0:Schema";
const TYPE_URN: &str = "urn:ietf:params:scim:schemas:core:2.0:ResourceType";
const LIST_URN: &str = "urn:ietf:params:scim:api:messages:2.0:ListResponse";
const USER_URN: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
const BADGE: &str = "urn:example:2.0:Badge";

fn schema(id: &str, attributes: Value) -> Value {
    json!({ "schemas": [SCHEMA_URN], "id": id, "attributes": attributes })
}

fn resource_type(name: &str, endpoint: &str, schema: &str, extensions: &[&str]) -> Value {
    let extensions: Vec<Value> = extensions.iter().map(|urn| json!({ "schema": urn, "required": true })).collect();
    json!({ "schemas": [TYPE_URN], "name": name, "endpoint": endpoint, "schema": schema, "schemaExtensions": extensions })
}

/// Loads a tenant that declares these documents in one file, and these further keys.
fn load_declared(documents: &[Value], keys: &str) -> Result<Config, Vec<Problem>> {
    let text = format!("[tenants.acme]\nschemas = ['all.json']\n{keys}");
    let folder = Folder::with(&text);
    fs::write(folder.0.path().join("all.json"), json!({ "schemas": [LIST_URN], "Resources": documents }).to_string())
        .unwrap();
    folder.load(&[])
}

/// The problems as code and key, the file's name left out.
fn found(outcome: Result<Config, Vec<Problem>>) -> Vec<(Code, String)> {
    let problems = outcome.map(|_| ()).unwrap_err();
    let key =
        |problem: &Problem| problem.key.replace("tenants.acme.schemas.\"all.json#/Resources", "").replace('"', "");
    problems.iter().map(|problem| (problem.code, key(problem))).collect()
}

#[test]
fn a_type_and_an_extension_are_declared_in_one_file() {
    let documents = [
        schema("urn:example:Thing", json!([{ "name": "label", "required": true }])),
        schema(BADGE, json!([{ "name": "code", "uniqueness": "server" }])),
        resource_type("Thing", "/Things", "urn:example:Thing", &[BADGE]),
        resource_type("User", "/Users", USER_URN, &[BADGE]),
    ];
    let keys = format!(
        "indexed-attributes = ['{BADGE}:code', 'label']\n[connectors.a]\nkind = 'json-file'\ntenant = 'acme'\n\
         resources = ['Thing']\nsettings.path = 'a.json'\n[connectors.a.mapping.thing]\nname = 'label'"
    );
    let config = load_declared(&documents, &keys).unwrap();
    let types = &config.tenants[0].store.types;
    let kinds: Vec<_> = types.iter().map(|known| known.kind.to_string()).collect();
    assert_eq!(kinds, ["User", "Group", "Thing"], "the RFC's come first");
    let user = types.by_endpoint("Users").unwrap();
    let extensions: Vec<_> = user.extensions.iter().map(|(schema, required)| (&*schema.id, *required)).collect();
    assert_eq!(extensions, [("urn:ietf:params:scim:schemas:extension:enterprise:2.0:User", false), (BADGE, true)]);
    assert_eq!(config.tenants[0].store.indexed_attributes.len(), 2);
    assert_eq!(config.connectors[0].mappings.len(), 1);
}

#[test]
fn every_problem_of_the_documents_is_found_at_once() {
    let thing = || schema("urn:example:Thing", json!([{ "name": "label" }]));
    let things = |name: &str, endpoint: &str| resource_type(name, endpoint, "urn:example:Thing", &[]);
    let cases: Vec<(&str, Vec<Value>, Vec<&str>)> = vec![
        ("no document of SCIM's", vec![json!({ "id": "x" })], vec!["/0/schemas"]),
        (
            "two flaws of a schema, and none that follows from them",
            vec![schema("urn:example:Thing", json!([{ "name": "1" }, { "name": "id" }])), things("Thing", "/Things")],
            vec!["/0/attributes/0/name", "/0/attributes/1/name"],
        ),
        ("an unknown schema", vec![things("Thing", "/Things")], vec!["/0/schema"]),
        ("a misspelt key", vec![thing(), json!({ "schemas": [TYPE_URN], "nmae": "Thing" })], vec!["/1/nmae"]),
        ("the URN of a built-in schema", vec![schema(USER_URN, json!([{ "name": "label" }]))], vec!["/0/id"]),
        ("a URN twice", vec![thing(), thing(), things("Thing", "/Things")], vec!["/1/id"]),
        ("a schema that nobody uses", vec![thing()], vec!["/0/id"]),
        (
            "names and endpoints that are taken or SCIM's own",
            vec![
                thing(),
                things("Schema", "/schemas"),
                things("Thing", "/Users"),
                things("A thing", "Things"),
                things("Good", "/Good"),
                things("GOOD", "/Other"),
            ],
            vec!["/1/endpoint", "/1/name", "/2/endpoint", "/3/endpoint", "/3/name", "/5/name"],
        ),
        (
            "another endpoint of a built-in type",
            vec![schema(BADGE, json!([])), resource_type("User", "/People", USER_URN, &[BADGE])],
            vec!["/1"],
        ),
        (
            "an extension that is unknown, one twice, and one with an attribute of the type",
            vec![
                schema(BADGE, json!([{ "name": "USERNAME" }])),
                resource_type("User", "/Users", USER_URN, &["urn:example:None", BADGE, BADGE]),
            ],
            vec!["/1/schemaExtensions/0/schema", "/1/schemaExtensions/1/schema", "/1/schemaExtensions/2/schema"],
        ),
        (
            "attributes that the relay gives a meaning",
            vec![
                schema("urn:example:Thing", json!([{ "name": "active" }])),
                schema("urn:example:Other", json!([{ "name": "groups" }])),
                things("Thing", "/Things"),
                resource_type("Other", "/Others", "urn:example:Other", &[]),
            ],
            vec!["/2/schema", "/3/schema"],
        ),
    ];
    for (what, documents, expected) in cases {
        let expected: Vec<_> = expected.into_iter().map(|key| (Code::Schema, key.to_owned())).collect();
        assert_eq!(found(load_declared(&documents, "")), expected, "{what}");
    }
}

#[test]
fn files_that_cannot_be_read_are_named() {
    let folder = Folder::with("[tenants.acme]\nschemas = ['none.json', 'text.json']\nindexed-attributes = ['nothing']");
    fs::write(folder.0.path().join("text.json"), "{").unwrap();
    let problems = folder.load(&[]).map(|_| ()).unwrap_err();
    let keys: Vec<_> = problems.iter().map(|problem| (problem.code, &*problem.key)).collect();
    assert_eq!(
        keys,
        [
            (Code::Reference, "tenants.acme.schemas.\"none.json\""),
            (Code::Reference, "tenants.acme.schemas.\"text.json\""),
        ],
        "what is to be indexed is not known without the schemas"
    );
}

#[test]
fn attributes_that_cannot_be_indexed_are_refused() {
    for path in
        ["nickname2", "active", "emails[type eq \"work\"].value", "password", "name", "meta.created", "userName.x"]
    {
        let text = format!("[tenants.acme]\nindexed-attributes = ['{path}']");
        let problems = load_text(&text, &[]).map(|_| ()).unwrap_err();
        let keys: Vec<_> = problems.iter().map(|problem| (problem.code, &*problem.key)).collect();
        assert_eq!(keys, [(Code::WrongValue, "tenants.acme.indexed-attributes")], "{path}");
    }
    for path in ["nickName", "name.familyName", "phoneNumbers", "phoneNumbers.value"] {
        load_text(&format!("[tenants.acme]\nindexed-attributes = ['{path}']"), &[]).map(|_| ()).unwrap();
    }
}
