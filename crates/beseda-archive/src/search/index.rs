//! What goes into the search index when a message is stored. Who asks the index stands in `query.rs` and `plan.rs`.

use std::collections::HashMap;

use rusqlite::{Connection, Result, params};

use super::{
    numbers::{Run, each_number, runs},
    signs,
    stems::Stems,
    words::each_word,
};

/// From this many words on the memory of known words is begun anew.
const REMEMBERED: usize = 100_000;

/// Stands before a mark: no word of a text can hold it.
const SIGN: char = '§';

/// What of a message is indexed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Entry<'a> {
    /// The row in `messages`.
    pub(crate) doc: i64,
    pub(crate) business: i64,
    pub(crate) chat: i64,
    pub(crate) campaign: Option<i64>,
    pub(crate) context_type: &'a str,
    pub(crate) sender: &'a str,
    pub(crate) text: Option<&'a str>,
    /// Names of the attached files.
    pub(crate) files: &'a [&'a str],
}

/// Writes entries. Remembers which words are in the dictionary, so that most of them cost no look-up.
pub(crate) struct Indexer {
    stems: Stems,
    /// Words that are in the dictionary of the archive, with their tokens.
    known: HashMap<Box<str>, Box<str>>,
    tokens: String,
}

impl Indexer {
    pub(crate) fn new() -> Self {
        Self { stems: Stems::new(), known: HashMap::new(), tokens: String::new() }
    }

    /// To be called after a rollback: words written in it are not there.
    pub(crate) fn forget(&mut self) {
        self.known.clear();
    }

    /// Indexes one message, inside the transaction that stores it. Cheapest in growing order of `doc`.
    pub(crate) fn index(&mut self, transaction: &Connection, entry: &Entry<'_>) -> Result<()> {
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
            signs::each_token(text, &mut add);
            let runs = runs(text);
            each_number(&runs, &mut add);
            for number in runs.iter().filter_map(Run::whole) {
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

fn marks(entry: &Entry<'_>) -> impl Iterator<Item = String> {
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

/// Found at every message of a chat.
pub(crate) fn chat_mark(business: i64, chat: i64) -> String {
    format!("{SIGN}c{business}x{chat}")
}

/// Found at every message of a cabinet.
pub(crate) fn business_mark(business: i64) -> String {
    format!("{SIGN}b{business}")
}

/// Found at every message about a shop.
pub(crate) fn campaign_mark(campaign: i64) -> String {
    format!("{SIGN}k{campaign}")
}

/// Found at every message of chats about this kind of thing.
pub(crate) fn context_mark(context_type: &str) -> String {
    format!("{SIGN}t{}", plain(context_type))
}

/// Found at every message of this kind of sender.
pub(crate) fn sender_mark(sender: &str) -> String {
    format!("{SIGN}s{}", plain(sender))
}

/// A published word as one token; an unknown one may hold anything.
fn plain(word: &str) -> String {
    word.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect()
}
