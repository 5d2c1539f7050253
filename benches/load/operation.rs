//! What clients do: single requests, and the cycles that Okta and Entra run through for one person.

use crate::{
    client::{Connection, find},
    measure::Samples,
    seed::Fixture,
};

/// Something to measure.
#[derive(Clone, Copy)]
pub(crate) enum Operation {
    /// POST of a user.
    Create,
    /// GET of a user by id.
    Get,
    /// GET of a user by `userName eq`.
    Filter,
    /// GET of the pages of all users, a hundred a page, one after another.
    Page,
    /// PATCH that adds one member to a group, then one that removes it.
    Member {
        /// Which group of the fixture.
        group: usize,
    },
    /// Filter, POST, GET, PATCH, PATCH `active`, DELETE.
    EntraCycle,
    /// Filter, POST, PUT, PUT with `active: false`.
    OktaCycle,
    /// Okta's cycle on each second connection, Entra's on the others.
    MixedCycles,
}

impl Operation {
    /// All operations, for a fixture with that many groups.
    pub(crate) fn all(groups: usize) -> Vec<Self> {
        let members = (0..groups).map(|group| Self::Member { group });
        [Self::Get, Self::Filter, Self::Page]
            .into_iter()
            .chain(members)
            .chain([Self::Create, Self::EntraCycle, Self::OktaCycle])
            .collect()
    }

    /// Its name in the report.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Get => "get by id",
            Self::Filter => "filter by userName",
            Self::Page => "page through all",
            Self::Member { .. } => "one member",
            Self::EntraCycle => "Entra cycle",
            Self::OktaCycle => "Okta cycle",
            Self::MixedCycles => "both cycles",
        }
    }

    /// The group whose members it changes.
    pub(crate) fn group(self) -> Option<usize> {
        match self {
            Self::Member { group } => Some(group),
            _ => None,
        }
    }

    /// Whether it is measured against the yardstick that makes writes durable.
    pub(crate) fn writes(self) -> bool {
        match self {
            Self::Get | Self::Filter | Self::Page => false,
            Self::Create | Self::Member { .. } | Self::EntraCycle | Self::OktaCycle | Self::MixedCycles => true,
        }
    }

    /// The least share of the yardstick's requests a second, at the most connections.
    pub(crate) fn target(self) -> Option<f64> {
        match self {
            Self::Get | Self::Filter => Some(0.6),
            Self::Create | Self::Page | Self::EntraCycle | Self::OktaCycle => Some(0.5),
            Self::Member { .. } | Self::MixedCycles => None,
        }
    }
}

/// One client at work: a connection and what it needs to do the operation again and again.
pub(crate) struct Actor<'a> {
    pub(crate) connection: Connection,
    pub(crate) fixture: &'a Fixture,
    /// Which of the connections this is.
    pub(crate) number: usize,
    /// Counts the operations, over all rounds of all actors unique with `number`.
    pub(crate) turn: u64,
    /// Bytes that a yardstick answers to each step of the operation; `None` for the relay.
    pub(crate) answers: Option<&'a [usize]>,
    pub(crate) samples: Samples,
}

impl Actor<'_> {
    /// Does the operation once.
    pub(crate) async fn act(&mut self, operation: Operation) {
        self.turn += 1;
        match operation {
            Operation::Create => {
                let body = user(&self.fresh_name(), true, "Engineer");
                self.send(0, "POST", "/scim/v2/Users", &body, 201).await;
            }
            Operation::Get => {
                let target = format!("/scim/v2/Users/{}", self.some_user());
                self.send(0, "GET", &target, "", 200).await;
            }
            Operation::Filter => {
                let target = filter(&Fixture::user_name(self.some_number()));
                self.send(0, "GET", &target, "", 200).await;
            }
            Operation::Page => {
                // Connections start at different pages, so that no two ask for the same one.
                let pages = self.fixture.users.len().div_ceil(100) as u64;
                let page = (self.turn + self.number as u64 * 97) % pages;
                let target = format!("/scim/v2/Users?startIndex={}&count=100", page * 100 + 1);
                self.send(0, "GET", &target, "", 200).await;
            }
            Operation::Member { group } => {
                let target = format!("/scim/v2/Groups/{}", self.fixture.groups[group]);
                // Each connection has a user of its own, who is in none of the groups.
                let member = &self.fixture.spares[self.number];
                let add = patch(&format!(r#"{{"op":"add","path":"members","value":[{{"value":"{member}"}}]}}"#));
                let remove = patch(&format!(r#"{{"op":"remove","path":"members[value eq \"{member}\"]"}}"#));
                self.send(0, "PATCH", &target, &add, 200).await;
                self.send(1, "PATCH", &target, &remove, 200).await;
            }
            Operation::EntraCycle => self.entra_cycle().await,
            Operation::OktaCycle => self.okta_cycle().await,
            Operation::MixedCycles if self.number.is_multiple_of(2) => self.entra_cycle().await,
            Operation::MixedCycles => self.okta_cycle().await,
        }
    }

    async fn entra_cycle(&mut self) {
        let name = self.fresh_name();
        self.send(0, "GET", &filter(&name), "", 200).await;
        let id = self.send(1, "POST", "/scim/v2/Users", &user(&name, true, "Engineer"), 201).await;
        let target = format!("/scim/v2/Users/{id}");
        self.send(2, "GET", &target, "", 200).await;
        let change = patch(r#"{"op":"Replace","path":"title","value":"Manager"}"#);
        self.send(3, "PATCH", &target, &change, 200).await;
        let leave = patch(r#"{"op":"Replace","path":"active","value":"False"}"#);
        self.send(4, "PATCH", &target, &leave, 200).await;
        self.send(5, "DELETE", &target, "", 204).await;
    }

    async fn okta_cycle(&mut self) {
        let name = self.fresh_name();
        self.send(0, "GET", &filter(&name), "", 200).await;
        let id = self.send(1, "POST", "/scim/v2/Users", &user(&name, true, "Engineer"), 201).await;
        let target = format!("/scim/v2/Users/{id}");
        self.send(2, "PUT", &target, &user(&name, true, "Manager"), 200).await;
        self.send(3, "PUT", &target, &user(&name, false, "Manager"), 200).await;
    }

    /// Sends one step and notes how long it took; gives the id of what was created.
    async fn send(&mut self, step: usize, method: &str, target: &str, body: &str, expected: u16) -> String {
        let answer_bytes = self.answers.map(|answers| answers[step]);
        let started = std::time::Instant::now();
        let answer = self.connection.send(method, target, body, answer_bytes).await;
        let took = started.elapsed();
        // A group's PATCH may be answered without a body, and a yardstick only knows 200.
        let is_expected = answer.status == expected || (200..300).contains(&answer.status) && method != "GET";
        let shown = String::from_utf8_lossy(&answer.body[..answer.body.len().min(500)]);
        assert!(is_expected, "{method} {target}: {} {shown}", answer.status);
        // Only a create is searched for its id: a long answer costs the driver time that the measured server lacks.
        let id = if method == "POST" { id(answer.body) } else { String::new() };
        self.samples.note(step, took, answer.body.len());
        id
    }

    fn some_number(&self) -> usize {
        // Steps of a large prime visit all users in no order that a cache would like.
        let turn = self.turn + self.number as u64 * 1_000_003;
        usize::try_from(turn.wrapping_mul(7_919_997_661) % self.fixture.users.len() as u64).unwrap()
    }

    fn some_user(&self) -> &str {
        &self.fixture.users[self.some_number()]
    }

    fn fresh_name(&self) -> String {
        format!("new-{}-{}@acme.example", self.number, self.turn)
    }
}

fn filter(user_name: &str) -> String {
    format!("/scim/v2/Users?filter=userName%20eq%20%22{user_name}%22&startIndex=1&count=100")
}

/// The id in a resource; that of nobody where there is none, as in a yardstick's answer.
pub(crate) fn id(body: &[u8]) -> String {
    const LABEL: &[u8] = b"\"id\":\"";
    find(body, LABEL).and_then(|start| body.get(start + LABEL.len()..start + LABEL.len() + 36)).map_or_else(
        || "00000000-0000-7000-8000-000000000000".to_owned(),
        |id| String::from_utf8_lossy(id).into_owned(),
    )
}

/// A user as an identity provider writes one, about 700 bytes.
pub(crate) fn user(user_name: &str, active: bool, title: &str) -> String {
    format!(
        r#"{{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User","urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"],"userName":"{user_name}","externalId":"ext-{user_name}","active":{active},"displayName":"Jane Doe","title":"{title}","name":{{"formatted":"Jane Doe","givenName":"Jane","familyName":"Doe"}},"emails":[{{"primary":true,"type":"work","value":"{user_name}"}}],"phoneNumbers":[{{"type":"mobile","value":"+1 425 555 0100"}}],"addresses":[{{"type":"work","formatted":"18/2111","locality":"Redmond"}}],"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User":{{"employeeNumber":"1234","department":"R&D"}}}}"#
    )
}

/// A PATCH of these operations, separated by commas.
pub(crate) fn patch(operations: &str) -> String {
    format!(r#"{{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{operations}]}}"#)
}
