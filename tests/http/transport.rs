//! TLS, HTTP/2, hostile framing, silence, and the end.

use std::{path::Path, sync::Arc, time::Duration};

use http::Request;
use http_body_util::{BodyExt, Empty};
use hyper::{
    body::Bytes,
    client::conn::{http1, http2},
};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::{ClientConfig, RootCertStore, crypto::aws_lc_rs};
use rustls_pki_types::{CertificateDer, ServerName};
use scim_relay::{client, http::Tls};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use tokio_rustls::{TlsConnector, client::TlsStream};

use crate::{client::send_raw, relay::Relay};

/// Writes a new self-signed certificate for `scim.example` and returns it.
fn certify(dir: &Path) -> (Tls, CertificateDer<'static>) {
    let certified = rcgen::generate_simple_self_signed(["scim.example".to_owned(), "localhost".to_owned()]).unwrap();
    let files = Tls { certificate_file: dir.join("cert.pem"), key_file: dir.join("key.pem") };
    std::fs::write(&files.certificate_file, certified.cert.pem()).unwrap();
    std::fs::write(&files.key_file, certified.signing_key.serialize_pem()).unwrap();
    (files, certified.cert.der().clone())
}

async fn connect_tls(
    relay: &Relay,
    root: &CertificateDer<'static>,
    alpn: &[u8],
) -> std::io::Result<TlsStream<TcpStream>> {
    let mut roots = RootCertStore::empty();
    roots.add(root.clone()).unwrap();
    let mut config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![alpn.to_vec()];
    let stream = TcpStream::connect(relay.address).await.unwrap();
    TlsConnector::from(Arc::new(config)).connect(ServerName::try_from("scim.example").unwrap(), stream).await
}

fn get(relay: &Relay, uri: &str) -> Request<Empty<Bytes>> {
    let authorization = format!("Bearer {}", relay.key);
    Request::get(uri).header("host", "h").header("authorization", authorization).body(Empty::new()).unwrap()
}

#[tokio::test]
async fn http_2_and_http_1_work_over_tls() {
    let dir = tempfile::tempdir().unwrap();
    let (files, root) = certify(dir.path());
    let relay = Relay::start_with(|settings| settings.tls = Some(files)).await;

    let stream = connect_tls(&relay, &root, b"h2").await.unwrap();
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
    let (mut sender, connection) = http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
    let connection = tokio::spawn(connection);
    let requests = (0..20).map(|_| sender.send_request(get(&relay, "https://scim.example/acme/scim/v2/Nothing")));
    let requests: Vec<_> = requests.collect();
    for request in requests {
        let reply = request.await.unwrap();
        assert_eq!(reply.status(), 404);
        assert_eq!(reply.headers()["content-type"], "application/scim+json");
    }
    let mut head = get(&relay, "https://scim.example/acme/scim/v2/Nothing");
    *head.method_mut() = http::Method::HEAD;
    let reply = sender.send_request(head).await.unwrap();
    assert!(reply.headers()["content-length"] != "0");
    assert_eq!(reply.into_body().collect().await.unwrap().to_bytes().len(), 0);

    let stream = connect_tls(&relay, &root, b"http/1.1").await.unwrap();
    let (mut sender_1, connection_1) = http1::handshake(TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection_1);
    let reply = sender_1.send_request(get(&relay, "/acme/scim/v2/Nothing")).await.unwrap();
    assert_eq!(reply.status(), 404);

    // GOAWAY ends the HTTP/2 connection without an error, though the client would keep it.
    relay.end().await;
    connection.await.unwrap().unwrap();
    drop(sender);
}

/// The client of `verify` and `demo`.
#[tokio::test]
async fn our_client_trusts_the_authorities_that_it_is_given_and_no_others() {
    let (dir, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (files, _) = certify(dir.path());
    let (others, _) = certify(other.path());
    let relay = Relay::start_with(|settings| settings.tls = Some(files.clone())).await;
    let base = format!("https://localhost:{}/acme/scim/v2", relay.address.port());
    let send = async |authorities: Option<&Path>| {
        let credential = client::Credential::Bearer(relay.key.clone().into());
        let tls = client::trust(authorities).unwrap();
        let client = client::Client::new(base.parse().unwrap(), credential, tls, Duration::from_secs(10));
        let request = client::Request { method: "GET".into(), path: "/Nothing".into(), ..Default::default() };
        client.send(request).await
    };
    assert_eq!(send(Some(&files.certificate_file)).await.unwrap().status, 404);
    for authorities in [Some(others.certificate_file.as_path()), None] {
        let error = send(authorities).await.unwrap_err();
        assert!(matches!(error, client::Error::Connect { .. }), "{error}");
    }
    assert!(matches!(client::trust(Some(&dir.path().join("none"))), Err(client::TlsError::Read { .. })));
    relay.end().await;
}

#[tokio::test]
async fn a_new_certificate_is_used_after_a_reload_and_a_bad_one_never() {
    let dir = tempfile::tempdir().unwrap();
    let (files, old) = certify(dir.path());
    let relay = Relay::start_with(|settings| settings.tls = Some(files.clone())).await;
    let certificates = relay.certificates.clone().unwrap();

    std::fs::write(&files.key_file, "not a key").unwrap();
    assert!(certificates.read(&files).is_err());
    assert!(connect_tls(&relay, &old, b"h2").await.is_ok());

    let (_, new) = certify(dir.path());
    certificates.replace(certificates.read(&files).unwrap());
    assert!(connect_tls(&relay, &new, b"h2").await.is_ok());
    assert!(connect_tls(&relay, &old, b"h2").await.is_err());
    relay.end().await;
}

#[tokio::test]
async fn framing_that_two_parsers_could_read_two_ways_never_hides_a_request() {
    let relay = Relay::start().await;
    let hidden = "GET /hidden HTTP/1.1\r\nhost: h\r\n\r\n";
    for framing in [
        "content-length: 0\r\ncontent-length: 5\r\n",
        "content-length: +0\r\n",
        "content-length: 0, 0\r\n",
        "content-length : 0\r\n",
        "transfer-encoding: chunked\r\ncontent-length: 0\r\n",
        "content-length: 0\r\ntransfer-encoding: chunked\r\n",
        "transfer-encoding: xchunked\r\n",
        "transfer-encoding: chunked, identity\r\n",
        "transfer-encoding:\u{b}chunked\r\n",
        " content-length: 0\r\n",
    ] {
        let raw = format!("POST /acme HTTP/1.1\r\nhost: h\r\n{framing}\r\n0\r\n\r\n{hidden}");
        let answer = send_raw(relay.address, &raw).await;
        assert!(answer.starts_with("HTTP/1.1 4"), "{framing:?}: {answer}");
        assert_eq!(answer.matches("HTTP/1.1 ").count(), 1, "{framing:?}: {answer}");
    }
    relay.end().await;
}

#[tokio::test]
async fn heads_over_the_limit_are_refused() {
    let relay = Relay::start().await;
    let many = "x: y\r\n".repeat(101);
    let large = format!("x: {}\r\n", "y".repeat(17 * 1024));
    for headers in [many, large] {
        let answer = send_raw(relay.address, &format!("GET / HTTP/1.1\r\n{headers}\r\n")).await;
        assert!(answer.starts_with("HTTP/1.1 431 "), "{answer}");
    }
    relay.end().await;
}

#[tokio::test]
async fn silence_is_cut_off_in_time_whatever_the_protocol() {
    let dir = tempfile::tempdir().unwrap();
    let (files, root) = certify(dir.path());
    let change = |settings: &mut scim_relay::http::Settings| {
        settings.limits.header_read_seconds = 1;
        settings.limits.handshake_seconds = 1;
    };
    let plain = Relay::start_with(change).await;
    let tls = Relay::start_with(|settings| {
        change(settings);
        settings.tls = Some(files);
    })
    .await;

    let starts: [&[u8]; 4] = [b"", b"GET / HT", b"PRI * HTTP/2.0\r\n", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"];
    let cut_off = async |mut stream: Box<dyn Stream>, start: &[u8]| {
        stream.write_all(start).await.unwrap();
        let mut rest = Vec::new();
        // An orderly end or a reset; what matters is that it comes.
        let _ = stream.read_to_end(&mut rest).await;
    };
    let mut ends = Vec::new();
    for start in starts {
        ends.push(cut_off(Box::new(TcpStream::connect(plain.address).await.unwrap()), start));
        ends.push(cut_off(Box::new(connect_tls(&tls, &root, b"h2").await.unwrap()), start));
    }
    ends.push(cut_off(Box::new(TcpStream::connect(tls.address).await.unwrap()), b"\x16\x03\x01"));
    futures_util::future::join_all(ends).await;
    plain.end().await;
    tls.end().await;
}

trait Stream: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin {}
impl<T: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin> Stream for T {}

#[tokio::test]
async fn connections_beyond_the_limit_wait_for_a_place() {
    let relay = Relay::start_with(|settings| settings.limits.connections_max = 1).await;
    let mut first = TcpStream::connect(relay.address).await.unwrap();
    first.write_all(b"GET / HTTP/1.1\r\nhost: h\r\n\r\n").await.unwrap();
    first.read_u8().await.unwrap();
    let second = send_raw(relay.address, "GET / HTTP/1.1\r\nhost: h\r\nconnection: close\r\n\r\n");
    tokio::pin!(second);
    assert!(futures_util::poll!(second.as_mut()).is_pending());
    drop(first);
    assert!(second.await.starts_with("HTTP/1.1 401 "));
    relay.end().await;
}

#[tokio::test]
async fn a_request_under_way_at_the_stop_is_answered_and_its_connection_closed() {
    let relay = Relay::start().await;
    let mut stream = TcpStream::connect(relay.address).await.unwrap();
    let head = format!("POST /acme/scim/v2/Users HTTP/1.1\r\nhost: h\r\nauthorization: {}\r\n", relay.key);
    stream.write_all(format!("{head}expect: 100-continue\r\ncontent-length: 2\r\n\r\n").as_bytes()).await.unwrap();
    let mut asked = [0; 25];
    stream.read_exact(&mut asked).await.unwrap();
    assert!(asked.starts_with(b"HTTP/1.1 100 "));

    let mut idle = TcpStream::connect(relay.address).await.unwrap();
    idle.write_all(b"GET / HTTP/1.1\r\nhost: h\r\n\r\n").await.unwrap();
    idle.read_u8().await.unwrap();

    let Relay { address, stop, server, .. } = relay;
    stop.cancel();
    idle.read_to_end(&mut Vec::new()).await.unwrap();
    assert!(!server.is_finished());
    assert!(TcpStream::connect(address).await.is_err(), "new connections are refused");

    stream.write_all(b"{}").await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
    assert!(answer.contains("connection: close\r\n"), "{answer}");
    server.await.unwrap();
}

#[tokio::test]
async fn a_request_sent_just_before_the_stop_is_answered() {
    let relay = Relay::start().await;
    let mut stream = TcpStream::connect(relay.address).await.unwrap();
    let request = b"GET / HTTP/1.1\r\nhost: h\r\n\r\n";
    stream.write_all(request).await.unwrap();
    // Nothing was awaited that would let the relay read it.
    relay.end().await;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 401 "), "{answer}");
}

#[tokio::test]
async fn the_drain_ends_at_its_deadline() {
    let relay = Relay::start_with(|settings| settings.limits.drain_seconds = 1).await;
    let mut stream = TcpStream::connect(relay.address).await.unwrap();
    let head = format!("POST /acme/scim/v2/Users HTTP/1.1\r\nhost: h\r\nauthorization: {}\r\n", relay.key);
    stream.write_all(format!("{head}expect: 100-continue\r\ncontent-length: 2\r\n\r\n").as_bytes()).await.unwrap();
    stream.read_u8().await.unwrap();
    relay.end().await;
    // The body never comes; the connection is cut.
    let _ = stream.read_to_end(&mut Vec::new()).await;
}

#[tokio::test]
async fn data_after_the_last_answer_of_http_1_0_is_not_needed() {
    let relay = Relay::start().await;
    let answer = send_raw(relay.address, "GET / HTTP/1.0\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.0 401 "), "{answer}");
    relay.end().await;
}

#[tokio::test]
async fn open_connections_are_counted() {
    let relay = Relay::start().await;
    let stream = TcpStream::connect(relay.address).await.unwrap();
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    let reply = sender.send_request(get(&relay, "/")).await.unwrap();
    let _ = reply.into_body().collect().await.unwrap();
    let shown = |metrics: &[u8]| String::from_utf8_lossy(metrics).contains("\nscim_relay_connections 1\n");
    assert!(shown(&relay.metrics.text()));
    let metrics = relay.metrics.clone();
    relay.end().await;
    assert!(!shown(&metrics.text()));
}
