//! TLS 1.2 and 1.3 by rustls, with a certificate that can be replaced while it is in use.

use std::{io, path::PathBuf, sync::Arc};

use arc_swap::ArcSwap;
use rustls::{
    ServerConfig,
    crypto::{CryptoProvider, aws_lc_rs},
    server::{ClientHello, ResolvesServerCert},
    sign::CertifiedKey,
};
use rustls_pki_types::{
    CertificateDer, PrivateKeyDer,
    pem::{self, PemObject},
};
use tokio_rustls::TlsAcceptor;

use super::settings::Tls;

/// Why there is no TLS.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file cannot be read or is not PEM.
    #[error("cannot read {what} in {path}")]
    Read {
        /// What should be there.
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// Why not.
        source: pem::Error,
    },
    /// The certificate file has none.
    #[error("there is no certificate in {path}")]
    Empty {
        /// The file.
        path: PathBuf,
    },
    /// Certificate and key do not fit, or are of a kind that rustls does not take.
    #[error("the certificate and the key do not go together")]
    Mismatch(#[source] rustls::Error),
    /// rustls does not start.
    #[error("TLS cannot be set up")]
    SetUp(#[source] rustls::Error),
}

/// A certificate with its key.
pub type Certificate = Arc<CertifiedKey>;

/// The certificate in use.
#[derive(Debug)]
pub struct Certificates {
    provider: Arc<CryptoProvider>,
    current: ArcSwap<CertifiedKey>,
}

impl Certificates {
    /// Reads a certificate and its key.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn load(files: &Tls) -> Result<Self, Error> {
        // Named, not taken from the process: another library's default must not decide.
        let provider = Arc::new(aws_lc_rs::default_provider());
        let current = ArcSwap::from_pointee(read(files, &provider)?);
        Ok(Self { provider, current })
    }

    /// Reads another certificate, which nobody gets yet.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn read(&self, files: &Tls) -> Result<Certificate, Error> {
        Ok(Arc::new(read(files, &self.provider)?))
    }

    /// Gives new connections that certificate.
    pub fn replace(&self, certificate: Certificate) {
        self.current.store(certificate);
    }

    /// What turns a TCP connection into a TLS one.
    pub(super) fn acceptor(self: &Arc<Self>) -> Result<TlsAcceptor, Error> {
        let mut config = ServerConfig::builder_with_provider(self.provider.clone())
            .with_safe_default_protocol_versions()
            .map_err(Error::SetUp)?
            .with_no_client_auth()
            .with_cert_resolver(self.clone());
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        // Okta opens a connection for each request (dialects OK-31): resumption is most of its traffic.
        config.ticketer = aws_lc_rs::Ticketer::new().map_err(Error::SetUp)?;
        Ok(TlsAcceptor::from(Arc::new(config)))
    }
}

impl ResolvesServerCert for Certificates {
    fn resolve(&self, _client_hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.current.load_full())
    }
}

impl From<Error> for io::Error {
    fn from(error: Error) -> Self {
        Self::new(io::ErrorKind::InvalidInput, error)
    }
}

fn read(files: &Tls, provider: &CryptoProvider) -> Result<CertifiedKey, Error> {
    let unreadable = |what, path: &PathBuf| {
        let path = path.clone();
        move |source| Error::Read { what, path, source }
    };
    let chain = CertificateDer::pem_file_iter(&files.certificate_file)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(unreadable("a certificate", &files.certificate_file))?;
    if chain.is_empty() {
        return Err(Error::Empty { path: files.certificate_file.clone() });
    }
    let key = PrivateKeyDer::from_pem_file(&files.key_file).map_err(unreadable("a private key", &files.key_file))?;
    CertifiedKey::from_der(chain, key, provider).map_err(Error::Mismatch)
}
