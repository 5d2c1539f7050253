//! What a relay does when it is told to stop.

use std::{
    collections::BTreeSet,
    process::Command,
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

use crate::{
    http::{Client, Failure},
    relay::Home,
};

const CLIENTS: usize = 8;
/// How long a relay under load may take to end, the requests under way answered.
const END: Duration = Duration::from_secs(10);

/// What a client saw.
#[derive(Default)]
struct Seen {
    /// Names whose creation was acknowledged.
    acknowledged: Vec<String>,
    /// When requests began that were sent and never answered.
    dropped: Vec<Instant>,
}

#[test]
fn g14_a_relay_that_is_told_to_stop_answers_what_it_was_asked_and_ends_with_0() {
    let directory = tempfile::tempdir().unwrap();
    let home = Home::new(directory.path(), true);
    let key = home.create_key();
    let (mut relay, _) = home.start();

    let (progress, acknowledged) = mpsc::channel();
    let (seen, told, status) = thread::scope(|scope| {
        let clients: Vec<_> = (0..CLIENTS)
            .map(|client| {
                let (progress, key) = (progress.clone(), key.as_str());
                scope.spawn(move || write(home.scim, key, client, &progress))
            })
            .collect();
        for _ in 0..200 {
            acknowledged.recv_timeout(Duration::from_secs(30)).unwrap();
        }
        let told = Instant::now();
        let killed = Command::new("kill").args(["-TERM", &relay.child.id().to_string()]).status().unwrap();
        assert!(killed.success());
        let status = loop {
            if let Some(status) = relay.child.try_wait().unwrap() {
                break status;
            }
            assert!(told.elapsed() < END, "the relay does not end\n{}", home.log_tail());
            thread::sleep(Duration::from_millis(5));
        };
        let seen: Vec<_> = clients.into_iter().map(|client| client.join().unwrap()).collect();
        (seen, told, status)
    });

    assert_eq!(status.code(), Some(0), "{}", home.log_tail());
    let dropped = seen.iter().flat_map(|seen| &seen.dropped).filter(|began| **began < told).count();
    assert_eq!(dropped, 0, "requests that were sent before the signal have no answer");

    // What was answered is there, and nothing that was sent needs a second start to be whole.
    let (_relay, _) = home.start();
    let mut client = Client::new(home.scim, Some(&key));
    let list = client.request("GET", "/scim/v2/Users?count=1000&attributes=userName", None).unwrap();
    let list: serde_json::Value = serde_json::from_str(&list.body).unwrap();
    let there: BTreeSet<&str> =
        list["Resources"].as_array().unwrap().iter().map(|user| user["userName"].as_str().unwrap()).collect();
    let lost: Vec<_> =
        seen.iter().flat_map(|seen| &seen.acknowledged).filter(|name| !there.contains(name.as_str())).collect();
    assert_eq!(lost, Vec::<&String>::new());
}

/// Creates users until the relay is gone.
fn write(scim: std::net::SocketAddr, key: &str, client: usize, progress: &mpsc::Sender<()>) -> Seen {
    let mut connection = Client::new(scim, Some(key));
    let mut seen = Seen::default();
    // Fewer than one page shows.
    for number in 0..100 {
        let name = format!("person-{client}-{number}");
        let body = format!(
            r#"{{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"{name}","active":true}}"#
        );
        let began = Instant::now();
        match connection.request("POST", "/scim/v2/Users", Some(&body)) {
            Ok(answer) => {
                assert_eq!(answer.status, 201, "{}", answer.body);
                seen.acknowledged.push(name);
                // Nobody listens any more once enough was seen.
                let _ = progress.send(());
            }
            Err(Failure::NotSent(_)) => return seen,
            Err(Failure::Unknown(_)) => {
                seen.dropped.push(began);
                return seen;
            }
        }
    }
    seen
}
