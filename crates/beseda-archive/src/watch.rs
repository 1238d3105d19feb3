//! The live tail of an archive: every new message and every changed chat, in the order they came in, from any cursor on.
//! It works beside the process that keeps the archive in step, or in it.

use std::{collections::VecDeque, time::Duration};

use beseda_api::BusinessId;
use tokio::sync::watch;

use crate::{
    Archive, ArchivedChat, ArchivedMessage, Result,
    archive::{CHAT_COLUMNS, MESSAGE_COLUMNS, MESSAGE_TABLES, chat_of},
};

/// How long what another process wrote may go unseen.
const GLANCE: Duration = Duration::from_millis(300);
/// Changes that are read at once.
const BATCH: u32 = 200;

/// Something new in an archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// A message came in.
    Message(ArchivedMessage),
    /// A chat is new, or its status, type or context changed; as it is now.
    Chat(ArchivedChat),
}

impl Change {
    /// Its number: the cursor to go on from after it.
    #[must_use]
    pub fn cursor(&self) -> i64 {
        match self {
            Self::Message(message) => message.seq,
            Self::Chat(chat) => chat.seq,
        }
    }

    /// Its cabinet.
    #[must_use]
    pub fn business_id(&self) -> BusinessId {
        match self {
            Self::Message(message) => message.business_id,
            Self::Chat(chat) => chat.business_id,
        }
    }
}

impl Archive {
    /// The changes after a cursor in their order, at most `limit`; 0 is before all of them. Of a chat that changed
    /// several times there is the last change only.
    ///
    /// # Errors
    /// If the database fails.
    pub fn changes(&self, after: i64, limit: u32) -> Result<Vec<Change>> {
        self.read(|connection| {
            let snapshot = connection.unchecked_transaction()?;
            let chats = format!("SELECT {CHAT_COLUMNS} FROM chats WHERE seq > ?1 ORDER BY seq LIMIT ?2");
            let messages = format!(
                "SELECT {MESSAGE_COLUMNS} FROM {MESSAGE_TABLES} WHERE m.seq > ?1 ORDER BY m.seq LIMIT ?2"
            );
            let mut found: Vec<Change> = Vec::new();
            let mut chats = snapshot.prepare_cached(&chats)?;
            for chat in chats.query_map((after, limit), chat_of)? {
                found.push(Change::Chat(chat?));
            }
            let mut messages = snapshot.prepare_cached(&messages)?;
            for message in messages.query_map((after, limit), ArchivedMessage::of)? {
                found.push(Change::Message(message?));
            }
            found.sort_unstable_by_key(Change::cursor);
            found.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
            Ok(found)
        })
    }

    /// The changes after a cursor, and those to come.
    #[must_use]
    pub fn watch(&self, after: i64) -> Watch {
        let (archive, written) = (self.clone(), self.follow());
        Watch { archive, written, cursor: after, ready: VecDeque::new() }
    }
}

/// The changes of an archive, one after the other.
#[derive(Debug)]
pub struct Watch {
    archive: Archive,
    written: watch::Receiver<i64>,
    cursor: i64,
    ready: VecDeque<Change>,
}

impl Watch {
    /// Where it is: a watch begun here gives what comes after the last change this one gave.
    #[must_use]
    pub fn cursor(&self) -> i64 {
        self.cursor
    }

    /// The next change, as soon as there is one. Being dropped in between loses none.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn next(&mut self) -> Result<Change> {
        loop {
            if let Some(change) = self.next_now()? {
                return Ok(change);
            }
            // Our own writing is told of at once; that of others has to be looked for.
            tokio::select! {
                _ = self.written.changed() => {}
                () = tokio::time::sleep(GLANCE) => {}
            }
        }
    }

    /// The next change if there is one already.
    ///
    /// # Errors
    /// If the database fails.
    pub fn next_now(&mut self) -> Result<Option<Change>> {
        if self.ready.is_empty() {
            self.written.mark_unchanged();
            self.ready.extend(self.archive.changes(self.cursor, BATCH)?);
        }
        let next = self.ready.pop_front();
        self.cursor = next.as_ref().map_or(self.cursor, Change::cursor);
        Ok(next)
    }
}
