//! Groups and their members, as clients push them.

use serde_json::json;

use super::{
    Check, Checked, ENTRA, ENTRA_DEFAULT, ENTRA_SCIM, ENTRA_VALIDATOR, Group, OKTA, OKTA_CATALOGUE, OKTA_SCIM, RFC,
    connection::well_formed, errors::is_error, rfc7643, rfc7644,
};
use crate::verify::{
    As,
    answer::members,
    forms::{self, GROUP_URN, encoded, filtered},
    session::{GROUPS, Resource, Session},
};

pub(super) const CHECKS: &[Check] = &[
    Check {
        id: "group-match",
        group: Group::Groups,
        title: "displayName eq finds the group, in any case; where there is none, 200 and an empty list",
        source: OKTA_SCIM,
        clients: &[
            (OKTA, "the group is created a second time"),
            (ENTRA, "the group is created a second time, or the job goes into quarantine"),
            (RFC, "a filter that is not applied (RFC 7644 §3.4.2.2)"),
        ],
        run: |session| Box::pin(matching(session)),
    },
    Check {
        id: "group-create",
        group: Group::Groups,
        title: "a POST of a group is answered by 201, the group and its id, whatever else stands in schemas",
        source: rfc7644!("3.3"),
        clients: &[
            (OKTA, "the push ends in an error, and no member follows"),
            (ENTRA, "the group and all its memberships go into escrow"),
            (RFC, "a client does not know what was created (RFC 7644 §3.3)"),
        ],
        run: |session| Box::pin(create(session)),
    },
    Check {
        id: "group-duplicate",
        group: Group::Groups,
        title: "a second group of the same displayName is 409",
        source: ENTRA_VALIDATOR,
        clients: &[(ENTRA, "the validator's G2 fails; two groups of one name are DuplicateTargetEntries")],
        run: |session| Box::pin(duplicate(session)),
    },
    Check {
        id: "group-add-member",
        group: Group::Groups,
        title: "a member that is added is in the group beside those that were",
        source: rfc7644!("3.5.2.1"),
        clients: &[
            (OKTA, "people lose or never get what the group gives them"),
            (ENTRA, "people lose or never get what the group gives them"),
            (RFC, "add replaces in place of adding (RFC 7644 §3.5.2.1)"),
        ],
        run: |session| Box::pin(add_member(session)),
    },
    Check {
        id: "group-add-member-twice",
        group: Group::Groups,
        title: "a member that is added again is a success, and a member once",
        source: rfc7644!("3.5.2.1"),
        clients: &[
            (OKTA, "a push that is repeated after a timeout fails"),
            (ENTRA, "a request that is repeated after a timeout goes into escrow"),
            (RFC, "RFC 7644 §3.5.2.1: a success without change"),
        ],
        run: |session| Box::pin(add_member_twice(session)),
    },
    Check {
        id: "group-remove-member",
        group: Group::Groups,
        title: "a removal in the client's words removes the members that it lists and no others",
        source: ENTRA_SCIM,
        clients: &[
            (OKTA, "one leaver empties the group"),
            (ENTRA, "one leaver empties the group"),
            (RFC, "more is removed than was selected (RFC 7644 §3.5.2.2)"),
        ],
        run: |session| Box::pin(remove_member(session)),
    },
    Check {
        id: "group-remove-nobody",
        group: Group::Groups,
        title: "a removal of who is no member, or of nobody, changes nothing",
        source: ENTRA_SCIM,
        clients: &[
            (OKTA, "the push ends in an error, or the group is emptied"),
            (ENTRA, "the request goes into escrow, or the group is emptied"),
            (RFC, "RFC 7644 §3.5.2.2: a success without change"),
        ],
        run: |session| Box::pin(remove_nobody(session)),
    },
    Check {
        id: "group-remove-then-add",
        group: Group::Groups,
        title: "a removal and an addition of one request are both applied, in order",
        source: OKTA_SCIM,
        clients: &[
            (OKTA_CATALOGUE, "a change of members is applied by half"),
            (ENTRA, "the validator's P5 fails"),
            (RFC, "operations are not applied in order (RFC 7644 §3.5.2)"),
        ],
        run: |session| Box::pin(remove_then_add(session)),
    },
    Check {
        id: "group-push",
        group: Group::Groups,
        title: "a replace of members sets them all; additions that follow in further requests add to them",
        source: OKTA_SCIM,
        clients: &[
            (OKTA_CATALOGUE, "\"Push now\" leaves old members, or a large group keeps the last batch alone"),
            (ENTRA, "the validator's G10 fails"),
            (RFC, "replace adds in place of replacing (RFC 7644 §3.5.2.3)"),
        ],
        run: |session| Box::pin(push(session)),
    },
    Check {
        id: "group-push-path-less",
        group: Group::Groups,
        title: "a replace without path sets the members that its object has",
        source: OKTA_SCIM,
        clients: &[(OKTA_CATALOGUE, "the push ends in an error, and the members stay as they were")],
        run: |session| Box::pin(push_path_less(session)),
    },
    Check {
        id: "group-rename",
        group: Group::Groups,
        title: "a rename in the client's words, with the group's id beside the name, keeps the members",
        source: OKTA_SCIM,
        clients: &[
            (OKTA, "it is sent with each push: the push fails, or each push empties the group"),
            (ENTRA, "the validator's G9 fails, or a rename empties the group"),
            (RFC, "a replaced attribute keeps its value (RFC 7644 §3.5.2.3)"),
        ],
        run: |session| Box::pin(rename(session)),
    },
    Check {
        id: "group-external-id",
        group: Group::Groups,
        title: "a group's externalId is kept, can be changed, and finds the group",
        source: ENTRA_VALIDATOR,
        clients: &[
            (ENTRA, "the validator's G8 fails; with externalId as the matching attribute groups are created again"),
            (RFC, "externalId is of every resource (RFC 7643 §3.1)"),
        ],
        run: |session| Box::pin(external_id(session)),
    },
    Check {
        id: "group-without-members",
        group: Group::Groups,
        title: "excludedAttributes=members leaves the members out, of one group and of a list",
        source: ENTRA_SCIM,
        clients: &[
            (ENTRA, "MultipleEntriesInResponse, and slow answers for large groups"),
            (RFC, "excludedAttributes is not observed (RFC 7644 §3.9)"),
        ],
        run: |session| Box::pin(without_members(session)),
    },
    Check {
        id: "group-member-query",
        group: Group::Groups,
        title: "id eq … and members eq … says whether somebody is a member",
        source: ENTRA_SCIM,
        clients: &[(ENTRA_DEFAULT, "memberships are written again in each cycle, or never")],
        run: |session| Box::pin(member_query(session)),
    },
    Check {
        id: "group-of-user",
        group: Group::Groups,
        title: "a user's groups has the groups that the user is in, and is read-only",
        source: rfc7643!("4.1.2"),
        clients: &[(RFC, "groups is not kept by the service provider")],
        run: |session| Box::pin(of_user(session)),
    },
    Check {
        id: "group-member-gone",
        group: Group::Groups,
        title: "a user who is deleted is a member no more",
        source: rfc7644!("3.6"),
        clients: &[(ENTRA, "members are left that cannot be resolved"), (RFC, "members are left that do not exist")],
        run: |session| Box::pin(member_gone(session)),
    },
    Check {
        id: "group-delete",
        group: Group::Groups,
        title: "DELETE of a group is 204, then 404; its members stay",
        source: rfc7644!("3.6"),
        clients: &[
            (OKTA, "a group that was unlinked is still there"),
            (ENTRA, "the validator's G12 and P7 fail"),
            (RFC, "a deleted resource is still seen (RFC 7644 §3.6)"),
        ],
        run: |session| Box::pin(delete(session)),
    },
];

/// So many users.
async fn people<const N: usize>(session: &mut Session) -> Result<[Resource; N], super::Stop> {
    let mut people = Vec::with_capacity(N);
    while people.len() < N {
        people.push(session.user().await?);
    }
    <[Resource; N]>::try_from(people).map_err(|_| super::Stop::Skipped("there are no users".to_owned()))
}

async fn matching(session: &mut Session) -> Checked {
    let group = session.group(&[]).await?;
    for name in [group.name.clone(), group.name.to_uppercase()] {
        let found = session.find(GROUPS, &format!("displayName eq \"{name}\"")).await?;
        session.only(&found, &group);
    }
    let nobody = session.fresh();
    let answer = session.get(&filtered(GROUPS, &format!("displayName eq \"{nobody}\""))).await?;
    well_formed(session, &answer)?;
    session.equal(&answer.body, "/totalResults", 0);
    Ok(())
}

async fn create(session: &mut Session) -> Checked {
    let body = session.group_body();
    let answer = session.create(GROUPS, &body).await?;
    session.status(&answer, &[201])?;
    let Some(id) = answer.text("/id") else {
        return Err(session.stopped("the answer has no id".to_owned()));
    };
    session.equal(&answer.body, "/displayName", body["displayName"].clone());
    session.ensure(answer.has_schema(GROUP_URN), format!("schemas does not have {GROUP_URN}"));
    session.ensure(members(&answer.body).is_empty(), "it has members");
    let read = session.get(&format!("{GROUPS}/{id}")).await?;
    session.status(&read, &[200])?;
    session.equal(&read.body, "/displayName", body["displayName"].clone());
    Ok(())
}

async fn duplicate(session: &mut Session) -> Checked {
    let group = session.group(&[]).await?;
    let mut body = session.group_body();
    body["displayName"] = json!(group.name);
    let answer = session.create(GROUPS, &body).await?;
    is_error(session, &answer, &[409])
}

async fn add_member(session: &mut Session) -> Checked {
    let [first, second] = people(session).await?;
    let group = session.group(&[]).await?;
    for member in [&first, &second] {
        let answer = session.add_member(&group, &member.id).await?;
        session.status(&answer, &[200, 204])?;
    }
    session.members_are(&group, &[&first, &second]).await
}

async fn add_member_twice(session: &mut Session) -> Checked {
    let [member] = people(session).await?;
    let group = session.group(&[&member]).await?;
    let answer = session.add_member(&group, &member.id).await?;
    session.status(&answer, &[200, 204])?;
    session.members_are(&group, &[&member]).await
}

async fn remove_member(session: &mut Session) -> Checked {
    let [leaver, stayer, other] = people(session).await?;
    let group = session.group(&[&leaver, &stayer, &other]).await?;
    let answer = session.remove_member(&group, &leaver.id).await?;
    session.status(&answer, &[200, 204])?;
    session.members_are(&group, &[&stayer, &other]).await
}

async fn remove_nobody(session: &mut Session) -> Checked {
    let [member, stranger] = people(session).await?;
    let group = session.group(&[&member]).await?;
    let answer = session.remove_member(&group, &stranger.id).await?;
    session.status(&answer, &[200, 204])?;
    if session.who == As::Entra {
        // Refused or not, it must not be taken for "all".
        session.patch(&group.path, json!([{ "op": "Remove", "path": "members", "value": [] }])).await?;
    }
    session.members_are(&group, &[&member]).await
}

async fn remove_then_add(session: &mut Session) -> Checked {
    let [leaver, joiner, brief] = people(session).await?;
    let group = session.group(&[&leaver]).await?;
    let who = session.who;
    let operations: Vec<_> = [
        forms::remove_member(who, &leaver.id),
        forms::add_member(who, &joiner.id),
        forms::add_member(who, &brief.id),
        forms::remove_member(who, &brief.id),
    ]
    .into_iter()
    .map(|mut operations| operations[0].take())
    .collect();
    session.change(&group, operations.into()).await?;
    session.members_are(&group, &[&joiner]).await
}

async fn push(session: &mut Session) -> Checked {
    let [old, first, second, third] = people(session).await?;
    let group = session.group(&[&old]).await?;
    let values = json!([{ "value": first.id, "display": null }, { "value": second.id }]);
    session.change(&group, json!([{ "op": "replace", "path": "members", "value": values }])).await?;
    session.members_are(&group, &[&first, &second]).await?;
    let answer = session.add_member(&group, &third.id).await?;
    session.status(&answer, &[200, 204])?;
    session.members_are(&group, &[&first, &second, &third]).await
}

async fn push_path_less(session: &mut Session) -> Checked {
    let [old, new] = people(session).await?;
    let group = session.group(&[&old]).await?;
    let value = json!({ "members": [{ "value": new.id }] });
    session.change(&group, json!([{ "op": "replace", "value": value }])).await?;
    session.members_are(&group, &[&new]).await
}

async fn rename(session: &mut Session) -> Checked {
    let [member] = people(session).await?;
    let group = session.group(&[&member]).await?;
    let new = session.fresh();
    if session.who == As::Okta {
        // First with the name that it has: so it follows each creation.
        for name in [&group.name, &new] {
            let value = json!({ "id": group.id, "displayName": name });
            session.change(&group, json!([{ "op": "replace", "value": value }])).await?;
        }
    } else {
        session.set(&group, &[("displayName", json!(new))]).await?;
    }
    let body = session.read(&group).await?;
    session.equal(&body, "/displayName", new);
    session.equal(&body, "/id", group.id.clone());
    session.members_are(&group, &[&member]).await
}

async fn external_id(session: &mut Session) -> Checked {
    let group = session.group(&[]).await?;
    let new = session.fresh();
    session.set(&group, &[("externalId", json!(new))]).await?;
    let body = session.read(&group).await?;
    session.equal(&body, "/externalId", new.as_str());
    let found = session.find(GROUPS, &format!("externalId eq \"{new}\"")).await?;
    session.only(&found, &group);
    Ok(())
}

async fn without_members(session: &mut Session) -> Checked {
    let [member] = people(session).await?;
    let group = session.group(&[&member]).await?;
    let filter = encoded(&format!("displayName eq \"{}\"", group.name));
    for path in [
        format!("{}?excludedAttributes=members", group.path),
        format!("{GROUPS}?excludedAttributes=members&filter={filter}"),
    ] {
        let answer = session.get(&path).await?;
        session.status(&answer, &[200])?;
        let body = answer.resources().and_then(<[_]>::first).unwrap_or(&answer.body);
        session.equal(body, "/id", group.id.clone());
        session.ensure(body.get("members").is_none(), "members is returned");
    }
    Ok(())
}

async fn member_query(session: &mut Session) -> Checked {
    let [member, stranger] = people(session).await?;
    let group = session.group(&[&member]).await?;
    for (user, expected) in [(&member, 1), (&stranger, 0)] {
        let filter = encoded(&format!("id eq \"{}\" and members eq \"{}\"", group.id, user.id));
        let answer = session.get(&format!("{GROUPS}?filter={filter}&attributes=id")).await?;
        let found = session.list(&answer)?;
        session.ensure(found.len() == expected, format!("{} are found, not {expected}", found.len()));
    }
    Ok(())
}

async fn of_user(session: &mut Session) -> Checked {
    let [member] = people(session).await?;
    let group = session.group(&[&member]).await?;
    let mut body = session.read(&member).await?;
    session.equal(&body, "/groups/0/value", group.id.clone());
    body["groups"] = json!([]);
    let answer = session.put(&member.path, &body).await?;
    session.status(&answer, &[200])?;
    session.members_are(&group, &[&member]).await
}

async fn member_gone(session: &mut Session) -> Checked {
    let [leaver, stayer] = people(session).await?;
    let group = session.group(&[&leaver, &stayer]).await?;
    let answer = session.delete(&leaver.path).await?;
    session.status(&answer, &[204])?;
    session.members_are(&group, &[&stayer]).await
}

async fn delete(session: &mut Session) -> Checked {
    let [member] = people(session).await?;
    let group = session.group(&[&member]).await?;
    let answer = session.delete(&group.path).await?;
    session.status(&answer, &[204])?;
    let answer = session.get(&group.path).await?;
    is_error(session, &answer, &[404])?;
    let answer = session.delete(&group.path).await?;
    is_error(session, &answer, &[404])?;
    session.read(&member).await?;
    Ok(())
}
