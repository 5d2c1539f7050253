//! Versions (RFC 7644 §3.14, RFC 9110 §13).

use serde_json::json;

use super::{BOTH, assert_error, relay, relay_with_ann};
use crate::bodies::{ann, created, group, id, patch};

#[tokio::test]
async fn e3_58_versions_guard_writes_and_spare_reads() {
    for dialect in BOTH {
        let (relay, path) = relay_with_ann(dialect).await;
        let user = relay.get(&path).await;
        let first = user.header("etag").unwrap().to_owned();
        assert_eq!(user.body["meta"]["version"], *first);
        let title = |text: &str| patch(json!([{ "op": "replace", "path": "title", "value": text }]));
        for stale in ["W/\"99\"", "\"99\"", "W/\"98\", W/\"99\"", "\"\"", "nonsense", "W/\"1\"x"] {
            let headers = [("if-match", stale)];
            assert_error(&relay.send("PATCH", &path, &headers, Some(&title("x"))).await, 412, None);
            assert_error(&relay.send("PUT", &path, &headers, Some(&ann())).await, 412, None);
            assert_error(&relay.send("DELETE", &path, &headers, None).await, 412, None);
        }
        assert_eq!(relay.get(&path).await.body, user.body, "a refused write changes nothing");

        let mut now = first.clone();
        for (index, spelling) in ["{}", "W/\"77\", {}", "*"].into_iter().enumerate() {
            let header = spelling.replace("{}", &now);
            let body = title(&format!("t{index}"));
            let changed = relay.send("PATCH", &path, &[("if-match", &header)], Some(&body)).await;
            assert_eq!(changed.status, 200, "{header}");
            let version = changed.header("etag").unwrap().to_owned();
            assert_ne!(version, now, "each change has its version");
            assert_eq!(changed.body["meta"]["version"], *version);
            now = version;
        }
        let strong = now.trim_start_matches("W/").to_owned();
        let put = relay.send("PUT", &path, &[("if-match", &strong)], Some(&ann())).await;
        assert_eq!(put.status, 200, "tags compare weakly");
        now = put.header("etag").unwrap().to_owned();

        for (header, status) in
            [(&*now, 304), ("*", 304), (&*format!("{first}, {now}"), 304), (&*first, 200), ("x", 200)]
        {
            let response = relay.send("GET", &path, &[("if-none-match", header)], None).await;
            assert_eq!(response.status, status, "{header}");
            assert_eq!(response.header("etag"), Some(&*now), "{header}");
            assert_eq!(response.body.is_null(), status == 304);
        }
        assert_eq!(relay.send("DELETE", &path, &[("if-match", &now)], None).await.status, 204);
        assert_error(&relay.send("PATCH", &path, &[("if-match", "*")], Some(&title("x"))).await, 404, None);
    }
}

#[tokio::test]
async fn a_list_has_no_version_and_is_never_answered_as_known() {
    let (relay, _) = relay_with_ann("rfc").await;
    for path in ["/Users", "/Users?filter=userName+pr"] {
        let response = relay.send("GET", path, &[("if-none-match", "*")], None).await;
        assert_eq!((response.status, response.header("etag")), (200, None), "{path}");
        assert_eq!(response.body["totalResults"], 1);
    }
}

#[tokio::test]
async fn a_group_has_a_version_that_members_move() {
    for dialect in BOTH {
        let (relay, path) = relay_with_ann(dialect).await;
        let ann = path.rsplit('/').next().unwrap();
        let staff = created(&relay, "/Groups", &group("Staff", &[])).await;
        let path = format!("/Groups/{}", id(&staff));
        let join = patch(json!([{ "op": "add", "path": "members", "value": [{ "value": ann }] }]));
        let first = staff["meta"]["version"].as_str().unwrap();
        let joined = relay.send("PATCH", &path, &[("if-match", first)], Some(&join)).await;
        assert_eq!(joined.status, 200);
        let leave = patch(json!([{ "op": "remove", "path": format!("members[value eq \"{ann}\"]") }]));
        assert_error(&relay.send("PATCH", &path, &[("if-match", first)], Some(&leave)).await, 412, None);
        assert_eq!(relay.get(&path).await.body["members"].as_array().map(Vec::len), Some(1), "{dialect}");
    }
}

#[tokio::test]
async fn a_version_survives_what_changes_nothing() {
    for dialect in BOTH {
        let relay = relay(dialect).await;
        let user = created(&relay, "/Users", &ann()).await;
        let path = format!("/Users/{}", id(&user));
        let same = relay.put(&path, &ann()).await;
        assert_eq!((same.status, &same.body), (200, &user), "{dialect}");
    }
}
