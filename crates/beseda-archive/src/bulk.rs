//! Fills an archive with many made-up chats and messages, without a service and without waiting for the disk. For
//! benchmarks and tests; never on a folder in use.

use std::path::Path;

use rusqlite::{Connection, Transaction, params};

use crate::{
    schema,
    search::index::{Entry, Indexer},
};

/// How much to write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Amount {
    /// The cabinet.
    pub business: i64,
    /// Chats, one per order, evenly over five shops and all statuses.
    pub chats: i64,
    /// Messages in each of them, of the customer and the shop by turns.
    pub messages_per_chat: i64,
}

/// The id of the first chat; the others follow without gaps.
pub const FIRST_CHAT: i64 = 20_000_000;
/// The order of the first chat; the others follow without gaps.
pub const FIRST_ORDER: i64 = 400_000_000;
/// The shop of the first chat.
pub const FIRST_CAMPAIGN: i64 = 21_000_001;
/// When the first chat begins, in microseconds.
pub const BEGIN: i64 = 1_760_000_000_000_000;
/// The next chat begins this much later, in microseconds.
const STEP: i64 = 900_000_000;
/// The next message is written this much later, in microseconds.
const PAUSE: i64 = 1_111_000_000;

const STATUSES: [&str; 5] =
    ["NEW", "WAITING_FOR_CUSTOMER", "WAITING_FOR_PARTNER", "WAITING_FOR_ARBITER", "FINISHED"];

/// Writes chats with messages whose texts are asked for one by one, chat after chat as a first fill reads them.
///
/// # Errors
/// If the file can't be written.
pub fn fill(
    database: &Path,
    amount: Amount,
    mut text: impl FnMut() -> String,
) -> rusqlite::Result<()> {
    let mut connection = Connection::open(database)?;
    connection.execute_batch(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF; PRAGMA cache_size = -65536;",
    )?;
    schema::migrate(&mut connection)?;
    connection.execute(
        "INSERT OR IGNORE INTO cabinets (business, name) VALUES (?1, 'Bulk')",
        [amount.business],
    )?;
    let mut indexer = Indexer::new();
    let mut seq: i64 = connection.query_row("SELECT seq FROM archive", [], |row| row.get(0))?;
    for number in 0..amount.chats {
        let transaction = connection.transaction()?;
        seq = chat(&transaction, amount, number, seq + 1)?;
        for place in 0..amount.messages_per_chat {
            seq += 1;
            message(&transaction, &mut indexer, (amount, number, place, seq), &text())?;
        }
        transaction.execute("UPDATE archive SET seq = ?1", [seq])?;
        transaction.commit()?;
    }
    Ok(())
}

fn chat(
    transaction: &Transaction<'_>,
    amount: Amount,
    number: i64,
    seq: i64,
) -> rusqlite::Result<i64> {
    let begin = (BEGIN + number * STEP) * 1_000;
    let end = begin + (amount.messages_per_chat - 1).max(0) * PAUSE * 1_000;
    let status = usize::try_from(number).unwrap_or(0) % STATUSES.len();
    transaction
        .prepare_cached(
            "INSERT INTO chats (business, chat, type, status, context_type, campaign, order_id,
                                context_order, customer_name, created_at, created_offset,
                                updated_at, updated_offset, synced_at, seen_at, seq)
             VALUES (?1, ?2, 'CHAT', ?3, 'ORDER', ?4, ?5, ?5, 'Покупатель', ?6, 10800, ?7, 10800, ?7, ?7, ?8)",
        )?
        .execute(params![
            amount.business,
            FIRST_CHAT + number,
            STATUSES[status],
            FIRST_CAMPAIGN + number % 5,
            FIRST_ORDER + number,
            begin,
            end,
            seq,
        ])?;
    Ok(seq)
}

fn message(
    transaction: &Transaction<'_>,
    indexer: &mut Indexer,
    (amount, number, place, seq): (Amount, i64, i64, i64),
    text: &str,
) -> rusqlite::Result<()> {
    let at = BEGIN + number * STEP + place * PAUSE;
    let doc = free(transaction, at)?;
    let chat = FIRST_CHAT + number;
    let sender = if place % 2 == 0 { "CUSTOMER" } else { "PARTNER" };
    transaction
        .prepare_cached(
            "INSERT INTO messages (doc, business, chat, message, created_at, created_offset,
                                   sender, text, seq)
             VALUES (?1, ?2, ?3, ?4, ?5, 10800, ?6, ?7, ?8)",
        )?
        .execute(params![doc, amount.business, chat, doc, at * 1_000, sender, text, seq])?;
    indexer.index(
        transaction,
        &Entry {
            doc,
            business: amount.business,
            chat,
            campaign: Some(FIRST_CAMPAIGN + number % 5),
            context_type: "ORDER",
            sender,
            text: Some(text),
            files: &[],
        },
    )
}

/// The first number from here on that no message has.
fn free(transaction: &Transaction<'_>, from: i64) -> rusqlite::Result<i64> {
    let mut taken = transaction.prepare_cached("SELECT 1 FROM messages WHERE doc = ?1")?;
    let mut doc = from;
    while taken.exists([doc])? {
        doc += 1;
    }
    Ok(doc)
}
