//! The suite on SQLite, and what only the embedded store promises.

use std::{collections::BTreeSet, fs::Permissions, os::unix::fs::PermissionsExt as _, path::Path, sync::Arc};

use scim_connector::Secret;
use scim_relay::{
    metrics::Metrics,
    scim::schema::ResourceTypes,
    store::{
        Connector, Error, Retention, Store as _,
        sqlite::{Options, SqliteStore},
    },
    time::Clock,
};
use serde_json::json;

use crate::{
    store_bench::{Bench, START, connector, group, minutes, tenant, user},
    store_suite,
};

pub(crate) fn open(data_dir: &Path, clock: Clock) -> Result<Arc<SqliteStore>, Error> {
    SqliteStore::open(Options {
        data_dir: data_dir.to_owned(),
        clock,
        metrics: Arc::new(Metrics::new().unwrap()),
        sealing_key: Some(Secret::new(vec![7; 32])),
        read_connections: 2,
        queue_max: 1024,
        sorted_max: 100_000,
        on_runtime: false,
    })
}

macro_rules! suite {
    ($($name:ident)*) => {$(
        #[tokio::test]
        async fn $name() {
            let directory = tempfile::tempdir().unwrap();
            let clock = Clock::manual(START);
            let store = open(directory.path(), clock.clone()).unwrap();
            store_suite::$name(Bench::new(store.clone(), clock).await).await;
            if store_is_open(&store).await {
                store.verify_audit().await.unwrap();
                assert_eq!(store.check().await.unwrap(), []);
            }
        }
    )*};
}

async fn store_is_open(store: &SqliteStore) -> bool {
    scim_relay::store::Store::ready(store).await.is_ok()
}

suite! {
    a_write_is_read_back
    a_reserved_id_is_the_id_of_what_is_created_as_it
    writes_done_together_are_all_done_or_none
    writes_are_done_in_the_order_in_which_they_are_begun
    a_type_and_a_tenant_see_only_their_own
    g08_of_concurrent_creates_of_one_name_one_wins
    g08_concurrent_members_are_all_there
    g08_a_wrong_if_match_changes_nothing
    unique_values_are_unique_and_free_again
    a_rehire_needs_the_switch_and_the_external_id
    a_switch_forbids_deactivation
    pages_keep_order_and_total_after_deletions
    filters_and_sorting_find_what_they_should
    a_refused_patch_of_a_group_leaves_nothing
    a_deleted_member_leaves_its_groups
    g05_changes_of_one_resource_fold
    g05_a_swap_of_names_is_delivered_in_order
    a_freed_name_is_taken_after_it_is_free
    removals_go_first
    the_leaver_clock_runs_until_the_connector_confirms
    who_comes_back_is_no_leaver
    g05_a_user_created_and_disabled_in_an_outage_ends_disabled
    an_earlier_state_that_is_in_use_does_not_stop_the_leaver_clock
    the_leaver_clock_runs_only_where_access_is_to_be_taken
    leavers_at_a_removed_connector_stay_until_a_person_closes_them
    members_wait_until_they_are_confirmed
    g06_a_dead_letter_is_revived_by_a_newer_change
    a_retry_waits_for_its_time_or_an_operator
    a_new_connector_is_owed_what_was_there
    members_can_be_removed_by_type
    g06_a_member_lost_while_its_group_is_under_way_is_added_again
    a_connector_without_groups_waits_for_no_members
    a_connector_that_comes_back_is_owed_what_it_missed
    a_connector_that_takes_more_types_is_owed_them
    a_connector_is_one_tenants_for_ever
    another_fingerprint_owes_what_was_confirmed_again
    g15_what_came_of_a_call_is_recorded_under_the_configuration_that_it_was_made_under
    another_configuration_lets_a_suspended_connector_deliver
    what_is_known_of_a_removed_connector_is_kept_until_it_is_discarded
    a_connector_is_not_pointed_at_another_system_before_it_is_reset
    g20_what_took_effect_after_a_discard_is_recorded
    what_may_have_taken_effect_is_removed_after_a_discard
    g05_a_member_is_deleted_after_its_group_let_go_of_it
    a_retry_of_an_old_version_does_not_delay_a_newer
    deliveries_under_way_do_not_count_towards_the_limit
    credentials_are_kept_used_and_revoked
    a_reference_resolves_when_what_it_names_arrives
    references_that_name_nobody_are_counted_by_tenant
    unknown_shapes_fold_and_the_oldest_go
    a_closed_store_says_so
    a_unique_identifier_must_be_unique_when_it_becomes_one
    an_index_is_built_over_what_is_stored_and_dropped
    declared_attributes_are_unique_by_their_case
    a_swap_of_declared_unique_values_is_delivered_in_order
    schemas_that_stored_resources_break_are_refused
    values_that_are_shared_cannot_become_unique
    a_declared_type_goes_only_without_resources
}

#[tokio::test]
async fn g01_what_was_acknowledged_is_there_after_a_restart() {
    let directory = tempfile::tempdir().unwrap();
    let clock = Clock::manual(START);
    let (ada, team, due) = {
        let store = open(directory.path(), clock.clone()).unwrap();
        assert!(matches!(open(directory.path(), clock.clone()), Err(Error::Locked { .. })));
        let bench = Bench::new(store, clock.clone()).await;
        let ada = bench.create("User", user("ada")).await;
        (ada, bench.create("Group", group("team", &[ada])).await, bench.due("ldap").await.len())
    };
    let store = open(directory.path(), clock.clone()).unwrap();
    let bench = Bench::new(store.clone(), clock).await;
    assert!(bench.get("User", ada).await.is_some());
    assert_eq!(bench.member_values(team).await, [ada.to_string()]);
    assert_eq!(bench.due("ldap").await.len(), due);
    assert!(bench.create("User", user("bob")).await > team, "ids go on rising");
    assert_eq!(bench.find("User", None, None, (1, 10)).await.total, Some(2));
    assert_eq!(store.verify_audit().await.unwrap().entries, 3);
}

#[tokio::test]
async fn g17_no_id_is_given_twice_whatever_the_clock_shows_at_a_restart() {
    let directory = tempfile::tempdir().unwrap();
    let clock = Clock::manual(START);
    let mut given = BTreeSet::new();
    for round in 0..6 {
        let bench = Bench::new(open(directory.path(), clock.clone()).unwrap(), clock.clone()).await;
        for number in 0..8 {
            let latest = bench.create("User", user(&format!("user-{round}-{number}"))).await;
            assert!(given.insert(latest), "{latest} is given again");
            if number == 7 {
                bench.delete("User", latest).await.unwrap();
            }
        }
    }
}

#[tokio::test]
async fn t24_files_are_the_owners_alone() {
    let directory = tempfile::tempdir().unwrap();
    let data_dir = directory.path().join("data");
    let store = open(&data_dir, Clock::manual(START)).unwrap();
    let bench = Bench::new(store, Clock::manual(START)).await;
    bench.create("User", user("ada")).await;
    let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&data_dir), 0o700);
    for entry in data_dir.read_dir().unwrap() {
        assert_eq!(mode(&entry.unwrap().path()), 0o600);
    }
}

#[tokio::test]
async fn t24_a_store_that_others_could_read_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let data_dir = directory.path().join("data");
    drop(open(&data_dir, Clock::manual(START)).unwrap());
    for (path, looser, mode) in [(data_dir.clone(), 0o750, 0o700), (data_dir.join("relay.db"), 0o604, 0o600)] {
        std::fs::set_permissions(&path, Permissions::from_mode(looser)).unwrap();
        let refusal = open(&data_dir, Clock::manual(START)).err().unwrap().to_string();
        let remedy = format!("chmod {mode:04o} {}", path.display());
        assert!(refusal.contains(&format!("its mode is {looser:04o}")) && refusal.ends_with(&remedy), "{refusal}");
        std::fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
        drop(open(&data_dir, Clock::manual(START)).unwrap());
    }
}

#[tokio::test]
async fn t11_entries_that_are_missing_are_missed_wherever_they_were() {
    for (removed, place) in [("seq = 1", "audit entry 2"), ("seq = 2", "audit entry 3"), ("seq = 3", "at the end")] {
        let directory = tempfile::tempdir().unwrap();
        let store = open(directory.path(), Clock::manual(START)).unwrap();
        let bench = Bench::new(store.clone(), Clock::manual(START)).await;
        for name in ["a", "b", "c"] {
            bench.create("User", user(name)).await;
        }
        let sql = rusqlite::Connection::open(directory.path().join("relay.db")).unwrap();
        sql.execute(&format!("DELETE FROM audit WHERE {removed}"), []).unwrap();
        let error = store.verify_audit().await.unwrap_err();
        assert!(error.to_string().contains(place), "{error}");
    }
}

#[tokio::test]
async fn g20_another_configuration_is_in_the_audit_chain_with_what_became_of_the_connectors() {
    let directory = tempfile::tempdir().unwrap();
    let clock = Clock::manual(START);
    let store = open(directory.path(), clock.clone()).unwrap();
    let bench = Bench::new(store.clone(), clock).await;
    let changed = Connector { fingerprint: "other".into(), ..connector("ldap") };
    for connectors in [vec![changed.clone(), connector("sql")], vec![changed, connector("sql")], vec![connector("sql")]]
    {
        bench.configure(tenant("acme", connectors)).await;
    }
    let sql = rusqlite::Connection::open(directory.path().join("relay.db")).unwrap();
    let mut statement =
        sql.prepare("SELECT entry ->> '$.connector', entry ->> '$.action' FROM audit ORDER BY seq").unwrap();
    let entries = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
    let entries: Vec<(Option<String>, String)> = entries.map(Result::unwrap).collect();
    let of = |connector: &str, action: &str| (Some(connector.to_owned()), action.to_owned());
    let configured = (None, "configured".to_owned());
    assert_eq!(
        entries,
        [
            configured.clone(),
            of("ldap", "changed"),
            of("sql", "added"),
            configured.clone(),
            configured,
            of("ldap", "removed"),
        ]
    );
    store.verify_audit().await.unwrap();
}

#[tokio::test]
async fn t11_old_entries_go_and_what_is_left_still_proves_itself() {
    let directory = tempfile::tempdir().unwrap();
    let clock = Clock::manual(START);
    let store = open(directory.path(), clock.clone()).unwrap();
    let bench = Bench::new(store.clone(), clock.clone()).await;
    for name in ["a", "b", "c", "d", "e"] {
        bench.create("User", user(name)).await;
        clock.advance(minutes(1));
    }
    let retention = Retention { audit_before: Some(START.after(minutes(3))), unknown_before: None };
    assert!(store.retain(&retention, 2).await.unwrap(), "a few at a time");
    assert!(!store.retain(&retention, 2).await.unwrap());
    assert!(!store.retain(&retention, 2).await.unwrap());
    let kept = store.verify_audit().await.unwrap();
    assert_eq!((kept.removed, kept.entries), (3, 2));
    // All may go; the chain goes on from where it was.
    let all = Retention { audit_before: Some(START.after(minutes(60))), unknown_before: None };
    assert!(!store.retain(&all, 100).await.unwrap());
    let none = store.verify_audit().await.unwrap();
    assert_eq!((none.removed, none.entries, none.head == kept.head), (5, 0, true));
    bench.create("User", user("f")).await;
    assert_eq!(store.verify_audit().await.unwrap().entries, 1);
    let sql = rusqlite::Connection::open(directory.path().join("relay.db")).unwrap();
    sql.execute("UPDATE audit_ends SET seq = 4 WHERE newest = 0", []).unwrap();
    bench.create("User", user("g")).await;
    assert!(store.verify_audit().await.is_err(), "where it begins is part of it");
}

#[tokio::test]
async fn t11_a_changed_audit_entry_is_named() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path(), Clock::manual(START)).unwrap();
    let bench = Bench::new(store.clone(), Clock::manual(START)).await;
    for name in ["a", "b", "c"] {
        bench.create("User", user(name)).await;
    }
    let sql = rusqlite::Connection::open(directory.path().join("relay.db")).unwrap();
    sql.execute("UPDATE audit SET entry = replace(entry, 'create', 'delete') WHERE seq = 2", []).unwrap();
    let error = store.verify_audit().await.unwrap_err();
    assert!(error.to_string().contains("audit entry 2"), "{error}");
}

#[tokio::test]
async fn a_lookup_by_an_indexed_attribute_reads_the_index_alone() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path(), Clock::manual(START)).unwrap();
    let bench = Bench::new(store, Clock::manual(START)).await;
    bench.configure(store_suite::declaring(ResourceTypes::core(), &["nickName"])).await;
    bench.create("User", json!({ "userName": "ada", "nickName": "Countess" })).await;
    assert_eq!(bench.found("User", "nickName eq \"countess\"").await.len(), 1);
    // What only the index knows: without its row the resource is not found.
    let sql = rusqlite::Connection::open(directory.path().join("relay.db")).unwrap();
    assert_eq!(sql.execute("DELETE FROM indexed_values WHERE attribute >= 100", []).unwrap(), 1);
    let eve = bench.create("User", json!({ "userName": "eve", "nickName": "COUNTESS" })).await;
    assert_eq!(bench.found("User", "nickName eq \"countess\"").await, [eve]);
}

#[tokio::test]
async fn g19_a_newer_schema_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    drop(open(directory.path(), Clock::manual(START)).unwrap());
    let sql = rusqlite::Connection::open(directory.path().join("relay.db")).unwrap();
    sql.execute_batch("PRAGMA user_version = 99").unwrap();
    let refusal = open(directory.path(), Clock::manual(START)).err().unwrap().to_string();
    assert!(refusal.contains("written by a newer program"), "{refusal}");
}

#[tokio::test]
async fn passwords_are_sealed_and_the_newest_is_handed_out_for_a_day() {
    let directory = tempfile::tempdir().unwrap();
    let clock = Clock::manual(START);
    let store = open(directory.path(), clock.clone()).unwrap();
    let bench = Bench::new(store, clock).await;
    let with_passwords = Connector { passwords: true, ..connector("ldap") };
    bench.configure(tenant("acme", vec![with_passwords, connector("sql")])).await;
    let body = |password: &str| json!({ "userName": "ada", "password": password });
    let id = bench.create("User", body("first-secret")).await;
    bench.replace("User", id, body("second-secret")).await.unwrap();

    for entry in directory.path().read_dir().unwrap() {
        let bytes = std::fs::read(entry.unwrap().path()).unwrap();
        assert!(!bytes.windows(6).any(|window| window == b"secret"));
    }
    let due = bench.due("ldap").await;
    assert_eq!(due[0].password.as_ref().unwrap().expose(), b"second-secret");
    assert!(bench.due("sql").await[0].password.is_none());
    bench.apply("ldap", &due[0]).await;
    bench.replace("User", id, json!({ "userName": "ada", "title": "x" })).await.unwrap();
    assert!(bench.due("ldap").await[0].password.is_none(), "erased when applied");
    bench.replace("User", id, body("third-secret")).await.unwrap();
    assert!(bench.due("ldap").await[0].password.is_some());
    bench.clock.advance(minutes(24 * 60));
    assert!(bench.due("ldap").await[0].password.is_none(), "too old");
}
