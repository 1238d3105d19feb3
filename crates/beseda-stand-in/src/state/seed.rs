//! Seeds: cabinets, orders and chats in YAML or JSON, applied in one transaction.

pub(crate) mod apply;

use std::fmt;

use beseda_api::{
    BusinessId, Customer, Error, NewCampaign, NewOrder, NewReturn, Result, Sender, WaitingFor,
    wire::ContextRef,
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use beseda_scenario::locate;

/// Seed file.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Seed {
    /// Cabinets to create or extend.
    pub cabinets: Vec<SeedCabinet>,
}

/// Cabinet and its contents.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SeedCabinet {
    /// Id.
    pub business_id: BusinessId,
    /// Name; required for a new cabinet.
    pub name: Option<String>,
    /// Campaigns to create.
    #[serde(default)]
    pub campaigns: Vec<NewCampaign>,
    /// Api-Keys to create.
    #[serde(default)]
    pub keys: Vec<SeedKey>,
    /// Orders to register.
    #[serde(default)]
    pub orders: Vec<NewOrder>,
    /// Returns to register.
    #[serde(default)]
    pub returns: Vec<NewReturn>,
    /// Chats to create.
    #[serde(default)]
    pub chats: Vec<SeedChat>,
}

/// Api-Key with a given secret.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SeedKey {
    /// Name.
    pub name: String,
    /// Scopes.
    pub scopes: Vec<String>,
    /// Secret, `ACMA:…`.
    pub api_key: String,
}

/// Chat.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SeedChat {
    /// Context; `None` for a direct question.
    pub context: Option<ContextRef>,
    /// Buyer of a direct question.
    pub customer: Option<Customer>,
    /// Messages, in order.
    #[serde(default)]
    pub messages: Vec<SeedMessage>,
    /// Dispute about the chat.
    pub dispute: Option<SeedDispute>,
    /// Closes the chat at the end.
    #[serde(default)]
    pub closed: bool,
}

/// Dispute.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SeedDispute {
    /// Messages, in order.
    #[serde(default)]
    pub messages: Vec<SeedMessage>,
    /// Resolves the dispute at the end.
    #[serde(default)]
    pub resolved: bool,
}

/// Message: text, sticker or file.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SeedMessage {
    /// Sender.
    pub sender: Sender,
    /// Time. Defaults to right after the previous message, or to now for the first.
    pub at: Option<Timestamp>,
    /// Text.
    pub message: Option<String>,
    /// Marks a sticker.
    #[serde(default)]
    pub sticker: bool,
    /// File.
    pub file: Option<SeedFile>,
    /// Side whose answer is awaited; set by support or the arbiter.
    pub waiting_for: Option<WaitingFor>,
}

/// File.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SeedFile {
    /// Name.
    pub name: String,
    /// Content in base64.
    pub base64: Option<String>,
    /// Content as text.
    pub text: Option<String>,
}

/// Numbers of created objects.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct SeedSummary {
    /// New cabinets.
    pub cabinets: usize,
    /// Orders.
    pub orders: usize,
    /// Chats, including disputes.
    pub chats: usize,
    /// Messages.
    pub messages: usize,
}

/// Error in a seed.
#[derive(Debug)]
pub(crate) struct SeedError {
    /// Path of the invalid part: field names and indices.
    pub(crate) path: Vec<PathSegment>,
    pub(crate) error: Error,
}

/// Part of a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum PathSegment {
    Field(&'static str),
    Item(usize),
}

impl fmt::Display for PathSegment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Field(name) => write!(f, ".{name}"),
            Self::Item(number) => write!(f, "[{number}]"),
        }
    }
}

impl SeedError {
    /// Converts into an API error that names line and path.
    pub(crate) fn with_line(self, text: &str) -> Error {
        let Error::Api(refused) = self.error else { return self.error };
        let message = refused.items.first().and_then(|fault| fault.message.clone());
        let message = message.unwrap_or_else(|| refused.kind.code().to_owned());
        let path: String = self.path.iter().map(ToString::to_string).collect();
        let segments: Vec<String> = self
            .path
            .iter()
            .map(|step| match step {
                PathSegment::Field(name) => (*name).to_owned(),
                PathSegment::Item(number) => number.to_string(),
            })
            .collect();
        let line = locate(text, &segments).map_or(1, |location| location.line);
        Error::bad_request(format!("line {line}: {}: {message}", path.trim_start_matches('.')))
    }
}

impl Seed {
    /// Returns the number of messages in all chats.
    pub(crate) fn message_count(&self) -> usize {
        let chats = self.cabinets.iter().flat_map(|cabinet| &cabinet.chats);
        let message = |chat: &SeedChat| {
            let dispute = chat.dispute.as_ref().map_or(0, |dispute| dispute.messages.len());
            chat.messages.len() + dispute
        };
        chats.map(message).sum()
    }
}

/// Parses a seed.
///
/// # Errors
///
/// 400 with line and reason of the first error.
pub fn parse(text: &str) -> Result<Seed> {
    serde_yaml_ng::from_str(text).map_err(|error| {
        let reason = error.to_string();
        let line = error.location().map_or(1, |location| location.line());
        Error::bad_request(format!("line {line}: {reason}"))
    })
}
