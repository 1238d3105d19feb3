//! What Market told, typed and as it came, and the stream of it. How it is read from a body stands in `read.rs`.

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

/// A notification that came.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Event {
    /// What it tells. The id of a message is a number here, as in the rest of the API.
    pub notification: Notification,
    /// Its type as it came: the only word there is on a [`Notification::Other`].
    pub notification_type: String,
    /// The cabinet it is about, if it names one.
    pub business: Option<BusinessId>,
    /// Its body, byte for byte.
    pub body: Bytes,
    /// When it began to come.
    pub received_at: Timestamp,
    /// Who sent it, as far as that is known.
    pub source: Option<IpAddr>,
}

impl Event {
    /// The body as a document.
    #[must_use]
    pub fn json(&self) -> Value {
        // It was read once already, so it can't fail.
        serde_json::from_slice(&self.body).unwrap_or_default()
    }
}

/// The events that came, in the order they did. While it isn't read and its queue is full, Market is asked to repeat.
#[derive(Debug)]
pub struct Events {
    pub(super) queue: mpsc::Receiver<Event>,
}

impl Events {
    /// Waits for the next event; `None` when the router is gone.
    pub async fn recv(&mut self) -> Option<Event> {
        self.queue.recv().await
    }

    /// The same for programs without a runtime of their own.
    ///
    /// # Panics
    /// Inside of a runtime.
    pub fn blocking_recv(&mut self) -> Option<Event> {
        self.queue.blocking_recv()
    }

    /// Only what is told of chats: hints for whoever keeps a copy of them.
    #[must_use]
    pub fn notifications(self) -> BoxStream<'static, Notification> {
        self.map(|event| event.notification)
            .filter(|notification| ready(*notification != Notification::Other))
            .boxed()
    }

    /// Takes no more: from now on Market is asked to repeat. What is in the queue can still be read.
    pub fn close(&mut self) {
        self.queue.close();
    }
}

impl Stream for Events {
    type Item = Event;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Event>> {
        self.queue.poll_recv(context)
    }
}

impl FusedStream for Events {
    fn is_terminated(&self) -> bool {
        self.queue.is_closed() && self.queue.is_empty()
    }
}
