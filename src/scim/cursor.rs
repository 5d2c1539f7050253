//! Cursors (RFC 9865): where a page of a list ended, as text that a client hands back to get the next page.
//!
//! A cursor is a position in the order of the list, not a place in a result that somebody keeps: it needs no state, does
//! not expire, and holds after a restart. What is inserted or deleted meanwhile moves no other resource across it;
//! in a sorted list a resource whose sort key is changed meanwhile moves itself.
//!
//! It is bound to tenant and query by a digest, which finds cursors that were damaged or taken elsewhere. The digest has
//! no key, because a cursor gives no right: the tenant comes from the credential and the query from the request, both
//! checked on every page, so that who makes up a cursor only chooses where to begin in a list that he may read whole.

use aws_lc_rs::digest::{Context, SHA256};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::json;

use super::{
    Error, ScimType,
    query::{Query, SortKey},
};

/// The longest cursor, in bytes: more than a position with the longest sort key takes.
pub const LENGTH_MAX: usize = 2 * 1024;

/// The first byte of every cursor; another layout gets another number.
const LAYOUT: u8 = 1;
/// Bytes kept of the digest.
const SEAL_BYTES: usize = 16;

/// A position in the order of a list: that of one of its resources, which may be gone by now.
#[derive(Clone, PartialEq, Debug)]
pub struct Position {
    /// The resource's sort key; `None` in lists that are in order of age.
    pub key: Option<SortKey>,
    /// The resource's number, by which the store keeps resources in order of age.
    pub number: i64,
}

impl Position {
    /// The cursor for this position in the list of a query. Its characters are of RFC 3986's unreserved set.
    pub fn write(&self, tenant: &str, query: &Query) -> String {
        let count = u32::try_from(query.count).unwrap_or(u32::MAX);
        let mut bytes = vec![LAYOUT];
        bytes.extend(count.to_be_bytes());
        bytes.extend(self.number.to_be_bytes());
        match &self.key {
            None => {}
            Some(SortKey::Number(number)) => {
                bytes.push(b'n');
                bytes.extend(number.to_be_bytes());
            }
            Some(SortKey::Text(text)) => {
                bytes.push(b't');
                bytes.extend(text.as_bytes());
            }
            Some(SortKey::Absent) => bytes.push(b'-'),
        }
        bytes.extend(seal(&bytes, tenant, query));
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// Reads a cursor that [`Self::write`] made for the same tenant and query.
    ///
    /// # Errors
    /// `invalidCursor` for text that is damaged, or a cursor of another query or tenant; `invalidCount` where `count`
    /// is another than on the page before.
    pub fn read(text: &str, tenant: &str, query: &Query) -> Result<Self, Error> {
        let refuse = || {
            let detail = "the cursor is not of this query: from page to page change nothing but the cursor, or begin \
                          again with an empty one";
            Error::of(ScimType::InvalidCursor, detail)
        };
        if text.len() > LENGTH_MAX {
            return Err(refuse());
        }
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| refuse())?;
        let (content, sealed) = bytes.split_last_chunk::<SEAL_BYTES>().ok_or_else(refuse)?;
        if *sealed != seal(content, tenant, query) {
            return Err(refuse());
        }
        let (count, position) = parse(content).ok_or_else(refuse)?;
        if position.key.is_some() != query.sort.is_some() {
            return Err(refuse());
        }
        if usize::try_from(count) != Ok(query.count) {
            let detail = format!("count must be {count}, as on the page that the cursor is from");
            return Err(Error::of(ScimType::InvalidCount, detail));
        }
        Ok(position)
    }
}

/// The count and the position of a cursor without its seal.
fn parse(content: &[u8]) -> Option<(u32, Position)> {
    let (layout, rest) = content.split_first()?;
    let (count, rest) = rest.split_first_chunk()?;
    let (number, rest) = rest.split_first_chunk()?;
    let key = match rest.split_first() {
        None => None,
        Some((b'n', number)) => {
            let number = f64::from_be_bytes(number.try_into().ok()?);
            Some(SortKey::Number((!number.is_nan()).then_some(number)?))
        }
        Some((b't', text)) => Some(SortKey::Text(str::from_utf8(text).ok()?.to_owned())),
        Some((b'-', [])) => Some(SortKey::Absent),
        Some(_) => return None,
    };
    let position = Position { key, number: i64::from_be_bytes(*number) };
    (*layout == LAYOUT).then_some((u32::from_be_bytes(*count), position))
}

/// What binds a cursor to its content, tenant and query. Attributes chosen do not count: they change no order.
fn seal(content: &[u8], tenant: &str, query: &Query) -> [u8; SEAL_BYTES] {
    let order = query.sort.as_ref().map(|sort| (sort.by.to_string(), sort.descending));
    let selections: Vec<_> = (query.selections.iter())
        .map(|selection| (selection.resource_type.kind.as_str(), selection.filter.as_ref().map(ToString::to_string)))
        .collect();
    // JSON, so that no two queries have the same text.
    let scope = json!([tenant, order, selections]).to_string();
    let mut context = Context::new(&SHA256);
    context.update(scope.as_bytes());
    context.update(&[0]);
    context.update(content);
    let digest = context.finish();
    digest.as_ref().first_chunk().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests;
