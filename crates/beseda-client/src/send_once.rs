//! Sending once: after a failure that leaves a uncertain the history decides, and only what is certainly not there is sent again.
//! Nothing is kept on disk here: what shall survive the end of the program goes through `beseda-outbox`.
//!
//! The API gives a sent message no id and takes no key that would make a repetition harmless. What is left is to look:
//!
//! - **A refusal** (4xx, limits included) and **a connection that was never made** mean that nothing was written.
//! - **Silence, a broken connection, 5xx and an answer that isn't the API's** leave a uncertain. The history is read from the last
//!   message known before the attempt; a message of the shop after it with the same text (or a file of the same size and name)
//!   is ours. It is *delivered*.
//! - If it isn't there, it may still arrive. After an answer 500, 501 or 503, which the service itself gave, a second look
//!   after [`SendOnceOptions::recheck_delay`] is enough; after anything else [`SendOnceOptions::settle_time`] has to pass since the failure was seen.
//!   Only then it is *not delivered*, and only then it is sent again.
//! - If the history can't be read, it is *unknown*, and nothing is sent again.
//!
//! **The guarantee**: if the outcome is delivered or not delivered, the chat holds the message once or not at all, as long as
//! nobody else writes the same text as the shop between the last known message and the look, the service writes nothing
//! later than `settle_time` after the connection broke, and it keeps texts as they were sent (blanks around them and the form of
//! line ends aside) and the sizes of files. A future that is dropped half way decides nothing.

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

/// What is to be sent, kept so that it can be sent again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OutgoingMessage {
    /// A text.
    Text(MessageText),
    /// A file.
    File {
        /// Its name.
        name: FileName,
        /// Its bytes.
        content: Bytes,
    },
}

impl OutgoingMessage {
    /// A text that keeps the bounds.
    ///
    /// # Errors
    /// 400 if it doesn't.
    pub fn text(text: impl Into<String>) -> Result<Self> {
        MessageText::new(text).map(Self::Text)
    }

    /// A file in memory.
    #[must_use]
    pub fn file(name: &str, content: impl Into<Bytes>) -> Self {
        Self::File { name: FileName::new(name), content: content.into() }
    }

    /// Sends it by the operation it needs, without any certainty.
    ///
    /// # Errors
    /// As that operation.
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

/// What came of a safe send.
#[derive(Debug)]
#[must_use]
pub enum SendOutcome {
    /// It is in the chat.
    Delivered {
        /// Its id, where the history was read.
        message_id: Option<MessageId>,
        /// Confirmation that is known.
        confirmation: Confirmation,
    },
    /// It is not in the chat and will not get there; this is why.
    NotDelivered(Error),
    /// It may be in the chat or get there; this is what came back, and the history couldn't be read.
    Unknown(Error),
}

impl SendOutcome {
    /// Whether it is in the chat for sure.
    #[must_use]
    pub fn is_delivered(&self) -> bool {
        matches!(self, Self::Delivered { .. })
    }
}

/// Confirmation it is known that a message was delivered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Confirmation {
    /// The service said so.
    Response,
    /// It stands in the history, although no such answer came.
    History,
}

/// Confirmation certain to be, and confirmation long to take for it.
#[derive(Clone)]
#[must_use]
pub struct SendOnceOptions {
    /// For so long after silence a request may still arrive; 12 seconds unless said: the published service gives up a
    /// request itself after 10.
    pub settle_time: Duration,
    /// The same after an answer 500, 501 or 503 of the service; 1 second unless said.
    pub recheck_delay: Duration,
    /// Confirmation many times it is sent again at most, each time only when it is certainly not there; 3 unless said.
    pub max_retries: u32,
    /// Confirmation long all of it may take; 2 minutes unless said. Whether the last attempt arrived is found out nevertheless.
    pub deadline: Duration,
    /// The pause before the first repetition; each further one doubles it.
    pub initial_backoff: Duration,
    /// The deadline pause of that kind.
    pub max_backoff: Duration,
    /// Whether the history is read after a success too, to learn the message's id; it isn't unless said.
    pub confirm_id: bool,
    /// Whose time it goes by; the machine's unless said.
    pub clock: Arc<dyn Clock>,
    /// What it waits by.
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
        let mut shown = f.debug_struct("Safety");
        shown.field("settle_time", &self.settle_time).field("recheck_delay", &self.recheck_delay);
        shown.field("max_retries", &self.max_retries).field("deadline", &self.deadline);
        shown.finish_non_exhaustive()
    }
}

impl SendOnceOptions {
    /// Goes by this time in place of the machine's.
    pub fn by(mut self, clock: Arc<dyn Clock>, timer: Arc<dyn Timer>) -> Self {
        (self.clock, self.timer) = (clock, timer);
        self
    }

    /// The moment it is.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Comes back after this time.
    pub async fn pause(&self, long: Duration) {
        self.timer.sleep_until(after(self.now(), long)).await;
    }

    /// The pause before the repetition after so many.
    #[must_use]
    pub fn pause_after(&self, max_retries: u32) -> Duration {
        let factor = 1_u32.checked_shl(max_retries.min(20)).unwrap_or(u32::MAX);
        self.initial_backoff.saturating_mul(factor).min(self.max_backoff)
    }

    /// When something that failed so can no longer arrive.
    #[must_use]
    pub fn settled_at(&self, responded: bool) -> Timestamp {
        after(self.now(), if responded { self.recheck_delay } else { self.settle_time })
    }
}

/// The moment this long after another.
fn after(moment: Timestamp, long: Duration) -> Timestamp {
    moment.checked_add(long).unwrap_or(Timestamp::MAX)
}

/// Sending once, over any `ChatsApi`; what that means stands at the top of this module.
#[async_trait]
pub trait SendOnce: ChatsApi {
    /// Sends a text or a file once.
    ///
    /// `since` is the last message of the chat that the caller knows, which has to be fresh: an equal text after it is taken
    /// for this one. With `None` the history is read to its end before anything is sent.
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
        let mut max_retries = 0;
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
            let next = next_attempt(&error, now).max(after(now, options.pause_after(max_retries)));
            if max_retries >= options.max_retries || next > give_up {
                return SendOutcome::NotDelivered(error);
            }
            options.timer.sleep_until(next).await;
            max_retries += 1;
        }
    }

    /// The last message of a chat, found by reading its history to the end; `None` if it is empty.
    ///
    /// # Errors
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

/// What is told of a send that was answered with success. An id that can't be learnt is no failure.
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

/// The earliest moment at which the same may succeed: the end of the hour if it is used up, otherwise now.
fn next_attempt(error: &Error, now: Timestamp) -> Timestamp {
    if let Some(ClientError::OverLimit { until, .. }) = error.client_error() {
        return until.map_or(now, |until| until.max(now));
    }
    let limit = error.answer().and_then(|answer| answer.limit);
    let used_up = limit.filter(|limit| limit.remaining == 0);
    match used_up {
        Some(limit) if error.kind() == Some(ErrorKind::LimitExceeded) => limit.until.max(now),
        _ => now,
    }
}
