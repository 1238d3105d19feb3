//! SQL statements of the outbox.

use beseda_api::{BusinessId, ChatId, MessageId};
use beseda_client::OutgoingMessage;
use beseda_sqlite::columns;
use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row, Transaction, params};

use crate::{
    Error, Item, ItemFile, ItemFilter, ItemState, NewItem, OutboxId, Result, UnknownItemState,
    files::PendingFile,
};

const COLUMNS: &str = "id, business, chat, state, text, file_name, file_size, file_sha256, operator, \
    message, reason, status, attempts, created_at, changed_at, unseen, doubt, baseline";
/// Condition of messages with something left to do; the same text as in the index `items_open`.
const OPEN: &str = "state IN ('queued', 'sending', 'sent') AND unseen = 0";

fn item(row: &Row<'_>) -> rusqlite::Result<Item> {
    let file = match row.get(5)? {
        Some(name) => {
            let size = columns::id(row, 6, u64::try_from)?;
            Some(ItemFile { name, size, sha256: row.get(7)? })
        }
        None => None,
    };
    Ok(Item {
        id: OutboxId(row.get(0)?),
        business_id: columns::id(row, 1, BusinessId::new)?,
        chat_id: columns::id(row, 2, ChatId::new)?,
        state: state(row, 3)?,
        text: row.get(4)?,
        file,
        operator: row.get(8)?,
        message_id: columns::optional_id(row, 9, MessageId::new)?,
        reason: row.get(10)?,
        status: row.get(11)?,
        attempts: row.get(12)?,
        created_at: columns::timestamp(row, 13)?,
        changed_at: columns::timestamp(row, 14)?,
        lookup_abandoned: row.get(15)?,
        uncertain: row.get(16)?,
        baseline: row.get(17)?,
    })
}

fn state(row: &Row<'_>, column: usize) -> rusqlite::Result<ItemState> {
    let name: String = row.get(column)?;
    name.parse().map_err(|error: UnknownItemState| columns::invalid_column(column, error))
}

pub(crate) fn insert(
    transaction: &Transaction<'_>,
    new: &NewItem,
    file: Option<&PendingFile>,
    now: Timestamp,
) -> Result<OutboxId> {
    let (text, name) = match &new.message {
        OutgoingMessage::Text(text) => (Some(text.as_str()), None),
        OutgoingMessage::File { name, .. } => (None, Some(name.as_str())),
    };
    let sql = "INSERT INTO items (business, chat, turn, text, file_name, file_size, file_sha256, \
        operator, state, created_at, changed_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, 'queued', ?, ?)";
    let now = now.as_microsecond();
    transaction.prepare_cached(sql)?.execute(params![
        new.business.get(),
        new.chat.get(),
        next_position(transaction)?,
        text,
        name,
        file.map(|file| i64::try_from(file.size).unwrap_or(i64::MAX)),
        file.map(|file| file.sha256.as_str()),
        new.operator,
        now,
        now,
    ])?;
    Ok(OutboxId(transaction.last_insert_rowid()))
}

/// Returns a queue position behind all others.
fn next_position(transaction: &Transaction<'_>) -> Result<i64> {
    let sql = "UPDATE turns SET last = last + 1 RETURNING last";
    Ok(transaction.prepare_cached(sql)?.query_row([], |row| row.get(0))?)
}

pub(crate) fn get(connection: &Connection, id: OutboxId) -> Result<Item> {
    let sql = format!("SELECT {COLUMNS} FROM items WHERE id = ?");
    let found = connection.prepare_cached(&sql)?.query_row([id.0], item).optional()?;
    found.ok_or(Error::NotFound(id))
}

pub(crate) fn list(connection: &Connection, filter: &ItemFilter) -> Result<Vec<Item>> {
    let names: Vec<String> = filter.states.iter().map(|state| format!("'{state}'")).collect();
    let states = if names.is_empty() {
        String::new()
    } else {
        format!("AND state IN ({})", names.join(", "))
    };
    let sql = format!(
        "SELECT {COLUMNS} FROM items WHERE id > ?1 AND (?2 IS NULL OR business = ?2) \
         AND (?3 IS NULL OR chat = ?3) {states} ORDER BY id LIMIT ?4"
    );
    let mut statement = connection.prepare_cached(&sql)?;
    let rows = statement.query_map(
        params![
            filter.after.map_or(0, |id| id.0),
            filter.business.map(BusinessId::get),
            filter.chat.map(ChatId::get),
            filter.limit.map_or(-1, i64::from),
        ],
        item,
    )?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// Returns the number of messages in each state.
pub(crate) fn counts(
    connection: &Connection,
    business: Option<BusinessId>,
) -> Result<Vec<(ItemState, u64)>> {
    let sql = "SELECT state, count(*) FROM items WHERE ?1 IS NULL OR business = ?1 GROUP BY state";
    let mut statement = connection.prepare_cached(sql)?;
    let rows = statement.query_map([business.map(BusinessId::get)], |row| {
        Ok((state(row, 0)?, columns::id(row, 1, u64::try_from)?))
    })?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// Returns the chats with something left to do, the longest waiting first.
pub(crate) fn open_chats(connection: &Connection, business: BusinessId) -> Result<Vec<ChatId>> {
    let sql = format!(
        "SELECT chat FROM items WHERE {OPEN} AND business = ? GROUP BY chat ORDER BY min(turn)"
    );
    let mut statement = connection.prepare_cached(&sql)?;
    let rows = statement.query_map([business.get()], |row| columns::id(row, 0, ChatId::new))?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// Returns the first messages of a chat's queue, those whose id is still looked up included.
pub(crate) fn queue(
    connection: &Connection,
    business: BusinessId,
    chat: ChatId,
    limit: u32,
) -> Result<Vec<Item>> {
    let sql = format!(
        "SELECT {COLUMNS} FROM items WHERE {OPEN} AND business = ? AND chat = ? ORDER BY turn LIMIT ?"
    );
    let mut statement = connection.prepare_cached(&sql)?;
    let rows = statement.query_map(params![business.get(), chat.get(), limit], item)?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// Returns the last message seen in a chat, or `None` if its history was never read.
pub(crate) fn last_seen(
    connection: &Connection,
    business: BusinessId,
    chat: ChatId,
) -> Result<Option<i64>> {
    let sql = "SELECT known FROM chats WHERE business = ? AND chat = ?";
    let mut statement = connection.prepare_cached(sql)?;
    Ok(statement.query_row(params![business.get(), chat.get()], |row| row.get(0)).optional()?)
}

/// Records the last message seen in a chat, unless a later one is recorded.
pub(crate) fn set_last_seen(
    connection: &Connection,
    business: BusinessId,
    chat: ChatId,
    message: i64,
) -> Result<()> {
    let sql = "INSERT INTO chats (business, chat, known) VALUES (?, ?, ?) \
        ON CONFLICT DO UPDATE SET known = excluded.known WHERE excluded.known > known";
    connection.prepare_cached(sql)?.execute(params![business.get(), chat.get(), message])?;
    Ok(())
}

/// Returns the ids after `after` that are already assigned to messages of this outbox.
pub(crate) fn assigned_ids(
    connection: &Connection,
    business: BusinessId,
    chat: ChatId,
    after: i64,
) -> Result<Vec<i64>> {
    let sql = "SELECT message FROM items WHERE business = ? AND chat = ? AND message > ?";
    let mut statement = connection.prepare_cached(sql)?;
    let rows = statement.query_map(params![business.get(), chat.get(), after], |row| row.get(0))?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// Changes the state from queued to sending. Returns `false` if the message is no longer queued.
pub(crate) fn set_sending(
    connection: &Connection,
    id: OutboxId,
    baseline: i64,
    now: Timestamp,
) -> Result<bool> {
    let sql = "UPDATE items SET state = 'sending', doubt = 0, baseline = ?2, \
        attempts = attempts + 1, reason = NULL, status = NULL, changed_at = ?3 \
        WHERE id = ?1 AND state = 'queued'";
    let now = now.as_microsecond();
    Ok(connection.prepare_cached(sql)?.execute(params![id.0, baseline, now])? > 0)
}

/// Sets the state of an open message and its reason. A message cancelled meanwhile stays cancelled.
pub(crate) fn set_state(
    connection: &Connection,
    id: OutboxId,
    state: ItemState,
    reason: Option<(&str, Option<u16>)>,
    now: Timestamp,
) -> Result<()> {
    let sql = "UPDATE items SET state = ?2, reason = ?3, status = ?4, changed_at = ?5 \
        WHERE id = ?1 AND state IN ('queued', 'sending', 'sent')";
    let (reason, status) = reason.map_or((None, None), |(reason, status)| (Some(reason), status));
    let now = now.as_microsecond();
    connection.prepare_cached(sql)?.execute(params![id.0, state.as_str(), reason, status, now])?;
    Ok(())
}

/// Sets whether the history must be read before the message is sent.
pub(crate) fn set_uncertain(connection: &Connection, id: OutboxId, uncertain: bool) -> Result<()> {
    connection
        .prepare_cached("UPDATE items SET doubt = ?2 WHERE id = ?1")?
        .execute(params![id.0, uncertain])?;
    Ok(())
}

/// Records the id of a message in its chat.
pub(crate) fn confirm(
    connection: &Connection,
    id: OutboxId,
    message: MessageId,
    now: Timestamp,
) -> Result<()> {
    let sql = "UPDATE items SET state = 'confirmed', message = ?2, doubt = 0, reason = NULL, \
        status = NULL, changed_at = ?3 WHERE id = ?1";
    connection.prepare_cached(sql)?.execute(params![id.0, message.get(), now.as_microsecond()])?;
    Ok(())
}

/// Ends the lookup of the id of a sent message.
pub(crate) fn abandon_lookup(connection: &Connection, id: OutboxId) -> Result<()> {
    let sql = "UPDATE items SET unseen = 1 WHERE id = ? AND state = 'sent'";
    connection.prepare_cached(sql)?.execute([id.0])?;
    Ok(())
}

/// Queues a failed message again, at the end of its chat's queue.
pub(crate) fn requeue(transaction: &Transaction<'_>, id: OutboxId, now: Timestamp) -> Result<()> {
    let sql = "UPDATE items SET state = 'queued', turn = ?2, reason = NULL, status = NULL, \
        changed_at = ?3 WHERE id = ?1";
    let position = next_position(transaction)?;
    transaction.prepare_cached(sql)?.execute(params![id.0, position, now.as_microsecond()])?;
    Ok(())
}

/// Returns `true` if a message that can still be sent refers to this file.
pub(crate) fn is_file_needed(connection: &Connection, sha256: &str) -> Result<bool> {
    let sql = "SELECT EXISTS (SELECT 1 FROM items WHERE file_sha256 = ? \
        AND (state IN ('queued', 'sending', 'failed')))";
    Ok(connection.prepare_cached(sql)?.query_row([sha256], |row| row.get(0))?)
}
