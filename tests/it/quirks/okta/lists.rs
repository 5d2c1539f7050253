//! Imports: Okta reads page after page.

use serde_json::json;

use super::{okta, relays};
use crate::{
    bodies::{created, group, total, user},
    relay::Relay,
};

async fn with_users(relay: &Relay, count: usize) {
    for index in 0..count {
        created(relay, "/Users", &user(&format!("user{index:03}"))).await;
    }
}

#[tokio::test]
async fn ok_27_a_page_past_the_end_is_empty() {
    for relay in relays().await {
        with_users(&relay, 4).await;
        for endpoint in ["/Users", "/Groups"] {
            let page = okta(&relay, "GET", &format!("{endpoint}?startIndex=101&count=100"), None).await;
            assert_eq!(total(&page), if endpoint == "/Users" { 4 } else { 0 });
            assert_eq!(page.body["startIndex"], 101);
            assert_eq!((&page.body["itemsPerPage"], &page.body["Resources"]), (&json!(0), &json!([])));
        }
    }
}

#[tokio::test]
async fn ok_28_a_page_is_as_long_as_was_asked() {
    for relay in relays().await {
        with_users(&relay, 101).await;
        let mut seen = Vec::new();
        for (start, expected) in [(1, 100), (101, 1)] {
            let page = okta(&relay, "GET", &format!("/Users?startIndex={start}&count=100"), None).await;
            assert_eq!((total(&page), page.body["itemsPerPage"].as_u64()), (101, Some(expected)));
            seen.extend(page.body["Resources"].as_array().unwrap().iter().map(|user| user["userName"].clone()));
        }
        let everybody: Vec<_> = (0..101).map(|index| json!(format!("user{index:03}"))).collect();
        assert_eq!(seen, everybody, "nobody is skipped or seen twice, in a stable order");
        assert_eq!(okta(&relay, "GET", "/Users?startIndex=1&count=200", None).await.body["itemsPerPage"], 101);
    }
}

#[tokio::test]
async fn ok_29_numbers_of_a_list_are_integers() {
    for relay in relays().await {
        with_users(&relay, 3).await;
        for query in ["?startIndex=1&count=2", "?startIndex=2&count=100", "", "?count=0", "?startIndex=9"] {
            let body = okta(&relay, "GET", &format!("/Users{query}"), None).await.body;
            for number in ["totalResults", "startIndex", "itemsPerPage"] {
                assert!(body[number].is_u64(), "{query}: {number} is {}", body[number]);
            }
        }
    }
}

#[tokio::test]
async fn ok_44_items_per_page_is_how_many_there_are() {
    for relay in relays().await {
        with_users(&relay, 3).await;
        for name in ["A", "B"] {
            created(&relay, "/Groups", &group(name, &[])).await;
        }
        for (url, expected) in [
            ("/Users?count=1&startIndex=1", 1),
            ("/Groups?count=1&startIndex=1", 1),
            ("/Users?count=2&startIndex=3", 1),
            ("/Users?count=100&startIndex=1", 3),
            ("/Users?filter=userName%20eq%20%22user001%22&count=100", 1),
        ] {
            let page = okta(&relay, "GET", url, None).await;
            assert_eq!(page.body["itemsPerPage"], expected, "{url}");
            assert_eq!(page.body["Resources"].as_array().map(Vec::len), Some(expected), "{url}");
        }
    }
}
