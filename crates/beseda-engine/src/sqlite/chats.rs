//! Statements on chats and messages. Which of them may run is decided elsewhere.

use std::collections::BTreeSet;

use beseda_api::{
    BusinessId, CampaignId, ChatContext, ChatId, ChatStatus, ChatType, ContextType, Customer,
    Error, FileId, MessageId, OrderId, ReturnId, Sender,
};
use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row, types::Type};

use super::{
    code::Word,
    outbox::{self, Kind, Told},
    writer::{Failed, Group},
};
use crate::{
    rules::{self, Event},
    store::{ChatPlace, ChatQuery, ChatRow, Draft, FileRow, MessageRow, NewChat, Reuse, Subject},
};

/// The columns of a chat, in the order [`chat`] reads them.
macro_rules! chat_columns {
    () => {
        "c.chat_id, c.business_id, c.type, c.status, c.context_type, c.updated_at, c.created_at, \
         c.campaign_id, c.order_id, c.return_id, c.customer_name, c.customer_public_id"
    };
}

/// The columns of a message, in the order [`message`] reads them.
macro_rules! message_columns {
    () => {
        "m.message_id, m.created_at, m.sender, m.text, m.file_id, m.file_name, m.file_size"
    };
}

/// A chat by its id, in whatever cabinet it is.
pub(super) fn by_id(connection: &Connection, chat_id: i64) -> rusqlite::Result<Option<ChatRow>> {
    let sql = concat!("SELECT ", chat_columns!(), " FROM chats c WHERE chat_id = ?1");
    connection.prepare_cached(sql)?.query_row([chat_id], chat).optional()
}

/// A part of the list of chats, from one snapshot.
pub(super) fn list(
    connection: &Connection,
    business: BusinessId,
    query: &ChatQuery,
) -> rusqlite::Result<Vec<ChatRow>> {
    // Inside of a transaction everything is of one snapshot as it is.
    let begin = |_| connection.unchecked_transaction();
    let _snapshot = connection.is_autocommit().then_some(()).map(begin).transpose()?;
    if !query.filter.order_ids.is_empty() || !query.filter.contexts.is_empty() {
        return list_by_context(connection, business, query);
    }
    let places = places_by_words(connection, business, query)?;
    let rows = places.into_iter().map(|place| by_id(connection, place.chat));
    Ok(rows.collect::<Result<Vec<_>, _>>()?.into_iter().flatten().collect())
}

/// The chats of named orders and returns: few, so they are read whole and put in order here.
fn list_by_context(
    connection: &Connection,
    business: BusinessId,
    query: &ChatQuery,
) -> rusqlite::Result<Vec<ChatRow>> {
    let by_order = concat!(
        "SELECT ",
        chat_columns!(),
        " FROM chats c WHERE business_id = ?1 AND order_id = ?2"
    );
    let by_return = concat!(
        "SELECT ",
        chat_columns!(),
        " FROM chats c WHERE business_id = ?1 AND return_id = ?2"
    );
    let mut lookups: BTreeSet<(&str, i64)> =
        query.filter.order_ids.iter().map(|order| (by_order, order.get())).collect();
    if lookups.is_empty() {
        lookups.extend(query.filter.contexts.iter().map(|context| match context {
            ChatContext::Order(order) => (by_order, order.get()),
            ChatContext::Return(ret) => (by_return, ret.get()),
        }));
    }
    let mut found: Vec<ChatRow> = Vec::new();
    for (sql, id) in lookups {
        let mut statement = connection.prepare_cached(sql)?;
        for row in statement.query_map((business.get(), id), chat)? {
            let row = row?;
            if row.matches(&query.filter) && query.after.is_none_or(|after| row.place() < after) {
                found.push(row);
            }
        }
        // Only the first page is needed of however many orders were named.
        if found.len() > 16 * query.limit.max(16) {
            keep_first(&mut found, query.limit);
        }
    }
    keep_first(&mut found, query.limit);
    Ok(found)
}

fn keep_first(found: &mut Vec<ChatRow>, limit: usize) {
    found.sort_unstable_by_key(|row| std::cmp::Reverse(row.place()));
    found.dedup_by_key(|row| row.chat);
    found.truncate(limit);
}

/// The places of the chats that have certain words, merged from one range of the index per combination.
fn places_by_words(
    connection: &Connection,
    business: BusinessId,
    query: &ChatQuery,
) -> rusqlite::Result<Vec<ChatPlace>> {
    fn codes<T: Word>(wanted: &[T]) -> BTreeSet<i64> {
        let all = if wanted.is_empty() { T::WORDS } else { wanted };
        all.iter().map(Word::code).collect()
    }
    let after = query.after.unwrap_or(ChatPlace { updated_at: i64::MAX, chat: i64::MAX });
    let mut statement = connection.prepare_cached(
        "SELECT updated_at, chat_id FROM chats
         WHERE business_id = ?1 AND type = ?2 AND status = ?3 AND context_type = ?4
           AND (updated_at, chat_id) < (?5, ?6)
         ORDER BY updated_at DESC, chat_id DESC LIMIT ?7",
    )?;
    let mut places = Vec::new();
    for chat_type in codes(&query.filter.types) {
        for status in codes(&query.filter.statuses) {
            for context in codes(&query.filter.context_types) {
                let range = (
                    business.get(),
                    chat_type,
                    status,
                    context,
                    after.updated_at,
                    after.chat,
                    i64::try_from(query.limit).unwrap_or(i64::MAX),
                );
                let found = statement.query_map(range, |row| {
                    Ok(ChatPlace { updated_at: row.get(0)?, chat: row.get(1)? })
                })?;
                for place in found {
                    places.push(place?);
                }
            }
        }
    }
    places.sort_unstable_by(|one, other| other.cmp(one));
    places.truncate(query.limit);
    Ok(places)
}

/// A chat and a part of its messages, from one snapshot, which costs less than two.
pub(super) fn history(
    connection: &Connection,
    chat_id: i64,
    from: i64,
    limit: usize,
) -> rusqlite::Result<Option<(ChatRow, Vec<MessageRow>)>> {
    if !connection.is_autocommit() {
        return history_in_snapshot(connection, chat_id, from, limit);
    }
    connection.prepare_cached("BEGIN")?.execute([])?;
    let found = history_in_snapshot(connection, chat_id, from, limit);
    connection.prepare_cached("COMMIT")?.execute([])?;
    found
}

fn history_in_snapshot(
    connection: &Connection,
    chat_id: i64,
    from: i64,
    limit: usize,
) -> rusqlite::Result<Option<(ChatRow, Vec<MessageRow>)>> {
    let Some(row) = by_id(connection, chat_id)? else { return Ok(None) };
    let mut statement = connection.prepare_cached(concat!(
        "SELECT ",
        message_columns!(),
        " FROM messages m WHERE chat_id = ?1 AND message_id >= ?2 ORDER BY message_id LIMIT ?3",
    ))?;
    let mut rows = statement.query((chat_id, from, i64::try_from(limit).unwrap_or(i64::MAX)))?;
    let mut messages = Vec::with_capacity(limit.min(128));
    while let Some(row) = rows.next()? {
        messages.push(message(row)?);
    }
    Ok(Some((row, messages)))
}

/// One message.
pub(super) fn message_by_id(
    connection: &Connection,
    business: BusinessId,
    chat_id: ChatId,
    message_id: MessageId,
) -> rusqlite::Result<Option<MessageRow>> {
    let sql = concat!(
        "SELECT ",
        message_columns!(),
        " FROM messages m JOIN chats c USING (chat_id)
          WHERE chat_id = ?1 AND message_id = ?2 AND c.business_id = ?3"
    );
    let ids = (chat_id.get(), message_id.get(), business.get());
    connection.prepare_cached(sql)?.query_row(ids, message).optional()
}

/// Writes what events change of a chat.
pub(super) fn update(connection: &Connection, row: &ChatRow) -> rusqlite::Result<()> {
    let mut statement = connection.prepare_cached(
        "UPDATE chats SET type = ?2, status = ?3, updated_at = ?4 WHERE chat_id = ?1",
    )?;
    let updated_at = row.updated_at.as_microsecond();
    statement.execute((row.chat.get(), row.chat_type.code(), row.status.code(), updated_at))?;
    Ok(())
}

/// Makes a chat, or finds the one that will do, and writes the first message.
pub(super) fn create(group: &mut Group, new: NewChat) -> Result<(ChatRow, bool), Failed> {
    let found = match (new.reuse, new.subject.context()) {
        (Reuse::Never, _) | (_, None) => None,
        (reuse, Some(context)) => reusable(group, &new, context, reuse)?,
    };
    let made = found.is_none();
    let mut row = match found {
        Some(row) => row,
        None => insert(group, &new)?,
    };
    if made {
        tell(group, &row, Kind::ChatCreated, None, row.created_at)?;
    }
    if made && row.chat_type == ChatType::Arbitrage {
        tell(group, &row, Kind::ArbitrageStarted, None, row.created_at)?;
    }
    if let Some(first) = new.first {
        append(group, new.business, row.chat, first)?;
        row = group.head(row.chat.get())?.unwrap_or(row);
    }
    Ok((row, made))
}

fn reusable(
    group: &mut Group,
    new: &NewChat,
    context: ChatContext,
    reuse: Reuse,
) -> Result<Option<ChatRow>, Failed> {
    let column = match context {
        ChatContext::Order(_) => "order_id",
        ChatContext::Return(_) => "return_id",
    };
    let sql = format!(
        "SELECT chat_id FROM chats WHERE business_id = ?1 AND {column} = ?2 AND context_type = ?3
         ORDER BY chat_id"
    );
    let key = (new.business.get(), context.id(), context.context_type().code());
    let ids: Vec<i64> = {
        let mut statement = group.connection.prepare_cached(&sql)?;
        let found = statement.query_map(key, |row| row.get(0))?;
        found.collect::<Result<_, _>>()?
    };
    let mut other_type = None;
    for id in ids {
        let Some(row) = group.head(id)? else { continue };
        if row.chat_type != new.chat_type {
            other_type = other_type.or(Some(row));
        } else if reuse != Reuse::Unfinished || row.status != ChatStatus::Finished {
            return Ok(Some(row));
        }
    }
    Ok(other_type.filter(|_| reuse == Reuse::AnyType))
}

fn insert(group: &mut Group, new: &NewChat) -> Result<ChatRow, Failed> {
    let id = group.next_chat();
    let row = ChatRow {
        chat: ChatId::new(id).map_err(|_| Error::internal("chat ids have run out"))?,
        business: new.business,
        chat_type: new.chat_type.clone(),
        status: new.status.clone(),
        subject: new.subject.clone(),
        created_at: new.at,
        updated_at: new.at,
    };
    let customer = new.subject.customer.as_ref();
    group.connection.prepare_cached(
        "INSERT INTO chats (chat_id, business_id, type, status, context_type, updated_at, created_at,
                            campaign_id, order_id, return_id, customer_name, customer_public_id)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?6, ?7, ?8, ?9, ?10, ?11)",
    )?
    .execute((
        id,
        new.business.get(),
        new.chat_type.code(),
        new.status.code(),
        new.subject.context_type.code(),
        new.at.as_microsecond(),
        new.subject.campaign.map(CampaignId::get),
        new.subject.order.map(OrderId::get),
        new.subject.ret.map(ReturnId::get),
        customer.and_then(|customer| customer.name.as_deref()),
        customer.and_then(|customer| customer.public_id.as_deref()),
    ))?;
    Ok(row)
}

/// Writes a message and what it changes of its chat.
pub(super) fn append(
    group: &mut Group,
    business: BusinessId,
    chat_id: ChatId,
    draft: Draft,
) -> Result<MessageRow, Failed> {
    let mut row = owned(group, business, chat_id)?;
    rules::apply(&mut row, &draft.event)?;
    // A clock that was set back must not write a message before the one it answers.
    let at = draft.at.max(row.updated_at);
    let id = group.next_message(draft.at.as_microsecond());
    let message_id = MessageId::new(id).map_err(|_| Error::internal("message ids have run out"))?;
    let file = draft.file.as_ref();
    group.connection.prepare_cached(
        "INSERT INTO messages (chat_id, message_id, created_at, sender, text, file_id, file_name, file_size)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
    )?
    .execute((
        chat_id.get(),
        id,
        at.as_microsecond(),
        draft.sender.code(),
        draft.text.as_deref(),
        file.map(|file| file.file.as_str()),
        file.map(|file| file.name.as_str()),
        file.map(|file| file.size),
    ))?;
    if let Some(file) = file {
        attach(&group.connection, business, file)?;
    }
    row.updated_at = at;
    // Stickers have neither and are not told of.
    if draft.text.is_some() || draft.file.is_some() {
        tell(group, &row, Kind::MessageSent, Some(message_id), at)?;
    }
    group.change_head(row);
    Ok(MessageRow {
        message: message_id,
        created_at: at,
        sender: draft.sender,
        text: draft.text,
        file: draft.file,
    })
}

fn attach(connection: &Connection, business: BusinessId, file: &FileRow) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "INSERT INTO files (file_id, business_id, name, size) VALUES (?1, ?2, ?3, ?4)",
        )?
        .execute((file.file.as_str(), business.get(), &file.name, file.size))?;
    forget_upload(connection, &file.file)
}

/// Ends an upload.
pub(super) fn forget_upload(connection: &Connection, file: &FileId) -> rusqlite::Result<()> {
    let mut statement = connection.prepare_cached("DELETE FROM uploads WHERE file_id = ?1")?;
    statement.execute([file.as_str()]).map(|_| ())
}

/// Lets the rules change a chat.
pub(super) fn change(
    group: &mut Group,
    business: BusinessId,
    chat_id: ChatId,
    event: &Event,
    at: Timestamp,
) -> Result<ChatRow, Failed> {
    let before = owned(group, business, chat_id)?;
    let mut row = before.clone();
    rules::apply(&mut row, event)?;
    if row == before {
        return Ok(row);
    }
    let disputed = row.chat_type == ChatType::Arbitrage;
    if disputed && before.chat_type != ChatType::Arbitrage {
        tell(group, &row, Kind::ArbitrageStarted, None, at)?;
    }
    if disputed && row.status == ChatStatus::Finished && before.status != ChatStatus::Finished {
        tell(group, &row, Kind::ArbitrageFinished, None, at)?;
    }
    group.change_head(row.clone());
    Ok(row)
}

/// Writes what subscriptions are to hear of this chat. Direct questions have no disputes.
fn tell(
    group: &mut Group,
    row: &ChatRow,
    kind: Kind,
    message: Option<MessageId>,
    at: Timestamp,
) -> rusqlite::Result<()> {
    outbox::tell(group, Told { kind, business: row.business, chat: row.chat, message, at })
}

/// A chat of this cabinet.
fn owned(group: &mut Group, business: BusinessId, chat_id: ChatId) -> Result<ChatRow, Failed> {
    let row = group.head(chat_id.get())?.filter(|row| row.business == business);
    row.ok_or_else(|| Error::chat_not_found(chat_id).into())
}

fn chat(row: &Row<'_>) -> rusqlite::Result<ChatRow> {
    let name: Option<String> = row.get(10)?;
    let public_id: Option<String> = row.get(11)?;
    let known = name.is_some() || public_id.is_some();
    Ok(ChatRow {
        chat: id(row, 0, ChatId::new)?,
        business: id(row, 1, BusinessId::new)?,
        chat_type: ChatType::of_code(row, 2)?,
        status: ChatStatus::of_code(row, 3)?,
        subject: Subject {
            context_type: ContextType::of_code(row, 4)?,
            campaign: maybe_id(row, 7, CampaignId::new)?,
            order: maybe_id(row, 8, OrderId::new)?,
            ret: maybe_id(row, 9, ReturnId::new)?,
            customer: known.then_some(Customer { name, public_id }),
        },
        updated_at: moment(row, 5)?,
        created_at: moment(row, 6)?,
    })
}

fn message(row: &Row<'_>) -> rusqlite::Result<MessageRow> {
    let file: Option<String> = row.get(4)?;
    Ok(MessageRow {
        message: id(row, 0, MessageId::new)?,
        created_at: moment(row, 1)?,
        sender: Sender::of_code(row, 2)?,
        text: text(row, 3)?,
        file: match file {
            None => None,
            Some(file) => Some(FileRow {
                file: file.parse().map_err(|error| strange(4, error))?,
                name: row.get(5)?,
                size: row.get(6)?,
            }),
        },
    })
}

/// An id column.
pub(super) fn id<T, E>(
    row: &Row<'_>,
    column: usize,
    new: impl Fn(i64) -> Result<T, E>,
) -> rusqlite::Result<T>
where
    E: std::error::Error + Send + Sync + 'static,
{
    new(row.get(column)?).map_err(|error| strange(column, error))
}

/// An id column that may be null.
pub(super) fn maybe_id<T, E>(
    row: &Row<'_>,
    column: usize,
    new: impl Fn(i64) -> Result<T, E>,
) -> rusqlite::Result<Option<T>>
where
    E: std::error::Error + Send + Sync + 'static,
{
    let raw: Option<i64> = row.get(column)?;
    raw.map(|raw| new(raw).map_err(|error| strange(column, error))).transpose()
}

/// A column with a text that may be null. Histories are mostly text, and most of it isn't ASCII: checking it is worth
/// doing fast.
fn text(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<String>> {
    let bytes = row.get_ref(column)?.as_bytes_or_null()?;
    let read = |bytes| simdutf8::basic::from_utf8(bytes).map(str::to_owned);
    bytes.map(read).transpose().map_err(|error| strange(column, error))
}

/// A column with Unix microseconds.
pub(super) fn moment(row: &Row<'_>, column: usize) -> rusqlite::Result<Timestamp> {
    Timestamp::from_microsecond(row.get(column)?).map_err(|error| strange(column, error))
}

/// A value that can't have been written by this program.
pub(super) fn strange(
    column: usize,
    error: impl std::error::Error + Send + Sync + 'static,
) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(column, Type::Integer, Box::new(error))
}
