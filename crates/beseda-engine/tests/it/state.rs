//! The whole state out and in again: everything of it, or nothing.

use std::sync::Arc;

use beseda_api::{
    Administration, BusinessId, ChatContext, ChatFilter, ChatsApi, ErrorKind, FileUpload,
    HistoryFrom, ManualClock, MarketSide, MessageText, NewCabinet, NewKey, NewOrder, OrderId,
    PageRequest,
};
use beseda_engine::{
    Engine, Settings,
    state::{Cell, State},
};

async fn engine(folder: &std::path::Path) -> Engine {
    let clock = Arc::new(ManualClock::new("2026-11-21T00:00:00Z".parse().unwrap()));
    Engine::open_sqlite(folder, Settings::default(), clock).await.unwrap()
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
async fn a_state_comes_back_exactly_here_and_in_another_folder() {
    let (here, there) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let engine_here = engine(here.path()).await;
    let (business, chat) = with_chat(&engine_here).await;
    let before = engine_here.state().await.unwrap();
    let history = engine_here.get_chat_history(business, chat, HistoryFrom::default());
    let history = history.await.unwrap();

    let text = MessageText::new("later").unwrap();
    engine_here.send_message_to_chat(business, chat, text).await.unwrap();
    let second = FileUpload::from_bytes("b.txt", "more leaves");
    engine_here.send_file_to_chat(business, chat, second).await.unwrap();
    engine_here.put_state(before.clone()).await.unwrap();
    assert_eq!(engine_here.state().await.unwrap(), before);
    let again = engine_here.get_chat_history(business, chat, HistoryFrom::default());
    assert_eq!(again.await.unwrap(), history);
    // Ids go on from where they were then.
    let text = MessageText::new("anew").unwrap();
    engine_here.send_message_to_chat(business, chat, text).await.unwrap();

    let written = serde_json::to_string(&before).unwrap();
    let read: State = serde_json::from_str(&written).unwrap();
    let engine_there = engine(there.path()).await;
    engine_there.put_state(read).await.unwrap();
    assert_eq!(engine_there.state().await.unwrap(), before);
}

#[tokio::test]
async fn a_state_that_does_not_fit_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let engine = engine(folder.path()).await;
    let (business, _) = with_chat(&engine).await;
    let before = engine.state().await.unwrap();
    let broken: [fn(&mut State); 7] = [
        |state| state.schema += 1,
        |state| drop(state.tables.remove("orders")),
        |state| drop(state.tables.insert("weather".to_owned(), Default::default())),
        |state| drop(state.tables.get_mut("chats").unwrap().rows[0].pop()),
        |state| state.tables.get_mut("chats").unwrap().columns.reverse(),
        |state| state.files.clear(),
        |state| {
            let text = Cell::Text("no id".to_owned());
            state.tables.get_mut("files").unwrap().rows[0][0] = text;
        },
    ];
    for (number, breaks) in broken.into_iter().enumerate() {
        let mut state = before.clone();
        breaks(&mut state);
        let refused = engine.put_state(state).await.unwrap_err();
        assert_eq!(refused.kind(), Some(ErrorKind::BadRequest), "{number}: {refused}");
        assert_eq!(engine.state().await.unwrap(), before, "{number}");
    }
    // What the schema itself refuses is a breakage, and undone as well.
    let mut state = before.clone();
    state.tables.get_mut("api_keys").unwrap().rows[0][1] = Cell::Integer(77);
    engine.put_state(state).await.unwrap_err();
    assert_eq!(engine.state().await.unwrap(), before);
    let filter = ChatFilter::default();
    assert!(engine.get_chats(business, filter, PageRequest::default()).await.is_ok());
}
