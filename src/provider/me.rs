//! `/Me` (RFC 7644 §3.11): another name for the user who is the caller's subject.

use super::{Caller, Provider, refused};
use crate::scim::{self, query::Query};

impl Provider {
    /// The path below the base URI of the user whose `userName` is the caller's subject.
    ///
    /// # Errors
    /// 501 where the credential names no subject, or no user of the tenant has its name; 503 where the store cannot say.
    pub async fn me(&self, caller: &Caller) -> Result<String, scim::Error> {
        let Some(subject) = &caller.subject else {
            return Err(scim::Error::not_implemented(
                "/Me is offered to a subject alone: Basic authentication with a userName and the key as password",
            ));
        };
        let no_user = || scim::Error::not_implemented("/Me: the credential's subject is no user of this tenant");
        let users = caller.tenant.types.by_endpoint("Users").ok_or_else(no_user)?;
        // A filter's operand is a JSON string.
        let filter = format!("userName eq {}", serde_json::Value::from(&**subject));
        let parameters = vec![("filter".to_owned(), filter), ("count".to_owned(), "1".to_owned())];
        let tenant = &caller.tenant.name;
        let query = Query::parse(&tenant.0, &[(users.clone(), parameters)]).map_err(|_| no_user())?;
        let found = self.store.find(tenant, &query).await.map_err(refused)?;
        let user = found.resources.first().ok_or_else(no_user)?;
        Ok(format!("{}/{}", users.endpoint, user.id))
    }
}
