//! What the path of an operation points to.

use crate::scim::{
    Error, ScimType,
    filter::Filter,
    path::AttributePath,
    resource::{Place, Special},
    schema::{Attribute, Mutability, Resolved, ResourceType, Schema},
};

/// What a path points to, known to be writable.
#[derive(Clone, Copy)]
pub(super) enum Target<'a> {
    /// A whole extension.
    Extension(&'a Schema),
    /// An attribute or part of one.
    Attribute(AttributeTarget<'a>),
}

/// An attribute, selected elements of it, or a sub-attribute.
#[derive(Clone, Copy)]
pub(super) struct AttributeTarget<'a> {
    pub(super) extension: Option<&'a Schema>,
    pub(super) attribute: &'a Attribute,
    pub(super) filter: Option<&'a Filter>,
    pub(super) sub_attribute: Option<&'a Attribute>,
    pub(super) special: Option<Special>,
}

impl<'a> Target<'a> {
    /// What a path points to.
    ///
    /// # Errors
    /// `invalidPath` for what the schema does not know, `mutability` for what a client may not write.
    pub(super) fn of(resource_type: &'a ResourceType, path: &'a AttributePath) -> Result<Self, Error> {
        let Some(resolved) = resource_type.resolve(path) else {
            let place = Place::Attribute(&Place::Root, &path.attribute);
            let detail = match &path.sub_attribute {
                Some(sub) => format!("path {}: no such attribute in the schema", Place::Attribute(&place, sub)),
                None => format!("path {place}: no such attribute in the schema"),
            };
            return Err(Error::of(ScimType::InvalidPath, detail));
        };
        let Some(attribute) = resolved.attribute else {
            return match resolved.extension {
                Some(extension) => Ok(Self::Extension(extension)),
                None => Err(Error::of(ScimType::InvalidPath, "path: names no attribute")),
            };
        };
        let target = AttributeTarget::new(resource_type, attribute, &resolved, path.filter.as_deref());
        target.with_place(|place| {
            if path.filter.is_some() && !attribute.multi_valued {
                let detail = format!("path {place}: a filter selects elements, and this attribute has one value");
                return Err(Error::of(ScimType::InvalidPath, detail));
            }
            if path.filter.as_ref().is_some_and(|filter| filter.asks_for_hidden(attribute)) {
                let detail = format!("path {place}: a filter cannot ask for what is never returned");
                return Err(Error::of(ScimType::InvalidPath, detail));
            }
            if target.is_read_only() {
                return Err(Error::of(ScimType::Mutability, format!("{place}: read-only")));
            }
            if target.special == Some(Special::Members) && target.sub_attribute.is_some() {
                let detail = format!("{place}: a part of a member is immutable; remove the member and add another");
                return Err(Error::of(ScimType::Mutability, detail));
            }
            Ok(())
        })?;
        Ok(Self::Attribute(target))
    }
}

impl<'a> AttributeTarget<'a> {
    pub(super) fn new(
        resource_type: &ResourceType,
        attribute: &'a Attribute,
        resolved: &Resolved<'a>,
        filter: Option<&'a Filter>,
    ) -> Self {
        let special = match resolved.extension {
            None => Special::of(resource_type, attribute),
            Some(_) => None,
        };
        Self { extension: resolved.extension, attribute, filter, sub_attribute: resolved.sub_attribute, special }
    }

    /// Whether a client may not write here.
    pub(super) fn is_read_only(&self) -> bool {
        let read_only = |attribute: &Attribute| attribute.mutability == Mutability::ReadOnly;
        read_only(self.attribute) || self.sub_attribute.is_some_and(read_only)
    }

    /// Whether this is about elements of a multi-valued attribute rather than a whole value.
    pub(super) fn is_about_elements(&self) -> bool {
        self.filter.is_some() || (self.attribute.multi_valued && self.sub_attribute.is_some())
    }

    /// Where the attribute is.
    pub(super) fn holder_place(&self) -> Place<'a> {
        match self.extension {
            Some(extension) => Place::Extension(&extension.id),
            None => Place::Root,
        }
    }

    /// Calls with the target's place, for an error text.
    pub(super) fn with_place<T>(&self, show: impl FnOnce(&Place<'_>) -> T) -> T {
        let holder = self.holder_place();
        let attribute = Place::Attribute(&holder, &self.attribute.name);
        match self.sub_attribute {
            Some(sub) => show(&Place::Attribute(&attribute, &sub.name)),
            None => show(&attribute),
        }
    }
}
