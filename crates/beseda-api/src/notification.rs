//! Push notifications (webhooks) about chats, and the responses to them, as they are on the wire.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::{BusinessId, ChatId, MessageId, Time, open_enum::open_enum};

/// Notification from Market (published as [sendNotification](https://yandex.ru/dev/market/partner-api/doc/ru/push-notifications/reference/sendNotification)).
///
/// ```
/// use beseda_api::notification::Notification;
///
/// let body = r#"{"notificationType":"CHAT_MESSAGE_SENT","chatId":9,"messageId":"1","businessId":1,
///     "sentAt":"2026-05-31T07:30:17Z"}"#;
/// match serde_json::from_str(body)? {
///     Notification::ChatMessageSent { chat_id, .. } => assert_eq!(chat_id.get(), 9),
///     other => panic!("{other:?}"),
/// }
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(
    tag = "notificationType",
    rename_all = "SCREAMING_SNAKE_CASE",
    rename_all_fields = "camelCase"
)]
#[non_exhaustive]
pub enum Notification {
    /// Check that the receiver is reachable.
    Ping {
        /// Time of sending.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        time: Option<Time>,
    },
    /// A chat was created.
    ChatCreated {
        /// Chat id.
        chat_id: ChatId,
        /// Cabinet id.
        business_id: BusinessId,
        /// Creation time.
        created_at: Time,
    },
    /// A message was sent. Not sent for stickers.
    ChatMessageSent {
        /// Chat id.
        chat_id: ChatId,
        /// Message id; a string on the wire, unlike elsewhere.
        #[serde(serialize_with = "as_text", deserialize_with = "text_or_number")]
        message_id: MessageId,
        /// Cabinet id.
        business_id: BusinessId,
        /// Time of sending.
        sent_at: Time,
    },
    /// A dispute was opened.
    ChatArbitrageStarted {
        /// Chat of the dispute.
        chat_id: ChatId,
        /// Cabinet id.
        business_id: BusinessId,
        /// Opening time.
        started_at: Time,
    },
    /// A dispute was resolved.
    ChatArbitrageFinished {
        /// Chat of the dispute.
        chat_id: ChatId,
        /// Cabinet id.
        business_id: BusinessId,
        /// Resolution time.
        finished_at: Time,
    },
    /// Any other type: orders, returns, feedback, and future ones.
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

/// Response to an accepted notification; all three fields are required.
///
/// ```
/// use beseda_api::{Time, notification::Receipt};
///
/// let receipt = Receipt {
///     version: "1.0".to_owned(),
///     name: "shop".to_owned(),
///     time: Time::utc("2026-05-31T07:30:17Z".parse()?),
/// };
/// let body = r#"{"version":"1.0","name":"shop","time":"2026-05-31T07:30:17Z"}"#;
/// assert_eq!(serde_json::to_string(&receipt)?, body);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    /// Version of the receiver, 1 to 100 characters.
    pub version: String,
    /// Name of the receiver, 1 to 100 characters.
    pub name: String,
    /// Time at which the receiver started processing, in UTC.
    pub time: Time,
}

/// Response to a rejected notification.
///
/// ```
/// use beseda_api::notification::{Rejection, RejectionReason, RejectionType};
///
/// let reason = RejectionReason { reason: Some(RejectionType::DuplicatedEvent), message: None };
/// let rejection = Rejection { error: Some(reason) };
/// assert_eq!(serde_json::to_string(&rejection)?, r#"{"error":{"type":"DUPLICATED_EVENT"}}"#);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rejection {
    /// Reason.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<RejectionReason>,
}

/// Reason for rejecting a notification.
///
/// ```
/// use beseda_api::notification::RejectionReason;
///
/// let reason: RejectionReason =
///     serde_json::from_str(r#"{"type":"WRONG_EVENT_FORMAT","message":"chatId is missing"}"#)?;
/// assert_eq!(reason.message.as_deref(), Some("chatId is missing"));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RejectionReason {
    /// Class of the failure.
    #[serde(rename = "type", default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<RejectionType>,
    /// Text for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

open_enum! {
    /// Class of a receiver's failure.
    ///
    /// ```
    /// use beseda_api::notification::RejectionType;
    ///
    /// assert_eq!(RejectionType::UnknownFailure.as_str(), "UNKNOWN");
    /// ```
    RejectionType {
        /// Any other failure.
        UnknownFailure = "UNKNOWN",
        /// The notification is malformed.
        WrongEventFormat = "WRONG_EVENT_FORMAT",
        /// Duplicate of an earlier notification.
        DuplicatedEvent = "DUPLICATED_EVENT",
    }
}
