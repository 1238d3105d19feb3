//! What a store must be able to do: narrow verbs, each one transaction. No rule of chats is decided here, and no kind of database is assumed.

use std::sync::Arc;

use async_trait::async_trait;
use beseda_api::{
    ApiKeyInfo, AuthResult, BusinessId, Cabinet, Campaign, CampaignId, ChatContext, ChatFilter,
    ChatId, ChatStatus, ChatType, ContextType, Customer, FileId, MessageId, NewCabinet,
    NewCampaign, NotificationQueue, Order, OrderId, Result, Return, ReturnId, Scope, Sender,
    TokenInfo, User,
};
use jiff::Timestamp;

use crate::{rules::Event, state::State};

/// A chat as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChatRow {
    /// Its id.
    pub chat: ChatId,
    /// Its cabinet.
    pub business: BusinessId,
    /// A talk or a dispute.
    pub chat_type: ChatType,
    /// Who has to answer.
    pub status: ChatStatus,
    /// What it is about.
    pub subject: Subject,
    /// When it was created.
    pub created_at: Timestamp,
    /// When its last message was written.
    pub updated_at: Timestamp,
}

/// What a chat is about, as it is kept with the chat.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subject {
    /// Order, return or a direct question.
    pub context_type: ContextType,
    /// The shop.
    pub campaign: Option<CampaignId>,
    /// The order.
    pub order: Option<OrderId>,
    /// The return.
    pub ret: Option<ReturnId>,
    /// The buyer.
    pub customer: Option<Customer>,
}

/// A message as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MessageRow {
    /// Its id.
    pub message: MessageId,
    /// When it was written.
    pub created_at: Timestamp,
    /// Who wrote it.
    pub sender: Sender,
    /// Its text.
    pub text: Option<String>,
    /// Its file.
    pub file: Option<FileRow>,
}

/// A file as it is kept with its message; its bytes are elsewhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileRow {
    /// Its id.
    pub file: FileId,
    /// Its name.
    pub name: String,
    /// Its size in bytes.
    pub size: i64,
}

/// A message to be written.
#[derive(Debug, Clone)]
pub struct Draft {
    /// When.
    pub at: Timestamp,
    /// What happens to the chat by it.
    pub event: Event,
    /// Who writes.
    pub sender: Sender,
    /// Its text.
    pub text: Option<String>,
    /// Its file, whose upload ends with this.
    pub file: Option<FileRow>,
}

/// A chat to be made, unless there is one that will do.
#[derive(Debug, Clone)]
pub struct NewChat {
    /// Its cabinet.
    pub business: BusinessId,
    /// A talk or a dispute.
    pub chat_type: ChatType,
    /// The status it begins with.
    pub status: ChatStatus,
    /// What it is about.
    pub subject: Subject,
    /// When.
    pub at: Timestamp,
    /// Which existing chat will do instead.
    pub reuse: Reuse,
    /// The first message, written in the same transaction into the chat that is made or found.
    pub first: Option<Draft>,
}

/// Which existing chat of the same context stands in for a new one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reuse {
    /// None.
    Never,
    /// One of the same type that isn't finished.
    Unfinished,
    /// One of the same type.
    SameType,
    /// One of any type, of the same type first.
    AnyType,
}

/// Which chats are wanted, in which part of the list.
#[derive(Debug, Clone)]
pub struct ChatQuery {
    /// The filter; inside one list any, between lists all.
    pub filter: ChatFilter,
    /// Only chats after this place in the list.
    pub after: Option<ChatPlace>,
    /// At most so many.
    pub limit: usize,
}

/// A place in the list of chats, which is ordered by update and id, both descending.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct ChatPlace {
    /// `updated_at` in microseconds.
    pub updated_at: i64,
    /// The chat's id.
    pub chat: i64,
}

/// An Api-Key to be kept: its secret only as a hash.
#[derive(Debug, Clone)]
pub struct KeyRecord {
    /// The cabinet it opens.
    pub business: BusinessId,
    /// Its name.
    pub name: String,
    /// What it may do.
    pub scopes: Vec<Scope>,
    /// SHA-256 of the secret.
    pub hash: [u8; 32],
    /// When it is issued.
    pub at: Timestamp,
}

/// Keeps conversations, orders and credentials.
///
/// What a cabinet's subscriptions are to hear of is put into the [`Outbox`] in the transaction that causes it.
///
/// Each verb is one transaction. A verb that writes returns only after what it wrote would survive a power
/// loss. Refusals that a verb names are [`Error::Api`](beseda_api::Error); anything else that goes wrong
/// is [`Error::Internal`](beseda_api::Error), and then nothing was written. Several processes may use one store
/// at once, if its kind allows that.
#[async_trait]
pub trait Store: NotificationQueue {
    /// A chat of this cabinet.
    async fn chat(&self, business: BusinessId, chat: ChatId) -> Result<Option<ChatRow>>;
    /// A part of the list of chats.
    async fn chats(&self, business: BusinessId, query: ChatQuery) -> Result<Vec<ChatRow>>;
    /// A chat and at most `limit` of its messages with ids of at least `from`, oldest first.
    async fn history(
        &self,
        business: BusinessId,
        chat: ChatId,
        from: i64,
        limit: usize,
    ) -> Result<Option<(ChatRow, Vec<MessageRow>)>>;
    /// A message of a chat of this cabinet.
    async fn message(
        &self,
        business: BusinessId,
        chat: ChatId,
        message: MessageId,
    ) -> Result<Option<MessageRow>>;

    /// Makes a chat, or finds the one that will do. Says whether it was made.
    async fn create_chat(&self, chat: NewChat) -> Result<(ChatRow, bool)>;
    /// Writes a message: gives it the next id and lets the rules change the chat.
    /// Refuses with 404 for an unknown chat and with what the rules say.
    async fn append(&self, business: BusinessId, chat: ChatId, draft: Draft) -> Result<MessageRow>;
    /// Lets the rules change a chat without a message, at this moment. Refuses like [`Store::append`].
    async fn change_chat(
        &self,
        business: BusinessId,
        chat: ChatId,
        event: Event,
        at: Timestamp,
    ) -> Result<ChatRow>;

    /// Remembers that the bytes of a file are about to be written.
    async fn begin_upload(&self, file: &FileId, at: Timestamp) -> Result<()>;
    /// Forgets an upload that came to nothing.
    async fn forget_upload(&self, file: &FileId) -> Result<()>;
    /// Uploads begun before this moment that neither became a message nor were forgotten.
    async fn stale_uploads(&self, before: Timestamp) -> Result<Vec<FileId>>;
    /// A file that a message has, and the cabinet it belongs to.
    async fn file(&self, file: &FileId) -> Result<Option<(BusinessId, FileRow)>>;

    /// Registers an order; returns the one that has the id, which may be another.
    async fn put_order(&self, business: BusinessId, order: Order) -> Result<Order>;
    /// An order of this cabinet.
    async fn order(&self, business: BusinessId, order: OrderId) -> Result<Option<Order>>;
    /// Registers a return; returns the one that has the id, which may be another.
    async fn put_return(&self, business: BusinessId, ret: Return) -> Result<Return>;
    /// A return of this cabinet.
    async fn ret(&self, business: BusinessId, ret: ReturnId) -> Result<Option<Return>>;

    /// Makes a cabinet; `None` if the id is taken.
    async fn put_cabinet(&self, cabinet: NewCabinet) -> Result<Option<Cabinet>>;
    /// Every cabinet, by id.
    async fn cabinets(&self) -> Result<Vec<Cabinet>>;
    /// One cabinet.
    async fn cabinet(&self, business: BusinessId) -> Result<Option<Cabinet>>;
    /// Makes a campaign; `None` if the id is taken.
    async fn put_campaign(
        &self,
        business: BusinessId,
        campaign: NewCampaign,
    ) -> Result<Option<Campaign>>;
    /// The campaigns of these cabinets, by cabinet and id.
    async fn campaigns(&self, businesses: &[BusinessId]) -> Result<Vec<Campaign>>;
    /// Keeps a key if the cabinet has less than `most` in force; returns its number.
    async fn put_key(&self, key: KeyRecord, most: u32) -> Result<Option<i64>>;
    /// The keys of a cabinet, by number.
    async fn keys(&self, business: BusinessId) -> Result<Vec<ApiKeyInfo>>;
    /// Revokes a key; says whether there is one.
    async fn revoke_key(&self, business: BusinessId, key: i64, at: Timestamp) -> Result<bool>;
    /// Makes a user without access.
    async fn put_user(&self, name: &str, businesses: &[BusinessId]) -> Result<User>;
    /// Every user, by id.
    async fn users(&self) -> Result<Vec<User>>;
    /// Gives a user access to a cabinet, or takes it away; says whether there is such a user.
    async fn set_access(&self, user: i64, business: BusinessId, access: bool) -> Result<bool>;
    /// Keeps a token by the SHA-256 of its secret; `None` if there is no such user.
    async fn put_token(&self, user: i64, hash: [u8; 32], at: Timestamp) -> Result<Option<i64>>;
    /// The tokens of a user, by number.
    async fn tokens(&self, user: i64) -> Result<Vec<TokenInfo>>;
    /// Revokes a token; says whether there is one.
    async fn revoke_token(&self, user: i64, token: i64, at: Timestamp) -> Result<bool>;
    /// What the Api-Key with this SHA-256 opens.
    async fn key_access(&self, hash: &[u8; 32]) -> Result<AuthResult>;
    /// What the OAuth token with this SHA-256 opens.
    async fn token_access(&self, hash: &[u8; 32]) -> Result<AuthResult>;

    /// A secret that all processes on this store share, made at its first use.
    async fn shared_secret(&self) -> Result<[u8; 32]>;
    /// Every row, as of one moment; no bytes of files.
    async fn dump(&self) -> Result<State>;
    /// Puts these rows in the place of all there are: all of them, or none. 400 if they aren't of this schema.
    async fn replace(&self, state: State) -> Result<()>;
    /// Begins a transaction of its own. Other writes wait until it has ended; reads outside see nothing of it.
    async fn begin(&self) -> Result<Box<dyn Transaction>>;
    /// Whether the store can be read and written now.
    async fn ready(&self) -> Result<()>;
}

/// A transaction over many calls. Dropped before its commit it leaves nothing.
#[async_trait]
pub trait Transaction: Send + Sync {
    /// The store as the transaction sees it: what is written to it is there for others after the commit, or never.
    fn store(&self) -> Arc<dyn Store>;
    /// Keeps everything; it is durable on return. Fails if any write failed otherwise than by a refusal.
    async fn commit(self: Box<Self>) -> Result<()>;
}

impl Subject {
    /// A question without an order.
    #[must_use]
    pub fn direct(customer: Option<Customer>) -> Self {
        Self { context_type: ContextType::Direct, campaign: None, order: None, ret: None, customer }
    }

    /// About an order, or about a return of it.
    #[must_use]
    pub fn of_order(order: Order, ret: Option<ReturnId>) -> Self {
        Self {
            context_type: if ret.is_some() { ContextType::Return } else { ContextType::Order },
            campaign: order.campaign_id,
            order: Some(order.order_id),
            ret,
            customer: order.customer,
        }
    }

    /// The order or return to find it by; `None` for a direct question.
    #[must_use]
    pub fn context(&self) -> Option<ChatContext> {
        match self.context_type {
            ContextType::Order => self.order.map(ChatContext::Order),
            ContextType::Return => self.ret.map(ChatContext::Return),
            _ => None,
        }
    }
}

impl ChatRow {
    /// Whether this chat passes the filter.
    #[must_use]
    pub fn matches(&self, filter: &ChatFilter) -> bool {
        fn any<T: PartialEq>(list: &[T], value: &T) -> bool {
            list.is_empty() || list.contains(value)
        }
        let by_order = || self.subject.order.is_some_and(|order| filter.order_ids.contains(&order));
        let by_context = || self.subject.context().is_some_and(|c| filter.contexts.contains(&c));
        any(&filter.types, &self.chat_type)
            && any(&filter.statuses, &self.status)
            && any(&filter.context_types, &self.subject.context_type)
            && (filter.order_ids.is_empty() || by_order())
            && (filter.contexts.is_empty() || by_context())
    }

    /// Its place in the list of chats.
    #[must_use]
    pub fn place(&self) -> ChatPlace {
        ChatPlace { updated_at: self.updated_at.as_microsecond(), chat: self.chat.get() }
    }
}
