//! What is measured of leavers, and what an operator sees of them.

use std::{path::Path, sync::Arc};

use scim_relay::{
    metrics::Metrics,
    operator::Command,
    store::{
        LeaverSelection, Outcome,
        sqlite::{Options, SqliteStore},
    },
    time::Clock,
};
use serde_json::json;

use crate::{
    bodies::{id, patch, user},
    relay::Relay,
    store_bench::{self, Bench, START, connector, minutes, tenant},
};

/// The value of a line of the metrics.
fn value(text: &str, line: &str) -> Option<f64> {
    text.lines().find_map(|found| found.strip_prefix(line)?.trim().parse().ok())
}

async fn open(folder: &Path, clock: &Clock) -> (Bench, Arc<Metrics>) {
    let metrics = Arc::new(Metrics::new().unwrap());
    let store = SqliteStore::open(Options::new(folder.to_owned(), clock.clone(), metrics.clone())).unwrap();
    let bench = Bench::new(store, clock.clone()).await;
    bench.configure(tenant("acme", vec![connector("ldap"), connector("sql")])).await;
    (bench, metrics)
}

#[tokio::test]
async fn a_leaver_is_measured_at_each_connector_and_at_the_last_over_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let clock = Clock::manual(START);
    let (bench, metrics) = open(folder.path(), &clock).await;
    let ada = bench.create("User", store_bench::user("ada")).await;
    bench.drain("ldap").await;
    bench.drain("sql").await;
    bench.replace("User", ada, json!({ "userName": "ada", "active": false })).await.unwrap();
    clock.advance(minutes(2));
    bench.drain("ldap").await;
    let text = String::from_utf8(metrics.text()).unwrap();
    assert_eq!(value(&text, r#"scim_relay_leaver_seconds_sum{connector="ldap",tenant="acme"}"#), Some(120.0));
    assert!(!text.contains("scim_relay_leaver_everywhere_seconds_sum"), "sql has not confirmed it");
    bench.store.close().await;
    drop(bench);

    clock.advance(minutes(60));
    let (bench, metrics) = open(folder.path(), &clock).await;
    bench.settle("sql", &bench.due("sql").await[0], Outcome::Dead { message: "no".to_owned() }).await;
    assert!(!String::from_utf8(metrics.text()).unwrap().contains("scim_relay_leaver_seconds_sum"));
    bench.delete("User", ada).await.unwrap();
    bench.drain("sql").await;
    let text = String::from_utf8(metrics.text()).unwrap();
    assert_eq!(value(&text, r#"scim_relay_leaver_seconds_sum{connector="sql",tenant="acme"}"#), Some(3_720.0));
    assert_eq!(value(&text, r#"scim_relay_leaver_everywhere_seconds_sum{tenant="acme"}"#), Some(3_720.0));
    assert_eq!(value(&text, r#"scim_relay_leaver_everywhere_seconds_bucket{tenant="acme",le="3600"}"#), Some(0.0));
    assert_eq!(value(&text, r#"scim_relay_leaver_everywhere_seconds_bucket{tenant="acme",le="14400"}"#), Some(1.0));
}

#[tokio::test]
async fn an_operator_sees_who_may_still_have_access_and_can_say_that_it_ended() {
    let relay = Relay::start("").await;
    relay.break_downstream();
    let ada = id(&relay.post("/Users", &user("ada")).await.body).to_owned();
    let open = r#"scim_relay_leavers{connector="people",tenant="acme"}"#;
    let oldest = r#"scim_relay_leaver_oldest_seconds{connector="people",tenant="acme"}"#;
    let text = relay.metrics().await;
    assert_eq!((value(&text, open), value(&text, oldest)), (Some(0.0), Some(0.0)));

    let disable = patch(json!([{ "op": "replace", "path": "active", "value": false }]));
    assert_eq!(relay.patch(&format!("/Users/{ada}"), &disable).await.status, 200);
    let list = || relay.operate(Command::LeaversList { selection: LeaverSelection::default(), limit: 10 });
    let listed = list().await.unwrap();
    assert_eq!(listed["leavers"][0]["resource"], ada);
    let removal = &listed["leavers"][0]["removal"];
    assert!(removal == "pending" || removal == "retrying", "{listed}");
    assert!(!listed.to_string().contains("ada\""), "no personal data: {listed}");
    let text = relay.metrics().await;
    assert_eq!(value(&text, open), Some(1.0));
    assert!(value(&text, oldest).is_some());

    let close = || {
        let (connector, resource) = (crate::harness::connector(), ada.parse().unwrap());
        relay.operate(Command::LeaversClose { connector, resource })
    };
    close().await.unwrap();
    assert_eq!(list().await.unwrap()["leavers"], json!([]));
    assert!(close().await.unwrap_err().contains("there is no leaver"));
    assert_eq!(relay.pending().await, 1, "what is owed is still owed");
}
