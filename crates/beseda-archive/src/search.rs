//! Full-text search over the messages of an archive: words in any form, parts of words, numbers,
//! phrases; newest first.

mod confusables;
pub mod dictionary;
mod highlight;
pub(crate) mod index;
mod numbers;
mod plan;
mod query;
mod run;
mod stems;
mod symbols;
pub(crate) mod tables;
#[cfg(test)]
mod tests;
mod words;

use beseda_api::{
    BusinessId, CampaignId, ChatId, ChatStatus, ContextType, MessageId, OrderId, ReturnId, Sender,
    Time,
};
use jiff::Timestamp;
use serde::Serialize;

pub use highlight::Snippet;

use self::query::Query;
use crate::{Archive, Error, Result};

/// Search request.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Search {
    /// Words to find, all of them. A word matches in any of its forms and, from three characters on, as a part of a word.
    /// A number matches however its digits are grouped, and every message of the chat with this id, order or return. Emoji
    /// match literally. Words `"in quotes"` match exactly in this form and order; a part starting with `-` must not match.
    /// Symbols alone match literally; beside words, symbols other than emoji are ignored.
    pub query: String,
    /// Filter of messages.
    pub filter: ArchiveFilter,
    /// Maximum number of results; 0 means 20.
    pub limit: usize,
    /// Only messages older than this [`Hit::cursor`] (or [`SearchResults::next`]).
    pub before: Option<i64>,
}

/// Filter of messages: any value of a list, all lists. An empty list filters nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ArchiveFilter {
    /// Cabinets.
    pub businesses: Vec<BusinessId>,
    /// Campaigns (shops) of orders and returns.
    pub campaigns: Vec<CampaignId>,
    /// Chats.
    pub chats: Vec<ChatId>,
    /// Senders.
    pub senders: Vec<Sender>,
    /// Current statuses of the chats.
    pub statuses: Vec<ChatStatus>,
    /// Context types of the chats.
    pub context_types: Vec<ContextType>,
    /// Sent at this time or later.
    pub since: Option<Timestamp>,
    /// Sent before this time.
    pub until: Option<Timestamp>,
}

impl ArchiveFilter {
    /// Returns the statuses as a list for SQLite.
    fn status_list(&self) -> String {
        serde_json::json!(self.statuses).to_string()
    }
}

/// Results of a search.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SearchResults {
    /// Messages, newest first.
    pub hits: Vec<Hit>,
    /// Cursor of the next results, for [`Search::before`]; `None` if there are no more.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<i64>,
    /// `true` if the search ended early because too many messages had to be read. Continuing with
    /// `next` may find more.
    pub ended_early: bool,
}

/// Message found by a search.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Hit {
    /// Cabinet id.
    pub business_id: BusinessId,
    /// Chat id.
    pub chat_id: ChatId,
    /// Message id.
    pub message_id: MessageId,
    /// Time of sending.
    pub created_at: Time,
    /// Sender.
    pub sender: Sender,
    /// Operator who wrote it, if recorded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub operator: Option<String>,
    /// Context type of the chat.
    pub context_type: ContextType,
    /// Current status of the chat.
    pub status: ChatStatus,
    /// Campaign (shop) of the chat.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub campaign_id: Option<CampaignId>,
    /// Order of the chat.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub order_id: Option<OrderId>,
    /// Return of the chat.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub return_id: Option<ReturnId>,
    /// Public name of the buyer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub customer_name: Option<String>,
    /// Names of the attachments.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<String>,
    /// Text, or the file names of a message without text, with matches.
    pub snippet: Snippet,
    /// Position in time order, for [`Search::before`].
    pub cursor: i64,
}

impl Archive {
    /// Finds messages, newest first. In an archive that an older version filled, what isn't in the index yet is indexed
    /// first; [`Archive::index_batch`] does the same in steps.
    ///
    /// # Errors
    /// [`Error::NothingToSearch`] if the query has neither words nor signs; otherwise if the database fails.
    pub fn search(&self, search: &Search) -> Result<SearchResults> {
        let query = Query::read(&search.query);
        if query.is_empty() {
            return Err(Error::NothingToSearch);
        }
        self.index_all()?;
        self.read(|connection| run::run(connection, &query, search))
    }
}
