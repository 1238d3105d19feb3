//! History sync: reads chats from the last complete message to the end, page by page.

use std::{
    collections::HashSet,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU32, Ordering},
    },
};

use beseda_api::{
    BusinessId, HistoryFrom, Limit, Message, MessagePage, PageRequest, PageToken, Time,
};
use futures::{StreamExt, TryStreamExt, stream};
use jiff::{SignedDuration, Timestamp};

use super::{PARALLEL, SyncEvent, Syncer, retry, retry::ErrorScope};
use crate::{
    Error, Result,
    archive::{HistoryProgress, SECOND, SyncState, from_nanos, to_nanos},
};

/// Number of due chats queried at once.
const BATCH: u32 = 200;
/// Time after which a date in whole seconds has certainly passed.
const SETTLED: SignedDuration = SignedDuration::from_secs(2);
/// Age from which a time is in the past by any clock.
const RECENT: SignedDuration = SignedDuration::from_hours(24);
/// Number of consecutive failures that are attributed to single chats.
const PATIENCE: u32 = 3;

/// Reason for reading a chat.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ReadCause {
    /// The listing shows an update.
    Listed,
    /// A notification named a message; the listing may be older.
    Hinted,
}

/// Failures of single chats.
#[derive(Default)]
struct Failures {
    in_a_row: AtomicU32,
    first: Mutex<Option<Error>>,
}

impl Syncer {
    /// Reads every chat with missing messages, and those to be read again.
    pub(super) async fn read_due(&self, business: BusinessId, again: Vec<SyncState>) -> Result<()> {
        let due = self.archive.count_due(business)?;
        if due == 0 && again.is_empty() {
            return Ok(());
        }
        self.add(|tally| tally.chats_due += due);
        let newest = self.archive.newest(business)?.unwrap_or(i64::MIN);
        let failures = Failures::default();
        let unsettled = Mutex::new(Vec::new());
        stream::iter(again)
            .map(Ok)
            .chain(self.due(business))
            .try_for_each_concurrent(PARALLEL, |standing| {
                let (failures, unsettled) = (&failures, &unsettled);
                async move {
                    if self.settled_at(&standing, newest) > self.clock.now() {
                        let mut waiting = unsettled.lock().unwrap_or_else(PoisonError::into_inner);
                        waiting.push(standing);
                        return Ok(());
                    }
                    self.read_or_skip(standing, failures).await
                }
            })
            .await?;
        // Messages may still be added in the current second; read these chats once it has passed.
        for standing in unsettled.into_inner().unwrap_or_else(PoisonError::into_inner) {
            self.timer.sleep_until(self.settled_at(&standing, newest)).await;
            self.read_or_skip(standing, &failures).await?;
        }
        let first = failures.first.into_inner().unwrap_or_else(PoisonError::into_inner);
        first.map_or(Ok(()), Err)
    }

    fn due(&self, business: BusinessId) -> impl futures::Stream<Item = Result<SyncState>> {
        let batches = stream::try_unfold(None, move |after| async move {
            let batch = self.archive.due(business, after, BATCH)?;
            let last = batch.last().map(|last| (last.updated_at, last.key.chat_id));
            Ok::<_, Error>(last.map(|last| (stream::iter(batch.into_iter().map(Ok)), Some(last))))
        });
        batches.try_flatten()
    }

    /// Returns the time from which no message can be added at the chat's last update.
    fn settled_at(&self, standing: &SyncState, newest: i64) -> Timestamp {
        let in_newest_second = standing.updated_at > newest.saturating_sub(SECOND);
        let recent = retry::later(from_nanos(standing.updated_at), RECENT) > self.clock.now();
        let coarse = is_whole(standing.updated_at) && in_newest_second && recent;
        let read_too_early = standing.synced_at.is_some_and(|at| is_whole(at.saturating_add(1)));
        if standing.is_due() && (coarse || read_too_early) {
            // A clock that was set back must not prolong the wait.
            let seen = from_nanos(standing.seen_at).min(self.clock.now());
            retry::later(seen, SETTLED)
        } else {
            Timestamp::MIN
        }
    }

    /// Reads a chat. Its failure is kept for later, unless it concerns all chats.
    async fn read_or_skip(&self, standing: SyncState, failures: &Failures) -> Result<()> {
        let error = match self.read_chat(standing, ReadCause::Listed).await {
            Ok(()) => {
                failures.in_a_row.store(0, Ordering::Relaxed);
                return Ok(());
            }
            Err(error) => error,
        };
        let in_a_row = failures.in_a_row.fetch_add(1, Ordering::Relaxed) + 1;
        match retry::reach(&error) {
            ErrorScope::All => return Err(error),
            ErrorScope::Unclear if in_a_row >= PATIENCE => return Err(error),
            ErrorScope::Unclear | ErrorScope::One | ErrorScope::Gone => {}
        }
        self.add(|tally| tally.chats_failed += 1);
        self.tell(&SyncEvent::Skipped(&error));
        failures.first.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
        Ok(())
    }

    /// Reads a chat's history to its end. A chat the service no longer has is kept but not read
    /// again.
    pub(super) async fn read_chat(&self, standing: SyncState, cause: ReadCause) -> Result<()> {
        match self.read_history(standing, cause).await {
            Err(error) if retry::reach(&error) == ErrorScope::Gone => {
                let (key, now) = (standing.key, self.clock.now());
                self.add(|tally| tally.chats_gone += 1);
                self.write(move |write| write.gone(key.business_id, key.chat_id, now)).await
            }
            done => done,
        }
    }

    async fn read_history(&self, standing: SyncState, cause: ReadCause) -> Result<()> {
        let key = standing.key;
        let began = self.clock.now();
        let known = self.archive.cabinet(key.business_id)?.and_then(|known| known.history_ordered);
        let mut walk = HistoryWalk::new(standing, cause, began, known);
        let page = PageRequest::first(Limit::MAX);
        let mut from = HistoryFrom { message_id_from: standing.whole_to, page };
        let mut followed: HashSet<PageToken> = HashSet::new();
        loop {
            self.add(|tally| tally.calls.get_chat_history += 1);
            let answer =
                self.api.get_chat_history(key.business_id, key.chat_id, from.clone()).await?;
            let MessagePage { messages, paging, .. } = answer;
            walk.see(&messages);
            let next = paging.next_page_token;
            self.keep_page(&walk, messages, next.is_none()).await?;
            match next {
                None => break,
                Some(token) if !followed.insert(token.clone()) => {
                    let text = "the service repeats a page token: the history has no end";
                    return Err(beseda_api::Error::internal(text).into());
                }
                Some(token) => from.page = from.page.after(token),
            }
        }
        self.add(|tally| tally.chats_read += 1);
        Ok(())
    }

    async fn keep_page(
        &self,
        walk: &HistoryWalk,
        messages: Vec<Message>,
        last: bool,
    ) -> Result<()> {
        let key = walk.standing.key;
        let reading = walk.reading(last);
        let order = walk.order(last);
        let (newest, now) = (walk.later_than_listed().filter(|_| last), self.clock.now());
        let new = self
            .write(move |write| {
                if let Some(kept) = order {
                    write.history_order(key.business_id, kept)?;
                }
                if let Some(newest) = newest {
                    write.updated(key.business_id, key.chat_id, newest, now)?;
                }
                write.page(key.business_id, key.chat_id, &messages, reading)
            })
            .await?;
        self.add(|tally| tally.messages += new);
        Ok(())
    }
}

/// Pass over a history with its observations.
struct HistoryWalk {
    standing: SyncState,
    cause: ReadCause,
    began: Timestamp,
    /// True if the cabinet's histories are sorted oldest first, as far as known before.
    known: Option<bool>,
    /// True if this one has been sorted so far.
    ordered: bool,
    pages: u32,
    largest: Option<beseda_api::MessageId>,
    /// Latest date.
    newest: Option<Time>,
}

impl HistoryWalk {
    fn new(standing: SyncState, cause: ReadCause, began: Timestamp, known: Option<bool>) -> Self {
        Self { standing, cause, began, known, ordered: true, pages: 0, largest: None, newest: None }
    }

    fn see(&mut self, messages: &[Message]) {
        let ids = || messages.iter().map(|message| message.message_id);
        let rises = ids().is_sorted();
        let goes_on =
            ids().next().is_none_or(|first| self.largest.is_none_or(|last| first >= last));
        self.ordered &= rises && goes_on;
        self.pages += 1;
        self.largest = ids().max().max(self.largest);
        let dates = messages.iter().map(|message| message.created_at);
        self.newest = dates.max_by_key(|date| date.timestamp()).max(self.newest);
    }

    /// Returns the sync progress of this page. Another reader may have stored later messages meanwhile, but not yet those
    /// before them. A page in the middle means that nothing before it is missing only if histories are known to be sorted
    /// oldest first.
    fn reading(&self, last: bool) -> HistoryProgress {
        let so_far = last || (self.known == Some(true) && self.ordered);
        let finished = last.then(|| self.finished());
        HistoryProgress { whole_to: self.largest.filter(|_| so_far), finished }
    }

    /// Returns what to record about the order: a break immediately, none after two or more pages.
    fn order(&self, last: bool) -> Option<bool> {
        match self.known {
            Some(false) => None,
            _ if !self.ordered => Some(false),
            None if last && self.pages > 1 => Some(true),
            _ => None,
        }
    }

    /// Returns the `updatedAt` up to which the history is complete.
    fn finished(&self) -> i64 {
        let newest = self.newest.map(|newest| to_nanos(newest.timestamp()));
        let listed = self.standing.updated_at;
        // More messages may follow in the current second, with the same date.
        let surely = |at| if is_whole(at) || is_whole(listed) { floor(at) - 1 } else { at };
        if self.cause == ReadCause::Hinted {
            return newest.map_or(i64::MIN, surely);
        }
        match newest {
            Some(newest) if newest > listed => surely(newest).max(listed),
            None if self.standing.whole_to.is_none() => listed,
            Some(newest) if newest == listed => listed,
            // The listing knows a message that the history doesn't show yet: read again once it has
            // settled.
            _ if self.began < retry::later(from_nanos(self.standing.seen_at), SETTLED) => {
                floor(listed) - 1
            }
            _ => listed,
        }
    }

    /// Returns the date of the last message if it is later than listed.
    fn later_than_listed(&self) -> Option<Time> {
        let listed = self.standing.updated_at;
        self.newest.filter(|newest| {
            let at = to_nanos(newest.timestamp());
            at > listed && !(is_whole(listed) && floor(at) == listed)
        })
    }
}

fn is_whole(at: i64) -> bool {
    at.rem_euclid(SECOND) == 0
}

fn floor(at: i64) -> i64 {
    at - at.rem_euclid(SECOND)
}
