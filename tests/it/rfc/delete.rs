//! DELETE of a resource (RFC 7644 §3.6).

use serde_json::json;

use super::{BOTH, assert_error, filtered, relay_with_ann};
use crate::bodies::{ann, created, group, id, patch, total};

#[tokio::test]
async fn e3_49_what_is_deleted_is_gone_everywhere_and_may_come_again() {
    for dialect in BOTH {
        let (relay, path) = relay_with_ann(dialect).await;
        let own_id = path.rsplit('/').next().unwrap().to_owned();
        let staff = created(&relay, "/Groups", &group("Staff", &[&own_id])).await;
        let response = relay.delete(&path).await;
        assert_eq!((response.status, response.body), (204, json!(null)));
        let title = patch(json!([{ "op": "add", "path": "title", "value": "x" }]));
        for response in [
            relay.get(&path).await,
            relay.put(&path, &ann()).await,
            relay.patch(&path, &title).await,
            relay.delete(&path).await,
        ] {
            assert_error(&response, 404, None);
        }
        assert_eq!(total(&relay.get("/Users").await), 0, "{dialect}");
        for filter in
            [r#"userName eq "ann@acme.example""#.to_owned(), format!("id eq \"{own_id}\""), "active pr".to_owned()]
        {
            assert_eq!(total(&filtered(&relay, &filter).await), 0, "{filter}");
        }
        assert_eq!(relay.get(&format!("/Groups/{}", id(&staff))).await.body["members"], json!([]));
        let again = created(&relay, "/Users", &ann()).await;
        assert_ne!(id(&again), own_id, "an id is never given twice");
    }
}
