//! A backup of a relay that works, and a relay made of it.

use std::{
    fs,
    path::Path,
    sync::{
        Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use serde_json::Value;

use crate::{http::Client, relay::Home};

const CLIENTS: usize = 4;
/// How long what is owed again may take to be delivered.
const DELIVERY: Duration = Duration::from_secs(30);

#[test]
fn g01_t24_a_restored_backup_has_all_that_was_acknowledged_before_it_and_delivers_it_whole_when_told() {
    let directory = tempfile::tempdir().unwrap();
    let home = Home::new(directory.path(), true);
    let key = home.create_key();
    let (relay, _) = home.start();
    let mut client = Client::new(home.scim, Some(&key));
    let first = create(&mut client, "Users", r#""userName":"first""#);
    let group = create(&mut client, "Groups", &format!(r#""displayName":"team","members":[{{"value":"{first}"}}]"#));

    let people = directory.path().join("people.json");
    let (acknowledged, over) = (Mutex::new(Vec::new()), AtomicBool::new(false));
    let backup = directory.path().join("backup.db");
    let before = thread::scope(|scope| {
        for writer in 0..CLIENTS {
            let (acknowledged, over, key, home) = (&acknowledged, &over, &key, &home);
            scope.spawn(move || {
                let mut client = Client::new(home.scim, Some(key));
                for number in 0.. {
                    let name = format!("person-{writer}-{number}");
                    create(&mut client, "Users", &format!(r#""userName":"{name}""#));
                    acknowledged.lock().unwrap().push(name);
                    if over.load(Ordering::SeqCst) {
                        return;
                    }
                }
            });
        }
        wait_for(&acknowledged, 50);
        let before = acknowledged.lock().unwrap().clone();
        home.command(&["backup", backup.to_str().unwrap()]);
        wait_for(&acknowledged, before.len() + 50);
        over.store(true, Ordering::SeqCst);
        before
    });
    // Confirmed downstream, and unknown to the backup.
    let late = create(&mut client, "Users", r#""userName":"late""#);
    let add = format!(
        r#"{{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
        "Operations":[{{"op":"add","path":"members","value":[{{"value":"{late}"}}]}}]}}"#
    );
    assert!(client.request("PATCH", &format!("/scim/v2/Groups/{group}"), Some(&add)).unwrap().status < 300);
    wait_until(|| members(&people, &group).contains(&late), "the group has its late member downstream");

    drop(relay);
    fs::rename(directory.path().join("data"), directory.path().join("lost")).unwrap();
    let told = home.command(&["restore", backup.to_str().unwrap()]);
    assert!(told.contains("paused: people"), "{told}");
    let (_relay, _) = home.start();
    let mut client = Client::new(home.scim, Some(&key));
    for name in &before {
        let target = format!("/scim/v2/Users?filter=userName%20eq%20%22{name}%22");
        let found: Value = serde_json::from_str(&client.request("GET", &target, None).unwrap().body).unwrap();
        assert_eq!(found["totalResults"], 1, "{name} was acknowledged before the backup began");
    }
    assert!(members(&people, &group).contains(&late), "nothing is delivered until someone says so");
    assert_eq!(home.command(&["store", "check"]).trim(), "the store is sound");
    assert!(home.command(&["audit", "verify"]).contains("head: "));

    home.command(&["connector", "resume", "people"]);
    wait_until(|| members(&people, &group) == [first.clone()], "the group has the members of the store, no more");
}

fn create(client: &mut Client, endpoint: &str, attributes: &str) -> String {
    let answer = client.request("POST", &format!("/scim/v2/{endpoint}"), Some(&format!("{{{attributes}}}"))).unwrap();
    assert_eq!(answer.status, 201, "{}", answer.body);
    serde_json::from_str::<Value>(&answer.body).unwrap()["id"].as_str().unwrap().to_owned()
}

/// The members of a group as the JSON file has them.
fn members(people: &Path, group: &str) -> Vec<String> {
    let Ok(text) = fs::read_to_string(people) else { return Vec::new() };
    let file: Value = serde_json::from_str(&text).unwrap();
    let groups = file["groups"].as_array().map(Vec::as_slice).unwrap_or_default();
    let members = groups.iter().find(|entry| entry["id"] == group).map(|entry| entry["members"].clone());
    serde_json::from_value(members.unwrap_or_default()).unwrap_or_default()
}

fn wait_for(acknowledged: &Mutex<Vec<String>>, count: usize) {
    wait_until(|| acknowledged.lock().unwrap().len() >= count, "clients are answered");
}

fn wait_until(mut is_so: impl FnMut() -> bool, what: &str) {
    let started = Instant::now();
    while !is_so() {
        assert!(started.elapsed() < DELIVERY, "in vain: {what}");
        thread::sleep(Duration::from_millis(5));
    }
}
