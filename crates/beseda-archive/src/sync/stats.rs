//! Statistics of a sync, for progress bars and summaries.

use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use serde::Serialize;

use crate::Error;

/// Calls of the service, by operation.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Calls {
    /// Pages of getChats.
    pub get_chats: u64,
    /// Calls of getChat.
    pub get_chat: u64,
    /// Pages of getChatHistory.
    pub get_chat_history: u64,
    /// Downloads, which have no rate limit.
    pub downloads: u64,
}

impl Calls {
    /// Returns the number of calls that count against the rate limits.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.get_chats + self.get_chat + self.get_chat_history
    }
}

/// Statistics of a syncer since its start.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SyncStats {
    /// Listed chats, known ones included.
    pub chats_listed: u64,
    /// New chats.
    pub chats_new: u64,
    /// Chats with a changed status, type or context.
    pub chats_changed: u64,
    /// Chats whose history had to be read.
    pub chats_due: u64,
    /// Chats whose history was read to the end.
    pub chats_read: u64,
    /// Chats the service no longer has.
    pub chats_gone: u64,
    /// Chats that could not be read.
    pub chats_failed: u64,
    /// New messages.
    pub messages: u64,
    /// Downloaded files.
    pub files: u64,
    /// Files that could not be downloaded.
    pub files_failed: u64,
    /// Calls of the service.
    pub calls: Calls,
}

/// Event of a sync.
#[derive(Debug)]
#[non_exhaustive]
pub enum SyncEvent<'a> {
    /// Progress was made.
    Progress(&'a SyncStats),
    /// A temporary failure; the sync resumes at this time.
    Trouble(&'a Error, Timestamp),
    /// One chat or file failed; the others continue.
    Skipped(&'a Error),
    /// The pass is complete: everything known is archived.
    Synced(&'a SyncStats),
}

/// Statistics shared by tasks.
#[derive(Default)]
pub(super) struct SharedStats(Mutex<SyncStats>);

impl SharedStats {
    fn lock(&self) -> MutexGuard<'_, SyncStats> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn now(&self) -> SyncStats {
        *self.lock()
    }

    /// Updates the statistics and returns them.
    pub(super) fn add(&self, add: impl FnOnce(&mut SyncStats)) -> SyncStats {
        let mut tally = self.lock();
        add(&mut tally);
        *tally
    }
}
