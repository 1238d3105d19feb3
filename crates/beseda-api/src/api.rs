//! The product on one screen: the seven operations of the Chats API. Everything else implements them, calls them or wraps them.

use async_trait::async_trait;

use crate::{
    BusinessId, Chat, ChatContext, ChatFilter, ChatId, ChatPage, FileUpload, HistoryFrom, Message,
    MessageId, MessagePage, MessageText, PageRequest, Result,
};

/// The seller's side of the conversations of a cabinet.
///
/// Implemented by an engine over a store and by a client over the network; a caller can't tell them apart.
/// Who may call is not asked here: a server's gate does that.
///
/// Every operation answers with [`Error::Api`](crate::Error::Api) where the API says no, and with
/// [`Error::Internal`](crate::Error::Internal) where network or disk failed.
#[async_trait]
pub trait ChatsApi: Send + Sync {
    /// Chats of the cabinet that match the filter, most recently updated first.
    /// Published: [getChats](https://yandex.ru/dev/market/partner-api/doc/ru/reference/chats/getChats).
    async fn get_chats(
        &self,
        business: BusinessId,
        filter: ChatFilter,
        page: PageRequest<20>,
    ) -> Result<ChatPage>;

    /// One chat; 404 if the cabinet doesn't have it.
    /// Published: [getChat](https://yandex.ru/dev/market/partner-api/doc/ru/reference/chats/getChat).
    async fn get_chat(&self, business: BusinessId, chat: ChatId) -> Result<Chat>;

    /// Messages of a chat, oldest first.
    /// Published: [getChatHistory](https://yandex.ru/dev/market/partner-api/doc/ru/reference/chats/getChatHistory).
    async fn get_chat_history(
        &self,
        business: BusinessId,
        chat: ChatId,
        from: HistoryFrom,
    ) -> Result<MessagePage>;

    /// One message; 404 if the chat doesn't have it.
    /// Published: [getChatMessage](https://yandex.ru/dev/market/partner-api/doc/ru/reference/chats/getChatMessage).
    async fn get_chat_message(
        &self,
        business: BusinessId,
        chat: ChatId,
        message: MessageId,
    ) -> Result<Message>;

    /// The chat for an order or a return, created if there was none; 404 if there is no such order or return.
    /// Published: [createChat](https://yandex.ru/dev/market/partner-api/doc/ru/reference/chats/createChat).
    async fn create_chat(&self, business: BusinessId, context: ChatContext) -> Result<ChatId>;

    /// Writes a text as the shop; 400 if the chat is finished. Not idempotent: sending twice writes twice.
    /// Published: [sendMessageToChat](https://yandex.ru/dev/market/partner-api/doc/ru/reference/chats/sendMessageToChat).
    async fn send_message_to_chat(
        &self,
        business: BusinessId,
        chat: ChatId,
        text: MessageText,
    ) -> Result<()>;

    /// Sends a file as the shop, at most 5 × 1024 × 1024 bytes; 400 above and if the chat is finished.
    /// Published: [sendFileToChat](https://yandex.ru/dev/market/partner-api/doc/ru/reference/chats/sendFileToChat).
    async fn send_file_to_chat(
        &self,
        business: BusinessId,
        chat: ChatId,
        file: FileUpload,
    ) -> Result<()>;
}
