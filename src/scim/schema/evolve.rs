//! What another schema asks of resources that are there already.

use serde_json::Value;

use super::{Attribute, ResourceType, Schema};
use crate::scim::{Object, resource};

/// Something that a changed type asks of every resource and that the type before did not.
#[derive(Clone, Debug)]
pub struct Demand {
    /// The attribute by its full path; an extension's URN for the whole of it.
    pub path: String,
    /// The names on the way to it, outermost first.
    steps: Vec<String>,
    what: What,
}

#[derive(Clone, Debug)]
enum What {
    /// The attribute is no more: there must be no value.
    Gone,
    /// It may be shown now: there must be no value that was given in the belief that it never is.
    Shown,
    /// Values must fit the attribute as it is now.
    Fits(Box<Attribute>),
    /// There must be a value.
    Required,
}

/// What a type asks more of its resources than it did when its schemas, the core schema first and each with whether it was
/// required, were those of `before`. Uniqueness apart, which is no matter of one resource.
pub fn demands(before: &[(Schema, bool)], after: &ResourceType) -> Vec<Demand> {
    let mut demands = Vec::new();
    // The first is the core schema, whose attributes have no URN around them whatever its id.
    let Some(((old_core, _), old_extensions)) = before.split_first() else { return demands };
    compare(&old_core.attributes, &after.schema.attributes, &after.schema.id, ":", &[], &mut demands);
    for (old, _) in old_extensions {
        if !after.extensions.iter().any(|(schema, _)| schema.id == old.id) {
            demands.push(Demand { path: old.id.clone(), steps: vec![old.id.clone()], what: What::Gone });
        }
    }
    for (schema, is_required) in &after.extensions {
        let steps = vec![schema.id.clone()];
        let old = old_extensions.iter().find(|(old, _)| old.id == schema.id);
        if *is_required && !old.is_some_and(|(_, was_required)| *was_required) {
            demands.push(Demand { path: schema.id.clone(), steps: steps.clone(), what: What::Required });
        }
        let old_attributes = old.map_or(&[][..], |(old, _)| &old.attributes);
        compare(old_attributes, &schema.attributes, &schema.id, ":", &steps, &mut demands);
    }
    demands
}

fn compare(
    before: &[Attribute],
    after: &[Attribute],
    parent: &str,
    separator: &str,
    steps: &[String],
    demands: &mut Vec<Demand>,
) {
    let mut demand = |name: &str, what: What| {
        let steps = steps.iter().cloned().chain([name.to_owned()]).collect();
        demands.push(Demand { path: format!("{parent}{separator}{name}"), steps, what });
    };
    for old in before {
        if !after.iter().any(|attribute| attribute.name == old.name) {
            demand(&old.name, What::Gone);
        }
    }
    let mut same_shape = Vec::new();
    for attribute in after {
        let old = before.iter().find(|old| old.name == attribute.name);
        let is_asked = attribute.required && attribute.mutability != super::Mutability::ReadOnly;
        if is_asked && !old.is_some_and(|old| old.required) {
            demand(&attribute.name, What::Required);
        }
        let Some(old) = old else { continue };
        if old.is_hidden() && !attribute.is_hidden() {
            demand(&attribute.name, What::Shown);
        }
        if old.kind != attribute.kind || old.multi_valued != attribute.multi_valued {
            demand(&attribute.name, What::Fits(Box::new(attribute.clone())));
        } else {
            same_shape.push((old, attribute));
        }
    }
    for (old, attribute) in same_shape {
        let steps: Vec<String> = steps.iter().cloned().chain([attribute.name.clone()]).collect();
        let parent = format!("{parent}{separator}{}", attribute.name);
        compare(&old.sub_attributes, &attribute.sub_attributes, &parent, ".", &steps, demands);
    }
}

impl Demand {
    /// Whether a canonical resource does not do as asked.
    pub fn is_broken_by(&self, attributes: &Object) -> bool {
        let Some((last, holders)) = self.steps.split_last() else { return false };
        // Attributes of an extension and parts of a value are asked for only where there are any.
        let mut objects = vec![attributes];
        for step in holders {
            let held = objects.into_iter().filter_map(|object| object.get(step));
            objects = held.flat_map(elements).filter_map(Value::as_object).collect();
        }
        objects.into_iter().any(|object| match (&self.what, object.get(last)) {
            (What::Gone | What::Shown, value) => value.is_some(),
            (What::Fits(_), None) => false,
            (What::Fits(attribute), Some(value)) => !resource::fits(attribute, value),
            (What::Required, value) => value.is_none(),
        })
    }

    /// What is wrong with the resources that break it, after "N resources …".
    pub fn complaint(&self) -> &'static str {
        match self.what {
            What::Gone => "have a value for it, and the schema has it no more",
            What::Shown => "have a value for it that was never to be returned, and now would be",
            What::Fits(_) => "have a value that its new type does not allow",
            What::Required => "have no value for it, and now must",
        }
    }

    /// What to do about it.
    pub fn remedy(&self) -> &'static str {
        match self.what {
            What::Gone => "put it back, remove the values by PATCH, and take it out then",
            What::Shown => "declare a new attribute instead, or remove the values by PATCH under the schema before",
            What::Fits(_) => "declare a new attribute instead, or change the values by PATCH under the schema before",
            What::Required => "leave it optional until every resource has a value",
        }
    }
}

fn elements(value: &Value) -> std::slice::Iter<'_, Value> {
    match value {
        Value::Array(elements) => elements.iter(),
        value => std::slice::from_ref(value).iter(),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use scim_connector::ResourceKind;
    use serde_json::json;

    use super::*;

    fn schema(attributes: Value) -> Schema {
        Schema::parse(&json!({"id": "urn:example:Thing", "attributes": attributes}))
            .unwrap_or_else(|flaws| panic!("{flaws:?}"))
    }

    /// The paths that a resource breaks when the schema changes so.
    fn broken(before: Value, after: Value, resource: Value) -> Vec<String> {
        let after = ResourceType {
            kind: ResourceKind::new("Thing"),
            endpoint: "/Things".to_owned(),
            description: String::new(),
            schema: Arc::new(schema(after)),
            extensions: Vec::new(),
        };
        let Value::Object(resource) = resource else { panic!("an object") };
        let demands = demands(&[(schema(before), true)], &after);
        demands.into_iter().filter(|demand| demand.is_broken_by(&resource)).map(|demand| demand.path).collect()
    }

    #[test]
    fn a_core_schema_of_another_id_is_compared_with_the_one_before() {
        let thing = |id: &str, attributes: Value| {
            Schema::parse(&json!({ "id": id, "attributes": attributes })).unwrap_or_else(|flaws| panic!("{flaws:?}"))
        };
        let after = ResourceType {
            kind: ResourceKind::new("Thing"),
            endpoint: "/Things".to_owned(),
            description: String::new(),
            schema: Arc::new(thing("urn:example:B", json!([{"name": "serial", "type": "integer"}]))),
            extensions: Vec::new(),
        };
        let before = [(thing("urn:example:A", json!([{"name": "serial"}, {"name": "label"}])), true)];
        let Value::Object(stored) = json!({"serial": "abc", "label": "x"}) else { panic!("an object") };
        let demands = demands(&before, &after);
        let broken: Vec<_> = demands.iter().filter(|demand| demand.is_broken_by(&stored)).map(|d| &*d.path).collect();
        assert_eq!(broken, ["urn:example:B:label", "urn:example:B:serial"]);
    }

    #[test]
    fn what_stored_values_cannot_do_is_named() {
        let size = |kind: &str| json!([{"name": "size", "type": kind}]);
        let parts =
            |sub: Value| json!([{"name": "parts", "type": "complex", "multiValued": true, "subAttributes": sub}]);
        for (before, after, resource, expected) in [
            (size("string"), json!([{"name": "other"}]), json!({"size": "1"}), vec!["urn:example:Thing:size"]),
            (size("string"), json!([{"name": "other"}]), json!({}), vec![]),
            (size("string"), size("integer"), json!({"size": "1"}), vec!["urn:example:Thing:size"]),
            (size("integer"), size("decimal"), json!({"size": 1}), vec![]),
            (
                size("string"),
                json!([{"name": "size", "multiValued": true}]),
                json!({"size": "1"}),
                vec!["urn:example:Thing:size"],
            ),
            (size("string"), json!([{"name": "size", "required": true}]), json!({}), vec!["urn:example:Thing:size"]),
            (
                size("string"),
                json!([{"name": "size", "description": "how large"}, {"name": "new"}]),
                json!({"size": "1"}),
                vec![],
            ),
            (
                json!([{"name": "key", "mutability": "writeOnly", "returned": "never"}]),
                json!([{"name": "key"}]),
                json!({"key": "s"}),
                vec!["urn:example:Thing:key"],
            ),
            (
                parts(json!([{"name": "value"}, {"name": "label"}])),
                parts(json!([{"name": "value", "required": true}])),
                json!({"parts": [{"value": "a"}, {"label": "b"}]}),
                vec!["urn:example:Thing:parts.label", "urn:example:Thing:parts.value"],
            ),
        ] {
            assert_eq!(broken(before, after.clone(), resource), expected, "{after}");
        }
    }
}
