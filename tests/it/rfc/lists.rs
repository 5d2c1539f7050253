//! Lists of resources (RFC 7644 §3.4.2).

use serde_json::json;

use super::{BOTH, LIST_URN, assert_error, filtered, percent, relay, relay_with, user_names};
use crate::bodies::total;

const TWELVE: [&str; 12] = ["u00", "u01", "u02", "u03", "u04", "u05", "u06", "u07", "u08", "u09", "u10", "u11"];

async fn relay_with_twelve(dialect: &str) -> crate::relay::Relay {
    relay_with(dialect, &TWELVE.map(|name| (name, json!({})))).await
}

#[tokio::test]
async fn e3_04_no_match_is_an_empty_list() {
    for dialect in BOTH {
        let relay = relay_with_twelve(dialect).await;
        for path in [
            format!("/Users?filter={}", percent(r#"userName eq "9b2f63a0-9a4e-4f7e-8b9d-5f3c2f1f9d11""#)),
            format!("/Users?filter={}", percent(r#"id eq "none""#)),
            format!("/Users?filter={}", percent(r#"nothingOfOurs eq "x""#)),
            format!("/Groups?filter={}", percent(r#"displayName eq "none""#)),
        ] {
            let response = relay.get(&path).await;
            assert_eq!(total(&response), 0, "{path}");
            assert_eq!(response.body["Resources"], json!([]), "{path}");
        }
    }
}

#[tokio::test]
async fn e3_05_a_list_is_a_list_response() {
    for dialect in BOTH {
        let relay = relay(dialect).await;
        for path in ["/Users", "/Groups", "/Schemas", "/ResourceTypes"] {
            let list = relay.get(path).await.body;
            assert_eq!(list["schemas"], json!([LIST_URN]), "{path}");
            assert!(list["Resources"].is_array(), "{path}");
            for number in ["totalResults", "startIndex", "itemsPerPage"] {
                assert!(list[number].is_u64(), "{path} {number}");
            }
        }
    }
}

#[tokio::test]
async fn e3_06_the_total_counts_all_that_match() {
    for dialect in BOTH {
        let relay = relay_with_twelve(dialect).await;
        for (query, expected) in
            [("count=5", 12), ("startIndex=11&count=5", 12), ("filter=userName+sw+%22u0%22&count=3", 10)]
        {
            assert_eq!(total(&relay.get(&format!("/Users?{query}")).await), expected, "{query}");
        }
    }
}

#[tokio::test]
async fn e3_07_a_start_below_one_is_one() {
    for dialect in BOTH {
        let relay = relay_with_twelve(dialect).await;
        for start in ["0", "-5", "-99999999999999999999"] {
            let page = relay.get(&format!("/Users?startIndex={start}&count=2")).await;
            assert_eq!(page.body["startIndex"], 1, "{start}");
            assert_eq!(user_names(&page), ["u00", "u01"]);
        }
        let beyond = relay.get("/Users?startIndex=99999999999999999999").await;
        assert_eq!((total(&beyond), user_names(&beyond).len()), (12, 0));
    }
}

#[tokio::test]
async fn e3_08_a_count_of_zero_or_less_asks_for_the_total() {
    for dialect in BOTH {
        let relay = relay_with_twelve(dialect).await;
        for count in ["0", "-1", "-2147483649"] {
            let page = relay.get(&format!("/Users?count={count}")).await;
            assert_eq!((total(&page), user_names(&page).len()), (12, 0), "{count}");
        }
        for query in ["count=many", "count=", "count=1.5", "startIndex=first"] {
            assert_error(&relay.get(&format!("/Users?{query}")).await, 400, Some("invalidValue"));
        }
    }
}

#[tokio::test]
async fn e3_09_never_more_than_count() {
    for dialect in BOTH {
        let relay = relay_with_twelve(dialect).await;
        for (query, expected) in [
            ("count=1", &TWELVE[..1]),
            ("count=1&filter=userName+pr", &TWELVE[..1]),
            ("count=3&startIndex=4", &TWELVE[3..6]),
            ("count=3&startIndex=11&filter=userName+sw+%22u%22", &TWELVE[10..]),
            ("count=2&sortBy=userName", &TWELVE[..2]),
        ] {
            assert_eq!(user_names(&relay.get(&format!("/Users?{query}")).await), expected, "{query}");
        }
    }
}

#[tokio::test]
async fn e3_20_a_question_for_everything_is_answered_in_pages() {
    // `tooMany` is for a list that would have to be sorted as a whole; `bounds` has the test of that.
    for dialect in BOTH {
        let relay = relay_with_twelve(dialect).await;
        let page = filtered(&relay, "userName pr or id pr or meta.created pr").await;
        assert_eq!((total(&page), user_names(&page).len()), (12, 12));
    }
}

#[tokio::test]
async fn pages_put_together_are_the_whole_list() {
    let relay = relay_with_twelve("rfc").await;
    let mut seen: Vec<String> = Vec::new();
    loop {
        let page = relay.get(&format!("/Users?startIndex={}&count=5", seen.len() + 1)).await;
        let names = user_names(&page);
        if names.is_empty() {
            break;
        }
        seen.extend(names.into_iter().map(str::to_owned));
    }
    assert_eq!(seen, TWELVE);
}

#[tokio::test]
async fn parameters_that_nobody_knows_are_ignored_and_names_compare_without_case() {
    for dialect in BOTH {
        let relay = relay_with_twelve(dialect).await;
        let page = relay.get("/Users?STARTINDEX=2&Count=1&nonsense=1&filter2=x").await;
        assert_eq!(user_names(&page), ["u01"]);
    }
}
