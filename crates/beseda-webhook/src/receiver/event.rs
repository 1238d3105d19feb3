//! Webhook notification, parsed and raw, and the stream of notifications.

use std::{
    net::IpAddr,
    pin::Pin,
    task::{Context, Poll},
};

use beseda_api::{BusinessId, notification::Notification};
use bytes::Bytes;
use futures::{
    Stream, StreamExt,
    future::ready,
    stream::{BoxStream, FusedStream},
};
use jiff::Timestamp;
use serde_json::Value;
use tokio::sync::mpsc;

/// Received notification.
///
/// ```
/// use beseda_api::notification::Notification;
/// use beseda_webhook::receiver::WebhookEvent;
///
/// fn describe(event: &WebhookEvent) -> String {
///     match &event.notification {
///         Notification::ChatMessageSent { chat_id, .. } => format!("message in chat {chat_id}"),
///         _ => format!("{}: {}", event.notification_type, event.json()),
///     }
/// }
/// # let _ = describe;
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct WebhookEvent {
    /// Parsed notification.
    pub notification: Notification,
    /// Type as received; identifies a [`Notification::Other`].
    pub notification_type: String,
    /// Cabinet of the notification, if it has one.
    pub business: Option<BusinessId>,
    /// Body as received.
    pub body: Bytes,
    /// Time at which the request arrived.
    pub received_at: Timestamp,
    /// Address of the sender, if known.
    pub source: Option<IpAddr>,
}

impl WebhookEvent {
    /// Parses the body.
    #[must_use]
    pub fn json(&self) -> Value {
        // The body has been parsed before.
        serde_json::from_slice(&self.body).unwrap_or_default()
    }
}

/// Events in order of arrival. While the queue is full, requests are refused with 500, and Market
/// retries.
///
/// ```
/// use beseda_webhook::receiver::{Receiver, WebhookEvents};
///
/// async fn print(mut events: WebhookEvents) {
///     while let Some(event) = events.recv().await {
///         println!("{}", event.notification_type);
///     }
/// }
///
/// let (_router, events) = Receiver::builder().build().unwrap();
/// drop(print(events));
/// ```
#[derive(Debug)]
pub struct WebhookEvents {
    pub(super) queue: mpsc::Receiver<WebhookEvent>,
}

impl WebhookEvents {
    /// Returns the next event, or `None` once the router is dropped.
    pub async fn recv(&mut self) -> Option<WebhookEvent> {
        self.queue.recv().await
    }

    /// Blocking version of [`recv`](Self::recv).
    ///
    /// # Panics
    ///
    /// If called within an async runtime.
    pub fn blocking_recv(&mut self) -> Option<WebhookEvent> {
        self.queue.blocking_recv()
    }

    /// Returns a stream of the notifications about chats, without unknown types; used as hints for
    /// a sync.
    #[must_use]
    pub fn notifications(self) -> BoxStream<'static, Notification> {
        self.map(|event| event.notification)
            .filter(|notification| ready(*notification != Notification::Other))
            .boxed()
    }

    /// Stops accepting events; further requests get 500. Queued events can still be read.
    pub fn close(&mut self) {
        self.queue.close();
    }
}

impl Stream for WebhookEvents {
    type Item = WebhookEvent;

    fn poll_next(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<WebhookEvent>> {
        self.queue.poll_recv(context)
    }
}

impl FusedStream for WebhookEvents {
    fn is_terminated(&self) -> bool {
        self.queue.is_closed() && self.queue.is_empty()
    }
}
