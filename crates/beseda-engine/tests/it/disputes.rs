//! Disputes in the existing chat: opened in one transaction.

use std::{path::Path, sync::Arc};

use beseda_api::{
    BusinessId, ChatContext, ChatFilter, ChatStatus, ChatType, ChatsApi, DisputeOpening,
    MarketMessage, MarketSide, NewSubscription, OrderId, PageRequest, SystemClock,
};
use beseda_engine::{Disputes, Engine, EngineSettings, snapshot::Snapshot};
use jiff::Timestamp;

use super::with_chat;

async fn open_in_place(folder: &Path) -> Engine {
    let settings = EngineSettings {
        disputes: Disputes::InPlace,
        orders: beseda_engine::Orders::Open,
        ..EngineSettings::default()
    };
    Engine::open_sqlite(folder, settings, Arc::new(SystemClock)).await.unwrap()
}

fn dispute(order: i64) -> DisputeOpening {
    DisputeOpening {
        order_id: Some(order),
        message: Some("No!".to_owned()),
        ..DisputeOpening::default()
    }
}

async fn chats(engine: &Engine, business: BusinessId) -> Vec<(ChatType, ChatStatus)> {
    let page = engine.get_chats(business, ChatFilter::default(), PageRequest::default());
    let chats = page.await.unwrap().chats;
    chats.into_iter().map(|chat| (chat.chat_type, chat.status)).collect()
}

/// Rows of the tables that a dispute writes. A registered order isn't part of the dispute.
fn rows(mut snapshot: Snapshot) -> Snapshot {
    snapshot.tables.remove("orders");
    snapshot
}

#[tokio::test]
async fn a_dispute_whose_last_step_fails_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let engine = open_in_place(folder.path()).await;
    let (business, _) = with_chat(&engine).await;
    let url = "https://shop.example/".to_owned();
    let subscription = NewSubscription { url, name: "bot".to_owned() };
    let queue = engine.notification_queue();
    queue.insert_subscription(business, subscription, Timestamp::UNIX_EPOCH).await.unwrap();
    let before = rows(engine.snapshot().await.unwrap());

    let database = rusqlite::Connection::open(folder.path().join("beseda.sqlite")).unwrap();
    let fail =
        "CREATE TRIGGER fail BEFORE INSERT ON messages BEGIN SELECT RAISE(ABORT, 'disk'); END";
    database.execute_batch(fail).unwrap();
    // The first order has a chat, the second one has none.
    for order in [42, 43] {
        engine.open_dispute(business, dispute(order)).await.unwrap_err();
        assert_eq!(rows(engine.snapshot().await.unwrap()), before, "{order}");
        assert_eq!(chats(&engine, business).await, [(ChatType::Chat, ChatStatus::New)], "{order}");
    }

    database.execute_batch("DROP TRIGGER fail").unwrap();
    for order in [42, 43] {
        let opened = engine.open_dispute(business, dispute(order)).await.unwrap();
        assert_eq!(opened.chat_type, ChatType::Arbitrage);
        let history = engine.get_chat_history(business, opened.chat_id, Default::default());
        assert_eq!(history.await.unwrap().messages.len(), 1);
    }
    let disputed = (ChatType::Arbitrage, ChatStatus::WaitingForArbiter);
    assert_eq!(chats(&engine, business).await, [disputed.clone(), disputed]);
    // Order 42: dispute, message. Order 43: chat, dispute, message.
    assert_eq!(queue.subscriptions(business).await.unwrap().unwrap()[0].waiting, 5);
}

#[tokio::test]
async fn a_dispute_reuses_the_chat_of_its_order() {
    let folder = tempfile::tempdir().unwrap();
    let engine = open_in_place(folder.path()).await;
    let (business, chat) = with_chat(&engine).await;
    engine.write_message(business, chat, MarketMessage::customer("Hi")).await.unwrap();
    let opened = engine.open_dispute(business, dispute(42)).await.unwrap();
    assert_eq!((opened.chat_id, opened.chat_type), (chat, ChatType::Arbitrage));
    engine.resolve_dispute(business, chat).await.unwrap();
    let reopened = engine.open_dispute(business, dispute(42)).await.unwrap();
    assert_eq!((reopened.chat_id, reopened.status), (chat, ChatStatus::WaitingForArbiter));
    let order = ChatContext::Order(OrderId::new(42).unwrap());
    assert_eq!(engine.create_chat(business, order).await.unwrap(), chat);
}
