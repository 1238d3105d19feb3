//! Handing an event over to the program, and what the program may say to it. How that becomes an answer stands in `handler.rs`.

use std::fmt::{self, Display};

use async_trait::async_trait;
use axum::http::StatusCode;
use bytes::Bytes;
use tokio::sync::mpsc;

use super::Event;

/// Takes events over. What it says decides what Market is answered.
#[async_trait]
pub trait Take: Send + Sync {
    /// Takes one over. It isn't cancelled if Market hangs up or loses patience; what it says then counts for the repetition.
    async fn take(&self, event: Event) -> Verdict;

    /// Says to a `PING` that somebody is there, which is to be told within a second.
    async fn ping(&self, _event: Event) -> Verdict {
        Verdict::Taken
    }
}

/// What came of handing an event over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It is taken: 200 with a receipt.
    Taken,
    /// It can't be made sense of: 400 with this reason, and it isn't repeated.
    Malformed(String),
    /// It wasn't taken: 500 with this reason, and it is repeated.
    Failed(String),
    /// Somebody else has answered, and that is passed on as it is.
    Answered(Reply),
}

impl Verdict {
    /// Whether Market will count the event as taken.
    #[must_use]
    pub fn is_taken(&self) -> bool {
        match self {
            Self::Taken => true,
            Self::Answered(reply) => reply.taken,
            Self::Malformed(_) | Self::Failed(_) => false,
        }
    }
}

impl<E: Display> From<Result<(), E>> for Verdict {
    fn from(taken: Result<(), E>) -> Self {
        match taken {
            Ok(()) => Self::Taken,
            Err(error) => Self::Failed(error.to_string()),
        }
    }
}

/// An answer of somebody else.
#[derive(Clone, PartialEq, Eq)]
pub struct Reply {
    /// Its status.
    pub status: StatusCode,
    /// Its `Content-Type`.
    pub content_type: Option<String>,
    /// Its body.
    pub body: Bytes,
    /// Whether Market will count it as taken: a 200 with a complete receipt.
    pub taken: bool,
}

impl fmt::Debug for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Reply");
        shown.field("status", &self.status).field("taken", &self.taken);
        shown.finish_non_exhaustive()
    }
}

/// Into the queue of [`Events`](super::Events), as soon as there is room.
pub(super) struct Queue(pub(super) mpsc::Sender<Event>);

#[async_trait]
impl Take for Queue {
    async fn take(&self, event: Event) -> Verdict {
        match self.0.send(event).await {
            Ok(()) => Verdict::Taken,
            Err(_) => Verdict::Failed("nobody takes events any more".to_owned()),
        }
    }
}

/// Into a function of the program.
pub(super) struct Call<F>(pub(super) F);

#[async_trait]
impl<F, Taken, E> Take for Call<F>
where
    F: Fn(Event) -> Taken + Send + Sync,
    Taken: Future<Output = Result<(), E>> + Send,
    E: Display,
{
    async fn take(&self, event: Event) -> Verdict {
        (self.0)(event).await.into()
    }
}
