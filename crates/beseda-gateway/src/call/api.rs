//! The seven operations of the API.

use std::sync::Arc;

use async_trait::async_trait;
use beseda_api::{
    BusinessId, Chat, ChatContext, ChatFilter, ChatId, ChatPage, ChatsApi, Error, FileUpload,
    HistoryFrom, MAX_FILE_BYTES, Message, MessageId, MessagePage, MessageText, PageRequest, Result,
};
use beseda_client::OutgoingMessage;
use bytes::BytesMut;
use futures::TryStreamExt;

use super::{GatewayCall, ResponseSource};
use crate::{
    history_cache::PageLookup,
    metrics::increment,
    read_request::{ReadRequest, ReadResponse},
};

fn mismatched_response() -> Error {
    Error::internal("a shared read returned the response of another operation")
}

/// Buffers a whole file before the call is queued, so that a slow upload holds no permit.
async fn buffered(file: FileUpload) -> Result<OutgoingMessage> {
    let max = usize::try_from(MAX_FILE_BYTES).unwrap_or(usize::MAX);
    let mut content = BytesMut::new();
    let mut chunks = file.content;
    while let Some(chunk) = chunks.try_next().await.map_err(Error::internal)? {
        if content.len() + chunk.len() > max {
            let text = format!("The request is too big: a file has at most {MAX_FILE_BYTES} bytes");
            return Err(Error::bad_request(text));
        }
        content.extend_from_slice(&chunk);
    }
    Ok(OutgoingMessage::File { name: file.name, content: content.freeze() })
}

#[async_trait]
impl ChatsApi for GatewayCall {
    async fn get_chats(
        &self,
        business: BusinessId,
        filter: ChatFilter,
        page: PageRequest<20>,
    ) -> Result<ChatPage> {
        match self.read(business, ReadRequest::Chats(Box::new(filter), page)).await? {
            ReadResponse::Chats(page) => Ok(page),
            _ => Err(mismatched_response()),
        }
    }

    async fn get_chat(&self, business: BusinessId, chat: ChatId) -> Result<Chat> {
        match self.read(business, ReadRequest::Chat(chat)).await? {
            ReadResponse::Chat(chat) => Ok(*chat),
            _ => Err(mismatched_response()),
        }
    }

    async fn get_chat_history(
        &self,
        business: BusinessId,
        chat: ChatId,
        from: HistoryFrom,
    ) -> Result<MessagePage> {
        let mut page = match self.shared.history_cache.lookup(business, chat, from)? {
            PageLookup::Miss { request, resumed_at } => {
                let response = self.read(business, ReadRequest::History(chat, request)).await?;
                let ReadResponse::History(page) = response else {
                    return Err(mismatched_response());
                };
                let mut page = Arc::unwrap_or_clone(page);
                self.shared.history_cache.wrap_next_token(business, chat, resumed_at, &mut page);
                page
            }
            PageLookup::Hit(page) => {
                increment(&self.shared.metrics.archive_hits);
                self.set_source(ResponseSource::Archive);
                *page
            }
        };
        self.rewrite_links(business, chat, &mut page.messages).await;
        Ok(page)
    }

    async fn get_chat_message(
        &self,
        business: BusinessId,
        chat: ChatId,
        message: MessageId,
    ) -> Result<Message> {
        let mut found = match self.shared.history_cache.message(business, chat, message) {
            Some(found) => {
                increment(&self.shared.metrics.archive_hits);
                self.set_source(ResponseSource::Archive);
                found
            }
            None => match self.read(business, ReadRequest::Message(chat, message)).await? {
                ReadResponse::Message(message) => *message,
                _ => return Err(mismatched_response()),
            },
        };
        self.rewrite_links(business, chat, std::slice::from_mut(&mut found)).await;
        Ok(found)
    }

    async fn create_chat(&self, business: BusinessId, context: ChatContext) -> Result<ChatId> {
        self.create(business, context).await
    }

    async fn send_message_to_chat(
        &self,
        business: BusinessId,
        chat: ChatId,
        text: MessageText,
    ) -> Result<()> {
        self.send(business, chat, OutgoingMessage::Text(text)).await
    }

    async fn send_file_to_chat(
        &self,
        business: BusinessId,
        chat: ChatId,
        file: FileUpload,
    ) -> Result<()> {
        self.send(business, chat, buffered(file).await?).await
    }
}
