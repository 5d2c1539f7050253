//! Somebody else changes the file while the connector runs.

use std::{fs, os::unix::fs::symlink};

use scim_connector::{Effect, ErrorClass, testkit::user};
use serde_json::json;

use crate::{
    bed::{Bed, apply, titled},
    file_reader::State,
};

/// A file with user 1, and the same file with user 2 added and user 1 renamed by hand.
async fn edited(policy: &str, mode: &str) -> (Bed, Box<dyn scim_connector::Connector>) {
    let bed = Bed::new(json!({ "on-external-edit": policy, "mode": mode }));
    let connector = bed.connect();
    apply(&*connector, titled(&user(1), 1, "one")).await.unwrap();
    let by_hand = format!("[\n{{\"id\":\"{}\",\"title\":\"by hand\"}},\n", user(2).id);
    bed.write(&bed.text().replacen("[\n", &by_hand, 1).replace("\"one\"", "\"renamed\""));
    (bed, connector)
}

fn titles(bed: &Bed) -> Vec<String> {
    let state = State::read(&bed.path("users.json"));
    state.0.values().filter_map(|entry| entry.get("title")?.as_str().map(str::to_owned)).collect()
}

fn conflicts(bed: &Bed) -> usize {
    bed.names().iter().filter(|name| name.starts_with("users.json.conflict-")).count()
}

#[tokio::test]
async fn fail_writes_nothing_until_a_restart() {
    let (bed, connector) = edited("fail", "snapshot").await;
    let before = bed.text();
    for _ in 0..2 {
        let error = apply(&*connector, titled(&user(3), 1, "three")).await.unwrap_err();
        assert_eq!(error.class(), &ErrorClass::Misconfigured);
    }
    assert_eq!(connector.check().await.unwrap_err().class(), &ErrorClass::Misconfigured);
    assert_eq!((bed.text(), conflicts(&bed)), (before, 0));
    drop(connector);
    apply(&*bed.connect(), titled(&user(3), 1, "three")).await.unwrap();
    assert_eq!(titles(&bed), ["renamed", "by hand", "three"]);
}

#[tokio::test]
async fn merge_goes_on_from_theirs() {
    for mode in ["snapshot", "journal"] {
        let (bed, connector) = edited("merge", mode).await;
        apply(&*connector, titled(&user(3), 1, "three")).await.unwrap();
        assert_eq!((titles(&bed), conflicts(&bed)), (vec!["renamed".into(), "by hand".into(), "three".into()], 1));
        assert_eq!(apply(&*connector, titled(&user(3), 1, "three")).await.unwrap().effect, Effect::Unchanged);
    }
}

#[tokio::test]
async fn merge_keeps_what_only_the_journal_has() {
    let bed = Bed::new(json!({ "on-external-edit": "merge", "mode": "journal" }));
    let connector = bed.connect();
    apply(&*connector, titled(&user(1), 1, "one")).await.unwrap();
    apply(&*connector, titled(&user(2), 1, "two")).await.unwrap();
    assert!(!bed.text().contains("\"two\""));
    bed.write(&bed.text().replace("\"one\"", "\"renamed\""));
    apply(&*connector, titled(&user(3), 1, "three")).await.unwrap();
    assert_eq!(titles(&bed), ["renamed", "two", "three"]);
}

#[tokio::test]
async fn merge_survives_a_restart_when_theirs_has_an_older_generation() {
    for generation in ["", "\"generation\": 0,\n"] {
        let bed = Bed::new(json!({ "on-external-edit": "merge", "mode": "journal" }));
        let connector = bed.connect();
        apply(&*connector, titled(&user(1), 1, "one")).await.unwrap();
        bed.write(&bed.text().replace("\"generation\": 1,\n", generation).replace("\"one\"", "\"renamed\""));
        apply(&*connector, titled(&user(2), 1, "two")).await.unwrap();
        drop(connector);
        apply(&*bed.connect(), titled(&user(3), 1, "three")).await.unwrap();
        assert_eq!(titles(&bed), ["renamed", "two", "three"], "{generation:?}");
    }
}

#[tokio::test]
async fn merge_appends_nothing_to_a_journal_that_failed() {
    let bed = Bed::new(json!({ "on-external-edit": "merge", "mode": "journal" }));
    let connector = bed.connect();
    apply(&*connector, titled(&user(1), 1, "one")).await.unwrap();
    symlink("/dev/full", bed.path("users.json.journal")).unwrap();
    apply(&*connector, titled(&user(2), 1, "two")).await.unwrap_err();
    fs::remove_file(bed.path("users.json.journal")).unwrap();
    bed.write(&bed.text().replace("\"one\"", "\"renamed\""));
    apply(&*connector, titled(&user(2), 1, "two")).await.unwrap();
    assert_eq!(titles(&bed), ["renamed", "two"]);
}

#[tokio::test]
async fn overwrite_goes_on_from_ours_and_keeps_theirs_beside_it() {
    let (bed, connector) = edited("overwrite", "snapshot").await;
    apply(&*connector, titled(&user(3), 1, "three")).await.unwrap();
    assert_eq!((titles(&bed), conflicts(&bed)), (vec!["one".into(), "three".into()], 1));
}

#[tokio::test]
async fn a_file_that_does_not_parse_is_never_overwritten() {
    for text in ["", "{", "[]", "{\"users\": {}}", "{\"users\": [{\"id\": 1}]}", "{\"note\": \"mine\"}"] {
        for policy in ["fail", "merge", "overwrite"] {
            let (bed, connector) = edited(policy, "snapshot").await;
            bed.write(text);
            let error = apply(&*connector, titled(&user(3), 1, "three")).await.unwrap_err();
            assert_eq!((error.class(), &*bed.text()), (&ErrorClass::Misconfigured, text), "{policy}");
            drop(connector);
            let error = apply(&*bed.connect(), titled(&user(3), 1, "three")).await.unwrap_err();
            assert_eq!((error.class(), &*bed.text()), (&ErrorClass::Misconfigured, text), "{policy}, restarted");
        }
    }
}

#[tokio::test]
async fn a_copy_with_the_same_bytes_is_no_edit() {
    let (bed, connector) = edited("fail", "snapshot").await;
    bed.write(
        &bed.text()
            .lines()
            .filter(|line| !line.contains("by hand"))
            .fold(String::new(), |text, line| text + &line.replace("renamed", "one") + "\n"),
    );
    apply(&*connector, titled(&user(3), 1, "three")).await.unwrap();
    assert_eq!(titles(&bed), ["one", "three"]);
}

#[tokio::test]
async fn a_removed_file_comes_back_unless_the_policy_is_fail() {
    for (policy, comes_back) in [("fail", false), ("merge", true), ("overwrite", true)] {
        let (bed, connector) = edited(policy, "snapshot").await;
        fs::remove_file(bed.path("users.json")).unwrap();
        assert_eq!(apply(&*connector, titled(&user(3), 1, "three")).await.is_ok(), comes_back, "{policy}");
        assert_eq!(bed.path("users.json").exists(), comes_back, "{policy}");
    }
}
