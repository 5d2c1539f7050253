//! What follows from a user's manager: `$ref` and `displayName`, once the manager is there. A pending reference has what
//! the client sent.

use std::{collections::HashMap, sync::LazyLock};

use memchr::memmem::Finder;
use scim_connector::{ResourceId, ResourceKind};
use serde::Deserialize;
use serde_json::Value;

use super::{Caller, unavailable};
use crate::{
    scim::{
        self, Object,
        schema::{ENTERPRISE_URN, ResourceType},
    },
    store::Store,
};

/// The managers that one answer names, each read once.
pub(super) struct Managers<'a> {
    store: &'a dyn Store,
    caller: &'a Caller,
    /// Of users, and of their managers.
    resource_type: &'a ResourceType,
    known: HashMap<ResourceId, Option<Manager>>,
}

/// What is shown of a manager.
#[derive(Clone, Deserialize)]
struct Manager {
    #[serde(rename = "displayName")]
    display_name: Option<String>,
}

impl<'a> Managers<'a> {
    pub(super) fn new(store: &'a dyn Store, caller: &'a Caller, resource_type: &'a ResourceType) -> Self {
        Self { store, caller, resource_type, known: HashMap::new() }
    }

    /// A resource's attributes with what follows from its manager; `None` for one without. `extension` is where the value
    /// of the enterprise extension begins in the text.
    pub(super) async fn shown(&mut self, text: &str, extension: usize) -> Result<Option<String>, scim::Error> {
        static KEY: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(r#""manager":{"#));
        let Some((before, rest)) = text.split_at_checked(extension) else { return Ok(None) };
        if KEY.find(rest.as_bytes()).is_none() {
            return Ok(None);
        }
        let mut parsed = serde_json::Deserializer::from_str(rest).into_iter::<Object>();
        let Some(Ok(mut attributes)) = parsed.next() else { return Ok(None) };
        let after = rest.get(parsed.byte_offset()..).unwrap_or_default();
        self.derive(&mut attributes).await?;
        Ok(Some(format!("{before}{}{after}", Value::Object(attributes))))
    }

    /// Adds to the attributes of the enterprise extension what follows from the manager in them.
    pub(super) async fn derive(&mut self, attributes: &mut Object) -> Result<(), scim::Error> {
        let Some(Value::Object(shown)) = attributes.get_mut("manager") else { return Ok(()) };
        let Some(Ok(id)) = shown.get("value").and_then(Value::as_str).map(str::parse::<ResourceId>) else {
            return Ok(());
        };
        let manager = match self.known.get(&id) {
            Some(known) => known.clone(),
            None => {
                let found = self.read(id).await?;
                self.known.entry(id).or_insert(found).clone()
            }
        };
        let Some(Manager { display_name }) = manager else { return Ok(()) };
        let location = format!("{}{}/{id}", self.caller.base_uri, self.resource_type.endpoint);
        shown.insert("$ref".to_owned(), location.into());
        if let Some(display_name) = display_name {
            shown.insert("displayName".to_owned(), display_name.into());
        }
        Ok(())
    }

    async fn read(&self, id: ResourceId) -> Result<Option<Manager>, scim::Error> {
        let kind: &ResourceKind = &self.resource_type.kind;
        let found = self.store.get(&self.caller.tenant.name, kind, id).await.map_err(unavailable)?;
        found.map(|stored| serde_json::from_str(&stored.attributes).map_err(scim::Error::internal)).transpose()
    }
}

/// Whether resources of the type have managers.
pub(super) fn has_managers(resource_type: &ResourceType) -> bool {
    resource_type.extension(ENTERPRISE_URN).is_some_and(|extension| extension.attribute("manager").is_some())
}
