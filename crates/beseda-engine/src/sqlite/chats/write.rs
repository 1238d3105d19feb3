//! Writes of chats and messages. The decisions are made by [`lifecycle`].

use beseda_api::{
    BusinessId, CampaignId, ChatContext, ChatId, Error, FileId, MessageId, OrderId, ReturnId,
};
use jiff::Timestamp;
use rusqlite::Connection;

use crate::{
    lifecycle::{self, ChatAction, EventKind, Reuse},
    rows::{ChatRow, FileRow, MessageRow},
    sqlite::{
        columns::StoredEnum,
        notifications::event::{Event, enqueue},
        transaction::{WriteError, WriteTransaction},
    },
    store::{NewChat, NewMessage},
};

/// Creates or finds a chat, then applies the action and appends the message of the request. Returns `true` if the chat was
/// created.
pub(in crate::sqlite) fn create(
    transaction: &mut WriteTransaction,
    new: NewChat,
) -> Result<(ChatRow, bool), WriteError> {
    let mut candidates = candidates(transaction, &new)?;
    let reused = lifecycle::reusable(&candidates, &new.chat_type, new.reuse);
    let (mut row, mut events) = match reused {
        Some(index) => (candidates.swap_remove(index), Vec::new()),
        None => {
            let row = new_row(transaction, &new)?;
            let events = lifecycle::created(&row);
            (row, events)
        }
    };
    let before = row.clone();
    if let Some(action) = &new.action {
        events.extend(lifecycle::apply(&mut row, action)?);
    }
    // Everything that can be rejected is checked before the first write.
    if let Some(message) = &new.message {
        lifecycle::apply(&mut row.clone(), &message.action)?;
    }
    if reused.is_none() {
        insert(&transaction.connection, &row)?;
    } else if row != before {
        transaction.set_chat_row(row.clone());
    }
    enqueue_all(transaction, &row, &events, None, new.at)?;
    if let Some(message) = new.message {
        append(transaction, new.business, row.chat, message)?;
        row = transaction.chat_row(row.chat.get())?.unwrap_or(row);
    }
    Ok((row, reused.is_none()))
}

/// Returns the chats that may be reused: those of the same context, oldest first. Direct questions have no context.
fn candidates(
    transaction: &mut WriteTransaction,
    new: &NewChat,
) -> Result<Vec<ChatRow>, WriteError> {
    let context = new.subject.context().filter(|_| new.reuse != Reuse::Never);
    let Some(context) = context else { return Ok(Vec::new()) };
    let sql = match context {
        ChatContext::Order(_) => {
            "SELECT chat_id FROM chats WHERE business_id = ?1 AND order_id = ?2 AND context_type = ?3
             ORDER BY chat_id"
        }
        ChatContext::Return(_) => {
            "SELECT chat_id FROM chats WHERE business_id = ?1 AND return_id = ?2 AND context_type = ?3
             ORDER BY chat_id"
        }
    };
    let key = (new.business.get(), context.id(), context.context_type().code());
    let ids: Vec<i64> = {
        let mut statement = transaction.connection.prepare_cached(sql)?;
        statement.query_map(key, |row| row.get(0))?.collect::<Result<_, _>>()?
    };
    let mut rows = Vec::with_capacity(ids.len());
    for id in ids {
        rows.extend(transaction.chat_row(id)?);
    }
    Ok(rows)
}

/// Returns the row of a new chat, with the next id.
fn new_row(transaction: &mut WriteTransaction, new: &NewChat) -> Result<ChatRow, WriteError> {
    let id = ChatId::new(transaction.next_chat_id());
    Ok(ChatRow {
        chat: id.map_err(|_| Error::internal("chat ids are exhausted"))?,
        business: new.business,
        chat_type: new.chat_type.clone(),
        status: new.status.clone(),
        subject: new.subject.clone(),
        created_at: new.at,
        updated_at: new.at,
    })
}

fn insert(connection: &Connection, row: &ChatRow) -> rusqlite::Result<()> {
    let customer = row.subject.customer.as_ref();
    let mut statement = connection.prepare_cached(
        "INSERT INTO chats (chat_id, business_id, type, status, context_type, updated_at, created_at,
                            campaign_id, order_id, return_id, customer_name, customer_public_id)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
    )?;
    statement.execute((
        row.chat.get(),
        row.business.get(),
        row.chat_type.code(),
        row.status.code(),
        row.subject.context_type.code(),
        row.updated_at.as_microsecond(),
        row.created_at.as_microsecond(),
        row.subject.campaign.map(CampaignId::get),
        row.subject.order.map(OrderId::get),
        row.subject.ret.map(ReturnId::get),
        customer.and_then(|customer| customer.name.as_deref()),
        customer.and_then(|customer| customer.public_id.as_deref()),
    ))?;
    Ok(())
}

/// Appends a message and applies its action to the chat.
pub(in crate::sqlite) fn append(
    transaction: &mut WriteTransaction,
    business: BusinessId,
    chat_id: ChatId,
    new: NewMessage,
) -> Result<MessageRow, WriteError> {
    let mut row = chat_of(transaction, business, chat_id)?;
    let events = lifecycle::apply(&mut row, &new.action)?;
    // A clock that was set back must not date a message before the previous one.
    let at = new.at.max(row.updated_at);
    let id = transaction.next_message_id(new.at.as_microsecond());
    let id = MessageId::new(id).map_err(|_| Error::internal("message ids are exhausted"))?;
    let NewMessage { sender, text, file, .. } = new;
    let message = MessageRow { message: id, created_at: at, sender, text, file };
    insert_message(&transaction.connection, chat_id, &message)?;
    if let Some(file) = &message.file {
        attach(&transaction.connection, business, file)?;
    }
    row.updated_at = at;
    enqueue_all(transaction, &row, &events, Some(id), at)?;
    transaction.set_chat_row(row);
    Ok(message)
}

fn insert_message(
    connection: &Connection,
    chat_id: ChatId,
    message: &MessageRow,
) -> rusqlite::Result<()> {
    let file = message.file.as_ref();
    let mut statement = connection.prepare_cached(
        "INSERT INTO messages (chat_id, message_id, created_at, sender, text, file_id, file_name, file_size)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
    )?;
    statement.execute((
        chat_id.get(),
        message.message.get(),
        message.created_at.as_microsecond(),
        message.sender.code(),
        message.text.as_deref(),
        file.map(|file| file.file.as_str()),
        file.map(|file| file.name.as_str()),
        file.map(|file| file.size),
    ))?;
    Ok(())
}

fn attach(connection: &Connection, business: BusinessId, file: &FileRow) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "INSERT INTO files (file_id, business_id, name, size) VALUES (?1, ?2, ?3, ?4)",
        )?
        .execute((file.file.as_str(), business.get(), &file.name, file.size))?;
    forget_upload(connection, &file.file)
}

/// Removes the registration of an upload.
pub(in crate::sqlite) fn forget_upload(
    connection: &Connection,
    file: &FileId,
) -> rusqlite::Result<()> {
    let mut statement = connection.prepare_cached("DELETE FROM uploads WHERE file_id = ?1")?;
    statement.execute([file.as_str()]).map(|_| ())
}

/// Applies an action without a message.
pub(in crate::sqlite) fn change(
    transaction: &mut WriteTransaction,
    business: BusinessId,
    chat_id: ChatId,
    action: &ChatAction,
    at: Timestamp,
) -> Result<ChatRow, WriteError> {
    let before = chat_of(transaction, business, chat_id)?;
    let mut row = before.clone();
    let events = lifecycle::apply(&mut row, action)?;
    if row != before {
        transaction.set_chat_row(row.clone());
    }
    enqueue_all(transaction, &row, &events, None, at)?;
    Ok(row)
}

/// Enqueues the events of a chat for its cabinet's subscriptions.
fn enqueue_all(
    transaction: &mut WriteTransaction,
    row: &ChatRow,
    events: &[EventKind],
    message: Option<MessageId>,
    at: Timestamp,
) -> rusqlite::Result<()> {
    events.iter().try_for_each(|kind| {
        let event = Event { kind: *kind, business: row.business, chat: row.chat, message, at };
        enqueue(transaction, &event)
    })
}

/// Returns a chat of this cabinet, or 404.
fn chat_of(
    transaction: &mut WriteTransaction,
    business: BusinessId,
    chat_id: ChatId,
) -> Result<ChatRow, WriteError> {
    let row = transaction.chat_row(chat_id.get())?.filter(|row| row.business == business);
    row.ok_or_else(|| Error::chat_not_found(chat_id).into())
}
