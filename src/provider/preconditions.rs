//! `If-Match` and `If-None-Match` (RFC 7644 §3.14, RFC 9110 §13).

use crate::{scim, store::IfMatch};

/// Preconditions from the request's head (RFC 7644 §3.14), as the client spelt them.
#[derive(Clone, Debug, Default)]
pub struct Preconditions {
    /// `If-Match`.
    pub if_match: Option<String>,
    /// `If-None-Match`.
    pub if_none_match: Option<String>,
}

impl Preconditions {
    /// The versions that a write accepts.
    pub(super) fn if_match(&self) -> Result<Option<IfMatch>, scim::Error> {
        let Some(text) = &self.if_match else { return Ok(None) };
        if text.trim() == "*" {
            return Ok(Some(IfMatch(Vec::new())));
        }
        // A tag that is not ours names a version that never was: it matches nothing, as version 0 does.
        Ok(Some(IfMatch(text.split(',').map(|tag| parse_version_tag(tag).unwrap_or(0)).collect())))
    }

    /// Whether the client has this version already.
    pub(super) fn none_match(&self, version: u64) -> bool {
        self.if_none_match.as_ref().is_some_and(|text| {
            text.trim() == "*" || text.split(',').any(|tag| parse_version_tag(tag) == Some(version))
        })
    }
}

/// Reads `W/"7"` and, as weak comparison allows, `"7"` (RFC 9110 §8.8.3).
fn parse_version_tag(tag: &str) -> Option<u64> {
    let tag = tag.trim();
    let tag = tag.strip_prefix("W/").unwrap_or(tag);
    tag.strip_prefix('"')?.strip_suffix('"')?.parse().ok()
}
