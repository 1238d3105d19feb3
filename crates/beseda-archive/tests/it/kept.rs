//! ExportKind is written into an archive comes out of it exactly, once, and in order.

use beseda_api::{Message, MessageId};
use beseda_archive::Archive;
use jiff::Timestamp;
use serde_json::json;

use crate::values::{business, chat, chat_id, message};

const NOW: Timestamp = Timestamp::UNIX_EPOCH;

#[test]
fn dates_offsets_unknown_words_and_links_come_back_as_they_were_written() {
    let folder = tempfile::tempdir().unwrap();
    let archive = Archive::open(folder.path().join("new/archive")).unwrap();
    let mut odd = chat(1, "2026-06-01T00:00:00.500-04:30");
    odd.status = "WAITING_FOR_ROBOT".into();
    odd.chat_type = "PARTY".into();
    odd.context.context_type = "MOON".into();
    odd.created_at = "2025-01-16T10:09:49.759084017Z".parse().unwrap();
    let plain = chat(2, "2026-06-01T00:00:00Z");
    archive.put_chats(business(1), &[odd.clone(), plain.clone()], NOW).unwrap();
    let messages: Vec<Message> = serde_json::from_value(json!([
        { "messageId": 5, "createdAt": "2026-06-01T00:00:00.500-04:30", "sender": "ROBOT" },
        { "messageId": 6, "createdAt": "2026-06-01T00:00:00Z", "sender": "PARTNER", "message": "",
          "payload": [{ "name": "", "url": "https://files.example/1", "size": 7 }] },
    ]))
    .unwrap();
    archive.put_messages(business(1), odd.chat_id, &messages).unwrap();

    let archive = Archive::open(folder.path().join("new/archive")).unwrap();
    let found = archive.chats(business(1), None, 10).unwrap();
    assert_eq!(found.iter().map(|chat| &chat.chat).collect::<Vec<_>>(), [&odd, &plain]);
    assert!(found.iter().all(|chat| !chat.whole));
    let found = archive.history(business(1), odd.chat_id, None, 10).unwrap();
    let found: Vec<_> = found.into_iter().map(|message| message.message).collect();
    assert_eq!(found, messages);
    let attached = archive.attachments(business(1), odd.chat_id, messages[1].message_id).unwrap();
    assert_eq!((attached.len(), attached[0].sha256.as_deref()), (1, None));
}

#[test]
fn a_message_is_kept_once_however_often_and_in_whatever_order_it_comes() {
    let folder = tempfile::tempdir().unwrap();
    let archive = Archive::open(folder.path()).unwrap();
    archive.put_chats(business(1), &[chat(1, "2026-06-01T00:00:00Z")], NOW).unwrap();
    // All in one second, as the published service writes it.
    let all: Vec<Message> =
        (1..=300).map(|id| message(id, "2026-06-01T00:00:00Z", &id.to_string())).collect();
    let mut new = 0;
    for range in [200..250, 0..210, 100..300, 0..300] {
        let mut page = all[range].to_vec();
        page.reverse();
        page.push(page[0].clone());
        new += archive.put_messages(business(1), chat_id(1), &page).unwrap();
    }
    assert_eq!(new, 300);
    let found = archive.history(business(1), chat_id(1), None, 1000).unwrap();
    let found: Vec<_> = found.into_iter().map(|message| message.message).collect();
    assert_eq!(found, all);
}

#[test]
fn the_same_ids_in_two_cabinets_are_two_chats() {
    let folder = tempfile::tempdir().unwrap();
    let archive = Archive::open(folder.path()).unwrap();
    for cabinet in [1, 2] {
        let text = format!("from {cabinet}");
        archive.put_chats(business(cabinet), &[chat(1, "2026-06-01T00:00:00Z")], NOW).unwrap();
        let message = message(1, "2026-06-01T00:00:00Z", &text);
        archive.put_messages(business(cabinet), chat_id(1), &[message]).unwrap();
    }
    assert_eq!(archive.counts(None).unwrap().messages, 2);
    let found = archive.message(business(2), chat_id(1), MessageId::new(1).unwrap()).unwrap();
    assert_eq!(found.unwrap().message.message.as_deref(), Some("from 2"));
}

#[test]
fn an_author_is_shown_whether_named_before_or_after_the_message_came() {
    let folder = tempfile::tempdir().unwrap();
    let archive = Archive::open(folder.path()).unwrap();
    let (one, two) = (MessageId::new(1).unwrap(), MessageId::new(2).unwrap());
    archive.set_author(business(1), chat_id(1), one, "anna").unwrap();
    archive.put_chats(business(1), &[chat(1, "2026-06-01T00:00:00Z")], NOW).unwrap();
    let messages = [1, 2].map(|id| message(id, "2026-06-01T00:00:00Z", "a"));
    archive.put_messages(business(1), chat_id(1), &messages).unwrap();
    archive.set_author(business(1), chat_id(1), two, "boris").unwrap();
    let found = archive.history(business(1), chat_id(1), None, 10).unwrap();
    let authors: Vec<_> = found.iter().filter_map(|found| found.operator.as_deref()).collect();
    assert_eq!(authors, ["anna", "boris"]);
}

#[cfg(unix)]
#[test]
fn a_new_folder_is_its_owners_alone() {
    use std::os::unix::fs::PermissionsExt;

    let folder = tempfile::tempdir().unwrap();
    let inside = folder.path().join("archive");
    drop(Archive::open(&inside).unwrap());
    let mode = inside.metadata().unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o700);
}
