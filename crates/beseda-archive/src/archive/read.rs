//! What can be asked of an archive without a search: chats, pages of histories, messages, counts.

use beseda_api::{BusinessId, CampaignId, ChatId, MessageId};
use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row};
use serde::Serialize;

use super::{
    Archive, ArchivedAttachment, ArchivedChat, ArchivedMessage, moment_of,
    rows::{self, CHAT_COLUMNS, MESSAGE_COLUMNS, MESSAGE_TABLES},
};
use crate::Result;

/// How much an archive holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Counts {
    /// Chats.
    pub chats: u64,
    /// Chats of which messages are known to be missing.
    pub unfinished: u64,
    /// Messages.
    pub messages: u64,
    /// Attachments whose bytes are here.
    pub files: u64,
    /// Attachments that are still to be fetched.
    pub files_due: u64,
    /// Attachments that were given up.
    pub files_given_up: u64,
}

/// What is known of a cabinet as a whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CabinetState {
    /// The cabinet.
    pub business_id: BusinessId,
    /// Its name, once told.
    pub name: Option<String>,
    /// Everything updated before is known.
    pub watermark: Option<Timestamp>,
    /// When all of its chats were last listed, by this machine's clock.
    pub full_at: Option<Timestamp>,
    /// Whether its lists come newest first, as far as seen.
    pub newest_first: Option<bool>,
    /// Whether its histories come oldest first, as far as seen.
    pub history_ordered: Option<bool>,
}

impl Archive {
    /// The cabinets that are in it.
    ///
    /// # Errors
    /// If the database fails.
    pub fn cabinets(&self) -> Result<Vec<CabinetState>> {
        self.read(|connection| {
            let sql = "SELECT business, name, watermark, full_at, newest_first, history_ordered
                       FROM cabinets ORDER BY business";
            connection.prepare_cached(sql)?.query_map([], cabinet)?.collect()
        })
    }

    /// One cabinet; `None` if nothing of it is here.
    ///
    /// # Errors
    /// If the database fails.
    pub fn cabinet(&self, business: BusinessId) -> Result<Option<CabinetState>> {
        self.read(|connection| {
            let sql = "SELECT business, name, watermark, full_at, newest_first, history_ordered
                       FROM cabinets WHERE business = ?1";
            connection.prepare_cached(sql)?.query_row([business.get()], cabinet).optional()
        })
    }

    /// The name of a shop, once told.
    ///
    /// # Errors
    /// If the database fails.
    pub fn campaign_name(&self, campaign: CampaignId) -> Result<Option<String>> {
        self.read(|connection| {
            let sql = "SELECT name FROM campaigns WHERE campaign = ?1";
            let mut statement = connection.prepare_cached(sql)?;
            statement.query_row([campaign.get()], |row| row.get(0)).optional().map(Option::flatten)
        })
    }

    /// One chat; `None` if it isn't here.
    ///
    /// # Errors
    /// If the database fails.
    pub fn chat(&self, business: BusinessId, chat: ChatId) -> Result<Option<ArchivedChat>> {
        self.read(|connection| {
            let sql = format!("SELECT {CHAT_COLUMNS} FROM chats WHERE business = ?1 AND chat = ?2");
            let mut statement = connection.prepare_cached(&sql)?;
            statement.query_row((business.get(), chat.get()), rows::chat).optional()
        })
    }

    /// Chats of a cabinet in the order of their ids, those after `after`, at most `limit`.
    ///
    /// # Errors
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

    /// Messages of a chat, oldest first: those with this id and greater ones, at most `limit`.
    ///
    /// # Errors
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

    /// One message; `None` if it isn't here.
    ///
    /// # Errors
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

    /// The files attached to a message, in their order.
    ///
    /// # Errors
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

    /// How much is here, of one cabinet or of all.
    ///
    /// # Errors
    /// If the database fails.
    pub fn counts(&self, business: Option<BusinessId>) -> Result<Counts> {
        let only = business.map(BusinessId::get);
        self.read(|connection| {
            let count = |sql: &str| count(connection, sql, only);
            Ok(Counts {
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

    /// The number of the last change: a cursor for whoever wants only what comes from now on.
    ///
    /// # Errors
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

fn cabinet(row: &Row<'_>) -> rusqlite::Result<CabinetState> {
    let business: i64 = row.get(0)?;
    Ok(CabinetState {
        business_id: BusinessId::new(business)
            .map_err(|_| rusqlite::Error::IntegralValueOutOfRange(0, business))?,
        name: row.get(1)?,
        watermark: row.get::<_, Option<i64>>(2)?.map(moment_of),
        full_at: row.get::<_, Option<i64>>(3)?.map(moment_of),
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
        due: row.get::<_, Option<i64>>(5)?.map(moment_of),
        error: row.get(6)?,
    })
}
