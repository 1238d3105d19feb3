//! Reads of chats and messages.

use std::collections::BTreeSet;

use beseda_api::{BusinessId, ChatContext, ChatId, MessageId};
use rusqlite::{Connection, OptionalExtension};

use super::row::{by_id, chat, chat_columns, message, message_columns};
use crate::{
    rows::{ChatCursor, ChatRow, MessageRow},
    sqlite::columns::StoredEnum,
    store::ChatQuery,
};

/// Returns a page of the list of chats, from one snapshot.
pub(in crate::sqlite) fn list(
    connection: &Connection,
    business: BusinessId,
    query: &ChatQuery,
) -> rusqlite::Result<Vec<ChatRow>> {
    // Inside a transaction all statements see one snapshot already.
    let begin = |_| connection.unchecked_transaction();
    let _snapshot = connection.is_autocommit().then_some(()).map(begin).transpose()?;
    if !query.filter.order_ids.is_empty() || !query.filter.contexts.is_empty() {
        return list_by_context(connection, business, query);
    }
    let cursors = cursors_by_filter(connection, business, query)?;
    let rows = cursors.into_iter().map(|cursor| by_id(connection, cursor.chat));
    Ok(rows.collect::<Result<Vec<_>, _>>()?.into_iter().flatten().collect())
}

/// Returns the chats of the filter's orders and returns. They are few, so they are read completely and sorted here.
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
            if row.matches(&query.filter) && query.after.is_none_or(|after| row.cursor() < after) {
                found.push(row);
            }
        }
        // Only the first page is needed, of any number of orders.
        if found.len() > 16 * query.limit.max(16) {
            keep_first(&mut found, query.limit);
        }
    }
    keep_first(&mut found, query.limit);
    Ok(found)
}

fn keep_first(found: &mut Vec<ChatRow>, limit: usize) {
    found.sort_unstable_by_key(|row| std::cmp::Reverse(row.cursor()));
    found.dedup_by_key(|row| row.chat);
    found.truncate(limit);
}

/// Returns the cursors of the matching chats, merged from one index range per combination of type, status and context type.
fn cursors_by_filter(
    connection: &Connection,
    business: BusinessId,
    query: &ChatQuery,
) -> rusqlite::Result<Vec<ChatCursor>> {
    fn codes<T: StoredEnum>(filter: &[T]) -> BTreeSet<i64> {
        let all = if filter.is_empty() { T::VALUES } else { filter };
        all.iter().map(StoredEnum::code).collect()
    }
    let after = query.after.unwrap_or(ChatCursor { updated_at: i64::MAX, chat: i64::MAX });
    let mut statement = connection.prepare_cached(
        "SELECT updated_at, chat_id FROM chats
         WHERE business_id = ?1 AND type = ?2 AND status = ?3 AND context_type = ?4
           AND (updated_at, chat_id) < (?5, ?6)
         ORDER BY updated_at DESC, chat_id DESC LIMIT ?7",
    )?;
    let mut cursors = Vec::new();
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
                    Ok(ChatCursor { updated_at: row.get(0)?, chat: row.get(1)? })
                })?;
                for cursor in found {
                    cursors.push(cursor?);
                }
            }
        }
    }
    cursors.sort_unstable_by(|one, other| other.cmp(one));
    cursors.truncate(query.limit);
    Ok(cursors)
}

/// Returns a chat and a page of its messages, from one snapshot, which costs less than two.
pub(in crate::sqlite) fn history(
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

/// Returns a message of a chat of this cabinet.
pub(in crate::sqlite) fn message_by_id(
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
