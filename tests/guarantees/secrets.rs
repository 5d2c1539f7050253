//! That no secret and nothing of a person leaves the relay by a side door.

use std::{fs, path::Path};

use crate::{http::Client, relay::Home};

/// What must never be read anywhere but where it belongs. Each is unlike any other text.
const PASSWORD: &str = "canary-password-7Qz2";
const SEALING_KEY: &str = "canary-sealing-key-0123456789abcdef-Xk9";
const WRONG_KEY: &str = "srk_canarywrong_Hq83hJd8";
const PERSON: &str = "canaryperson";

#[test]
fn g20_t12_secrets_and_people_appear_in_no_log_metric_listing_or_file() {
    let directory = tempfile::tempdir().unwrap();
    let home = Home::new(directory.path(), false);
    fs::write(directory.path().join("secret.key"), SEALING_KEY).unwrap();
    // A folder where the file should be: the connector fails, and its deliveries have something to complain of.
    fs::create_dir(directory.path().join("people.json")).unwrap();
    configure(
        &directory.path().join("relay.toml"),
        "secret-key-file = \"secret.key\"\nlog.level = \"info,scim_relay=trace\"\n",
        "[tenants.acme.provisioning]\npasswords = true\n\
         [connectors.people]\nkind = \"json-file\"\ntenant = \"acme\"\npasswords = true\n\
         [connectors.people.settings]\npath = \"people.json\"\n",
    );
    let key = home.create_key();
    let (relay, _) = home.start();

    let mut client = Client::new(home.scim, Some(&key));
    let mut ask = |method: &str, target: &str, body: &str, expected: u16| {
        let body = body.replace("PERSON", PERSON).replace("PASSWORD", PASSWORD);
        let answer = client.request(method, target, Some(&body).filter(|body| !body.is_empty()).map(String::as_str));
        let answer = answer.unwrap();
        assert_eq!(answer.status, expected, "{method} {target}: {}", answer.body);
        assert!(!answer.body.contains(PASSWORD), "{method} {target} answers with the password");
        answer.body
    };
    let user = r#"{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"PERSON","active":true,
        "name":{"familyName":"PERSON"},"emails":[{"value":"PERSON@example.com"}],"password":"PASSWORD"}"#;
    let created = ask("POST", "/scim/v2/Users", user, 201);
    let id = serde_json::from_str::<serde_json::Value>(&created).unwrap()["id"].as_str().unwrap().to_owned();
    let one = format!("/scim/v2/Users/{id}");
    let patch = |operation: &str| {
        format!(r#"{{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{operation}]}}"#)
    };
    ask("POST", "/scim/v2/Users", user, 409);
    ask("PATCH", &one, &patch(r#"{"op":"replace","path":"password","value":"PASSWORD2"}"#), 200);
    ask("PATCH", &one, &patch(r#"{"op":"replace","path":"passwrd","value":"PASSWORD"}"#), 400);
    ask("PATCH", &one, &patch(r#"{"op":"replace","path":"emails[value eq \"PERSON\"].x.y","value":"PERSON"}"#), 400);
    ask("POST", "/scim/v2/Users", r#"{"userName":"PERSON","password":"PASSWORD""#, 400);
    ask("GET", &format!("/scim/v2/Users?filter=userName%20eq%20%22{PERSON}"), "", 400);
    ask("GET", &format!("/scim/v2/Users?filter=userName%20eq%20%22{PERSON}%22"), "", 200);
    ask("GET", &format!("/scim/v2/Users/{PERSON}"), "", 404);
    let stranger = Client::new(home.scim, Some(WRONG_KEY)).request("GET", "/scim/v2/Users", None).unwrap();
    assert_eq!(stranger.status, 401);

    // The connector has failed by then, so that its words are in the queue.
    let mut listings = String::new();
    while !listings.contains("\"error_class\":\"") && !listings.contains("\"error_class\": \"") {
        listings = home.command(&["queue", "list", "--json"]);
    }
    let unknown = home.command(&["unknown", "list", "--json"]);
    assert!(unknown.contains("\"count\""), "nothing was kept as not understood: {unknown}");
    for command in [&["status", "--json"], &["connector", "list"], &["keys", "list"], &["unknown", "list"]] {
        listings += &home.command(command);
    }
    listings += &unknown;
    listings += &home.admin("/metrics").unwrap().1;
    let log = home.log();
    assert!(log.contains("not delivered"), "the log has seen little: {log}");
    let everywhere = [("the log", log), ("listings and metrics", listings)];
    for (place, text) in &everywhere {
        for canary in [PASSWORD, SEALING_KEY, WRONG_KEY, PERSON, key.as_str()] {
            assert!(!text.contains(canary), "{canary} is in {place}");
        }
    }
    drop(relay);

    // The store has people, but no secret in clear.
    let files = fs::read_dir(directory.path().join("data")).unwrap().map(|entry| entry.unwrap().path());
    let files: Vec<_> = files.filter(|path| path.is_file()).collect();
    assert!(files.iter().any(|path| contains(path, PERSON)), "what is looked for can be found");
    for path in files {
        for canary in [PASSWORD, SEALING_KEY, WRONG_KEY, key.as_str()] {
            assert!(!contains(&path, canary), "{canary} is in {}", path.display());
        }
    }
}

/// Adds keys before the first table of a configuration, and tables at its end.
fn configure(file: &Path, keys: &str, tables: &str) {
    let config = fs::read_to_string(file).unwrap();
    fs::write(file, format!("{keys}{config}{tables}")).unwrap();
}

fn contains(file: &Path, text: &str) -> bool {
    let bytes = fs::read(file).unwrap();
    memchr::memmem::find(&bytes, text.as_bytes()).is_some()
}
