//! Lists in pages. The lists hold everybody: what was there before is counted, and never touched.

use std::collections::BTreeSet;

use super::{
    Check, Checked, ENTRA, ENTRA_GALLERY, Group, OKTA, OKTA_CONCEPTS, OKTA_SCIM, RFC, connection::well_formed, rfc7644,
};
use crate::verify::{
    answer::id,
    forms::encoded,
    session::{Session, USERS},
};

pub(super) const CHECKS: &[Check] = &[
    Check {
        id: "page-past-end",
        group: Group::Paging,
        title: "a page past the end is 200 and empty, and its itemsPerPage is 0",
        source: OKTA_SCIM,
        clients: &[
            (OKTA, "the import fails on its last page"),
            (ENTRA, "account discovery fails on its last page"),
            (RFC, "itemsPerPage is the number returned (RFC 7644 §3.4.2)"),
        ],
        run: |session| Box::pin(past_end(session)),
    },
    Check {
        id: "page-one",
        group: Group::Paging,
        title: "count=1 gives one resource and itemsPerPage 1",
        source: OKTA_SCIM,
        clients: &[
            (OKTA, "the catalogue's test suite fails"),
            (ENTRA, "pages overlap"),
            (RFC, "more than count is returned (RFC 7644 §3.4.2.4)"),
        ],
        run: |session| Box::pin(one(session)),
    },
    Check {
        id: "page-hundred",
        group: Group::Paging,
        title: "a page of 100 is given to who asks for 100",
        source: OKTA_CONCEPTS,
        clients: &[(OKTA, "it steps by 100 whatever came: people between the pages are not imported")],
        run: |session| Box::pin(hundred(session)),
    },
    Check {
        id: "page-walk",
        group: Group::Paging,
        title: "pages follow one another: startIndex as asked, nobody twice, totalResults the same",
        source: ENTRA_GALLERY,
        clients: &[
            (OKTA, "an import misses people, or has them twice"),
            (ENTRA, "SCIM_User_Pagination fails: the application is not admitted to the gallery"),
            (RFC, "pages overlap (RFC 7644 §3.4.2.4)"),
        ],
        run: |session| Box::pin(walk(session)),
    },
    Check {
        id: "page-total",
        group: Group::Paging,
        title: "totalResults counts all matches, not the page",
        source: rfc7644!("3.4.2"),
        clients: &[
            (OKTA, "an import ends after the first page"),
            (ENTRA, "account discovery ends after the first page"),
            (RFC, "totalResults is not the total (RFC 7644 §3.4.2)"),
        ],
        run: |session| Box::pin(total(session)),
    },
    Check {
        id: "page-odd-numbers",
        group: Group::Paging,
        title: "a startIndex below 1 is 1, a count below 0 is 0, and count 0 gives the total alone",
        source: rfc7644!("3.4.2.4"),
        clients: &[(RFC, "numbers that the RFC gives a meaning are refused, or mean something else")],
        run: |session| Box::pin(odd_numbers(session)),
    },
];

async fn past_end(session: &mut Session) -> Checked {
    session.crowd(3).await?;
    let answer = session.get("/Users?startIndex=1000000&count=100").await?;
    well_formed(session, &answer)?;
    session.ensure(answer.resources().is_some_and(<[_]>::is_empty), "Resources is not empty");
    session.equal(&answer.body, "/itemsPerPage", 0);
    Ok(())
}

async fn one(session: &mut Session) -> Checked {
    session.crowd(3).await?;
    let answer = session.get("/Users?startIndex=1&count=1").await?;
    let found = session.list(&answer)?;
    session.ensure(found.len() == 1, format!("{} come, not 1", found.len()));
    session.equal(&answer.body, "/itemsPerPage", 1);
    session.equal(&answer.body, "/startIndex", 1);
    Ok(())
}

async fn hundred(session: &mut Session) -> Checked {
    session.crowd(101).await?;
    let answer = session.get("/Users?startIndex=1&count=100").await?;
    let found = session.list(&answer)?;
    session.ensure(found.len() == 100, format!("{} come, not 100", found.len()));
    session.equal(&answer.body, "/itemsPerPage", 100);
    let rest = session.get("/Users?startIndex=101&count=100").await?;
    let rest = session.list(&rest)?;
    session.ensure(!rest.is_empty(), "the second page is empty");
    Ok(())
}

async fn walk(session: &mut Session) -> Checked {
    session.crowd(12).await?;
    let mut seen = BTreeSet::new();
    let mut totals = BTreeSet::new();
    for page in 0..3_u32 {
        let start = page * 5 + 1;
        let answer = session.get(&format!("{USERS}?startIndex={start}&count=5")).await?;
        let found = session.list(&answer)?;
        session.equal(&answer.body, "/startIndex", start);
        session.ensure(found.len() <= 5, format!("{} come, not 5", found.len()));
        session.ensure(!found.is_empty(), format!("the page from {start} is empty"));
        session.ensure(found.iter().all(|user| seen.insert(id(user).to_owned())), "somebody is on two pages");
        totals.insert(answer.body["totalResults"].to_string());
    }
    session.ensure(totals.len() == 1, "totalResults changes from page to page");
    Ok(())
}

async fn total(session: &mut Session) -> Checked {
    let crowd = session.crowd(12).await?;
    let answer = session.get(&format!("{USERS}?startIndex=1&count=5")).await?;
    session.list(&answer)?;
    let total = answer.body["totalResults"].as_u64().and_then(|total| usize::try_from(total).ok());
    session.ensure(
        total.is_some_and(|total| total >= crowd.len()),
        format!("totalResults is {}, but there are at least {}", answer.body["totalResults"], crowd.len()),
    );
    Ok(())
}

async fn odd_numbers(session: &mut Session) -> Checked {
    session.crowd(3).await?;
    let ours = encoded(&format!("userName sw \"{}\"", session.tag()));
    for (query, start, length) in
        [("startIndex=0&count=2", 1, 2), ("startIndex=-5&count=2", 1, 2), ("count=0", 1, 0), ("count=-1", 1, 0)]
    {
        let answer = session.get(&format!("{USERS}?filter={ours}&{query}")).await?;
        let found = session.list(&answer)?;
        session.ensure(found.len() == length, format!("{query} gives {} resources, not {length}", found.len()));
        session.equal(&answer.body, "/startIndex", start);
        session.ensure(answer.body["totalResults"].as_u64() >= Some(3), format!("{query} gives another totalResults"));
    }
    Ok(())
}
