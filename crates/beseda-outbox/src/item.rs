//! Messages in the outbox.

use std::{fmt, str::FromStr};

use beseda_api::{BusinessId, ChatId, MessageId};
use beseda_client::OutgoingMessage;
use jiff::Timestamp;
use serde::{Serialize, Serializer};

/// Number of a message in its outbox.
///
/// ```
/// use beseda_outbox::OutboxId;
///
/// let id: OutboxId = "42".parse().unwrap();
/// assert_eq!((id, id.to_string()), (OutboxId(42), "42".to_owned()));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct OutboxId(pub i64);

impl fmt::Display for OutboxId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for OutboxId {
    type Err = std::num::ParseIntError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse().map(Self)
    }
}

/// State of a message.
///
/// ```
/// use beseda_outbox::ItemState;
///
/// assert_eq!("failed".parse(), Ok(ItemState::Failed));
/// assert_eq!(ItemState::Confirmed.to_string(), "confirmed");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ItemState {
    /// Waiting to be sent.
    Queued,
    /// Sent, or about to be; the outcome is not known yet.
    Sending,
    /// Accepted by the service; the message id is not known yet.
    Sent,
    /// In the chat, with a known message id.
    Confirmed,
    /// Refused by the service, or impossible to send.
    Failed,
    /// Cancelled before it was sent.
    Cancelled,
}

impl ItemState {
    /// All states.
    pub const ALL: [Self; 6] =
        [Self::Queued, Self::Sending, Self::Sent, Self::Confirmed, Self::Failed, Self::Cancelled];

    /// Returns the name of the state.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Sending => "sending",
            Self::Sent => "sent",
            Self::Confirmed => "confirmed",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }
}

impl fmt::Display for ItemState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for ItemState {
    type Err = UnknownItemState;

    fn from_str(text: &str) -> Result<Self, UnknownItemState> {
        Self::ALL.into_iter().find(|state| state.as_str() == text).ok_or(UnknownItemState)
    }
}

impl Serialize for ItemState {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// Error of parsing an unknown state.
///
/// ```
/// use beseda_outbox::{ItemState, UnknownItemState};
///
/// assert_eq!("lost".parse::<ItemState>(), Err(UnknownItemState));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("unknown state: expected queued, sending, sent, confirmed, failed or cancelled")]
pub struct UnknownItemState;

/// Message to enqueue.
///
/// ```
/// use beseda_client::OutgoingMessage;
/// use beseda_client::api::{BusinessId, ChatId};
/// use beseda_outbox::NewItem;
///
/// let (business, chat) = (BusinessId::new(1).unwrap(), ChatId::new(42).unwrap());
/// let message = OutgoingMessage::text("It leaves today").unwrap();
/// let new = NewItem { operator: Some("Anna".to_owned()), ..NewItem::new(business, chat, message)
/// };
/// assert_eq!(new.chat, chat);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewItem {
    /// Cabinet.
    pub business: BusinessId,
    /// Chat.
    pub chat: ChatId,
    /// Content.
    pub message: OutgoingMessage,
    /// Name of the person who wrote it, for the archive.
    pub operator: Option<String>,
}

impl NewItem {
    /// Creates a message without an operator.
    #[must_use]
    pub fn new(business: BusinessId, chat: ChatId, message: impl Into<OutgoingMessage>) -> Self {
        Self { business, chat, message: message.into(), operator: None }
    }
}

/// File of a message.
///
/// ```
/// use beseda_outbox::ItemFile;
///
/// let file = ItemFile { name: "label.pdf".to_owned(), size: 1000, sha256: "9f86…".to_owned() };
/// assert_eq!(file.size, 1000);
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ItemFile {
    /// File name.
    pub name: String,
    /// Size in bytes.
    pub size: u64,
    /// SHA-256 of the content in hexadecimal; the file's name in `outbox-files`.
    pub sha256: String,
}

/// Message in the outbox.
///
/// ```
/// use beseda_outbox::Item;
///
/// fn describe(item: &Item) -> String {
///     match &item.reason {
///         Some(reason) => format!("{} is {}: {reason}", item.id, item.state),
///         None => format!("{} is {}", item.id, item.state),
///     }
/// }
/// # let _ = describe;
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Item {
    /// Number in the outbox.
    pub id: OutboxId,
    /// Cabinet.
    pub business_id: BusinessId,
    /// Chat.
    pub chat_id: ChatId,
    /// State.
    pub state: ItemState,
    /// Text; `None` for a file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// File; `None` for a text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<ItemFile>,
    /// Name of the person who wrote it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub operator: Option<String>,
    /// Id of the message in the chat, once confirmed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message_id: Option<MessageId>,
    /// Reason why it failed or has not been sent yet.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// HTTP status of the failure, if there was a response.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// Number of attempts to send it.
    pub attempts: u32,
    /// Time at which it was accepted.
    pub created_at: Timestamp,
    /// Time of the last change of state.
    pub changed_at: Timestamp,
    /// True if the id of a sent message is no longer looked up, since the history doesn't contain
    /// it.
    #[serde(skip)]
    pub(crate) lookup_abandoned: bool,
    #[serde(skip)]
    pub(crate) uncertain: bool,
    /// Last message known before the attempt; `Some(0)` if there was none.
    #[serde(skip)]
    pub(crate) baseline: Option<i64>,
}

impl Item {
    /// Returns true if the state will not change by itself.
    #[must_use]
    pub fn is_final(&self) -> bool {
        match self.state {
            ItemState::Queued | ItemState::Sending => false,
            ItemState::Sent => self.lookup_abandoned,
            ItemState::Confirmed | ItemState::Failed | ItemState::Cancelled => true,
        }
    }
}

/// Filter of messages. The default matches all.
///
/// ```
/// use beseda_outbox::{ItemFilter, ItemState};
///
/// let failed = ItemFilter { states: vec![ItemState::Failed], limit: Some(100),
/// ..ItemFilter::default() };
/// assert_eq!(failed.chat, None);
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ItemFilter {
    /// Cabinet.
    pub business: Option<BusinessId>,
    /// Chat.
    pub chat: Option<ChatId>,
    /// States; empty for all.
    pub states: Vec<ItemState>,
    /// Only messages with larger numbers.
    pub after: Option<OutboxId>,
    /// Maximum number of messages.
    pub limit: Option<u32>,
}
