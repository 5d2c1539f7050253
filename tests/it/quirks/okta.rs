//! What Okta sends.
