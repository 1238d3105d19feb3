//! Small archive for tests, written directly to its tables.

use rusqlite::{Connection, params};
use tempfile::TempDir;

use crate::{
    Archive,
    search::index::{IndexEntry, Indexer},
};

/// 1 June 2026, 12:00 in Moscow, in seconds.
pub(crate) const NOON: i64 = 1_780_304_400;

/// Archive of cabinet 1 in a temporary folder.
pub(crate) struct Sample {
    pub(crate) archive: Archive,
    pub(crate) folder: TempDir,
    connection: Connection,
    indexer: Indexer,
    seq: i64,
}

impl Sample {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let archive = Archive::open(folder.path()).unwrap();
        let connection = Connection::open(folder.path().join("archive.sqlite")).unwrap();
        connection.execute("INSERT INTO cabinets (business) VALUES (1)", []).unwrap();
        let named = "INSERT INTO campaigns (campaign, business, name) VALUES (7, 1, 'Лавка')";
        connection.execute(named, []).unwrap();
        Self { archive, folder, connection, indexer: Indexer::new(), seq: 0 }
    }

    /// Sets the next sequence number.
    pub(crate) fn seq_from(&mut self, seq: i64) {
        self.seq = seq;
    }

    /// Adds a chat about order `chat + 1000` of campaign 7.
    pub(crate) fn chat(&mut self, chat: i64, status: &str) {
        self.seq += 1;
        let sql = "INSERT INTO chats (business, chat, type, status, context_type, campaign,
                context_order, customer_name, created_at, updated_at, seen_at, seq)
            VALUES (1, ?1, 'CHAT', ?2, 'ORDER', 7, ?1 + 1000, 'Иван', ?3, ?3, ?3, ?4)";
        let at = NOON * 1_000_000_000;
        self.connection.execute(sql, params![chat, status, at, self.seq]).unwrap();
        self.count();
    }

    /// Adds a message this many seconds after noon and returns its id.
    pub(crate) fn say(&mut self, chat: i64, second: i64, sender: &str, text: &str) -> i64 {
        self.seq += 1;
        let doc = (NOON + second) * 1_000_000;
        let sql = "INSERT INTO messages (doc, business, chat, message, created_at, created_offset,
                sender, text, seq) VALUES (?1, 1, ?2, ?1, ?1 * 1000, 10800, ?3, ?4, ?5)";
        self.connection.execute(sql, params![doc, chat, sender, text, self.seq]).unwrap();
        let entry = IndexEntry {
            doc,
            business: 1,
            chat,
            campaign: Some(7),
            context_type: "ORDER",
            sender,
            text: Some(text),
            files: &[],
        };
        self.indexer.index(&self.connection, &entry).unwrap();
        self.count();
        doc
    }

    /// Records the author of a message.
    pub(crate) fn author(&self, chat: i64, message: i64, operator: &str) {
        let sql = "INSERT INTO authors VALUES (1, ?1, ?2, ?3)";
        self.connection.execute(sql, params![chat, message, operator]).unwrap();
    }

    fn count(&self) {
        self.connection.execute("UPDATE archive SET seq = ?1", [self.seq]).unwrap();
    }
}
