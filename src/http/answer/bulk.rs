//! The body of a BulkResponse (RFC 7644 §3.7).

use http::StatusCode;
use serde_json::{Value, json};

use crate::{
    provider::BulkResult,
    scim::{Object, bulk::BULK_RESPONSE_URN},
    store::{Committed, WriteEffect},
};

pub(super) fn body(results: Vec<BulkResult>) -> Vec<u8> {
    let operations: Vec<Value> = results.into_iter().map(|result| Value::Object(operation(result))).collect();
    json!({ "schemas": [BULK_RESPONSE_URN], "Operations": operations }).to_string().into_bytes()
}

/// The body of a success is left out, as the RFC allows: whoever wants it has the location.
fn operation(result: BulkResult) -> Object {
    let BulkResult { method, bulk_id, location, version, outcome } = result;
    let mut operation = Object::new();
    operation.insert("method".to_owned(), method.as_str().into());
    let texts = [("bulkId", bulk_id), ("version", version), ("location", location)];
    operation.extend(texts.into_iter().filter_map(|(name, text)| Some((name.to_owned(), text?.into()))));
    let status = match outcome {
        Ok(proof) => status(&proof).as_u16(),
        Err(error) => {
            operation.insert("response".to_owned(), error.body());
            error.http_status()
        }
    };
    operation.insert("status".to_owned(), status.to_string().into());
    operation
}

fn status(proof: &Committed) -> StatusCode {
    match proof.effect() {
        WriteEffect::Created | WriteEffect::Reactivated => StatusCode::CREATED,
        WriteEffect::Updated | WriteEffect::Unchanged => StatusCode::OK,
        WriteEffect::Deleted => StatusCode::NO_CONTENT,
    }
}
