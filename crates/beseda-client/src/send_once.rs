//! Sends whose delivery is confirmed: after a lost response the history decides whether the message was delivered, and only a
//! message that is certainly not in the chat is sent again. A message that must survive a crash of the program goes through
//! `beseda-outbox`.
//!
//! The API returns no id for a sent message and accepts no idempotency key. The history is the only evidence:
//!
//! - **An API error** (4xx, rate limits included) and **a failed connection** mean that nothing was written.
//! - **A timeout, a broken connection, 5xx and a response that is not the API's** are uncertain. The history is read from the
//!   last message known before the attempt; a later message of the shop with the same text (or a file of the same size and
//!   name) is the one that was sent. It was *delivered*.
//! - If it is not there, it may still arrive. After a 500, 501 or 503 of the service itself a second look after
//!   [`SendOnceOptions::recheck_delay`] is enough; after anything else [`SendOnceOptions::settle_time`] must pass since the
//!   failure. Only then the message is *not delivered*, and only then it is sent again.
//! - If the history can't be read, the outcome is *unknown*, and nothing is sent again.
//!
//! **Guarantee**: if the outcome is delivered or not delivered, the chat contains the message once or not at all, provided that
//! nobody else sends the same text as the shop between the last known message and the look, the service writes nothing later
//! than `settle_time` after the connection broke, and it keeps texts (apart from surrounding blanks and line endings) and sizes
//! of files as they were sent. A future that is dropped halfway decides nothing.

mod fingerprint;
mod reconcile;

use std::{fmt, sync::Arc, time::Duration};

use async_trait::async_trait;
use beseda_api::{
    BusinessId, ChatId, ChatsApi, Clock, Error, ErrorKind, FileName, FileUpload, MessageId,
    MessageText, Result, SystemClock, Timer,
};
use bytes::Bytes;
use jiff::Timestamp;

pub use self::{
    fingerprint::{Fingerprint, match_all},
    reconcile::{Reconciliation, SendErrorClass, UncertainSend},
};
use crate::{ChatsExt, ClientError, ErrorExt, SystemTimer};

/// Message to send, kept so that it can be sent again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OutgoingMessage {
    /// Text.
    Text(MessageText),
    /// File.
    File {
        /// Name.
        name: FileName,
        /// Content.
        content: Bytes,
    },
}

impl OutgoingMessage {
    /// Creates a text message.
    ///
    /// # Errors
    ///
    /// 400 if the text is invalid.
    pub fn text(text: impl Into<String>) -> Result<Self> {
        MessageText::new(text).map(Self::Text)
    }

    /// Creates a file message.
    #[must_use]
    pub fn file(name: &str, content: impl Into<Bytes>) -> Self {
        Self::File { name: FileName::new(name), content: content.into() }
    }

    /// Sends the message once, without confirming its delivery.
    ///
    /// # Errors
    ///
    /// As the operation.
    pub async fn send<A>(&self, api: &A, business: BusinessId, chat: ChatId) -> Result<()>
    where
        A: ChatsApi + ?Sized,
    {
        match self {
            Self::Text(text) => api.send_message_to_chat(business, chat, text.clone()).await,
            Self::File { name, content } => {
                let file = FileUpload::from_bytes(name.as_str(), content.clone());
                api.send_file_to_chat(business, chat, file).await
            }
        }
    }
}

impl From<MessageText> for OutgoingMessage {
    fn from(text: MessageText) -> Self {
        Self::Text(text)
    }
}

/// Outcome of a send.
#[derive(Debug)]
#[must_use]
pub enum SendOutcome {
    /// The message is in the chat.
    Delivered {
        /// Message id, if the history was read.
        message_id: Option<MessageId>,
        /// Source of the certainty.
        confirmation: Confirmation,
    },
    /// The message is not in the chat and will not be, because of this error.
    NotDelivered(Error),
    /// The message may be in the chat: the send failed with this error and the history could not be
    /// read.
    Unknown(Error),
}

impl SendOutcome {
    /// Returns `true` if the message is certainly in the chat.
    #[must_use]
    pub fn is_delivered(&self) -> bool {
        matches!(self, Self::Delivered { .. })
    }
}

/// Source of the certainty that a message was delivered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Confirmation {
    /// The service responded with success.
    Response,
    /// The message was found in the history, although the response was lost.
    History,
}

/// Options of a send with confirmed delivery.
#[derive(Clone)]
#[must_use]
pub struct SendOnceOptions {
    /// Time after a timeout in which a request may still arrive. Defaults to 12 s: the published
    /// service gives up on a request after 10 s.
    pub settle_time: Duration,
    /// Time after a 500, 501 or 503 of the service in which a request may still arrive. Defaults to
    /// 1 s.
    pub recheck_delay: Duration,
    /// Maximum number of retries, each only if the message is certainly not in the chat. Defaults
    /// to 3.
    pub max_retries: u32,
    /// Total time budget. Defaults to 2 minutes. The outcome of the last attempt is determined even
    /// after it.
    pub deadline: Duration,
    /// Pause before the first retry; doubled for each further one.
    pub initial_backoff: Duration,
    /// Maximum pause between retries.
    pub max_backoff: Duration,
    /// Reads the history after a success too, to find the message's id. Defaults to `false`.
    pub confirm_id: bool,
    /// Clock. Defaults to the system clock.
    pub clock: Arc<dyn Clock>,
    /// Timer of the clock.
    pub timer: Arc<dyn Timer>,
}

impl Default for SendOnceOptions {
    fn default() -> Self {
        Self {
            settle_time: Duration::from_secs(12),
            recheck_delay: Duration::from_secs(1),
            max_retries: 3,
            deadline: Duration::from_secs(120),
            initial_backoff: Duration::from_millis(500),
            max_backoff: Duration::from_secs(10),
            confirm_id: false,
            clock: Arc::new(SystemClock),
            timer: Arc::new(SystemTimer),
        }
    }
}

impl fmt::Debug for SendOnceOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("SendOnceOptions");
        shown.field("settle_time", &self.settle_time).field("recheck_delay", &self.recheck_delay);
        shown.field("max_retries", &self.max_retries).field("deadline", &self.deadline);
        shown.finish_non_exhaustive()
    }
}

impl SendOnceOptions {
    /// Sets clock and timer.
    pub fn by(mut self, clock: Arc<dyn Clock>, timer: Arc<dyn Timer>) -> Self {
        (self.clock, self.timer) = (clock, timer);
        self
    }

    /// Returns the current time of the clock.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Waits for this duration.
    pub async fn pause(&self, long: Duration) {
        self.timer.sleep_until(after(self.now(), long)).await;
    }

    /// Returns the pause after so many retries.
    #[must_use]
    pub fn pause_after(&self, retries: u32) -> Duration {
        let factor = 1_u32.checked_shl(retries.min(20)).unwrap_or(u32::MAX);
        self.initial_backoff.saturating_mul(factor).min(self.max_backoff)
    }

    /// Returns the time from which a send that has just failed can no longer arrive.
    #[must_use]
    pub fn settled_at(&self, responded: bool) -> Timestamp {
        after(self.now(), if responded { self.recheck_delay } else { self.settle_time })
    }
}

/// Returns a time plus a duration, saturating.
fn after(moment: Timestamp, long: Duration) -> Timestamp {
    moment.checked_add(long).unwrap_or(Timestamp::MAX)
}

/// Sending at most once over any `ChatsApi`; see the [module](self).
#[async_trait]
pub trait SendOnce: ChatsApi {
    /// Sends a text or a file at most once.
    ///
    /// `since` is the last message of the chat known to the caller. It must be recent: an equal
    /// text after it is taken for this one. With `None` the history is read to its end before
    /// anything is sent.
    async fn send_once(
        &self,
        business: BusinessId,
        chat: ChatId,
        what: OutgoingMessage,
        since: Option<MessageId>,
        options: &SendOnceOptions,
    ) -> SendOutcome {
        let give_up = after(options.now(), options.deadline);
        let since = match since {
            Some(since) => Some(since),
            None => match self.newest_message(business, chat).await {
                Ok(newest) => newest,
                Err(error) => return SendOutcome::NotDelivered(error),
            },
        };
        let fingerprint = [Fingerprint::of(&what)];
        let uncertain = |settled| UncertainSend {
            business,
            chat,
            since,
            fingerprints: &fingerprint,
            settled,
            give_up,
        };
        let mut retries = 0;
        loop {
            let Err(error) = what.send(self, business, chat).await else {
                return answered(self, &uncertain(options.now()), options).await;
            };
            match SendErrorClass::of(&error) {
                SendErrorClass::NotSent if !error.is_retryable() => {
                    return SendOutcome::NotDelivered(error);
                }
                SendErrorClass::NotSent => {}
                SendErrorClass::Uncertain { responded } => {
                    match options.reconcile(self, uncertain(options.settled_at(responded))).await {
                        Reconciliation::Found(ids) => {
                            return SendOutcome::Delivered {
                                message_id: ids[0],
                                confirmation: Confirmation::History,
                            };
                        }
                        Reconciliation::Absent(_) => {}
                        Reconciliation::HistoryUnavailable(_) => {
                            return SendOutcome::Unknown(error);
                        }
                    }
                }
            }
            let now = options.now();
            let pause = after(now, options.pause_after(retries));
            let next = limit_reset(&error).map_or(pause, |reset| reset.max(pause));
            if retries >= options.max_retries || next > give_up {
                return SendOutcome::NotDelivered(error);
            }
            options.timer.sleep_until(next).await;
            retries += 1;
        }
    }

    /// Returns the last message of a chat by reading its history to the end, or `None` if it is
    /// empty.
    ///
    /// # Errors
    ///
    /// As getChatHistory.
    async fn newest_message(
        &self,
        business: BusinessId,
        chat: ChatId,
    ) -> Result<Option<MessageId>> {
        let messages = self.history_sorted(business, chat, None).await?;
        Ok(messages.last().map(|message| message.message_id))
    }
}

#[async_trait]
impl<T: ChatsApi + ?Sized> SendOnce for T {}

/// Returns the outcome of a send that succeeded. An id that can't be determined is not an error.
async fn answered<A: ChatsApi + ?Sized>(
    api: &A,
    uncertain: &UncertainSend<'_>,
    options: &SendOnceOptions,
) -> SendOutcome {
    let mut message_id = None;
    if options.confirm_id
        && let Ok(found) =
            api.history_sorted(uncertain.business, uncertain.chat, uncertain.since).await
    {
        message_id = match_all(&found, uncertain.since, uncertain.fingerprints)[0];
    }
    SendOutcome::Delivered { message_id, confirmation: Confirmation::Response }
}

/// Returns the end of the hour if the limit of it is used up, according to the service or to the
/// client's rate limiter.
#[must_use]
pub fn limit_reset(error: &Error) -> Option<Timestamp> {
    if let Some(ClientError::OverLimit { until, .. }) = error.client_error() {
        return *until;
    }
    let limit = error.answer().and_then(|answer| answer.limit);
    let used_up = limit.filter(|limit| limit.remaining == 0);
    used_up.filter(|_| error.kind() == Some(ErrorKind::LimitExceeded)).map(|limit| limit.until)
}
