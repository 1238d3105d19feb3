//! Who has read what, and the tail that every operator follows.

use beseda_api::{Message, MessageId};
use beseda_archive::{Archive, ArchiveChange, ChatKey};
use jiff::Timestamp;
use tempfile::TempDir;

use crate::values::{business, chat, chat_id, message};

/// Two chats: in the first a buyer writes 1 and 3 and the shop 2, in the second a buyer writes 4 and 5.
fn archive() -> (TempDir, Archive) {
    let folder = tempfile::tempdir().unwrap();
    let archive = Archive::open(folder.path()).unwrap();
    let chats = [1, 2].map(|raw| chat(raw, "2026-06-01T00:00:05Z"));
    archive.put_chats(business(1), &chats, Timestamp::UNIX_EPOCH).unwrap();
    let at = |raw: i64| message(raw, &format!("2026-06-01T00:00:0{raw}Z"), "text");
    let by_shop = Message { sender: "PARTNER".into(), ..at(2) };
    archive.put_messages(business(1), chat_id(1), &[at(1), by_shop, at(3)]).unwrap();
    archive.put_messages(business(1), chat_id(2), &[at(4), at(5)]).unwrap();
    (folder, archive)
}

fn key(raw: i64) -> ChatKey {
    ChatKey { business_id: business(1), chat_id: chat_id(raw) }
}

fn id(raw: i64) -> MessageId {
    MessageId::new(raw).unwrap()
}

/// Chat, unread messages, and the second since which it waits.
fn rows(archive: &Archive, operator: &str) -> Vec<(i64, u64, Option<String>)> {
    let unread = archive.unread(operator, &[]).unwrap();
    assert_eq!(unread.backlog, 2);
    let row = |found: &beseda_archive::UnreadChat| {
        let since = found.waiting_since.map(|since| since.to_string()[17..19].to_owned());
        (found.chat.chat_id.get(), found.unread, since)
    };
    unread.chats.iter().map(row).collect()
}

#[test]
fn unread_is_what_others_wrote_after_the_operators_mark_or_last_words() {
    let (_folder, archive) = archive();
    let since = |second: &str| Some(second.to_owned());
    assert_eq!(rows(&archive, "anna"), [(1, 2, since("03")), (2, 2, since("04"))]);
    archive.set_author(business(1), chat_id(1), id(2), "anna").unwrap();
    assert_eq!(rows(&archive, "anna"), [(1, 1, since("03")), (2, 2, since("04"))]);
    assert_eq!(rows(&archive, "boris")[0].1, 2, "what anna wrote boris has not read");

    assert!(archive.mark_read("anna", key(2), None).unwrap());
    assert_eq!(rows(&archive, "anna"), [(1, 1, since("03"))]);
    assert!(archive.mark_read("anna", key(2), Some(id(4))).unwrap());
    assert_eq!(rows(&archive, "anna")[1], (2, 1, since("04")));
    assert!(!archive.mark_read("anna", key(3), None).unwrap());

    assert_eq!(archive.mark_all_read("anna", &[]).unwrap(), 2);
    assert_eq!(archive.unread("anna", &[]).unwrap().unread, 0);
    assert_eq!(archive.unread("boris", &[business(1)]).unwrap().unread, 4);
    assert_eq!(archive.unread("boris", &[business(2)]).unwrap().unread, 0);
}

#[tokio::test]
async fn a_tail_goes_on_from_any_cursor_and_hears_of_other_connections() {
    let (folder, archive) = archive();
    let all = archive.changes(0, 100).unwrap();
    assert!(all.is_sorted_by_key(ArchiveChange::cursor));
    assert_eq!(all.len(), 7);
    for from in 0..all.len() {
        let cursor = all[from].cursor();
        let mut tail = archive.watch(cursor);
        for expected in &all[from + 1..] {
            assert_eq!(tail.next_now().unwrap().as_ref(), Some(expected));
        }
        assert_eq!(tail.next_now().unwrap(), None);
    }
    let mut tail = archive.watch(archive.seq().unwrap());
    let other = Archive::open(folder.path()).unwrap();
    let news = message(6, "2026-06-01T00:00:06Z", "news");
    other.put_messages(business(1), chat_id(2), std::slice::from_ref(&news)).unwrap();
    let ArchiveChange::Message(found) = tail.next().await.unwrap() else { panic!("no message") };
    assert_eq!(found.message, news);
}
