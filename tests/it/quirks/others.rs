//! What other clients send.
