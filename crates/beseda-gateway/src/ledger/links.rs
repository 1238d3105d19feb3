//! Where the gateway's own links lead: only what the upstream gave out is there.

use beseda_api::{BusinessId, ChatId, FileId, MessageId, Result};
use rusqlite::{OptionalExtension, Row, params, types::Type};

use super::Ledger;

/// A link of the upstream's, and which attachment it is of.
#[derive(Debug, Clone)]
pub(crate) struct Link {
    pub(crate) id: FileId,
    pub(crate) business: BusinessId,
    pub(crate) chat: ChatId,
    pub(crate) message: MessageId,
    /// In the payload, from 0.
    pub(crate) place: u32,
    pub(crate) url: String,
    pub(crate) name: String,
    pub(crate) size: i32,
}

impl Ledger {
    /// Keeps links; those that are there stay as they are.
    pub(crate) async fn keep_links(&self, links: Vec<Link>) -> Result<()> {
        self.work(move |connection| {
            let transaction = connection.transaction()?;
            let sql = "INSERT OR IGNORE INTO links (id, business, chat, message, place, url, name, size) \
                       VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
            let mut statement = transaction.prepare_cached(sql)?;
            for link in links {
                let place = (link.business.get(), link.chat.get(), link.message.get(), link.place);
                statement.execute(params![
                    link.id.as_str(),
                    place.0,
                    place.1,
                    place.2,
                    place.3,
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

    /// Where a link leads; `None` if it was never given out.
    pub(crate) async fn link(&self, id: &FileId) -> Result<Option<Link>> {
        let id = id.clone();
        self.work(move |connection| {
            let sql =
                "SELECT business, chat, message, place, url, name, size FROM links WHERE id = ?1";
            let mut statement = connection.prepare_cached(sql)?;
            let found = statement.query_row([id.as_str()], |row| read(row, id.clone()));
            found.optional()
        })
        .await
    }
}

fn read(row: &Row<'_>, id: FileId) -> rusqlite::Result<Link> {
    fn bad<E: std::error::Error + Send + Sync + 'static>(
        column: usize,
    ) -> impl Fn(E) -> rusqlite::Error {
        move |error| {
            rusqlite::Error::FromSqlConversionFailure(column, Type::Integer, Box::new(error))
        }
    }
    Ok(Link {
        id,
        business: BusinessId::new(row.get(0)?).map_err(bad(0))?,
        chat: ChatId::new(row.get(1)?).map_err(bad(1))?,
        message: MessageId::new(row.get(2)?).map_err(bad(2))?,
        place: row.get(3)?,
        url: row.get(4)?,
        name: row.get(5)?,
        size: row.get(6)?,
    })
}
