//! What every answer has and what never gets through: names, compression, panics, breakages, counters.

use std::{io::Read, sync::Arc};

use async_trait::async_trait;
use beseda_api::{AuthResult, BusinessId, Campaign, Credential, Directory, Error, Result};
use beseda_server::TransportSettings;

use crate::world::{World, settings};

/// A directory that breaks in the way its credential says.
struct Broken;

#[async_trait]
impl Directory for Broken {
    async fn authenticate(&self, credential: &Credential) -> Result<AuthResult> {
        let Credential::OAuth(how) = credential else { return Ok(AuthResult::Unknown) };
        match how.as_str() {
            "panic" => panic!("a secret reason"),
            "slow" => std::future::pending().await,
            _ => Err(Error::internal("a secret reason")),
        }
    }
    async fn campaigns(&self, _: &[BusinessId]) -> Result<Vec<Campaign>> {
        Ok(Vec::new())
    }
    async fn ready(&self) -> Result<()> {
        Err(Error::internal("a secret reason"))
    }
}

async fn broken_world() -> World {
    let settings = settings(r#"{"request_timeout_seconds":1}"#);
    World::with(settings, TransportSettings::default(), |mut services| {
        services.directory = Arc::new(Broken);
        services
    })
    .await
}

#[tokio::test]
async fn breakages_panics_and_slowness_are_a_plain_500_that_tells_nothing() {
    let world = broken_world().await;
    for how in ["panic", "slow", "error"] {
        let bearer = format!("Bearer {how}");
        let headers = [("Authorization", bearer.as_str())];
        let reply = world.ask("GET", "/v2/businesses/1/chat?chatId=1", &headers, b"").await;
        let body = String::from_utf8(reply.body).unwrap();
        let expected = r#"{"status":"ERROR","errors":[{"code":"INTERNAL_ERROR","message":"Internal server error"}]}"#;
        assert_eq!((reply.status, body.as_str()), (500, expected), "{how}");
    }
}

#[tokio::test]
async fn a_server_that_cannot_serve_says_so_and_is_alive_all_the_same() {
    let world = broken_world().await;
    let reply = world.get("/readyz").await;
    let text = "Service temporarily unavailable. Please, try again later";
    assert_eq!((reply.status, reply.message().as_str()), (503, text));
    assert_eq!(world.get("/healthz").await.status, 200);
}

#[tokio::test]
async fn names_that_came_are_echoed_and_others_are_made() {
    let world = World::open("{}").await;
    let parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let headers = [("traceparent", parent), ("X-Request-Id", "my-request-1")];
    let reply = world.ask("GET", "/nothing", &headers, b"").await;
    assert_eq!(reply.header("traceparent"), Some(parent));
    assert_eq!(reply.header("x-request-id"), Some("my-request-1"));
    let (one, two) = (world.get("/nothing").await, world.get("/nothing").await);
    assert_ne!(one.header("x-request-id"), two.header("x-request-id"));
    assert_eq!(one.header("traceparent").unwrap().len(), 55);
}

#[tokio::test]
async fn long_answers_are_compressed_for_those_who_ask() {
    let world = World::open("{}").await;
    for _ in 0..10 {
        let body = r#"{"message":"Здравствуйте! Заказ отправим сегодня."}"#;
        let path = format!("/v2/businesses/1/chats/message?chatId={}", world.name("chat"));
        assert_eq!(world.post(&path, body).await.status, 200);
    }
    let path = format!("/v2/businesses/1/chats/history?chatId={}", world.name("chat"));
    let plain = world.post(&path, "{}").await;
    assert_eq!(plain.header("content-encoding"), None);
    let headers = [("Api-Key", world.name("key")), ("Accept-Encoding", "br, gzip")];
    let packed = world.ask("POST", &path, &headers, b"{}").await;
    assert_eq!(packed.header("content-encoding"), Some("gzip"));
    assert_eq!(packed.header("vary"), Some("accept-encoding"));
    assert!(packed.body.len() < plain.body.len());
    let mut unpacked = Vec::new();
    flate2::read::GzDecoder::new(packed.body.as_slice()).read_to_end(&mut unpacked).unwrap();
    assert_eq!(unpacked, plain.body);
    let document = world.ask("GET", "/admin/v1/openapi.json", &headers, b"").await;
    assert_eq!(document.header("content-encoding"), Some("gzip"));
    if let Some(length) = document.header("content-length") {
        assert_eq!(length.parse(), Ok(document.body.len()));
    }
    let short = world.ask("GET", "/healthz", &headers, b"").await;
    assert_eq!(short.header("content-encoding"), None);
}

#[tokio::test]
async fn requests_are_counted_by_operation_and_status() {
    let world = World::open(r#"{"limits":{"operations":{"getChat":1}}}"#).await;
    let path = format!("/v2/businesses/1/chat?chatId={}", world.name("chat"));
    for status in [200, 420, 420] {
        assert_eq!(world.get(&path).await.status, status);
    }
    world.get("/nothing").await;
    let text = String::from_utf8(world.get("/metrics").await.body).unwrap();
    for line in [
        "beseda_requests_total{operation=\"getChat\",status=\"200\"} 1",
        "beseda_requests_total{operation=\"getChat\",status=\"420\"} 2",
        "beseda_requests_total{operation=\"unknown\",status=\"404\"} 1",
        "beseda_limit_hits_total 2",
        "beseda_requests_in_flight 1",
        "beseda_request_duration_seconds_count{operation=\"getChat\"} 3",
        "beseda_request_duration_seconds_bucket{operation=\"getChat\",le=\"+Inf\"} 3",
    ] {
        assert!(text.lines().any(|found| found == line), "{line} is not in:\n{text}");
    }
}
