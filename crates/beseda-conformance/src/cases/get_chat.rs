//! getChat: chats and their two times.

use beseda_api::{ChatContext, ChatId, Error, MarketMessage, OrderId, Sender};

use crate::{TestEnvironment, assertions::assert_refused_with};

pub async fn an_unknown_chat_is_not_found(env: &TestEnvironment) {
    env.create_order_chat(1).await;
    for raw in [42, i64::MAX] {
        let chat = ChatId::new(raw).unwrap();
        assert_refused_with(
            env.api.get_chat(env.business, chat).await,
            &Error::chat_not_found(chat),
        );
    }
}

pub async fn a_chat_without_messages_has_its_creation_time_as_update_time(env: &TestEnvironment) {
    let chat = env.create_order_chat(1).await;
    let created = env.now();
    env.advance_second();
    let chat = env.get_chat(chat).await;
    assert_eq!((chat.created_at, chat.updated_at), (created, created));
}

pub async fn a_message_of_any_sender_updates_its_chat(env: &TestEnvironment) {
    let chat = env.create_order_chat(1).await;
    let created = env.now();
    for sender in [None, Some(Sender::Customer), Some(Sender::Market), Some(Sender::Support)] {
        env.advance_second();
        match sender {
            None => env.send_text(chat, "Добрый день").await,
            Some(sender) => {
                let message =
                    MarketMessage { sender, ..MarketMessage::customer("Сообщение") };
                env.write_as_market(chat, message).await;
            }
        }
        let now = env.get_chat(chat).await;
        assert_eq!((now.created_at, now.updated_at), (created, env.now()));
    }
}

pub async fn files_and_stickers_update_their_chat(env: &TestEnvironment) {
    let chat = env.create_order_chat(1).await;
    env.advance_second();
    env.send_file(chat, "чек.pdf", "%PDF").await;
    assert_eq!(env.get_chat(chat).await.updated_at, env.now());
    env.advance_second();
    let sticker = MarketMessage { sticker: true, message: None, ..MarketMessage::customer("") };
    env.write_as_market(chat, sticker).await;
    assert_eq!(env.get_chat(chat).await.updated_at, env.now());
}

pub async fn the_update_time_of_a_chat_is_that_of_its_last_message(env: &TestEnvironment) {
    let chat = env.chat_with_messages(1, 3).await;
    env.advance_second();
    env.send_text(chat, "Ответ").await;
    env.advance_second();
    let last = env.history(chat).await.pop().unwrap();
    assert_eq!(env.get_chat(chat).await.updated_at, last.created_at);
}

pub async fn reading_changes_nothing(env: &TestEnvironment) {
    let chat = env.chat_with_messages(1, 2).await;
    let before = env.get_chat(chat).await;
    env.advance_second();
    env.history(chat).await;
    env.create_chat(ChatContext::Order(OrderId::new(1).unwrap())).await;
    assert_eq!(env.get_chat(chat).await, before);
}

pub async fn closing_a_chat_writes_no_message_and_does_not_update_it(env: &TestEnvironment) {
    let chat = env.chat_with_messages(1, 1).await;
    let before = env.get_chat(chat).await;
    env.advance_second();
    env.market().close_chat(env.business, chat).await.unwrap();
    assert_eq!(env.get_chat(chat).await.updated_at, before.updated_at);
    assert_eq!(env.history(chat).await.len(), 1);
}
