//! getChatMessage: single messages.

use beseda_api::{ChatId, Error, MarketMessage, MessageId, Sender};

use crate::{TestEnvironment, assertions::assert_refused_with};

pub async fn a_message_is_the_same_as_in_the_history(env: &TestEnvironment) {
    let chat = env.chat_with_messages(1, 2).await;
    env.send_text(chat, "Ответ").await;
    env.send_file(chat, "фото.jpg", "bytes").await;
    for message in env.history(chat).await {
        let read = env.api.get_chat_message(env.business, chat, message.message_id).await;
        assert_eq!(read.unwrap(), message);
    }
}

pub async fn an_unknown_message_is_not_found(env: &TestEnvironment) {
    let chat = env.chat_with_messages(1, 1).await;
    for raw in [7, i64::MAX] {
        let message = MessageId::new(raw).unwrap();
        let result = env.api.get_chat_message(env.business, chat, message).await;
        assert_refused_with(result, &Error::message_not_found(chat, message));
    }
}

pub async fn a_message_of_an_unknown_chat_is_a_chat_not_found(env: &TestEnvironment) {
    let chat = env.chat_with_messages(1, 1).await;
    let message = env.history(chat).await[0].message_id;
    let unknown = ChatId::new(42).unwrap();
    let result = env.api.get_chat_message(env.business, unknown, message).await;
    assert_refused_with(result, &Error::chat_not_found(unknown));
}

pub async fn a_message_of_another_chat_is_not_found(env: &TestEnvironment) {
    let one = env.chat_with_messages(1, 1).await;
    let two = env.chat_with_messages(2, 1).await;
    let message = env.history(one).await[0].message_id;
    let result = env.api.get_chat_message(env.business, two, message).await;
    assert_refused_with(result, &Error::message_not_found(two, message));
}

pub async fn a_sticker_has_neither_text_nor_payload(env: &TestEnvironment) {
    let chat = env.create_order_chat(1).await;
    let sticker = MarketMessage { sticker: true, message: None, ..MarketMessage::customer("") };
    let written = env.write_as_market(chat, sticker).await;
    let read = env.api.get_chat_message(env.business, chat, written.message_id).await.unwrap();
    assert_eq!(read, written);
    assert_eq!((read.message, read.payload), (None, None));
    assert_eq!(read.sender, Sender::Customer);
    assert_eq!(env.history(chat).await, [written]);
}

pub async fn a_message_of_the_marketplace_is_the_same_as_in_its_response(env: &TestEnvironment) {
    let chat = env.create_order_chat(1).await;
    env.advance_second();
    for sender in [Sender::Customer, Sender::Market, Sender::Support] {
        let message = MarketMessage { sender: sender.clone(), ..MarketMessage::customer("Да") };
        let written = env.write_as_market(chat, message).await;
        let read = env.api.get_chat_message(env.business, chat, written.message_id).await;
        let read = read.unwrap();
        assert_eq!(read, written);
        assert_eq!((read.sender, read.created_at), (sender, env.now()));
        assert_eq!(read.message.as_deref(), Some("Да"));
    }
}
