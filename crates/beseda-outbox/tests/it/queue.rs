//! What the outbox accepts, gives back, and lets be taken back, without anything being sent.

use std::os::unix::fs::PermissionsExt;

use beseda_outbox::{Error, Filter, NewItem, Outbox, OutboxId, State};
use beseda_stand_in::client::OutgoingMessage;

use crate::world::World;

#[tokio::test]
async fn what_was_accepted_is_there_after_the_program() {
    let world = World::new().await;
    let first = world.say(0, "раз").await;
    let what = OutgoingMessage::file("фото.jpg", vec![7; 1000]);
    let operator = Some("Анна".to_owned());
    let new =
        NewItem { operator, ..NewItem::new(world.stand_in.business_id(), world.chats[1], what) };
    let second = world.outbox.enqueue(new).await.unwrap();

    let again = Outbox::open(world.folder.path().join("archive")).await.unwrap();
    let all = again.list(Filter::default()).await.unwrap();
    assert_eq!(all.iter().map(|item| item.id).collect::<Vec<_>>(), [first, second]);
    assert_eq!(all[0].text.as_deref(), Some("раз"));
    let file = all[1].file.as_ref().unwrap();
    assert_eq!((file.name.as_str(), file.size), ("фото.jpg", 1000));
    assert_eq!(all[1].operator.as_deref(), Some("Анна"));
    assert!(all.iter().all(|item| item.state == State::Queued));
}

#[tokio::test]
async fn nobody_else_may_look_into_it() {
    let world = World::new().await;
    let folder = world.folder.path().join("archive");
    let mode = |path: &std::path::Path| path.metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&folder), 0o700);
    assert_eq!(mode(&folder.join("outbox.sqlite")), 0o600);
    assert_eq!(mode(&folder.join("outbox.sqlite-wal")), 0o600);
}

#[tokio::test]
async fn only_what_is_queued_can_be_cancelled_and_only_what_failed_tried_again() {
    let world = World::new().await;
    let (taken_back, kept) = (world.say(0, "не надо").await, world.say(0, "надо").await);
    assert_eq!(world.outbox.cancel(taken_back).await.unwrap().state, State::Cancelled);
    world.run().await.unwrap();
    assert_eq!(world.said(0, "н").await, ["надо"]);

    for id in [taken_back, kept] {
        let error = world.outbox.cancel(id).await.unwrap_err();
        assert!(matches!(error, Error::NotNow { .. }), "{error}");
        let error = world.outbox.retry(id).await.unwrap_err();
        assert!(error.to_string().contains("only what is failed"), "{error}");
    }
    let error = world.outbox.cancel(OutboxId(99)).await.unwrap_err();
    assert_eq!(error.to_string(), "there is no message 99 in the outbox");
}

#[tokio::test]
async fn the_files_of_what_is_over_are_taken_away() {
    let world = World::new().await;
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
    assert_eq!(world.all().await.iter().filter(|item| item.state == State::Confirmed).count(), 3);
}

#[tokio::test]
async fn the_example_does_what_it_says() {
    let world = World::new().await;
    let what = OutgoingMessage::text("из примера").unwrap();
    let new = NewItem::new(world.stand_in.business_id(), world.chats[0], what);
    let folder = world.folder.path().join("example");
    crate::example::send(&folder, world.client(), new).await.unwrap();
    assert_eq!(world.said(0, "из").await, ["из примера"]);
}
