//! Enqueueing, listing and cancelling without sending.

use std::os::unix::fs::PermissionsExt;

use beseda_outbox::{Error, ItemFilter, ItemState, NewItem, Outbox, OutboxId};
use beseda_stand_in::client::OutgoingMessage;

use crate::world::TestOutbox;

#[tokio::test]
async fn enqueued_messages_survive_the_process() {
    let world = TestOutbox::new().await;
    let first = world.enqueue(0, "раз").await;
    let what = OutgoingMessage::file("фото.jpg", vec![7; 1000]);
    let operator = Some("Анна".to_owned());
    let new =
        NewItem { operator, ..NewItem::new(world.stand_in.business_id(), world.chats[1], what) };
    let second = world.outbox.enqueue(new).await.unwrap();

    let again = Outbox::open(world.folder.path().join("archive")).await.unwrap();
    let all = again.list(ItemFilter::default()).await.unwrap();
    assert_eq!(all.iter().map(|item| item.id).collect::<Vec<_>>(), [first, second]);
    assert_eq!(all[0].text.as_deref(), Some("раз"));
    let file = all[1].file.as_ref().unwrap();
    assert_eq!((file.name.as_str(), file.size), ("фото.jpg", 1000));
    assert_eq!(all[1].operator.as_deref(), Some("Анна"));
    assert!(all.iter().all(|item| item.state == ItemState::Queued));
}

#[tokio::test]
async fn the_files_are_accessible_to_their_owner_only() {
    let world = TestOutbox::new().await;
    let folder = world.folder.path().join("archive");
    let mode = |path: &std::path::Path| path.metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&folder), 0o700);
    assert_eq!(mode(&folder.join("outbox.sqlite")), 0o600);
    assert_eq!(mode(&folder.join("outbox.sqlite-wal")), 0o600);
}

#[tokio::test]
async fn only_queued_messages_can_be_cancelled_and_only_failed_ones_retried() {
    let world = TestOutbox::new().await;
    let (taken_back, kept) = (world.enqueue(0, "не надо").await, world.enqueue(0, "надо").await);
    assert_eq!(world.outbox.cancel(taken_back).await.unwrap().state, ItemState::Cancelled);
    world.run().await.unwrap();
    assert_eq!(world.history(0, "н").await, ["надо"]);

    for id in [taken_back, kept] {
        let error = world.outbox.cancel(id).await.unwrap_err();
        assert!(matches!(error, Error::InvalidState { .. }), "{error}");
        let error = world.outbox.retry(id).await.unwrap_err();
        assert!(error.to_string().contains("only failed messages"), "{error}");
    }
    let error = world.outbox.cancel(OutboxId(99)).await.unwrap_err();
    assert_eq!(error.to_string(), "there is no message 99 in the outbox");
}

#[tokio::test]
async fn files_of_completed_messages_are_deleted() {
    let world = TestOutbox::new().await;
    let (business, files) =
        (world.stand_in.business_id(), world.folder.path().join("archive/outbox-files"));
    let count = || std::fs::read_dir(&files).unwrap().count();
    let file = |byte: u8| OutgoingMessage::file("a.bin", vec![byte; 5000]);
    for byte in [1, 1, 2, 3] {
        world.outbox.enqueue(NewItem::new(business, world.chats[0], file(byte))).await.unwrap();
    }
    assert_eq!(count(), 3, "equal files are kept once");
    world.outbox.cancel(OutboxId(4)).await.unwrap();
    assert_eq!(count(), 2);
    world.run().await.unwrap();
    assert_eq!(count(), 0);
    assert_eq!(
        world.all().await.iter().filter(|item| item.state == ItemState::Confirmed).count(),
        3
    );
}

#[tokio::test]
async fn the_example_sends_a_message() {
    let world = TestOutbox::new().await;
    let what = OutgoingMessage::text("из примера").unwrap();
    let new = NewItem::new(world.stand_in.business_id(), world.chats[0], what);
    let folder = world.folder.path().join("example");
    crate::example::send(&folder, world.client(), new).await.unwrap();
    assert_eq!(world.history(0, "из").await, ["из примера"]);
}
