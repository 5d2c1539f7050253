//! Mode `journal`: what a crash leaves, and what a restart makes of it.

use std::{
    fs::{self, OpenOptions},
    os::unix::fs::symlink,
};

use scim_connector::{Effect, ErrorClass, testkit::user};
use serde_json::json;

use crate::bed::{Bed, apply, titled};

/// A file with user 1 and a journal with users 2 and 3.
async fn journaled() -> Bed {
    let bed = Bed::new(json!({ "mode": "journal" }));
    let connector = bed.connect();
    for number in 1..=3 {
        apply(&*connector, titled(&user(number), 1, &format!("user {number}"))).await.unwrap();
    }
    assert_eq!(bed.text().matches("\"title\"").count(), 1);
    bed
}

async fn restarted(bed: &Bed) {
    let applied = apply(&*bed.connect(), titled(&user(4), 1, "user 4")).await.unwrap();
    assert_eq!(applied.effect, Effect::Created);
}

#[tokio::test]
async fn a_restart_takes_the_journal_into_the_file() {
    let bed = journaled().await;
    restarted(&bed).await;
    assert_eq!(bed.text().matches("\"title\"").count(), 4);
}

#[tokio::test]
async fn a_torn_last_line_is_left_out() {
    let whole = journaled().await;
    let length = fs::metadata(whole.path("users.json.journal")).unwrap().len();
    for cut in [1, 2, 20, 100] {
        let bed = journaled().await;
        let file = OpenOptions::new().write(true).open(bed.path("users.json.journal")).unwrap();
        file.set_len(length - cut).unwrap();
        restarted(&bed).await;
        assert_eq!(bed.text().matches("\"title\"").count(), 3, "{cut} bytes are cut off");
        assert!(bed.text().contains("user 2") && !bed.text().contains("user 3"));
    }
}

#[tokio::test]
async fn a_journal_damaged_in_the_middle_stops_the_connector() {
    let bed = journaled().await;
    let text = fs::read_to_string(bed.path("users.json.journal")).unwrap();
    fs::write(bed.path("users.json.journal"), text.replacen("user 2", "user\u{0}2", 1)).unwrap();
    let error = apply(&*bed.connect(), titled(&user(4), 1, "user 4")).await.unwrap_err();
    assert_eq!(error.class(), &ErrorClass::Misconfigured);
    assert!(error.message().contains("line 2"), "{error}");
}

#[tokio::test]
async fn a_journal_older_than_the_file_is_stale() {
    let bed = journaled().await;
    let old = fs::read(bed.path("users.json.journal")).unwrap();
    restarted(&bed).await;
    apply(&*bed.connect(), titled(&user(2), 2, "renamed")).await.unwrap();
    restarted_from(&bed, &old).await;
    assert!(bed.text().contains("renamed") && !bed.text().contains("user 2"));
}

/// A crash after the file was written and before the journal started anew leaves the old journal.
async fn restarted_from(bed: &Bed, journal: &[u8]) {
    // Into the file first: the change before this is only in the journal.
    apply(&*bed.connect(), titled(&user(5), 1, "user 5")).await.unwrap();
    fs::write(bed.path("users.json.journal"), journal).unwrap();
    apply(&*bed.connect(), titled(&user(6), 1, "user 6")).await.unwrap();
}

#[tokio::test]
async fn a_journal_newer_than_the_file_stops_the_connector() {
    let bed = journaled().await;
    bed.write("{}");
    let error = apply(&*bed.connect(), titled(&user(4), 1, "user 4")).await.unwrap_err();
    assert_eq!(error.class(), &ErrorClass::Misconfigured);
    assert_eq!(bed.text(), "{}");
}

#[tokio::test]
async fn a_full_journal_is_taken_into_the_file() {
    for limit in ["journal-changes-max", "journal-bytes-max"] {
        let bed = Bed::new(json!({ "mode": "journal", limit: 2 }));
        let connector = bed.connect();
        for number in 1..=9 {
            apply(&*connector, titled(&user(number), 1, "user")).await.unwrap();
        }
        let held = bed.text().matches("\"title\"").count();
        assert!((7..=9).contains(&held), "{limit}: {held}");
    }
}

#[tokio::test]
async fn after_a_full_disk_the_file_is_written_whole() {
    let bed = Bed::new(json!({ "mode": "journal" }));
    let connector = bed.connect();
    // The first change makes the file, the second would begin the journal.
    apply(&*connector, titled(&user(1), 1, "user 1")).await.unwrap();
    symlink("/dev/full", bed.path("users.json.journal")).unwrap();
    let error = apply(&*connector, titled(&user(2), 1, "user 2")).await.unwrap_err();
    assert_eq!(error.class(), &ErrorClass::Transient);
    assert!(!bed.text().contains("user 2"));

    assert_eq!(apply(&*connector, titled(&user(2), 1, "user 2")).await.unwrap().effect, Effect::Updated);
    assert!(bed.text().contains("user 2"));
}

#[tokio::test]
async fn a_journal_of_the_other_mode_is_taken_along() {
    let bed = journaled().await;
    let connector = bed.connect_with(&json!({ "path": "users.json", "mode": "snapshot" }));
    apply(&*connector, titled(&user(5), 1, "user 5")).await.unwrap();
    assert_eq!(bed.text().matches("\"title\"").count(), 4);
}

#[tokio::test]
async fn a_journal_torn_in_its_first_line_is_empty() {
    let bed = journaled().await;
    fs::write(bed.path("users.json.journal"), "{\"gen").unwrap();
    restarted(&bed).await;
    assert_eq!(bed.text().matches("\"title\"").count(), 1);
}

#[tokio::test]
async fn a_journal_that_is_no_plain_file_is_not_read() {
    let bed = journaled().await;
    fs::remove_file(bed.path("users.json.journal")).unwrap();
    symlink("/dev/zero", bed.path("users.json.journal")).unwrap();
    let error = apply(&*bed.connect(), titled(&user(4), 1, "user 4")).await.unwrap_err();
    assert_eq!(error.class(), &ErrorClass::Misconfigured);
}
