//! When a failed delivery is tried again.

use std::time::Duration;

use super::Settings;

/// Exponential back-off with full jitter: drawn between zero and a bound that doubles with each failure, so that what
/// failed together does not come back together. `salt` is the chance: equal arguments give equal delays.
pub(super) fn delay(settings: &Settings, failures: u32, salt: u64) -> Duration {
    let longest = settings.delay_seconds_max.saturating_mul(1_000);
    let doubled =
        settings.delay_ms_min.saturating_mul(1_u64.checked_shl(failures.saturating_sub(1)).unwrap_or(u64::MAX));
    let bound = doubled.clamp(1, longest.max(1));
    Duration::from_millis(mix(salt.wrapping_add(u64::from(failures).wrapping_mul(0x9e37_79b9_7f4a_7c15))) % bound + 1)
}

/// The finaliser of SplitMix64: spreads neighbouring numbers over the whole range.
const fn mix(mut bits: u64) -> u64 {
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ (bits >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_grow_to_their_bound_and_spread() {
        let settings = Settings { delay_ms_min: 500, delay_seconds_max: 300, ..Settings::default() };
        for (failures, bound_ms) in [(1, 500), (2, 1_000), (5, 8_000), (11, 300_000), (200, 300_000)] {
            let delays: Vec<_> = (0..200).map(|salt| delay(&settings, failures, salt).as_millis()).collect();
            assert!(delays.iter().all(|delay| (1..=bound_ms).contains(delay)), "after {failures} failures");
            let upper_half = delays.iter().filter(|delay| **delay > bound_ms / 2).count();
            assert!((60..140).contains(&upper_half), "{upper_half} of 200 in the upper half after {failures} failures");
        }
    }
}
