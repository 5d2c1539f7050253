//! Questions over all types, bulk operations, `/Me`, and names of full width (RFC 7644 §3.4.2.1, §3.7, §3.11, §5).

use serde_json::{Value, json};

use super::{BOTH, SEARCH_URN, assert_error, assert_finds, percent, relay, relay_with};
use crate::{
    bodies::{created, group, total, user},
    relay::{Relay, Response},
};

const BULK_URN: &str = "urn:ietf:params:scim:api:messages:2.0:BulkRequest";

#[tokio::test]
async fn e3_21_a_question_over_all_types_takes_an_undefined_attribute_for_one_without_a_value() {
    for dialect in BOTH {
        let relay = relay_with(dialect, &[("ann", json!({ "displayName": "Staff" })), ("ben", json!({}))]).await;
        created(&relay, "/Groups", &group("Staff", &[])).await;
        for (filter, expected) in
            [(r#"userName eq "ann""#, 1), (r#"displayName eq "staff""#, 2), (r#"userName pr or members pr"#, 2)]
        {
            for response in [
                relay.get(&format!("?filter={}", percent(filter))).await,
                relay.get(&format!("/?filter={}", percent(filter))).await,
                relay.post("/.search", &json!({ "schemas": [SEARCH_URN], "filter": filter })).await,
            ] {
                assert_eq!(total(&response), expected, "{dialect} {filter}");
                let resources = response.body["Resources"].as_array().unwrap();
                assert!(resources.iter().all(|found| found["meta"]["resourceType"].is_string()));
            }
        }
    }
}

async fn bulk(relay: &Relay, fail_on_errors: Option<u64>, operations: Vec<Value>) -> Response {
    let mut body = json!({ "schemas": [BULK_URN], "Operations": operations });
    if let Some(count) = fail_on_errors {
        body["failOnErrors"] = json!(count);
    }
    relay.post("/Bulk", &body).await
}

fn creations<'a>(names: impl IntoIterator<Item = &'a str>) -> Vec<Value> {
    let operation = |(index, name)| json!({ "method": "POST", "path": "/Users", "bulkId": format!("b{index}"), "data": user(name) });
    names.into_iter().enumerate().map(operation).collect()
}

#[tokio::test]
async fn e3_54_limits_of_bulk_are_413_and_named() {
    for dialect in BOTH {
        let relay = relay(dialect).await;
        let offered = relay.get("/ServiceProviderConfig").await.body["bulk"].clone();
        assert_eq!(offered["supported"], true);
        let operations_max = offered["maxOperations"].as_u64().unwrap();
        let names: Vec<String> = (0..=operations_max).map(|index| format!("u{index}")).collect();
        let response = bulk(&relay, None, creations(names.iter().map(String::as_str))).await;
        assert_error(&response, 413, None);
        assert!(response.body["detail"].as_str().unwrap().contains(&operations_max.to_string()), "{}", response.body);
        let payload_max = usize::try_from(offered["maxPayloadSize"].as_u64().unwrap()).unwrap();
        let large = relay.raw("POST", "/Bulk", &[], Some(&vec![b' '; payload_max + 1])).await;
        assert_error(&large, 413, None);
        assert!(large.body["detail"].as_str().unwrap().contains(&payload_max.to_string()), "{}", large.body);
        assert_eq!(total(&relay.get("/Users").await), 0, "{dialect}");
    }
}

#[tokio::test]
async fn e3_55_bulk_goes_on_until_as_many_errors_as_it_may() {
    for dialect in BOTH {
        for (fail_on_errors, answered, created) in [(None, 5, 3), (Some(1), 2, 1), (Some(2), 4, 2), (Some(3), 5, 3)] {
            let relay = relay(dialect).await;
            let response = bulk(&relay, fail_on_errors, creations(["a", "a", "b", "A", "c"])).await;
            assert_eq!(response.status, 200, "{}", response.body);
            let results = response.body["Operations"].as_array().unwrap();
            assert_eq!(results.len(), answered, "{dialect} {fail_on_errors:?}: {}", response.body);
            assert_eq!((&results[0]["status"], &results[1]["status"]), (&json!("201"), &json!("409")));
            assert_eq!(results[1]["response"]["scimType"], "uniqueness");
            assert_eq!(total(&relay.get("/Users").await), created, "{dialect} {fail_on_errors:?}");
        }
    }
}

#[tokio::test]
async fn e3_56_me_is_not_implemented_where_nobody_is_signed_in() {
    for dialect in BOTH {
        let relay = relay(dialect).await;
        for method in ["GET", "PUT", "PATCH", "DELETE", "POST"] {
            assert_error(&relay.send(method, "/Me", &[], Some(&user("me"))).await, 501, None);
        }
        assert_eq!(total(&relay.get("/Users").await), 0);
    }
}

/// RFC 7644 §5 prepares names by PRECIS, which takes letters of full width for their usual form. Values are answered as
/// they came.
#[tokio::test]
async fn e3_63_letters_of_full_width_are_those_of_usual_width_in_names() {
    for dialect in BOTH {
        let relay = relay_with(dialect, &[("Ａnn", json!({}))]).await;
        assert_finds(&relay, r#"userName eq "ann""#, &["Ａnn"]).await;
        assert_finds(&relay, r#"userName eq "ＡＮＮ""#, &["Ａnn"]).await;
        assert_error(&relay.post("/Users", &user("ANN")).await, 409, Some("uniqueness"));
    }
}
