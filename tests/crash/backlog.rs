//! A crash with a large backlog.

use std::{
    collections::BTreeSet,
    thread,
    time::{Duration, Instant},
};

use scim_connector_test_http::server::{Fault, Server};
use serde_json::{Value, json};

use crate::{downstream::Downstream, http::Client, moment, number, relay::Home, verify};

/// Operations of one bulk request.
const BULK: usize = 1_000;
/// Clients that fill the store.
const CLIENTS: usize = 4;
/// What is promised of 100,000 waiting deliveries on a release build, with room for a machine that is busy.
const FIRST_READ_MAX: Duration = Duration::from_secs(2);
const FIRST_DELIVERY_MAX: Duration = Duration::from_secs(5);

/// G13: the relay is killed with all its users still owed to a system that was down, which `BACKLOG` says the number of;
/// it soon answers and delivers, and delivers all.
#[test]
fn g13_a_relay_killed_with_a_large_backlog_soon_answers_and_delivers_it() {
    let users = usize::try_from(number("BACKLOG").unwrap_or(4_000)).unwrap();
    let directory = tempfile::tempdir().unwrap();
    let server = Server::start().unwrap();
    server.fail(|_, _| Fault::Drop);
    let system = Downstream::http("directory", server);
    let home = Home::with(directory.path(), &system.tables(0));
    let key = home.create_key();
    let (mut relay, _) = home.start();
    let names = fill(&home, &key, users);
    assert_eq!(verify::deliveries_owed(&home), names.len() as u64, "proves nothing: it is delivered already");
    moment::kill(&mut relay);

    let server = system.server().unwrap();
    server.heal();
    let before = server.counts();
    let started = Instant::now();
    let _relay = home.spawn();
    let mut client = Client::new(home.scim, Some(&key));
    let (mut first_read, mut first_delivery) = (None, None);
    while first_read.is_none() || first_delivery.is_none() {
        if first_read.is_none()
            && matches!(client.request("GET", "/scim/v2/Users?count=1", None), Ok(answer) if answer.status == 200)
        {
            first_read = Some(started.elapsed());
        }
        if first_delivery.is_none() && server.counts().changes > before.changes {
            first_delivery = Some(started.elapsed());
        }
        assert!(started.elapsed() < Duration::from_secs(60), "not back: {first_read:?}, {first_delivery:?}");
        thread::sleep(Duration::from_millis(1));
    }
    let mut pending = names.len() as u64;
    while pending > 0 {
        thread::sleep(Duration::from_millis(20));
        let now = verify::deliveries_owed(&home);
        assert!(now <= pending, "{now} owed after {pending}");
        pending = now;
        assert!(started.elapsed() < Duration::from_secs(600), "{pending} are still owed\n{}", home.log_tail());
    }
    let drained = started.elapsed();
    let (first_read, first_delivery) = (first_read.unwrap(), first_delivery.unwrap());
    println!(
        "crash: {} users owed at a kill: first good read after {} ms, first delivery after {} ms, all after {} ms",
        names.len(),
        first_read.as_millis(),
        first_delivery.as_millis(),
        drained.as_millis()
    );
    let there: BTreeSet<String> =
        server.entries("User").values().map(|entry| verify::text(&entry.attributes["userName"])).collect();
    assert!(there == names, "{} of {} are there", there.len(), names.len());
    assert_eq!(server.violations(), Vec::<String>::new());
    assert!(first_read < FIRST_READ_MAX, "{first_read:?}");
    assert!(first_delivery < FIRST_DELIVERY_MAX, "{first_delivery:?}");
}

/// Creates so many users; their names.
fn fill(home: &Home, key: &str, users: usize) -> BTreeSet<String> {
    let names: Vec<String> = (0..users).map(|number| format!("person-{number}@acme.example")).collect();
    let next = std::sync::Mutex::new(names.chunks(BULK));
    thread::scope(|scope| {
        for _ in 0..CLIENTS {
            scope.spawn(|| {
                let mut client = Client::new(home.scim, Some(key));
                loop {
                    let Some(chunk) = next.lock().unwrap().next() else { return };
                    create(&mut client, chunk);
                }
            });
        }
    });
    names.into_iter().collect()
}

fn create(client: &mut Client, names: &[String]) {
    let operation = |name: &String| {
        json!({
            "method": "POST", "path": "/Users", "bulkId": name,
            "data": { "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": name },
        })
    };
    let body = json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"],
        "Operations": names.iter().map(operation).collect::<Vec<_>>(),
    });
    let answer = client.request("POST", "/scim/v2/Bulk", Some(&body.to_string())).unwrap();
    assert_eq!(answer.status, 200, "{}", answer.body);
    let done: Value = serde_json::from_str(&answer.body).unwrap();
    let done = done["Operations"].as_array().unwrap();
    assert!(done.len() == names.len() && done.iter().all(|done| done["status"] == "201"), "not all are created");
}
