//! What an endpoint may offer besides: bulk requests (RFC 7644 §3.7) and cursors (RFC 9865). Looked at where it says that
//! it has them.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{Check, Checked, Group, RFC, Stop, rfc7644};
use crate::verify::{
    answer::id,
    forms::encoded,
    session::{Session, USERS},
};

pub(super) const CHECKS: &[Check] = &[
    Check {
        id: "bulk",
        group: Group::Protocol,
        title: "if bulk is offered, each operation has its status as text and the location; else /Bulk is 501",
        source: rfc7644!("3.7"),
        clients: &[(RFC, "a client does not know which operations were applied")],
        run: |session| Box::pin(bulk(session)),
    },
    Check {
        id: "cursor",
        group: Group::Protocol,
        title: "if cursors are offered, they lead through the whole list, and only the last page has no nextCursor",
        source: "https://www.rfc-editor.org/rfc/rfc9865#section-2",
        clients: &[(RFC, "a client ends early, never, or sees somebody twice")],
        run: |session| Box::pin(cursor(session)),
    },
    Check {
        id: "cursor-invalid",
        group: Group::Protocol,
        title: "if cursors are offered, one that nobody gave is 400 invalidCursor",
        source: "https://www.rfc-editor.org/rfc/rfc9865#section-2.1",
        clients: &[(RFC, "a client cannot tell a lost cursor from an empty list")],
        run: |session| Box::pin(cursor_invalid(session)),
    },
];

/// Whether `/ServiceProviderConfig` says that it is there.
async fn offers(session: &mut Session, pointer: &str) -> Result<bool, Stop> {
    let config = session.get("/ServiceProviderConfig").await?;
    Ok(config.body.pointer(pointer) == Some(&Value::Bool(true)))
}

async fn bulk(session: &mut Session) -> Checked {
    let is_offered = offers(session, "/bulk/supported").await?;
    let user = if is_offered { Some(session.user().await?) } else { None };
    let path = user.as_ref().map_or("/Users/1", |user| &user.path);
    let data = crate::verify::forms::patch(json!([{ "op": "replace", "path": "title", "value": "Tester" }]));
    let body = json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"],
        "Operations": [
            { "method": "PATCH", "path": path, "data": data },
            { "method": "DELETE", "path": format!("{USERS}/00919288221112222") },
        ],
    });
    let answer = session.post("/Bulk", &body).await?;
    let Some(user) = user else {
        if answer.status != 501 {
            session.warn(format!("/Bulk is {}, not 501", answer.status));
        }
        return Ok(());
    };
    session.status(&answer, &[200])?;
    let is_response = answer.has_schema("urn:ietf:params:scim:api:messages:2.0:BulkResponse");
    session.ensure(is_response, "the answer is no BulkResponse");
    let patched = answer.text("/Operations/0/status");
    session
        .ensure(matches!(patched, Some("200" | "204")), "the first operation's status is neither \"200\" nor \"204\"");
    session.equal(&answer.body, "/Operations/1/status", "404");
    let location = answer.text("/Operations/0/location").unwrap_or_default();
    session.ensure(location.ends_with(&user.path), "the first operation's location is not the user's");
    let after = session.read(&user).await?;
    session.equal(&after, "/title", "Tester");
    Ok(())
}

async fn cursor(session: &mut Session) -> Checked {
    if !offers(session, "/pagination/cursor").await? {
        return Err(Stop::Skipped("cursors are not offered".to_owned()));
    }
    session.crowd(12).await?;
    let ours = encoded(&format!("userName sw \"{}\"", session.tag()));
    let mut seen = BTreeSet::new();
    let mut next = String::new();
    let total = session.find(USERS, &format!("userName sw \"{}\"", session.tag())).await?.len();
    // More pages than there can be are a circle.
    for _ in 0..=total {
        let answer = session.get(&format!("{USERS}?filter={ours}&count=5&cursor={next}")).await?;
        let found = session.list(&answer)?;
        session.ensure(found.len() <= 5, format!("{} come, not 5", found.len()));
        session.ensure(found.iter().all(|user| seen.insert(id(user).to_owned())), "somebody is on two pages");
        match answer.text("/nextCursor") {
            Some(cursor) => {
                let is_unreserved = |letter: char| letter.is_ascii_alphanumeric() || "-._~".contains(letter);
                session.ensure(cursor.chars().all(is_unreserved), "a cursor has characters that need encoding");
                next = encoded(cursor);
            }
            None => {
                session.ensure(seen.len() >= 12, format!("only {} of at least 12 were seen", seen.len()));
                return Ok(());
            }
        }
    }
    session.fail("the pages do not end");
    Ok(())
}

async fn cursor_invalid(session: &mut Session) -> Checked {
    if !offers(session, "/pagination/cursor").await? {
        return Err(Stop::Skipped("cursors are not offered".to_owned()));
    }
    let answer = session.get(&format!("{USERS}?count=5&cursor=scim-relay-verify")).await?;
    super::errors::is_error(session, &answer, &[400])?;
    session.equal(&answer.body, "/scimType", "invalidCursor");
    Ok(())
}
