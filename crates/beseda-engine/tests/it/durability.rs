//! Durability: state after restarts, interrupted uploads.

use std::{path::Path, sync::Arc};

use beseda_api::{BusinessId, ChatId, ChatsApi, FileUpload, ManualClock, MessageText};
use beseda_engine::{Engine, EngineSettings, store::Store};
use futures::StreamExt;

use super::{open, with_chat};

async fn texts(engine: &Engine, business: BusinessId, chat: ChatId) -> Vec<String> {
    let page = engine.get_chat_history(business, chat, Default::default()).await.unwrap();
    page.messages.into_iter().filter_map(|message| message.message).collect()
}

/// Returns all files below a folder.
fn files(folder: &Path) -> Vec<std::path::PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found
}

#[tokio::test]
async fn ids_keep_growing_after_a_restart_with_a_clock_set_back() {
    let folder = tempfile::tempdir().unwrap();
    let engine = open(folder.path()).await.unwrap();
    let (business, chat) = with_chat(&engine).await;
    engine.send_message_to_chat(business, chat, MessageText::new("before").unwrap()).await.unwrap();
    drop(engine);

    let past = Arc::new(ManualClock::new("2001-01-01T00:00:00Z".parse().unwrap()));
    let engine = Engine::open_sqlite(folder.path(), EngineSettings::default(), past).await.unwrap();
    engine.send_message_to_chat(business, chat, MessageText::new("after").unwrap()).await.unwrap();
    assert_eq!(texts(&engine, business, chat).await, ["before", "after"]);
}

#[tokio::test]
async fn a_rejected_write_does_not_affect_the_others_of_its_group() {
    let folder = tempfile::tempdir().unwrap();
    let engine = Arc::new(open(folder.path()).await.unwrap());
    let (business, chat) = with_chat(&engine).await;
    let unknown = ChatId::new(1).unwrap();
    let sends = (0..200).map(|number| {
        let engine = Arc::clone(&engine);
        async move {
            let to = if number % 3 == 0 { unknown } else { chat };
            let text = MessageText::new(number.to_string()).unwrap();
            (number, engine.send_message_to_chat(business, to, text).await)
        }
    });
    let outcomes = futures::future::join_all(sends).await;
    let mut accepted = Vec::new();
    for (number, outcome) in outcomes {
        match outcome {
            Ok(()) => accepted.push(number.to_string()),
            Err(error) => assert_eq!(error.to_string(), "Can't find chat by id: 1"),
        }
    }
    assert_eq!(accepted.len(), 133);
    let mut all = Vec::new();
    let mut from = beseda_api::HistoryFrom::default();
    loop {
        let page = engine.get_chat_history(business, chat, from.clone()).await.unwrap();
        all.extend(page.messages.into_iter().filter_map(|message| message.message));
        let Some(token) = page.paging.next_page_token else { break };
        from.page = from.page.after(token);
    }
    // They were sent concurrently, so any order is correct.
    all.sort();
    accepted.sort();
    assert_eq!(all, accepted);
}

#[tokio::test]
async fn an_upload_interrupted_by_a_crash_is_removed_at_the_next_start() {
    let folder = tempfile::tempdir().unwrap();
    let engine = open(folder.path()).await.unwrap();
    let (business, chat) = with_chat(&engine).await;
    let complete = FileUpload::from_bytes("complete.txt", "complete");
    engine.send_file_to_chat(business, chat, complete).await.unwrap();
    drop(engine);
    // A killed process leaves the registration, and a complete or temporary file, without a message.
    let store = beseda_engine::SqliteStore::open(&folder.path().join("beseda.sqlite")).unwrap();
    for (id, suffix) in [(1_u128, ""), (2, "#1")] {
        let file = beseda_api::FileId::new(id);
        store.begin_upload(&file, jiff::Timestamp::now()).await.unwrap();
        let prefix = folder.path().join("files/00");
        std::fs::create_dir_all(&prefix).unwrap();
        std::fs::write(prefix.join(format!("{file}{suffix}")), "half").unwrap();
    }
    drop(store);
    assert_eq!(files(&folder.path().join("files")).len(), 3);

    let engine = open(folder.path()).await.unwrap();
    assert_eq!(files(&folder.path().join("files")).len(), 1);
    let page = engine.get_chat_history(business, chat, Default::default()).await.unwrap();
    assert_eq!(page.messages.len(), 1);
}

#[tokio::test]
async fn an_upload_whose_future_is_dropped_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let engine = Arc::new(open(folder.path()).await.unwrap());
    let (business, chat) = with_chat(&engine).await;
    let (chunks, stream) = futures::channel::mpsc::unbounded();
    let name = beseda_api::FileName::new("half.bin");
    let file = FileUpload { name, content: stream.boxed() };
    let upload = {
        let engine = Arc::clone(&engine);
        tokio::spawn(async move { engine.send_file_to_chat(business, chat, file).await })
    };
    chunks.unbounded_send(Ok(bytes::Bytes::from(vec![0; 600 * 1024]))).unwrap();
    let uploads = folder.path().join("files");
    while files(&uploads).is_empty() {
        tokio::task::yield_now().await;
    }
    upload.abort();
    assert!(upload.await.unwrap_err().is_cancelled());
    while !files(&uploads).is_empty() {
        tokio::task::yield_now().await;
    }
    let page = engine.get_chat_history(business, chat, Default::default()).await.unwrap();
    assert!(page.messages.is_empty());
}
