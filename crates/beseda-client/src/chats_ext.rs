//! Extension methods for any `ChatsApi`: whole lists as streams, plain texts.

use std::{cmp::Reverse, collections::HashSet};

use async_stream::try_stream;
use async_trait::async_trait;
use beseda_api::{
    BusinessId, Chat, ChatContext, ChatFilter, ChatId, ChatsApi, HistoryFrom, Limit, Message,
    MessageId, MessageText, OrderId, PageRequest, PageToken, Paging, Result,
};
use futures::{TryStreamExt, stream::BoxStream};

use crate::ClientError;

/// Lists without pages.
///
/// The order of the published service is undocumented and chats move while they are listed, so each
/// item is returned once and each page is sorted; [`ChatsExt::chats_sorted`] and
/// [`ChatsExt::history_sorted`] sort the whole list.
#[async_trait]
pub trait ChatsExt: ChatsApi {
    /// Streams every chat that matches the filter, without duplicates.
    fn chats(&self, business: BusinessId, filter: ChatFilter) -> BoxStream<'_, Result<Chat>> {
        Box::pin(try_stream! {
            let mut page = PageRequest::first(Limit::MAX);
            let (mut seen, mut tokens) = (HashSet::new(), HashSet::new());
            loop {
                let mut answer = self.get_chats(business, filter.clone(), page.clone()).await?;
                newest_first(&mut answer.chats);
                for chat in answer.chats {
                    if seen.insert(chat.chat_id) {
                        yield chat;
                    }
                }
                match next(answer.paging, &mut tokens)? {
                    Some(token) => page = page.after(token),
                    None => break,
                }
            }
        })
    }

    /// Streams every message of a chat from `from` (inclusive) on, without duplicates.
    fn history(
        &self,
        business: BusinessId,
        chat: ChatId,
        from: Option<MessageId>,
    ) -> BoxStream<'_, Result<Message>> {
        Box::pin(try_stream! {
            let page = PageRequest::first(Limit::MAX);
            let mut request = HistoryFrom { message_id_from: from, page };
            let (mut seen, mut tokens) = (HashSet::new(), HashSet::new());
            loop {
                let mut answer = self.get_chat_history(business, chat, request.clone()).await?;
                answer.messages.sort_by_key(|message| message.message_id);
                for message in answer.messages {
                    if seen.insert(message.message_id) {
                        yield message;
                    }
                }
                match next(answer.paging, &mut tokens)? {
                    Some(token) => request.page = request.page.after(token),
                    None => break,
                }
            }
        })
    }

    /// Returns every chat that matches the filter, most recently updated first.
    ///
    /// # Errors
    ///
    /// As getChats.
    async fn chats_sorted(&self, business: BusinessId, filter: ChatFilter) -> Result<Vec<Chat>> {
        let mut chats: Vec<Chat> = self.chats(business, filter).try_collect().await?;
        newest_first(&mut chats);
        Ok(chats)
    }

    /// Returns every message of a chat from `from` (inclusive) on, oldest first.
    ///
    /// # Errors
    ///
    /// As getChatHistory.
    async fn history_sorted(
        &self,
        business: BusinessId,
        chat: ChatId,
        from: Option<MessageId>,
    ) -> Result<Vec<Message>> {
        let mut messages: Vec<Message> = self.history(business, chat, from).try_collect().await?;
        messages.sort_by_key(|message| message.message_id);
        Ok(messages)
    }

    /// Sends a plain text as the shop.
    ///
    /// # Errors
    ///
    /// As sendMessageToChat, and 400 without a request if the text is invalid.
    async fn send_text(&self, business: BusinessId, chat: ChatId, text: &str) -> Result<()> {
        self.send_message_to_chat(business, chat, MessageText::new(text)?).await
    }

    /// Returns the chat of an order, creating it if there is none.
    ///
    /// # Errors
    ///
    /// As createChat.
    async fn chat_for_order(&self, business: BusinessId, order: OrderId) -> Result<ChatId> {
        self.create_chat(business, ChatContext::Order(order)).await
    }
}

#[async_trait]
impl<T: ChatsApi + ?Sized> ChatsExt for T {}

fn newest_first(chats: &mut [Chat]) {
    chats.sort_by_key(|chat| Reverse((chat.updated_at.timestamp(), chat.chat_id)));
}

/// Returns the token of the next page; an error if it was returned before.
fn next(paging: Paging, followed: &mut HashSet<PageToken>) -> Result<Option<PageToken>> {
    match paging.next_page_token {
        Some(token) if !followed.insert(token.clone()) => Err(ClientError::EndlessPages.into()),
        token => Ok(token),
    }
}
