//! Certificates that are replaced while the relay runs; `tests/guarantees/reload.rs` has the rest, on the built binary.

use std::{path::Path, sync::Arc};

use rustls::{ClientConfig, RootCertStore, crypto::aws_lc_rs};
use rustls_pki_types::{CertificateDer, ServerName};
use scim_relay::{
    app::App,
    config::{self, Environment},
    time::Clock,
};
use tokio::{io::AsyncReadExt, io::AsyncWriteExt, net::TcpStream};
use tokio_rustls::{TlsConnector, client::TlsStream};

const CONFIGURATION: &str = r#"
watch = false
server.listen = ["127.0.0.1:0"]
server.tls.certificate-file = "cert.pem"
server.tls.key-file = "key.pem"
admin.listen = "127.0.0.1:0"
[tenants.acme]
"#;

/// Writes a certificate and its key.
fn certify(folder: &Path) -> CertificateDer<'static> {
    let certified = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    std::fs::write(folder.join("cert.pem"), certified.cert.pem()).unwrap();
    std::fs::write(folder.join("key.pem"), certified.signing_key.serialize_pem()).unwrap();
    certified.cert.der().clone()
}

async fn connect(app: &App, root: &CertificateDer<'static>) -> std::io::Result<TlsStream<TcpStream>> {
    let mut roots = RootCertStore::empty();
    roots.add(root.clone()).unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let stream = TcpStream::connect(app.scim_address()).await.unwrap();
    TlsConnector::from(Arc::new(config)).connect(ServerName::try_from("localhost").unwrap(), stream).await
}

/// Asks for something on a connection, and reads the answer's first line.
async fn asks(connection: &mut TlsStream<TcpStream>) -> String {
    connection.write_all(b"GET /scim/v2/Users HTTP/1.1\r\nhost: localhost\r\n\r\n").await.unwrap();
    let mut bytes = [0; 12];
    connection.read_exact(&mut bytes).await.unwrap();
    String::from_utf8_lossy(&bytes).into_owned()
}

#[tokio::test]
async fn g15_a_new_certificate_is_for_new_connections_and_a_wrong_one_for_nobody() {
    let folder = tempfile::tempdir().unwrap();
    let old = certify(folder.path());
    let file = folder.path().join("relay.toml");
    std::fs::write(&file, CONFIGURATION).unwrap();
    let config = config::load(&file, &Environment::from_iter([])).unwrap();
    let app = App::start(config, Clock::system()).await.unwrap();
    let mut before = connect(&app, &old).await.unwrap();

    std::fs::write(folder.path().join("key.pem"), "no key").unwrap();
    let refused = app.reload().await.unwrap_err();
    assert!(refused.contains("server.tls") && refused.contains("key.pem"), "{refused}");
    assert!(connect(&app, &old).await.is_ok(), "the one before stays");

    let new = certify(folder.path());
    app.reload().await.unwrap();
    assert!(connect(&app, &new).await.is_ok());
    assert!(connect(&app, &old).await.is_err());
    assert_eq!(asks(&mut before).await, "HTTP/1.1 401", "a connection outlives its certificate");
    app.stop().await;
}
