//! What a client asks when its administrator presses "test connection".

use serde_json::Value;

use super::{Check, Checked, ENTRA, ENTRA_FLAG, ENTRA_FLAGGED, ENTRA_SCIM, Group, OKTA, OKTA_SCIM, RFC, Stop, rfc7644};
use crate::verify::{
    answer::Answer,
    forms::{LIST_URN, encoded},
    session::{Session, USERS},
};

pub(super) const CHECKS: &[Check] = &[
    Check {
        id: "connection-test",
        group: Group::Connection,
        title: "the connection test is answered by a well-formed ListResponse",
        source: OKTA_SCIM,
        clients: &[(OKTA, "\"Test Connector Configuration\" fails, and the settings cannot be saved")],
        run: |session| Box::pin(lists_two(session)),
    },
    Check {
        id: "connection-probe",
        group: Group::Connection,
        title: "a filter on a random GUID is answered by 200 and an empty ListResponse",
        source: ENTRA_SCIM,
        clients: &[(ENTRA, "\"Test Connection\" fails; the same probe later puts the job into quarantine")],
        run: |session| Box::pin(probe(session)),
    },
    Check {
        id: "connection-flag",
        group: Group::Connection,
        title: "the feature flag in the base URL changes nothing about the answer",
        source: ENTRA_FLAG,
        clients: &[(ENTRA_FLAGGED, "every request of the job carries the flag; the job goes into quarantine")],
        run: |session| Box::pin(flag(session)),
    },
    Check {
        id: "connection-list",
        group: Group::Connection,
        title: "a list is a ListResponse: totalResults, startIndex, itemsPerPage as integers, Resources as an array",
        source: rfc7644!("3.4.2"),
        clients: &[(RFC, "a client that reads lists by RFC 7644 §3.4.2 cannot read this one")],
        run: |session| Box::pin(lists_two(session)),
    },
];

async fn lists_two(session: &mut Session) -> Checked {
    session.crowd(3).await?;
    let users = session.get("/Users?startIndex=1&count=2").await?;
    well_formed(session, &users)?;
    session.ensure(users.resources().is_some_and(|resources| resources.len() <= 2), "more than the count comes");
    if session.groups {
        let groups = session.get("/Groups?startIndex=1&count=100").await?;
        well_formed(session, &groups)?;
    }
    Ok(())
}

async fn probe(session: &mut Session) -> Checked {
    let guid = "8f5b5a62-1b1e-4d3a-9b1e-0a8c1a6f0c11";
    let users = session.get(&format!("{USERS}?filter=userName+eq+%22{guid}%22")).await?;
    well_formed(session, &users)?;
    session.equal(&users.body, "/totalResults", 0);
    Ok(())
}

async fn flag(session: &mut Session) -> Checked {
    let user = session.user().await?;
    let filter = encoded(&format!("userName eq \"{}\"", user.name));
    for path in [
        format!("{USERS}?filter={filter}&aadOptscim062020"),
        format!("{USERS}?aadOptscim062020&filter={filter}"),
        format!("{USERS}?aadOptscim062020=true&filter={filter}"),
    ] {
        let answer = session.get(&path).await?;
        let found = session.list(&answer)?;
        session.only(&found, &user);
    }
    Ok(())
}

/// Everything that makes a list a ListResponse.
pub(super) fn well_formed(session: &mut Session, answer: &Answer) -> Result<(), Stop> {
    session.status(answer, &[200])?;
    if !answer.body.is_object() {
        return Err(session.stopped("the body is no JSON object".to_owned()));
    }
    session.ensure(answer.has_schema(LIST_URN), format!("schemas does not have {LIST_URN}"));
    for name in ["totalResults", "startIndex", "itemsPerPage"] {
        session.ensure(answer.body[name].is_u64(), format!("{name} is no integer"));
    }
    let Some(resources) = answer.resources() else {
        return Err(session.stopped("Resources is no array".to_owned()));
    };
    let length = resources.len();
    let claimed = answer.body["itemsPerPage"].as_u64();
    session.ensure(
        claimed.is_none_or(|claimed| usize::try_from(claimed) == Ok(length)),
        format!("itemsPerPage is {}, but {length} came", answer.body["itemsPerPage"]),
    );
    let are_named = resources.iter().all(|resource| resource["id"].as_str().is_some_and(|id| !id.is_empty()));
    session.ensure(are_named, "a resource of the list has no id");
    session.ensure(resources.iter().all(Value::is_object), "Resources has something that is no resource");
    Ok(())
}
