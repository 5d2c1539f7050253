//! How much the operations of one PATCH may walk over.
//!
//! An operation on elements looks at all of them. Ten thousand operations on a large attribute would cost their product,
//! in the transaction that all writes wait for.

use serde_json::Value;

use crate::scim::{Error, filter::Filter};

/// The most that the operations of a PATCH may walk over in all: bytes of text and other values, once for each comparison
/// of their filters.
pub const WORK_MAX: usize = 128 * 1024 * 1024;

/// What is left of [`WORK_MAX`].
pub(super) struct Work(usize);

impl Work {
    pub(super) fn new() -> Self {
        Self(WORK_MAX)
    }

    /// Takes what one operation on these values costs.
    ///
    /// # Errors
    /// 413 when all operations together cost too much.
    pub(super) fn spend(&mut self, values: &Value, filter: Option<&Filter>) -> Result<(), Error> {
        let cost = weight(values).saturating_mul(1 + filter.map_or(0, comparisons));
        match self.0.checked_sub(cost) {
            Some(left) => {
                self.0 = left;
                Ok(())
            }
            None => {
                let detail =
                    format!("the operations walk over more than {WORK_MAX} bytes of values: send fewer at once");
                Err(Error::too_large(detail))
            }
        }
    }
}

/// Roughly the size of a value. The depth of a canonical one is that of the schema.
fn weight(value: &Value) -> usize {
    const NODE: usize = 8;
    match value {
        Value::String(text) => NODE + text.len(),
        Value::Array(elements) => NODE + elements.iter().map(weight).sum::<usize>(),
        Value::Object(parts) => NODE + parts.values().map(weight).sum::<usize>(),
        Value::Null | Value::Bool(_) | Value::Number(_) => NODE,
    }
}

/// The comparisons of a filter, whose depth the parser bounds.
fn comparisons(filter: &Filter) -> usize {
    match filter {
        Filter::And(filters) | Filter::Or(filters) => filters.iter().map(comparisons).sum(),
        Filter::Not(filter) | Filter::ValuePath { filter, .. } => comparisons(filter),
        Filter::Compare { .. } | Filter::Constant(_) => 1,
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn each_comparison_costs_the_values_once_more() {
        let values = json!([{ "value": "12345678" }]);
        let mut work = Work::new();
        work.spend(&values, None).unwrap();
        assert_eq!(WORK_MAX - work.0, 32, "array, object, text and its bytes");
        let filter = Filter::parse("value eq \"a\" or not (type pr)", &[]).unwrap();
        work.spend(&values, Some(&filter)).unwrap();
        assert_eq!(WORK_MAX - work.0, 32 * 4);
    }

    #[test]
    fn what_is_spent_is_spent() {
        let values = Value::from("x".repeat(WORK_MAX / 2));
        let mut work = Work::new();
        work.spend(&values, None).unwrap();
        let refused = work.spend(&values, None).unwrap_err();
        assert!(refused.detail().contains(&WORK_MAX.to_string()));
    }
}
