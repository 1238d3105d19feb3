//! What a syncer has done so far, for progress bars and summaries. Counting calls is its main business.

use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use serde::Serialize;

use crate::Error;

/// Calls of the service, by operation.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Calls {
    /// Pages of the list of chats.
    pub get_chats: u64,
    /// Single chats.
    pub get_chat: u64,
    /// Pages of histories.
    pub get_chat_history: u64,
    /// Files; the service doesn't count them.
    pub downloads: u64,
}

impl Calls {
    /// All that count against the service's limits.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.get_chats + self.get_chat + self.get_chat_history
    }
}

/// What a syncer has done since it began.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Tally {
    /// Chats listed, the known ones too.
    pub chats_listed: u64,
    /// Chats that weren't here.
    pub chats_new: u64,
    /// Chats whose status, type or context changed.
    pub chats_changed: u64,
    /// Chats whose histories had to be read.
    pub chats_due: u64,
    /// Those of them that were read to the end.
    pub chats_read: u64,
    /// Chats the service doesn't have any more.
    pub chats_gone: u64,
    /// Chats that could not be read.
    pub chats_failed: u64,
    /// Messages that weren't here.
    pub messages: u64,
    /// Files fetched.
    pub files: u64,
    /// Files that could not be fetched.
    pub files_failed: u64,
    /// Calls made.
    pub calls: Calls,
}

/// What a syncer tells whoever watches it.
#[derive(Debug)]
#[non_exhaustive]
pub enum Event<'a> {
    /// It got on.
    Progress(&'a Tally),
    /// Something failed that may pass; it goes on at this moment.
    Trouble(&'a Error, Timestamp),
    /// One chat or file failed; the others go on.
    Skipped(&'a Error),
    /// A pass is done; everything known of is here.
    InStep(&'a Tally),
}

/// A tally that many tasks add to.
#[derive(Default)]
pub(super) struct Count(Mutex<Tally>);

impl Count {
    fn lock(&self) -> MutexGuard<'_, Tally> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn now(&self) -> Tally {
        *self.lock()
    }

    /// Adds to it; returns what it is then.
    pub(super) fn add(&self, add: impl FnOnce(&mut Tally)) -> Tally {
        let mut tally = self.lock();
        add(&mut tally);
        *tally
    }
}
