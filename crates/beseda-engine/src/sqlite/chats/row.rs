//! Columns of chats and messages.

use beseda_api::{
    BusinessId, CampaignId, ChatId, ChatStatus, ChatType, ContextType, Customer, MessageId,
    OrderId, ReturnId, Sender,
};
use rusqlite::{Connection, OptionalExtension, Row};

use crate::{
    rows::{ChatRow, FileRow, MessageRow, Subject},
    sqlite::columns::{StoredEnum, id, invalid_column, optional_id, text, timestamp},
};

/// Columns of a chat, in the order in which [`chat`] reads them.
macro_rules! chat_columns {
    () => {
        "c.chat_id, c.business_id, c.type, c.status, c.context_type, c.updated_at, c.created_at, \
         c.campaign_id, c.order_id, c.return_id, c.customer_name, c.customer_public_id"
    };
}

/// Columns of a message, in the order in which [`message`] reads them.
macro_rules! message_columns {
    () => {
        "m.message_id, m.created_at, m.sender, m.text, m.file_id, m.file_name, m.file_size"
    };
}

pub(super) use {chat_columns, message_columns};

/// Returns a chat of any cabinet.
pub(in crate::sqlite) fn by_id(
    connection: &Connection,
    chat_id: i64,
) -> rusqlite::Result<Option<ChatRow>> {
    let sql = concat!("SELECT ", chat_columns!(), " FROM chats c WHERE chat_id = ?1");
    connection.prepare_cached(sql)?.query_row([chat_id], chat).optional()
}

/// Updates the mutable columns of a chat.
pub(in crate::sqlite) fn update(connection: &Connection, row: &ChatRow) -> rusqlite::Result<()> {
    let mut statement = connection.prepare_cached(
        "UPDATE chats SET type = ?2, status = ?3, updated_at = ?4 WHERE chat_id = ?1",
    )?;
    let updated_at = row.updated_at.as_microsecond();
    statement.execute((row.chat.get(), row.chat_type.code(), row.status.code(), updated_at))?;
    Ok(())
}

/// Reads a chat.
pub(super) fn chat(row: &Row<'_>) -> rusqlite::Result<ChatRow> {
    let name: Option<String> = row.get(10)?;
    let public_id: Option<String> = row.get(11)?;
    let has_customer = name.is_some() || public_id.is_some();
    Ok(ChatRow {
        chat: id(row, 0, ChatId::new)?,
        business: id(row, 1, BusinessId::new)?,
        chat_type: ChatType::from_column(row, 2)?,
        status: ChatStatus::from_column(row, 3)?,
        subject: Subject {
            context_type: ContextType::from_column(row, 4)?,
            campaign: optional_id(row, 7, CampaignId::new)?,
            order: optional_id(row, 8, OrderId::new)?,
            ret: optional_id(row, 9, ReturnId::new)?,
            customer: has_customer.then_some(Customer { name, public_id }),
        },
        updated_at: timestamp(row, 5)?,
        created_at: timestamp(row, 6)?,
    })
}

/// Reads a message.
pub(super) fn message(row: &Row<'_>) -> rusqlite::Result<MessageRow> {
    let file: Option<String> = row.get(4)?;
    Ok(MessageRow {
        message: id(row, 0, MessageId::new)?,
        created_at: timestamp(row, 1)?,
        sender: Sender::from_column(row, 2)?,
        text: text(row, 3)?,
        file: match file {
            None => None,
            Some(file) => Some(FileRow {
                file: file.parse().map_err(|error| invalid_column(4, error))?,
                name: row.get(5)?,
                size: row.get(6)?,
            }),
        },
    })
}
