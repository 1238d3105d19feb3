//! The store in one SQLite file: one thread writes, several connections read. Statements are in the modules below; no rule of chats is here.

mod chats;
mod checkpoint;
mod code;
mod copy;
mod directory;
mod market;
mod outbox;
mod readers;
mod schema;
mod transaction;
mod writer;

use std::{path::Path, sync::Arc};

use async_trait::async_trait;
use beseda_api::{
    ApiKeyInfo, AuthResult, BusinessId, Cabinet, Campaign, ChatId, Error, FileId, MessageId,
    NewCabinet, NewCampaign, Order, OrderId, Result, Return, ReturnId, TokenInfo, User,
};
use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension};

pub use schema::NewerSchema;

use crate::{
    rules::Event,
    state::State,
    store::{
        ChatQuery, ChatRow, Draft, FileRow, KeyRecord, MessageRow, NewChat, Store, Transaction,
    },
};
use readers::Readers;
use transaction::{Lent, SqliteTransaction};
use writer::Writer;

/// Lists of more orders or returns than this are looked up off the runtime's threads.
const SHORT_LIST: usize = 64;

/// Conversations in one SQLite file. Made for one process at a time; other processes may administer it.
pub struct SqliteStore {
    readers: Arc<Readers>,
    writer: Writer,
}

impl SqliteStore {
    /// Opens the file, or makes it, and brings its schema up to date.
    ///
    /// # Errors
    /// If the file can't be opened, or a newer version of this program wrote it.
    pub fn open(path: &Path) -> Result<Self, crate::OpenError> {
        let connection = schema::open_writer(path)?;
        let readers = Arc::new(Readers::open(path)?);
        Ok(Self { readers, writer: Writer::start(connection, path)? })
    }

    /// The store as a transaction sees it.
    fn within(lent: &Arc<Lent>) -> Self {
        let readers = Arc::new(Readers::Transaction(Arc::clone(lent)));
        Self { readers, writer: Writer::within(Arc::clone(lent)) }
    }

    /// A short read, on the thread that asks.
    fn read<T>(&self, work: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T> {
        self.readers.read(work).map_err(Error::internal)
    }

    /// A write that can't be refused.
    async fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T> {
        self.writer.write(move |group| Ok(work(&group.connection)?)).await
    }
}

#[async_trait]
impl Store for SqliteStore {
    async fn chat(&self, business: BusinessId, chat: ChatId) -> Result<Option<ChatRow>> {
        let found = self.read(|connection| chats::by_id(connection, chat.get()))?;
        Ok(found.filter(|row| row.business == business))
    }

    async fn chats(&self, business: BusinessId, query: ChatQuery) -> Result<Vec<ChatRow>> {
        if query.filter.order_ids.len() + query.filter.contexts.len() <= SHORT_LIST {
            return self.read(|connection| chats::list(connection, business, &query));
        }
        let readers = Arc::clone(&self.readers);
        let long = move || readers.read(|connection| chats::list(connection, business, &query));
        tokio::task::spawn_blocking(long).await.map_err(Error::internal)?.map_err(Error::internal)
    }

    async fn history(
        &self,
        business: BusinessId,
        chat: ChatId,
        from: i64,
        limit: usize,
    ) -> Result<Option<(ChatRow, Vec<MessageRow>)>> {
        let found = self.read(|connection| chats::history(connection, chat.get(), from, limit))?;
        Ok(found.filter(|(row, _)| row.business == business))
    }

    async fn message(
        &self,
        business: BusinessId,
        chat: ChatId,
        message: MessageId,
    ) -> Result<Option<MessageRow>> {
        self.read(|connection| chats::message_by_id(connection, business, chat, message))
    }

    async fn create_chat(&self, chat: NewChat) -> Result<(ChatRow, bool)> {
        self.writer.write(move |group| chats::create(group, chat)).await
    }

    async fn append(&self, business: BusinessId, chat: ChatId, draft: Draft) -> Result<MessageRow> {
        self.writer.write(move |group| chats::append(group, business, chat, draft)).await
    }

    async fn change_chat(
        &self,
        business: BusinessId,
        chat: ChatId,
        event: Event,
        at: Timestamp,
    ) -> Result<ChatRow> {
        self.writer.write(move |group| chats::change(group, business, chat, &event, at)).await
    }

    async fn begin_upload(&self, file: &FileId, at: Timestamp) -> Result<()> {
        let file = file.clone();
        let sql = "INSERT INTO uploads (file_id, started_at) VALUES (?1, ?2)";
        self.write(move |connection| {
            let mut statement = connection.prepare_cached(sql)?;
            statement.execute((file.as_str(), at.as_microsecond())).map(|_| ())
        })
        .await
    }

    async fn forget_upload(&self, file: &FileId) -> Result<()> {
        let file = file.clone();
        self.write(move |connection| chats::forget_upload(connection, &file)).await
    }

    async fn stale_uploads(&self, before: Timestamp) -> Result<Vec<FileId>> {
        self.read(|connection| {
            let sql = "SELECT file_id FROM uploads WHERE started_at < ?1";
            let mut statement = connection.prepare_cached(sql)?;
            let found = statement.query_map([before.as_microsecond()], |row| {
                row.get::<_, String>(0)?.parse().map_err(|error| chats::strange(0, error))
            })?;
            found.collect()
        })
    }

    async fn file(&self, file: &FileId) -> Result<Option<(BusinessId, FileRow)>> {
        self.read(|connection| {
            let sql = "SELECT business_id, name, size FROM files WHERE file_id = ?1";
            let mut statement = connection.prepare_cached(sql)?;
            let read = |row: &rusqlite::Row<'_>| {
                let kept = FileRow { file: file.clone(), name: row.get(1)?, size: row.get(2)? };
                Ok((chats::id(row, 0, BusinessId::new)?, kept))
            };
            statement.query_row([file.as_str()], read).optional()
        })
    }

    async fn put_order(&self, business: BusinessId, order: Order) -> Result<Order> {
        self.write(move |connection| market::put_order(connection, business, order)).await
    }

    async fn order(&self, business: BusinessId, order: OrderId) -> Result<Option<Order>> {
        self.read(|connection| market::by_id(connection, business, order))
    }

    async fn put_return(&self, business: BusinessId, ret: Return) -> Result<Return> {
        self.write(move |connection| market::put_return(connection, business, ret)).await
    }

    async fn ret(&self, business: BusinessId, ret: ReturnId) -> Result<Option<Return>> {
        self.read(|connection| market::return_by_id(connection, business, ret))
    }

    async fn put_cabinet(&self, cabinet: NewCabinet) -> Result<Option<Cabinet>> {
        self.write(move |connection| directory::put_cabinet(connection, &cabinet)).await
    }

    async fn cabinets(&self) -> Result<Vec<Cabinet>> {
        self.read(directory::cabinets)
    }

    async fn cabinet(&self, business: BusinessId) -> Result<Option<Cabinet>> {
        self.read(|connection| directory::cabinet(connection, business.get()))
    }

    async fn put_campaign(
        &self,
        business: BusinessId,
        campaign: NewCampaign,
    ) -> Result<Option<Campaign>> {
        self.write(move |connection| directory::put_campaign(connection, business, &campaign)).await
    }

    async fn campaigns(&self, businesses: &[BusinessId]) -> Result<Vec<Campaign>> {
        self.read(|connection| {
            let of_each = businesses.iter().map(|id| directory::campaigns(connection, *id));
            Ok(of_each.collect::<Result<Vec<_>, _>>()?.concat())
        })
    }

    async fn put_key(&self, key: KeyRecord, most: u32) -> Result<Option<i64>> {
        self.write(move |connection| directory::put_key(connection, &key, most)).await
    }

    async fn keys(&self, business: BusinessId) -> Result<Vec<ApiKeyInfo>> {
        self.read(|connection| directory::keys(connection, business))
    }

    async fn revoke_key(&self, business: BusinessId, key: i64, at: Timestamp) -> Result<bool> {
        self.write(move |connection| directory::revoke_key(connection, business, key, at)).await
    }

    async fn put_user(&self, name: &str, businesses: &[BusinessId]) -> Result<User> {
        let (name, businesses) = (name.to_owned(), businesses.to_vec());
        self.write(move |connection| directory::put_user(connection, &name, &businesses)).await
    }

    async fn users(&self) -> Result<Vec<User>> {
        self.read(directory::users)
    }

    async fn set_access(&self, user: i64, business: BusinessId, access: bool) -> Result<bool> {
        self.write(move |connection| directory::set_access(connection, user, business, access))
            .await
    }

    async fn put_token(&self, user: i64, hash: [u8; 32], at: Timestamp) -> Result<Option<i64>> {
        self.write(move |connection| directory::put_token(connection, user, &hash, at)).await
    }

    async fn tokens(&self, user: i64) -> Result<Vec<TokenInfo>> {
        self.read(|connection| directory::tokens(connection, user))
    }

    async fn revoke_token(&self, user: i64, token: i64, at: Timestamp) -> Result<bool> {
        self.write(move |connection| directory::revoke_token(connection, user, token, at)).await
    }

    async fn key_access(&self, hash: &[u8; 32]) -> Result<AuthResult> {
        self.read(|connection| directory::key_access(connection, hash))
    }

    async fn token_access(&self, hash: &[u8; 32]) -> Result<AuthResult> {
        self.read(|connection| directory::token_access(connection, hash))
    }

    async fn shared_secret(&self) -> Result<[u8; 32]> {
        let fresh: [u8; 32] = rand::random();
        self.write(move |connection| {
            connection.execute(
                "INSERT INTO meta (name, value) VALUES ('secret', ?1) ON CONFLICT DO NOTHING",
                [fresh],
            )?;
            let sql = "SELECT value FROM meta WHERE name = 'secret'";
            connection.query_row(sql, [], |row| row.get(0))
        })
        .await
    }

    async fn dump(&self) -> Result<State> {
        let readers = Arc::clone(&self.readers);
        let long = move || readers.read(copy::dump);
        tokio::task::spawn_blocking(long).await.map_err(Error::internal)?.map_err(Error::internal)
    }

    async fn replace(&self, state: State) -> Result<()> {
        self.writer.write(move |group| copy::replace(group, &state)).await
    }

    async fn begin(&self) -> Result<Box<dyn Transaction>> {
        let lent = Arc::new(self.writer.lend().await?);
        Ok(Box::new(SqliteTransaction::new(lent)))
    }

    async fn ready(&self) -> Result<()> {
        self.read(|connection| connection.query_row("SELECT 1", [], |_| Ok(())))?;
        self.write(|_| Ok(())).await
    }
}
