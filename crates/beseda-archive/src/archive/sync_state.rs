//! Sync state of chats and cabinets: what is due to be read, and from where.

use beseda_api::{BusinessId, ChatId, MessageId};
use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row};

use super::{Archive, ArchiveTransaction, ChatKey, to_nanos};
use crate::Result;

/// Nanoseconds in a second.
pub(crate) const SECOND: i64 = 1_000_000_000;

/// Sync state of a chat.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SyncState {
    pub(crate) key: ChatKey,
    /// Latest known `updatedAt`.
    pub(crate) updated_at: i64,
    /// Local time at which it was first seen.
    pub(crate) seen_at: i64,
    /// `updatedAt` up to which the history is complete.
    pub(crate) synced_at: Option<i64>,
    /// Message up to which nothing is missing.
    pub(crate) whole_to: Option<MessageId>,
}

/// Result of a complete listing of a cabinet.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ListingResult {
    /// Largest `updatedAt` of its first page.
    pub(crate) newest: Option<Timestamp>,
    /// True if it was sorted newest first.
    pub(crate) newest_first: bool,
    /// Time at which it ended, if it covered all chats.
    pub(crate) full_at: Option<Timestamp>,
}

const STANDING: &str = "business, chat, updated_at, seen_at, synced_at, whole_to";

impl SyncState {
    fn of(row: &Row<'_>) -> rusqlite::Result<Self> {
        let whole_to: Option<i64> = row.get(5)?;
        Ok(Self {
            key: ChatKey::of(row, 0)?,
            updated_at: row.get(2)?,
            seen_at: row.get(3)?,
            synced_at: row.get(4)?,
            whole_to: whole_to.and_then(|raw| MessageId::new(raw).ok()),
        })
    }

    /// Returns true if messages may be missing.
    pub(crate) fn is_due(&self) -> bool {
        self.synced_at.is_none_or(|synced| synced < self.updated_at)
    }
}

impl Archive {
    pub(crate) fn standing(&self, key: ChatKey) -> Result<Option<SyncState>> {
        self.read(|connection| {
            let sql = format!("SELECT {STANDING} FROM chats WHERE business = ?1 AND chat = ?2");
            let key = (key.business_id.get(), key.chat_id.get());
            connection.prepare_cached(&sql)?.query_row(key, SyncState::of).optional()
        })
    }

    /// Returns chats with missing messages, most recently updated first, after this position.
    pub(crate) fn due(
        &self,
        business: BusinessId,
        after: Option<(i64, ChatId)>,
        limit: u32,
    ) -> Result<Vec<SyncState>> {
        let (updated, chat) = after.map_or((i64::MAX, i64::MAX), |(at, chat)| (at, chat.get()));
        self.read(|connection| {
            let sql = format!(
                "SELECT {STANDING} FROM chats
                 WHERE business = ?1 AND (updated_at, chat) < (?2, ?3) AND gone_at IS NULL
                   AND (synced_at IS NULL OR synced_at < updated_at)
                 ORDER BY updated_at DESC, chat DESC LIMIT ?4"
            );
            let range = (business.get(), updated, chat, limit);
            connection.prepare_cached(&sql)?.query_map(range, SyncState::of)?.collect()
        })
    }

    pub(crate) fn count_due(&self, business: BusinessId) -> Result<u64> {
        self.read(|connection| {
            let sql = "SELECT count(*) FROM chats WHERE business = ?1 AND gone_at IS NULL
                         AND (synced_at IS NULL OR synced_at < updated_at)";
            let mut statement = connection.prepare_cached(sql)?;
            statement.query_row([business.get()], |row| row.get(0).map(i64::unsigned_abs))
        })
    }

    /// Returns the largest `updatedAt` of a cabinet.
    pub(crate) fn newest(&self, business: BusinessId) -> Result<Option<i64>> {
        self.read(|connection| newest(connection, business))
    }

    /// Returns the complete chats that share the largest `updatedAt`.
    pub(crate) fn whole_newest(&self, business: BusinessId, limit: u32) -> Result<Vec<SyncState>> {
        self.read(|connection| {
            let sql = format!(
                "SELECT {STANDING} FROM chats WHERE business = ?1 AND updated_at = ?2
                   AND synced_at >= updated_at AND gone_at IS NULL LIMIT ?3"
            );
            let range = (business.get(), newest(connection, business)?, limit);
            connection.prepare_cached(&sql)?.query_map(range, SyncState::of)?.collect()
        })
    }
}

fn newest(connection: &Connection, business: BusinessId) -> rusqlite::Result<Option<i64>> {
    let sql = "SELECT max(updated_at) FROM chats WHERE business = ?1";
    connection.prepare_cached(sql)?.query_row([business.get()], |row| row.get(0))
}

impl ArchiveTransaction<'_> {
    /// Records the result of a listing.
    pub(crate) fn listed(&self, business: BusinessId, end: ListingResult) -> rusqlite::Result<()> {
        self.cabinet(business)?;
        let sql = "UPDATE cabinets SET
                       watermark = CASE WHEN ?2 > coalesce(watermark, ?5) THEN ?2 ELSE watermark END,
                       newest_first = min(coalesce(newest_first, 1), ?3),
                       full_at = coalesce(?4, full_at)
                   WHERE business = ?1";
        self.transaction().prepare_cached(sql)?.execute((
            business.get(),
            end.newest.map(to_nanos),
            end.newest_first,
            end.full_at.map(to_nanos),
            i64::MIN,
        ))?;
        Ok(())
    }

    /// Records whether a history was sorted oldest first. One that was not is never forgotten.
    pub(crate) fn history_order(&self, business: BusinessId, kept: bool) -> rusqlite::Result<()> {
        self.cabinet(business)?;
        let sql = "UPDATE cabinets SET history_ordered = min(coalesce(history_ordered, 1), ?2)
                   WHERE business = ?1";
        self.transaction().prepare_cached(sql)?.execute((business.get(), kept))?;
        Ok(())
    }
}
