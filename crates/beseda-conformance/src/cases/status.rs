//! Status of a chat after each event.

use beseda_api::{
    ChatId, ChatOpening, ChatStatus, ChatType, DisputeOpening, FileUpload, MarketMessage, OrderId,
    Sender, WaitingFor, wire::ContextRef,
};

use crate::TestEnvironment;

async fn support_asks(env: &TestEnvironment, chat: ChatId, side: WaitingFor) {
    let message = MarketMessage {
        sender: Sender::Support,
        waiting_for: Some(side),
        ..MarketMessage::customer("Пришлите, пожалуйста, фото")
    };
    env.write_as_market(chat, message).await;
}

fn by_order(raw: i64, message: Option<&str>) -> ChatOpening {
    let order = beseda_api::ChatContext::Order(OrderId::new(raw).unwrap());
    let message = message.map(str::to_owned);
    ChatOpening { context: Some(ContextRef::from(order)), message, ..ChatOpening::default() }
}

pub async fn a_chat_created_by_the_shop_is_new(env: &TestEnvironment) {
    let chat = env.create_order_chat(1).await;
    assert_eq!(env.chat_status(chat).await, ChatStatus::New);
}

pub async fn a_chat_opened_with_a_message_of_the_buyer_waits_for_the_shop(env: &TestEnvironment) {
    env.register_order(1).await;
    let opening = by_order(1, Some("Здравствуйте"));
    let chat = env.market().open_chat(env.business, opening).await.unwrap();
    assert_eq!(chat.status, ChatStatus::WaitingForPartner);
    assert_eq!(env.get_chat(chat.chat_id).await, env.expected_chat(chat));
}

pub async fn a_chat_with_a_direct_question_waits_for_the_shop(env: &TestEnvironment) {
    let chat = env.open_direct_chat("Мария К.").await;
    if !env.shows_direct_chats() {
        return env.assert_hidden(chat).await;
    }
    assert_eq!(env.chat_status(chat).await, ChatStatus::WaitingForPartner);
}

pub async fn a_chat_opened_without_a_message_is_new(env: &TestEnvironment) {
    env.register_order(1).await;
    let chat = env.market().open_chat(env.business, by_order(1, None)).await.unwrap();
    assert_eq!(chat.status, ChatStatus::New);
}

pub async fn a_new_chat_waits_for_the_shop_after_the_buyers_first_message(env: &TestEnvironment) {
    let chat = env.create_order_chat(1).await;
    env.write_as_buyer(chat, "Здравствуйте").await;
    assert_eq!(env.chat_status(chat).await, ChatStatus::WaitingForPartner);
}

pub async fn a_chat_waits_for_the_buyer_after_a_message_of_the_shop(env: &TestEnvironment) {
    let chat = env.create_order_chat(1).await;
    env.send_text(chat, "Здравствуйте").await;
    assert_eq!(env.chat_status(chat).await, ChatStatus::WaitingForCustomer);
    env.send_text(chat, "Вы тут?").await;
    assert_eq!(env.chat_status(chat).await, ChatStatus::WaitingForCustomer);
}

pub async fn a_chat_waits_for_the_other_side_after_each_message(env: &TestEnvironment) {
    let chat = env.create_order_chat(1).await;
    for _ in 0..3 {
        env.write_as_buyer(chat, "Вопрос").await;
        assert_eq!(env.chat_status(chat).await, ChatStatus::WaitingForPartner);
        env.send_text(chat, "Ответ").await;
        assert_eq!(env.chat_status(chat).await, ChatStatus::WaitingForCustomer);
    }
}

pub async fn a_chat_waits_for_the_shop_after_a_file_or_sticker_of_the_buyer(env: &TestEnvironment) {
    let chat = env.create_order_chat(1).await;
    let file = FileUpload::from_bytes("a.jpg", "x");
    env.market().write_file(env.business, chat, Sender::Customer, file).await.unwrap();
    assert_eq!(env.chat_status(chat).await, ChatStatus::WaitingForPartner);
    env.send_text(chat, "Спасибо").await;
    let sticker = MarketMessage { sticker: true, message: None, ..MarketMessage::customer("") };
    env.write_as_market(chat, sticker).await;
    assert_eq!(env.chat_status(chat).await, ChatStatus::WaitingForPartner);
}

pub async fn a_message_of_market_does_not_change_the_status(env: &TestEnvironment) {
    let new = env.create_order_chat(1).await;
    let waiting = env.chat_with_messages(2, 1).await;
    let answered = env.chat_with_messages(3, 1).await;
    env.send_text(answered, "Ответ").await;
    let dispute = env.open_dispute(4).await;
    for chat in [new, waiting, answered, dispute] {
        let before = env.chat_status(chat).await;
        let message =
            MarketMessage { sender: Sender::Market, ..MarketMessage::customer("Ключ: 1234") };
        env.write_as_market(chat, message).await;
        assert_eq!(env.chat_status(chat).await, before);
    }
}

pub async fn a_dispute_waits_for_the_arbiter(env: &TestEnvironment) {
    let order = env.register_order(1).await;
    let opening = DisputeOpening {
        order_id: Some(order.get()),
        message: Some("Пришло не то".to_owned()),
        ..DisputeOpening::default()
    };
    let chat = env.market().open_dispute(env.business, opening).await.unwrap();
    assert_eq!(
        (chat.chat_type.clone(), chat.status.clone()),
        (ChatType::Arbitrage, ChatStatus::WaitingForArbiter)
    );
    assert_eq!(env.get_chat(chat.chat_id).await, env.expected_chat(chat.clone()));
    assert_eq!(env.texts(chat.chat_id).await, ["Пришло не то"]);
}

pub async fn a_dispute_waits_for_the_arbiter_after_a_message_of_the_shop(env: &TestEnvironment) {
    let chat = env.open_dispute(1).await;
    env.send_text(chat, "Отправили верно, вот фото").await;
    assert_eq!(env.chat_status(chat).await, ChatStatus::WaitingForArbiter);
    env.send_file(chat, "фото.jpg", "x").await;
    assert_eq!(env.chat_status(chat).await, ChatStatus::WaitingForArbiter);
}

pub async fn a_dispute_waits_for_the_side_that_the_arbiter_asks(env: &TestEnvironment) {
    let chat = env.open_dispute(1).await;
    for (side, status) in [
        (WaitingFor::Partner, ChatStatus::WaitingForPartner),
        (WaitingFor::Customer, ChatStatus::WaitingForCustomer),
        (WaitingFor::Market, ChatStatus::WaitingForMarket),
        (WaitingFor::Arbiter, ChatStatus::WaitingForArbiter),
    ] {
        support_asks(env, chat, side).await;
        assert_eq!(env.chat_status(chat).await, status);
    }
}

pub async fn a_dispute_waits_for_the_arbiter_after_an_answer(env: &TestEnvironment) {
    let chat = env.open_dispute(1).await;
    support_asks(env, chat, WaitingFor::Partner).await;
    env.send_text(chat, "Вот фото").await;
    assert_eq!(env.chat_status(chat).await, ChatStatus::WaitingForArbiter);
}

pub async fn a_resolved_dispute_is_finished(env: &TestEnvironment) {
    let chat = env.open_dispute(1).await;
    let resolved = env.market().resolve_dispute(env.business, chat).await.unwrap();
    assert_eq!(resolved.status, ChatStatus::Finished);
    assert_eq!(resolved.chat_type, ChatType::Arbitrage);
    assert_eq!(env.get_chat(chat).await, env.expected_chat(resolved));
}

pub async fn a_closed_chat_is_finished(env: &TestEnvironment) {
    let chat = env.chat_with_messages(1, 1).await;
    let closed = env.market().close_chat(env.business, chat).await.unwrap();
    assert_eq!(closed.status, ChatStatus::Finished);
    assert_eq!(env.get_chat(chat).await, env.expected_chat(closed));
}

pub async fn a_dispute_does_not_change_the_chat_of_its_order(env: &TestEnvironment) {
    let chat = env.chat_with_messages(1, 2).await;
    let before = env.get_chat(chat).await;
    env.advance_second();
    let dispute = env.open_dispute(1).await;
    env.write_as_buyer(dispute, "Не согласен").await;
    env.market().resolve_dispute(env.business, dispute).await.unwrap();
    assert_eq!(env.get_chat(chat).await, before);
    env.send_text(chat, "Мы ещё здесь").await;
    assert_eq!(env.chat_status(chat).await, ChatStatus::WaitingForCustomer);
}

pub async fn a_refused_message_does_not_change_the_status(env: &TestEnvironment) {
    let chat = env.chat_with_messages(1, 1).await;
    env.market().close_chat(env.business, chat).await.unwrap();
    env.api.send_message_to_chat(env.business, chat, crate::text("Да")).await.unwrap_err();
    assert_eq!(env.chat_status(chat).await, ChatStatus::Finished);
}
