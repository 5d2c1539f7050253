//! A path is refused or means what it prints, and resolving it never panics.

#![no_main]

use libfuzzer_sys::fuzz_target;
use scim_relay::scim::{filter::LENGTH_MAX, path::AttributePath, schema::ResourceTypes};
use std::sync::LazyLock;

static TYPES: LazyLock<ResourceTypes> = LazyLock::new(ResourceTypes::core);

fuzz_target!(|text: &str| {
    for resource_type in TYPES.iter() {
        let urns = resource_type.urns();
        let Ok(path) = AttributePath::parse(text, &urns) else { continue };
        let _ = resource_type.resolve(&path);
        let printed = path.to_string();
        if printed.len() <= LENGTH_MAX {
            assert_eq!(AttributePath::parse(&printed, &urns).expect("printed paths parse"), path);
        }
    }
});
