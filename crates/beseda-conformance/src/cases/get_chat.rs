//! getChat: one chat as it stands, and its two times.

use beseda_api::{ChatContext, ChatId, Error, MarketMessage, OrderId, Sender};

use crate::{World, refusal::refused_as};

pub async fn an_unknown_chat_is_not_found(world: &World) {
    world.order_chat(1).await;
    for raw in [42, i64::MAX] {
        let chat = ChatId::new(raw).unwrap();
        refused_as(world.api.get_chat(world.business, chat).await, &Error::chat_not_found(chat));
    }
}

pub async fn a_chat_without_messages_was_updated_when_it_was_created(world: &World) {
    let chat = world.order_chat(1).await;
    let created = world.now();
    world.tick();
    let chat = world.chat(chat).await;
    assert_eq!((chat.created_at, chat.updated_at), (created, created));
}

pub async fn every_message_updates_its_chat_whoever_writes(world: &World) {
    let chat = world.order_chat(1).await;
    let created = world.now();
    for sender in [None, Some(Sender::Customer), Some(Sender::Market), Some(Sender::Support)] {
        world.tick();
        match sender {
            None => world.say(chat, "Добрый день").await,
            Some(sender) => {
                let message =
                    MarketMessage { sender, ..MarketMessage::customer("Сообщение") };
                world.market_writes(chat, message).await;
            }
        }
        let now = world.chat(chat).await;
        assert_eq!((now.created_at, now.updated_at), (created, world.now()));
    }
}

pub async fn a_file_and_a_sticker_update_their_chat_too(world: &World) {
    let chat = world.order_chat(1).await;
    world.tick();
    world.send_file(chat, "чек.pdf", "%PDF").await;
    assert_eq!(world.chat(chat).await.updated_at, world.now());
    world.tick();
    let sticker = MarketMessage { sticker: true, message: None, ..MarketMessage::customer("") };
    world.market_writes(chat, sticker).await;
    assert_eq!(world.chat(chat).await.updated_at, world.now());
}

pub async fn a_chat_is_updated_when_its_last_message_is_written(world: &World) {
    let chat = world.talk(1, 3).await;
    world.tick();
    world.say(chat, "Ответ").await;
    world.tick();
    let last = world.history(chat).await.pop().unwrap();
    assert_eq!(world.chat(chat).await.updated_at, last.created_at);
}

pub async fn reading_changes_nothing(world: &World) {
    let chat = world.talk(1, 2).await;
    let before = world.chat(chat).await;
    world.tick();
    world.history(chat).await;
    world.create(ChatContext::Order(OrderId::new(1).unwrap())).await;
    assert_eq!(world.chat(chat).await, before);
}

pub async fn closing_a_chat_is_no_message(world: &World) {
    let chat = world.talk(1, 1).await;
    let before = world.chat(chat).await;
    world.tick();
    world.market().close_chat(world.business, chat).await.unwrap();
    assert_eq!(world.chat(chat).await.updated_at, before.updated_at);
    assert_eq!(world.history(chat).await.len(), 1);
}
