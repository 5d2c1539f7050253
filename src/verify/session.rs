//! What a check speaks through: requests, what was wrong with the answers, and what is to be removed in the end.

use aws_lc_rs::rand;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::{
    As, Error,
    answer::{Answer, id, members},
    checks::{Check, Checked, Stop},
    forms,
    report::{Exchange, Outcome, Verdict},
};
use crate::client::{Client, Request};

pub(super) const USERS: &str = "/Users";
pub(super) const GROUPS: &str = "/Groups";

/// A PATCH that succeeds is answered by one of these (RFC 7644 §3.5.2).
const PATCHED: [u16; 2] = [200, 204];

/// A client at work.
pub(super) struct Session {
    pub(super) who: As,
    /// Whether groups are looked at.
    pub(super) groups: bool,
    client: Client,
    stop: CancellationToken,
    /// In the name of everything that is made.
    tag: String,
    names: u32,
    made: Vec<Made>,
    crowd: Vec<String>,
    exchanges: Vec<Exchange>,
    findings: Vec<String>,
    verdict: Verdict,
}

/// What was made, or may have been.
struct Made {
    endpoint: &'static str,
    name: String,
    /// None when no answer said it.
    id: Option<String>,
}

/// A resource that a check made for itself.
#[derive(Clone, Debug)]
pub(super) struct Resource {
    pub(super) id: String,
    /// `userName` or `displayName`.
    pub(super) name: String,
    pub(super) external_id: String,
    /// The path below the base URI.
    pub(super) path: String,
}

/// The attribute that names a resource of an endpoint.
fn naming(endpoint: &str) -> &'static str {
    if endpoint == GROUPS { "displayName" } else { "userName" }
}

impl Session {
    pub(super) fn new(client: Client, who: As, groups: bool, stop: CancellationToken) -> Result<Self, Error> {
        let mut random = [0; 4];
        rand::fill(&mut random).map_err(|_| Error::Randomness)?;
        Ok(Self {
            who,
            groups,
            client,
            stop,
            tag: format!("scim-relay-verify-{:08x}", u32::from_be_bytes(random)),
            names: 0,
            made: Vec::new(),
            crowd: Vec::new(),
            exchanges: Vec::new(),
            findings: Vec::new(),
            verdict: Verdict::Pass,
        })
    }

    // Names.

    /// Text that nobody else has, in lower case.
    pub(super) fn fresh(&mut self) -> String {
        self.names += 1;
        format!("{}-{}", self.tag, self.names)
    }

    /// A `userName` that nobody else has. `.example` is reserved: no mail to it reaches anybody.
    pub(super) fn fresh_user_name(&mut self) -> String {
        format!("{}@verify.example", self.fresh())
    }

    /// A user's body in the client's words, with those attributes in place of the usual ones.
    pub(super) fn user_body(&mut self, attributes: Value) -> Value {
        let (user_name, external_id) = (self.fresh_user_name(), self.fresh());
        merged(forms::user(self.who, &user_name, &external_id), attributes)
    }

    /// A group's body in the client's words.
    pub(super) fn group_body(&mut self) -> Value {
        let (display_name, external_id) = (self.fresh(), self.fresh());
        forms::group(self.who, &display_name, &external_id)
    }

    // Requests.

    pub(super) async fn get(&mut self, path: &str) -> Result<Answer, Stop> {
        self.send("GET", path, &[], None).await
    }

    pub(super) async fn delete(&mut self, path: &str) -> Result<Answer, Stop> {
        self.send("DELETE", path, &[], None).await
    }

    pub(super) async fn put(&mut self, path: &str, body: &Value) -> Result<Answer, Stop> {
        self.send("PUT", path, &[], Some(body.to_string().into_bytes())).await
    }

    pub(super) async fn post(&mut self, path: &str, body: &Value) -> Result<Answer, Stop> {
        self.send("POST", path, &[], Some(body.to_string().into_bytes())).await
    }

    /// A PATCH of those operations, whatever the answer.
    pub(super) async fn patch(&mut self, path: &str, operations: Value) -> Result<Answer, Stop> {
        self.send("PATCH", path, &[], Some(forms::patch(operations).to_string().into_bytes())).await
    }

    /// A POST that may make a resource; `path` is an endpoint, with or without a query.
    pub(super) async fn create(&mut self, path: &str, body: &Value) -> Result<Answer, Stop> {
        self.create_with(path, &[], body).await
    }

    pub(super) async fn create_with(
        &mut self,
        path: &str,
        headers: &[(&str, &str)],
        body: &Value,
    ) -> Result<Answer, Stop> {
        let endpoint = if path.starts_with(GROUPS) { GROUPS } else { USERS };
        // Before it is sent: an answer that is lost leaves a resource.
        let name = body[naming(endpoint)].as_str().unwrap_or_default().to_owned();
        self.made.push(Made { endpoint, name, id: None });
        let answer = self.send("POST", path, headers, Some(body.to_string().into_bytes())).await?;
        if let (Some(made), Some(id)) = (self.made.last_mut(), answer.text("/id")) {
            made.id = Some(id.to_owned());
        }
        Ok(answer)
    }

    /// Any request. No new one is sent after the stop.
    pub(super) async fn send(
        &mut self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<Vec<u8>>,
    ) -> Result<Answer, Stop> {
        if self.stop.is_cancelled() {
            return Err(Stop::Interrupted);
        }
        let result = self.exchange(method, path, headers, body).await;
        let status = result.as_ref().ok().map(|answer| answer.status);
        self.exchanges.push(Exchange { method: method.to_owned(), path: path.to_owned(), status });
        result.map_err(|error| self.stopped(error.to_string()))
    }

    async fn exchange(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<Vec<u8>>,
    ) -> Result<Answer, crate::client::Error> {
        let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let request = Request { method: method.to_owned(), path: path.to_owned(), headers, body };
        self.client.send(request).await.map(Answer::from)
    }

    /// Whether the endpoint is asked with a credential.
    pub(super) fn has_credential(&self) -> bool {
        self.client.has_credential()
    }

    // Steps that checks are made of. What is not the check's own subject skips it when it fails.

    /// A new user.
    pub(super) async fn user(&mut self) -> Result<Resource, Stop> {
        self.user_with(json!({})).await
    }

    /// A new user with those attributes in place of the usual ones.
    pub(super) async fn user_with(&mut self, attributes: Value) -> Result<Resource, Stop> {
        let body = self.user_body(attributes);
        self.resource(USERS, body).await
    }

    /// A new group with those members, added as the client adds them.
    pub(super) async fn group(&mut self, members: &[&Resource]) -> Result<Resource, Stop> {
        let body = self.group_body();
        let group = self.resource(GROUPS, body).await?;
        for member in members {
            let added = self.add_member(&group, &member.id).await?;
            if !PATCHED.contains(&added.status) {
                return Err(Stop::Skipped("a member could not be added".to_owned()));
            }
        }
        Ok(group)
    }

    async fn resource(&mut self, endpoint: &'static str, body: Value) -> Result<Resource, Stop> {
        let answer = self.create(endpoint, &body).await?;
        match answer.text("/id") {
            Some(id) if matches!(answer.status, 200 | 201) => Ok(Resource {
                id: id.to_owned(),
                name: body[naming(endpoint)].as_str().unwrap_or_default().to_owned(),
                external_id: body["externalId"].as_str().unwrap_or_default().to_owned(),
                path: format!("{endpoint}/{id}"),
            }),
            _ => Err(Stop::Skipped(format!("nothing could be created at {endpoint}"))),
        }
    }

    /// So many users, made once for all checks that page.
    pub(super) async fn crowd(&mut self, size: usize) -> Result<Vec<String>, Stop> {
        while self.crowd.len() < size {
            let user = self.user().await?;
            self.crowd.push(user.id);
        }
        Ok(self.crowd.clone())
    }

    /// The tag in every name.
    pub(super) fn tag(&self) -> &str {
        &self.tag
    }

    /// The resource as a GET shows it; the check fails where there is none.
    pub(super) async fn read(&mut self, resource: &Resource) -> Result<Value, Stop> {
        let answer = self.get(&resource.path).await?;
        self.status(&answer, &[200])?;
        Ok(answer.body)
    }

    /// The resources that a filter finds; the check fails where the answer is no list.
    pub(super) async fn find(&mut self, endpoint: &str, filter: &str) -> Result<Vec<Value>, Stop> {
        let answer = self.get(&forms::filtered(endpoint, filter)).await?;
        self.list(&answer)
    }

    /// The elements of a list.
    pub(super) fn list(&mut self, answer: &Answer) -> Result<Vec<Value>, Stop> {
        self.status(answer, &[200])?;
        match answer.resources() {
            Some(resources) => Ok(resources.to_vec()),
            // An empty list may go without (RFC 7644 §3.4.2).
            None if answer.body["totalResults"] == 0 => Ok(Vec::new()),
            None => Err(self.stopped("the answer has no Resources".to_owned())),
        }
    }

    /// A PATCH that must succeed.
    pub(super) async fn change(&mut self, resource: &Resource, operations: Value) -> Result<Answer, Stop> {
        let answer = self.patch(&resource.path, operations).await?;
        self.status(&answer, &PATCHED)?;
        Ok(answer)
    }

    /// Sets attributes as the client does.
    pub(super) async fn set(&mut self, resource: &Resource, changes: &[(&str, Value)]) -> Result<Answer, Stop> {
        if self.who != As::OktaAiw {
            return self.change(resource, forms::set(self.who, changes)).await;
        }
        let mut body = self.read(resource).await?;
        for (attribute, value) in changes {
            body[*attribute] = value.clone();
        }
        let answer = self.put(&resource.path, &body).await?;
        self.status(&answer, &[200])?;
        Ok(answer)
    }

    /// Adds a member as the client does, whatever the answer.
    pub(super) async fn add_member(&mut self, group: &Resource, member: &str) -> Result<Answer, Stop> {
        if self.who == As::OktaAiw {
            let with = |body: &Value| members(body).into_iter().chain([member]).map(str::to_owned).collect();
            return self.put_members(group, with).await;
        }
        self.patch(&group.path, forms::add_member(self.who, member)).await
    }

    /// Removes a member as the client does, whatever the answer.
    pub(super) async fn remove_member(&mut self, group: &Resource, member: &str) -> Result<Answer, Stop> {
        if self.who == As::OktaAiw {
            let without =
                |body: &Value| members(body).into_iter().filter(|id| *id != member).map(str::to_owned).collect();
            return self.put_members(group, without).await;
        }
        self.patch(&group.path, forms::remove_member(self.who, member)).await
    }

    async fn put_members(&mut self, group: &Resource, members: impl Fn(&Value) -> Vec<String>) -> Result<Answer, Stop> {
        let mut body = self.read(group).await?;
        let members = members(&body).into_iter().map(|id| json!({ "value": id, "display": null }));
        body["members"] = members.collect();
        self.put(&group.path, &body).await
    }

    // What is wrong.

    /// Something that the client fails at.
    pub(super) fn fail(&mut self, finding: impl Into<String>) {
        self.verdict = Verdict::Fail;
        self.findings.push(finding.into());
    }

    /// Something that is better done otherwise.
    pub(super) fn warn(&mut self, finding: impl Into<String>) {
        if self.verdict == Verdict::Pass {
            self.verdict = Verdict::Warn;
        }
        self.findings.push(finding.into());
    }

    /// Fails, and ends the check.
    pub(super) fn stopped(&mut self, finding: String) -> Stop {
        self.fail(finding);
        Stop::Failed
    }

    pub(super) fn ensure(&mut self, holds: bool, otherwise: impl Into<String>) {
        if !holds {
            self.fail(otherwise);
        }
    }

    /// The check ends unless the status is one of these.
    pub(super) fn status(&mut self, answer: &Answer, wanted: &[u16]) -> Checked {
        if wanted.contains(&answer.status) {
            return Ok(());
        }
        let wanted: Vec<_> = wanted.iter().map(u16::to_string).collect();
        let detail = answer.text("/detail").map(|detail| format!(": {detail}")).unwrap_or_default();
        Err(self.stopped(format!("status {}, not {}{detail}", answer.status, wanted.join(" or "))))
    }

    /// The value at a pointer must be that one.
    pub(super) fn equal(&mut self, body: &Value, pointer: &str, wanted: impl Into<Value>) {
        let wanted = wanted.into();
        match body.pointer(pointer) {
            Some(found) if *found == wanted => {}
            Some(found) => self.fail(format!("{pointer} is {found}, not {wanted}")),
            None => self.fail(format!("{pointer} is missing; it should be {wanted}")),
        }
    }

    /// Exactly that resource must be found.
    pub(super) fn only(&mut self, found: &[Value], wanted: &Resource) {
        match found {
            [one] if id(one) == wanted.id => {}
            [] => self.fail("it is not found"),
            [_] => self.fail("another resource is found"),
            _ => self.fail(format!("{} resources are found, not 1", found.len())),
        }
    }

    /// Those members and no others, in any order.
    pub(super) async fn members_are(&mut self, group: &Resource, wanted: &[&Resource]) -> Checked {
        let body = self.read(group).await?;
        let mut found = members(&body);
        let mut ids: Vec<_> = wanted.iter().map(|resource| resource.id.as_str()).collect();
        found.sort_unstable();
        ids.sort_unstable();
        let count =
            |ids: &[&str]| if ids.len() == 1 { "1 member".to_owned() } else { format!("{} members", ids.len()) };
        self.ensure(found == ids, format!("the group has {}, not the {} it should have", count(&found), count(&ids)));
        Ok(())
    }

    // The end.

    /// What came of a check; the next starts afresh.
    pub(super) fn outcome(&mut self, check: &Check, result: Checked) -> Outcome {
        let mut verdict = std::mem::replace(&mut self.verdict, Verdict::Pass);
        let mut findings = std::mem::take(&mut self.findings);
        if let (Err(Stop::Skipped(reason)), Verdict::Pass) = (result, verdict) {
            verdict = Verdict::Skipped;
            findings.push(reason);
        }
        Outcome {
            id: check.id,
            group: check.group.name(),
            title: check.title,
            source: check.source,
            verdict,
            findings,
            client: check.says(self.who).unwrap_or_default(),
            exchanges: std::mem::take(&mut self.exchanges),
        }
    }

    /// Removes what was made, groups first, and says what could not be.
    pub(super) async fn clean_up(&mut self) -> Vec<String> {
        let (groups, users): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.made).into_iter().partition(|made| made.endpoint == GROUPS);
        let mut left_behind = Vec::new();
        for made in groups.into_iter().chain(users) {
            let ids = match made.id {
                Some(id) => vec![id],
                None => self.ids_of(made.endpoint, &made.name).await,
            };
            for id in ids {
                let path = format!("{}/{id}", made.endpoint);
                match self.exchange("DELETE", &path, &[], None).await {
                    Ok(answer) if matches!(answer.status, 200 | 202 | 204 | 404) => {}
                    _ => left_behind.push(format!("{path} ({})", made.name)),
                }
            }
        }
        left_behind
    }

    /// The resources of exactly that name, which nobody else gives.
    async fn ids_of(&self, endpoint: &str, name: &str) -> Vec<String> {
        if name.is_empty() {
            return Vec::new();
        }
        let naming = naming(endpoint);
        let path = forms::filtered(endpoint, &format!("{naming} eq \"{name}\""));
        let Ok(answer) = self.exchange("GET", &path, &[], None).await else { return Vec::new() };
        let found = answer.resources().unwrap_or_default().iter();
        found.filter(|resource| resource[naming] == name).map(|resource| id(resource).to_owned()).collect()
    }
}

/// An object with the entries of another in place of its own.
fn merged(mut body: Value, entries: Value) -> Value {
    if let (Value::Object(body), Value::Object(entries)) = (&mut body, entries) {
        body.extend(entries);
    }
    body
}
