#![expect(clippy::unwrap_used, reason = "tests")]

use std::sync::Arc;

use scim_connector::ResourceKind;

use super::*;
use crate::scim::schema::ResourceTypes;

fn user() -> Arc<ResourceType> {
    ResourceTypes::core().get(&ResourceKind::new("User")).unwrap().clone()
}

fn check(text: &str) -> Result<(), Error> {
    let resource_type = user();
    Filter::parse(text, &resource_type.urns()).unwrap().check(&resource_type)
}

#[test]
fn comparisons_that_the_type_forbids_are_invalid_filter() {
    for text in [
        "active gt true",
        "active le \"true\"",
        "active co \"t\"",
        "active eq \"yes\"",
        "active eq 1",
        "active gt null",
        "userName co null",
        "emails gt \"a\"",
        "emails[primary sw \"t\"]",
        "emails.primary ge true",
        "name eq \"Jane\"",
        "name co \"Jane\"",
        "meta eq \"x\"",
        "addresses eq \"x\"",
        "x509Certificates.value gt \"a\"",
        "x509Certificates[value lt \"a\"]",
        "meta.created gt \"yesterday\"",
        "meta.created eq 5",
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User eq \"x\"",
        "a pr and not (b pr or active gt true)",
    ] {
        let error = check(text).unwrap_err();
        assert_eq!(error.scim_type(), Some(ScimType::InvalidFilter), "{text}");
    }
}

#[test]
fn nobody_asks_for_a_password() {
    for text in ["password eq \"t1meMa$heen\"", "Password pr", "password sw \"a\"", "not (password eq null)"] {
        let error = check(text).unwrap_err();
        assert_eq!(error.detail(), "filter: password is never returned and cannot be filtered by", "{text}");
    }
}

#[test]
fn all_else_is_allowed_and_unknown_attributes_have_no_value() {
    for text in [
        "active eq true",
        "active ne \"False\"",
        "active eq null",
        "emails co \"x\"",
        "emails eq null",
        "name pr",
        "name eq null",
        "userName gt \"a\"",
        "userName eq 5",
        "emails[type eq \"work\" and primary eq true]",
        "x509Certificates.value eq \"a\"",
        "meta.created gt 2015-10-10T14:38:21.8617979-07:00",
        "meta.lastModified sw \"2026\"",
        "unknown gt true",
        "unknown[a gt true]",
        "emails[unknown gt true]",
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User pr",
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager eq \"x\"",
    ] {
        check(text).unwrap_or_else(|error| panic!("{text}: {error}"));
    }
}
