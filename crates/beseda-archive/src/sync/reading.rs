//! Histories: from the last message up to which nothing is missing, page by page to the end. Which chats are read
//! follows from the list or from a hint.

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

use super::{Event, PARALLEL, Syncer, trouble, trouble::Reach};
use crate::{
    Error, Result,
    archive::{Reading, SECOND, Standing, moment_of, nanos},
};

/// Chats that are looked up at once.
const BATCH: u32 = 200;
/// How long after it was first seen a date in whole seconds is past for sure.
const SETTLED: SignedDuration = SignedDuration::from_secs(2);
/// What is older than this by our clock is past by any clock.
const RECENT: SignedDuration = SignedDuration::from_hours(24);
/// Failures in a row that may be about one chat each, but hardly are.
const PATIENCE: u32 = 3;

/// Why a chat is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cause {
    /// The list says that it was updated.
    Listed,
    /// A message of it was told of, the list may not have been read since.
    Hinted,
}

/// What went wrong with chats while others were read.
#[derive(Default)]
struct Failures {
    in_a_row: AtomicU32,
    first: Mutex<Option<Error>>,
}

impl Syncer {
    /// Reads every chat of which messages are missing, and those that are to be looked into again.
    pub(super) async fn read_due(&self, business: BusinessId, again: Vec<Standing>) -> Result<()> {
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
        // What may still be written in the second that is going on is read once, when that has passed.
        for standing in unsettled.into_inner().unwrap_or_else(PoisonError::into_inner) {
            self.timer.sleep_until(self.settled_at(&standing, newest)).await;
            self.read_or_skip(standing, &failures).await?;
        }
        let first = failures.first.into_inner().unwrap_or_else(PoisonError::into_inner);
        first.map_or(Ok(()), Err)
    }

    fn due(&self, business: BusinessId) -> impl futures::Stream<Item = Result<Standing>> {
        let batches = stream::try_unfold(None, move |after| async move {
            let batch = self.archive.due(business, after, BATCH)?;
            let last = batch.last().map(|last| (last.updated_at, last.key.chat_id));
            Ok::<_, Error>(last.map(|last| (stream::iter(batch.into_iter().map(Ok)), Some(last))))
        });
        batches.try_flatten()
    }

    /// From when on nothing more can come at the moment the chat was updated.
    fn settled_at(&self, standing: &Standing, newest: i64) -> Timestamp {
        let in_newest_second = standing.updated_at > newest.saturating_sub(SECOND);
        let recent = trouble::later(moment_of(standing.updated_at), RECENT) > self.clock.now();
        let coarse = is_whole(standing.updated_at) && in_newest_second && recent;
        let read_too_early = standing.synced_at.is_some_and(|at| is_whole(at.saturating_add(1)));
        if standing.is_due() && (coarse || read_too_early) {
            // Seen by a clock that was set back since, it isn't waited for longer than otherwise.
            let seen = moment_of(standing.seen_at).min(self.clock.now());
            trouble::later(seen, SETTLED)
        } else {
            Timestamp::MIN
        }
    }

    /// Reads a chat. Its failure is kept for later, unless it is about all chats.
    async fn read_or_skip(&self, standing: Standing, failures: &Failures) -> Result<()> {
        let error = match self.read_chat(standing, Cause::Listed).await {
            Ok(()) => {
                failures.in_a_row.store(0, Ordering::Relaxed);
                return Ok(());
            }
            Err(error) => error,
        };
        let in_a_row = failures.in_a_row.fetch_add(1, Ordering::Relaxed) + 1;
        match trouble::reach(&error) {
            Reach::All => return Err(error),
            Reach::Unclear if in_a_row >= PATIENCE => return Err(error),
            Reach::Unclear | Reach::One | Reach::Gone => {}
        }
        self.add(|tally| tally.chats_failed += 1);
        self.tell(&Event::Skipped(&error));
        failures.first.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
        Ok(())
    }

    /// Reads a chat's history to its end. A chat the service doesn't have any more is kept, and asked for no more.
    pub(super) async fn read_chat(&self, standing: Standing, cause: Cause) -> Result<()> {
        match self.read_history(standing, cause).await {
            Err(error) if trouble::reach(&error) == Reach::Gone => {
                let (key, now) = (standing.key, self.clock.now());
                self.add(|tally| tally.chats_gone += 1);
                self.write(move |write| write.gone(key.business_id, key.chat_id, now)).await
            }
            done => done,
        }
    }

    async fn read_history(&self, standing: Standing, cause: Cause) -> Result<()> {
        let key = standing.key;
        let began = self.clock.now();
        let known = self.archive.cabinet(key.business_id)?.and_then(|known| known.history_ordered);
        let mut walk = Walk::new(standing, cause, began, known);
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

    async fn keep_page(&self, walk: &Walk, messages: Vec<Message>, last: bool) -> Result<()> {
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

/// One way through a history, and what was seen on it.
struct Walk {
    standing: Standing,
    cause: Cause,
    began: Timestamp,
    /// Whether histories of the cabinet come oldest first, as far as known before.
    known: Option<bool>,
    /// Whether this one does so far.
    ordered: bool,
    pages: u32,
    largest: Option<beseda_api::MessageId>,
    /// The latest date.
    newest: Option<Time>,
}

impl Walk {
    fn new(standing: Standing, cause: Cause, began: Timestamp, known: Option<bool>) -> Self {
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

    /// What this page means for the chat's progress, as far as this reading saw it: another one may have kept later
    /// messages meanwhile, and not yet those before them. Only where histories are known to come oldest first does a page
    /// in the middle mean that nothing before it is missing.
    fn reading(&self, last: bool) -> Reading {
        let so_far = last || (self.known == Some(true) && self.ordered);
        let finished = last.then(|| self.finished());
        Reading { whole_to: self.largest.filter(|_| so_far), finished }
    }

    /// What is to be remembered of the order: a break at once, that there was none after two pages or more.
    fn order(&self, last: bool) -> Option<bool> {
        match self.known {
            Some(false) => None,
            _ if !self.ordered => Some(false),
            None if last && self.pages > 1 => Some(true),
            _ => None,
        }
    }

    /// Up to which `updatedAt` the history is whole when it was read to its end.
    fn finished(&self) -> i64 {
        let newest = self.newest.map(|newest| nanos(newest.timestamp()));
        let listed = self.standing.updated_at;
        // More may come in a second that is going on, and its date would be the same.
        let surely = |at| if is_whole(at) || is_whole(listed) { floor(at) - 1 } else { at };
        if self.cause == Cause::Hinted {
            return newest.map_or(i64::MIN, surely);
        }
        match newest {
            Some(newest) if newest > listed => surely(newest).max(listed),
            None if self.standing.whole_to.is_none() => listed,
            Some(newest) if newest == listed => listed,
            // The list knows of a message that the history doesn't show yet: once more, when it has settled.
            _ if self.began < trouble::later(moment_of(self.standing.seen_at), SETTLED) => {
                floor(listed) - 1
            }
            _ => listed,
        }
    }

    /// The date of the last message, where it tells more than the list did.
    fn later_than_listed(&self) -> Option<Time> {
        let listed = self.standing.updated_at;
        self.newest.filter(|newest| {
            let at = nanos(newest.timestamp());
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
