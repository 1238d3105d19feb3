//! A receiver on a free port, and plain HTTP to it.

use std::{
    net::SocketAddr,
    sync::{Arc, LazyLock, Mutex},
};

use axum::Router;
use beseda_client::receiver::{Builder, Events, Outcome, Receiver};
use serde_json::{Value, json};
use tokio::net::TcpListener;

/// What came of every request, in order.
pub(crate) type Log = Arc<Mutex<Vec<Outcome>>>;

/// A receiver that takes from anywhere.
pub(crate) fn open() -> (Builder, Log) {
    let log = Log::default();
    let kept = Arc::clone(&log);
    let watch = move |seen: &beseda_client::receiver::Seen<'_>| {
        kept.lock().unwrap().push(seen.outcome.clone());
    };
    (Receiver::builder().any_source().on_answer(watch), log)
}

/// Serves a router and gives its address.
pub(crate) async fn serve(router: Router) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let service = router.into_make_service_with_connect_info::<SocketAddr>();
    tokio::spawn(async move { axum::serve(listener, service).await });
    address
}

/// A receiver that is served, and its events.
pub(crate) async fn start(builder: Builder) -> (SocketAddr, Events) {
    let (router, events) = builder.build().unwrap();
    (serve(router).await, events)
}

/// An answer.
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

    /// Asserts that it is a complete receipt.
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

    /// Asserts that it is a rejection with these words in it.
    pub(crate) fn is_rejection(&self, status: u16, kind: &str, words: &str) {
        assert_eq!((self.status, self.media.as_str()), (status, "application/json"), "{self:?}");
        let error = &self.json()["error"];
        assert_eq!(error["type"], kind, "{self:?}");
        assert!(error["message"].as_str().unwrap().contains(words), "{self:?}");
    }
}

/// A client of HTTP. It keeps no connections, so that tests can share it.
pub(crate) fn http() -> &'static reqwest::Client {
    static HTTP: LazyLock<reqwest::Client> = LazyLock::new(|| {
        // Whoever is first sets the cryptography up, which a client needs even for plain HTTP.
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

/// Notification number `number` about messages of a chat.
pub(crate) fn message(number: i64) -> String {
    json!({"notificationType": "CHAT_MESSAGE_SENT", "chatId": 14_604_709, "messageId": number.to_string(),
           "businessId": 209_888_193, "sentAt": "2026-06-01T00:00:00Z"})
    .to_string()
}

pub(crate) const PING: &str =
    r#"{"notificationType":"PING","time":"2025-01-16T10:09:49.759084017Z"}"#;
