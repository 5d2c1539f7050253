//! The two attributes that Entra writes in most ways: the manager, and roles from application roles.

use serde_json::{Value, json};

use super::{bare, jane, people};
use crate::{
    bodies::{ENTERPRISE_URN, created, id},
    relay::Relay,
    steps::{patched, path, read},
};

fn manager_path() -> String {
    format!("{ENTERPRISE_URN}:manager")
}

fn manager(user: &Value) -> Option<&Value> {
    user.get(ENTERPRISE_URN).and_then(|extension| extension.get("manager"))
}

/// Two managers and the path of a user.
async fn ann_ben_and_a_user(relay: &Relay) -> (String, String, String) {
    let [ann, ben] = people(relay, ["ann", "ben"]).await;
    (ann, ben, path("/Users", &created(relay, "/Users", &jane()).await))
}

/// What a user's manager must look like: an object. Entra calls a text `ServiceIncompatible`.
fn assert_manager(user: &Value, expected: &str) {
    let manager = manager(user).unwrap();
    assert_eq!((manager.is_object(), &manager["value"]), (true, &json!(expected)), "{user}");
    assert_eq!(user[ENTERPRISE_URN]["department"], "R&D", "the rest of the extension stays");
}

#[tokio::test]
async fn en_18_a_manager_may_be_a_text() {
    for relay in Relay::both("entra", "").await {
        let (ann, ben, user) = ann_ben_and_a_user(&relay).await;
        for (op, manager) in [("Add", ann), ("Replace", ben.clone()), ("replace", ben)] {
            let operations = json!([{ "op": op, "path": manager_path(), "value": manager }]);
            assert_manager(&patched(&relay, &user, operations).await, &manager);
        }
    }
}

#[tokio::test]
async fn en_19_a_manager_may_be_an_array_of_one() {
    for relay in Relay::both("entra", "").await {
        let (ann, ben, user) = ann_ben_and_a_user(&relay).await;
        let operations = json!([{ "op": "Add", "path": manager_path(), "value": [{ "$ref": null, "value": ann }] }]);
        assert_manager(&patched(&relay, &user, operations).await, &ann);
        let two = json!([{ "op": "Replace", "path": manager_path(), "value": [{ "value": ann }, { "value": ben }] }]);
        crate::steps::refused(&relay, &user, two, "invalidValue").await;
    }
}

#[tokio::test]
async fn en_20_an_empty_manager_is_none() {
    for relay in Relay::both("entra", "").await {
        let (ann, _, user) = ann_ben_and_a_user(&relay).await;
        for operation in [
            json!({ "op": "replace", "path": manager_path(), "value": "" }),
            json!({ "op": "Replace", "path": manager_path(), "value": { "value": "" } }),
            json!({ "op": "Replace", "path": manager_path(), "value": [{ "$ref": null, "value": "" }] }),
            json!({ "op": "replace", "path": manager_path(), "value": null }),
            json!({ "op": "replace", "value": { manager_path(): "" } }),
            json!({ "op": "Remove", "path": manager_path() }),
            json!({ "op": "Remove", "path": "manager" }),
        ] {
            patched(&relay, &user, json!([{ "op": "Add", "path": manager_path(), "value": ann }])).await;
            let after = patched(&relay, &user, json!([operation])).await;
            assert_eq!(manager(&after), None, "{operation}");
            assert_eq!(after[ENTERPRISE_URN]["department"], "R&D");
        }
    }
}

#[tokio::test]
async fn en_21_a_manager_is_answered_as_an_object() {
    for relay in Relay::both("entra", "").await {
        let [ann] = people(&relay, ["ann"]).await;
        let mut body = jane();
        body[ENTERPRISE_URN]["manager"] = json!(ann);
        let user = created(&relay, "/Users", &body).await;
        let by_name = crate::steps::found(&relay, "/Users", r#"userName eq "jane.doe@acme.example""#).await;
        let projected = relay.get(&format!("{}?attributes={}", path("/Users", &user), manager_path())).await.body;
        for shown in [&user, &by_name[0], &projected, &read(&relay, &path("/Users", &user)).await] {
            let manager = manager(shown).unwrap();
            assert_eq!((manager.is_object(), &manager["value"]), (true, &json!(ann)), "{shown}");
        }
    }
}

#[tokio::test]
async fn en_22_a_manager_of_a_new_user_may_be_a_text() {
    for relay in Relay::both("entra", "").await {
        let [ann] = people(&relay, ["ann"]).await;
        for (name, manager) in
            [("u1", json!(ann)), ("u2", json!([{ "$ref": null, "value": ann }])), ("u3", json!({ "value": ann }))]
        {
            let mut body = jane();
            body["userName"] = name.into();
            body[ENTERPRISE_URN]["manager"] = manager;
            let user = created(&relay, "/Users", &body).await;
            assert_manager(&read(&relay, &path("/Users", &user)).await, &ann);
        }
        let mut body = jane();
        body[ENTERPRISE_URN]["manager"] = json!("");
        assert_eq!(manager(&created(&relay, "/Users", &body).await), None);
    }
}

#[tokio::test]
async fn en_23_a_manager_may_be_addressed_by_other_paths() {
    for relay in Relay::both("entra", "").await {
        let (ann, ben, user) = ann_ben_and_a_user(&relay).await;
        for (path, manager) in [
            (format!("{ENTERPRISE_URN}.manager"), &ann),
            ("manager".to_owned(), &ben),
            (format!("{ENTERPRISE_URN}:manager.value"), &ann),
            (format!("{}:Manager", ENTERPRISE_URN.to_uppercase()), &ben),
        ] {
            let operations = json!([{ "op": "Add", "path": path, "value": manager }]);
            let after = patched(&relay, &user, operations).await;
            assert_manager(&after, manager);
            assert!(after.get("manager").is_none());
        }
    }
}

/// Entra sends users in any order. Refused, the whole user would go to its escrow; so the reference is kept and shown,
/// and the rest of the request takes effect.
#[tokio::test]
async fn en_24_a_manager_who_is_not_there_yet_is_kept() {
    for mut relay in Relay::both("entra", "").await {
        let mut body = jane();
        body[ENTERPRISE_URN]["manager"] = json!("b7c1d2e3");
        let user = path("/Users", &created(&relay, "/Users", &body).await);
        assert_manager(&read(&relay, &user).await, "b7c1d2e3");
        let operations = json!([
            { "op": "Add", "path": manager_path(), "value": "0198c0de-0000-7000-8000-000000000001" },
            { "op": "Replace", "path": "title", "value": "Director" },
        ]);
        let after = patched(&relay, &user, operations).await;
        assert_manager(&after, "0198c0de-0000-7000-8000-000000000001");
        assert_eq!(after["title"], "Director");
        assert_eq!(relay.delivered().await["users"][0]["title"], "Director", "the user is delivered all the same");
    }
}

/// `AppRoleAssignmentsComplex` as it stands in a PATCH: the role is a JSON text. Its id is left out: POST and PATCH give
/// different ones, and a role is known by its value.
#[tokio::test]
async fn en_25_a_role_in_json_text_is_that_role() {
    let text = r#"{"id":"06b07648-ecfe-589f-9d2f-6325724a46ee","value":"Admin","displayName":"Administrator"}"#;
    let role = json!([{ "value": "Admin", "display": "Administrator" }]);
    for relay in Relay::both("entra", "").await {
        let user = path("/Users", &created(&relay, "/Users", &bare("raj")).await);
        let add = json!([{ "op": "Add", "path": "roles", "value": [{ "value": text }] }]);
        assert_eq!(patched(&relay, &user, add.clone()).await["roles"], role);
        assert_eq!(patched(&relay, &user, add).await["roles"], role, "sent again in each cycle, it is one role");
        let mut body = bare("eve");
        body["roles"] = json!([{ "value": text }]);
        assert_eq!(created(&relay, "/Users", &body).await["roles"], role);
    }
}

#[tokio::test]
async fn en_26_the_primary_role_is_found_by_a_text_and_created_where_there_is_none() {
    for relay in Relay::both("entra", "").await {
        let user = path("/Users", &created(&relay, "/Users", &bare("raj")).await);
        for (op, value) in [("Add", "Admin"), ("Replace", "Reader"), ("Add", "Writer")] {
            let operations = json!([{ "op": op, "path": "roles[primary eq \"True\"].value", "value": value }]);
            let roles = json!([{ "primary": true, "value": value }]);
            assert_eq!(patched(&relay, &user, operations).await["roles"], roles, "{op}");
        }
        let found = crate::steps::found(&relay, "/Users", r#"roles[primary eq "True"].value eq "Writer""#).await;
        assert_eq!(found.len(), 1);
    }
}

#[tokio::test]
async fn en_27_booleans_of_a_role_as_text_are_booleans() {
    let role =
        |primary: Value| json!([{ "primary": primary, "type": "WindowsAzureActiveDirectoryRole", "value": "Admin" }]);
    for relay in Relay::both("entra", "").await {
        let mut body = bare("raj");
        body["roles"] = role(json!("True"));
        let user = created(&relay, "/Users", &body).await;
        assert_eq!(user["roles"], role(json!(true)));
        let replace = json!([{ "op": "Replace", "path": "roles", "value": role(json!("False")) }]);
        assert_eq!(patched(&relay, &path("/Users", &user), replace).await["roles"], role(json!(false)));
    }
}

/// With `AppRoleAssignmentsComplex` Entra adds and never removes. What it does not ask for we do not do; the guide says
/// which mapping to choose instead. What it adds again is there once, whichever way it was first written.
#[tokio::test]
async fn en_28_added_roles_stay_beside_the_others_and_are_there_once() {
    let add = |value: &str| {
        let text = json!({ "id": "06b0", "value": value, "displayName": value }).to_string();
        json!([{ "op": "Add", "path": "roles", "value": [{ "value": text }] }])
    };
    for relay in Relay::both("entra", "").await {
        let mut body = bare("raj");
        body["roles"] = json!([
            { "primary": false, "type": "WindowsAzureActiveDirectoryRole", "displayName": "Admin", "value": "Admin" },
        ]);
        let user = path("/Users", &created(&relay, "/Users", &body).await);
        patched(&relay, &user, add("Admin")).await;
        let after = patched(&relay, &user, add("Reader")).await;
        let roles = json!([
            { "primary": false, "type": "WindowsAzureActiveDirectoryRole", "display": "Admin", "value": "Admin" },
            { "value": "Reader", "display": "Reader" },
        ]);
        assert_eq!(after["roles"], roles);
    }
}

#[tokio::test]
async fn en_29_a_replace_of_roles_leaves_those_alone() {
    for relay in Relay::both("entra", "").await {
        let mut body = bare("raj");
        body["roles"] = json!([{ "value": "Admin" }, { "value": "Reader" }]);
        let user = path("/Users", &created(&relay, "/Users", &body).await);
        let text = r#"{"id":"06b0","value":"Writer","displayName":"Writer"}"#;
        let replace = json!([{ "op": "Replace", "path": "roles", "value": [{ "value": text }] }]);
        let after = patched(&relay, &user, replace).await;
        assert_eq!(after["roles"], json!([{ "value": "Writer", "display": "Writer" }]));
        let none = json!([{ "op": "Replace", "path": "roles", "value": [] }]);
        assert_eq!(patched(&relay, &user, none).await.get("roles"), None);
    }
}

#[tokio::test]
async fn en_30_a_roles_display_name_is_its_display() {
    for relay in Relay::both("entra", "").await {
        let mut body = bare("raj");
        body["roles"] = json!([{ "displayName": "Administrator", "value": "Admin" }]);
        let user = created(&relay, "/Users", &body).await;
        assert_eq!(user["roles"], json!([{ "display": "Administrator", "value": "Admin" }]));
        let add = json!([{ "op": "Add", "path": "roles", "value": [{ "displayName": "R", "value": "Reader" }] }]);
        let after = patched(&relay, &format!("/Users/{}", id(&user)), add).await;
        assert_eq!(after["roles"][1], json!({ "display": "R", "value": "Reader" }));
    }
}
