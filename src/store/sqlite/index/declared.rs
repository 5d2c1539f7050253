//! Attributes that configuration has indexed: those that a schema calls unique, and those that a tenant names.

use serde_json::Value;

use super::{Indexed, Term};
use crate::{
    scim::{
        Object,
        filter::{self, Filter, Operator},
        path::AttributePath,
        schema::{Attribute, Resolved, ResourceType, Uniqueness},
    },
    store::Tenant,
};

/// An indexed attribute with its number in the file.
#[derive(Clone, Debug)]
pub(in crate::store::sqlite) struct Declared {
    pub(in crate::store::sqlite) no: i64,
    pub(in crate::store::sqlite) place: IndexedPlace,
}

/// What is indexed of a resource.
#[derive(Clone, Debug)]
pub(in crate::store::sqlite) struct IndexedPlace {
    extension: Option<String>,
    attribute: String,
    sub_attribute: Option<String>,
    /// The one whose values are compared.
    compared: Attribute,
}

impl IndexedPlace {
    /// What the tenant wants indexed of a type, each once, without what always is.
    pub(in crate::store::sqlite) fn of(tenant: &Tenant, resource_type: &ResourceType) -> Vec<Self> {
        let mut places: Vec<Self> = Vec::new();
        let mut add = |resolved: &Resolved<'_>| {
            let place = Self::new(resolved).filter(|place| !place.is_always_indexed(resource_type));
            if let Some(place) = place.filter(|place| places.iter().all(|known| known.path() != place.path())) {
                places.push(place);
            }
        };
        for (schema, _) in resource_type.schemas() {
            let extension = (schema.id != resource_type.schema.id).then_some(schema);
            for attribute in &schema.attributes {
                let parts = attribute.sub_attributes.iter().map(Some).chain([None]);
                for sub_attribute in parts.filter(|sub| sub.unwrap_or(attribute).uniqueness != Uniqueness::None) {
                    add(&Resolved { extension, attribute: Some(attribute), sub_attribute });
                }
            }
        }
        let named = tenant.indexed_attributes.iter().filter_map(|path| resource_type.resolve(path));
        named.for_each(|resolved| add(&resolved));
        places
    }

    fn new(resolved: &Resolved<'_>) -> Option<Self> {
        let attribute = resolved.attribute?;
        let sub_attribute = resolved.sub_attribute.or_else(|| attribute.sub_attribute("value"));
        Some(Self {
            extension: resolved.extension.map(|schema| schema.id.clone()),
            attribute: attribute.name.clone(),
            sub_attribute: sub_attribute.map(|sub| sub.name.clone()),
            compared: sub_attribute.unwrap_or(attribute).clone(),
        })
    }

    /// Whether [`super::terms`] has it without being told.
    fn is_always_indexed(&self, resource_type: &ResourceType) -> bool {
        let names: &[&str] = match resource_type.kind.as_str() {
            "User" => &["id", "externalId", "userName", "emails.value", "displayName"],
            "Group" => &["id", "externalId", "displayName", "members.value"],
            _ => &["id", "externalId"],
        };
        self.extension.is_none() && names.contains(&&*self.path())
    }

    /// The path as clients write it.
    pub(in crate::store::sqlite) fn path(&self) -> String {
        let mut path = self.extension.as_ref().map_or_else(String::new, |urn| format!("{urn}:"));
        path.push_str(&self.attribute);
        if let Some(sub_attribute) = &self.sub_attribute {
            path.push('.');
            path.push_str(sub_attribute);
        }
        path
    }

    /// How values are compared: where that changes, what is in the index is worth nothing.
    pub(in crate::store::sqlite) fn rule(&self) -> String {
        format!("{:?} {}", self.compared.kind, if self.compared.case_exact { "exact" } else { "folded" })
    }

    pub(in crate::store::sqlite) fn is_unique(&self) -> bool {
        self.compared.uniqueness != Uniqueness::None
    }
}

impl Declared {
    /// Adds the terms of a resource.
    pub(in crate::store::sqlite) fn add_terms(&self, attributes: &Object, terms: &mut Vec<Term>) {
        let IndexedPlace { extension, attribute, sub_attribute, .. } = &self.place;
        let holder = match extension {
            Some(urn) => attributes.get(urn).and_then(Value::as_object),
            None => Some(attributes),
        };
        for value in holder.and_then(|holder| holder.get(attribute)).into_iter().flat_map(elements) {
            let value = match sub_attribute {
                Some(name) => value.get(name),
                None => Some(value),
            };
            terms.extend(value.into_iter().flat_map(elements).filter_map(|value| self.term(value)));
        }
    }

    /// The term that all resources have which match this comparison, should it be one of this attribute.
    pub(in crate::store::sqlite) fn term_of(&self, resource_type: &ResourceType, filter: &Filter) -> Option<Term> {
        match filter {
            Filter::Compare { path, operator: Operator::Eq, value } if self.is_at(resource_type, path) => {
                self.term(value)
            }
            Filter::ValuePath { path, filter } => {
                let conditions = match &**filter {
                    Filter::And(conditions) => conditions.as_slice(),
                    condition => std::slice::from_ref(condition),
                };
                conditions.iter().find_map(|condition| match condition {
                    Filter::Compare { path: inner, operator: Operator::Eq, value } => {
                        let whole = AttributePath {
                            urn: path.urn.clone(),
                            attribute: path.attribute.clone(),
                            filter: None,
                            sub_attribute: Some(inner.attribute.clone()),
                        };
                        self.is_at(resource_type, &whole).then(|| self.term(value)).flatten()
                    }
                    _ => None,
                })
            }
            _ => None,
        }
    }

    fn is_at(&self, resource_type: &ResourceType, path: &AttributePath) -> bool {
        let resolved = resource_type.resolve(path);
        resolved.and_then(|resolved| IndexedPlace::new(&resolved)).is_some_and(|at| at.path() == self.place.path())
    }

    fn term(&self, value: &Value) -> Option<Term> {
        let value = filter::equality_key(&self.place.compared, value)?;
        Some(Term { attribute: Indexed::Declared(self.no), value })
    }
}

fn elements(value: &Value) -> std::slice::Iter<'_, Value> {
    match value {
        Value::Array(elements) => elements.iter(),
        value => std::slice::from_ref(value).iter(),
    }
}
