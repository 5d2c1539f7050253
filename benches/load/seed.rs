//! Fills the relay as a first synchronisation would: over HTTP.

use std::{net::SocketAddr, sync::atomic::AtomicUsize, sync::atomic::Ordering};

use futures_util::future::join_all;

use crate::{
    client::Connection,
    operation::{id, patch, user},
};

/// Connections that seed at once.
const CONNECTIONS: usize = 64;

/// Members in one PATCH.
const MEMBERS_PER_PATCH: usize = 1_000;

/// What is in the relay.
pub(crate) struct Fixture {
    /// Ids of users; the one at `n` has the name `user_name(n)`.
    pub(crate) users: Vec<String>,
    /// Ids of users that are in no group, one for each connection.
    pub(crate) spares: Vec<String>,
    /// Ids of groups.
    pub(crate) groups: Vec<String>,
}

impl Fixture {
    /// The name of the user at that place.
    pub(crate) fn user_name(number: usize) -> String {
        format!("user-{number}@acme.example")
    }
}

/// Creates so many users, and the spares.
pub(crate) async fn users(scim: SocketAddr, key: &str, count: usize) -> Fixture {
    let spares = create(scim, key, CONNECTIONS, |number| format!("spare-{number}@acme.example")).await;
    let users = create(scim, key, count, Fixture::user_name).await;
    Fixture { users, spares, groups: Vec::new() }
}

/// Creates users until there are so many.
pub(crate) async fn more_users(scim: SocketAddr, key: &str, fixture: &mut Fixture, count: usize) {
    let present = fixture.users.len();
    fixture.users.extend(create(scim, key, count - present, |number| Fixture::user_name(present + number)).await);
}

async fn create(scim: SocketAddr, key: &str, count: usize, name: impl Fn(usize) -> String) -> Vec<String> {
    let next = AtomicUsize::new(0);
    let all = join_all((0..CONNECTIONS.min(count)).map(|_| async {
        let mut connection = Connection::open(scim, key).await;
        let mut created = Vec::new();
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= count {
                return created;
            }
            let answer = connection.send("POST", "/scim/v2/Users", &user(&name(number), true, "Engineer"), None).await;
            assert_eq!(answer.status, 201, "{}", String::from_utf8_lossy(answer.body));
            created.push((number, id(answer.body)));
        }
    }))
    .await;
    let mut created: Vec<(usize, String)> = all.into_iter().flatten().collect();
    created.sort_unstable();
    created.into_iter().map(|(_, id)| id).collect()
}

/// Creates a group of the first so many users, as Entra does: empty first, then its members in several PATCHes.
pub(crate) async fn group(scim: SocketAddr, key: &str, users: &[String], members: usize) -> String {
    let mut connection = Connection::open(scim, key).await;
    let body = format!(
        r#"{{"schemas":["urn:ietf:params:scim:schemas:core:2.0:Group"],"displayName":"{members} members, {} users"}}"#,
        users.len()
    );
    let answer = connection.send("POST", "/scim/v2/Groups", &body, None).await;
    assert_eq!(answer.status, 201, "{}", String::from_utf8_lossy(answer.body));
    let group = id(answer.body);
    for members in users[..members].chunks(MEMBERS_PER_PATCH) {
        let values: Vec<String> = members.iter().map(|id| format!(r#"{{"value":"{id}"}}"#)).collect();
        let body = patch(&format!(r#"{{"op":"add","path":"members","value":[{}]}}"#, values.join(",")));
        let answer = connection.send("PATCH", &format!("/scim/v2/Groups/{group}"), &body, None).await;
        assert!(matches!(answer.status, 200 | 204), "{} {}", answer.status, String::from_utf8_lossy(answer.body));
    }
    group
}
