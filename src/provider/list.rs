//! Lists and searches (RFC 7644 §3.4.2, §3.4.3), of one resource type or of all of a tenant's.

use std::sync::Arc;

use super::{Answer, Caller, Provider, refused, renderer::Renderer, unavailable};
use crate::{
    dialect::Quirks,
    scim::{
        self,
        filter::Filter,
        json,
        query::{self, Parameters, Query, Start},
        render::LIST_URN,
        schema::ResourceType,
    },
    store::{Page, Stored},
};

impl Provider {
    /// GET of a resource type's endpoint, or of the base URI for all types.
    ///
    /// # Errors
    /// What the client is told.
    pub async fn list(
        &self,
        caller: &Caller,
        resource_types: &[Arc<ResourceType>],
        parameters: Parameters,
    ) -> Result<Answer, scim::Error> {
        let tenant = &caller.tenant;
        let mut quirks = Quirks::default();
        let understood = |resource_type: &Arc<ResourceType>| {
            let parameters = parameters.clone();
            let parameters = tenant.dialect.query(resource_type, tenant.unique_id.path(), parameters, &mut quirks);
            (resource_type.clone(), parameters)
        };
        let asked: Vec<_> = resource_types.iter().map(understood).collect();
        self.metrics.understood(&tenant.name.0, quirks.ids(), 0);
        let checked = asked.iter().map(|(kind, parameters)| tenant.dialect.check_query(kind, parameters));
        // What one type has not may be another's.
        if let Some(refusals) = checked.map(Result::err).collect::<Option<Vec<_>>>()
            && let Some(refusal) = refusals.into_iter().next()
        {
            return Err(refusal);
        }
        let mut query = Query::parse(&tenant.name.0, &asked)?;
        let is_unfiltered = query.selections.iter().all(|selection| selection.filter.is_none());
        let mut page = if is_unfiltered && !tenant.switches.import {
            Page::EMPTY
        } else {
            self.store.find(&tenant.name, &query).await.map_err(refused)?
        };
        let has_several = page.total > Some(1) || page.resources.len() > 1 || page.next.is_some();
        if has_several && quirks.ids().contains(&"OK-02") && is_one_comparison(resource_types, &parameters) {
            // The dialect put the better reading first. A client that looks for one user must not get two.
            query = first_readings(query);
            page = self.store.find(&tenant.name, &query).await.map_err(refused)?;
        }
        let body = self.list_response(caller, &query, &page).await?;
        Ok(Answer::Found { version: None, body })
    }

    /// POST to `/.search`, below a resource type's endpoint or below the base URI.
    ///
    /// # Errors
    /// What the client is told.
    pub async fn search(
        &self,
        caller: &Caller,
        resource_types: &[Arc<ResourceType>],
        body: &[u8],
    ) -> Result<Answer, scim::Error> {
        let parameters = query::search_request(json::parse(body)?)?;
        self.list(caller, resource_types, parameters).await
    }

    /// A ListResponse. `itemsPerPage` is how many are on this page (dialects OK-27, OK-44). A page by cursor has no
    /// index, and no total where that would cost a look at all resources for each page (RFC 9865 §2).
    async fn list_response(&self, caller: &Caller, query: &Query, page: &Page) -> Result<Vec<u8>, scim::Error> {
        let renderers: Vec<Renderer<'_>> = (query.selections.iter())
            .map(|selection| self.renderer(caller, &selection.resource_type, &selection.projection))
            .collect();
        let renderer_of = |stored: &Stored| renderers.iter().find(|renderer| renderer.renders(stored));
        let mut managers = renderers.iter().find_map(Renderer::managers);

        let with_groups = page.resources.iter().filter(|stored| renderer_of(stored).is_some_and(Renderer::has_groups));
        let with_groups: Vec<_> = with_groups.map(|stored| stored.id).collect();
        let groups = if with_groups.is_empty() {
            Vec::new()
        } else {
            self.store.groups_of(&caller.tenant.name, &with_groups).await.map_err(unavailable)?
        };
        let mut groups = groups.into_iter();

        let size = page.resources.iter().map(|stored| stored.attributes.len() + 512).sum::<usize>();
        let mut body = Vec::with_capacity(size + 256);
        body.extend_from_slice(format!(r#"{{"schemas":["{LIST_URN}"]"#).as_bytes());
        if let Some(total) = page.total {
            body.extend_from_slice(format!(r#","totalResults":{total}"#).as_bytes());
        }
        if let Start::Index(index) = query.start {
            body.extend_from_slice(format!(r#","startIndex":{index}"#).as_bytes());
        }
        if let Some(position) = &page.next {
            let cursor = position.write(&caller.tenant.name.0, query);
            body.extend_from_slice(format!(r#","nextCursor":"{cursor}""#).as_bytes());
        }
        body.extend_from_slice(format!(r#","itemsPerPage":{},"Resources":["#, page.resources.len()).as_bytes());
        for (index, stored) in page.resources.iter().enumerate() {
            let Some(renderer) = renderer_of(stored) else { continue };
            if index > 0 {
                body.push(b',');
            }
            let groups = if renderer.has_groups() { groups.next() } else { None };
            renderer.write(&mut body, stored, groups.as_deref(), &mut managers).await?;
        }
        body.extend_from_slice(b"]}");
        Ok(body)
    }
}

/// Whether the client's filter is a single comparison, so that alternatives are readings of it.
fn is_one_comparison(resource_types: &[Arc<ResourceType>], parameters: &[(String, String)]) -> bool {
    let urns: Vec<&str> = resource_types.iter().flat_map(|resource_type| resource_type.urns()).collect();
    let mut filters = parameters.iter().filter(|(name, _)| name.eq_ignore_ascii_case("filter"));
    filters.all(|(_, text)| matches!(Filter::parse(text, &urns), Ok(Filter::Compare { .. })))
}

/// The query with the first of each filter's alternatives alone.
fn first_readings(mut query: Query) -> Query {
    for selection in &mut query.selections {
        if let Some(Filter::Or(alternatives)) = &mut selection.filter {
            selection.filter = Some(alternatives.swap_remove(0));
        }
    }
    query
}
