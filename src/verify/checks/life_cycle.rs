//! Leavers, and those who come back.

use serde_json::json;

use super::{
    Check, Checked, ENTRA, ENTRA_SCIM, ENTRA_VALIDATOR, Group, OKTA, OKTA_SCIM, RFC, errors::is_error, rfc7644,
};
use crate::verify::session::{Session, USERS};

pub(super) const CHECKS: &[Check] = &[
    Check {
        id: "deactivate",
        group: Group::LifeCycle,
        title: "a deactivation in the client's words makes active the boolean false",
        source: OKTA_SCIM,
        clients: &[
            (OKTA, "the leaver keeps the account"),
            (ENTRA, "the leaver keeps the account"),
            (RFC, "a replaced attribute keeps its value (RFC 7644 §3.5.2.3)"),
        ],
        run: |session| Box::pin(deactivate(session)),
    },
    Check {
        id: "deactivated-found",
        group: Group::LifeCycle,
        title: "somebody inactive is still found by filters and by id",
        source: ENTRA_SCIM,
        clients: &[
            (OKTA, "who comes back is created again, and gets a second account or a 409"),
            (ENTRA, "who comes back is created again; and the update of who left is an InvalidAnchor"),
            (RFC, "a filter hides what it matches (RFC 7644 §3.4.2.2)"),
        ],
        run: |session| Box::pin(deactivated_found(session)),
    },
    Check {
        id: "reactivate",
        group: Group::LifeCycle,
        title: "a reactivation makes the same user active again, under the same id",
        source: OKTA_SCIM,
        clients: &[
            (OKTA, "who comes back stays locked out"),
            (ENTRA, "who comes back stays locked out"),
            (RFC, "a replaced attribute keeps its value (RFC 7644 §3.5.2.3)"),
        ],
        run: |session| Box::pin(reactivate(session)),
    },
    Check {
        id: "delete-user",
        group: Group::LifeCycle,
        title: "DELETE is 204; then the user is 404, in no list, and the userName is free",
        source: rfc7644!("3.6"),
        clients: &[
            (ENTRA, "an account that was purged is still there; the validator's U13 fails"),
            (RFC, "a deleted resource is still seen (RFC 7644 §3.6)"),
        ],
        run: |session| Box::pin(delete(session)),
    },
    Check {
        id: "delete-again",
        group: Group::LifeCycle,
        title: "DELETE of what is gone, or was never there, is 404",
        source: ENTRA_VALIDATOR,
        clients: &[
            (ENTRA, "the validator's P3 and P4 fail"),
            (RFC, "a deletion without effect is called a success (RFC 7644 §3.6)"),
        ],
        run: |session| Box::pin(delete_again(session)),
    },
];

async fn deactivate(session: &mut Session) -> Checked {
    let user = session.user().await?;
    session.set(&user, &[("active", json!(false))]).await?;
    let body = session.read(&user).await?;
    session.equal(&body, "/active", false);
    session.equal(&body, "/userName", user.name);
    Ok(())
}

async fn deactivated_found(session: &mut Session) -> Checked {
    let user = session.user().await?;
    session.set(&user, &[("active", json!(false))]).await?;
    let found = session.find(USERS, &format!("userName eq \"{}\"", user.name)).await?;
    session.only(&found, &user);
    session.read(&user).await?;
    Ok(())
}

async fn reactivate(session: &mut Session) -> Checked {
    let user = session.user().await?;
    session.set(&user, &[("active", json!(false))]).await?;
    session.set(&user, &[("active", json!(true))]).await?;
    let body = session.read(&user).await?;
    session.equal(&body, "/active", true);
    session.equal(&body, "/id", user.id);
    Ok(())
}

async fn delete(session: &mut Session) -> Checked {
    let user = session.user().await?;
    let answer = session.delete(&user.path).await?;
    session.status(&answer, &[204])?;
    session.ensure(answer.is_empty, "204 comes with a body");
    let answer = session.get(&user.path).await?;
    is_error(session, &answer, &[404])?;
    let found = session.find(USERS, &format!("userName eq \"{}\"", user.name)).await?;
    session.ensure(found.is_empty(), "a filter still finds it");
    let body = session.user_body(json!({ "userName": user.name }));
    let answer = session.create(USERS, &body).await?;
    // That the name is free is a SHOULD.
    if answer.status != 201 {
        session.warn(format!("the same userName again is {}, not 201", answer.status));
    }
    Ok(())
}

async fn delete_again(session: &mut Session) -> Checked {
    let user = session.user().await?;
    let first = session.delete(&user.path).await?;
    session.status(&first, &[204])?;
    for path in [user.path, format!("{USERS}/00919288221112222")] {
        let answer = session.delete(&path).await?;
        is_error(session, &answer, &[404])?;
    }
    Ok(())
}
