//! That an acknowledgement follows a sync that covers it.

use std::thread;

use crate::{
    can, client,
    http::Client,
    relay::Home,
    trace,
    traced::{self, Traced},
};

const CLIENTS: usize = 4;
const WRITES: usize = 25;

#[test]
fn g01_each_acknowledgement_follows_a_sync_of_the_store_that_began_after_the_request_came() {
    if !can("tracing system calls", traced::is_possible()) {
        return;
    }
    // The second disk lies: its syncs return at once, and nothing was synced. The trace has to show it.
    for (faults, are_covered) in [(&[][..], true), (&["fsync,fdatasync:retval=0"], false)] {
        let directory = tempfile::tempdir().unwrap();
        let home = Home::new(directory.path(), true);
        let key = home.create_key();
        let traced = Traced::start(&home, directory.path(), faults);
        let acknowledged: usize = thread::scope(|scope| {
            let writers: Vec<_> = (0..CLIENTS)
                .map(|writer| {
                    scope.spawn({
                        let (home, key) = (&home, &key);
                        move || write(home, key, writer)
                    })
                })
                .collect();
            writers.into_iter().map(|writer| writer.join().unwrap()).sum()
        });
        let found = trace::read(&traced.end());
        assert_eq!(found.acknowledged, acknowledged, "the trace shows each acknowledgement");
        let uncovered = if are_covered { 0 } else { acknowledged };
        assert_eq!(found.uncovered.len(), uncovered, "{:#?}", found.uncovered);
    }
}

/// Creates, changes and deletes users; how many writes were acknowledged.
fn write(home: &Home, key: &str, writer: usize) -> usize {
    let mut client = Client::new(home.scim, Some(key));
    let mut acknowledged = 0;
    for number in 0..WRITES {
        assert_eq!(client::create(&mut client, &format!("person-{writer}-{number}")), 201);
        acknowledged += 1;
        let filter = format!("/scim/v2/Users?filter=userName%20eq%20%22person-{writer}-{number}%22");
        let found = client.request("GET", &filter, None).unwrap();
        let found: serde_json::Value = serde_json::from_str(&found.body).unwrap();
        let one = format!("/scim/v2/Users/{}", found["Resources"][0]["id"].as_str().unwrap());
        let disable = r#"{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
            "Operations":[{"op":"replace","path":"active","value":false}]}"#;
        assert_eq!(client.request("PATCH", &one, Some(disable)).unwrap().status, 200);
        assert_eq!(client.request("DELETE", &one, None).unwrap().status, 204);
        acknowledged += 2;
    }
    acknowledged
}
