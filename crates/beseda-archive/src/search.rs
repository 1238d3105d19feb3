//! Search over the messages of an archive: words in any form, parts of words, numbers, phrases; newest first. Nothing is
//! written here, and nothing is asked of the service.

pub mod dictionary;
mod highlight;
pub(crate) mod index;
mod look_alikes;
mod numbers;
mod plan;
mod query;
mod run;
mod signs;
mod stems;
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

/// What is looked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Search {
    /// The words, all of which must be there. Each matches in any of its forms and, from three characters on, as a part of
    /// a word. A number matches however its digits are grouped, and all messages of the chat with this id, order or return.
    /// Emoji must be there as they are. `"In quotes"` words must stand exactly so; what begins with `-` must not be there.
    /// Signs alone are looked for literally; beside words, signs other than emoji are left out.
    pub query: String,
    /// Among which messages.
    pub filter: Filter,
    /// How many at most; 0 is 20.
    pub limit: usize,
    /// Only older ones than this [`Hit::cursor`] (or [`Found::next`]).
    pub before: Option<i64>,
}

/// Among which messages: inside one list any, between lists all. What is empty filters nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// Of these cabinets.
    pub businesses: Vec<BusinessId>,
    /// About orders and returns of these shops.
    pub campaigns: Vec<CampaignId>,
    /// In these chats.
    pub chats: Vec<ChatId>,
    /// By these.
    pub senders: Vec<Sender>,
    /// In chats that have one of these statuses now.
    pub statuses: Vec<ChatStatus>,
    /// In chats about these.
    pub context_types: Vec<ContextType>,
    /// Written at this moment or later.
    pub since: Option<Timestamp>,
    /// Written before this moment.
    pub until: Option<Timestamp>,
}

impl Filter {
    /// The statuses as SQLite reads a list.
    fn status_list(&self) -> String {
        serde_json::json!(self.statuses).to_string()
    }
}

/// What was found.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Found {
    /// The messages, newest first.
    pub hits: Vec<Hit>,
    /// Where to go on, as [`Search::before`]; `None` if there is nothing more.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<i64>,
    /// Whether the search was ended before it was full, because too many messages had to be read for it. Going on with
    /// `next` may find more.
    pub ended_early: bool,
}

/// A message that was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Hit {
    /// Its cabinet.
    pub business_id: BusinessId,
    /// Its chat.
    pub chat_id: ChatId,
    /// The message.
    pub message_id: MessageId,
    /// When it was written.
    pub created_at: Time,
    /// Who wrote it.
    pub sender: Sender,
    /// Which operator, where a program told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub operator: Option<String>,
    /// What its chat is about.
    pub context_type: ContextType,
    /// The chat's status now.
    pub status: ChatStatus,
    /// The shop of its chat.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub campaign_id: Option<CampaignId>,
    /// The order of its chat.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub order_id: Option<OrderId>,
    /// The return of its chat.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub return_id: Option<ReturnId>,
    /// The buyer's public name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub customer_name: Option<String>,
    /// The names of attached files.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<String>,
    /// The text (of a message without one, the names of its files), with the places found.
    pub snippet: Snippet,
    /// Its place in the order of time: [`Search::before`] of what is older.
    pub cursor: i64,
}

impl Archive {
    /// Finds messages, newest first. In an archive that an older version filled, what isn't in the index yet is indexed
    /// first; [`Archive::index_some`] does the same in steps.
    ///
    /// # Errors
    /// [`Error::NothingToSearch`] if the query has neither words nor signs; otherwise if the database fails.
    pub fn search(&self, search: &Search) -> Result<Found> {
        let query = Query::read(&search.query);
        if query.is_empty() {
            return Err(Error::NothingToSearch);
        }
        self.index_all()?;
        self.read(|connection| run::run(connection, &query, search))
    }
}
