//! [`ChatsApi`]: the seven operations of the Chats API.

use async_trait::async_trait;

use crate::{
    BusinessId, Chat, ChatContext, ChatFilter, ChatId, ChatPage, FileUpload, HistoryFrom, Message,
    MessageId, MessagePage, MessageText, PageRequest, Result,
};

/// Seller's side of the Chats API, with one method per published operation.
///
/// Implemented by the engine over a store, by the client over HTTP, and by wrappers around either.
/// Authentication is not part of the trait; the server does it before it calls a method.
///
/// # Errors
///
/// Every method returns [`Error::Api`](crate::Error::Api) if the API refuses the request, and
/// [`Error::Internal`](crate::Error::Internal) if the network or a disk fails.
#[async_trait]
pub trait ChatsApi: Send + Sync {
    /// Returns chats of the cabinet that match the filter, most recently updated first.
    /// Published: [getChats](https://yandex.ru/dev/market/partner-api/doc/ru/reference/chats/getChats).
    async fn get_chats(
        &self,
        business: BusinessId,
        filter: ChatFilter,
        page: PageRequest<20>,
    ) -> Result<ChatPage>;

    /// Returns a chat; 404 if the cabinet has no such chat.
    /// Published: [getChat](https://yandex.ru/dev/market/partner-api/doc/ru/reference/chats/getChat).
    async fn get_chat(&self, business: BusinessId, chat: ChatId) -> Result<Chat>;

    /// Returns messages of a chat, oldest first.
    /// Published: [getChatHistory](https://yandex.ru/dev/market/partner-api/doc/ru/reference/chats/getChatHistory).
    async fn get_chat_history(
        &self,
        business: BusinessId,
        chat: ChatId,
        from: HistoryFrom,
    ) -> Result<MessagePage>;

    /// Returns a message; 404 if the chat has no such message.
    /// Published: [getChatMessage](https://yandex.ru/dev/market/partner-api/doc/ru/reference/chats/getChatMessage).
    async fn get_chat_message(
        &self,
        business: BusinessId,
        chat: ChatId,
        message: MessageId,
    ) -> Result<Message>;

    /// Returns the chat of an order or a return, creating it if there is none; 404 if there is no such order or return.
    /// Published: [createChat](https://yandex.ru/dev/market/partner-api/doc/ru/reference/chats/createChat).
    async fn create_chat(&self, business: BusinessId, context: ChatContext) -> Result<ChatId>;

    /// Sends a text as the shop; 400 if the chat is closed. Not idempotent: calling it twice sends two messages.
    /// Published: [sendMessageToChat](https://yandex.ru/dev/market/partner-api/doc/ru/reference/chats/sendMessageToChat).
    async fn send_message_to_chat(
        &self,
        business: BusinessId,
        chat: ChatId,
        text: MessageText,
    ) -> Result<()>;

    /// Sends a file of at most 5 × 1024 × 1024 bytes as the shop; 400 if it is larger or the chat is closed.
    /// Published: [sendFileToChat](https://yandex.ru/dev/market/partner-api/doc/ru/reference/chats/sendFileToChat).
    async fn send_file_to_chat(
        &self,
        business: BusinessId,
        chat: ChatId,
        file: FileUpload,
    ) -> Result<()>;
}
