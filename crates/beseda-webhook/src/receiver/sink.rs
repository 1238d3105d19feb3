//! Event sink: the program's side of a receiver.

use std::fmt::{self, Display};

use async_trait::async_trait;
use axum::http::StatusCode;
use bytes::Bytes;
use tokio::sync::mpsc;

use super::WebhookEvent;

/// Accepts events and decides the response.
///
/// ```
/// use async_trait::async_trait;
/// use beseda_webhook::receiver::{Ack, EventSink, WebhookEvent};
///
/// struct LogFile(tokio::sync::Mutex<tokio::fs::File>);
///
/// #[async_trait]
/// impl EventSink for LogFile {
///     async fn accept(&self, event: WebhookEvent) -> Ack {
///         use tokio::io::AsyncWriteExt;
///
///         let mut file = self.0.lock().await;
///         async { file.write_all(&event.body).await?; file.sync_data().await }.await.into()
///     }
/// }
/// ```
#[async_trait]
pub trait EventSink: Send + Sync {
    /// Accepts an event. It isn't cancelled if the client disconnects or the timeout expires; the
    /// result then decides the response to the retry.
    async fn accept(&self, event: WebhookEvent) -> Ack;

    /// Answers a `PING`, within 900 ms.
    async fn ping(&self, _event: WebhookEvent) -> Ack {
        Ack::Accepted
    }
}

/// Acknowledgement of an event.
///
/// ```
/// use beseda_webhook::receiver::Ack;
///
/// let ack = Ack::from(Err::<(), _>("disk full"));
/// assert_eq!(ack, Ack::Failed("disk full".to_owned()));
/// assert!(!ack.is_accepted());
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ack {
    /// Accepted: 200 with a receipt.
    Accepted,
    /// Invalid for this reason: 400, not retried.
    Malformed(String),
    /// Failed for this reason: 500, retried by Market.
    Failed(String),
    /// Response of another receiver, passed on unchanged.
    Forwarded(ForwardedResponse),
}

impl Ack {
    /// Returns true if Market considers the event delivered.
    #[must_use]
    pub fn is_accepted(&self) -> bool {
        match self {
            Self::Accepted => true,
            Self::Forwarded(response) => response.accepted,
            Self::Malformed(_) | Self::Failed(_) => false,
        }
    }
}

impl<E: Display> From<Result<(), E>> for Ack {
    fn from(result: Result<(), E>) -> Self {
        match result {
            Ok(()) => Self::Accepted,
            Err(error) => Self::Failed(error.to_string()),
        }
    }
}

/// Response of another receiver.
///
/// ```
/// use beseda_webhook::receiver::{Ack, ForwardedResponse};
///
/// let response = ForwardedResponse {
///     status: axum::http::StatusCode::SERVICE_UNAVAILABLE,
///     content_type: None,
///     body: Default::default(),
///     accepted: false,
/// };
/// assert!(!Ack::Forwarded(response).is_accepted());
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct ForwardedResponse {
    /// Status code.
    pub status: StatusCode,
    /// `Content-Type` header.
    pub content_type: Option<String>,
    /// Body.
    pub body: Bytes,
    /// True for a 200 with a complete receipt, which Market considers delivered.
    pub accepted: bool,
}

impl fmt::Debug for ForwardedResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("ForwardedResponse");
        debug.field("status", &self.status).field("accepted", &self.accepted);
        debug.finish_non_exhaustive()
    }
}

/// Puts events into the queue of [`WebhookEvents`](super::WebhookEvents), waiting for room.
pub(super) struct SinkQueue(pub(super) mpsc::Sender<WebhookEvent>);

#[async_trait]
impl EventSink for SinkQueue {
    async fn accept(&self, event: WebhookEvent) -> Ack {
        match self.0.send(event).await {
            Ok(()) => Ack::Accepted,
            Err(_) => Ack::Failed("the receiver is closed".to_owned()),
        }
    }
}

/// Calls a function of the program.
pub(super) struct SinkFn<F>(pub(super) F);

#[async_trait]
impl<F, Accepted, E> EventSink for SinkFn<F>
where
    F: Fn(WebhookEvent) -> Accepted + Send + Sync,
    Accepted: Future<Output = Result<(), E>> + Send,
    E: Display,
{
    async fn accept(&self, event: WebhookEvent) -> Ack {
        (self.0)(event).await.into()
    }
}
