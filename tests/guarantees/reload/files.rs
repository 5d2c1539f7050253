//! Files that the configuration names.

use serde_json::json;

use super::*;

const BADGE: &str = "urn:example:params:scim:schemas:2.0:Badge";

#[test]
fn g15_a_file_that_comes_after_the_configuration_that_names_it_is_noticed() {
    let directory = tempfile::tempdir().unwrap();
    let home = Home::with(directory.path(), "");
    let (_relay, _) = home.start();
    home.configure("[tenants.late]\nbase-path = \"/late\"\nschemas = [\"badge.json\"]\n");
    until(&home, "a missing file is no reason to refuse", || metric(&home, "scim_relay_configuration_refused") == 1);

    let schemas = json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:ListResponse"],
        "totalResults": 2,
        "Resources": [
            {
                "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Schema"],
                "id": BADGE,
                "name": "Badge",
                "attributes": [{ "name": "number", "type": "string", "multiValued": false }],
            },
            {
                "schemas": ["urn:ietf:params:scim:schemas:core:2.0:ResourceType"],
                "id": "User",
                "name": "User",
                "endpoint": "/Users",
                "schema": "urn:ietf:params:scim:schemas:core:2.0:User",
                "schemaExtensions": [{ "schema": BADGE, "required": false }],
            },
        ],
    });
    fs::write(directory.path().join("badge.json"), schemas.to_string()).unwrap();
    until(&home, "the file that was missing is not looked for", || applied(&home) == 1);
    assert_eq!(metric(&home, "scim_relay_configuration_refused"), 0);
}
