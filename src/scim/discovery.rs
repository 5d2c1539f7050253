//! Discovery documents (RFC 7643 §5–7, RFC 7644 §4), which say what is on and nothing else.

use serde_json::{Value, json};

use super::{
    query::{COUNT_DEFAULT, COUNT_MAX},
    schema::{Attribute, AttributeType, ResourceType, Schema},
};

/// The URN of `/ServiceProviderConfig`.
pub const SERVICE_PROVIDER_CONFIG_URN: &str = "urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig";
/// The URN of an entry of `/ResourceTypes`.
pub const RESOURCE_TYPE_URN: &str = "urn:ietf:params:scim:schemas:core:2.0:ResourceType";
/// The URN of an entry of `/Schemas`.
pub const SCHEMA_URN: &str = "urn:ietf:params:scim:schemas:core:2.0:Schema";

/// What a service provider offers, for `/ServiceProviderConfig`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Features {
    /// The most results of a list.
    pub filter_results_max: usize,
    /// The most operations of a bulk request.
    pub bulk_operations_max: usize,
    /// The largest body of a bulk request, in bytes.
    pub bulk_payload_bytes_max: usize,
    /// Whether `password` may be changed.
    pub change_password: bool,
    /// Where an administrator reads about the service; `None` leaves it out.
    pub documentation_uri: Option<String>,
    /// Whether the SCIM interoperability profile is kept to (draft-zollner-scim-interop-profile §4).
    pub interop_profile: bool,
}

/// The single object of `/ServiceProviderConfig`.
pub fn service_provider_config(features: &Features, base_uri: &str) -> Value {
    let mut document = json!({
        "schemas": [SERVICE_PROVIDER_CONFIG_URN],
        "patch": { "supported": true },
        "bulk": {
            "supported": true,
            "maxOperations": features.bulk_operations_max,
            "maxPayloadSize": features.bulk_payload_bytes_max,
        },
        "filter": { "supported": true, "maxResults": features.filter_results_max },
        "changePassword": { "supported": features.change_password },
        "sort": { "supported": true },
        "etag": { "supported": true },
        // RFC 9865 §4. Without cursorTimeout: cursors do not expire.
        "pagination": {
            "cursor": true,
            "index": true,
            "defaultPaginationMethod": "index",
            "defaultPageSize": COUNT_DEFAULT.min(features.filter_results_max),
            "maxPageSize": COUNT_MAX.min(features.filter_results_max),
        },
        "authenticationSchemes": [{
            "type": "oauthbearertoken",
            "name": "Bearer token",
            "description": "A token in the Authorization header",
            "specUri": "https://www.rfc-editor.org/info/rfc6750",
            "primary": true,
        }, {
            "type": "httpbasic",
            "name": "HTTP Basic",
            "description": "A token as the password; the user name is the subject of /Me",
            "specUri": "https://www.rfc-editor.org/info/rfc7617",
        }],
        "meta": meta("ServiceProviderConfig", base_uri, "ServiceProviderConfig"),
    });
    if let Some(uri) = &features.documentation_uri {
        document["documentationUri"] = uri.as_str().into();
    }
    if features.interop_profile {
        document["interopProfileConformant"] = true.into();
    }
    document
}

/// One entry of `/ResourceTypes`.
pub fn resource_type(resource_type: &ResourceType, base_uri: &str) -> Value {
    let name = resource_type.kind.as_str();
    let extensions = resource_type.extensions.iter();
    json!({
        "schemas": [RESOURCE_TYPE_URN],
        "id": name,
        "name": name,
        "endpoint": resource_type.endpoint,
        "description": resource_type.description,
        "schema": resource_type.schema.id,
        "schemaExtensions": extensions
            .map(|(schema, required)| json!({ "schema": schema.id, "required": required }))
            .collect::<Vec<_>>(),
        "meta": meta("ResourceType", base_uri, &format!("ResourceTypes/{name}")),
    })
}

/// One entry of `/Schemas`.
pub fn schema(schema: &Schema, base_uri: &str) -> Value {
    json!({
        "schemas": [SCHEMA_URN],
        "id": schema.id,
        "name": schema.name,
        "description": schema.description,
        "attributes": schema.attributes.iter().map(attribute).collect::<Vec<_>>(),
        "meta": meta("Schema", base_uri, &format!("Schemas/{}", schema.id)),
    })
}

/// An attribute's characteristics, those that its type has (EN-63: complete, and nothing null).
fn attribute(described: &Attribute) -> Value {
    let mut document = json!({
        "name": described.name,
        "type": described.kind,
        "multiValued": described.multi_valued,
        "description": described.description,
        "required": described.required,
        "mutability": described.mutability,
        "returned": described.returned,
    });
    if described.kind == AttributeType::Complex {
        // Erratum 6004: a complex attribute has no uniqueness. A sub-attribute is never complex, so this goes one
        // level deep.
        document["subAttributes"] = described.sub_attributes.iter().map(attribute).collect();
    } else {
        document["caseExact"] = described.case_exact.into();
        document["uniqueness"] = json!(described.uniqueness);
    }
    if !described.canonical_values.is_empty() {
        document["canonicalValues"] = described.canonical_values.as_slice().into();
    }
    if described.kind == AttributeType::Reference {
        document["referenceTypes"] = described.reference_types.as_slice().into();
    }
    document
}

fn meta(resource_type: &str, base_uri: &str, path: &str) -> Value {
    json!({ "resourceType": resource_type, "location": format!("{}/{path}", base_uri.trim_end_matches('/')) })
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::scim::schema::ResourceTypes;

    const BASE: &str = "https://scim.example/scim/v2";

    fn has_null(value: &Value) -> bool {
        match value {
            Value::Null => true,
            Value::Array(elements) => elements.iter().any(has_null),
            Value::Object(object) => object.values().any(has_null),
            _ => false,
        }
    }

    #[test]
    fn en_63_published_schemas_read_back_as_the_schemas_they_describe() {
        for resource_type in ResourceTypes::core().iter() {
            for described in resource_type.extensions.iter().map(|(schema, _)| schema).chain([&resource_type.schema]) {
                let document = schema(described, BASE);
                assert_eq!(Schema::parse(&document).unwrap(), **described);
                assert!(!has_null(&document));
                assert_eq!(document["meta"]["location"], format!("{BASE}/Schemas/{}", described.id));
            }
        }
    }

    #[test]
    fn the_configuration_tells_what_is_on() {
        let features = Features {
            filter_results_max: 50,
            bulk_operations_max: 7,
            bulk_payload_bytes_max: 2048,
            change_password: true,
            documentation_uri: None,
            interop_profile: false,
        };
        let document = service_provider_config(&features, BASE);
        for (pointer, expected) in [
            ("/patch/supported", json!(true)),
            ("/bulk", json!({ "supported": true, "maxOperations": 7, "maxPayloadSize": 2048 })),
            ("/changePassword/supported", json!(true)),
            ("/filter/maxResults", json!(50)),
            ("/pagination/maxPageSize", json!(50)),
            ("/pagination/cursor", json!(true)),
            ("/pagination/index", json!(true)),
            ("/pagination/defaultPaginationMethod", json!("index")),
            ("/authenticationSchemes/0/type", json!("oauthbearertoken")),
            ("/authenticationSchemes/1/type", json!("httpbasic")),
            ("/meta/location", json!(format!("{BASE}/ServiceProviderConfig"))),
        ] {
            assert_eq!(document.pointer(pointer), Some(&expected), "{pointer}");
        }
        assert!(!has_null(&document));
    }

    #[test]
    fn a_resource_type_names_its_extensions() {
        let types = ResourceTypes::core();
        let document = resource_type(types.by_endpoint("Users").unwrap(), BASE);
        assert_eq!(document["endpoint"], "/Users");
        assert_eq!(document["schemaExtensions"][0]["required"], false);
        assert_eq!(document["meta"]["location"], format!("{BASE}/ResourceTypes/User"));
    }
}
