//! Push notifications about chats and the answers to them, as they are on the wire. Sending and receiving happen elsewhere.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::{BusinessId, ChatId, MessageId, Time, open_enum::open_enum};

/// A notification from Market (published as [sendNotification](https://yandex.ru/dev/market/partner-api/doc/ru/push-notifications/reference/sendNotification)).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(
    tag = "notificationType",
    rename_all = "SCREAMING_SNAKE_CASE",
    rename_all_fields = "camelCase"
)]
#[non_exhaustive]
pub enum Notification {
    /// A check that the receiver is there.
    Ping {
        /// When it was sent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        time: Option<Time>,
    },
    /// A chat has been created.
    ChatCreated {
        /// The chat.
        chat_id: ChatId,
        /// Its cabinet.
        business_id: BusinessId,
        /// When.
        created_at: Time,
    },
    /// A message has been written. Not sent for stickers.
    ChatMessageSent {
        /// The chat.
        chat_id: ChatId,
        /// The message; a text on the wire, unlike everywhere else.
        #[serde(serialize_with = "as_text", deserialize_with = "text_or_number")]
        message_id: MessageId,
        /// The cabinet.
        business_id: BusinessId,
        /// When.
        sent_at: Time,
    },
    /// A dispute has begun.
    ChatArbitrageStarted {
        /// The chat of the dispute.
        chat_id: ChatId,
        /// The cabinet.
        business_id: BusinessId,
        /// When.
        started_at: Time,
    },
    /// A dispute has ended.
    ChatArbitrageFinished {
        /// The chat of the dispute.
        chat_id: ChatId,
        /// The cabinet.
        business_id: BusinessId,
        /// When.
        finished_at: Time,
    },
    /// Any other type: orders, returns, feedback, and what is yet to come.
    #[serde(other, skip_serializing)]
    Other,
}

fn as_text<S: Serializer>(id: &MessageId, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(id)
}

fn text_or_number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<MessageId, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Either {
        Text(String),
        Number(i64),
    }
    match Either::deserialize(deserializer)? {
        Either::Text(text) => text.parse(),
        Either::Number(raw) => MessageId::new(raw),
    }
    .map_err(de::Error::custom)
}

/// The answer to a notification that was taken in; all three fields are required.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    /// Version of the receiver, 1 to 100 characters.
    pub version: String,
    /// Name of the receiver, 1 to 100 characters.
    pub name: String,
    /// When the receiver began to work on it, in UTC.
    pub time: Time,
}

/// The answer to a notification that was not taken in.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rejection {
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<RejectionReason>,
}

/// Why a notification was not taken in.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RejectionReason {
    /// The class of the failure.
    #[serde(rename = "type", default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<RejectionType>,
    /// Text for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

open_enum! {
    /// The class of a receiver's failure.
    RejectionType {
        /// Anything else.
        UnknownFailure = "UNKNOWN",
        /// The notification is malformed.
        WrongEventFormat = "WRONG_EVENT_FORMAT",
        /// It was received before.
        DuplicatedEvent = "DUPLICATED_EVENT",
    }
}
