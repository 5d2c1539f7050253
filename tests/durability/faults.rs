//! A disk that fails: its syncs, its writes, for good or for a while.

use std::time::{Duration, Instant};

use crate::{
    can, client,
    http::Client,
    relay::Home,
    trace,
    traced::{self, Traced},
};

/// The disk works for so many calls of the store's writer: the relay is up and has acknowledged something by then.
const GOOD_SYNCS: usize = 30;
const GOOD_WRITES: usize = 150;
/// What is asked of a relay whose disk fails for good.
const REFUSED: usize = 10;
/// When a disk that failed for a while is well again, the store is too by then.
const RECOVERY: Duration = Duration::from_secs(5);

#[test]
fn g03_what_a_failing_disk_did_not_keep_is_not_acknowledged_and_all_that_was_is_there_after_a_restart() {
    if !can("tracing system calls", traced::is_possible()) {
        return;
    }
    for fault in [
        format!("fsync,fdatasync:error=EIO:when={GOOD_SYNCS}+"),
        format!("pwrite64:error=ENOSPC:when={GOOD_WRITES}+"),
        format!("pwrite64:error=EROFS:when={GOOD_WRITES}+"),
    ] {
        let directory = tempfile::tempdir().unwrap();
        let home = Home::new(directory.path(), false);
        let key = home.create_key();
        let traced = Traced::start(&home, directory.path(), &[&fault]);
        let mut client = Client::new(home.scim, Some(&key));
        let mut acknowledged = Vec::new();
        while client::create(&mut client, &format!("person-{}", acknowledged.len())) == 201 {
            acknowledged.push(format!("person-{}", acknowledged.len()));
            assert!(acknowledged.len() < 10 * GOOD_WRITES, "{fault}: proves nothing, the disk never failed");
        }
        assert!(!acknowledged.is_empty(), "{fault}: proves nothing, the disk never worked");
        for number in 0..REFUSED {
            let name = format!("refused-{number}");
            client::assert_unavailable(&client::create_raw(home.scim, &key, &name));
            assert_eq!(client::count(&mut client, "person-0"), 1, "{fault}: reads go on");
            assert_eq!(client::count(&mut client, &name), 0, "{fault}: what was not kept is not shown");
        }
        let found = trace::read(&traced.end());
        assert_eq!(found.acknowledged, acknowledged.len(), "{fault}");
        assert_eq!(found.uncovered, Vec::<String>::new(), "{fault}");
        assert_eq!(found.retried_syncs, Vec::<String>::new(), "{fault}");
        assert!(found.failed_syncs + found.failed_writes > REFUSED, "{fault}: {found:?}");

        let (_relay, _) = home.start();
        let mut client = Client::new(home.scim, Some(&key));
        for name in &acknowledged {
            assert_eq!(client::count(&mut client, name), 1, "{fault}: {name} is lost");
        }
        for number in 0..REFUSED {
            assert_eq!(
                client::count(&mut client, &format!("refused-{number}")),
                0,
                "{fault}: it was read as not there"
            );
        }
        assert_eq!(client::create(&mut client, "after"), 201, "{fault}");
    }
}

#[test]
fn g03_g04_a_store_whose_disk_failed_for_a_while_writes_again_without_a_restart() {
    if !can("tracing system calls", traced::is_possible()) {
        return;
    }
    for (good, fault) in [
        (GOOD_SYNCS, "fsync,fdatasync:error=EIO"),
        (GOOD_WRITES, "pwrite64:error=ENOSPC"),
        (GOOD_WRITES, "pwrite64:error=EROFS"),
    ] {
        let directory = tempfile::tempdir().unwrap();
        let home = Home::new(directory.path(), false);
        let key = home.create_key();
        let fault = format!("{fault}:when={good}..{}", good + 5);
        let traced = Traced::start(&home, directory.path(), &[&fault]);
        let mut client = Client::new(home.scim, Some(&key));
        let (mut acknowledged, mut refused) = (Vec::new(), 0);
        let mut failed: Option<Instant> = None;
        for number in 0.. {
            let name = format!("person-{number}");
            match client::create(&mut client, &name) {
                201 => acknowledged.push(name),
                503 => {
                    refused += 1;
                    failed.get_or_insert_with(Instant::now);
                }
                status => panic!("{fault}: {status}"),
            }
            if failed.is_some() && acknowledged.len() > good + 5 {
                break;
            }
            assert!(number < 10 * GOOD_WRITES, "{fault}: proves nothing, the disk never failed");
            assert!(failed.is_none_or(|failed| failed.elapsed() < RECOVERY), "{fault}: it writes no more");
        }
        assert!(0 < refused && refused <= 6, "{fault}: {refused} of 6 faults were answered");
        for name in &acknowledged {
            assert_eq!(client::count(&mut client, name), 1, "{fault}: {name} is lost");
        }
        let found = trace::read(&traced.end());
        assert_eq!(found.acknowledged, acknowledged.len(), "{fault}");
        assert_eq!(found.uncovered, Vec::<String>::new(), "{fault}");
        assert_eq!(found.retried_syncs, Vec::<String>::new(), "{fault}");
    }
}
