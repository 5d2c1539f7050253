//! The SCIM listener's settings.

use std::path::Path;

use rustls_pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject};

use super::{
    key::Key,
    problem::{Code, Problems},
};
use crate::http::{Certificates, Settings, Tls};

/// Checks the settings and makes their paths start from the configuration's folder.
pub(super) fn check(mut settings: Settings, base_dir: &Path, problems: &mut Problems<'_>) -> Settings {
    for problem in settings.problems() {
        let key = Key::of(["server"]).then_dotted(&problem.key);
        problems.report(Code::WrongValue, &key, problem.message, problem.remedy);
    }
    if let Some(tls) = &mut settings.tls {
        tls.certificate_file = base_dir.join(&tls.certificate_file);
        tls.key_file = base_dir.join(&tls.key_file);
        let is_readable = [certificate(&tls.certificate_file, problems), private_key(&tls.key_file, problems)];
        if is_readable == [true, true] {
            pair(tls, problems);
        }
    }
    settings
}

/// Whether the certificate can be read.
fn certificate(path: &Path, problems: &mut Problems<'_>) -> bool {
    let certificates = CertificateDer::pem_file_iter(path).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let flaw = match certificates {
        Ok(certificates) if certificates.is_empty() => "holds no certificate".to_owned(),
        Ok(_) => return true,
        Err(error) => pem_flaw(&error),
    };
    problems.report(
        Code::Reference,
        &Key::of(["server", "tls", "certificate-file"]),
        format!("{}: {flaw}", path.display()),
        "name a PEM file with the server's certificate first and its issuers after it",
    );
    false
}

/// Whether the private key can be read.
fn private_key(path: &Path, problems: &mut Problems<'_>) -> bool {
    let Err(error) = PrivateKeyDer::from_pem_file(path) else { return true };
    problems.report(
        Code::Reference,
        &Key::of(["server", "tls", "key-file"]),
        format!("{}: {}", path.display(), pem_flaw(&error)),
        "name a PEM file with the private key of the certificate, not encrypted, that the relay's user may read",
    );
    false
}

/// Reports a certificate and a key that are each readable, and do not go together.
fn pair(files: &Tls, problems: &mut Problems<'_>) {
    let Err(error) = Certificates::load(files) else { return };
    problems.report(
        Code::Conflict,
        &Key::of(["server", "tls"]),
        error.to_string(),
        "name the key that the certificate was made for",
    );
}

/// What is wrong with a PEM file, without its content.
fn pem_flaw(error: &rustls_pki_types::pem::Error) -> String {
    match error {
        rustls_pki_types::pem::Error::Io(error) => format!("cannot be read: {error}"),
        rustls_pki_types::pem::Error::NoItemsFound => "holds nothing of the kind".to_owned(),
        _ => "is not PEM".to_owned(),
    }
}
