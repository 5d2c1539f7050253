//! How users are created, and what is answered.

use serde_json::{Value, json};

use super::{
    Check, Checked, ENTRA, ENTRA_DEFAULT, ENTRA_GALLERY, ENTRA_SCIM, Group, OKTA, OKTA_SCIM, RFC, Stop,
    errors::is_error, rfc7643, rfc7644,
};
use crate::verify::{
    answer::{Answer, is_unassigned},
    forms::{ENTERPRISE_URN, USER_URN},
    session::{Session, USERS},
};

pub(super) const CHECKS: &[Check] = &[
    Check {
        id: "create-answer",
        group: Group::Create,
        title: "a POST is answered by 201 and the whole user",
        source: rfc7644!("3.3"),
        clients: &[
            (OKTA, "the task fails with \"Create new user returned empty user\"; the account is there all the same"),
            (ENTRA, "the answer is taken for ServiceIncompatible, and the user is created again in the next cycle"),
            (RFC, "a client does not know what was created (RFC 7644 §3.3)"),
        ],
        run: |session| Box::pin(answer(session)),
    },
    Check {
        id: "create-location",
        group: Group::Create,
        title: "the answer to a POST has a Location, the same as meta.location",
        source: rfc7644!("3.3"),
        clients: &[
            (OKTA, "nothing today: it builds the address from the id"),
            (ENTRA, "nothing today: it builds the address from the id"),
            (RFC, "a client that follows Location does not find what it created"),
        ],
        run: |session| Box::pin(location(session)),
    },
    Check {
        id: "create-json",
        group: Group::Create,
        title: "a body may come as application/json",
        source: OKTA_SCIM,
        clients: &[(OKTA, "the test suite of the catalogue fails"), (RFC, "RFC 7644 §3.8 is not observed")],
        run: |session| Box::pin(as_json(session)),
    },
    Check {
        id: "create-duplicate",
        group: Group::Create,
        title: "a second POST of the same userName is 409 uniqueness, in any case, and changes nothing",
        source: rfc7644!("3.3"),
        clients: &[
            (OKTA, "the administrator is not told of the conflict, or two accounts are made"),
            (ENTRA, "EntryConflict is not recognised; the user goes into escrow or gets a second account"),
            (RFC, "two users of one name (RFC 7644 §3.3)"),
        ],
        run: |session| Box::pin(duplicate(session)),
    },
    Check {
        id: "create-password",
        group: Group::Create,
        title: "a password is accepted and never returned",
        source: OKTA_SCIM,
        clients: &[
            (OKTA, "a random password comes with every user; one that is returned is in everybody's logs"),
            (RFC, "password is returned though it is writeOnly (RFC 7643 §4.1.1)"),
        ],
        run: |session| Box::pin(password(session)),
    },
    Check {
        id: "create-read-only",
        group: Group::Create,
        title: "read-only attributes of the body are ignored: id, meta, groups",
        source: rfc7644!("3.3"),
        clients: &[
            (OKTA, "groups: [] is in every body; the creation is refused"),
            (ENTRA, "meta.resourceType is in every body; the creation is refused"),
            (RFC, "RFC 7644 §3.3: readOnly attributes SHALL be ignored"),
        ],
        run: |session| Box::pin(read_only(session)),
    },
    Check {
        id: "create-user-name-required",
        group: Group::Create,
        title: "a user without userName is 400",
        source: rfc7643!("4.1.1"),
        clients: &[(ENTRA, "the validator's negative test fails"), (RFC, "a user is created whom nobody can name")],
        run: |session| Box::pin(user_name_required(session)),
    },
    Check {
        id: "create-verbatim",
        group: Group::Create,
        title: "values come back as they were sent: case, spaces and digits",
        source: ENTRA_SCIM,
        clients: &[
            (ENTRA, "the values differ, so they are written again in every cycle"),
            (OKTA, "an import shows other values than were pushed"),
            (RFC, "a client does not find what it wrote (RFC 7643 §7)"),
        ],
        run: |session| Box::pin(verbatim(session)),
    },
    Check {
        id: "create-boolean-text",
        group: Group::Create,
        title: "booleans given as text are understood, and returned as booleans",
        source: ENTRA_SCIM,
        clients: &[(
            ENTRA,
            "active \"True\" or a role's primary \"True\" is refused, or returned as text and written again",
        )],
        run: |session| Box::pin(boolean_text(session)),
    },
    Check {
        id: "create-manager-text",
        group: Group::Create,
        title: "a manager given as bare text is returned as an object with value",
        source: ENTRA_SCIM,
        clients: &[(ENTRA, "ServiceIncompatible: the user is skipped")],
        run: |session| Box::pin(manager_text(session)),
    },
    Check {
        id: "create-null",
        group: Group::Create,
        title: "null is nothing, and an unknown attribute does not fail the request",
        source: ENTRA_GALLERY,
        clients: &[
            (ENTRA_DEFAULT, "the creation is refused; the user goes into escrow"),
            (RFC, "null is not taken for unassigned (RFC 7643 §2.5)"),
        ],
        run: |session| Box::pin(null(session)),
    },
    Check {
        id: "create-one-primary",
        group: Group::Protocol,
        title: "two primary addresses in a body do not become two primary addresses of a user",
        source: rfc7643!("2.4"),
        clients: &[(RFC, "which address is the primary one cannot be told")],
        run: |session| Box::pin(one_primary(session)),
    },
];

/// Creates a user whose POST must succeed.
async fn created(session: &mut Session, body: &Value) -> Result<Answer, Stop> {
    let answer = session.create(USERS, body).await?;
    session.status(&answer, &[201])?;
    if answer.text("/id").is_none() {
        return Err(session.stopped("the answer has no id".to_owned()));
    }
    Ok(answer)
}

async fn answer(session: &mut Session) -> Checked {
    let body = session.user_body(json!({}));
    let answer = created(session, &body).await?;
    let claims = answer.has_schema(USER_URN);
    session.ensure(claims, format!("schemas does not have {USER_URN}"));
    for pointer in ["/userName", "/active", "/name/givenName", "/name/familyName", "/displayName", "/emails/0/value"] {
        session.equal(&answer.body, pointer, body.pointer(pointer).cloned());
    }
    session.equal(&answer.body, "/meta/resourceType", "User");
    let has_bulk_id = answer.text("/id").is_some_and(|id| id.contains("bulkId"));
    session.ensure(!has_bulk_id, "the id contains bulkId (RFC 7643 §3.1)");
    Ok(())
}

async fn location(session: &mut Session) -> Checked {
    let body = session.user_body(json!({}));
    let answer = session.create(USERS, &body).await?;
    let id = answer.text("/id").ok_or_else(|| Stop::Skipped("nothing could be created".to_owned()))?;
    match answer.header("location") {
        None => session.fail("there is no Location"),
        Some(location) => {
            session.ensure(location.ends_with(&format!("{USERS}/{id}")), "Location is not the user's address");
            session.equal(&answer.body, "/meta/location", location);
        }
    }
    Ok(())
}

async fn as_json(session: &mut Session) -> Checked {
    let body = session.user_body(json!({}));
    for media_type in ["application/json", "application/scim+json"] {
        let body = if media_type == "application/json" { body.clone() } else { session.user_body(json!({})) };
        let answer = session.create_with(USERS, &[("content-type", media_type)], &body).await?;
        session.status(&answer, &[201])?;
    }
    Ok(())
}

async fn duplicate(session: &mut Session) -> Checked {
    let user = session.user().await?;
    for user_name in [user.name.clone(), user.name.to_uppercase()] {
        let body = session.user_body(json!({ "userName": user_name, "displayName": "Somebody Else" }));
        let answer = session.create(USERS, &body).await?;
        is_error(session, &answer, &[409])?;
        session.equal(&answer.body, "/scimType", "uniqueness");
    }
    let body = session.read(&user).await?;
    session.equal(&body, "/displayName", "Vera Fied");
    Ok(())
}

async fn password(session: &mut Session) -> Checked {
    let body = session.user_body(json!({ "password": "1mz050nq-Verify" }));
    let answer = created(session, &body).await?;
    session.ensure(answer.body.get("password").is_none(), "the POST returns it");
    let path = format!("{USERS}/{}", answer.text("/id").unwrap_or_default());
    for path in [path.clone(), format!("{path}?attributes=password")] {
        let read = session.get(&path).await?;
        session.ensure(read.body.get("password").is_none(), "a GET returns it");
    }
    Ok(())
}

async fn read_only(session: &mut Session) -> Checked {
    let (id, location) = (session.fresh(), "https://verify.example/Users/1");
    let meta = json!({ "resourceType": "User", "location": location, "created": "2001-01-01T00:00:00Z" });
    let body = session.user_body(json!({ "id": id, "meta": meta, "groups": [] }));
    let answer = created(session, &body).await?;
    session.ensure(answer.text("/id") != Some(&id), "the client's id was taken");
    session.ensure(answer.text("/meta/location") != Some(location), "the client's meta was taken");
    Ok(())
}

async fn user_name_required(session: &mut Session) -> Checked {
    let mut body = session.user_body(json!({}));
    body["userName"] = Value::Null;
    let answer = session.create(USERS, &body).await?;
    is_error(session, &answer, &[400])
}

async fn verbatim(session: &mut Session) -> Checked {
    let user_name = format!("{}@Verify.Example", session.fresh());
    let external_id = format!("00uVeRiFy-{}", session.fresh());
    let body = session.user_body(json!({
        "userName": user_name,
        "externalId": external_id,
        "displayName": "Vera  O'Fied-É",
        "phoneNumbers": [{ "type": "mobile", "value": "+1 (425) 555-0100" }],
    }));
    let answer = created(session, &body).await?;
    let path = format!("{USERS}/{}", answer.text("/id").unwrap_or_default());
    let read = session.get(&path).await?;
    for pointer in ["/userName", "/externalId", "/displayName", "/phoneNumbers/0/value"] {
        session.equal(&read.body, pointer, body.pointer(pointer).cloned());
    }
    Ok(())
}

async fn boolean_text(session: &mut Session) -> Checked {
    let roles = json!([{ "primary": "True", "type": "WindowsAzureActiveDirectoryRole", "value": "Admin" }]);
    let body = session.user_body(json!({ "active": "True", "roles": roles }));
    let answer = created(session, &body).await?;
    session.equal(&answer.body, "/active", true);
    session.equal(&answer.body, "/roles/0/primary", true);
    session.equal(&answer.body, "/roles/0/value", "Admin");
    Ok(())
}

async fn manager_text(session: &mut Session) -> Checked {
    let boss = session.user().await?;
    let body = session.user_body(json!({ ENTERPRISE_URN: { "manager": boss.id } }));
    let answer = created(session, &body).await?;
    session.equal(&answer.body, &format!("/{ENTERPRISE_URN}/manager/value"), boss.id);
    Ok(())
}

async fn null(session: &mut Session) -> Checked {
    let body = session.user_body(json!({ "title": null, "addresses": null, "verifyUnknown": "x" }));
    let answer = created(session, &body).await?;
    for name in ["title", "addresses"] {
        session.ensure(is_unassigned(answer.body.get(name)), format!("{name} has a value"));
    }
    Ok(())
}

async fn one_primary(session: &mut Session) -> Checked {
    let (work, home) = (session.fresh_user_name(), session.fresh_user_name());
    let body = session.user_body(json!({ "emails": [
        { "type": "work", "value": work, "primary": true },
        { "type": "home", "value": home, "primary": true },
    ]}));
    let answer = session.create(USERS, &body).await?;
    session.status(&answer, &[201, 400])?;
    let emails = answer.body["emails"].as_array().map(Vec::as_slice).unwrap_or_default();
    let primary = emails.iter().filter(|email| email["primary"] == true).count();
    session.ensure(primary <= 1, format!("{primary} addresses are primary"));
    Ok(())
}
