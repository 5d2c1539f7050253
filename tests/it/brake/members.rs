//! Members of groups under the brake.

use scim_relay::operator::Command;
use serde_json::json;

use super::{TIGHT, all, held, metric, of};
use crate::{
    bodies::{group, id, patch, user},
    relay::Relay,
};

const STAGED: &str = r#"scim_relay_brake_staged{connector="people",of="members"}"#;

/// A relay with so many users in one group, delivered; their ids and the group's.
async fn grouped(extra: &str, count: usize) -> (Relay, Vec<String>, String) {
    let relay = Relay::start(extra).await;
    let mut users = Vec::new();
    for number in 0..count {
        users.push(id(&relay.post("/Users", &user(&format!("u{number}"))).await.body).to_owned());
    }
    let ids: Vec<&str> = users.iter().map(String::as_str).collect();
    let group = id(&relay.post("/Groups", &group("staff", &ids)).await.body).to_owned();
    relay.settled().await;
    (relay, users, group)
}

/// The members of the group downstream, sorted.
fn members(relay: &Relay) -> Vec<String> {
    let groups = held(relay, "groups");
    let members = groups[0]["members"].as_array().into_iter().flatten();
    let mut members: Vec<_> = members.map(|member| member.as_str().unwrap().to_owned()).collect();
    members.sort();
    members
}

#[tokio::test]
async fn t21_a_group_that_is_emptied_keeps_all_but_the_allowed_number_of_its_members() {
    let (relay, users, group) = grouped("", 120).await;
    let path = format!("/Groups/{group}");
    let empty = patch(
        json!([{ "op": "replace", "path": "members", "value": [] }, { "op": "replace", "path": "displayName", "value": "nobody" }]),
    );
    assert_eq!(relay.patch(&path, &empty).await.status, 200);
    relay.settled().await;
    assert_eq!(members(&relay).len(), 70, "fifty went");
    assert_eq!(held(&relay, "groups")[0]["displayName"], "nobody", "the rest of the change goes");
    assert_eq!(metric(&relay, STAGED).await, 70.0);
    assert_eq!(relay.get(&path).await.body["members"].as_array().map_or(0, Vec::len), 0, "the client sees none");

    // Other changes of members go; who is added again is withheld no more.
    let kept = members(&relay)[0].clone();
    let gone = users.iter().find(|user| !members(&relay).contains(user)).unwrap();
    let add = patch(json!([{ "op": "add", "path": "members", "value": [{ "value": kept }, { "value": gone }] }]));
    assert_eq!(relay.patch(&path, &add).await.status, 200);
    relay.settled().await;
    assert_eq!(members(&relay).len(), 71);
    assert_eq!(metric(&relay, STAGED).await, 69.0);

    assert_eq!(relay.operate(Command::BrakeRelease { selection: of(&group) }).await.unwrap()["released"], 69);
    relay.settled().await;
    let mut both = vec![kept, gone.clone()];
    both.sort();
    assert_eq!(members(&relay), both);
    relay.stop().await;
}

#[tokio::test]
async fn t21_members_that_a_person_discarded_stay_until_they_are_added_and_removed_again() {
    let (relay, users, group) = grouped(TIGHT, 4).await;
    let path = format!("/Groups/{group}");
    let remove = |user: &str| patch(json!([{ "op": "remove", "path": format!("members[value eq \"{user}\"]") }]));
    for user in &users {
        assert_eq!(relay.patch(&path, &remove(user)).await.status, 200);
    }
    assert_eq!(relay.operate(Command::BrakeDiscard { selection: all() }).await.unwrap()["discarded"], 2);
    let rename = patch(json!([{ "op": "replace", "path": "displayName", "value": "nobody" }]));
    assert_eq!(relay.patch(&path, &rename).await.status, 200);
    relay.settled().await;
    assert_eq!(members(&relay), users[2..]);
    assert_eq!(metric(&relay, STAGED).await, 0.0);

    let add = patch(json!([{ "op": "add", "path": "members", "value": [{ "value": users[2] }] }]));
    assert_eq!(relay.patch(&path, &add).await.status, 200);
    assert_eq!(relay.patch(&path, &remove(&users[2])).await.status, 200);
    assert_eq!(metric(&relay, STAGED).await, 1.0, "as much too many as the first time");
    assert_eq!(relay.operate(Command::BrakeRelease { selection: of(&users[2]) }).await.unwrap()["released"], 1);
    relay.settled().await;
    assert_eq!(members(&relay), users[3..]);
    relay.stop().await;
}

#[tokio::test]
async fn t21_a_deleted_user_stays_in_groups_for_as_long_as_the_deletion_is_withheld_and_no_longer() {
    let (relay, users, _) = grouped(TIGHT, 4).await;
    for user in &users {
        assert_eq!(relay.delete(&format!("/Users/{user}")).await.status, 204);
    }
    relay.settled().await;
    assert_eq!(members(&relay), users[2..], "those two whose accounts went are in no group");
    assert_eq!(held(&relay, "users").len(), 2);
    assert_eq!(relay.operate(Command::BrakeRelease { selection: of(&users[2]) }).await.unwrap()["released"], 2);
    relay.settled().await;
    assert_eq!((members(&relay), held(&relay, "users").len()), (users[3..].to_vec(), 1));
    assert_eq!(relay.operate(Command::BrakeRelease { selection: all() }).await.unwrap()["released"], 2);
    relay.settled().await;
    assert_eq!((members(&relay).len(), held(&relay, "users").len()), (0, 0));
    relay.stop().await;
}

#[tokio::test]
async fn t21_a_member_whose_account_goes_leaves_the_groups_that_the_brake_kept_it_in() {
    let limits = "
        [tenants.acme.brake]
        removals-min = 1000000
        [connectors.people.brake]
        removals-min = 1
        percent = 0
    ";
    let (relay, users, group) = grouped(limits, 3).await;
    let empty = patch(json!([{ "op": "replace", "path": "members", "value": [] }]));
    assert_eq!(relay.patch(&format!("/Groups/{group}"), &empty).await.status, 200);
    relay.settled().await;
    let kept = members(&relay);
    assert_eq!(kept.len(), 2);
    // The first removal of a user is within the limit of users.
    assert_eq!(relay.delete(&format!("/Users/{}", kept[0])).await.status, 204);
    relay.settled().await;
    assert_eq!(members(&relay), kept[1..]);
    assert_eq!(held(&relay, "users").len(), users.len() - 1);
    assert_eq!(relay.delete(&format!("/Groups/{group}")).await.status, 204);
    relay.settled().await;
    assert_eq!(held(&relay, "groups").len(), 0);
    assert_eq!(metric(&relay, STAGED).await, 0.0, "a group that goes has no members to keep");
    relay.stop().await;
}
