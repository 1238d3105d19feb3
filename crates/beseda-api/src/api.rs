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
/// ```
/// use beseda_api::{BusinessId, ChatFilter, ChatStatus, ChatsApi, MessageText, PageRequest, Result};
///
/// /// Answers the chats of the first page that wait for the shop.
/// async fn answer_waiting(api: &dyn ChatsApi, business: BusinessId) -> Result<()> {
///     let waiting =
///         ChatFilter { statuses: vec![ChatStatus::WaitingForPartner], ..ChatFilter::default() };
///     for chat in api.get_chats(business, waiting, PageRequest::default()).await?.chats {
///         let text = MessageText::new("Здравствуйте! Отвечу через несколько минут.")?;
///         api.send_message_to_chat(business, chat.chat_id, text).await?;
///     }
///     Ok(())
/// }
/// ```
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

/// Implements methods of [`ChatsApi`] by forwarding them to a field that implements it, too.
///
/// Written inside of an `impl ChatsApi` block: the field, then the names of the methods. With the field alone, all
/// seven are forwarded. Whatever isn't named is written by hand as usual.
///
/// ```
/// use std::sync::Arc;
///
/// use async_trait::async_trait;
/// use beseda_api::{BusinessId, Chat, ChatId, ChatsApi, Result, forward_chats_api};
///
/// struct LogsReads {
///     inner: Arc<dyn ChatsApi>,
/// }
///
/// #[async_trait]
/// impl ChatsApi for LogsReads {
///     async fn get_chat(&self, business: BusinessId, chat: ChatId) -> Result<Chat> {
///         println!("read of {chat}");
///         self.inner.get_chat(business, chat).await
///     }
///
///     forward_chats_api!(
///         inner: get_chats, get_chat_history, get_chat_message, create_chat, send_message_to_chat, send_file_to_chat
///     );
/// }
/// ```
#[macro_export]
macro_rules! forward_chats_api {
    ($field:ident) => {
        $crate::forward_chats_api!(
            $field: get_chats, get_chat, get_chat_history, get_chat_message, create_chat,
            send_message_to_chat, send_file_to_chat
        );
    };
    ($field:ident: $($method:ident),+ $(,)?) => {
        $($crate::forward_chats_api!(@ $method, $field);)+
    };
    (@ get_chats, $field:ident) => {
        $crate::forward_chats_api!(@fn $field, get_chats,
            (filter: $crate::ChatFilter, page: $crate::PageRequest<20>) -> $crate::ChatPage);
    };
    (@ get_chat, $field:ident) => {
        $crate::forward_chats_api!(@fn $field, get_chat, (chat: $crate::ChatId) -> $crate::Chat);
    };
    (@ get_chat_history, $field:ident) => {
        $crate::forward_chats_api!(@fn $field, get_chat_history,
            (chat: $crate::ChatId, from: $crate::HistoryFrom) -> $crate::MessagePage);
    };
    (@ get_chat_message, $field:ident) => {
        $crate::forward_chats_api!(@fn $field, get_chat_message,
            (chat: $crate::ChatId, message: $crate::MessageId) -> $crate::Message);
    };
    (@ create_chat, $field:ident) => {
        $crate::forward_chats_api!(@fn $field, create_chat,
            (context: $crate::ChatContext) -> $crate::ChatId);
    };
    (@ send_message_to_chat, $field:ident) => {
        $crate::forward_chats_api!(@fn $field, send_message_to_chat,
            (chat: $crate::ChatId, text: $crate::MessageText) -> ());
    };
    (@ send_file_to_chat, $field:ident) => {
        $crate::forward_chats_api!(@fn $field, send_file_to_chat,
            (chat: $crate::ChatId, file: $crate::FileUpload) -> ());
    };
    // The form that `async_trait` gives a method, since that attribute doesn't see into macros.
    (@fn $field:ident, $method:ident, ($($argument:ident: $type:ty),+) -> $result:ty) => {
        fn $method<'a, 'future>(
            &'a self,
            business: $crate::BusinessId,
            $($argument: $type),+
        ) -> ::core::pin::Pin<
            ::std::boxed::Box<
                dyn ::core::future::Future<Output = $crate::Result<$result>>
                    + ::core::marker::Send
                    + 'future,
            >,
        >
        where
            'a: 'future,
            Self: 'future,
        {
            use $crate::ChatsApi as _;
            self.$field.$method(business, $($argument),+)
        }
    };
}
