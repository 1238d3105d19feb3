//! Seeds: cabinets, orders and conversations as people write them down, in YAML or JSON. They are tried out on a copy before anything changes.

pub(crate) mod apply;

use std::fmt;

use beseda_api::{
    BusinessId, Customer, Error, NewCampaign, NewOrder, NewReturn, Result, Sender, WaitingFor,
    wire::ContextRef,
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use beseda_scenario::locate;

/// A whole seed.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Seed {
    /// The cabinets; those that exist already are added to.
    pub cabinets: Vec<SeedCabinet>,
}

/// A cabinet with what belongs to it.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SeedCabinet {
    /// Its id.
    pub business_id: BusinessId,
    /// Its name; needed where it doesn't exist yet.
    pub name: Option<String>,
    /// Campaigns to be made.
    #[serde(default)]
    pub campaigns: Vec<NewCampaign>,
    /// Api-Keys to be kept.
    #[serde(default)]
    pub keys: Vec<SeedKey>,
    /// Orders to be registered.
    #[serde(default)]
    pub orders: Vec<NewOrder>,
    /// Returns to be registered.
    #[serde(default)]
    pub returns: Vec<NewReturn>,
    /// Conversations.
    #[serde(default)]
    pub chats: Vec<SeedChat>,
}

/// An Api-Key whose secret is known.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SeedKey {
    /// Its name.
    pub name: String,
    /// What it may do.
    pub scopes: Vec<String>,
    /// The secret, `ACMA:…`.
    pub api_key: String,
}

/// A conversation.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SeedChat {
    /// What it is about; a direct question if `None`.
    pub context: Option<ContextRef>,
    /// Who asks, in a direct question.
    pub customer: Option<Customer>,
    /// What was said, in order.
    #[serde(default)]
    pub messages: Vec<SeedMessage>,
    /// The dispute that grew out of it.
    pub dispute: Option<SeedDispute>,
    /// Whether it has ended.
    #[serde(default)]
    pub closed: bool,
}

/// A dispute.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SeedDispute {
    /// What was said in it, in order.
    #[serde(default)]
    pub messages: Vec<SeedMessage>,
    /// Whether the arbiter has ended it.
    #[serde(default)]
    pub resolved: bool,
}

/// A message: a text, a sticker or a file.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SeedMessage {
    /// Who wrote it.
    pub sender: Sender,
    /// When; now, or right after the one before, if `None`.
    pub at: Option<Timestamp>,
    /// The text.
    pub message: Option<String>,
    /// Whether it is a sticker.
    #[serde(default)]
    pub sticker: bool,
    /// The file.
    pub file: Option<SeedFile>,
    /// Whose answer is wanted next, if support or arbiter say so.
    pub waiting_for: Option<WaitingFor>,
}

/// A file.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SeedFile {
    /// Its name.
    pub name: String,
    /// Its bytes in base64.
    pub base64: Option<String>,
    /// Its content, if that is text.
    pub text: Option<String>,
}

/// What a seed has added.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct SeedSummary {
    /// Cabinets that are new.
    pub cabinets: usize,
    /// Orders.
    pub orders: usize,
    /// Chats, disputes included.
    pub chats: usize,
    /// Messages.
    pub messages: usize,
}

/// A refusal of something in a seed.
#[derive(Debug)]
pub(crate) struct SeedError {
    /// The way to it: names of fields and numbers in lists.
    pub(crate) path: Vec<PathSegment>,
    pub(crate) error: Error,
}

/// A step on the way to a place in a document.
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
    /// The same with its line.
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
    /// Counts the messages of all its chats.
    pub(crate) fn message_count(&self) -> usize {
        let chats = self.cabinets.iter().flat_map(|cabinet| &cabinet.chats);
        let message = |chat: &SeedChat| {
            let dispute = chat.dispute.as_ref().map_or(0, |dispute| dispute.messages.len());
            chat.messages.len() + dispute
        };
        chats.map(message).sum()
    }
}

/// Reads a seed.
///
/// # Errors
/// 400 with the line of the first thing that can't be read.
pub fn parse(text: &str) -> Result<Seed> {
    serde_yaml_ng::from_str(text).map_err(|error| {
        let reason = error.to_string();
        let line = error.location().map_or(1, |location| location.line());
        Error::bad_request(format!("line {line}: {reason}"))
    })
}
