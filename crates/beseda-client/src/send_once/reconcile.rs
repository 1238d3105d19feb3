//! Reconciliation of an uncertain send: reads the history until it is certain whether the message
//! was delivered.

use std::ops::ControlFlow;

use beseda_api::{BusinessId, ChatId, ChatsApi, Error, ErrorKind, MessageId};
use jiff::Timestamp;

use super::{Fingerprint, SendOnceOptions, after, match_all};
use crate::{ChatsExt, ClientError, ErrorExt};

/// Class of a send error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SendErrorClass {
    /// The message was not delivered and will not be.
    NotSent,
    /// The message may have been delivered, or may still be.
    Uncertain {
        /// True if the service itself responded, so that it is no longer processing the request.
        responded: bool,
    },
}

impl SendErrorClass {
    /// Classifies an error of a send. An error of another origin is uncertain.
    #[must_use]
    pub fn of(error: &Error) -> Self {
        if error.kind().is_some() {
            return Self::NotSent;
        }
        match error.client_error() {
            Some(failure) if !failure.may_have_been_done() => Self::NotSent,
            // Other 5xx come from proxies; the service behind them may still be processing the
            // request.
            Some(ClientError::Undocumented { status: 500 | 501 | 503, .. }) => {
                Self::Uncertain { responded: true }
            }
            _ => Self::Uncertain { responded: false },
        }
    }
}

/// Uncertain send: the last of some messages that were sent one after the other.
#[derive(Debug, Clone, Copy)]
pub struct UncertainSend<'a> {
    /// Cabinet.
    pub business: BusinessId,
    /// Chat.
    pub chat: ChatId,
    /// Last known message before the first of them was sent; `None` if the chat was empty.
    pub since: Option<MessageId>,
    /// Fingerprints of the messages in order; the last one is uncertain.
    pub fingerprints: &'a [Fingerprint],
    /// Time from which the message can no longer arrive; see [`SendOnceOptions::settled_at`].
    pub settled: Timestamp,
    /// Time until which an unreadable history is retried.
    pub give_up: Timestamp,
}

/// Result of a reconciliation.
#[derive(Debug)]
pub enum Reconciliation {
    /// The message was delivered. Ids of all messages as far as found; the last one is certain.
    Found(Vec<Option<MessageId>>),
    /// The message was not delivered and will not be. Ids of the earlier messages as far as found.
    Absent(Vec<Option<MessageId>>),
    /// The history can't be read.
    HistoryUnavailable(Error),
}

impl SendOnceOptions {
    /// Reads the history until the outcome is certain.
    pub async fn reconcile<A: ChatsApi + ?Sized>(
        &self,
        api: &A,
        uncertain: UncertainSend<'_>,
    ) -> Reconciliation {
        let UncertainSend { business, chat, since, fingerprints, settled, give_up } = uncertain;
        let mut reads = 0;
        loop {
            let now = self.now();
            let next = match api.history_sorted(business, chat, since).await {
                Ok(history) => {
                    let ids = match_all(&history, since, fingerprints);
                    match self.reconcile_step(ids, now, reads, settled) {
                        ControlFlow::Break(reconciliation) => return reconciliation,
                        ControlFlow::Continue(next) => next,
                    }
                }
                Err(error) => {
                    let pause = after(now, self.pause_after(reads));
                    let hopeless = error.kind().is_some_and(|r| r != ErrorKind::LimitExceeded);
                    if hopeless || (now >= settled && pause > give_up) {
                        return Reconciliation::HistoryUnavailable(error);
                    }
                    pause
                }
            };
            self.timer.sleep_until(next).await;
            reads += 1;
        }
    }

    /// Returns the result of one read of the history, or the time of the next read if the message
    /// is not there but may still arrive. [`SendOnceOptions::reconcile`] is a loop of this step.
    ///
    /// `ids` has an entry for each message sent, the uncertain one last; `read_at` is the time
    /// before the history was read, `reads` the number of reads before it.
    pub fn reconcile_step(
        &self,
        ids: Vec<Option<MessageId>>,
        read_at: Timestamp,
        reads: u32,
        settled: Timestamp,
    ) -> ControlFlow<Reconciliation, Timestamp> {
        if ids.last().is_some_and(Option::is_some) {
            return ControlFlow::Break(Reconciliation::Found(ids));
        }
        if read_at >= settled {
            return ControlFlow::Break(Reconciliation::Absent(ids));
        }
        ControlFlow::Continue(after(read_at, self.pause_after(reads)).min(settled))
    }
}
