//! From a stored resource to the bytes of an answer.
//!
//! The stored text of a resource is copied, not parsed, whenever the client asked for the default attributes: answers
//! to GET and lists are most of a relay's traffic.

use std::sync::LazyLock;

use memchr::memmem::Finder;
use scim_connector::{ResourceId, ResourceKind};
use serde::Serialize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    Caller,
    managers::{Managers, has_managers},
    unavailable, version_tag,
};
use crate::{
    scim::{
        self, Object,
        render::{Projection, returns_all, schemas},
        schema::{ENTERPRISE_URN, ResourceType},
    },
    store::{GroupOf, Membership, Store, Stored},
};

/// Members read from the store at a time.
const MEMBERS_PAGE: usize = 1_000;

/// Renders resources of one type for one request.
pub(super) struct Renderer<'a> {
    store: &'a dyn Store,
    caller: &'a Caller,
    resource_type: &'a ResourceType,
    projection: &'a Projection,
    has_groups: bool,
    /// Whether the stored text is the answer's.
    is_copied: bool,
    /// What stands before a resource's id in its `meta.location`.
    collection_uri: String,
}

impl<'a> Renderer<'a> {
    pub(super) fn new(
        store: &'a dyn Store,
        caller: &'a Caller,
        resource_type: &'a ResourceType,
        projection: &'a Projection,
    ) -> Self {
        let defines_groups = resource_type.schema.attributes.iter().any(|attribute| attribute.name == "groups");
        let has_groups = defines_groups && projection.includes(resource_type, "groups");
        let is_copied = *projection == Projection::Default && returns_all(resource_type);
        let collection_uri = format!("{}{}/", caller.base_uri, resource_type.endpoint);
        Self { store, caller, resource_type, projection, has_groups, is_copied, collection_uri }
    }

    /// `meta.location` of a resource of this type.
    pub(super) fn location(&self, id: ResourceId) -> String {
        format!("{}{id}", self.collection_uri)
    }

    /// One resource.
    pub(super) async fn resource(&self, stored: &Stored) -> Result<Vec<u8>, scim::Error> {
        let groups = if self.has_groups {
            self.store.groups_of(&self.caller.tenant.name, &[stored.id]).await.map_err(unavailable)?
        } else {
            Vec::new()
        };
        let mut managers = self.managers();
        let mut body = Vec::with_capacity(stored.attributes.len() + 512);
        self.write(&mut body, stored, groups.first().map(Vec::as_slice), &mut managers).await?;
        Ok(body)
    }

    /// Whether the resource is of this type.
    pub(super) fn renders(&self, stored: &Stored) -> bool {
        stored.kind == self.resource_type.kind
    }

    /// Whether the answer shows the groups that resources of this type are direct members of.
    pub(super) fn has_groups(&self) -> bool {
        self.has_groups
    }

    /// What answers of this type show of managers.
    pub(super) fn managers(&self) -> Option<Managers<'a>> {
        let are_shown = has_managers(self.resource_type) && self.projection.includes_of(ENTERPRISE_URN, "manager");
        are_shown.then(|| Managers::new(self.store, self.caller, self.resource_type))
    }

    /// Writes a resource of this type, with its groups where there are to be any.
    pub(super) async fn write(
        &self,
        body: &mut Vec<u8>,
        stored: &Stored,
        groups: Option<&[GroupOf]>,
        managers: &mut Option<Managers<'_>>,
    ) -> Result<(), scim::Error> {
        let with_members =
            self.resource_type.kind.is_group() && self.projection.includes(self.resource_type, "members");
        if !self.is_copied {
            return self.write_projected(body, stored, groups, managers, with_members).await;
        }
        push(body, r#"{"schemas":[""#);
        push(body, &self.resource_type.schema.id);
        let mut with_manager = None;
        for (extension, _) in &self.resource_type.extensions {
            if let Some(start) = object_start(&stored.attributes, &extension.id) {
                push(body, "\",\"");
                push(body, &extension.id);
                if let Some(managers) = managers.as_mut().filter(|_| extension.id == ENTERPRISE_URN) {
                    with_manager = managers.shown(&stored.attributes, start).await?;
                }
            }
        }
        push(body, r#""],"id":""#);
        push_id(body, stored.id);
        body.push(b'"');
        let attributes = with_manager.as_deref().unwrap_or(&stored.attributes);
        let attributes = attributes.strip_prefix('{').and_then(|text| text.strip_suffix('}')).unwrap_or("");
        if !attributes.is_empty() {
            body.push(b',');
            push(body, attributes);
        }
        if let Some(groups) = groups.filter(|groups| !groups.is_empty()) {
            push(body, r#","groups":["#);
            for (index, group) in groups.iter().enumerate() {
                if index > 0 {
                    body.push(b',');
                }
                push_json(body, &self.group(group));
            }
            body.push(b']');
        }
        if with_members {
            push(body, r#","members":["#);
            let mut first = true;
            self.each_member(stored.id, |member| {
                if !std::mem::take(&mut first) {
                    body.push(b',');
                }
                push_json(body, &self.member(&member));
            })
            .await?;
            body.push(b']');
        }
        push(body, r#","meta":"#);
        push_json(body, &self.meta(stored));
        body.push(b'}');
        Ok(())
    }

    /// The way for a client that chose attributes, and for types of which not all is returned: the resource as a value,
    /// cut to what is.
    async fn write_projected(
        &self,
        body: &mut Vec<u8>,
        stored: &Stored,
        groups: Option<&[GroupOf]>,
        managers: &mut Option<Managers<'_>>,
        with_members: bool,
    ) -> Result<(), scim::Error> {
        let mut resource: Object = serde_json::from_str(&stored.attributes).map_err(scim::Error::internal)?;
        resource.insert("schemas".into(), schemas(self.resource_type, &resource).into());
        resource.insert("id".into(), stored.id.to_string().into());
        resource.insert("meta".into(), json!(self.meta(stored)));
        if let Some(groups) = groups.filter(|groups| !groups.is_empty()) {
            resource.insert("groups".into(), groups.iter().map(|group| json!(self.group(group))).collect());
        }
        if with_members {
            let mut members = Vec::new();
            self.each_member(stored.id, |member| members.push(json!(self.member(&member)))).await?;
            resource.insert("members".into(), members.into());
        }
        if let (Some(managers), Some(Value::Object(attributes))) = (managers, resource.get_mut(ENTERPRISE_URN)) {
            managers.derive(attributes).await?;
        }
        self.projection.apply(self.resource_type, &mut resource);
        push_json(body, &resource);
        Ok(())
    }

    async fn each_member(&self, group: ResourceId, mut each: impl FnMut(Membership)) -> Result<(), scim::Error> {
        let mut after: Option<String> = None;
        loop {
            let page = self
                .store
                .members(&self.caller.tenant.name, group, after.as_deref(), MEMBERS_PAGE)
                .await
                .map_err(unavailable)?;
            let full = page.len() == MEMBERS_PAGE;
            after = page.last().map(|membership| membership.member.value.clone());
            page.into_iter().for_each(&mut each);
            if !full {
                return Ok(());
            }
        }
    }

    fn meta<'r>(&'r self, stored: &Stored) -> impl Serialize + 'r {
        let created = stored.created.rfc3339();
        Meta {
            resource_type: self.resource_type.kind.as_str(),
            last_modified: if stored.modified == stored.created { created.clone() } else { stored.modified.rfc3339() },
            created,
            location: self.location(stored.id),
            version: version_tag(stored),
        }
    }

    /// A member, its `type` and `$ref` derived (dialects OK-24); a pending reference has neither.
    fn member<'r>(&'r self, membership: &'r Membership) -> impl Serialize + 'r {
        let kind = membership.kind.as_ref();
        let resource_type = kind.and_then(|kind| self.caller.tenant.types.get(kind));
        let value = membership.member.value.as_str();
        Reference {
            value,
            reference: resource_type
                .map(|resource_type| format!("{}{}/{value}", self.caller.base_uri, resource_type.endpoint)),
            kind: kind.map(ResourceKind::as_str),
            display: membership.member.display.as_deref(),
        }
    }

    fn group<'r>(&self, group: &'r GroupOf) -> impl Serialize + 'r {
        Reference {
            value: group.id,
            reference: Some(format!("{}/Groups/{}", self.caller.base_uri, group.id)),
            kind: Some("direct"),
            display: group.display.as_deref(),
        }
    }
}

/// `meta` of a resource (RFC 7643 §3.1).
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Meta<'a> {
    resource_type: &'a str,
    created: String,
    last_modified: String,
    location: String,
    version: String,
}

/// What names another resource: an element of `members` or `groups` (RFC 7643 §2.4).
#[derive(Serialize)]
struct Reference<'a, V> {
    value: V,
    #[serde(rename = "$ref", skip_serializing_if = "Option::is_none")]
    reference: Option<String>,
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    kind: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    display: Option<&'a str>,
}

/// Where in a resource's text the object under that URN begins. No attribute inside another has such a name.
fn object_start(attributes: &str, urn: &str) -> Option<usize> {
    // Within JSON text a bare quote never stands inside a string, so what ends so is a key.
    const KEY_END: &str = r#"":{"#;
    static FINDER: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(KEY_END));
    let text = attributes.as_bytes();
    let end = FINDER.find_iter(text).find(|end| {
        let before = text.get(..*end).and_then(|before| before.strip_suffix(urn.as_bytes()));
        before.is_some_and(|before| before.ends_with(b"\""))
    })?;
    Some(end + KEY_END.len() - 1)
}

fn push_id(body: &mut Vec<u8>, id: ResourceId) {
    let mut buffer = Uuid::encode_buffer();
    push(body, Uuid::from_bytes(*id.as_bytes()).hyphenated().encode_lower(&mut buffer));
}

fn push(body: &mut Vec<u8>, text: &str) {
    body.extend_from_slice(text.as_bytes());
}

fn push_json(body: &mut Vec<u8>, value: &impl Serialize) {
    // Writing JSON into memory cannot fail.
    let _ = serde_json::to_writer(body, value);
}
