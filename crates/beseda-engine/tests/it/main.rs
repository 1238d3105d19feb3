//! Tests of the engine itself: restarts, locks, schema versions, cleanup. The conformance suite tests the chats.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod disputes;
mod durability;
mod folder;
mod notifications;
mod snapshot;

use std::{path::Path, sync::Arc};

use beseda_api::{
    Administration, BusinessId, ChatContext, ChatId, ChatsApi, MarketSide, NewCabinet, NewOrder,
    OrderId, SystemClock,
};
use beseda_engine::{Engine, EngineOpenError, EngineSettings};

async fn open(folder: &Path) -> Result<Engine, EngineOpenError> {
    Engine::open_sqlite(folder, EngineSettings::default(), Arc::new(SystemClock)).await
}

/// Creates a cabinet with one chat about an order.
async fn with_chat(engine: &Engine) -> (BusinessId, ChatId) {
    let cabinet = NewCabinet { business_id: None, name: "Tea".to_owned() };
    let business = engine.create_cabinet(cabinet).await.unwrap().business_id;
    let order_id = OrderId::new(42).unwrap();
    let order = NewOrder { order_id, campaign_id: None, model: None, customer: None };
    engine.register_order(business, order).await.unwrap();
    let chat = engine.create_chat(business, ChatContext::Order(order_id)).await.unwrap();
    (business, chat)
}
