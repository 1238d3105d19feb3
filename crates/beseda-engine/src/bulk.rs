//! Fills a database with many chats and messages, past the queue and without waiting for the disk. For benchmarks; never on a folder in use.

use std::path::Path;

use beseda_api::BusinessId;

use crate::{DataFolder, OpenError, SqliteStore};

/// How much to write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Amount<'a> {
    /// Chats, one per order, evenly in all statuses but the last, so that all of them can be written to.
    pub chats: i64,
    /// Messages in each of them.
    pub messages_per_chat: i64,
    /// What every message says.
    pub text: &'a str,
}

/// The id of the first chat that [`fill`] makes; the others follow without gaps.
pub const FIRST_CHAT: i64 = 20_000_000;
/// The id of the first message; those of one chat follow in steps of a second.
pub const FIRST_MESSAGE: i64 = 1_700_000_000_000_000;

/// Writes chats of a cabinet with messages, in one transaction.
///
/// # Errors
/// If the folder is in use or can't be written.
pub fn fill(folder: &Path, business: BusinessId, amount: Amount<'_>) -> Result<(), OpenError> {
    let taken = DataFolder::take(folder)?;
    drop(SqliteStore::open(&taken.database())?);
    let mut connection = rusqlite::Connection::open(taken.database())?;
    connection.execute_batch(
        "PRAGMA synchronous = OFF; PRAGMA cache_size = -262144; PRAGMA journal_mode = MEMORY;",
    )?;
    let transaction = connection.transaction()?;
    {
        let mut chat = transaction.prepare(
            "INSERT INTO chats (chat_id, business_id, type, status, context_type, updated_at,
                                created_at, campaign_id, order_id, customer_name)
             VALUES (?1, ?2, 0, ?3, 0, ?4, ?5, NULL, ?6, 'Buyer')",
        )?;
        let mut message = transaction.prepare(
            "INSERT INTO messages (chat_id, message_id, created_at, sender, text)
             VALUES (?1, ?2, ?2, ?3, ?4)",
        )?;
        for number in 0..amount.chats {
            let first = FIRST_MESSAGE + number;
            let last = first + (amount.messages_per_chat - 1).max(0) * 1_000_000;
            let id = FIRST_CHAT + number;
            chat.execute((id, business.get(), number % 5, last, first, 1_000_000 + number))?;
            for place in 0..amount.messages_per_chat {
                message.execute((id, first + place * 1_000_000, place % 2, amount.text))?;
            }
        }
        transaction.execute(
            "INSERT OR REPLACE INTO meta (name, value) VALUES ('last_chat_id', ?1)",
            [FIRST_CHAT + amount.chats],
        )?;
    }
    transaction.commit()?;
    connection.execute_batch("PRAGMA journal_mode = WAL;")?;
    Ok(())
}
