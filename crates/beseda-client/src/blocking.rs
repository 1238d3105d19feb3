//! The client for programs without a runtime: the same operations, each returning when it is done. What is sent, and how, is the
//! asynchronous client's business.
//!
//! ```no_run
//! use beseda_client::{Client, api::{BusinessId, ChatFilter}};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let client = Client::builder().api_key(std::env::var("BESEDA_API_KEY")?).build_blocking()?;
//! for chat in client.chats(BusinessId::new(1)?, ChatFilter::default()) {
//!     let chat = chat?;
//!     println!("{} {}", chat.chat_id, chat.status);
//! }
//! # Ok(())
//! # }
//! ```
//!
//! Calls may come from any thread and in parallel. Inside of asynchronous code they work too, but hold up the thread they are
//! called on: use [`Client`](crate::Client) there.

mod list;
mod worker;

use std::{
    io::{self, Write},
    path::Path,
    sync::Arc,
};

use async_stream::stream;
use beseda_api::{
    BusinessId, Campaign, Chat, ChatContext, ChatFilter, ChatId, ChatPage, ChatsApi, Error,
    FileUpload, HistoryFrom, Message, MessageId, MessagePage, MessageText, PageRequest, Result,
    wire::AuthKey,
};
use futures::{StreamExt, TryStreamExt};

pub use self::list::ListIter;
use self::worker::BlockingRuntime;
use crate::{
    ChatsExt, ClientBuilder, ClientError, OutgoingMessage, SendOnce, SendOnceOptions, SendOutcome,
    upload_from_path,
};

/// The Chats API over the network, for programs without a runtime. Cloning it is cheap and shares the connections and the
/// one thread that serves them.
#[derive(Debug, Clone)]
pub struct Client {
    client: crate::Client,
    worker: Arc<BlockingRuntime>,
}

impl ClientBuilder {
    /// The client for programs without a runtime.
    ///
    /// # Errors
    /// [`ClientError::Setup`] if a setting is unusable.
    pub fn build_blocking(self) -> Result<Client> {
        Client::new(self.build()?)
    }
}

impl Client {
    /// The blocking form of a client, which shares its connections.
    ///
    /// # Errors
    /// [`ClientError::Setup`] if the system gives no thread.
    pub fn new(client: crate::Client) -> Result<Self> {
        let worker =
            BlockingRuntime::start().map_err(|error| ClientError::Setup(error.to_string()))?;
        Ok(Self { client, worker: Arc::new(worker) })
    }

    /// The asynchronous form of it.
    #[must_use]
    pub fn inner(&self) -> &crate::Client {
        &self.client
    }

    /// One page of chats; see [`ChatsApi::get_chats`].
    ///
    /// # Errors
    /// As the operation.
    pub fn get_chats(
        &self,
        business: BusinessId,
        filter: ChatFilter,
        page: PageRequest<20>,
    ) -> Result<ChatPage> {
        let client = self.client.clone();
        self.worker.wait(async move { client.get_chats(business, filter, page).await })?
    }

    /// One chat; see [`ChatsApi::get_chat`].
    ///
    /// # Errors
    /// As the operation.
    pub fn get_chat(&self, business: BusinessId, chat: ChatId) -> Result<Chat> {
        let client = self.client.clone();
        self.worker.wait(async move { client.get_chat(business, chat).await })?
    }

    /// One page of a history; see [`ChatsApi::get_chat_history`].
    ///
    /// # Errors
    /// As the operation.
    pub fn get_chat_history(
        &self,
        business: BusinessId,
        chat: ChatId,
        from: HistoryFrom,
    ) -> Result<MessagePage> {
        let client = self.client.clone();
        self.worker.wait(async move { client.get_chat_history(business, chat, from).await })?
    }

    /// One message; see [`ChatsApi::get_chat_message`].
    ///
    /// # Errors
    /// As the operation.
    pub fn get_chat_message(
        &self,
        business: BusinessId,
        chat: ChatId,
        message: MessageId,
    ) -> Result<Message> {
        let client = self.client.clone();
        self.worker.wait(async move { client.get_chat_message(business, chat, message).await })?
    }

    /// The chat about an order or a return, created if there was none; see [`ChatsApi::create_chat`].
    ///
    /// # Errors
    /// As the operation.
    pub fn create_chat(&self, business: BusinessId, context: ChatContext) -> Result<ChatId> {
        let client = self.client.clone();
        self.worker.wait(async move { client.create_chat(business, context).await })?
    }

    /// Writes a text, once and without asking whether it arrived; see [`ChatsApi::send_message_to_chat`] and
    /// [`Client::send_once`].
    ///
    /// # Errors
    /// As the operation.
    pub fn send_message_to_chat(
        &self,
        business: BusinessId,
        chat: ChatId,
        text: MessageText,
    ) -> Result<()> {
        let client = self.client.clone();
        self.worker.wait(async move { client.send_message_to_chat(business, chat, text).await })?
    }

    /// Sends a file, once and without asking whether it arrived; see [`ChatsApi::send_file_to_chat`].
    ///
    /// # Errors
    /// As the operation.
    pub fn send_file_to_chat(
        &self,
        business: BusinessId,
        chat: ChatId,
        file: FileUpload,
    ) -> Result<()> {
        let client = self.client.clone();
        self.worker.wait(async move { client.send_file_to_chat(business, chat, file).await })?
    }

    /// Sends a file of this machine under its own name.
    ///
    /// # Errors
    /// As sendFileToChat, and [`ClientError::Local`] if the file can't be read.
    pub fn send_path(
        &self,
        business: BusinessId,
        chat: ChatId,
        path: impl AsRef<Path>,
    ) -> Result<()> {
        let (client, path) = (self.client.clone(), path.as_ref().to_owned());
        self.worker.wait(async move {
            let file = upload_from_path(path).await.map_err(ClientError::Local)?;
            client.send_file_to_chat(business, chat, file).await
        })?
    }

    /// Sends a text or a file and finds out whether it arrived where the answer leaves a doubt; see
    /// [`SendOnce::send_once`].
    pub fn send_once(
        &self,
        business: BusinessId,
        chat: ChatId,
        what: OutgoingMessage,
        since: Option<MessageId>,
        safety: &SendOnceOptions,
    ) -> SendOutcome {
        let (client, safety) = (self.client.clone(), safety.clone());
        let sent = self
            .worker
            .wait(async move { client.send_once(business, chat, what, since, &safety).await });
        sent.unwrap_or_else(SendOutcome::Unknown)
    }

    /// Every chat that matches, each once, page by page as they are taken.
    pub fn chats(&self, business: BusinessId, filter: ChatFilter) -> ListIter<Chat> {
        let client = self.client.clone();
        let chats = stream! {
            let mut chats = client.chats(business, filter);
            while let Some(chat) = chats.next().await {
                yield chat;
            }
        };
        ListIter::new(Arc::clone(&self.worker), chats.boxed())
    }

    /// Every message of a chat from `from` on (inclusive), each once, page by page as they are taken.
    pub fn history(
        &self,
        business: BusinessId,
        chat: ChatId,
        from: Option<MessageId>,
    ) -> ListIter<Message> {
        let client = self.client.clone();
        let messages = stream! {
            let mut messages = client.history(business, chat, from);
            while let Some(message) = messages.next().await {
                yield message;
            }
        };
        ListIter::new(Arc::clone(&self.worker), messages.boxed())
    }

    /// Every campaign (shop) the credential sees; see [`Client::campaigns`](crate::Client::campaigns).
    ///
    /// # Errors
    /// As any operation.
    pub fn campaigns(&self) -> Result<Vec<Campaign>> {
        let client = self.client.clone();
        self.worker.wait(async move { client.campaigns().await })?
    }

    /// What the Api-Key in use is called and what it may do.
    ///
    /// # Errors
    /// As any operation.
    pub fn token_info(&self) -> Result<AuthKey> {
        let client = self.client.clone();
        self.worker.wait(async move { client.token_info().await })?
    }

    /// Fetches what an attachment's `url` links to into a writer and tells how many bytes came; see
    /// [`Client::download`](crate::Client::download).
    ///
    /// # Errors
    /// As that, and [`ClientError::Local`] if the writer fails. What came before is written then.
    pub fn download(&self, link: &str, mut into: impl Write) -> Result<u64> {
        let (client, link) = (self.client.clone(), link.to_owned());
        let fetched = self.worker.wait(async move { client.download(&link).await })??;
        let pieces = fetched.content.map_err(of_io).boxed();
        let mut bytes = 0;
        for piece in ListIter::new(Arc::clone(&self.worker), pieces) {
            let piece = piece?;
            into.write_all(&piece).map_err(ClientError::Local)?;
            bytes += piece.len() as u64;
        }
        into.flush().map_err(ClientError::Local)?;
        Ok(bytes)
    }
}

/// The failure a stream of bytes carries inside of its I/O error.
fn of_io(error: io::Error) -> Error {
    match error.downcast::<ClientError>() {
        Ok(failure) => failure.into(),
        Err(error) => Error::internal(error),
    }
}
