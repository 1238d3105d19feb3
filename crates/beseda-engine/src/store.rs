//! Storage interface of the engine: narrow operations, one transaction each. It assumes no particular database.

use std::sync::Arc;

use async_trait::async_trait;
use beseda_api::{
    ApiKeyInfo, AuthResult, BusinessId, Cabinet, Campaign, ChatFilter, ChatId, ChatStatus,
    ChatType, FileId, MessageId, NewCabinet, NewCampaign, NotificationQueue, Order, OrderId,
    Result, Return, ReturnId, Scope, Sender, TokenInfo, User,
};
use jiff::Timestamp;

use crate::{
    lifecycle::{ChatAction, Reuse},
    rows::{ChatCursor, ChatRow, FileRow, MessageRow, Subject},
    snapshot::Snapshot,
};

/// Message to append to a chat.
#[derive(Debug, Clone)]
pub struct NewMessage {
    /// Creation time.
    pub at: Timestamp,
    /// Action on the chat, a [`ChatAction::Write`].
    pub action: ChatAction,
    /// Sender.
    pub sender: Sender,
    /// Text.
    pub text: Option<String>,
    /// Attached file, whose upload ends with this message.
    pub file: Option<FileRow>,
}

/// Chat to create, or to find among the existing ones.
#[derive(Debug, Clone)]
pub struct NewChat {
    /// Cabinet.
    pub business: BusinessId,
    /// Conversation or dispute.
    pub chat_type: ChatType,
    /// Initial status.
    pub status: ChatStatus,
    /// Context and buyer.
    pub subject: Subject,
    /// Creation time.
    pub at: Timestamp,
    /// Existing chats that are reused in place of a new one.
    pub reuse: Reuse,
    /// Action on the created or reused chat, applied in the same transaction.
    pub action: Option<ChatAction>,
    /// Message of the created or reused chat, appended after the action in the same transaction.
    pub message: Option<NewMessage>,
}

/// Query of the list of chats.
#[derive(Debug, Clone)]
pub struct ChatQuery {
    /// Filter: a chat must match every non-empty list, by any of its values.
    pub filter: ChatFilter,
    /// Cursor after which the page starts.
    pub after: Option<ChatCursor>,
    /// Maximum number of chats.
    pub limit: usize,
}

/// Api-Key to store. Of the secret only the hash is stored.
#[derive(Debug, Clone)]
pub struct KeyRecord {
    /// Cabinet the key gives access to.
    pub business: BusinessId,
    /// Name.
    pub name: String,
    /// Scopes.
    pub scopes: Vec<Scope>,
    /// SHA-256 of the secret.
    pub hash: [u8; 32],
    /// Creation time.
    pub at: Timestamp,
}

/// Store of conversations, orders and credentials.
///
/// A store keeps rows and decides nothing: inside its transactions it calls [`lifecycle`](crate::lifecycle), writes the
/// resulting rows, and enqueues the returned events for the cabinet's subscriptions in the same transaction.
///
/// Each operation is one transaction. Writes are durable on return. A rejection that an operation documents is
/// [`Error::Api`](beseda_api::Error); any other failure is [`Error::Internal`](beseda_api::Error). In both cases nothing is
/// written. Several processes may use one store, if the database supports that.
#[async_trait]
pub trait Store: NotificationQueue {
    /// Returns a chat of this cabinet.
    async fn chat(&self, business: BusinessId, chat: ChatId) -> Result<Option<ChatRow>>;
    /// Returns a page of the list of chats.
    async fn chats(&self, business: BusinessId, query: ChatQuery) -> Result<Vec<ChatRow>>;
    /// Returns a chat and at most `limit` of its messages with ids of at least `from`, oldest first.
    async fn history(
        &self,
        business: BusinessId,
        chat: ChatId,
        from: i64,
        limit: usize,
    ) -> Result<Option<(ChatRow, Vec<MessageRow>)>>;
    /// Returns a message of a chat of this cabinet.
    async fn message(
        &self,
        business: BusinessId,
        chat: ChatId,
        message: MessageId,
    ) -> Result<Option<MessageRow>>;

    /// Creates a chat or finds a [reusable](crate::lifecycle::reusable) one, then applies the action and appends the
    /// message. Returns `true` if the chat was created. Rejects what [`apply`](crate::lifecycle::apply) rejects.
    async fn create_chat(&self, chat: NewChat) -> Result<(ChatRow, bool)>;
    /// Applies the message's action to the chat, and appends the message with the next id.
    /// Rejects an unknown chat with 404, and what [`apply`](crate::lifecycle::apply) rejects.
    async fn append(
        &self,
        business: BusinessId,
        chat: ChatId,
        message: NewMessage,
    ) -> Result<MessageRow>;
    /// Applies an action without a message. Rejects the same as [`Store::append`].
    async fn change_chat(
        &self,
        business: BusinessId,
        chat: ChatId,
        action: ChatAction,
        at: Timestamp,
    ) -> Result<ChatRow>;

    /// Registers an upload before its first byte is written.
    async fn begin_upload(&self, file: &FileId, at: Timestamp) -> Result<()>;
    /// Removes the registration of an upload that has no message.
    async fn forget_upload(&self, file: &FileId) -> Result<()>;
    /// Returns the uploads registered before this time that have no message.
    async fn stale_uploads(&self, before: Timestamp) -> Result<Vec<FileId>>;
    /// Returns the file of a message, and its cabinet.
    async fn file(&self, file: &FileId) -> Result<Option<(BusinessId, FileRow)>>;

    /// Registers an order unless its id is registered. Returns the registered order, which may differ.
    async fn put_order(&self, business: BusinessId, order: Order) -> Result<Order>;
    /// Returns an order of this cabinet.
    async fn order(&self, business: BusinessId, order: OrderId) -> Result<Option<Order>>;
    /// Registers a return unless its id is registered. Returns the registered return, which may differ.
    async fn put_return(&self, business: BusinessId, ret: Return) -> Result<Return>;
    /// Returns a return of this cabinet.
    async fn ret(&self, business: BusinessId, ret: ReturnId) -> Result<Option<Return>>;

    /// Creates a cabinet, or returns `None` if the id exists.
    async fn put_cabinet(&self, cabinet: NewCabinet) -> Result<Option<Cabinet>>;
    /// Returns all cabinets, ordered by id.
    async fn cabinets(&self) -> Result<Vec<Cabinet>>;
    /// Returns a cabinet.
    async fn cabinet(&self, business: BusinessId) -> Result<Option<Cabinet>>;
    /// Creates a campaign, or returns `None` if the id exists.
    async fn put_campaign(
        &self,
        business: BusinessId,
        campaign: NewCampaign,
    ) -> Result<Option<Campaign>>;
    /// Returns the campaigns of these cabinets, ordered by cabinet and id.
    async fn campaigns(&self, businesses: &[BusinessId]) -> Result<Vec<Campaign>>;
    /// Stores a key and returns its id, or `None` if the cabinet has `max` keys that aren't revoked.
    async fn put_key(&self, key: KeyRecord, max: u32) -> Result<Option<i64>>;
    /// Returns the keys of a cabinet, ordered by id.
    async fn keys(&self, business: BusinessId) -> Result<Vec<ApiKeyInfo>>;
    /// Revokes a key; returns `false` if it doesn't exist.
    async fn revoke_key(&self, business: BusinessId, key: i64, at: Timestamp) -> Result<bool>;
    /// Creates a user with access to these cabinets.
    async fn put_user(&self, name: &str, businesses: &[BusinessId]) -> Result<User>;
    /// Returns a user.
    async fn user(&self, user: i64) -> Result<Option<User>>;
    /// Returns all users, ordered by id.
    async fn users(&self) -> Result<Vec<User>>;
    /// Grants or withdraws a user's access to a cabinet; returns `false` if the user doesn't exist.
    async fn set_access(&self, user: i64, business: BusinessId, access: bool) -> Result<bool>;
    /// Stores a token by the SHA-256 of its secret and returns its id, or `None` if the user doesn't exist.
    async fn put_token(&self, user: i64, hash: [u8; 32], at: Timestamp) -> Result<Option<i64>>;
    /// Returns the tokens of a user, ordered by id.
    async fn tokens(&self, user: i64) -> Result<Vec<TokenInfo>>;
    /// Revokes a token; returns `false` if it doesn't exist.
    async fn revoke_token(&self, user: i64, token: i64, at: Timestamp) -> Result<bool>;
    /// Returns the access of the Api-Key with this SHA-256.
    async fn key_access(&self, hash: &[u8; 32]) -> Result<AuthResult>;
    /// Returns the access of the OAuth token with this SHA-256.
    async fn token_access(&self, hash: &[u8; 32]) -> Result<AuthResult>;

    /// Returns the secret shared by all processes of this store, created on first use.
    async fn shared_secret(&self) -> Result<[u8; 32]>;
    /// Returns all rows as of one moment, without the contents of files.
    async fn snapshot(&self) -> Result<Snapshot>;
    /// Replaces all rows by those of a snapshot. Rejects a snapshot of another schema with 400.
    async fn restore(&self, snapshot: Snapshot) -> Result<()>;
    /// Begins a transaction of several operations. Other writes wait until it ends; other reads don't see its changes.
    async fn begin(&self) -> Result<Box<dyn StoreTransaction>>;
    /// Checks that the store can be read and written.
    async fn ready(&self) -> Result<()>;
}

/// Transaction of several operations. Dropped before [`StoreTransaction::commit`], it is rolled back.
#[async_trait]
pub trait StoreTransaction: Send + Sync {
    /// Returns the store inside the transaction. Its writes become visible to others on commit.
    fn store(&self) -> Arc<dyn Store>;
    /// Commits the transaction; it is durable on return. Fails if any write failed other than by a rejection.
    async fn commit(self: Box<Self>) -> Result<()>;
}
