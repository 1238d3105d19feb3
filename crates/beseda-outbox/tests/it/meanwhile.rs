//! What people do while a message is on its way: taken back it stays, tried again it is looked for wherever it is.

use std::{future, sync::Arc};

use async_trait::async_trait;
use beseda_outbox::{Outbox, OutboxId, State};
use beseda_stand_in::{
    api::{
        BusinessId, ChatId, ChatsApi, Error, ErrorKind, HistoryFrom, MessagePage, MessageText,
        Result, forward_chats_api,
    },
    client::{ChatsExt, Client},
};

use crate::world::World;

/// Takes a message back while the history is asked for, which is refused then.
struct Meddler {
    client: Client,
    outbox: Outbox,
    id: OutboxId,
}

#[async_trait]
impl ChatsApi for Meddler {
    forward_chats_api!(client: get_chats, get_chat, get_chat_message, create_chat, send_message_to_chat, send_file_to_chat);

    async fn get_chat_history(
        &self,
        _: BusinessId,
        _: ChatId,
        _: HistoryFrom,
    ) -> Result<MessagePage> {
        assert_eq!(self.outbox.cancel(self.id).await.unwrap().state, State::Cancelled);
        Err(Error::new(ErrorKind::LimitExceeded, "Hit rate limit"))
    }
}

#[tokio::test]
async fn what_was_taken_back_while_its_chat_was_looked_at_is_not_sent() {
    let world = World::new().await;
    let id = world.say(0, "лучше не надо").await;
    let (client, outbox) = (world.client(), world.outbox.clone());
    let meddler = Arc::new(Meddler { client, outbox, id });
    let business = world.stand_in.business_id();
    world.outbox.run(meddler, business, world.settings(), future::pending()).await.unwrap();
    assert_eq!(world.item(id).await.state, State::Cancelled);
    world.run().await.unwrap();
    assert!(world.said(0, "лучше").await.is_empty());
}

#[tokio::test]
async fn what_arrived_before_its_neighbours_is_not_sent_again_by_a_retry() {
    let world = World::new().await;
    let business = world.stand_in.business_id();
    let before = world.client().history_sorted(business, world.chats[0], None).await.unwrap();
    let arrived = world.say(0, "уже там").await;
    // It arrived, but nobody could see it then.
    let path = world.folder.path().join("archive/outbox.sqlite");
    let tables = rusqlite::Connection::open(path).unwrap();
    let sql =
        "UPDATE items SET state = 'failed', doubt = 1, attempts = 1, baseline = ? WHERE id = ?";
    let last = before.last().map_or(0, |message| message.message_id.get());
    tables.execute(sql, (last, arrived.0)).unwrap();
    let text = MessageText::new("уже там").unwrap();
    world.client().send_message_to_chat(business, world.chats[0], text).await.unwrap();

    let next = world.say(0, "сразу потом").await;
    world.outbox.retry(arrived).await.unwrap();
    world.run().await.unwrap();
    assert_eq!(world.said(0, "уже").await, ["уже там"]);
    assert_eq!(world.said(0, "сразу").await, ["сразу потом"]);
    assert_eq!(world.item(arrived).await.attempts, 1);
    assert!(world.item(arrived).await.message_id < world.item(next).await.message_id);
}
