//! A back end that answers every call with the same error.

use async_trait::async_trait;
use beseda_api::{
    BusinessId, Chat, ChatContext, ChatFilter, ChatId, ChatPage, ChatsApi, Error, FileUpload,
    HistoryFrom, Message, MessageId, MessagePage, MessageText, PageRequest, Result,
};

/// Makes the error of each answer.
pub(crate) struct Refusing(pub(crate) fn() -> Error);

#[async_trait]
impl ChatsApi for Refusing {
    async fn get_chats(
        &self,
        _: BusinessId,
        _: ChatFilter,
        _: PageRequest<20>,
    ) -> Result<ChatPage> {
        Err(self.0())
    }
    async fn get_chat(&self, _: BusinessId, _: ChatId) -> Result<Chat> {
        Err(self.0())
    }
    async fn get_chat_history(
        &self,
        _: BusinessId,
        _: ChatId,
        _: HistoryFrom,
    ) -> Result<MessagePage> {
        Err(self.0())
    }
    async fn get_chat_message(&self, _: BusinessId, _: ChatId, _: MessageId) -> Result<Message> {
        Err(self.0())
    }
    async fn create_chat(&self, _: BusinessId, _: ChatContext) -> Result<ChatId> {
        Err(self.0())
    }
    async fn send_message_to_chat(&self, _: BusinessId, _: ChatId, _: MessageText) -> Result<()> {
        Err(self.0())
    }
    async fn send_file_to_chat(&self, _: BusinessId, _: ChatId, _: FileUpload) -> Result<()> {
        Err(self.0())
    }
}
