//! Rows as values: chats and messages exactly as the service wrote them.

use beseda_api::{
    BusinessId, CampaignId, Chat, ChatId, ChatStatus, ChatType, ContextType, Customer, FullContext,
    Message, MessageId, OrderId, ReturnId, Sender, Time,
};
use jiff::Timestamp;
use rusqlite::{Row, types::Type};
use serde::Serialize;

use super::SECOND;

/// Chat id with its cabinet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ChatKey {
    /// Cabinet id.
    pub business_id: BusinessId,
    /// Chat id.
    pub chat_id: ChatId,
}

/// Chat as last seen, with its sync state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ArchivedChat {
    /// Cabinet id.
    pub business_id: BusinessId,
    /// Chat.
    #[serde(flatten)]
    pub chat: Chat,
    /// Largest archived message id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_message_id: Option<MessageId>,
    /// Message up to which nothing is missing.
    #[serde(skip)]
    pub whole_to: Option<MessageId>,
    /// `true` if every message known to exist is archived.
    pub whole: bool,
    /// Time since which the service reports no such chat.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gone_at: Option<Timestamp>,
    /// Number of its last change; later changes have higher numbers.
    #[serde(skip)]
    pub seq: i64,
}

/// Message with its author, if known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ArchivedMessage {
    /// Cabinet id.
    pub business_id: BusinessId,
    /// Chat id.
    pub chat_id: ChatId,
    /// Message.
    #[serde(flatten)]
    pub message: Message,
    /// Operator who wrote it, if recorded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub operator: Option<String>,
    /// Sequence number; later messages have higher numbers.
    #[serde(skip)]
    pub seq: i64,
}

impl ArchivedMessage {
    /// Returns `true` if the shop sent the message.
    #[must_use]
    pub fn is_own(&self) -> bool {
        self.message.sender == Sender::Partner
    }
}

/// Attachment of a message and the state of its download.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ArchivedAttachment {
    /// Index in the message's payload, from 0.
    pub place: u32,
    /// Name as the service wrote it.
    pub name: String,
    /// Size as the service wrote it.
    pub size: i64,
    /// SHA-256 of the content, by which it is found; `None` until downloaded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
    /// Number of failed downloads.
    pub tries: u32,
    /// Time of the next attempt; `None` if downloaded or given up.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub due: Option<Timestamp>,
    /// Error of the last attempt.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// Converts a time to nanoseconds. Years out of range (before 1678, after 2261) become the last
/// second in range.
pub(crate) fn to_nanos(moment: Timestamp) -> i64 {
    let nanos = i64::try_from(moment.as_nanosecond());
    let last = i64::MAX / SECOND * SECOND;
    nanos.unwrap_or(if moment.as_second() < 0 { -last } else { last }).clamp(-last, last)
}

/// Converts nanoseconds to a time.
pub(crate) fn from_nanos(nanos: i64) -> Timestamp {
    Timestamp::from_nanosecond(nanos.into()).unwrap_or(Timestamp::UNIX_EPOCH)
}

pub(crate) fn time(row: &Row<'_>, column: usize) -> rusqlite::Result<Time> {
    Ok(Time::with_offset(from_nanos(row.get(column)?), row.get(column + 1)?))
}

fn id<T: TryFrom<i64>>(row: &Row<'_>, column: usize) -> rusqlite::Result<T>
where
    T::Error: std::error::Error + Send + Sync + 'static,
{
    T::try_from(row.get(column)?).map_err(|error| failed(column, error))
}

fn maybe<T: TryFrom<i64>>(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<T>>
where
    T::Error: std::error::Error + Send + Sync + 'static,
{
    let raw: Option<i64> = row.get(column)?;
    raw.map(T::try_from).transpose().map_err(|error| failed(column, error))
}

fn failed(column: usize, error: impl std::error::Error + Send + Sync + 'static) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(column, Type::Integer, Box::new(error))
}

impl ChatKey {
    /// Reads a cabinet id and a chat id from two columns, starting at this one.
    pub(crate) fn of(row: &Row<'_>, column: usize) -> rusqlite::Result<Self> {
        Ok(Self { business_id: id(row, column)?, chat_id: id(row, column + 1)? })
    }
}

/// Columns of a chat, in the order [`chat`] reads them.
pub(crate) const CHAT_COLUMNS: &str = "business, chat, type, status, context_type, campaign, \
     order_id, context_order, context_return, customer_name, customer_public_id, created_at, \
     created_offset, updated_at, updated_offset, synced_at, last_message, gone_at, seq, whole_to";

/// Reads a chat from [`CHAT_COLUMNS`].
pub(crate) fn chat(row: &Row<'_>) -> rusqlite::Result<ArchivedChat> {
    let word = |column| row.get_ref(column)?.as_str().map_err(rusqlite::Error::from);
    let (name, public_id): (Option<String>, Option<String>) = (row.get(9)?, row.get(10)?);
    let customer = (name.is_some() || public_id.is_some()).then_some(Customer { name, public_id });
    let (updated, synced): (i64, Option<i64>) = (row.get(13)?, row.get(15)?);
    Ok(ArchivedChat {
        business_id: id(row, 0)?,
        chat: Chat {
            chat_id: id(row, 1)?,
            order_id: maybe::<OrderId>(row, 6)?,
            context: FullContext {
                context_type: ContextType::from(word(4)?),
                customer,
                campaign_id: maybe::<CampaignId>(row, 5)?,
                order_id: maybe::<OrderId>(row, 7)?,
                return_id: maybe::<ReturnId>(row, 8)?,
            },
            chat_type: ChatType::from(word(2)?),
            status: ChatStatus::from(word(3)?),
            created_at: time(row, 11)?,
            updated_at: time(row, 13)?,
        },
        last_message_id: maybe(row, 16)?,
        whole: synced.is_some_and(|synced| synced >= updated),
        gone_at: row.get::<_, Option<i64>>(17)?.map(from_nanos),
        seq: row.get(18)?,
        whole_to: maybe(row, 19)?,
    })
}

/// Columns of a message `m` with its author `a`, in the order [`ArchivedMessage::of`] reads them.
pub(crate) const MESSAGE_COLUMNS: &str = "m.business, m.chat, m.message, m.created_at, \
     m.created_offset, m.sender, m.text, m.payload, a.operator, m.seq";

/// Tables of [`MESSAGE_COLUMNS`].
pub(crate) const MESSAGE_TABLES: &str = "messages m LEFT JOIN authors a \
     ON a.business = m.business AND a.chat = m.chat AND a.message = m.message";

impl ArchivedMessage {
    /// Reads a message from [`MESSAGE_COLUMNS`].
    pub(crate) fn of(row: &Row<'_>) -> rusqlite::Result<Self> {
        let payload: Option<String> = row.get(7)?;
        let payload = payload.map(|json| serde_json::from_str(&json)).transpose();
        Ok(Self {
            business_id: id(row, 0)?,
            chat_id: id(row, 1)?,
            message: Message {
                message_id: id(row, 2)?,
                created_at: time(row, 3)?,
                sender: Sender::from(row.get_ref(5)?.as_str()?),
                message: row.get(6)?,
                payload: payload.map_err(|error| failed(7, error))?,
            },
            operator: row.get(8)?,
            seq: row.get(9)?,
        })
    }
}
