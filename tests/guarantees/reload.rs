//! Another configuration while the relay runs.

mod files;

use std::{
    collections::BTreeSet,
    fs,
    path::Path,
    process::Command,
    sync::{
        Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use serde_json::Value;

use crate::{
    http::Client,
    relay::{Home, Relay},
};

const RELOADS: usize = 100;
const CLIENTS: usize = 4;
/// What is owed is delivered by then, or never.
const DELIVERY: Duration = Duration::from_secs(30);

const USERS: &str = "/scim/v2/Users";
const PEOPLE: &str = "[connectors.people]\nkind = \"json-file\"\ntenant = \"acme\"\non-delete = \"delete\"\n\
                      settings.path = \"people.json\"\nbrake.removals-min = 1000000\n";

/// Another mapping.
const SHOWN: &str = "[connectors.second.mapping.user]\nuserName = \"userName\"\nshown = \"userName\"\n";

fn second(settings: &str) -> String {
    format!(
        "[connectors.second]\nkind = \"json-file\"\ntenant = \"acme\"\nsettings.path = \"second.json\"\n\
         brake.removals-min = 1000000\n{settings}"
    )
}

/// A relay that reads its configuration only when it is told to.
fn start(home: &Home) -> Relay {
    let mut command = Command::new(env!("CARGO_BIN_EXE_scim-relay"));
    command.env("SCIM_RELAY__WATCH", "false");
    let mut relay = home.spawn_by(command);
    home.wait_until_ready(&mut relay);
    relay
}

fn hang_up(relay: &Relay) {
    assert!(Command::new("kill").args(["-HUP", &relay.child.id().to_string()]).status().unwrap().success());
}

/// Has the relay end when what it does is done.
fn stop(mut relay: Relay) {
    assert!(Command::new("kill").args(["-TERM", &relay.child.id().to_string()]).status().unwrap().success());
    assert!(relay.child.wait().unwrap().success());
}

/// Waits until that holds; nothing but the outside of a process is there to be waited for.
fn until(home: &Home, what: &str, holds: impl Fn() -> bool) {
    let began = Instant::now();
    while !holds() {
        assert!(began.elapsed() < DELIVERY, "{what}\n{}", home.log_tail());
        thread::sleep(Duration::from_millis(5));
    }
}

fn metric(home: &Home, line: &str) -> u64 {
    let (_, text) = home.admin("/metrics").unwrap();
    let value = text.lines().find_map(|found| found.strip_prefix(line)?.strip_prefix(' '));
    value.map_or(0, |value| value.parse().unwrap())
}

fn applied(home: &Home) -> u64 {
    metric(home, "scim_relay_configuration_reloads_total{outcome=\"applied\"}")
}

/// The names in a connector's file.
fn names(file: &Path) -> BTreeSet<String> {
    let Ok(text) = fs::read(file) else { return BTreeSet::new() };
    let document: Value = serde_json::from_slice(&text).unwrap();
    let users = document["users"].as_array().unwrap();
    users.iter().map(|user| user["userName"].as_str().unwrap().to_owned()).collect()
}

fn create(client: &mut Client, name: &str) {
    let body =
        format!(r#"{{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"{name}","active":true}}"#);
    let answer = client.request("POST", USERS, Some(&body)).unwrap();
    assert_eq!(answer.status, 201, "{}", answer.body);
}

#[test]
fn g15_a_hundred_reloads_under_load_drop_no_request_and_deliver_all() {
    let directory = tempfile::tempdir().unwrap();
    let home = Home::with(directory.path(), PEOPLE);
    let key = home.create_key();
    let relay = start(&home);

    let (over, created) = (AtomicBool::new(false), Mutex::new(BTreeSet::new()));
    thread::scope(|scope| {
        for client in 0..CLIENTS {
            let (over, created, key, home) = (&over, &created, key.as_str(), &home);
            scope.spawn(move || {
                let mut connection = Client::new(home.scim, Some(key));
                let mut number = 0;
                while !over.load(Ordering::SeqCst) {
                    let name = format!("person-{client}-{number}");
                    create(&mut connection, &name);
                    created.lock().unwrap().insert(name);
                    let page = connection.request("GET", &format!("{USERS}?count=1"), None).unwrap();
                    assert_eq!(page.status, 200, "{}", page.body);
                    number += 1;
                }
            });
        }
        for reload in 0..RELOADS {
            let tables = match reload % 5 {
                0 => format!("{PEOPLE}{}", second("")),
                1 => format!("{PEOPLE}{}", second(SHOWN)),
                2 => format!("{PEOPLE}{}[tenants.umbra]\nbase-path = \"/umbra\"\n", second("")),
                3 => format!("{PEOPLE}[connectors.people.settings2]\n"),
                _ => PEOPLE.to_owned(),
            };
            home.configure(&tables);
            let before = applied(&home);
            if reload % 5 == 3 {
                let said = home.try_command(&["reload"]).unwrap_err();
                assert!(said.contains("settings2"), "{said}");
                assert_eq!(applied(&home), before);
            } else if reload % 2 == 0 {
                hang_up(&relay);
                until(&home, "the signal has no effect", || applied(&home) > before);
            } else {
                home.command(&["reload"]);
                assert_eq!(applied(&home), before + 1);
            }
        }
        over.store(true, Ordering::SeqCst);
    });

    home.configure(&format!("{PEOPLE}{}", second("")));
    home.command(&["reload"]);
    let created = created.into_inner().unwrap();
    assert!(created.len() > RELOADS, "too few requests prove nothing: {}", created.len());
    for file in ["people.json", "second.json"] {
        let file = directory.path().join(file);
        until(&home, "not all is delivered", || names(&file) == created);
    }
    let mut client = Client::new(home.scim, Some(&key));
    let page = client.request("GET", &format!("{USERS}?count=1"), None).unwrap();
    assert_eq!(serde_json::from_str::<Value>(&page.body).unwrap()["totalResults"], created.len());
    drop(relay);
    home.command(&["store", "check"]);
}

#[test]
fn g15_a_configuration_that_is_wrong_or_takes_a_restart_changes_nothing_and_says_why() {
    let directory = tempfile::tempdir().unwrap();
    let home = Home::with(directory.path(), PEOPLE);
    let key = home.create_key();
    let relay = start(&home);

    for (tables, expected) in [
        ("[connectors.people]\nkind = \"ldpa\"\ntenant = \"acme\"\n", &["relay.toml", "connectors.people.kind"][..]),
        ("[tenants.acme.provisoning]\n", &["tenants.acme.provisoning", "relay.toml"]),
        ("[log]\nlevel = \"debug\"\n[server.limits]\nheaders-max = 50\n", &["log", "server.limits", "restart"]),
    ] {
        home.configure(tables);
        let said = home.try_command(&["reload"]).unwrap_err();
        let before = metric(&home, "scim_relay_configuration_reloads_total{outcome=\"refused\"}");
        hang_up(&relay);
        until(&home, "the signal has no effect", || {
            metric(&home, "scim_relay_configuration_reloads_total{outcome=\"refused\"}") > before
        });
        assert_eq!(metric(&home, "scim_relay_configuration_refused"), 1);
        let log = home.log_tail();
        for expected in expected {
            assert!(said.contains(expected) && log.contains(expected), "{expected}\n{said}\n{log}");
        }
    }
    // The connector is still there, as it was.
    create(&mut Client::new(home.scim, Some(&key)), "ada");
    until(&home, "the configuration before is not used", || {
        names(&directory.path().join("people.json")).contains("ada")
    });

    home.configure(PEOPLE);
    home.command(&["reload"]);
    assert_eq!(metric(&home, "scim_relay_configuration_refused"), 0);
}

#[test]
fn g15_connectors_come_go_return_and_are_pointed_elsewhere() {
    let directory = tempfile::tempdir().unwrap();
    let file = |name: &str| directory.path().join(name);
    let home = Home::with(directory.path(), PEOPLE);
    let key = home.create_key();
    let _relay = start(&home);
    let mut client = Client::new(home.scim, Some(&key));
    create(&mut client, "ada");

    // Added: it is owed what is there.
    home.configure(&format!("{PEOPLE}{}", second("")));
    home.command(&["reload"]);
    until(&home, "an added connector gets nothing", || names(&file("second.json")).contains("ada"));

    // Another mapping: everything anew.
    home.configure(&format!("{PEOPLE}{}", second(SHOWN)));
    home.command(&["reload"]);
    until(&home, "the mapping is not used", || fs::read_to_string(file("second.json")).unwrap().contains("\"shown\""));

    // Taken out: kept, listed, and owed what it misses once it is back.
    home.configure(PEOPLE);
    home.command(&["reload"]);
    until(&home, "it is not listed as removed", || {
        home.command(&["connector", "list"]).lines().any(|line| line.contains("second") && line.contains("removed"))
    });
    create(&mut client, "bob");
    until(&home, "the other one waits", || names(&file("people.json")).contains("bob"));
    home.configure(&format!("{PEOPLE}{}", second("")));
    home.command(&["reload"]);
    until(&home, "it is not owed what it missed", || names(&file("second.json")).contains("bob"));

    // Pointed at another system: refused, then told to forget.
    home.configure(&format!("{PEOPLE}{}", second("").replace("second.json", "third.json")));
    let said = home.try_command(&["reload"]).unwrap_err();
    assert!(said.contains("connectors.second.settings") && said.contains("connector reset second"), "{said}");
    home.command(&["connector", "reset", "second"]);
    until(&home, "the other system is not filled", || names(&file("third.json")).len() == 2);
    assert!(names(&file("second.json")).contains("ada"), "the first system is left alone");

    // One that is configured is not discarded; one that is not is forgotten.
    let said = home.try_command(&["connector", "discard", "second"]).unwrap_err();
    assert!(said.contains("is configured"), "{said}");
    home.configure(PEOPLE);
    home.command(&["reload"]);
    home.command(&["connector", "discard", "second"]);
    assert!(!home.command(&["connector", "list"]).contains("second"));
    home.command(&["store", "check"]);
    home.command(&["audit", "verify"]);
}

#[test]
fn g15_a_file_that_changes_is_read_without_being_told() {
    let directory = tempfile::tempdir().unwrap();
    let home = Home::with(directory.path(), PEOPLE);
    let key = home.create_key();
    let (_relay, _) = home.start();
    create(&mut Client::new(home.scim, Some(&key)), "ada");
    home.configure(&format!("{PEOPLE}{}", second("")));
    until(&home, "the file is not read", || names(&directory.path().join("second.json")).contains("ada"));
}

#[test]
fn g15_a_connector_is_reset_and_discarded_while_no_relay_runs() {
    let directory = tempfile::tempdir().unwrap();
    let home = Home::with(directory.path(), PEOPLE);
    let key = home.create_key();
    let relay = start(&home);
    create(&mut Client::new(home.scim, Some(&key)), "ada");
    until(&home, "nothing is delivered", || names(&directory.path().join("people.json")).contains("ada"));
    stop(relay);

    home.configure(&PEOPLE.replace("people.json", "moved.json"));
    let said = home.try_command(&["status"]).unwrap_err();
    assert!(said.contains("connector reset people"), "{said}");
    assert!(home.try_command(&["connector", "reset", "poeple"]).unwrap_err().contains("no connector poeple"));
    home.command(&["connector", "reset", "people"]);
    let relay = start(&home);
    until(&home, "the other system is not filled", || names(&directory.path().join("moved.json")).contains("ada"));
    drop(relay);

    home.configure("");
    home.command(&["connector", "discard", "people"]);
    home.command(&["store", "check"]);
}
