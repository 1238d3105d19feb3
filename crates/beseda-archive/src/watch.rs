//! Change stream of an archive: every new message and changed chat in order, from any cursor on,
//! from this or another syncing process.

use std::{collections::VecDeque, time::Duration};

use beseda_api::BusinessId;
use tokio::sync::watch;

use crate::{
    Archive, ArchivedChat, ArchivedMessage, Result,
    archive::{CHAT_COLUMNS, MESSAGE_COLUMNS, MESSAGE_TABLES, chat_of},
};

/// Interval of checking for changes by other processes.
const GLANCE: Duration = Duration::from_millis(300);
/// Number of changes read at once.
const BATCH: u32 = 200;

/// Change of an archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ArchiveChange {
    /// New message.
    Message(ArchivedMessage),
    /// Chat that is new or whose type, status or context changed; in its current state.
    Chat(ArchivedChat),
}

impl ArchiveChange {
    /// Returns its number, the cursor to continue after it.
    #[must_use]
    pub fn cursor(&self) -> i64 {
        match self {
            Self::Message(message) => message.seq,
            Self::Chat(chat) => chat.seq,
        }
    }

    /// Returns its cabinet.
    #[must_use]
    pub fn business_id(&self) -> BusinessId {
        match self {
            Self::Message(message) => message.business_id,
            Self::Chat(chat) => chat.business_id,
        }
    }
}

impl Archive {
    /// Returns at most `limit` changes after a cursor in order; 0 is the start. Of a chat that
    /// changed several times only the last change is returned.
    ///
    /// # Errors
    ///
    /// If the database fails.
    pub fn changes(&self, after: i64, limit: u32) -> Result<Vec<ArchiveChange>> {
        self.read(|connection| {
            let snapshot = connection.unchecked_transaction()?;
            let chats = format!("SELECT {CHAT_COLUMNS} FROM chats WHERE seq > ?1 ORDER BY seq LIMIT ?2");
            let messages = format!(
                "SELECT {MESSAGE_COLUMNS} FROM {MESSAGE_TABLES} WHERE m.seq > ?1 ORDER BY m.seq LIMIT ?2"
            );
            let mut found: Vec<ArchiveChange> = Vec::new();
            let mut chats = snapshot.prepare_cached(&chats)?;
            for chat in chats.query_map((after, limit), chat_of)? {
                found.push(ArchiveChange::Chat(chat?));
            }
            let mut messages = snapshot.prepare_cached(&messages)?;
            for message in messages.query_map((after, limit), ArchivedMessage::of)? {
                found.push(ArchiveChange::Message(message?));
            }
            found.sort_unstable_by_key(ArchiveChange::cursor);
            found.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
            Ok(found)
        })
    }

    /// Streams the changes after a cursor, and future ones.
    #[must_use]
    pub fn watch(&self, after: i64) -> ChangeStream {
        let (archive, written) = (self.clone(), self.follow());
        ChangeStream { archive, written, cursor: after, ready: VecDeque::new() }
    }
}

/// Stream of changes.
#[derive(Debug)]
pub struct ChangeStream {
    archive: Archive,
    written: watch::Receiver<i64>,
    cursor: i64,
    ready: VecDeque<ArchiveChange>,
}

impl ChangeStream {
    /// Returns the cursor of the last change returned.
    #[must_use]
    pub fn cursor(&self) -> i64 {
        self.cursor
    }

    /// Returns the next change, waiting for one. Cancel safe.
    ///
    /// # Errors
    ///
    /// If the database fails.
    pub async fn next(&mut self) -> Result<ArchiveChange> {
        loop {
            if let Some(change) = self.next_now()? {
                return Ok(change);
            }
            // Changes of this process are signalled; those of others are polled.
            tokio::select! {
                _ = self.written.changed() => {}
                () = tokio::time::sleep(GLANCE) => {}
            }
        }
    }

    /// Returns the next change if there is one already.
    ///
    /// # Errors
    ///
    /// If the database fails.
    pub fn next_now(&mut self) -> Result<Option<ArchiveChange>> {
        if self.ready.is_empty() {
            self.written.mark_unchanged();
            self.ready.extend(self.archive.changes(self.cursor, BATCH)?);
        }
        let next = self.ready.pop_front();
        self.cursor = next.as_ref().map_or(self.cursor, ArchiveChange::cursor);
        Ok(next)
    }
}
