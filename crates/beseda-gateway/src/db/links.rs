//! Targets of the gateway's attachment links.

use beseda_api::{BusinessId, ChatId, FileId, MessageId, Result};
use rusqlite::{OptionalExtension, Row, params, types::Type};

use super::GatewayDb;

/// Link of the upstream, with its attachment.
#[derive(Debug, Clone)]
pub(crate) struct FileLink {
    pub(crate) id: FileId,
    pub(crate) business: BusinessId,
    pub(crate) chat: ChatId,
    pub(crate) message: MessageId,
    /// Index in the payload, from 0.
    pub(crate) index: u32,
    pub(crate) url: String,
    pub(crate) name: String,
    pub(crate) size: i32,
}

impl GatewayDb {
    /// Inserts links that are missing.
    pub(crate) async fn insert_links(&self, links: Vec<FileLink>) -> Result<()> {
        self.run(move |connection| {
            let transaction = connection.transaction()?;
            let sql = "INSERT OR IGNORE INTO links (id, business, chat, message, place, url, name, size) \
                       VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
            let mut statement = transaction.prepare_cached(sql)?;
            for link in links {
                statement.execute(params![
                    link.id.as_str(),
                    link.business.get(),
                    link.chat.get(),
                    link.message.get(),
                    link.index,
                    link.url,
                    link.name,
                    link.size
                ])?;
            }
            drop(statement);
            transaction.commit()
        })
        .await
    }

    /// Returns a link, or `None` if the gateway has never returned it.
    pub(crate) async fn link(&self, id: &FileId) -> Result<Option<FileLink>> {
        let id = id.clone();
        self.run(move |connection| {
            let sql =
                "SELECT business, chat, message, place, url, name, size FROM links WHERE id = ?1";
            let mut statement = connection.prepare_cached(sql)?;
            statement.query_row([id.as_str()], |row| read_link(row, id.clone())).optional()
        })
        .await
    }
}

fn read_link(row: &Row<'_>, id: FileId) -> rusqlite::Result<FileLink> {
    fn invalid<E: std::error::Error + Send + Sync + 'static>(
        column: usize,
    ) -> impl Fn(E) -> rusqlite::Error {
        move |error| {
            rusqlite::Error::FromSqlConversionFailure(column, Type::Integer, Box::new(error))
        }
    }
    Ok(FileLink {
        id,
        business: BusinessId::new(row.get(0)?).map_err(invalid(0))?,
        chat: ChatId::new(row.get(1)?).map_err(invalid(1))?,
        message: MessageId::new(row.get(2)?).map_err(invalid(2))?,
        index: row.get(3)?,
        url: row.get(4)?,
        name: row.get(5)?,
        size: row.get(6)?,
    })
}
