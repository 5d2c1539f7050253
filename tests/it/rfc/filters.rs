//! What filters mean (RFC 7644 §3.4.2.2).

use jiff::{Timestamp, tz};
use serde_json::json;

use super::{BOTH, assert_error, assert_finds, filtered, relay, relay_with, relay_with_ann};
use crate::bodies::{ENTERPRISE_URN, created, id};

#[tokio::test]
async fn e3_10_text_compares_as_case_exact_says() {
    for dialect in BOTH {
        let relay = relay_with(dialect, &[("Ann", json!({ "externalId": "AbC" }))]).await;
        assert_finds(&relay, r#"userName eq "aNN""#, &["Ann"]).await;
        assert_finds(&relay, r#"userName sw "AN""#, &["Ann"]).await;
        assert_finds(&relay, r#"externalId eq "AbC""#, &["Ann"]).await;
        assert_finds(&relay, r#"externalId eq "abc""#, &[]).await;
        assert_finds(&relay, r#"externalId sw "ab""#, &[]).await;
        let id = relay.get("/Users").await.body["Resources"][0]["id"].as_str().unwrap().to_owned();
        assert_finds(&relay, &format!("id eq \"{id}\""), &["Ann"]).await;
        if id.bytes().any(|byte| byte.is_ascii_lowercase()) {
            assert_finds(&relay, &format!("id eq \"{}\"", id.to_uppercase()), &[]).await;
        }
    }
}

#[tokio::test]
async fn e3_11_names_and_operators_compare_without_case() {
    for dialect in BOTH {
        let relay = relay_with(dialect, &[("ann", json!({ "title": "Boss" }))]).await;
        for filter in [
            r#"USERNAME Eq "ann""#,
            r#"username EQ "ann""#,
            r#"userName eq "ann" AND title Pr"#,
            r#"NOT (title eq "x") aNd userName Sw "a""#,
            r#"name.FAMILYNAME eq "x" OR TITLE eq "boss""#,
        ] {
            assert_finds(&relay, filter, &["ann"]).await;
        }
    }
}

#[tokio::test]
async fn e3_12_and_binds_tighter_than_or() {
    for dialect in BOTH {
        let relay = relay_with(
            dialect,
            &[("ann", json!({ "title": "a" })), ("ben", json!({ "title": "b" })), ("cai", json!({ "title": "b" }))],
        )
        .await;
        for (filter, expected) in [
            (r#"userName eq "ann" or title eq "b" and userName eq "ben""#, vec!["ann", "ben"]),
            (r#"title eq "b" and userName eq "ben" or userName eq "ann""#, vec!["ann", "ben"]),
            (r#"(userName eq "ann" or title eq "b") and userName eq "ben""#, vec!["ben"]),
            (r#"not (userName eq "ann") and title eq "b""#, vec!["ben", "cai"]),
            (r#"not (userName eq "ann" and title eq "b")"#, vec!["ann", "ben", "cai"]),
            (r#"not (userName eq "ann" or userName eq "ben") or title eq "a""#, vec!["ann", "cai"]),
            (r#"not (not (userName eq "ann"))"#, vec!["ann"]),
        ] {
            assert_finds(&relay, filter, &expected).await;
        }
    }
}

#[tokio::test]
async fn e3_13_an_unknown_operator_is_refused() {
    for dialect in BOTH {
        let relay = relay_with(dialect, &[("ann", json!({}))]).await;
        for filter in [
            r#"userName regex "a""#,
            r#"userName = "ann""#,
            r#"userName == "ann""#,
            r#"userName like "ann""#,
            r#"userName eq "ann" xor title pr"#,
            r#"userName eq "ann" && title pr"#,
            r#"userName eq"#,
            r#"userName"#,
            "",
            " ",
        ] {
            assert_error(&filtered(&relay, filter).await, 400, Some("invalidFilter"));
        }
    }
}

#[tokio::test]
async fn e3_14_booleans_and_binaries_have_no_order() {
    for dialect in BOTH {
        let relay = relay_with(dialect, &[("ann", json!({ "active": true }))]).await;
        for filter in [
            "active gt true",
            "active ge false",
            "active lt true",
            "active le true",
            r#"active co "t""#,
            r#"x509Certificates.value gt "MII=""#,
            r#"x509Certificates[value le "MII="]"#,
            r#"emails.primary gt false"#,
        ] {
            assert_error(&filtered(&relay, filter).await, 400, Some("invalidFilter"));
        }
        assert_finds(&relay, "active eq true", &["ann"]).await;
        assert_finds(&relay, "active ne true", &[]).await;
    }
}

#[tokio::test]
async fn e3_15_any_element_may_match_and_brackets_speak_of_one() {
    for dialect in BOTH {
        let mails = json!({ "emails": [{ "type": "work", "value": "w@a.example" }, { "type": "home", "value": "h@a.example" }] });
        let relay = relay_with(dialect, &[("ann", mails)]).await;
        for (filter, matches) in [
            (r#"emails.type eq "work" and emails.value eq "h@a.example""#, true),
            (r#"emails[type eq "work" and value eq "h@a.example"]"#, false),
            (r#"emails[type eq "home" and value eq "h@a.example"]"#, true),
            (r#"emails[type eq "work" or value eq "h@a.example"]"#, true),
            (r#"emails[not (type eq "work")]"#, true),
            (r#"emails[not (type eq "work" or type eq "home")]"#, false),
            (r#"emails[(type eq "work" or type eq "home") and value ew "example"]"#, true),
            (r#"emails[type eq "work"].value eq "w@a.example""#, true),
            (r#"emails[type eq "work"].value eq "h@a.example""#, false),
            (r#"emails.value ne "w@a.example""#, true),
            (r#"not (emails.value eq "w@a.example")"#, false),
        ] {
            assert_finds(&relay, filter, if matches { &["ann"][..] } else { &[] }).await;
        }
    }
}

#[tokio::test]
async fn e3_16_a_complex_attribute_stands_for_its_value() {
    for dialect in BOTH {
        let mut attributes = json!({ "emails": [{ "value": "ann@a.example" }] });
        attributes[ENTERPRISE_URN] = json!({ "manager": { "value": "0192" } });
        let relay = relay_with(dialect, &[("ann", attributes)]).await;
        for filter in [
            r#"emails co "a.example""#,
            r#"emails.value co "a.example""#,
            r#"emails eq "ANN@a.example""#,
            &format!(r#"{ENTERPRISE_URN}:manager eq "0192""#),
            &format!(r#"{ENTERPRISE_URN}:manager.value eq "0192""#),
        ] {
            assert_finds(&relay, filter, &["ann"]).await;
        }
        assert_error(&filtered(&relay, r#"name co "Ann""#).await, 400, Some("invalidFilter"));
    }
}

#[tokio::test]
async fn e3_17_present_is_what_is_not_empty() {
    for dialect in BOTH {
        let relay = relay(dialect).await;
        let empty = json!({
            "userName": "empty", "title": "", "emails": [], "name": {}, "nickName": null, "addresses": [{}],
            ENTERPRISE_URN: {},
        });
        let user = created(&relay, "/Users", &empty).await;
        for key in ["title", "emails", "name", "nickName", "addresses", ENTERPRISE_URN] {
            assert_eq!(user.get(key), None, "{dialect} {key}");
        }
        let full = json!({
            "userName": "full", "title": "x", "emails": [{ "value": "a@b.example" }], "name": { "givenName": "A" },
            "nickName": "f", "active": false, "addresses": [{ "country": "US" }], ENTERPRISE_URN: { "department": "D" },
        });
        created(&relay, "/Users", &full).await;
        for name in [
            "title",
            "emails",
            "emails.value",
            "name",
            "name.givenName",
            "nickName",
            "active",
            "addresses",
            ENTERPRISE_URN,
        ] {
            assert_finds(&relay, &format!("{name} pr"), &["full"]).await;
            assert_finds(&relay, &format!("not ({name} pr)"), &["empty"]).await;
        }
        assert_finds(&relay, "emails[value pr]", &["full"]).await;
        assert_finds(&relay, "emails[type pr]", &[]).await;
    }
}

#[tokio::test]
async fn e3_18_operands_are_json_values() {
    for dialect in BOTH {
        let relay = relay_with(
            dialect,
            &[
                ("quote", json!({ "title": "say \"hi\"" })),
                ("slash", json!({ "title": "a\\b" })),
                ("accent", json!({ "title": "Café" })),
                ("emoji", json!({ "title": "🙂" })),
                ("lines", json!({ "title": "one\ntwo" })),
                ("words", json!({ "title": "a and b) or [c] eq" })),
                ("none", json!({ "active": false })),
            ],
        )
        .await;
        for (filter, expected) in [
            (r#"title eq "say \"hi\"""#, vec!["quote"]),
            (r#"title eq "a\\b""#, vec!["slash"]),
            (r#"title eq "Caf\u00e9""#, vec!["accent"]),
            (r#"title eq "CAFÉ""#, vec!["accent"]),
            (r#"title eq "\ud83d\ude42""#, vec!["emoji"]),
            (r#"title co "\n""#, vec!["lines"]),
            (r#"title eq "a and b) or [c] eq""#, vec!["words"]),
            ("title eq null", vec!["none"]),
            ("active eq false", vec!["none"]),
            ("title ne null and title sw \"one\"", vec!["lines"]),
        ] {
            assert_finds(&relay, filter, &expected).await;
        }
        for filter in
            [r#"title eq "\x""#, r#"title eq "\ud83d""#, r#"title eq "open"#, "title gt null", "title co null"]
        {
            assert_error(&filtered(&relay, filter).await, 400, Some("invalidFilter"));
        }
    }
}

#[tokio::test]
async fn e3_19_instants_compare_by_time() {
    for dialect in BOTH {
        let (relay, path) = relay_with_ann(dialect).await;
        let name = "Ann@Acme.example";
        let user = relay.get(&path).await.body;
        let at: Timestamp = user["meta"]["created"].as_str().unwrap().parse().unwrap();
        let elsewhere = at.to_zoned(tz::TimeZone::fixed(tz::offset(2))).strftime("%Y-%m-%dT%H:%M:%S%.f%:z").to_string();
        assert!(elsewhere.ends_with("+02:00"), "{elsewhere}");
        for (operator, matches) in
            [("eq", true), ("ge", true), ("le", true), ("gt", false), ("lt", false), ("ne", false)]
        {
            let filter = format!("meta.created {operator} \"{elsewhere}\"");
            let expected = if matches { vec![name] } else { vec![] };
            assert_finds(&relay, &filter, &expected).await;
        }
        assert_finds(&relay, r#"meta.lastModified gt "2011-05-13T04:42:34Z""#, &[name]).await;
        assert_error(&filtered(&relay, r#"meta.created gt "yesterday""#).await, 400, Some("invalidFilter"));
    }
}

#[tokio::test]
async fn an_attribute_without_a_value_equals_nothing_but_null() {
    for dialect in BOTH {
        let relay = relay_with(dialect, &[("ann", json!({})), ("ben", json!({ "title": "x" }))]).await;
        for (filter, expected) in [
            (r#"title ne "x""#, vec!["ann"]),
            (r#"title eq null"#, vec!["ann"]),
            (r#"title ne null"#, vec!["ben"]),
            (r#"title lt "z""#, vec!["ben"]),
            (r#"unknownAttribute pr"#, vec![]),
            (r#"unknownAttribute eq null and title pr"#, vec!["ben"]),
        ] {
            assert_finds(&relay, filter, &expected).await;
        }
    }
}

#[tokio::test]
async fn a_password_cannot_be_asked_for() {
    for dialect in BOTH {
        let relay = relay_with(dialect, &[("ann", json!({ "password": "t0p" }))]).await;
        for filter in [r#"password eq "t0p""#, "password pr", r#"not (password sw "t")"#] {
            assert_error(&filtered(&relay, filter).await, 400, Some("invalidFilter"));
        }
    }
}

#[tokio::test]
async fn members_and_groups_can_be_asked_for() {
    for dialect in BOTH {
        let relay = relay_with(dialect, &[("ann", json!({})), ("ben", json!({}))]).await;
        let ann = relay.get("/Users").await.body["Resources"][0].clone();
        let group = created(&relay, "/Groups", &crate::bodies::group("Staff", &[id(&ann)])).await;
        assert_finds(&relay, &format!("groups.value eq \"{}\"", id(&group)), &["ann"]).await;
        assert_finds(&relay, "groups pr", &["ann"]).await;
        assert_finds(&relay, r#"groups[display eq "staff" and type eq "direct"]"#, &["ann"]).await;
        for filter in [
            format!("members[value eq \"{}\"]", id(&ann)),
            format!("members.value eq \"{}\" and displayName eq \"STAFF\"", id(&ann)),
            r#"members[type eq "User"]"#.to_owned(),
        ] {
            let found = relay.get(&format!("/Groups?filter={}", super::percent(&filter))).await;
            assert_eq!(found.body["Resources"][0]["id"], group["id"], "{filter}");
        }
    }
}
