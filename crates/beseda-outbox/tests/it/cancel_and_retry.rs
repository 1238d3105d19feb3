//! Cancelling and retrying a message while it is being sent.

use std::{future, sync::Arc};

use async_trait::async_trait;
use beseda_outbox::{ItemState, Outbox, OutboxId};
use beseda_stand_in::{
    api::{
        BusinessId, ChatId, ChatsApi, Error, ErrorKind, HistoryFrom, MessagePage, MessageText,
        Result, forward_chats_api,
    },
    client::{ChatsExt, Client},
};

use crate::world::TestOutbox;

/// Cancels a message while its history is requested, and refuses the request.
struct CancelDuringHistory {
    client: Client,
    outbox: Outbox,
    id: OutboxId,
}

#[async_trait]
impl ChatsApi for CancelDuringHistory {
    forward_chats_api!(client: get_chats, get_chat, get_chat_message, create_chat, send_message_to_chat, send_file_to_chat);

    async fn get_chat_history(
        &self,
        _: BusinessId,
        _: ChatId,
        _: HistoryFrom,
    ) -> Result<MessagePage> {
        assert_eq!(self.outbox.cancel(self.id).await.unwrap().state, ItemState::Cancelled);
        Err(Error::new(ErrorKind::LimitExceeded, "Hit rate limit"))
    }
}

#[tokio::test]
async fn a_message_cancelled_while_the_history_is_read_is_not_sent() {
    let world = TestOutbox::new().await;
    let id = world.enqueue(0, "лучше не надо").await;
    let (client, outbox) = (world.client(), world.outbox.clone());
    let api = Arc::new(CancelDuringHistory { client, outbox, id });
    let business = world.stand_in.business_id();
    world.outbox.run(api, business, world.settings(), future::pending()).await.unwrap();
    assert_eq!(world.item(id).await.state, ItemState::Cancelled);
    world.run().await.unwrap();
    assert!(world.history(0, "лучше").await.is_empty());
}

#[tokio::test]
async fn a_retried_message_found_earlier_in_the_history_is_not_sent_again() {
    let world = TestOutbox::new().await;
    let business = world.stand_in.business_id();
    let before = world.client().history_sorted(business, world.chats[0], None).await.unwrap();
    let arrived = world.enqueue(0, "уже там").await;
    // The message was delivered but not visible at that time.
    let path = world.folder.path().join("archive/outbox.sqlite");
    let tables = rusqlite::Connection::open(path).unwrap();
    let sql =
        "UPDATE items SET state = 'failed', doubt = 1, attempts = 1, baseline = ? WHERE id = ?";
    let last = before.last().map_or(0, |message| message.message_id.get());
    tables.execute(sql, (last, arrived.0)).unwrap();
    let text = MessageText::new("уже там").unwrap();
    world.client().send_message_to_chat(business, world.chats[0], text).await.unwrap();

    let next = world.enqueue(0, "сразу потом").await;
    world.outbox.retry(arrived).await.unwrap();
    world.run().await.unwrap();
    assert_eq!(world.history(0, "уже").await, ["уже там"]);
    assert_eq!(world.history(0, "сразу").await, ["сразу потом"]);
    assert_eq!(world.item(arrived).await.attempts, 1);
    assert!(world.item(arrived).await.message_id < world.item(next).await.message_id);
}
