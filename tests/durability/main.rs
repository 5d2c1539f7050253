//! What the built binary does with its disk: that each acknowledgement follows a sync, and what it answers when the disk
//! fails, is full or cannot be written. System calls are traced and made to fail by `strace`; small file systems are
//! mounted. Where either is not possible a test says so and proves nothing; with `STRICT=1` it fails.
#![expect(
    clippy::unwrap_used,
    clippy::print_stderr,
    clippy::disallowed_methods,
    reason = "a test may stop at the first surprise, measures real time, and says when it cannot run"
)]

mod client;
mod faults;
mod full;
#[path = "../process/http.rs"]
mod http;
#[path = "../process/relay.rs"]
mod relay;
mod syncs;
mod trace;
mod traced;

/// Whether what a test needs is there. Without it the test is skipped, or fails where nothing may be skipped.
fn can(what: &str, possible: bool) -> bool {
    assert!(possible || std::env::var_os("STRICT").is_none_or(|strict| strict != "1"), "{what} is not possible here");
    if !possible {
        eprintln!("SKIPPED: {what} is not possible here");
    }
    possible
}
