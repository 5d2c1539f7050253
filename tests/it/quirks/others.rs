//! What other clients send.

mod authentik;
mod jumpcloud;
mod onelogin;
mod ping;
mod plugins;
mod sailpoint;
