//! Write transaction of the writer thread, with its caches: chat rows, counters, subscribed cabinets.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use beseda_api::{BusinessId, Error};
use rusqlite::{Connection, OptionalExtension};
use tokio::sync::watch;

use super::chats::row;
use crate::rows::ChatRow;

/// Maximum number of cached chat rows after a commit.
const MAX_CACHED_ROWS: usize = 4096;

/// Reason why a write changed nothing.
#[derive(Debug)]
pub(super) enum WriteError {
    /// The write was rejected before it changed anything.
    Rejected(Error),
    /// A statement failed; the whole transaction is rolled back.
    Sqlite(rusqlite::Error),
    /// The transaction was rolled back.
    RolledBack,
}

impl From<Error> for WriteError {
    fn from(error: Error) -> Self {
        Self::Rejected(error)
    }
}

impl From<rusqlite::Error> for WriteError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sqlite(error)
    }
}

/// Outcome of a commit, shared by all writes of the transaction.
pub(super) type CommitResult = Result<(), Arc<rusqlite::Error>>;

/// Connection of the writer thread with its current transaction, and caches that outlive it.
pub(super) struct WriteTransaction {
    pub(super) connection: Connection,
    cached_rows: HashMap<i64, ChatRow>,
    /// Chats whose cached rows have changed and aren't written yet.
    dirty: HashSet<i64>,
    counters: Counters,
    /// Counters at the start of the transaction.
    initial_counters: Counters,
    notifications: NotificationState,
    failure: Option<rusqlite::Error>,
}

/// Last assigned ids.
#[derive(Clone, Copy, PartialEq)]
struct Counters {
    chat: i64,
    message: i64,
}

/// Cabinets with subscriptions, cached so that events of the others cost nothing.
struct NotificationState {
    subscribed: HashSet<i64>,
    /// `true` if this transaction has changed the queue or the subscriptions.
    has_changed: bool,
    changes: watch::Sender<u64>,
}

impl Counters {
    /// Initial values. Chat ids have eight digits, as the published ones.
    const INITIAL: Self = Self { chat: 10_000_000, message: 0 };

    fn load(connection: &Connection) -> rusqlite::Result<Self> {
        let read = |name: &str, initial: i64| -> rusqlite::Result<i64> {
            let sql = "SELECT value FROM meta WHERE name = ?1";
            let value = connection.query_row(sql, [name], |row| row.get(0)).optional()?;
            Ok(value.unwrap_or(initial))
        };
        Ok(Self {
            chat: read("last_chat_id", Self::INITIAL.chat)?,
            message: read("last_message_id", Self::INITIAL.message)?,
        })
    }

    fn save(self, connection: &Connection) -> rusqlite::Result<()> {
        let mut put = connection
            .prepare_cached("INSERT OR REPLACE INTO meta (name, value) VALUES (?1, ?2)")?;
        put.execute(("last_chat_id", self.chat))?;
        put.execute(("last_message_id", self.message))?;
        Ok(())
    }
}

impl WriteTransaction {
    /// Takes over the writer's connection. `changes` counts the changes of the notification queue.
    pub(super) fn new(
        connection: Connection,
        changes: watch::Sender<u64>,
    ) -> rusqlite::Result<Self> {
        let counters = Counters::load(&connection)?;
        let subscribed = subscribed_cabinets(&connection)?;
        Ok(Self {
            connection,
            cached_rows: HashMap::new(),
            dirty: HashSet::new(),
            counters,
            initial_counters: counters,
            notifications: NotificationState { subscribed, has_changed: false, changes },
            failure: None,
        })
    }

    /// Begins a transaction.
    pub(super) fn begin(&mut self) -> rusqlite::Result<()> {
        self.initial_counters = self.counters;
        self.execute("BEGIN IMMEDIATE")
    }

    /// Commits the transaction, or rolls it back if a write or the commit failed.
    pub(super) fn commit(&mut self) -> CommitResult {
        self.try_commit().map_err(|error| {
            tracing::error!(%error, "a write transaction was rolled back");
            self.roll_back();
            Arc::new(error)
        })
    }

    fn try_commit(&mut self) -> rusqlite::Result<()> {
        if let Some(error) = self.failure.take() {
            return Err(error);
        }
        self.flush_rows()?;
        if self.counters != self.initial_counters {
            self.counters.save(&self.connection)?;
        }
        if self.cached_rows.len() > MAX_CACHED_ROWS {
            self.cached_rows.clear();
        }
        self.execute("COMMIT")
    }

    /// Rolls the transaction back, and the caches with it.
    pub(super) fn roll_back(&mut self) {
        self.failure = None;
        self.cached_rows.clear();
        self.dirty.clear();
        self.counters = self.initial_counters;
        if !self.connection.is_autocommit()
            && let Err(error) = self.execute("ROLLBACK")
        {
            tracing::error!(%error, "a rollback failed");
        }
        if self.notifications.has_changed
            && let Err(error) = self.reload_subscriptions()
        {
            tracing::error!(%error, "failed to reload the subscribed cabinets");
        }
    }

    /// Wakes the senders of notifications if the queue has changed.
    pub(super) fn publish_changes(&mut self) {
        if std::mem::take(&mut self.notifications.has_changed) {
            self.notifications.changes.send_modify(|count| *count = count.wrapping_add(1));
        }
    }

    /// Records a failed statement, which prevents the commit.
    pub(super) fn record_failure(&mut self, error: WriteError) -> WriteError {
        match error {
            WriteError::Sqlite(error) => {
                self.failure = Some(error);
                WriteError::RolledBack
            }
            other => other,
        }
    }

    /// Writes the changed chat rows, so that statements see them.
    pub(super) fn flush_rows(&mut self) -> rusqlite::Result<()> {
        for chat in self.dirty.drain() {
            if let Some(row) = self.cached_rows.get(&chat) {
                row::update(&self.connection, row)?;
            }
        }
        Ok(())
    }

    /// Reloads the caches after all rows have been replaced.
    pub(super) fn reload(&mut self) -> rusqlite::Result<()> {
        self.cached_rows.clear();
        self.dirty.clear();
        self.counters = Counters::load(&self.connection)?;
        self.reload_subscriptions()
    }

    fn execute(&self, sql: &str) -> rusqlite::Result<()> {
        self.connection.prepare_cached(sql)?.execute([]).map(|_| ())
    }

    /// Returns the row of a chat, with the changes of this transaction.
    pub(super) fn chat_row(&mut self, chat: i64) -> rusqlite::Result<Option<ChatRow>> {
        if let Some(row) = self.cached_rows.get(&chat) {
            return Ok(Some(row.clone()));
        }
        let row = row::by_id(&self.connection, chat)?;
        if let Some(row) = &row {
            self.cached_rows.insert(chat, row.clone());
        }
        Ok(row)
    }

    /// Changes the cached row of a chat; it is written once, before the commit.
    pub(super) fn set_chat_row(&mut self, row: ChatRow) {
        self.dirty.insert(row.chat.get());
        self.cached_rows.insert(row.chat.get(), row);
    }

    /// Assigns the id of the next chat.
    pub(super) fn next_chat_id(&mut self) -> i64 {
        self.counters.chat += 1;
        self.counters.chat
    }

    /// Assigns the id of the next message: the time in Unix microseconds, or the last id plus one if that is greater.
    pub(super) fn next_message_id(&mut self, now: i64) -> i64 {
        self.counters.message = now.max(self.counters.message + 1);
        self.counters.message
    }

    /// Returns `true` if the cabinet has an active or paused subscription.
    pub(super) fn is_subscribed(&self, business: BusinessId) -> bool {
        self.notifications.subscribed.contains(&business.get())
    }

    /// Reloads the subscribed cabinets after a change of subscriptions.
    pub(super) fn reload_subscriptions(&mut self) -> rusqlite::Result<()> {
        self.mark_queue_changed();
        self.notifications.subscribed = subscribed_cabinets(&self.connection)?;
        Ok(())
    }

    /// Wakes the senders of notifications after the commit.
    pub(super) fn mark_queue_changed(&mut self) {
        self.notifications.has_changed = true;
    }
}

/// Returns the cabinets with active or paused subscriptions.
fn subscribed_cabinets(connection: &Connection) -> rusqlite::Result<HashSet<i64>> {
    let mut statement = connection.prepare_cached(
        "SELECT DISTINCT business_id FROM subscriptions WHERE state IN ('ACTIVE', 'PAUSED')",
    )?;
    statement.query_map([], |row| row.get(0))?.collect()
}
