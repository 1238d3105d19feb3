//! Whether a message that was sent without a clear answer is in the chat: looking until it is certain. It sends nothing.

use beseda_api::{BusinessId, ChatId, ChatsApi, Error, ErrorKind, MessageId};
use jiff::Timestamp;

use super::{Fingerprint, SendOnceOptions, after, match_all};
use crate::{ChatsExt, ClientError, ErrorExt};

/// What an error says of a send.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SendErrorClass {
    /// Nothing was written, and nothing will be.
    NotSent,
    /// It may have been written, or may yet be.
    Uncertain {
        /// The service itself answered, so it isn't working on it any more.
        responded: bool,
    },
}

impl SendErrorClass {
    /// Sorts an error of a send. One that isn't of this client leaves a uncertain.
    #[must_use]
    pub fn of(error: &Error) -> Self {
        if error.kind().is_some() {
            return Self::NotSent;
        }
        match error.client_error() {
            Some(failure) if !failure.may_have_been_done() => Self::NotSent,
            // Other 5xx are of proxies, behind which the service may be busy with it still.
            Some(ClientError::Undocumented { status: 500 | 501 | 503, .. }) => {
                Self::Uncertain { responded: true }
            }
            _ => Self::Uncertain { responded: false },
        }
    }
}

/// What isn't known of the last of some messages that were sent one after the other.
#[derive(Debug, Clone, Copy)]
pub struct UncertainSend<'a> {
    /// The cabinet.
    pub business: BusinessId,
    /// The chat.
    pub chat: ChatId,
    /// The last message known before the first of them was sent; `None` if the chat was empty.
    pub since: Option<MessageId>,
    /// What they look like, in their order; the last one is in uncertain.
    pub fingerprints: &'a [Fingerprint],
    /// From then on it can no longer arrive; see [`SendOnceOptions::settled_at`].
    pub settled: Timestamp,
    /// A history that can't be read is tried until then.
    pub give_up: Timestamp,
}

/// What a look into the history says.
#[derive(Debug)]
pub enum Reconciliation {
    /// It is there: the ids of all of them, as far as they were found, the last one for sure.
    Found(Vec<Option<MessageId>>),
    /// It is not there and will not get there: the ids of those before it, as far as they were found.
    Absent(Vec<Option<MessageId>>),
    /// The history can't be read.
    HistoryUnavailable(Error),
}

impl SendOnceOptions {
    /// Looks into the history until it is certain.
    pub async fn reconcile<A: ChatsApi + ?Sized>(
        &self,
        api: &A,
        uncertain: UncertainSend<'_>,
    ) -> Reconciliation {
        let mut looks = 0;
        loop {
            let now = self.now();
            let pause = after(now, self.pause_after(looks));
            let next =
                match api.history_sorted(uncertain.business, uncertain.chat, uncertain.since).await
                {
                    Ok(history) => {
                        let ids = match_all(&history, uncertain.since, uncertain.fingerprints);
                        if ids.last().is_some_and(Option::is_some) {
                            return Reconciliation::Found(ids);
                        }
                        if now >= uncertain.settled {
                            return Reconciliation::Absent(ids);
                        }
                        pause.min(uncertain.settled)
                    }
                    Err(error) => {
                        let hopeless = error.kind().is_some_and(|r| r != ErrorKind::LimitExceeded);
                        if hopeless || (now >= uncertain.settled && pause > uncertain.give_up) {
                            return Reconciliation::HistoryUnavailable(error);
                        }
                        pause
                    }
                };
            self.timer.sleep_until(next).await;
            looks += 1;
        }
    }
}
