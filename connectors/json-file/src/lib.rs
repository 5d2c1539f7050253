//! Connector that keeps users and groups in a JSON file.
