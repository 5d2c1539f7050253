//! A resource in any words is refused, or has a canonical form that is its own canonical form.

#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use scim_relay::{
    dialect::{Dialect, Quirks},
    scim::{
        json,
        resource::{self, Unknown},
        schema::ResourceTypes,
    },
};
use serde_json::Value;

static TYPES: LazyLock<ResourceTypes> = LazyLock::new(ResourceTypes::core);

fuzz_target!(|body: &[u8]| {
    let Ok(body) = json::parse(body) else { return };
    for dialect in Dialect::all() {
        for resource_type in TYPES.iter() {
            let Ok(body) = dialect.resource(resource_type, body.clone(), &mut Quirks::default()) else { continue };
            let Ok(draft) = resource::parse(resource_type, body, Unknown::Drop, &mut Vec::new()) else { continue };
            let again = Value::Object(draft.attributes.clone());
            let again = resource::parse(resource_type, again, Unknown::Refuse, &mut Vec::new());
            assert_eq!(again.expect("a canonical form is canonical").attributes, draft.attributes);
        }
    }
});
