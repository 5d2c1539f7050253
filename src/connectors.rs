//! The kinds of connector that are compiled in: one row a kind.

use scim_connector::Kind;

/// Every kind, in the order that `scim-relay` lists them.
pub const KINDS: &[Kind] = &[
    #[cfg(feature = "json-file")]
    scim_connector::kind::<scim_connector_json_file::JsonFile>(),
    #[cfg(feature = "test-connector")]
    scim_connector::kind::<scim_connector_test_http::TestHttp>(),
];

/// The kind of that name in `kind = "…"`.
pub fn kind(name: &str) -> Option<&'static Kind> {
    KINDS.iter().find(|kind| kind.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_is_found_by_its_name_and_has_a_name_of_its_own() {
        for (index, row) in KINDS.iter().enumerate() {
            assert_eq!(kind(row.name).map(|found| found.name), Some(row.name));
            assert!(!KINDS.iter().skip(index + 1).any(|other| other.name == row.name), "{} is there twice", row.name);
        }
        assert!(kind("no-such-kind").is_none());
    }
}
