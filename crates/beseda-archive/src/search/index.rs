//! Indexing of messages when they are stored.

use std::collections::HashMap;

use rusqlite::{Connection, Result, params};

use super::{
    numbers::{DigitRun, each_number, runs},
    stems::Stems,
    symbols,
    words::each_word,
};

/// Maximum number of remembered words.
const REMEMBERED: usize = 100_000;

/// Prefix of a filter mark, which no word contains.
const SIGN: char = '§';

/// Indexed data of a message.
#[derive(Debug, Clone, Copy)]
pub(crate) struct IndexEntry<'a> {
    /// Row in `messages`.
    pub(crate) doc: i64,
    pub(crate) business: i64,
    pub(crate) chat: i64,
    pub(crate) campaign: Option<i64>,
    pub(crate) context_type: &'a str,
    pub(crate) sender: &'a str,
    pub(crate) text: Option<&'a str>,
    /// Names of the attachments.
    pub(crate) files: &'a [&'a str],
}

/// Writer of index entries. Remembers the words that are in the dictionary, to avoid lookups.
pub(crate) struct Indexer {
    stems: Stems,
    /// Words in the archive's dictionary, with their tokens.
    known: HashMap<Box<str>, Box<str>>,
    tokens: String,
}

impl Indexer {
    pub(crate) fn new() -> Self {
        Self { stems: Stems::new(), known: HashMap::new(), tokens: String::new() }
    }

    /// Forgets remembered words after a rollback.
    pub(crate) fn forget(&mut self) {
        self.known.clear();
    }

    /// Indexes one message within the transaction that stores it. Fastest in ascending order of
    /// `doc`.
    pub(crate) fn index(&mut self, transaction: &Connection, entry: &IndexEntry<'_>) -> Result<()> {
        let mut tokens = std::mem::take(&mut self.tokens);
        tokens.clear();
        for mark in marks(entry) {
            tokens.push_str(&mark);
            tokens.push(' ');
        }
        let mut done = Ok(());
        for text in entry.text.iter().chain(entry.files) {
            each_word(text, |word| {
                if done.is_ok() {
                    done = self.token(transaction, word, &mut tokens);
                }
            });
            let mut add = |token: &str| {
                tokens.push_str(token);
                tokens.push(' ');
            };
            symbols::each_token(text, &mut add);
            let runs = runs(text);
            each_number(&runs, &mut add);
            for number in runs.iter().filter_map(DigitRun::whole) {
                self.token(transaction, number, &mut tokens)?;
            }
        }
        done?;
        transaction
            .prepare_cached("INSERT INTO tokens (rowid, text) VALUES (?1, ?2)")?
            .execute(params![entry.doc, tokens])?;
        self.tokens = tokens;
        Ok(())
    }

    fn token(&mut self, transaction: &Connection, word: &str, tokens: &mut String) -> Result<()> {
        if let Some(known) = self.known.get(word) {
            tokens.push_str(known);
        } else {
            let all = self.stems.all(word);
            let stem = &all[0];
            let new = transaction
                .prepare_cached("INSERT OR IGNORE INTO words (word, stem) VALUES (?1, ?2)")?
                .execute(params![word, stem])?;
            if new > 0 {
                transaction
                    .prepare_cached("INSERT INTO parts (rowid, word) VALUES (?1, ?2)")?
                    .execute(params![transaction.last_insert_rowid(), word])?;
            }
            let all = all.join(" ");
            tokens.push_str(&all);
            if self.known.len() >= REMEMBERED {
                self.known.clear();
            }
            self.known.insert(word.into(), all.into());
        }
        tokens.push(' ');
        Ok(())
    }
}

fn marks(entry: &IndexEntry<'_>) -> impl Iterator<Item = String> {
    [
        Some(chat_mark(entry.business, entry.chat)),
        Some(business_mark(entry.business)),
        entry.campaign.map(campaign_mark),
        Some(context_mark(entry.context_type)),
        Some(sender_mark(entry.sender)),
    ]
    .into_iter()
    .flatten()
}

/// Returns the mark of every message of a chat.
pub(crate) fn chat_mark(business: i64, chat: i64) -> String {
    format!("{SIGN}c{business}x{chat}")
}

/// Returns the mark of every message of a cabinet.
pub(crate) fn business_mark(business: i64) -> String {
    format!("{SIGN}b{business}")
}

/// Returns the mark of every message about a campaign.
pub(crate) fn campaign_mark(campaign: i64) -> String {
    format!("{SIGN}k{campaign}")
}

/// Returns the mark of every message of chats with this context type.
pub(crate) fn context_mark(context_type: &str) -> String {
    format!("{SIGN}t{}", plain(context_type))
}

/// Returns the mark of every message of this sender.
pub(crate) fn sender_mark(sender: &str) -> String {
    format!("{SIGN}s{}", plain(sender))
}

/// Converts a published value to one token; an unknown one may contain anything.
fn plain(word: &str) -> String {
    word.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect()
}
