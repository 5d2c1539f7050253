//! All metrics: a typed front over the `prometheus` crate.
