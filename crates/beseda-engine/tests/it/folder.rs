//! Data folder: lock, schema versions, page tokens.

use beseda_api::{Administration, ChatsApi, NewCabinet, SystemClock};
use beseda_engine::{Engine, EngineOpenError};
use std::sync::Arc;

use super::{open, with_chat};

#[tokio::test]
async fn a_folder_in_use_is_rejected_until_its_server_is_dropped() {
    let folder = tempfile::tempdir().unwrap();
    let first = open(folder.path()).await.unwrap();
    let second = open(folder.path()).await.err().unwrap();
    assert!(matches!(second, EngineOpenError::InUse(_)), "{second}");
    assert!(second.to_string().contains("in use by another server"));
    drop(first);
    assert!(open(folder.path()).await.is_ok());
}

#[tokio::test]
async fn a_folder_can_be_administered_while_a_server_uses_it() {
    let folder = tempfile::tempdir().unwrap();
    let server = open(folder.path()).await.unwrap();
    let admin = Engine::share_sqlite(folder.path(), Arc::new(SystemClock)).await.unwrap();
    let cabinet = NewCabinet { business_id: None, name: "Second".to_owned() };
    let cabinet = admin.create_cabinet(cabinet).await.unwrap();
    assert_eq!(server.list_cabinets().await.unwrap(), [cabinet]);
}

#[tokio::test]
async fn a_newer_database_is_rejected_and_unchanged() {
    let folder = tempfile::tempdir().unwrap();
    drop(open(folder.path()).await.unwrap());
    let file = folder.path().join("beseda.sqlite");
    let database = rusqlite::Connection::open(&file).unwrap();
    database.pragma_update(None, "user_version", 1000).unwrap();
    drop(database);
    let rejected = open(folder.path()).await.err().unwrap();
    assert!(matches!(rejected, EngineOpenError::NewerSchema(_)), "{rejected}");
    assert!(rejected.to_string().contains("start the newer program"), "{rejected}");
    let database = rusqlite::Connection::open(&file).unwrap();
    let version: u32 = database.query_row("PRAGMA user_version", [], |row| row.get(0)).unwrap();
    assert_eq!(version, 1000);
}

#[tokio::test]
async fn a_file_that_is_not_a_database_is_rejected() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("beseda.sqlite"), vec![b'x'; 8192]).unwrap();
    let rejected = open(folder.path()).await.err().unwrap();
    assert!(matches!(rejected, EngineOpenError::Database(_)), "{rejected}");
}

#[tokio::test]
async fn page_tokens_stay_valid_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let engine = open(folder.path()).await.unwrap();
    let (business, chat) = with_chat(&engine).await;
    for _ in 0..2 {
        let text = beseda_api::MessageText::new("one").unwrap();
        engine.send_message_to_chat(business, chat, text).await.unwrap();
    }
    let limit = beseda_api::HistoryLimit::new(1).unwrap();
    let page = beseda_api::PageRequest::first(limit);
    let from = beseda_api::HistoryFrom { message_id_from: None, page: page.clone() };
    let first = engine.get_chat_history(business, chat, from).await.unwrap();
    let token = first.paging.next_page_token.unwrap();
    drop(engine);
    let engine = open(folder.path()).await.unwrap();
    let from = beseda_api::HistoryFrom { message_id_from: None, page: page.after(token) };
    let second = engine.get_chat_history(business, chat, from).await.unwrap();
    assert_eq!(second.messages.len(), 1);
    assert!(second.messages[0].message_id > first.messages[0].message_id);
    assert_eq!(second.paging.next_page_token, None);
}

#[tokio::test]
async fn a_database_of_every_earlier_version_is_migrated() {
    let folder = tempfile::tempdir().unwrap();
    let engine = open(folder.path()).await.unwrap();
    let (business, chat) = with_chat(&engine).await;
    drop(engine);
    // The tables of the later migrations are dropped, so that their version is the earlier one.
    let later = [
        (2, "DROP TABLE announced"),
        (
            1,
            "DROP TABLE subscriptions; DROP TABLE outbox; DROP TABLE deliveries; DROP TABLE announced",
        ),
    ];
    for (version, drop_tables) in later {
        let file = folder.path().join("beseda.sqlite");
        let database = rusqlite::Connection::open(&file).unwrap();
        database.execute_batch(drop_tables).unwrap();
        database.pragma_update(None, "user_version", version).unwrap();
        drop(database);
        let engine = open(folder.path()).await.unwrap();
        assert_eq!(engine.get_chat(business, chat).await.unwrap().chat_id, chat);
        assert_eq!(engine.snapshot().await.unwrap().schema, 3);
    }
}
