//! How a client finds out whether somebody is there already. A wrong answer makes a second account, or none.

use serde_json::json;

use super::{Check, Checked, ENTRA, ENTRA_SCIM, Group, OKTA, OKTA_SCIM, RFC, connection::well_formed, rfc7644};
use crate::verify::{
    answer::{id, of_type},
    forms::{ENTERPRISE_URN, encoded, filtered},
    session::{Session, USERS},
};

pub(super) const CHECKS: &[Check] = &[
    Check {
        id: "match-none",
        group: Group::Matching,
        title: "a filter that matches nobody is answered by 200 and an empty ListResponse, never 404",
        source: rfc7644!("3.4.2"),
        clients: &[
            (OKTA, "the import of the user may stop with an error, since the answer is no list"),
            (ENTRA, "the job goes into quarantine"),
            (RFC, "an error in place of \"no match\" (RFC 7644 §3.4.2)"),
        ],
        run: |session| Box::pin(none(session)),
    },
    Check {
        id: "match-user-name",
        group: Group::Matching,
        title: "userName eq finds exactly the one user, with its values as they were sent",
        source: rfc7644!("3.4.2.2"),
        clients: &[
            (OKTA, "the user is created again and the POST fails, or the wrong account is linked"),
            (ENTRA, "DuplicateTargetEntries: the user is skipped; or the user is created again"),
            (RFC, "a filter that is not applied (RFC 7644 §3.4.2.2)"),
        ],
        run: |session| Box::pin(user_name(session)),
    },
    Check {
        id: "match-case",
        group: Group::Matching,
        title: "userName is compared without regard to case",
        source: rfc7644!("3.4.2.2"),
        clients: &[
            (OKTA, "nobody is found, the POST is answered by 409, and the assignment fails for good"),
            (ENTRA, "nobody is found, the POST is answered by 409, and the user goes into escrow"),
            (RFC, "caseExact of userName is not observed (RFC 7643 §4.1.1)"),
        ],
        run: |session| Box::pin(case(session)),
    },
    Check {
        id: "match-plus",
        group: Group::Matching,
        title: "in a query + stands for a space and %2B for a plus",
        source: ENTRA_SCIM,
        clients: &[
            (OKTA, "an address with a plus in it is not found and created again"),
            (ENTRA, "the filter is refused or finds nobody; every user is created again"),
        ],
        run: |session| Box::pin(plus(session)),
    },
    Check {
        id: "match-unquoted",
        group: Group::Matching,
        title: "an operand without quotes is understood as text",
        source: ENTRA_SCIM,
        clients: &[(ENTRA, "the matching request is refused; the user is not provisioned")],
        run: |session| Box::pin(unquoted(session)),
    },
    Check {
        id: "match-external-id",
        group: Group::Matching,
        title: "externalId eq finds exactly the one user",
        source: ENTRA_SCIM,
        clients: &[
            (ENTRA, "with externalId as the matching attribute every user is created again"),
            (RFC, "an attribute of the common schema that cannot be filtered (RFC 7643 §3.1)"),
        ],
        run: |session| Box::pin(external_id(session)),
    },
    Check {
        id: "match-work-mail",
        group: Group::Matching,
        title: "emails[type eq \"work\"].value eq finds the user with that work address",
        source: ENTRA_SCIM,
        clients: &[(ENTRA, "with the e-mail address as the matching attribute every user is created again")],
        run: |session| Box::pin(work_mail(session)),
    },
    Check {
        id: "match-mail",
        group: Group::Matching,
        title: "emails.value eq finds the user with that address",
        source: OKTA_SCIM,
        clients: &[(OKTA, "an application whose unique identifier is the e-mail address finds nobody")],
        run: |session| Box::pin(mail(session)),
    },
    Check {
        id: "match-employee-number",
        group: Group::Matching,
        title: "an attribute of the enterprise extension can be filtered by its full name",
        source: ENTRA_SCIM,
        clients: &[
            (ENTRA, "with employeeNumber as the matching attribute every user is created again"),
            (RFC, "an extension's attribute that cannot be filtered (RFC 7644 §3.10)"),
        ],
        run: |session| Box::pin(employee_number(session)),
    },
    Check {
        id: "match-manager",
        group: Group::Matching,
        title: "id eq … and manager eq … with attributes=id says whether a reference is there",
        source: ENTRA_SCIM,
        clients: &[(ENTRA, "the manager is written again in each cycle, or never")],
        run: |session| Box::pin(manager(session)),
    },
];

async fn none(session: &mut Session) -> Checked {
    session.crowd(3).await?;
    let nobody = session.fresh_user_name();
    let answer = session.get(&filtered(USERS, &format!("userName eq \"{nobody}\""))).await?;
    well_formed(session, &answer)?;
    session.equal(&answer.body, "/totalResults", 0);
    session.ensure(answer.resources().is_some_and(<[_]>::is_empty), "Resources is not empty");
    Ok(())
}

async fn user_name(session: &mut Session) -> Checked {
    let user = session.user().await?;
    let filter = encoded(&format!("userName eq \"{}\"", user.name));
    let answer = session.get(&format!("{USERS}?filter={filter}&startIndex=1&count=100")).await?;
    let found = session.list(&answer)?;
    session.only(&found, &user);
    session.equal(&answer.body, "/totalResults", 1);
    for (pointer, wanted) in [
        ("/Resources/0/userName", json!(user.name)),
        ("/Resources/0/name/givenName", json!("Vera")),
        ("/Resources/0/name/familyName", json!("Fied")),
        ("/Resources/0/emails/0/value", json!(user.name)),
        ("/Resources/0/active", json!(true)),
    ] {
        session.equal(&answer.body, pointer, wanted);
    }
    Ok(())
}

async fn case(session: &mut Session) -> Checked {
    let user = session.user().await?;
    let found = session.find(USERS, &format!("userName eq \"{}\"", user.name.to_uppercase())).await?;
    session.only(&found, &user);
    Ok(())
}

async fn plus(session: &mut Session) -> Checked {
    let user_name = format!("{}+plus@verify.example", session.fresh());
    let user = session.user_with(json!({ "userName": user_name })).await?;
    let operand = user_name.replace('+', "%2B").replace('@', "%40");
    let answer = session.get(&format!("{USERS}?filter=userName+eq+%22{operand}%22")).await?;
    let found = session.list(&answer)?;
    session.only(&found, &user);
    Ok(())
}

async fn unquoted(session: &mut Session) -> Checked {
    let user = session.user().await?;
    let found = session.find(USERS, &format!("externalId eq {}", user.external_id)).await?;
    session.only(&found, &user);
    Ok(())
}

async fn external_id(session: &mut Session) -> Checked {
    let user = session.user().await?;
    let found = session.find(USERS, &format!("externalId eq \"{}\"", user.external_id)).await?;
    session.only(&found, &user);
    Ok(())
}

async fn work_mail(session: &mut Session) -> Checked {
    let user = session.user().await?;
    let other = session.fresh_user_name();
    session.user_with(json!({ "emails": [{ "type": "home", "value": user.name }, { "value": other }] })).await?;
    let found = session.find(USERS, &format!("emails[type eq \"work\"].value eq \"{}\"", user.name)).await?;
    session.only(&found, &user);
    Ok(())
}

async fn mail(session: &mut Session) -> Checked {
    let address = session.fresh_user_name();
    let user = session.user_with(json!({ "emails": [{ "type": "work", "value": address, "primary": true }] })).await?;
    let answer = session.get(&filtered(USERS, &format!("emails.value eq \"{}\"", address))).await?;
    match answer.resources() {
        Some([one]) if answer.status == 200 && id(one) == user.id => {}
        Some([_, _, ..]) => session.fail("more than one is found"),
        // Okta's analysts choose the filter of a catalogue application; not each is of e-mail addresses.
        _ => session.warn("it is not found"),
    }
    Ok(())
}

async fn employee_number(session: &mut Session) -> Checked {
    let number = session.fresh();
    let user = session.user_with(json!({ ENTERPRISE_URN: { "employeeNumber": number } })).await?;
    let found = session.find(USERS, &format!("{ENTERPRISE_URN}:employeeNumber eq \"{number}\"")).await?;
    session.only(&found, &user);
    Ok(())
}

async fn manager(session: &mut Session) -> Checked {
    let boss = session.user().await?;
    let user = session.user_with(json!({ ENTERPRISE_URN: { "manager": { "value": boss.id } } })).await?;
    for (manager, expected) in [(&boss, 1), (&user, 0)] {
        let filter = encoded(&format!("id eq \"{}\" and manager eq \"{}\"", user.id, manager.id));
        let answer = session.get(&format!("{USERS}?filter={filter}&attributes=id")).await?;
        let found = session.list(&answer)?;
        session.ensure(found.len() == expected, format!("{} are found, not {expected}", found.len()));
        session.ensure(found.iter().all(|user| user.get("userName").is_none()), "more than the id comes");
        session.ensure(found.iter().all(|user| of_type(user, "emails", "work").is_none()), "e-mail addresses come");
    }
    Ok(())
}
