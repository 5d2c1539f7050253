//! Secrets: read raw from the file or variable that a setting names, never through the layers, which would guess types
//! and quote values in errors.

use std::{collections::BTreeMap, path::Path};

use scim_connector::Secret;

use super::{
    key::Key,
    problem::{Code, Problems},
    raw::Tenant,
    source::Environment,
};

const SECRET_KEY_BYTES_MIN: usize = 32;
const SECRET_FILE_BYTES_MAX: u64 = 64 * 1024;
const MAKE_ONE: &str = "make one with: head -c 32 /dev/urandom | base64";

/// The secret that seals passwords, from `secret-key-file` or `secret-key-env`.
pub(super) fn secret_key(
    file: Option<&Path>,
    variable: Option<&str>,
    base_dir: &Path,
    environment: &Environment,
    problems: &mut Problems<'_>,
) -> Option<Secret> {
    let (file_key, variable_key) = (Key::of(["secret-key-file"]), Key::of(["secret-key-env"]));
    let (key, secret) = match (file, variable) {
        (None, None) => return None,
        (Some(_), Some(_)) => {
            problems.report(Code::Conflict, &variable_key, "secret-key-file is set too", "keep one of the two");
            return None;
        }
        (Some(file), None) => (file_key.clone(), from_file(file, base_dir, &file_key, problems)?),
        (None, Some(name)) => (variable_key.clone(), from_variable(name, environment, &variable_key, problems)?),
    };
    if secret.expose().len() < SECRET_KEY_BYTES_MIN {
        problems.report(
            Code::Unsafe,
            &key,
            format!("the secret is shorter than {SECRET_KEY_BYTES_MIN} characters"),
            MAKE_ONE,
        );
    }
    Some(secret)
}

/// Reports tenants that take passwords when there is nothing to seal them with.
pub(super) fn key_for_passwords(tenants: &BTreeMap<String, Tenant>, has_key: bool, problems: &mut Problems<'_>) {
    if has_key || ["secret-key-file", "secret-key-env"].iter().any(|name| problems.is_reported(&Key::of([name]))) {
        return;
    }
    for name in tenants.iter().filter(|(_, tenant)| tenant.provisioning.passwords).map(|(name, _)| name) {
        problems.report(
            Code::Missing,
            &Key::of(["tenants", name, "provisioning", "passwords"]),
            "passwords need a secret to seal them, and none is set",
            format!("set secret-key-file or secret-key-env; {MAKE_ONE}"),
        );
    }
}

/// The setting may hold the secret itself in place of a path, so it is not shown.
fn from_file(file: &Path, base_dir: &Path, key: &Key, problems: &mut Problems<'_>) -> Option<Secret> {
    let path = base_dir.join(file);
    let flaw = match std::fs::metadata(&path) {
        Ok(metadata) if !metadata.is_file() => "what it names is not a file".to_owned(),
        Ok(metadata) if metadata.len() > SECRET_FILE_BYTES_MAX => "the file is too long for a secret".to_owned(),
        Ok(_) | Err(_) => match std::fs::read(&path) {
            Ok(bytes) => return Some(Secret::new(without_newline(bytes))),
            Err(error) => format!("the file that it names cannot be read: {error}"),
        },
    };
    let start = base_dir.display();
    problems.report(
        Code::Reference,
        key,
        flaw,
        format!("name a file with the secret that the relay's user may read; relative paths start from {start}"),
    );
    None
}

fn from_variable(name: &str, environment: &Environment, key: &Key, problems: &mut Problems<'_>) -> Option<Secret> {
    let Some(value) = environment.get(name) else {
        // The setting may hold the secret itself in place of a name, so it is not shown.
        problems.report(
            Code::Reference,
            key,
            "the variable that it names is not set",
            "write the variable's name here, and set it to the secret for the relay's process",
        );
        return None;
    };
    Some(Secret::new(without_newline(value.as_bytes().to_vec())))
}

/// Without the one newline that editors and `echo` put at the end.
fn without_newline(mut bytes: Vec<u8>) -> Vec<u8> {
    if bytes.last() == Some(&b'\n') {
        bytes.pop();
        if bytes.last() == Some(&b'\r') {
            bytes.pop();
        }
    }
    bytes
}
