//! Promises that concern the relay as a whole (`docs/guarantees.md`); each test has the promise's number.

use std::path::Path;

use serde_json::{Value, json};

use crate::{
    bodies::{group, id, patch, user},
    relay::{Connection, Relay, Response},
};

const WRITERS: usize = 4;
/// Writes of each writer; each is followed by four reads.
const WRITES: usize = 250;

/// A connection with the tenant's key.
struct Client {
    connection: Connection,
    key: String,
}

impl Client {
    async fn of(relay: &Relay) -> Self {
        Self { connection: relay.connect().await, key: format!("Bearer {}", relay.key()) }
    }

    async fn send(&mut self, method: &str, path: &str, body: Option<&Value>) -> Response {
        let body = body.map(|body| body.to_string().into_bytes());
        let path = format!("/scim/v2{path}");
        self.connection.request(method, &path, Some(&self.key), &[], body.as_deref()).await
    }

    /// How many users the filter finds, the first one's title, and whether another connection sees the same by id.
    async fn found(&mut self, filter: &str) -> (u64, Value) {
        let path = format!("/Users?filter={}", crate::scim::percent(filter));
        let list = self.send("GET", &path, None).await.body;
        (list["totalResults"].as_u64().unwrap(), list["Resources"][0]["title"].clone())
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn g07_what_was_acknowledged_is_read_at_once_by_anyone() {
    let relay = Relay::start("").await;
    let mut writers = Vec::new();
    for writer in 0..WRITERS {
        let (mut writing, mut reading) = (Client::of(&relay).await, Client::of(&relay).await);
        writers.push(tokio::spawn(async move {
            let name = format!("person-{writer}");
            let created = writing.send("POST", "/Users", Some(&user(&name))).await;
            let path = format!("/Users/{}", id(&created.body));
            let mut stale = 0;
            for write in 0..WRITES {
                let (title, name) = (format!("t{write}"), format!("{name}-{write}"));
                let changed = json!([{ "op": "replace", "value": { "title": title, "userName": name } }]);
                assert_eq!(writing.send("PATCH", &path, Some(&patch(changed))).await.status, 200);
                let by_id = reading.send("GET", &path, None).await.body;
                let by_name = reading.found(&format!("userName eq \"{name}\"")).await;
                let by_scan =
                    writing.found(&format!("title eq \"{title}\" and userName sw \"person-{writer}-\"")).await;
                let by_old_name =
                    reading.found(&format!("userName eq \"person-{writer}-{}\"", write.wrapping_sub(1))).await;
                let fresh = by_id["title"] == title
                    && by_name == (1, json!(title))
                    && by_scan == (1, json!(title))
                    && by_old_name == (0, Value::Null);
                stale += u64::from(!fresh);
            }
            stale
        }));
    }
    for writer in writers {
        assert_eq!(writer.await.unwrap(), 0, "stale reads");
    }
    relay.stop().await;
}

/// An answer, its headers by name, without what no two answers share and without the id that was asked for.
fn comparable(response: &Response, asked: &str) -> (u16, String, Vec<String>) {
    let mut body = response.body.clone();
    forget_times(&mut body);
    (response.status, body.to_string().replace(asked, "ID"), response.headers().keys().cloned().collect())
}

/// Takes out what a new resource never shares with another: its id, times and location.
fn forget_times(value: &mut Value) {
    if let Some(object) = value.as_object_mut() {
        if object.remove("meta").is_some() {
            object.remove("id");
        }
        object.remove("location");
        object.values_mut().for_each(forget_times);
    } else if let Some(values) = value.as_array_mut() {
        values.iter_mut().for_each(forget_times);
    }
}

#[tokio::test]
async fn g12_ids_of_another_tenant_answer_like_ids_that_nobody_has() {
    let relay = Relay::start("[tenants.other]\nbase-path = \"/other/scim\"").await;
    let theirs = format!("Bearer {}", relay.key_of("other").await);
    let at_theirs = async |path: &str, body: &Value| {
        let body = body.to_string().into_bytes();
        relay.request("POST", &format!("/other/scim{path}"), Some(&theirs), &[], Some(&body)).await.body
    };
    let their_user = at_theirs("/Users", &user("ada")).await;
    let their_group = at_theirs("/Groups", &group("staff", &[id(&their_user)])).await;
    let nobody = "01999999-9999-7999-8999-999999999999";

    let ours = relay.post("/Groups", &group("ours", &[])).await.body;
    let ours = format!("/Groups/{}", id(&ours));
    let mut compared = 0;
    for theirs in [id(&their_user), id(&their_group)] {
        for (number, (method, path, headers, body)) in requests(&ours).into_iter().enumerate() {
            let mut answers = Vec::new();
            for asked in [theirs, nobody] {
                let text = body
                    .as_ref()
                    .map(|body| body.to_string().replace("ID", asked).replace("NAME", &format!("n{number}")));
                let path = path.replace("ID", asked);
                let response = relay.raw(method, &path, headers, text.as_ref().map(String::as_bytes)).await;
                // What the request made goes, and our own group is as it was, so that both find the same.
                if let (201, "POST", false) = (response.status, method, path.starts_with("/Bulk")) {
                    relay.delete(&format!("{path}/{}", id(&response.body))).await;
                }
                relay.put(&ours, &json!({ "displayName": "ours", "members": [] })).await;
                answers.push(comparable(&response, asked));
            }
            assert_eq!(answers[0], answers[1], "{method} {path}");
            compared += 1;
        }
    }
    assert!(compared > 40, "{compared} requests prove little");
    // And nothing happened to what is theirs.
    for (path, before) in [("Users", &their_user), ("Groups", &their_group)] {
        let path = format!("/other/scim/{path}/{}", id(before));
        let after = relay.request("GET", &path, Some(&theirs), &[], None).await.body;
        assert_eq!(after["meta"]["version"], before["meta"]["version"], "{path}");
    }
}

#[tokio::test]
async fn g20_each_acknowledged_write_and_each_final_outcome_has_one_audit_entry() {
    let relay = Relay::start("").await;
    let mut answers = Vec::new();
    let ada = relay.post("/Users", &user("ada")).await;
    let bob = relay.post("/Users", &user("bob")).await;
    let group = relay.post("/Groups", &group("staff", &[id(&ada.body), id(&bob.body)])).await;
    let staff = id(&group.body).to_owned();
    let (ada_path, bob_path) = (format!("/Users/{}", id(&ada.body)), format!("/Users/{}", id(&bob.body)));
    answers.extend([("create", ada), ("create", bob), ("create", group)]);
    let title = patch(json!([{ "op": "replace", "path": "title", "value": "Countess" }]));
    answers.push(("patch", relay.patch(&ada_path, &title).await));
    answers.push(("unchanged", relay.patch(&ada_path, &title).await));
    answers.push(("replace", relay.put(&bob_path, &user("robert")).await));
    // Refused: nothing is written, so nothing is to be told.
    answers.push(("", relay.post("/Users", &user("ada")).await));
    answers.push(("", relay.put(&bob_path, &user("ada")).await));
    answers.push(("", relay.patch("/Users/none", &title).await));
    relay.settled().await;
    answers.push(("delete", relay.delete(&bob_path).await));
    relay.settled().await;

    let file = relay.folder().join("data/relay.db");
    relay.store().close().await;
    let audit = audit(&file);
    for (action, answer) in &answers {
        let request = answer.header("x-request-id").unwrap();
        let of_request = audit.iter().filter(|entry| entry["entry"] == "write" && entry["request_id"] == request);
        let written: Vec<_> = of_request.map(|entry| entry["action"].as_str().unwrap()).collect();
        let expected: &[&str] = if action.is_empty() { &[] } else { &[action] };
        assert_eq!(written, expected, "{}", answer.body);
        assert_eq!(action.is_empty(), answer.status >= 400);
        let entry = audit.iter().find(|entry| entry["entry"] == "write" && entry["request_id"] == request);
        if let Some(entry) = entry {
            assert_eq!(entry["tenant"], "acme");
            assert!(relay.key().contains(entry["actor"].as_str().unwrap()), "the key's public id: {entry}");
        }
    }
    assert_eq!(audit.iter().filter(|entry| entry["entry"] == "write").count(), 7);
    let outcomes: Vec<_> = audit.iter().filter(|entry| entry["entry"] == "outcome").collect();
    // A group is told once more of a version when a member that it lacked has come.
    for outcome in outcomes.iter().filter(|outcome| !staff.ends_with(outcome["resource"].as_str().unwrap())) {
        assert_eq!(outcome["connector"], "people");
        let same = outcomes
            .iter()
            .filter(|other| (&other["resource"], &other["version"]) == (&outcome["resource"], &outcome["version"]));
        assert_eq!(same.count(), 1, "{outcome}");
    }
    let last = |path: &str| {
        let of_resource = outcomes.iter().filter(|outcome| path.ends_with(outcome["resource"].as_str().unwrap()));
        of_resource
            .map(|outcome| (outcome["version"].as_u64().unwrap(), outcome["outcome"].clone()))
            .next_back()
            .unwrap()
    };
    assert_eq!(last(&ada_path).0, 2);
    assert_eq!(last(&bob_path), (3, json!("removed")));
}

/// The entries of the audit chain, in order.
fn audit(file: &Path) -> Vec<Value> {
    let sql = rusqlite::Connection::open(file).unwrap();
    let mut statement = sql.prepare("SELECT entry FROM audit ORDER BY seq").unwrap();
    let entries = statement.query_map([], |row| row.get::<_, String>(0)).unwrap();
    entries.map(|entry| serde_json::from_str(&entry.unwrap()).unwrap()).collect()
}

type Asked = (&'static str, String, &'static [(&'static str, &'static str)], Option<Value>);

/// Requests that name an id (`ID`), by every way in which a client can.
fn requests(ours: &str) -> Vec<Asked> {
    const ANY: &[(&str, &str)] = &[];
    let mut requests: Vec<Asked> = Vec::new();
    let operations = |operation: Value| Some(patch(json!([operation])));
    for endpoint in ["/Users", "/Groups"] {
        let one = format!("{endpoint}/ID");
        let body = if endpoint == "/Users" { user("NAME") } else { group("NAME", &[]) };
        requests.extend([
            ("GET", one.clone(), ANY, None),
            ("GET", format!("{one}?attributes=userName"), ANY, None),
            ("HEAD", one.clone(), ANY, None),
            ("PUT", one.clone(), ANY, Some(body.clone())),
            ("PUT", one.clone(), &[("if-match", "W/\"1\"")], Some(body)),
            ("PATCH", one.clone(), ANY, operations(json!({ "op": "replace", "path": "externalId", "value": "x" }))),
            ("DELETE", one.clone(), ANY, None),
            ("DELETE", one.clone(), &[("if-match", "*")], None),
            ("GET", one, &[("if-none-match", "W/\"1\"")], None),
            ("GET", format!("{endpoint}?filter=id%20eq%20%22ID%22"), ANY, None),
            ("GET", format!("{endpoint}?filter=not%20(id%20ne%20%22ID%22)"), ANY, None),
        ]);
    }
    for attribute in ["members.value", "members", "groups.value", "manager.value"] {
        for endpoint in ["/Users", "/Groups"] {
            let search = json!({
                "schemas": ["urn:ietf:params:scim:api:messages:2.0:SearchRequest"],
                "filter": format!("{attribute} eq \"ID\""),
            });
            requests.push(("POST", format!("{endpoint}/.search"), ANY, Some(search)));
        }
    }
    let mut managed = user("NAME");
    managed["urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"] = json!({ "manager": { "value": "ID" } });
    requests.extend([
        ("POST", "/Groups".to_owned(), ANY, Some(group("NAME", &["ID"]))),
        ("POST", "/Users".to_owned(), ANY, Some(managed)),
        ("PUT", ours.to_owned(), ANY, Some(group("ours", &["ID"]))),
        (
            "PATCH",
            ours.to_owned(),
            ANY,
            operations(json!({ "op": "add", "path": "members", "value": [{ "value": "ID" }] })),
        ),
        ("PATCH", ours.to_owned(), ANY, operations(json!({ "op": "remove", "path": "members[value eq \"ID\"]" }))),
        ("GET", "/Me/ID".to_owned(), ANY, None),
    ]);
    for (method, path) in [("PUT", "/Users/ID"), ("PATCH", "/Users/ID"), ("DELETE", "/Groups/ID")] {
        let bulk = json!({
            "schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"],
            "Operations": [{ "method": method, "path": path, "data": user("NAME") }],
        });
        requests.push(("POST", "/Bulk".to_owned(), ANY, Some(bulk)));
    }
    requests
}
