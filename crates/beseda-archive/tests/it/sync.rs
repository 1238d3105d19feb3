//! Filling and keeping in step: nothing missing, nothing twice, no call too many.

use std::sync::Arc;

use beseda_api::{Clock, Sender, notification::Notification};
use beseda_archive::{Archive, Depth, Error, Schedule, Syncer};
use futures::TryStreamExt;
use tempfile::TempDir;
use tokio::sync::{Notify, mpsc};

use crate::{
    double::{Double, Manners},
    values::{business, chat_id},
};

struct Place {
    folder: TempDir,
    service: Arc<Double>,
}

impl Place {
    /// A service with chats 1 to `chats` of cabinet 1, each with so many messages.
    fn with(chats: i64, messages: i64, manners: Manners) -> Self {
        let service = Arc::new(Double::new(manners));
        for raw in 1..=chats {
            service.open(1, raw);
            for _ in 0..messages {
                service.write(1, raw, Sender::Customer, &[]);
            }
        }
        Self { folder: tempfile::tempdir().unwrap(), service }
    }

    fn archive(&self) -> Archive {
        Archive::open(self.folder.path()).unwrap()
    }

    fn syncer(&self) -> Syncer {
        let service = &self.service;
        let syncer =
            Syncer::new(self.archive(), service.clone(), [business(1), business(2)]).unwrap();
        syncer.clock(service.clone(), service.clone())
    }

    async fn sync(&self, depth: Depth) -> Vec<String> {
        self.service.calls();
        self.syncer().once(depth).await.unwrap();
        let mut calls = self.service.calls();
        // One listing is that of the second, empty cabinet.
        let empty = calls.iter().position(|call| call == "getChats").unwrap();
        calls.remove(empty);
        calls
    }
}

fn count(calls: &[String], name: &str) -> usize {
    calls.iter().filter(|call| *call == name).count()
}

#[tokio::test]
async fn the_first_fill_takes_one_call_a_page_and_has_everything() {
    let place = Place::with(45, 120, Manners::default());
    place.service.open(2, 1);
    place.service.write(2, 1, Sender::Market, &[]);
    let calls = place.sync(Depth::Full).await;
    place.service.assert_equal(&place.archive());
    // 45 chats on 3 pages; 120 messages on 2 pages each; the second cabinet has one page of each.
    assert_eq!((count(&calls, "getChats"), count(&calls, "getChatHistory")), (3, 91));
    assert_eq!(calls.len(), 94);
}

#[tokio::test]
async fn an_idle_look_costs_one_call_and_a_new_message_one_more() {
    let place = Place::with(45, 3, Manners::default());
    place.sync(Depth::Full).await;
    assert_eq!(place.sync(Depth::Quick).await, ["getChats"]);
    place.service.write(1, 30, Sender::Customer, &[]);
    assert_eq!(place.sync(Depth::Quick).await, ["getChats", "getChatHistory"]);
    place.service.assert_equal(&place.archive());
    assert_eq!(place.sync(Depth::Quick).await, ["getChats"]);
}

#[tokio::test]
async fn more_changed_chats_than_a_page_holds_are_all_found() {
    let place = Place::with(90, 1, Manners::default());
    place.sync(Depth::Full).await;
    for raw in 1..=50 {
        place.service.write(1, raw, Sender::Customer, &[]);
    }
    let calls = place.sync(Depth::Quick).await;
    assert_eq!((count(&calls, "getChats"), count(&calls, "getChatHistory")), (3, 50));
    place.service.assert_equal(&place.archive());
}

#[tokio::test]
async fn a_status_that_changes_without_a_message_is_seen_by_a_full_listing() {
    let place = Place::with(45, 1, Manners::default());
    place.sync(Depth::Full).await;
    place.service.close(1, 2);
    place.sync(Depth::Full).await;
    place.service.assert_equal(&place.archive());
}

#[tokio::test]
async fn an_end_at_any_call_leaves_neither_a_hole_nor_a_double() {
    for manners in [
        Manners::default(),
        Manners { unordered: true, ..Manners::default() },
        Manners { whole_seconds: true, ..Manners::default() },
        Manners { unordered: true, whole_seconds: true },
    ] {
        for calls in [0, 2, 3, 5, 9, 17] {
            let place = Place::with(22, 0, manners);
            // One long history among short ones.
            for _ in 0..250 {
                place.service.write(1, 3, Sender::Customer, &[]);
            }
            place.service.write_meanwhile(Some((1, 22)));
            for life in 0..4 {
                place.service.fail_after(Some(calls + life));
                let depth = if life % 2 == 0 { Depth::Full } else { Depth::Quick };
                drop(place.syncer().once(depth).await);
            }
            place.service.fail_after(None);
            place.syncer().once(Depth::Quick).await.unwrap();
            place.service.write_meanwhile(None);
            place.syncer().once(Depth::Quick).await.unwrap();
            place.service.assert_equal(&place.archive());
        }
    }
}

#[tokio::test]
async fn an_unordered_service_is_read_whole_every_time() {
    let place = Place::with(45, 120, Manners { unordered: true, ..Manners::default() });
    place.sync(Depth::Full).await;
    place.service.assert_equal(&place.archive());
    let known = place.archive().cabinet(business(1)).unwrap().unwrap();
    assert_eq!((known.newest_first, known.history_ordered), (Some(false), Some(false)));
    place.service.write(1, 44, Sender::Customer, &[]);
    let calls = place.sync(Depth::Quick).await;
    assert_eq!((count(&calls, "getChats"), count(&calls, "getChatHistory")), (3, 1));
    place.service.assert_equal(&place.archive());
}

#[tokio::test]
async fn a_second_message_in_the_same_second_is_not_missed() {
    let place = Place::with(3, 1, Manners { whole_seconds: true, ..Manners::default() });
    place.sync(Depth::Full).await;
    // Two within a second, with a look in between.
    place.service.clock.set("2026-06-02T09:00:00.1Z".parse().unwrap());
    place.service.write(1, 2, Sender::Customer, &[]);
    let first = place.sync(Depth::Quick).await;
    assert_eq!(count(&first, "getChatHistory"), 1, "it waits until the second is over");
    place.service.clock.set("2026-06-02T09:00:10.1Z".parse().unwrap());
    place.service.write(1, 2, Sender::Customer, &[]);
    let told = Notification::ChatMessageSent {
        chat_id: chat_id(2),
        message_id: place.service.write(1, 2, Sender::Customer, &[]),
        business_id: business(1),
        sent_at: "2026-06-02T09:00:10Z".parse().unwrap(),
    };
    hinted(&place, vec![told]).await;
    place.service.write(1, 2, Sender::Customer, &[]);
    place.sync(Depth::Quick).await;
    place.service.assert_equal(&place.archive());
    assert_eq!(place.sync(Depth::Quick).await, ["getChats"]);
}

#[tokio::test]
async fn where_a_clock_stands_still_a_full_look_finds_what_came_meanwhile() {
    let place = Place::with(3, 1, Manners::default());
    place.sync(Depth::Full).await;
    let before = place.service.clock.now() - jiff::SignedDuration::from_millis(7);
    place.service.clock.set(before);
    place.service.write(1, 3, Sender::Customer, &[]);
    assert_eq!(place.sync(Depth::Full).await.len(), 2);
    place.service.assert_equal(&place.archive());
}

#[tokio::test]
async fn a_chat_that_vanished_is_kept_and_asked_for_no_more() {
    let place = Place::with(3, 1, Manners::default());
    place.sync(Depth::Full).await;
    place.service.write(1, 2, Sender::Customer, &[]);
    let syncer = place.syncer();
    place.service.fail_after(Some(2));
    drop(syncer.once(Depth::Quick).await);
    drop(syncer);
    place.service.fail_after(None);
    place.service.remove(1, 2);
    place.sync(Depth::Full).await;
    let kept = place.archive().chat(business(1), chat_id(2)).unwrap().unwrap();
    assert!(kept.gone_at.is_some());
    assert_eq!(place.archive().counts(None).unwrap().messages, 3);
    assert_eq!(place.sync(Depth::Quick).await, ["getChats"]);
}

/// Lets a syncer run until it has followed these notifications.
async fn hinted(place: &Place, told: Vec<Notification>) -> Vec<String> {
    let done = Arc::new(Notify::new());
    let seen = Arc::clone(&done);
    let syncer = place.syncer().on_event(move |event| {
        if matches!(event, beseda_archive::SyncEvent::Synced(_)) {
            seen.notify_one();
        }
    });
    let (send, hints) = mpsc::channel(16);
    for notification in told {
        send.send(notification).await.unwrap();
    }
    place.service.calls();
    // Hints go first; the end comes before the first look by the clock.
    syncer.run(Schedule::hinted(), Some(hints), done.notified()).await.unwrap();
    place.service.calls()
}

#[tokio::test]
async fn a_notification_costs_one_call_and_several_of_a_chat_no_more() {
    let place = Place::with(3, 1, Manners::default());
    place.sync(Depth::Full).await;
    let told: Vec<Notification> = (0..3)
        .map(|_| Notification::ChatMessageSent {
            chat_id: chat_id(2),
            message_id: place.service.write(1, 2, Sender::Customer, &[]),
            business_id: business(1),
            sent_at: "2026-06-02T09:00:10Z".parse().unwrap(),
        })
        .collect();
    assert_eq!(hinted(&place, told.clone()).await, ["getChatHistory"]);
    place.service.assert_equal(&place.archive());
    assert!(hinted(&place, told).await.is_empty(), "it is here already");
    // ExportKind the hint brought isn't read again when the list tells of it.
    assert_eq!(place.sync(Depth::Quick).await, ["getChats"]);
}

#[tokio::test]
async fn a_notification_of_an_unknown_chat_costs_one_call_more() {
    let place = Place::with(3, 1, Manners::default());
    place.sync(Depth::Full).await;
    place.service.open(1, 4);
    let told = Notification::ChatMessageSent {
        chat_id: chat_id(4),
        message_id: place.service.write(1, 4, Sender::Customer, &[]),
        business_id: business(1),
        sent_at: "2026-06-02T09:00:10Z".parse().unwrap(),
    };
    assert_eq!(hinted(&place, vec![told]).await, ["getChat", "getChatHistory"]);
    place.service.assert_equal(&place.archive());
}

#[tokio::test]
async fn files_are_fetched_once_per_content_and_given_up_with_a_reason() {
    let place = Place::with(1, 0, Manners::default());
    let links = ["http://files/1/abc", "http://files/2/abc", "http://files/3/lost"];
    let message = place.service.write(1, 1, Sender::Customer, &links);
    let syncer = place.syncer().with_attachments(place.service.clone());
    syncer.once(Depth::Full).await.unwrap();
    for _ in 0..3 {
        place.service.clock.advance(std::time::Duration::from_secs(60));
        syncer.once(Depth::Quick).await.unwrap();
    }
    let archive = place.archive();
    let found = archive.attachments(business(1), chat_id(1), message).unwrap();
    assert_eq!(found[0].sha256, found[1].sha256);
    assert_eq!(found[2].error.as_deref(), Some("Resource not found"));
    assert_eq!((found[2].due, found[2].tries), (None, 3));
    let bytes = archive.file(found[0].sha256.as_ref().unwrap()).await.unwrap();
    let bytes: Vec<bytes::Bytes> = bytes.try_collect().await.unwrap();
    assert_eq!(bytes.concat(), b"abc");
    let shelves = std::fs::read_dir(place.folder.path().join("files")).unwrap();
    let kept: usize =
        shelves.map(|shelf| std::fs::read_dir(shelf.unwrap().path()).unwrap().count()).sum();
    assert_eq!(kept, 1);
}

#[tokio::test]
async fn a_second_syncer_of_the_same_archive_says_who_is_first() {
    let place = Place::with(1, 1, Manners::default());
    let first = place.syncer();
    let second = Syncer::new(place.archive(), place.service.clone(), [business(1)]).unwrap_err();
    let Error::Locked { process, .. } = &second else { panic!("{second}") };
    assert_eq!(*process, Some(std::process::id()));
    drop(first);
    place.syncer().once(Depth::Full).await.unwrap();
}
