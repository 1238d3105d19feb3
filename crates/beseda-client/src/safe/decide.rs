//! Whether a message that was sent without a clear answer is in the chat: looking until it is certain. It sends nothing.

use beseda_api::{BusinessId, ChatId, ChatsApi, Error, ErrorKind, MessageId};
use jiff::Timestamp;

use super::{Safety, Trace, after, trace_all};
use crate::{ChatsExt, ErrorExt, Failure};

/// What an error says of a send.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// Nothing was written, and nothing will be.
    NotDone,
    /// It may have been written, or may yet be.
    Doubtful {
        /// The service itself answered, so it isn't working on it any more.
        heard: bool,
    },
}

impl Fate {
    /// Sorts an error of a send. One that isn't of this client leaves a doubt.
    #[must_use]
    pub fn of(error: &Error) -> Self {
        if error.kind().is_some() {
            return Self::NotDone;
        }
        match error.failure() {
            Some(failure) if !failure.may_have_been_done() => Self::NotDone,
            // Other 5xx are of proxies, behind which the service may be busy with it still.
            Some(Failure::Undocumented { status: 500 | 501 | 503, .. }) => {
                Self::Doubtful { heard: true }
            }
            _ => Self::Doubtful { heard: false },
        }
    }
}

/// What isn't known of the last of some messages that were sent one after the other.
#[derive(Debug, Clone, Copy)]
pub struct Doubt<'a> {
    /// The cabinet.
    pub business: BusinessId,
    /// The chat.
    pub chat: ChatId,
    /// The last message known before the first of them was sent; `None` if the chat was empty.
    pub since: Option<MessageId>,
    /// What they look like, in their order; the last one is in doubt.
    pub traces: &'a [Trace],
    /// From then on it can no longer arrive; see [`Safety::settled_at`].
    pub settled: Timestamp,
    /// A history that can't be read is tried until then.
    pub give_up: Timestamp,
}

/// What a look into the history says.
#[derive(Debug)]
pub enum Decision {
    /// It is there: the ids of all of them, as far as they were found, the last one for sure.
    Found(Vec<Option<MessageId>>),
    /// It is not there and will not get there: the ids of those before it, as far as they were found.
    Absent(Vec<Option<MessageId>>),
    /// The history can't be read.
    Unreadable(Error),
}

impl Safety {
    /// Looks into the history until it is certain.
    pub async fn decide<A: ChatsApi + ?Sized>(&self, api: &A, doubt: Doubt<'_>) -> Decision {
        let mut looks = 0;
        loop {
            let now = self.now();
            let pause = after(now, self.pause_after(looks));
            let next = match api.history_sorted(doubt.business, doubt.chat, doubt.since).await {
                Ok(history) => {
                    let ids = trace_all(&history, doubt.since, doubt.traces);
                    if ids.last().is_some_and(Option::is_some) {
                        return Decision::Found(ids);
                    }
                    if now >= doubt.settled {
                        return Decision::Absent(ids);
                    }
                    pause.min(doubt.settled)
                }
                Err(error) => {
                    let hopeless = error.kind().is_some_and(|r| r != ErrorKind::LimitExceeded);
                    if hopeless || (now >= doubt.settled && pause > doubt.give_up) {
                        return Decision::Unreadable(error);
                    }
                    pause
                }
            };
            self.timer.sleep_until(next).await;
            looks += 1;
        }
    }
}
