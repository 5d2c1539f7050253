//! The filter grammar (RFC 7644 §3.4.2.2). Every filter is joined to the names of this run, so that it selects nobody
//! else.

use serde_json::{Value, json};

use super::{Check, Checked, Group, RFC, errors::is_error, rfc7644};
use crate::verify::{
    answer::text,
    forms::{encoded, filtered},
    session::{Resource, Session, USERS},
};

pub(super) const CHECKS: &[Check] = &[
    Check {
        id: "filter-operators",
        group: Group::Protocol,
        title: "eq, ne, co, sw, ew, pr, gt, ge, lt and le select what they say",
        source: rfc7644!("3.4.2.2"),
        clients: &[(RFC, "a filter selects other resources than it says")],
        run: |session| Box::pin(operators(session)),
    },
    Check {
        id: "filter-names-case",
        group: Group::Protocol,
        title: "attribute names and operators are understood without regard to case",
        source: rfc7644!("3.4.2.2"),
        clients: &[(RFC, "USERNAME Eq is refused or selects nobody")],
        run: |session| Box::pin(names_case(session)),
    },
    Check {
        id: "filter-precedence",
        group: Group::Protocol,
        title: "not binds tighter than and, and tighter than or; parentheses group",
        source: rfc7644!("3.4.2.2"),
        clients: &[(RFC, "a filter selects other resources than it says")],
        run: |session| Box::pin(precedence(session)),
    },
    Check {
        id: "filter-unknown-operator",
        group: Group::Protocol,
        title: "an operator that does not exist is 400 invalidFilter, not ignored",
        source: rfc7644!("3.4.2.2"),
        clients: &[(RFC, "everybody is returned for a filter that was not understood")],
        run: |session| Box::pin(refused(session, "userName regex \"a\"")),
    },
    Check {
        id: "filter-order-boolean",
        group: Group::Protocol,
        title: "gt on a boolean is 400 invalidFilter",
        source: rfc7644!("3.4.2.2"),
        clients: &[(RFC, "a comparison that has no meaning gets an answer")],
        run: |session| Box::pin(refused(session, "active gt true")),
    },
    Check {
        id: "filter-one-element",
        group: Group::Protocol,
        title: "brackets select by one element; without them any element may match each condition",
        source: rfc7644!("3.4.2.2"),
        clients: &[(RFC, "a person is found by the type of one address and the value of another")],
        run: |session| Box::pin(one_element(session)),
    },
    Check {
        id: "filter-escapes",
        group: Group::Protocol,
        title: "operands are JSON: escapes are decoded",
        source: rfc7644!("3.4.2.2"),
        clients: &[(RFC, "names with quotes or accents are not found")],
        run: |session| Box::pin(escapes(session)),
    },
    Check {
        id: "filter-date-time",
        group: Group::Protocol,
        title: "moments are compared as moments, whatever their offset",
        source: rfc7644!("3.4.2.2"),
        clients: &[(RFC, "\"changed since\" misses changes")],
        run: |session| Box::pin(date_time(session)),
    },
    Check {
        id: "filter-case-exact",
        group: Group::Protocol,
        title: "externalId is compared with regard to case",
        source: rfc7644!("3.4.2.2"),
        clients: &[(RFC, "caseExact of externalId is not observed (RFC 7643 §3.1)")],
        run: |session| Box::pin(case_exact(session)),
    },
    Check {
        id: "filter-present",
        group: Group::Protocol,
        title: "pr is false of what is absent, null or empty",
        source: rfc7644!("3.4.2.2"),
        clients: &[(RFC, "people without a value are taken for people with one")],
        run: |session| Box::pin(present(session)),
    },
    Check {
        id: "sort-ascending",
        group: Group::Protocol,
        title: "sortBy sorts, ascending unless said otherwise, if sorting is offered",
        source: rfc7644!("3.4.2.3"),
        clients: &[(RFC, "lists come in another order than asked for")],
        run: |session| Box::pin(sort(session)),
    },
];

/// Two users whose names differ in one word, and the filter that selects them alone.
async fn pair(session: &mut Session) -> Result<([Resource; 2], String), super::Stop> {
    let word = session.fresh();
    let mut users = Vec::new();
    for (title, nick) in [("Alpha", "x"), ("Beta", "y")] {
        let name = format!("{word}-{}@verify.example", title.to_lowercase());
        users.push(session.user_with(json!({ "userName": name, "title": title, "nickName": nick })).await?);
    }
    let ours = format!("userName sw \"{word}-\"");
    match <[Resource; 2]>::try_from(users) {
        Ok(users) => Ok((users, ours)),
        Err(_) => Err(super::Stop::Skipped("there are no two users".to_owned())),
    }
}

/// Which of the pair a filter finds, as their titles.
async fn titles(session: &mut Session, filter: &str) -> Result<String, super::Stop> {
    let found = session.find(USERS, filter).await?;
    let mut titles: Vec<_> = found.iter().filter_map(|user| text(user, "/title")).collect();
    titles.sort_unstable();
    Ok(titles.join(" "))
}

/// Each filter, joined to the pair's own, must find those.
async fn select(session: &mut Session, table: &[(&str, &str)]) -> Checked {
    let (_, ours) = pair(session).await?;
    for (filter, wanted) in table {
        let found = titles(session, &format!("{ours} and ({filter})")).await?;
        session.ensure(found == *wanted, format!("{filter} selects \"{found}\", not \"{wanted}\""));
    }
    Ok(())
}

async fn operators(session: &mut Session) -> Checked {
    let table = [
        ("title eq \"alpha\"", "Alpha"),
        ("title ne \"Alpha\"", "Beta"),
        ("title co \"lph\"", "Alpha"),
        ("title sw \"Be\"", "Beta"),
        ("title ew \"ta\"", "Beta"),
        ("title pr", "Alpha Beta"),
        ("title gt \"Alpha\"", "Beta"),
        ("title ge \"Alpha\"", "Alpha Beta"),
        ("title lt \"Beta\"", "Alpha"),
        ("title le \"Beta\"", "Alpha Beta"),
    ];
    select(session, &table).await
}

async fn names_case(session: &mut Session) -> Checked {
    select(session, &[("TITLE Eq \"Alpha\"", "Alpha"), ("Name.GIVENNAME SW \"Vera\" AND title EQ \"Beta\"", "Beta")])
        .await
}

async fn precedence(session: &mut Session) -> Checked {
    let table = [
        // From left to right this would be (a or b) and c.
        ("title eq \"Alpha\" or title eq \"Beta\" and nickName eq \"none\"", "Alpha"),
        ("(title eq \"Alpha\" or title eq \"Beta\") and nickName eq \"y\"", "Beta"),
        ("not (title eq \"Alpha\") and nickName pr", "Beta"),
        ("not (title eq \"Alpha\" and nickName eq \"y\")", "Alpha Beta"),
    ];
    select(session, &table).await
}

async fn refused(session: &mut Session, filter: &str) -> Checked {
    let answer = session.get(&filtered(USERS, filter)).await?;
    is_error(session, &answer, &[400])?;
    session.equal(&answer.body, "/scimType", "invalidFilter");
    Ok(())
}

async fn one_element(session: &mut Session) -> Checked {
    let (work, home) = (session.fresh_user_name(), session.fresh_user_name());
    let emails = json!([{ "type": "work", "value": work, "primary": true }, { "type": "home", "value": home }]);
    let user = session.user_with(json!({ "emails": emails })).await?;
    for (filter, is_found) in [
        (format!("emails[type eq \"work\" and value eq \"{work}\"]"), true),
        (format!("emails[type eq \"work\" and value eq \"{home}\"]"), false),
        (format!("emails.type eq \"work\" and emails.value eq \"{home}\""), true),
        (format!("emails.value eq \"{work}\""), true),
    ] {
        let found = session.find(USERS, &format!("userName eq \"{}\" and {filter}", user.name)).await?;
        session.ensure(found.len() == usize::from(is_found), format!("{} are found by {filter}", found.len()));
    }
    Ok(())
}

async fn escapes(session: &mut Session) -> Checked {
    let user = session.user_with(json!({ "displayName": "Vera \"é\" \\ Fied" })).await?;
    for operand in ["Vera \\\"\\u00e9\\\" \\\\ Fied", "Vera \\\"é\\\" \\\\ Fied"] {
        let filter = format!("userName eq \"{}\" and displayName eq \"{operand}\"", user.name);
        let found = session.find(USERS, &filter).await?;
        session.only(&found, &user);
    }
    Ok(())
}

async fn date_time(session: &mut Session) -> Checked {
    let user = session.user().await?;
    // The same moment is later in the day where clocks are ahead, so text would compare the other way.
    for (moment, is_later) in [("2015-10-10T23:00:00+14:00", true), ("2099-01-01T00:00:00Z", false)] {
        let filter = format!("userName eq \"{}\" and meta.created gt \"{moment}\"", user.name);
        let found = session.find(USERS, &filter).await?;
        session.ensure(found.len() == usize::from(is_later), format!("{} are found by {filter}", found.len()));
    }
    let body = session.read(&user).await?;
    let Some(created) = text(&body, "/meta/created").and_then(|created| created.parse::<jiff::Timestamp>().ok()) else {
        return Err(session.stopped("meta.created is no moment".to_owned()));
    };
    let ahead = created.to_zoned(jiff::tz::TimeZone::fixed(jiff::tz::offset(12))).strftime("%Y-%m-%dT%H:%M:%S%.f%:z");
    let found = session.find(USERS, &format!("userName eq \"{}\" and meta.created ge \"{ahead}\"", user.name)).await?;
    session.only(&found, &user);
    Ok(())
}

async fn case_exact(session: &mut Session) -> Checked {
    let user = session.user().await?;
    let found = session.find(USERS, &format!("externalId eq \"{}\"", user.external_id.to_uppercase())).await?;
    session.ensure(found.is_empty(), "it is found in another case");
    Ok(())
}

async fn present(session: &mut Session) -> Checked {
    let empty = json!({ "title": null, "phoneNumbers": [] });
    let user = session.user_with(empty).await?;
    for (filter, count) in [("displayName pr", 1), ("title pr", 0), ("phoneNumbers pr", 0), ("addresses pr", 0)] {
        let found = session.find(USERS, &format!("userName eq \"{}\" and {filter}", user.name)).await?;
        session.ensure(found.len() == count, format!("{} are found by {filter}", found.len()));
    }
    Ok(())
}

async fn sort(session: &mut Session) -> Checked {
    let config = session.get("/ServiceProviderConfig").await?;
    if config.body.pointer("/sort/supported") != Some(&Value::Bool(true)) {
        return Err(super::Stop::Skipped("sorting is not offered".to_owned()));
    }
    let (_, ours) = pair(session).await?;
    for (order, wanted) in [("", ["Alpha", "Beta"]), ("&sortOrder=descending", ["Beta", "Alpha"])] {
        let answer = session.get(&format!("{USERS}?filter={}&sortBy=title{order}", encoded(&ours))).await?;
        let found = session.list(&answer)?;
        let titles: Vec<_> = found.iter().filter_map(|user| text(user, "/title")).collect();
        session.ensure(titles == wanted, format!("they come in another order than asked for{order}"));
    }
    Ok(())
}
