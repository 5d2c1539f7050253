//! PUT: Okta's custom applications read, merge and write back whatever we said.

use serde_json::{Value, json};

use super::{Check, Checked, Group, OKTA, OKTA_AIW, OKTA_SCIM, RFC, errors::is_error, rfc7644};
use crate::verify::{
    answer::is_unassigned,
    session::{Session, USERS},
};

pub(super) const CHECKS: &[Check] = &[
    Check {
        id: "put-echo",
        group: Group::Update,
        title: "a PUT of our own answer with a change in it changes that and keeps the rest",
        source: OKTA_SCIM,
        clients: &[
            (OKTA, "every update is such a PUT; attributes are lost, or all updates are refused"),
            (RFC, "readOnly attributes of a PUT SHALL be ignored (RFC 7644 §3.5.1)"),
        ],
        run: |session| Box::pin(echo(session)),
    },
    Check {
        id: "put-stale-formatted",
        group: Group::Update,
        title: "name.formatted follows the given and family name",
        source: OKTA_SCIM,
        clients: &[(OKTA_AIW, "it sends back the formatted name that it once read; the old name is shown for ever")],
        run: |session| Box::pin(stale_formatted(session)),
    },
    Check {
        id: "put-unknown-attribute",
        group: Group::Update,
        title: "an attribute that no schema has does not fail a PUT",
        source: OKTA_SCIM,
        clients: &[(OKTA_AIW, "the update is refused and shown as an error to the administrator")],
        run: |session| Box::pin(unknown_attribute(session)),
    },
    Check {
        id: "put-empty-text",
        group: Group::Update,
        title: "empty text in a name is unassigned, not an error",
        source: OKTA_SCIM,
        clients: &[(OKTA_AIW, "people without a middle name cannot be updated")],
        run: |session| Box::pin(empty_text(session)),
    },
    Check {
        id: "put-user-name-required",
        group: Group::Update,
        title: "a PUT without userName is 400",
        source: rfc7644!("3.5.1"),
        clients: &[(RFC, "a required attribute is cleared or kept in silence")],
        run: |session| Box::pin(user_name_required(session)),
    },
    Check {
        id: "put-clears",
        group: Group::Update,
        title: "a PUT replaces values, and null and [] clear",
        source: rfc7644!("3.5.1"),
        clients: &[(RFC, "old values stay beside new ones")],
        run: |session| Box::pin(clears(session)),
    },
    Check {
        id: "put-unknown-id",
        group: Group::Update,
        title: "a PUT to an id that does not exist is 404, and creates nothing",
        source: rfc7644!("3.5.1"),
        clients: &[
            (OKTA_AIW, "an account appears under an id that Okta made up"),
            (RFC, "PUT MUST NOT create (§3.5.1)"),
        ],
        run: |session| Box::pin(unknown_id(session)),
    },
];

async fn echo(session: &mut Session) -> Checked {
    let user = session.user().await?;
    let mut body = session.read(&user).await?;
    let before = body.clone();
    body["name"]["familyName"] = json!("Fied-Ray");
    body["groups"] = json!([]);
    let answer = session.put(&user.path, &body).await?;
    session.status(&answer, &[200])?;
    session.ensure(answer.body.is_object(), "the answer has no user");
    let after = session.read(&user).await?;
    session.equal(&after, "/name/familyName", "Fied-Ray");
    for pointer in ["/id", "/userName", "/externalId", "/name/givenName", "/displayName", "/emails", "/active"] {
        session.equal(&after, pointer, before.pointer(pointer).cloned());
    }
    session.equal(&after, "/meta/created", before.pointer("/meta/created").cloned());
    Ok(())
}

async fn stale_formatted(session: &mut Session) -> Checked {
    let name = json!({ "formatted": "Vera Fied", "givenName": "Vera", "familyName": "Fied" });
    let user = session.user_with(json!({ "name": name })).await?;
    let mut body = session.read(&user).await?;
    body["name"]["familyName"] = json!("Ray");
    let answer = session.put(&user.path, &body).await?;
    session.status(&answer, &[200])?;
    let after = session.read(&user).await?;
    session.equal(&after, "/name/familyName", "Ray");
    if after.pointer("/name/formatted").is_some_and(|formatted| formatted == "Vera Fied") {
        session.warn("it keeps the old name");
    }
    Ok(())
}

async fn unknown_attribute(session: &mut Session) -> Checked {
    let user = session.user().await?;
    let mut body = session.read(&user).await?;
    body["verifyUnknown"] = json!("x");
    body["displayName"] = json!("Vera Ray");
    let answer = session.put(&user.path, &body).await?;
    session.status(&answer, &[200])?;
    let after = session.read(&user).await?;
    session.equal(&after, "/displayName", "Vera Ray");
    Ok(())
}

async fn empty_text(session: &mut Session) -> Checked {
    let user = session.user().await?;
    let mut body = session.read(&user).await?;
    body["name"]["middleName"] = json!("");
    let answer = session.put(&user.path, &body).await?;
    session.status(&answer, &[200])?;
    let after = session.read(&user).await?;
    session.ensure(is_unassigned(after.pointer("/name/middleName")), "name.middleName has a value");
    session.equal(&after, "/name/givenName", "Vera");
    Ok(())
}

async fn user_name_required(session: &mut Session) -> Checked {
    let user = session.user().await?;
    let mut body = session.read(&user).await?;
    body["userName"] = Value::Null;
    let answer = session.put(&user.path, &body).await?;
    is_error(session, &answer, &[400])
}

async fn clears(session: &mut Session) -> Checked {
    let phones = json!([{ "type": "mobile", "value": "1" }]);
    let user = session.user_with(json!({ "title": "Old", "nickName": "Old", "phoneNumbers": phones })).await?;
    let mut body = session.read(&user).await?;
    body["title"] = Value::Null;
    body["phoneNumbers"] = json!([]);
    body["nickName"] = json!("New");
    let address = session.fresh_user_name();
    body["emails"] = json!([{ "type": "home", "value": address }]);
    let answer = session.put(&user.path, &body).await?;
    session.status(&answer, &[200])?;
    let after = session.read(&user).await?;
    session.ensure(is_unassigned(after.get("title")), "null does not clear title");
    session.ensure(is_unassigned(after.get("phoneNumbers")), "[] does not clear phoneNumbers");
    session.equal(&after, "/nickName", "New");
    let addresses = after["emails"].as_array().map_or(0, Vec::len);
    session.ensure(addresses == 1, format!("there are {addresses} addresses after one replaced one"));
    session.equal(&after, "/emails/0/value", address);
    Ok(())
}

async fn unknown_id(session: &mut Session) -> Checked {
    let body = session.user_body(json!({}));
    let answer = session.put(&format!("{USERS}/00919288221112222"), &body).await?;
    is_error(session, &answer, &[404])
}
