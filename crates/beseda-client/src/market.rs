//! Client of the marketplace's side of a Beseda server.

use async_trait::async_trait;
use beseda_api::{
    BusinessId, Chat, ChatId, ChatOpening, DisputeOpening, FileUpload, MarketMessage, MarketSide,
    Message, NewOrder, NewReturn, Order, Result, Return, Sender,
};

use crate::http::{HttpRequest, HttpTransport};

/// Client for orders, buyers, support and arbiter of a Beseda server. Calls are not retried.
#[derive(Clone)]
pub struct MarketClient {
    pub(crate) transport: HttpTransport,
}

impl std::fmt::Debug for MarketClient {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MarketClient").field("url", &self.transport.base.as_str()).finish()
    }
}

fn call(business: BusinessId, resource: &str) -> HttpRequest {
    HttpRequest::post(format!("/market/v1/businesses/{business}/{resource}"))
}

#[async_trait]
impl MarketSide for MarketClient {
    async fn register_order(&self, business: BusinessId, order: NewOrder) -> Result<Order> {
        self.transport.result(&call(business, "orders").json(&order)?).await
    }

    async fn register_return(&self, business: BusinessId, ret: NewReturn) -> Result<Return> {
        self.transport.result(&call(business, "returns").json(&ret)?).await
    }

    async fn open_chat(&self, business: BusinessId, opening: ChatOpening) -> Result<Chat> {
        self.transport.result(&call(business, "chats").json(&opening)?).await
    }

    async fn write_message(
        &self,
        business: BusinessId,
        chat: ChatId,
        message: MarketMessage,
    ) -> Result<Message> {
        let call = call(business, &format!("chats/{chat}/messages"));
        self.transport.result(&call.json(&message)?).await
    }

    async fn write_file(
        &self,
        business: BusinessId,
        chat: ChatId,
        sender: Sender,
        file: FileUpload,
    ) -> Result<Message> {
        let call = call(business, &format!("chats/{chat}/files")).query("sender", Some(sender));
        self.transport.upload(&call, file).await
    }

    async fn close_chat(&self, business: BusinessId, chat: ChatId) -> Result<Chat> {
        self.transport.result(&call(business, &format!("chats/{chat}/close"))).await
    }

    async fn open_dispute(&self, business: BusinessId, opening: DisputeOpening) -> Result<Chat> {
        self.transport.result(&call(business, "disputes").json(&opening)?).await
    }

    async fn resolve_dispute(&self, business: BusinessId, chat: ChatId) -> Result<Chat> {
        self.transport.result(&call(business, &format!("disputes/{chat}/resolve"))).await
    }
}
