//! Lists that a client sorts (RFC 7644 §3.4.2.3).

use std::ops::ControlFlow;

use super::Search;
use crate::{
    scim::{
        self, ScimType,
        cursor::Position,
        query::{Query, Sort, Start},
    },
    store::{Page, WriteError, sqlite::row::Resource},
};

/// A page by sort keys. All that matches is looked at, but only the keys up to the page's end are kept, and only the
/// page's resources are read again. Behind a cursor a page therefore takes the same memory at any depth; by index one
/// that ends behind `sorted_max` is refused.
pub(super) fn page(searches: &[Search<'_>], query: &Query, sort: &Sort, sorted_max: usize) -> Result<Page, WriteError> {
    let (after, skip, limit) = match &query.start {
        // Who wants no resources wants the total.
        Start::Index(_) if query.count == 0 => (None, 0, 0),
        Start::Index(index) => (None, index.saturating_sub(1), query.count),
        // One more than asked for, which tells whether there is a next page.
        Start::After(_) if query.count == 0 => (None, 0, 0),
        Start::After(position) => (position.as_ref(), 0, query.count + 1),
    };
    let kept = skip.saturating_add(limit);
    let order = |left: &(Position, &Search<'_>), right: &(Position, &Search<'_>)| sort.order(&left.0, &right.0);
    let mut places: Vec<(Position, &Search<'_>)> = Vec::new();
    let mut total = 0;
    for search in searches {
        search.each(-1, |resource, evaluated| {
            total += 1;
            let key = sort.key(search.resource_type, &evaluated);
            let place = Position { key: Some(key), number: resource.no };
            if after.is_some_and(|after| sort.order(&place, after).is_le()) {
                return Ok(ControlFlow::Continue(()));
            }
            if kept > sorted_max && places.len() == sorted_max {
                let detail = format!(
                    "only the first {sorted_max} of a sorted list have an index: narrow the filter, or use a cursor"
                );
                return Err(WriteError::Refused(scim::Error::of(ScimType::TooMany, detail)));
            }
            places.push((place, search));
            // Now and then the places that no page up to this one can have are dropped, which costs little a resource.
            if places.len() >= kept.saturating_mul(2).max(1) {
                if kept < places.len() {
                    places.select_nth_unstable_by(kept, order);
                }
                places.truncate(kept);
            }
            Ok(ControlFlow::Continue(()))
        })?;
    }
    places.sort_unstable_by(order);
    places.truncate(kept);
    let mut resources = Vec::new();
    for (place, search) in places.iter().skip(skip).take(query.count) {
        let resource = Resource::by_no(search.sql, place.number)?;
        resources.extend(resource.map(|resource| resource.stored(&search.resource_type.kind)));
    }
    let is_last = matches!(query.start, Start::Index(_)) || places.len() <= query.count;
    let next = query.count.checked_sub(1).and_then(|last| places.into_iter().nth(last));
    Ok(Page { total: Some(total), resources, next: next.filter(|_| !is_last).map(|(position, _)| position) })
}
