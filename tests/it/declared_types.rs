//! Schemas and resource types that configuration declares, over HTTP.

use scim_relay::{
    app::App,
    config::{self, Environment},
    time::Clock,
};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{
    bodies::{ENTERPRISE_URN, USER_URN, created, group, id, patch, total, user},
    relay::Relay,
};

const DEVICE: &str = "urn:ietf:params:scim:schemas:core:2.0:Device";
const APP: &str = "urn:ietf:params:scim:schemas:core:2.0:EndpointApp";
const BLE: &str = "urn:ietf:params:scim:schemas:extension:ble:2.0:Device";
const FDO: &str = "urn:ietf:params:scim:schemas:extension:fido-device-onboard:2.0:Device";
const PASS_KEY: &str = "urn:ietf:params:scim:schemas:extension:pairingPassKey:2.0:Device";
const BADGE: &str = "urn:example:2.0:Badge";

async fn plant() -> Relay {
    Relay::example("config/examples/devices/relay.toml", "plant", "NETWORK").await
}

fn monitor(mac: &str) -> Value {
    json!({
        "schemas": [DEVICE, BLE],
        "displayName": "BLE Heart Monitor",
        "active": true,
        "mudUrl": "https://mud.example/monitor",
        BLE: {
            "versionSupport": ["5.3"],
            "deviceMacAddress": mac,
            "isRandom": true,
            "irk": "SECRET-IRK",
            "mobility": false,
            "pairingMethods": [PASS_KEY],
            PASS_KEY: { "key": 123456 },
        },
    })
}

#[tokio::test]
async fn discovery_lists_declared_types_after_the_rfcs() {
    let relay = plant().await;
    let types = relay.get("/ResourceTypes").await.body;
    let names: Vec<_> = types["Resources"].as_array().unwrap().iter().map(|one| one["name"].clone()).collect();
    assert_eq!(names, ["User", "Group", "Device", "EndpointApp"]);
    let device = relay.get("/ResourceTypes/Device").await.body;
    assert_eq!(device["endpoint"], "/Devices");
    assert_eq!(device["schemaExtensions"].as_array().map(Vec::len), Some(6));
    let schemas = relay.get("/Schemas").await.body;
    let urns: Vec<_> = schemas["Resources"].as_array().unwrap().iter().map(|one| one["id"].clone()).collect();
    assert_eq!(urns.len(), 11);
    assert_eq!(urns[0], USER_URN);
    let ble = relay.get(&format!("/Schemas/{BLE}")).await.body;
    let attribute = |name: &str| ble["attributes"].as_array().unwrap().iter().find(|one| one["name"] == name).unwrap();
    assert_eq!(
        (&attribute("irk")["returned"], &attribute("irk")["mutability"]),
        (&json!("never"), &json!("writeOnly"))
    );
    assert_eq!(attribute(PASS_KEY)["subAttributes"][0]["type"], "integer");
}

#[tokio::test]
async fn a_device_lives_and_reaches_the_file_with_the_secrets_that_were_mapped() {
    let mut relay = plant().await;
    let device = created(&relay, "/Devices", &monitor("AA:BB:CC:00:00:01")).await;
    created(&relay, "/Devices", &monitor("AA:BB:CC:00:00:02")).await;
    let path = format!("/Devices/{}", id(&device));
    assert_eq!(device["meta"]["resourceType"], "Device");
    assert_eq!(device["meta"]["location"], format!("{}{path}", relay.base));
    assert_eq!(device["schemas"], json!([DEVICE, BLE]));
    assert_eq!(device[BLE][PASS_KEY]["key"], 123_456);

    // Never returned, in no verb and whoever asks; and nobody may look for it.
    let everything = format!("{path}?attributes=displayName,{BLE}:irk");
    let patched =
        relay.patch(&path, &patch(json!([{ "op": "replace", "path": "displayName", "value": "Monitor" }]))).await;
    let found = relay.get(&format!("/Devices?filter={BLE}:deviceMacAddress%20eq%20%22aa:bb:cc:00:00:01%22")).await;
    assert_eq!(total(&found), 1, "a MAC address compares without case");
    assert_eq!(found.body["Resources"][0]["id"], device["id"]);
    for answer in
        [&device, &relay.get(&path).await.body, &relay.get(&everything).await.body, &patched.body, &found.body]
    {
        assert!(!answer.to_string().contains("SECRET-IRK"), "{answer}");
    }
    let refused = relay.get(&format!("/Devices?filter={BLE}:irk%20sw%20%22S%22")).await;
    assert_eq!((refused.status, &refused.body["scimType"]), (400, &json!("invalidFilter")));

    // A PUT of what was read keeps what could not be.
    let mut read = relay.get(&path).await.body;
    read["mudUrl"] = Value::Null;
    assert_eq!(relay.put(&path, &read).await.status, 200);
    let team = created(&relay, "/Groups", &group("monitors", &[id(&device)])).await;
    assert_eq!(team["members"][0]["type"], "Device");
    assert_eq!(relay.get(&path).await.body["groups"][0]["value"], team["id"]);

    let voucher = json!({ "schemas": [DEVICE, FDO], "active": true, FDO: { "fdoVoucher": "VOUCHER" } });
    let onboarded = created(&relay, "/Devices", &voucher).await;
    assert!(!onboarded.to_string().contains("VOUCHER"), "{onboarded}");
    let onboarded =
        relay.put(&format!("/Devices/{}", id(&onboarded)), &json!({ "schemas": [DEVICE], "active": false })).await;
    assert_eq!(onboarded.status, 200, "{}", onboarded.body);

    let gone = created(&relay, "/Devices", &monitor("AA:BB:CC:00:00:03")).await;
    assert_eq!(relay.delete(&format!("/Devices/{}", id(&gone))).await.status, 204);
    assert_eq!(relay.get(&format!("/Devices/{}", id(&gone))).await.status, 404);
    assert_eq!(total(&relay.get("/Devices?startIndex=2&count=1").await), 3);

    let file = relay.delivered().await;
    let devices = file["devices"].as_array().unwrap();
    assert_eq!(devices.len(), 3, "{file}");
    let delivered = devices.iter().find(|one| one["mac"] == "AA:BB:CC:00:00:01").unwrap();
    assert_eq!((&delivered["name"], &delivered["irk"]), (&json!("Monitor"), &json!("SECRET-IRK")));
    assert_eq!(delivered["pairing"], json!([PASS_KEY]));
    assert_eq!(devices.iter().filter(|one| one["voucher"] == "VOUCHER").count(), 1, "{file}");
}

#[tokio::test]
async fn an_application_keeps_its_type_and_makes_no_token_of_its_own() {
    let mut relay = plant().await;
    let app = created(
        &relay,
        "/EndpointApps",
        &json!({
            "schemas": [APP],
            "applicationType": "deviceControl",
            "applicationName": "Control",
            "certificateInfo": { "subjectName": "CN=control" },
            "clientToken": "made up",
        }),
    )
    .await;
    assert_eq!(app["clientToken"], Value::Null, "read-only is ignored");
    let path = format!("/EndpointApps/{}", id(&app));
    let changed =
        relay.patch(&path, &patch(json!([{ "op": "replace", "path": "applicationType", "value": "telemetry" }]))).await;
    assert_eq!((changed.status, &changed.body["scimType"]), (400, &json!("mutability")));
    let incomplete = json!({ "schemas": [APP], "applicationType": "telemetry", "applicationName": "T", "certificateInfo": { "rootCA": "AA==" } });
    let refused = relay.post("/EndpointApps", &incomplete).await;
    assert_eq!((refused.status, &refused.body["scimType"]), (400, &json!("invalidValue")));
    assert!(refused.body["detail"].as_str().unwrap().contains("certificateInfo.subjectName"), "{}", refused.body);
    let renamed = relay
        .patch(&path, &patch(json!([{ "op": "replace", "path": "applicationName", "value": "Door control" }])))
        .await;
    assert_eq!(renamed.body["applicationName"], "Door control");
    let file = relay.delivered().await;
    assert_eq!(file["endpointapps"][0]["applicationName"], "Door control", "{file}");
    assert_eq!(file["endpointapps"][0]["certificateInfo"], json!({ "subjectName": "CN=control" }));
}

/// The extension `BADGE` with these attributes, and the users that have it.
fn badge_documents(attributes: &Value) -> Value {
    json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:ListResponse"],
        "Resources": [
            { "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Schema"], "id": BADGE, "attributes": attributes },
            {
                "schemas": ["urn:ietf:params:scim:schemas:core:2.0:ResourceType"],
                "name": "User",
                "endpoint": "/Users",
                "schema": USER_URN,
                "schemaExtensions": [{ "schema": BADGE }],
            },
        ],
    })
}

/// A relay whose users have an extension of these attributes. The folder holds the schema.
async fn with_badge(attributes: Value) -> (Relay, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("badge.json");
    std::fs::write(&file, badge_documents(&attributes).to_string()).unwrap();
    let keys =
        format!("schemas = [\"{}\"]\nindexed-attributes = [\"{ENTERPRISE_URN}:employeeNumber\"]", file.display());
    (Relay::start(&keys).await, folder)
}

fn person(name: &str, badge: Value) -> Value {
    json!({ "schemas": [USER_URN, BADGE], "userName": name, "active": true, BADGE: badge })
}

#[tokio::test]
async fn values_are_of_the_declared_types() {
    let part = |name: &str, kind: &str| json!({ "name": name, "type": kind });
    let (relay, _folder) = with_badge(json!([
        part("count", "integer"),
        part("size", "decimal"),
        part("since", "dateTime"),
        part("picture", "binary"),
        part("link", "reference"),
        { "name": "colour", "canonicalValues": ["red", "blue"] },
        { "name": "doors", "type": "complex", "multiValued": true, "subAttributes": [
            { "name": "value", "required": true }, { "name": "level", "type": "integer" }] },
    ]))
    .await;
    for (index, bad) in [
        json!({ "count": 1.5 }),
        json!({ "count": "one" }),
        json!({ "size": "large" }),
        json!({ "since": "yesterday" }),
        json!({ "picture": "not base64!" }),
        json!({ "link": 7 }),
        json!({ "doors": 7 }),
        json!({ "doors": [{ "level": 2 }] }),
        json!({ "doors": [{ "value": "A", "level": "two" }] }),
    ]
    .into_iter()
    .enumerate()
    {
        let refused = relay.post("/Users", &person(&format!("bad-{index}"), bad.clone())).await;
        assert_eq!((refused.status, &refused.body["scimType"]), (400, &json!("invalidValue")), "{bad}");
    }
    let good = json!({
        "count": 3,
        "size": 1.5,
        "since": "2026-01-31T09:30:00Z",
        "picture": "AQID",
        "link": "https://example.com/",
        // Suggestions (RFC 7643 §7): others are stored as they came.
        "colour": "GREEN",
        "doors": [{ "value": "A", "level": 2 }],
    });
    let ann = created(&relay, "/Users", &person("ann", good.clone())).await;
    assert_eq!(ann[BADGE], good);
    for filter in
        ["count gt 2", "size lt 2", "since ge \"2026-01-01T00:00:00Z\"", "doors.value eq \"a\"", "colour eq \"green\""]
    {
        let filter = format!("{BADGE}:{filter}").replace(' ', "%20").replace('"', "%22");
        assert_eq!(total(&relay.get(&format!("/Users?filter={filter}")).await), 1, "{filter}");
    }
}

#[tokio::test]
async fn uniqueness_holds_in_every_verb_and_discovery_says_so() {
    let (relay, _folder) =
        with_badge(json!([{ "name": "code", "uniqueness": "server" }, { "name": "key", "uniqueness": "global", "caseExact": true }])).await;
    let schema = relay.get(&format!("/Schemas/{BADGE}")).await.body;
    assert_eq!(schema["attributes"][0]["uniqueness"], "server");
    created(&relay, "/Users", &person("ann", json!({ "code": "A1", "key": "k" }))).await;
    let bob = created(&relay, "/Users", &person("bob", json!({ "code": "B1", "key": "K" }))).await;
    let path = format!("/Users/{}", id(&bob));
    let taken = json!({ "code": "a1" });
    for answer in [
        relay.post("/Users", &person("eve", taken.clone())).await,
        relay.put(&path, &person("bob", taken)).await,
        relay.patch(&path, &patch(json!([{ "op": "add", "path": format!("{BADGE}:code"), "value": "a1" }]))).await,
    ] {
        assert_eq!((answer.status, &answer.body["scimType"]), (409, &json!("uniqueness")));
        assert!(answer.body["detail"].as_str().unwrap().contains("Badge:code"), "{}", answer.body);
    }
}

#[tokio::test]
async fn what_is_returned_on_request_or_never_is_kept_over_put() {
    let (mut relay, _folder) = with_badge(json!([
        { "name": "code", "returned": "always" },
        { "name": "note", "returned": "request" },
        { "name": "pin", "mutability": "writeOnly", "returned": "never", "required": true },
        { "name": "plain" },
    ]))
    .await;
    let missing = relay.post("/Users", &person("eve", json!({ "code": "E" }))).await;
    assert_eq!((missing.status, &missing.body["scimType"]), (400, &json!("invalidValue")), "the pin is required");
    let body = person("ann", json!({ "code": "A", "note": "N", "pin": "PIN", "plain": "P" }));
    let ann = created(&relay, "/Users", &body).await;
    assert_eq!(ann[BADGE], json!({ "code": "A", "plain": "P" }));
    let path = format!("/Users/{}", id(&ann));
    let with_note = format!("{path}?attributes={BADGE}:note");
    let badge = async |path: &str| relay.get(path).await.body[BADGE].clone();
    assert_eq!(badge(&with_note).await, json!({ "code": "A", "note": "N" }));
    assert_eq!(badge(&format!("{path}?excludedAttributes={BADGE}:code")).await, json!({ "code": "A", "plain": "P" }));

    // What a client can read and leaves out is cleared, the rest is kept.
    let put = relay.put(&path, &person("ann", json!({ "code": "A2" }))).await;
    assert_eq!((put.status, &put.body[BADGE]), (200, &json!({ "code": "A2" })));
    assert_eq!(badge(&with_note).await, json!({ "code": "A2", "note": "N" }));
    // Cleared by name it goes, unless it is required.
    let put = relay.put(&path, &person("ann", json!({ "code": "A2", "note": null }))).await;
    assert_eq!(put.status, 200, "{}", put.body);
    assert_eq!(badge(&with_note).await, json!({ "code": "A2" }));
    let refused = relay.put(&path, &person("ann", json!({ "code": "A2", "pin": null }))).await;
    assert_eq!((refused.status, &refused.body["scimType"]), (400, &json!("invalidValue")));

    let file = relay.delivered().await;
    assert_eq!(file["users"][0][BADGE], json!({ "code": "A2" }), "a secret is delivered only under its own name");
}

#[tokio::test]
async fn a_part_that_is_never_returned_goes_when_it_is_cleared_by_name_or_with_its_whole() {
    let (mut relay, _folder) = with_badge(json!([{ "name": "lock", "type": "complex", "subAttributes": [
        { "name": "door" },
        { "name": "pin", "mutability": "writeOnly", "returned": "never", "caseExact": true },
    ] }]))
    .await;
    let lock = |lock: Value| person("ann", json!({ "lock": lock }));
    let ann = created(&relay, "/Users", &lock(json!({ "door": "front", "pin": "PIN" }))).await;
    let path = format!("/Users/{}", id(&ann));
    let version = |answer: &Value| answer["meta"]["version"].clone();
    let kept = relay.put(&path, &lock(json!({ "door": "front" }))).await;
    assert_eq!(version(&kept.body), version(&ann), "nothing changed");
    let cleared = relay.put(&path, &lock(json!({ "door": "front", "pin": null }))).await;
    assert_ne!(version(&cleared.body), version(&ann));
    let again = relay.put(&path, &lock(json!({ "door": "front", "pin": "PIN" }))).await;
    assert_ne!(version(&again.body), version(&cleared.body));
    let whole = relay.put(&path, &user("ann")).await;
    assert_eq!(whole.body[BADGE], Value::Null);
    let file = relay.delivered().await;
    assert_eq!(file["users"][0].get(BADGE), None, "{file}");
}

#[tokio::test]
async fn an_indexed_attribute_follows_its_resource() {
    let (relay, _folder) = with_badge(json!([{ "name": "code" }])).await;
    let number = |name: &str, number: &str| json!({ "schemas": [USER_URN], "userName": name, ENTERPRISE_URN: { "employeeNumber": number } });
    let ann = created(&relay, "/Users", &number("ann", "701984")).await;
    created(&relay, "/Users", &number("bob", "701985")).await;
    let by_number = async |value: &str| {
        let filter = format!("{ENTERPRISE_URN}:employeeNumber%20eq%20%22{value}%22");
        total(&relay.get(&format!("/Users?filter={filter}")).await)
    };
    assert_eq!((by_number("701984").await, by_number("701986").await), (1, 0));
    let path = format!("/Users/{}", id(&ann));
    let change = json!([{ "op": "replace", "path": format!("{ENTERPRISE_URN}:employeeNumber"), "value": "701986" }]);
    assert_eq!(relay.patch(&path, &patch(change)).await.status, 200);
    assert_eq!((by_number("701984").await, by_number("701986").await), (0, 1));
    assert_eq!(relay.delete(&path).await.status, 204);
    assert_eq!(by_number("701986").await, 0);
}

#[tokio::test]
async fn parts_that_are_never_returned_are_kept_and_cannot_be_asked_for() {
    let (relay, _folder) =
        with_badge(json!([{ "name": "keys", "type": "complex", "multiValued": true, "subAttributes": [
        { "name": "value" },
        { "name": "secret", "mutability": "writeOnly", "returned": "never" },
    ] }]))
        .await;
    let keys = json!({ "keys": [{ "value": "front", "secret": "S-1" }, { "value": "back", "secret": "S-2" }] });
    let ann = created(&relay, "/Users", &person("ann", keys)).await;
    let seen = json!({ "keys": [{ "value": "front" }, { "value": "back" }] });
    assert_eq!(ann[BADGE], seen);
    let path = format!("/Users/{}", id(&ann));
    let selects =
        |secret: &str| patch(json!([{ "op": "remove", "path": format!("{BADGE}:keys[secret eq \"{secret}\"]") }]));
    for secret in ["S-1", "other"] {
        let refused = relay.patch(&path, &selects(secret)).await;
        assert_eq!((refused.status, &refused.body["scimType"]), (400, &json!("invalidPath")), "{secret}");
    }
    // The same elements again: nothing changes, so the secrets are still there.
    let put = relay.put(&path, &person("ann", seen.clone())).await;
    assert_eq!((put.status, &put.body[BADGE]), (200, &seen));
    assert_eq!(put.body["meta"]["version"], ann["meta"]["version"]);
}

#[tokio::test]
async fn a_relay_does_not_start_with_schemas_that_what_is_stored_breaks() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("relay.toml");
    std::fs::write(
        &file,
        r#"
        [server]
        listen = ["127.0.0.1:0"]
        [admin]
        listen = "127.0.0.1:0"
        [tenants.acme]
        schemas = ["badge.json"]
        "#,
    )
    .unwrap();
    let write = |attributes: Value| {
        std::fs::write(folder.path().join("badge.json"), badge_documents(&attributes).to_string()).unwrap();
    };
    let start = async || {
        let config = config::load(&file, &Environment::from_iter([])).unwrap();
        App::start(config, Clock::system()).await
    };
    let (kept, gone) = (json!([{ "name": "code" }]), json!([{ "name": "other" }]));
    write(kept.clone());
    let app = start().await.unwrap();
    let key = app.create_key("acme", "test").await.unwrap();
    let relay = Relay::of_app(app, key, tempfile::tempdir().unwrap());
    let ann = created(&relay, "/Users", &person("ann", json!({ "code": "A" }))).await;
    relay.stop().await;
    write(gone);
    let error = format!("{:#}", start().await.err().unwrap());
    assert!(error.contains("urn:example:2.0:Badge:code: 1 of the stored"), "{error}");
    assert!(error.contains(id(&ann)), "{error}");
    write(kept);
    start().await.unwrap().stop().await;
}
