//! getChatMessage: one message, wherever it came from.

use beseda_api::{ChatId, Error, MarketMessage, MessageId, Sender};

use crate::{World, refusal::refused_as};

pub async fn a_message_is_what_the_history_shows(world: &World) {
    let chat = world.talk(1, 2).await;
    world.say(chat, "Ответ").await;
    world.send_file(chat, "фото.jpg", "bytes").await;
    for message in world.history(chat).await {
        let read = world.api.get_chat_message(world.business, chat, message.message_id).await;
        assert_eq!(read.unwrap(), message);
    }
}

pub async fn an_unknown_message_is_not_found(world: &World) {
    let chat = world.talk(1, 1).await;
    for raw in [7, i64::MAX] {
        let message = MessageId::new(raw).unwrap();
        let result = world.api.get_chat_message(world.business, chat, message).await;
        refused_as(result, &Error::message_not_found(chat, message));
    }
}

pub async fn a_message_of_an_unknown_chat_is_a_chat_not_found(world: &World) {
    let chat = world.talk(1, 1).await;
    let message = world.history(chat).await[0].message_id;
    let unknown = ChatId::new(42).unwrap();
    let result = world.api.get_chat_message(world.business, unknown, message).await;
    refused_as(result, &Error::chat_not_found(unknown));
}

pub async fn a_message_of_another_chat_is_not_found(world: &World) {
    let one = world.talk(1, 1).await;
    let two = world.talk(2, 1).await;
    let message = world.history(one).await[0].message_id;
    let result = world.api.get_chat_message(world.business, two, message).await;
    refused_as(result, &Error::message_not_found(two, message));
}

pub async fn a_sticker_has_neither_text_nor_payload(world: &World) {
    let chat = world.order_chat(1).await;
    let sticker = MarketMessage { sticker: true, message: None, ..MarketMessage::customer("") };
    let written = world.market_writes(chat, sticker).await;
    let read = world.api.get_chat_message(world.business, chat, written.message_id).await.unwrap();
    assert_eq!(read, written);
    assert_eq!((read.message, read.payload), (None, None));
    assert_eq!(read.sender, Sender::Customer);
    assert_eq!(world.history(chat).await, [written]);
}

pub async fn what_the_marketplace_wrote_is_what_it_was_told(world: &World) {
    let chat = world.order_chat(1).await;
    world.tick();
    for sender in [Sender::Customer, Sender::Market, Sender::Support] {
        let message = MarketMessage { sender: sender.clone(), ..MarketMessage::customer("Да") };
        let written = world.market_writes(chat, message).await;
        let read = world.api.get_chat_message(world.business, chat, written.message_id).await;
        let read = read.unwrap();
        assert_eq!(read, written);
        assert_eq!((read.sender, read.created_at), (sender, world.now()));
        assert_eq!(read.message.as_deref(), Some("Да"));
    }
}
