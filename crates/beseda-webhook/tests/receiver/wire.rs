//! Receiver on a free port and an HTTP client.

use std::{
    net::SocketAddr,
    sync::{Arc, LazyLock, Mutex},
};

use axum::Router;
use beseda_webhook::receiver::{ReceiveOutcome, Receiver, ReceiverBuilder, WebhookEvents};
use serde_json::{Value, json};
use tokio::net::TcpListener;

/// Outcomes of all requests, in order.
pub(crate) type Log = Arc<Mutex<Vec<ReceiveOutcome>>>;

/// Receiver that accepts any source.
pub(crate) fn open() -> (ReceiverBuilder, Log) {
    let log = Log::default();
    let kept = Arc::clone(&log);
    let watch = move |seen: &beseda_webhook::receiver::ReceivedRequest<'_>| {
        kept.lock().unwrap().push(seen.outcome.clone());
    };
    (Receiver::builder().any_source().on_response(watch), log)
}

/// Serves a router and returns its address.
pub(crate) async fn serve(router: Router) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let service = router.into_make_service_with_connect_info::<SocketAddr>();
    tokio::spawn(async move { axum::serve(listener, service).await });
    address
}

/// Serves a receiver and returns its address and events.
pub(crate) async fn start(builder: ReceiverBuilder) -> (SocketAddr, WebhookEvents) {
    let (router, events) = builder.build().unwrap();
    (serve(router).await, events)
}

/// Response.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) media: String,
    pub(crate) text: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// Asserts that the response is a complete receipt.
    pub(crate) fn is_receipt(&self) {
        assert_eq!((self.status, self.media.as_str()), (200, "application/json"), "{self:?}");
        let receipt = self.json();
        for field in ["version", "name"] {
            let length = receipt[field].as_str().unwrap().chars().count();
            assert!((1..=100).contains(&length), "{receipt}");
        }
        let time: beseda_api::Time = receipt["time"].as_str().unwrap().parse().unwrap();
        assert!(time.to_string().ends_with('Z'), "{receipt}");
    }

    /// Asserts that the response is a rejection which contains the words.
    pub(crate) fn is_rejection(&self, status: u16, kind: &str, words: &str) {
        assert_eq!((self.status, self.media.as_str()), (status, "application/json"), "{self:?}");
        let error = &self.json()["error"];
        assert_eq!(error["type"], kind, "{self:?}");
        assert!(error["message"].as_str().unwrap().contains(words), "{self:?}");
    }
}

/// HTTP client without a connection pool, shared by tests.
pub(crate) fn http() -> &'static reqwest::Client {
    static HTTP: LazyLock<reqwest::Client> = LazyLock::new(|| {
        // Installs the crypto provider, which a client needs even for plain HTTP.
        beseda_client::Client::builder().url("http://127.0.0.1:1").build().unwrap();
        let settings = reqwest::Client::builder().no_proxy().tls_certs_only([]);
        settings.pool_max_idle_per_host(0).build().unwrap()
    });
    &HTTP
}

/// Posts a body as Market does.
pub(crate) async fn post(address: SocketAddr, body: impl Into<reqwest::Body>) -> Answer {
    post_to(address, "/", &[("content-type", "application/json")], body).await
}

pub(crate) async fn post_to(
    address: SocketAddr,
    path: &str,
    headers: &[(&str, &str)],
    body: impl Into<reqwest::Body>,
) -> Answer {
    let mut request = http().post(format!("http://{address}{path}")).body(body);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let answer = request.send().await.unwrap();
    let media = answer.headers().get("content-type").map(|value| value.to_str().unwrap());
    Answer {
        status: answer.status().as_u16(),
        media: media.unwrap_or_default().to_owned(),
        text: answer.text().await.unwrap(),
    }
}

/// Notification with this message id.
pub(crate) fn message(number: i64) -> String {
    json!({"notificationType": "CHAT_MESSAGE_SENT", "chatId": 14_604_709, "messageId": number.to_string(),
           "businessId": 209_888_193, "sentAt": "2026-06-01T00:00:00Z"})
    .to_string()
}

pub(crate) const PING: &str =
    r#"{"notificationType":"PING","time":"2025-01-16T10:09:49.759084017Z"}"#;
