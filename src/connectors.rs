//! connectors (stand-in)
use scim_connector::Kind;

/// Kinds.
pub const KINDS: &[Kind] = &[];

/// Kind by name.
pub fn kind(name: &str) -> Option<&'static Kind> {
    KINDS.iter().find(|kind| kind.name == name)
}
