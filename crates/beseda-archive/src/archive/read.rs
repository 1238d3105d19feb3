//! Reads of an archive besides search: chats, history pages, messages, counts.

use beseda_api::{BusinessId, CampaignId, ChatId, MessageId};
use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row};
use serde::Serialize;

use super::{
    Archive, ArchivedAttachment, ArchivedChat, ArchivedMessage, from_nanos,
    rows::{self, CHAT_COLUMNS, MESSAGE_COLUMNS, MESSAGE_TABLES},
};
use crate::Result;

/// Contents of an archive in numbers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ArchiveCounts {
    /// Number of chats.
    pub chats: u64,
    /// Chats with messages known to be missing.
    pub unfinished: u64,
    /// Number of messages.
    pub messages: u64,
    /// Downloaded attachments.
    pub files: u64,
    /// Attachments still to be downloaded.
    pub files_due: u64,
    /// Attachments that could not be downloaded and were given up.
    pub files_given_up: u64,
}

/// State of a cabinet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CabinetSummary {
    /// Cabinet id.
    pub business_id: BusinessId,
    /// Name, once known.
    pub name: Option<String>,
    /// Time before which every update is known.
    pub watermark: Option<Timestamp>,
    /// Local time of the last complete listing.
    pub full_at: Option<Timestamp>,
    /// True if its lists are sorted newest first, as far as seen.
    pub newest_first: Option<bool>,
    /// True if its histories are sorted oldest first, as far as seen.
    pub history_ordered: Option<bool>,
}

impl Archive {
    /// Returns the cabinets of the archive.
    ///
    /// # Errors
    ///
    /// If the database fails.
    pub fn cabinets(&self) -> Result<Vec<CabinetSummary>> {
        self.read(|connection| {
            let sql = "SELECT business, name, watermark, full_at, newest_first, history_ordered
                       FROM cabinets ORDER BY business";
            connection.prepare_cached(sql)?.query_map([], cabinet)?.collect()
        })
    }

    /// Returns a cabinet, or `None` if the archive has nothing of it.
    ///
    /// # Errors
    ///
    /// If the database fails.
    pub fn cabinet(&self, business: BusinessId) -> Result<Option<CabinetSummary>> {
        self.read(|connection| {
            let sql = "SELECT business, name, watermark, full_at, newest_first, history_ordered
                       FROM cabinets WHERE business = ?1";
            connection.prepare_cached(sql)?.query_row([business.get()], cabinet).optional()
        })
    }

    /// Returns the name of a campaign (shop), once known.
    ///
    /// # Errors
    ///
    /// If the database fails.
    pub fn campaign_name(&self, campaign: CampaignId) -> Result<Option<String>> {
        self.read(|connection| {
            let sql = "SELECT name FROM campaigns WHERE campaign = ?1";
            let mut statement = connection.prepare_cached(sql)?;
            statement.query_row([campaign.get()], |row| row.get(0)).optional().map(Option::flatten)
        })
    }

    /// Returns a chat, or `None` if it is not archived.
    ///
    /// # Errors
    ///
    /// If the database fails.
    pub fn chat(&self, business: BusinessId, chat: ChatId) -> Result<Option<ArchivedChat>> {
        self.read(|connection| {
            let sql = format!("SELECT {CHAT_COLUMNS} FROM chats WHERE business = ?1 AND chat = ?2");
            let mut statement = connection.prepare_cached(&sql)?;
            statement.query_row((business.get(), chat.get()), rows::chat).optional()
        })
    }

    /// Returns at most `limit` chats of a cabinet with ids above `after`, ordered by id.
    ///
    /// # Errors
    ///
    /// If the database fails.
    pub fn chats(
        &self,
        business: BusinessId,
        after: Option<ChatId>,
        limit: u32,
    ) -> Result<Vec<ArchivedChat>> {
        self.read(|connection| {
            let sql = format!(
                "SELECT {CHAT_COLUMNS} FROM chats WHERE business = ?1 AND chat > ?2
                 ORDER BY chat LIMIT ?3"
            );
            let range = (business.get(), after.map_or(0, ChatId::get), limit);
            connection.prepare_cached(&sql)?.query_map(range, rows::chat)?.collect()
        })
    }

    /// Returns at most `limit` messages of a chat from this id (inclusive) on, oldest first.
    ///
    /// # Errors
    ///
    /// If the database fails.
    pub fn history(
        &self,
        business: BusinessId,
        chat: ChatId,
        from: Option<MessageId>,
        limit: u32,
    ) -> Result<Vec<ArchivedMessage>> {
        self.read(|connection| {
            let sql = format!(
                "SELECT {MESSAGE_COLUMNS} FROM {MESSAGE_TABLES}
                 WHERE m.business = ?1 AND m.chat = ?2 AND m.message >= ?3
                 ORDER BY m.message LIMIT ?4"
            );
            let from = from.map_or(0, MessageId::get);
            let range = (business.get(), chat.get(), from, limit);
            connection.prepare_cached(&sql)?.query_map(range, ArchivedMessage::of)?.collect()
        })
    }

    /// Returns a message, or `None` if it is not archived.
    ///
    /// # Errors
    ///
    /// If the database fails.
    pub fn message(
        &self,
        business: BusinessId,
        chat: ChatId,
        message: MessageId,
    ) -> Result<Option<ArchivedMessage>> {
        let found = self.history(business, chat, Some(message), 1)?.pop();
        Ok(found.filter(|found| found.message.message_id == message))
    }

    /// Returns the attachments of a message in order.
    ///
    /// # Errors
    ///
    /// If the database fails.
    pub fn attachments(
        &self,
        business: BusinessId,
        chat: ChatId,
        message: MessageId,
    ) -> Result<Vec<ArchivedAttachment>> {
        self.read(|connection| {
            let sql = "SELECT place, name, size, sha256, tries, due, error FROM attachments
                       WHERE business = ?1 AND chat = ?2 AND message = ?3 ORDER BY place";
            let key = (business.get(), chat.get(), message.get());
            connection.prepare_cached(sql)?.query_map(key, attachment)?.collect()
        })
    }

    /// Returns the contents of a cabinet, or of the whole archive, in numbers.
    ///
    /// # Errors
    ///
    /// If the database fails.
    pub fn counts(&self, business: Option<BusinessId>) -> Result<ArchiveCounts> {
        let only = business.map(BusinessId::get);
        self.read(|connection| {
            let count = |sql: &str| count(connection, sql, only);
            Ok(ArchiveCounts {
                chats: count("chats WHERE TRUE")?,
                unfinished: count(
                    "chats WHERE (synced_at IS NULL OR synced_at < updated_at) AND gone_at IS NULL",
                )?,
                messages: count("messages WHERE TRUE")?,
                files: count("attachments WHERE sha256 IS NOT NULL")?,
                files_due: count("attachments WHERE due IS NOT NULL")?,
                files_given_up: count("attachments WHERE due IS NULL AND sha256 IS NULL")?,
            })
        })
    }

    /// Returns the number of the last change, a cursor for reading only later ones.
    ///
    /// # Errors
    ///
    /// If the database fails.
    pub fn seq(&self) -> Result<i64> {
        self.read(super::last_seq)
    }
}

fn count(connection: &Connection, of: &str, business: Option<i64>) -> rusqlite::Result<u64> {
    let only = if business.is_some() { " AND business = ?1" } else { " AND ?1 IS NULL" };
    let sql = format!("SELECT count(*) FROM {of}{only}");
    connection
        .prepare_cached(&sql)?
        .query_row([business], |row| row.get(0).map(|n: i64| n.unsigned_abs()))
}

fn cabinet(row: &Row<'_>) -> rusqlite::Result<CabinetSummary> {
    let business: i64 = row.get(0)?;
    Ok(CabinetSummary {
        business_id: BusinessId::new(business)
            .map_err(|_| rusqlite::Error::IntegralValueOutOfRange(0, business))?,
        name: row.get(1)?,
        watermark: row.get::<_, Option<i64>>(2)?.map(from_nanos),
        full_at: row.get::<_, Option<i64>>(3)?.map(from_nanos),
        newest_first: row.get(4)?,
        history_ordered: row.get(5)?,
    })
}

fn attachment(row: &Row<'_>) -> rusqlite::Result<ArchivedAttachment> {
    Ok(ArchivedAttachment {
        place: row.get(0)?,
        name: row.get(1)?,
        size: row.get(2)?,
        sha256: row.get(3)?,
        tries: row.get(4)?,
        due: row.get::<_, Option<i64>>(5)?.map(from_nanos),
        error: row.get(6)?,
    })
}
