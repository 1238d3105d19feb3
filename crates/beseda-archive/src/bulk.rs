//! Bulk data: fills an archive with generated chats and messages, without fsync. For benchmarks and
//! tests; never on a folder in use.

use std::path::Path;

use rusqlite::{Connection, Transaction, params};

use crate::{
    schema,
    search::index::{IndexEntry, Indexer},
};

/// Amount of data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BulkAmount {
    /// Cabinet id.
    pub business: i64,
    /// Number of chats, one per order, spread over five shops and all statuses.
    pub chats: i64,
    /// Messages per chat, alternating between customer and shop.
    pub messages_per_chat: i64,
}

/// Id of the first chat; the others follow without gaps.
pub const FIRST_CHAT: i64 = 20_000_000;
/// Order of the first chat; the others follow without gaps.
pub const FIRST_ORDER: i64 = 400_000_000;
/// Campaign of the first chat.
pub const FIRST_CAMPAIGN: i64 = 21_000_001;
/// Time of the first chat in microseconds.
pub const BEGIN: i64 = 1_760_000_000_000_000;
/// Interval between chats in microseconds.
const STEP: i64 = 900_000_000;
/// Interval between messages in microseconds.
const PAUSE: i64 = 1_111_000_000;

const STATUSES: [&str; 5] =
    ["NEW", "WAITING_FOR_CUSTOMER", "WAITING_FOR_PARTNER", "WAITING_FOR_ARBITER", "FINISHED"];

/// Writes chats with generated texts, chat after chat, as a first sync does.
///
/// # Errors
///
/// If the file can't be written.
pub fn fill(
    database: &Path,
    amount: BulkAmount,
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
            let message = BulkMessage { business: amount.business, number, place, seq };
            message.insert(&transaction, &mut indexer, &text())?;
        }
        transaction.execute("UPDATE archive SET seq = ?1", [seq])?;
        transaction.commit()?;
    }
    Ok(())
}

fn chat(
    transaction: &Transaction<'_>,
    amount: BulkAmount,
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

/// Message of a bulk chat.
struct BulkMessage {
    business: i64,
    /// Number of the chat, from 0.
    number: i64,
    /// Position in the chat, from 0.
    place: i64,
    seq: i64,
}

impl BulkMessage {
    fn insert(
        &self,
        transaction: &Transaction<'_>,
        indexer: &mut Indexer,
        text: &str,
    ) -> rusqlite::Result<()> {
        let Self { business, number, place, seq } = *self;
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
            .execute(params![doc, business, chat, doc, at * 1_000, sender, text, seq])?;
        indexer.index(
            transaction,
            &IndexEntry {
                doc,
                business,
                chat,
                campaign: Some(FIRST_CAMPAIGN + number % 5),
                context_type: "ORDER",
                sender,
                text: Some(text),
                files: &[],
            },
        )
    }
}

/// Returns the first free document number from here on.
fn free(transaction: &Transaction<'_>, from: i64) -> rusqlite::Result<i64> {
    let mut taken = transaction.prepare_cached("SELECT 1 FROM messages WHERE doc = ?1")?;
    let mut doc = from;
    while taken.exists([doc])? {
        doc += 1;
    }
    Ok(doc)
}
