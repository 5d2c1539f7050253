//! What the connector does with the files: layout, permissions, locks, links, failures.

use std::{
    fs,
    os::unix::fs::{MetadataExt, PermissionsExt, symlink},
};

use scim_connector::{
    BuildContext, ConnectorKind, Desired, Effect, ErrorClass, MappedValue, MemberRef, Members, WriteRule,
    testkit::{attribute, change, gone, group, present, user},
};
use scim_connector_json_file::{JsonFile, Settings};
use serde_json::{Value, json};

use crate::bed::{Bed, apply, titled, with_members};

#[tokio::test]
async fn the_layout_is_one_resource_a_line_in_fixed_order() {
    let bed = Bed::new(json!({}));
    let (ada, bob, staff) = (user(1), user(2), group(3));
    let set = MappedValue::Multi(vec![json!("b"), json!("a"), json!({ "y": 1, "x": 2 })]);
    let attributes = [("zip".to_owned(), attribute(set, WriteRule::Always))];
    let bobs = Desired::Present { active: false, attributes: attributes.into(), members: Members::Unchanged };
    let members = [&bob, &ada].map(|resource| MemberRef { resource: resource.clone(), remote: None });
    let batch = [
        change(&bob, 4, bobs),
        with_members(&staff, 2, "staff", Members::Delta { add: members.into(), remove: vec![] }),
        titled(&ada, 1, "countess \"\n"),
    ];
    for outcome in bed.connect().apply(&batch).await {
        assert_eq!(outcome.unwrap().effect, Effect::Created);
    }
    let expected = [
        "{",
        "\"schema\": \"urn:scim-relay:json-file:1\",",
        "\"generation\": 1,",
        "\"users\": [",
        r#"{"id":"00000000-0000-7000-8000-000000000001","version":1,"active":true,"title":"countess \"\n"},"#,
        r#"{"id":"00000000-0000-7000-8000-000000000002","version":4,"active":false,"zip":["a","b",{"x":2,"y":1}]}"#,
        "],",
        "\"groups\": [",
        concat!(
            r#"{"id":"00000000-0000-7000-8000-000000000003","version":2,"title":"staff","members":["#,
            r#""00000000-0000-7000-8000-000000000001","00000000-0000-7000-8000-000000000002"]}"#,
        ),
        "]",
        "}",
        "",
    ];
    assert_eq!(bed.text(), expected.join("\n"));
}

#[tokio::test]
async fn the_same_state_is_not_written_again() {
    let bed = Bed::new(json!({}));
    apply(&*bed.connect(), titled(&user(1), 1, "one")).await.unwrap();
    let before = (fs::metadata(bed.path("users.json")).unwrap().ino(), bed.text());
    for version in [1, 2] {
        let applied = apply(&*bed.connect(), titled(&user(1), version, "one")).await.unwrap();
        assert_eq!(applied.effect, Effect::Unchanged);
    }
    assert_eq!((fs::metadata(bed.path("users.json")).unwrap().ino(), bed.text()), before);
}

#[tokio::test]
async fn a_new_file_has_the_permissions_asked_for_and_an_old_one_keeps_its_own() {
    let mode = |bed: &Bed| fs::metadata(bed.path("users.json")).unwrap().permissions().mode() & 0o7777;
    for (settings, expected) in [(json!({}), 0o600), (json!({ "permissions": "0640" }), 0o640)] {
        let bed = Bed::new(settings);
        apply(&*bed.connect(), titled(&user(1), 1, "one")).await.unwrap();
        assert_eq!(mode(&bed), expected);
        fs::set_permissions(bed.path("users.json"), fs::Permissions::from_mode(0o664)).unwrap();
        apply(&*bed.connect(), titled(&user(1), 2, "two")).await.unwrap();
        assert_eq!(mode(&bed), 0o664);
    }
}

#[tokio::test]
async fn a_file_that_another_connector_writes_is_refused() {
    let bed = Bed::new(json!({}));
    let first = bed.connect();
    apply(&*first, titled(&user(1), 1, "one")).await.unwrap();
    let second = bed.connect();
    assert_eq!(second.check().await.unwrap_err().class(), &ErrorClass::Misconfigured);
    let error = apply(&*second, titled(&user(1), 2, "two")).await.unwrap_err();
    assert_eq!(error.class(), &ErrorClass::Misconfigured);
    assert!(error.message().contains("locked"), "{error}");
    // A look is allowed.
    second.plan(&titled(&user(1), 2, "two")).await.unwrap();
    drop(first);
    apply(&*second, titled(&user(1), 2, "two")).await.unwrap();
}

#[tokio::test]
async fn a_place_where_no_file_can_be_is_a_misconfiguration() {
    let bed = Bed::new(json!({}));
    fs::write(bed.path("plain"), "").unwrap();
    fs::create_dir(bed.path("folder")).unwrap();
    symlink("nowhere", bed.path("dangling")).unwrap();
    for path in ["missing/users.json", "plain/users.json", "folder", "dangling"] {
        let connector = bed.connect_with(&json!({ "path": path }));
        assert_eq!(connector.check().await.unwrap_err().class(), &ErrorClass::Misconfigured, "{path}");
        let error = apply(&*connector, titled(&user(1), 1, "one")).await.unwrap_err();
        assert_eq!(error.class(), &ErrorClass::Misconfigured, "{path}");
    }
}

#[tokio::test]
async fn checking_makes_no_file_but_the_lock() {
    let bed = Bed::new(json!({}));
    bed.connect().check().await.unwrap();
    assert_eq!(bed.names(), ["users.json.lock"]);
}

#[tokio::test]
async fn a_link_stays_and_its_target_is_replaced() {
    let bed = Bed::new(json!({}));
    fs::create_dir(bed.path("real")).unwrap();
    fs::write(bed.path("real/data.json"), "{}").unwrap();
    symlink("real/data.json", bed.path("users.json")).unwrap();
    apply(&*bed.connect(), titled(&user(1), 1, "one")).await.unwrap();
    assert!(bed.path("users.json").is_symlink());
    assert!(fs::read_to_string(bed.path("real/data.json")).unwrap().contains("\"one\""));
}

#[tokio::test]
async fn a_temporary_file_left_by_a_killed_process_is_removed() {
    let bed = Bed::new(json!({}));
    apply(&*bed.connect(), titled(&user(1), 1, "one")).await.unwrap();
    fs::write(bed.path(".users.json.tmp"), "{\"half\": ").unwrap();
    apply(&*bed.connect(), titled(&user(1), 2, "two")).await.unwrap();
    assert!(bed.text().contains("\"two\""));
    assert_eq!(bed.names(), ["users.json", "users.json.lock"]);
}

#[tokio::test]
async fn a_failed_write_leaves_the_old_file_and_the_next_one_makes_up_for_it() {
    let bed = Bed::new(json!({}));
    let connector = bed.connect();
    apply(&*connector, titled(&user(1), 1, "one")).await.unwrap();
    let before = bed.text();
    // In the way of the temporary file.
    fs::create_dir(bed.path(".users.json.tmp")).unwrap();
    for outcome in connector.apply(&[titled(&user(1), 2, "two"), titled(&user(2), 1, "two")]).await {
        assert!(!outcome.unwrap_err().message().contains("two"), "no values in errors");
    }
    assert_eq!(bed.text(), before);

    fs::remove_dir(bed.path(".users.json.tmp")).unwrap();
    // Memory has it already; the disk does not.
    assert_eq!(apply(&*connector, titled(&user(1), 2, "two")).await.unwrap().effect, Effect::Updated);
    assert_eq!(bed.text().matches("\"two\"").count(), 2);
    assert!(bed.text().contains("\"generation\": 2,"), "{}", bed.text());
}

#[tokio::test]
async fn a_mapping_may_not_write_what_the_file_keeps_for_itself() {
    let bed = Bed::new(json!({}));
    for name in ["id", "version", "members"] {
        let attributes = [(name.to_owned(), attribute(MappedValue::Single("x".into()), WriteRule::Always))].into();
        let change = change(&user(1), 1, present(attributes, Members::Unchanged));
        let error = apply(&*bed.connect(), change).await.unwrap_err();
        assert_eq!(error.class(), &ErrorClass::Misconfigured);
    }
}

#[tokio::test]
async fn the_reader_gets_finds_and_lists() {
    let bed = Bed::new(json!({}));
    let connector = bed.connect();
    let batch: Vec<_> = (0..1_100_u128).map(|n| titled(&user(n), 1, if n % 2 == 0 { "even" } else { "odd" })).collect();
    let remote = connector.apply(&batch).await.remove(7).unwrap().remote.unwrap();
    let (reader, kind) = (connector.reader().unwrap(), user(0).kind);
    let entry = reader.get(&kind, &remote).await.unwrap().unwrap();
    assert_eq!(Value::Object(entry.attributes), json!({ "active": true, "title": "odd" }));
    assert_eq!(reader.find(&kind, "title", &json!("odd"), 3).await.unwrap().len(), 3);
    assert!(reader.find(&kind, "title", &json!("none"), 3).await.unwrap().is_empty());

    let (mut count, mut cursor) = (0, None);
    loop {
        let page = reader.list(&kind, cursor.as_deref()).await.unwrap();
        count += page.entries.len();
        cursor = page.next;
        if cursor.is_none() {
            break;
        }
    }
    assert_eq!(count, batch.len());

    apply(&*connector, gone(&user(7), 2)).await.unwrap();
    assert!(connector.reader().unwrap().get(&kind, &remote).await.unwrap().is_none());
}

#[test]
fn every_problem_with_the_settings_is_reported() {
    let settings: Settings = serde_json::from_value(json!({
        "path": "/", "permissions": "0400", "linger-ms": 70_000, "active-attribute": "id",
        "journal-bytes-max": 0, "journal-changes-max": 0,
    }))
    .unwrap();
    let context = BuildContext { name: "file".into(), base_dir: "/".into() };
    let problems = JsonFile::build(settings, context).err().unwrap();
    let keys: Vec<_> = problems.iter().map(|problem| &*problem.key).collect();
    let expected = ["path", "permissions", "linger-ms", "active-attribute", "journal-bytes-max", "journal-changes-max"];
    assert_eq!(keys, expected);
    assert!(serde_json::from_value::<Settings>(json!({ "path": "x", "pth": 1 })).is_err());
}
