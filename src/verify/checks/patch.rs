//! PATCH of users, in the words of identity providers.

use serde_json::{Value, json};

use super::{
    Check, Checked, ENTRA, ENTRA_DEFAULT, ENTRA_FLAG, ENTRA_FLAGGED, ENTRA_GALLERY, ENTRA_SCIM, ENTRA_VALIDATOR, Group,
    OKTA_CATALOGUE, OKTA_SCIM,
};
use crate::verify::{
    As,
    answer::{is_unassigned, of_type},
    forms::ENTERPRISE_URN,
    session::{Session, USERS},
};

pub(super) const CHECKS: &[Check] = &[
    Check {
        id: "patch-path-less",
        group: Group::Update,
        title: "a replace without path sets what its object has, and keeps the other parts of a name",
        source: OKTA_SCIM,
        clients: &[
            (OKTA_CATALOGUE, "deactivations and updates are refused: the leaver keeps the account"),
            (ENTRA_FLAGGED, "all updates are refused and go into escrow"),
        ],
        run: |session| Box::pin(path_less(session)),
    },
    Check {
        id: "patch-password",
        group: Group::Update,
        title: "a password that is replaced is accepted and not returned",
        source: OKTA_SCIM,
        clients: &[(OKTA_CATALOGUE, "with password sync each change of a password is a failed task")],
        run: |session| Box::pin(password(session)),
    },
    Check {
        id: "patch-capitalised",
        group: Group::Update,
        title: "Add and Replace are understood as add and replace, each with its path",
        source: ENTRA_SCIM,
        clients: &[(ENTRA_DEFAULT, "all updates are refused and go into escrow")],
        run: |session| Box::pin(capitalised(session)),
    },
    Check {
        id: "patch-value-path",
        group: Group::Update,
        title: "a value path changes the element that it selects and keeps the others",
        source: ENTRA_SCIM,
        clients: &[(ENTRA, "other addresses of the person are lost, or the old one stays")],
        run: |session| Box::pin(value_path(session)),
    },
    Check {
        id: "patch-value-path-add",
        group: Group::Update,
        title: "an add to a value path that selects nothing creates the element with the filter's values",
        source: ENTRA_VALIDATOR,
        clients: &[(ENTRA, "the whole update is refused, a deactivation in it too (the validator's U7)")],
        run: |session| Box::pin(value_path_creates(session, "add")),
    },
    Check {
        id: "patch-value-path-replace",
        group: Group::Update,
        title: "a replace of a value path that selects nothing creates the element with the filter's values",
        source: ENTRA_SCIM,
        clients: &[(ENTRA, "people without a number can never be given one")],
        run: |session| Box::pin(value_path_creates(session, "replace")),
    },
    Check {
        id: "patch-names-case",
        group: Group::Update,
        title: "attribute names of a path are understood without regard to case",
        source: ENTRA_SCIM,
        clients: &[(ENTRA_DEFAULT, "mappings written as emails[type eq \"work\"].Value are refused")],
        run: |session| Box::pin(names_case(session)),
    },
    Check {
        id: "patch-extension",
        group: Group::Update,
        title: "an attribute of an extension can be written, and its URN then stands in schemas",
        source: ENTRA_SCIM,
        clients: &[(ENTRA, "departments are not written, or not recognised when read back")],
        run: |session| Box::pin(extension(session)),
    },
    Check {
        id: "patch-keys",
        group: Group::Update,
        title: "the keys of an object without path may be dotted or have a URN before them",
        source: ENTRA_FLAG,
        clients: &[(ENTRA_FLAGGED, "attributes are written in the wrong place, or all updates are refused")],
        run: |session| Box::pin(keys(session)),
    },
    Check {
        id: "patch-manager",
        group: Group::Update,
        title: "a manager is set by bare text, by an object or by a list, and read back as an object with value",
        source: ENTRA_GALLERY,
        clients: &[(ENTRA, "the manager is written again in each cycle; SCIM_Update_Manager fails")],
        run: |session| Box::pin(manager(session)),
    },
    Check {
        id: "patch-manager-clear",
        group: Group::Update,
        title: "a manager replaced by empty text, or removed, is gone",
        source: ENTRA_VALIDATOR,
        clients: &[(ENTRA, "people keep managers who left (the validator's U12)")],
        run: |session| Box::pin(manager_clear(session)),
    },
    Check {
        id: "patch-clear-empty",
        group: Group::Update,
        title: "an optional attribute replaced by empty text is cleared",
        source: ENTRA_GALLERY,
        clients: &[(ENTRA, "SCIM_Null_Update fails: the application is not admitted to the gallery")],
        run: |session| Box::pin(clear(session, json!(""))),
    },
    Check {
        id: "patch-clear-null",
        group: Group::Update,
        title: "an optional attribute replaced by null is cleared",
        source: ENTRA_GALLERY,
        clients: &[(ENTRA, "SCIM_Null_Update fails: the application is not admitted to the gallery")],
        run: |session| Box::pin(clear(session, Value::Null)),
    },
    Check {
        id: "patch-user-name",
        group: Group::Update,
        title: "a userName can be changed, and the user is then found by the new one alone",
        source: ENTRA_VALIDATOR,
        clients: &[
            (ENTRA, "who marries gets a second account (the validator's U8)"),
            (OKTA_CATALOGUE, "who marries gets a second account"),
        ],
        run: |session| Box::pin(user_name(session)),
    },
    Check {
        id: "patch-several",
        group: Group::Update,
        title: "operations of one request are applied in order, on one attribute or on several",
        source: ENTRA_VALIDATOR,
        clients: &[(ENTRA, "a value of the middle of a request stays (the validator's P1 and P2)")],
        run: |session| Box::pin(several(session)),
    },
    Check {
        id: "patch-roles",
        group: Group::Update,
        title: "roles[primary eq \"True\"].value compares a boolean with its text, and creates the role",
        source: ENTRA_SCIM,
        clients: &[(ENTRA_DEFAULT, "app roles are never written, and the rest of the request neither")],
        run: |session| Box::pin(roles(session)),
    },
];

/// `add` or `replace` as the client spells it.
fn spelled(who: As, op: &str) -> &'static str {
    match (who == As::Entra, op) {
        (true, "add") => "Add",
        (true, "remove") => "Remove",
        (true, _) => "Replace",
        (false, "add") => "add",
        (false, "remove") => "remove",
        (false, _) => "replace",
    }
}

async fn path_less(session: &mut Session) -> Checked {
    let user = session.user().await?;
    let name = match session.who {
        As::EntraFlagged => json!({ "name.familyName": "Ray" }),
        As::Okta | As::OktaAiw | As::Entra | As::Rfc => json!({ "name": { "familyName": "Ray" } }),
    };
    let mut value = json!({ "displayName": "Vera Ray" });
    if let (Value::Object(value), Value::Object(name)) = (&mut value, name) {
        value.extend(name);
    }
    session.change(&user, json!([{ "op": "replace", "value": value }])).await?;
    let body = session.read(&user).await?;
    session.equal(&body, "/displayName", "Vera Ray");
    session.equal(&body, "/name/familyName", "Ray");
    session.equal(&body, "/name/givenName", "Vera");
    session.equal(&body, "/emails/0/value", user.name);
    Ok(())
}

async fn password(session: &mut Session) -> Checked {
    let user = session.user().await?;
    let answer = session.change(&user, json!([{ "op": "replace", "value": { "password": "N3w-Verify" } }])).await?;
    session.ensure(answer.body.get("password").is_none(), "the answer has it");
    let body = session.read(&user).await?;
    session.ensure(body.get("password").is_none(), "a GET returns it");
    Ok(())
}

async fn capitalised(session: &mut Session) -> Checked {
    let user = session.user().await?;
    let operations = json!([
        { "op": "Replace", "path": "displayName", "value": "Vera Ray" },
        { "op": "Replace", "path": "name.familyName", "value": "Ray" },
        { "op": "Add", "path": "title", "value": "Tester" },
    ]);
    session.change(&user, operations).await?;
    let body = session.read(&user).await?;
    session.equal(&body, "/displayName", "Vera Ray");
    session.equal(&body, "/name/familyName", "Ray");
    session.equal(&body, "/name/givenName", "Vera");
    session.equal(&body, "/title", "Tester");
    Ok(())
}

async fn value_path(session: &mut Session) -> Checked {
    let (new, home) = (session.fresh_user_name(), session.fresh_user_name());
    let work = session.fresh_user_name();
    let emails = json!([{ "type": "work", "value": work, "primary": true }, { "type": "home", "value": home }]);
    let user = session.user_with(json!({ "emails": emails })).await?;
    let op = spelled(session.who, "replace");
    session.change(&user, json!([{ "op": op, "path": "emails[type eq \"work\"].value", "value": new }])).await?;
    let body = session.read(&user).await?;
    let value = |kind| of_type(&body, "emails", kind).map(|email| email["value"].clone());
    session.ensure(value("work") == Some(json!(new)), "the work address is not the new one");
    session.ensure(value("home") == Some(json!(home)), "the home address is gone");
    session.ensure(body["emails"].as_array().map(Vec::len) == Some(2), "there are not two addresses any more");
    Ok(())
}

async fn value_path_creates(session: &mut Session, op: &str) -> Checked {
    let user = session.user().await?;
    let op = spelled(session.who, op);
    let operations = json!([
        { "op": op, "path": "phoneNumbers[type eq \"mobile\"].value", "value": "+1 425 555 0100" },
        { "op": op, "path": "addresses[type eq \"work\"].streetAddress", "value": "1 Main St" },
        { "op": op, "path": "addresses[type eq \"work\"].locality", "value": "Bonn" },
    ]);
    session.change(&user, operations).await?;
    let body = session.read(&user).await?;
    let phone = of_type(&body, "phoneNumbers", "mobile").cloned().unwrap_or_default();
    session.equal(&phone, "/value", "+1 425 555 0100");
    let address = of_type(&body, "addresses", "work").cloned().unwrap_or_default();
    session.equal(&address, "/streetAddress", "1 Main St");
    session.equal(&address, "/locality", "Bonn");
    Ok(())
}

async fn names_case(session: &mut Session) -> Checked {
    let user = session.user().await?;
    let new = session.fresh_user_name();
    let operations = json!([
        { "op": "Replace", "path": "emails[type eq \"work\"].Value", "value": new },
        { "op": "Replace", "path": "Name.FamilyName", "value": "Ray" },
    ]);
    session.change(&user, operations).await?;
    let body = session.read(&user).await?;
    session.equal(&body, "/emails/0/value", new);
    session.equal(&body, "/name/familyName", "Ray");
    Ok(())
}

async fn extension(session: &mut Session) -> Checked {
    let user = session.user_with(json!({ ENTERPRISE_URN: {} })).await?;
    let op = spelled(session.who, "add");
    let operations = json!([{ "op": op, "path": format!("{ENTERPRISE_URN}:costCenter"), "value": "4711" }]);
    session.change(&user, operations).await?;
    let body = session.read(&user).await?;
    session.equal(&body, &format!("/{ENTERPRISE_URN}/costCenter"), "4711");
    let claims = crate::verify::answer::has_schema(&body, ENTERPRISE_URN);
    session.ensure(claims, "schemas does not have the extension's URN");
    Ok(())
}

async fn keys(session: &mut Session) -> Checked {
    let user = session.user().await?;
    let value = json!({
        "displayName": "Vera Ray",
        "name.familyName": "Ray",
        format!("{ENTERPRISE_URN}:employeeNumber"): "1234",
        ENTERPRISE_URN: { "costCenter": "4711" },
    });
    session.change(&user, json!([{ "op": "replace", "value": value }])).await?;
    let body = session.read(&user).await?;
    session.equal(&body, "/displayName", "Vera Ray");
    session.equal(&body, "/name/familyName", "Ray");
    session.equal(&body, "/name/givenName", "Vera");
    session.equal(&body, &format!("/{ENTERPRISE_URN}/employeeNumber"), "1234");
    session.equal(&body, &format!("/{ENTERPRISE_URN}/costCenter"), "4711");
    Ok(())
}

async fn manager(session: &mut Session) -> Checked {
    let user = session.user().await?;
    let op = spelled(session.who, "add");
    let mut forms: Vec<fn(&str) -> Value> = vec![|id| json!(id), |id| json!({ "value": id })];
    if session.who == As::Entra {
        forms.push(|id| json!([{ "$ref": null, "value": id }]));
    }
    for form in forms {
        let boss = session.user().await?;
        let path = format!("{ENTERPRISE_URN}:manager");
        session.change(&user, json!([{ "op": op, "path": path, "value": form(&boss.id) }])).await?;
        let body = session.read(&user).await?;
        session.equal(&body, &format!("/{ENTERPRISE_URN}/manager/value"), boss.id);
    }
    Ok(())
}

async fn manager_clear(session: &mut Session) -> Checked {
    let boss = session.user().await?;
    let path = format!("{ENTERPRISE_URN}:manager");
    let [replace, remove] = ["replace", "remove"].map(|op| spelled(session.who, op));
    for operation in [json!({ "op": replace, "path": path, "value": "" }), json!({ "op": remove, "path": path })] {
        let user = session.user_with(json!({ ENTERPRISE_URN: { "manager": { "value": boss.id } } })).await?;
        session.change(&user, json!([operation])).await?;
        let body = session.read(&user).await?;
        let manager = body.pointer(&format!("/{ENTERPRISE_URN}/manager"));
        session.ensure(is_unassigned(manager), "it is still there");
    }
    Ok(())
}

async fn clear(session: &mut Session, nothing: Value) -> Checked {
    let phones = json!([{ "type": "mobile", "value": "+1 425 555 0100" }]);
    let user = session.user_with(json!({ "title": "Tester", "nickName": "V", "phoneNumbers": phones })).await?;
    let op = spelled(session.who, "replace");
    let operations: Value = ["title", "nickName", "phoneNumbers[type eq \"mobile\"].value"]
        .iter()
        .map(|path| json!({ "op": op, "path": path, "value": nothing }))
        .collect();
    session.change(&user, operations).await?;
    let body = session.read(&user).await?;
    for name in ["title", "nickName"] {
        session.ensure(is_unassigned(body.get(name)), format!("{name} has a value"));
    }
    let phone = of_type(&body, "phoneNumbers", "mobile").and_then(|phone| phone.get("value"));
    session.ensure(is_unassigned(phone), "the mobile number is still there");
    session.equal(&body, "/userName", user.name);
    Ok(())
}

async fn user_name(session: &mut Session) -> Checked {
    let user = session.user().await?;
    let new = session.fresh_user_name();
    session.change(&user, json!([{ "op": "replace", "value": { "userName": new } }])).await?;
    let found = session.find(USERS, &format!("userName eq \"{new}\"")).await?;
    session.only(&found, &user);
    let found = session.find(USERS, &format!("userName eq \"{}\"", user.name)).await?;
    session.ensure(found.is_empty(), "it is still found by the old one");
    Ok(())
}

async fn several(session: &mut Session) -> Checked {
    let user = session.user_with(json!({ "title": "Old", "nickName": "Old" })).await?;
    let [add, replace, remove] = ["add", "replace", "remove"].map(|op| spelled(session.who, op));
    let operations = json!([
        { "op": remove, "path": "title" },
        { "op": add, "path": "title", "value": "Middle" },
        { "op": replace, "path": "title", "value": "Last" },
        { "op": remove, "path": "nickName" },
        { "op": add, "path": "locale", "value": "de-DE" },
        { "op": replace, "path": "displayName", "value": "Vera Ray" },
    ]);
    session.change(&user, operations).await?;
    let body = session.read(&user).await?;
    session.equal(&body, "/title", "Last");
    session.ensure(is_unassigned(body.get("nickName")), "nickName has a value");
    session.equal(&body, "/locale", "de-DE");
    session.equal(&body, "/displayName", "Vera Ray");
    Ok(())
}

async fn roles(session: &mut Session) -> Checked {
    let user = session.user().await?;
    for value in ["Reader", "Admin"] {
        let operations = json!([{ "op": "Add", "path": "roles[primary eq \"True\"].value", "value": value }]);
        session.change(&user, operations).await?;
    }
    let body = session.read(&user).await?;
    session.ensure(body["roles"].as_array().map(Vec::len) == Some(1), "there is not one role");
    session.equal(&body, "/roles/0/value", "Admin");
    session.equal(&body, "/roles/0/primary", true);
    Ok(())
}
