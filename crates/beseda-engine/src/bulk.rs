//! Filler of databases for benchmarks (feature `bulk`). It bypasses the write queue and doesn't wait for the disk.

use std::path::Path;

use beseda_api::BusinessId;

use crate::{DataFolder, EngineOpenError, SqliteStore};

/// Number and text of the messages to write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FillAmount<'a> {
    /// Number of chats, one per order, evenly in all statuses but `FINISHED`, so that all of them accept messages.
    pub chats: i64,
    /// Number of messages per chat.
    pub messages_per_chat: i64,
    /// Text of every message.
    pub text: &'a str,
}

/// Id of the first chat that [`fill`] creates; the others follow without gaps.
pub const FIRST_CHAT: i64 = 20_000_000;
/// Id of the first message; those of one chat follow at intervals of a second.
pub const FIRST_MESSAGE: i64 = 1_700_000_000_000_000;

/// Writes chats of a cabinet with messages, in one transaction.
///
/// # Errors
/// If a server uses the folder, or it can't be written.
pub fn fill(
    folder: &Path,
    business: BusinessId,
    amount: FillAmount<'_>,
) -> Result<(), EngineOpenError> {
    let folder = DataFolder::lock(folder)?;
    drop(SqliteStore::open(&folder.database())?);
    let mut connection = rusqlite::Connection::open(folder.database())?;
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
            for index in 0..amount.messages_per_chat {
                message.execute((id, first + index * 1_000_000, index % 2, amount.text))?;
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
