//! Many clients change one group at once: nothing acknowledged is lost, in the store or downstream.

use std::{
    collections::BTreeSet,
    net::SocketAddr,
    path::Path,
    sync::Barrier,
    thread,
    time::{Duration, Instant},
};

use serde_json::json;

use crate::{
    downstream::Downstream,
    http::Client,
    relay::Home,
    verify::{deliveries_owed, group, group_of},
    writer::{create_group, id_of, member_operation, patch},
};

/// G08: two hundred clients each add their member in the same moment; then half of them remove theirs again while as
/// many others are added.
#[test]
fn g08_two_hundred_concurrent_member_changes_are_all_kept() {
    let directory = tempfile::tempdir().unwrap();
    let home = Home::new(directory.path(), true);
    let people = directory.path().join("people.json");
    let key = home.create_key();
    let (_relay, _) = home.start();
    let users = create_users(home.scim, &key, 300);
    let group_id = create_group(&mut Client::new(home.scim, Some(&key)), "crowd");

    let adds: Vec<(bool, &str)> = users[..200].iter().map(|id| (true, id.as_str())).collect();
    change_at_once(home.scim, &key, &group_id, &adds);
    expect_members(&home, &people, &key, &group_id, users[..200].iter().cloned().collect());

    let removes = users[..100].iter().map(|id| (false, id.as_str()));
    let mixed: Vec<(bool, &str)> = removes
        .zip(users[200..].iter().map(|id| (true, id.as_str())))
        .flat_map(|(remove, add)| [remove, add])
        .collect();
    change_at_once(home.scim, &key, &group_id, &mixed);
    expect_members(&home, &people, &key, &group_id, users[100..].iter().cloned().collect());
}

fn create_users(scim: SocketAddr, key: &str, count: usize) -> Vec<String> {
    let mut client = Client::new(scim, Some(key));
    (0..count)
        .map(|number| {
            let body = json!({
                "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
                "userName": format!("crowd-{number}@acme.example"),
            });
            let answer = client.request("POST", "/scim/v2/Users", Some(&body.to_string())).unwrap();
            assert_eq!(answer.status, 201, "{}", answer.body);
            id_of(&answer)
        })
        .collect()
}

/// Sends one PATCH a change, all in the same moment, each over its own connection; each must be acknowledged, if need
/// be after being asked to wait.
fn change_at_once(scim: SocketAddr, key: &str, group_id: &str, changes: &[(bool, &str)]) {
    let barrier = Barrier::new(changes.len());
    thread::scope(|scope| {
        for &(add, id) in changes {
            let barrier = &barrier;
            scope.spawn(move || {
                let mut client = Client::new(scim, Some(key));
                let body = patch(&member_operation(add, id));
                barrier.wait();
                let started = Instant::now();
                loop {
                    let answer = client.request("PATCH", &format!("/scim/v2/Groups/{group_id}"), Some(&body)).unwrap();
                    match answer.status {
                        200 | 204 => return,
                        429 | 503 if started.elapsed() < Duration::from_secs(20) => {
                            thread::sleep(Duration::from_millis(50));
                        }
                        status => panic!("{status} {}", answer.body),
                    }
                }
            });
        }
    });
}

/// The group has exactly these members: in the relay at once, in the file as soon as nothing is owed any more.
fn expect_members(home: &Home, people: &Path, key: &str, group_id: &str, expected: BTreeSet<String>) {
    let served = group(&mut Client::new(home.scim, Some(key)), group_id).unwrap().members;
    assert_eq!(served, expected, "in the store");
    let started = Instant::now();
    loop {
        let (_, groups) = Downstream::file("people", people).look();
        let delivered = groups.get(group_id).map(|entry| group_of(entry).members).unwrap_or_default();
        if delivered == expected {
            return;
        }
        assert!(
            started.elapsed() < Duration::from_secs(30),
            "in the file: {} members of {}, {} deliveries pending\n{}",
            delivered.len(),
            expected.len(),
            deliveries_owed(home),
            home.log_tail()
        );
        thread::sleep(Duration::from_millis(20));
    }
}
