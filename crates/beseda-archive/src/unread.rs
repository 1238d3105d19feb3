//! Read marks of operators and unread messages. The service has no read marks.

use beseda_api::{BusinessId, Chat, MessageId, Sender, Time};
use rusqlite::{Connection, OptionalExtension, Row};
use serde::Serialize;

use crate::{
    Archive, Result,
    archive::{CHAT_COLUMNS, ChatKey, chat_of, time_of},
};

/// Unread messages of an operator.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Unread {
    /// Operator.
    pub operator: String,
    /// Total number of unread messages.
    pub unread: u64,
    /// Number of chats that wait for the shop, read or not.
    pub backlog: u64,
    /// Chats with unread messages: those waiting for an answer first, longest wait first.
    pub chats: Vec<UnreadChat>,
}

/// Chat with unread messages.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct UnreadChat {
    /// Cabinet id.
    pub business_id: BusinessId,
    /// Name of the shop, once known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shop: Option<String>,
    /// Chat.
    #[serde(flatten)]
    pub chat: Chat,
    /// Number of unread messages of others than the shop.
    pub unread: u64,
    /// First unread message.
    pub first_unread_id: MessageId,
    /// Time of the first message the shop has not answered; `None` if the shop wrote last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub waiting_since: Option<Time>,
}

/// Message up to which an operator has read a chat: the mark, or the operator's own later message.
const READ_TO: &str = "max(
    coalesce((SELECT r.message FROM reads r
              WHERE r.operator = ?1 AND r.business = c.business AND r.chat = c.chat), 0),
    coalesce((SELECT max(a.message) FROM authors a
              WHERE a.operator = ?1 AND a.business = c.business AND a.chat = c.chat), 0))";

impl Archive {
    /// Returns the unread messages of an operator in these cabinets, or in all if none is given.
    ///
    /// A message counts as read up to the operator's mark, and up to the operator's own last
    /// message.
    ///
    /// # Errors
    ///
    /// If the database fails.
    pub fn unread(&self, operator: &str, cabinets: &[BusinessId]) -> Result<Unread> {
        let wanted = |business: &BusinessId| cabinets.is_empty() || cabinets.contains(business);
        self.read(|connection| {
            let snapshot = connection.unchecked_transaction()?;
            let sql = format!(
                "SELECT {CHAT_COLUMNS}, {READ_TO} AS read_to FROM chats c WHERE last_message > {READ_TO}"
            );
            let mut statement = snapshot.prepare_cached(&sql)?;
            let mut rows = statement.query([operator])?;
            let mut chats = Vec::new();
            while let Some(row) = rows.next()? {
                let found = chat_of(row)?;
                if wanted(&found.business_id) {
                    let read_to: i64 = row.get("read_to")?;
                    chats.extend(unread_in(&snapshot, found.business_id, found.chat, read_to)?);
                }
            }
            chats.sort_by_key(|chat| {
                let since = chat.waiting_since.map(Time::timestamp);
                (since.is_none(), since, chat.chat.chat_id)
            });
            let unread = chats.iter().map(|chat| chat.unread).sum();
            let backlog = backlog(&snapshot, &wanted)?;
            Ok(Unread { operator: operator.to_owned(), unread, backlog, chats })
        })
    }

    /// Marks a chat as read by an operator up to a message, or to its end. An earlier message makes
    /// later ones unread again. Returns `false` if there is no such chat, or it is empty.
    ///
    /// # Errors
    ///
    /// If the database fails.
    pub fn mark_read(
        &self,
        operator: &str,
        key: ChatKey,
        message: Option<MessageId>,
    ) -> Result<bool> {
        self.write(|write| {
            let sql = "INSERT INTO reads (operator, business, chat, message)
                       SELECT ?1, business, chat, coalesce(?4, last_message) FROM chats
                       WHERE business = ?2 AND chat = ?3 AND last_message IS NOT NULL
                       ON CONFLICT DO UPDATE SET message = excluded.message";
            let (business, chat) = (key.business_id.get(), key.chat_id.get());
            let message = message.map(MessageId::get);
            let mut statement = write.transaction().prepare_cached(sql)?;
            Ok(statement.execute((operator, business, chat, message))? > 0)
        })
    }

    /// Marks every chat of these cabinets, or of all, as read by an operator, and returns their
    /// number.
    ///
    /// # Errors
    ///
    /// If the database fails.
    pub fn mark_all_read(&self, operator: &str, cabinets: &[BusinessId]) -> Result<u64> {
        self.write(|write| {
            let only = if cabinets.is_empty() { "?2 IS NULL" } else { "business = ?2" };
            let sql = format!(
                "INSERT INTO reads (operator, business, chat, message)
                 SELECT ?1, business, chat, last_message FROM chats
                 WHERE last_message IS NOT NULL AND {only}
                 ON CONFLICT DO UPDATE SET message = excluded.message"
            );
            let mut statement = write.transaction().prepare_cached(&sql)?;
            let mut mark = |business: Option<i64>| statement.execute((operator, business));
            let marked = if cabinets.is_empty() {
                mark(None)?
            } else {
                let each = cabinets.iter().map(|business| mark(Some(business.get())));
                each.sum::<rusqlite::Result<usize>>()?
            };
            Ok(marked as u64)
        })
    }

    /// Returns the chats with this id in all cabinets.
    ///
    /// # Errors
    ///
    /// If the database fails.
    pub fn chats_of_id(&self, chat: beseda_api::ChatId) -> Result<Vec<ChatKey>> {
        let cabinets = self.cabinets()?;
        let keys = cabinets.into_iter().map(|cabinet| cabinet.business_id);
        let mut found = Vec::new();
        for business_id in keys {
            if self.chat(business_id, chat)?.is_some() {
                found.push(ChatKey { business_id, chat_id: chat });
            }
        }
        Ok(found)
    }
}

fn unread_in(
    connection: &Connection,
    business_id: BusinessId,
    chat: Chat,
    read_to: i64,
) -> rusqlite::Result<Option<UnreadChat>> {
    let (business, id) = (business_id.get(), chat.chat_id.get());
    let mut count = connection.prepare_cached(
        "SELECT count(*), min(message) FROM messages
         WHERE business = ?1 AND chat = ?2 AND message > ?3 AND sender <> ?4",
    )?;
    let own = Sender::Partner.as_str();
    let read = |row: &Row<'_>| Ok((row.get::<_, i64>(0)?, row.get::<_, Option<i64>>(1)?));
    let (unread, first) = count.query_row((business, id, read_to, own), read)?;
    let Some(first) = first.and_then(|first| MessageId::new(first).ok()) else { return Ok(None) };
    let mut since = connection.prepare_cached(
        "SELECT created_at, created_offset FROM messages
         WHERE business = ?1 AND chat = ?2 AND sender IN ('CUSTOMER', 'SUPPORT')
           AND message > coalesce((SELECT message FROM messages
                                   WHERE business = ?1 AND chat = ?2 AND sender = ?3
                                   ORDER BY message DESC LIMIT 1), 0)
         ORDER BY message LIMIT 1",
    )?;
    let waiting_since = since.query_row((business, id, own), |row| time_of(row, 0)).optional()?;
    let mut name = connection.prepare_cached("SELECT name FROM campaigns WHERE campaign = ?1")?;
    let campaign = chat.context.campaign_id.map(|campaign| campaign.get());
    let shop = name.query_row([campaign], |row| row.get(0)).optional()?.flatten();
    let unread = unread.unsigned_abs();
    Ok(Some(UnreadChat { business_id, shop, chat, unread, first_unread_id: first, waiting_since }))
}

fn backlog(connection: &Connection, wanted: &dyn Fn(&BusinessId) -> bool) -> rusqlite::Result<u64> {
    let mut statement = connection.prepare_cached(
        "SELECT business, count(*) FROM chats
         WHERE status IN ('NEW', 'WAITING_FOR_PARTNER') AND last_message IS NOT NULL
           AND gone_at IS NULL GROUP BY business",
    )?;
    let mut rows = statement.query([])?;
    let mut backlog = 0;
    while let Some(row) = rows.next()? {
        let count: i64 = row.get(1)?;
        if BusinessId::new(row.get(0)?).is_ok_and(|business| wanted(&business)) {
            backlog += count.unsigned_abs();
        }
    }
    Ok(backlog)
}
