//! The journal: every request with its answer and what came of it. It holds no secrets, and only the latest entries.

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

/// How many entries are kept.
const MAX_ENTRIES: usize = 2_000;
/// How many bytes of memory they may take together.
const MAX_BYTES: usize = 16 * 1024 * 1024;
/// How many entries one who follows may be behind before some are skipped.
const MAX_LAG: usize = 256;

/// The last requests, and a wire to those who follow.
#[derive(Debug)]
pub struct Journal {
    log: Mutex<JournalLog>,
    live: broadcast::Sender<u64>,
    closed: watch::Sender<bool>,
}

#[derive(Debug, Default)]
struct JournalLog {
    last_id: u64,
    /// Oldest first, so that the numbers grow.
    entries: VecDeque<JournalEntry>,
    /// How many bytes of memory the entries take together.
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

    /// Writes an entry down and gives it its number.
    pub fn record(&self, mut entry: JournalEntry) {
        let mut log = self.log();
        log.last_id += 1;
        entry.id = log.last_id;
        entry.shrink();
        let id = entry.id;
        log.push(entry);
        // Sent under the lock, so that everybody sees the same order; nobody may be following.
        let _ = self.live.send(id);
    }

    /// The latest entries that are wanted, oldest first.
    #[must_use]
    pub fn read(&self, query: &JournalQuery) -> Vec<JournalEntry> {
        let log = self.log();
        let expected = log.entries.iter().rev().filter(|entry| query.matches(entry));
        let mut found: Vec<_> = expected.take(query.limit.unwrap_or(100)).cloned().collect();
        found.reverse();
        found
    }

    /// One entry.
    #[must_use]
    pub fn entry(&self, id: u64) -> Option<JournalEntry> {
        let log = self.log();
        let index = log.entries.binary_search_by_key(&id, |entry| entry.id).ok()?;
        log.entries.get(index).cloned()
    }

    /// The number of every entry from now on. The entry itself is asked for with [`Journal::entry`], so that one who
    /// follows slowly keeps nothing in memory that the journal has let go of.
    #[must_use]
    pub fn follow(&self) -> broadcast::Receiver<u64> {
        self.live.subscribe()
    }

    /// Lets go of those who follow: a server that ends would wait for them.
    pub fn close(&self) {
        self.closed.send_replace(true);
    }

    /// Ready when those who follow are let go.
    pub(crate) async fn closed(&self) {
        // The sender lives in `self`, so waiting can't fail.
        drop(self.closed.subscribe().wait_for(|closed| *closed).await);
    }

    /// Forgets all entries. The numbers go on, so that those who follow aren't confused.
    pub fn clear(&self) {
        let mut log = self.log();
        log.entries = VecDeque::new();
        log.bytes = 0;
    }
}
