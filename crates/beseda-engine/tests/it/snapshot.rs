//! Snapshots: taken and restored completely, or not at all.

use std::sync::Arc;

use beseda_api::{
    Administration, BusinessId, ChatContext, ChatFilter, ChatsApi, ErrorKind, FileUpload,
    HistoryFrom, ManualClock, MarketSide, MessageText, NewCabinet, NewKey, NewOrder, OrderId,
    PageRequest,
};
use beseda_engine::{
    Engine, EngineSettings,
    snapshot::{ColumnValue, Snapshot},
};

async fn engine(folder: &std::path::Path) -> Engine {
    let clock = Arc::new(ManualClock::new("2026-11-21T00:00:00Z".parse().unwrap()));
    Engine::open_sqlite(folder, EngineSettings::default(), clock).await.unwrap()
}

async fn with_chat(engine: &Engine) -> (BusinessId, beseda_api::ChatId) {
    let cabinet = NewCabinet { business_id: None, name: "Tea".to_owned() };
    let business = engine.create_cabinet(cabinet).await.unwrap().business_id;
    let key = NewKey { name: "bot".to_owned(), scopes: vec!["communication".to_owned()] };
    engine.create_key(business, key).await.unwrap();
    let order_id = OrderId::new(42).unwrap();
    let order = NewOrder { order_id, campaign_id: None, model: None, customer: None };
    engine.register_order(business, order).await.unwrap();
    let chat = engine.create_chat(business, ChatContext::Order(order_id)).await.unwrap();
    let file = FileUpload::from_bytes("a.txt", "leaves");
    engine.send_file_to_chat(business, chat, file).await.unwrap();
    (business, chat)
}

#[tokio::test]
async fn a_snapshot_is_restored_exactly_in_its_own_and_in_another_folder() {
    let (here, there) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let source = engine(here.path()).await;
    let (business, chat) = with_chat(&source).await;
    let before = source.snapshot().await.unwrap();
    let history = source.get_chat_history(business, chat, HistoryFrom::default());
    let history = history.await.unwrap();

    let text = MessageText::new("later").unwrap();
    source.send_message_to_chat(business, chat, text).await.unwrap();
    let second = FileUpload::from_bytes("b.txt", "more leaves");
    source.send_file_to_chat(business, chat, second).await.unwrap();
    source.restore(before.clone()).await.unwrap();
    assert_eq!(source.snapshot().await.unwrap(), before);
    let again = source.get_chat_history(business, chat, HistoryFrom::default());
    assert_eq!(again.await.unwrap(), history);
    // Ids continue from the snapshot.
    let text = MessageText::new("anew").unwrap();
    source.send_message_to_chat(business, chat, text).await.unwrap();

    let json = serde_json::to_string(&before).unwrap();
    let read: Snapshot = serde_json::from_str(&json).unwrap();
    let target = engine(there.path()).await;
    target.restore(read).await.unwrap();
    assert_eq!(target.snapshot().await.unwrap(), before);
}

#[tokio::test]
async fn an_invalid_snapshot_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let engine = engine(folder.path()).await;
    let (business, _) = with_chat(&engine).await;
    let before = engine.snapshot().await.unwrap();
    let corruptions: [fn(&mut Snapshot); 7] = [
        |snapshot| snapshot.schema += 1,
        |snapshot| drop(snapshot.tables.remove("orders")),
        |snapshot| drop(snapshot.tables.insert("weather".to_owned(), Default::default())),
        |snapshot| drop(snapshot.tables.get_mut("chats").unwrap().rows[0].pop()),
        |snapshot| snapshot.tables.get_mut("chats").unwrap().columns.reverse(),
        |snapshot| snapshot.files.clear(),
        |snapshot| {
            let text = ColumnValue::Text("no id".to_owned());
            snapshot.tables.get_mut("files").unwrap().rows[0][0] = text;
        },
    ];
    for (number, corrupt) in corruptions.into_iter().enumerate() {
        let mut snapshot = before.clone();
        corrupt(&mut snapshot);
        let error = engine.restore(snapshot).await.unwrap_err();
        assert_eq!(error.kind(), Some(ErrorKind::BadRequest), "{number}: {error}");
        assert_eq!(engine.snapshot().await.unwrap(), before, "{number}");
    }
    // A violated constraint is an internal error, and is rolled back as well.
    let mut snapshot = before.clone();
    snapshot.tables.get_mut("api_keys").unwrap().rows[0][1] = ColumnValue::Integer(77);
    engine.restore(snapshot).await.unwrap_err();
    assert_eq!(engine.snapshot().await.unwrap(), before);
    let filter = ChatFilter::default();
    assert!(engine.get_chats(business, filter, PageRequest::default()).await.is_ok());
}
