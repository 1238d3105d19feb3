//! Writes to an archive; each is one transaction together with its sync progress.

use beseda_api::{BusinessId, Campaign, Chat, ChatId, Message, MessageId, Time};
use jiff::Timestamp;
use rusqlite::{OptionalExtension, Transaction, params};

use super::{Archive, to_nanos};
use crate::{
    Result,
    search::index::{IndexEntry, Indexer},
};

/// Open write transaction with its sequence numbers.
pub(crate) struct ArchiveTransaction<'t> {
    transaction: &'t Transaction<'t>,
    indexer: &'t mut Indexer,
    seq: i64,
}

/// Chat data stored with its messages.
struct Home {
    business: i64,
    chat: i64,
    campaign: Option<i64>,
    context_type: String,
    last_message: Option<i64>,
}

/// Sync progress of a history page, stored with its messages.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct HistoryProgress {
    /// Message up to which nothing is missing.
    pub(crate) whole_to: Option<MessageId>,
    /// `updatedAt` up to which the history is complete, if it was read to its end.
    pub(crate) finished: Option<i64>,
}

/// Time as it is stored.
#[derive(Debug, Clone, Copy)]
struct ColumnTime {
    /// Nanoseconds since 1970.
    nanos: i64,
    /// UTC offset in seconds.
    offset: Option<i32>,
}

/// Difference between a listed chat and the archived one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ChatDiff {
    /// The chat is new.
    New,
    /// More than its last message changed.
    Changed,
    /// Nothing changed.
    Same,
}

impl<'t> ArchiveTransaction<'t> {
    pub(super) fn new(
        transaction: &'t Transaction<'t>,
        indexer: &'t mut Indexer,
        seq: i64,
    ) -> Self {
        Self { transaction, indexer, seq }
    }

    /// Returns the last sequence number.
    pub(super) fn seq(&self) -> i64 {
        self.seq
    }

    fn next_seq(&mut self) -> i64 {
        self.seq += 1;
        self.seq
    }

    /// Returns the SQLite transaction.
    pub(crate) fn transaction(&self) -> &'t Transaction<'t> {
        self.transaction
    }

    /// Returns the SQLite transaction and the search indexer.
    pub(crate) fn indexing(&mut self) -> (&'t Transaction<'t>, &mut Indexer) {
        (self.transaction, self.indexer)
    }

    /// Stores a chat as listed at this local time.
    pub(crate) fn chat(
        &mut self,
        business: BusinessId,
        chat: &Chat,
        now: Timestamp,
    ) -> rusqlite::Result<ChatDiff> {
        let mut before = self.transaction.prepare_cached(
            "SELECT type, status, context_type, campaign, order_id, context_order, context_return,
                    customer_name, customer_public_id, gone_at IS NULL, updated_at, updated_offset
             FROM chats WHERE business = ?1 AND chat = ?2",
        )?;
        let same = |row: &rusqlite::Row<'_>| {
            let customer = chat.context.customer.as_ref();
            Ok((
                row.get_ref(0)?.as_str()? == chat.chat_type.as_str()
                    && row.get_ref(1)?.as_str()? == chat.status.as_str()
                    && row.get_ref(2)?.as_str()? == chat.context.context_type.as_str()
                    && row.get::<_, Option<i64>>(3)? == chat.context.campaign_id.map(|id| id.get())
                    && row.get::<_, Option<i64>>(4)? == chat.order_id.map(|id| id.get())
                    && row.get::<_, Option<i64>>(5)? == chat.context.order_id.map(|id| id.get())
                    && row.get::<_, Option<i64>>(6)? == chat.context.return_id.map(|id| id.get())
                    && row.get::<_, Option<String>>(7)? == customer.and_then(|c| c.name.clone())
                    && row.get::<_, Option<String>>(8)?
                        == customer.and_then(|c| c.public_id.clone())
                    && row.get(9)?,
                row.get::<_, i64>(10)?,
                row.get::<_, Option<i32>>(11)?,
            ))
        };
        let key = (business.get(), chat.chat_id.get());
        let found = before.query_row(key, same).optional()?;
        let (updated, offset) =
            (to_nanos(chat.updated_at.timestamp()), chat.updated_at.offset_seconds());
        if let Some((true, known, known_offset)) = found
            && (known, known_offset) == (updated, offset)
        {
            return Ok(ChatDiff::Same);
        }
        let seq = match found {
            Some((true, ..)) => None,
            _ => Some(self.next_seq()),
        };
        // A message read before the listing may have a later time, or the same one with its
        // fraction.
        let later = match found {
            Some((_, known, known_offset)) if known > updated && !same_second(known, updated) => {
                ColumnTime { nanos: known, offset: known_offset }
            }
            _ => ColumnTime { nanos: updated, offset },
        };
        self.put_chat(business, chat, later, now, seq)?;
        Ok(match (found, seq) {
            (None, _) => ChatDiff::New,
            (Some(_), Some(_)) => ChatDiff::Changed,
            (Some(_), None) => ChatDiff::Same,
        })
    }

    fn put_chat(
        &self,
        business: BusinessId,
        chat: &Chat,
        updated: ColumnTime,
        now: Timestamp,
        seq: Option<i64>,
    ) -> rusqlite::Result<()> {
        let mut put = self.transaction.prepare_cached(
            "INSERT INTO chats (business, chat, type, status, context_type, campaign, order_id,
                                context_order, context_return, customer_name, customer_public_id,
                                created_at, created_offset, updated_at, updated_offset, seen_at, seq)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16,
                     coalesce(?17, 0))
             ON CONFLICT DO UPDATE SET type = ?3, status = ?4, context_type = ?5, campaign = ?6,
                 order_id = ?7, context_order = ?8, context_return = ?9, customer_name = ?10,
                 customer_public_id = ?11, created_at = ?12, created_offset = ?13,
                 updated_at = ?14, updated_offset = ?15,
                 seen_at = iif(?14 > updated_at, ?16, seen_at), seq = coalesce(?17, seq),
                 gone_at = NULL",
        )?;
        let context = &chat.context;
        let customer = context.customer.as_ref();
        put.execute(params![
            business.get(),
            chat.chat_id.get(),
            chat.chat_type.as_str(),
            chat.status.as_str(),
            context.context_type.as_str(),
            context.campaign_id.map(|id| id.get()),
            chat.order_id.map(|id| id.get()),
            context.order_id.map(|id| id.get()),
            context.return_id.map(|id| id.get()),
            customer.and_then(|customer| customer.name.as_deref()),
            customer.and_then(|customer| customer.public_id.as_deref()),
            to_nanos(chat.created_at.timestamp()),
            chat.created_at.offset_seconds(),
            updated.nanos,
            updated.offset,
            to_nanos(now),
            seq,
        ])?;
        Ok(())
    }

    /// Stores messages of a chat with its progress, and returns the number of new ones.
    pub(crate) fn page(
        &mut self,
        business: BusinessId,
        chat: ChatId,
        messages: &[Message],
        reading: HistoryProgress,
    ) -> rusqlite::Result<u64> {
        let key = (business.get(), chat.get());
        let home = self.home(key)?;
        let mut new = 0;
        for message in messages {
            let id = message.message_id.get();
            if home.last_message.is_some_and(|last| id <= last) && self.is_known(key, message)? {
                continue;
            }
            new += u64::from(self.insert(&home, message)?);
        }
        let largest = messages.iter().map(|message| message.message_id.get()).max();
        let mut update = self.transaction.prepare_cached(
            "UPDATE chats SET last_message = nullif(max(coalesce(last_message, 0), coalesce(?3, 0)), 0),
                 whole_to = nullif(max(coalesce(whole_to, 0), coalesce(?4, 0)), 0),
                 synced_at = CASE WHEN ?5 > coalesce(synced_at, ?6) THEN ?5 ELSE synced_at END
             WHERE business = ?1 AND chat = ?2",
        )?;
        let whole_to = reading.whole_to.map(MessageId::get);
        update.execute((key.0, key.1, largest, whole_to, reading.finished, i64::MIN))?;
        Ok(new)
    }

    fn home(&self, key: (i64, i64)) -> rusqlite::Result<Home> {
        let mut statement = self.transaction.prepare_cached(
            "SELECT campaign, context_type, last_message FROM chats WHERE business = ?1 AND chat = ?2",
        )?;
        statement.query_row(key, |row| {
            let (business, chat) = key;
            let (campaign, last_message) = (row.get(0)?, row.get(2)?);
            Ok(Home { business, chat, campaign, context_type: row.get(1)?, last_message })
        })
    }

    /// Returns true if the message is archived. The service may renew attachment links; nothing
    /// else of a message changes.
    fn is_known(&self, key: (i64, i64), message: &Message) -> rusqlite::Result<bool> {
        let mut statement = self.transaction.prepare_cached(
            "SELECT payload FROM messages WHERE business = ?1 AND chat = ?2 AND message = ?3",
        )?;
        let id = message.message_id.get();
        let found = statement.query_row((key.0, key.1, id), |row| row.get::<_, Option<String>>(0));
        let Some(before) = found.optional()? else { return Ok(false) };
        let payload = payload(message)?;
        if before != payload {
            let sql = "UPDATE messages SET payload = ?4
                       WHERE business = ?1 AND chat = ?2 AND message = ?3";
            self.transaction.prepare_cached(sql)?.execute((key.0, key.1, id, payload))?;
            self.attachments(key, message)?;
        }
        Ok(true)
    }

    fn insert(&mut self, home: &Home, message: &Message) -> rusqlite::Result<bool> {
        let doc = self.free_doc(message)?;
        let seq = self.next_seq();
        let mut insert = self.transaction.prepare_cached(
            "INSERT INTO messages (doc, business, chat, message, created_at, created_offset, sender,
                                   text, payload, seq)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)
             ON CONFLICT (business, chat, message) DO NOTHING",
        )?;
        let inserted = insert.execute(params![
            doc,
            home.business,
            home.chat,
            message.message_id.get(),
            to_nanos(message.created_at.timestamp()),
            message.created_at.offset_seconds(),
            message.sender.as_str(),
            message.message.as_deref(),
            payload(message)?,
            seq,
        ])?;
        if inserted == 0 {
            // The page had the message twice.
            return Ok(false);
        }
        self.attachments((home.business, home.chat), message)?;
        let files: Vec<&str> =
            message.payload.iter().flatten().map(|attachment| attachment.name.as_str()).collect();
        let entry = IndexEntry {
            doc,
            business: home.business,
            chat: home.chat,
            campaign: home.campaign,
            context_type: &home.context_type,
            sender: message.sender.as_str(),
            text: message.message.as_deref(),
            files: &files,
        };
        self.indexer.index(self.transaction, &entry)?;
        Ok(true)
    }

    /// Returns the document number of a message in time order: its microsecond, or the next free
    /// one.
    fn free_doc(&self, message: &Message) -> rusqlite::Result<i64> {
        const SECOND: i64 = 1_000_000;
        let at = message.created_at.timestamp();
        let micros = at.as_microsecond();
        let id = message.message_id.get();
        // Dates in whole seconds lack the fraction that the ids of the published service have.
        let whole = at.subsec_nanosecond() == 0 && (micros..micros + SECOND).contains(&id);
        let mut doc = if whole { id } else { micros };
        let mut taken = self.transaction.prepare_cached("SELECT 1 FROM messages WHERE doc = ?1")?;
        let mut last = self
            .transaction
            .prepare_cached("SELECT max(doc) FROM messages WHERE doc BETWEEN ?1 AND ?2")?;
        while taken.exists([doc])? {
            let end = doc + SECOND;
            let last: i64 = last.query_row((doc, end), |row| row.get(0))?;
            doc = last + 1;
        }
        Ok(doc)
    }

    /// Records the attachments of a message to download. A downloaded file stays.
    fn attachments(&self, key: (i64, i64), message: &Message) -> rusqlite::Result<()> {
        let mut insert = self.transaction.prepare_cached(
            "INSERT INTO attachments (business, chat, message, place, name, url, size, due)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, 0)
             ON CONFLICT DO UPDATE SET name = ?5, url = ?6, size = ?7,
                 due = iif(sha256 IS NULL, 0, NULL), tries = iif(sha256 IS NULL, 0, tries)",
        )?;
        for (place, attachment) in (0_u32..).zip(message.payload.iter().flatten()) {
            insert.execute(params![
                key.0,
                key.1,
                message.message_id.get(),
                place,
                attachment.name,
                attachment.url,
                attachment.size,
            ])?;
        }
        Ok(())
    }

    /// Records a message time that is later than the listed `updatedAt`.
    pub(crate) fn updated(
        &self,
        business: BusinessId,
        chat: ChatId,
        at: Time,
        now: Timestamp,
    ) -> rusqlite::Result<()> {
        let sql = "UPDATE chats SET updated_at = ?3, updated_offset = ?4, seen_at = ?5
                   WHERE business = ?1 AND chat = ?2 AND updated_at < ?3";
        self.transaction.prepare_cached(sql)?.execute((
            business.get(),
            chat.get(),
            to_nanos(at.timestamp()),
            at.offset_seconds(),
            to_nanos(now),
        ))?;
        Ok(())
    }

    /// Marks a chat that the service no longer has.
    pub(crate) fn gone(
        &mut self,
        business: BusinessId,
        chat: ChatId,
        now: Timestamp,
    ) -> rusqlite::Result<()> {
        let seq = self.next_seq();
        let sql = "UPDATE chats SET gone_at = ?3, seq = ?4
                   WHERE business = ?1 AND chat = ?2 AND gone_at IS NULL";
        let key = (business.get(), chat.get(), to_nanos(now), seq);
        self.transaction.prepare_cached(sql)?.execute(key)?;
        Ok(())
    }

    /// Inserts the row of a cabinet if it is missing.
    pub(crate) fn cabinet(&self, business: BusinessId) -> rusqlite::Result<()> {
        let sql = "INSERT INTO cabinets (business) VALUES (?1) ON CONFLICT DO NOTHING";
        self.transaction.prepare_cached(sql)?.execute([business.get()])?;
        Ok(())
    }
}

fn same_second(one: i64, other: i64) -> bool {
    const SECOND: i64 = 1_000_000_000;
    one.div_euclid(SECOND) == other.div_euclid(SECOND) && other.rem_euclid(SECOND) == 0
}

fn payload(message: &Message) -> rusqlite::Result<Option<String>> {
    let json = message.payload.as_ref().map(serde_json::to_string).transpose();
    json.map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()))
}

impl Archive {
    /// Stores chats as the service returned them at this time.
    ///
    /// For programs that get them from elsewhere; a syncer does this itself.
    ///
    /// # Errors
    ///
    /// If the database fails.
    pub fn put_chats(&self, business: BusinessId, chats: &[Chat], now: Timestamp) -> Result<()> {
        self.write(|write| {
            write.cabinet(business)?;
            chats.iter().try_for_each(|chat| write.chat(business, chat, now).map(drop))
        })
    }

    /// Stores messages of an archived chat and returns the number of new ones. The chat is not
    /// marked complete.
    ///
    /// For programs that get them from elsewhere; a syncer does this itself.
    ///
    /// # Errors
    ///
    /// If the database fails.
    pub fn put_messages(
        &self,
        business: BusinessId,
        chat: ChatId,
        messages: &[Message],
    ) -> Result<u64> {
        self.write(|write| write.page(business, chat, messages, HistoryProgress::default()))
    }

    /// Records the operator who wrote a message, which may be archived later.
    ///
    /// # Errors
    ///
    /// If the database fails.
    pub fn set_author(
        &self,
        business: BusinessId,
        chat: ChatId,
        message: MessageId,
        operator: &str,
    ) -> Result<()> {
        self.write(|write| {
            let sql = "INSERT INTO authors (business, chat, message, operator)
                       VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO UPDATE SET operator = ?4";
            let mut statement = write.transaction().prepare_cached(sql)?;
            statement.execute((business.get(), chat.get(), message.get(), operator))?;
            Ok(())
        })
    }

    /// Records the name of a cabinet.
    ///
    /// # Errors
    ///
    /// If the database fails.
    pub fn set_name(&self, business: BusinessId, name: &str) -> Result<()> {
        self.write(|write| {
            write.cabinet(business)?;
            let sql = "UPDATE cabinets SET name = ?2 WHERE business = ?1";
            write.transaction().prepare_cached(sql)?.execute((business.get(), name))?;
            Ok(())
        })
    }

    /// Records the names of campaigns and cabinets, as returned by getCampaigns.
    ///
    /// # Errors
    ///
    /// If the database fails.
    pub fn set_campaigns(&self, campaigns: &[Campaign]) -> Result<()> {
        self.write(|write| {
            let mut shop = write.transaction().prepare_cached(
                "INSERT INTO campaigns (campaign, business, name, placement)
                 VALUES (?1, ?2, ?3, ?4)
                 ON CONFLICT DO UPDATE SET business = ?2, name = ?3, placement = ?4",
            )?;
            let mut cabinet = write.transaction().prepare_cached(
                "INSERT INTO cabinets (business, name) VALUES (?1, ?2)
                 ON CONFLICT DO UPDATE SET name = coalesce(?2, name)",
            )?;
            for campaign in campaigns {
                let Some(business) = &campaign.business else { continue };
                let Some(business_id) = business.id else { continue };
                cabinet.execute((business_id.get(), &business.name))?;
                let Some(id) = campaign.id else { continue };
                let placement =
                    campaign.placement_type.as_ref().map(|placement| placement.as_str());
                shop.execute((id.get(), business_id.get(), &campaign.domain, placement))?;
            }
            Ok(())
        })
    }
}
