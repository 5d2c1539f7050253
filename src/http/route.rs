//! What a path below a tenant's base path and a method mean (RFC 7644 §3.2).

use std::sync::Arc;

use http::Method;

use super::{body, query};
use crate::{
    provider::{Discovery, Tenant},
    scim::{self, query::is_list_parameter, schema::ResourceType},
};

/// What a request asks for.
#[derive(Debug)]
pub(super) enum Route {
    Create(Arc<ResourceType>),
    List(Vec<Arc<ResourceType>>),
    Search(Vec<Arc<ResourceType>>),
    Get(Arc<ResourceType>, String),
    Replace(Arc<ResourceType>, String),
    Patch(Arc<ResourceType>, String),
    Delete(Arc<ResourceType>, String),
    Discover(Discovery, Option<String>),
    Bulk,
}

/// What a path names.
enum Place {
    /// The base URI, which stands for the resources of all types (RFC 7644 §3.4.2.1).
    Root(Vec<Arc<ResourceType>>),
    Resources(Arc<ResourceType>),
    Resource(Arc<ResourceType>, String),
    Search(Vec<Arc<ResourceType>>),
    Document(Discovery, Option<String>),
    Bulk,
}

impl Route {
    /// Finds the route.
    ///
    /// # Errors
    /// 404 for a path that names nothing, 501 for what the tenant does not offer, 405 for a method that does not apply.
    pub(super) fn find(
        tenant: &Tenant,
        method: &Method,
        path: [&str; 2],
        parameters: &[(String, String)],
    ) -> Result<Self, scim::Error> {
        let place = Place::find(tenant, path, parameters)?;
        // HEAD is GET without the body (RFC 9110 §9.3.2).
        let method = if method == Method::HEAD { &Method::GET } else { method };
        match (place, method.as_str()) {
            (Place::Root(kinds), "GET") => Ok(Self::List(kinds)),
            (Place::Resources(kind), "GET") => Ok(Self::List(vec![kind])),
            (Place::Resources(kind), "POST") => Ok(Self::Create(kind)),
            (Place::Resource(kind, id), "GET") => Ok(Self::Get(kind, id)),
            (Place::Resource(kind, id), "PUT") => Ok(Self::Replace(kind, id)),
            (Place::Resource(kind, id), "PATCH") => Ok(Self::Patch(kind, id)),
            (Place::Resource(kind, id), "DELETE") => Ok(Self::Delete(kind, id)),
            (Place::Search(kinds), "POST") => Ok(Self::Search(kinds)),
            (Place::Document(document, name), "GET") => Ok(Self::Discover(document, name)),
            (Place::Bulk, "POST") => Ok(Self::Bulk),
            (place, _) => Err(scim::Error::method_not_allowed(place.allow(tenant))),
        }
    }

    /// The `operation` of metrics and logs.
    pub(super) fn operation(&self) -> &'static str {
        match self {
            Self::Create(_) => "create",
            Self::List(_) => "list",
            Self::Search(_) => "search",
            Self::Get(..) => "get",
            Self::Replace(..) => "replace",
            Self::Patch(..) => "patch",
            Self::Delete(..) => "delete",
            Self::Discover(..) => "discover",
            Self::Bulk => "bulk",
        }
    }

    /// The type of the resources that it is about.
    pub(super) fn resource_type(&self) -> Option<&ResourceType> {
        match self {
            Self::List(kinds) | Self::Search(kinds) => kinds.first().map(|kind| &**kind),
            Self::Create(kind)
            | Self::Get(kind, _)
            | Self::Replace(kind, _)
            | Self::Patch(kind, _)
            | Self::Delete(kind, _) => Some(kind),
            Self::Discover(..) | Self::Bulk => None,
        }
    }

    /// The resource that it is about, as a path below the base URI.
    pub(super) fn resource(&self) -> Option<String> {
        match self {
            Self::Get(kind, id) | Self::Replace(kind, id) | Self::Patch(kind, id) => {
                Some(format!("{}/{id}", kind.endpoint))
            }
            Self::Create(_) | Self::List(_) | Self::Search(_) | Self::Delete(..) | Self::Discover(..) | Self::Bulk => {
                None
            }
        }
    }

    /// How large the body may be; `None` where the body, if any, is not read.
    pub(super) fn reads_body(&self) -> Option<body::Size> {
        match self {
            Self::Create(kind) | Self::Replace(kind, _) | Self::Patch(kind, _) if kind.kind.is_group() => {
                Some(body::Size::Large)
            }
            Self::Create(_) | Self::Search(_) | Self::Replace(..) | Self::Patch(..) => Some(body::Size::Usual),
            Self::Bulk => Some(body::Size::Large),
            Self::List(_) | Self::Get(..) | Self::Delete(..) | Self::Discover(..) => None,
        }
    }
}

impl Place {
    /// Finds what a path names. It comes in two parts because it may go on inside the query (`query::Target`).
    fn find(tenant: &Tenant, path: [&str; 2], parameters: &[(String, String)]) -> Result<Self, scim::Error> {
        let mut segments = segments(path);
        let endpoint = segments.next().map_or(Ok("".into()), query::segment)?;
        let below = segments.next().map(query::segment).transpose()?;
        if segments.next().is_some() {
            return Err(unknown());
        }
        if let Some(kind) = tenant.types.by_endpoint(&endpoint) {
            return Ok(match below {
                None => Self::Resources(kind.clone()),
                Some(name) if name == ".search" => Self::Search(vec![kind.clone()]),
                Some(id) => Self::Resource(kind.clone(), id.into_owned()),
            });
        }
        let below = below.map(std::borrow::Cow::into_owned);
        match (&*endpoint, below) {
            ("ServiceProviderConfig", None) => Ok(Self::Document(Discovery::ServiceProviderConfig, None)),
            ("ResourceTypes", name) => Ok(Self::Document(Discovery::ResourceTypes, name)),
            ("Schemas", name) => Ok(Self::Document(Discovery::Schemas, name)),
            ("Bulk", None) => Ok(Self::Bulk),
            // A parameter that is none here may be the rest of an address that was put together wrongly, which must not
            // be answered with everything.
            ("", None) if parameters.iter().all(|(name, _)| is_list_parameter(name)) => {
                Ok(Self::Root(tenant.types.iter().cloned().collect()))
            }
            (".search", None) => Ok(Self::Search(tenant.types.iter().cloned().collect())),
            ("Groups", _) if !tenant.switches.groups => {
                Err(scim::Error::not_implemented("groups are switched off for this tenant"))
            }
            _ => Err(unknown()),
        }
    }

    fn allow(&self, tenant: &Tenant) -> &'static str {
        match self {
            Self::Resources(_) => "GET, HEAD, POST",
            Self::Resource(..) => tenant.dialect.resource_methods(),
            Self::Search(_) | Self::Bulk => "POST",
            Self::Root(_) | Self::Document(..) => "GET, HEAD",
        }
    }
}

/// Whether a path is `/Me`.
pub(super) fn is_me(path: [&str; 2]) -> bool {
    segments(path).eq(["Me"])
}

/// A slash at the end is tolerated, and so is a doubled one where base URI and endpoint were joined.
fn segments(path: [&str; 2]) -> impl Iterator<Item = &str> {
    path.into_iter().flat_map(|part| part.split('/')).filter(|segment| !segment.is_empty())
}

fn unknown() -> scim::Error {
    scim::Error::not_found("no such endpoint; /ResourceTypes lists those of this tenant")
}
