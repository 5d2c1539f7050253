//! What the tests ask of a relay.

use std::{
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    time::Duration,
};

use serde_json::Value;

use crate::http::Client;

/// Sends the creation of a user; the status of the answer.
pub(crate) fn create(client: &mut Client, name: &str) -> u16 {
    client.request("POST", "/scim/v2/Users", Some(&user(name))).unwrap().status
}

/// How many users of that name there are.
pub(crate) fn count(client: &mut Client, name: &str) -> u64 {
    let target = format!("/scim/v2/Users?filter=userName%20eq%20%22{name}%22");
    let answer = client.request("GET", &target, None).unwrap();
    assert_eq!(answer.status, 200, "{}", answer.body);
    serde_json::from_str::<Value>(&answer.body).unwrap()["totalResults"].as_u64().unwrap()
}

/// The whole answer to the creation of a user, its head included.
pub(crate) fn create_raw(scim: SocketAddr, key: &str, name: &str) -> String {
    let body = user(name);
    let mut connection = TcpStream::connect(scim).unwrap();
    connection.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    let length = body.len();
    let request = format!(
        "POST /scim/v2/Users HTTP/1.1\r\nHost: relay\r\nAuthorization: Bearer {key}\r\nConnection: close\r\n\
         Content-Type: application/scim+json\r\nContent-Length: {length}\r\n\r\n{body}"
    );
    connection.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    connection.read_to_string(&mut answer).unwrap();
    answer
}

/// Asserts that an answer is a 503 which says when to come back.
pub(crate) fn assert_unavailable(answer: &str) {
    let head = answer.to_ascii_lowercase();
    let later = head.lines().find_map(|line| line.strip_prefix("retry-after: "));
    assert!(head.starts_with("http/1.1 503") && later.is_some_and(|later| later.parse::<u64>().is_ok()), "{answer}");
}

fn user(name: &str) -> String {
    format!(r#"{{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"{name}","active":true}}"#)
}
