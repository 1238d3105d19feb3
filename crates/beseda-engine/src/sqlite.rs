//! Store in one SQLite file: one thread writes, a pool of connections reads.

mod chats;
mod checkpoint;
mod columns;
mod directory;
mod lease;
mod notifications;
mod orders;
mod read_pool;
mod schema;
mod snapshot;
mod transaction;
mod writer;

use std::{path::Path, sync::Arc};

use async_trait::async_trait;
use beseda_api::{
    ApiKeyInfo, AuthResult, BusinessId, Cabinet, Campaign, ChatId, Error, FileId, MessageId,
    NewCabinet, NewCampaign, Order, OrderId, Result, Return, ReturnId, TokenInfo, User,
};
use beseda_sqlite::run_blocking;
use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension};

use crate::{
    EngineOpenError,
    lifecycle::ChatAction,
    rows::{ChatRow, FileRow, MessageRow},
    snapshot::Snapshot,
    store::{ChatQuery, KeyRecord, NewChat, NewMessage, Store, StoreTransaction},
};
use chats::{read, row, write};
use lease::WriterLease;
use read_pool::ReadPool;
use writer::WriteQueue;

/// Number of orders and returns in a filter above which the list is read on a thread for blocking calls.
const MAX_INLINE_LOOKUPS: usize = 64;

/// Store in one SQLite file. One process serves it; other processes may administer it.
pub struct SqliteStore {
    read_pool: Arc<ReadPool>,
    writer: WriteQueue,
}

impl SqliteStore {
    /// Opens the file, creating it if necessary, and applies missing migrations.
    ///
    /// # Errors
    /// If the file can't be opened, or a newer version of this program wrote it.
    pub fn open(path: &Path) -> Result<Self, EngineOpenError> {
        let connection = schema::open_writer(path)?;
        let read_pool = Arc::new(ReadPool::open(path)?);
        Ok(Self { read_pool, writer: WriteQueue::start(connection, path)? })
    }

    /// Creates the store of an exclusive transaction.
    fn in_lease(lease: &Arc<WriterLease>) -> Self {
        let read_pool = Arc::new(ReadPool::Lease(Arc::clone(lease)));
        Self { read_pool, writer: WriteQueue::in_lease(Arc::clone(lease)) }
    }

    /// Runs a short read on the calling thread.
    fn read<T>(&self, work: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T> {
        self.read_pool.read(work).map_err(Error::internal)
    }

    /// Runs a write that isn't rejected.
    async fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T> {
        self.writer.write(move |transaction| Ok(work(&transaction.connection)?)).await
    }
}

#[async_trait]
impl Store for SqliteStore {
    async fn chat(&self, business: BusinessId, chat: ChatId) -> Result<Option<ChatRow>> {
        let found = self.read(|connection| row::by_id(connection, chat.get()))?;
        Ok(found.filter(|row| row.business == business))
    }

    async fn chats(&self, business: BusinessId, query: ChatQuery) -> Result<Vec<ChatRow>> {
        if query.filter.order_ids.len() + query.filter.contexts.len() <= MAX_INLINE_LOOKUPS {
            return self.read(|connection| read::list(connection, business, &query));
        }
        let read_pool = Arc::clone(&self.read_pool);
        let list = move || read_pool.read(|connection| read::list(connection, business, &query));
        run_blocking(list).await
    }

    async fn history(
        &self,
        business: BusinessId,
        chat: ChatId,
        from: i64,
        limit: usize,
    ) -> Result<Option<(ChatRow, Vec<MessageRow>)>> {
        let found = self.read(|connection| read::history(connection, chat.get(), from, limit))?;
        Ok(found.filter(|(row, _)| row.business == business))
    }

    async fn message(
        &self,
        business: BusinessId,
        chat: ChatId,
        message: MessageId,
    ) -> Result<Option<MessageRow>> {
        self.read(|connection| read::message_by_id(connection, business, chat, message))
    }

    async fn create_chat(&self, chat: NewChat) -> Result<(ChatRow, bool)> {
        self.writer.write(move |transaction| write::create(transaction, chat)).await
    }

    async fn append(
        &self,
        business: BusinessId,
        chat: ChatId,
        message: NewMessage,
    ) -> Result<MessageRow> {
        let append = move |transaction: &mut _| write::append(transaction, business, chat, message);
        self.writer.write(append).await
    }

    async fn change_chat(
        &self,
        business: BusinessId,
        chat: ChatId,
        action: ChatAction,
        at: Timestamp,
    ) -> Result<ChatRow> {
        let change =
            move |transaction: &mut _| write::change(transaction, business, chat, &action, at);
        self.writer.write(change).await
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
        self.write(move |connection| write::forget_upload(connection, &file)).await
    }

    async fn stale_uploads(&self, before: Timestamp) -> Result<Vec<FileId>> {
        self.read(|connection| {
            let sql = "SELECT file_id FROM uploads WHERE started_at < ?1";
            let mut statement = connection.prepare_cached(sql)?;
            let found = statement.query_map([before.as_microsecond()], |row| {
                row.get::<_, String>(0)?.parse().map_err(|error| columns::invalid_column(0, error))
            })?;
            found.collect()
        })
    }

    async fn file(&self, file: &FileId) -> Result<Option<(BusinessId, FileRow)>> {
        self.read(|connection| {
            let sql = "SELECT business_id, name, size FROM files WHERE file_id = ?1";
            let mut statement = connection.prepare_cached(sql)?;
            let read = |row: &rusqlite::Row<'_>| {
                let found = FileRow { file: file.clone(), name: row.get(1)?, size: row.get(2)? };
                Ok((columns::id(row, 0, BusinessId::new)?, found))
            };
            statement.query_row([file.as_str()], read).optional()
        })
    }

    async fn put_order(&self, business: BusinessId, order: Order) -> Result<Order> {
        self.write(move |connection| orders::put_order(connection, business, order)).await
    }

    async fn order(&self, business: BusinessId, order: OrderId) -> Result<Option<Order>> {
        self.read(|connection| orders::by_id(connection, business, order))
    }

    async fn put_return(&self, business: BusinessId, ret: Return) -> Result<Return> {
        self.write(move |connection| orders::put_return(connection, business, ret)).await
    }

    async fn ret(&self, business: BusinessId, ret: ReturnId) -> Result<Option<Return>> {
        self.read(|connection| orders::return_by_id(connection, business, ret))
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

    async fn put_key(&self, key: KeyRecord, max: u32) -> Result<Option<i64>> {
        self.write(move |connection| directory::put_key(connection, &key, max)).await
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

    async fn user(&self, user: i64) -> Result<Option<User>> {
        self.read(|connection| directory::user(connection, user))
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

    async fn snapshot(&self) -> Result<Snapshot> {
        let read_pool = Arc::clone(&self.read_pool);
        run_blocking(move || read_pool.read(snapshot::take)).await
    }

    async fn restore(&self, snapshot: Snapshot) -> Result<()> {
        self.writer.write(move |transaction| snapshot::restore(transaction, &snapshot)).await
    }

    async fn begin(&self) -> Result<Box<dyn StoreTransaction>> {
        let lease = Arc::new(self.writer.lease().await?);
        Ok(Box::new(SqliteTransaction { store: Arc::new(Self::in_lease(&lease)), lease }))
    }

    async fn ready(&self) -> Result<()> {
        self.read(|connection| connection.query_row("SELECT 1", [], |_| Ok(())))?;
        self.write(|_| Ok(())).await
    }
}

/// Exclusive transaction of a [`SqliteStore`].
struct SqliteTransaction {
    store: Arc<SqliteStore>,
    lease: Arc<WriterLease>,
}

#[async_trait]
impl StoreTransaction for SqliteTransaction {
    fn store(&self) -> Arc<dyn Store> {
        Arc::<SqliteStore>::clone(&self.store)
    }

    async fn commit(self: Box<Self>) -> Result<()> {
        self.lease.commit().await
    }
}

impl Drop for SqliteTransaction {
    /// Rolls back unless committed, even if its store is still in use.
    fn drop(&mut self) {
        self.lease.roll_back();
    }
}
