//! A client that writes until its relay is gone, and keeps book.

use std::{collections::BTreeSet, net::SocketAddr};

use serde_json::{Value, json};

use crate::{
    http::{Answer, Client, Failure},
    model::{Group, Model, Possible, Slot, User},
    moment::Target,
    rng::Rng,
    verify,
};

/// User names of one writer: few, so that each sees creation, changes and deletion many times.
const SLOTS: usize = 12;

const PATCH_SCHEMA: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";

/// Creates the groups; the users come by themselves.
pub(crate) fn set_up(scim: SocketAddr, key: &str, writers: usize) -> Vec<Model> {
    let mut client = Client::new(scim, Some(key));
    let shared_group_id = create_group(&mut client, "everyone");
    (0..writers)
        .map(|writer| {
            let display_name = format!("group of writer {writer}");
            Model {
                writer,
                slots: (0..SLOTS)
                    .map(|slot| Slot {
                        user_name: format!("w{writer}-{slot}@acme.example"),
                        user: Possible::certain(None),
                        shared_member: Possible::certain(false),
                    })
                    .collect(),
                group_id: create_group(&mut client, &display_name),
                group: Possible::certain(Group { display_name, members: BTreeSet::new() }),
                shared_group_id: shared_group_id.clone(),
                graves: Vec::new(),
                serial: 0,
                acknowledgements: 0,
            }
        })
        .collect()
}

/// Creates a group and gives its id.
pub(crate) fn create_group(client: &mut Client, display_name: &str) -> String {
    let body = json!({"schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"], "displayName": display_name});
    let answer = client.request("POST", "/scim/v2/Groups", Some(&body.to_string())).unwrap();
    assert_eq!(answer.status, 201, "{}", answer.body);
    id_of(&answer)
}

/// Writes at random until the relay is gone.
pub(crate) fn write(scim: SocketAddr, key: &str, model: &mut Model, target: &Target, mut rng: Rng) {
    let mut writer = Writer { client: Client::new(scim, Some(key)), model, target };
    while !target.is_over() {
        if writer.step(&mut rng).is_none() {
            return;
        }
    }
}

struct Writer<'a> {
    client: Client,
    model: &'a mut Model,
    target: &'a Target,
}

/// The end of a write, as the client sees it.
enum Outcome {
    Acknowledged(Answer),
    Refused(Answer),
    Unknown,
    NotSent,
}

impl Writer<'_> {
    /// One write; `None` when the relay is gone.
    fn step(&mut self, rng: &mut Rng) -> Option<()> {
        let slot = rng.index(self.model.slots.len());
        // What a lost answer left in doubt is read after the restart, and not written before.
        let Some(user) = self.model.slots[slot].user.known().cloned() else { return Some(()) };
        match user {
            None => self.create(slot),
            Some(user) => match rng.below(10) {
                0 | 1 => self.replace(slot, user),
                2 | 3 => self.patch_title(slot, user),
                4 => self.toggle_active(slot, user),
                5 | 6 => self.toggle_shared_member(slot, &user),
                7 => self.toggle_group_member(&user),
                8 => self.replace_group(rng),
                _ => self.delete(slot, &user),
            },
        }
    }

    fn create(&mut self, slot: usize) -> Option<()> {
        let user =
            User { id: None, title: self.model.fresh("title"), display_name: self.model.fresh("name"), active: true };
        let body = self.representation(slot, &user);
        match self.send("POST", "/scim/v2/Users", Some(&body)) {
            Outcome::Acknowledged(answer) => {
                let user = User { id: Some(id_of(&answer)), ..user };
                self.model.slots[slot].user.acknowledge(Some(user));
                Some(())
            }
            outcome => self.otherwise(&outcome, |model| model.slots[slot].user.doubt(Some(user))),
        }
    }

    fn replace(&mut self, slot: usize, user: User) -> Option<()> {
        let user = User { title: self.model.fresh("title"), display_name: self.model.fresh("name"), ..user };
        let body = self.representation(slot, &user);
        self.change(slot, "PUT", user, &body)
    }

    fn patch_title(&mut self, slot: usize, user: User) -> Option<()> {
        let user = User { title: self.model.fresh("title"), ..user };
        let body = patch(&json!({"op": "replace", "path": "title", "value": user.title}));
        self.change(slot, "PATCH", user, &body)
    }

    fn toggle_active(&mut self, slot: usize, user: User) -> Option<()> {
        let user = User { active: !user.active, ..user };
        let body = patch(&json!({"op": "replace", "value": {"active": user.active}}));
        self.change(slot, "PATCH", user, &body)
    }

    fn change(&mut self, slot: usize, method: &str, user: User, body: &str) -> Option<()> {
        let path = format!("/scim/v2/Users/{}", id(&user));
        match self.send(method, &path, Some(body)) {
            Outcome::Acknowledged(_) => {
                self.model.slots[slot].user.acknowledge(Some(user));
                Some(())
            }
            outcome => self.otherwise(&outcome, |model| model.slots[slot].user.doubt(Some(user))),
        }
    }

    /// Deletes a user that is certainly in no group: what a deletion does to memberships is another test's subject.
    fn delete(&mut self, slot: usize, user: &User) -> Option<()> {
        let in_own_group = self.model.group.known().is_none_or(|group| group.members.contains(id(user)));
        if in_own_group || self.model.slots[slot].shared_member.known() != Some(&false) {
            return Some(());
        }
        match self.send("DELETE", &format!("/scim/v2/Users/{}", id(user)), None) {
            Outcome::Acknowledged(_) => {
                self.model.graves.push(id(user).to_owned());
                self.model.slots[slot].user.acknowledge(None);
                Some(())
            }
            outcome => self.otherwise(&outcome, |model| model.slots[slot].user.doubt(None)),
        }
    }

    fn toggle_shared_member(&mut self, slot: usize, user: &User) -> Option<()> {
        let Some(&is_member) = self.model.slots[slot].shared_member.known() else { return Some(()) };
        let path = format!("/scim/v2/Groups/{}", self.model.shared_group_id);
        match self.send("PATCH", &path, Some(&patch(&member_operation(!is_member, id(user))))) {
            Outcome::Acknowledged(_) => {
                self.model.slots[slot].shared_member.acknowledge(!is_member);
                Some(())
            }
            outcome => self.otherwise(&outcome, |model| model.slots[slot].shared_member.doubt(!is_member)),
        }
    }

    fn toggle_group_member(&mut self, user: &User) -> Option<()> {
        let Some(mut group) = self.model.group.known().cloned() else { return Some(()) };
        let add = group.members.insert(id(user).to_owned());
        if !add {
            group.members.remove(id(user));
        }
        self.change_group("PATCH", group, &patch(&member_operation(add, id(user))))
    }

    fn replace_group(&mut self, rng: &mut Rng) -> Option<()> {
        // Nothing of this writer may be in doubt: a member of the new list could be deleted already.
        if self.model.group.known().is_none() {
            return Some(());
        }
        let mut members = BTreeSet::new();
        for slot in &self.model.slots {
            if let Some(Some(user)) = slot.user.known()
                && rng.below(2) == 0
            {
                members.insert(id(user).to_owned());
            }
        }
        let group = Group { display_name: self.model.fresh("group"), members };
        let body = json!({
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"],
            "displayName": group.display_name,
            "members": group.members.iter().map(|id| json!({"value": id})).collect::<Vec<_>>(),
        });
        self.change_group("PUT", group, &body.to_string())
    }

    fn change_group(&mut self, method: &str, group: Group, body: &str) -> Option<()> {
        let path = format!("/scim/v2/Groups/{}", self.model.group_id);
        match self.send(method, &path, Some(body)) {
            Outcome::Acknowledged(_) => {
                self.model.group.acknowledge(group);
                Some(())
            }
            outcome => self.otherwise(&outcome, |model| model.group.doubt(group)),
        }
    }

    fn send(&mut self, method: &str, path: &str, body: Option<&str>) -> Outcome {
        match self.client.request(method, path, body) {
            Ok(answer) if (200..300).contains(&answer.status) => {
                self.target.acknowledged();
                self.model.acknowledgements += 1;
                Outcome::Acknowledged(answer)
            }
            Ok(answer) if answer.status < 500 => Outcome::Refused(answer),
            Ok(_) | Err(Failure::Unknown(_)) => Outcome::Unknown,
            Err(Failure::NotSent(_)) => Outcome::NotSent,
        }
    }

    /// Every write is legal, so a refusal is a fault of the relay, save when it asks to slow down.
    fn otherwise(&mut self, outcome: &Outcome, doubt: impl FnOnce(&mut Model)) -> Option<()> {
        match outcome {
            Outcome::Acknowledged(_) => Some(()),
            Outcome::Refused(answer) if answer.status == 429 => Some(()),
            Outcome::Refused(answer) => panic!("a legal write was refused: {} {}", answer.status, answer.body),
            Outcome::Unknown => {
                doubt(self.model);
                // Refused for the time being by a relay that lives; or the relay is gone, and the next one is asked.
                verify::settle(&mut self.client, self.model).ok()
            }
            Outcome::NotSent => None,
        }
    }

    fn representation(&self, slot: usize, user: &User) -> String {
        let mut body = json!({
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
            "userName": self.model.slots[slot].user_name,
            "externalId": format!("ext-{}", self.model.slots[slot].user_name),
            "displayName": user.display_name,
            "title": user.title,
            "active": user.active,
        });
        if let Some(id) = &user.id {
            body["id"] = json!(id);
        }
        body.to_string()
    }
}

/// A PATCH body of one operation.
pub(crate) fn patch(operation: &Value) -> String {
    json!({"schemas": [PATCH_SCHEMA], "Operations": [operation]}).to_string()
}

/// Adds or removes one member.
pub(crate) fn member_operation(add: bool, id: &str) -> Value {
    if add {
        json!({"op": "add", "path": "members", "value": [{"value": id}]})
    } else {
        json!({"op": "remove", "path": format!("members[value eq \"{id}\"]")})
    }
}

/// The `id` in an answer.
pub(crate) fn id_of(answer: &Answer) -> String {
    let body: Value = serde_json::from_str(&answer.body).unwrap();
    body["id"].as_str().unwrap().to_owned()
}

/// The id of a user that is certain: whoever is certain was read or acknowledged with its id.
fn id(user: &User) -> &str {
    user.id.as_deref().unwrap()
}
