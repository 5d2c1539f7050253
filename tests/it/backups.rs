//! Backups, and stores made of them.

use std::{
    collections::BTreeSet,
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

use scim_connector::ResourceId;
use scim_relay::{
    store::{Connector, ConnectorState, Delivery, Error, OwedState, Store as _, sqlite},
    time::Clock,
};
use serde_json::json;

use crate::{
    sqlite_store::open,
    store_bench::{Bench, START, asked, connector, group, minutes, tenant, user},
};

async fn bench(data_dir: &Path, clock: &Clock) -> Bench {
    Bench::new(open(data_dir, clock.clone()).unwrap(), clock.clone()).await
}

async fn backup(bench: &Bench, directory: &Path) -> PathBuf {
    bench.store.backup(directory.join("backup.db")).await.unwrap().file
}

#[tokio::test]
async fn t12_t24_a_backup_is_the_owners_alone_and_has_no_passwords() {
    let directory = tempfile::tempdir().unwrap();
    let clock = Clock::manual(START);
    let bench = bench(&directory.path().join("data"), &clock).await;
    bench.configure(tenant("acme", vec![Connector { passwords: true, ..connector("ldap") }])).await;
    bench.create("User", json!({ "userName": "ada", "password": "secret" })).await;
    assert!(bench.due("ldap").await[0].password.is_some(), "there is one to leave out");

    let file = backup(&bench, directory.path()).await;
    assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    let sql = rusqlite::Connection::open(&file).unwrap();
    let count =
        |table: &str| -> i64 { sql.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get(0)).unwrap() };
    assert_eq!((count("resources"), count("passwords")), (1, 0));
    let again = bench.store.backup(file).await.unwrap_err();
    assert!(again.to_string().contains("exists"), "{again}");
    let files: BTreeSet<_> = fs::read_dir(directory.path()).unwrap().map(|file| file.unwrap().file_name()).collect();
    assert_eq!(files, BTreeSet::from(["backup.db".into(), "data".into()]), "nothing else is left");
    assert!(bench.due("ldap").await[0].password.is_some(), "it is still to be delivered");
}

#[tokio::test]
async fn g05_g06_after_a_restore_all_that_a_connector_holds_is_owed_again_whole_and_newer_than_it_has_seen() {
    let directory = tempfile::tempdir().unwrap();
    let clock = Clock::manual(START);
    let (ada, bob, team, late, backup, seen, newest) = {
        let bench = bench(&directory.path().join("lost"), &clock).await;
        let ada = bench.create("User", user("ada")).await;
        let bob = bench.create("User", user("bob")).await;
        let team = bench.create("Group", group("team", &[ada, bob])).await;
        bench.drain("ldap").await;
        // One is owed when the backup is made, and so it is when it is restored.
        let zoe = bench.create("User", user("zoe")).await;
        let late = bench.create("Group", group("late", &[])).await;
        let backup = backup(&bench, directory.path()).await;
        // What follows is confirmed, and lost.
        bench.replace("User", ada, json!({ "userName": "ada", "title": "x" })).await.unwrap();
        let cyn = bench.create("User", user("cyn")).await;
        bench.add_member(team, &cyn.to_string()).await;
        let mut seen = Vec::new();
        loop {
            let due = bench.due("ldap").await;
            let Some(delivery) = due.first() else { break };
            seen.push((delivery.id, delivery.resource, delivery.version));
            bench.apply("ldap", delivery).await;
        }
        assert!(seen.iter().any(|(_, resource, _)| *resource == zoe));
        (ada, bob, team, late, backup, seen, cyn)
    };
    clock.advance(minutes(1));
    let data_dir = directory.path().join("data");
    let restored = sqlite::restore(&data_dir, &backup, clock.now()).unwrap();
    assert_eq!((restored.at, restored.resources), (START, 5));

    let bench = bench(&data_dir, &clock).await;
    let connectors = bench.store.connectors().await.unwrap();
    assert!(connectors.iter().all(|status| status.state == ConnectorState::Paused), "{connectors:?}");
    let ldap = connectors.iter().find(|status| &*status.name.0 == "ldap").unwrap().name.clone();
    while bench.store.backfill(&ldap, 1).await.unwrap() {}
    let due = bench.due("ldap").await;
    let of = |id: ResourceId| due.iter().find(|delivery| delivery.resource == id).unwrap();
    assert_eq!(due.len(), 5);
    for delivery in &due {
        for (id, resource, version) in &seen {
            assert!(
                *id < delivery.id || delivery.version == of(delivery.resource).version,
                "numbers are not used again"
            );
            assert!(
                *resource != delivery.resource || *version < delivery.version,
                "nothing older after something newer"
            );
        }
    }
    for id in [ada, bob, team] {
        let delivery = of(id);
        assert_eq!(delivery.confirmed_version, 0, "which of its states the connector has is not known");
        assert!(delivery.remote.is_some(), "which entry it is, is");
    }
    assert_eq!(asked(&due, team), (vec![ada, bob], vec![]), "all members");
    assert!(is_whole(of(team)), "and no others");
    // It may have arrived.
    assert!(is_whole(of(late)) && of(late).remote.is_none());
    assert!(newest < bench.create("User", user("new")).await, "ids are not used again");
    bench.drain("ldap").await;
    bench.add_member(team, &newest.to_string()).await;
    assert!(!is_whole(&bench.due("ldap").await[0]), "once it is confirmed, changes will do");
    assert_eq!(bench.store.check().await.unwrap(), []);
    bench.store.verify_audit().await.unwrap();
}

fn is_whole(delivery: &Delivery) -> bool {
    matches!(&delivery.state, OwedState::Present { members: Some(delta), .. } if delta.whole)
}

#[tokio::test]
async fn a_restore_refuses_what_it_would_overwrite_and_what_is_no_sound_backup() {
    let directory = tempfile::tempdir().unwrap();
    let clock = Clock::manual(START);
    let used = directory.path().join("used");
    let bench = bench(&used, &clock).await;
    bench.create("User", user("ada")).await;
    let backup = backup(&bench, directory.path()).await;
    let refusal = |data_dir: &Path, file: &Path| sqlite::restore(data_dir, file, START).unwrap_err();
    assert!(matches!(refusal(&used, &backup), Error::Locked { .. }));
    drop(bench);
    assert!(refusal(&used, &backup).to_string().contains("has a store"));

    let empty = directory.path().join("empty");
    assert!(refusal(&empty, &used.join("relay.db")).to_string().contains("is no backup"));
    assert!(refusal(&empty, Path::new(file!())).to_string().contains("is no backup"));
    let changed = directory.path().join("changed.db");
    let change = |statement: &str| {
        fs::copy(&backup, &changed).unwrap();
        rusqlite::Connection::open(&changed).unwrap().execute_batch(statement).unwrap();
    };
    change("PRAGMA user_version = 99");
    assert!(refusal(&empty, &changed).to_string().contains("written by a newer program"));
    change("PRAGMA writable_schema = ON; UPDATE sqlite_schema SET rootpage = 3 WHERE name = 'resource_ids'");
    assert!(matches!(refusal(&empty, &changed), Error::Corrupt { .. }));

    // None of that left a store, and a backup is none either.
    fs::copy(&backup, empty.join("relay.db")).unwrap();
    assert!(open(&empty, clock.clone()).err().unwrap().to_string().contains("is a backup"));
    fs::remove_file(empty.join("relay.db")).unwrap();
    sqlite::restore(&empty, &backup, START).unwrap();
    assert_eq!(open(&empty, clock).unwrap().verify_audit().await.unwrap().entries, 2);
}
