//! app (stand-in)

use std::path::PathBuf;

use crate::config::Config;

/// What `scim-relay demo` shall do.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DemoOptions {
    /// Play the demonstration and end, in place of staying up to be played with.
    pub once: bool,
    /// The folder to keep it in; `None` for a temporary one.
    pub dir: Option<PathBuf>,
}

/// Runs a relay until it is told to stop.
pub async fn run(_config: Config) -> anyhow::Result<()> {
    todo!()
}

/// Runs a demonstration.
pub async fn demo(_options: DemoOptions) -> anyhow::Result<()> {
    todo!()
}
