//! The simplest `Attended`: a `ChatsApi` for one caller, with headers that are known beforehand.

use std::sync::Arc;

use async_trait::async_trait;
use beseda_api::{
    BusinessId, Chat, ChatContext, ChatFilter, ChatId, ChatPage, ChatsApi, FileUpload, HistoryFrom,
    Message, MessageId, MessagePage, MessageText, PageRequest, RateLimit, Result,
};
use http::{HeaderMap, HeaderName, HeaderValue};

use crate::Attended;

/// A `ChatsApi` for one call, with what its answer says besides: what [`Attendant::attend`](crate::Attendant::attend)
/// returns where nothing has to be found out while the call runs.
#[derive(Clone)]
pub struct AttendedChats {
    chats: Arc<dyn ChatsApi>,
    headers: HeaderMap,
    limit: Option<RateLimit>,
}

impl AttendedChats {
    /// The seven operations of these chats. The server counts limits as always.
    #[must_use]
    pub fn new(chats: Arc<dyn ChatsApi>) -> Self {
        Self { chats, headers: HeaderMap::new(), limit: None }
    }

    /// Puts a header on the answer, in place of one of the same name.
    #[must_use]
    pub fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.insert(name, value);
        self
    }

    /// Says what the `X-RateLimit-Resource-*` headers of the answer say, in place of the server's own count.
    #[must_use]
    pub fn limit(mut self, limit: RateLimit) -> Self {
        self.limit = Some(limit);
        self
    }
}

impl Attended for AttendedChats {
    fn standing(&self) -> Option<RateLimit> {
        self.limit
    }

    fn headers(&self, headers: &mut HeaderMap) {
        headers.extend(self.headers.clone());
    }
}

#[async_trait]
impl ChatsApi for AttendedChats {
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
