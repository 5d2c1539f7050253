//! Where the store is: a folder that lasts, for one process, of a program that knows it.

use std::{fs, process::Command};

use scim_relay::store::sqlite::not_durable;

use crate::relay::Home;

/// How a relay ends that does not start: its exit code and its complaint.
fn refusal(home: &Home) -> (Option<i32>, String) {
    let mut relay = home.spawn();
    let code = relay.child.wait().unwrap().code();
    (code, home.log_tail())
}

#[test]
fn a_second_process_on_the_same_store_is_refused_and_the_first_goes_on() {
    let directory = tempfile::tempdir().unwrap();
    let home = Home::new(directory.path(), false);
    let (_relay, _) = home.start();
    let (code, complaint) = refusal(&home);
    assert_eq!(code, Some(4), "{complaint}");
    assert!(complaint.contains("another process uses the store at"), "{complaint}");
    assert!(complaint.contains("/data/lock"), "{complaint}");
    assert!(matches!(home.admin("/readyz"), Some((200, _))));
}

#[test]
fn g19_an_older_program_refuses_the_store_of_a_newer_one_and_leaves_it_as_it_is() {
    let directory = tempfile::tempdir().unwrap();
    let home = Home::new(directory.path(), false);
    home.create_key();
    let file = directory.path().join("data/relay.db");
    rusqlite::Connection::open(&file).unwrap().execute_batch("PRAGMA user_version = 99").unwrap();
    let before = fs::read(&file).unwrap();
    let (code, complaint) = refusal(&home);
    assert_eq!(code, Some(1), "{complaint}");
    assert!(complaint.contains("written by a newer program: its schema is version 99"), "{complaint}");
    assert!(before == fs::read(&file).unwrap(), "the file was written");
}

#[test]
fn a_folder_that_does_not_last_is_told_in_the_log_a_metric_and_by_check() {
    // In memory on every Linux, containers included.
    let fleeting = tempfile::tempdir_in("/dev/shm").unwrap();
    let other = tempfile::tempdir().unwrap();
    for directory in [&fleeting, &other] {
        let lasts = not_durable(directory.path()).is_none();
        let home = Home::new(directory.path(), false);
        let (_relay, _) = home.start();
        let metrics = home.admin("/metrics").unwrap().1;
        assert!(metrics.contains(&format!("\nscim_relay_store_durable {}\n", i32::from(lasts))), "{metrics}");
        assert_eq!(home.log().contains("data-dir may not last: it is on "), !lasts);
        let mut check = Command::new(env!("CARGO_BIN_EXE_scim-relay"));
        let check = check.args(["check", "--config"]).arg(directory.path().join("relay.toml")).output().unwrap();
        assert!(check.status.success(), "a warning is no problem");
        let warnings = String::from_utf8(check.stderr).unwrap();
        assert_eq!(warnings.contains("warning: data-dir: it may not last: it is on "), !lasts, "{warnings}");
    }
    assert!(not_durable(fleeting.path()).is_some_and(|reason| reason.starts_with("tmpfs, which")));
}
