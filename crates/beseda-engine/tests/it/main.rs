//! What only the engine itself can show: restarts, locks, versions, sweeping. The rules of chats are held by the conformance suite.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking where it stands")]

mod durability;
mod folder;
mod outbox;
mod state;

use std::{path::Path, sync::Arc};

use beseda_api::{
    Administration, BusinessId, ChatContext, ChatId, ChatsApi, MarketSide, NewCabinet, NewOrder,
    OrderId, SystemClock,
};
use beseda_engine::{Engine, OpenError, Settings};

async fn open(folder: &Path) -> Result<Engine, OpenError> {
    Engine::open_sqlite(folder, Settings::default(), Arc::new(SystemClock)).await
}

/// A cabinet with one chat about an order.
async fn with_chat(engine: &Engine) -> (BusinessId, ChatId) {
    let cabinet = NewCabinet { business_id: None, name: "Tea".to_owned() };
    let business = engine.create_cabinet(cabinet).await.unwrap().business_id;
    let order_id = OrderId::new(42).unwrap();
    let order = NewOrder { order_id, campaign_id: None, model: None, customer: None };
    engine.register_order(business, order).await.unwrap();
    let chat = engine.create_chat(business, ChatContext::Order(order_id)).await.unwrap();
    (business, chat)
}
