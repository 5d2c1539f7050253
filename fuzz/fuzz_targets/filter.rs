//! A filter is refused or means what it prints, and neither checking nor evaluating it panics.

#![no_main]

use libfuzzer_sys::fuzz_target;
use scim_relay::scim::{
    Object,
    filter::{Filter, LENGTH_MAX},
    schema::ResourceTypes,
};
use std::sync::LazyLock;

static TYPES: LazyLock<ResourceTypes> = LazyLock::new(ResourceTypes::core);

fuzz_target!(|text: &str| {
    for resource_type in TYPES.iter() {
        let urns = resource_type.urns();
        let Ok(filter) = Filter::parse(text, &urns) else { continue };
        let _ = filter.check(resource_type);
        let _ = filter.matches(resource_type, &Object::new());
        let printed = filter.to_string();
        // Quotes that were left out make the printed text longer, beyond the limit perhaps.
        if printed.len() <= LENGTH_MAX {
            assert_eq!(Filter::parse(&printed, &urns).expect("printed filters parse"), filter);
        }
    }
});
