//! stub

use crate::store::ConnectorName;
use async_trait::async_trait;

/// stub
#[async_trait]
pub trait ConnectorControl: Send + Sync + 'static {
    /// stub
    async fn check(&self, name: &ConnectorName) -> Result<(), String>;
    /// stub
    fn wake(&self, name: &ConnectorName);
}
