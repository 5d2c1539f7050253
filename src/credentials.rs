//! credentials (stand-in)

use crate::store::{self, TenantName};

/// Keys.
pub struct Credentials;

impl Credentials {
    /// Revokes.
    pub async fn revoke(&self, _tenant: &TenantName, _key: &str) -> Result<bool, store::Error> {
        todo!()
    }
}
