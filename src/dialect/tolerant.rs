//! How spellings beyond the RFC are understood, by all tolerant dialects. Each part is one subject; all of them are
//! driven by the schema, so that a declared extension is read like the core.

mod filters;
mod members;
mod names;
mod patch;
mod roles;
mod values;

use serde_json::{Value, json};

pub(super) use filters::query;
pub(super) use patch::patch;

use self::values::Place;
use super::{Dialect, Quirks, okta};
use crate::scim::{Error, Object, schema::ResourceType};

/// Rewrites the body of a POST or PUT.
///
/// # Errors
/// `invalidValue` for members that name nobody, `invalidSyntax` for an extension given twice.
pub(super) fn resource(
    dialect: &Dialect,
    resource_type: &ResourceType,
    mut body: Object,
    quirks: &mut Quirks,
) -> Result<Object, Error> {
    members::check_within(resource_type, &body)?;
    names::respell_keys(&mut body, &["schemas", "id", "externalId", "meta"], quirks);
    names::correct_keys(resource_type, &mut body, quirks)?;
    values::attributes(&resource_type.schema.attributes, &mut body, Place::Body, quirks);
    for (extension, _) in &resource_type.extensions {
        if let Some(Value::Object(attributes)) = body.get_mut(&extension.id) {
            values::attributes(&extension.attributes, attributes, Place::Body, quirks);
        }
    }
    common(&mut body, quirks);
    names::list_schemas(resource_type, &mut body, quirks);
    let echoes_answer = read_only(resource_type, &mut body, quirks);
    if let Some(Value::Object(name)) = body.get_mut("name") {
        okta::derive_formatted_name(dialect.derive_formatted_name, echoes_answer, name, quirks);
    }
    sole_email_is_primary(&mut body, quirks);
    primary_email_first(&mut body, quirks);
    Ok(body)
}

/// The common attributes that a client says to be nothing.
fn common(body: &mut Object, quirks: &mut Quirks) {
    if body.get("id").is_some_and(Value::is_null) {
        body.remove("id");
        quirks.met("OT-03");
    }
    match body.get("externalId") {
        Some(Value::Null) => quirks.met("EN-36"),
        Some(Value::String(text)) if text.is_empty() => quirks.met("OK-47"),
        _ => return,
    }
    body.remove("externalId");
}

/// Leaves out what only we write, except `id`, which is compared with the one in the URI. Whether the body echoes an
/// answer of ours: only that has both `id` and `meta`.
fn read_only(resource_type: &ResourceType, body: &mut Object, quirks: &mut Quirks) -> bool {
    if names::is_read_only(resource_type, "groups") && body.remove("groups").is_some() {
        quirks.met("OK-03");
    }
    let has_meta = body.remove("meta").is_some();
    let has_id = body.contains_key("id");
    match (has_id, has_meta) {
        (true, true) => quirks.met("OK-06"),
        (false, true) => quirks.met("EN-35"),
        (_, false) => {}
    }
    has_id && has_meta
}

/// A sole e-mail address that does not say whether it is the primary one is (OT-06).
fn sole_email_is_primary(body: &mut Object, quirks: &mut Quirks) {
    let Some([Value::Object(email)]) = body.get_mut("emails").and_then(Value::as_array_mut).map(Vec::as_mut_slice)
    else {
        return;
    };
    if email.contains_key("value") && !email.contains_key("primary") {
        email.insert("primary".to_owned(), json!(true));
        quirks.met("OT-06");
    }
}

/// The primary e-mail address comes first, the others stay in their order (OK-45): clients read the first one as the
/// user's, and RFC 7643 §2.4 leaves the order to us.
fn primary_email_first(body: &mut Object, quirks: &mut Quirks) {
    let Some(emails) = body.get_mut("emails").and_then(Value::as_array_mut) else { return };
    if let Some(place @ 1..) = emails.iter().position(|email| email.get("primary") == Some(&json!(true)))
        && let Some(up_to_primary) = emails.get_mut(..=place)
    {
        up_to_primary.rotate_right(1);
        quirks.met("OK-45");
    }
}
