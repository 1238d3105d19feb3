//! Forwarding: responses of the other receiver decide, and its absence loses nothing.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use axum::{
    Router,
    body::Bytes,
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Redirect, Response},
    routing,
};
use beseda_webhook::receiver::{ReceiveOutcome, ReceivedRequest, Receiver};
use tokio::net::TcpListener;

use super::Forwarder;

const RECEIPT: &str = r#"{ "version":"7", "name":"mine", "time":"2026-11-21T10:00:00Z" }"#;
const PING: &str = r#"{"notificationType":"PING","time":"2025-01-16T10:09:49.759084017Z"}"#;
const MESSAGE: &str = r#"{"notificationType":"CHAT_MESSAGE_SENT","chatId":14604709,"messageId":"1","businessId":209888193,"sentAt":"2026-06-01T00:00:00Z"}"#;

/// Receiver to forward to: its address and the bodies it received.
type Upstream = (SocketAddr, Arc<Mutex<Vec<Bytes>>>);

/// Starts a receiver with this response.
async fn upstream(respond: impl Fn() -> Response + Clone + Send + Sync + 'static) -> Upstream {
    let bodies = Arc::new(Mutex::new(Vec::new()));
    let received = Arc::clone(&bodies);
    let handler = async move |headers: HeaderMap, body: Bytes| {
        assert_eq!(headers["content-type"], "application/json");
        received.lock().unwrap().push(body);
        respond()
    };
    (serve(Router::new().route("/hook", routing::post(handler))).await, bodies)
}

/// Starts a receiver that forwards there; returns its address and the outcomes of its requests.
async fn forwarder(upstream: SocketAddr) -> (SocketAddr, Arc<Mutex<Vec<ReceiveOutcome>>>) {
    let log = Arc::new(Mutex::new(Vec::new()));
    let outcomes = Arc::clone(&log);
    let hook = move |request: &ReceivedRequest<'_>| {
        outcomes.lock().unwrap().push(request.outcome.clone());
    };
    let builder = Receiver::builder().any_source().on_response(hook);
    let forwarder = Forwarder::new(&format!("http://{upstream}/hook?from=market")).unwrap();
    (serve(builder.build_with_sink(Arc::new(forwarder)).unwrap()).await, log)
}

async fn serve(router: Router) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let service = router.into_make_service_with_connect_info::<SocketAddr>();
    tokio::spawn(async move { axum::serve(listener, service).await });
    address
}

/// Posts a body; returns status, content type and body of the response.
async fn post(address: SocketAddr, body: impl Into<String>) -> (u16, String, String) {
    rustls::crypto::ring::default_provider().install_default().ok();
    let http = reqwest::Client::builder().no_proxy().tls_certs_only([]).build().unwrap();
    let request =
        http.post(format!("http://{address}/")).header("content-type", "application/json");
    let response = request.body(body.into()).send().await.unwrap();
    let media = response.headers().get("content-type").map(|value| value.to_str().unwrap());
    let media = media.unwrap_or_default().to_owned();
    (response.status().as_u16(), media, response.text().await.unwrap())
}

/// Posts a body and asserts that it is refused with this status, type and text.
async fn refused(address: SocketAddr, body: &str, status: u16, kind: &str, text: &str) -> String {
    let (code, media, answer) = post(address, body).await;
    assert_eq!((code, media.as_str()), (status, "application/json"), "{answer}");
    let json: serde_json::Value = serde_json::from_str(&answer).unwrap();
    assert_eq!(json["error"]["type"], kind, "{answer}");
    assert!(json["error"]["message"].as_str().unwrap().contains(text), "{answer}");
    answer
}

fn json(status: u16, body: &'static str) -> Response {
    let status = StatusCode::from_u16(status).unwrap();
    (status, [("content-type", "application/json; charset=utf-8")], body).into_response()
}

#[tokio::test]
async fn bodies_are_forwarded_unchanged_and_the_receipt_is_returned() {
    let (there, bodies) = upstream(|| json(200, RECEIPT)).await;
    let (address, log) = forwarder(there).await;
    let spaced = MESSAGE.replace("\":", "\" :  ");
    for body in [PING, &spaced, r#"{"notificationType":"ORDER_CREATED"}"#] {
        let (status, media, text) = post(address, body).await;
        assert_eq!((status, text.as_str()), (200, RECEIPT));
        assert_eq!(media, "application/json; charset=utf-8");
    }
    assert_eq!(bodies.lock().unwrap()[1], spaced);
    assert_eq!(post(address, spaced).await.0, 200);
    assert_eq!(bodies.lock().unwrap().len(), 3, "a duplicate isn't forwarded");
    use ReceiveOutcome::{Accepted, Duplicate, Ping};
    assert_eq!(*log.lock().unwrap(), [Ping, Accepted, Accepted, Duplicate]);
}

#[tokio::test]
async fn refusals_and_failures_are_returned_and_the_notification_is_retried() {
    for (status, body) in [
        (400, r#"{"error":{"type":"WRONG_EVENT_FORMAT","message":"not mine"}}"#),
        (500, "{}"),
        (503, ""),
        (200, r#"{"name":"mine","time":"2026-11-21T10:00:00Z"}"#),
        (200, "ok"),
    ] {
        let (there, bodies) = upstream(move || json(status, body)).await;
        let (address, log) = forwarder(there).await;
        for _ in 0..2 {
            let (code, _, text) = post(address, MESSAGE).await;
            assert_eq!((code, text.as_str()), (status, body));
        }
        assert_eq!(bodies.lock().unwrap().len(), 2, "{status} {body}: it wasn't accepted");
        let outcome = log.lock().unwrap()[0].clone();
        let malformed = matches!(outcome, ReceiveOutcome::Malformed(_));
        assert_eq!(malformed, status == 400, "{outcome:?}");
    }
}

#[tokio::test]
async fn other_statuses_become_500_and_redirects_are_not_followed() {
    let (there, _) = upstream(|| json(404, "{}")).await;
    let (address, _) = forwarder(there).await;
    refused(address, MESSAGE, 500, "UNKNOWN", "404 Not Found").await;
    let (there, bodies) = upstream(|| Redirect::temporary("/hook").into_response()).await;
    let (address, _) = forwarder(there).await;
    refused(address, MESSAGE, 500, "UNKNOWN", "307").await;
    assert_eq!(bodies.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn without_a_receiver_to_forward_to_market_is_asked_to_retry() {
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let there = closed.local_addr().unwrap();
    drop(closed);
    let (address, _) = forwarder(there).await;
    for body in [MESSAGE, PING] {
        let answer = refused(address, body, 500, "UNKNOWN", "can't connect").await;
        assert!(!answer.contains("hook"), "{answer}");
    }
    refused(address, "{}", 400, "WRONG_EVENT_FORMAT", "notificationType is missing").await;
}

#[test]
fn only_http_and_https_urls_are_accepted() {
    for url in ["", "localhost:3000", "ftp://localhost/", "file:///etc/passwd", "unix:/run/x"] {
        let error = Forwarder::new(url).unwrap_err().to_string();
        assert!(error.contains("forward"), "{url}: {error}");
    }
}
