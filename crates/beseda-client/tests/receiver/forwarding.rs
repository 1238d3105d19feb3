//! Passing on to a program: its answers decide, and its absence is no loss.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use axum::{
    Router,
    body::Bytes,
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Redirect, Response},
    routing::post as on_post,
};
use beseda_client::receiver::{Forward, Outcome};

use crate::wire::{Log, PING, message, open, post, serve};

const RECEIPT: &str = r#"{ "version":"7", "name":"mine", "time":"2026-11-21T10:00:00Z" }"#;

/// A program of the shop with this answer, and what it got.
async fn program(
    answer: impl Fn() -> Response + Clone + Send + Sync + 'static,
) -> (SocketAddr, Arc<Mutex<Vec<Bytes>>>) {
    let got = Arc::new(Mutex::new(Vec::new()));
    let kept = Arc::clone(&got);
    let handler = async move |headers: HeaderMap, body: Bytes| {
        assert_eq!(headers["content-type"], "application/json");
        kept.lock().unwrap().push(body);
        answer()
    };
    (serve(Router::new().route("/hook", on_post(handler))).await, got)
}

/// A receiver that forwards there.
async fn before(program: SocketAddr) -> (SocketAddr, Log) {
    let (builder, log) = open();
    let forward = Forward::to(&format!("http://{program}/hook?from=market")).unwrap();
    (serve(builder.build_taking(Arc::new(forward)).unwrap()).await, log)
}

fn json(status: u16, body: &'static str) -> Response {
    let status = StatusCode::from_u16(status).unwrap();
    (status, [("content-type", "application/json; charset=utf-8")], body).into_response()
}

#[tokio::test]
async fn bodies_go_unchanged_and_the_programs_receipt_comes_back() {
    let (there, got) = program(|| json(200, RECEIPT)).await;
    let (address, log) = before(there).await;
    let odd = message(1).replace("\":", "\" :  ");
    for body in [PING.to_owned(), odd.clone(), r#"{"notificationType":"ORDER_CREATED"}"#.to_owned()]
    {
        let answer = post(address, body).await;
        assert_eq!((answer.status, answer.text.as_str()), (200, RECEIPT));
        assert_eq!(answer.media, "application/json; charset=utf-8");
    }
    assert_eq!(got.lock().unwrap()[1], odd);
    post(address, odd).await.is_receipt();
    assert_eq!(got.lock().unwrap().len(), 3, "a double isn't passed on");
    use Outcome::{Duplicate, Ping, Taken};
    assert_eq!(*log.lock().unwrap(), [Ping, Taken, Taken, Duplicate]);
}

#[tokio::test]
async fn refusals_and_failures_come_back_as_they_are_and_are_tried_again() {
    for (status, body) in [
        (400, r#"{"error":{"type":"WRONG_EVENT_FORMAT","message":"not mine"}}"#),
        (500, "{}"),
        (503, ""),
        (200, r#"{"name":"mine","time":"2026-11-21T10:00:00Z"}"#),
        (200, "ok"),
    ] {
        let (there, got) = program(move || json(status, body)).await;
        let (address, log) = before(there).await;
        for _ in 0..2 {
            let answer = post(address, message(1)).await;
            assert_eq!((answer.status, answer.text.as_str()), (status, body));
        }
        assert_eq!(got.lock().unwrap().len(), 2, "{status} {body}: it wasn't taken");
        let outcome = log.lock().unwrap()[0].clone();
        assert_eq!(matches!(outcome, Outcome::Malformed(_)), status == 400, "{outcome:?}");
    }
}

#[tokio::test]
async fn other_answers_are_500_and_redirects_are_not_followed() {
    let (there, _) = program(|| json(404, "{}")).await;
    let (address, _) = before(there).await;
    post(address, message(1)).await.is_rejection(500, "UNKNOWN", "404 Not Found");
    let (there, got) = program(|| Redirect::temporary("/hook").into_response()).await;
    let (address, _) = before(there).await;
    post(address, message(1)).await.is_rejection(500, "UNKNOWN", "307");
    assert_eq!(got.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn a_program_that_is_not_there_is_no_loss() {
    let nobody = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let there = nobody.local_addr().unwrap();
    drop(nobody);
    let (address, _) = before(there).await;
    for body in [message(1), PING.to_owned()] {
        let answer = post(address, body).await;
        answer.is_rejection(500, "UNKNOWN", "can't connect");
        assert!(!answer.text.contains("hook"), "{}", answer.text);
    }
    let wrong = post(address, "{}").await;
    wrong.is_rejection(400, "WRONG_EVENT_FORMAT", "notificationType is missing");
}

#[test]
fn only_addresses_of_http_can_be_forwarded_to() {
    for url in ["", "localhost:3000", "ftp://localhost/", "file:///etc/passwd", "unix:/run/x"] {
        let refused = Forward::to(url).unwrap_err().to_string();
        assert!(refused.contains("forward"), "{url}: {refused}");
    }
}
