//! PATCH as RFC 7644 §3.5.2 has it.

use serde_json::{Value, json};

use super::{Check, Checked, Group, RFC, errors::is_error, rfc7644};
use crate::verify::{
    answer::{has_schema, is_unassigned, of_type},
    forms::ENTERPRISE_URN,
    session::{Resource, Session},
};

pub(super) const CHECKS: &[Check] = &[
    Check {
        id: "rfc-patch-atomic",
        group: Group::Update,
        title: "when one operation fails, none is applied",
        source: rfc7644!("3.5.2"),
        clients: &[(RFC, "a request that failed leaves half of its changes")],
        run: |session| Box::pin(atomic(session)),
    },
    Check {
        id: "rfc-patch-not-understood",
        group: Group::Update,
        title: "a PATCH without operations, with an unknown op, or of an unknown attribute is 400",
        source: rfc7644!("3.5.2"),
        clients: &[(RFC, "a change that was not understood is called a success")],
        run: |session| Box::pin(not_understood(session)),
    },
    Check {
        id: "rfc-patch-order",
        group: Group::Update,
        title: "operations are applied in order, each on the result of the one before",
        source: rfc7644!("3.5.2"),
        clients: &[(RFC, "a request of several steps ends elsewhere")],
        run: |session| Box::pin(order(session)),
    },
    Check {
        id: "rfc-patch-primary",
        group: Group::Update,
        title: "a new primary value makes the others not primary",
        source: rfc7644!("3.5.2"),
        clients: &[(RFC, "which address is the primary one cannot be told")],
        run: |session| Box::pin(primary(session)),
    },
    Check {
        id: "rfc-patch-add",
        group: Group::Update,
        title: "add appends to a multi-valued attribute; adding what is there changes nothing, lastModified neither",
        source: rfc7644!("3.5.2.1"),
        clients: &[(RFC, "values are lost or doubled; changes are seen where there are none")],
        run: |session| Box::pin(add(session)),
    },
    Check {
        id: "rfc-patch-remove",
        group: Group::Update,
        title: "a filtered remove removes what it selects; the last one leaves the attribute unassigned",
        source: rfc7644!("3.5.2.2"),
        clients: &[(RFC, "more is removed than was selected")],
        run: |session| Box::pin(remove(session)),
    },
    Check {
        id: "rfc-patch-remove-nothing",
        group: Group::Update,
        title: "a remove without path is 400 noTarget, and removes nothing",
        source: rfc7644!("3.5.2.2"),
        clients: &[(RFC, "a request without a target empties the resource, or is called a success")],
        run: |session| Box::pin(refused(session, json!({ "op": "remove" }), &["noTarget", "invalidSyntax"])),
    },
    Check {
        id: "rfc-patch-remove-required",
        group: Group::Update,
        title: "a remove of userName is 400",
        source: rfc7644!("3.5.2.2"),
        clients: &[(RFC, "a user is left whom nobody can name")],
        run: |session| {
            let remove = json!({ "op": "remove", "path": "userName" });
            Box::pin(refused(session, remove, &["mutability", "invalidValue"]))
        },
    },
    Check {
        id: "rfc-patch-read-only",
        group: Group::Update,
        title: "a change of id is 400 mutability",
        source: rfc7644!("3.5.2"),
        clients: &[(RFC, "a change that cannot be is called a success")],
        run: |session| {
            Box::pin(refused(session, json!({ "op": "replace", "path": "id", "value": "x" }), &["mutability"]))
        },
    },
    Check {
        id: "rfc-patch-no-target",
        group: Group::Update,
        title: "a replace of a value path that selects nothing is 400 noTarget",
        source: rfc7644!("3.5.2.3"),
        clients: &[(RFC, "a value is made that nobody meant; clients by the RFC alone would be told")],
        run: |session| {
            let path = "emails[type eq \"other\"].value";
            Box::pin(refused(session, json!({ "op": "replace", "path": path, "value": "x" }), &["noTarget"]))
        },
    },
    Check {
        id: "rfc-patch-replace",
        group: Group::Update,
        title: "replace sets what is absent, merges a complex attribute, and a value path replaces all that it selects",
        source: rfc7644!("3.5.2.3"),
        clients: &[(RFC, "parts are lost that the request did not name")],
        run: |session| Box::pin(replace(session)),
    },
    Check {
        id: "rfc-patch-names",
        group: Group::Update,
        title: "paths may have a URN before them, in any case; an extension's URN then stands in schemas",
        source: rfc7644!("3.10"),
        clients: &[(RFC, "a path by the RFC's grammar is refused")],
        run: |session| Box::pin(names(session)),
    },
];

/// A user with two addresses, and the addresses.
async fn with_two(session: &mut Session) -> Result<(Resource, String, String), super::Stop> {
    let (work, home) = (session.fresh_user_name(), session.fresh_user_name());
    let emails = json!([{ "type": "work", "value": work, "primary": true }, { "type": "home", "value": home }]);
    Ok((session.user_with(json!({ "emails": emails })).await?, work, home))
}

/// One operation that must be refused with 400 and one of these `scimType`s, and change nothing.
async fn refused(session: &mut Session, operation: Value, types: &[&str]) -> Checked {
    let user = session.user().await?;
    let mut before = session.read(&user).await?;
    let answer = session.patch(&user.path, json!([operation])).await?;
    is_error(session, &answer, &[400])?;
    let is_right = answer.text("/scimType").is_some_and(|found| types.contains(&found));
    session.ensure(is_right, format!("scimType is {}, not {}", answer.body["scimType"], types.join(" or ")));
    let mut after = session.read(&user).await?;
    // Whether `lastModified` says so is another check's subject.
    for body in [&mut before, &mut after] {
        body["meta"].take();
    }
    session.ensure(after == before, "the user has changed");
    Ok(())
}

async fn atomic(session: &mut Session) -> Checked {
    let user = session.user().await?;
    let operations = json!([
        { "op": "replace", "path": "displayName", "value": "Half Done" },
        { "op": "replace", "path": "active", "value": { "no": "boolean" } },
    ]);
    let answer = session.patch(&user.path, operations).await?;
    is_error(session, &answer, &[400])?;
    let body = session.read(&user).await?;
    session.equal(&body, "/displayName", "Vera Fied");
    Ok(())
}

async fn not_understood(session: &mut Session) -> Checked {
    let user = session.user().await?;
    let body = json!({ "schemas": [crate::verify::forms::PATCH_URN] }).to_string().into_bytes();
    let answer = session.send("PATCH", &user.path, &[], Some(body)).await?;
    session.ensure(answer.status == 400, format!("without Operations it is {}", answer.status));
    for operation in [
        json!({ "op": "verify", "path": "title", "value": "x" }),
        json!({ "path": "title", "value": "x" }),
        json!({ "op": "replace", "path": "verifyUnknown", "value": "x" }),
        json!({ "op": "replace", "path": "title[", "value": "x" }),
    ] {
        let answer = session.patch(&user.path, json!([operation])).await?;
        session.ensure(answer.status == 400, format!("{operation} is {}", answer.status));
    }
    Ok(())
}

async fn order(session: &mut Session) -> Checked {
    let user = session.user_with(json!({ "title": "Old" })).await?;
    let operations = json!([
        { "op": "remove", "path": "title" },
        { "op": "add", "path": "title", "value": "Middle" },
        { "op": "replace", "path": "title", "value": "Last" },
        { "op": "add", "path": "nickName", "value": "V" },
        { "op": "remove", "path": "nickName" },
    ]);
    session.change(&user, operations).await?;
    let body = session.read(&user).await?;
    session.equal(&body, "/title", "Last");
    session.ensure(is_unassigned(body.get("nickName")), "nickName has a value");
    Ok(())
}

async fn primary(session: &mut Session) -> Checked {
    let (user, ..) = with_two(session).await?;
    let operations = json!([{ "op": "replace", "path": "emails[type eq \"home\"].primary", "value": true }]);
    session.change(&user, operations).await?;
    let body = session.read(&user).await?;
    let is_primary = |kind| of_type(&body, "emails", kind).is_some_and(|email| email["primary"] == true);
    session.ensure(is_primary("home"), "the home address is not primary");
    session.ensure(!is_primary("work"), "the work address is still primary");
    Ok(())
}

async fn add(session: &mut Session) -> Checked {
    let (user, ..) = with_two(session).await?;
    let operations =
        json!([{ "op": "add", "path": "emails", "value": [{ "type": "other", "value": "o@verify.example" }] }]);
    session.change(&user, operations.clone()).await?;
    let first = session.read(&user).await?;
    session.ensure(first["emails"].as_array().map(Vec::len) == Some(3), "there are not three addresses");
    session.change(&user, operations).await?;
    let second = session.read(&user).await?;
    session.ensure(second["emails"].as_array().map(Vec::len) == Some(3), "the same address is there twice");
    session.equal(&second, "/meta/lastModified", first.pointer("/meta/lastModified").cloned());
    Ok(())
}

async fn remove(session: &mut Session) -> Checked {
    let (user, _, home) = with_two(session).await?;
    session.change(&user, json!([{ "op": "remove", "path": "emails[type eq \"work\"]" }])).await?;
    let body = session.read(&user).await?;
    session.ensure(body["emails"].as_array().map(Vec::len) == Some(1), "not one of two addresses is left");
    session.equal(&body, "/emails/0/value", home);
    session.change(&user, json!([{ "op": "remove", "path": "emails[type eq \"home\"]" }])).await?;
    let body = session.read(&user).await?;
    session.ensure(is_unassigned(body.get("emails")), "emails is not unassigned");
    Ok(())
}

async fn replace(session: &mut Session) -> Checked {
    let (user, work, home) = with_two(session).await?;
    let operations = json!([
        { "op": "replace", "path": "title", "value": "Tester" },
        { "op": "replace", "path": "name", "value": { "familyName": "Ray" } },
        { "op": "replace", "path": "emails[type eq \"work\"].display", "value": "Work" },
    ]);
    session.change(&user, operations).await?;
    let body = session.read(&user).await?;
    session.equal(&body, "/title", "Tester");
    session.equal(&body, "/name/familyName", "Ray");
    session.equal(&body, "/name/givenName", "Vera");
    let email = |kind| of_type(&body, "emails", kind).cloned().unwrap_or_default();
    let (at_work, at_home) = (email("work"), email("home"));
    session.equal(&at_work, "/value", work);
    session.equal(&at_work, "/display", "Work");
    session.equal(&at_home, "/value", home);
    session.ensure(at_home.get("display").is_none(), "the address that was not selected has changed");
    Ok(())
}

async fn names(session: &mut Session) -> Checked {
    let user = session.user().await?;
    let operations = json!([
        { "op": "replace", "path": "URN:ietf:params:scim:schemas:core:2.0:User:name.FAMILYNAME", "value": "Ray" },
        { "op": "add", "path": format!("{ENTERPRISE_URN}:costCenter"), "value": "4711" },
    ]);
    session.change(&user, operations).await?;
    let body = session.read(&user).await?;
    session.equal(&body, "/name/familyName", "Ray");
    session.equal(&body, &format!("/{ENTERPRISE_URN}/costCenter"), "4711");
    session.ensure(has_schema(&body, ENTERPRISE_URN), "schemas does not have the extension's URN");
    Ok(())
}
