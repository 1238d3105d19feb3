//! Request journal: the latest exchanges with their verdicts, without secrets.

mod curl;
mod entry;
mod redact;
mod size;

use std::{
    collections::VecDeque,
    sync::{Mutex, MutexGuard, PoisonError},
};

use tokio::sync::{broadcast, watch};

pub use entry::{HttpMessage, JournalEntry, JournalQuery, JournalVerdict};

pub(crate) use curl::line as curl_line;
pub(crate) use redact::{body as redacted_body, header as redacted_header};

/// Maximum number of entries.
const MAX_ENTRIES: usize = 2_000;
/// Maximum memory of all entries, in bytes.
const MAX_BYTES: usize = 16 * 1024 * 1024;
/// Maximum number of entries a subscriber may lag behind before some are skipped.
const MAX_LAG: usize = 256;

/// Bounded log of exchanges, with live subscriptions.
#[derive(Debug)]
pub struct Journal {
    log: Mutex<JournalLog>,
    live: broadcast::Sender<u64>,
    closed: watch::Sender<bool>,
}

#[derive(Debug, Default)]
struct JournalLog {
    last_id: u64,
    /// Entries, oldest first.
    entries: VecDeque<JournalEntry>,
    /// Memory used by the entries, in bytes.
    bytes: usize,
}

impl JournalLog {
    fn push(&mut self, entry: JournalEntry) {
        self.bytes += entry.bytes();
        self.entries.push_back(entry);
        while self.entries.len() > MAX_ENTRIES || (self.bytes > MAX_BYTES && self.entries.len() > 1)
        {
            let Some(oldest) = self.entries.pop_front() else { return };
            self.bytes -= oldest.bytes();
        }
    }
}

impl Default for Journal {
    fn default() -> Self {
        Self {
            log: Mutex::default(),
            live: broadcast::Sender::new(MAX_LAG),
            closed: watch::Sender::new(false),
        }
    }
}

impl Journal {
    fn log(&self) -> MutexGuard<'_, JournalLog> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Records an entry and assigns its number.
    pub fn record(&self, mut entry: JournalEntry) {
        let mut log = self.log();
        log.last_id += 1;
        entry.id = log.last_id;
        entry.shrink();
        let id = entry.id;
        log.push(entry);
        // Sent under the lock to keep the order; fails only without subscribers.
        let _ = self.live.send(id);
    }

    /// Returns the latest matching entries, oldest first.
    #[must_use]
    pub fn read(&self, query: &JournalQuery) -> Vec<JournalEntry> {
        let log = self.log();
        let expected = log.entries.iter().rev().filter(|entry| query.matches(entry));
        let mut found: Vec<_> = expected.take(query.limit.unwrap_or(100)).cloned().collect();
        found.reverse();
        found
    }

    /// Returns an entry.
    #[must_use]
    pub fn entry(&self, id: u64) -> Option<JournalEntry> {
        let log = self.log();
        let index = log.entries.binary_search_by_key(&id, |entry| entry.id).ok()?;
        log.entries.get(index).cloned()
    }

    /// Subscribes to the numbers of new entries; [`Journal::entry`] returns the entry. A slow
    /// subscriber thus keeps no entry in memory that the journal has dropped.
    #[must_use]
    pub fn follow(&self) -> broadcast::Receiver<u64> {
        self.live.subscribe()
    }

    /// Ends all subscriptions, which would otherwise delay a shutdown.
    pub fn close(&self) {
        self.closed.send_replace(true);
    }

    /// Waits until subscriptions are ended.
    pub(crate) async fn closed(&self) {
        // The sender is part of `self`, so waiting can't fail.
        drop(self.closed.subscribe().wait_for(|closed| *closed).await);
    }

    /// Removes all entries. Numbers continue, so that subscribers are not confused.
    pub fn clear(&self) {
        let mut log = self.log();
        log.entries = VecDeque::new();
        log.bytes = 0;
    }
}
