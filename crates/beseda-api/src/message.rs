//! Messages, attachments and message texts.

use serde::{Deserialize, Serialize};

use crate::{Error, FullContext, MessageId, OrderId, Paging, Result, Time, open_enum::open_enum};

open_enum! {
    /// Sender of a message (published as [`ChatMessageSenderType`](https://yandex.ru/dev/market/partner-api/doc/ru/reference/chats/getChatHistory)). An arbiter writes as support.
    ///
    /// ```
    /// use beseda_api::Sender;
    ///
    /// assert_eq!(Sender::from("CUSTOMER"), Sender::Customer);
    /// assert_eq!(Sender::from("ROBOT"), Sender::Unknown("ROBOT".to_owned()));
    /// ```
    Sender {
        /// The shop.
        Partner = "PARTNER",
        /// The buyer.
        Customer = "CUSTOMER",
        /// Market, automatically.
        Market = "MARKET",
        /// Employee of Market's support.
        Support = "SUPPORT",
    }
}

/// Message (published as `ChatMessageDTO`). A sticker has neither text nor payload.
///
/// ```
/// use beseda_api::{Message, Sender};
///
/// let message: Message = serde_json::from_str(
///     r#"{"messageId":1,"createdAt":"2026-05-31T07:30:17Z","sender":"CUSTOMER","message":"Где мой заказ?"}"#,
/// )?;
/// assert_eq!(message.sender, Sender::Customer);
/// assert_eq!(message.message.as_deref(), Some("Где мой заказ?"));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Message {
    /// Message id; within a chat ids grow in the order of sending.
    pub message_id: MessageId,
    /// Time of sending.
    pub created_at: Time,
    /// Sender.
    pub sender: Sender,
    /// Text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(nullable = false))]
    pub message: Option<String>,
    /// Attachments, at least one if present.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(min_items = 1))]
    pub payload: Option<Vec<Attachment>>,
}

impl Message {
    /// Creates a message with a text.
    #[must_use]
    pub fn text(
        message_id: MessageId,
        created_at: Time,
        sender: Sender,
        text: MessageText,
    ) -> Self {
        let message = Some(text.into_string());
        Self { message_id, created_at, sender, message, payload: None }
    }

    /// Creates a message with a file.
    #[must_use]
    pub fn file(message_id: MessageId, created_at: Time, sender: Sender, file: Attachment) -> Self {
        let payload = Some(vec![file]);
        Self { message_id, created_at, sender, message: None, payload }
    }
}

/// File attached to a message (published as `ChatMessagePayloadDTO`).
///
/// ```
/// use beseda_api::Attachment;
///
/// let file: Attachment =
///     serde_json::from_str(r#"{"name":"чек.pdf","url":"https://example.org/f/1","size":2048}"#)?;
/// assert_eq!(file.size, 2048);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Attachment {
    /// File name; may be empty in responses of the published service.
    #[serde(default)]
    pub name: String,
    /// Download link: absolute, 1 to 2000 characters.
    #[cfg_attr(feature = "openapi", schema(min_length = 1, max_length = 2000))]
    pub url: String,
    /// Size in bytes.
    pub size: i32,
}

/// Page of a chat's history (published as `ChatMessagesResultDTO`).
///
/// ```
/// use beseda_api::{ContextType, MessagePage};
///
/// let page: MessagePage = serde_json::from_str(
///     r#"{"context":{"type":"DIRECT"},"messages":[
///         {"messageId":1,"createdAt":"2026-05-31T07:30:17Z","sender":"CUSTOMER","message":"Есть чай?"}],
///         "paging":{}}"#,
/// )?;
/// assert_eq!((page.messages.len(), page.context.context_type), (1, ContextType::Direct));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct MessagePage {
    /// Order of the context; deprecated in the published API.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(nullable = false))]
    pub order_id: Option<OrderId>,
    /// Context of the chat.
    pub context: FullContext,
    /// Messages, oldest first.
    pub messages: Vec<Message>,
    /// Token of the next page.
    pub paging: Paging,
}

impl<'de> Deserialize<'de> for MessagePage {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        /// Variant without a required context, as in responses of 2024.
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct UncheckedPage {
            order_id: Option<OrderId>,
            context: Option<FullContext>,
            messages: Vec<Message>,
            #[serde(default, deserialize_with = "crate::wire::null_is_default")]
            paging: Paging,
        }
        let page = UncheckedPage::deserialize(deserializer)?;
        Ok(Self {
            order_id: page.order_id,
            context: page.context.unwrap_or_else(|| FullContext::by_order(page.order_id)),
            messages: page.messages,
            paging: page.paging,
        })
    }
}

/// Text of a message to send: 1 to 4096 Unicode code points, not blank.
///
/// ```
/// use beseda_api::MessageText;
///
/// assert_eq!(MessageText::new("Здравствуйте!")?.as_str(), "Здравствуйте!");
/// assert!(MessageText::new(" ").is_err(), "blank");
/// assert!(MessageText::new("я".repeat(MessageText::MAX + 1)).is_err(), "too long");
/// # Ok::<(), beseda_api::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MessageText(String);

impl MessageText {
    /// Maximum length in Unicode code points.
    pub const MAX: usize = 4096;

    /// Creates a text without trimming it.
    ///
    /// # Errors
    ///
    /// 400 with the documented text if it is empty, blank or too long.
    pub fn new(text: impl Into<String>) -> Result<Self> {
        let text = text.into();
        // A code point takes one to four bytes, so most texts need no counting.
        let long = text.len() > Self::MAX && text.chars().count() > Self::MAX;
        if long || text.trim().is_empty() {
            return Err(Error::bad_request(format!(
                "message size must be between 1 and {} (rejected value: {})",
                Self::MAX,
                shortened(&text)
            )));
        }
        Ok(Self(text))
    }

    /// Returns the text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the text as a `String`.
    #[must_use]
    pub fn into_string(self) -> String {
        self.0
    }
}

/// Returns the start of a value that is too long to repeat in an error.
fn shortened(text: &str) -> String {
    const SHOWN: usize = 100;
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::{Message, MessageText, Sender};

    #[test]
    fn a_text_is_counted_in_code_points() {
        assert!(MessageText::new("я".repeat(4096)).is_ok());
        assert!(MessageText::new("🙂".repeat(4096)).is_ok());
        assert!(MessageText::new("я".repeat(4097)).is_err());
    }

    #[test]
    fn an_empty_or_blank_text_is_refused() {
        for text in ["", " ", "\n\t ", "\u{a0}"] {
            let refused = MessageText::new(text).unwrap_err().to_string();
            assert!(refused.starts_with("message size must be between 1 and 4096"), "{refused}");
        }
    }

    #[test]
    fn blanks_around_a_text_are_kept() {
        assert_eq!(MessageText::new(" да ").unwrap().as_str(), " да ");
    }

    #[test]
    fn a_message_with_neither_text_nor_file_and_a_new_sender_still_decodes() {
        let body = r#"{"messageId":1,"createdAt":"2026-05-31T07:30:17Z","sender":"ROBOT","mood":"good","payload":null}"#;
        let message: Message = serde_json::from_str(body).unwrap();
        assert_eq!(message.sender, Sender::Unknown("ROBOT".to_owned()));
        assert_eq!((message.message, message.payload), (None, None));
    }
}
