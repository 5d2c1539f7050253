//! The grammar of filters to its last corner (RFC 7644 §3.4.2.2, errata 4690, 7319, 7322).

use serde_json::json;

use super::{BOTH, assert_error, assert_finds, filtered, relay_with};
use crate::{
    bodies::{ENTERPRISE_URN, USER_URN, total},
    relay::Relay,
};

async fn relay_with_two(dialect: &str) -> Relay {
    let mut ann = json!({
        "title": "Boss", "active": true,
        "emails": [{ "value": "a@w.example", "type": "work", "primary": true }, { "value": "a@h.example", "type": "home" }],
    });
    ann[ENTERPRISE_URN] = json!({ "employeeNumber": "007", "department": "R and D", "manager": { "value": "7" } });
    relay_with(dialect, &[("ann", ann), ("ben", json!({ "active": false }))]).await
}

#[tokio::test]
async fn e3_errata_7319_not_may_be_followed_by_a_space_or_not() {
    for dialect in BOTH {
        let relay = relay_with_two(dialect).await;
        for filter in [
            r#"not(title pr)"#,
            r#"not (title pr)"#,
            r#"not  (title pr)"#,
            r#"NOT(title pr)"#,
            r#"active eq false and not(title pr)"#,
            r#"(not(title pr))"#,
        ] {
            assert_finds(&relay, filter, &["ben"]).await;
        }
        assert_finds(&relay, r#"emails[not(type eq "work")]"#, &["ann"]).await;
        assert_error(&filtered(&relay, "not title pr").await, 400, Some("invalidFilter"));
    }
}

#[tokio::test]
async fn e3_errata_4690_7322_and_or_not_nest_within_brackets() {
    for dialect in BOTH {
        let relay = relay_with_two(dialect).await;
        for (filter, matches) in [
            (r#"emails[type eq "work" and (value ew "h.example" or primary eq true)]"#, true),
            (r#"emails[(type eq "work" or type eq "home") and not (primary eq true)]"#, true),
            (r#"emails[type eq "other" or type eq "work" and value sw "x"]"#, false),
            (r#"emails[(type eq "other" or type eq "work") and value sw "a"] and title eq "boss""#, true),
            (r#"not (emails[type eq "home" and primary eq true]) and emails[primary eq true]"#, true),
            (r#"(emails[type eq "work"])"#, true),
        ] {
            assert_finds(&relay, filter, if matches { &["ann"][..] } else { &[] }).await;
        }
    }
}

#[tokio::test]
async fn paths_may_be_qualified_by_their_schema() {
    for dialect in BOTH {
        let relay = relay_with_two(dialect).await;
        for filter in [
            format!(r#"{USER_URN}:userName eq "ann""#),
            format!(r#"{}:USERNAME eq "ann""#, USER_URN.to_uppercase()),
            format!(r#"{USER_URN}:emails[type eq "work"]"#),
            format!(r#"{USER_URN}:emails.type eq "work""#),
            format!(r#"{ENTERPRISE_URN}:department eq "r AND d""#),
            format!(r#"{ENTERPRISE_URN}:employeeNumber eq "007" and {ENTERPRISE_URN}:manager.value pr"#),
            format!("{ENTERPRISE_URN} pr"),
            format!(r#"schemas eq "{ENTERPRISE_URN}""#),
        ] {
            assert_finds(&relay, &filter, &["ann"]).await;
        }
        let unknown = r#"urn:example:unknown:2.0:User:department eq "x""#;
        assert_eq!(total(&filtered(&relay, unknown).await), 0, "{dialect}: an unknown attribute has no value");
    }
}

#[tokio::test]
async fn blanks_do_not_matter_between_words() {
    for dialect in BOTH {
        let relay = relay_with_two(dialect).await;
        for filter in [
            "  userName   eq   \"ann\"  ",
            "( userName eq \"ann\" )",
            "((userName eq \"ann\"))",
            "(userName eq \"ann\")and(title pr)",
            "userName\teq\n\"ann\"",
            "emails[ type eq \"work\" ]",
        ] {
            assert_finds(&relay, filter, &["ann"]).await;
        }
        // A plus is a space in a query, as in forms; a plus that is meant arrives encoded.
        let spaced = relay.get("/Users?filter=userName+eq+%22ann%22+and+title+pr").await;
        assert_eq!(total(&spaced), 1);
        let plus = relay.get("/Users?filter=userName+eq+%22an%2Bn%22").await;
        assert_eq!(total(&plus), 0);
    }
}

#[tokio::test]
async fn what_is_no_filter_is_refused_and_never_ignored() {
    for dialect in BOTH {
        let relay = relay_with_two(dialect).await;
        for filter in [
            "(userName eq \"ann\"",
            "userName eq \"ann\")",
            "emails[type eq \"work\"",
            "emails[]",
            "emails[type]",
            "emails[emails[type eq \"x\"]]",
            "emails.type[value eq \"x\"]",
            "userName eq \"ann\" and",
            "and userName eq \"ann\"",
            "or",
            "()",
            "not ()",
            "userName eq \"ann\" userName eq \"ben\"",
            "userName pr \"x\"",
            "userName eq 'ann'x\"",
            ".userName eq \"x\"",
            "userName. eq \"x\"",
            "name.familyName.x eq \"x\"",
            "9name eq \"x\"",
            "\"userName\" eq \"ann\"",
            "userName eq [\"ann\"]",
            "userName eq {\"a\":1}",
            "; drop table users",
        ] {
            let response = filtered(&relay, filter).await;
            assert_eq!(response.status, 400, "{filter}: {}", response.body);
            assert_error(&response, 400, Some("invalidFilter"));
        }
    }
}

#[tokio::test]
async fn operands_without_quotes_are_understood_where_there_is_one_meaning() {
    for dialect in BOTH {
        let relay = relay_with_two(dialect).await;
        assert_finds(&relay, "userName eq ann", &["ann"]).await;
        assert_finds(&relay, &format!("{ENTERPRISE_URN}:employeeNumber eq 007"), &["ann"]).await;
        assert_finds(&relay, "active eq True", &["ann"]).await;
        assert_finds(&relay, "active eq \"false\"", &["ben"]).await;
    }
}

#[tokio::test]
async fn a_filter_says_where_it_stopped_making_sense_and_quotes_nobody() {
    let relay = relay_with_two("rfc").await;
    let response = filtered(&relay, r#"userName eq "secret@person.example" nonsense"#).await;
    let detail = response.body["detail"].as_str().unwrap();
    assert!(detail.contains("byte 36"), "{detail}");
    assert!(!detail.contains("secret"), "{detail}");
}
