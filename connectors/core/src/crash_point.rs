//! Points at which a test lets the process end, as a power cut would.
//!
//! [`crash_point!`](crate::crash_point!) marks one. With the feature `crash-points` the process aborts at the point that
//! the variable `SCIM_RELAY_CRASH_POINT` names, when it is reached so often: `before-commit:17`. Without the feature,
//! as in every release, the mark is nothing at all.

/// Marks a point by name; one name may mark several.
#[cfg(not(feature = "crash-points"))]
#[macro_export]
macro_rules! crash_point {
    ($name:literal) => {};
}

/// Marks a point by name; one name may mark several.
#[cfg(feature = "crash-points")]
#[macro_export]
macro_rules! crash_point {
    ($name:literal) => {
        $crate::crash_point::reached($name)
    };
}

/// Ends the process if this is the point, reached so often.
#[cfg(feature = "crash-points")]
pub fn reached(name: &str) {
    use std::sync::{
        OnceLock,
        atomic::{AtomicU64, Ordering},
    };

    static CHOSEN: OnceLock<Option<(String, AtomicU64)>> = OnceLock::new();
    let chosen = CHOSEN.get_or_init(|| {
        let text = std::env::var("SCIM_RELAY_CRASH_POINT").ok()?;
        let (name, count) = text.split_once(':')?;
        Some((name.to_owned(), AtomicU64::new(count.parse().ok()?)))
    });
    if let Some((chosen, left)) = chosen
        && chosen == name
        && left.fetch_sub(1, Ordering::SeqCst) == 1
    {
        std::process::abort();
    }
}
