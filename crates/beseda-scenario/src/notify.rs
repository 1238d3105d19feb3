//! Wrapper around both sides of the API that broadcasts a [`Change`] after every successful write.

use std::{fmt, sync::Arc};

use async_trait::async_trait;
use beseda_api::{
    BusinessId, Chat, ChatContext, ChatId, ChatOpening, ChatsApi, DisputeOpening, FileUpload,
    MarketMessage, MarketSide, Message, MessageText, NewOrder, NewReturn, Order, Result, Return,
    Sender, forward_chats_api,
};
use tokio::sync::broadcast;

use crate::world::{Changes, ChatChange};

/// Maximum number of changes a subscriber may lag behind; after that it reloads.
const MAX_BACKLOG: usize = 4096;

/// `ChatsApi` and `MarketSide` implementation that forwards calls and broadcasts changes.
pub struct ChangeNotifier {
    chats: Arc<dyn ChatsApi>,
    market: Arc<dyn MarketSide>,
    sender: broadcast::Sender<ChatChange>,
}

impl fmt::Debug for ChangeNotifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ChangeNotifier").finish_non_exhaustive()
    }
}

impl ChangeNotifier {
    /// Wraps the two sides.
    #[must_use]
    pub fn new(chats: Arc<dyn ChatsApi>, market: Arc<dyn MarketSide>) -> Self {
        Self { chats, market, sender: broadcast::Sender::new(MAX_BACKLOG) }
    }

    /// Returns a source of all changes from now on.
    #[must_use]
    pub fn changes(&self) -> Changes {
        Changes::broadcast(self.sender.clone())
    }

    fn notify(&self, business: BusinessId, chat: ChatId) {
        // Fails only without subscribers.
        self.sender.send(ChatChange { business, chat }).ok();
    }
}

#[async_trait]
impl ChatsApi for ChangeNotifier {
    forward_chats_api!(chats: get_chats, get_chat, get_chat_history, get_chat_message);

    async fn create_chat(&self, business: BusinessId, context: ChatContext) -> Result<ChatId> {
        let chat = self.chats.create_chat(business, context).await?;
        self.notify(business, chat);
        Ok(chat)
    }

    async fn send_message_to_chat(
        &self,
        business: BusinessId,
        chat: ChatId,
        text: MessageText,
    ) -> Result<()> {
        self.chats.send_message_to_chat(business, chat, text).await?;
        self.notify(business, chat);
        Ok(())
    }

    async fn send_file_to_chat(
        &self,
        business: BusinessId,
        chat: ChatId,
        file: FileUpload,
    ) -> Result<()> {
        self.chats.send_file_to_chat(business, chat, file).await?;
        self.notify(business, chat);
        Ok(())
    }
}

#[async_trait]
impl MarketSide for ChangeNotifier {
    async fn register_order(&self, business: BusinessId, order: NewOrder) -> Result<Order> {
        self.market.register_order(business, order).await
    }

    async fn register_return(&self, business: BusinessId, ret: NewReturn) -> Result<Return> {
        self.market.register_return(business, ret).await
    }

    async fn open_chat(&self, business: BusinessId, opening: ChatOpening) -> Result<Chat> {
        let chat = self.market.open_chat(business, opening).await?;
        self.notify(business, chat.chat_id);
        Ok(chat)
    }

    async fn write_message(
        &self,
        business: BusinessId,
        chat: ChatId,
        message: MarketMessage,
    ) -> Result<Message> {
        let message = self.market.write_message(business, chat, message).await?;
        self.notify(business, chat);
        Ok(message)
    }

    async fn write_file(
        &self,
        business: BusinessId,
        chat: ChatId,
        sender: Sender,
        file: FileUpload,
    ) -> Result<Message> {
        let message = self.market.write_file(business, chat, sender, file).await?;
        self.notify(business, chat);
        Ok(message)
    }

    async fn close_chat(&self, business: BusinessId, chat: ChatId) -> Result<Chat> {
        let closed = self.market.close_chat(business, chat).await?;
        self.notify(business, chat);
        Ok(closed)
    }

    async fn open_dispute(&self, business: BusinessId, opening: DisputeOpening) -> Result<Chat> {
        let chat = self.market.open_dispute(business, opening).await?;
        self.notify(business, chat.chat_id);
        Ok(chat)
    }

    async fn resolve_dispute(&self, business: BusinessId, chat: ChatId) -> Result<Chat> {
        let resolved = self.market.resolve_dispute(business, chat).await?;
        self.notify(business, chat);
        Ok(resolved)
    }
}
