//! What Microsoft Entra ID sends.
