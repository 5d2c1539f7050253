//! What the endpoint says of itself.

use serde_json::Value;

use super::{Check, Checked, ENTRA, ENTRA_GALLERY, Group, OKTA, OKTA_CONCEPTS, RFC, Stop, rfc7644};
use crate::verify::{
    answer::{has_schema, text},
    forms::{ENTERPRISE_URN, GROUP_URN, LIST_URN, USER_URN},
    session::Session,
};

pub(super) const CHECKS: &[Check] = &[
    Check {
        id: "schemas",
        group: Group::Discovery,
        title: "/Schemas is a ListResponse of complete schemas, with nothing null",
        source: ENTRA_GALLERY,
        clients: &[
            (OKTA, "\"Import User Schema\" finds nothing"),
            (ENTRA, "Schema_Discoverability fails: the application is not admitted to the gallery"),
            (RFC, "a client cannot learn what the endpoint has (RFC 7643 §7)"),
        ],
        run: |session| Box::pin(schemas(session)),
    },
    Check {
        id: "schemas-names",
        group: Group::Discovery,
        title: "attributes have the names and the spelling of RFC 7643",
        source: ENTRA_GALLERY,
        clients: &[
            (ENTRA, "attributes are not recognised and cannot be mapped"),
            (RFC, "attribute names differ from RFC 7643 §4.1"),
        ],
        run: |session| Box::pin(names(session)),
    },
    Check {
        id: "schemas-derivable",
        group: Group::Discovery,
        title: "emails[type eq \"work\"].value can be derived: emails has type, with the canonical value work, and value",
        source: ENTRA_GALLERY,
        clients: &[(ENTRA, "Schema_Discoverability fails for every mapping of an address or a number")],
        run: |session| Box::pin(derivable(session)),
    },
    Check {
        id: "schemas-messages",
        group: Group::Discovery,
        title: "schemas of messages are not in /Schemas, and each schema can be read by its id",
        source: rfc7644!("3.1"),
        clients: &[(RFC, "messages are taken for resources")],
        run: |session| Box::pin(messages(session)),
    },
    Check {
        id: "service-provider-config",
        group: Group::Discovery,
        title: "/ServiceProviderConfig is a single object with every feature in it",
        source: rfc7644!("4"),
        clients: &[
            (ENTRA, "nothing today"),
            (RFC, "a client does not know what it may use, and assumes that PATCH is not there"),
        ],
        run: |session| Box::pin(config(session)),
    },
    Check {
        id: "resource-types",
        group: Group::Discovery,
        title: "/ResourceTypes is a ListResponse of the types with their endpoints",
        source: OKTA_CONCEPTS,
        clients: &[(OKTA, "entitlements cannot be discovered"), (RFC, "a client does not find the endpoints")],
        run: |session| Box::pin(resource_types(session)),
    },
    Check {
        id: "discovery-filter",
        group: Group::Discovery,
        title: "a filter on a discovery document is 403",
        source: rfc7644!("4"),
        clients: &[(RFC, "a client takes a part for the whole")],
        run: |session| Box::pin(filter(session)),
    },
];

/// The schemas, by id.
async fn read(session: &mut Session) -> Result<Vec<Value>, Stop> {
    let answer = session.get("/Schemas").await?;
    session.list(&answer)
}

/// An attribute of a list of attributes.
fn named<'a>(attributes: &'a Value, name: &str) -> Option<&'a Value> {
    attributes.as_array()?.iter().find(|attribute| attribute["name"] == name)
}

fn of_id<'a>(schemas: &'a [Value], id: &str) -> Option<&'a Value> {
    schemas.iter().find(|schema| schema["id"] == id)
}

async fn schemas(session: &mut Session) -> Checked {
    let answer = session.get("/Schemas").await?;
    let schemas = session.list(&answer)?;
    session.ensure(answer.has_schema(LIST_URN), "it is no ListResponse");
    for urn in [Some(USER_URN), session.groups.then_some(GROUP_URN)].into_iter().flatten() {
        let Some(schema) = of_id(&schemas, urn) else {
            session.fail(format!("{urn} is missing"));
            continue;
        };
        let attributes = schema["attributes"].as_array().map(Vec::as_slice).unwrap_or_default();
        session.ensure(!attributes.is_empty(), format!("{urn} has no attributes"));
        for attribute in attributes {
            // One level of sub-attributes is all that there is (RFC 7643 §2.3.8).
            let parts = attribute["subAttributes"].as_array().map(Vec::as_slice).unwrap_or_default();
            for described in std::iter::once(attribute).chain(parts) {
                let name = text(described, "/name").unwrap_or("?");
                for property in ["type", "multiValued", "required", "mutability", "returned"] {
                    session.ensure(described.get(property).is_some(), format!("{name} has no {property}"));
                }
                let nulls = described.as_object().is_some_and(|entries| entries.values().any(Value::is_null));
                session.ensure(!nulls, format!("{name} has something null"));
            }
        }
    }
    Ok(())
}

async fn names(session: &mut Session) -> Checked {
    let schemas = read(session).await?;
    let required: [(&str, &[&str]); 2] = [
        (USER_URN, &["userName", "name", "displayName", "active", "emails", "phoneNumbers", "title"]),
        (ENTERPRISE_URN, &["employeeNumber", "department", "manager"]),
    ];
    for (urn, required) in required {
        let Some(schema) = of_id(&schemas, urn) else {
            session.warn(format!("{urn} is missing"));
            continue;
        };
        for name in required {
            session.ensure(named(&schema["attributes"], name).is_some(), format!("{name} is missing"));
        }
    }
    let name = of_id(&schemas, USER_URN).and_then(|schema| named(&schema["attributes"], "name"));
    for part in ["givenName", "familyName"] {
        let is_there = name.is_some_and(|name| named(&name["subAttributes"], part).is_some());
        session.ensure(is_there, format!("name.{part} is missing"));
    }
    Ok(())
}

async fn derivable(session: &mut Session) -> Checked {
    let schemas = read(session).await?;
    let user = of_id(&schemas, USER_URN);
    for (attribute, kind) in [("emails", "work"), ("phoneNumbers", "mobile"), ("addresses", "work")] {
        let described = user.and_then(|user| named(&user["attributes"], attribute));
        let Some(described) = described else {
            session.fail(format!("{attribute} is missing"));
            continue;
        };
        session.equal(described, "/multiValued", true);
        session.equal(described, "/type", "complex");
        let kinds = named(&described["subAttributes"], "type").map(|kind| &kind["canonicalValues"]);
        let is_canonical = kinds.and_then(Value::as_array).is_some_and(|kinds| kinds.iter().any(|known| known == kind));
        session.ensure(is_canonical, format!("{attribute}.type has no canonical value {kind}"));
    }
    Ok(())
}

async fn messages(session: &mut Session) -> Checked {
    let schemas = read(session).await?;
    for schema in &schemas {
        let id = text(schema, "/id").unwrap_or_default();
        session.ensure(!id.contains(":api:messages:"), format!("{id} is listed"));
    }
    let answer = session.get(&format!("/Schemas/{USER_URN}")).await?;
    session.status(&answer, &[200])?;
    session.equal(&answer.body, "/id", USER_URN);
    Ok(())
}

async fn config(session: &mut Session) -> Checked {
    let answer = session.get("/ServiceProviderConfig").await?;
    session.status(&answer, &[200])?;
    session.ensure(answer.body.get("Resources").is_none(), "it is a list");
    for feature in ["patch", "bulk", "filter", "changePassword", "sort", "etag"] {
        let says = answer.body.pointer(&format!("/{feature}/supported")).is_some_and(Value::is_boolean);
        session.ensure(says, format!("{feature}.supported is no boolean"));
    }
    session.ensure(answer.body["authenticationSchemes"].is_array(), "authenticationSchemes is no list");
    session
        .ensure(answer.body.pointer("/filter/maxResults").is_some_and(Value::is_u64), "filter.maxResults is missing");
    Ok(())
}

async fn resource_types(session: &mut Session) -> Checked {
    let answer = session.get("/ResourceTypes").await?;
    let types = session.list(&answer)?;
    session.ensure(answer.has_schema(LIST_URN), "it is no ListResponse");
    let wanted = [Some(("User", USER_URN)), session.groups.then_some(("Group", GROUP_URN))];
    for (name, urn) in wanted.into_iter().flatten() {
        let Some(described) = types.iter().find(|described| described["schema"] == urn) else {
            session.fail(format!("{name} is missing"));
            continue;
        };
        session.equal(described, "/endpoint", format!("/{name}s"));
        session.equal(described, "/name", name);
        let claims = has_schema(described, "urn:ietf:params:scim:schemas:core:2.0:ResourceType");
        session.ensure(claims, format!("schemas of {name} is wrong"));
    }
    Ok(())
}

async fn filter(session: &mut Session) -> Checked {
    for document in ["Schemas", "ResourceTypes", "ServiceProviderConfig"] {
        let answer = session.get(&format!("/{document}?filter=id%20pr")).await?;
        // A SHOULD.
        if answer.status != 403 {
            session.warn(format!("/{document} with a filter is {}", answer.status));
        }
    }
    Ok(())
}
