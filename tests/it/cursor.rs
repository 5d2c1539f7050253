//! Pages by cursor (RFC 9865), over HTTP.

use serde_json::{Value, json};

use crate::{
    bodies::{created, group, id, total, user},
    relay::{Relay, Response},
};

const SEARCH_URN: &str = "urn:ietf:params:scim:api:messages:2.0:SearchRequest";

async fn with_users(extra: &str, count: usize) -> Relay {
    let relay = Relay::start(extra).await;
    for number in 0..count {
        created(&relay, "/Users", &user(&format!("user{number:02}"))).await;
    }
    relay
}

/// The `userName` or `displayName` of each resource of a page.
fn names(page: &Response) -> Vec<String> {
    assert_eq!(page.status, 200, "{}", page.body);
    let name =
        |resource: &Value| resource.get("userName").unwrap_or(&resource["displayName"]).as_str().unwrap().to_owned();
    let names: Vec<_> = page.body["Resources"].as_array().unwrap().iter().map(name).collect();
    assert_eq!(page.body["itemsPerPage"], names.len());
    names
}

fn next(page: &Response) -> Option<&str> {
    page.body.get("nextCursor").map(|cursor| cursor.as_str().unwrap())
}

/// The names on each page of a query, until there is no next cursor.
async fn pages(relay: &Relay, endpoint: &str, query: &str) -> Vec<Vec<String>> {
    let mut pages = Vec::new();
    let mut cursor = String::new();
    loop {
        let page = relay.get(&format!("{endpoint}?{query}&cursor={cursor}")).await;
        pages.push(names(&page));
        assert!(page.body.get("startIndex").is_none() && page.body.get("previousCursor").is_none());
        let Some(next) = next(&page) else { return pages };
        assert!(next.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte)), "{next}");
        cursor = next.to_owned();
    }
}

fn refused(response: &Response, scim_type: &str) {
    assert_eq!((response.status, response.body["scimType"].as_str()), (400, Some(scim_type)), "{}", response.body);
}

#[tokio::test]
async fn cursors_lead_through_a_list_whatever_its_order() {
    let relay = with_users("", 7).await;
    for (query, expected) in [
        ("count=3", vec![vec!["user00", "user01", "user02"], vec!["user03", "user04", "user05"], vec!["user06"]]),
        ("count=7", vec![vec!["user00", "user01", "user02", "user03", "user04", "user05", "user06"]]),
        (
            "count=5&sortBy=userName&sortOrder=descending",
            vec![vec!["user06", "user05", "user04", "user03", "user02"], vec!["user01", "user00"]],
        ),
        ("count=2&filter=userName%20gt%20%22USER02%22", vec![vec!["user03", "user04"], vec!["user05", "user06"]]),
        (
            "count=3&filter=userName%20gt%20%22USER02%22&sortBy=meta.created&attributes=userName",
            vec![vec!["user03", "user04", "user05"], vec!["user06"]],
        ),
        ("count=2&filter=userName%20eq%20%22nobody%22", vec![vec![]]),
    ] {
        assert_eq!(pages(&relay, "/Users", query).await, expected, "{query}");
    }
}

#[tokio::test]
async fn cursors_lead_through_groups_and_through_all_types() {
    let relay = with_users("", 3).await;
    for name in ["a-team", "crew"] {
        created(&relay, "/Groups", &group(name, &[])).await;
    }
    assert_eq!(pages(&relay, "/Groups", "count=1").await, [["a-team"], ["crew"]]);
    assert_eq!(pages(&relay, "", "count=2").await, [vec!["user00", "user01"], vec!["user02", "a-team"], vec!["crew"]]);
    let sorted = pages(&relay, "", "count=2&sortBy=displayName&sortOrder=descending").await;
    assert_eq!(sorted, [vec!["user00", "user01"], vec!["user02", "crew"], vec!["a-team"]]);
}

#[tokio::test]
async fn a_search_pages_by_cursor_as_a_get_does() {
    let relay = with_users("", 3).await;
    let body = json!({ "schemas": [SEARCH_URN], "attributes": ["userName"], "cursor": "", "count": 2 });
    let first = relay.post("/Users/.search", &body).await;
    assert_eq!(names(&first), ["user00", "user01"]);
    let mut second = body.clone();
    second["cursor"] = next(&first).unwrap().into();
    let last = relay.post("/Users/.search", &second).await;
    assert_eq!((names(&last), next(&last)), (vec!["user02".to_owned()], None));
    let by_get = relay.get(&format!("/Users?count=2&cursor={}", next(&first).unwrap())).await;
    assert_eq!(names(&by_get), ["user02"], "a cursor belongs to the query, not to the method");
    second["startIndex"] = 1.into();
    refused(&relay.post("/Users/.search", &second).await, "invalidValue");
}

#[tokio::test]
async fn without_a_cursor_pages_are_by_index() {
    let relay = with_users("", 3).await;
    let page = relay.get("/Users?count=2").await;
    assert_eq!((total(&page), &page.body["startIndex"], next(&page)), (3, &json!(1), None));
    refused(&relay.get("/Users?cursor&startIndex=1").await, "invalidValue");
    let page = relay.get("/Users?cursor&count=2").await;
    assert_eq!((total(&page), names(&page).len()), (3, 2), "the total of a whole list is known");
    let page = relay.get("/Users?cursor=&count=2&filter=active%20eq%20true").await;
    assert_eq!((page.body.get("totalResults"), names(&page).len()), (None, 2));
    let page = relay.get("/Users?cursor=&count=-1&filter=active%20eq%20true").await;
    assert_eq!((total(&page), names(&page).len(), next(&page)), (3, 0, None));
}

#[tokio::test]
async fn a_cursor_of_another_query_is_refused() {
    let relay = with_users("", 5).await;
    let page = relay.get("/Users?cursor&count=2&sortBy=userName").await;
    let cursor = next(&page).unwrap();
    assert_eq!(names(&relay.get(&format!("/Users?count=2&sortBy=userName&cursor={cursor}")).await).len(), 2);
    for path in [
        format!("/Users?count=2&cursor={cursor}"),
        format!("/Users?count=2&sortBy=id&cursor={cursor}"),
        format!("/Users?count=2&sortBy=userName&sortOrder=descending&cursor={cursor}"),
        format!("/Users?count=2&sortBy=userName&filter=active%20eq%20true&cursor={cursor}"),
        format!("/Groups?count=2&sortBy=displayName&cursor={cursor}"),
        format!("?count=2&sortBy=userName&cursor={cursor}"),
        format!("/Users?count=2&sortBy=userName&cursor={cursor}A"),
        format!("/Users?count=2&sortBy=userName&cursor={}", cursor.to_lowercase()),
        "/Users?count=2&sortBy=userName&cursor=7".to_owned(),
    ] {
        refused(&relay.get(&path).await, "invalidCursor");
    }
    refused(&relay.get(&format!("/Users?count=3&sortBy=userName&cursor={cursor}")).await, "invalidCount");
    refused(&relay.get(&format!("/Users?sortBy=userName&cursor={cursor}")).await, "invalidCount");
}

#[tokio::test]
async fn a_cursor_holds_when_its_resource_is_gone() {
    let relay = with_users("", 6).await;
    for query in ["count=2", "count=2&sortBy=userName"] {
        let first = relay.get(&format!("/Users?cursor&{query}")).await;
        let resources = first.body["Resources"].as_array().unwrap();
        relay.delete(&format!("/Users/{}", id(&resources[1]))).await;
        let second = relay.get(&format!("/Users?{query}&cursor={}", next(&first).unwrap())).await;
        let shown: Vec<_> = [names(&first), names(&second)].concat();
        assert!(shown.is_sorted() && shown.len() == 4, "{shown:?}");
    }
}

#[tokio::test]
async fn what_is_kept_beside_a_resource_is_no_order() {
    let relay = Relay::start("").await;
    for path in
        ["/Groups?sortBy=members", "/Groups?sortBy=members.value", "/Users?sortBy=groups.display", "?sortBy=groups"]
    {
        refused(&relay.get(path).await, "invalidPath");
    }
}

#[tokio::test]
async fn the_configuration_tells_of_both_ways_of_paging() {
    let relay = Relay::start("").await;
    let pagination = relay.get("/ServiceProviderConfig").await.body["pagination"].clone();
    let expected = json!({
        "cursor": true, "index": true, "defaultPaginationMethod": "index", "defaultPageSize": 100, "maxPageSize": 1000,
    });
    assert_eq!(pagination, expected);
}
