//! Which attributes are returned (RFC 7644 §3.4.2.5, §3.9).

use serde_json::{Value, json};

use super::{BOTH, assert_error, relay, relay_with_ann};
use crate::bodies::{ENTERPRISE_URN, ann, created, group, id, patch};

fn keys(body: &Value) -> Vec<&str> {
    body.as_object().unwrap().keys().map(String::as_str).collect()
}

#[tokio::test]
async fn e3_23_attributes_are_chosen_on_every_verb() {
    for dialect in BOTH {
        let relay = relay(dialect).await;
        let response = relay.post("/Users?attributes=userName", &ann()).await;
        assert_eq!(response.status, 201);
        let path = format!("/Users/{}", id(&response.body));
        assert_eq!(keys(&response.body), ["id", "schemas", "userName"]);
        let change = patch(json!([{ "op": "replace", "path": "title", "value": "x" }]));
        for body in [
            relay.get(&format!("{path}?attributes=userName")).await.body,
            relay.put(&format!("{path}?attributes=userName"), &ann()).await.body,
            relay.patch(&format!("{path}?attributes=USERNAME"), &change).await.body,
            relay.get("/Users?attributes=userName").await.body["Resources"][0].clone(),
            relay.get("/Users?ATTRIBUTES=userName,nothing,").await.body["Resources"][0].clone(),
        ] {
            assert_eq!(keys(&body), ["id", "schemas", "userName"], "{dialect}");
        }
        for body in [
            relay.get(&format!("{path}?excludedAttributes=name,emails")).await.body,
            relay.put(&format!("{path}?excludedAttributes=name,emails"), &ann()).await.body,
            relay.patch(&format!("{path}?excludedAttributes=name,emails"), &change).await.body,
            relay.get("/Users?excludedAttributes=name,emails").await.body["Resources"][0].clone(),
        ] {
            assert_eq!((body.get("name"), body.get("emails")), (None, None), "{dialect}");
            assert_eq!(body["userName"], "Ann@Acme.example");
        }
        let mut other = ann();
        other["userName"] = json!("other");
        let response = relay.post("/Users?excludedAttributes=meta,userName", &other).await;
        assert_eq!((response.status, response.body.get("meta"), response.body.get("userName")), (201, None, None));
        assert!(response.header("location").is_some(), "what is not in the body is still in the head");
    }
}

#[tokio::test]
async fn e3_24_what_is_always_returned_cannot_be_excluded() {
    for dialect in BOTH {
        let (relay, path) = relay_with_ann(dialect).await;
        let body = relay.get(&format!("{path}?excludedAttributes=id,schemas,ID,userName")).await.body;
        assert!(body["id"].is_string() && body["schemas"].is_array(), "{dialect}");
        assert_eq!(body.get("userName"), None);
        let list = relay.get("/Users?excludedAttributes=id").await.body;
        assert!(list["Resources"][0]["id"].is_string());
    }
}

#[tokio::test]
async fn e3_25_attributes_are_the_minimum_and_those_asked_for() {
    for dialect in BOTH {
        let relay = relay(dialect).await;
        let mut body = ann();
        body["emails"] =
            json!([{ "value": "w@a.example", "type": "work" }, { "value": "h@a.example", "type": "home" }]);
        body[ENTERPRISE_URN] = json!({ "department": "D", "employeeNumber": "7" });
        let user = created(&relay, "/Users", &body).await;
        let path = format!("/Users/{}", id(&user));
        let get = async |query: &str| relay.get(&format!("{path}?{query}")).await.body;

        let parts = get("attributes=emails.value,name.familyName").await;
        assert_eq!(parts["emails"], json!([{ "value": "w@a.example" }, { "value": "h@a.example" }]));
        assert_eq!(parts["name"], json!({ "familyName": "Boss" }));
        assert_eq!(keys(&parts), ["emails", "id", "name", "schemas"]);

        let part = get("excludedAttributes=emails.type,name.givenName").await;
        assert!(part["emails"].as_array().unwrap().iter().all(|email| email.get("type").is_none()));
        assert_eq!(part["name"], json!({ "familyName": "Boss" }));

        let extension = get(&format!("attributes={ENTERPRISE_URN}:department")).await;
        assert_eq!(extension[ENTERPRISE_URN], json!({ "department": "D" }));
        let whole = get(&format!("attributes={ENTERPRISE_URN}")).await;
        assert_eq!(whole[ENTERPRISE_URN], json!({ "department": "D", "employeeNumber": "7" }));
        assert_eq!(get(&format!("excludedAttributes={ENTERPRISE_URN}")).await.get(ENTERPRISE_URN), None);

        let meta = get("attributes=meta.version").await;
        assert_eq!(meta["meta"], json!({ "version": user["meta"]["version"] }));
        assert_eq!(keys(&get("attributes=password").await), ["id", "schemas"], "never means never");
        assert_eq!(keys(&get("attributes=nothing").await), ["id", "schemas"]);
        assert_eq!(
            keys(&get("attributes=title&attributes=userName").await),
            ["id", "schemas", "userName"],
            "the last counts"
        );
        assert_eq!(get("attributes=").await, user, "an empty choice is none");
    }
}

#[tokio::test]
async fn both_choices_at_once_are_refused() {
    for dialect in BOTH {
        let (relay, path) = relay_with_ann(dialect).await;
        let query = "attributes=userName&excludedAttributes=name";
        assert_error(&relay.get(&format!("{path}?{query}")).await, 400, Some("invalidSyntax"));
        assert_error(&relay.get(&format!("/Users?{query}")).await, 400, Some("invalidSyntax"));
        let before = relay.get(&path).await.body;
        let change = patch(json!([{ "op": "replace", "path": "title", "value": "x" }]));
        assert_error(&relay.patch(&format!("{path}?{query}"), &change).await, 400, Some("invalidSyntax"));
        assert_eq!(relay.get(&path).await.body, before, "a refused choice refuses the write");
    }
}

#[tokio::test]
async fn members_are_left_out_on_every_verb() {
    for dialect in BOTH {
        let (relay, path) = relay_with_ann(dialect).await;
        let ann = path.rsplit('/').next().unwrap();
        let staff = relay.post("/Groups?excludedAttributes=members", &group("Staff", &[ann])).await;
        assert_eq!((staff.status, staff.body.get("members")), (201, None));
        let path = format!("/Groups/{}?excludedAttributes=members", id(&staff.body));
        let rename = patch(json!([{ "op": "replace", "path": "displayName", "value": "Crew" }]));
        let patched = relay.patch(&path, &rename).await;
        assert_eq!((patched.status, patched.body["displayName"].clone()), (200, json!("Crew")));
        assert_eq!(patched.body.get("members"), None);
        assert_eq!(relay.get(&path).await.body.get("members"), None);
        assert_eq!(relay.get("/Groups?excludedAttributes=members").await.body["Resources"][0].get("members"), None);
        let whole = relay.get(&format!("/Groups/{}?attributes=members.value", id(&staff.body))).await.body;
        assert_eq!(whole["members"], json!([{ "value": ann }]));
    }
}
