//! Whom a client trusts.

use std::{path::Path, sync::Arc};

use rustls::{ClientConfig, RootCertStore, crypto::aws_lc_rs};
use rustls_pki_types::{
    CertificateDer,
    pem::{self, PemObject},
};

/// Why there is no TLS.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "the messages say it")]
pub enum TlsError {
    #[error("cannot read certificates in {path}")]
    Read { path: String, source: pem::Error },
    #[error("{path} has a certificate that is no authority's")]
    Authority { path: String, source: rustls::Error },
    #[error("TLS cannot be set up")]
    SetUp(#[source] rustls::Error),
}

/// TLS that trusts the authorities in a PEM file, or else those that the system trusts.
///
/// # Errors
/// The file cannot be read or holds something else.
pub fn trust(authorities: Option<&Path>) -> Result<Arc<ClientConfig>, TlsError> {
    let mut roots = RootCertStore::empty();
    match authorities {
        Some(file) => {
            let path = || file.display().to_string();
            let read = |source| TlsError::Read { path: path(), source };
            for certificate in CertificateDer::pem_file_iter(file).map_err(read)? {
                let certificate = certificate.map_err(read)?;
                roots.add(certificate).map_err(|source| TlsError::Authority { path: path(), source })?;
            }
        }
        // A certificate of the system's that rustls cannot use is one that nothing is signed by.
        None => _ = roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs),
    }
    let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(TlsError::SetUp)?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(Arc::new(config))
}
