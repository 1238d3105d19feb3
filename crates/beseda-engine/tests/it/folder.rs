//! The data folder: who may use it, and which versions.

use beseda_api::{Administration, ChatsApi, NewCabinet, SystemClock};
use beseda_engine::{Engine, OpenError};
use std::sync::Arc;

use super::{open, with_chat};

#[tokio::test]
async fn a_folder_in_use_is_refused_and_free_after_the_server_ends() {
    let folder = tempfile::tempdir().unwrap();
    let first = open(folder.path()).await.unwrap();
    let second = open(folder.path()).await.err().unwrap();
    assert!(matches!(second, OpenError::InUse(_)), "{second}");
    assert!(second.to_string().contains("in use by another server"));
    drop(first);
    assert!(open(folder.path()).await.is_ok());
}

#[tokio::test]
async fn a_folder_can_be_administered_while_a_server_uses_it() {
    let folder = tempfile::tempdir().unwrap();
    let server = open(folder.path()).await.unwrap();
    let desk = Engine::share_sqlite(folder.path(), Arc::new(SystemClock)).await.unwrap();
    let made = NewCabinet { business_id: None, name: "Made beside".to_owned() };
    let made = desk.create_cabinet(made).await.unwrap();
    assert_eq!(server.list_cabinets().await.unwrap(), [made]);
}

#[tokio::test]
async fn a_database_of_a_newer_version_is_refused_and_left_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    drop(open(folder.path()).await.unwrap());
    let file = folder.path().join("beseda.sqlite");
    let database = rusqlite::Connection::open(&file).unwrap();
    database.pragma_update(None, "user_version", 1000).unwrap();
    drop(database);
    let refused = open(folder.path()).await.err().unwrap();
    assert!(matches!(refused, OpenError::NewerSchema(_)), "{refused}");
    assert!(refused.to_string().contains("start the newer program"), "{refused}");
    let database = rusqlite::Connection::open(&file).unwrap();
    let version: u32 = database.query_row("PRAGMA user_version", [], |row| row.get(0)).unwrap();
    assert_eq!(version, 1000);
}

#[tokio::test]
async fn something_that_is_no_database_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("beseda.sqlite"), vec![b'x'; 8192]).unwrap();
    let refused = open(folder.path()).await.err().unwrap();
    assert!(matches!(refused, OpenError::Database(_)), "{refused}");
}

#[tokio::test]
async fn tokens_given_out_before_a_restart_are_good_after_it() {
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
