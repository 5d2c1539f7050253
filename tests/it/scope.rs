//! Which of a tenant's resources a connector gets.

use serde_json::{Value, json};

use crate::{
    bodies::{group, id, patch, user},
    relay::Relay,
};

const STAFF: &str = r#"
    [connectors.staff]
    kind = "json-file"
    tenant = "acme"
    on-delete = "delete"
    scope.user = 'userType eq "Employee"'
    scope.group = 'displayName sw "staff-"'
    [connectors.staff.settings]
    path = "staff.json"
    linger-ms = 5
"#;

#[tokio::test]
async fn who_comes_into_scope_is_provisioned_and_who_leaves_it_is_removed() {
    let relay = Relay::start(STAFF).await;
    let create = |name: &str, user_type: &str| {
        let mut body = user(name);
        body["userType"] = user_type.into();
        body
    };
    let set = |name: &str, value: &str| patch(json!([{ "op": "replace", "path": name, "value": value }]));
    let ada = id(&relay.post("/Users", &create("ada", "Employee")).await.body).to_owned();
    let bob = id(&relay.post("/Users", &create("bob", "Contractor")).await.body).to_owned();
    for name in ["staff-all", "guests"] {
        assert_eq!(relay.post("/Groups", &group(name, &[&ada, &bob])).await.status, 201);
    }
    relay.settled().await;
    assert_eq!(held(&relay), (vec!["ada".to_owned()], vec![("staff-all".to_owned(), vec![ada.clone()])]));

    // In he comes, his membership with him.
    relay.patch(&format!("/Users/{bob}"), &set("userType", "employee")).await;
    relay.settled().await;
    let mut both = vec![ada.clone(), bob.clone()];
    both.sort();
    assert_eq!(held(&relay).0, ["ada", "bob"]);
    assert_eq!(held(&relay).1[0].1, both);

    relay.patch(&format!("/Users/{ada}"), &set("userType", "Alumna")).await;
    relay.settled().await;
    assert_eq!(held(&relay), (vec!["bob".to_owned()], vec![("staff-all".to_owned(), vec![bob.clone()])]));

    // What is outside, and stays there, is nobody's work.
    relay.patch(&format!("/Users/{ada}"), &set("title", "Countess")).await;
    let status = relay.store().connectors().await.unwrap();
    let staff = status.iter().find(|status| &*status.name.0 == "staff").unwrap();
    assert_eq!((staff.pending, staff.confirmed), (0, 2));
    relay.stop().await;
}

/// The names of the users and, by name, the members of the groups that the connector's file holds.
fn held(relay: &Relay) -> (Vec<String>, Vec<(String, Vec<String>)>) {
    let file: Value = serde_json::from_slice(&std::fs::read(relay.folder().join("staff.json")).unwrap()).unwrap();
    let users = file["users"].as_array().unwrap();
    let mut names: Vec<_> = users.iter().map(|user| user["userName"].as_str().unwrap().to_owned()).collect();
    names.sort();
    let groups = file["groups"].as_array().unwrap().iter().map(|group| {
        let members = group["members"].as_array().into_iter().flatten();
        let mut members: Vec<_> = members.map(|member| member.as_str().unwrap().to_owned()).collect();
        members.sort();
        (group["displayName"].as_str().unwrap().to_owned(), members)
    });
    (names, groups.collect())
}
