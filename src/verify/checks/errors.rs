//! Errors: in SCIM's words whatever happens, since clients read nothing else.

use super::{Check, Checked, ENTRA, Group, OKTA, OKTA_SCIM, RFC, Stop, rfc7644};
use crate::{
    scim::error::ERROR_URN,
    verify::{
        answer::Answer,
        session::{Session, USERS},
    },
};

/// Nobody has it.
const UNKNOWN: &str = "/Users/00919288221112222";

pub(super) const CHECKS: &[Check] = &[
    Check {
        id: "error-unauthorized",
        group: Group::Errors,
        title: "a wrong credential is 401 with a SCIM error as its body",
        source: OKTA_SCIM,
        clients: &[
            (OKTA, "the cause is hidden behind \"Invalid JSON\"; the test suite's step 11 fails"),
            (ENTRA, "the answer is ServiceIncompatible in place of invalid credentials"),
            (RFC, "RFC 7644 §3.12 is not observed"),
        ],
        run: |session| Box::pin(unauthorized(session)),
    },
    Check {
        id: "error-www-authenticate",
        group: Group::Errors,
        title: "a 401 has a WWW-Authenticate header",
        source: rfc7644!("2"),
        clients: &[
            (OKTA, "nothing today; HTTP clients in between may not say what is wrong"),
            (ENTRA, "nothing today; HTTP clients in between may not say what is wrong"),
            (RFC, "RFC 7644 §2 and RFC 9110 §11.6.1 are not observed"),
        ],
        run: |session| Box::pin(www_authenticate(session)),
    },
    Check {
        id: "error-unknown-id",
        group: Group::Errors,
        title: "an id that does not exist is 404 with a SCIM error that has a detail",
        source: rfc7644!("3.12"),
        clients: &[
            (OKTA, "the test suite's steps 4 and 12 fail"),
            (ENTRA, "the answer is ServiceIncompatible in place of InvalidAnchor"),
            (RFC, "RFC 7644 §3.12 is not observed"),
        ],
        run: |session| Box::pin(is_error_at(session, UNKNOWN)),
    },
    Check {
        id: "error-unknown-route",
        group: Group::Errors,
        title: "a path that does not exist is 404 with a SCIM error",
        source: rfc7644!("3.12"),
        clients: &[
            (OKTA, "\"Invalid JSON: Unrecognized token\" hides that the base URL is wrong"),
            (ENTRA, "the answer is ServiceIncompatible"),
            (RFC, "RFC 7644 §3.12 is not observed"),
        ],
        run: |session| Box::pin(is_error_at(session, "/NoSuchEndpoint")),
    },
    Check {
        id: "error-malformed",
        group: Group::Errors,
        title: "a body that is no JSON is 400 with a SCIM error",
        source: rfc7644!("3.12"),
        clients: &[
            (OKTA, "the administrator is told of a broken server"),
            (ENTRA, "a 5xx is tried again for weeks"),
            (RFC, "RFC 7644 §3.12: 400 invalidSyntax"),
        ],
        run: |session| Box::pin(malformed(session)),
    },
    Check {
        id: "error-status-text",
        group: Group::Errors,
        title: "status in an error is the HTTP status, as text",
        source: rfc7644!("3.12"),
        clients: &[
            (OKTA, "the test suite compares it; a strict parser refuses the error"),
            (ENTRA, "a strict parser refuses the error"),
            (RFC, "RFC 7644 §3.12: status is a JSON string"),
        ],
        run: |session| Box::pin(status_text(session)),
    },
    Check {
        id: "content-type",
        group: Group::Errors,
        title: "answers and errors are application/scim+json",
        source: rfc7644!("8.1"),
        clients: &[
            (OKTA, "nothing, as long as it is JSON"),
            (ENTRA, "the validator warns of each answer"),
            (RFC, "RFC 7644 §3.1 and §8.1 are not observed"),
        ],
        run: |session| Box::pin(content_type(session)),
    },
    Check {
        id: "get-content-type",
        group: Group::Errors,
        title: "a GET that has a Content-Type and Accept-Charset is answered as any other",
        source: OKTA_SCIM,
        clients: &[(OKTA, "every GET of the catalogue's test suite fails")],
        run: |session| Box::pin(get_content_type(session)),
    },
];

/// A SCIM error of one of those statuses; the check ends on another one. The type of `status` is the subject of one
/// check alone, so that one fault is one complaint.
pub(super) fn is_error(session: &mut Session, answer: &Answer, wanted: &[u16]) -> Checked {
    session.status(answer, wanted)?;
    if !answer.body.is_object() {
        session.fail(if answer.is_empty { "the error has no body" } else { "the error's body is no JSON" });
        return Ok(());
    }
    session.ensure(answer.has_schema(ERROR_URN), format!("schemas of the error does not have {ERROR_URN}"));
    session.ensure(answer.text("/detail").is_some_and(|detail| !detail.is_empty()), "the error has no detail");
    Ok(())
}

async fn is_error_at(session: &mut Session, path: &str) -> Checked {
    let answer = session.get(path).await?;
    is_error(session, &answer, &[404])
}

/// The answer to a credential that nobody has.
async fn refused(session: &mut Session) -> Result<Answer, Stop> {
    if !session.has_credential() {
        return Err(Stop::Skipped("the endpoint is asked without a credential".to_owned()));
    }
    let wrong = [("authorization", "Bearer scim-relay-verify-wrong-token")];
    session.send("GET", &format!("{USERS}?startIndex=1&count=1"), &wrong, None).await
}

async fn unauthorized(session: &mut Session) -> Checked {
    let answer = refused(session).await?;
    is_error(session, &answer, &[401])
}

async fn www_authenticate(session: &mut Session) -> Checked {
    let answer = refused(session).await?;
    if answer.status != 401 {
        return Err(Stop::Skipped("a wrong credential is not 401".to_owned()));
    }
    session.ensure(answer.header("www-authenticate").is_some(), "there is none");
    Ok(())
}

async fn malformed(session: &mut Session) -> Checked {
    let answer = session.send("POST", USERS, &[], Some(b"{\"userName\": ".to_vec())).await?;
    is_error(session, &answer, &[400])
}

async fn status_text(session: &mut Session) -> Checked {
    let answer = session.get(UNKNOWN).await?;
    if !answer.body.is_object() {
        return Err(Stop::Skipped("an error has no JSON body".to_owned()));
    }
    session.equal(&answer.body, "/status", answer.status.to_string());
    Ok(())
}

async fn content_type(session: &mut Session) -> Checked {
    let user = session.user().await?;
    for path in [user.path.as_str(), "/Users?startIndex=1&count=1", UNKNOWN] {
        let answer = session.get(path).await?;
        match answer.media_type().as_deref() {
            Some("application/scim+json") => {}
            Some("application/json") => session.warn("it is application/json"),
            Some(other) => session.fail(format!("it is {other}")),
            None => session.fail("there is no Content-Type"),
        }
    }
    Ok(())
}

async fn get_content_type(session: &mut Session) -> Checked {
    let user = session.user().await?;
    let headers = [("content-type", "application/scim+json; charset=utf-8"), ("accept-charset", "utf-8")];
    let answer = session.send("GET", &user.path, &headers, None).await?;
    session.status(&answer, &[200])
}
