//! ExportKind happens at the same time: hints during a pass, several programs on one folder, clocks that are set back.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use beseda_api::{
    BusinessId, ChatContext, ChatId, ChatsApi, Clock, FileUpload, HistoryFrom, Message, MessageId,
    MessagePage, MessageText, Result, Sender, forward_chats_api, notification::Notification,
};
use beseda_archive::{Archive, Depth, Schedule, SyncEvent, Syncer};
use tokio::sync::{Notify, Semaphore, mpsc};

use crate::{
    double::{Double, Manners},
    values::{business, chat, chat_id, message},
};

/// Lets one history be read at a time, as a governor does, and the first only when it is told to.
struct Narrow {
    service: Arc<Double>,
    slot: Semaphore,
    entered: Notify,
    go_on: Notify,
}

#[async_trait]
impl ChatsApi for Narrow {
    forward_chats_api!(service: get_chats, get_chat);

    async fn get_chat_history(
        &self,
        business: BusinessId,
        chat: ChatId,
        from: HistoryFrom,
    ) -> Result<MessagePage> {
        let _slot = self.slot.acquire().await.unwrap();
        self.entered.notify_one();
        self.go_on.notified().await;
        self.go_on.notify_one();
        self.service.get_chat_history(business, chat, from).await
    }

    async fn get_chat_message(&self, _: BusinessId, _: ChatId, _: MessageId) -> Result<Message> {
        unreachable!("an archive has no use for it")
    }

    async fn create_chat(&self, _: BusinessId, _: ChatContext) -> Result<ChatId> {
        unreachable!("an archive writes nothing")
    }

    async fn send_message_to_chat(&self, _: BusinessId, _: ChatId, _: MessageText) -> Result<()> {
        unreachable!("an archive writes nothing")
    }

    async fn send_file_to_chat(&self, _: BusinessId, _: ChatId, _: FileUpload) -> Result<()> {
        unreachable!("an archive writes nothing")
    }
}

fn narrow() -> Arc<Narrow> {
    let service = Arc::new(Double::new(Manners::default()));
    for raw in 1..=3 {
        service.open(1, raw);
        service.write(1, raw, Sender::Customer, &[]);
    }
    let slot = Semaphore::new(1);
    Arc::new(Narrow { service, slot, entered: Notify::new(), go_on: Notify::new() })
}

fn told(service: &Double) -> Notification {
    Notification::ChatMessageSent {
        chat_id: chat_id(2),
        message_id: service.write(1, 2, Sender::Customer, &[]),
        business_id: business(1),
        sent_at: "2026-06-02T09:00:10Z".parse().unwrap(),
    }
}

#[tokio::test]
async fn a_hint_waits_for_no_call_that_nobody_goes_on_with() {
    let folder = tempfile::tempdir().unwrap();
    let narrow = narrow();
    let service = Arc::clone(&narrow.service);
    let archive = Archive::open(folder.path()).unwrap();
    let done = Arc::new(Notify::new());
    let seen = Arc::clone(&done);
    let syncer = Syncer::new(archive.clone(), narrow.clone(), [business(1)]).unwrap();
    let syncer = syncer.clock(service.clone(), service.clone()).on_event(move |event| {
        if let SyncEvent::Synced(tally) = event
            && tally.chats_read >= 4
        {
            seen.notify_one();
        }
    });
    let (send, hints) = mpsc::channel(16);
    let script = async {
        // The pass has the only slot, and a hint comes.
        narrow.entered.notified().await;
        send.send(told(&service)).await.unwrap();
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
        narrow.go_on.notify_one();
        done.notified().await;
    };
    syncer.run(Schedule::hinted(), Some(hints), script).await.unwrap();
    drop(syncer);
    service.assert_equal(&archive);
}

#[tokio::test]
async fn the_end_is_heard_while_a_hint_is_followed() {
    let folder = tempfile::tempdir().unwrap();
    let narrow = narrow();
    let service = Arc::clone(&narrow.service);
    let archive = Archive::open(folder.path()).unwrap();
    archive.put_chats(business(1), &[chat(2, "2026-06-01T00:00:00Z")], Default::default()).unwrap();
    let syncer = Syncer::new(archive, narrow.clone(), [business(1)]).unwrap();
    let syncer = syncer.clock(service.clone(), service.clone());
    let (send, hints) = mpsc::channel(16);
    send.send(told(&service)).await.unwrap();
    // The call for the hint never comes back.
    syncer.run(Schedule::hinted(), Some(hints), narrow.entered.notified()).await.unwrap();
}

#[test]
fn several_programs_may_make_one_archive_at_once() {
    for _ in 0..20 {
        let folder = tempfile::tempdir().unwrap();
        let open = || Archive::open(folder.path()).map(|archive| archive.counts(None).unwrap());
        std::thread::scope(|scope| {
            let all: Vec<_> = (0..4).map(|_| scope.spawn(open)).collect();
            all.into_iter().for_each(|one| assert_eq!(one.join().unwrap().unwrap().chats, 0));
        });
    }
}

#[tokio::test]
async fn a_clock_that_was_set_back_holds_nothing_up() {
    let folder = tempfile::tempdir().unwrap();
    let service = Arc::new(Double::new(Manners { whole_seconds: true, ..Manners::default() }));
    service.open(1, 1);
    service.write(1, 1, Sender::Customer, &[]);
    let archive = Archive::open(folder.path()).unwrap();
    let syncer = Syncer::new(archive.clone(), service.clone(), [business(1)]).unwrap();
    let syncer = syncer.clock(service.clone(), service.clone());
    syncer.once(Depth::Full).await.unwrap();
    let right = service.clock.now();
    // For a while it is a year ahead of the service; what is seen then is read after the clock was put right.
    service.write(1, 1, Sender::Customer, &[]);
    service.clock.advance(Duration::from_secs(365 * 24 * 3600));
    service.fail_after(Some(1));
    drop(syncer.once(Depth::Quick).await);
    service.fail_after(None);
    service.clock.set(right + jiff::SignedDuration::from_secs(5));
    syncer.once(Depth::Quick).await.unwrap();
    service.assert_equal(&archive);
    let waited = service.clock.now().duration_since(right);
    assert!(waited < jiff::SignedDuration::from_mins(1), "{waited:?}");
}

#[tokio::test]
async fn a_chat_of_the_year_one_is_whole_when_it_was_read() {
    let folder = tempfile::tempdir().unwrap();
    let service = Arc::new(Double::new(Manners::default()));
    service.open(1, 1);
    service.clock.set("0001-01-01T00:00:00Z".parse().unwrap());
    service.write(1, 1, Sender::Customer, &[]);
    service.clock.set("2026-06-01T10:00:00Z".parse().unwrap());
    let archive = Archive::open(folder.path()).unwrap();
    let syncer = Syncer::new(archive.clone(), service.clone(), [business(1)]).unwrap();
    let syncer = syncer.clock(service.clone(), service.clone());
    syncer.once(Depth::Full).await.unwrap();
    assert_eq!(archive.counts(None).unwrap().unfinished, 0);
    service.calls();
    syncer.once(Depth::Quick).await.unwrap();
    assert_eq!(service.calls(), ["getChats"]);
}

#[cfg(unix)]
#[test]
fn others_cant_read_an_archive_in_a_folder_that_is_open_to_them() {
    use std::os::unix::fs::PermissionsExt;

    let folder = tempfile::tempdir().unwrap();
    std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
    let archive = Archive::open(folder.path()).unwrap();
    archive.put_chats(business(1), &[chat(1, "2026-06-01T00:00:00Z")], Default::default()).unwrap();
    let one = message(1, "2026-06-01T00:00:00Z", "секрет");
    archive.put_messages(business(1), chat_id(1), &[one]).unwrap();
    for name in ["archive.sqlite", "archive.sqlite-wal"] {
        let mode = folder.path().join(name).metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "{name}");
    }
}
