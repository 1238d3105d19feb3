//! Blocking client for programs without an async runtime: the same operations as the asynchronous client.
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
//! Calls may be made from any thread and concurrently. In asynchronous code they block the thread; use
//! [`Client`](crate::Client) there.

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

/// Blocking client of the Chats API. Clones are cheap and share the connections and the thread that
/// serves them.
#[derive(Debug, Clone)]
pub struct Client {
    client: crate::Client,
    worker: Arc<BlockingRuntime>,
}

impl ClientBuilder {
    /// Builds a blocking client.
    ///
    /// # Errors
    ///
    /// [`ClientError::Setup`] if a setting is invalid.
    pub fn build_blocking(self) -> Result<Client> {
        Client::new(self.build()?)
    }
}

impl Client {
    /// Wraps an asynchronous client and shares its connections.
    ///
    /// # Errors
    ///
    /// [`ClientError::Setup`] if the system can't start a thread.
    pub fn new(client: crate::Client) -> Result<Self> {
        let worker =
            BlockingRuntime::start().map_err(|error| ClientError::Setup(error.to_string()))?;
        Ok(Self { client, worker: Arc::new(worker) })
    }

    /// Returns the asynchronous client.
    #[must_use]
    pub fn inner(&self) -> &crate::Client {
        &self.client
    }

    /// Returns a page of chats; see [`ChatsApi::get_chats`].
    ///
    /// # Errors
    ///
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

    /// Returns a chat; see [`ChatsApi::get_chat`].
    ///
    /// # Errors
    ///
    /// As the operation.
    pub fn get_chat(&self, business: BusinessId, chat: ChatId) -> Result<Chat> {
        let client = self.client.clone();
        self.worker.wait(async move { client.get_chat(business, chat).await })?
    }

    /// Returns a page of a history; see [`ChatsApi::get_chat_history`].
    ///
    /// # Errors
    ///
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

    /// Returns a message; see [`ChatsApi::get_chat_message`].
    ///
    /// # Errors
    ///
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

    /// Returns the chat of an order or a return, creating it if there is none; see
    /// [`ChatsApi::create_chat`].
    ///
    /// # Errors
    ///
    /// As the operation.
    pub fn create_chat(&self, business: BusinessId, context: ChatContext) -> Result<ChatId> {
        let client = self.client.clone();
        self.worker.wait(async move { client.create_chat(business, context).await })?
    }

    /// Sends a text without confirming its delivery; see [`ChatsApi::send_message_to_chat`] and
    /// [`Client::send_once`].
    ///
    /// # Errors
    ///
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

    /// Sends a file without confirming its delivery; see [`ChatsApi::send_file_to_chat`].
    ///
    /// # Errors
    ///
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

    /// Sends a local file under its own name.
    ///
    /// # Errors
    ///
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

    /// Sends a text or a file at most once and checks the history if the outcome is uncertain; see
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

    /// Iterates over every chat that matches the filter, without duplicates.
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

    /// Iterates over every message of a chat from `from` (inclusive) on, without duplicates.
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

    /// Returns every campaign (shop) of the credential; see
    /// [`Client::campaigns`](crate::Client::campaigns).
    ///
    /// # Errors
    ///
    /// As any operation.
    pub fn campaigns(&self) -> Result<Vec<Campaign>> {
        let client = self.client.clone();
        self.worker.wait(async move { client.campaigns().await })?
    }

    /// Returns name and scopes of the Api-Key.
    ///
    /// # Errors
    ///
    /// As any operation.
    pub fn token_info(&self) -> Result<AuthKey> {
        let client = self.client.clone();
        self.worker.wait(async move { client.token_info().await })?
    }

    /// Downloads an attachment into a writer and returns its size in bytes; see
    /// [`Client::download`](crate::Client::download).
    ///
    /// # Errors
    ///
    /// As that method, and [`ClientError::Local`] if the writer fails. Some of the content is
    /// already written then.
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

/// Extracts the client's error from the I/O error of a stream.
fn of_io(error: io::Error) -> Error {
    match error.downcast::<ClientError>() {
        Ok(failure) => failure.into(),
        Err(error) => Error::internal(error),
    }
}
