//! Sends a webhook from an engine to a receiver on the same machine and prints it.
//!
//! ```text
//! cargo run -p beseda-webhook --features sender,receiver --example send
//! ```

use std::{net::SocketAddr, sync::Arc};

use beseda_api::{
    Administration, ChatContext, ChatsApi, MarketMessage, MarketSide, NewCabinet, NewOrder,
    NewSubscription, OrderId, SystemClock, SystemTimer,
};
use beseda_engine::{Engine, EngineSettings};
use beseda_webhook::{
    receiver::Receiver,
    sender::{AddressPolicy, SenderSettings, WebhookSender},
};

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    // Webhooks of this machine come from 127.0.0.1, not from Market's addresses.
    let (router, mut events) = Receiver::builder().any_source().build()?;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}/", listener.local_addr()?);
    let service = router.into_make_service_with_connect_info::<SocketAddr>();
    tokio::spawn(async move { axum::serve(listener, service).await });

    let folder = tempfile::tempdir()?;
    let (settings, clock) = (EngineSettings::default(), Arc::new(SystemClock));
    let engine = Engine::open_sqlite(folder.path(), settings, clock.clone()).await?;
    let cabinet = NewCabinet { business_id: None, name: "Tea shop".to_owned() };
    let business = engine.create_cabinet(cabinet).await?.business_id;

    let (queue, timer) = (engine.notification_queue(), Arc::new(SystemTimer));
    let settings = SenderSettings::new(AddressPolicy::Loopback);
    let sender = WebhookSender::start(queue, settings, clock, timer);
    let subscription = NewSubscription { url, name: "bot".to_owned() };
    sender.subscriptions().create_subscription(business, subscription).await?;

    let order_id = OrderId::new(42)?;
    let order = NewOrder { order_id, campaign_id: None, model: None, customer: None };
    engine.register_order(business, order).await?;
    let chat = engine.create_chat(business, ChatContext::Order(order_id)).await?;
    engine.write_message(business, chat, MarketMessage::customer("Hello!")).await?;

    for _ in 0..2 {
        let event = events.recv().await.ok_or_else(|| anyhow::anyhow!("the receiver is gone"))?;
        println!("{}: {}", event.notification_type, event.json());
    }
    sender.stop().await;
    Ok(())
}
