//! The tables of the search index: made anew where an older version of this program indexed in another way, and then filled
//! in steps that each are one transaction. Whoever is killed in between goes on where the last step ended.

use rusqlite::{Connection, Result, params};

use super::index::{IndexEntry, Indexer};
use crate::Archive;

/// Version of the index; increased with every change of indexing.
pub(crate) const VERSION: i64 = 2;
/// Number of messages indexed in one transaction, a fraction of a second, after which others can
/// write.
const STEP: usize = 2_000;

/// These replace the tables of the first migration. `tokens` was `stems` there: a program of the older version that still has
/// the archive open fails to write messages in place of indexing them in its way, by which they would hardly be found.
const TABLES: &str = "
    DROP TABLE stems; DROP TABLE words; DROP TABLE parts;
    CREATE VIRTUAL TABLE tokens USING fts5 (
      text, content = '', tokenize = 'ascii', columnsize = 0, detail = none
    );
    CREATE TABLE words (
      id   INTEGER PRIMARY KEY,
      word TEXT NOT NULL UNIQUE,
      stem TEXT NOT NULL
    );
    CREATE VIRTUAL TABLE parts USING fts5 (
      word, content = '', tokenize = 'trigram case_sensitive 1', columnsize = 0, detail = none
    );";

/// Resets the index if it was built by an older version. Returns its version if that is newer than
/// this program.
pub(crate) fn renew(transaction: &Connection) -> Result<Option<i64>> {
    let sql = "SELECT version FROM search_index";
    let version: i64 = transaction.query_row(sql, [], |row| row.get(0))?;
    if version >= VERSION {
        return Ok((version > VERSION).then_some(version));
    }
    transaction.execute_batch(TABLES)?;
    // Without messages nothing remains to be indexed.
    let sql =
        "UPDATE search_index SET version = ?1, old = (SELECT coalesce(max(seq), 0) FROM messages),
                   doc = (SELECT min(doc) - 1 FROM messages)";
    transaction.execute(sql, [VERSION])?;
    Ok(None)
}

impl Archive {
    /// Returns the number of messages that remain to be indexed, in an archive written by an older
    /// version. [`Archive::search`] indexes them first.
    ///
    /// # Errors
    ///
    /// If the database fails.
    pub fn unindexed_count(&self) -> crate::Result<u64> {
        self.read(|connection| {
            let sql = "SELECT count(*) FROM search_index i CROSS JOIN messages m
                       WHERE m.doc > i.doc AND m.seq <= i.old";
            connection.query_row(sql, [], |row| row.get(0).map(i64::unsigned_abs))
        })
    }

    /// Indexes a batch of these messages in one transaction and returns its size; 0 if all are
    /// indexed.
    ///
    /// # Errors
    ///
    /// If the database fails.
    pub fn index_batch(&self) -> crate::Result<u64> {
        self.write(|write| {
            let (transaction, indexer) = write.indexing();
            step(transaction, indexer)
        })
    }

    /// Indexes all remaining messages.
    pub(crate) fn index_all(&self) -> crate::Result<()> {
        let sql = "SELECT doc IS NOT NULL FROM search_index";
        while self
            .read(|connection| connection.prepare_cached(sql)?.query_row([], |row| row.get(0)))?
        {
            self.index_batch()?;
        }
        Ok(())
    }
}

/// Message to index.
struct Old {
    doc: i64,
    business: i64,
    chat: i64,
    campaign: Option<i64>,
    context_type: String,
    sender: String,
    text: Option<String>,
    payload: Option<String>,
}

fn step(transaction: &Connection, indexer: &mut Indexer) -> Result<u64> {
    let messages = next(transaction)?;
    for message in &messages {
        let files = file_names(message.payload.as_deref());
        let files: Vec<&str> = files.iter().map(String::as_str).collect();
        indexer.index(
            transaction,
            &IndexEntry {
                doc: message.doc,
                business: message.business,
                chat: message.chat,
                campaign: message.campaign,
                context_type: &message.context_type,
                sender: &message.sender,
                text: message.text.as_deref(),
                files: &files,
            },
        )?;
    }
    let last = messages.last().filter(|_| messages.len() == STEP).map(|message| message.doc);
    transaction.prepare_cached("UPDATE search_index SET doc = ?1")?.execute([last])?;
    Ok(messages.len() as u64)
}

fn next(transaction: &Connection) -> Result<Vec<Old>> {
    let mut statement = transaction.prepare_cached(
        "SELECT m.doc, m.business, m.chat, c.campaign, c.context_type, m.sender, m.text, m.payload
         FROM search_index i CROSS JOIN messages m
         JOIN chats c ON c.business = m.business AND c.chat = m.chat
         WHERE m.doc > i.doc AND m.seq <= i.old ORDER BY m.doc LIMIT ?1",
    )?;
    let old = |row: &rusqlite::Row<'_>| {
        Ok(Old {
            doc: row.get(0)?,
            business: row.get(1)?,
            chat: row.get(2)?,
            campaign: row.get(3)?,
            context_type: row.get(4)?,
            sender: row.get(5)?,
            text: row.get(6)?,
            payload: row.get(7)?,
        })
    };
    statement.query_map(params![STEP as i64], old)?.collect()
}

/// Returns the file names in a payload.
pub(super) fn file_names(payload: Option<&str>) -> Vec<String> {
    let files: Option<Vec<beseda_api::Attachment>> =
        payload.and_then(|json| serde_json::from_str(json).ok());
    files.unwrap_or_default().into_iter().map(|file| file.name).collect()
}

#[cfg(test)]
mod tests {
    use rusqlite::Connection;

    use super::STEP;
    use crate::{
        Archive, Search,
        sample::{NOON, Sample},
    };

    /// Returns an archive as an older version left it, with messages indexed by stems alone.
    fn old(messages: usize) -> Sample {
        let mut sample = Sample::new();
        sample.chat(1, "NEW");
        let connection = Connection::open(sample.folder.path().join("archive.sqlite")).unwrap();
        let first = NOON * 1_000_000;
        let sql = format!(
            "BEGIN;
             DROP TABLE search_index; DROP TABLE tokens;
             CREATE VIRTUAL TABLE stems USING fts5 (
               text, content = '', tokenize = 'ascii', columnsize = 0, detail = none);
             PRAGMA user_version = 1;
             WITH RECURSIVE many (n) AS
               (SELECT 0 UNION ALL SELECT n + 1 FROM many WHERE n + 1 < {messages})
             INSERT INTO messages (doc, business, chat, message, created_at, sender, text, seq)
             SELECT {first} + n, 1, 1, {first} + n, ({first} + n) * 1000, 'CUSTOMER',
                    '+7 (999) 123-45-67 👍', 10 + n FROM many;
             INSERT INTO stems (rowid, text) SELECT doc, '§c1x1 §b1 7 999 123 45 67' FROM messages;
             UPDATE archive SET seq = 10 + {messages};
             COMMIT"
        );
        connection.execute_batch(&sql).unwrap();
        sample
    }

    fn count(archive: &Archive, query: &str) -> usize {
        let search = Search { query: query.to_owned(), limit: 1_000, ..Search::default() };
        let mut hits = Vec::new();
        let mut before = None;
        loop {
            let found = archive.search(&Search { before, ..search.clone() }).unwrap();
            hits.extend(found.hits.into_iter().map(|hit| hit.message_id));
            before = found.next;
            if before.is_none() {
                break;
            }
        }
        let all = hits.len();
        hits.dedup();
        assert_eq!(hits.len(), all, "a message was found twice");
        all
    }

    #[test]
    fn an_older_archive_is_searched_right_after_it_was_opened() {
        let sample = old(3);
        let archive = Archive::open(sample.folder.path()).unwrap();
        assert_eq!(archive.unindexed_count().unwrap(), 3);
        for query in ["89991234567", "👍", "999"] {
            assert_eq!(count(&archive, query), 3, "{query}");
        }
        assert_eq!(archive.unindexed_count().unwrap(), 0);
    }

    #[test]
    fn a_program_of_the_older_version_that_goes_on_is_refused() {
        let sample = old(3);
        let older = Connection::open(sample.folder.path().join("archive.sqlite")).unwrap();
        older.execute("INSERT INTO stems (rowid, text) VALUES (1, 'слов')", []).unwrap();
        drop(Archive::open(sample.folder.path()).unwrap());
        older.execute("INSERT INTO stems (rowid, text) VALUES (2, 'слов')", []).unwrap_err();
    }

    #[test]
    fn indexing_goes_on_where_it_ended_and_each_message_is_found_once() {
        let mut sample = old(2 * STEP + 7);
        let archive = Archive::open(sample.folder.path()).unwrap();
        assert_eq!(archive.index_batch().unwrap(), STEP as u64);
        // A message arrives that is older than those that remain to be indexed.
        sample.seq_from(2 * STEP as i64 + 100);
        sample.say(1, -5, "CUSTOMER", "8 999 123-45-67 👍");
        let again = Archive::open(sample.folder.path()).unwrap();
        assert_eq!(again.unindexed_count().unwrap(), STEP as u64 + 7);
        assert_eq!(count(&again, "👍"), 2 * STEP + 8);
        assert_eq!(count(&archive, "9991234567"), 2 * STEP + 8);
        assert_eq!(again.index_batch().unwrap(), 0);
    }

    #[test]
    fn a_step_that_fails_leaves_nothing_behind() {
        let sample = old(3);
        let archive = Archive::open(sample.folder.path()).unwrap();
        let connection = Connection::open(sample.folder.path().join("archive.sqlite")).unwrap();
        let refuse = "CREATE TRIGGER refuse BEFORE UPDATE ON search_index BEGIN SELECT raise(ABORT, 'no'); END";
        connection.execute_batch(refuse).unwrap();
        archive.index_batch().unwrap_err();
        connection.execute_batch("DROP TRIGGER refuse").unwrap();
        assert_eq!(archive.unindexed_count().unwrap(), 3);
        assert_eq!(count(&archive, "👍"), 3);
    }

    #[test]
    fn an_index_of_a_newer_version_is_left_alone() {
        let sample = old(1);
        drop(Archive::open(sample.folder.path()).unwrap());
        let connection = Connection::open(sample.folder.path().join("archive.sqlite")).unwrap();
        connection.execute("UPDATE search_index SET version = 99", []).unwrap();
        let refused = Archive::open(sample.folder.path()).unwrap_err();
        assert!(matches!(refused, crate::Error::Newer(99)), "{refused}");
    }
}
