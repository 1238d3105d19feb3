//! Sending once: after a failure that leaves a doubt the history decides, and only what is certainly not there is sent again.
//! Nothing is kept on disk here: what shall survive the end of the program goes through `beseda-outbox`.
//!
//! The API gives a sent message no id and takes no key that would make a repetition harmless. What is left is to look:
//!
//! - **A refusal** (4xx, limits included) and **a connection that was never made** mean that nothing was written.
//! - **Silence, a broken connection, 5xx and an answer that isn't the API's** leave a doubt. The history is read from the last
//!   message known before the attempt; a message of the shop after it with the same text (or a file of the same size and name)
//!   is ours. It is *delivered*.
//! - If it isn't there, it may still arrive. After an answer 500, 501 or 503, which the service itself gave, a second look
//!   after [`Safety::second_look`] is enough; after anything else [`Safety::settle`] has to pass since the failure was seen.
//!   Only then it is *not delivered*, and only then it is sent again.
//! - If the history can't be read, it is *unknown*, and nothing is sent again.
//!
//! **The guarantee**: if the outcome is delivered or not delivered, the chat holds the message once or not at all, as long as
//! nobody else writes the same text as the shop between the last known message and the look, the service writes nothing
//! later than `settle` after the connection broke, and it keeps texts as they were sent (blanks around them and the form of
//! line ends aside) and the sizes of files. A future that is dropped half way decides nothing.

mod decide;
mod trace;

use std::{fmt, sync::Arc, time::Duration};

use async_trait::async_trait;
use beseda_api::{
    BusinessId, ChatId, ChatsApi, Clock, Error, ErrorKind, FileName, FileUpload, MessageId,
    MessageText, Result, SystemClock, Timer,
};
use bytes::Bytes;
use jiff::Timestamp;

pub use self::{
    decide::{Decision, Doubt, Fate},
    trace::{Trace, trace_all},
};
use crate::{ChatsExt, ErrorExt, Failure, SystemTimer};

/// What is to be sent, kept so that it can be sent again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outgoing {
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

impl Outgoing {
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

impl From<MessageText> for Outgoing {
    fn from(text: MessageText) -> Self {
        Self::Text(text)
    }
}

/// What came of a safe send.
#[derive(Debug)]
#[must_use]
pub enum Sent {
    /// It is in the chat.
    Delivered {
        /// Its id, where the history was read.
        message_id: Option<MessageId>,
        /// How that is known.
        how: How,
    },
    /// It is not in the chat and will not get there; this is why.
    NotDelivered(Error),
    /// It may be in the chat or get there; this is what came back, and the history couldn't be read.
    Unknown(Error),
}

impl Sent {
    /// Whether it is in the chat for sure.
    #[must_use]
    pub fn is_delivered(&self) -> bool {
        matches!(self, Self::Delivered { .. })
    }
}

/// How it is known that a message was delivered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum How {
    /// The service said so.
    Answered,
    /// It stands in the history, although no such answer came.
    Found,
}

/// How certain to be, and how long to take for it.
#[derive(Clone)]
#[must_use]
pub struct Safety {
    /// For so long after silence a request may still arrive; 12 seconds unless said: the published service gives up a
    /// request itself after 10.
    pub settle: Duration,
    /// The same after an answer 500, 501 or 503 of the service; 1 second unless said.
    pub second_look: Duration,
    /// How many times it is sent again at most, each time only when it is certainly not there; 3 unless said.
    pub repeats: u32,
    /// How long all of it may take; 2 minutes unless said. Whether the last attempt arrived is found out nevertheless.
    pub longest: Duration,
    /// The pause before the first repetition; each further one doubles it.
    pub first_pause: Duration,
    /// The longest pause of that kind.
    pub longest_pause: Duration,
    /// Whether the history is read after a success too, to learn the message's id; it isn't unless said.
    pub wants_id: bool,
    /// Whose time it goes by; the machine's unless said.
    pub clock: Arc<dyn Clock>,
    /// What it waits by.
    pub timer: Arc<dyn Timer>,
}

impl Default for Safety {
    fn default() -> Self {
        Self {
            settle: Duration::from_secs(12),
            second_look: Duration::from_secs(1),
            repeats: 3,
            longest: Duration::from_secs(120),
            first_pause: Duration::from_millis(500),
            longest_pause: Duration::from_secs(10),
            wants_id: false,
            clock: Arc::new(SystemClock),
            timer: Arc::new(SystemTimer),
        }
    }
}

impl fmt::Debug for Safety {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Safety");
        shown.field("settle", &self.settle).field("second_look", &self.second_look);
        shown.field("repeats", &self.repeats).field("longest", &self.longest);
        shown.finish_non_exhaustive()
    }
}

impl Safety {
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
    pub fn pause_after(&self, repeats: u32) -> Duration {
        let factor = 1_u32.checked_shl(repeats.min(20)).unwrap_or(u32::MAX);
        self.first_pause.saturating_mul(factor).min(self.longest_pause)
    }

    /// When something that failed so can no longer arrive.
    #[must_use]
    pub fn settled_at(&self, heard: bool) -> Timestamp {
        after(self.now(), if heard { self.second_look } else { self.settle })
    }
}

/// The moment this long after another.
fn after(moment: Timestamp, long: Duration) -> Timestamp {
    moment.checked_add(long).unwrap_or(Timestamp::MAX)
}

/// Sending once, over any `ChatsApi`; what that means stands at the top of this module.
#[async_trait]
pub trait SafeSend: ChatsApi {
    /// Sends a text or a file once.
    ///
    /// `since` is the last message of the chat that the caller knows, which has to be fresh: an equal text after it is taken
    /// for this one. With `None` the history is read to its end before anything is sent.
    async fn send_once(
        &self,
        business: BusinessId,
        chat: ChatId,
        what: Outgoing,
        since: Option<MessageId>,
        safety: &Safety,
    ) -> Sent {
        let give_up = after(safety.now(), safety.longest);
        let since = match since {
            Some(since) => Some(since),
            None => match self.newest_message(business, chat).await {
                Ok(newest) => newest,
                Err(error) => return Sent::NotDelivered(error),
            },
        };
        let trace = [Trace::of(&what)];
        let doubt = |settled| Doubt { business, chat, since, traces: &trace, settled, give_up };
        let mut repeats = 0;
        loop {
            let Err(error) = what.send(self, business, chat).await else {
                return answered(self, &doubt(safety.now()), safety).await;
            };
            match Fate::of(&error) {
                Fate::NotDone if !error.is_retryable() => return Sent::NotDelivered(error),
                Fate::NotDone => {}
                Fate::Doubtful { heard } => {
                    match safety.decide(self, doubt(safety.settled_at(heard))).await {
                        Decision::Found(ids) => {
                            return Sent::Delivered { message_id: ids[0], how: How::Found };
                        }
                        Decision::Absent(_) => {}
                        Decision::Unreadable(_) => return Sent::Unknown(error),
                    }
                }
            }
            let now = safety.now();
            let next = next_attempt(&error, now).max(after(now, safety.pause_after(repeats)));
            if repeats >= safety.repeats || next > give_up {
                return Sent::NotDelivered(error);
            }
            safety.timer.sleep_until(next).await;
            repeats += 1;
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
impl<T: ChatsApi + ?Sized> SafeSend for T {}

/// What is told of a send that was answered with success. An id that can't be learnt is no failure.
async fn answered<A: ChatsApi + ?Sized>(api: &A, doubt: &Doubt<'_>, safety: &Safety) -> Sent {
    let mut message_id = None;
    if safety.wants_id
        && let Ok(found) = api.history_sorted(doubt.business, doubt.chat, doubt.since).await
    {
        message_id = trace_all(&found, doubt.since, doubt.traces)[0];
    }
    Sent::Delivered { message_id, how: How::Answered }
}

/// The earliest moment at which the same may succeed: the end of the hour if it is used up, otherwise now.
fn next_attempt(error: &Error, now: Timestamp) -> Timestamp {
    if let Some(Failure::OverLimit { until, .. }) = error.failure() {
        return until.map_or(now, |until| until.max(now));
    }
    let limit = error.answer().and_then(|answer| answer.limit);
    let used_up = limit.filter(|limit| limit.remaining == 0);
    match used_up {
        Some(limit) if error.kind() == Some(ErrorKind::LimitExceeded) => limit.until.max(now),
        _ => now,
    }
}
