//! A message in the outbox, as whoever gave it in sees it. How it is kept stands in `table.rs`.

use std::{fmt, str::FromStr};

use beseda_api::{BusinessId, ChatId, MessageId};
use beseda_client::OutgoingMessage;
use jiff::Timestamp;
use serde::{Serialize, Serializer};

/// A message's number in its outbox.
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

/// How far a message is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum State {
    /// It waits for its turn.
    Queued,
    /// It was, or is about to be, handed to the service, and it isn't certain yet what came of it.
    Sending,
    /// The service said that it is in the chat; its id isn't known yet.
    Sent,
    /// It is in the chat, with this id.
    Confirmed,
    /// The service said no, or the message can't be sent.
    Failed,
    /// It was taken back before it was sent.
    Cancelled,
}

impl State {
    /// Every state.
    pub const ALL: [Self; 6] =
        [Self::Queued, Self::Sending, Self::Sent, Self::Confirmed, Self::Failed, Self::Cancelled];

    /// The word for it.
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

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for State {
    type Err = UnknownState;

    fn from_str(text: &str) -> Result<Self, UnknownState> {
        Self::ALL.into_iter().find(|state| state.as_str() == text).ok_or(UnknownState)
    }
}

impl Serialize for State {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// A word that is no state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no such state: it is queued, sending, sent, confirmed, failed or cancelled")]
pub struct UnknownState;

/// A message to be kept and sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewItem {
    /// The cabinet.
    pub business: BusinessId,
    /// The chat.
    pub chat: ChatId,
    /// What is to be sent.
    pub what: OutgoingMessage,
    /// The person it is from.
    pub operator: Option<String>,
}

impl NewItem {
    /// A message of nobody in particular.
    #[must_use]
    pub fn new(business: BusinessId, chat: ChatId, what: impl Into<OutgoingMessage>) -> Self {
        Self { business, chat, what: what.into(), operator: None }
    }
}

/// A file of a message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ItemFile {
    /// Its name.
    pub name: String,
    /// Its size in bytes.
    pub size: u64,
    /// What its bytes are kept under in `outbox-files`.
    pub sha256: String,
}

/// A message in the outbox.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Item {
    /// Its number.
    pub id: OutboxId,
    /// The cabinet.
    pub business_id: BusinessId,
    /// The chat.
    pub chat_id: ChatId,
    /// How far it is.
    pub state: State,
    /// Its text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// Its file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<ItemFile>,
    /// The person it is from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub operator: Option<String>,
    /// Its id in the chat.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message_id: Option<MessageId>,
    /// Why it failed, or why it isn't sent yet.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The HTTP status of that, if there was an answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// How many times it was handed to the service.
    pub attempts: u32,
    /// When it was accepted.
    pub created_at: Timestamp,
    /// When its state became what it is.
    pub changed_at: Timestamp,
    /// Sent, but nobody looks for its id any more: the history doesn't show it.
    #[serde(skip)]
    pub(crate) unseen: bool,
    #[serde(skip)]
    pub(crate) doubt: bool,
    /// The last message known before it was sent; `Some(0)` if there was none.
    #[serde(skip)]
    pub(crate) baseline: Option<i64>,
}

impl Item {
    /// Whether nothing more will happen to it by itself.
    #[must_use]
    pub fn is_final(&self) -> bool {
        match self.state {
            State::Queued | State::Sending => false,
            State::Sent => self.unseen,
            State::Confirmed | State::Failed | State::Cancelled => true,
        }
    }
}

/// Which messages are wanted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// Of this cabinet only.
    pub business: Option<BusinessId>,
    /// Of this chat only.
    pub chat: Option<ChatId>,
    /// In one of these states; in any if empty.
    pub states: Vec<State>,
    /// With larger numbers than this only.
    pub after: Option<OutboxId>,
    /// So many at most.
    pub limit: Option<u32>,
}
