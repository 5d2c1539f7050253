//! How Entra looks for what it is about to write: filters, projections, and the spellings of both.

use serde_json::{Value, json};

use super::{bare, engineering, jane, people};
use crate::{
    bodies::{ENTERPRISE_URN, created, id, total},
    relay::Relay,
    steps::{form_encoded, found, listed, patched, path},
};

const NOBODY: &str = "8f5b5a62-1b1e-4d3a-9b1e-0a8c1a6f0c11";

/// The names of the users that a filter finds.
async fn names(relay: &Relay, filter: &str) -> Vec<String> {
    let mut names: Vec<String> =
        found(relay, "/Users", filter).await.iter().map(|user| user["userName"].as_str().unwrap().to_owned()).collect();
    names.sort_unstable();
    names
}

#[tokio::test]
async fn en_01_a_probe_for_a_random_guid_finds_nothing_and_is_no_error() {
    for relay in Relay::both("entra", "").await {
        created(&relay, "/Users", &jane()).await;
        created(&relay, "/Groups", &engineering()).await;
        for probe in [
            format!("/Users?filter=userName+eq+%22{NOBODY}%22"),
            format!("/Users?filter=externalId+eq+%22{NOBODY}%22"),
            format!("/Users?filter=emails%5Btype+eq+%22work%22%5D.value+eq+%22{NOBODY}%22"),
            format!("/Users?filter={}", form_encoded(&format!("{ENTERPRISE_URN}:employeeNumber eq \"{NOBODY}\""))),
            format!("/Users?filter=id+eq+%22{NOBODY}%22"),
            format!("/Groups?excludedAttributes=members&filter=displayName+eq+%22{NOBODY}%22"),
            format!("/Groups?excludedAttributes=members&filter=externalId+eq+%22{NOBODY}%22"),
        ] {
            let response = relay.get(&probe).await;
            assert_eq!(response.status, 200, "{probe}");
            let none = json!({
                "schemas": ["urn:ietf:params:scim:api:messages:2.0:ListResponse"],
                "totalResults": 0,
                "startIndex": 1,
                "itemsPerPage": 0,
                "Resources": [],
            });
            assert_eq!(response.body, none, "{probe}");
        }
    }
}

#[tokio::test]
async fn en_37_an_operand_without_quotes_is_a_text() {
    for relay in Relay::both("entra", "").await {
        let mut user = jane();
        user["externalId"] = "jyoung".into();
        created(&relay, "/Users", &user).await;
        people(&relay, ["raj"]).await;
        for filter in ["externalId eq jyoung", "userName eq jane.doe@acme.example", "title eq Engineer"] {
            assert_eq!(names(&relay, filter).await, ["jane.doe@acme.example"], "{filter}");
        }
        assert!(names(&relay, "externalId eq JYoung").await.is_empty(), "externalId is compared exactly");
    }
}

/// The grammar of RFC 7644 has nothing behind a bracket; Entra's default mapping of e-mail does. Both conditions must
/// hold of one element, and all users who match are shown: Entra must know that a match is not the only one.
#[tokio::test]
async fn en_38_a_comparison_behind_brackets_is_about_one_element() {
    for relay in Relay::both("entra", "").await {
        created(&relay, "/Users", &jane()).await;
        let mut raj = bare("raj");
        raj["emails"] = json!([
            { "type": "home", "value": "jane.doe@acme.example" },
            { "type": "work", "value": "raj@acme.example" },
        ]);
        created(&relay, "/Users", &raj).await;
        let filter = r#"emails[type eq "work"].value eq "JANE.doe@acme.example""#;
        assert_eq!(names(&relay, filter).await, ["jane.doe@acme.example"]);
        let mut twin = bare("twin");
        twin["emails"] = json!([{ "type": "work", "value": "jane.doe@acme.example" }]);
        created(&relay, "/Users", &twin).await;
        assert_eq!(names(&relay, filter).await, ["jane.doe@acme.example", "twin"]);
        let both = format!("{filter} and active eq true and title eq \"Engineer\"");
        assert_eq!(names(&relay, &both).await, ["jane.doe@acme.example"]);
    }
}

#[tokio::test]
async fn en_39_a_reference_is_compared_by_its_value() {
    for relay in Relay::both("entra", "").await {
        let [boss, ann, raj] = people(&relay, ["boss", "ann", "raj"]).await;
        let manager = json!([{ "op": "Add", "path": format!("{ENTERPRISE_URN}:manager"), "value": boss }]);
        patched(&relay, &format!("/Users/{ann}"), manager).await;
        let group = created(&relay, "/Groups", &engineering()).await;
        let group_id = id(&group);
        let add = json!([{ "op": "Add", "path": "members", "value": [{ "$ref": null, "value": ann }] }]);
        patched(&relay, &path("/Groups", &group), add).await;
        for (endpoint, filter, count) in [
            ("/Users", format!(r#"id eq "{ann}" and manager eq "{boss}""#), 1),
            ("/Users", format!(r#"id eq "{raj}" and manager eq "{boss}""#), 0),
            ("/Users", format!(r#"id eq "{ann}" and {ENTERPRISE_URN}:manager eq "{boss}""#), 1),
            ("/Users", format!(r#"manager.value eq "{boss}""#), 1),
            ("/Groups", format!(r#"id eq "{group_id}" and members eq "{ann}""#), 1),
            ("/Groups", format!(r#"id eq "{group_id}" and members eq "{raj}""#), 0),
            ("/Groups", format!(r#"members eq "{ann}""#), 1),
        ] {
            assert_eq!(found(&relay, endpoint, &filter).await.len(), count, "{filter}");
        }
    }
}

#[tokio::test]
async fn en_40_a_list_of_ids_holds_ids_alone() {
    for relay in Relay::both("entra", "").await {
        let [ann] = people(&relay, ["ann"]).await;
        let group = created(&relay, "/Groups", &engineering()).await;
        let add = json!([{ "op": "Add", "path": "members", "value": [{ "value": ann }] }]);
        patched(&relay, &path("/Groups", &group), add).await;
        let check = form_encoded(&format!(r#"id eq "{}" and members eq "{ann}""#, id(&group)));
        let groups = listed(relay.get(&format!("/Groups?filter={check}&attributes=id")).await);
        let user = form_encoded(&format!(r#"id eq "{ann}""#));
        let users = listed(relay.get(&format!("/Users?filter={user}&attributes=id")).await);
        for (resources, expected) in [(groups, id(&group)), (users, &*ann)] {
            let keys: Vec<&String> = resources[0].as_object().unwrap().keys().collect();
            assert_eq!(keys, ["id", "schemas"]);
            assert_eq!(id(&resources[0]), expected);
        }
    }
}

#[tokio::test]
async fn en_41_excluded_members_are_in_no_answer() {
    for relay in Relay::both("entra", "").await {
        let [ann] = people(&relay, ["ann"]).await;
        for name in ["Engineering", "Sales"] {
            let mut group = engineering();
            group["displayName"] = name.into();
            let group = created(&relay, "/Groups", &group).await;
            let add = json!([{ "op": "Add", "path": "members", "value": [{ "value": ann }] }]);
            patched(&relay, &path("/Groups", &group), add).await;
            let read = relay.get(&format!("/Groups/{}?excludedAttributes=members", id(&group))).await;
            assert_eq!((read.status, read.body.get("members")), (200, None));
            assert_eq!((&read.body["id"], &read.body["displayName"]), (&group["id"], &json!(name)));
        }
        let filter = form_encoded(r#"externalId eq "60f1bb27-2e1e-402d-bcc4-ec999564a194""#);
        let groups = listed(relay.get(&format!("/Groups?excludedAttributes=members&filter={filter}")).await);
        assert_eq!(groups.len(), 2);
        assert!(groups.iter().all(|group| group.get("members").is_none() && group["displayName"].is_string()));
    }
}

#[tokio::test]
async fn en_42_a_plus_is_a_space_and_an_encoded_plus_is_a_plus() {
    for relay in Relay::both("entra", "").await {
        people(&relay, ["jane+test@acme.example", "jane test@acme.example"]).await;
        for (query, name) in [
            ("userName+eq+%22jane%2Btest%40acme.example%22", "jane+test@acme.example"),
            ("userName%20eq%20%22jane%2Btest@acme.example%22", "jane+test@acme.example"),
            ("userName+eq+%22jane+test%40acme.example%22", "jane test@acme.example"),
        ] {
            let users = listed(relay.get(&format!("/Users?filter={query}")).await);
            assert_eq!(users.len(), 1, "{query}");
            assert_eq!(users[0]["userName"], name);
        }
    }
}

#[tokio::test]
async fn en_43_parameters_in_another_case_and_a_start_at_zero_are_understood() {
    for relay in Relay::both("entra", "").await {
        people(&relay, ["a", "b", "c"]).await;
        for query in ["startindex=0&count=2", "StartIndex=0&Count=2", "startIndex=-3&count=2", "startIndex=1&count=2"] {
            let page = relay.get(&format!("/Users?{query}")).await;
            assert_eq!(total(&page), 3);
            assert_eq!((&page.body["startIndex"], &page.body["itemsPerPage"]), (&json!(1), &json!(2)), "{query}");
            assert_eq!(page.body["Resources"][0]["userName"], "a");
        }
    }
}

#[tokio::test]
async fn en_44_a_filter_within_attributes_means_the_attribute() {
    for relay in Relay::both("entra", "").await {
        let user = created(&relay, "/Users", &jane()).await;
        let attributes = form_encoded(r#"emails[type eq "work"],userName"#);
        let list = listed(relay.get(&format!("/Users?attributes={attributes}")).await);
        let single = relay.get(&format!("{}?attributes={attributes}", path("/Users", &user))).await.body;
        for resource in [&list[0], &single] {
            let keys: Vec<&String> = resource.as_object().unwrap().keys().collect();
            assert_eq!(keys, ["emails", "id", "schemas", "userName"]);
            assert_eq!(resource["emails"], user["emails"]);
        }
    }
}

/// Whatever attribute an administrator matches by can be filtered by, and `and` narrows.
#[tokio::test]
async fn b_4_every_matching_attribute_finds_the_user() {
    for relay in Relay::both("entra", "").await {
        created(&relay, "/Users", &jane()).await;
        people(&relay, ["raj"]).await;
        for filter in [
            r#"userName eq "Jane.Doe@acme.example""#.to_owned(),
            r#"externalId eq "0a21f0f2-8d2a-4f8e-bf98-7363c4aed4ef""#.to_owned(),
            r#"displayName eq "Jane Doe" and title eq "engineer""#.to_owned(),
            r#"phoneNumbers[type eq "mobile"].value eq "+1 425 555 0100""#.to_owned(),
            format!(r#"{ENTERPRISE_URN}:employeeNumber eq "1234""#),
            r#"employeeNumber eq "1234""#.to_owned(),
            r#"active eq "True" and EmployeeNumber sw 12"#.to_owned(),
        ] {
            assert_eq!(names(&relay, &filter).await, ["jane.doe@acme.example"], "{filter}");
        }
        let mut odd = bare("odd");
        odd["displayName"] = r#"a "quoted" \ name"#.into();
        created(&relay, "/Users", &odd).await;
        assert_eq!(names(&relay, r#"displayName eq "a \"quoted\" \\ name""#).await, ["odd"]);
    }
}

#[tokio::test]
async fn en_67_the_whole_grammar_is_understood_without_quotes_and_in_any_case() {
    for relay in Relay::both("entra", "").await {
        for (name, family_name, email) in [
            ("a", "Employee", "a@example.com"),
            ("b", "employee", "b@example.org"),
            ("c", "Employee", "c@elsewhere.test"),
            ("d", "Boss", "d@example.com"),
        ] {
            let mut user = bare(name);
            user["name"] = json!({ "familyName": family_name });
            user["emails"] = json!([{ "type": "work", "value": email }]);
            created(&relay, "/Users", &user).await;
        }
        for filter in [
            "name.FamilyName eq Employee and (emails.Value co example.com or emails.Value co example.org)",
            r#"name.FamilyName EQ "Employee" AND (emails.Value CO "example.com" OR emails.Value co "example.org")"#,
            r#"name.familyName eq "Employee" and not (emails.value co "elsewhere")"#,
        ] {
            assert_eq!(names(&relay, filter).await, ["a", "b"], "{filter}");
        }
    }
}

#[tokio::test]
async fn en_68_a_date_without_quotes_is_compared_as_a_moment() {
    for relay in Relay::both("entra", "").await {
        people(&relay, ["a"]).await;
        for (filter, count) in [
            ("meta.Created gt 2015-10-10T14:38:21.8617979-07:00", 1),
            (r#"meta.created gt "2015-10-10T14:38:21.8617979-07:00""#, 1),
            ("meta.created lt 2015-10-10T14:38:21Z", 0),
            ("meta.lastModified ge 2999-01-01T00:00:00Z", 0),
        ] {
            let users: Vec<Value> = found(&relay, "/Users", filter).await;
            assert_eq!(users.len(), count, "{filter}");
        }
    }
}
