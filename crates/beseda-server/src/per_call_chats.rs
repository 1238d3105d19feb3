//! Simplest `CallApi`: a `ChatsApi` for one caller, with fixed response headers.

use std::sync::Arc;

use async_trait::async_trait;
use beseda_api::{
    BusinessId, Chat, ChatContext, ChatFilter, ChatId, ChatPage, ChatsApi, FileUpload, HistoryFrom,
    Message, MessageId, MessagePage, MessageText, PageRequest, RateLimit, Result,
};
use http::{HeaderMap, HeaderName, HeaderValue};

use crate::CallApi;

/// `ChatsApi` for one call, with response headers known in advance. Returned by
/// [`PerCallApi::begin_call`](crate::PerCallApi::begin_call).
#[derive(Clone)]
pub struct PerCallChats {
    chats: Arc<dyn ChatsApi>,
    headers: HeaderMap,
    limit: Option<RateLimit>,
}

impl PerCallChats {
    /// Creates it from the seven operations. The server counts rate limits as usual.
    #[must_use]
    pub fn new(chats: Arc<dyn ChatsApi>) -> Self {
        Self { chats, headers: HeaderMap::new(), limit: None }
    }

    /// Sets a header of the response.
    #[must_use]
    pub fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.insert(name, value);
        self
    }

    /// Sets the `X-RateLimit-Resource-*` headers of the response instead of the server's own count.
    #[must_use]
    pub fn limit(mut self, limit: RateLimit) -> Self {
        self.limit = Some(limit);
        self
    }
}

impl CallApi for PerCallChats {
    fn rate_limit(&self) -> Option<RateLimit> {
        self.limit
    }

    fn headers(&self, headers: &mut HeaderMap) {
        headers.extend(self.headers.clone());
    }
}

#[async_trait]
impl ChatsApi for PerCallChats {
    async fn get_chats(
        &self,
        business: BusinessId,
        filter: ChatFilter,
        page: PageRequest<20>,
    ) -> Result<ChatPage> {
        self.chats.get_chats(business, filter, page).await
    }

    async fn get_chat(&self, business: BusinessId, chat: ChatId) -> Result<Chat> {
        self.chats.get_chat(business, chat).await
    }

    async fn get_chat_history(
        &self,
        business: BusinessId,
        chat: ChatId,
        from: HistoryFrom,
    ) -> Result<MessagePage> {
        self.chats.get_chat_history(business, chat, from).await
    }

    async fn get_chat_message(
        &self,
        business: BusinessId,
        chat: ChatId,
        message: MessageId,
    ) -> Result<Message> {
        self.chats.get_chat_message(business, chat, message).await
    }

    async fn create_chat(&self, business: BusinessId, context: ChatContext) -> Result<ChatId> {
        self.chats.create_chat(business, context).await
    }

    async fn send_message_to_chat(
        &self,
        business: BusinessId,
        chat: ChatId,
        text: MessageText,
    ) -> Result<()> {
        self.chats.send_message_to_chat(business, chat, text).await
    }

    async fn send_file_to_chat(
        &self,
        business: BusinessId,
        chat: ChatId,
        file: FileUpload,
    ) -> Result<()> {
        self.chats.send_file_to_chat(business, chat, file).await
    }
}
