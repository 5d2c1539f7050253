//! From a stored resource to the bytes of an answer.
//!
//! The stored text of a resource is copied, not parsed, whenever the client asked for the default attributes: answers
//! to GET and lists are most of a relay's traffic.

use memchr::memmem::Finder;
use scim_connector::ResourceId;
use serde_json::{Value, json};

use super::{
    Caller,
    managers::{Managers, has_managers},
    unavailable, version_tag,
};
use crate::{
    scim::{
        self, Object,
        render::{LIST_URN, Projection, schemas},
        schema::{ENTERPRISE_URN, ResourceType},
    },
    store::{GroupOf, Membership, Page, Store, Stored},
};

/// Members read from the store at a time.
const MEMBERS_PAGE: usize = 1_000;

/// Renders resources of one type for one request.
pub(super) struct Renderer<'a> {
    store: &'a dyn Store,
    caller: &'a Caller,
    resource_type: &'a ResourceType,
    projection: &'a Projection,
    /// The type's extensions, and what finds the key of each in a resource's text.
    extensions: Vec<(&'a str, Finder<'static>)>,
}

impl<'a> Renderer<'a> {
    pub(super) fn new(
        store: &'a dyn Store,
        caller: &'a Caller,
        resource_type: &'a ResourceType,
        projection: &'a Projection,
    ) -> Self {
        // Within JSON text a bare quote never stands inside a string, so this finds the key and nothing else.
        let finder = |urn: &str| Finder::new(format!("\"{urn}\":{{").as_bytes()).into_owned();
        let extensions = resource_type.extensions.iter().map(|(schema, _)| (&*schema.id, finder(&schema.id))).collect();
        Self { store, caller, resource_type, projection, extensions }
    }

    /// `meta.location` of a resource of this type.
    pub(super) fn location(&self, id: ResourceId) -> String {
        format!("{}{}/{id}", self.caller.base_uri, self.resource_type.endpoint)
    }

    /// One resource.
    pub(super) async fn resource(&self, stored: &Stored) -> Result<Vec<u8>, scim::Error> {
        let groups = self.groups(std::slice::from_ref(stored)).await?;
        let mut managers = self.managers();
        let mut body = Vec::with_capacity(stored.attributes.len() + 512);
        self.write(&mut body, stored, groups.first().map(Vec::as_slice), &mut managers).await?;
        Ok(body)
    }

    /// A ListResponse (RFC 7644 §3.4.2). `itemsPerPage` is how many are on this page (dialects OK-27, OK-44).
    pub(super) async fn list(&self, page: &Page, start_index: usize) -> Result<Vec<u8>, scim::Error> {
        let groups = self.groups(&page.resources).await?;
        let size = page.resources.iter().map(|stored| stored.attributes.len() + 512).sum::<usize>();
        let mut body = Vec::with_capacity(size + 256);
        push(
            &mut body,
            &format!(
                r#"{{"schemas":["{LIST_URN}"],"totalResults":{},"startIndex":{start_index},"itemsPerPage":{},"Resources":["#,
                page.total,
                page.resources.len(),
            ),
        );
        let mut managers = self.managers();
        for (index, stored) in page.resources.iter().enumerate() {
            if index > 0 {
                body.push(b',');
            }
            self.write(&mut body, stored, groups.get(index).map(Vec::as_slice), &mut managers).await?;
        }
        push(&mut body, "]}");
        Ok(body)
    }

    /// The direct groups of each resource; empty for types that show none.
    async fn groups(&self, resources: &[Stored]) -> Result<Vec<Vec<GroupOf>>, scim::Error> {
        let has_groups = self.resource_type.schema.attributes.iter().any(|attribute| attribute.name == "groups");
        if !has_groups || !self.projection.includes(self.resource_type, "groups") {
            return Ok(Vec::new());
        }
        let ids: Vec<ResourceId> = resources.iter().map(|stored| stored.id).collect();
        self.store.groups_of(&self.caller.tenant.name, &ids).await.map_err(unavailable)
    }

    fn managers(&self) -> Option<Managers<'a>> {
        has_managers(self.resource_type).then(|| Managers::new(self.store, self.caller, self.resource_type))
    }

    async fn write(
        &self,
        body: &mut Vec<u8>,
        stored: &Stored,
        groups: Option<&[GroupOf]>,
        managers: &mut Option<Managers<'_>>,
    ) -> Result<(), scim::Error> {
        let with_members =
            self.resource_type.kind.is_group() && self.projection.includes(self.resource_type, "members");
        if *self.projection != Projection::Default {
            return self.write_projected(body, stored, groups, managers, with_members).await;
        }
        push(body, r#"{"schemas":[""#);
        push(body, &self.resource_type.schema.id);
        let mut with_manager = None;
        for (urn, key) in &self.extensions {
            if let Some(start) = key.find(stored.attributes.as_bytes()) {
                push(body, "\",\"");
                push(body, urn);
                if let Some(managers) = managers.as_mut().filter(|_| *urn == ENTERPRISE_URN) {
                    // The key found ends with the brace that its value begins with.
                    with_manager = managers.shown(&stored.attributes, start + key.needle().len() - 1).await?;
                }
            }
        }
        push(body, r#""],"id":""#);
        push(body, &stored.id.to_string());
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
                push_json(body, &self.group_value(group));
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
                push_json(body, &self.member_value(&member));
            })
            .await?;
            body.push(b']');
        }
        self.write_meta(body, stored);
        body.push(b'}');
        Ok(())
    }

    /// The way for a client that chose attributes: the resource as a value, cut to its choice.
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
        resource.insert("meta".into(), self.meta(stored));
        if let Some(groups) = groups.filter(|groups| !groups.is_empty()) {
            resource.insert("groups".into(), groups.iter().map(|group| self.group_value(group)).collect());
        }
        if with_members {
            let mut members = Vec::new();
            self.each_member(stored.id, |member| members.push(self.member_value(&member))).await?;
            resource.insert("members".into(), members.into());
        }
        if let (Some(managers), Some(Value::Object(attributes))) = (managers, resource.get_mut(ENTERPRISE_URN)) {
            managers.derive(attributes).await?;
        }
        self.projection.apply(self.resource_type, &mut resource);
        push_json(body, &Value::Object(resource));
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

    /// The same as [`Self::meta`], as text: no other part of a list costs so much as a value made for each resource.
    fn write_meta(&self, body: &mut Vec<u8>, stored: &Stored) {
        let created = stored.created.rfc3339();
        push(body, r#","meta":{"resourceType":"#);
        push_text(body, self.resource_type.kind.as_str());
        push(body, r#","created":""#);
        push(body, &created);
        push(body, r#"","lastModified":""#);
        if stored.modified == stored.created {
            push(body, &created);
        } else {
            push(body, &stored.modified.rfc3339());
        }
        push(body, r#"","location":"#);
        push_text(body, &self.location(stored.id));
        push(body, r#","version":"#);
        push_text(body, &version_tag(stored));
        body.push(b'}');
    }

    fn meta(&self, stored: &Stored) -> Value {
        json!({
            "resourceType": self.resource_type.kind,
            "created": stored.created.rfc3339(),
            "lastModified": stored.modified.rfc3339(),
            "location": self.location(stored.id),
            "version": version_tag(stored),
        })
    }

    /// A member, its `type` and `$ref` derived (dialects OK-24); a pending reference has neither.
    fn member_value(&self, membership: &Membership) -> Value {
        let mut value = json!({ "value": membership.member.value });
        if let Some(display) = &membership.member.display {
            value["display"] = display.as_str().into();
        }
        if let Some(kind) = &membership.kind {
            value["type"] = kind.as_str().into();
            if let Some(resource_type) = self.caller.tenant.types.get(kind) {
                let reference =
                    format!("{}{}/{}", self.caller.base_uri, resource_type.endpoint, membership.member.value);
                value["$ref"] = reference.into();
            }
        }
        value
    }

    fn group_value(&self, group: &GroupOf) -> Value {
        let mut value = json!({
            "value": group.id.to_string(),
            "$ref": format!("{}/Groups/{}", self.caller.base_uri, group.id),
            "type": "direct",
        });
        if let Some(display) = &group.display {
            value["display"] = display.as_str().into();
        }
        value
    }
}

fn push(body: &mut Vec<u8>, text: &str) {
    body.extend_from_slice(text.as_bytes());
}

fn push_text(body: &mut Vec<u8>, text: &str) {
    // Writing JSON into memory cannot fail.
    let _ = serde_json::to_writer(body, text);
}

fn push_json(body: &mut Vec<u8>, value: &Value) {
    // Writing JSON into memory cannot fail.
    let _ = serde_json::to_writer(body, value);
}
