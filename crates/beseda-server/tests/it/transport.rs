//! Sockets: TLS, both versions of HTTP, the end that was asked for, and connections in bounds.

use std::{sync::Arc, time::Duration};

use beseda_server::{Tls, TransportSettings};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_rustls::TlsConnector;

use crate::{
    limits::{Guarded, guarded},
    world::{Reply, World, settings},
};

#[tokio::test]
async fn a_server_with_a_certificate_speaks_tls() {
    let folder = tempfile::tempdir().unwrap();
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let tls = Tls { cert: folder.path().join("cert.pem"), key: folder.path().join("key.pem") };
    std::fs::write(&tls.cert, made.cert.pem()).unwrap();
    std::fs::write(&tls.key, made.signing_key.serialize_pem()).unwrap();
    let transport = TransportSettings { tls: Some(tls), ..TransportSettings::default() };
    transport.check().unwrap();
    let world = World::with(settings("{}"), transport, |services| services).await;

    let mut roots = rustls::RootCertStore::empty();
    roots.add(made.cert.der().clone()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let stream = world.connect().await;
    let name = "localhost".try_into().unwrap();
    let mut stream = TlsConnector::from(Arc::new(config)).connect(name, stream).await.unwrap();
    let request = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    stream.write_all(request).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    assert_eq!(Reply::parse(&answer).status, 200);
}

#[test]
fn a_certificate_that_is_not_there_is_an_error_that_names_it() {
    let tls = Tls { cert: "/nowhere/cert.pem".into(), key: "/nowhere/key.pem".into() };
    let error =
        TransportSettings { tls: Some(tls), ..TransportSettings::default() }.check().unwrap_err();
    assert!(error.to_string().contains("/nowhere/cert.pem"), "{error}");
}

#[tokio::test]
async fn a_request_that_runs_is_finished_before_the_end_and_new_ones_are_not_taken() {
    let Guarded { world, mut came, door } = guarded("{}", TransportSettings::default()).await;
    let path = format!("/v2/businesses/1/chat?chatId={}", world.name("chat"));
    let key = world.name("key").to_owned();
    let mut world = Arc::into_inner(world).unwrap();
    let mut stream = world.connect().await;
    let request = format!("GET {path} HTTP/1.1\r\nHost: test\r\nApi-Key: {key}\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    came.recv().await.unwrap();
    let served = world.stop();
    while tokio::net::TcpStream::connect(world.address).await.is_ok() {
        tokio::task::yield_now().await;
    }
    assert!(!served.is_finished());
    door.add_permits(1);
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    assert_eq!(Reply::parse(&answer).status, 200);
    served.await.unwrap().unwrap();
}

#[tokio::test]
async fn the_end_does_not_wait_longer_than_it_was_told() {
    let transport = TransportSettings { drain_seconds: 0, ..TransportSettings::default() };
    let Guarded { world, mut came, door: _door } = guarded("{}", transport).await;
    let path = format!("/v2/businesses/1/chat?chatId={}", world.name("chat"));
    let key = world.name("key").to_owned();
    let mut world = Arc::into_inner(world).unwrap();
    let mut stream = world.connect().await;
    let request = format!("GET {path} HTTP/1.1\r\nHost: test\r\nApi-Key: {key}\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    came.recv().await.unwrap();
    tokio::time::timeout(Duration::from_secs(5), world.stop()).await.unwrap().unwrap().unwrap();
}

#[tokio::test]
async fn idle_connections_do_not_hold_up_the_end() {
    let mut world = World::open("{}").await;
    let mut stream = world.connect().await;
    stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: test\r\n\r\n").await.unwrap();
    let mut answer = [0; 1024];
    assert!(stream.read(&mut answer).await.unwrap() > 0);
    tokio::time::timeout(Duration::from_secs(5), world.stop()).await.unwrap().unwrap().unwrap();
}

#[tokio::test]
async fn more_connections_than_allowed_wait_for_others_to_end() {
    let transport = TransportSettings { max_connections: 1, ..TransportSettings::default() };
    let world = World::with(settings("{}"), transport, |services| services).await;
    let first = world.connect().await;
    let request = b"GET /healthz HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n";
    let mut first = first;
    first.write_all(b"GET /healthz HTTP/1.1\r\nHost: test\r\n\r\n").await.unwrap();
    let mut answer = vec![0; 1024];
    assert!(first.read(&mut answer).await.unwrap() > 0);
    let mut second = world.connect().await;
    second.write_all(request).await.unwrap();
    drop(first);
    let mut answer = Vec::new();
    second.read_to_end(&mut answer).await.unwrap();
    assert_eq!(Reply::parse(&answer).status, 200);
}

#[tokio::test]
async fn a_sender_of_slow_headers_is_cut_off() {
    let transport = TransportSettings { header_timeout_seconds: 1, ..TransportSettings::default() };
    let world = World::with(settings("{}"), transport, |services| services).await;
    let mut stream = world.connect().await;
    stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: te").await.unwrap();
    let mut answer = Vec::new();
    let read = stream.read_to_end(&mut answer);
    tokio::time::timeout(Duration::from_secs(10), read).await.unwrap().unwrap();
}

#[tokio::test]
async fn the_second_version_of_http_is_spoken_without_tls_too() {
    use http_body_util::{BodyExt, Full};
    use hyper_util::rt::{TokioExecutor, TokioIo};

    let world = World::open(r#"{"limits":{"operations":{"getChats":1}}}"#).await;
    let stream = TokioIo::new(world.connect().await);
    let (mut sender, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), stream).await.unwrap();
    tokio::spawn(connection);
    for (key, size, status) in
        [(world.name("key"), 2, 200), (world.name("key"), 2, 420), ("none", 400_000, 401)]
    {
        let body = format!("{{{}}}", " ".repeat(size - 2));
        let request = http::Request::post("http://test/v2/businesses/1/chats")
            .header("Api-Key", key)
            .body(Full::new(bytes::Bytes::from(body)))
            .unwrap();
        let reply = sender.send_request(request).await.unwrap();
        assert_eq!(reply.status().as_u16(), status);
        assert!(reply.headers().contains_key("x-ratelimit-resource-until"));
        let body = reply.into_body().collect().await.unwrap().to_bytes();
        assert!(body.starts_with(br#"{"status":"#));
    }
}

/// Sends raw bytes and reads until the server closes the connection.
async fn exchange(world: &World, request: &[u8]) -> Reply {
    let mut stream = world.connect().await;
    stream.write_all(request).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    Reply::parse(&answer)
}

#[tokio::test]
async fn a_request_that_cannot_be_parsed_is_answered_in_the_shape_of_the_api() {
    let world = World::open("{}").await;
    for (request, status, code) in [
        (
            &b"GET /v2/businesses/1/chat?chatId=\xf7\xe5 HTTP/1.1\r\nHost: test\r\n\r\n"[..],
            400,
            "BAD_REQUEST",
        ),
        (b"nonsense\r\n\r\n", 400, "BAD_REQUEST"),
        (b"GET / HTTP/1.1\r\nbad header\r\n\r\n", 400, "BAD_REQUEST"),
    ] {
        let reply = exchange(&world, request).await;
        assert_eq!(reply.status, status, "{}", String::from_utf8_lossy(request));
        assert_eq!(reply.json()["status"], "ERROR");
        assert_eq!(reply.json()["errors"][0]["code"], code);
        for name in ["x-ratelimit-resource-limit", "x-ratelimit-resource-until", "x-request-id"] {
            assert!(reply.header(name).is_some(), "no {name}");
        }
    }
    let many = "X-A: b\r\n".repeat(200);
    let request = format!("GET / HTTP/1.1\r\nHost: test\r\n{many}\r\n");
    let reply = exchange(&world, request.as_bytes()).await;
    assert_eq!(reply.status, 431);
    assert_eq!(reply.json()["errors"][0]["code"], "REQUEST_HEADER_FIELDS_TOO_LARGE");
}

#[tokio::test]
async fn a_request_behind_one_that_was_answered_may_be_malformed_too() {
    let world = World::open("{}").await;
    let mut stream = world.connect().await;
    stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: test\r\n\r\n").await.unwrap();
    let mut first = [0; 12];
    stream.read_exact(&mut first).await.unwrap();
    assert_eq!(&first, b"HTTP/1.1 200");
    stream.write_all(b"GET /\xff HTTP/1.1\r\nHost: test\r\n\r\n").await.unwrap();
    let mut rest = Vec::new();
    stream.read_to_end(&mut rest).await.unwrap();
    let rest = String::from_utf8_lossy(&rest);
    // Of the answer before it, the rest is read here as well.
    let (_, rest) = rest.split_once("HTTP/1.1 ").unwrap();
    assert_eq!(rest.to_lowercase().matches("content-length:").count(), 1, "{rest}");
    assert!(rest.contains("400 Bad Request") && rest.contains("not UTF-8"), "{rest}");
}
