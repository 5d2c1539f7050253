//! What of a resource is returned (RFC 7644 §3.9), versions (§3.14), and `/.search` (§3.4.3).

use serde_json::{Value, json};

use super::{Check, Checked, ENTRA, ENTRA_SCIM, Group, RFC, Stop, rfc7644};
use crate::verify::{
    forms::{LIST_URN, encoded},
    session::{Session, USERS},
};

pub(super) const CHECKS: &[Check] = &[
    Check {
        id: "attributes",
        group: Group::Protocol,
        title: "attributes returns those alone, and id; unknown names do no harm",
        source: ENTRA_SCIM,
        clients: &[
            (ENTRA, "references are compared with whole resources and written again"),
            (RFC, "a client gets more, or less, than it asked for"),
        ],
        run: |session| Box::pin(attributes(session)),
    },
    Check {
        id: "excluded-attributes",
        group: Group::Protocol,
        title: "excludedAttributes leaves those out, but never id",
        source: rfc7644!("3.9"),
        clients: &[(RFC, "a client gets more, or less, than it asked for")],
        run: |session| Box::pin(excluded(session)),
    },
    Check {
        id: "attributes-of-writes",
        group: Group::Protocol,
        title: "attributes is observed in answers to POST, PUT and PATCH; PATCH is then 200",
        source: rfc7644!("3.9"),
        clients: &[(RFC, "a client gets more, or less, than it asked for (RFC 7644 §3.5.2)")],
        run: |session| Box::pin(attributes_of_writes(session)),
    },
    Check {
        id: "search",
        group: Group::Protocol,
        title: "POST /Users/.search queries as GET does",
        source: rfc7644!("3.4.3"),
        clients: &[(RFC, "filters that must not stand in a URL cannot be sent")],
        run: |session| Box::pin(search(session)),
    },
    Check {
        id: "etag",
        group: Group::Protocol,
        title: "if versions are offered: ETag and meta.version agree, If-Match and If-None-Match are observed",
        source: rfc7644!("3.14"),
        clients: &[(RFC, "two writers overwrite one another")],
        run: |session| Box::pin(etag(session)),
    },
    Check {
        id: "me",
        group: Group::Protocol,
        title: "/Me is 501 where it is not offered",
        source: rfc7644!("3.11"),
        clients: &[(RFC, "a client cannot tell \"not offered\" from \"no such person\"")],
        run: |session| Box::pin(me(session)),
    },
];

async fn attributes(session: &mut Session) -> Checked {
    let user = session.user().await?;
    let filter = encoded(&format!("userName eq \"{}\"", user.name));
    for path in [
        format!("{}?attributes=displayName,verifyUnknown", user.path),
        format!("{USERS}?filter={filter}&attributes=displayName"),
    ] {
        let answer = session.get(&path).await?;
        session.status(&answer, &[200])?;
        let body = answer.resources().and_then(<[_]>::first).unwrap_or(&answer.body);
        session.equal(body, "/id", user.id.clone());
        session.equal(body, "/displayName", "Vera Fied");
        for name in ["userName", "name", "emails", "active"] {
            session.ensure(body.get(name).is_none(), format!("{name} is returned"));
        }
    }
    Ok(())
}

async fn excluded(session: &mut Session) -> Checked {
    let user = session.user().await?;
    let answer = session.get(&format!("{}?excludedAttributes=id,emails,name.givenName", user.path)).await?;
    session.status(&answer, &[200])?;
    session.equal(&answer.body, "/id", user.id);
    session.equal(&answer.body, "/name/familyName", "Fied");
    session.ensure(answer.body.get("emails").is_none(), "emails is returned");
    session.ensure(answer.body.pointer("/name/givenName").is_none(), "name.givenName is returned");
    Ok(())
}

async fn attributes_of_writes(session: &mut Session) -> Checked {
    let body = session.user_body(json!({}));
    let created = session.create(&format!("{USERS}?attributes=displayName"), &body).await?;
    session.status(&created, &[201])?;
    let Some(id) = created.text("/id") else {
        return Err(session.stopped("the answer to POST has no id".to_owned()));
    };
    let path = format!("{USERS}/{id}?attributes=displayName");
    let replaced = session.put(&path, &body).await?;
    session.status(&replaced, &[200])?;
    let operations = json!([{ "op": "replace", "path": "displayName", "value": "Vera Fied" }]);
    let patched = session.patch(&path, operations).await?;
    session.status(&patched, &[200])?;
    for (method, answer) in [("POST", &created), ("PUT", &replaced), ("PATCH", &patched)] {
        session.equal(&answer.body, "/displayName", "Vera Fied");
        session.ensure(answer.body.get("emails").is_none(), format!("{method} returns emails"));
    }
    Ok(())
}

async fn search(session: &mut Session) -> Checked {
    let user = session.user().await?;
    let body = json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:SearchRequest"],
        "filter": format!("userName eq \"{}\"", user.name),
        "attributes": ["displayName"],
        "startIndex": 1,
        "count": 10,
    });
    let answer = session.post(&format!("{USERS}/.search"), &body).await?;
    let found = session.list(&answer)?;
    session.only(&found, &user);
    session.ensure(answer.has_schema(LIST_URN), "the answer is no ListResponse");
    session.ensure(found.iter().all(|user| user.get("emails").is_none()), "attributes is not observed");
    Ok(())
}

async fn etag(session: &mut Session) -> Checked {
    let config = session.get("/ServiceProviderConfig").await?;
    if config.body.pointer("/etag/supported") != Some(&Value::Bool(true)) {
        return Err(Stop::Skipped("versions are not offered".to_owned()));
    }
    let user = session.user().await?;
    let answer = session.get(&user.path).await?;
    let Some(version) = answer.header("etag").map(str::to_owned) else {
        return Err(session.stopped("there is no ETag".to_owned()));
    };
    session.equal(&answer.body, "/meta/version", version.as_str());
    let unchanged = session.send("GET", &user.path, &[("if-none-match", &version)], None).await?;
    session.ensure(unchanged.status == 304, format!("If-None-Match is answered by {}, not 304", unchanged.status));
    let operations = json!([{ "op": "replace", "path": "title", "value": "Tester" }]);
    session.change(&user, operations.clone()).await?;
    let body = crate::verify::forms::patch(operations).to_string().into_bytes();
    let stale = session.send("PATCH", &user.path, &[("if-match", &version)], Some(body)).await?;
    session.ensure(stale.status == 412, format!("a stale If-Match is answered by {}, not 412", stale.status));
    Ok(())
}

async fn me(session: &mut Session) -> Checked {
    let answer = session.get("/Me").await?;
    if !matches!(answer.status, 200 | 307 | 308 | 501) {
        session.warn(format!("it is {}", answer.status));
    }
    Ok(())
}
